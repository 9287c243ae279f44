# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the script's output to the result of k3s_info, on a board in a temporary folder."""

import hashlib
import json
import os
import shutil

import pytest
from fake_board import TOKEN, FakeBoard
from records import record

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import Moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import present, settle
from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import (
    PARTS,
    chosen_parts,
    observe,
    unreadable_images,
)


@pytest.fixture
def board(tmp_path):
    return FakeBoard(tmp_path)


def seen(board, parts=PARTS, architecture="auto", **options):
    return observe(board.run(parts, **options), TOKEN, parts, architecture=architecture)


def pod_record(image, phase="Pending"):
    fields = {"node": "board-1", "phase": phase, "names": "lb", "images": image}
    return record(api_query.POD, TOKEN, namespace="kube-system", name="svclb", uid="u1", created="t", **fields)


@pytest.mark.parametrize(
    "gather, expected",
    [(["all"], list(PARTS)), (["disk", "k3s"], ["k3s", "disk"]), (["all", "disk"], list(PARTS)), ([], [])],
)
def test_chosen_parts(gather, expected):
    assert chosen_parts(gather) == expected


def test_healthy_server(board, k3s_manifests):
    shutil.copytree(k3s_manifests / "v1.24.2", board.manifests, dirs_exist_ok=True)
    board.file("etc/k3s.yaml", "")
    board.file("data/agent/etc/containerd/config.toml", '[plugins]\n  sandbox_image = "rancher/mirrored-pause:3.6"\n')
    board.answer("kubectl", pod_record("rancher/klipper-lb:v0.3.5"))
    result = seen(board)
    assert result["errors"] == []
    assert (result["machine"], result["architecture"], result["hostname"]) == ("riscv64", "riscv64", "Board-1")
    assert result["k3s"] == {
        "installed": True,
        "program": str(board.home / "bin/k3s"),
        "without_program": None,
        "version": "v1.24.2+k3s2",
        "role": "server",
        "running": True,
        "seconds": None,
    }
    assert result["containerd"] == {"version": "1.6.6-k3s1", "pins": False}
    assert result["pause_image"] == "docker.io/rancher/mirrored-pause:3.6"
    assert result["images"] == [
        {
            "name": "docker.io/rancher/mirrored-pause:3.6",
            "digest": "sha256:" + "a" * 64,
            "platforms": ["linux/riscv64"],
            "pinned": True,
            "size": 308429,
        }
    ]
    assert result["disk"]["size"] >= result["disk"]["available"] > 0
    paths = [row["path"] for row in result["manifests"]]
    assert paths == sorted(paths) and "metrics-server/metrics-server-deployment.yaml" in paths
    for row in result["manifests"]:
        file = k3s_manifests / "v1.24.2" / row["path"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row["sha256"] and not row["whole"]
    listed = (k3s_manifests / "v1.24.2/image-list.txt").read_text().split()
    assert [row["image"] for row in result["demand"]] == [name for name in listed if "klipper-helm" not in name]


def test_agent(board):
    shutil.rmtree(board.data / "server")
    result = seen(board)
    assert (
        result["k3s"]["role"] == "agent"
        and result["manifests"] == []
        and result["demand"] == []
        and "api" not in result
    )


def test_before_the_first_start(board):
    shutil.rmtree(board.data)
    result = seen(board)
    assert result["k3s"]["role"] is None and result["errors"] == [] and result["disk"]["available"] > 0


def test_stopped_k3s(board):
    board.answer("ctr --namespace k8s.io version", err="ctr: failed to dial\nconnection refused\n", rc=1)
    result = seen(board)
    assert result["errors"] == [
        {"section": "containerd", "rc": 1, "message": "ctr: failed to dial | connection refused"}
    ]
    assert result["k3s"]["running"] is False and result["containerd"] == {"version": None, "pins": False}
    assert (result["images"], result["sandboxes"], result["containers"]) == (None, None, None)


def test_hanging_containerd(board):
    board.answer("ctr --namespace k8s.io version", rc=124)
    assert seen(board)["errors"] == [{"section": "containerd", "rc": 124, "message": "it did not finish within 30 s"}]


def test_skip_counts_by_name_in_any_folder(board):
    board.file("data/server/manifests/coredns.yaml", "kind: Pod\nspec: {containers: [{name: c, image: a}]}\n")
    board.file("data/server/manifests/sub/coredns.yaml.skip", "")
    result = seen(board, ["manifests"])
    assert [(row["path"], row["skip"]) for row in result["manifests"]] == [("coredns.yaml", True)]
    assert result["demand"] == []


def test_manifest_with_a_secret(board):
    board.file("data/server/manifests/s.yaml", "kind: Secret\n")
    (row,) = seen(board, ["manifests"])["manifests"]
    assert (row["text"], row["left_out"], len(row["sha256"])) == (None, "secret", 64)


def test_manifest_that_is_no_text(board):
    board.file("data/server/manifests/b.yaml", b"kind: Pod\xff\xfe")
    result = seen(board, ["manifests"], whole=["b.yaml"])
    assert result["manifests"][0]["text"] == "kind: Pod\ufffd\ufffd"
    assert "no UTF-8 text" in result["errors"][0]["message"]


def test_broken_manifest_is_told(board):
    board.file("data/server/manifests/b.yaml", "kind: Pod\nspec: [\n")
    (error,) = seen(board, ["manifests"])["errors"]
    assert error["section"] == "demand" and error["message"].startswith("manifests/b.yaml is not valid YAML")


@pytest.mark.parametrize(
    "config, rendered, expected",
    [
        ("", "", None),
        ("pause-image: a/pause:1", "", "docker.io/a/pause:1"),
        ("pause-image: a/pause:1\nsystem-default-registry: r.io", "", "r.io/a/pause:1"),
        ("pause-image: r.io/a/pause:1\nsystem-default-registry: r.io", "", "r.io/a/pause:1"),
        ("pause-image: a/pause:1", 'sandbox_image = "b/pause:2"', "docker.io/b/pause:2"),
    ],
)
def test_pause_image(board, config, rendered, expected):
    board.file("etc/config.yaml", config)
    board.file("data/agent/etc/containerd/config.toml", rendered)
    assert seen(board, ["config"])["pause_image"] == expected


def test_pause_image_that_is_none(board):
    board.file("etc/config.yaml", "pause-image: Not/Valid")
    result = seen(board, ["config"])
    assert result["pause_image"] is None and result["errors"][0]["section"] == "pause"


def test_registries(board):
    assert seen(board, ["registries"])["registries"] == {
        "path": str(board.etc / "registries.yaml"),
        "present": False,
        "sha256": "",
        "mode": None,
        "stale": False,
        "by_time": True,
        "wanted": None,
        "mistakes": None,
    }
    board.file("etc/registries.yaml", "mirrors:\n", mtime=2000000000)
    board.file("data/agent/etc/containerd/config.toml", "", mtime=1000000000)
    row = seen(board, ["registries"])["registries"]
    assert (row["present"], row["mode"], row["stale"]) == (True, "0644", True)
    assert row["sha256"] == hashlib.sha256(b"mirrors:\n").hexdigest()


def test_of_a_merged_registries_yaml_the_checksum_of_what_was_wanted_and_nothing_else(board):
    digest, head = "a1" * 32, "# Written by riscv.k3s: both.\n"
    for text, told in (
        (head + "# wanted: %s\n# kept: []\nconfigs: {a: {auth: {password: hunter2}}}\n" % digest, digest),
        (head + "# wanted: hunter2\n", None),
        (head + "# wanted: %s; hunter2\n" % digest, None),
        (head + "password: hunter2\n# wanted: %s\n" % digest, None),
        ("# wanted: %s\n" % digest, None),
        ("x" * 10_000_000, None),
    ):
        board.file("etc/registries.yaml", text)
        result = seen(board, ["registries"])
        assert result["registries"]["wanted"] == told and "hunter2" not in str(result)


def test_preloads(board):
    assert seen(board)["preloads"] == []
    board.file("data/agent/etc/containerd/config.toml", "", mtime=2)
    board.file("data/agent/images/riscv-k3s-000000000002.tar", "", mtime=3)
    board.file("data/agent/images/riscv-k3s-000000000001.tar", "", mtime=1)
    board.file("data/agent/images/k3s-airgap-images-amd64.tar", "", mtime=1)
    assert seen(board, ["images"])["preloads"] == [
        {"name": "riscv-k3s-000000000001.tar", "stale": False},
        {"name": "riscv-k3s-000000000002.tar", "stale": True},
    ]


def test_own_config(board):
    assert seen(board, ["config"])["own_config"] == []
    board.file("data/agent/etc/containerd/config.toml", "", mtime=1000000000)
    board.file("etc/config.yaml.d/riscv-k3s.yaml", "pause-image: x\n", mtime=2000000000)
    board.file("etc/config.yaml.d/riscv-k3s-old.yaml", "", mtime=500000000)
    board.file("etc/config.yaml.d/other.yaml", "token: secret\n")
    assert (
        seen(board, ["config"])["own_config"]
        == seen(board)["own_config"]
        == [
            {
                "path": str(board.etc / "config.yaml.d/riscv-k3s-old.yaml"),
                "sha256": hashlib.sha256(b"").hexdigest(),
                "stale": False,
            },
            {
                "path": str(board.etc / "config.yaml.d/riscv-k3s.yaml"),
                "sha256": hashlib.sha256(b"pause-image: x\n").hexdigest(),
                "stale": True,
            },
        ]
    )


BOOT, NEXT_BOOT = "0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1", "5f0e6c1e-92d7-4f0c-8a37-0a2ad6f3f1c2"


@pytest.mark.parametrize("written, rendered", [(10, 2000000000), (2000000000, 10), (1000, 1000)])
@pytest.mark.parametrize(
    "boot, uptime, started, stale",
    [
        pytest.param(BOOT, 600, 400, True, id="k3s runs since before the write"),
        pytest.param(BOOT, 600, 550, False, id="k3s was restarted after the write"),
        pytest.param(NEXT_BOOT, 90, 60, False, id="the board was rebooted after the write"),
        pytest.param(NEXT_BOOT, 900, 600, False, id="rebooted, and up for longer than before the write"),
    ],
)
def test_a_clock_that_is_years_off_changes_nothing(board, monkeypatch, written, rendered, boot, uptime, started, stale):
    """The clock jumps by years between the write and the start of k3s, in both directions, or not at all."""
    monkeypatch.setattr(_journal, "moment", lambda: Moment(BOOT, 500, written))
    path = board.etc / "registries.yaml"
    with opened(str(board.data)) as journal:
        present(journal, str(path), b"mirrors: {}\n", 0o600)
        own = present(journal, str(board.etc / "config.yaml.d/riscv-k3s.yaml"), b"a: 1\n", 0o600)
    assert own.changed
    for file in (path, board.etc / "config.yaml.d/riscv-k3s.yaml"):
        os.utime(file, (written, written))
    board.file("data/agent/etc/containerd/config.toml", "", mtime=rendered)
    board.file("proc/uptime", "%d.25 3600.00\n" % uptime)
    board.file("proc/sys/kernel/random/boot_id", boot + "\n")
    board.k3s(data_dir=board.data, started=started)
    result = seen(board)
    assert (result["registries"]["stale"], result["registries"]["by_time"]) == (stale, False)
    assert [row["stale"] for row in result["own_config"]] == [stale]


def test_no_journal(board):
    assert seen(board, ["journal"])["journal"] == {
        "path": str(board.data / "riscv-k3s/journal.json"),
        "lease": None,
        "files": {},
        "images": {},
        "loaded": {},
        "system": {},
        "programs": {},
        "unread": [],
        "error": None,
    }


def test_journal(board):
    """What a board's modules wrote, with what is there now."""
    path, gone = board.etc / "registries.yaml", board.etc / "config.yaml.d/riscv-k3s.yaml"
    path.write_text("password: hunter2")
    name, held = "docker.io/rancher/mirrored-pause:3.6", {"digest": "sha256:" + "a" * 64, "pinned": False, "labels": {}}
    with opened(str(board.data)) as journal:
        journal.will_write(str(path), b"mirrors: {}")
        journal.will_write(str(gone), b"a: 1")
        journal.will_place(str(board.data / "agent/images/riscv-k3s-0123.tar"))
        journal.will_set(name, "sha256:" + "b" * 64, True, held, "source:1")
        journal.will_set("docker.io/x/new:1", "sha256:" + "c" * 64, True, None)
        journal.save()
        path.write_bytes(b"mirrors: {}")
        kept = {path: dict(entry) for path, entry in journal.files.items()}
    result = seen(board)
    assert result["errors"] == [] and result["journal"]["error"] is None
    files = result["journal"]["files"]
    assert {path: {key: entry[key] for key in entry if key != "current"} for path, entry in files.items()} == kept
    assert [entry["current"] for _path, entry in sorted(files.items(), key=lambda item: item[1]["kind"])] == [
        None,
        None,
        sha256(b"mirrors: {}"),
    ]
    assert {name: entry["has_content"] for name, entry in result["journal"]["images"].items()} == {
        name: True,
        "docker.io/x/new:1": False,
    }
    assert result["journal"]["images"][name]["before"] == held
    assert seen(board, ["journal"])["journal"]["images"][name]["has_content"] is None


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "it is empty (0 bytes)"),
        ("\n", "no JSON"),
        ("{", "breaks off"),
        ('{"version": 1, "files": {"/x": {"kind": "fi', "breaks off"),
        ('{"version": 2, "files": {}}', "newer riscv.k3s"),
        ('{"version": 1, "files": [], "images": {}, "loaded": {}, "lease": null}', "files is no dictionary"),
    ],
)
def test_a_damaged_journal_is_told(board, text, said):
    board.file("data/riscv-k3s/journal.json", text)
    result = seen(board)
    assert result["errors"] == [] and result["k3s"]["running"]
    error = result["journal"]["error"]
    assert result["journal"]["files"] == {} and str(board.data / "riscv-k3s/journal.json") in error
    assert said in error and "nothing can be changed or taken back on this board" in error


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_in_the_journals_place(board, kind):
    path = board.data / "riscv-k3s" / "journal.json"
    path.parent.mkdir()
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    error = seen(board)["journal"]["error"]
    assert "it is no regular file" in error and "nothing can be changed or taken back" in error


