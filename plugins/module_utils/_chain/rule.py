# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reason at the end of an error tells: its cause, and who gave it. Pure.

A rule's pattern begins where a segment begins. `chain.told` tries the rules on the innermost segment first, then on the
one around it together with it, and so on outward; among the rules for one place the first that fits decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Pattern, Tuple

# ASKED stands for whoever the chain says was asked: a registry, its token server, a mirror, a proxy.
ASKED = "asked"
# Instead of a cause: the words are understood, and say nothing of why something does not run.
NOTHING = ""
REGISTRY, TOKEN_SERVER, PROXY, MIRROR = "registry", "token-server", "proxy", "mirror"
NETWORK, DNS, STORE, KERNEL, RUNC, CNI = "network", "dns", "store", "kernel", "runc", "cni"
KUBELET, CONTAINERD, API, K3S, PROGRAM = "kubelet", "containerd", "api-server", "k3s", "program"
HELM, PROVISIONER, SCHEDULER, UNKNOWN = "helm", "provisioner", "scheduler", "unknown"


class Rule(NamedTuple):
    """One reason. ``cause`` is the id of a cause. ``within`` names operations (see operations) of which one must stand
    around it, ``without`` those of which none may: "not found" is another thing of a registry than of the board's
    store. ``sure`` is False where the words fit more than one cause. ``variant`` tells causes apart that differ only in
    the sentence for people.
    """

    cause: str
    speaker: str
    pattern: Pattern
    within: Tuple[str, ...] = ()
    without: Tuple[str, ...] = ()
    sure: bool = True
    variant: str = ""


def rule(
    cause: str,
    speaker: str,
    pattern: str,
    within: Tuple[str, ...] = (),
    without: Tuple[str, ...] = (),
    sure: bool = True,
    variant: str = "",
) -> Rule:
    """A Rule from the text of its pattern."""
    return Rule(cause, speaker, re.compile(pattern), within, without, sure, variant)
