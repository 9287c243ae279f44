# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in containerd's store, and archives: the reader of what images.sh writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._output.images import is_tagged, parse_image_list

_KEPT = ("name", "digest", "platforms", "pinned", "size")


def read_images(seen):
    """The part ``images``."""
    rows = seen.rows("images", parse_image_list)
    if rows is not None:
        rows = _by_name({key: row[key] for key in _KEPT} for row in rows if is_tagged(row["name"]))
    return {"images": rows, "preloads": seen.out("preloads", _archives)}


def _archives(text):
    """Archives of this collection in agent/images; ``read`` before a name says that k3s was started since it was
    placed.
    """
    lines = [line.partition(" ") for line in text.splitlines() if line]
    return _by_name({"name": name, "stale": word == "stale"} for word, dummy, name in lines)


def _by_name(rows):
    return sorted(rows, key=lambda row: row["name"])
