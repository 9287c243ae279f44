#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_plan
short_description: Plan a whole fleet once
version_added: "1.0.0"
author:
  - The riscv.k3s developers (@riscv-k3s)
description:
  - Compares what M(riscv.k3s.k3s_info) observed of all boards of a play with what the inventory wants, and returns one
    document for the run. It has the plan of each board, the waves, the pods to restart, and the texts.
  - Reads the settings from the boards' variables C(riscv_k3s_*). They are checked here, once for all boards. A name
    that is not known and a value of a wrong type are errors, before anything is changed.
  - Asks the mirror (C(riscv_k3s_mirror_prefix)) once for each architecture, and only where some board lacks an image.
  - Changes nothing. Use it with C(run_once) and C(delegate_to=localhost).
  - The document holds no secret. It contains neither the content of registries.yaml nor logins.
options:
  state:
    description:
      - V(present) plans the changes that the inventory asks for.
      - V(absent) plans how to undo everything that this collection did.
      - V(prepared) plans what k3s needs of the boards' systems. It wants V(preflight) and V(system) of
        M(riscv.k3s.k3s_info).
      - V(installed) plans how k3s is installed on boards that have none. It wants all parts that M(riscv.k3s.k3s_info)
        has with C(require_k3s=false).
      - V(uninstalled) plans how it is removed from boards on which this collection installed it, likewise.
      - V(upgraded) plans an upgrade of k3s to C(riscv_k3s_target_version). It wants V(journal) and V(api) of it.
    type: str
    choices: [present, absent, prepared, installed, uninstalled, upgraded]
    default: present
  observed:
    description:
      - Name of the variable that holds the result of M(riscv.k3s.k3s_info) on each board.
    type: str
    default: k3s_seen
  observed_away:
    description:
      - Name of the variable that holds those of the servers that are no boards of the play (C(--limit)), a looped
        result.
    type: str
    default: k3s_seen_away
  lock_file:
    description:
      - Path of the lock, empty for none. By default what C(riscv_k3s_lock_file) says, and else C(images.lock.yml)
        beside the inventory, where it is there.
    type: str
  blank:
    description:
      - Whether boards on which k3s has not run count as what they will be with C(riscv_k3s_target_version).
    type: bool
    default: false
  closer:
    description:
      - Whether the results of closer looks count, variables C(k3s_closer_KIND) of the boards.
    type: bool
    default: false
  warn:
    description:
      - Whether Ansible shows as warnings, too, what is worth knowing of single boards. Turn it off where the texts of
        the document are shown, which hold the same.
    type: bool
    default: true
extends_documentation_fragment:
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
notes:
  - Implemented by an action plugin, on the controller.
seealso:
  - module: riscv.k3s.k3s_info
  - module: riscv.k3s.registry_image_info
"""

EXAMPLES = r"""
- name: Observe
  riscv.k3s.k3s_info:
  register: k3s_seen

- name: Plan
  riscv.k3s.k3s_plan:
  register: k3s_run
  run_once: true
  delegate_to: localhost
  become: false

- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ k3s_run.table }}"
  run_once: true
"""

RETURN = r"""
boards:
  description:
    - The plan of each board by its name. It has the keys images (each with its fix and the reason), registries, config,
      preload, pulls, digests, tags, unpins, patches, warnings, problems and changes, and beside them data_dir, disk,
      service and settings.
    - With O(state=absent) it has the keys manifests, patches, files, restart, archives, images, names, system, left,
      lines and changes.
    - With O(state=prepared) it has the keys system (for M(riscv.k3s.k3s_board_settings)), rows, lines, reboot, left
      and changes.
    - With O(state=installed) it has the keys install (action, why, role, service, manager, config, unit, token, package
      and what else is done), binary, registries, config and preload (what is there before the first start).
    - With O(state=uninstalled) it has the keys action, role, node, service, unit, files, program and is_last.
    - With O(state=upgraded) it has the keys path, runs, goal, binary, restart, resumed and changes.
  returned: success
  type: dict
blank:
  description: The boards on which k3s has not run, with O(blank).
  returned: O(state=present)
  type: list
  elements: str
waves:
  description: The boards that have something to do, in the steps in which they are changed.
  returned: unless O(state=absent)
  type: list
  elements: list
recover:
  description: A server that an earlier run left, and that must answer before the versions of others are known.
  returned: O(state=upgraded)
  type: list
  elements: str
begun:
  description: Whether an earlier run had begun with some board.
  returned: O(state=upgraded)
  type: bool
target:
  description: The version to which boards are upgraded.
  returned: O(state=upgraded)
  type: str
restarts:
  description: Pods to restart, as C(namespace/name).
  returned: O(state=present) and O(state=absent)
  type: list
  elements: str
patches:
  description: The servers on which manifests are patched.
  returned: O(state=present)
  type: list
  elements: str
lines:
  description: The waves as text, with O(state=absent) what is undone, with O(state=prepared) what each step does, with
    O(state=upgraded) what runs and what will.
  returned: success
  type: list
  elements: str
table:
  description: The plan as text.
  returned: O(state=present)
  type: list
  elements: str
before:
  description:
    - What comes before the run that makes the changes. With C(unpublished) the mirror lacks what something runs; with
      C(unasked) it did not answer. Null for nothing.
  returned: O(state=present)
  type: str
changes:
  description: How many changes are planned on all boards.
  returned: success
  type: int
servers:
  description: The boards of the run that are servers.
  returned: success
  type: list
  elements: str
lost:
  description: Servers that cannot be reached or failed.
  returned: success
  type: list
  elements: str
unplanned:
  description: Boards on which nothing is changed, and why, sentences by board. It is not known how k3s runs there.
  returned: O(state=present)
  type: dict
verdict:
  description:
    - How the cluster was before the run. C(answer) is C(healthy), C(wrong) or C(not known). C(boards) has the answer
      for each board, and C(wrong) and C(unknown) are sentences. C(left) names
      nodes of the cluster that no board of this run is; they were not looked at.
  returned: O(state=present)
  type: dict
not_awaited:
  description: Nodes that are not Ready and that the run does not change, so that it does not wait for them.
  returned: O(state=present)
  type: list
  elements: str
first_server:
  description: The server whose API is asked and that holds the lease.
  returned: success
  type: str
max_fail_percentage:
  description: Percentage of a wave that may fail without ending the run.
  returned: O(state=present)
  type: float
warnings:
  description: Warnings, each sentence once.
  returned: success
  type: list
  elements: str
closer:
  description: The kinds of closer looks that a plan waits for, by board.
  returned: O(state=present)
  type: dict
problems:
  description: Why nothing may be changed, by board; with O(state=absent) why no plan could be made,
    with O(state=upgraded) why the board is not upgraded.
  returned: success
  type: dict
settings:
  description: The settings that the fleet has in common, by their names without the prefix.
  returned: success
  type: dict
lease:
  description: Where the lease of the fleet is (server, data_dir), and as it was observed.
  returned: success
  type: dict
api:
  description: The API's view before the run, as far as later stages read it.
  returned: success
  type: dict
unready:
  description: What was not healthy before the run, a sentence each.
  returned: O(state=present)
  type: list
  elements: str
"""
