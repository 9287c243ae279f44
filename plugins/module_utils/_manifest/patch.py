# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a patch of a packaged manifest is: its fields, checked and normalised, and the digest of a list of them.

Pure and without PyYAML, so that the controller's plan computes the same digest as the board.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import normalise as normalise_image
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Where the pod's spec lies in each kind that has one.
POD_SPEC_PATHS = {
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "Pod": ("spec",),
    "ReplicaSet": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
}
HELM_CHART = "HelmChart"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
ALL_CONTAINERS = "*"
CONTAINER_FIELDS = ("image", "image_pull_policy", "command", "args", "env")

_SELECTORS = ("manifest", "kind", "name", "namespace", "container")
_ENV_NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*\Z")


def normalise_patches(patches):
    """Check patches and return them normalised, in the same order.

    A normalised patch holds only the keys that say something: unset ones are left out, ``image`` is the full name,
    the values of ``env`` and the items of ``command`` and ``args`` are text. Normalising again changes nothing.
    Raises Problem for a patch that cannot be meant.
    """
    return [_normalise(patch, number) for number, patch in enumerate(patches, 1)]


def patch_digest(patches):
    """The sha256 (hexadecimal) of patches: of the canonical JSON of their normalised list."""
    canonical = json.dumps(normalise_patches(patches), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def group_by_manifest(patches):
    """Patches as a dictionary from the manifest's path to its list of patches, in order of first appearance."""
    groups: dict[str, list] = {}
    for patch in patches:
        groups.setdefault(patch["manifest"], []).append(patch)
    return groups


def describe(patch):
    """A patch in a few words for messages."""
    words = "%s/%s" % (patch["kind"], patch["name"])
    return words + (" container %s" % patch["container"] if patch.get("container") else "")


def _normalise(patch, number):
    if not isinstance(patch, dict):
        raise Problem("a patch must be a dictionary", found=repr(patch), where="patch %d" % number)
    known = set(_SELECTORS + CONTAINER_FIELDS + ("values",))
    given = {key: value for key, value in patch.items() if value is not None}
    where = "patch %d" % number
    unknown = sorted(map(str, set(given) - known))
    if unknown:
        raise Problem(
            "a patch has unknown keys",
            found=", ".join(unknown),
            where=where,
            next_step="known keys are " + ", ".join(sorted(known)),
        )
    for key in ("manifest", "kind", "name"):
        if not given.get(key):
            raise Problem("a patch must name its %s" % key, where=where)
    for key in _SELECTORS:
        if key in given:
            given[key] = _text(given[key], key, where)
    if given["kind"] == HELM_CHART:
        return _normalise_chart(given, where)
    if given["kind"] not in POD_SPEC_PATHS:
        raise Problem(
            "a patch can only change kinds that hold a pod's containers, or a HelmChart",
            found="kind %s" % given["kind"],
            where=where,
            next_step="use one of " + ", ".join(sorted(POD_SPEC_PATHS) + [HELM_CHART]),
        )
    if not given.get("container"):
        raise Problem("a patch of a %s must name a container, or '*'" % given["kind"], where=where)
    if given.get("values"):
        raise Problem("values are for kind HelmChart", found="kind %s" % given["kind"], where=where)
    result = {key: given[key] for key in _SELECTORS if key in given}
    result.update(_fields(given, where))
    if not any(field in result for field in CONTAINER_FIELDS):
        raise Problem(
            "a patch changes nothing",
            where="%s, %s" % (where, describe(result)),
            next_step="set one of " + ", ".join(CONTAINER_FIELDS),
        )
    return result


def _normalise_chart(given, where):
    wrong = [field for field in ("container",) + CONTAINER_FIELDS if given.get(field)]
    if wrong or not given.get("values"):
        raise Problem(
            "a patch of a HelmChart takes values, and nothing of a container",
            found=", ".join(wrong) or "no values",
            where=where,
            next_step="give the chart's values, for example {image: {repository: ..., tag: ...}}",
        )
    _check_values(given["values"], where)
    result = {key: given[key] for key in _SELECTORS if key in given}
    result["values"] = given["values"]
    return result


def _check_values(values, where):
    try:
        if not isinstance(values, dict):
            raise TypeError("they are not a dictionary")
        # What comes back differs where a key is no text, or a number is none (.nan).
        if json.loads(json.dumps(values, sort_keys=True)) != values:
            raise ValueError("a key is no text, or a number is none")
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise Problem(
            "the values of a chart must be what JSON can hold",
            found=str(error),
            where=where,
            next_step="put keys and dates in quotes",
        ) from error


def _fields(given, where):
    fields: dict[str, Any] = {}
    if given.get("image"):
        fields["image"] = normalise_image(given["image"])
    if given.get("image_pull_policy"):
        if given["image_pull_policy"] not in PULL_POLICIES:
            raise Problem(
                "image_pull_policy is not valid",
                found=repr(given["image_pull_policy"]),
                where=where,
                next_step="use " + ", ".join(PULL_POLICIES),
            )
        fields["image_pull_policy"] = given["image_pull_policy"]
    for key in ("command", "args"):
        if key in given:
            if not isinstance(given[key], (list, tuple)):
                raise Problem("%s must be a list" % key, found=repr(given[key]), where=where)
            fields[key] = [_text(item, key, where) for item in given[key]]
    if given.get("env"):
        if not isinstance(given["env"], dict):
            raise Problem(
                "env must be a dictionary", found=repr(given["env"]), where=where, next_step="write it as {NAME: value}"
            )
        for name in given["env"]:
            if not _ENV_NAME.match(str(name)):
                raise Problem("this is not a valid name of an environment variable", found=repr(name), where=where)
        fields["env"] = {str(name): _text(value, "env", where) for name, value in given["env"].items()}
    return fields


def _text(value, key, where):
    if isinstance(value, (dict, list, tuple, set)):
        raise Problem("%s must hold text" % key, found=repr(value), where=where, next_step="put it in quotes")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Problem(
            "%s holds half of a character, which no file can hold" % key, found=repr(text), where=where
        ) from error
    return text
