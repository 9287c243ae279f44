#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy images within a registry or from one to another."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_image_copy
short_description: Copy images within a registry or from one to another
version_added: "1.0.0"
description:
  - Publishes images under further names, for example riscv64 content under PREFIX/STOCK-REPOSITORY:STOCK-TAG, from
    where a registry mirror
    serves it as the stock image.
  - All sources and targets are read before anything is sent. If a copy fails anyway, the error says what was
    published before, and RV(images) has rows for that.
  - Content that the target already has is not sent. Within one registry blobs are mounted, not sent, if it allows that.
    From one
    registry to another
    an image passes through a temporary folder, which receives no more data than was announced.
  - The tag is set last, so a copy that was interrupted leaves no half image. Every byte is kept, and so is the digest.
  - An image with layers that must be fetched from other addresses (C(urls), as in images for Windows) is refused,
    unless all of it is copied within one registry.
  - Needs no container engine but C(skopeo). Usually runs on the controller.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.registries
  - riscv.k3s.attributes
attributes:
  check_mode:
    details:
      - Both registries are read. Nothing is sent.
  diff_mode:
    details:
      - The digest that each target named before and names after.
  idempotent:
    details:
      - A target that already has the right digest is left alone.
options:
  images:
    description:
      - What to copy.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description: Reference of the image, by tag or digest.
        type: str
        required: true
      target:
        description: Reference to publish it under, with registry and tag.
        type: str
        required: true
  architecture:
    description:
      - OCI name of the architecture to copy. Of an image for several platforms only the manifest for this one is
        copied, and its digest is
        then that of the target.
      - V(all) copies everything as it is, with all platforms. Use it if boards of other architectures pull the
        target too.
    type: str
    default: riscv64
  variant:
    description:
      - Variant of O(architecture) to accept, for example V(rva23u64). Without it, only images for every board of
        that architecture.
    type: str
seealso:
  - module: riscv.k3s.registry_image_info
  - module: riscv.k3s.oci_image_build
"""

EXAMPLES = r"""
- name: Serve riscv64 content under stock names
  riscv.k3s.registry_image_copy:
    images:
      - source: 192.168.173.76:6000/riscv64/coredns:1.14.7
        target: 192.168.173.76:6000/riscv64/rancher/mirrored-coredns-coredns:1.9.1
      - source: docker.io/library/busybox:1.37.0
        target: 192.168.173.76:6000/riscv64/rancher/mirrored-library-busybox:1.34.1
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
images:
  description:
    - A row for each of O(images), in their order.
    - After a failure while they were published, a row for each that was done before.
  returned: success, or when a part was published
  type: list
  elements: dict
  contains:
    source:
      description: Full name of the source.
      type: str
      sample: 192.168.173.76:6000/riscv64/coredns:1.14.7
    target:
      description: Full name of the target.
      type: str
      sample: 192.168.173.76:6000/riscv64/rancher/mirrored-coredns-coredns:1.9.1
    digest:
      description: Digest that the target names.
      type: str
      sample: sha256:56c692eb39779f97de147d2dcc64b083047e0aeb3b13a1126f039b4f122a094f
    before:
      description: Digest that it named before, or null.
      type: str
    changed:
      description: Whether the target was set, or in check mode would be.
      type: bool
    blobs_copied:
      description:
        - Digests of the blobs that the image under the target did not have before. Those that the registry had under
          another name were not sent.
      type: list
      elements: str
    blobs_skipped:
      description: Digests of the blobs that it had.
      type: list
      elements: str
    size:
      description: Bytes of the blobs in RV(images[].blobs_copied).
      type: int
"""

from typing import Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.copy import ALL, carry_out, plan
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import REGISTRY_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import DEFAULT_REGISTRY, ImageName, names_tag
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem


def run(params, check_mode, skopeo):
    """Copy what ``params`` say; returns the module's result. All is read before anything is sent."""
    pairs = _pairs(params["images"])
    platform = ALL if params["architecture"] == ALL else Platform(params["architecture"], params["variant"])
    plans = [plan(skopeo, origin, target, platform) for dummy, origin, target in pairs]
    rows = [_row(source, planned) for (source, dummy, dummy), planned in zip(pairs, plans)]
    for number, planned in enumerate([] if check_mode else plans):
        try:
            carry_out(skopeo, planned)
        except Problem as problem:
            raise _partly(problem, rows, number) from problem
    return _result(rows)


def _row(source, planned):
    done = planned.outcome
    return {
        "source": source.full,
        "target": planned.target.full,
        "digest": done.digest,
        "before": done.before,
        "changed": done.before != done.digest,
        "blobs_copied": done.copied,
        "blobs_skipped": done.skipped,
        "size": done.size,
    }


def _result(rows):
    changed = [row for row in rows if row["changed"]]
    sides = [
        "".join("%s %s\n" % (row["target"], row[key]) for row in changed if row[key]) for key in ("before", "digest")
    ]
    return {"changed": bool(changed), "images": rows, "diff": {"before": sides[0], "after": sides[1]}}


def _partly(problem, rows, number):
    """``problem``, which ended the copies at ``rows[number]``, with what was published before."""
    published = [row["target"] for row in rows[:number] if row["changed"]]
    if published:
        problem.result = _result(rows[:number])
        said = "published before: %s" % ", ".join(published)
        problem.found = "%s; %s" % (problem.found, said) if problem.found else said
    return problem


def _pairs(images):
    """(source, what it stands for, target) of each image; all names are checked before anything is asked for.

    A source that is the target of an earlier one stands for the source of that.
    """
    pairs = []
    sources: Dict[ImageName, ImageName] = {}
    origins: Dict[ImageName, ImageName] = {}
    for item in images:
        source, target = ImageName.parse(item["source"]), _target(item["target"])
        if sources.setdefault(target, source) != source:
            raise Problem(
                "%s is the target of two sources" % target.full,
                found="%s and %s" % (sources[target].full, source.full),
                next_step="leave one of them",
            )
        origins[target] = origins.get(source, source)
        pairs.append((source, origins[target], target))
    return pairs


def _target(text):
    target = ImageName.parse(text)
    if target.digest:
        raise Problem(
            "%s cannot be published" % target.full,
            found="a digest in target",
            next_step="name a tag: the digest is that of the source",
        )
    if not names_tag(text):
        raise Problem(
            "%s cannot be published" % text,
            found="no tag in target",
            next_step="name a tag, for example latest",
        )
    if target.registry == DEFAULT_REGISTRY and not text.startswith(DEFAULT_REGISTRY + "/"):
        found = "no registry in target, so it means %s" % target.full
        raise Problem(
            "%s cannot be published" % text,
            found=found,
            next_step="write your own registry in front, as HOST:PORT/REPOSITORY:TAG",
        )
    return target


def main():
    pair = {"source": {"type": "str", "required": True}, "target": {"type": "str", "required": True}}
    images = {"type": "list", "elements": "dict", "required": True, "options": pair}
    spec = dict(
        REGISTRY_OPTIONS, images=images, architecture={"type": "str", "default": "riscv64"}, variant={"type": "str"}
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    with fail_on_problem(module), Skopeo.of(module.params) as skopeo:
        module.exit_json(**run(module.params, module.check_mode, skopeo))


if __name__ == "__main__":
    main()
