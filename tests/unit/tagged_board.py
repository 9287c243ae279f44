# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board whose images the modules pull, tag and bring back, with a containerd in memory and a journal."""

from __future__ import annotations

import json
import os

from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull, crictl_image_tag

SOURCE = "10.99.0.1:5000/riscv64/coredns:1.0"
TARGET = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
SECOND = "docker.io/rancher/mirrored-coredns-coredns:1.10.1"
THIRD = "docker.io/rancher/new:1"
OURS, STOCK, OTHER = Content("coredns"), Content("stock", "amd64"), Content("other")


class Board:
    def __init__(self, version, data_dir):
        self.fake = FakeContainerd(version, registry={SOURCE: OURS})
        self.data_dir = str(data_dir)
        self.warnings = []
        # What stands in every store and is nobody's business.
        self.fake.put("docker.io/library/busybox:1", Content("busybox"), pinned=True)

    @property
    def programs(self):
        return Programs({"k3s": "k3s", "data_dir": self.data_dir}, self.fake, is_root=True)

    def pull(self, *names, **options):
        params = {"policy": "missing", "architecture": "any", "deep": False, "retries": 0, "digests": {}, "timeout": 9}
        return crictl_image_pull.run(dict(params, images=list(names), **options), False, self.programs)

    def tag(self, source, *targets, check=False, **options):
        params = {"existing": "overwrite", "pinned": True, "architecture": "any", "expected": [], "state": "present"}
        done, self.warnings = crictl_image_tag.run(
            dict(params, images=[{"source": source, "targets": list(targets)}], **options), check, self.programs
        )
        return done

    def heal(self):
        """As the role images does."""
        self.pull(SOURCE)
        self.tag(SOURCE, TARGET, SECOND)

    def undo(self, *names):
        """Restore names: check, run, check, run. The prediction is the result, and then there is nothing left to do."""
        names = names or (SOURCE, TARGET, SECOND)
        before, journal = self.store(), self.journal()
        predicted = self.tag(None, *names, check=True, state="restored")
        assert (self.store(), self.journal()) == (before, journal)
        done = self.tag(None, *names, state="restored")
        assert predicted == done
        told = list(self.warnings)
        for check in (True, False):
            assert not self.tag(None, *names, check=check, state="restored")["changed"]
        self.warnings = told
        return done

    def store(self):
        return {name: (content.digest, dict(labels)) for name, (content, labels) in self.fake.store.items()}

    def journal(self):
        path = os.path.join(self.data_dir, "riscv-k3s", "journal.json")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return json.load(file)["images"]
