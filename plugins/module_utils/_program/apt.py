# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine's apt, in a folder of its own and for another architecture: same mirror, same keys.

The machine itself is not touched: no architecture is added, nothing is installed, its lists stay as they are.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import (
    OwnPathRunner,
    Result,
    Runner,
    TimedOut,
    find_program,
    last_lines,
)
from ansible_collections.riscv.k3s.plugins.module_utils._program.go_errors import MAKE_ROOM
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import file_sum
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BY_URL = "or build that image from an archive instead: url and checksum in its build section"
_SECONDS = 60
_FULL = re.compile(r"[Nn]o space left|don't have enough free space|[Dd]isk quota exceeded")
_UNSIGNED = re.compile(r"NO_PUBKEY|not signed|EXPKEYSIG|signatures (?:couldn't|were invalid)|GPG error|BADSIG|sqv")
_UNKNOWN = re.compile(r"Unable to locate package|has no installation candidate|Couldn't find any package")
_DAMAGED = re.compile(r"Hash Sum mismatch|File has unexpected size")


class Package(NamedTuple):
    """A package that was fetched: ``file`` is its path, ``sha256`` that of the file."""

    name: str
    version: str
    sha256: str
    file: str

    @property
    def upstream(self) -> str:
        """1.37.0 of Debian's 1:1.37.0-6+b9."""
        return re.sub(r"^\d+:", "", self.version).rpartition("-")[0] or self.version


class Apt:
    """apt for ``architecture`` (Debian's name), at work in the folder ``work``. Raises Problem where there is none."""

    def __init__(
        self,
        work: str,
        architecture: str,
        mirror: Optional[str] = None,
        seconds: float = 600,
        runner: Optional[Runner] = None,
    ) -> None:
        self._work, self._architecture, self._seconds = work, architecture, seconds
        self._runner = runner or OwnPathRunner()
        if runner is None:
            _require_programs()
        self._mirror = mirror or self._own_mirror()
        for folder in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(work, folder))
        # Nothing counts as installed, so a package comes with all that it depends on.
        with open(os.path.join(work, "status"), "w", encoding="ascii"):
            pass

    def fetch(self, package: str, suites: Sequence[str]) -> List[Package]:
        """``package`` and all that it depends on, out of the first of ``suites`` that has it; that one stands first.
        Raises Problem.
        """
        failed: Dict[str, Problem] = {}
        for suite in suites:
            for left in self._archives():  # of a suite before, from which not all came
                os.remove(left)
            try:
                self._get(["update", "--error-on=any"], suite, package)
                self._get(["install", "--yes", "--download-only", "--no-install-recommends", package], suite, package)
                return self._fetched(package)
            except Problem as problem:
                failed[suite] = problem
        # What the first suite says counts: the others stand in for it.
        raise next(iter(failed.values()))

    def unpack(self, package: Package, folder: str) -> None:
        """All files of ``package`` into ``folder``."""
        self._deb(["-x", package.file, folder], package.file)

    def _fetched(self, wanted: str) -> List[Package]:
        found = [self._read(path) for path in self._archives()]
        return sorted(found, key=lambda package: (package.name != wanted, package.name))

    def _archives(self) -> List[str]:
        return sorted(glob.glob(os.path.join(glob.escape(self._work), "cache/archives/*.deb")))

    def _read(self, path: str) -> Package:
        said = self._deb(["-f", path, "Package", "Version"], path)
        fields = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
        return Package(fields["Package"], fields["Version"], file_sum(path), path)

    def _deb(self, words: List[str], path: str) -> str:
        done = self._runner.run(["dpkg-deb", *words], timeout=_SECONDS, check=False)
        if done.rc == 0:
            return done.out
        said = done.err or done.out
        full = _FULL.search(said)
        raise Problem(
            "the package %s cannot be unpacked" % os.path.basename(path),
            found=last_lines(said.replace(path, "it")) or "no message",
            where=self._mirror,
            next_step=MAKE_ROOM if full else "name another mirror; %s" % BY_URL,
        )

    def _get(self, words: List[str], suite: str, package: str) -> None:
        signed = " signed-by=%s" % KEYRING if os.path.exists(KEYRING) else ""
        with open(os.path.join(self._work, "sources.list"), "w", encoding="utf-8") as file:
            file.write("deb [arch=%s%s] %s %s main\n" % (self._architecture, signed, self._mirror, suite))
        argv = ["apt-get", "-q"] + ["-o%s" % option for option in self._options()] + words
        what = "%s for %s cannot be fetched from Debian %s" % (package, self._architecture, suite)
        try:
            done = self._runner.run(argv, timeout=self._seconds, check=False)
        except TimedOut as late:  # its words are all of apt's options
            found = "apt did not end within %s seconds" % self._seconds
            raise Problem(what, found, self._mirror, "name another mirror, or give more seconds by timeout") from late
        if done.rc != 0:
            raise self._problem(done, what)

    def _problem(self, done: Result, what: str) -> Problem:
        said = done.err or done.out
        found = last_lines("\n".join(line for line in said.splitlines() if line.startswith(("E:", "W:"))) or said, 4)
        for sign, next_step in (
            (_FULL, MAKE_ROOM),
            (
                _UNSIGNED,
                "install or renew Debian's package debian-archive-keyring, and see that the clock is right; %s"
                % BY_URL,
            ),
            (_DAMAGED, "try again later: the mirror is just being renewed; %s" % BY_URL),
            (_UNKNOWN, "see that package names one of Debian; riscv64 is in Debian since 13 (trixie); %s" % BY_URL),
        ):
            if sign.search(said):
                return Problem(what, found=found, where=self._mirror, next_step=next_step)
        return Problem(
            what,
            found=found or "no message",
            where=self._mirror,
            next_step="see that `apt-get update` works on this machine, or name another mirror; %s" % BY_URL,
        )

    def _own_mirror(self) -> str:
        wanted = ["Created-By: Packages", "Origin: Debian", "Component: main"]
        done = self._runner.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted], timeout=_SECONDS, check=False
        )
        mirrors = [line for line in done.out.split() if "security" not in line]
        if mirrors:
            return mirrors[0]
        raise Problem(
            "this machine knows no mirror of Debian",
            found=last_lines(done.err) or "apt sources of another distribution, or none",
            next_step="name one in mirror, and install Debian's package debian-archive-keyring; %s" % BY_URL,
        )

    def _options(self) -> List[str]:
        return [
            "Dir::State=%s/state" % self._work,
            "Dir::State::status=%s/status" % self._work,
            "Dir::Cache=%s/cache" % self._work,
            "Dir::Etc::sourcelist=%s/sources.list" % self._work,
            "Dir::Etc::sourceparts=/dev/null",
            "Dir::Etc::preferences=/dev/null",
            "Dir::Etc::preferencesparts=/dev/null",
            "APT::Architecture=%s" % self._architecture,
            "APT::Architectures::=%s" % self._architecture,
            "APT::Sandbox::User=",
            # Whatever this machine's own apt.conf lets pass: here nothing without a signature.
            "APT::Get::AllowUnauthenticated=false",
            "Acquire::AllowInsecureRepositories=false",
            "Acquire::AllowWeakRepositories=false",
            "Acquire::AllowDowngradeToInsecureRepositories=false",
            "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        ]


def _require_programs() -> None:
    for name in ("apt-get", "dpkg-deb"):
        if not find_program(name, own_path=True):
            raise Problem(
                "packages of Debian cannot be fetched on this machine",
                found="no program %s" % name,
                next_step="run it on a machine with Debian or one that is made from it, %s" % BY_URL,
            )
