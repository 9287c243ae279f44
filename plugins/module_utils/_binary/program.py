# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file that shall be a board's k3s: what it is for, its checksum, its version, and whose it is."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import Callable, Dict, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, find_program
from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_k3s_version
from ansible_collections.riscv.k3s.plugins.module_utils.elf import object_kind, read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_BLOCK = 1 << 20
_MOVE = "find out who made it, and move it away"
# A board that swaps needs long to start a program of 80 MB.
_SECONDS = 120
# How each manager of packages is asked whose a file is; it answers with status 0 where it owns it.
_MANAGERS = {
    "dpkg": ("dpkg-query", "-S"),
    "rpm": ("rpm", "-qf"),
    "apk": ("apk", "info", "--who-owns"),
    "pacman": ("pacman", "-Qo"),
}
# What is downloaded in a program's place.
_BEGINS = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"#!": "a script",
    b"<": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS",
}


class Package(NamedTuple):
    """The manager of packages that owns a file, and what it said about that."""

    manager: str
    said: str


def checksum(path: str) -> Optional[str]:
    """The sha256 of the file at ``path`` as hexadecimal text, None for no file. Raises Problem."""
    digest = hashlib.sha256()
    try:
        # The opening of a pipe would wait for a writer, and a device never ends.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Problem("cannot read %s" % path, found="it is no regular file", next_step=_MOVE)
            for block in iter(lambda: file.read(_BLOCK), b""):
                digest.update(block)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem("cannot read %s" % path, found=error.strerror) from error
    return digest.hexdigest()


def bare(text: Optional[str]) -> Optional[str]:
    """The hexadecimal digits of ``sha256:HEX`` or ``HEX``. Raises Problem for another text."""
    if not text:
        return None
    digits = text.strip().lower()
    digits = digits[len("sha256:") :] if digits.startswith("sha256:") else digits
    if not re.match(r"[0-9a-f]{64}\Z", digits):
        raise Problem(
            "the checksum of a k3s program is not valid", found=text, next_step="write sha256: and 64 hex digits"
        )
    return digits


def examine(path: str, digest: Optional[str], architecture: str) -> Dict[str, object]:
    """{sha256, architecture, size} of the program at ``path``, which must have the checksum ``digest`` (None: any) and
    be made for ``architecture`` (OCI's name, or what uname says). Raises Problem.
    """
    if os.path.isdir(path):
        raise Problem("%s is a folder" % path, next_step="name the k3s program itself in riscv_k3s_binary")
    found = checksum(path)
    if found is None:
        raise Problem("there is no k3s program %s" % path, next_step="correct riscv_k3s_binary")
    if digest and found != digest:
        raise Problem(
            "%s is not the program that was asked for" % path,
            found="its sha256 is %s, and %s was asked for" % (found, digest),
            next_step="download it again, or correct riscv_k3s_binary_checksum",
        )
    return {"sha256": found, "architecture": _require_architecture(path, architecture), "size": os.path.getsize(path)}


def require_program(path: str, version: Optional[str] = None) -> None:
    """Raise Problem for a file that nobody starts as k3s: one that does not say its ``version`` must at least be a
    program, of any architecture.
    """
    if version or (read_elf(path) is not None and not object_kind(path)):
        return
    raise Problem("%s is not replaced" % path, found="it is no program: %s" % _beginning(path), next_step=_MOVE)


def _require_architecture(path, architecture):
    wanted, elf = to_oci(architecture), read_elf(path)
    next_step = "name the program of this architecture in riscv_k3s_binary, for these boards"
    if elf is None:
        raise Problem("%s is no program" % path, found=_beginning(path), next_step=next_step)
    if elf.architecture != wanted or object_kind(path):
        raise Problem(
            "%s does not run on a board of %s" % (path, wanted),
            found=object_kind(path) or "it is a program for %s" % elf.architecture,
            next_step=next_step,
        )
    return wanted


def _beginning(path):
    with open(path, "rb") as file:
        first = file.read(32)
    known = next((kind for begin, kind in _BEGINS.items() if first.lstrip().startswith(begin)), None)
    return known or ("an empty file" if not first else "a file that begins with %r" % first[:8])


def version_of(runner: Runner, path: str, data_dir: str) -> Optional[str]:
    """The version that the k3s at ``path`` says of itself, None when it says none. Raises Problem when it does not
    run.
    """
    said = runner.run([path, "--version"], timeout=_SECONDS, env={"K3S_DATA_DIR": data_dir})
    return parse_k3s_version(said.out)


def require_version(runner: Runner, path: str, data_dir: str, wanted: Optional[str]) -> Optional[str]:
    """Its version, which must be ``wanted`` where that is given. Raises Problem."""
    try:
        version = version_of(runner, path, data_dir)
    except Problem as problem:
        problem.next_step = "see whether the board's C library and kernel are those that it was built for"
        raise
    if version is None:
        raise Problem("%s does not say which version of k3s it is" % path, next_step="correct riscv_k3s_binary")
    if wanted and version.lstrip("v") != wanted.lstrip("v"):
        raise Problem(
            "the k3s program is not %s" % wanted,
            found="it says that it is %s" % version,
            where=path,
            next_step="correct riscv_k3s_binary or riscv_k3s_target_version",
        )
    return version


def package_of(runner: Runner, path: str, find: Callable[[str], Optional[str]] = find_program) -> Optional[Package]:
    """The package that brought the file at ``path``, None for a file that no manager of packages knows."""
    for manager, words in _MANAGERS.items():
        if find(words[0]):
            said = runner.run([*words, path], check=False)
            if said.rc == 0 and said.out.strip():
                return Package(manager, said.out.strip().splitlines()[0])
    return None
