# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of a board's registries.yaml that k3s passes over, and values of another kind than it takes, with which it does
not start. Pure.

No value has left the board: what is judged is a text from masked.sh. Which keys k3s knows at which place, and with what
below them, is what its own types know.
"""

from __future__ import annotations

import difflib

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import has_names
from ansible_collections.riscv.k3s.plugins.plugin_utils import go_regexp
from ansible_collections.riscv.k3s.plugins.plugin_utils import registries_types as _types
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import masked_text

# What masked.sh writes in place of values, and of a login.
_HIDDEN = (masked_text.HIDDEN, "hidden@")
# Names of mirrors that stand for no registry of their own.
_ALL_REGISTRIES = ("*", "_default")
_A_LIST, _A_MAPPING, _A_TEXT = "a list", "a mapping", "a text"
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


def judge(text):
    """What is wrong with the keys: {wrong_keys: [{line, key, above, instead, why}], wrong_values: [{line, key, above,
    wanted}], wrong_rewrites: [{line, pattern, why}], unread}. ``above`` names the keys over it, ``instead`` is what k3s
    knows in its place, or None, ``why`` a reason for what is no misspelling, or None; ``wanted`` is what k3s wants
    there; ``unread`` is the line in which the file stops to be YAML, or None (0: nobody knows the line).
    """
    found: dict = {"wrong_keys": [], "wrong_values": [], "wrong_rewrites": [], "unread": None}
    root, found["unread"] = masked_text.parse(text)
    if root is not None:
        _Walk(found).below(None, root, _types.REGISTRIES, ())
    return found


class _Walk:
    """A walk through the document, beside the keys that k3s knows."""

    def __init__(self, found):
        self.found = found
        self.seen = set()
        self.merged = set()

    def below(self, key, node, known, above):
        """Judge what stands below ``key``, of which ``known`` is what k3s takes there. Nothing at all is fine."""
        if node.tag == masked_text.NULL:
            return
        if known is _types.TEXTS:
            items = node.value if isinstance(node, yaml.SequenceNode) else []
            texts = all(isinstance(item, yaml.ScalarNode) for item in items)
            is_right, wanted = isinstance(node, yaml.SequenceNode) and texts, _A_LIST + " of texts"
        elif known is None:
            is_right, wanted = isinstance(node, yaml.ScalarNode), _A_TEXT
        else:
            is_right, wanted = isinstance(node, yaml.MappingNode), _A_MAPPING
        if not is_right:
            row = {"line": (key or node).start_mark.line + 1, "key": above[-1] if above else ""}
            self._note("wrong_values", dict(row, above=".".join(above[:-1]), wanted=wanted))
        elif wanted is _A_MAPPING:
            self.mapping(node, known, above)

    def mapping(self, node, known, above):
        """Judge the keys of ``node``, and what is below those that are known."""
        if not isinstance(node, yaml.MappingNode) or len(above) > _DEEPEST:
            return
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else _HIDDEN[0]
            if name == "<<":
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    # One that merges itself, or others many times over, is looked at once.
                    if (id(source), id(known)) not in self.merged:
                        self.merged.add((id(source), id(known)))
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
        if known[name if name in known else _types.ANY] in (_types.MIRROR, _types.CONFIG):
            self._host(key, name, above)
        if above == ("mirrors",) and name in _types.REGISTRIES:
            return
        self.below(key, value, known.get(name, known.get(_types.ANY)), above + (name[:_LONGEST],))

    def _host(self, key, name, above):
        """Judge the name of a registry. containerd asks for that which images have, with neither scheme nor path; a
        word without a dot or a port is a part of names at docker.io. Logins are for hosts of endpoints, of any name.
        """
        host = name.rpartition("://")[2].partition("/")[0]
        if name.startswith(_HIDDEN) or name in _ALL_REGISTRIES or host == name and above != ("mirrors",):
            return
        if host != name:
            why = "a registry is named by its host and port alone"
        elif name in _types.REGISTRIES:
            why = "it stands one level too deep, so k3s takes it for the name of a registry"
        elif not has_names(name):
            why = "no image is of a registry by this name, which has neither a dot nor a port"
        else:
            return
        row = {"line": key.start_mark.line + 1, "key": name[:_LONGEST], "above": ".".join(above), "why": why}
        self._note("wrong_keys", dict(row, instead=host if host != name and has_names(host) else None))

    def _unknown(self, key, name, known, above, beside):
        meant = _alike(name, known)
        row = {"line": key.start_mark.line + 1, "key": name[:_LONGEST], "above": ".".join(above)}
        # Where the right one stands beside it, a renamed one would be there twice, and k3s would not start.
        self._note("wrong_keys", dict(row, instead=meant if meant not in beside else None, why=None))

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
