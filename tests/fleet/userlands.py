# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What boards have beside k3s: shells, tools and service managers of distributions, as trees of Debian's packages.

Alpine's and openEuler's own packages are not to be had from Debian: Alpine is busybox, which is what it is made of, in
its layout, and Debian's OpenRC; openEuler is a bash that is called sh, GNU's tools and gawk, without dash. None has
Python. They lie in the user's cache folder.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile

from prerequisites import missing

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "riscv.k3s/userlands"
_TOOLS = ("base-files", "coreutils", "grep", "sed", "findutils", "hostname", "util-linux", "debianutils", "passwd")
_MAWK, _GAWK = ("dash", "mawk"), ("bash", "gawk")
# Name: suite of Debian, packages, what its os-release says.
KINDS = {
    "debian-12": ("bookworm", (*_MAWK, *_TOOLS), 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'),
    "debian-13": ("trixie", (*_MAWK, *_TOOLS), 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13"\n'),
    "openeuler": (
        "trixie",
        (*_GAWK, *_TOOLS),
        'ID="openEuler"\nVERSION_ID="24.03"\nPRETTY_NAME="openEuler 24.03 (LTS)"\n',
    ),
    "alpine": (
        "bookworm",
        ("busybox-static", "openrc"),
        'ID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n',
    ),
}
MANAGERS = dict.fromkeys(KINDS, "systemd") | {"alpine": "openrc"}
# Made anew where this changes.
_VERSION = "1"


def userland(name):
    """The folder of one of KINDS, which is made where it is not there yet."""
    folder = CACHE / ("%s-%s" % (name, _VERSION))
    if not folder.exists():
        if not shutil.which("mmdebstrap"):
            missing("mmdebstrap is not there, which fetches userlands of boards")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            tree = pathlib.Path(scratch, "tree")
            _fetch(*KINDS[name][:2], tree)
            tree = _alpine(tree, pathlib.Path(scratch, "alpine")) if name == "alpine" else _gnu(tree)
            for path in ("host", "usr/local/sbin", "var/lib", "proc", "sys", "dev", "root", "tmp"):
                (tree / path).mkdir(parents=True, exist_ok=True)
            if not folder.exists():
                tree.rename(folder)
    return folder


def _fetch(suite, packages, tree):
    """From where this machine's apt takes Debian's packages."""
    targets = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)"]
    listed = subprocess.run(targets, capture_output=True, text=True, check=False).stdout.split("\n")
    mirrors = [line.split()[0] for line in listed if line.endswith(" main") and line.split()[0].endswith("/debian/")]
    # A copy of the archive that is kept as it once was is past its date; its signatures are looked at all the same.
    options = ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Retries "5"']
    words = ["--quiet", "--variant=extract", *options, "--include=" + ",".join(packages)]
    command = ["mmdebstrap", *words, suite, str(tree)]
    done = subprocess.run([*command, *mirrors[:1]], capture_output=True, text=True, check=False)
    if done.returncode:
        missing("a userland of Debian %s cannot be fetched: %s" % (suite, done.stderr[-300:]))


def _gnu(tree):
    (tree / "run/systemd/system").mkdir(parents=True)
    shells = [path for path in ("dash", "bash") if (tree / "bin" / path).exists()]
    # Of dash another package may be in need; what is called sh is what was asked for.
    chosen = "bash" if (tree / "usr/bin/gawk").exists() else shells[0]
    for path in (tree / "bin/sh", tree / "usr/bin/sh"):
        path.unlink(missing_ok=True)
    (tree / "bin/sh").symlink_to(chosen)
    if chosen == "bash":
        (tree / "bin/dash").unlink(missing_ok=True)
    awk = tree / "usr/bin/awk"
    awk.unlink(missing_ok=True)
    awk.symlink_to("gawk" if chosen == "bash" else "mawk")
    return tree


def _alpine(debian, tree):
    """busybox under each of its names, and OpenRC with the libraries that it asks for."""
    for path in ("bin", "sbin", "usr/bin", "usr/sbin", "lib", "run/openrc", "etc"):
        (tree / path).mkdir(parents=True, exist_ok=True)
    shutil.copy2(debian / "bin/busybox", tree / "bin/busybox")
    names = subprocess.run([tree / "bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(names) - {"busybox"}:
        (tree / "bin" / name).symlink_to("/bin/busybox")
    programs = ("openrc", "openrc-run", "rc-service", "rc-update", "rc-status")
    for name in programs:
        (found,) = [debian / path / name for path in ("bin", "sbin") if (debian / path / name).exists()]
        shutil.copy2(found, tree / "sbin" / name)
    shutil.copytree(debian / "lib/rc", tree / "lib/rc", symlinks=True)
    for path in sorted((debian / "lib").glob("*-linux-gnu*")):
        shutil.copytree(path, tree / "lib" / path.name, symlinks=True)
    if (debian / "lib64").exists():
        shutil.copytree(debian / "lib64", tree / "lib64", symlinks=True)
    usr = [path for path in (debian / "usr/lib").glob("*-linux-gnu*") if path.is_dir()]
    for path in usr:
        shutil.copytree(
            path, tree / "usr/lib" / path.name, symlinks=True, ignore=shutil.ignore_patterns("gconv", "perl*")
        )
    return tree
