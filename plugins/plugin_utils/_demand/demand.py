# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that a board's k3s asks for, read from its manifests, its pause setting and its pods. Pure."""

from __future__ import annotations

import itertools
import posixpath
import re
from typing import NamedTuple

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import POD_SPEC_PATHS
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import DEEPEST, MOST_NODES
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import normalise
from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import values as _values
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.hidden import (
    HIDDEN,
    YAML_FILES,
    is_unseen,
    kept_back,
    load_all,
    unseen,
)

_CHARTS = ("HelmChart", "HelmChartConfig")
# Kinds that have k3s run something, and the one that may hold any.
WORKLOADS = (*_CHARTS, *POD_SPEC_PATHS, "List")
# Only documents of these kinds are parsed: a set of CRDs alone would take seconds.
_OF_INTEREST = re.compile(
    r"kind[\"']?\s*:\s*(?:\*|(?:[&!]\S*\s+)*[\"']?(?:%s|ConfigMap|%s)\b)|(?m:^\{?[\"']?%s\b)"
    % ("|".join(WORKLOADS), HIDDEN, HIDDEN)
)
_MERGE = "<<"


class Use(NamedTuple):
    """One place that names an image; ``required`` is whether k3s runs it now."""

    image: str
    where: str
    required: bool


def demand(manifests, pause_image=None, pods=()):
    """What k3s asks for, and what could not be understood.

    ``manifests`` are the rows of k3s_info, ``pause_image`` a reference or None, ``pods`` rows of the API. Returns
    (rows, problems): rows [{image: full name, where: [..], required}] sorted by image, and a list of texts. A manifest
    that is skipped or has no text counts for nothing; a stale overlay of ours counts as the packaged file that it will
    be made from anew. Of the pods only those of kube-system that are not finished do.
    """
    uses: list[Use] = []
    problems: list[str] = []
    if pause_image:
        uses.append(Use(pause_image, "the pause image of containerd", True))
    documents = []
    for manifest in _deployed(manifests):
        try:
            documents += [("manifests/" + manifest["path"], document) for document in read_documents(manifest["text"])]
        except yaml.YAMLError as error:
            problems.append("manifests/%s is not valid YAML: %s" % (manifest["path"], " ".join(str(error).split())))
    chart_values = _chart_configs(documents)
    for path, document in documents:
        uses += _uses(path, document, chart_values)
        problems += kept_back(path, document)
    for pod in pods:
        if pod["namespace"] == "kube-system" and not pod["deleting"] and pod["phase"] not in FINISHED:
            uses += [
                Use(container["image"], "pod kube-system/%s container %s" % (pod["name"], container["name"]), True)
                for container in pod["containers"]
            ]
    return _rows(uses, problems), problems


def _deployed(manifests):
    rows = {manifest["path"]: manifest for manifest in manifests if manifest["text"] is not None}
    stale = {path: packaged for path, packaged in ((path, _packaged_of_stale(path, rows)) for path in rows) if packaged}
    return [stale.get(path, row) for path, row in rows.items() if path in stale or not row["skip"]]


def _packaged_of_stale(path, rows):
    """The packaged file's row for an overlay that was made from an older one, else None."""
    header = _overlay.read_header(rows[path]["text"])
    packaged = rows.get(posixpath.join(posixpath.dirname(path), header.source)) if header else None
    return packaged if packaged and packaged["skip"] and packaged["sha256"] != header.source_sha256 else None


def _rows(uses, problems):
    rows: dict[str, dict] = {}
    for use in uses:
        if HIDDEN in use.image:
            problems.append("%s: the image's name does not look like one, so it has not left the board" % use.where)
            continue
        try:
            name = normalise(use.image)
        except Problem as problem:
            problems.append("%s: %s" % (use.where, problem))
            continue
        row = rows.setdefault(name, {"image": name, "where": [], "required": False})
        if use.where not in row["where"]:
            row["where"].append(use.where)
        row["required"] = row["required"] or use.required
    return [rows[name] for name in sorted(rows)]


def read_documents(text):
    """The documents of a manifest that may name an image, as dictionaries with all scalars as text. Raises
    yaml.YAMLError.
    """
    # What stands behind the mark of a document is not at the beginning of a line.
    for part in re.split(r"(?m)^---[ \t]*", text):
        if not _OF_INTEREST.search(part):
            continue
        # A template variable that was not filled in begins with a character that YAML reserves.
        for document in _load_all(re.sub(r"%\{(\w+)\}%", r"\1", part)):
            if isinstance(document, dict):
                yield from _unlisted(document)
            elif document == HIDDEN:
                yield {"kind": HIDDEN}


def _load_all(text):
    """The documents of a YAML text, each of them small enough to walk through. Raises yaml.YAMLError."""
    try:
        for document in load_all(text):
            _check_size(document)
            yield document
    except (ValueError, RecursionError) as error:
        raise yaml.YAMLError("it cannot be read: %s" % error) from error


