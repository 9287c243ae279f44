# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For any manifest and any patch: the result says what was asked and keeps every other byte, or the patch is refused.
Never a traceback.
"""

import copy

import hypothesis
from hostile import COUNTS, many, outcome, st
from manifest_cases import FIELDS, KEYS, MUTATED, expected, load, manifests

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.document import identities, patch_manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def patches_of(fields, kind="Pod", name="p", container="c"):
    return normalise_patches(
        [dict({"manifest": "x.yaml", "kind": kind, "name": name, "container": container}, **fields)]
    )


@many(0.7)
@hypothesis.given(manifests(), FIELDS)
def test_edit_or_refusal(segments, fields):
    COUNTS["manifests"] += 1
    text = "".join(text for key, text in segments)
    patches = patches_of(fields)
    after = outcome(patch_manifest, text.encode(), patches, "x.yaml")
    if isinstance(after, Problem):
        hypothesis.event("refused")
        return
    hypothesis.event("edited")
    assert load(after.decode()) == expected(load(text), patches[0])
    assert patch_manifest(after, patches, "x.yaml") == after
    position = 0
    for key, kept in segments:
        if key not in {KEYS.get(field) for field in fields}:
            found = after.decode().find(kept, position)
            assert found >= position, "%r was changed" % kept
            position = found + len(kept)


@many(1.3)
@hypothesis.given(MUTATED, FIELDS)
def test_a_manifest_with_something_wrong_in_it(text, fields):
    COUNTS["manifests"] += 1
    data, patches = text.encode(), patches_of(fields, "Deployment", "coredns", "coredns")
    said = loaded(text)
    if said is not None:
        assert loaded(_overlay.make_different(data).decode()) == said, "one more comment line says something else"
    texts = outcome(_overlay.make_overlays, data, "x.yaml", patches)
    if isinstance(texts, Problem):
        hypothesis.event("refused")
        return
    hypothesis.event("edited")
    assert _overlay.is_current(_overlay.read_header(texts[1]), _overlay.sha256(data), patches)
    if said is None:
        return  # a tag that only its own program knows: the words are right, and nobody can tell more
    wanted = expected(copy.deepcopy(said), patches[0], "Deployment", "coredns")
    assert loaded(texts[1].decode()) == [document for document in wanted if not is_service(document)]


@many(0.2)
@hypothesis.given(st.binary(max_size=200), FIELDS)
def test_any_bytes(data, fields):
    COUNTS["manifests"] += 1
    assert isinstance(outcome(patch_manifest, data, patches_of(fields), "x.yaml"), Problem)
    assert isinstance(outcome(identities, data, "x.yaml"), (Problem, list))
    assert (
        _overlay.read_header(data) is None and data in _overlay.make_different(data) or data.startswith(b"\xef\xbb\xbf")
    )


def loaded(text):
    """What a plain YAML tool reads, or None when it refuses."""
    try:
        return load(text)
    except Exception:  # pylint: disable=broad-exception-caught  # it is known for many kinds
        return None


def is_service(document):
    """One that the overlay leaves out: only what is an object, by its name."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    return isinstance(metadata, dict) and document.get("kind") == "Service" and isinstance(metadata.get("name"), str)
