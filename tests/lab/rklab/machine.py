# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine itself must have: Debian packages, the execution of riscv64 programs, kernel settings that kubelet changes."""

from __future__ import annotations

import os
import pathlib
import shutil

from common import LabError, run, say

# A file of each package, so that nothing is asked of a package manager when all is there.
PACKAGES = {
    "containerd": "/usr/bin/containerd",
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "docker-registry": "/usr/bin/docker-registry",
    "etcd-server": "/usr/bin/etcd",
    "qemu-user-static": "/usr/bin/qemu-riscv64-static",
    "iptables": "/usr/sbin/iptables",
    "iproute2": "/usr/sbin/ip",
    "conntrack": "/usr/sbin/conntrack",
    "socat": "/usr/bin/socat",
    "openssh-server": "/usr/sbin/sshd",
    "openssh-client": "/usr/bin/ssh",
    "strace": "/usr/bin/strace",
    "python3": "/usr/bin/python3",
    "python3-yaml": "/usr/lib/python3/dist-packages/yaml/__init__.py",
}
BINFMT = pathlib.Path("/proc/sys/fs/binfmt_misc")
# A kubelet sets these for the whole machine; `lab down` puts them back.
KERNEL_SETTINGS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]


def check_machine(state):
    """Refuse early where the lab cannot work."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and mounts and must be run as root. Next: run it with sudo")
    if not os.path.exists("/etc/debian_version"):
        raise LabError("the lab takes containerd, etcd and other programs from Debian packages, and this is not Debian or one of its kin")
    state.mkdir(parents=True, exist_ok=True)
    kind = run(["stat", "-f", "-c", "%T", state]).stdout.strip()
    if kind in ("overlayfs", "tmpfs"):
        raise LabError("containerd cannot keep images on %s, which %s is on. Next: set RISCV_K3S_LAB_DIR to a folder on a real disk" % (kind, state))


def install_packages():
    """Install the Debian packages that are missing, and no service with them."""
    missing = sorted(name for name, path in PACKAGES.items() if not os.path.exists(path))
    if not missing:
        return
    say("installing Debian packages: " + " ".join(missing))
    if not shutil.which("apt-get"):
        raise LabError("apt-get was not found. Next: install " + " ".join(missing))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    if run(["apt-get", "install", "-y", "--no-install-recommends", *missing], check=False, env=environment).returncode != 0:
        run(["apt-get", "update"], env=environment)
        run(["apt-get", "install", "-y", "--no-install-recommends", *missing], env=environment)


def allow_riscv64(remember):
    """Let the kernel run riscv64 programs by qemu. Notes in ``remember`` what was not so before."""
    if not (BINFMT / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT])
        remember["binfmt_mounted"] = True
    if not (BINFMT / "qemu-riscv64").exists():
        # The flags in Debian's line make the kernel open qemu now, so that it is found in any mount namespace.
        line = pathlib.Path("/usr/lib/binfmt.d/qemu-riscv64.conf").read_text(encoding="ascii").strip()
        (BINFMT / "register").write_text(line, encoding="ascii")
        remember["binfmt_registered"] = True


def forbid_riscv64(remembered):
    """Undo what `allow_riscv64` did."""
    if remembered.get("binfmt_registered") and (BINFMT / "qemu-riscv64").exists():
        (BINFMT / "qemu-riscv64").write_text("-1", encoding="ascii")
    if remembered.get("binfmt_mounted") and os.path.ismount(BINFMT):
        run(["umount", BINFMT])


def read_kernel_settings():
    """The settings as they are, by their path in /proc/sys."""
    return {name: pathlib.Path("/proc/sys", name).read_text(encoding="ascii").strip() for name in KERNEL_SETTINGS}


def write_kernel_settings(settings):
    """Put settings back."""
    for name, value in settings.items():
        path = pathlib.Path("/proc/sys", name)
        if path.read_text(encoding="ascii").strip() != value:
            path.write_text(value, encoding="ascii")