def test_an_entry_that_cannot_be_read_is_named_and_the_others_go_on(board):
    with opened(str(board.data)) as journal:
        journal.will_set("docker.io/x/new:1", "sha256:" + "c" * 64, True, None)
        journal.save()
    path = board.data / "riscv-k3s" / "journal.json"
    data = json.loads(path.read_text())
    data["images"]["docker.io/x/odd:1"] = {"digest": 7}
    data["files"]["/etc/newer"] = {"kind": "file", "colour": "blue"}
    data["lease"] = {"held": "somebody"}
    path.write_text(json.dumps(data))
    journal = seen(board)["journal"]
    assert journal["error"] is None and list(journal["images"]) == ["docker.io/x/new:1"] and not journal["lease"]
    assert {(row["kind"], row["name"]) for row in journal["unread"]} == {
        ("images", "docker.io/x/odd:1"),
        ("files", "/etc/newer"),
        ("lease", ""),
    }
    assert all(set(row) == {"kind", "name", "why"} for row in journal["unread"])


def test_what_k3s_has_loaded_is_decided_by_notes_not_by_times(board):
    """Times of files say that all is newer than what k3s rendered, as on a board whose clock ran behind at its start;
    then the other way round.
    """
    paths = ["etc/registries.yaml", "etc/config.yaml.d/riscv-k3s.yaml", "data/agent/images/riscv-k3s-0123.tar"]
    for path in paths:
        board.file(path, "ours\n", mtime=2000000000)
    board.file("data/agent/etc/containerd/config.toml", "", mtime=10)

    def stale():
        result = seen(board)
        return [result["registries"]["stale"], result["own_config"][0]["stale"], result["preloads"][0]["stale"]]

    assert stale() == [True] * 3, "nobody has noted anything"
    with opened(str(board.data)) as journal:
        for path in paths:
            settle(journal, str(board.home / path))
    assert stale() == [False] * 3, "a restart of ours has loaded them"
    board.file(paths[0], "somebody's\n", mtime=2000000000)
    assert stale() == [True, False, False], "another content than was loaded"


