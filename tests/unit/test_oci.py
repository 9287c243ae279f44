# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as archives: deterministic, atomic, and read by other programs."""

import json
import os
import subprocess
import tempfile

import pytest
from programs import elf
from registry_servers import program

from ansible_collections.riscv.k3s.plugins.module_utils._oci.archive import save
from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Spec, build
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PAUSE = "docker.io/rancher/mirrored-pause:3.6"


@pytest.fixture
def pause(tmp_path):
    (tmp_path / "pause").write_bytes(elf())
    return str(tmp_path / "pause")


def write_archive(path, image, **spec):
    """Builds an image as an archive; returns its manifest's digest."""
    with tempfile.TemporaryDirectory() as work:
        built = build(Spec(**spec), work)
        save(built, ImageName.parse(image), path)
        return built.top.digest


def test_archive_is_deterministic(tmp_path, pause):
    digests = [
        write_archive(str(tmp_path / name), "rancher/mirrored-pause:3.6", src=pause, user="65535")
        for name in ("a.tar", "b.tar")
    ]
    assert digests[0] == digests[1]
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_skopeo_reads_it(tmp_path, pause, index, transport):
    skopeo = program("skopeo", "skopeo")
    path = str(tmp_path / "pause.tar")
    digest = write_archive(path, PAUSE, src=pause, index=index, labels={"a": "b"})
    base = [skopeo, "inspect", "--override-arch=riscv64", "%s:%s" % (transport, path)]
    shown = json.loads(subprocess.run(base, check=True, stdout=subprocess.PIPE).stdout)
    config = json.loads(subprocess.run(base[:2] + ["--config"] + base[2:], check=True, stdout=subprocess.PIPE).stdout)
    assert (config["architecture"], config["config"]["Entrypoint"], shown["Labels"]) == (
        "riscv64",
        ["/pause"],
        {"a": "b"},
    )
    if transport == "oci-archive" and not index:
        assert shown["Digest"] == digest


def test_layers_unpack(tmp_path, pause):
    """skopeo copies the content too, so wrong digests or sizes would show."""
    skopeo = program("skopeo", "skopeo")
    write_archive(str(tmp_path / "pause.tar"), PAUSE, src=pause)
    subprocess.run(
        [
            skopeo,
            "copy",
            "-q",
            "--override-arch=riscv64",
            "oci-archive:%s" % (tmp_path / "pause.tar"),
            "dir:%s" % (tmp_path / "out"),
        ],
        check=True,
    )
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_save_leaves_the_same_archive_alone(tmp_path, pause):
    path = str(tmp_path / "out.tar")
    (tmp_path / "work").mkdir()
    image, name = build(Spec(src=pause), str(tmp_path / "work")), ImageName.parse(PAUSE)
    planned = save(image, name, path, dry_run=True)
    assert not os.path.exists(path)
    written = save(image, name, path)
    inode = os.stat(path).st_ino
    again = save(image, name, path)
    assert planned == written and written.before is None and again == (written.after, written.after)
    assert (os.stat(path).st_ino, os.stat(path).st_mode & 0o777) == (inode, 0o644)
    assert sorted(os.listdir(str(tmp_path))) == ["out.tar", "pause", "work"]


def test_folder_of_the_archive_is_missing(tmp_path, pause):
    with pytest.raises(Problem, match="cannot be written. Found: No such file or directory"):
        write_archive(str(tmp_path / "missing" / "out.tar"), PAUSE, src=pause)
