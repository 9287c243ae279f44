# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the files of a Debian a board of the lab: its name, its address, its keys, and no service in its way."""

from __future__ import annotations

import os
import shutil

from common import CONTROLLER_ADDRESS, LAB, run

NAME, ADDRESS = "board-1", "10.99.0.2"
# Beside the disk: who the board is, and who may log in there. Of no worth outside of the lab's own namespaces.
HOST_KEY, USER_KEY = "host-key", "controller-key"
_PROGRAMS = "usr/local/lib/k3s-lab"
_NETWORK = """\
[Match]
Name=eth0

[Network]
Address=%s/24
Gateway=%s
LinkLocalAddressing=no
IPv6AcceptRA=no
""" % (ADDRESS, CONTROLLER_ADDRESS)
_FSTAB = (
    """\
/dev/vda / ext4 defaults 0 0
/dev/vdb /%s ext4 ro 0 0
"""
    % _PROGRAMS
)
# What a board that lives for minutes needs not, and what its emulator would spend its time on.
_MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("e2scrub_reap.service", "systemd-tmpfiles-clean.timer", "systemd-timesyncd.service", "systemd-pstore.service"),
    *("serial-getty@ttyS0.service", "getty@tty1.service", "systemd-networkd-wait-online.service", "etcd.service"),
    "ssh.socket",
)


def write(root, out):
    """Write the files of the board into its system ``root``, and its keys into ``out`` as well."""
    for name in (HOST_KEY, USER_KEY):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", out / name])
    _write(root / "etc/hostname", NAME + "\n")
    _write(root / "etc/hosts", "127.0.0.1 localhost\n%s %s\n" % (ADDRESS, NAME))
    # Nobody answers there: a name outside fails at once.
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    _write(root / "etc/resolv.conf", "nameserver %s\noptions timeout:1 attempts:1\n" % CONTROLLER_ADDRESS)
    _write(root / "etc/machine-id", os.urandom(16).hex() + "\n")
    _write(root / "etc/fstab", _FSTAB)
    (root / _PROGRAMS).mkdir(parents=True)
    _services(root / "etc/systemd")
    _ssh(root, out)


def _services(folder):
    _write(folder / "network/eth0.network", _NETWORK)
    units = folder / "system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "systemd-networkd.service").symlink_to("/usr/lib/systemd/system/systemd-networkd.service")
    for name in _MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")


def _ssh(root, out):
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    shutil.copyfile(LAB / "board/sshd_config", root / "etc/ssh/sshd_config.d/lab.conf")
    shutil.copyfile(out / HOST_KEY, root / "etc/ssh/lab_host_key")
    (root / "etc/ssh/lab_host_key").chmod(0o600)
    session = root / "usr/local/sbin/ssh-session"
    shutil.copyfile(LAB / "board/ssh-session.sh", session)
    session.chmod(0o755)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(out / (USER_KEY + ".pub"), root / "root/.ssh/authorized_keys")
    (root / "var/log/ssh-sessions.log").touch()


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
