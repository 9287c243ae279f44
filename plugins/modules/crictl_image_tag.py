#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: crictl_image_tag
short_description: Tag images in a board's containerd with other names, and pin them
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Tags a list of images with the names that k3s asks for, in the namespace C(k8s.io), where the kubelet finds them.
    C(crictl) has no such command; this module uses C(ctr).
  - Checks every source before it tags the first one, and reads back what it wrote.
  - Compares digests, not names, so a second run changes nothing.
  - Pins the targets with the label C(io.cri-containerd.pinned=pinned), which protects them from the kubelet's garbage
    collection.
    No other label is set, so that k3s leaves the pin alone at its starts.
  - Notes in the board's journal, before it changes anything, what each name stood for.
  - One name that containerd refuses stops no other one. When the rest is done, the module fails, and tells which names
    are not as wanted and what C(ctr) said.
options:
  images:
    description:
      - What to tag. Names are completed as containerd does it, because the kubelet does not find an image under a short
        name.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description:
          - Image that is in the store already.
          - Required when O(state=present).
        type: str
      targets:
        description:
          - Names that this image gets or, with another O(state), names to remove or to bring back.
        type: list
        elements: str
        required: true
  existing:
    description:
      - What to do with a target that has other content. V(overwrite) replaces it, V(keep) leaves it alone, its pin too.
    type: str
    choices: [overwrite, keep]
    default: overwrite
  pinned:
    description:
      - Whether the targets are pinned. V(false) removes just that label from them.
      - If containerd is too old to honour a pin, the pin is set anyway, and a warning names the version.
    type: bool
    default: true
  architecture:
    description:
      - The architecture that the sources must have, as in M(riscv.k3s.crictl_image_pull).
      - V(auto) is that of the board's kernel. V(any) accepts every image.
    type: str
    default: auto
  expected:
    description:
      - Sources that an earlier task of the play brings.
        In check mode, where that task brought nothing, they may be missing, and their targets are predicted to change.
      - Has no effect outside check mode.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) gives the targets the content of their sources.
      - V(absent) removes just the targets. Other names of the same image stay.
      - V(restored) makes the targets what they were before this collection first touched them, digest, pin and labels,
        by the board's journal.
        A name that is not in the journal is left alone. One that somebody moved since is left alone, too, with a
        warning, and stays in the journal.
        If the old content is gone from the store, the name is removed, with a warning.
        With a name, the names by digest that containerd made for it are removed, too.
        A name that containerd refuses stays in the journal, so that the next run can end it.
    type: str
    choices: [present, absent, restored]
    default: present
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
seealso:
  - module: riscv.k3s.crictl_image_pull
"""

EXAMPLES = r"""
- name: Give CoreDNS for riscv64 the name that k3s asks for
  riscv.k3s.crictl_image_tag:
    images:
      - source: 192.168.173.76:6000/riscv64/coredns:1.0
        targets:
          - docker.io/rancher/mirrored-coredns-coredns:1.9.1
  become: true

- name: Pull and tag, in a way that check mode can predict
  become: true
  block:
    - name: Pull
      riscv.k3s.crictl_image_pull:
        images:
          - 192.168.173.76:6000/riscv64/pause:3.6
      register: pulled
    - name: Tag
      riscv.k3s.crictl_image_tag:
        images:
          - source: 192.168.173.76:6000/riscv64/pause:3.6
            targets:
              - docker.io/rancher/mirrored-pause:3.6
        expected: "{{ pulled.images | map(attribute='name') }}"

- name: Take the name away again
  riscv.k3s.crictl_image_tag:
    images:
      - targets:
          - docker.io/rancher/mirrored-coredns-coredns:1.9.1
    state: absent
  become: true

- name: Have the name stand for what it did before this collection came
  riscv.k3s.crictl_image_tag:
    images:
      - targets:
          - docker.io/rancher/mirrored-pause:3.6
    state: restored
  become: true
"""

RETURN = r"""
images:
  description: A row for each target, in the order of O(images). With O(state=restored) only for those in the journal.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Full name of the target.
      type: str
      sample: docker.io/rancher/mirrored-coredns-coredns:1.9.1
    source:
      description: Full name of its source. None when none was given or O(state=restored).
      type: str
      sample: 192.168.173.76:6000/riscv64/coredns:1.0
    digest_before:
      description: Digest that the name stood for, or None when there was no such name.
      type: str
      sample: sha256:3a85791e2db1250ca805eeaa94776a7cfc2c9355d1bf45f257df413bb5915140
    pinned_before:
      description: Whether the name was pinned.
      type: bool
      sample: false
    digest:
      description:
        - Digest that the name stands for now, or None when it was removed.
        - V(known after the pull) in check mode for a source of O(expected) that is missing.
      type: str
      sample: sha256:dc29a7ab6632deb9db2d933023e8248bc05785b5d00b44b649ef5e28c478c724
    pinned:
      description: Whether the name is pinned.
      type: bool
      sample: true
    changed:
      description: Whether digest or pin changed.
      type: bool
      sample: true
normalised:
  description: The targets that were given as short names, each with the full name that it got.
  returned: success
  type: dict
  sample:
    rancher/mirrored-pause:3.6: docker.io/rancher/mirrored-pause:3.6
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.architecture import ARCHITECTURE_OPTION, Board
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.cri import Cri
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.rows import diff
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Containerd
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.tags import Tags, pairs, short_names
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.undo import restored
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


def run(params, check_mode, programs):
    """(result, warnings) of the module for its ``params``; ``programs`` is a Programs."""
    images, state = params["images"], params["state"]
    with opened(programs.data_dir, check_mode) as journal:
        if state == "restored":
            names = list(dict.fromkeys(target for _source, target, _given in pairs(images)))
            rows, warnings, changed = restored(Containerd(programs), journal, names, check_mode)
        else:
            tags = Tags(Containerd(programs), Cri(programs), Board(params["architecture"]), journal, check_mode)
            if state == "absent":
                rows, warnings = tags.absent(images), []
            else:
                expected = [normalise(name) for name in params["expected"]]
                rows, warnings = tags.present(images, params["existing"] == "keep", params["pinned"], expected)
            changed = any(row["changed"] for row in rows)
    return {"changed": changed, "images": rows, "normalised": short_names(images), "diff": diff(rows)}, warnings


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            images={
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "source": {"type": "str"},
                    "targets": {"type": "list", "elements": "str", "required": True},
                },
            },
            existing={"type": "str", "choices": ["overwrite", "keep"], "default": "overwrite"},
            pinned={"type": "bool", "default": True},
            architecture=ARCHITECTURE_OPTION,
            expected={"type": "list", "elements": "str", "default": []},
            state={"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        result, warnings = run(module.params, module.check_mode, Programs(module.params))
        for warning in warnings:
            module.warn(printable(warning))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
