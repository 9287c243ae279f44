# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oci_image_build against a real registry: check, run, check, run; and everything a user can get wrong."""

import json
import os
import subprocess

import pytest
import registry_content as content
from ansible.module_utils import basic
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from programs import elf, member, tar
from registry_servers import PASSWORD, USER, docker_registry, program, scripted

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import oci_image_build

pytestmark = pytest.mark.usefixtures("fresh_home")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def archive(tmp_path):
    return tar(tmp_path / "coredns_1.14.7_linux_riscv64.tgz", member("coredns", elf()))


@pytest.fixture
def build(tmp_path):
    """Run the module with the options as Ansible would hand them over."""
    count = iter(range(100))

    def build(check_mode=False, access=None, **options):
        work = tmp_path / ("work%d" % next(count))
        work.mkdir()
        registry = dict({"host": options["image"].partition("/")[0], "plain_http": True}, **(access or {}))
        checked = ArgumentSpecValidator(oci_image_build.ARGUMENT_SPEC).validate(
            dict({"registries": [registry], "timeout": 5}, **options)
        )
        assert not checked.error_messages
        if checked.validated_parameters["push"]:
            program("skopeo", "skopeo")
        return oci_image_build.run(checked.validated_parameters, check_mode, str(work))

    return build


def tagged(host, repository, tag="1"):
    return content.held(host, repository, tag)


@pytest.mark.parametrize("index", [False, True])
def test_check_run_check_run(host, archive, build, tmp_path, index):
    repository = "riscv64/coredns-%s" % str(index).lower()
    options = {
        "src": archive,
        "image": "%s/%s:1" % (host, repository),
        "index": index,
        "archive": str(tmp_path / "out.tar"),
    }
    predicted = build(check_mode=True, **options)
    assert (tagged(host, repository), os.path.exists(options["archive"])) == (None, False)
    real = build(**options)
    assert predicted == real and real["changed"] and len(real["layers_pushed"]) == 2 and real["layers_skipped"] == []
    assert tagged(host, repository) == real["digest"] == real["diff"][0]["after"]["digest"]
    settled = [build(check_mode=True, **options), build(**options)]
    for result in settled:
        assert (result["changed"], result["digest"], result["size"]) == (False, real["digest"], real["size"])
        assert result["layers_pushed"] == [] and sorted(result["layers_skipped"]) == sorted(real["layers_pushed"])
        assert all(diff["before"] == diff["after"] for diff in result["diff"])


@pytest.mark.parametrize("index", [False, True])
def test_annotations_are_in_the_manifest_and_labels_of_the_config(host, archive, build, index):
    said = {"org.opencontainers.image.source": "https://example.org/coredns", "riscv.k3s.recipe": "coredns"}
    options = {"src": archive, "image": "%s/annotated-%s:1" % (host, str(index).lower()), "index": index}
    first = build(annotations=said, labels={"own": "1"}, **options)
    assert first["diff"][0]["after"]["config"]["config"]["Labels"] == dict(said, own="1")
    raw = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + options["image"]],
        check=True,
        capture_output=True,
    ).stdout
    assert json.loads(raw)["annotations"] == said
    assert not build(annotations=said, labels={"own": "1"}, **options)["changed"]
    assert build(annotations=dict(said, more="1"), labels={"own": "1"}, **options)["changed"]


def test_skopeo_sees_what_was_meant(host, archive, build):
    skopeo = program("skopeo", "skopeo")
    result = build(
        src=archive,
        image=host + "/riscv64/seen:1",
        cmd=["-dns.port", 53],
        env={"A": 1},
        labels={"l": True},
        entrypoint=["/coredns"],
        user=65532,
    )
    base = [skopeo, "inspect", "--tls-verify=false", "docker://" + result["image"]]
    shown = json.loads(subprocess.run(base, check=True, stdout=subprocess.PIPE).stdout)
    config = json.loads(subprocess.run(base[:2] + ["--config"] + base[2:], check=True, stdout=subprocess.PIPE).stdout)
    assert (shown["Digest"], shown["Architecture"]) == (result["digest"], "riscv64")
    assert config["config"] == {
        "Entrypoint": ["/coredns"],
        "Cmd": ["-dns.port", "53"],
        "Env": ["A=1"],
        "Labels": {"l": "True"},
        "User": "65532",
    }


def test_a_change_uploads_only_what_is_new(host, archive, build):
    first = build(src=archive, image=host + "/riscv64/changed:1")
    second = build(src=archive, image=host + "/riscv64/changed:1", user="1000")
    assert (
        second["changed"]
        and second["layers_pushed"] == [second["config_digest"]]
        and len(second["layers_skipped"]) == 1
    )
    before, after = second["diff"][0]["before"], second["diff"][0]["after"]
    assert (before["digest"], after["digest"]) == (first["digest"], second["digest"])
    assert (before["config"]["config"].get("User"), after["config"]["config"]["User"]) == (None, "1000")


