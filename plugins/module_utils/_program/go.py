# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go toolchain of this machine: where it is, how old it is, and what of its environment a build may see."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import (
    OwnPathRunner,
    Runner,
    TimedOut,
    find_program,
)
from ansible_collections.riscv.k3s.plugins.module_utils._program import go_errors, go_mod
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_ASK_SECONDS = 60
_OLDEST = (1, 21, 0)  # older ones read no line `toolchain`, and know no -C
# The user's own ways to modules and places for caches. All else that would change a build is set below.
_KEPT = (
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS"),
    *("GOPATH", "GOMODCACHE", "GOCACHE"),
)
# The oldest processors of an architecture that a board may have.
_BASE = {"riscv64": {"GORISCV64": "rva20u64"}, "amd64": {"GOAMD64": "v1"}, "arm64": {"GOARM64": "v8.0"}}
_FIXED = {
    "GOOS": "linux",
    "CGO_ENABLED": "0",
    "GOFLAGS": "",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "GOEXPERIMENT": "",
    "GOFIPS140": "off",
    "GO111MODULE": "on",
    "GOENV": "off",  # what `go env -w` has set; of it, what is kept is handed on
}


class Toolchain:
    """The program go at ``path``, by default that of PATH, beside this Python, or where Go's own archive puts it."""

    def __init__(self, path: Optional[str] = None, runner: Optional[Runner] = None) -> None:
        self._runner = runner or OwnPathRunner()
        self._go = path or _find()
        if not self._go:
            raise Problem(
                "there is no Go on this machine to build programs with",
                found="no program go",
                where="PATH, the folder of Ansible's Python, /usr/local/go/bin",
                next_step=go_errors.GET_GO,
            )
        self._env = self._ask()

    @property
    def version(self) -> str:
        """As go1.26.8."""
        return self._env["GOVERSION"]

    def require(self, wanted: Optional[str], name: str, where: str) -> None:
        """Raise a Problem where this Go is older than ``wanted``, the version that a go.mod asks for."""
        asked, present = go_mod.version_key(wanted or ""), go_mod.version_key(self.version)
        if not asked or asked < _OLDEST:
            asked, wanted = _OLDEST, "1.21 at least"
        if present and present < asked:
            raise Problem(
                "Go is too old for %s, which asks for %s" % (name, wanted),
                found="%s, %s" % (self.version, self._go),
                where=where,
                next_step=go_errors.GET_GO,
            )

    def environment(self, architecture: str) -> Dict[str, str]:
        """What changes the result of a build: variables that are the same for each user and machine."""
        return dict(_FIXED, GOARCH=architecture, **_BASE.get(architecture, {}))

    def build(self, arguments: List[str], folder: str, architecture: str, scratch: str, seconds: float) -> Any:
        """Run `go build` in ``folder``; returns the Result. ``scratch`` is for its temporary files."""
        env = dict(self.environment(architecture), GOTMPDIR=scratch, **self._kept())
        try:
            return self._runner.run(
                [self._go, "build", "-C", folder, *arguments], timeout=seconds, env=env, check=False
            )
        except TimedOut as problem:
            problem.next_step = "see whether modules arrive at all (`go env GOPROXY`), or give more seconds by timeout"
            raise

    def modules(self, program: str) -> List[Dict[str, str]]:
        """The modules that are in a program that Go built, each with path, version and sum, by `go version -m`."""
        said = self._runner.run([self._go, "version", "-m", program], timeout=_ASK_SECONDS, env=_FIXED).out
        rows = [line.split() for line in said.splitlines()]
        # A module that another one replaces is followed by that one, in a line of its own.
        found = [row[1:] for row in rows if len(row) >= 3 and row[0] in ("mod", "dep", "=>")]
        return [dict(zip(("path", "version", "sum"), row)) for row in found if row[1] != "(devel)"]

    def _kept(self) -> Dict[str, str]:
        return {name: self._env[name] for name in _KEPT if self._env.get(name)}

    def _ask(self) -> Mapping[str, str]:
        # Not in the recipe's folder: an old Go could not even read a new go.mod.
        names = ("GOVERSION",) + _KEPT
        said = self._runner.run(
            [self._go, "env", "-json", *names], timeout=_ASK_SECONDS, env={"GOTOOLCHAIN": "local", "GOFLAGS": ""}
        )
        try:
            found = json.loads(said.out)
            if go_mod.version_key(found["GOVERSION"]) or "devel" in found["GOVERSION"]:
                return found
        except (ValueError, KeyError, TypeError):
            pass
        raise Problem(
            "the Go of this machine does not say its version",
            found=said.out.strip()[:200] or "no answer",
            where=self._go,
            next_step=go_errors.GET_GO,
        )


def _find() -> Optional[str]:
    beside = [os.path.join(os.path.dirname(sys.executable), "go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"]
    return find_program("go", own_path=True) or next((path for path in beside if os.access(path, os.X_OK)), None)
