# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one board needs."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import plan as _plan
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import defaults as _catalogue_default
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import DEFAULT_FIXES, Supply
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: plan
short_description: Decides what one board needs
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Compares what M(riscv.k3s.k3s_info) observed with what the inventory wants, and returns the cheapest actions.
  - Pure, it asks no board and changes nothing.
positional: _input, servers
options:
  _input:
    description: The result of M(riscv.k3s.k3s_info) for the board.
    type: dict
    required: true
  servers:
    description: The results of M(riscv.k3s.k3s_info) for the servers of the cluster.
    type: list
    elements: dict
    required: true
  board:
    description: The name of the board, for messages.
    type: str
    required: true
  catalogue:
    description: Where content for stock images comes from.
    type: list
    elements: dict
    required: true
  registries:
    description: The wanted content of registries.yaml; none leaves the file alone.
    type: dict
  architecture:
    description: Architecture of the board's images; V(auto) takes that of its kernel.
    type: str
    default: auto
  role:
    description: Whether the board is a V(server) or an V(agent).
    type: str
    default: server
  pull_policy:
    description: V(missing) pulls a source that is not in the store, V(always) pulls it at every run.
    type: str
    default: missing
  existing:
    description: What happens to a stock name whose content differs from its source, V(overwrite) or V(keep).
    type: str
    default: overwrite
  pinned:
    description: Whether stock names are pinned against garbage collection.
    type: bool
    default: true
  patch_mode:
    description: How manifests are patched, V(overlay) or V(in_place).
    type: str
    default: overlay
  fixes:
    description: The fixes that may be used, V(mirror), V(tag), V(flag) or V(preload); the first that can serve an
      image is taken.
    type: list
    elements: str
    default: [mirror, tag]
  mirror:
    description: Registry and path that hold content under stock names, for the fix V(mirror).
    type: str
  mirror_answers:
    description: RV(riscv.k3s.registry_image_info#module:images) for the names that P(riscv.k3s.mirror_names#filter)
      gave.
    type: list
    elements: dict
    default: []
  embedded:
    description: Registries whose images boards share by the embedded registry of k3s, V(*) for all.
    type: list
    elements: str
    default: []
  lock:
    description: The text of C(images.lock.yml), or none where there is no lock.
    type: str
  lock_file:
    description: Where that text is from, for messages.
    type: path
  next_version:
    description: The version of k3s that the boards get next; its stock images are wanted as well, so that they are
      there when it starts.
    type: str
  cluster_architectures:
    description: Architectures of all boards of the cluster.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See what this board needs
  ansible.builtin.debug:
    msg: "{{ observed | riscv.k3s.plan([observed], board=inventory_hostname, catalogue=riscv_k3s_catalogue) }}"
"""

RETURN = r"""
_value:
  description: The plan with the keys board, architecture, images, registries, config, preload, pulls, tags, unpins,
    patches, warnings, problems and changes.
  type: dict
"""


def plan(
    observed, servers, catalogue, mirror=None, mirror_answers=(), lock=None, lock_file=None, fixes=None, **settings
):
    settings = dict({"registries": None, "known": _catalogue_default.default_entries()}, **settings)
    of_supply = {"fixes": fixes or DEFAULT_FIXES, "lock": None if lock is None else _lock.read(lock, lock_file)}
    if mirror and "mirror" in of_supply["fixes"]:
        of_supply.update(mirror=mirror, served=_mirror.served(mirror_answers, mirror))
        settings["registries"] = _mirror.with_mirror(settings["registries"], mirror)
    wanted = _plan.Wanted(supply=Supply(_catalogue.read(catalogue), **of_supply), **settings)
    result = _plan.plan(observed, wanted, servers)
    problem = _mirror.unanswered(mirror_answers)
    return dict(result, warnings=result["warnings"] + [printable(problem)]) if problem else result


class FilterModule:
    def filters(self):
        return {"plan": door(plan)}
