# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of architectures: the kernel's, and those of the OCI image specification (GOARCH)."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_OCI = {
    "riscv64": "riscv64",
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "loongarch64": "loong64",
}
KNOWN = frozenset(_OCI.values())


def to_oci(machine: str) -> str:
    """The OCI name for what ``uname -m`` prints (or the name itself when it is an OCI name already).

    Raises Problem for an architecture that is not known: a guess would tag the wrong content.
    """
    if machine in KNOWN:
        return machine
    if machine not in _OCI:
        raise Problem(
            "the architecture %r is not known" % (machine,),
            found="known are " + ", ".join(sorted(KNOWN)),
            next_step="state the board's architecture in riscv_k3s_architecture, or report this machine type",
        )
    return _OCI[machine]
