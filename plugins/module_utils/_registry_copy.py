# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy an image from one name to another, in one registry or between two. The tag comes last, so that it never names half an image."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._registry import INDEX_TYPES, Manifest
from ansible_collections.riscv.k3s.plugins.module_utils._registry_errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_info import no_architecture, not_found, platform_text

ALL = "all"


class Copied(NamedTuple):
    """``before`` is the digest that the target named, None when it named nothing; lists hold digests of blobs."""

    digest: str
    before: Optional[str]
    copied: List[str]
    skipped: List[str]
    size: int  # bytes of the blobs in ``copied``


class Tree(NamedTuple):
    """What is to be copied: the manifest that the target will name, those below it, and descriptors of all blobs."""

    top: Manifest
    below: List[Manifest]
    blobs: Dict[str, Any]
    named: str  # digest that the source's name has, which is that of the index where only one of its images is copied


def copy(source, target, connect, architecture, work, dry_run=False) -> Copied:
    """Make ``target`` name what ``source`` names (ImageName both), for one ``architecture`` or ALL.

    For one architecture of an index its bare manifest is copied. ``connect`` makes the Registry for a host, ``work`` is a
    folder for one blob at a time. With ``dry_run`` nothing is sent and the answer is the same. Raises Problem.
    """
    here, there = connect(source.registry), connect(target.registry)
    tree = read(here, source, architecture)
    known = there.manifest(target.repository, target.tag)
    before = known.digest if known else None
    if before == tree.top.digest:
        return Copied(before, before, [], sorted(tree.blobs), 0)
    copied, skipped = [], []
    for digest in sorted(tree.blobs):
        if there.has_blob(target.repository, digest):
            skipped.append(digest)
            continue
        copied.append(digest)
        if not dry_run:
            _copy_blob(here, source, there, target, tree.blobs[digest], work)
    if not dry_run:
        for manifest in tree.below:
            there.push_manifest(target.repository, manifest.digest, manifest.media_type, manifest.data)
        there.push_manifest(target.repository, target.tag, tree.top.media_type, tree.top.data)
    return Copied(tree.top.digest, before, copied, skipped, sum(tree.blobs[digest]["size"] for digest in copied))


def read(registry, name, architecture) -> Tree:
    """The Tree of an image (an ImageName) in ``registry`` for one architecture or ALL, without content of blobs. Raises Problem."""
    top = registry.manifest(name.repository, name.digest or name.tag)
    if top is None:
        raise not_found(registry, name)
    try:
        if top.media_type not in INDEX_TYPES:
            return _read_image(registry, name, top, architecture)
        entries = top.json()["manifests"]
        if architecture == ALL:
            below = [_below(registry, name, entry) for entry in entries]
            if any(manifest.media_type in INDEX_TYPES for manifest in below):
                raise _damaged(name, "an index within an index")
            return Tree(top, below, _blobs(below), top.digest)
        fitting = [entry for entry in entries if entry.get("platform", {}).get("architecture") == architecture]
        if not fitting:
            raise no_architecture(name, [platform_text(entry.get("platform", {})) for entry in entries], architecture)
        chosen = _below(registry, name, fitting[0])
        return Tree(chosen, [], _blobs([chosen]), top.digest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(name, repr(error)) from error


def _read_image(registry, name, manifest, architecture):
    if architecture != ALL:
        platform = json.loads(registry.blob(name.repository, manifest.json()["config"]["digest"]))
        if platform.get("architecture") != architecture:
            raise no_architecture(name, [platform_text(platform)], architecture)
    return Tree(manifest, [], _blobs([manifest]), manifest.digest)


def _below(registry, name, entry):
    manifest = registry.manifest(name.repository, entry["digest"])
    if manifest is None or manifest.digest != entry["digest"]:
        raise _damaged(name, "its manifest %s is %s" % (entry["digest"], "missing" if manifest is None else "another"))
    return manifest


def _blobs(manifests):
    images = [manifest.json() for manifest in manifests]
    return {blob["digest"]: blob for image in images for blob in [image["config"]] + image["layers"]}


def _copy_blob(here, source, there, target, blob, work):
    if source.registry == target.registry and there.mount_blob(target.repository, blob["digest"], source.repository):
        return
    path = os.path.join(work, "blob")
    here.pull_blob(source.repository, blob["digest"], blob["size"], path)
    there.push_blob(target.repository, blob["digest"], blob["size"], file=path)
    os.unlink(path)


def _damaged(name, found):
    return RegistryProblem("damaged", "the manifest of %s is damaged" % name.full, found, name.registry, "take another source, or publish this one anew")
