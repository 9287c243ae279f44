# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_copy between real registries, and through ones that fail midway."""

import json
import os

import pytest
import registry_content as content
from hostile_registry import Hostile
from registry_servers import docker_registry, scripted

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.logins import default_root
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import registry_image_copy

pytestmark = pytest.mark.usefixtures("fresh_home")
STOCK = "riscv64/rancher/mirrored-pause:3.6"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("one")) as one, docker_registry(tmp_path_factory.mktemp("two")) as two:
        content.push_image(one, "riscv64/pause", "3.10")
        content.push_image(one, "amd64/pause", "3.10", "amd64")
        content.push_index(one, "many/app", "1", ["amd64", "riscv64"])
        yield one, two


@pytest.fixture(params=["within", "between"])
def pair(request, hosts):
    """Source and target registry: one and the same, or two."""
    return hosts[0], hosts[0 if request.param == "within" else 1]


def run(hosts, images, check_mode=False, architecture="riscv64", timeout=5, runner=None):
    images = [{"source": source, "target": target} for source, target in images]
    params = {"images": images, "architecture": architecture, "variant": None}
    with content.opened(*hosts, timeout=timeout, runner=runner) as skopeo:
        return registry_image_copy.run(params, check_mode, skopeo)


held = content.held


def left():
    """What is still there of runs that are over."""
    return [name for name in os.listdir(default_root()) if name != "in-use"]


def test_check_run_check_run(pair, request):
    repository, tag = "riscv64/rancher/%s" % request.node.callspec.id, "3.6"
    images = [("%s/riscv64/pause:3.10" % pair[0], "%s/%s:%s" % (pair[1], repository, tag))]
    predicted = run(pair, images, check_mode=True)
    assert held(pair[1], repository, tag) is None
    real = run(pair, images)
    assert real == predicted
    manifest, blobs = content.image()
    digest = content.digest_of(manifest)
    assert held(pair[1], repository, tag) == digest
    (row,) = real["images"]
    assert (real["changed"], row["digest"], row["before"], row["size"]) == (True, digest, None, sum(map(len, blobs)))
    assert row["blobs_copied"] == sorted(map(content.digest_of, blobs))
    assert real["diff"] == {"before": "", "after": "%s %s\n" % (images[0][1], digest)}
    for check_mode in (True, False):
        again = run(pair, images, check_mode)
        assert not again["changed"]
        assert (again["images"][0]["before"], again["images"][0]["blobs_copied"]) == (digest, [])
    assert left() == []


