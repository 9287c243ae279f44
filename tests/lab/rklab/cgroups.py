# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cgroup folder a board in each hierarchy, because two kubelets cannot share one."""

from __future__ import annotations

import os
import pathlib
import time

from common import CGROUP, LabError

ROOT = pathlib.Path("/sys/fs/cgroup")


def create(board_name):
    """Make the board's folders and return the cgroup path that its kubelet is told."""
    if (ROOT / "cgroup.controllers").exists():
        _create_v2(board_name)
    else:
        _create_v1(board_name)
    return "/%s/%s" % (CGROUP, board_name)


def _create_v1(board_name):
    for hierarchy in ROOT.iterdir():
        if hierarchy.is_symlink() or not (hierarchy / "cgroup.procs").exists():
            continue
        parent = hierarchy
        for name in (CGROUP, board_name):
            folder = parent / name
            folder.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (folder / setting).exists():
                    (folder / setting).write_text((parent / setting).read_text(encoding="ascii"), encoding="ascii")
            parent = folder


def _create_v2(board_name):
    parent = ROOT
    for name in (CGROUP, board_name):
        wanted = {"cpu", "cpuset", "io", "memory", "pids"} & set(
            (parent / "cgroup.controllers").read_text(encoding="ascii").split()
        )
        for controller in sorted(wanted):
            (parent / "cgroup.subtree_control").write_text("+" + controller, encoding="ascii")
        parent = parent / name
        parent.mkdir(exist_ok=True)


def leftovers():
    """The lab's folders that exist now, in all hierarchies."""
    return sorted(
        str(folder)
        for pattern in (CGROUP, "*/" + CGROUP)
        for folder in ROOT.glob(pattern)
        if not folder.parent.is_symlink()
    )


def delete(seconds=10):
    """Remove the lab's folders. The kernel frees them a moment after their last process."""
    deadline = time.monotonic() + seconds
    while True:
        failure = None
        for top in leftovers():
            for folder, _subfolders, _files in os.walk(top, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError as error:
                    failure = error
        if failure is None:
            return
        if time.monotonic() > deadline:
            raise LabError("cgroup folder cannot be removed: %s" % failure)
        time.sleep(0.2)
