#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_manifest_patch
short_description: Patch the packaged manifests of k3s so that the patch lasts
version_added: "1.0.0"
author:
  - The riscv.k3s developers (@riscv-k3s)
description:
  - Changes image, pull policy, command, arguments or environment of containers in the manifests that are packaged with
    k3s
    (CoreDNS, local-path-provisioner, metrics-server), and values of its Helm charts (Traefik).
  - k3s rewrites every packaged manifest at each start. In mode V(overlay) the packaged file is left alone, and a
    patched copy
    is put next to it, which survives restarts. The copy says what it was made from, so that a run after an upgrade of
    k3s makes it again.
  - Only the patched values change. Comments, quoting, order and line ends are kept byte for byte.
  - All patches are computed and verified before anything is written. A patch that does not fit is an error that says
    what is there instead.
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
requirements:
  - PyYAML on the server (package C(python3-yaml), C(python3-pyyaml) or C(py3-yaml))
options:
  patches:
    description:
      - The patches. All those for one manifest must be given in one task, because its overlay holds all of them.
    type: list
    elements: dict
    required: true
    suboptions:
      manifest:
        description:
          - Path of the manifest in O(manifests_dir), such as V(coredns.yaml) or
            V(metrics-server/metrics-server-deployment.yaml).
        type: str
        required: true
      kind:
        description:
          - Kind of the object, one of V(Deployment), V(DaemonSet), V(StatefulSet), V(ReplicaSet), V(Job), V(CronJob),
            V(Pod) or V(HelmChart).
          - Not needed with O(mode=overlay) and O(state=absent).
        type: str
      name:
        description:
          - Name of the object. Not needed with O(mode=overlay) and O(state=absent).
        type: str
      namespace:
        description:
          - Namespace of the object, needed only where the manifest holds two of the same kind and name.
        type: str
      container:
        description:
          - Name of the container or init container.
          - V(*) means each container that has the field already.
        type: str
      image:
        description:
          - Image to run. It is written as its full name.
        type: str
      image_pull_policy:
        description:
          - When the kubelet pulls the image.
        type: str
        choices: [Always, IfNotPresent, Never]
      command:
        description:
          - Program to run instead of the image's entrypoint. With an empty list the image decides.
          - When unset, the present value stays.
        type: list
        elements: str
      args:
        description:
          - Arguments. When unset, the present value stays.
        type: list
        elements: str
      env:
        description:
          - Environment variables to set. Others stay.
        type: dict
      values:
        description:
          - Values for a chart, with O(patches[].kind=HelmChart). They are written as a HelmChartConfig next to the
            manifest, in both modes.
          - What the packaged HelmChart sets under C(spec.set) wins over them.
        type: dict
  state:
    description:
      - V(present) makes the patches effective.
      - V(absent) restores the packaged manifests. In mode V(overlay) it removes overlay and C(.skip) file, and sees
        to it that k3s applies the
        packaged file again, byte for byte as k3s wrote it. Where the API does not answer, a comment line is put
        before that text; a second run removes it. In mode V(in_place) it restores the backup which these patches
        turn into
        the file that is there, and fails when there is none.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description:
      - V(overlay) writes C(NAME-riscv64.yaml) next to the packaged C(NAME.yaml), and C(NAME.yaml.skip), which keeps k3s
        from deploying the packaged one.
        The Services of the packaged file are left out of the copy.
      - V(in_place) edits the packaged file itself. That lasts until k3s starts the next time.
    type: str
    choices: [overlay, in_place]
    default: overlay
  manifests_dir:
    description:
      - Folder of the manifests. When unset it is C(server/manifests) in O(data_dir).
    type: path
  backup:
    description:
      - Keep a copy of each file that is replaced, under a name that k3s ignores.
    type: bool
    default: false
  wait:
    description:
      - Wait until k3s has applied the files, that is until the checksum in its Addon object is that of the file.
    type: bool
    default: false
  timeout:
    description:
      - For how many seconds nothing may move while O(wait) waits. What moves is what the deploy controller applies, of
        any file. k3s checks the folder every 15 seconds.
      - Ten times that is the limit in any case.
    type: int
    default: 60
