# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that break in the middle, and disks that are full: a clear error, nothing half-tagged, and a run again
goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import threading
import uuid

import modules
import pytest
from proxy import Front, fault

FRONT = "10.99.0.1:5001"
STOCK = "docker.io/tests/supply-faults:1"
BLOB, MANIFEST, UPLOAD = "/blobs/sha256:", "/manifests/", "/blobs/uploads/"
STORE = "/var/lib/rancher/k3s/agent/containerd/io.containerd.content.v1.content"
# The content store in a memory disk with 1 MiB of room, as it stands now, and back. Nothing of it is lost either way.
FILL = """
set -e
mkdir /run/full
mount -t tmpfs -o size=$(($(du -sk %s | cut -f1) + 1024))k full /run/full
cp -a %s/. /run/full/
mount --bind /run/full %s
""" % (STORE, STORE, STORE)
EMPTY = "umount %s && cp -a /run/full/. %s/ && umount /run/full && rmdir /run/full" % (STORE, STORE)
# All requests of one pull, with those that containerd makes again by itself.
ALWAYS = 1000


@pytest.fixture(scope="module", name="front")
def _front(lab, tmp_path_factory):
    """The proxy, which the boards may pull from by plain http."""
    folder = tmp_path_factory.mktemp("front")
    mirrors = {host: {"endpoint": ["http://" + host]} for host in (lab.registry, FRONT)}
    run = site(lab, folder, "riscv_k3s_registries", {"mirrors": mirrors})
    assert run.rc == 0, run.output
    front = Front(lab, folder / "proxy", FRONT)
    yield front
    front.stop()
    run = site(lab, folder)
    assert run.rc == 0, run.output


def site(lab, folder, name=None, value=None):
    """The role registries for both boards, with one variable of its own."""
    playbook = folder / "registries.yml"
    playbook.write_text(
        json.dumps([{"hosts": "k3s_cluster", "gather_facts": False, "roles": ["riscv.k3s.start"]}]),
        encoding="utf-8",
    )
    return modules.play(lab, folder, playbook, *(["-e", json.dumps({name: value})] if name else []))


@pytest.fixture(name="image")
def _image(lab, front, tmp_path):
    """An image of 4 MB that nobody has yet, in the registry; its name there is by way of the proxy."""
    name = "%s/tests/faults-%s:1" % (FRONT, uuid.uuid4().hex[:8])
    modules.build(lab, tmp_path, dict(build(tmp_path), image=name.replace(FRONT, lab.registry)))
    yield name
    lab.exec(lab.agent, "k3s ctr images rm --sync %s %s >/dev/null 2>&1 || true" % (STOCK, name))


def build(folder):
    """Options of oci_image_build for an image whose layer is like no other and does not compress."""
    noise = folder / "noise"
    noise.write_bytes(os.urandom(4 << 20))
    return {"src": modules.program("pause"), "entrypoint": ["/pause"], "files": [{"src": str(noise), "dest": "/noise"}]}


def steps(image, **more):
    """What the role images does for one image: pull, tag."""
    return [
        {"riscv.k3s.crictl_image_pull": dict({"images": [image], "architecture": "riscv64", "retries": 0}, **more)},
        {"riscv.k3s.crictl_image_tag": {"images": [{"source": image, "targets": [STOCK]}], "architecture": "riscv64"}},
    ]


def assert_clear(result, *words):
    """An error that says what, where and what to do next, in one line, with these words."""
    assert result["what"] and result["where"] and result["next_step"], result
    assert result["msg"].startswith(result["what"]) and "\n" not in result["msg"]
    assert all(word in result["msg"] for word in words), result["msg"]


def assert_refused_then_healed(lab, front, folder, image, *words):
    """Pull and tag fail, and leave no name; without the fault they work, and after that there is nothing to do. Returns
    the pull's error.
    """
    before = modules.state(lab, lab.agent)
    refused = modules.tasks(lab, folder, lab.agent, *steps(image))
    assert len(refused.failures) == 2, refused.output
    assert_clear(refused.failures[0], image, *words)
    assert not {STOCK, image} & modules.image_names(lab, lab.agent)
    assert modules.state(lab, lab.agent) == before
    front.start()
    assert_healed(lab, folder, image)
    return refused.failures[0]


def assert_healed(lab, folder, image):
    healed = modules.tasks(lab, folder, lab.agent, *steps(image), *steps(image))
    assert [(row["status"], row["result"].get("changed")) for row in healed.rows] == [("ok", True)] * 2 + [
        ("ok", False)
    ] * 2, healed.output
    assert {STOCK, image} <= modules.image_names(lab, lab.agent)


