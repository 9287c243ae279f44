# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.yaml on a board, where somebody else wrote it: what the inventory does not have, and both in one. Pure.

What stands in the file stays on the board. Only names of keys leave it, and lines without secrets. A part is a path of
at most three keys, such as mirrors, docker.io, endpoint: a login or a list of endpoints is kept or replaced as a whole.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import yaml_text
from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import as_asked
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

Path = Tuple[str, ...]
Parts = Dict[Path, Any]

# How a file begins that holds both. parts/registries.sh reads the second line.
_MARK = (
    "# Written by riscv.k3s: what the inventory wants, and what else stood here before. k3s reads it when it starts.\n"
)
_WANTED = "# wanted: "
_KEPT = "# kept: "
_SECTIONS = ("mirrors", "configs")
_HIDDEN = "********"
# Where a value may be shown: URLs without their logins, paths, a flag. All else may be a secret that was misplaced.
_SHOWN = {("mirrors", "endpoint"), ("mirrors", "rewrite"), ("configs", "tls")}
_SHOWN_OF_TLS = ("ca_file", "cert_file", "key_file", "insecure_skip_verify")
_LONGEST = 300
_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://)?(\*\*\*@)?([^][\s/?#@:]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[^\s?#@]*)?(\?\*+)?\Z"
)
# A scalar that is no text for YAML, and is written as it was: true, 0123, 1e3.
_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Difference(NamedTuple):
    """What becomes of a file: names of parts that the inventory does not have (``others``) and of those for which it
    has something else (``replaced``), and the text that holds what the inventory wants and the others.
    """

    others: List[str]
    replaced: List[str]
    text: str
    before: Parts
    wanted: Parts
    after: Parts


def compare(current: bytes, wanted: bytes, where: str, is_ours: bool, behind: Sequence[str] = ()) -> Difference:
    """The Difference between the file's bytes and those that the inventory wants. ``behind`` are mirrors of which the
    file's endpoints are kept, behind those that the inventory wants.

    ``where`` is its path. Of a file that is ours (``is_ours``: as this collection wrote it) only what was kept then
    is somebody else's. Raises Problem, which shows nothing of what the file holds.
    """
    before, goal = parts(current, where), parts(wanted, where)
    if is_ours:
        before = _of_others(before, _kept(current))
    others = {path: value for path, value in before.items() if path not in goal and not _is_named(path, goal)}
    replaced = [path for path in before if path in goal and plain(before[path]) != plain(goal[path])]
    moot = [path for path in others if _is_moot(path, before, goal)]
    others = {path: value for path, value in others.items() if path not in moot}
    replaced += moot
    added = {path: _added(path, before, goal) for path in _endpoints(behind)}
    added = {path: items for path, items in added.items() if items}
    replaced = [path for path in replaced if path not in added]
    whole = {**goal, **{path: ["sequence", goal[path][1] + items] for path, items in added.items()}}
    after = {path: value for path, value in {**whole, **others}.items() if not _is_named(path, others)}
    kept = [*others, *(_single(path, item) for path, items in added.items() for item in items)]
    text = _text(after, wanted, kept) if kept else wanted.decode("utf-8")
    return Difference(_names([*others, *added]), _names(replaced), text, before, goal, after)


def shown(difference: Difference, merged: bool) -> List[str]:
    """The lines of a diff, without secrets. ``merged``: with what is kept, else as the inventory alone wants it."""
    after = difference.after if merged else difference.wanted
    before = _redacted(difference.before, {})
    lines = difflib.unified_diff(before, _redacted(after, difference.before), "before", "after", lineterm="", n=1)
    return [printable(line) for line in lines]


def parts(data: bytes, where: str) -> Parts:
    """{path: data as yaml_text has it} of a file's bytes. Raises Problem."""
    root = _document(data, where)
    found: Parts = {}
    if _is_empty(root):
        return found
    for section, hosts in _pairs(root, where, ()):
        if section in _SECTIONS and not _is_empty(hosts):
            for host, fields in _pairs(hosts, where, (section,)):
                found.update(_of_host(section, host, fields, where))
        elif not _is_empty(hosts):
            found[(section,)] = hosts
    return found


def plain(data: Any) -> Any:
    """A value to compare: how it is written does not count."""
    if data[0] == "scalar":
        return None if _is_empty(data) else data[2]
    if data[0] == "sequence":
        return [plain(item) for item in data[1]]
    return {json.dumps(plain(key)): plain(value) for key, value in data[1]}


