# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a board's programs are called: through k3s, or as plain crictl, ctr and kubectl."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import SEARCH_PATH, Result, Runner
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Documented in the fragment riscv.k3s.board.
PROGRAM_OPTIONS: Dict[str, Dict[str, Any]] = {
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "k3s": {"type": "path"},
    "crictl": {"type": "path"},
    "ctr": {"type": "path"},
    "kubectl": {"type": "path"},
    "containerd_address": {"type": "path"},
}


# Where k3s's containerd is asked.
SOCKET = "/run/k3s/containerd/containerd.sock"
# Seconds for containerd to take a connection, and for what crictl asks it. crictl's own 2 and ctr's own 10 are too few
# for a slow board that starts pods.
CONNECTING = 30


class Programs:
    """The board's crictl, ctr and kubectl.

    ``params`` holds the values of PROGRAM_OPTIONS. What k3s has unpacked into its data folder is used, wherever the
    program k3s lies, else that: it knows its own containerd socket, crictl configuration and kubeconfig. An explicit
    program wins over it.
    Raises Problem when there is neither, or when not root: k3s keeps its folders and its socket to root.
    """

    def __init__(
        self, params: Mapping[str, Any], runner: Optional[Runner] = None, is_root: Optional[bool] = None
    ) -> None:
        self.data_dir = params.get("data_dir") or PROGRAM_OPTIONS["data_dir"]["default"]
        self._params = params
        self._runner = runner or Runner()
        if not (os.geteuid() == 0 if is_root is None else is_root):
            raise Problem(
                "this needs root on the board",
                found="user id %d" % os.geteuid(),
                next_step="set become: true for the play, or connect as root",
            )
        self._k3s = params.get("k3s") or self._look_for("k3s")

    def crictl(self, *args: str, **run: Any) -> Result:
        """Run crictl; keyword arguments are those of Runner.run."""
        command = self._command("crictl") + ["--timeout=%ds" % CONNECTING]
        address = self._params.get("containerd_address")
        if address:
            command += ["--runtime-endpoint", "unix://" + address, "--image-endpoint", "unix://" + address]
        return self._run(command + list(args), run)

    def ctr(self, *args: str, **run: Any) -> Result:
        """Run ctr in the namespace k8s.io, the only one that the kubelet sees."""
        command = self._command("ctr")
        address = self._params.get("containerd_address")
        # It waits as long for a socket that is not there.
        if os.path.exists(address or SOCKET):
            command += ["--connect-timeout=%ds" % CONNECTING]
        if address:
            command += ["--address", address]
        return self._run(command + ["--namespace", "k8s.io"] + list(args), run)

    def kubectl(self, *args: str, **run: Any) -> Result:
        """Run kubectl with k3s's admin kubeconfig, or with the explicit program's own."""
        return self._run(self._command("kubectl") + list(args), run)

    def _run(self, argv: List[str], run: Dict[str, Any]) -> Result:
        # k3s's programs unpack themselves into the folder that this names, or into the default one.
        environment = {"K3S_DATA_DIR": self.data_dir}
        for name, path in self._files():
            if name not in os.environ and name not in environment and os.path.exists(path):
                environment[name] = path
        return self._runner.run(argv, **dict(run, env=dict(environment, **(run.get("env") or {}))))

    def _files(self) -> List[Tuple[str, str]]:
        """What k3s tells its programs by their environment, where they are started without it; the first file of a
        name that is there counts. k3s's settings may put k3s.yaml elsewhere, the last one every server has.
        """
        return [
            ("CONTAINERD_ADDRESS", SOCKET),
            ("CRI_CONFIG_FILE", os.path.join(self.data_dir, "agent/etc/crictl.yaml")),
            ("KUBECONFIG", "/etc/rancher/k3s/k3s.yaml"),
            ("KUBECONFIG", os.path.join(self.data_dir, "server/cred/admin.kubeconfig")),
        ]

    def _command(self, name: str) -> List[str]:
        explicit = self._params.get(name)
        if explicit:
            return [explicit]
        # As k3s has unpacked it: an older k3s would unpack it anew into the default folder, whatever it is told.
        unpacked = os.path.join(self.data_dir, "data/current/bin", name)
        if os.access(unpacked, os.X_OK):
            return [unpacked]
        if self._k3s:
            return [self._k3s, name]
        raise Problem(
            "k3s was not found on this board",
            found="no program k3s in %s, and no %s" % (SEARCH_PATH, unpacked),
            next_step="install k3s first, by the playbook riscv.k3s.install",
        )

    def _look_for(self, name: str) -> Optional[str]:
        for folder in SEARCH_PATH.split(":"):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None
