# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator: starting a machine, and what is told to it while it runs (QMP, its language of JSON lines)."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess

import network
from common import CONTROLLER, LabError, wait_for

MEMORY, CPUS = "3G", "2"
# no4lvl: pages are found by three levels, as on the boards that people own, and not by five. The emulator walks them
# anew after each switch between programs.
_COMMAND_LINE = "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet systemd.show_status=0 no4lvl"
_MAC = "52:54:00:99:00:02"
START_SECONDS = 120


def start(kernel, initrd, disks, cable, place, saved=None):
    """Start a machine: its files of kernel and initrd, its disks (path, format, and whether they are only read), the
    network device it is connected to, and the folder for its console and its socket. ``saved`` is the state of memory
    to go on from. Returns the process id.
    """
    argv = ["qemu-system-riscv64", "-machine", "virt", "-accel", "tcg,thread=multi", "-smp", CPUS, "-m", MEMORY]
    argv += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    argv += ["-kernel", kernel, "-initrd", initrd, "-append", _COMMAND_LINE]
    argv += ["-chardev", "file,id=console,path=%s,append=on" % (place / "console.log"), "-serial", "chardev:console"]
    argv += ["-qmp", "unix:%s,server=on,wait=off" % (place / "qmp")]
    for number, (path, kind, only_read) in enumerate(disks):
        options = "file=%s,format=%s,if=none,id=disk%d" % (path, kind, number)
        # A disk that is thrown away needs not survive a cut of this machine's power.
        argv += ["-drive", options + (",readonly=on" if only_read else ",cache=unsafe")]
        argv += ["-device", "virtio-blk-device,drive=disk%d" % number]
    argv += ["-netdev", "tap,id=cable,ifname=%s,script=no,downscript=no" % cable]
    argv += ["-device", "virtio-net-device,netdev=cable,mac=%s" % _MAC, "-device", "virtio-rng-device"]
    if saved:
        argv += ["-incoming", "exec:cat %s" % shlex.quote(str(saved))]
    with open(place / "emulator.log", "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            network.inside(CONTROLLER, [str(part) for part in argv]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def runs():
        if process.poll() is not None:
            raise LabError("the emulator ended: %s" % (place / "emulator.log").read_text(encoding="utf-8").strip())
        with contextlib.suppress(OSError):
            return ask(place, "query-status")["running"]
        return False

    wait_for("the emulated machine", runs, START_SECONDS)
    return process.pid


def save(place, target):
    """Write the state of the machine's memory to a file, and end the machine."""
    ask(place, "migrate", uri="exec:cat > %s" % shlex.quote(str(target)))

    def is_saved():
        answer = ask(place, "query-migrate")
        if answer["status"] == "failed":
            raise LabError("the state of the machine cannot be saved: %s" % answer.get("error-desc", "no reason given"))
        return answer["status"] == "completed"

    wait_for("the state of the machine to be saved", is_saved, START_SECONDS)
    with contextlib.suppress(ConnectionError):
        ask(place, "quit")


def ask(place, command, **arguments):
    """One command to the machine whose socket lies there. Returns its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        # The name of a socket can have 108 bytes.
        here = os.open(place, os.O_PATH)
        try:
            connection.connect("/proc/self/fd/%d/qmp" % here)
        finally:
            os.close(here)
        with connection.makefile("rw", encoding="utf-8") as lines:
            _next(lines, "QMP")
            for name, values in (("qmp_capabilities", {}), (command, arguments)):
                lines.write(json.dumps({"execute": name, "arguments": values}) + "\n")
                lines.flush()
                answer = _next(lines, "return", "error")
                if "error" in answer:
                    raise LabError("the emulator refused %s: %s" % (name, answer["error"]["desc"]))
            return answer["return"]


def _next(lines, *wanted):
    """The next answer; what the machine tells by itself stands between them."""
    for line in lines:
        answer = json.loads(line)
        if any(name in answer for name in wanted):
            return answer
    raise ConnectionError("the emulator hung up")
