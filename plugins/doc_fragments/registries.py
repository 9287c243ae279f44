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
      - How to talk to registries. One that is not listed is asked by https, with the user's own logins.
      - The filter P(riscv.k3s.registry_access#filter) makes this list from the content of registries.yaml.
      - Proxies are those of the environment, as skopeo reads E(https_proxy), E(http_proxy) and E(no_proxy).
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host, or host and port, as image names have it, without scheme and path.
        type: str
        required: true
      plain_http:
        description: The registry speaks http, not https. Http is never tried unless this is set. A registry that
          answers https is then an error.
        type: bool
        default: false
      ask_scheme:
        description:
          - Ask the registry whether it speaks https or http, where O(registries[].plain_http) does not say so. One that
            is found to speak http gets no login, not even the user's own, since this may be somebody else's doing.
        type: bool
        default: false
      tls_verify:
        description: Verify the registry's certificate.
        type: bool
        default: true
      ca_file:
        description: PEM file of a certificate authority to trust, in addition to those of the system. A
          path where the module runs. Use an absolute path, since a relative one is relative to the playbook's folder.
        type: path
      cert_file:
        description: PEM file of the client certificate. Needs O(registries[].key_file).
        type: path
      key_file:
        description: PEM file of the key of O(registries[].cert_file).
        type: path
      files_optional:
        description: Ignore files that are not on this machine. For paths that are meant for boards.
        type: bool
        default: false
      username:
        description:
          - User at this registry.
          - Without O(registries[].username) and O(registries[].identity_token) the user's own logins are used, as
            C(skopeo
            login), C(podman login)
            or C(docker login) stored them, those by path and by credential helper included.
        type: str
      password:
        description:
          - Password at this registry. It is sent only to that host and to the token server that it names, if that one
            is
            of the same domain.
          - It is written to a file in a folder that only this user can read, and is removed afterwards.
        type: str
      identity_token:
        description: Identity token instead of a password; the token server exchanges it.
        type: str
      token_server:
        description: Host, or host and port, of a token server outside the registry's domain that may receive the
          password, too.
        type: str
  timeout:
    description:
      - Seconds that a request to a registry may take, and that a download may go without progress. At least 1.
      - An upload that is slower than 50 kB per second fails, too.
    type: int
    default: 20
requirements:
  - skopeo 1.9 or newer, where the module runs
"""