attributes:
  diff_mode:
    details:
      - A new overlay is shown against the packaged manifest. Files that hold a Secret are not shown.
  platform:
    platforms: linux
    details:
      - Servers of k3s. Every server has a manifests folder of its own, so patch them all alike.
notes:
  - The names of overlays follow from those of Addon objects, which end at the first dot of a file name.
seealso:
  - module: riscv.k3s.k3s_pod_restart
"""

EXAMPLES = r"""
- name: Run CoreDNS from a private registry, through restarts and upgrades
  riscv.k3s.k3s_manifest_patch:
    patches:
      - manifest: coredns.yaml
        kind: Deployment
        name: coredns
        container: coredns
        image: registry.example.org/riscv64/coredns:1.12.1
        command: [/coredns]
    wait: true

- name: Edit the packaged file itself, until k3s starts the next time
  riscv.k3s.k3s_manifest_patch:
    mode: in_place
    backup: true
    patches:
      - manifest: coredns.yaml
        kind: Deployment
        name: coredns
        container: coredns
        image: docker.io/rancher/mirrored-coredns-coredns:1.9.1
        image_pull_policy: Never
        command: [/coredns]

- name: Let the Traefik chart use another image
  riscv.k3s.k3s_manifest_patch:
    patches:
      - manifest: traefik.yaml
        kind: HelmChart
        name: traefik
        values:
          image:
            repository: riscv64/traefik
            tag: "3.7.8"

- name: Give the packaged manifest back
  riscv.k3s.k3s_manifest_patch:
    state: absent
    patches:
      - manifest: coredns.yaml
"""

RETURN = r"""
files:
  description: The files of the patches, in the order in which they are written.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: Path of the file.
      type: str
    changed:
      description: Whether it changes.
      type: bool
    sha256:
      description: Checksum of what it then holds, or null when it is removed.
      type: str
  sample:
    - path: /var/lib/rancher/k3s/server/manifests/coredns-riscv64.yaml
      changed: true
      sha256: 9b4b6ad3d2b24a4e0c6cbb8d3a4d5d4b3b9a7f4e4f8cf0c6a1c1b1cf6f9c0a55
addons:
  description: The Addon objects of k3s that show when the files are applied.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the Addon in the namespace kube-system.
      type: str
    checksum:
      description: The checksum it has once k3s has applied the file.
      type: str
    applied:
      description: V(true) after a wait, null when it was not observed.
      type: bool
  sample:
    - name: coredns-riscv64
      checksum: 9b4b6ad3d2b24a4e0c6cbb8d3a4d5d4b3b9a7f4e4f8cf0c6a1c1b1cf6f9c0a55
      applied: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Kube
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import PULL_POLICIES
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.run import run
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

PATCH_OPTIONS = {
    "manifest": {"type": "str", "required": True},
    "kind": {"type": "str"},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "container": {"type": "str"},
    "image": {"type": "str"},
    "image_pull_policy": {"type": "str", "choices": list(PULL_POLICIES)},
    "command": {"type": "list", "elements": "str"},
    "args": {"type": "list", "elements": "str"},
    "env": {"type": "dict"},
    "values": {"type": "dict"},
}


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            patches={"type": "list", "elements": "dict", "required": True, "options": PATCH_OPTIONS},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            mode={"type": "str", "choices": ["overlay", "in_place"], "default": "overlay"},
            manifests_dir={"type": "path"},
            backup={"type": "bool", "default": False},
            wait={"type": "bool", "default": False},
            timeout={"type": "int", "default": 60},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        programs = Programs(module.params)
        result = run(module.params, module.check_mode, programs, Kube(programs))
    for warning in result.pop("warnings"):
        module.warn(printable(warning))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
