# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files known_hosts of OpenSSH: what is known of a host's key, and the line that records one. Pure.

paramiko's own reader knows neither patterns nor keys that were revoked.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import re
from typing import Iterable, List, NamedTuple, Sequence

KNOWN, UNKNOWN, CHANGED, REVOKED = "known", "unknown", "changed", "revoked"
_MARKS = ("@revoked", "@cert-authority")


class Line(NamedTuple):
    """One line: a mark ("" for none), the names of hosts as they stand there, the kind of key, and it in base64."""

    mark: str
    names: str
    kind: str
    key: str


def parse(text: str) -> List[Line]:
    """The lines of a file. One that cannot be read is no key of anybody's."""
    found = []
    # As ssh takes lines and words apart: what other characters of white space stand between is one word to it.
    for line in text.split("\n"):
        words = [word for word in re.split(r"[ \t]+", line.rstrip("\r")) if word]
        mark = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) >= 3 and not words[0].startswith("#") and mark in ("", *_MARKS):
            found.append(Line(mark, *words[:3]))
    return found


def shown_name(host: str, port: int) -> str:
    """How a host stands in such files."""
    return host.lower() if port == 22 else "[%s]:%d" % (host.lower(), port)


def judge(lines: Iterable[Line], name: str, kind: str, key: str) -> str:
    """Whether a key is the host's: KNOWN, UNKNOWN (no key of it is known), CHANGED (others are) or REVOKED."""
    own = [line for line in lines if line.mark != "@cert-authority" and _is_of(line.names, name)]
    if any(line.mark and (line.kind, line.key) == (kind, key) for line in own):
        return REVOKED
    keys = {(line.kind, line.key) for line in own if not line.mark}
    return KNOWN if (kind, key) in keys else CHANGED if keys else UNKNOWN


def kinds(lines: Iterable[Line], name: str) -> List[str]:
    """The kinds of keys that are known of a host: these are asked for first, else an unknown one would seem changed."""
    return [line.kind for line in lines if not line.mark and _is_of(line.names, name)]


def _is_of(names: str, name: str) -> bool:
    if names.startswith("|"):
        return _is_hashed(names, name)
    patterns = [pattern.lower() for pattern in names.split(",")]
    if any(pattern.startswith("!") and _fits(pattern[1:], name) for pattern in patterns):
        return False
    return any(_fits(pattern, name) for pattern in patterns)


def _fits(pattern: str, name: str) -> bool:
    # Brackets are no sets of characters there.
    return fnmatch.fnmatchcase(name, re.sub(r"\[", "[[]", pattern))


def _is_hashed(names: str, name: str) -> bool:
    words = names.split("|")
    try:
        salt, digest = (base64.b64decode(word, validate=True) for word in words[2:4])
    except ValueError:
        return False
    return words[1] == "1" and hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def line_of(name: str, kind: str, key: str) -> str:
    return "%s %s %s\n" % (name, kind, key)


def fingerprint(key: str) -> str:
    """As ssh shows it, of a key in base64."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def file_of(kind: str) -> str:
    """Where a board has its key of a kind."""
    name = "ecdsa" if kind.startswith("ecdsa-") else "rsa" if kind == "ssh-rsa" else "ed25519"
    return "/etc/ssh/ssh_host_%s_key.pub" % name


def preferred(offered: Sequence[str], known: Sequence[str]) -> List[str]:
    """The algorithms for host keys that we offer, those of ``known`` kinds first."""
    rsa = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
    wanted = {name for kind in known for name in (rsa if kind == "ssh-rsa" else (kind,))}
    return sorted(offered, key=lambda name: name not in wanted)
