# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsers on what the real programs printed."""

import json

import pytest
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._output.images import (
    is_tagged,
    parse_image_list,
    parse_image_status,
    parse_version,
    pins_supported,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

COREDNS = "sha256:dc29a7ab6632deb9db2d933023e8248bc05785b5d00b44b649ef5e28c478c724"
HEADER = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"


@pytest.mark.parametrize("recorded", ["ctr_images_ls_1.6.txt", "ctr_images_ls_2.4.txt"])
def test_image_list(recorded):
    rows = {row["name"]: row for row in parse_image_list(read(recorded))}
    assert rows["docker.io/rancher/mirrored-coredns-coredns:1.9.1"] == {
        "name": "docker.io/rancher/mirrored-coredns-coredns:1.9.1",
        "digest": COREDNS,
        "platforms": ["linux/riscv64"],
        "pinned": True,
        "size": 805,
        "labels": {"io.cri-containerd.image": "managed", "io.cri-containerd.pinned": "pinned"},
    }
    assert rows["127.0.0.1:5987/multi/coredns:1.0"]["platforms"] == ["linux/amd64", "linux/riscv64"]
    assert rows["127.0.0.1:5987/multi/coredns:1.0"]["size"] == round(1.3 * 1024)
    # What is left of a pull that found nothing for the board: ctr's has no label, and only 2.x leaves one of crictl's.
    assert rows["127.0.0.1:5987/riscvonly/coredns:1.0"]["labels"] == (
        {} if "1.6" in recorded else {"io.cri-containerd.image": "managed"}
    )
    assert (
        rows["docker.io/rancher/other:1"]["labels"]["containerd.io/distribution.source.docker.io"]
        == "rancher/other,rancher/another"
    )
    assert len(rows) == len(read(recorded).splitlines()) - 1
    assert [name for name in rows if is_tagged(name) and "pause" not in name] == [
        "127.0.0.1:5987/multi/coredns:1.0",
        "127.0.0.1:5987/riscv64/coredns:1.0",
        "127.0.0.1:5987/riscvonly/coredns:1.0",
        "docker.io/rancher/mirrored-coredns-coredns:1.9.1",
        "docker.io/rancher/other:1",
    ]


def test_an_empty_store():
    assert parse_image_list(HEADER) == []


@pytest.mark.parametrize(
    ("size", "number"),
    [("0.0 B", 0), ("1023.0 B", 1023), ("12.4 MiB", 13002342), ("1.0 GiB", 1073741824), ("2.5MiB", 2621440)],
)
def test_sizes(size, number):
    assert parse_image_list(HEADER + f"a/b:1 t {COREDNS} {size} - -")[0]["size"] == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ctr: something else",
        HEADER + "docker.io/a/b:1 application/x sha256:short 1.0 B linux/amd64 -",
        HEADER + f"docker.io/a/b:1 application/x {COREDNS} 1.0 B linux/amd64",
        HEADER + f"docker.io/a/b:1 application/x {COREDNS} big linux/amd64 -",
        HEADER + f"docker.io/a/b:1 application/x {COREDNS} 1.0 B linux/amd64 label",
    ],
)
def test_a_list_that_is_not_understood_is_a_problem(text):
    with pytest.raises(Problem) as caught:
        parse_image_list(text)
    assert "ctr images ls" in str(caught.value)


def test_image_status_of_one():
    (status,) = parse_image_status(read("crictl_inspecti_one.json"))
    assert status == {
        "id": "sha256:dcb2571a1e22042c41c96947caae18d30a2026545d5b4cad129e4c221873e9f4",
        "names": [
            "127.0.0.1:5987/riscv64/coredns:1.0",
            "docker.io/rancher/mirrored-coredns-coredns:1.9.1",
            "docker.io/rancher/other:1",
        ],
        "digests": [f"127.0.0.1:5987/riscv64/coredns@{COREDNS}"],
        "architecture": "riscv64",
        "os": "linux",
        "size": 805,
        "pinned": False,
        "entrypoint": ["/coredns"],
        "path": "/usr/local/bin:/usr/bin:/bin",
        "workdir": "/",
    }


def test_image_status_of_two_in_both_forms():
    recorded = read("crictl_inspecti_two.json")
    older = "\n".join(json.dumps(value, indent=2) for value in json.loads(recorded))
    for text in (recorded, older):
        assert [status["architecture"] for status in parse_image_status(text)] == ["riscv64", "amd64"]


@pytest.mark.parametrize("text", ["no json", "{}", "[1]", '{"status": {}, "info": {"imageSpec": {}}}'])
def test_a_status_that_is_not_understood_is_a_problem(text):
    with pytest.raises(Problem, match="crictl inspecti"):
        parse_image_status(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ctr github.com/containerd/containerd 1.6.20~ds1\n", "1.6.20~ds1"),
        (
            "containerd github.com/k3s-io/containerd v1.7.11-k3s2 64b8a811b07ba6288238eefc14d898ee0b5b99ba\n",
            "1.7.11-k3s2",
        ),
        ("containerd github.com/containerd/containerd/v2 2.4.2 abc\n", "2.4.2"),
        ("crictl version v1.34.0\n", "1.34.0"),
        (
            "Client:\n  Version:  2.1.5\n  Revision: 1\n  Go version: go1.24.9\n\nServer:\n  Version:  1.6.8-k3s1\n  "
            "Revision: 2\n",
            "1.6.8-k3s1",
        ),
    ],
)
def test_versions(text, version):
    assert parse_version(text) == version


def test_version_recorded():
    assert parse_version(read("ctr_version_1.6.txt")) == "1.6.20~ds1"
    assert parse_version(read("ctr_version_2.4.txt")) == "2.4.2"


def test_no_version():
    with pytest.raises(Problem, match="no version"):
        parse_version("crictl version unknown\n")


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("1.5.13-k3s1", False),
        ("1.6.20~ds1", False),
        ("1.6.24", False),
        ("1.6.25", True),
        ("1.6.36", True),
        ("1.7.0", False),
        ("1.7.9", False),
        ("1.7.10", True),
        ("v1.7.11-k3s2", True),
        ("2.0.0", True),
        ("2.4.2", True),
    ],
)
def test_pins(version, supported):
    assert pins_supported(version) is supported


def test_pins_of_no_version():
    with pytest.raises(Problem, match="no|not a version"):
        pins_supported("unknown")
