# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory's settings: checked once for all boards, told in the inventory's own words. Pure."""

from __future__ import annotations

import difflib
import re
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import is_unanswered
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import (
    FOREIGN,
    FOREIGN_CONFIG,
    FOREIGN_UNREAD,
    PREFIX,
    RESERVED,
    SETTINGS,
    default_of,
)

_DIGITS = 9  # no count of seconds or boards has more
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
# What is wanted, in words; and what was found there, likewise.
_WANTED = {
    "text": "text",
    "flag": "true or false",
    "count": "a whole number from 0 on",
    "share": "a number from 0 to 100",
    "texts": "a list",
    "dictionary": "a dictionary",
    "dictionaries": "a list of dictionaries",
}
# What somebody may be asked for. An empty text in the place of a dictionary is a mistake.
_ANSWERED = ("text", "flag", "count", "share", "texts", "any")
_SPOKEN = ((bool, "true or false"), (str, "text"), ((int, float), "a number"), (dict, "a dictionary"))
_NAMED = 3
# What k3s-ansible's k3s_version must look like to count; it also knows words such as "latest".
_RELEASE = re.compile(r"v[0-9]+(\.[0-9]+){2}([-+][0-9A-Za-z.+-]+)?")
_WHERE_ALL_ARE = "inventory/sample/group_vars/k3s_cluster.yml names every setting"


class _Wrong(Exception):
    """What a setting must be, and what was found."""


def read(boards: Mapping[str, Mapping[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """{board: {setting without its prefix: value}} with defaults, from {board: its variables riscv_k3s_*}.

    Boards with equal settings share one dictionary. Raises Problem for the first mistake, which names all boards that
    have it: a setting that is not known, or one of a wrong type.
    """
    mistakes: Dict[Tuple[str, str], List[str]] = {}
    result: Dict[str, Any] = {}
    known: List[Any] = []
    for board, variables in boards.items():
        same = next((row for row in known if row[0] == variables), None)
        if not same:
            same = (variables, *_read(variables))
            known.append(same)
        for mistake in same[2]:
            mistakes.setdefault(mistake, []).append(board)
        result[board] = same[1]
    for (what, found), names in mistakes.items():
        raise Problem(what, found=found or None, where=_named(names), next_step=_WHERE_ALL_ARE)
    return result


def _read(variables):
    """The settings, and the mistakes as pairs of what and found."""
    settings, mistakes = {**{name: default_of(name) for name in SETTINGS}, **dict.fromkeys(FOREIGN)}, []
    foreign: Dict[str, Any] = {}
    for variable, value in sorted(variables.items()):
        name = variable[len(PREFIX) :]
        if variable in FOREIGN:
            settings[variable] = value
            continue
        if variable in FOREIGN_CONFIG:
            foreign[variable] = value
            continue
        if name in RESERVED:
            continue
        if name not in SETTINGS:
            mistakes.append((_unknown(variable), ""))
        elif not _is_unanswered(name, value):
            try:
                settings[name] = _converted(value, SETTINGS[name])
            except _Wrong as wrong:
                what, found = wrong.args
                mistakes.append(("%s must be %s" % (variable, what), found))
    if foreign:
        settings["k3s_ansible"] = foreign
    if settings["target_version"] is None and _RELEASE.fullmatch(str(settings["k3s_version"])):
        settings["target_version"] = str(settings["k3s_version"])
    settings["target_version"] = _as_k3s_writes(settings["target_version"])
    return settings, mistakes


def unread(names: Iterable[str]) -> List[str]:
    """What to tell of variables of other collections that are there and have no effect."""
    return [
        "%s is a variable of another collection, which install does not read: say it by %s"
        % (name, FOREIGN_UNREAD[name])
        for name in sorted(names)
    ]


def _is_unanswered(name, value):
    """Whether a variable says nothing: null, or the empty text of a question of a survey (AWX) that nobody answered."""
    setting = SETTINGS[name]
    return value is None or (is_unanswered(value) and setting.kind in _ANSWERED and not setting.is_empty_said)


def _as_k3s_writes(version):
    """k3s says v1.36.3+k3s1 of itself, and a version is compared with that."""
    version = (version or "").strip()
    return "v" + version if re.match(r"\d+\.\d+\.\d", version) else version or None


def _unknown(variable):
    # Without the prefix, which would make all names alike.
    near = difflib.get_close_matches(variable[len(PREFIX) :], SETTINGS, n=1)
    return "%s is not a setting%s" % (variable, ": did you mean %s%s?" % (PREFIX, near[0]) if near else "")


def _converted(value, setting):
    if setting.kind == "any":
        return value
    made = _KINDS[setting.kind](value)
    if made is None:
        raise _Wrong(_WANTED[setting.kind], _spoken(value, setting.secret))
    for part in (made if setting.kind == "texts" else [made]) if setting.choices else ():
        if part not in setting.choices:
            raise _Wrong("one of " + ", ".join(setting.choices), str(part))
    return made


def _text(value):
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _flag(value):
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _count(value):
    text = "" if isinstance(value, bool) else str(value).strip()
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _share(value):
    try:
        share = None if isinstance(value, (bool, dict, list)) else float(str(value).rstrip("% "))
    except ValueError:
        return None
    return share if share is not None and 0 <= share <= 100 else None


def _texts(value):
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()] or [""]
    if not isinstance(value, (list, tuple)) or any(_text(part) is None for part in value):
        return None
    parts = [str(part).strip() for part in value]
    if parts and not any(parts):
        # undo would take it for everything.
        raise _Wrong("a list, and that names nothing", "only commas, or empty texts")
    return parts


def _dictionary(value):
    return value if isinstance(value, dict) else None


def _dictionaries(value):
    is_one = isinstance(value, (list, tuple)) and all(isinstance(part, dict) for part in value)
    return list(value) if is_one else None


_KINDS = {
    "text": _text,
    "flag": _flag,
    "count": _count,
    "share": _share,
    "texts": _texts,
    "dictionary": _dictionary,
    "dictionaries": _dictionaries,
}


def _spoken(value, is_secret):
    """A value for a message: short ones as they are, others by their kind; never one that may be a password."""
    kind = next((word for types, word in _SPOKEN if isinstance(value, types)), "a list")
    if is_secret or not isinstance(value, (str, int, float)) or len(str(value)) > 60:
        return kind
    return "%s %s" % (kind, value) if kind == "text" else str(value).lower() if isinstance(value, bool) else str(value)


def _named(boards):
    more = " and %d more" % (len(boards) - _NAMED) if len(boards) > _NAMED else ""
    return ", ".join(boards[:_NAMED]) + more
