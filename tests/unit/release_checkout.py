# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout that is ready for a release, for tests of the tools that make one."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

from test_project import ROOT, read_yaml

KEPT = ("galaxy.yml", "docs/releasing.md", "changelogs/changelog.yaml", "playbooks/vars/recipes.yml")
GIT = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
VERSION = read_yaml(ROOT / "galaxy.yml")["version"]
TARBALL = "build/riscv-k3s-%s.tar.gz" % VERSION
LIST = "build/release-checklist.md"
NO_CHANGELOG = "ancestor: null\nreleases: {}\n"
STAGES = re.findall(r"^stage (\w+) ", (ROOT / "tools/release-check").read_text(encoding="utf-8"), re.MULTILINE)


def make(tmp_path):
    """A repository with what these tools read, ready for a release but for what a test takes away."""
    for name in (*KEPT, "tools/tag", "tools/address", "tools/changelog", "tools/release-check"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "build").mkdir()
    text = "ancestor: null\nreleases:\n  %s:\n    release_date: '2026-11-26'\n" % VERSION
    (tmp_path / "changelogs/changelog.yaml").write_text(text)
    run(tmp_path, "tools/address", "https://forge.example/riscv-k3s", check=0)
    run(tmp_path, "git", "init", "--quiet", check=0)
    commit(tmp_path)
    return tmp_path


def run(folder, *command, check=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert check is None or done.returncode == check, done.stdout + done.stderr
    return done


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n%s\n" % text)
    path.chmod(0o755)


def commit(folder):
    run(folder, "git", "add", "--all", check=0)
    run(folder, "git", *GIT, "commit", "--quiet", "--allow-empty", "-m", "x", check=0)
    run(folder, "git", "config", "user.name", "A")
    run(folder, "git", "config", "user.email", "a@example.org")
    run(folder, "git", "config", "tag.gpgsign", "false")


def sign(checkout, mark="- [x] %s (Ada, 2026-11-26)", stages="- [x] %s (tools/release-check)"):
    """The list of steps as a person leaves it."""
    head = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    (checkout / TARBALL).write_bytes(b"candidate")
    sums = "%s sha256 %s" % (TARBALL, hashlib.sha256(b"candidate").hexdigest())
    passed = "\n".join(stages % name for name in STAGES)
    steps = re.findall(r"^- \[ \] (.*)$", (checkout / "docs/releasing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(steps) >= 5
    title = "Release %s at %s, looked at on 2026-11-26" % (VERSION, head)
    (checkout / LIST).write_text("\n".join([title, sums, "", passed, *(mark % step for step in steps), ""]))


def tag(checkout):
    return run(checkout, "tools/tag", LIST)
