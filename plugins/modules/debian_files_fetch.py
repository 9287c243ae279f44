#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch programs out of Debian's packages for a board."""

from __future__ import annotations

DOCUMENTATION = r"""
module: debian_files_fetch
short_description: Fetch programs for a board out of Debian's packages, with the libraries that they need
version_added: "1.0.0"
description:
  - Takes files out of a package of Debian for another architecture, and with them the libraries and the loader that
    programs among them need, out of the packages that it depends on. M(riscv.k3s.oci_image_build) makes an image of it.
  - Runs C(apt-get) of the machine that it runs on, which is the controller as a rule, in a folder of its own. The
    mirror, the keys and the proxies are that machine's. Nothing is installed there, no architecture is added, and root
    is not needed.
  - apt checks the signature of the mirror's index, and each package by it.
  - What was fetched stays, with the versions and checksums of its packages, until O(renew) is set.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.attributes
attributes:
  check_mode:
    details:
      - Says whether something would be fetched. What only the packages tell is null as long as they are not fetched.
      - With O(renew) it says that something would change, since the mirror is not asked.
  diff_mode:
    support: none
    details:
      - What is fetched are programs.
  idempotent:
    details:
      - What is in the cache, whole, is not fetched again.
requirements:
  - C(apt-get) and C(dpkg-deb), as on Debian and what is made from it
  - Debian's package C(debian-archive-keyring)
options:
  package:
    description:
      - Name of the binary package.
    type: str
    required: true
  files:
    description:
      - Paths of files in the package, or in those that it depends on, as shell patterns. What they need comes by
        itself.
    type: list
    elements: str
    required: true
  architecture:
    description:
      - Debian's name of the architecture.
    type: str
    choices: [amd64, arm64, riscv64]
    default: riscv64
  suites:
    description:
      - Suites of Debian. The first one that has the package is taken.
    type: list
    elements: str
    default: [trixie, stable]
  mirror:
    description:
      - URL of a mirror of Debian.
      - The default is the one in the machine's own sources.
    type: str
  renew:
    description:
      - Fetch anew what is there, for newer versions of the packages.
    type: bool
    default: false
  cache:
    description:
      - Folder for what was fetched.
      - The default is C(riscv.k3s/programs) in E(XDG_CACHE_HOME), otherwise in C(~/.cache).
    type: path
  timeout:
    description:
      - Seconds that reading the mirror's index, and fetching the packages, may take.
    type: int
    default: 600
seealso:
  - module: riscv.k3s.oci_image_build
  - module: riscv.k3s.go_program_build
"""

EXAMPLES = r"""
- name: A static busybox for boards
  riscv.k3s.debian_files_fetch:
    package: busybox-static
    files: [/usr/bin/busybox]
  delegate_to: localhost
  run_once: true
  register: busybox

- name: Its image
  riscv.k3s.oci_image_build:
    src: "{{ busybox.path }}/usr/bin/busybox"
    dest: /bin/busybox
    links:
      /bin/sh: busybox
    cmd: [sh]
    image: 192.168.173.76:6000/riscv64/busybox:{{ busybox.version }}
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: Folder with the files, as they lie below /, in check mode where it will be.
  returned: success
  type: str
  sample: /home/user/.cache/riscv.k3s/programs/debian-busybox-static-5b8c2f0a9d3e4f61/root
package:
  description: Name of the package.
  returned: success
  type: str
  sample: busybox-static
architecture:
  description: Debian's name of the architecture.
  returned: success
  type: str
  sample: riscv64
version:
  description: Upstream's version of the package, null if it is not fetched.
  returned: success
  type: str
  sample: 1.37.0
packages:
  description: Name, version and checksum of each package that was fetched, the one that was asked for first.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: busybox-static, version: "1:1.37.0-6+b9", sha256: 0c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3}
files:
  description: Paths of the files.
  returned: success
  type: list
  elements: str
  sample: [/usr/bin/busybox]
sha256:
  description: Checksum of all files, with their names and modes.
  returned: success
  type: str
  sample: 9a0b6a1e1f2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 4.2
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import cache_folder
from ansible_collections.riscv.k3s.plugins.module_utils._program.debian import fetch
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem

ARGUMENT_SPEC = {
    "package": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "str", "required": True},
    "architecture": {"type": "str", "choices": ["amd64", "arm64", "riscv64"], "default": "riscv64"},
    "suites": {"type": "list", "elements": "str", "default": ["trixie", "stable"]},
    "mirror": {"type": "str"},
    "renew": {"type": "bool", "default": False},
    "cache": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
}


def run(params, check_mode):
    """Fetch what ``params`` say; returns the module's result."""
    return fetch(params, Store(params["cache"] or cache_folder("programs")), dry_run=check_mode)


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    with fail_on_problem(module):
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