def _of_host(section: str, host: str, fields: Any, where: str) -> Parts:
    pairs = [] if _is_empty(fields) else _pairs(fields, where, (section, host))
    found: Parts = {(section, host, field): value for field, value in pairs if not _is_empty(value)}
    # A mirror without endpoints says that the embedded registry shares the images of this registry.
    return found or ({(section, host): ["mapping", []]} if section == "mirrors" else {})


def _document(data, where):
    if yaml_text.yaml is None:
        raise Problem(
            "%s was written by somebody else, and to see what it holds needs PyYAML on this board" % where,
            found="its Python has no module yaml",
            next_step="install the package python3-yaml (Debian, Ubuntu), python3-pyyaml (Fedora, openEuler) or "
            "py3-yaml (Alpine), or move the file away where nothing of it is to stay",
        )
    try:
        documents = yaml_text.Manifest(data, where).documents
    except Problem as problem:
        what, place = problem.what, problem.where
    else:
        if len(documents) < 2:
            return documents[0].data if documents else ["mapping", []]
        what, place = "it has more than one document", where
    # What it found there may be a part of a password, and is not shown.
    raise Problem(
        "%s cannot be read: %s" % (where, what.replace("the manifest", "it").replace(" to be patched", "")),
        where=place,
        next_step="mend it on the board, or move it away where nothing of it is to stay",
    ) from None


def _pairs(mapping, where, above):
    """[(key as text, value)] of a mapping, with what it takes over from others (<<). Raises Problem."""
    if mapping[0] != "mapping":
        raise _odd("is no mapping", above, where)
    own: Dict[str, Any] = {}
    taken: Dict[str, Any] = {}
    for key, value in mapping[1]:
        if key[0] != "scalar":
            raise _odd("has a key that is no text", above, where)
        if key[1].endswith(":merge"):
            for source in value[1] if value[0] == "sequence" else [value]:
                for name, inner in _pairs(source, where, above):
                    taken.setdefault(name, inner)
        elif key[2] in own:
            # yaml.v2, by which k3s reads it, makes one of both sections, and takes the last of two values.
            step = "make one of both on the board: which of them is to stay is not known here"
            raise _odd("has a key twice, %s" % name_of((*above, key[2])), above, where, step)
        else:
            own[key[2]] = value
    return list({**taken, **own}.items())


def _odd(what, above, where, next_step="mend it on the board: k3s does not read it either"):
    return Problem("%s %s" % (name_of(above) if above else "registries.yaml", what), where=where, next_step=next_step)


def name_of(path: Path) -> str:
    """A part's name for people. A login that was put into the name of a host is not shown."""
    return printable(".".join(re.sub(r".*@", "***@", key, flags=re.DOTALL)[:_LONGEST] for key in path))


def _names(paths):
    return sorted(name_of(path) for path in paths)


def _is_named(path, goal):
    """Whether an entry that says nothing more is there anyway."""
    return len(path) == 2 and any(other != path and other[:2] == path for other in goal)


def _endpoints(hosts):
    return [("mirrors", host, "endpoint") for host in hosts]


def _added(path, before, goal):
    """The endpoints of somebody else that go behind the inventory's. Those that a rewrite is for would be asked for
    other names without it, and with it the inventory's would be.
    """
    # "*" is for what has no mirror of its own.
    host = path[1] if any(other[:2] == path[:2] for other in before) else "*"
    theirs, ours = before.get(("mirrors", host, "endpoint")), goal.get(path)
    if not theirs or not ours or theirs[0] != "sequence" or ("mirrors", host, "rewrite") in before:
        return []
    known = {None, *(_as_asked(item) for item in ours[1])}
    found = []
    for item in theirs[1]:
        if item[0] == "scalar" and _as_asked(item) not in known:
            known.add(_as_asked(item))
            found.append(item)
    return found


def _as_asked(item):
    url = plain(item)
    return as_asked(url) if isinstance(url, str) else None


def _single(path, item):
    """The path of one endpoint. It may hold a login, which has no place in a comment."""
    return (*path, sha256(json.dumps(plain(item)).encode()))


