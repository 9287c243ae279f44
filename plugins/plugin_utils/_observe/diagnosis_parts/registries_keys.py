# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of a board's registries.yaml that k3s passes over: the reader of what registries_keys.sh writes. Pure.

No value has left the board. Which keys k3s knows at which place is what its own types know.
"""

from __future__ import annotations

import difflib

import yaml

from ansible_collections.riscv.k3s.plugins.plugin_utils import go_regexp
from ansible_collections.riscv.k3s.plugins.plugin_utils import registries_types as _types

# What masked.sh writes in place of values, and of a login.
_HIDDEN = ("hidden0", "hidden@")
_DEEPEST = 40
_LONGEST = 200
# What people call them elsewhere, and is not alike.
_OTHER_NAMES = {
    "user": "username",
    "pass": "password",
    "ca": "ca_file",
    "cert": "cert_file",
    "key": "key_file",
    "insecure": "insecure_skip_verify",
    "skip_verify": "insecure_skip_verify",
}


def read_keys(seen):
    """What is wrong with the keys: {wrong_keys: [{line, key, above, instead}], wrong_rewrites: [{line, pattern, why}],
    unread}. ``above`` names the keys over it, ``instead`` is what k3s knows in its place, or None; ``unread`` is the
    line in which the file stops to be YAML, or None.
    """
    text = seen.out("registries_keys", str)
    return judge(text) if text is not None else {"wrong_keys": [], "wrong_rewrites": [], "unread": None}


def judge(text):
    """The same for a text from masked.sh."""
    found: dict = {"wrong_keys": [], "wrong_rewrites": [], "unread": None}
    try:
        # Of several documents k3s reads the first.
        root = next(iter(yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))), None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        found["unread"] = mark.line + 1 if mark else 0
        return found
    except (ValueError, RecursionError):
        found["unread"] = 0
        return found
    if root is not None:
        _Walk(found).mapping(root, _types.REGISTRIES, ())
    return found


class _Walk:
    """A walk through the document, beside the keys that k3s knows."""

    def __init__(self, found):
        self.found = found
        self.seen = set()

    def mapping(self, node, known, above):
        """Judge the keys of ``node``, and what is below those that are known."""
        if not isinstance(node, yaml.MappingNode) or len(above) > _DEEPEST:
            return
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else _HIDDEN[0]
            if name == "<<":
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self.mapping(source, known, above + (name,))
            elif name in known or _types.ANY in known:
                self._known(key, name, value, known, above)
            elif not name.startswith(_HIDDEN):
                self._unknown(key, name, known, above, {one.value for one, dummy in node.value})

    def _known(self, key, name, value, known, above):
        if known is _types.REWRITE:
            why = None if name.startswith(_HIDDEN) else go_regexp.fault(name)
            if why:
                self._note("wrong_rewrites", {"line": key.start_mark.line + 1, "pattern": name[:_LONGEST], "why": why})
        # containerd looks for the name of a registry, which has neither scheme nor path.
        if above == ("mirrors",) and "/" in name and not name.startswith(_HIDDEN):
            row = {"line": key.start_mark.line + 1, "key": name[:_LONGEST], "above": ".".join(above)}
            self._note("wrong_keys", dict(row, instead=name.rpartition("://")[2].partition("/")[0] or None))
        below = known.get(name, known.get(_types.ANY))
        if below is not None:
            self.mapping(value, below, above + (name[:_LONGEST],))

    def _unknown(self, key, name, known, above, beside):
        meant = _alike(name, known)
        row = {"line": key.start_mark.line + 1, "key": name[:_LONGEST], "above": ".".join(above)}
        # Where the right one stands beside it, a renamed one would be there twice, and k3s would not start.
        self._note("wrong_keys", dict(row, instead=meant if meant not in beside else None))

    def _note(self, kind, row):
        # What an alias repeats is one place.
        place = (kind, row["line"], row.get("key", row.get("pattern")))
        if place not in self.seen:
            self.seen.add(place)
            self.found[kind].append(row)


def _alike(name, known):
    """The known key that was probably meant, or None."""
    name = name.strip().lower().replace("-", "_")
    other = _OTHER_NAMES.get(name, name)
    if other in known:
        return other
    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.7)), None)
