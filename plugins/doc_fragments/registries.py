# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask several registries."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  registries:
    description:
      - How to talk to registries. One that is not listed is asked by https, with what a login stored for it.
      - The filter P(riscv.k3s.registry_access#filter) makes this list from the content of registries.yaml.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host, or host and port, as image names have it.
        type: str
        required: true
      plain_http:
        description: The registry speaks http, not https. It is never tried unasked.
        type: bool
        default: false
      tls_verify:
        description: Check the registry's certificate.
        type: bool
        default: true
      ca_file:
        description: PEM file of an authority to trust for the registry's certificate, beside those of the system. A path where the module runs.
        type: path
      username:
        description:
          - User at this registry. It is told to no other.
          - Without it, what C(docker login), C(podman login) or C(skopeo login) stored is used. Credential helpers are programs and are not run.
        type: str
      password:
        description: Password at this registry.
        type: str
  timeout:
    description:
      - Seconds to wait for a registry that says nothing.
    type: int
    default: 20
"""
