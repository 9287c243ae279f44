# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of k3s, registries.yaml and the pause image: the reader of what config.sh and registries.sh say. Pure."""

from __future__ import annotations

import re

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import NOT_READ, chunks
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.loaded import is_loaded, is_stale
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import read_files
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.journal import notes
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import k3s_settings, masked_text, registries_keys


def read_config(seen):
    """The part ``config``: settings as its files have them, this collection's own files, and the pause image."""
    config, problems = file_settings(seen)
    for text in problems:
        seen.error("config", text)
    return {
        "config": config,
        "own_config": _own_config(seen),
        "pause_image": _pause_image(seen, config or {}),
    }


def file_settings(seen):
    """The settings in k3s's files, and what could not be read of them: ({key: value} or None, [text])."""
    if not seen.good("config"):
        return None, []  # the step's own error stands among the errors
    files = list(chunks(seen.sections["config"].out, seen.token + "="))
    if not files or files[-1][0]:  # a mark without a name is the last one
        return None, ["what the board tells of k3s's files of settings breaks off"]
    return k3s_settings.of_files(files[:-1])


def read_registries(seen):
    """The part ``registries``: that file by its checksum, what is wrong with its keys, and whether k3s could read its
    file of settings. files.sh looked at what registries.sh has put there.
    """
    path = seen.board["registries"]
    row = (read_files(seen) or {}).get(path)
    for step in ("merged", "registries_keys"):
        if row and step not in seen.sections:
            seen.error(step, NOT_READ)
    by_time = bool(seen.board["stale"])
    digest, journal = row["sha256"] if row else None, notes(seen)
    return {
        "config_fault": seen.out("unread_config", _fault) if "unread_config" in seen.sections else None,
        "registries": {
            "path": path,
            "present": bool(row),
            "sha256": row["sha256"] if row else "",
            "mode": row["mode"] if row else None,
            "stale": is_stale(path, digest, journal, seen.board, by_time),
            "by_time": is_loaded(path, digest, journal, seen.board) is None,
            "wanted": _wanted(seen),
            "mistakes": seen.out("registries_keys", registries_keys.judge),
        },
    }


def _fault(masked):
    """Why k3s could not read its file of settings, which is newer than its start; None where nothing tells it."""
    root, line = masked_text.parse(masked)
    if line is not None:
        return "is no YAML%s" % (" in line %d" % line if line else "")
    is_fine = root is None or isinstance(root, yaml.MappingNode) or root.tag == masked_text.NULL
    return None if is_fine else "is no mapping of settings"


def _wanted(seen):
    """Checksum of what the inventory wanted when the file was merged with what stood there; None where it was not."""
    text = seen.sections["merged"].out.strip() if "merged" in seen.sections else ""
    if text and not re.match(r"[0-9a-f]{64}\Z", text):
        seen.error("merged", "it is no checksum: %s" % text[:300])
        return None
    return text or None


def _own_config(seen):
    files = read_files(seen)
    if files is None:
        return None
    newer = seen.sections["stale"].out.splitlines() if "stale" in seen.sections else []
    journal, folder = notes(seen), seen.board["config_file"] + ".d/"
    own = [(path, files[path]["sha256"]) for path in sorted(files) if path.startswith(folder)]
    for path in sorted(set(newer) - {path for path, dummy in own}):
        seen.error("stale", "it is no file of this collection: %s" % path[:300])
    if own and "stale" not in seen.sections:
        seen.error("stale", NOT_READ)
    return [
        {"path": path, "sha256": digest, "stale": is_stale(path, digest, journal, seen.board, path in newer)}
        for path, digest in own
    ]


def _pause_image(seen, config):
    try:
        image = _pause_name(seen.sections["pause"].out.split(), config)
        return ImageName.parse(image).full if image else None
    except Problem as problem:
        seen.error("pause", str(problem))
        return None


def _pause_name(rendered, config):
    """As k3s told containerd; where it did not yet, what it will."""
    if rendered:
        value = rendered[0]
        if len(value) < 2 or value[0] not in "\"'" or value[-1] != value[0]:
            raise Problem("the pause image that containerd is told to use was not understood", found=value[:300])
        return value[1:-1]
    image, registry = config.get("pause-image"), config.get("system-default-registry")
    # Flags come first, as k3s puts the registry before a pause image that does not have it yet.
    return registry + "/" + image if image and registry and not image.startswith(registry + "/") else image
