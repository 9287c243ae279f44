# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are built from Go modules, once, into the user's cache folder: Kubernetes, crictl, the stand-in for
k3s, containerd 2.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
from typing import NamedTuple, Optional

from common import CACHE, LAB, LabError, run, say

KUBERNETES = "v1.34.4"
CONTAINERD = "v2.4.2"
_STRIP = "-s -w"
_STAMP = "k8s.io/component-base/version"
_KUBERNETES_FLAGS = "%s -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=34" % (
    _STRIP,
    _STAMP,
    KUBERNETES,
    _STAMP,
    _STAMP,
)
_CONTAINERD_FLAGS = "%s -X github.com/containerd/containerd/v2/version.Version=%s" % (_STRIP, CONTAINERD[1:])


class Program(NamedTuple):
    """A program: its package, linker flags, the folder of its own sources inside the module's, the module's folder, and
    build tags.
    """

    package: str
    flags: str = _STRIP
    own: Optional[str] = None
    source: pathlib.Path = LAB / "k3s"
    tags: str = ""


def _containerd(name):
    # Snapshotters that need C or a kernel module which the lab does not use.
    return Program(
        "github.com/containerd/containerd/v2/cmd/" + name,
        _CONTAINERD_FLAGS,
        None,
        LAB / "containerd",
        "no_btrfs,no_devmapper,no_zfs,no_aufs",
    )


# Each program by itself, so that a change of the stand-in does not link Kubernetes again.
PROGRAMS = {
    "kubernetes": Program("./cmd/kubernetes", _KUBERNETES_FLAGS, "cmd/kubernetes"),
    "crictl": Program(
        "sigs.k8s.io/cri-tools/cmd/crictl", _STRIP + " -X sigs.k8s.io/cri-tools/pkg/version.Version=1.34.0"
    ),
    "k3s": Program("./cmd/k3s", own="cmd/k3s"),
    "board": Program("./cmd/board", own="cmd/board"),
}
# Containerd 1.6 is Debian's; these are built for a lab that asks for 2.
CONTAINERD_2 = {name: _containerd(name) for name in ("containerd", "ctr", "containerd-shim-runc-v2")}
PROGRESS_SECONDS = 15
KEEP_SECONDS = 24 * 3600


def build(containerd="1", architecture=""):
    """Build what is not in the cache yet, for boards with that containerd (1 or 2), and of that architecture ("": this
    machine's). Returns the folder of each program, by name.
    """
    programs = dict(PROGRAMS, **(CONTAINERD_2 if containerd == "2" else {}))
    return _build(programs, architecture)


def native(name):
    """The path of one program, for this machine; built where it is not in the cache yet."""
    return _build({name: PROGRAMS[name]}, "")[name] / name


def _build(programs, architecture):
    environment = dict(os.environ, CGO_ENABLED="0", GOFLAGS="", GOOS="linux", GOARCH=architecture, GOWORK="off")
    environment["GOTOOLCHAIN"] = "auto"
    versions = {
        source: _go_version(source, environment) for source in sorted({program.source for program in programs.values()})
    }
    return {name: _program(name, program, versions[program.source], environment) for name, program in programs.items()}


