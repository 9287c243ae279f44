# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public key that boards get, and what is to be done to a file authorized_keys for it. Pure."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.script import LARGEST
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.seen import File, Seen

# Of the folder ~/.ssh of whoever runs Ansible, in the order in which ssh-keygen's users have them.
USUAL = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_LONGEST = 16 * 1024  # characters; sshd reads no longer line
_FOLDER_MODE, _FILE_MODE = "drwx------", "-rw-------"


class Key(NamedTuple):
    """``line`` is as it stands in a file, ``kind`` and ``blob`` (base64) are its words."""

    line: str
    kind: str
    blob: str


class Work(NamedTuple):
    """What authorized_keys needs: the key, modes, or nothing."""

    add: bool
    modes: bool


def key(text: str, where: str) -> Key:
    """The key in the text of a file. Raises Problem."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    words = lines[0].split() if len(lines) == 1 else []
    # Options in front are for the file on a board, and not for here. Each line ends where it ends.
    is_fit = len(words) >= 2 and " ".join(words).isprintable() and len(lines[0]) <= _LONGEST
    if is_fit and words[0] in _KINDS and _names_its_kind(words[1], words[0]):
        return Key(" ".join(words), words[0], words[1])
    is_private = "PRIVATE KEY" in text
    raise Problem(
        "this is a private key, which stays here" if is_private else "this is no public key of ssh",
        found=None
        if is_private
        else "no key"
        if not lines
        else "%d lines" % len(lines)
        if len(lines) > 1
        else "a line of another form",
        where=where,
        next_step="name the file that ends in .pub; `ssh-keygen -y -f FILE` makes it from the private key",
    )


def _names_its_kind(blob: str, kind: str) -> bool:
    """A key says of itself what it is, in its first bytes."""
    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    return raw[4 : 4 + len(kind)] == kind.encode() and int.from_bytes(raw[:4], "big") == len(kind)


def missing(folder: str) -> Problem:
    """There is no key yet."""
    return Problem(
        "there is no public key to give to the boards",
        found="none of " + ", ".join(USUAL),
        where=folder,
        next_step="make one: `ssh-keygen -t ed25519`, or name another with riscv_k3s_enroll_public_key",
    )


def work(seen: Seen, wanted: Key) -> Work:
    """What is to be done. Raises Problem where a file is not what it should be: then nothing is."""
    _check(seen, seen.folder, "d", "~/.ssh")
    _check(seen, seen.file, "-", "~/.ssh/authorized_keys")
    if seen.file and (seen.file.size > LARGEST or "\0" in seen.keys):
        raise _hostile("it has %d bytes" % seen.file.size if seen.file.size > LARGEST else "it is no text")
    add = not holds(seen.keys, wanted)
    return Work(add, not (_has(seen.folder, _FOLDER_MODE) and _has(seen.file, _FILE_MODE)))


def _has(file: Optional[File], mode: str) -> bool:
    return bool(file and file.mode == mode)


def _check(seen: Seen, file: Optional[File], kind: str, name: str) -> None:
    if not file:
        return
    what = {"l": "a symbolic link", "d": "a folder", "-": "a file"}.get(file.mode[:1], "something else")
    if file.mode[:1] != kind:
        raise _hostile("%s is %s" % (name, what))
    if file.owner != seen.uid:
        raise _hostile("%s belongs to the user %d, who is not the one that logs in (%d)" % (name, file.owner, seen.uid))
    if kind == "-" and file.names > 1:
        raise _hostile("%s has %d names (hard links)" % (name, file.names))


def _hostile(found: str) -> Problem:
    return Problem(
        "its file authorized_keys is left alone",
        found=found,
        next_step="look at ~/.ssh there, and make it a folder and a file of the user alone",
    )


def holds(text: str, wanted: Key) -> bool:
    """Whether a file has the key, with or without options in front of it."""
    return any(_is_of(line, wanted) for line in text.split("\n"))


def _is_of(line: str, wanted: Key) -> bool:
    line = line.strip(" \t\r")
    if line.startswith("#"):
        return False
    words = re.split(r"[ \t]+", _without_quoted(line))
    pairs = list(zip(words, words[1:]))[:2]  # options have no blanks outside of quotes
    return (wanted.kind, wanted.blob) in pairs


def _without_quoted(line: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)


def after(before: str, wanted: Key) -> str:
    """What a file holds after the key was added."""
    end = "" if not before or before.endswith("\n") else "\n"
    return before + end + wanted.line + "\n"
