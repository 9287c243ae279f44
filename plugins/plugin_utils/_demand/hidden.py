# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests of which a part that leads to images has not left the board. Pure.

masked.sh shows keys and a few values. YAML has many ways to write both; what it does not understand it hides. An image
behind that is not known, which must be told.
"""

from __future__ import annotations

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import POD_SPEC_PATHS
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import read_as_k3s

# What stands in place of a value that has not left the board (masked.sh).
HIDDEN = "hidden0"
YAML_FILES = (".yaml", ".yml", ".json")
_CHARTS = ("HelmChart", "HelmChartConfig")


def load_all(text):
    """The documents of a YAML text with all scalars as text: a tag such as 3.10 must not become the number 3.1. Raises
    yaml.YAMLError, ValueError and RecursionError.
    """
    return read_as_k3s(lambda loader: list(yaml.load_all(text, Loader=loader)), "BaseLoader")  # nosec: it makes only text


def kept_back(path, document):
    """What may name images in a document and has not left the board, a sentence each."""
    kind, name = _kind(document), _child(_child(document, "metadata"), "name")
    if _holds_quoted(kind, document):
        yield (
            "%s %s/%s: images in a text that is written in quotes are not known. Write it as a block (|)"
            % (path, kind, name)
        )
    if kind in _CHARTS and not _is_read(_child(_child(document, "spec"), "valuesContent")):
        yield "%s %s/%s: its valuesContent could not be read as YAML, so its images are not known" % (path, kind, name)
    if is_unseen(document):
        yield (
            "%s %s/%s: its kind, or what stands above its images, is written in a form that is not read on the board, "
            "so its images are not known. Write both as plain keys and values" % (path, kind, name)
        )


def _kind(document):
    kind = document.get("kind")
    return kind if isinstance(kind, str) else None


def unseen(node, *path):
    """Whether a node, or one on the path below it, is hidden, or may have keys that are."""
    for key in (None, *path):
        node = node if key is None else _child(node, key)
        merged = node.get("<<") if isinstance(node, dict) else None
        if node == HIDDEN or isinstance(node, dict) and HIDDEN in node:
            return True
        if any(unseen(one) for one in (merged if isinstance(merged, list) else [merged]) if one is not None):
            return True
    return False


def is_unseen(document):
    """Whether the kind of a document is hidden, or what leads to the images that one of its kind has."""
    kind = _kind(document)
    if unseen(document, "kind"):
        return True
    if kind in POD_SPEC_PATHS:
        spec = list(POD_SPEC_PATHS[kind])
        return any(
            unseen(document, *spec, field) or any(unseen(one) for one in _items(_walk(document, [*spec, field])))
            for field in ("initContainers", "containers")
        )
    if kind in _CHARTS:
        below = (("metadata", "name"), ("metadata", "namespace"), ("spec", "values"), ("spec", "set"))
        return any(unseen(document, *path) for path in below)
    return kind == "ConfigMap" and unseen(document, "data") or kind == "List" and unseen(document, "items")


def _holds_quoted(kind, document):
    """Whether a text that is YAML by itself is written in quotes."""
    if kind in _CHARTS:
        return _child(_child(document, "spec"), "valuesContent") == HIDDEN
    data = _child(document, "data")
    return (
        kind == "ConfigMap"
        and isinstance(data, dict)
        and any(value == HIDDEN and isinstance(key, str) and key.endswith(YAML_FILES) for key, value in data.items())
    )


def _is_read(content):
    """Whether values are one YAML document whose top is not hidden; where there are none, too."""
    if not isinstance(content, str) or content == HIDDEN:
        return True
    try:
        documents = load_all(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return not any(document == HIDDEN or isinstance(document, dict) and HIDDEN in document for document in documents)


def _walk(node, path):
    for key in path:
        node = _child(node, key)
    return node


def _child(node, key):
    """What stands under a key, in the mapping itself or in what it takes over by YAML's merge key."""
    if not isinstance(node, dict):
        return None
    if key in node:
        return node[key]
    merged = node.get("<<")
    found = (_child(one, key) for one in (merged if isinstance(merged, list) else [merged]))
    return next((one for one in found if one is not None), None)


def _items(node):
    return node if isinstance(node, list) else []
