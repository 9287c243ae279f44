# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board in a temporary folder: the observing script runs on it in a real shell, against a stand-in for k3s."""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script

TOKEN = "riscv-k3s-0123456789abcdef"
BUSYBOX = ["busybox", "sh"]
SHELLS_OF_BOARDS = (["dash"], BUSYBOX, ["bash", "--posix"])
SHELLS = [shell for shell in SHELLS_OF_BOARDS if shutil.which(shell[0])]
# Answers by the words of the call; the longest that fits wins. Says what it was asked in the file calls.
_K3S = """#!/bin/sh
home={home}
# How long containerd is waited for is no part of the question.
case $2 in --timeout=* | --connect-timeout=*) called=$1 && shift 2 && set -- "$called" "$@" ;; esac
case $1 in --timeout=* | --connect-timeout=*) shift ;; esac
printf "%s\\n" "$*" >>"$home/calls"
for words in "$*" "$1 $2 $3 $4" "$1 $2 $3" "$1 $2" "$1"; do
  file="$home/answers/$(printf "%s" "$words" | tr ' /' '__')"
  [ -d "$file" ] && {{ cat "$file/err" >&2; cat "$file/out"; exit "$(cat "$file/rc")"; }}
done
echo "k3s: no answer for $*" >&2
exit 99
"""
CTR_VERSION = """Client:
  Version:  v1.6.6-k3s1
  Revision: \n  Go version: go1.18.1

Server:
  Version:  v1.6.6-k3s1
  Revision: \n  UUID: 2f1fb4fb-5c1a-4b2a-9f5e-0c5b6f9d6f7a
"""
IMAGES = (
    "REF                                TYPE                                       DIGEST                  SIZE      "
    "PLATFORMS     LABELS\n"
    "docker.io/rancher/mirrored-pause:3.6 application/vnd.oci.image.manifest.v1+json sha256:"
    + "a" * 64
    + " 301.2 KiB linux/riscv64 io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned \n"
)
# As /proc/net/fib_trie has it, shortened: each address of the board stands before "host LOCAL".
_ADDRESSES = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
        |-- 192.168.173.11
           /32 host LOCAL
     |-- 192.168.173.255
        /32 link BROADCAST
        |-- 127.0.0.1
           /32 host LOCAL
"""


@functools.cache
def busybox_programs():
    """A folder with all programs of busybox, as a board without others has them: Debian's starts none by itself."""
    folder = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split():
        (folder / name).symlink_to(shutil.which("busybox"))
    return folder


