# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of a manifest's text by the spans of its nodes: replace a value, insert a key, and nothing else.

Every edit is made twice: in the text, and in a copy of the document's data. ``Editor.result`` parses the new text
and refuses it unless it says exactly what the changed data says, so an edit that went wrong is never written.
"""

from __future__ import annotations

import json
import re

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import yaml_text as source
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Plain text that no reader of YAML takes for a number, a date or a boolean: a path, an image, or a pull policy.
_PLAIN = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9._:@+-]*)?/(?:[A-Za-z0-9._:/@+-]*[A-Za-z0-9._/@+-])?\Z|(?:Always|IfNotPresent|Never)\Z"
)
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ue000-\uf8ff\ufeff]")


class Cursor:
    """A node together with its counterpart in the copied data."""

    def __init__(self, manifest, node, data, key=None):
        self.manifest = manifest
        self.node = node
        self.data = data
        self.key = key

    @property
    def start(self):
        return self.node.start_mark.index

    @property
    def end(self):
        return source.content_end(self.node, self.manifest.text)

    @property
    def text(self):
        """The value of a string, else None."""
        return self.data[2] if self.data == source.string(self.data[-1]) else None

    def texts(self):
        """The values of a list of strings, else None."""
        if self.data[0] != "sequence" or any(item != source.string(item[-1]) for item in self.data[1]):
            return None
        return [item[2] for item in self.data[1]]

    def get(self, name):
        """The value under a key, or None. Raises Problem where that would not be certain."""
        if not source.is_mapping(self.node):
            return None
        if source.has_merge_key(self.data):
            raise self.refusal("it uses a merge key (<<)")
        found = [(pair, data) for pair, data in zip(self.node.value, self.data[1]) if data[0] == source.string(name)]
        if len(found) > 1:
            raise self.refusal("it has the key %s twice" % name)
        if not found:
            return None
        (key, value), (dummy, data) = found[0]
        if value.start_mark.index < key.end_mark.index:
            raise self.refusal("%s is a YAML alias" % name)
        return Cursor(self.manifest, value, data, key)

    def items(self):
        """The items of a list; none when this is no list."""
        if not source.is_sequence(self.node):
            return []
        last = self.start - 1
        for item in self.node.value:
            if item.start_mark.index <= last:
                raise self.refusal("its list has a YAML alias")
            last = item.start_mark.index
        return [Cursor(self.manifest, node, data) for node, data in zip(self.node.value, self.data[1])]

    def refusal(self, why):
        """The Problem that says why this node cannot be edited safely."""
        where = "%s line %d" % (self.manifest.where, self.node.start_mark.line + 1)
        return Problem(
            "this part of the manifest cannot be edited safely",
            found=why,
            where=where,
            next_step="write it out plainly, without anchors",
        )


class Editor:
    """Collects edits of one manifest; ``result`` gives the new bytes."""

    def __init__(self, manifest):
        self._manifest = manifest
        self._edits = []
        self._data = [document.data for document in manifest.documents]
        self._dropped = set()
        self._set = set()

    def cursor(self, document):
        """The root of a document."""
        return Cursor(self._manifest, document.node, self._data[document.number - 1])

    def set_text(self, parent, name, value, after):
        """Set a key to a string; a missing key is put behind the first of ``after`` that is there."""
        self._once(parent, name)
        target = parent.get(name)
        if target is None:
            self._insert(
                parent,
                name,
                source.string(value),
                _quote(value, "double" if parent.node.flow_style else "plain"),
                after,
            )
        elif target.text != value:
            if not source.is_scalar(target.node):
                raise target.refusal("%s is not a single value" % name)
            style = {"'": "single", '"': "double", None: "plain"}.get(target.node.style, "double")
            self._replace(target, _quote(value, style))
            target.data[:] = source.string(value)

    def set_texts(self, parent, name, values, after):
        """Set a key to a list of strings; block style is kept."""
        self._once(parent, name)
        target = parent.get(name)
        flow = _flow_list([_quote(value, "double") for value in values])
        data = ["sequence", [source.string(value) for value in values]]
        if target is None:
            self._insert(parent, name, data, flow, after)
        elif target.texts() != values:
            block = source.is_sequence(target.node) and not target.node.flow_style
            if block and values:
                indent = self._dash_indent(target)
                self._replace(
                    target, (self._manifest.newline + indent).join("- " + _quote(value, "plain") for value in values)
                )
            elif block:
                # An empty list cannot stand where a dash may: at the column of its own key.
                self._edits.append((target.key.end_mark.index, target.end, ": []"))
            else:
                self._replace(target, flow)
            target.data[:] = data

    def set_env(self, parent, variables, after):
        """Set environment variables by name; others stay, in their order."""
        self._once(parent, "env")
        target = parent.get("env")
        entries = list(variables.items())
        if target is not None and source.is_sequence(target.node):
            items = target.items()
            entries = [(name, value) for name, value in entries if not self._set_variable(target, items, name, value)]
            if items:
                self._append_variables(target, items, entries)
                return
        if not entries:
            return
        flow = _flow_list(_flow_variable(name, value) for name, value in entries)
        data = ["sequence", [_variable(name, value) for name, value in entries]]
        if target is not None:
            self._replace(target, flow)
            target.data[:] = data
        elif parent.node.flow_style:
            self._insert(parent, "env", data, flow, after)
        else:
            self._insert(parent, "env", data, self._block_variables(_column(parent), entries), after)

    def drop(self, document, comment):
        """Leave out a whole document; ``comment`` (lines without #) stands in its place."""
        lines = "".join("# %s%s" % (line, self._manifest.newline) for line in comment)
        self._edits.append((document.start, document.end, lines))
        self._dropped.add(document.number - 1)

    def result(self):
        """The edited bytes. Raises Problem when they would not say exactly what was asked."""
        manifest = self._manifest
        text = manifest.text
        # Insertions at one place keep the order in which they were asked for.
        ordered = sorted(enumerate(self._edits), key=lambda entry: (entry[1][0], entry[0]))
        if any(one[1][1] > two[1][0] for one, two in zip(ordered, ordered[1:])):
            raise self._conflict("overlapping edits")
        for dummy, (start, end, new) in reversed(ordered):
            text = text[:start] + new + text[end:]
        data = manifest.encode(text)
        self._verify(data)
        return data

    def _verify(self, data):
        asked = [source.frozen(part) for number, part in enumerate(self._data) if number not in self._dropped]
        try:
            got = [source.frozen(document.data) for document in source.Manifest(data, self._manifest.where).documents]
        except Problem as problem:
            raise self._unsafe(problem.found or problem.what) from problem
        if asked != got:
            raise self._unsafe("other values would have changed, too")

    def _unsafe(self, why):
        return Problem(
            "the manifest cannot be edited safely; nothing was written",
            found=why,
            where=self._manifest.where,
            next_step="look for anchors, aliases or unusual layout near the patched container, and write them out "
            "plainly",
        )

    def _once(self, parent, name):
        # Two patches that add the same key would write it twice, and the data would agree.
        if (parent.start, name) in self._set:
            raise self._conflict("%s of line %d" % (name, parent.node.start_mark.line + 1))
        self._set.add((parent.start, name))

    def _conflict(self, found):
        return Problem(
            "two patches change the same part of the manifest",
            found=found,
            where=self._manifest.where,
            next_step="put them into one patch",
        )

    def _replace(self, target, new):
        start, end, text = target.start, target.end, self._manifest.text
        if text[start : start + 1] == "&":
            raise target.refusal("it has a YAML anchor")
        if start == end and text[start - 1 : start] not in (" ", "\n"):
            new = " " + new  # a key without a value: the span is right behind the colon
        self._edits.append((start, end, new))

    def _insert(self, parent, name, data, rendered, after):
        manifest, pairs = self._manifest, parent.node.value
        names = [getattr(key, "value", None) for key, value in pairs]
        parent.data[1].append([source.string(name), data])
        if parent.node.flow_style:
            quoted = _quote(name, "double") if getattr(pairs[0][0], "style", None) == '"' else name
            position = source.content_end(pairs[-1][1], manifest.text)
            self._edits.append((position, position, ", %s: %s" % (quoted, rendered)))
            return
        behind = [names.index(key) for key in after if key in names]
        key, value = pairs[behind[0] if behind else 0]
        if value.start_mark.index < key.end_mark.index:
            raise parent.refusal("%s is a YAML alias" % key.value)
        separator = "" if rendered[:1] in ("\n", "\r") else " "
        self._insert_line(
            source.content_end(value, manifest.text), "%s%s:%s%s" % (_column(parent), name, separator, rendered), parent
        )

    def _insert_line(self, content_end, line, cursor):
        manifest = self._manifest
        position = manifest.end_of_line(content_end)
        rest = manifest.text[content_end:position].strip()
        if rest and not rest.startswith("#"):
            raise cursor.refusal("the text %r follows on the same line" % source.unmask(rest[:40]))
        self._edits.append((position, position, manifest.newline + line))

    def _dash_indent(self, target):
        text, start = self._manifest.text, target.start
        indent = " " * target.node.start_mark.column
        if text[start : start + 1] != "-" or text[start - len(indent) : start] != indent:
            raise target.refusal("its list does not begin on a line of its own")
        target.items()
        return indent

    def _set_variable(self, target, items, name, value):
        found = [item for item in items if item.get("name") and item.get("name").text == name]
        if len(found) > 1:
            raise target.refusal("the variable %s occurs twice" % name)
        if not found:
            return False
        item = found[0]
        if all(key in (source.string("name"), source.string("value")) for key, data in item.data[1]):
            self.set_text(item, "value", value, ["name"])
        else:
            # valueFrom or other keys: the whole entry gives way.
            flow = item.node.flow_style
            self._replace(
                item, _flow_variable(name, value) if flow else self._block_variable(_column(item), name, value)
            )
            item.data[:] = _variable(name, value)
        return True

    def _append_variables(self, target, items, entries):
        if not entries:
            return
        target.data[1].extend(_variable(name, value) for name, value in entries)
        if target.node.flow_style:
            self._edits.append(
                (items[-1].end, items[-1].end, "".join(", " + _flow_variable(name, value) for name, value in entries))
            )
        else:
            indent = self._dash_indent(target)
            self._insert_line(target.end, self._block_variables(indent, entries)[len(self._manifest.newline) :], target)

    def _block_variables(self, indent, entries):
        newline = self._manifest.newline
        return "".join(
            newline + indent + "- " + self._block_variable(indent + "  ", name, value) for name, value in entries
        )

    def _block_variable(self, indent, name, value):
        return "name: %s%s%svalue: %s" % (
            _quote(name, "double"),
            self._manifest.newline,
            indent,
            _quote(value, "double"),
        )


def _column(cursor):
    """The indentation of a block mapping's keys."""
    return " " * cursor.node.value[0][0].start_mark.column


def _variable(name, value):
    return ["mapping", [[source.string(key), source.string(text)] for key, text in (("name", name), ("value", value))]]


def _flow_list(items):
    return "[%s]" % ", ".join(items)


def _flow_variable(name, value):
    return '{"name": %s, "value": %s}' % (_quote(name, "double"), _quote(value, "double"))


def _quote(value, style):
    """A string as a YAML scalar, in the wanted style where that is possible, else between double quotes."""
    if style == "plain" and _PLAIN.match(value):
        return value
    if style == "single" and value.isprintable():
        return "'%s'" % value.replace("'", "''")
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: "\\u%04x" % ord(found.group()), quoted)
