# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine itself must have: Debian packages, the execution of riscv64 programs, kernel settings that kubelet
changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil

from common import LabError, locked, run, say

# A file of each package, so that nothing is asked of a package manager when all is there.
PACKAGES = {
    "containerd": "/usr/bin/containerd",
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "docker-registry": "/usr/bin/docker-registry",
    "skopeo": "/usr/bin/skopeo",
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
    # A firewall that a board may have; it is off until a test turns it on.
    "ufw": "/usr/sbin/ufw",
    "python3-yaml": "/usr/lib/python3/dist-packages/yaml/__init__.py",
}
# What blank boards need besides. This systemd is not what starts the machine, where something else does.
BLANK_PACKAGES = {"systemd": "/lib/systemd/systemd", "openssl": "/usr/bin/openssl"}
BINFMT = pathlib.Path("/proc/sys/fs/binfmt_misc")
RISCV64 = BINFMT / "qemu-riscv64"
NETNS = pathlib.Path("/run/netns")
_SHARED = "/run/riscv.k3s-labs.json"
# A kubelet sets these for the whole machine; when the last lab goes they are put back.
KERNEL_SETTINGS = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    # These two by systemd on a blank board.
    "fs/file-max",
    "fs/nr_open",
]
# A lab needs some 25 of these, and the kernel's own limit of 128 is for all that root runs: a kubelet without one ends.
INOTIFY, INOTIFY_INSTANCES = "fs/inotify/max_user_instances", 1024


def check_machine(state):
    """Refuse early where the lab cannot work."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and mounts and must be run as root. Next: run it with sudo")
    if not os.path.exists("/etc/debian_version"):
        raise LabError(
            "the lab takes containerd, etcd and other programs from Debian packages, and this is not Debian or one of "
            "its kin"
        )
    existing = next(folder for folder in (state, *state.parents) if folder.exists())
    kind = run(["stat", "-f", "-c", "%T", existing]).stdout.strip()
    if kind in ("overlayfs", "tmpfs"):
        raise LabError(
            "containerd cannot keep images on %s, which %s is on. Next: set RISCV_K3S_LAB_DIR to a folder on a real "
            "disk" % (kind, state)
        )


def install_packages(packages=None):
    """Install the Debian packages that are missing, and no service with them."""
    missing = sorted(name for name, path in (packages or PACKAGES).items() if not os.path.exists(path))
    if not missing:
        return
    say("installing Debian packages: " + " ".join(missing))
    if not shutil.which("apt-get"):
        raise LabError("apt-get was not found. Next: install " + " ".join(missing))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    # `make unit` may be installing what it needs just now.
    install = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *missing]
    if run(install, check=False, env=environment).returncode != 0:
        run(["apt-get", "update"], env=environment)
        run(install, env=environment)


def acquire(lab):
    """Set the machine up for the lab of that name. What was otherwise before the first lab came is noted, for the last
    one to go.
    """
    # Noted before anything is changed, so that a lab that is killed in between can be taken back.
    with _shared() as shared:
        if not shared:
            settings = {
                name: _setting(name).read_text(encoding="ascii").strip() for name in [*KERNEL_SETTINGS, INOTIFY]
            }
            shared.update(
                labs=[],
                kernel=settings,
                netns_mounted=_is_mounted(NETNS),
                binfmt_mounted=_is_mounted(BINFMT),
                binfmt_registered=RISCV64.exists(),
            )
        shared["labs"] = sorted(set(shared["labs"]) | {lab})
    with _shared():
        if int(_setting(INOTIFY).read_text(encoding="ascii")) < INOTIFY_INSTANCES:
            _setting(INOTIFY).write_text(str(INOTIFY_INSTANCES), encoding="ascii")
        if not _is_mounted(BINFMT):
            run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT])
        if not RISCV64.exists():
            # The flags in Debian's line make the kernel open qemu now, so that it is found in any mount namespace.
            line = pathlib.Path("/usr/lib/binfmt.d/qemu-riscv64.conf").read_text(encoding="ascii").strip()
            (BINFMT / "register").write_text(line, encoding="ascii")


def release(lab):
    """The lab of that name is gone; after the last one the machine is as it was before the first."""
    with _shared() as shared:
        if lab not in shared.get("labs", ()):
            return
        shared["labs"].remove(lab)
        if shared["labs"]:
            return
        for name, value in shared["kernel"].items():
            if _setting(name).read_text(encoding="ascii").strip() != value:
                _setting(name).write_text(value, encoding="ascii")
        if not shared["binfmt_registered"] and RISCV64.exists():
            RISCV64.write_text("-1", encoding="ascii")
        if not shared["binfmt_mounted"] and _is_mounted(BINFMT):
            run(["umount", BINFMT])
        if not shared["netns_mounted"] and _is_mounted(NETNS) and not os.listdir(NETNS):
            run(["umount", NETNS])
        shared.clear()


def is_acquired(lab):
    """Whether the machine is set up for the lab of that name, among others."""
    with _shared() as shared:
        return lab in shared.get("labs", ())


@contextlib.contextmanager
def _shared():
    """What all labs of the machine know together; it is written back at the end, and removed when it is empty."""
    with locked(_SHARED) as handle:
        handle.seek(0)
        values = json.loads(handle.read() or "{}")
        yield values
        handle.truncate(0)
        if values:
            handle.write(json.dumps(values))
        else:
            os.unlink(_SHARED)


def _setting(name):
    return pathlib.Path("/proc/sys", name)


def _is_mounted(path):
    # Also for a folder that is mounted onto itself, as `ip netns add` does, which os.path.ismount does not see.
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split()[1] == str(path) for line in mounts)