class FakeBoard:
    """A board whose k3s answers as told; ``home`` is its folder (a pathlib.Path)."""

    def __init__(self, home):
        self.home = home
        self.etc = home / "etc"
        self.data = home / "data"
        self.manifests = self.data / "server" / "manifests"
        for folder in (self.etc, self.manifests, self.data / "agent/etc/containerd", home / "bin", home / "answers"):
            folder.mkdir(parents=True)
        self.proc()
        self.program("k3s", _K3S.format(home=shlex.quote(str(home))))
        self.program("id", "#!/bin/sh\necho 0\n")
        self.program(
            "uname",
            "#!/bin/sh\ncase $1 in -n) echo Board-1 ;; -m) echo riscv64 ;; *) echo L Board-1 6.12.0 riscv64 ;; esac\n",
        )
        # Some builds of busybox's shell prefer its own programs; there the two above cannot be played.
        self.answer("--version", "k3s version v1.24.2+k3s2 (a3a5e4ab)\ngo version go1.18.1\n")
        self.answer("ctr --namespace k8s.io version", CTR_VERSION)
        self.answer("ctr --namespace k8s.io images ls", IMAGES)
        self.answer("crictl pods", json.dumps({"items": []}, indent=2))
        self.answer("crictl ps", json.dumps({"containers": []}, indent=2))
        self.answer("kubectl", "")

    def program(self, name, text):
        """Put a program in the board's PATH."""
        path = self.home / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def answer(self, words, out="", err="", rc=0):
        """What k3s answers to a call that begins with ``words``. To what it answers of the API belongs a last line."""
        if words.startswith("kubectl") and rc == 0 and (not out or out.startswith(TOKEN)):
            out += "%s End\n" % TOKEN
        folder = self.home / "answers" / words.replace(" ", "_").replace("/", "_")
        folder.mkdir(exist_ok=True)
        for name, text in (("out", out), ("err", err), ("rc", str(rc))):
            (folder / name).write_text(text)

    def file(self, path, text, mtime=None):
        """Write a file below the board's folder."""
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if mtime is not None:
            os.utime(path, (mtime, mtime))

    def proc(self, uptime=1000, boot_id="0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1"):
        """A /proc without k3s."""
        for folder in ("self/ns", "net", "sys/kernel/random", "1/ns"):
            (self.home / "proc" / folder).mkdir(parents=True)
        for space in ("net", "pid"):
            self.file("proc/self/ns/" + space, "")
        self.file("proc/uptime", "%d.25 3600.00\n" % uptime)
        self.file("proc/sys/kernel/random/boot_id", boot_id + "\n")
        self.file("proc/net/fib_trie", _ADDRESSES)
        self.process(1, ["/sbin/init"], comm="systemd", parent=0)

    def process(
        self, pid, words, comm, parent=1, started=60, cgroup="/", environ=(), same=("net", "pid"), users="0000"
    ):
        """A process of the board, or of something on it that shares only the namespaces ``same`` with it. ``users`` are
        its real, effective, saved and file system's one.
        """
        folder = "proc/%d/" % pid
        self.file(folder + "cmdline", "".join(word + "\0" for word in words))
        self.file(folder + "environ", "".join(word + "\0" for word in environ))
        self.file(folder + "comm", comm + "\n")
        self.file(folder + "cgroup", "0::%s\n" % cgroup)
        self.file(folder + "stat", "%d (%s x) S %d %s%d 0 0\n" % (pid, comm, parent, "0 " * 17, started * 100))
        self.file(folder + "status", "Name:\t%s\nUid:\t%s\nGid:\t0\t0\t0\t0\n" % (comm, "\t".join(users)))
        (self.home / folder / "ns").mkdir(exist_ok=True)
        for space in ("net", "pid"):
            (self.home / folder / "ns" / space).unlink(missing_ok=True)
            if space in same:
                (self.home / folder / "ns" / space).symlink_to(self.home / "proc/self/ns" / space)
            else:
                self.file(folder + "ns/" + space, "")

    def k3s(self, data_dir=None, role="server", service=None, pid=200, program=None, **options):
        """k3s as it runs, started as ``program``, and its containerd with ``data_dir``."""
        service = service or {"server": "k3s", "agent": "k3s-agent"}[role]
        cgroup = "/system.slice/%s.service" % service
        self.process(
            pid, ["%s %s" % (program or self.home / "bin/k3s", role)], comm="k3s-" + role, cgroup=cgroup, **options
        )
        folder = "%s/agent/etc/containerd/config.toml" % (data_dir or self.data)
        words = ["containerd", "-c", folder]
        more = {name: options[name] for name in ("same", "users") if name in options}
        self.process(pid + 1, words, comm="containerd", parent=pid, cgroup=cgroup, **more)

    def calls(self):
        """How k3s was called so far."""
        log = self.home / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def run(self, parts, shell=("sh",), build=build_script, **options):
        """Run the script, as ``build`` makes it, and return what it wrote."""
        options.setdefault("data_dir", str(self.data))
        path = [self.home / "bin"] + ([busybox_programs()] if list(shell) == BUSYBOX else [])
        folders = {"etc": str(self.etc), "path": ":".join(map(str, path)), "proc": str(self.home / "proc")}
        script = build(TOKEN, parts, units=[str(self.home / "units")], **folders, **options)
        done = subprocess.run(list(shell) + ["-c", script], capture_output=True, timeout=60, check=False)
        assert done.stderr == b"", done.stderr
        return done.stdout.decode("utf-8", "surrogateescape")