def test_bare_manifest_and_index_replace_each_other(host, archive, build):
    image = host + "/riscv64/kind:1"
    digests = [build(src=archive, image=image, index=index)["digest"] for index in (False, True, False)]
    assert digests[0] == digests[2] != digests[1]


def test_an_image_by_somebody_else_is_replaced(host, archive, build):
    foreign = content.push_manifest(host, "riscv64/foreign", "1", content.OCI_INDEX, content.index([]))
    result = build(src=archive, image=host + "/riscv64/foreign:1")
    assert result["changed"] and result["diff"][0]["before"]["digest"] == foreign
    assert tagged(host, "riscv64/foreign") == result["digest"] != foreign


def test_an_image_of_several_platforms_by_somebody_else_is_replaced(host, archive, build):
    foreign = content.push_index(host, "riscv64/several", "1", ["amd64", "riscv64"])
    result = build(src=archive, image=host + "/riscv64/several:1")
    assert (result["changed"], result["diff"][0]["before"]["digest"]) == (True, foreign)
    assert tagged(host, "riscv64/several") == result["digest"] != foreign


def test_without_push_only_the_archive_is_written(archive, build, tmp_path):
    options = {
        "src": archive,
        "image": "docker.io/rancher/mirrored-coredns-coredns:1.9.1",
        "push": False,
        "archive": str(tmp_path / "out.tar"),
    }
    results = [build(check_mode=True, **options), build(**options), build(check_mode=True, **options), build(**options)]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert results[0] == results[1] and len({result["digest"] for result in results}) == 1
    assert "layers_pushed" not in results[0]


@pytest.mark.parametrize("given", ["options", "docker"])
def test_login(tmp_path_factory, archive, build, fresh_home, given):
    with docker_registry(tmp_path_factory.mktemp("closed"), login=True) as closed:
        options = {"src": archive, "image": closed + "/riscv64/coredns:1"}
        with pytest.raises(Problem, match="requires a login"):
            build(**options)
        with pytest.raises(Problem, match="the registry refuses user builder") as caught:
            build(access={"username": USER, "password": "wr0ng"}, **options)
        assert "wr0ng" not in str(caught.value)
        if given == "options":
            options["access"] = {"username": USER, "password": PASSWORD}
        else:
            (fresh_home / ".docker").mkdir()
            auth = content.BASIC.partition(" ")[2]
            (fresh_home / ".docker" / "config.json").write_text(json.dumps({"auths": {closed: {"auth": auth}}}))
        assert build(**options)["changed"]
        assert not build(**options)["changed"]


def uploads(repository, stored):
    """Answers of a registry that takes uploads; ``stored`` is what it says when one is complete."""
    base = "/v2/%s/blobs/uploads/" % repository
    return {
        ("GET", "/v2/"): (200, {}, b"{}"),
        ("POST", base): (202, {"Location": "/upload"}, b""),
        ("PATCH", "/upload"): (202, {"Location": "/upload"}, b""),
        ("PUT", "/upload"): stored,
        ("PUT", "/v2/%s/manifests/1" % repository): (201, {}, b""),
    }


def completed(script):
    return [path.split("?")[0] for method, path, _headers, _body in script.seen if method == "PUT"]


def test_the_manifest_comes_last_and_not_after_a_failure(archive, build):
    """A registry whose disk is full at the second blob never gets a manifest that names it."""
    with scripted(uploads("a", [(201, {}, b""), (500, {}, b"disk full")])) as (host, script):
        with pytest.raises(Problem, match="has a fault. Found: .*500 Internal Server Error"):
            build(src=archive, image=host + "/a:1")
        assert completed(script)[0] == "/upload" and "/v2/a/manifests/1" not in completed(script)
        script.answers["PUT", "/upload"] = (201, {}, b"")
        script.seen.clear()
        # This one keeps nothing of what it takes, which is seen as well.
        with pytest.raises(Problem, match="was published, and nothing came back"):
            build(src=archive, image=host + "/a:1")
        assert completed(script) == ["/upload", "/upload", "/v2/a/manifests/1"]


def test_check_mode_only_reads(archive, build):
    with scripted(uploads("a", (201, {}, b""))) as (host, script):
        assert build(check_mode=True, src=archive, image=host + "/a:1")["changed"]
    assert {method for method, _path, _headers, _body in script.seen} == {"GET"}


