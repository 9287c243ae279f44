#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch images from registries into one archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_image_archive
short_description: Fetch images from registries into one archive, under names that you choose
version_added: "1.0.0"
description:
  - Makes an archive that C(ctr images import) and the folder C(agent/images) of k3s take, for boards that cannot reach
    a registry
    or may lose their store. Its images have the names that O(images[].targets) gives them, stock names for example.
  - The archive is a tar with an OCI layout. The same content under the same names gives the same bytes.
  - Every digest and the architecture are checked. No more data is accepted than an image's manifest announces. The
    archive
    is replaced in one
    step. After a run that was interrupted only the incomplete images are fetched again, and none that the
    archive holds already.
  - Needs no container engine but C(skopeo). Usually runs on the controller.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.registries
  - riscv.k3s.attributes
attributes:
  check_mode:
    details:
      - Manifests and configurations are read from the registries. Layers are not.
  diff_mode:
    details:
      - The names in the archive before and after, each with the digest of its content.
  idempotent:
    details:
      - An archive that holds the wanted content, whole, is left alone.
options:
  path:
    description:
      - The archive. Its folder is made when it is missing.
      - Its fetched content is kept in the folder O(path)C(.part) until the archive is whole. Only one run at a time
        uses
        that folder. Another one waits for it, as long as it may itself take to fetch all.
      - An existing file that is not a tar archive, or a folder, is never replaced.
    type: path
    required: true
  images:
    description:
      - The complete content of the archive.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description: Reference of the image, by tag or digest.
        type: str
        required: true
      targets:
        description: Names that its content has in the archive, with a tag.
        type: list
        elements: str
        required: true
      digest:
        description: Digest that the source must have, as C(images.lock.yml) names it. Another digest is an error that
          shows both.
        type: str
  architecture:
    description:
      - OCI name of the architecture. Of an image for several platforms only this one is taken.
    type: str
    default: riscv64
  variant:
    description:
      - Variant of O(architecture) to accept, for example V(rva23u64). Without it, only images for every board of
        that architecture.
    type: str
seealso:
  - module: riscv.k3s.registry_image_copy
  - module: riscv.k3s.oci_image_build
"""

EXAMPLES = r"""
- name: Fetch stock images from the private registry into an archive
  riscv.k3s.registry_image_archive:
    path: /var/tmp/stock-images.tar
    images:
      - source: 192.168.173.76:6000/riscv64/pause:3.10
        targets: [docker.io/rancher/mirrored-pause:3.6, docker.io/rancher/mirrored-pause:3.10.2]
      - source: 192.168.173.76:6000/riscv64/coredns:1.14.7
        targets: [docker.io/rancher/mirrored-coredns-coredns:1.9.1]
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true

- name: Have k3s import it at its next start
  ansible.builtin.copy:
    src: /var/tmp/stock-images.tar
    dest: /var/lib/rancher/k3s/agent/images/stock-images.tar
    mode: "0600"
"""

RETURN = r"""
archive:
  description: Path of the archive.
  returned: success
  type: str
  sample: /var/tmp/stock-images.tar
images:
  description: A row for each name in the archive, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Full name in the archive.
      type: str
      sample: docker.io/rancher/mirrored-pause:3.6
    source:
      description: Full name of the source.
      type: str
      sample: 192.168.173.76:6000/riscv64/pause:3.10
    digest:
      description: Digest of the image's manifest.
      type: str
      sample: sha256:76ae54bb0e9cc44b8219fdef3872b83c5d9bcb07916c0038842f203f42230e38
    before:
      description: Digest that the archive had under that name before, or null.
      type: str
size:
  description: Bytes of all content in the archive.
  returned: success
  type: int
fetched:
  description: Digests of the blobs that were fetched, or in check mode would be.
  returned: success
  type: list
  elements: str
downloaded:
  description: Bytes of the blobs in RV(fetched).
  returned: success
  type: int
"""

from typing import Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.archive import Wanted, write
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import REGISTRY_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, is_digest, names_tag
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem


def run(params, check_mode, skopeo):
    """Make the archive that ``params`` describe; returns the module's result."""
    wanted = _wanted(params["images"])
    done = write(
        params["path"], wanted, skopeo, Platform(params["architecture"], params["variant"]), dry_run=check_mode
    )
    sources = {target.full: item.source.full for item in wanted for target in item.targets}
    rows = [
        {"name": name, "source": sources[name], "digest": digest, "before": done.before.get(name)}
        for name, digest in done.after.items()
    ]
    sides = ["".join("%s %s\n" % pair for pair in sorted(side.items())) for side in (done.before, done.after)]
    # Not under the name `path`: to that Ansible adds what the file system says, a size of its own among it.
    result = {"changed": done.changed, "archive": params["path"], "images": rows, "size": done.size}
    return dict(result, fetched=done.fetched, downloaded=done.downloaded, diff={"before": sides[0], "after": sides[1]})


def _wanted(images):
    """All names are checked before anything is asked for."""
    found = []
    names: Dict[ImageName, ImageName] = {}
    for item in images:
        source, targets = ImageName.parse(item["source"]), [_target(text) for text in item["targets"]]
        if not targets:
            raise Problem(
                "%s has no name in the archive" % source.full,
                found="targets is empty",
                next_step="name at least one in images[].targets",
            )
        for target in targets:
            if names.setdefault(target, source) != source:
                both = "%s and %s" % (names[target].full, source.full)
                raise Problem("%s is the name of two sources" % target.full, found=both, next_step="leave one of them")
        if item["digest"] and not is_digest(item["digest"]):
            raise Problem(
                "%r is not a digest" % item["digest"],
                where=source.full,
                next_step="write it as sha256: and 64 hexadecimal digits",
            )
        found.append(Wanted(source, targets, item["digest"]))
    return found


def _target(text):
    target = ImageName.parse(text)
    if target.digest:
        raise Problem(
            "%s cannot be a name in an archive" % target.full,
            found="a digest in targets",
            next_step="name a tag: the digest is that of the source",
        )
    if not names_tag(text):
        raise Problem(
            "%s cannot be a name in an archive" % text,
            found="no tag in targets",
            next_step="name a tag, for example latest",
        )
    return target


def main():
    image = {
        "source": {"type": "str", "required": True},
        "targets": {"type": "list", "elements": "str", "required": True},
        "digest": {"type": "str"},
    }
    spec = dict(
        REGISTRY_OPTIONS,
        path={"type": "path", "required": True},
        images={"type": "list", "elements": "dict", "required": True, "options": image},
        architecture={"type": "str", "default": "riscv64"},
        variant={"type": "str"},
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    with fail_on_problem(module), Skopeo.of(module.params) as skopeo:
        module.exit_json(**run(module.params, module.check_mode, skopeo))


if __name__ == "__main__":
    main()
