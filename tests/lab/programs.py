# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the riscv64 programs that the lab's images are built from, by the collection's own recipes and into its cache.
Then build_images and the tests find them there.

    programs.py [NAME ...]    make what is missing (what the lab needs, or these recipes); prints {name: path} as JSON
"""

from __future__ import annotations

import json
import pathlib
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".venv" / "collections"))

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import cache_folder  # noqa: E402
from ansible_collections.riscv.k3s.plugins.module_utils._program import debian  # noqa: E402
from ansible_collections.riscv.k3s.plugins.module_utils._program.go import Toolchain  # noqa: E402
from ansible_collections.riscv.k3s.plugins.module_utils._program.go_build import build, plan  # noqa: E402
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store  # noqa: E402
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem  # noqa: E402
from ansible_collections.riscv.k3s.plugins.modules import debian_files_fetch, go_program_build  # noqa: E402
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import image_builds  # noqa: E402

NAMES = (
    *("pause", "coredns", "local-path-provisioner", "metrics-server", "metrics-server-0.5", "busybox", "klipper-lb"),
    "klipper-helm",
)
# No recipe of the collection: the lab's stand-in for what installs charts.
# Its user is the one of klipper-helm.yml.
OWN = {"klipper-helm": {"go": {"recipe": str(ROOT / "tests/lab/klipper-helm"), "version": "1.0.0"}, "user": "1000"}}
PROGRESS_SECONDS = 15


def main(names):
    try:
        print(json.dumps({name: make(name) for name in names or NAMES}))
    except Problem as problem:
        sys.exit("lab: %s" % problem)


def make(name):
    """Path of the program ``name``, of klipper-lb the folder of its files."""
    entry = {"stock": "lab/" + name, "source": "lab:1/%s:1" % name, "build": OWN.get(name) or {"recipe": name}}
    (wanted,) = image_builds([[entry]], "/")
    with Progress("making %s for riscv64" % name):
        program = go_program(wanted["go"]) if "go" in wanted else None
        if "debian" not in wanted:
            return program
        tree = packages(wanted["debian"])
    files = wanted["debian"]["files"]
    return tree if len(files) > 1 else tree + files[0]


def go_program(options):
    toolchain = Toolchain()
    options = dict(defaults(go_program_build), **options)
    return build(plan(options, toolchain), toolchain, store(), options["timeout"])["path"]


def packages(options):
    return debian.fetch(dict(defaults(debian_files_fetch), **options), store())["path"]


def defaults(module):
    return {name: spec.get("default") for name, spec in module.ARGUMENT_SPEC.items()}


def store():
    return Store(cache_folder("programs"))


class Progress:
    """Says every 15 s that something still goes on."""

    def __init__(self, what):
        self._what, self._over = what, threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._say, daemon=True)
        self._thread.start()

    def __exit__(self, *dummy):
        self._over.set()
        self._thread.join()

    def _say(self):
        begin = time.monotonic()
        while not self._over.wait(PROGRESS_SECONDS):
            print("lab: %s, %d s" % (self._what, time.monotonic() - begin), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