WRONG = {
    "no registry": (
        {"image": "coredns:1"},
        "coredns:1 cannot be pushed. Found: no registry in image, so it means docker.io/library/coredns:1",
    ),
    "no tag": ({"image": "host:5000/a"}, "host:5000/a cannot be built. Found: no tag in image"),
    "digest": ({"image": "host:5000/a@sha256:" + "0" * 64}, "cannot be built. Found: a digest in image"),
    "reference": ({"image": "host:5000/Upper:1"}, "is not an image reference"),
    "nothing to do": ({"image": "host:5000/a:1", "push": False}, "there is nothing to do"),
    "source": (
        {"image": "host:5000/a:1", "src": "/nowhere/a.tgz"},
        "/nowhere/a.tgz was not found on the controller. Found: no such folder",
    ),
    "mode": (
        {"image": "host:5000/a:1", "files": [{"src": "/etc/hostname", "dest": "/x", "mode": "9"}]},
        "'9' is not a file mode",
    ),
    "authorities": ({"image": "host:5000/a:1", "ca_certificates": "/nowhere.pem"}, "/nowhere.pem was not found"),
    "half a login": ({"image": "host:5000/a:1", "access": {"username": "me"}}, "username without password"),
    "ca_file": ({"image": "host:5000/a:1", "access": {"ca_file": "/nowhere.pem"}}, "no file /nowhere.pem"),
}


@pytest.mark.parametrize("options, message", WRONG.values(), ids=WRONG.keys())
def test_mistakes(archive, build, options, message):
    with pytest.raises(Problem) as caught:
        build(**dict({"src": archive}, **options))
    assert message in str(caught.value)


def test_an_archive_does_not_take_the_place_of_another_file(archive, build, tmp_path):
    (tmp_path / "notes").write_text("precious")
    with pytest.raises(Problem, match="what is there is not a tar archive"):
        build(src=archive, image="host:5000/a:1", push=False, archive=str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "precious"


@pytest.mark.parametrize(
    "value, bundle", [(False, None), ("no", None), (True, "system"), ("yes", "system"), ("/own.pem", "/own.pem")]
)
def test_ca_certificates(monkeypatch, tmp_path, value, bundle):
    (tmp_path / "system").touch()
    monkeypatch.setattr(oci_image_build, "_SYSTEM_BUNDLES", ("/nowhere", str(tmp_path / "system")))
    assert oci_image_build._bundle(value) == (str(tmp_path / "system") if bundle == "system" else bundle)


def test_no_system_authorities(monkeypatch):
    monkeypatch.setattr(oci_image_build, "_SYSTEM_BUNDLES", ("/nowhere",))
    with pytest.raises(Problem, match="no bundle of authorities.*Next: set ca_certificates to a path"):
        oci_image_build._bundle(True)


def test_main_turns_a_problem_into_a_failure(monkeypatch, capsys):
    login = {"host": "host:5000", "password": "s3cret", "username": "me"}
    arguments = json.dumps(
        {"ANSIBLE_MODULE_ARGS": {"src": "/nowhere/a.tgz", "image": "host:5000/a:1", "registries": [login]}}
    ).encode()
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit):
        oci_image_build.main()
    said = capsys.readouterr().out
    result = json.loads(said)
    assert (
        result["failed"]
        and result["next_step"]
        and result["msg"].startswith("/nowhere/a.tgz was not found")
        and "s3cret" not in said
    )


LONG = "/" + "x" * 300


@pytest.mark.parametrize(
    "options, message",
    [
        ({"files": [{"src": "/etc/hostname", "dest": "../x"}]}, r"'\.\./x' is no path in an image.*files\[\].dest"),
        ({"files": [{"src": "/etc/hostname", "dest": "x"}]}, "'x' is no path in an image.*from / on"),
        ({"files": [{"src": "/etc/hostname", "dest": "/a/"}]}, "'/a/' is no path in an image"),
        ({"files": [{"src": "/etc/hostname", "dest": ""}]}, "'' is no path in an image"),
        ({"files": [{"src": "/etc/hostname", "dest": LONG}]}, "is no path in an image"),
        ({"links": {"/a/../../x": "y"}}, "is no path in an image.*links"),
        ({"links": {"x": "y"}}, "'x' is no path in an image.*links"),
        ({"links": {"/x": ""}}, "/x is a link to nothing"),
        ({"dest": "../coredns"}, "is no path in an image.*Where: dest"),
    ],
)
def test_a_place_that_no_board_could_unpack(archive, build, tmp_path, options, message):
    saved = tmp_path / "a.tar"
    with pytest.raises(Problem, match=message):
        build(image="h:1/a:1", push=False, archive=str(saved), src=archive, **options)
    assert not saved.exists()
