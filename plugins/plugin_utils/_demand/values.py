# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that the values of a chart name, in the ways that charts have for it. Pure.

A name without tag and digest says nothing by itself: its tag stands beside it, under a name of the chart's own choice,
or in the chart. What is not found here is not guessed: pods tell it when the chart is installed.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import has_names, names_tag
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.hidden import HIDDEN

# image, rancherImage, images, imageRepository: what stands before is the name of what the image is for.
_NAMES_IMAGE = re.compile(r"(.*image)(s?|repository)\Z", re.IGNORECASE)
_TAGS, _DIGESTS, _REGISTRIES = ("Tag", "Version"), ("Digest",), ("Registry",)
# Beside or below one of these, or with one in the settings for all images, a name without a slash is only the last part
# of a repository; a registry beside it is put before it.
_BEFORE_A_NAME = re.compile(r".*(?:repo|repository|hub)\Z", re.IGNORECASE)
_BEFORE_NAMES = re.compile(r".*(?:repo|repository|hub|registry)\Z", re.IGNORECASE)


class Registries(NamedTuple):
    """What the chart's settings for all images put before them: ``system`` before each, ``own`` in place of the
    registry that an image names beside its repository.
    """

    system: str
    own: str


def images(values: Any, registries: Registries) -> Iterator[str]:
    """References of the images in ``values``, all scalars as text, at any depth."""
    everywhere = values.get("global") if isinstance(values, dict) else None
    return _walk(values, registries, False, _has(everywhere, _BEFORE_NAMES))


def of_global(settings: Mapping[str, Any]) -> Registries:
    """The Registries of a chart's value ``global``."""
    return Registries(_text(settings, "systemDefaultRegistry"), _text(settings, "imageRegistry"))


def _walk(values, registries, is_below, is_cut):
    """``is_below``: whether a key above is called image. Some charts (Longhorn's) have all of theirs there. ``is_cut``:
    whether a name without a slash is not the whole one.
    """
    if isinstance(values, list):
        for entry in values:
            yield from _walk(entry, registries, is_below, is_cut)
    if not isinstance(values, dict):
        return
    # The chart of traefik 10 calls it name.
    repository = _text(values, "repository") or _text(values, "name")
    found = _reference(repository, values, "", registries) if is_below and repository else None
    if found:
        yield found
        return
    for key in sorted(values):
        named = _NAMES_IMAGE.match(key)
        if named and isinstance(values[key], str):
            found = _named(values[key], values, named.group(1), registries, is_cut)
            if found:
                yield found
        else:
            yield from _walk(values[key], registries, is_below or bool(named), is_cut or _has(values, _BEFORE_NAMES))


def _has(values, pattern):
    return isinstance(values, dict) and any(pattern.match(key) and _text(values, key) for key in values)


def _named(text, beside, stem, registries, is_cut):
    """The reference that a text under a key such as ``stem`` stands for, with what stands ``beside`` it, or None."""
    if text == HIDDEN or "://" in text:
        return text if text == HIDDEN else None  # a picture
    is_cut = _has(beside, _BEFORE_A_NAME) or is_cut and not _beside(beside, stem, _REGISTRIES, _is_plain(stem))
    if is_cut and "/" not in text and not names_tag(text):
        return None
    return _reference(text, beside, stem, registries)


def _reference(name, beside, stem, registries):
    """A repository with its registry, tag and digest, or None where neither tag nor digest is known.

    ``stem`` is image, or the key of an image that is one of several; those have their tags by that name.
    """
    plain = _is_plain(stem)
    is_whole = names_tag(name) or "@" in name
    tag = "" if is_whole else _beside(beside, stem, _TAGS, plain)
    digest = "" if is_whole or beside.get("useDigest") == "false" else _beside(beside, stem, _DIGESTS, plain)
    if not (is_whole or tag or digest):
        return None
    registry = _beside(beside, stem, _REGISTRIES, plain)
    if "/" in name and has_names(name.partition("/")[0]):
        registry = ""
    elif registries.own and (registry or stem == ""):
        registry = registries.own
    # k3s's own charts leave the registry out of their names.
    registry = registries.system or registry if stem == "" else registry
    return "".join(
        (
            registry.rstrip("/") + "/" if registry else "",
            name,
            ":" + tag if tag else "",
            "@" + digest if digest else "",
        )
    )


def _is_plain(stem):
    """Whether an image is the only one there, whose tag is called tag."""
    return stem.lower() in ("", "image")


def _beside(values, stem, endings, plain):
    """A value whose key begins with ``stem`` and ends so; of the one image there it may be the ending alone."""
    keys = [(stem or "image") + ending for ending in endings]
    keys += [ending.lower() for ending in endings] if plain else []
    return next((_text(values, key) for key in keys if _text(values, key)), "")


def _text(values: Mapping[str, Any], key: str) -> str:
    value: Optional[Any] = values.get(key)
    return value if isinstance(value, str) else ""