def _of_others(found, kept):
    """Of what a file of ours holds, what somebody else had written: whole parts, and single endpoints."""
    theirs = {path: value for path, value in found.items() if path in kept}
    for path, value in found.items():
        single = [item for item in value[1] if _single(path, item) in kept] if value[0] == "sequence" else []
        if single and path not in theirs:
            theirs[path] = ["sequence", single]
    return theirs


def _is_moot(path, before, goal):
    """Whether they are rewrites for other endpoints than those that the inventory puts in their place: k3s would apply
    them to these, and ask for names that are not there.
    """
    endpoint = (*path[:2], "endpoint")
    if path[0] != "mirrors" or path[2:] != ("rewrite",) or endpoint not in goal:
        return False
    return endpoint not in before or plain(before[endpoint]) != plain(goal[endpoint])


def _is_empty(data):
    return data[1].endswith(":null") if data[0] == "scalar" else not data[1]


def _kept(current):
    lines = current.decode("utf-8", "replace").split("\n", 3)
    if len(lines) < 3 or lines[0] + "\n" != _MARK or not lines[2].startswith(_KEPT):
        return frozenset()
    try:
        return frozenset(tuple(path) for path in json.loads(lines[2][len(_KEPT) :]))
    except (ValueError, TypeError):
        return frozenset()


def _text(after, wanted, kept):
    head = _MARK + _WANTED + sha256(wanted) + "\n" + _KEPT + json.dumps(sorted(kept)) + "\n"
    return head + "\n".join(_lines(after)) + "\n"


def _lines(found, value=None):
    """Lines of YAML; ``value`` writes a value, by its path."""
    above: Path = ()
    for path in sorted(found):
        for depth in range(len(path) - 1):
            if path[: depth + 1] != above[: depth + 1]:
                yield "%s%s:" % ("  " * depth, _quoted(path[depth]))
        text = value(path, found[path]) if value else _flow(found[path])
        yield "%s%s: %s" % ("  " * (len(path) - 1), _quoted(path[-1]), text)
        above = path


def _flow(data):
    if data[0] == "sequence":
        return "[%s]" % ", ".join(map(_flow, data[1]))
    if data[0] == "mapping":
        return "{%s}" % ", ".join("%s: %s" % (_flow(key), _flow(value)) for key, value in data[1])
    if data[1].endswith(":null"):
        return "null"
    return data[2] if not data[1].endswith(":str") and _PLAIN.match(data[2]) else _quoted(data[2])


def _quoted(text):
    return _UNPRINTABLE.sub(lambda found: "\\u%04x" % ord(found.group()), json.dumps(text, ensure_ascii=False))


def _redacted(found, before):
    def value(path, data):
        if len(path) == 3 and (path[0], path[2]) in _SHOWN:
            return _flow(_without_secrets(data, path[2]))
        if _is_empty(data):
            return _flow(data)
        is_other = path in before and plain(before[path]) != plain(data)
        return _HIDDEN + (" (another)" if is_other else "")

    masked = {tuple(re.sub(r".*@", "***@", key, flags=re.DOTALL) for key in path): path for path in found}
    return list(_lines({name: found[path] for name, path in masked.items()}, value))


def _without_secrets(data, field):
    """A value of a field that may be shown, in the form that k3s knows; what has another form may be a secret."""
    if field == "endpoint":
        return ["sequence", [_url(item) for item in data[1]]] if data[0] == "sequence" else _url(data)
    if data[0] != "mapping":
        return data if _is_empty(data) else _hidden()
    if field == "rewrite":
        return ["mapping", [[_line(key), _line(value)] for key, value in data[1]]]
    known = [key[0] == "scalar" and key[2] in _SHOWN_OF_TLS for key, dummy in data[1]]
    return [
        "mapping",
        [[key, _line(value)] if is_known else [_hidden(), _hidden()] for is_known, (key, value) in zip(known, data[1])],
    ]


def _line(data):
    if data[0] != "scalar" or len(data[2]) > _LONGEST or "\n" in data[2]:
        return _hidden()
    return ["scalar", data[1], re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1***@", data[2])]


def _url(data):
    data = _line(data)
    text = re.sub(r"[?#].*", "?" + _HIDDEN, data[2])
    return ["scalar", data[1], text] if _URL.match(text) else _hidden()


def _hidden():
    return ["scalar", "tag:yaml.org,2002:str", _HIDDEN]
