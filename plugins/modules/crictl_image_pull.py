#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: crictl_image_pull
short_description: Pull images into a board's containerd
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Pulls a list of images with C(crictl), so that containerd downloads them with the registries, certificates and
    credentials of C(registries.yaml).
  - Reads from the config of each image for which architecture it is, and fails when the board cannot run it.
    What this run pulled is then removed again, so that nothing can be tagged or started by mistake.
  - Retries temporary failures (a timeout, a broken connection, HTTP 429 and 5xx), and says of anything else
    in plain words how to correct it.
  - Notes in the board's journal, before it pulls, which names it brings and what they stood for before, for
    C(ansible-playbook riscv.k3s.undo).
  - A list of images costs one module start. Images that are already there cost one call of C(ctr) and one of C(crictl)
    together.
options:
  images:
    description:
      - Images to have. Short names are completed as containerd does it, for instance V(busybox) to
        V(docker.io/library/busybox:latest).
    type: list
    elements: str
    required: true
  policy:
    description:
      - V(missing) pulls only what the board does not have, as a complete image under that very name.
      - V(always) pulls every image, and reports a change when its digest is another one afterwards. A pin that the name
        had is kept.
    type: str
    choices: [missing, always]
    default: missing
  architecture:
    description:
      - The architecture that the images must have.
      - V(auto) is that of the board's kernel. V(any) accepts every image.
      - Any other value is the name of an architecture, for instance V(riscv64) or V(amd64).
    type: str
    default: auto
  deep:
    description:
      - Also read the ELF header of the program that each image starts, for a config may claim an architecture which the
        layers do not hold.
      - Mounts each image read only for a moment.
    type: bool
    default: false
  retries:
    description:
      - How often a pull is retried after a temporary failure, after 1, 2, 4 and more
        seconds.
    type: int
    default: 3
  digests:
    description:
      - The digest that an image must have, by its name in O(images). An image that is there with another digest is
        pulled again.
      - Fails when the registry gives other content, shows both digests, and removes what it pulled, so that nothing
        can be tagged or started by mistake.
    type: dict
    default: {}
  timeout:
    description:
      - Time limit in seconds for one attempt to pull one image.
    type: int
    default: 900
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  check_mode:
    support: partial
    details:
      - It pulls nothing, so it cannot know a digest that is not in O(digests), nor whether the registry holds the image
        and for which architecture.
      - With O(policy=always) an image that is there is predicted as unchanged.
  idempotent:
    details:
      - With O(policy=always) as long as the registry's content is the same.
notes:
  - Credentials belong in C(registries.yaml), where they are in no command line and no log.
seealso:
  - module: riscv.k3s.crictl_image_tag
  - module: riscv.k3s.registry_image_info
"""

EXAMPLES = r"""
- name: Have the images of a private registry
  riscv.k3s.crictl_image_pull:
    images:
      - 192.168.173.76:6000/riscv64/coredns:1.0
      - 192.168.173.76:6000/riscv64/pause:3.6
  become: true

- name: Have exactly this content
  riscv.k3s.crictl_image_pull:
    images:
      - 192.168.173.76:6000/riscv64/pause:3.6
    digests:
      192.168.173.76:6000/riscv64/pause:3.6: sha256:dc29a7ab6632deb9db2d933023e8248bc05785b5d00b44b649ef5e28c478c724
  become: true

- name: Take the newest content of a tag that moves, and look into the program itself
  riscv.k3s.crictl_image_pull:
    images:
      - 192.168.173.76:6000/riscv64/coredns:latest
    policy: always
    deep: true
  become: true
"""

RETURN = r"""
downloaded:
  description: The sum of RV(images[].downloaded). None in check mode, when something would be pulled.
  returned: success
  type: int
  sample: 15728640
images:
  description: A row for each image, in the order of O(images).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Full name of the image.
      type: str
      sample: 192.168.173.76:6000/riscv64/coredns:1.0
    digest:
      description: Digest of the manifest or the index that the name stands for. For what check mode would pull that
        in O(digests), or none.
      type: str
      sample: sha256:dc29a7ab6632deb9db2d933023e8248bc05785b5d00b44b649ef5e28c478c724
    architecture:
      description: Architecture in the image's config. None for what check mode would pull.
      type: str
      sample: riscv64
    size:
      description: Bytes of the image as containerd holds it. None for what check mode would pull.
      type: int
      sample: 15728640
    seconds:
      description: How long the pull took, retries included; 0 when there was none.
      type: float
      sample: 1.7
    changed:
      description: Whether the name stands for other content than before.
      type: bool
      sample: true
    downloaded:
      description:
        - Bytes that this run brought to the board, config and compressed layers, when no name in its store stood for
          that content before.
        - Layers that the board has by another image are not downloaded again but counted, so the number may be too high
          and is
          never too low.
        - None for what check mode would pull.
      type: int
      sample: 15728640
"""

import functools

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.architecture import ARCHITECTURE_OPTION, Board
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.cri import Cri
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull import Pulls, diff
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Containerd
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import is_digest, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem


def run(params, check_mode, programs):
    """The module's result for its ``params``; ``programs`` is a Programs."""
    journals = functools.partial(opened, programs.data_dir)
    pulls = Pulls(
        Containerd(programs), Cri(programs), Board(params["architecture"]), journals, params["deep"], check_mode
    )
    names = [normalise(name) for name in params["images"]]
    rows, before = pulls.present(
        names, params["policy"] == "always", params["retries"], params["timeout"], _digests(params["digests"], names)
    )
    downloaded = [row["downloaded"] for row in rows]
    return {
        "changed": any(row["changed"] for row in rows),
        "images": rows,
        "downloaded": None if None in downloaded else sum(downloaded),
        "diff": diff(rows, before),
    }


def _digests(given, names):
    """The option digests with full names, checked."""
    digests = {normalise(name): digest for name, digest in given.items()}
    for name, digest in digests.items():
        if name not in names:
            raise Problem(
                "digests names %s, which is not in images" % name,
                found=", ".join(names) or "no image",
                next_step="correct the name",
            )
        if not is_digest(digest):
            raise Problem(
                "the digest for %s is not valid" % name,
                found=repr(digest),
                next_step="write sha256: and 64 hexadecimal digits",
            )
    return digests


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            images={"type": "list", "elements": "str", "required": True},
            policy={"type": "str", "choices": ["missing", "always"], "default": "missing"},
            architecture=ARCHITECTURE_OPTION,
            deep={"type": "bool", "default": False},
            retries={"type": "int", "default": 3},
            digests={"type": "dict", "default": {}},
            timeout={"type": "int", "default": 900},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        module.exit_json(**run(module.params, module.check_mode, Programs(module.params)))


if __name__ == "__main__":
    main()
