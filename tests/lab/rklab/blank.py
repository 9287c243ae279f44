# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blank boards: as they are when their system was just installed. There is no k3s and nothing of it, no key of the
controller, a password, and a service manager of a distribution.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import tempfile

import builds
from common import CACHE, STATE, run, say

PASSWORD = STATE / "password"
OPENRC, SYSTEMD = "openrc", "systemd"
# Debian's, which are not installed on the machine: they would take the place of its own init system.
_OPENRC_PACKAGES = ("openrc", "libeinfo1", "librc1")
# Folders of the machine that a blank board has nothing of: services that the machine's packages brought.
_HIDDEN = ("etc/init.d", "etc/systemd/system", *("etc/rc%s.d" % level for level in "0123456S"))
# What systemd does for a machine of its own, and what would be done to the machine that the boards share.
_MASKED = (
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "proc-sys-fs-binfmt_misc.automount",
    "proc-sys-fs-binfmt_misc.mount",
    "kmod-static-nodes.service",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-machine-id-commit.service",
    "systemd-modules-load.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-random-seed.service",
    "systemd-repart.service",
    "systemd-sysctl.service",
    "systemd-sysusers.service",
    "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-udevd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service",
    "systemd-udev-settle.service",
    "systemd-hwdb-update.service",
    "systemd-logind.service",
    "systemd-user-sessions.service",
    "systemd-initctl.socket",
    "systemd-journald-dev-log.socket",
    "systemd-journald-audit.socket",
    "systemd-remount-fs.service",
    "systemd-timesyncd.service",
    "dbus.service",
    "dbus.socket",
    "getty.target",
    "console-getty.service",
)
_SSH_UNIT = """\
[Unit]
Description=sshd of a board of the lab

[Service]
ExecStart=/usr/sbin/sshd -D -E /var/log/sshd.log -f /etc/ssh/sshd_config_lab
KillMode=process
Restart=always

[Install]
WantedBy=multi-user.target
"""


def make_password():
    """The root password of all blank boards, for root's eyes only."""
    PASSWORD.touch(mode=0o600)
    PASSWORD.write_text(secrets.token_hex(8) + "\n", encoding="ascii")


def read_password():
    """The password that make_password() made."""
    return PASSWORD.read_text(encoding="ascii").strip()


def prepare(upper, disk, manager):
    """Give a board, whose system files are in ``upper``, a password and a service manager."""
    hashed = run(["openssl", "passwd", "-6", "-stdin"], input=read_password()).stdout.strip()
    shadow = upper / "etc/shadow"
    shadow.write_text(shadow.read_text(encoding="ascii").replace("root:*:", "root:%s:" % hashed), encoding="ascii")
    config = upper / "etc/ssh/sshd_config_lab"
    text = config.read_text(encoding="ascii")
    config.write_text(
        text.replace("PermitRootLogin prohibit-password", "PermitRootLogin yes").replace(
            "PasswordAuthentication no", "PasswordAuthentication yes"
        ),
        encoding="ascii",
    )
    shutil.rmtree(disk / "root/.ssh")
    for folder in _HIDDEN:
        (upper / folder).mkdir(parents=True, exist_ok=True)
        os.setxattr(upper / folder, "trusted.overlay.opaque", b"y")
    (upper / "etc/fstab").write_text("", encoding="ascii")
    _openrc(upper) if manager == OPENRC else _systemd(upper)


def _systemd(upper):
    units = upper / "etc/systemd/system"
    for name in _MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    (units / "ssh.service").write_text(_SSH_UNIT, encoding="ascii")
    (units / "multi-user.target.wants").mkdir()
    (units / "multi-user.target.wants/ssh.service").symlink_to("/etc/systemd/system/ssh.service")


def _openrc(upper):
    for source in sorted(openrc_files().rglob("*")):
        path = source.relative_to(openrc_files())
        # Debian has these as links to folders in /usr.
        target = upper / ("usr/%s" % path if path.parts[0] in ("bin", "lib", "sbin") else path)
        if source.is_dir() and not source.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
        else:
            shutil.copy2(source, target, follow_symlinks=False)
    # There are no hardware, file systems or consoles to bring up: only what is put into the last one starts.
    for level in ("sysinit", "boot", "default"):
        (upper / "etc/runlevels" / level).mkdir(parents=True, exist_ok=True)
    # It looks for those of a package that is of no use where there are no scripts of the old kind.
    (upper / "etc/insserv.conf").touch()
    (upper / "etc/insserv.conf.d").mkdir()
    with open(upper / "etc/rc.conf", "a", encoding="utf-8") as config:
        config.write('\n# Written by the lab.\nrc_sys="lxc"\nrc_cgroup_mode="none"\n')


def openrc_files():
    """Folder with the files of Debian's OpenRC, which is fetched once."""
    folder = CACHE / "lab" / "openrc"
    if not folder.exists():
        with builds.lock(folder.parent):
            # Another lab may have fetched it while this one waited.
            if not folder.exists():
                _fetch_openrc(folder)
    return folder


def _fetch_openrc(folder):
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".openrc-") as scratch:
        say("fetching Debian packages, not to be installed: " + " ".join(_OPENRC_PACKAGES))
        fetch = ["apt-get", "-o", "APT::Sandbox::User=root", "download", *_OPENRC_PACKAGES]
        if run(fetch, check=False, cwd=scratch).returncode != 0:
            run(["apt-get", "update"])
            run(fetch, cwd=scratch)
        files = pathlib.Path(scratch, "files")
        for package in sorted(pathlib.Path(scratch).glob("*.deb")):
            run(["dpkg", "-x", package, files])
        shutil.rmtree(files / "usr")  # manual pages and completions
        files.rename(folder)
