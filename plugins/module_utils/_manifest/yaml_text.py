# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Multi-document YAML as text, documents and nodes with their spans. The only file that imports PyYAML."""

from __future__ import annotations

import re
from typing import Any, Callable, NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]  # asked for where it is needed

_BOM = "\ufeff"
# k3s's template variables (%{CLUSTER_DNS}%) are no YAML at the start of a scalar. They are masked by as many
# characters, so that offsets stay true; characters for private use are plain text to YAML.
_TOKEN = re.compile(r"%\{([A-Z0-9_]+)\}%")
_MASK = "\ue0f1\ue0f2%s\ue0f3\ue0f4".replace("%s", r"\1")
_MASKED = re.compile("\ue0f1\ue0f2([A-Z0-9_]+)\ue0f3\ue0f4")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# What a line begins with, where a tab is none to k3s either, and the rest of it.
_LINE = re.compile(r"^( *(?:[-?](?: +|(?=\t)))*\t*)(.*)$", re.MULTILINE)
_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
# Bounds, far above what k3s packages: its manifests have less than 20 KB, some hundred nodes, and are ten levels deep.
# A board parses 100 KB in some ten seconds; aliases of aliases can stand for billions of nodes.
LARGEST = 256 * 1024
MOST_NODES = 100000
DEEPEST = 100


class LastAnchor:
    """Before a loader of PyYAML: an anchor's name that is given twice is to k3s, from there on, that of the second, and
    to PyYAML an error. Loaders in C cannot have it.
    """

    anchors: dict
    check_event: Callable
    peek_event: Callable

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As that of yaml.composer.Composer."""
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)
        return super().compose_node(parent, index)  # type: ignore[misc]


def read_as_k3s(act: Callable[[Any], Any], kind: str) -> Any:
    """What ``act`` reads by a loader of PyYAML, ``BaseLoader`` (all scalars as text) or ``SafeLoader``: the quick one
    in C, and only where that finds fault with anchors, one that takes them as k3s. Raises what ``act`` raises.
    """
    slow = getattr(yaml, kind)
    try:
        return act(getattr(yaml, "C" + kind, slow))
    except yaml.composer.ComposerError:
        return act(type("Loader", (LastAnchor, slow), {}))


class Document(NamedTuple):
    """One document: its number from 1, its line from 1, its span in the text (characters), its root node.

    ``data`` is the node as nested lists that nothing shares: ["scalar", tag, value], ["sequence", items], ["mapping",
    pairs].
    """

    number: int
    line: int
    start: int
    end: int
    node: object
    data: list


class Manifest:
    """A manifest's text (byte order mark apart, tokens masked) and its documents.

    ``data`` is the file's bytes, ``where`` its name for messages. Raises Problem when it is not UTF-8, not YAML, too
    large or too deep to be a packaged manifest, or PyYAML is missing.
    """

    def __init__(self, data, where):
        self.where = where
        text = _decode(data, where)
        self.bom = _BOM if text.startswith(_BOM) else ""
        self.text = mask(text[len(self.bom) :])
        first_break = _BREAK.search(self.text)
        self.newline = first_break.group() if first_break else "\n"
        self.documents = _compose(self.text, where)

    def encode(self, text):
        """The bytes for a (masked) text of this manifest."""
        return (self.bom + unmask(text)).encode("utf-8")

    def end_of_line(self, position):
        """Where the line of ``position`` ends, before its line break."""
        found = _BREAK.search(self.text, position)
        return found.start() if found else len(self.text)


def mask(text):
    """Replace template variables by plain text of the same length."""
    return _TOKEN.sub(_MASK, text)


def unmask(text):
    """Undo ``mask``."""
    return _MASKED.sub(r"%{\1}%", text)


def string(text):
    """The ``data`` of a string."""
    return ["scalar", _STRING, text]


def frozen(data):
    """A Document's ``data`` as a value to compare: the order of a mapping's keys does not count."""
    if data[0] == "scalar":
        return tuple(data)
    if data[0] == "sequence":
        return (data[0], tuple(frozen(item) for item in data[1]))
    return (data[0], tuple(sorted(((frozen(key), frozen(value)) for key, value in data[1]), key=repr)))


def has_merge_key(data):
    """Whether a mapping's ``data`` takes over keys of another one (<<)."""
    return any(key[:2] == ["scalar", _MERGE] for key, value in data[1])


def is_scalar(node):
    return isinstance(node, yaml.ScalarNode)


def is_sequence(node):
    return isinstance(node, yaml.SequenceNode)


def is_mapping(node):
    return isinstance(node, yaml.MappingNode)


def content_end(node, text):
    """Where a node's own text ends. PyYAML's end mark of a block node lies beyond the comments after it."""
    if is_scalar(node):
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(text[start:end].rstrip()) if node.style in ("|", ">") else end
    if node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return content_end(last[1] if is_mapping(node) else last, text)


