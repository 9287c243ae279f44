# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of k3s_board_settings beside modules and sysctls: programs that are asked, files that are edited."""

from __future__ import annotations

import pytest
from test_k3s_board_settings import Board

from ansible_collections.riscv.k3s.plugins.module_utils._host import command
from ansible_collections.riscv.k3s.plugins.module_utils._system import edits, host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

OPTIONS = "cgroup_enable=memory cgroup_memory=1"


@pytest.fixture(name="board")
def _board(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "find_program", lambda name: "/usr/sbin/" + name)
    return Board(tmp_path)


class Things:
    """Programs that keep a set of things, as ufw keeps rules."""

    def __init__(self, *held):
        self.held = set(held)

    def ufw(self, argv, dummy):
        words = [word for word in argv[1:] if word != "--force"]
        if words == ["show", "added"]:
            return "Added user rules (see 'ufw status' for running firewall):\n" + "".join(
                "ufw %s\n" % rule for rule in sorted(self.held)
            )
        is_delete = "delete" in words
        if ("--force" in argv) != is_delete:
            return 1, "", "ERROR: Invalid syntax"
        rule = " ".join(word for word in words if word != "delete")
        (self.held.discard if is_delete else self.held.add)(rule)
        return "Rule added\n"

    def firewalld(self, argv, dummy):
        verb, dummy, what = argv[-1][2:].partition("-")
        thing = " ".join([*argv[1:-1], what])
        if verb == "query":
            return (0, "yes", "") if thing in self.held else (1, "no", "")
        (self.held.add if verb == "add" else self.held.discard)(thing)
        return "success"

    def alternatives(self, argv, dummy):
        if argv[1] == "--query":
            (value,) = self.held
            status = "auto" if value == "auto" else "manual"
            return (
                "Name: %s\nStatus: %s\nValue: /x\n" % (argv[2], status)
                if status == "auto"
                else ("Name: %s\nStatus: manual\nValue: %s\n" % (argv[2], value))
            )
        self.held = {"auto" if argv[1] == "--auto" else argv[3]}
        return ""

    def systemctl(self, argv, dummy):
        word = {"is-enabled": "enable", "is-active": "start"}.get(argv[1])
        if word:
            return {"enable": "enabled", "start": "active"}[word] if word in self.held else (1, "disabled", "")
        if argv[1] in ("disable", "stop"):
            self.held.discard({"disable": "enable", "stop": "start"}[argv[1]])
        else:
            self.held.add(argv[1])
        return ""


