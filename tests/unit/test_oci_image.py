# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as they are built: the same bytes each time, and refused when they could not start on a board."""

import gzip
import io
import json
import os
import tarfile

import pytest
from programs import elf, member, tar

from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Spec, build
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import OCI_INDEX, OCI_MANIFEST
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

LOADER = "/lib/ld-linux-riscv64-lp64d.so.1"


@pytest.fixture
def make(tmp_path):
    """Build an image of an archive with the given members."""
    count = iter(range(100))

    def make(*members, **spec):
        work = tmp_path / ("work%d" % next(count))
        work.mkdir()
        members = members or [member("coredns", elf())]
        return build(Spec(src=spec.pop("src", None) or tar(work / "coredns.tgz", *members), **spec), str(work))

    return make


def files(image):
    """{path: (mode, content or link)} of an image's layer."""
    with open(image.layer.path, "rb") as handle:
        data = gzip.decompress(handle.read())
    with tarfile.open(fileobj=io.BytesIO(data)) as layer:
        return {
            info.name: (info.mode, layer.extractfile(info).read() if info.isfile() else info.linkname) for info in layer
        }


def test_same_input_same_digest(make, tmp_path):
    first = make(
        member("coredns", elf()), member("LICENSE", b"GPL"), labels={"b": "1", "a": "2"}, env={"X": "1", "A": "2"}
    )
    other_time = member("coredns", elf(), mode=0o711)
    other_time[0].mtime, other_time[0].uid, other_time[0].uname = 1700000000, 1000, "builder"
    second = make(member("LICENSE", b"GPL"), other_time, labels={"a": "2", "b": "1"}, env={"A": "2", "X": "1"})
    assert (first.config.digest, first.layer.digest, first.top.digest) == (
        second.config.digest,
        second.layer.digest,
        second.top.digest,
    )
    assert make(member("coredns", elf(body=b"other"))).config.digest != first.config.digest


def test_same_digest_from_folder_archive_and_program(make, tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "coredns").write_bytes(elf())
    (folder / "coredns").chmod(0o755)
    images = [make(), make(src=str(folder / "coredns")), make(src=str(folder), entrypoint=["/coredns"])]
    assert len({image.top.digest for image in images}) == 1


def test_manifest_names_its_parts(make):
    image = make(
        cmd=["-conf", "x"],
        entrypoint=["/coredns"],
        user="65532:65532",
        workdir="/",
        env={"A": 1, "B": "x y"},
        labels={"l": "v"},
    )
    manifest, config = json.loads(image.manifest.data), json.loads(image.config.data)
    assert (image.top.media_type, image.top.digest) == (OCI_MANIFEST, image.manifest.digest)
    assert manifest["layers"] == [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": image.layer.digest,
            "size": os.path.getsize(image.layer.path),
        }
    ]
    assert manifest["config"]["digest"] == image.config.digest
    assert (config["architecture"], config["os"], config["created"]) == ("riscv64", "linux", "1970-01-01T00:00:00Z")
    assert config["config"] == {
        "Entrypoint": ["/coredns"],
        "Cmd": ["-conf", "x"],
        "User": "65532:65532",
        "WorkingDir": "/",
        "Env": ["A=1", "B=x y"],
        "Labels": {"l": "v"},
    }


def test_index(make):
    image = make(index=True)
    index = json.loads(image.top.data)
    assert image.top.media_type == OCI_INDEX
    assert [(item["digest"], item["platform"]) for item in index["manifests"]] == [
        (image.manifest.digest, {"architecture": "riscv64", "os": "linux"})
    ]


def test_program_alone_is_taken_and_started(make):
    image = make(member("coredns-1.14/coredns", elf(), 0o644), member("coredns-1.14/LICENSE", b"GPL"))
    assert files(image) == {"coredns": (0o755, elf())}
    assert image.config_json["config"] == {"Entrypoint": ["/coredns"]}


def test_dest_files_links_and_authorities(make, tmp_path):
    (tmp_path / "Corefile").write_bytes(b".:53 {}\n")
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    spec = {
        "files": [{"src": str(tmp_path / "Corefile"), "dest": "/etc/coredns/Corefile", "mode": 0o600}],
        "links": {"/bin/sh": "busybox"},
        "ca_certificates": str(tmp_path / "ca.pem"),
    }
    image = make(member("busybox", elf()), dest="/bin/busybox", cmd=["sh"], **spec)
    found = files(image)
    assert found["etc/coredns/Corefile"] == (0o600, b".:53 {}\n")
    assert found["bin/sh"] == (0o777, "busybox")
    assert found["etc/ssl/certs/ca-certificates.crt"] == (0o644, b"PEM")
    assert list(found) == sorted(found) and found["etc"] == (0o755, "")


def test_all_of_an_archive(make):
    image = make(
        member("bin/busybox", elf()),
        member("bin/sh", link="busybox"),
        content="all",
        dest="/opt",
        entrypoint=["/opt/bin/sh"],
    )
    assert sorted(files(image)) == ["opt", "opt/bin", "opt/bin/busybox", "opt/bin/sh"]


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "386", "s390x"])
def test_wrong_architecture_is_named(make, architecture):
    with pytest.raises(Problem, match="^coredns is %s, wanted riscv64" % architecture):
        make(member("coredns", elf(architecture)))


def test_other_architecture_when_asked(make):
    assert make(member("coredns", elf("arm64")), architecture="arm64").config_json["architecture"] == "arm64"


def test_wrong_architecture_of_an_extra_file(make, tmp_path):
    (tmp_path / "helper").write_bytes(elf("amd64"))
    with pytest.raises(Problem, match="usr/bin/helper is amd64, wanted riscv64"):
        make(files=[{"src": str(tmp_path / "helper"), "dest": "/usr/bin/helper"}])