def test_unreachable_api(board):
    board.answer("kubectl", err="The connection to the server 127.0.0.1:6443 was refused\n", rc=1)
    result = seen(board, ["api"], api="always")
    assert result["errors"] == []
    assert result["api"] == {
        "reachable": False,
        "error": "The connection to the server 127.0.0.1:6443 was refused",
        "late": False,
        "nodes": [],
        "pods": [],
        "addons": [],
    }


def test_events(board):
    board.answer("kubectl --request-timeout=20s get events", "%s Event\tu1\tFailed\tt\tno\n" % TOKEN)
    assert seen(board, ["api"], api="always", events=True)["api"]["events"] == {
        "u1": {"reason": "Failed", "message": "no"}
    }


def test_stated_architecture_wins(board):
    board.program("uname", "#!/bin/sh\necho sparc\n")
    assert seen(board, [], architecture="riscv64")["architecture"] == "riscv64"
    with pytest.raises(Problem, match="the architecture 'sparc' is not known"):
        seen(board, [])
    with pytest.raises(Problem, match="the architecture 'risc' is not known"):
        seen(board, [], architecture="risc")


def test_other_user_than_root(board):
    board.program("id", "#!/bin/sh\necho 1000\n")
    with pytest.raises(Problem, match="needs root there. Found: user id 1000. Next: set become: true"):
        seen(board)


def test_no_k3s(board):
    (board.home / "bin/k3s").unlink()
    with pytest.raises(Problem, match="k3s was not found on this board.*Where: Board-1"):
        seen(board)


@pytest.mark.parametrize(
    "seen, told",
    [
        (
            {"service": "k3s-agent"},
            "Found: containerd does not answer. Next: see whether k3s runs on the board, and its log",
        ),
        (
            {"errors": [{"section": "containerd", "message": "refused"}]},
            "Found: containerd: refused. Next: see whether k3s",
        ),
        # A k3s that is looked for in the wrong place may run all the same.
        (
            {"doubts": ["the folder is /a, but the k3s that runs uses /b. Next: correct it"]},
            "Found: the folder is /a, but",
        ),
    ],
)
def test_why_images_cannot_be_read(seen, told):
    text = str(unreadable_images(seen, "board-1"))
    assert text.startswith("the images of board-1 cannot be read. " + told) and ("see whether k3s" in text) != bool(
        seen.get("doubts")
    )
