# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an entry of the journal is one that this version writes, and why not. Pure.

One that is not, because somebody edited it or a newer version wrote it, is a problem of that entry alone.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_Check = Callable[[Any], bool]


def why_unread(kind: str, name: str, entry: Any) -> Optional[str]:
    """Why the entry of ``name`` cannot be read, None when it can. ``kind`` is a key of the journal."""
    if kind == "loaded":
        return None if _is_path(name) and _text_or_none(entry) else "it is no checksum of a file"
    if kind == "lease":
        return _unlike(entry, _LEASE)
    if kind == "system":
        return _unlike(entry, _SYSTEM) if " " in name else "its name is no kind and name of a setting"
    if kind == "programs":
        return _unlike(entry, _PROGRAM) if _is_path(name) else "its name is no absolute path"
    if not (_is_path(name) if kind == "files" else _is_full_name(name)):
        return "its name is no %s" % ("absolute path" if kind == "files" else "full name of an image")
    return _unlike(entry, _FILE if kind == "files" else _IMAGE)


def _unlike(entry: Any, checks: Dict[str, _Check]) -> Optional[str]:
    if not isinstance(entry, dict):
        return "it is no dictionary"
    if set(checks) - set(entry):
        return "it lacks %s" % ", ".join(sorted(set(checks) - set(entry)))
    if set(entry) - set(checks):
        return "it has what this version does not know: %s" % ", ".join(sorted(set(entry) - set(checks)))
    wrong = sorted(key for key, is_right in checks.items() if not is_right(entry[key]))
    return "it has no valid %s" % ", ".join(wrong) if wrong else None


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _labels(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _is_path(name: str) -> bool:
    return name.startswith("/") and "\0" not in name


def _is_full_name(name: str) -> bool:
    try:
        return ImageName.parse(name).full == name
    except Problem:
        return False


def _none_or(checks: Dict[str, _Check]) -> _Check:
    return lambda value: value is None or _unlike(value, checks) is None


_FILE: Dict[str, _Check] = {
    "kind": lambda value: value in ("file", "system", "archive", "install"),
    "sha256": _text_or_none,
    "previous": _text_or_none,
    "before": _none_or({"sha256": _text, "mode": _number, "uid": _number, "gid": _number}),
    "folder": _flag,
    "pending": _flag,
    "written": _none_or({"boot": _text, "uptime": lambda value: value is None or _number(value)}),
}
_IMAGE: Dict[str, _Check] = {
    "digest": _text_or_none,
    "previous": _text_or_none,
    "pinned": _flag,
    "source": _text_or_none,
    "before": _none_or({"digest": _text, "pinned": _flag, "labels": _labels}),
    "beside": _texts,
}
_SYSTEM: Dict[str, _Check] = {"value": _text, "before": _text}
_OTHER_PROGRAM: Dict[str, _Check] = {
    "sha256": _text,
    "version": _text_or_none,
    "mode": _number,
    "uid": _number,
    "gid": _number,
}
_PROGRAM: Dict[str, _Check] = {
    "sha256": _text,
    "version": _text_or_none,
    "previous": _none_or(_OTHER_PROGRAM),
    "before": _none_or(_OTHER_PROGRAM),
    "links": _texts,
}
_HELD: Dict[str, _Check] = {
    "id": _text,
    "user": _text,
    "host": _text,
    "boot": _text,
    "namespace": _text,
    "pid": _number,
    "started": _text,
    "since": _number,
    "server_boot": _text,
    "uptime": _number,
    "seconds": _number,
}
_LEASE: Dict[str, _Check] = {"held": _none_or(_HELD), "last": _text_or_none}
