# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an image can run on this board: its config's architecture and, for more, its program's ELF header."""

from __future__ import annotations

import os
import socket

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.entrypoint import program_architecture
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

ARCHITECTURE_OPTION = {"type": "str", "default": "auto"}


class Board:
    """The board's name, and the architecture (OCI name) its images must have; None when any will do."""

    def __init__(self, option="auto", machine=None, name=None):
        """``option`` is the modules' option: auto, any, or an architecture. Raises Problem for an unknown one."""
        self.name = name or socket.gethostname()
        if option == "any":
            self.architecture = None
        else:
            self.architecture = to_oci((machine or os.uname().machine) if option == "auto" else option)

    def check(self, name, status):
        """Raise Problem unless the image ``name``, with ``status`` of parse_image_status, is for this board."""
        if self.architecture and (status["os"], status["architecture"]) != ("linux", self.architecture):
            other = "" if status["os"] == "linux" else status["os"] + "/"
            raise self._wrong(name, "%s is %s%s" % (name, other, status["architecture"]))

    def check_deep(self, name, status, containerd):
        """As `check`, for the program that the image starts: a config may claim what its layers do not hold."""
        self.check(name, status)
        if self.architecture:
            path, found = program_architecture(containerd, name, status)
            if found != self.architecture:
                raise self._wrong(
                    name, "%s calls itself %s, but its program %s is %s" % (name, status["architecture"], path, found)
                )

    def _wrong(self, name, what):
        return Problem(
            "%s, board %s is %s" % (what, self.name, self.architecture),
            next_step="build or copy %s for %s and push it under this name, then pull it with policy: always"
            % (name, self.architecture),
        )