@pytest.mark.parametrize(
    "kind, path, words",
    [
        ("short", BLOB, ("ends too early",)),
        pytest.param("cut", BLOB, ("ends too early",), marks=pytest.mark.slow),
        # Broken off, or refused when containerd asks for the rest.
        pytest.param("die", BLOB, (), marks=pytest.mark.slow),
        pytest.param("cut", MANIFEST, ("ends too early",), marks=pytest.mark.slow),
    ],
)
def test_a_pull_that_breaks(lab, front, image, tmp_path, kind, path, words):
    front.start(fault(kind, "GET", path, times=ALWAYS))
    assert_refused_then_healed(lab, front, tmp_path, image, FRONT, *words)


def test_a_pull_from_a_registry_with_a_fault(lab, front, image, tmp_path):
    front.start(fault("status", "GET", BLOB, times=ALWAYS, status=503))
    assert_refused_then_healed(lab, front, tmp_path, image, FRONT, "has a fault", "503")


@pytest.mark.slow
def test_a_pull_that_is_asked_to_come_less_often(lab, front, image, tmp_path):
    slow = {"status": 429, "headers": {"Retry-After": "1"}}
    front.start(fault("status", "HEAD", MANIFEST, times=ALWAYS, **slow))
    assert_refused_then_healed(lab, front, tmp_path, image, FRONT, "limits the number of requests")
    # containerd asks 6 times at once for each of our tries, so 10 refusals need a second one of ours.
    lab.exec(lab.agent, ["k3s", "ctr", "images", "rm", "--sync", STOCK, image])
    front.start(fault("status", "HEAD", MANIFEST, times=10, **slow))
    done = modules.tasks(lab, tmp_path, lab.agent, *steps(image, retries=3))
    assert not done.failures, done.output
    assert [status for dummy, status in front.asked("HEAD", MANIFEST)].count(429) == 10


@pytest.mark.slow
@pytest.mark.parametrize("path, words", [(MANIFEST, ("a web page",)), (BLOB, ("ends too early",))])
def test_a_pull_that_gets_a_web_page(lab, front, image, tmp_path, path, words):
    front.start(fault("garbage", "HEAD", path, times=ALWAYS), fault("garbage", "GET", path, times=ALWAYS))
    assert_refused_then_healed(lab, front, tmp_path, image, FRONT, *words)


@pytest.mark.slow
@pytest.mark.parametrize("path", [MANIFEST, BLOB])
def test_a_pull_without_an_answer(lab, front, image, tmp_path, path):
    front.start(fault("hang", "HEAD", path, times=ALWAYS), fault("hang", "GET", path, times=ALWAYS))
    before = modules.state(lab, lab.agent)
    refused = modules.tasks(lab, tmp_path, lab.agent, *steps(image, timeout=4))
    assert_clear(refused.failures[0], image, FRONT, "4 s")
    assert len(refused.failures) == 2 and modules.state(lab, lab.agent) == before
    front.start()
    assert_healed(lab, tmp_path, image)


@pytest.mark.slow
def test_a_pull_that_trickles(lab, front, image, tmp_path):
    """Slow is no fault: 4 MB in steps of a second."""
    front.start(fault("trickle", "GET", BLOB, times=ALWAYS, rate=1 << 20))
    assert_healed(lab, tmp_path, image)


def test_containerd_ends_in_the_middle_of_a_pull(lab, front, image, tmp_path):
    front.start(fault("trickle", "GET", BLOB, times=ALWAYS, rate=200_000))
    end = threading.Thread(target=end_containerd, args=(lab, front))
    end.start()
    refused = modules.tasks(lab, tmp_path, lab.agent, *steps(image))
    end.join()
    error = refused.failures[0]
    assert "containerd" in error["msg"] and error["next_step"], error
    assert not {STOCK, image} & modules.image_names(lab, lab.agent)
    front.start()
    assert_healed(lab, tmp_path, image)


def end_containerd(lab, front):
    """Kill it when the pull has begun to get its layer, and wait until k3s has started it again."""
    lab.wait("the layer is asked for", lambda: len(front.asked("GET", BLOB)) > 1, 60)
    lab.exec(lab.agent, "kill -9 $(pidof containerd)")
    lab.wait("containerd is back", lambda: lab.exec(lab.agent, "k3s ctr version", check=False).returncode == 0, 60)


@contextlib.contextmanager
def full_disk(lab, board):
    """A board on which containerd has no more than 1 MiB of room."""
    lab.exec(board, FILL)
    try:
        yield
    finally:
        lab.exec(board, EMPTY)


def test_a_board_whose_disk_is_full(lab, front, image, tmp_path):
    front.start()
    before = modules.state(lab, lab.agent)
    with full_disk(lab, lab.agent):
        refused = modules.tasks(lab, tmp_path, lab.agent, *steps(image))
    assert_clear(refused.failures[0], image, "disk is full", "make room")
    assert len(refused.failures) == 2 and modules.state(lab, lab.agent) == before
    assert_healed(lab, tmp_path, image)


def pushed(lab, folder, args):
    return modules.task(lab, folder, "localhost", "oci_image_build", modules.by_http(args))


