# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are built from Go modules, once, into the user's cache folder: Kubernetes, crictl, and the stand-in for k3s."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from common import CACHE, LAB, LabError, run, say

SOURCE = LAB / "k3s"
KUBERNETES = "v1.34.4"
_STRIP = "-s -w"
_STAMP = "k8s.io/component-base/version"
_KUBERNETES_FLAGS = "%s -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=34" % (_STRIP, _STAMP, KUBERNETES, _STAMP, _STAMP)
# Each program by itself, so that a change of the stand-in does not link Kubernetes again: package, linker flags, own sources.
PROGRAMS = {
    "kubernetes": ("./cmd/kubernetes", _KUBERNETES_FLAGS, "cmd/kubernetes"),
    "crictl": ("sigs.k8s.io/cri-tools/cmd/crictl", _STRIP + " -X sigs.k8s.io/cri-tools/pkg/version.Version=1.34.0", None),
    "k3s": ("./cmd/k3s", _STRIP, "cmd/k3s"),
    "board": ("./cmd/board", _STRIP, "cmd/board"),
}
PROGRESS_SECONDS = 15
KEEP_SECONDS = 24 * 3600


def build():
    """Build what is not in the cache yet. Returns the folder of each program, by name."""
    environment = dict(os.environ, CGO_ENABLED="0", GOFLAGS="", GOOS="linux", GOARCH="", GOWORK="off")
    environment["GOTOOLCHAIN"] = "auto"
    go_version = _go_version(environment)
    return {name: _program(name, go_version, environment) for name in PROGRAMS}


def release_archives():
    """Make the riscv64 release archives where they are missing, and return their folder."""
    done = subprocess.run([sys.executable, str(LAB / "riscv64" / "build.py")], stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise LabError("the riscv64 archives could not be made. Next: run %s" % (LAB / "riscv64" / "build.py"))
    return CACHE / "riscv64"


def _go_version(environment):
    advice = "Next: install Go 1.21 or newer, which fetches what it needs by itself (Debian: golang-go, on Debian 12 from backports)"
    if not shutil.which("go"):
        raise LabError("the Go compiler was not found, it builds Kubernetes for the lab. " + advice)
    # Asked outside of the module: before 1.21 go cannot even read its go.mod.
    found = re.match(r"go version go1\.(\d+)", run(["go", "version"], cwd="/").stdout)
    if not found or int(found.group(1)) < 21:
        raise LabError("go is too old to build Kubernetes. Found: %s. %s" % (found.group(0) if found else "an unknown version", advice))
    done = run(["go", "version"], check=False, cwd=SOURCE, env=environment)
    if done.returncode != 0:
        raise LabError("go could not fetch the toolchain that tests/lab/k3s/go.mod asks for: %s. %s" % (done.stderr.strip(), advice))
    return done.stdout.strip()


def _program(name, go_version, environment):
    package, flags, own = PROGRAMS[name]
    key = hashlib.sha256(repr((go_version, package, flags)).encode())
    sources = [SOURCE / "go.mod", SOURCE / "go.sum"]
    if own:
        sources += sorted(path for path in (SOURCE / own).rglob("*") if path.is_file() and not path.name.endswith("_test.go"))
    for path in sources:
        key.update(str(path.relative_to(SOURCE)).encode() + b"\0" + path.read_bytes() + b"\0")
    folder = CACHE / "lab" / ("%s-%s" % (name, key.hexdigest()[:16]))
    if (folder / name).exists():
        return folder
    with _lock(CACHE / "lab"):
        if not (folder / name).exists():
            _compile(name, folder, ["go", "build", "-trimpath", "-v", "-ldflags", flags, package], environment)
    return folder


@contextlib.contextmanager
def _lock(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(name, folder, command, environment):
    """Build in a temporary folder beside the final one, then rename: a build that was interrupted leaves nothing that looks whole."""
    if name == "kubernetes":
        say("building Kubernetes %s. The first time takes 5 to 10 minutes on two cores and downloads about 300 MB of Go modules" % KUBERNETES)
    else:
        say("building " + name)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="." + name + "-") as scratch:
        log = pathlib.Path(scratch, "log")
        target = pathlib.Path(scratch, "out", name)
        target.parent.mkdir()
        argv = command[:2] + ["-o", str(target)] + command[2:]
        with open(log, "w", encoding="utf-8") as output, \
                subprocess.Popen(argv, cwd=SOURCE, env=environment, stdout=output, stderr=subprocess.STDOUT) as process:
            while True:
                try:
                    process.wait(PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    # `go build -v` prints a line for each package that it had to compile or module that it had to fetch.
                    lines = log.read_text(encoding="utf-8").splitlines()
                    say("building %s: %d s, %d packages, now %s" % (name, time.monotonic() - begin, len(lines), lines[-1] if lines else "linking"))
        if process.returncode != 0:
            raise LabError("building %s failed:\n%s" % (name, "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])))
        # Builds of other sources are of no use any more, unless another checkout works with them these days.
        for old in folder.parent.glob(name + "-*"):
            if old != folder and time.time() - old.stat().st_mtime > KEEP_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        target.parent.rename(folder)
    say("built %s in %d s" % (name, time.monotonic() - begin))