UFW = {"kind": "ufw", "name": "allow from 10.42.0.0/16", "value": "present"}
ROUTE = {"kind": "ufw", "name": "route allow from 10.42.0.0/16", "value": "present"}
ZONE = {"kind": "firewalld", "name": "permanent trusted source 10.42.0.0/16", "value": "present"}
RULE = {"kind": "firewalld", "name": 'runtime public rich-rule rule family="ipv4" accept', "value": "present"}
IPTABLES = {"kind": "alternative", "name": "iptables", "value": "/usr/sbin/iptables-legacy"}
SERVICE = {"kind": "service", "name": "chrony", "value": "enabled active"}
ROWS = {
    "ufw": (["ufw", ...], "ufw", {"allow 22/tcp"}, [UFW, ROUTE]),
    "firewalld": (["firewall-cmd", ...], "firewalld", {"--zone=trusted source=10.1.0.0/16"}, [ZONE, RULE]),
    "alternative": (["update-alternatives", ...], "alternatives", {"auto"}, [IPTABLES]),
    "alternative, chosen": (["update-alternatives", ...], "alternatives", {"/usr/sbin/iptables-nft"}, [IPTABLES]),
    "service": (["systemctl", ...], "systemctl", set(), [SERVICE]),
    "service, kept and not running": (["systemctl", ...], "systemctl", {"enable"}, [SERVICE]),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_it_is_set_and_comes_back(board, row):
    pattern, method, held, settings = row
    things = Things(*held)
    board.write("/run/systemd/system/x", "")
    board.runner.answers.append((pattern, getattr(things, method)))
    done = board.run(*settings)
    assert board.predicted[0] == done and len(done["changes"]) == len(settings)
    assert things.held != held and len(board.noted) == len(settings)
    assert not board.run(*settings)["changed"]
    assert board.undo()["changed"]
    assert (things.held, board.noted) == (set(held), {})


def test_a_service_of_openrc(board):
    states = {"kept": False, "active": False}

    def rc(argv, dummy):
        if argv[1:] == ["show"]:
            return " chrony | default\n" if states["kept"] else " sshd | default\n"
        if argv[0] == "rc-update":
            states["kept"] = argv[1] == "add"
        elif argv[2] == "status":
            return (0 if states["active"] else 3, "", "")
        else:
            states["active"] = argv[2] == "start"
        return ""

    board.write("/etc/init.d/chrony", "")
    board.runner.answers += [(["rc-update", ...], rc), (["rc-service", ...], rc)]
    assert board.run(SERVICE)["changed"] and states == {"kept": True, "active": True}
    board.undo()
    assert states == {"kept": False, "active": False}


def test_swap_goes_and_comes_back(board):
    head = "Filename Type Size Used Priority\n"
    row = "/swapfile file 1048572 0 -2\n"
    fstab = "# /etc/fstab\nLABEL=root / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n"
    fstab += "//nas/x /x cifs password=hunter2 0 0\n"
    board.write("/proc/swaps", head + row)
    board.write("/swapfile", "")
    board.write("/etc/fstab", fstab)
    board.runner.answers += [
        (["swapoff", "/swapfile"], lambda argv, dummy: board.write("/proc/swaps", head) or ""),
        (["swapon", "/swapfile"], lambda argv, dummy: board.write("/proc/swaps", head + row) or ""),
    ]
    before = board.all()
    settings = [
        {"kind": "swap", "name": "/swapfile", "value": "off"},
        {"kind": "fstab", "name": "/etc/fstab", "value": "off"},
    ]
    done = board.run(*settings)
    assert board.predicted[0] == done and "hunter2" not in str(done)
    assert board.read("/etc/fstab") == fstab.replace("/swapfile none", "# riscv.k3s: /swapfile none")
    assert not board.run(*settings)["changed"]
    undone = board.undo()
    assert undone["changed"] and "hunter2" not in str(undone)
    assert board.all() == before


def test_a_boot_loader_s_file_is_edited_and_its_program_run(board):
    board.runner.answers.append((["u-boot-update"], ""))
    board.write("/etc/default/u-boot", '## U-Boot\nU_BOOT_PARAMETERS="ro quiet"\n')
    before = board.all()
    setting = {"kind": "kernel_options", "name": "/etc/default/u-boot", "value": OPTIONS}
    assert board.run(setting)["changed"] and board.predicted[0]["changed"]
    assert board.read("/etc/default/u-boot") == '## U-Boot\nU_BOOT_PARAMETERS="ro quiet %s"\n' % OPTIONS
    assert board.runner.calls == [["u-boot-update"]]
    assert not board.run(setting)["changed"] and len(board.runner.calls) == 1
    board.undo()
    assert board.all() == before and board.runner.calls == [["u-boot-update"]] * 2


def test_a_file_whose_program_is_not_there_is_not_edited(board, monkeypatch):
    monkeypatch.setattr(host, "find_program", lambda name: None)
    board.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX=""\n')
    before = board.all()
    with pytest.raises(Problem, match="update-grub"):
        board.run({"kind": "kernel_options", "name": "/etc/default/grub", "value": OPTIONS})
    assert board.all() == before


def test_the_clock_is_set_once(board, monkeypatch):
    clock = {"now": 100.0, "uptime": 50.0}
    monkeypatch.setattr(host.Host, "now", lambda self: clock["now"])
    monkeypatch.setattr(host.Host, "uptime", lambda self: clock["uptime"])
    monkeypatch.setattr(host.Host, "set_clock", lambda self, seconds: clock.update(now=seconds))
    setting = {"kind": "clock", "name": "1000 at uptime 20", "value": "set"}
    assert board.run(setting)["changed"]
    assert clock["now"] == 1030 and board.noted == {}
    clock.update(now=1130.0, uptime=150.0)
    assert not board.run(setting)["changed"] and not board.undo()["changed"]


def test_where_there_is_no_such_program(board, monkeypatch):
    monkeypatch.setattr(host, "find_program", lambda name: None)
    for setting in (UFW, ZONE, IPTABLES, SERVICE):
        with pytest.raises(Problem, match="no such thing"):
            board.run(setting)
    assert command.find_program("sh")


EDITED = {
    "cmdline.txt": (
        "/boot/firmware/cmdline.txt",
        "console=ttyS0 root=/dev/x rw\n",
        "console=ttyS0 root=/dev/x rw %s\n",
    ),
    "cmdline.txt without an end": ("/boot/cmdline.txt", "root=/dev/x", "root=/dev/x %s"),
    "cmdline.txt that has one": (
        "/boot/cmdline.txt",
        "a cgroup_memory=1 b\n",
        "a cgroup_memory=1 b cgroup_enable=memory\n",
    ),
    "a word against it": ("/boot/cmdline.txt", "a cgroup_disable=memory b\n", "a b %s\n"),
    "extlinux.conf": (
        "/boot/extlinux/extlinux.conf",
        "default l0\nlabel l0\n\tlinux /vmlinuz\n\tappend root=/dev/x ro  quiet\n"
        "label l0r\n\tAPPEND root=/dev/x single\n",
        "default l0\nlabel l0\n\tlinux /vmlinuz\n\tappend root=/dev/x ro  quiet %s\n"
        "label l0r\n\tAPPEND root=/dev/x single %s\n",
    ),
    "u-boot": ("/etc/default/u-boot", "# x\nU_BOOT_PARAMETERS='ro'\nY=1\n", '# x\nU_BOOT_PARAMETERS="ro %s"\nY=1\n'),
    "u-boot, as Debian ships it": (
        "/etc/default/u-boot",
        '#U_BOOT_UPDATE="true"\n#U_BOOT_PARAMETERS="ro quiet"\n#U_BOOT_ROOT=""\n',
        '#U_BOOT_UPDATE="true"\n#U_BOOT_PARAMETERS="ro quiet"\nU_BOOT_PARAMETERS="ro quiet %s"\n#U_BOOT_ROOT=""\n',
    ),
    "grub": (
        "/etc/default/grub",
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="%s"\n',
    ),
}


@pytest.mark.parametrize("path, text, wanted", EDITED.values(), ids=EDITED)
def test_only_what_is_meant_changes(path, text, wanted):
    wanted = wanted.replace("%s", OPTIONS)
    assert edits.with_options(path, text, OPTIONS) == wanted
    assert edits.with_options(path, wanted, OPTIONS) == wanted


@pytest.mark.parametrize(
    "path, text", [("/boot/cmdline.txt", "# none\n"), ("/etc/default/grub", "X=1\n"), ("/boot/uEnv.txt", "a=b\n")]
)
def test_a_form_that_is_not_known_is_refused(path, text):
    with pytest.raises(Problem, match="is not edited"):
        edits.with_options(path, text, OPTIONS)


FSTAB = [
    ("/dev/sda2\tnone\tswap\tsw\t0\t0\n", True),
    ("UUID=1-2 swap swap defaults", True),
    ("# /dev/sda2 none swap sw 0 0\n", False),
    ("/dev/swap / ext4 defaults 0 1\n", False),
    ("tmpfs /swap tmpfs size=1G 0 0\n", False),
    ("\n", False),
]


@pytest.mark.parametrize("line, is_swap", FSTAB)
def test_lines_of_swap(line, is_swap):
    assert edits.without_swap(line) == ("# riscv.k3s: " + line if is_swap else line)
    assert edits.without_swap(edits.without_swap(line)) == edits.without_swap(line)