@pytest.mark.parametrize("kind", ["cut", pytest.param("die", marks=pytest.mark.slow)])
def test_a_push_that_breaks(lab, front, tmp_path, kind):
    args = dict(build(tmp_path), image="%s/tests/faults-%s:1" % (FRONT, uuid.uuid4().hex[:8]))
    front.start(fault(kind, "PATCH", UPLOAD, skip=1))
    assert_clear(pushed(lab, tmp_path, args), FRONT, "broke off")
    assert front.asked("PUT", MANIFEST) == []
    front.start()
    done, again = pushed(lab, tmp_path, args), pushed(lab, tmp_path, args)
    # One of the two blobs had come, and is kept.
    assert done["changed"] and len(done["layers_pushed"]) == 2
    assert not again["changed"] and len(front.asked("PUT", UPLOAD)) == 1


@pytest.mark.slow
def test_a_push_into_a_registry_that_is_full(lab, front, tmp_path):
    args = dict(build(tmp_path), image="%s/tests/faults-%s:1" % (FRONT, uuid.uuid4().hex[:8]))
    front.start(fault("status", "PATCH", UPLOAD, skip=1, status=507))
    assert_clear(pushed(lab, tmp_path, args), FRONT, "507", "what is uploaded is kept")
    assert pushed(lab, tmp_path, args)["layers_pushed"] and front.asked("PUT", MANIFEST)


@pytest.mark.slow
def test_push_and_questions_wait_as_long_as_the_registry_asks(lab, front, tmp_path):
    args = dict(build(tmp_path), image="%s/tests/faults-%s:1" % (FRONT, uuid.uuid4().hex[:8]))
    busy = {"status": 429, "headers": {"Retry-After": "1"}}
    front.start(fault("status", "POST", UPLOAD, times=2, **busy), fault("status", "PUT", UPLOAD, **busy))
    assert pushed(lab, tmp_path, args)["changed"]
    assert [status for dummy, status in front.asked("POST", UPLOAD)] == [429, 429, 202, 202]
    front.start(fault("status", "GET", MANIFEST, times=2, **busy))
    access = {"registries": [{"host": FRONT, "plain_http": True}]}
    info = modules.task(
        lab, tmp_path, "localhost", "registry_image_info", dict(access, images=[args["image"]], architecture="riscv64")
    )
    assert (info["images"][0]["exists"], info["images"][0]["message"]) == (True, None)
    front.start(fault("status", "GET", MANIFEST, times=1, **busy), fault("status", "GET", BLOB, times=1, **busy))
    copy = dict(
        access,
        images=[{"source": args["image"], "target": args["image"].replace("faults-", "copied-")}],
        architecture="riscv64",
    )
    assert modules.task(lab, tmp_path, "localhost", "registry_image_copy", copy)["changed"]
    front.start(fault("status", "GET", MANIFEST, times=ALWAYS, status=429, headers={"Retry-After": "3600"}))
    assert_clear(pushed(lab, tmp_path, dict(args, timeout=5)), FRONT, "limits the number of requests", "wait a while")


@pytest.mark.parametrize("kind", ["short", pytest.param("cut", marks=pytest.mark.slow)])
def test_a_copy_that_breaks(lab, front, image, tmp_path, kind):
    target = image.replace(FRONT, lab.registry).replace("faults-", "copied-")
    args = {"images": [{"source": image, "target": target}], "architecture": "riscv64"}
    args["registries"] = [{"host": host, "plain_http": True} for host in (FRONT, lab.registry)]
    # Every blob comes broken but the config, which is read first.
    front.start(fault(kind, "GET", BLOB, times=ALWAYS, skip=1))
    result = modules.task(lab, tmp_path, "localhost", "registry_image_copy", args)
    assert_clear(result, FRONT, "damaged" if kind == "short" else "broke off")
    question = {"images": [target], "registries": args["registries"], "architecture": "riscv64"}
    assert modules.task(lab, tmp_path, "localhost", "registry_image_info", question)["images"][0]["exists"] is False
    front.start()
    rows = modules.tasks(lab, tmp_path, "localhost", *[{"riscv.k3s.registry_image_copy": args}] * 2).rows
    assert [row["result"]["changed"] for row in rows] == [True, False]


def test_an_amd64_program_is_refused_by_name(lab, front, tmp_path):
    """build_images, with a program of the lab's boards instead of a riscv64 one."""
    program = tmp_path / "coredns"
    shutil.copy(pathlib.Path(lab.state) / "programs/board", program)
    entry = {
        "stock": "docker.io/tests/amd64",
        "source": lab.registry + "/tests/amd64:1",
        "build": {"src": str(program)},
    }
    run = modules.play(lab, tmp_path, "riscv.k3s.build_images", "-e", json.dumps({"riscv_k3s_catalogue": [entry]}))
    assert run.rc != 0 and len(run.failures) == 1, run.output
    message = run.output
    assert str(program) in message and "amd64" in message and "riscv64" in message and "Traceback" not in message
