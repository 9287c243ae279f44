# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s wrote for a board's containerd: the endpoints of a registry, and the pause image."""

from __future__ import annotations

import os
import re

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import read_bytes
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Since January 2024 k3s writes a hosts.toml for each registry, before it wrote all into config.toml.
_HOST = re.compile(r'^\s*\[host\."([^"]+)"\]', re.MULTILINE)
_MIRROR = r'^\s*\[[^\n]*registry\.mirrors\."%s"\][^\[]*?\bendpoint\s*=\s*\[([^\]]*)\]'
# containerd 1 has sandbox_image, containerd 2 sandbox in a table of its own or with that table's name before it.
_PAUSE = re.compile(
    r"""^[ \t]*(?:\[[^\n]*pinned_images\][^\[]*?^[ \t]*sandbox|sandbox_image|pinned_images\.sandbox)"""
    r"""[ \t]*=[ \t]*(["'])([^"'\n]+)\1""",
    re.MULTILINE,
)


def endpoints(data_dir, registry):
    """The URLs that are asked for images of ``registry``, in order; that of the registry itself, asked last, is left
    out unless registries.yaml names it. Raises Problem when a file cannot be read.
    """
    folder = os.path.join(data_dir, "agent", "etc", "containerd")
    found = _HOST.findall(_text(os.path.join(folder, "certs.d", registry, "hosts.toml")))
    lists = re.findall(_MIRROR % re.escape(registry), _text(os.path.join(folder, "config.toml")), re.MULTILINE)
    return found + [url for text in lists for url in re.findall(r'"([^"]+)"', text)]


def pause_image(data_dir):
    """The full name of the pause image that containerd was told to use; None when that is not known."""
    try:
        found = _PAUSE.search(_text(os.path.join(data_dir, "agent", "etc", "containerd", "config.toml")))
        return ImageName.parse(found.group(2)).full if found else None
    except Problem:
        return None


def _text(path):
    return (read_bytes(path) or b"").decode("utf-8", "replace")