def to_json_values(text, where):
    """Plain Python values of a YAML text of one document (a HelmChart's values). Raises Problem."""
    _need_yaml(where)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _not_yaml(error, where) from error


def _decode(data, where):
    if len(data) > LARGEST:
        raise Problem(
            "the manifest is too large to be patched",
            found="%d bytes" % len(data),
            where=where,
            next_step="check what it is: no manifest that k3s packages has more than %d KiB" % (LARGEST // 1024),
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(
            "the manifest is not UTF-8 text",
            found="byte 0x%02x at offset %d" % (data[error.start], error.start),
            where=where,
        ) from error
    if re.search("[\ue0f1-\ue0f4]", text):
        raise Problem(
            "the manifest holds characters for private use (U+E0F1 to U+E0F4)", where=where, next_step="edit it by hand"
        )
    if text.rfind(_BOM) > 0:
        # At the start of a document some readers of YAML skip it, and others take it for a part of the first key.
        raise Problem(
            "the manifest has a byte order mark inside",
            where=where,
            next_step="remove it; only the first character may be one",
        )
    return text


def _need_yaml(where):
    if yaml is None:
        raise Problem(
            "patching manifests needs PyYAML on this server",
            found="its Python has no module yaml",
            where=where,
            next_step="install the package python3-yaml (Debian, Ubuntu), python3-pyyaml (Fedora, openEuler) or "
            "py3-yaml (Alpine)",
        )


def _compose(text, where):
    _need_yaml(where)
    copier = _Copier(where)
    try:
        found = [(mark, node, copier.copy(node)) for mark, node in _read(text)]
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _not_yaml(error, where) from error
    # Comments before the first document belong to it.
    starts = [0] + [mark.index for mark, node, data in found[1:]] + [len(text)]
    return [
        Document(number + 1, mark.line + 1, starts[number], starts[number + 1], node, data)
        for number, (mark, node, data) in enumerate(found)
    ]


def _read(text):
    """[(mark, node)] of each document, with offsets in ``text``. To k3s a tab between two words is a blank, to PyYAML
    an error: so it is one here, and what is part of a value stays a tab.
    """
    try:
        return list(_nodes(text))
    except yaml.YAMLError:
        if "\t" not in text:
            raise
        try:
            spaced = _spaced(text)
            for start, end in _scalars([node for dummy, node in _nodes(spaced)]):
                if "\t" in text[start:end]:
                    spaced = spaced[:start] + text[start:end] + spaced[end:]
            return list(_nodes(spaced))
        except yaml.YAMLError:
            pass
        raise


def _spaced(text):
    if text.lstrip().startswith("{"):
        return text.replace("\t", " ")  # JSON, which may be indented by tabs
    return _LINE.sub(lambda line: line.group(1) + line.group(2).replace("\t", " "), text)


def _scalars(nodes):
    """(start, end) of each scalar."""
    seen = set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if is_scalar(node):
            yield node.start_mark.index, node.end_mark.index
        elif is_sequence(node):
            nodes += node.value
        else:
            nodes += [one for pair in node.value for one in pair]


def _nodes(text):
    loader = _bounded_loader(text)
    while loader.check_node():
        mark = loader.peek_event().start_mark
        yield mark, loader.get_node()


def _bounded_loader(text):
    class Loader(LastAnchor, yaml.SafeLoader):
        """Stops at a depth that every function here, each of which calls itself, can follow."""

        depth = 0

        def compose_node(self, parent, index):
            self.depth += 1
            if self.depth > DEEPEST:
                raise yaml.composer.ComposerError(
                    None, None, "it is nested more than %d levels deep" % DEEPEST, self.peek_event().start_mark
                )
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Loader(text)


def _not_yaml(error, where):
    mark = getattr(error, "problem_mark", None)
    line = " line %d" % (mark.line + 1) if mark else ""
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    what, step = "the manifest is not valid YAML", "correct the file, or restart k3s, which writes it again"
    if "\\t" in str(reason):
        # k3s may read it: it takes some of them.
        what, step = "PyYAML cannot read the manifest, for a tab in it", "put blanks in place of the tabs in this line"
    return Problem(what, found=unmask(str(reason)), where=where + line, next_step=step)


class _Copier:
    """Makes a document's ``data``. Raises Problem for aliases that contain themselves or, in all documents together,
    multiply without end.
    """

    def __init__(self, where):
        self._where = where
        self._count = 0
        self._open = []

    def copy(self, node):
        self._count += 1
        if node in self._open or self._count > MOST_NODES:
            raise Problem(
                "the manifest has aliases that contain themselves or multiply",
                where="%s line %d" % (self._where, node.start_mark.line + 1),
                next_step="write it out plainly, without anchors",
            )
        self._open.append(node)
        if is_scalar(node):
            data = ["scalar", node.tag, unmask(node.value)]
        elif is_sequence(node):
            data = ["sequence", [self.copy(item) for item in node.value]]
        else:
            data = ["mapping", [[self.copy(key), self.copy(value)] for key, value in node.value]]
        self._open.pop()
        return data
