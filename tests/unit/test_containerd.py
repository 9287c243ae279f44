# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in containerd's store: the calls that are made, and what is said when ctr fails."""

import pytest
from fakes import FakeRunner, read

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Containerd, alike, is_full
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

CTR = ["k3s", "ctr", "--namespace", "k8s.io"]


def containerd(*answers):
    runner = FakeRunner(answers)
    return Containerd(Programs({"k3s": "k3s"}, runner, is_root=True)), runner


def test_images_and_version_as_recorded():
    store, runner = containerd(
        ([*CTR, "images", "ls"], read("ctr_images_ls_1.6.txt")), ([*CTR, "version"], read("ctr_version_1.6.txt"))
    )
    assert store.images()["docker.io/rancher/mirrored-coredns-coredns:1.9.1"]["pinned"]
    assert store.version() == "1.6.20~ds1"
    assert len(runner.calls) == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda store: store.tag("a", ["b", "c"]), ["tag", "a", "b", "c"]),
        (lambda store: store.tag("a", ["b"], replace=True), ["tag", "--force", "a", "b"]),
        (lambda store: store.pin("a"), ["label", "a", "io.cri-containerd.pinned=pinned"]),
        (lambda store: store.pin("a", False), ["label", "a", "io.cri-containerd.pinned="]),
        (lambda store: store.remove(["a", "b"]), ["rm", "a", "b"]),
    ],
)
def test_each_change_is_one_call(call, words):
    store, runner = containerd(([*CTR, "images", ...], ""))
    call(store)
    assert runner.calls == [[*CTR, "images", *words]]


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        # As recorded from 1.6.20, without a socket and with one that nobody listens at.
        (
            'ctr: failed to dial "/run/k3s/c.sock": context deadline exceeded: connection error: desc = "timeout"',
            "containerd on this board does not answer",
        ),
        (
            "ctr: cannot access socket /run/k3s/c.sock: no such file or directory",
            "containerd on this board does not answer",
        ),
        (
            'ctr: image "docker.io/rancher/nix:1": not found',
            "`k3s ctr .* images ls` failed with exit status 1. Found: ctr: image",
        ),
        ("", "Found: no message"),
    ],
)
def test_what_is_said_when_ctr_fails(printed, message):
    store, _runner = containerd(([*CTR, ...], (1, "", printed)))
    with pytest.raises(Problem, match=message):
        store.images()


def test_a_mount_that_fails_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store, _runner = containerd(([*CTR, "images", "mount", ...], (1, "", "ctr: image: not found")))
    with pytest.raises(Problem, match="not found"), store.mounted("docker.io/a/b:1"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("r.example/x/coredns:9", ["r.example/x/coredns:1", "r.example/x/coredns:2"]),
        ("other.example/coredns:1", ["r.example/x/coredns:1", "r.example/x/coredns:2"]),
        ("r.example/x/pause:1", []),
    ],
)
def test_alike(wanted, found):
    names = [
        "r.example/x/coredns:2",
        "r.example/x/coredns:1",
        "coredns:1",
        "Odd",
        "r.example/x/coredns@sha256:" + 64 * "0",
        "sha256:" + 64 * "0",
    ]
    assert alike(names, wanted) == found


def test_full_names():
    assert is_full("docker.io/a/b:1")
    assert not is_full("a/b:1") and not is_full("A B")