def _check_size(document):
    level, count = [document], 0
    for dummy in range(DEEPEST):
        children = (
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        )
        level = list(itertools.islice(children, MOST_NODES + 1))
        count += len(level)
        if not level or count > MOST_NODES:
            break
    if level:
        raise yaml.YAMLError("it is nested too deeply, or its aliases contain themselves or multiply")


def _unlisted(document):
    if document.get("kind") == "List" and not unseen(document, "items"):
        for item in _list(document.get("items")):
            if isinstance(item, dict) or item == HIDDEN:
                yield {"kind": HIDDEN} if item == HIDDEN else item
    else:
        yield document


def _uses(path, document, chart_values):
    kind, name = _text(document.get("kind")), _name(document)
    where = "%s %s/%s" % (path, kind, name)
    if kind in POD_SPEC_PATHS:
        # A CronJob's time comes later; a workload scaled to nothing runs nowhere.
        required = kind != "CronJob" and _dict(document.get("spec")).get("replicas") != "0"
        return _containers(where, _at(document, POD_SPEC_PATHS[kind]), required)
    if kind == "ConfigMap":
        return _embedded(where, _dict(document.get("data")))
    if kind == "HelmChart":
        return _chart(where, document, chart_values.get(_key(document)))
    return []


def _containers(where, spec, required):
    found = []
    for field in ("initContainers", "containers"):
        for container in _list(_dict(spec).get(field)):
            image = _dict(container).get("image")
            if image:
                found.append(Use(image, "%s container %s" % (where, _dict(container).get("name")), required))
    return found


def _embedded(where, data):
    """Pods written inside a ConfigMap, as the helper pod of local-path-provisioner: nothing runs them until a volume is
    made.
    """
    found = []
    for key in sorted(data):
        if not isinstance(data[key], str) or not key.endswith(YAML_FILES):
            continue
        try:
            for document in read_documents(data[key]):
                if _text(document.get("kind")) in POD_SPEC_PATHS:
                    found += _containers("%s %s" % (where, key), _at(document, POD_SPEC_PATHS[document["kind"]]), False)
                if is_unseen(document):
                    found.append(Use(HIDDEN, "%s %s" % (where, key), False))
        except yaml.YAMLError:
            continue  # a program's own configuration need not be YAML
    return found


def _chart(where, document, config_values):
    """The images in a chart's values. The installing job runs at once, what the chart holds only when that is done."""
    spec = _dict(document.get("spec"))
    values = _merged(_own_values(spec), config_values or {})
    settings = _dict(spec.get("set"))
    for dotted in sorted(settings):  # helm: set wins over values
        if dotted.count(".") < DEEPEST:
            values = _merged(values, _nested(dotted.split("."), settings[dotted]))
    registries = _values.of_global(_dict(values.get("global")))
    found = [Use(image, where + " values", False) for image in _values.images(values, registries)]
    if spec.get("jobImage"):
        found.append(Use(spec["jobImage"], where + " jobImage", True))
    return found


def _chart_configs(documents):
    configs: dict[tuple, dict] = {}
    for dummy, document in documents:
        if document.get("kind") == "HelmChartConfig":
            configs[_key(document)] = _merged(configs.get(_key(document), {}), _own_values(_dict(document.get("spec"))))
    return configs


def _own_values(spec):
    """What a HelmChart or HelmChartConfig says itself: ``values`` go before ``valuesContent``, which is text."""
    return _merged(_values_content(spec), _dict(spec.get("values")))


def _values_content(spec):
    content = spec.get("valuesContent")
    if not isinstance(content, str):
        return {}
    try:
        documents = list(_load_all(content))
        return _dict(documents[0]) if len(documents) == 1 else {}
    except yaml.YAMLError:
        return {}  # helm will refuse it; no image is known from it


def _merged(base, over):
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _nested(keys, value):
    for key in reversed(keys):
        value = {key: value}
    return value


def _key(document):
    return _text(_dict(document.get("metadata")).get("namespace")), _name(document)


def _name(document):
    return _text(_dict(document.get("metadata")).get("name"))


def _at(document, path):
    for key in path:
        document = _dict(document).get(key)
    return document


def _text(value):
    return value if isinstance(value, str) else None


def _dict(value):
    """A mapping, with what it takes over from others by YAML's merge key; nothing for what is none."""
    if not isinstance(value, dict):
        return {}
    if _MERGE not in value:
        return value
    # Of several the first goes before, and what the mapping says itself before all.
    others = [_dict(other) for other in reversed(_list(value[_MERGE]) or [value[_MERGE]])]
    return {key: one for mapping in [*others, value] for key, one in mapping.items() if key != _MERGE}


def _list(value):
    return value if isinstance(value, list) else []