def test_the_copy_can_be_read(hosts):
    run(hosts, [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/read/pause:1")])
    for blob in content.image()[1]:
        assert content.blob(hosts[1], "read/pause", content.digest_of(blob)) == blob


def test_one_architecture_of_an_index_becomes_its_bare_manifest(pair):
    images = [(pair[0] + "/many/app:1", pair[1] + "/one/app:1")]
    row = run(pair, images)["images"][0]
    assert row["digest"] == content.digest_of(content.image("riscv64", (b"layer of riscv64",))[0])
    assert held(pair[1], "one/app", "1") == row["digest"]


def test_all_architectures_are_copied_as_they_are(pair):
    images = [(pair[0] + "/many/app:1", pair[1] + "/all/app:1")]
    row = run(pair, images, architecture="all")["images"][0]
    assert row["digest"] == held(pair[0], "many/app", "1") == held(pair[1], "all/app", "1")
    assert not run(pair, images, architecture="all")["changed"]


def test_a_tag_that_named_something_else_is_moved(hosts):
    old = content.push_image(hosts[1], "moved/pause", "1", layers=(b"old",))
    done = run(hosts, [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/moved/pause:1")])
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
        ("{one}/riscv64/pause:3.10", "{two}/x", "no tag in target"),
        ("not/Valid", "{two}/x:1", "not an image reference"),
    ],
)
def test_what_cannot_be_copied(hosts, source, target, message):
    with pytest.raises(Problem) as caught:
        run(hosts, [(source.format(one=hosts[0], two=hosts[1]), target.format(two=hosts[1]))])
    assert message in str(caught.value)
    assert held(hosts[1], "x", "1") is None


@pytest.mark.parametrize(
    "bad",
    [("{one}/none:9", "{two}/bad:1"), ("{one}/riscv64/pause:3.10", "127.0.0.1:1/bad:1")],
    ids=["source", "target"],
)
def test_nothing_is_published_where_one_of_them_cannot_be(hosts, bad):
    images = [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/first/of-two:1")]
    images.append(tuple(text.format(one=hosts[0], two=hosts[1]) for text in bad))
    with pytest.raises(RegistryProblem):
        run(hosts, images)
    assert held(hosts[1], "first/of-two", "1") is None


def test_what_was_published_before_a_later_one_failed_is_told(hosts):
    with scripted(content.served((503, {}, b""))) as (host, dummy):
        images = [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/first/done:1")]
        images += [(host + "/app:1", hosts[1] + "/second/not:1")]
        with pytest.raises(RegistryProblem, match="published before: %s/first/done:1" % hosts[1]) as caught:
            run([*hosts, host], images, timeout=1)
    assert held(hosts[1], "first/done", "1") and held(hosts[1], "second/not", "1") is None
    result = caught.value.result
    assert (result["changed"], [row["target"] for row in result["images"]]) == (True, [images[0][1]])


def test_a_source_that_is_published_by_the_same_run(hosts):
    images = [(hosts[0] + "/many/app:1", hosts[1] + "/chain/one:1")]
    images.append((hosts[1] + "/chain/one:1", hosts[1] + "/chain/two:1"))
    predicted = run(hosts, images, check_mode=True)
    assert run(hosts, images) == predicted
    assert held(hosts[1], "chain/two", "1") == held(hosts[1], "chain/one", "1")
    assert [row["source"] for row in predicted["images"]] == [hosts[0] + "/many/app:1", hosts[1] + "/chain/one:1"]


@pytest.mark.parametrize(
    "code, message",
    [
        ("NAME_UNKNOWN", "repository name not known to registry"),
        ("MANIFEST_UNKNOWN", "manifest unknown"),
        ("NOT_FOUND", "repository proj/app not found"),
        ("TAG_EXPIRED", "Tag 1 was deleted or has expired. To pull, revive via time machine"),
    ],
)
def test_the_first_publication_into_a_new_repository(code, message):
    """skopeo leaves a registry's message out where it is the usual one."""
    told = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    with Hostile("127.0.0.1") as one, Hostile("127.0.0.1") as two:
        one.put_image("1")
        absent = 404, {"Content-Type": "application/json"}, told
        two.rule("^GET .*/manifests/1", lambda asked, dummy: two.good(asked) if "1" in two.manifests else absent)
        assert run([one.host, two.host], [(one.host + "/app:1", two.host + "/new/app:1")])["changed"]


ELSEWHERE = {"urls": ["http://127.0.0.1:1/layer"]}


@pytest.mark.parametrize(
    "architecture, target, is_taken",
    [("riscv64", 0, False), ("riscv64", 1, False), ("all", 1, False), ("all", 0, True)],
)
def test_layers_that_lie_elsewhere(architecture, target, is_taken):
    """skopeo would ask whatever address a manifest names, on the way through a folder."""
    data = json.loads(content.image()[0])
    data["layers"][0].update(ELSEWHERE)
    with Hostile("127.0.0.1") as one, Hostile("127.0.0.1") as two:
        one.put("1", json.dumps(data).encode(), content.image()[1])
        asked, images = [one.host, two.host], [(one.host + "/app:1", [one.host, two.host][target] + "/copy:2")]
        if is_taken:
            assert run(asked, images, architecture=architecture)["changed"]
            return
        with pytest.raises(RegistryProblem, match="layers that lie at other addresses"):
            run(asked, images, architecture=architecture)


def test_two_sources_for_one_target(hosts):
    with pytest.raises(Problem) as caught:
        run(hosts, [(hosts[0] + "/a:1", hosts[1] + "/x:1"), (hosts[0] + "/b:1", hosts[1] + "/x:1")])
    assert "target of two sources" in str(caught.value)


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
def test_a_copy_that_breaks_sets_no_tag_and_goes_on_where_it_ended(hosts, request, layer_sent, cause, words):
    repository = "broken/n%d" % abs(hash(request.node.name))
    with scripted(content.served(layer_sent)) as (host, script):
        images = [(host + "/app:1", "%s/%s:1" % (hosts[1], repository))]
        with pytest.raises(RegistryProblem) as caught:
            run([host, hosts[1]], images, timeout=1)
        assert (caught.value.cause, words in str(caught.value)) == (cause, True), str(caught.value)
        assert held(hosts[1], repository, "1") is None and left() == []
        script.answers.update(content.served((200, {}, b"layer")))
        done = run([host, hosts[1]], images)
        assert held(hosts[1], repository, "1") == done["images"][0]["digest"]


def test_a_full_disk_is_not_called_the_registry_s_fault(hosts):
    with pytest.raises(Problem) as caught:
        images = [(hosts[0] + "/riscv64/pause:3.10", hosts[1] + "/full/pause:1")]
        run(hosts, images, runner=content.FullDisk())
    assert "no space left on device" in str(caught.value) and "make room" in str(caught.value)
    assert caught.value.cause == "pull-disk-full"


def test_the_module_itself(hosts, monkeypatch, capsys):
    images = [{"source": hosts[0] + "/riscv64/pause:3.10", "target": "%s/%s" % (hosts[1], STOCK)}]
    arguments = {"images": images, "registries": [{"host": host, "plain_http": True} for host in hosts]}
    monkeypatch.setattr(
        "ansible.module_utils.basic._ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    )
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit) as ended:
        registry_image_copy.main()
    assert (ended.value.code, json.loads(capsys.readouterr().out)["changed"]) == (0, True)
