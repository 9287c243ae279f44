# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ELF headers: architecture and loader, of made-up files and of a real one."""

import os
import sys

import pytest
from programs import elf, needing

from ansible_collections.riscv.k3s.plugins.module_utils.elf import needed, read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


@pytest.mark.parametrize("architecture", ["386", "amd64", "arm", "arm64", "riscv64", "s390x"])
@pytest.mark.parametrize("interpreter", [None, "/lib/ld-linux.so.1"])
def test_reads_architecture_and_loader(tmp_path, architecture, interpreter):
    path = tmp_path / "program"
    path.write_bytes(elf(architecture, interpreter))
    assert read_elf(str(path)) == (architecture, interpreter)


def test_describes_a_machine_that_oci_has_no_name_for(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(elf("sparc64"))
    assert read_elf(str(path)).architecture == "ELF machine 43, 64 bit, big endian"


def test_reads_the_program_that_runs_this_test():
    assert read_elf(os.path.realpath(sys.executable)).architecture == to_oci(os.uname().machine)


@pytest.mark.parametrize("data", [b"", b"\x7fEL", b"#!/bin/sh\n", b"<html>"])
def test_other_files_are_no_elf(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert read_elf(str(path)) is None


@pytest.mark.parametrize(
    "data",
    [elf()[:20], elf()[:4], b"\x7fELF" + bytes(60), elf(interpreter="/lib/ld.so")[:80]],
    ids=["cut", "magic only", "zeros", "cut in its segments"],
)
def test_damaged_header(tmp_path, data):
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(Problem, match="damaged or incomplete"):
        read_elf(str(path))


@pytest.mark.parametrize("libraries", [(), ("libc.so.6",), ("libxtables.so.12", "libmnl.so.0", "libc.so.6")])
def test_the_libraries_that_a_file_needs(tmp_path, libraries):
    path = tmp_path / "program"
    path.write_bytes(needing(*libraries, interpreter="/lib/ld-linux.so.1"))
    assert needed(str(path)) == list(libraries)


def test_static_programs_and_other_files_need_no_library(tmp_path):
    path = tmp_path / "program"
    for data in (elf(), elf("386"), elf("s390x", "/lib/ld.so"), b"text"):
        path.write_bytes(data)
        assert needed(str(path)) == []


def test_the_program_that_runs_this_test_needs_a_libc():
    assert any(name.startswith("libc") for name in needed("/bin/sh"))


@pytest.mark.parametrize("data", [needing("libc.so.6", damaged=True), needing("libc.so.6")[:150]])
def test_damaged_tables_of_libraries_are_a_problem(tmp_path, data):
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(Problem, match="cannot be read"):
        needed(str(path))
