# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in containerd's store, and archives: the reader of what images.sh writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import is_tagged, parse_image_list
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.loaded import is_stale
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.journal import notes

_KEPT = ("name", "digest", "platforms", "pinned", "size")


def read_images(seen):
    """The part ``images``."""
    rows = seen.rows("images", parse_image_list)
    configs = None
    if rows is not None:
        configs = {row["name"]: row["digest"] for row in rows if row["name"].startswith("sha256:")}
        rows = _by_name({key: row[key] for key in _KEPT} for row in rows if is_tagged(row["name"]))
    preloads = _archives(seen) if seen.good("preloads") else None
    return {"images": rows, "image_configs": configs, "preloads": preloads}


def _archives(seen):
    """Archives of this collection in agent/images. The word before a name says which is older by its time, the archive
    (read) or what k3s rendered when it started (stale).
    """
    lines = [line.partition(" ") for line in seen.sections["preloads"].out.splitlines() if line]
    journal = notes(seen)
    rows = []
    for word, dummy, name in lines:
        if word not in ("read", "stale") or not (name.startswith("riscv-k3s-") and name.endswith(".tar")):
            seen.error("preloads", "a line was not understood: %s" % " ".join((word, name))[:300])
            continue
        path = "%s/%s/%s" % (seen.board["data_dir"], ARCHIVES, name)
        rows.append({"name": name, "stale": is_stale(path, None, journal, seen.board, word == "stale")})
    return _by_name(rows)


def _by_name(rows):
    return sorted(rows, key=lambda row: row["name"])
