# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_archive from a real registry, and from ones that fail midway. That containerd takes it is tested on
the lab.
"""

import hashlib
import io
import json
import os
import tarfile
import threading

import pytest
import registry_content as content
from registry_servers import docker_registry, scripted

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner
from ansible_collections.riscv.k3s.plugins.module_utils._registry.part import Part
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import registry_image_archive

pytestmark = pytest.mark.usefixtures("fresh_home")
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
NEW_PAUSE = "docker.io/rancher/mirrored-pause:3.10.2"
APP = "docker.io/rancher/app:1"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as address:
        content.push_image(address, "riscv64/pause", "3.10")
        content.push_image(address, "riscv64/other", "1", layers=(b"layer", b"other"))
        content.push_image(address, "amd64/pause", "3.10", "amd64")
        content.push_image(address, "docker/pause", "3.10", kind=content.DOCKER_MANIFEST)
        content.push_index(address, "many/app", "1", ["amd64", "riscv64"])
        yield address


def images(host, **more):
    return [dict({"source": host + "/riscv64/pause:3.10", "targets": [PAUSE, NEW_PAUSE], "digest": None}, **more)]


def run(path, wanted, *hosts, check_mode=False, timeout=5, runner=None):
    params = {"path": str(path), "images": wanted, "architecture": "riscv64", "variant": None}
    with content.opened(*hosts, timeout=timeout, runner=runner) as skopeo:
        return registry_image_archive.run(params, check_mode, skopeo)


def members(path):
    with tarfile.open(str(path)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_check_run_check_run(tmp_path, host):
    path = tmp_path / "new folder" / "images.tar"
    predicted = run(path, images(host), host, check_mode=True)
    assert not path.exists() and not path.parent.exists()
    real = run(path, images(host), host)
    assert real == predicted and real["changed"]
    manifest, blobs = content.image()
    digest = content.digest_of(manifest)
    assert [(row["name"], row["digest"], row["before"]) for row in real["images"]] == [
        (NEW_PAUSE, digest, None),
        (PAUSE, digest, None),
    ]
    assert real["fetched"] == sorted(map(content.digest_of, blobs))
    assert real["diff"] == {"before": "", "after": "%s %s\n%s %s\n" % (NEW_PAUSE, digest, PAUSE, digest)}
    for check_mode in (True, False):
        again = run(path, images(host), host, check_mode=check_mode)
        assert (again["changed"], again["fetched"], again["downloaded"]) == (False, [], 0)
        assert [row["before"] for row in again["images"]] == [digest, digest]
    assert [entry.name for entry in path.parent.iterdir()] == ["images.tar"]


def test_what_is_in_it(tmp_path, host):
    """Both names stand in the index, their content once; every blob is what it is called."""
    run(tmp_path / "images.tar", images(host), host)
    found = members(tmp_path / "images.tar")
    assert list(found)[:2] == ["index.json", "oci-layout"]
    entries = json.loads(found["index.json"])["manifests"]
    assert [entry["annotations"]["io.containerd.image.name"] for entry in entries] == [NEW_PAUSE, PAUSE]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["3.10.2", "3.6"]
    assert {entry["digest"] for entry in entries} == {content.digest_of(content.image()[0])}
    blobs = {name: data for name, data in found.items() if name.startswith("blobs/")}
    assert len(blobs) == 3
    assert all(name == "blobs/sha256/" + hashlib.sha256(data).hexdigest() for name, data in blobs.items())


def test_the_same_bytes_wherever_and_in_whatever_order(tmp_path, host):
    other = {"source": host + "/riscv64/other:1", "targets": [APP], "digest": None}
    run(tmp_path / "one.tar", images(host) + [other], host)
    turned = [other] + images(host, targets=[NEW_PAUSE, PAUSE])
    run(tmp_path / "two.tar", turned, host)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_one_architecture_of_an_index(tmp_path, host):
    top = content.held(host, "many/app", "1")
    wanted = [{"source": host + "/many/app:1", "targets": [APP], "digest": top}]
    done = run(tmp_path / "images.tar", wanted, host)
    assert done["images"][0]["digest"] == content.digest_of(content.image("riscv64", (b"layer of riscv64",))[0])


def test_what_it_holds_is_not_fetched_again(tmp_path, host):
    path = tmp_path / "images.tar"
    run(path, images(host), host)
    other = {"source": host + "/riscv64/other:1", "targets": [APP], "digest": None}
    done = run(path, images(host, targets=[PAUSE]) + [other], host)
    # skopeo fetches whole images; the one that the archive holds is none of them.
    blobs = content.image(layers=(b"layer", b"other"))[1]
    assert (done["changed"], done["fetched"]) == (True, sorted(map(content.digest_of, blobs)))
    assert done["downloaded"] == sum(map(len, blobs))
    assert sorted(line.split()[0] for line in done["diff"]["after"].splitlines()) == [APP, PAUSE]
    again = run(path, images(host, targets=[PAUSE]), host)
    assert (again["changed"], again["fetched"], again["downloaded"]) == (True, [], 0)
    run(path, images(host, targets=[PAUSE]) + [other], host)
    assert (
        len(members(path)) == 2 + 2 + 3
    )  # texts, manifests, blobs (both images have the config and a layer in common)


@pytest.mark.parametrize("damage", ["truncated", "a bit", "empty"])
def test_a_damaged_archive_is_made_anew(tmp_path, host, damage):
    path = tmp_path / "images.tar"
    run(path, images(host), host)
    good = path.read_bytes()
    place = good.index(b"layer\0")
    bad = {
        "truncated": good[:place],
        "a bit": good[:place] + b"L" + good[place + 1 :],
        "empty": b"",
    }[damage]
    path.write_bytes(bad)
    done = run(path, images(host), host)
    assert done["changed"] and path.read_bytes() == good


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda path: path.write_bytes(b"precious"), "what is there is not a tar archive"),
        (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(2000)), "what is there is not a tar archive"),
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: os.mkfifo(str(path)), "what is there is not a tar archive"),
        (lambda path: os.symlink("nowhere", str(path)), "what is there is not a tar archive"),
    ],
    ids=["text", "gzip", "folder", "pipe", "link to nothing"],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_is_no_archive_is_not_replaced(tmp_path, host, make, message, check_mode):
    path = tmp_path / "images.tar"
    make(path)
    before = os.lstat(str(path))
    with pytest.raises(Problem, match=message):
        run(path, images(host), host, check_mode=check_mode)
    assert os.path.samestat(before, os.lstat(str(path))) and os.listdir(str(tmp_path)) == ["images.tar"]


def test_two_runs_at_once(tmp_path, host):
    """The later waits, and finds it done."""
    path, done = tmp_path / "images.tar", []
    other = {"source": host + "/riscv64/other:1", "targets": [APP], "digest": None}
    threads = [
        threading.Thread(target=lambda: done.append(run(path, images(host) + [other], host))) for _number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one["changed"] for one in done) == [False, False, True]
    assert os.listdir(str(tmp_path)) == ["images.tar"] and len(members(path)) == 2 + 2 + 3


def test_a_run_that_another_one_does_not_end_for(tmp_path, host):
    path = tmp_path / "images.tar"
    with Part(str(path)).alone(0), pytest.raises(Problem, match="another run writes this archive"):
        run(path, images(host), host, timeout=1)
    assert not path.exists()
    assert run(path, images(host), host)["changed"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"targets": ["docker.io/rancher/app"]}, "no tag in targets"),
        ({"source": "{host}/riscv64/pause:9"}, "there are 3.10"),
        ({"source": "{host}/amd64/pause:3.10"}, "has no content for riscv64"),
        ({"digest": "sha256:" + "0" * 64}, "expected is sha256:" + "0" * 64),
        ({"digest": "3.10"}, "is not a digest"),
        ({"targets": []}, "targets is empty"),
        ({"targets": [PAUSE + "@sha256:" + "0" * 64]}, "a digest in targets"),
        ({"source": "not/Valid"}, "not an image reference"),
    ],
)
def test_what_cannot_be_put_in(tmp_path, host, change, message):
    wanted = images(
        host, **{key: value.format(host=host) if isinstance(value, str) else value for key, value in change.items()}
    )
    with pytest.raises(Problem) as caught:
        run(tmp_path / "images.tar", wanted, host)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_one_name_for_two_sources(tmp_path, host):
    wanted = images(host) + [{"source": host + "/riscv64/other:1", "targets": [PAUSE], "digest": None}]
    with pytest.raises(Problem) as caught:
        run(tmp_path / "images.tar", wanted, host)
    assert "name of two sources" in str(caught.value)


@pytest.mark.parametrize(
    "layer_sent, cause, words",
    [
        ((200, {}, b"lay"), "content-damaged", "got %s" % content.digest_of(b"lay")),
        ((200, {}, b"LAYER"), "content-damaged", "got %s" % content.digest_of(b"LAYER")),
        ((503, {}, b""), "registry-fault", "run again"),
        ((429, {"Retry-After": "300"}, b""), "registry-rate-limit", "wait a while"),
        ((404, {}, b""), "content-damaged", "Error fetching blob"),
    ],
)
def test_a_fetch_that_breaks_leaves_no_archive_and_goes_on_where_it_ended(tmp_path, host, layer_sent, cause, words):
    """Of two images the first is whole; it is not fetched once more after the second broke."""
    path = tmp_path / "images.tar"
    with scripted(content.served(layer_sent)) as (broken, script):
        whole = {"source": host + "/riscv64/other:1", "targets": [PAUSE], "digest": None}
        wanted = [whole, {"source": broken + "/app:1", "targets": [APP], "digest": None}]
        with pytest.raises(RegistryProblem) as caught:
            run(path, wanted, host, broken, timeout=1)
        assert (caught.value.cause, words in str(caught.value)) == (cause, True), str(caught.value)
        assert not path.exists()
        script.answers.update(content.served((200, {}, b"layer")))
        done = run(path, wanted, host, broken)
    assert done["fetched"] == sorted(map(content.digest_of, content.image()[1]))
    assert [row["name"] for row in done["images"]] == [APP, PAUSE]
    assert sorted(os.listdir(str(tmp_path))) == ["images.tar"]
    fresh = tmp_path / "fresh.tar"
    run(fresh, [whole, {"source": host + "/riscv64/pause:3.10", "targets": [APP], "digest": None}], host)
    assert fresh.read_bytes() == path.read_bytes()


def test_a_full_disk_is_not_called_the_registry_s_fault(tmp_path, host):
    path = tmp_path / "images.tar"
    with pytest.raises(Problem) as caught:
        run(path, images(host), host, runner=content.FullDisk())
    assert "no space left on device" in str(caught.value) and "make room" in str(caught.value)
    assert (caught.value.where, path.exists()) == (str(path) + ".part", False)


def test_docker_s_own_manifest_keeps_its_digest(tmp_path, host):
    """A lock names the digest; a copy that was made an OCI image on its way would have another."""
    digest = content.held(host, "docker/pause", "3.10")
    wanted = [{"source": host + "/docker/pause:3.10", "targets": [PAUSE], "digest": digest}]
    done = run(tmp_path / "images.tar", wanted, host)
    manifest, blobs = content.image(kind=content.DOCKER_MANIFEST)
    assert done["images"][0]["digest"] == content.digest_of(manifest)
    found = members(tmp_path / "images.tar")
    assert found["blobs/" + content.digest_of(manifest).replace(":", "/")] == manifest
    assert json.loads(found["index.json"])["manifests"][0]["mediaType"] == content.DOCKER_MANIFEST


def test_a_blob_that_is_another_than_its_name_is_not_taken(tmp_path, host):
    """skopeo compares what it fetches; this is for one that would not."""

    class Liar(Runner):
        def run(self, argv, **options):
            done = super().run(argv, **options)
            if argv[-1].startswith("dir:"):
                with open(os.path.join(argv[-1][4:], content.digest_of(b"layer").partition(":")[2]), "wb") as file:
                    file.write(b"LAYER")
            return done

    with pytest.raises(RegistryProblem, match="%s is missing or another" % content.digest_of(b"layer")):
        run(tmp_path / "images.tar", images(host), host, runner=Liar())
    assert not (tmp_path / "images.tar").exists()


def test_a_folder_that_cannot_be_written_to(tmp_path, host):
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as caught:
        run(tmp_path / "file" / "images.tar", images(host), host)
    assert "cannot be written" in str(caught.value)


def test_the_module_itself(tmp_path, host, monkeypatch, capsys):
    arguments = {
        "path": str(tmp_path / "images.tar"),
        "images": images(host),
        "registries": [{"host": host, "plain_http": True}],
    }
    monkeypatch.setattr(
        "ansible.module_utils.basic._ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    )
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit) as ended:
        registry_image_archive.main()
    assert (ended.value.code, json.loads(capsys.readouterr().out)["changed"]) == (0, True)
    assert tarfile.open(fileobj=io.BytesIO((tmp_path / "images.tar").read_bytes())).getnames()[0] == "index.json"
