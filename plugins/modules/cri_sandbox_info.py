# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is a virtual module that is entirely implemented as an action plugin and runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_sandbox_info
short_description: Show pods as containerd and as the API know them
version_added: "1.0.0"
description:
  - Lists the pod sandboxes and containers of a board and joins them with the API's pods by UID. A sandbox is one
    attempt to run a
    pod; its UID is the pod's, its id is not.
  - Sends one POSIX shell script over the connection and reads its output on the controller. The board needs no Python.
  - An agent has no admin kubeconfig. There RV(pods[].api) and RV(pods[].relation) are null until
    P(riscv.k3s.join_pods#filter) joins the boards with a server's view.
options:
  namespace:
    description: Only pods of this namespace.
    type: str
  name:
    description: Only pods of this name.
    type: str
  labels:
    description: Only pods with all of these labels.
    type: dict
    default: {}
  states:
    description: Only pods whose sandbox is in one of these states. All when empty.
    type: list
    elements: str
    choices: [ready, notready]
    default: []
  api:
    description:
      - V(auto) asks the API if there is an admin kubeconfig, that is on servers.
      - V(always) asks it in any case; if it does not answer, that is an error in C(api.error).
      - V(never) leaves it out.
    type: str
    choices: [auto, always, never]
    default: auto
  program_timeout:
    description:
      - How long each program on the board may take, in seconds. A program that takes longer is stopped and named in
        RV(errors).
      - C(kubectl), which makes several requests to the API, gets twice as long, and each request two thirds. On a
        slow board the first C(kubectl) may need minutes.
    type: int
    default: 30
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
notes:
  - containerd tells exit codes, addresses and network namespaces only of what it is asked for by its id. It is asked
    for all containers that ended and all
    sandboxes in which nothing runs, by one call of C(crictl) for either, so that a board on which all is well costs no
    more than two calls.
seealso:
  - module: riscv.k3s.k3s_info
  - plugin: riscv.k3s.join_pods
    plugin_type: filter
author:
  - The riscv.k3s developers (@riscv-k3s)
"""

EXAMPLES = r"""
- name: Look at the pods of a server
  riscv.k3s.cri_sandbox_info:
    namespace: kube-system
  become: true
  register: seen

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.cause }}"
  loop: "{{ seen.pods | selectattr('cause') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
pods:
  description: The pods that fit the options, sorted by namespace and name; one entry for each sandbox, and for each
    pod that has none.
  returned: success
  type: list
  elements: dict
  contains:
    namespace: {description: The pod's namespace., type: str}
    name: {description: The pod's name., type: str}
    uid: {description: "The pod's UID, the same in the API and in containerd.", type: str}
    node: {description: The node that the pod is scheduled to., type: str}
    sandbox_id: {description: The sandbox's id; null when there is none., type: str}
    attempt: {description: How many sandboxes this pod had before., type: int}
    state: {description: "V(ready) or V(notready), null without a sandbox.", type: str}
    ip:
      description: "The pod's address, from the API; where it does not tell one, from containerd, as far as nothing
        runs in the sandbox."
      type: str
    network_namespace:
      description: The file of its network namespace, for a sandbox in which nothing runs. Null for others.
      type: str
    created_at: {description: "When the sandbox, or without one the pod, was made.", type: str}
    labels: {description: The pod's labels., type: dict}
    containers:
      description:
        - "Its containers, the latest attempt of each: name, id, image, image_id, state, exit_code, restarts, reason,
          log."
        - Exit code and reason of one that ended are what containerd says, C(log) are its last lines, with passwords and
          tokens blanked.
      type: list
      elements: dict
    api:
      description: "What the API says: phase, ready, reasons, owner, deleting. Null when it was not asked or has no
        such pod."
      type: dict
    relation:
      description:
        - V(matched) is the pod's latest sandbox, V(previous) an earlier one, V(orphan) one whose pod the API does not
          have,
          V(missing) a pod that is to run here and has no sandbox.
        - Null when the API was not asked.
      type: str
    mismatch:
      description:
        - Where containerd and the API differ, null where they agree.
        - V(ghost-sandbox) is an orphan, V(uid-reused) an orphan whose name another pod has now, V(stale-attempt) a
          previous sandbox,
          V(stuck-terminating) a pod that should be gone for more than 30 seconds, V(other-image) a container whose
          image is not what the
          wanted name stands for in the store (P(riscv.k3s.join_pods#filter) with the result of M(riscv.k3s.k3s_info)
          only),
          V(static-pod) a pod whose mirror in the API has a UID of its own.
      type: str
    cause: {description: "A first guess at what is wrong, null when nothing is.", type: str}
sandboxes:
  description: All sandboxes as containerd knows them, as in M(riscv.k3s.k3s_info).
  returned: success
  type: list
  elements: dict
containers:
  description: All containers as containerd knows them, as in M(riscv.k3s.k3s_info).
  returned: success
  type: list
  elements: dict
api:
  description: The cluster as its API shows it, as in M(riscv.k3s.k3s_info), with the pods' latest warnings by UID in
    C(events).
  returned: when O(api) allows it
  type: dict
config:
  description: Settings from the board's C(config.yaml), as in M(riscv.k3s.k3s_info).
  returned: success
  type: dict
hostname:
  description: What C(uname -n) prints.
  returned: success
  type: str
errors:
  description: What could not be read.
  returned: success
  type: list
  elements: dict
"""
