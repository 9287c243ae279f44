# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints that a board's containerd has for a registry, from what k3s made of registries.yaml."""

from __future__ import annotations

import os
import re

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import read_bytes

# Since January 2024 k3s writes a hosts.toml for each registry, before it wrote all into config.toml.
_HOST = re.compile(r'^\s*\[host\."([^"]+)"\]', re.MULTILINE)
_MIRROR = r'^\s*\[[^\n]*registry\.mirrors\."%s"\][^\[]*?\bendpoint\s*=\s*\[([^\]]*)\]'


def endpoints(data_dir, registry):
    """The URLs that are asked for images of ``registry``, in order; that of the registry itself, asked last, is left
    out unless registries.yaml names it. Raises Problem when a file cannot be read.
    """
    folder = os.path.join(data_dir, "agent", "etc", "containerd")
    found = _HOST.findall(_text(os.path.join(folder, "certs.d", registry, "hosts.toml")))
    lists = re.findall(_MIRROR % re.escape(registry), _text(os.path.join(folder, "config.toml")), re.MULTILINE)
    return found + [url for text in lists for url in re.findall(r'"([^"]+)"', text)]


def _text(path):
    return (read_bytes(path) or b"").decode("utf-8", "replace")
