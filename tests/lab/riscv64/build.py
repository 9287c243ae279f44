# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the riscv64 release archives which the lab's images are built from: NAME_VERSION_linux_riscv64.tgz.

Each folder with a go.mod beside this file is one program, cross-built from the Go module its go.mod pins; busybox comes
from Debian's riscv64 packages. An archive is keyed by what went into it and made again only when that changed.

    build.py [NAME ...]    make what is missing (all, or these), print the archives' paths
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import time

import debian

HERE = pathlib.Path(__file__).resolve().parent
GO_ENV = {"GOOS": "linux", "GOARCH": "riscv64", "CGO_ENABLED": "0", "GOFLAGS": ""}
# Where a program keeps its version; without it `--version` and the logs say 0.0.1 or nothing.
VERSION_VARIABLES = {
    "local-path-provisioner": "main.VERSION",
    "metrics-server": "k8s.io/client-go/pkg/version.gitVersion",
}
PAUSE_VERSION = "1.0.0"
PROGRESS_SECONDS = 15


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [folder.parent.name for folder in sorted(HERE.glob("*/go.mod"))] + ["busybox"]
    parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(known))
    names = parser.parse_args(argv).names or known
    if set(names) - set(known):
        parser.error(f"no such program: {', '.join(sorted(set(names) - set(known)))}; there are {', '.join(known)}")
    try:
        with lock(cache_folder()):
            for name in names:
                print(busybox() if name == "busybox" else go_program(name), flush=True)
    except BuildError as error:
        sys.exit(f"build.py: {error}")


class BuildError(Exception):
    """A build that failed, with the last lines of what the failing program said."""


def cache_folder():
    """Where the archives are kept, made when missing: riscv.k3s/riscv64 in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "riscv.k3s" / "riscv64"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def lock(folder):
    """One build at a time for a user; the second waits and then finds the archives."""
    with open(folder / ".lock", "w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another build runs, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def go_program(name):
    """Path of the release archive of the Go program ``name``, built when it is not there."""
    folder = HERE / name
    go_mod = (folder / "go.mod").read_text()
    package, version = pinned(go_mod)
    flags = "-s -w -buildid="
    if name in VERSION_VARIABLES:
        flags += f" -X {VERSION_VARIABLES[name]}=v{version}"
    command = [
        "go",
        "build",
        "-C",
        str(folder),
        "-trimpath",
        "-buildvcs=false",
        "-mod=readonly",
        "-p",
        str(jobs()),
        "-ldflags",
        flags,
    ]
    sources = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".go", ".mod", ".sum")]
    key = fingerprint(*sources, "\0".join(command[4:]), go_version(), repr(GO_ENV))
    return archive(
        name,
        version,
        key,
        lambda work: run(f"{name} {version}: cross-building", command + ["-o", str(work / name), package]),
    )


def busybox():
    """Path of the release archive of Debian's static busybox, fetched when it is not there."""
    ready = sorted(cache_folder().glob("busybox_*_linux_riscv64.tgz"))
    if ready:  # a suite moves: what was fetched once stays
        return ready[-1]
    with tempfile.TemporaryDirectory(prefix="riscv64-apt-") as work:
        try:
            version = debian.fetch_program(
                "busybox-static",
                "usr/bin/busybox",
                pathlib.Path(work),
                lambda what, command: run(f"busybox: {what}", command),
            )
        except debian.NotOffered as error:
            raise BuildError(str(error)) from error
        return archive(
            "busybox",
            version,
            fingerprint(version),
            lambda target: os.rename(pathlib.Path(work) / "usr/bin/busybox", target / "busybox"),
        )


def pinned(go_mod):
    """Package to build and its version without the v, as a go.mod pins them; our own program is the package '.'."""
    tool = re.search(r"^tool (\S+)$", go_mod, re.M)
    if not tool:
        return ".", PAUSE_VERSION
    for module, version in re.findall(r"^\s*(?:require )?(\S+) v(\S+)", go_mod, re.M):
        if tool.group(1) == module or tool.group(1).startswith(module + "/"):
            return tool.group(1), version
    raise BuildError(f"go.mod has the tool {tool.group(1)} but requires no module for it")


def archive(name, version, key, make):
    """Path of NAME_VERSION_linux_riscv64.tgz; ``make(folder)`` puts the program NAME into a folder when the archive is
    not there for ``key``.
    """
    path = cache_folder() / f"{name}_{version}_linux_riscv64.tgz"
    key_file = path.with_suffix(".key")
    if path.exists() and key_file.exists() and key_file.read_text() == key:
        return path
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{name}-") as work:
        folder = pathlib.Path(work)
        make(folder)
        packed = folder / "packed"
        pack(folder / name, packed)
        key_file.unlink(missing_ok=True)  # never a new archive with an old key or the other way round
        os.replace(packed, path)
        key_file.write_text(key)
    return path


def pack(program, target):
    """Write a tar.gz with ``program`` at its root; the same program gives the same bytes."""
    with (
        open(target, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
    ):
        with tarfile.open(fileobj=packed, mode="w") as tar, open(program, "rb") as content:
            member = tarfile.TarInfo(program.name)
            member.size, member.mode = program.stat().st_size, 0o755
            tar.addfile(member, content)


def run(what, command):
    """Run ``command`` and say every 15 s that it still runs. Raises BuildError with its last lines."""
    started = time.monotonic()
    progress(what)
    with tempfile.TemporaryFile("w+") as said:
        try:
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **GO_ENV})
        except FileNotFoundError as error:
            raise BuildError(f"{command[0]} was not found; install it and start again") from error
        try:
            while True:
                try:
                    code = process.wait(timeout=PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    progress(f"{what}, {time.monotonic() - started:.0f} s")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code:
            said.seek(0)
            raise BuildError(f"{what} failed ({command[0]} ended with {code}):\n{''.join(said.readlines()[-15:])}")
    progress(f"{what}, done after {time.monotonic() - started:.0f} s")


def progress(text):
    print(f"riscv64: {text}", file=sys.stderr, flush=True)


def jobs():
    return max(1, os.cpu_count() or 1)


def go_version():
    try:
        return subprocess.run(["go", "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError as error:
        raise BuildError("go was not found; install Go and start again") from error


def fingerprint(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


if __name__ == "__main__":
    main()
