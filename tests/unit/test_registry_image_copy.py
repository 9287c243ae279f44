# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_copy between real registries, and through ones that fail midway."""

import json

import pytest
import registry_content as content
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.modules import registry_image_copy
from registry_servers import docker_registry, scripted

STOCK = "riscv64/rancher/mirrored-pause:3.6"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("one")) as one, docker_registry(tmp_path_factory.mktemp("two")) as two:
        client = content.connect(one)
        content.push_image(client, "riscv64/pause", "3.10")
        content.push_image(client, "amd64/pause", "3.10", "amd64")
        content.push_index(client, "many/app", "1", ["amd64", "riscv64"])
        yield one, two


@pytest.fixture(params=["within", "between"])
def pair(request, hosts):
    """Source and target registry: one and the same, or two."""
    return hosts[0], hosts[0 if request.param == "within" else 1]


def run(work, hosts, images, check_mode=False, architecture="riscv64"):
    registries = [{"host": host, "plain_http": True, "tls_verify": True, "ca_file": None, "username": None, "password": None} for host in sorted(set(hosts))]
    images = [{"source": source, "target": target} for source, target in images]
    return registry_image_copy.run({"images": images, "architecture": architecture, "registries": registries, "timeout": 5}, check_mode, str(work))


def held(host, repository, tag):
    found = content.connect(host).manifest(repository, tag)
    return found and found.digest


def test_check_run_check_run(tmp_path, pair, request):
    repository, tag = "riscv64/rancher/%s" % request.node.callspec.id, "3.6"
    images = [("%s/riscv64/pause:3.10" % pair[0], "%s/%s:%s" % (pair[1], repository, tag))]
    predicted = run(tmp_path, pair, images, check_mode=True)
    assert held(pair[1], repository, tag) is None
    real = run(tmp_path, pair, images)
    assert real == predicted
    manifest, blobs = content.image()
    digest = content.digest_of(manifest)
    assert held(pair[1], repository, tag) == digest
    (row,) = real["images"]
    assert (real["changed"], row["digest"], row["before"], row["size"]) == (True, digest, None, sum(map(len, blobs)))
    assert row["blobs_copied"] == sorted(map(content.digest_of, blobs))
    assert real["diff"] == {"before": "", "after": "%s %s\n" % (images[0][1], digest)}
    for check_mode in (True, False):
        again = run(tmp_path, pair, images, check_mode)
        assert not again["changed"]
        assert (again["images"][0]["before"], again["images"][0]["blobs_copied"]) == (digest, [])
    assert list(tmp_path.iterdir()) == []


