# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab is called, where it keeps things, and how it runs programs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import subprocess
import sys
import time

LAB = pathlib.Path(__file__).resolve().parent.parent
# A second lab on the same machine needs another name.
NAME = os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s")
STATE = pathlib.Path(os.environ.get("RISCV_K3S_LAB_DIR", "/var/lib/%s-lab" % NAME)).absolute()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "riscv.k3s"

# Network namespaces and cgroups are named after the lab, so that a second one of that name is noticed, and a crashed
# one found.
NAMESPACE_PREFIX = NAME.replace(".", "-") + "-"
CONTROLLER = NAMESPACE_PREFIX + "controller"
CGROUP = NAMESPACE_PREFIX + "lab"

CONTROLLER_ADDRESS = "10.99.0.1"
REGISTRY = CONTROLLER_ADDRESS + ":5000"
# Where several servers keep their cluster.
DATASTORE = CONTROLLER_ADDRESS + ":2379"
# Major versions of containerd that boards can have: Debian's 1.6, as k3s 1.24 has it, and 2, as today's k3s has it.
CONTAINERDS = ("1", "2")
VERSIONS = {"A": "v1.24.2+k3s2", "B": "v1.36.3+k3s1"}
PAUSE_IMAGE_OF_A = "docker.io/rancher/mirrored-pause:3.6"


class LabError(Exception):
    """Something that the user can act upon; shown without a traceback."""


def run(argv, check=True, **options):
    """Run a program without a shell and return the finished process, its output as text."""
    options.setdefault("capture_output", True)
    done = subprocess.run([str(part) for part in argv], text=True, check=False, **options)
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout or "").strip().splitlines()
        raise LabError(
            "%s ended with %d: %s" % (" ".join(str(part) for part in argv), done.returncode, " / ".join(said[-3:]))
        )
    return done


@contextlib.contextmanager
def locked(path, wait=True):
    """Hold a lock file, open for reading and appending. Raises BlockingIOError when held and ``wait`` is false."""
    while True:
        handle = open(path, "a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed it meanwhile: then this is a lock on nothing.
            if os.path.exists(path) and os.path.samestat(os.fstat(handle.fileno()), os.stat(path)):
                yield handle
                return
        finally:
            handle.close()


def say(text):
    """Progress goes to stderr: what a command is asked for stands alone on stdout."""
    print("lab: " + text, file=sys.stderr, flush=True)


def wait_for(what, ask, seconds, interval=0.2):
    """Call ``ask`` until it returns something true, and return that. After ``seconds`` it is an error that names
    ``what``.
    """
    begin = said = time.monotonic()
    while True:
        answer = ask()
        if answer:
            return answer
        now = time.monotonic()
        if now - begin > seconds:
            raise LabError("%s: not after %d s" % (what, seconds))
        if now - said > 10:
            say("waiting for %s (%d s)" % (what, now - begin))
            said = now
        time.sleep(interval)
