# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that an image starts, found in its filesystem and read; links must not lead out of it."""

import os
import struct

import pytest
from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.architecture import Board
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.entrypoint import find_program, program_architecture
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Containerd
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PATH = "/usr/bin:/bin"


def elf(machine=243):
    """The header of a 64 bit little-endian program without segments (243 is riscv64, 62 amd64)."""
    return (
        b"\x7fELF"
        + bytes([2, 1, 1, 0])
        + bytes(8)
        + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0)
    )


def fill(root, files):
    """Write files (bytes) and links (text: their target) into the folder ``root``."""
    for name, what in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, str):
            path.symlink_to(what)
        else:
            path.write_bytes(what)
    return root


@pytest.mark.parametrize(
    ("files", "entrypoint", "found"),
    [
        ({"coredns": elf()}, ["/coredns", "-conf"], ("/coredns", "riscv64")),
        ({"coredns": elf(62)}, ["/coredns"], ("/coredns", "amd64")),
        ({"coredns": elf()}, ["coredns"], None),
        ({"bin/coredns": elf()}, ["coredns"], ("/bin/coredns", "riscv64")),
        ({"bin/busybox": elf(), "bin/sh": "/bin/busybox"}, ["sh"], ("/bin/busybox", "riscv64")),
        ({"usr/bin/sh": elf(), "bin": "usr/bin"}, ["/bin/sh"], ("/usr/bin/sh", "riscv64")),
        ({"bin/a": "../../../../bin/b", "bin/b": elf()}, ["a"], ("/bin/b", "riscv64")),
        ({"bin/a": "b", "bin/b": "a"}, ["a"], None),
        ({"run.sh": b"#! /bin/sh -e\nexec x\n", "bin/sh": elf()}, ["/run.sh"], ("/bin/sh", "riscv64")),
        ({"run.sh": b"#!/run.sh\n"}, ["/run.sh"], None),
        ({"run.sh": b"#!\n"}, ["/run.sh"], None),
        ({"app/coredns": elf()}, ["./coredns"], ("/app/coredns", "riscv64")),
        ({"app/run": b"#!bin/sh\n", "app/bin/sh": elf()}, ["/app/run"], ("/app/bin/sh", "riscv64")),
        ({"run.sh": b"text"}, ["/run.sh"], None),
        ({"bin/x/y": b""}, ["/bin/x"], None),
        ({}, [], None),
    ],
)
def test_find_program(tmp_path, files, entrypoint, found):
    root = str(fill(tmp_path, files))
    if found:
        assert find_program(root, "docker.io/a/b:1", entrypoint, PATH, "/app") == found
    else:
        with pytest.raises(Problem, match="the architecture of the program in docker.io/a/b:1 cannot be read"):
            find_program(root, "docker.io/a/b:1", entrypoint, PATH, "/app")


def test_a_link_does_not_lead_out_of_the_image(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(elf(62))
    root = fill(tmp_path / "root", {"a": str(outside)})
    with pytest.raises(Problem, match="there is no program /a in it"):
        find_program(str(root), "docker.io/a/b:1", ["/a"], PATH)


def test_deep_check_leaves_no_folder_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    files = fill(tmp_path / "files", {"program": elf(62)})
    fake = FakeContainerd()
    fake.put("docker.io/a/b:1", Content("liar", files=files))
    containerd = Containerd(Programs({"k3s": "k3s"}, fake, is_root=True))
    status = {"architecture": "riscv64", "os": "linux", "entrypoint": ["/program"], "path": PATH, "workdir": "/"}
    assert program_architecture(containerd, "docker.io/a/b:1", status) == ("/program", "amd64")
    with pytest.raises(
        Problem, match="b:1 calls itself riscv64, but its program /program is amd64, board b-1 is riscv64"
    ):
        Board("riscv64", name="b-1").check_deep("docker.io/a/b:1", status, containerd)
    assert os.listdir(tmp_path) == ["files"]
    assert [call[-1] for call in fake.calls if "unmount" in call] == [
        call[-1] for call in fake.calls if "mount" in call
    ]


@pytest.mark.parametrize(
    ("option", "machine", "status", "message"),
    [
        ("auto", "riscv64", ("linux", "riscv64"), None),
        ("auto", "x86_64", ("linux", "amd64"), None),
        ("riscv64", "x86_64", ("linux", "riscv64"), None),
        ("any", "x86_64", ("windows", "s390x"), None),
        ("auto", "riscv64", ("linux", "amd64"), r"a/b:1 is amd64, board board-1 is riscv64\."),
        ("auto", "x86_64", ("windows", "amd64"), r"a/b:1 is windows/amd64, board board-1 is amd64\."),
    ],
)
def test_board_check(option, machine, status, message):
    board = Board(option, machine, "board-1")
    image = dict(zip(("os", "architecture"), status))
    if message:
        with pytest.raises(Problem, match=message):
            board.check("docker.io/a/b:1", image)
    else:
        board.check("docker.io/a/b:1", image)


@pytest.mark.parametrize(("option", "machine"), [("auto", "pdp11"), ("risc5", "riscv64")])
def test_an_unknown_architecture_is_named(option, machine):
    with pytest.raises(Problem, match="pdp11|risc5"):
        Board(option, machine)