def test_the_copy_can_be_read(tmp_path, hosts):
    run(tmp_path, hosts, [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/read/pause:1")])
    for blob in content.image()[1]:
        assert content.connect(hosts[1]).blob("read/pause", content.digest_of(blob)) == blob


def test_one_architecture_of_an_index_becomes_its_bare_manifest(tmp_path, pair):
    images = [(pair[0] + "/many/app:1", pair[1] + "/one/app:1")]
    row = run(tmp_path, pair, images)["images"][0]
    assert row["digest"] == content.digest_of(content.image("riscv64", (b"layer of riscv64",))[0])
    assert held(pair[1], "one/app", "1") == row["digest"]


def test_all_architectures_are_copied_as_they_are(tmp_path, pair):
    images = [(pair[0] + "/many/app:1", pair[1] + "/all/app:1")]
    row = run(tmp_path, pair, images, architecture="all")["images"][0]
    assert row["digest"] == held(pair[0], "many/app", "1") == held(pair[1], "all/app", "1")
    assert not run(tmp_path, pair, images, architecture="all")["changed"]


def test_a_tag_that_named_something_else_is_moved(tmp_path, hosts):
    old = content.push_image(content.connect(hosts[1]), "moved/pause", "1", layers=(b"old",))
    done = run(tmp_path, hosts, [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/moved/pause:1")])
    assert (done["images"][0]["before"], done["diff"]["before"]) == (old, "%s/moved/pause:1 %s\n" % (hosts[1], old))
    assert held(hosts[1], "moved/pause", "1") == done["images"][0]["digest"] != old


@pytest.mark.parametrize(
    "source, target, message",
    [
        ("{one}/riscv64/pause:9", "{two}/x:1", "there are 3.10"),
        ("{one}/none:9", "{two}/x:1", "no such repository"),
        ("{one}/amd64/pause:3.10", "{two}/x:1", "has no content for riscv64"),
        ("{one}/riscv64/pause:3.10", "{two}/x@sha256:" + "0" * 64, "a digest in target"),
        ("{one}/riscv64/pause:3.10", "rancher/x:1", "no registry in target"),
        ("not/Valid", "{two}/x:1", "not an image reference"),
    ],
)
def test_what_cannot_be_copied(tmp_path, hosts, source, target, message):
    with pytest.raises(Problem) as caught:
        run(tmp_path, hosts, [(source.format(one=hosts[0], two=hosts[1]), target.format(two=hosts[1]))])
    assert message in str(caught.value)
    assert held(hosts[1], "x", "1") is None


def test_two_sources_for_one_target(tmp_path, hosts):
    with pytest.raises(Problem) as caught:
        run(tmp_path, hosts, [(hosts[0] + "/a:1", hosts[1] + "/x:1"), (hosts[0] + "/b:1", hosts[1] + "/x:1")])
    assert "target of two sources" in str(caught.value)


def source_answers(layer_sent):
    """Answers of a made-up registry that holds app:1, whose layer comes as ``layer_sent``."""
    manifest, (config, layer) = content.image()
    return {
        ("GET", "/v2/app/manifests/1"): (200, {"Content-Type": content.OCI_MANIFEST}, manifest),
        ("GET", "/v2/app/blobs/" + content.digest_of(config)): (200, {}, config),
        ("GET", "/v2/app/blobs/" + content.digest_of(layer)): layer_sent,
    }


@pytest.mark.parametrize(
    "layer_sent, cause, words",
    [
        ((200, {}, b"lay"), "damaged", "3 of 5 bytes"),
        ((200, {}, b"LAYER"), "damaged", "came damaged"),
        ((503, {}, b""), "server_error", "run again"),
        ((429, {"Retry-After": "300"}, b""), "rate_limited", "wait 300 s"),
        ((404, {}, b""), "not_found", "does not have it"),
    ],
)
def test_a_copy_that_breaks_sets_no_tag_and_goes_on_where_it_ended(tmp_path, hosts, request, layer_sent, cause, words):
    repository = "broken/n%d" % abs(hash(request.node.name))
    with scripted(source_answers(layer_sent)) as (host, script):
        images = [(host + "/app:1", "%s/%s:1" % (hosts[1], repository))]
        with pytest.raises(RegistryProblem) as caught:
            run(tmp_path, [host, hosts[1]], images)
        assert caught.value.cause == cause and words in str(caught.value)
        assert held(hosts[1], repository, "1") is None
        script.answers.update(source_answers((200, {}, b"layer")))
        done = run(tmp_path, [host, hosts[1]], images)
        assert held(hosts[1], repository, "1") == done["images"][0]["digest"]


def test_a_full_disk_is_not_called_the_registry_s_fault(tmp_path, hosts):
    (tmp_path / "blob").symlink_to("/dev/full")
    with pytest.raises(Problem) as caught:
        run(tmp_path, hosts, [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/full/pause:1")])
    assert "No space left on device" in str(caught.value) and "make room" in str(caught.value)


def test_a_registry_that_mounts_nothing_gets_the_bytes(tmp_path):
    """It answers a mount with 202, which opens an upload."""
    manifest, blobs = content.image()
    answers = source_answers((200, {}, b"layer"))
    answers["POST", "/v2/copy/blobs/uploads/"] = (202, {"Location": "/upload"}, b"")
    answers["PUT", "/upload"] = answers["PUT", "/v2/copy/manifests/1"] = (201, {}, b"")
    with scripted(answers) as (host, script):
        run(tmp_path, [host], [(host + "/app:1", host + "/copy:1")])
    sent = [(path.split("?")[0], body) for method, path, dummy, body in script.seen if method == "PUT"]
    assert sorted(sent[:-1]) == sorted(("/upload", blob) for blob in blobs)
    assert sent[-1] == ("/v2/copy/manifests/1", manifest)


def test_the_module_itself(hosts, monkeypatch, capsys):
    images = [{"source": hosts[0] + "/riscv64/pause:3.10", "target": "%s/%s" % (hosts[1], STOCK)}]
    arguments = {"images": images, "registries": [{"host": host, "plain_http": True} for host in hosts]}
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit) as ended:
        registry_image_copy.main()
    assert (ended.value.code, json.loads(capsys.readouterr().out)["changed"]) == (0, True)
