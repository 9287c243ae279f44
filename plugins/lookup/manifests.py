# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packaged manifests in a folder of the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: manifests
short_description: Reads packaged manifests of k3s from a folder of the controller
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Reads all manifests below a folder, for example a copy of C(/var/lib/rancher/k3s/server/manifests) of a test
    machine, or the folder
    C(manifests) of the source of k3s.
options:
  _terms:
    description: Folders.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: How many manifests are there
  ansible.builtin.debug:
    msg: "{{ query('riscv.k3s.manifests', 'files/manifests-v1.36.3') | length }}"
"""

RETURN = r"""
_raw:
  description: The manifests, sorted by path, each with C(path) below its folder, C(text), and C(skip), whether a file
    NAME.skip lies beside it.
  type: list
  elements: dict
"""

import pathlib

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_ENDINGS = (".yaml", ".yml", ".json")  # what k3s deploys, in any case


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [row for term in terms for row in _read(pathlib.Path(term).expanduser())]


def _read(folder):
    if not folder.is_dir():
        raise AnsibleLookupError(
            "The folder of manifests %s does not exist. Next: correct riscv_k3s_target_manifests, or leave it out."
            % printable(folder)
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    skipped = {path.name[: -len(".skip")] for path in files if path.name.endswith(".skip")}
    try:
        rows = [
            {
                "path": path.relative_to(folder).as_posix(),
                "text": path.read_text(encoding="utf-8"),
                "skip": path.name in skipped,
            }
            for path in files
            if path.name.lower().endswith(_ENDINGS)
        ]
    except (OSError, ValueError) as error:
        raise AnsibleLookupError(
            "A manifest below %s cannot be read. Found: %s." % (printable(folder), printable(error))
        ) from error
    if not rows:
        raise AnsibleLookupError(
            "There is no manifest in %s. Found: no file that ends in %s. Next: correct riscv_k3s_target_manifests."
            % (printable(folder), ", ".join(_ENDINGS))
        )
    return rows
