# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the deploy controller of k3s and for the kubectl calls that ask about it."""

import hashlib
import json

from fakes import FakeRunner

REFUSED = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n"


class DeployController:
    """Keeps the rules that matter for patches: .skip by file name, mtime, then the Addon's checksum; a start forces."""

    def __init__(self, folder):
        self.folder = folder
        self.addons = {}
        self.applied = []  # file names, in the order of being applied
        self.mtimes = {}
        self.up = True
        self.events = []
        self.deleted = []
        self.passes_on_get = 0

    def start(self, packaged):
        """k3s writes every packaged manifest again and applies every file."""
        for name, data in packaged.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_bytes(data)
        self.mtimes = {}
        self.run_pass(force=True)

    def run_pass(self, force=False):
        files = sorted(
            path
            for path in self.folder.rglob("*")
            if path.suffix in (".yaml", ".yml", ".json") and not path.name.startswith(".")
        )
        skips = {path.name[: -len(".skip")] for path in self.folder.rglob("*.skip")}
        for path in files:
            mtime = path.stat().st_mtime_ns
            if path.name in skips or (not force and self.mtimes.get(path) == mtime):
                continue
            self.mtimes[path] = mtime
            checksum, name = hashlib.sha256(path.read_bytes()).hexdigest(), path.name.partition(".")[0]
            if force or self.addons.get(name) != checksum:
                self.addons[name] = checksum
                self.applied.append(path.name)

    def runner(self):
        """A Runner that answers kubectl."""
        return FakeRunner(
            [
                (["k3s", "kubectl", "get", "addons.k3s.cattle.io", ...], self._addons),
                (["k3s", "kubectl", "get", "addons.k3s.cattle.io,events", ...], self._addons),
                (["k3s", "kubectl", "delete", ...], self._delete),
                (["k3s", "kubectl", "patch", "addons.k3s.cattle.io", ...], self._patch),
            ]
        )

    def _addons(self, argv, stdin):
        if self.passes_on_get:
            self.run_pass()
        items = self.events if "addons.k3s.cattle.io,events" in argv else []
        items = items + [
            {
                "apiVersion": "k3s.cattle.io/v1",
                "kind": "Addon",
                "metadata": {"name": name, "namespace": "kube-system"},
                "spec": {"checksum": checksum} if checksum else {},
            }
            for name, checksum in self.addons.items()
        ]
        return self._answer({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})

    def _patch(self, argv, stdin):
        assert json.loads(argv[argv.index("-p") + 1]) == {"spec": {"checksum": None}}
        self.addons[argv[argv.index("kube-system") + 1]] = None
        return "patched\n" if self.up else (1, "", REFUSED)

    def _delete(self, argv, stdin):
        self.deleted.append(argv[3:])
        return "deleted\n" if self.up else (1, "", REFUSED)

    def _answer(self, value):
        return json.dumps(value) if self.up else (1, "", REFUSED)
