# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last lines of publish and prepare_upgrade: what was left out, and what to do now. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell

_LEFT = "The registry lacks %s, which nothing runs yet: boards leave that to k3s. %s"


def ending(
    after: Mapping[str, Any],
    inventory: Sequence[str] = (),
    pending: int = 0,
    is_check: bool = False,
    version: str = "",
    blank: Sequence[str] = (),
) -> List[str]:
    """Lines for people. ``after`` is a result of publication, ``inventory`` what -i named, ``pending`` how many images
    were to be published, ``version`` a k3s that no board runs yet, empty where the boards were asked, ``blank`` the
    boards on which k3s has not run. What is missing ends the run, and the task that ends it says what to do.
    """
    # The reason is most often the same for all of them, a source that cannot be reached, and nobody has to mend it.
    reason = after["later"][0].partition(" Found: ")[0].partition(" Next: ")[0] if after["left"] else ""
    left = [_LEFT % (" and ".join(after["left"]), reason)] if after["left"] else []
    if after["missing"]:
        return left
    if is_check and pending:
        return left + ["Next: the same command without --check, which publishes %d of them" % pending]
    if version:
        return left + ["Next: upgrade k3s to %s; boards with this registry need no run for its images" % version]
    return left + ["Next: %s" % command("riscv.k3s.install" if blank else "riscv.k3s.plan", inventory)]


def command(playbook: str, inventory: Sequence[str] = ()) -> str:
    """The command line of a playbook with the inventory of this run."""
    words = [word for path in inventory for word in shell.option("-i", str(path))]
    return shell.command("ansible-playbook", *words, playbook)