def riscv64_programs(names=()):
    """Make the riscv64 programs that images are built from (these, or all that a lab needs), where they are missing.
    Returns {name: path}.
    """
    python = LAB.parents[1] / ".venv" / "bin" / "python"
    if not python.exists():
        raise LabError("there is no %s, which makes the riscv64 programs. Next: run make .venv/.stamp" % python)
    done = subprocess.run([python, LAB / "programs.py", *names], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise LabError("the riscv64 programs could not be made. Next: run %s %s" % (python, LAB / "programs.py"))
    return json.loads(done.stdout)


def _go_version(source, environment):
    advice = (
        "Next: install Go 1.21 or newer, which fetches what it needs by itself "
        "(Debian: golang-go, on Debian 12 from backports)"
    )
    if not shutil.which("go"):
        raise LabError("the Go compiler was not found, it builds Kubernetes for the lab. " + advice)
    # Asked outside of the module: before 1.21 go cannot even read its go.mod.
    found = re.match(r"go version go1\.(\d+)", run(["go", "version"], cwd="/").stdout)
    if not found or int(found.group(1)) < 21:
        raise LabError(
            "go is too old to build Kubernetes. Found: %s. %s"
            % (found.group(0) if found else "an unknown version", advice)
        )
    done = run(["go", "version"], check=False, cwd=source, env=environment)
    if done.returncode != 0:
        raise LabError(
            "go could not fetch the toolchain that %s asks for: %s. %s"
            % (source / "go.mod", done.stderr.strip(), advice)
        )
    return done.stdout.strip()


def _program(name, program, go_version, environment):
    more = tuple(part for part in (program.tags, environment["GOARCH"]) if part)
    key = hashlib.sha256(repr((go_version, program.package, program.flags, *more)).encode())
    sources = [program.source / "go.mod", program.source / "go.sum"]
    if program.own:
        sources += sorted(
            path
            for path in (program.source / program.own).rglob("*")
            if path.is_file() and not path.name.endswith("_test.go")
        )
    for path in sources:
        key.update(str(path.relative_to(program.source)).encode() + b"\0" + path.read_bytes() + b"\0")
    stem = "-".join(part for part in (name, environment["GOARCH"]) if part)
    folder = CACHE / "lab" / ("%s-%s" % (stem, key.hexdigest()[:16]))
    if (folder / name).exists():
        return folder
    with lock(CACHE / "lab"):
        if not (folder / name).exists():
            _compile(name, program, folder, environment)
    return folder


@contextlib.contextmanager
def lock(folder):
    """Hold the lock of what is made there; it can be made once at a time. What a build that was killed left half made
    goes first: it may be gigabytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        for left in folder.glob(".*-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _compile(name, program, folder, environment):
    """Build in a temporary folder beside the final one, then rename: a build that was interrupted leaves nothing that
    looks whole.
    """
    if program is CONTAINERD_2.get(name):
        say(
            "building %s of containerd %s. The first time takes about 6 minutes on two cores for the three of them"
            % (name, CONTAINERD)
        )
    elif name == "kubernetes":
        say(
            "building Kubernetes %s. The first time takes 5 to 10 minutes on two cores and downloads about 300 MB of "
            "Go modules" % KUBERNETES
        )
    else:
        say("building " + name)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="." + name + "-") as scratch:
        log = pathlib.Path(scratch, "log")
        target = pathlib.Path(scratch, "out", name)
        target.parent.mkdir()
        argv = [
            "go",
            "build",
            "-p",
            "2",
            "-trimpath",
            "-v",
            "-tags",
            program.tags,
            "-ldflags",
            program.flags,
            "-o",
            str(target),
            program.package,
        ]
        with (
            open(log, "w", encoding="utf-8") as output,
            subprocess.Popen(
                argv, cwd=program.source, env=environment, stdout=output, stderr=subprocess.STDOUT
            ) as process,
        ):
            while True:
                try:
                    process.wait(PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    # `go build -v` prints a line for each package that it had to compile or module that it had to
                    # fetch.
                    lines = log.read_text(encoding="utf-8").splitlines()
                    say(
                        "building %s: %d s, %d packages, now %s"
                        % (name, time.monotonic() - begin, len(lines), lines[-1] if lines else "linking")
                    )
        if process.returncode != 0:
            raise LabError(
                "building %s failed:\n%s" % (name, "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:]))
            )
        # Builds of other sources are of no use any more, unless another checkout works with them these days.
        for old in folder.parent.glob(folder.name[:-16] + "[0-9a-f]" * 16):
            if old != folder and time.time() - old.stat().st_mtime > KEEP_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        target.parent.rename(folder)
    say("built %s in %d s" % (name, time.monotonic() - begin))
