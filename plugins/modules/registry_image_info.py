#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask registries what they really hold."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_image_info
short_description: Ask registries what they really hold
version_added: "1.0.0"
description:
  - For each of a list of image references, reports whether it exists, its digest, its platforms and its size, by asking
    the registry with
    C(skopeo inspect). No image is downloaded.
  - Indexes are followed down to the image for Linux and O(architecture), whose own config says what it is for.
  - An image that is missing or a registry that cannot be reached is a row with a RV(images[].cause), never a failure.
    The module fails for
    wrong options only.
  - Runs on the controller (C(delegate_to=localhost)).
  - Asks several images at once, and a registry that cannot be reached only once.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.registries
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
options:
  images:
    description:
      - Image references. A name without a registry is of docker.io, as everywhere.
    type: list
    elements: str
    required: true
  architecture:
    description:
      - OCI name of the architecture to look for.
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
- name: What the private registry holds, seen from the controller
  riscv.k3s.registry_image_info:
    images:
      - 192.168.173.76:6000/riscv64/coredns:1.14.7
      - docker.io/rancher/mirrored-pause:3.6
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true
  register: supply

- name: Stop unless everything is there for riscv64
  ansible.builtin.assert:
    that: supply.images | selectattr('cause') | length == 0
    fail_msg: "{{ supply.images | selectattr('cause') | map(attribute='message') | join('\n') }}"
  run_once: true
"""

RETURN = r"""
images:
  description: A row for each of O(images), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    image:
      description: Full name.
      type: str
      sample: 192.168.173.76:6000/riscv64/coredns:1.14.7
    exists:
      description: Whether the registry has it; null when that is not known, for example because the registry cannot be
        reached.
      type: bool
    digest:
      description: Digest of the manifest or index that the reference names.
      type: str
      sample: sha256:56c692eb39779f97de147d2dcc64b083047e0aeb3b13a1126f039b4f122a094f
    media_type:
      description: Kind of the manifest or index.
      type: str
      sample: application/vnd.oci.image.manifest.v1+json
    platforms:
      description: Platforms it has content for, of an index those it lists, of a single image that of its config.
      type: list
      elements: str
      sample: [linux/riscv64]
    size:
      description: Bytes of the config and the compressed layers for O(architecture).
      type: int
      sample: 21452498
    user:
      description: The user that its config names for its processes, empty for root; null when that is not known.
      type: str
    origin:
      description:
        - What the image says of where it comes from, by the annotations of OCI and of this collection's recipes; null
          for nothing. Whoever pushed it may have written anything there.
      type: str
      sample: coredns 1.14.7, https://github.com/coredns/coredns v1.14.7, built by recipe coredns
    has_architecture:
      description: Whether it has content for O(architecture); null when that is not known.
      type: bool
    cause:
      description:
        - Null when all is well, otherwise one of the words that P(riscv.k3s.diagnosis#filter) and
          M(riscv.k3s.crictl_image_pull) use, too.
        - >-
          No connection: V(registry-name) (no such host), V(registry-refused) (nothing listens), V(registry-timeout),
          V(registry-unreachable),
          V(registry-proxy), V(registry-broken) (the connection broke off), V(no-registry) (something else answers),
          V(tls-authority),
          V(registry-clock) (a certificate that is not valid by this machine's clock), V(plain-http)
          (O(registries[].plain_http) is missing),
          V(https-on-http) (it is set by mistake), V(registry-tls) (no agreement on TLS, or a client certificate is
          required).
        - The registry's answer is V(registry-auth), V(no-such-image), V(no-platform), V(registry-rate-limit),
          V(registry-rules)
          (the registry has a rule against it), V(registry-fault), V(content-damaged), V(unknown).
        - On the machine that asks, V(controller) (its stored logins, C(registries.conf), certificates or C(skopeo)
          itself) and V(pull-disk-full).
      type: str
      sample: no-such-image
    message:
      description: What was asked, what was found, where, and the next step, in words; null when all is well.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.info import inspect_all
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import REGISTRY_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem


def main():
    spec = dict(
        REGISTRY_OPTIONS,
        images={"type": "list", "elements": "str", "required": True},
        architecture={"type": "str", "default": "riscv64"},
        variant={"type": "str"},
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    with fail_on_problem(module), Skopeo.of(module.params) as skopeo:
        platform = Platform(module.params["architecture"], module.params["variant"])
        module.exit_json(changed=False, images=inspect_all(module.params["images"], skopeo, platform))


if __name__ == "__main__":
    main()
