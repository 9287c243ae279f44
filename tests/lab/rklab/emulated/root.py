# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk, the kernel and the initrd of an emulated board: Debian for riscv64, made once into the user's cache folder.

Debian's installer is not needed for that, and no loop device: mmdebstrap makes the files (its maintainer scripts run by
qemu-user), mke2fs a disk of them, and the initrd is busybox with the modules that the disk needs.
"""

from __future__ import annotations

import hashlib
import lzma
import pathlib
import re
import shutil
import tempfile
import textwrap
import time

import builds
from common import CACHE, LAB, LabError, run, say

from emulated import system

SUITE = "stable"
# What Debian has of what k3s brings along or asks of a machine, and what Ansible asks of a board.
_PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "kmod", "procps", "iproute2", "openssh-server", "python3", "ca-certificates"),
    *("iptables", "conntrack", "socat", "containernetworking-plugins", "runc", "etcd-server", "busybox-static"),
)
_APT = (
    'APT::Install-Recommends "false"',
    'Acquire::Retries "5"',
    # A copy of the archive that is kept as it once was is past its date; its signatures are looked at all the same.
    'Acquire::Check-Valid-Until "false"',
)
_DPKG = (
    "force-unsafe-io",
    *("path-exclude=/usr/share/%s/*" % name for name in ("man", "doc", "locale", "i18n")),
)
# Only downloaded: installed, it would have an initrd made, by qemu-user and for minutes.
_KERNEL = (
    'name=$(chroot "$1" apt-cache depends --important linux-image-riscv64 | sed -n "s/.*Depends: //p") && '
    'chroot "$1" sh -c "cd /opt && apt-get -o APT::Sandbox::User=root download $name"'
)
_MODULES = ("virtio_mmio", "virtio_blk", "virtio_net", "ext4")
# In its order: what stands here was unpacked from the modules and their needs.
_INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module"; done </modules
until [ -b /dev/vda ]; do sleep 0.1; done
mount -o rw /dev/vda /root
umount /proc
mount --move /dev /root/dev
exec switch_root /root /sbin/init
"""
_APPLETS = ("sh", "mount", "umount", "insmod", "sleep", "switch_root")
_DISK = "4G"
KERNEL, INITRD, DISK = "kernel", "initrd", "disk"


def make():
    """Make the three files where they are missing. Returns the folder that holds them."""
    sources = [
        pathlib.Path(__file__),
        pathlib.Path(system.__file__),
        LAB / "board/sshd_config",
        LAB / "board/ssh-session.sh",
    ]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    folder = CACHE / "lab" / ("debian-riscv64-" + key[:16])
    if not folder.exists():
        with builds.lock(CACHE / "lab"):
            if not folder.exists():
                _make(folder)
    return folder


def _make(folder):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".debian-") as scratch:
        root, out = pathlib.Path(scratch, "root"), pathlib.Path(scratch, "out")
        # Its disk holds the board's private key, as readable as the file of the disk.
        out.mkdir(mode=0o700)
        say("making a Debian (%s) for riscv64: 3 minutes on an idle machine, 15 on a busy one" % SUITE)
        _bootstrap(root)
        system.write(root, out)
        version = _kernel(root, out, pathlib.Path(scratch, "kernel"))
        _initrd(root, version, out / INITRD, pathlib.Path(scratch, "initrd"))
        run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, out / DISK, _DISK])
        for old in folder.parent.glob("debian-riscv64-*"):
            shutil.rmtree(old, ignore_errors=True)
        out.rename(folder)
    say("made a Debian for riscv64 in %d s" % (time.monotonic() - begin))


def _bootstrap(root):
    argv = ["mmdebstrap", "--mode=root", "--variant=apt", "--architectures=riscv64", "--include=" + ",".join(_PACKAGES)]
    argv += ["--aptopt=" + option for option in _APT] + ["--dpkgopt=" + option for option in _DPKG]
    # With mounts of its own: nothing of them is left, however it ends.
    done = run(["unshare", "--mount", *argv, "--customize-hook=" + _KERNEL, SUITE, root], check=False)
    if done.returncode != 0:
        raise LabError("mmdebstrap ended with %d:\n%s" % (done.returncode, "\n".join(done.stderr.splitlines()[-15:])))


def _kernel(root, out, scratch):
    """Put the kernel's modules into the system, and itself beside it. Returns its version."""
    (package,) = (root / "opt").glob("linux-image-*.deb")
    run(["dpkg-deb", "-x", package, scratch])
    (modules,) = (path for path in scratch.glob("**/lib/modules/*") if path.is_dir())
    shutil.copytree(modules, root / "usr/lib/modules" / modules.name, symlinks=True)
    run(["depmod", "-b", root, modules.name])
    shutil.move(str(next((scratch / "boot").glob("vmlinu*"))), out / KERNEL)
    package.unlink()
    return modules.name


def _initrd(root, version, target, scratch):
    for name in ("bin", "dev", "proc", "root", "modules.d"):
        (scratch / name).mkdir(parents=True)
    shutil.copy2(root / "usr/bin/busybox", scratch / "bin/busybox")
    for name in _APPLETS:
        (scratch / "bin" / name).symlink_to("busybox")
    listed = []
    for path in _with_needs(root, version):
        name = path.name.partition(".ko")[0] + ".ko"
        content = path.read_bytes()
        (scratch / "modules.d" / name).write_bytes(lzma.decompress(content) if path.suffix == ".xz" else content)
        listed.append("/modules.d/%s\n" % name)
    (scratch / "modules").write_text("".join(listed), encoding="ascii")
    (scratch / "init").write_text(textwrap.dedent(_INIT), encoding="ascii")
    (scratch / "init").chmod(0o755)
    names = "".join("%s\n" % path.relative_to(scratch) for path in sorted(scratch.rglob("*")))
    packed = run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "-F", target], input=names, cwd=scratch)
    if packed.returncode != 0:
        raise LabError("cpio ended with %d" % packed.returncode)


def _with_needs(root, version):
    """The modules' files, each after those that it needs."""
    found = []
    for name in _MODULES:
        done = run(["modprobe", "-d", root, "-S", version, "--show-depends", name], check=False)
        # A part of the kernel itself is told as builtin.
        for path in re.findall(r"^insmod (\S+)", done.stdout, re.MULTILINE):
            if pathlib.Path(path) not in found:
                found.append(pathlib.Path(path))
    return found
