# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the board is: the reader of what board.sh writes, and of the step before it. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Keys of config.yaml that may leave the board. Never add one that can hold a secret.
CONFIG_KEYS = (
    "container-runtime-endpoint",
    "data-dir",
    "disable",
    "disable-default-registry-endpoint",
    "disable-helm-controller",
    "embedded-registry",
    "helm-controller-arg",
    "node-name",
    "pause-image",
    "private-registry",
    "system-default-registry",
    "write-kubeconfig",
)
_LINES = ("hostname", "machine", "k3s", "data_dir", "registries", "kubeconfig", "role", "stale")


def read_board(sections, explicit):
    """{hostname, machine, k3s, data_dir, registries, kubeconfig, role, stale} as texts.

    ``explicit`` says whether crictl and ctr were given, so that a board without k3s will do. Raises Problem when the
    board cannot be observed at all.
    """
    _check_user(sections["user"].out.strip())
    if "board" not in sections:
        raise Problem(
            "the observing script ended before it observed the board",
            next_step="check that the board's /bin/sh is a POSIX shell",
        )
    lines = sections["board"].out.split("\n")
    board = dict(zip(_LINES, lines + [""] * len(_LINES)))
    if not board["k3s"] and not explicit:
        raise Problem(
            "k3s was not found on this board",
            found="no program k3s in the usual folders",
            where=board["hostname"],
            next_step="install k3s first, name its path in the option k3s, or for a plain containerd give the options "
            "crictl, ctr and containerd_address",
        )
    return board


def _check_user(user):
    if user != "0":
        raise Problem(
            "observing a board needs root there",
            found="user id %s" % (user or "unknown"),
            next_step="set become: true for the play, or connect as root",
        )