def test_dynamic_program_needs_its_loader(make):
    program = member("bin/app", elf(interpreter=LOADER))
    with pytest.raises(Problem, match="needs the loader " + LOADER):
        make(program)
    image = make(
        program,
        member("usr/lib/ld.so", elf()),
        member("lib", link="usr/lib"),
        member("usr/lib" + LOADER[4:], link="ld.so"),
        content="all",
        entrypoint=["/bin/app"],
    )
    assert "bin/app" in files(image)


SCRIPT = member("run", b"#!/bin/sh -e\n")
CANNOT_START = {
    "entrypoint elsewhere": (
        [],
        {"entrypoint": ["/usr/bin/coredns"]},
        "/usr/bin/coredns is not in the image. Found: /coredns",
    ),
    "not in PATH": ([], {"entrypoint": ["coredns"]}, "coredns is not in the image"),
    "not in this PATH": (
        [],
        {"dest": "/bin/coredns", "entrypoint": ["coredns"], "env": {"PATH": "/opt"}},
        "coredns is not in the image",
    ),
    "a folder": (
        [member("bin/coredns", elf())],
        {"content": "all", "entrypoint": ["/bin"]},
        "/bin is not in the image",
    ),
    "dangling link": ([], {"links": {"/app": "gone"}, "entrypoint": ["/app"]}, "/app is not in the image"),
    "link in a circle": ([], {"links": {"/a": "b", "/b": "a"}, "entrypoint": ["/a"]}, "/a is not in the image"),
    "mode": (
        [member("coredns", elf(), 0o644)],
        {"content": "all", "entrypoint": ["/coredns"]},
        "/coredns cannot be executed in the image. Found: mode 0644",
    ),
    "nothing to start": ([member("coredns", elf())], {"content": "all"}, "neither entrypoint nor cmd"),
    "script without shell": (
        [SCRIPT],
        {"content": "all", "entrypoint": ["/run"]},
        "/run needs /bin/sh, which is not in the image",
    ),
    "script of a text": (
        [SCRIPT, member("bin/sh", b"echo\n")],
        {"content": "all", "entrypoint": ["/run"]},
        "/bin/sh is not a program",
    ),
    "script that runs itself": (
        [member("run", b"#!/run\n")],
        {"content": "all", "entrypoint": ["/run"]},
        "/run is a script of a script of a script",
    ),
    "script without a name": (
        [member("run", b"#!\n")],
        {"content": "all", "entrypoint": ["/run"]},
        "/run names no interpreter",
    ),
    "script of a folder": (
        [SCRIPT, member("bin/sh/x", elf())],
        {"content": "all", "entrypoint": ["/run"]},
        "/run needs /bin/sh, which is not in the image",
    ),
    "text": ([member("run", b"echo\n")], {"content": "all", "entrypoint": ["/run"]}, "/run is not a program"),
    "user that no process can have": ([], {"user": "9" * 20}, "user %s is not known in the image" % ("9" * 20)),
    "user in other digits": ([], {"user": "\u0663"}, "is not known in the image"),
    "group by name": ([], {"user": "1:staff"}, "Found: no /etc/group there"),
    "no user before a group": ([], {"user": ":1"}, "user :1 is not known in the image"),
    "user by name": ([], {"user": "nonroot:nonroot"}, "user nonroot:nonroot is not known in the image"),
    "two programs": ([member("a", elf()), member("b", elf())], {}, "more than one program. Found: a, b"),
    "no program": ([member("main.go", b"package main")], {}, "holds no program. Found: main.go"),
    "unknown program": ([], {"program": "bin/coredns"}, "has no program bin/coredns. Found: coredns"),
    "file as folder": ([], {"dest": "/app", "links": {"/app/x": "y"}}, "/app is wanted as a folder and as a file"),
    "missing extra file": ([], {"files": [{"src": "/nowhere/file", "dest": "/x"}]}, "/nowhere/file was not found"),
    "missing authorities": ([], {"ca_certificates": "/nowhere/ca.pem"}, "/nowhere/ca.pem was not found"),
}


@pytest.mark.parametrize("members, spec, message", CANNOT_START.values(), ids=CANNOT_START.keys())
def test_what_cannot_start_is_refused(make, members, spec, message):
    with pytest.raises(Problem) as caught:
        make(*members, **spec)
    assert message in str(caught.value)


STARTS = {
    "in PATH": ([], {"dest": "/usr/bin/coredns", "entrypoint": ["coredns"]}),
    "in this PATH": ([], {"dest": "/opt/coredns", "entrypoint": ["coredns"], "env": {"PATH": "/opt"}}),
    "relative to workdir": ([], {"dest": "/app/coredns", "entrypoint": ["./coredns"], "workdir": "/app"}),
    "by cmd": ([], {"cmd": ["/coredns"]}),
    "script": (
        [SCRIPT, member("bin/busybox", elf()), member("bin/sh", link="/bin/busybox")],
        {"content": "all", "entrypoint": ["/run"]},
    ),
    "script of a script": (
        [SCRIPT, member("bin/sh", b"#!/bin/busybox sh\n"), member("bin/busybox", elf())],
        {"content": "all", "entrypoint": ["/run"]},
    ),
    "one of two": ([member("bin/a", elf()), member("bin/b", elf())], {"program": "bin/b"}),
    "user by name": (
        [member("app", elf()), member("etc/passwd", b"app:x:1:1::/:/app")],
        {"content": "all", "entrypoint": ["/app"], "user": "app"},
    ),
}


@pytest.mark.parametrize("members, spec", STARTS.values(), ids=STARTS.keys())
def test_what_can_start_is_built(make, members, spec):
    assert make(*members, **spec).config.digest.startswith("sha256:")
