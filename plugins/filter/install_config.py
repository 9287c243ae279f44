# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of k3s's config.yaml."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import FOREIGN_CONFIG, PREFIX
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: install_config
short_description: 'INTERNAL: the text of config.yaml of a board on which k3s is installed'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the role C(install) only. It may change with any release.
positional: _input, board
options:
  _input:
    description: The board's variables about k3s's configuration, those of k3s-ansible among them.
    type: dict
    required: true
  board:
    description: Its row in the document of M(riscv.k3s.k3s_plan) with V(installed).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write config.yaml
  riscv.k3s.k3s_config_file:
    path: /etc/rancher/k3s/config.yaml
    content: "{{ install_variables | riscv.k3s.install_config(install_board) }}"
    secret: true
  no_log: true
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""


def install_config(variables, board):
    settings = {name[len(PREFIX) :]: value for name, value in variables.items() if name.startswith(PREFIX)}
    settings.update({name: board["settings"][name] for name in ("data_dir", "registries_path")})
    settings["k3s_ansible"] = {name: value for name, value in variables.items() if name in FOREIGN_CONFIG}
    install = board["install"]
    form = _config.Form(**install["config"]["form"])
    return _config.text(_config.options(settings, install["role"]), form)


class FilterModule:
    def filters(self):
        return {"install_config": door(install_config)}
