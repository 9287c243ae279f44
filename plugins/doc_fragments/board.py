# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that runs the programs of a board."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  data_dir:
    description:
      - Data folder of k3s on the board.
    type: path
    default: /var/lib/rancher/k3s
  k3s:
    description:
      - Path of the C(k3s) program on the board.
      - When unset, it is searched in the usual folders, among them C(/usr/local/bin) and C(/opt/bin). Modules take what
        k3s has unpacked into O(data_dir) first. M(riscv.k3s.k3s_info) also takes the program that a running k3s, or its
        service, was started by.
    type: path
  crictl:
    description:
      - Path of a C(crictl) program to use instead of C(k3s crictl).
    type: path
  ctr:
    description:
      - Path of a C(ctr) program to use instead of C(k3s ctr).
    type: path
  kubectl:
    description:
      - Path of a C(kubectl) program to use instead of C(k3s kubectl).
    type: path
  containerd_address:
    description:
      - Socket of containerd, for a board that runs its own containerd instead of k3s's.
      - Needs O(crictl) and O(ctr).
    type: path
requirements:
  - root on the board (C(become))
"""
