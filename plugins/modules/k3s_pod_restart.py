#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_pod_restart
short_description: Restart the pods that a change affects, and wait until they are Ready
version_added: "1.0.0"
author:
  - The riscv.k3s developers (@riscv-k3s)
description:
  - Deletes pods so that their workload recreates them, one workload at a time, and waits until the new ones are Ready.
  - A pod that has no owner would be lost. It is left alone, with a warning, unless O(allow_unowned=true). Static pods
    are never deleted. Neither are pods that ran to their end, nor pods of a Job that is over, since nothing makes them
    anew.
  - O(images), O(pods) and O(selectors) add up. At least one of them is needed.
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
options:
  images:
    description:
      - Restart every pod that runs one of these images. Names are normalised, so that V(rancher/mirrored-pause:3.6) and
        V(docker.io/rancher/mirrored-pause:3.6) are the same.
      - The new pods must run one of them, too.
    type: list
    elements: str
    default: []
  pods:
    description:
      - Restart these pods, each V(NAME) or V(NAMESPACE/NAME). A name without a pod is an error,
        unless O(ignore_not_found=true).
    type: list
    elements: str
    default: []
  selectors:
    description:
      - Restart every pod that matches one of these label selectors, such as V(k8s-app=kube-dns). V(=), V(!=), V(key),
        V(!key) and commas are understood.
    type: list
    elements: str
    default: []
  namespace:
    description:
      - Look in this namespace only. When unset, in all.
    type: str
  only_broken:
    description:
      - Restart only those that are not Ready. When all are Ready nothing changes.
    type: bool
    default: false
  ignore_not_found:
    description:
      - Ignore a name in O(pods) that no pod has any more. Use it for names that were observed earlier, since a pod
        that went meanwhile
        was recreated already.
    type: bool
    default: false
  allow_unowned:
    description:
      - Delete pods that have no owner, too. Nothing recreates them.
    type: bool
    default: false
  wait:
    description:
      - Wait, after each workload, until the deleted pods are gone and all pods of the workload are Ready.
      - When one does not become Ready, the others are restarted all the same. In the end the module fails and names
        each that did not.
    type: bool
    default: true
  timeout:
    description:
      - For how many seconds nothing may move while a workload is waited for. What moves is pods that come and go, the
        states, restarts and content of their containers, and their events.
      - Ten times that is the limit in any case.
    type: int
    default: 300
attributes:
  check_mode:
    details:
      - Tells exactly which pods would be deleted.
  diff_mode:
    support: none
    details:
      - A recreated pod has no text to compare.
  idempotent:
    support: partial
    details:
      - With O(only_broken=true) a second run changes nothing. Without it a restart is what was asked for, each time.
  platform:
    platforms: linux
    details:
      - Servers of k3s, because agents have no admin kubeconfig.
seealso:
  - module: riscv.k3s.k3s_manifest_patch
"""

EXAMPLES = r"""
- name: Restart what runs a stock image whose content was replaced
  riscv.k3s.k3s_pod_restart:
    images:
      - docker.io/rancher/mirrored-coredns-coredns:1.9.1

- name: Restart only what is not Ready in kube-system
  riscv.k3s.k3s_pod_restart:
    namespace: kube-system
    selectors:
      - k8s-app=kube-dns
      - app=local-path-provisioner
    only_broken: true
    timeout: 600
"""

RETURN = r"""
restarted:
  description: The pods that were deleted, in this order.
  type: list
  elements: dict
  returned: success
  contains:
    namespace:
      description: Namespace of the pod.
      type: str
    name:
      description: Name of the pod that was deleted.
      type: str
    owner:
      description: What recreates it, as C(kind) and C(name), or null.
      type: dict
  sample:
    - namespace: kube-system
      name: coredns-74448699cf-xk2vp
      owner:
        kind: Deployment
        name: coredns
ready:
  description: The pods of the restarted workloads that are Ready now. Empty in check mode and without O(wait).
  type: list
  elements: dict
  returned: success
  contains:
    namespace:
      description: Namespace of the pod.
      type: str
    name:
      description: Name of the pod.
      type: str
    node:
      description: The node that it runs on.
      type: str
    images:
      description: Its images, as C(image) and C(image_id), what really runs.
      type: list
      elements: dict
  sample:
    - namespace: kube-system
      name: coredns-74448699cf-9d8wz
      node: board-1
      images:
        - image: docker.io/rancher/mirrored-coredns-coredns:1.9.1
          image_id: sha256:8b5a6d2f0f5c
left_alone:
  description: The pods that were selected but left alone.
  type: list
  elements: dict
  returned: success
  contains:
    namespace:
      description: Namespace of the pod.
      type: str
    name:
      description: Name of the pod.
      type: str
    reason:
      description: Why it was left alone.
      type: str
  sample: []
seconds:
  description: How long it took.
  type: float
  returned: success
  sample: 12.4
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Kube
from ansible_collections.riscv.k3s.plugins.module_utils._kube.restart import restart
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            images={"type": "list", "elements": "str", "default": []},
            pods={"type": "list", "elements": "str", "default": []},
            selectors={"type": "list", "elements": "str", "default": []},
            namespace={"type": "str"},
            only_broken={"type": "bool", "default": False},
            ignore_not_found={"type": "bool", "default": False},
            allow_unowned={"type": "bool", "default": False},
            wait={"type": "bool", "default": True},
            timeout={"type": "int", "default": 300},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        result = restart(module.params, module.check_mode, Kube(Programs(module.params)))
    for warning in result.pop("warnings"):
        module.warn(printable(warning))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
