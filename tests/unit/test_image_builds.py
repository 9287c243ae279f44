# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images catalogues say how to build, what that is made into, and what is written into them of where it comes
from.
"""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._build import recipes
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import (
    image_builds,
    made_builds,
    unfetched_archives,
)

HOST = "192.168.173.76:6000"


def entry(name="coredns", build=None, **more):
    return dict(
        {
            "stock": "docker.io/rancher/mirrored-" + name,
            "source": "%s/riscv64/%s:1" % (HOST, name),
            "build": build or {"src": name + "_*.tgz"},
        },
        **more,
    )


def test_entries_with_a_build_become_arguments():
    files = [{"src": "Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}]
    coredns = entry(build={"src": "coredns.tgz", "cmd": ["/coredns"], "files": files})
    without = {"stock": "docker.io/rancher/klipper-lb", "source": "host:5000/klipper-lb"}
    builds = image_builds(
        [[coredns, without, entry("pause", {"src": "/srv/pause"}, architecture="arm64")]], "/archives"
    )
    assert builds == [
        {
            "image": HOST + "/riscv64/coredns:1",
            "architecture": "riscv64",
            "origin": {},
            "src": "/archives/coredns.tgz",
            "cmd": ["/coredns"],
            "files": [{"src": "/archives/Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}],
        },
        {"image": HOST + "/riscv64/pause:1", "architecture": "arm64", "origin": {}, "src": "/srv/pause"},
    ]


def test_an_image_of_several_entries_or_catalogues_is_built_once():
    twice = [entry(tags="1.9.*"), entry(tags="1.1*")]
    assert len(image_builds([twice, [entry(), entry("pause")]], "/archives")) == 2


SUM = "sha256:" + "ab" * 32
URL = "https://releases.example/v1.12.1/coredns_1.12.1_linux_riscv64.tgz"


def one(build, **more):
    (found,) = image_builds([[entry(build=build, **more)]], "/archives")
    return found


def test_a_recipe_of_the_collection():
    found = one({"recipe": "coredns"})
    assert found["go"] == {"recipe": recipes.folder("coredns"), "architecture": "riscv64"}
    assert (found["entrypoint"], found["dest"]) == (["/coredns"], "/coredns")
    assert found["origin"]["source"] == "https://github.com/coredns/coredns"


def test_what_a_build_says_itself_counts():
    found = one({"recipe": "coredns", "entrypoint": [], "cmd": ["/coredns"]}, architecture="arm64")
    assert (found["entrypoint"], found["cmd"]) == ([], ["/coredns"])
    assert found["architecture"] == found["go"]["architecture"] == "arm64"


def test_a_program_of_one_s_own():
    found = one({"go": {"recipe": "gateway", "version": "2.1"}, "entrypoint": ["/gateway"]})
    assert found["go"] == {"recipe": "/archives/gateway", "version": "2.1", "architecture": "riscv64"}
    assert found["origin"] == {"name": "gateway"}


def test_an_archive_by_its_url():
    found = one({"url": URL + "?download=1", "checksum": SUM, "entrypoint": ["/coredns"]})
    assert found["archive"] == {
        "url": URL + "?download=1",
        "shown": URL,
        "checksum": SUM,
        "file": "ab" * 8 + "/coredns_1.12.1_linux_riscv64.tgz",
    }


def test_a_program_among_the_files_of_packages():
    found = one({"recipe": "klipper-lb"})
    assert found["debian"]["package"] == "iptables" and found["debian"]["architecture"] == "riscv64"
    assert found["go"]["name"] == "entry" and found["go_dest"] == "/usr/bin/entry"


PROGRAM = {
    "path": "/cache/coredns",
    "sha256": "1",
    "version": "1.14.7",
    "go_version": "go1.26.8",
    "recipe_sha256": "2",
    "module": {"path": "github.com/coredns/coredns", "version": "v1.14.7", "sum": "h1:x="},
}
PACKAGES = {
    "path": "/cache/root",
    "sha256": "3",
    "version": "1.8.11",
    "packages": [{"name": "iptables", "version": "1.8.11-2", "sha256": "4"}],
}


def made(build, program=None, packages=None, archive=None):
    build, program, packages = one(build), program or PROGRAM, packages or PACKAGES
    (found,) = made_builds(
        [build],
        [dict(program, item=build["go"])] if "go" in build else [],
        [dict(packages, item=build["debian"])] if "debian" in build else [],
        [{"item": build["archive"], "stat": archive}] if "archive" in build else [],
    )
    return found


def test_a_program_becomes_the_content_of_an_image():
    found = made({"recipe": "coredns"})
    assert found["src"] == "/cache/coredns" and found["made"] and found["entrypoint"] == ["/coredns"]
    said = found["annotations"]
    assert said.pop("riscv.k3s.recipe.sha256")
    assert said == {
        "org.opencontainers.image.title": "coredns",
        "org.opencontainers.image.version": "1.14.7",
        "org.opencontainers.image.source": "https://github.com/coredns/coredns",
        "org.opencontainers.image.revision": "v1.14.7",
        "org.opencontainers.image.vendor": "riscv.k3s",
        "org.opencontainers.image.base.name": "scratch",
        "riscv.k3s.recipe": "coredns",
        "riscv.k3s.go": "go1.26.8",
        "riscv.k3s.module": "github.com/coredns/coredns@v1.14.7 h1:x=",
    }


def test_a_program_of_one_s_own_says_where_its_module_is():
    said = made({"go": {"recipe": "gateway"}, "entrypoint": ["/gateway"]})["annotations"]
    assert said["org.opencontainers.image.source"] == "https://github.com/coredns/coredns"
    assert said["org.opencontainers.image.title"] == "gateway" and "riscv.k3s.recipe" not in said


def test_packages_and_a_program_become_one_image():
    found = made({"recipe": "klipper-lb"})
    assert found["src"] == "/cache/root" and found["content"] == "all"
    assert found["files"] == [{"src": "/cache/coredns", "dest": "/usr/bin/entry", "mode": "0755"}]
    assert found["annotations"]["riscv.k3s.packages"] == "iptables=1.8.11-2"


def test_an_archive_becomes_the_content_of_an_image():
    whole = {"exists": True, "checksum": "ab" * 32, "path": "/cache/ab/coredns.tgz"}
    found = made({"url": URL, "checksum": SUM, "entrypoint": ["/coredns"]}, archive=whole)
    assert found["src"] == "/cache/ab/coredns.tgz" and found["made"]
    assert found["annotations"]["riscv.k3s.archive"] == SUM
    assert found["annotations"]["org.opencontainers.image.source"] == URL


def test_what_check_mode_has_not_made_is_left_out():
    assert not made({"recipe": "coredns"}, program=dict(PROGRAM, sha256=None))["made"]
    assert not made({"recipe": "busybox"}, packages=dict(PACKAGES, sha256=None, packages=None))["made"]
    assert not made({"url": URL, "checksum": SUM}, archive={"exists": False})["made"]
    assert "annotations" not in made({"src": "x.tgz"}) and made({"src": "x.tgz"})["made"]


def test_the_recipe_s_sum_is_of_all_that_goes_in_and_of_no_path(monkeypatch):
    def of(build=None, **more):
        return made(build or {"recipe": "coredns"}, **more)["annotations"]["riscv.k3s.recipe.sha256"]

    first = of()
    assert of({"recipe": "coredns", "user": "1"}) != first
    assert of(program=dict(PROGRAM, recipe_sha256="9")) != first
    monkeypatch.setattr(recipes, "_FOLDER", recipes._FOLDER / "elsewhere")
    assert of() == first and of(program=dict(PROGRAM, path="/other")) == first
    lb = of({"recipe": "klipper-lb"})
    assert of({"recipe": "klipper-lb"}, packages=dict(PACKAGES, packages=[])) != lb


@pytest.mark.parametrize(
    "stat, found",
    [
        ({"exists": False}, "404"),
        ({"exists": True, "checksum": "cd" * 32}, "404"),
        # A folder, or what cannot be read.
        ({"exists": True}, "404"),
    ],
)
def test_archives_that_are_not_as_they_should_be_are_named(stat, found):
    item = one({"url": URL, "checksum": SUM})["archive"]
    (said,) = unfetched_archives([{"item": item, "stat": stat}], [{"item": item, "msg": "404"}])
    assert URL in said and found in said and SUM in said and "Next: " in said
    whole = {"exists": True, "checksum": "ab" * 32}
    assert unfetched_archives([{"item": item, "stat": whole}], []) == []


@pytest.mark.parametrize("end", ["/x.tgz?X-Sig=hunter2", "/x.tgz#hunter2", "/..?hunter2", "/"])
def test_a_secret_in_the_url_of_an_archive_is_nowhere_but_there(end):
    url = "https://user:hunter2@releases.example" + end
    build = {"url": url, "checksum": SUM, "entrypoint": ["/x"]}
    archive = one(build)["archive"]
    assert archive["url"] == url and not {"..", ""} & set(archive["file"].split("/"))
    options = made(build, archive={"exists": True, "checksum": "ab" * 32, "path": "/cache/x"})
    shown = [archive["shown"], archive["file"], *options["annotations"].values()]
    shown += unfetched_archives([{"item": archive, "stat": {"exists": False}}], [])
    assert "hunter2" not in " ".join(shown) and "releases.example" in archive["shown"]


def test_two_places_of_an_archive_are_one_recipe():
    there = {"exists": True, "checksum": "ab" * 32, "path": "/cache/x"}
    sums = {
        made({"url": url, "checksum": SUM, "entrypoint": ["/x"]}, archive=there)["annotations"][
            "riscv.k3s.recipe.sha256"
        ]
        for url in (URL, URL.replace("https://", "https://user:hunter2@"))
    }
    assert len(sums) == 1


ODD = [None, "", 0, 1.5, True, [1], ["a"], [None], [[]], [{}], [{"src": 1}], {}, {"a": 1}, {1: 2}, {"recipe": 1}]
ODD += [{"package": "a"}, {"package": 1, "files": ["a"]}, {"package": "a", "files": "x"}, "a\nb", "../../x"]
BUILDS = ({"src": "a"}, {"recipe": "pause"}, {"go": {"recipe": "x"}}, {"url": URL, "checksum": SUM}, {})
BUILDS += ({"debian": {"package": "a", "files": ["b"]}},)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_an_inventory_says_is_a_build_or_a_problem(odd):
    keys = ("src", "url", "checksum", "debian", "go", "recipe", "files", "content", "links", "user", "labels")
    catalogues = [odd, [odd], *([dict(entry(), **{key: odd})] for key in ("stock", "source", "build"))]
    catalogues += [[entry(build=dict(build, **{key: odd}))] for build in BUILDS for key in keys]
    for catalogue in catalogues:
        try:
            builds = image_builds([catalogue], "/archives")
            made_builds(
                builds,
                [dict(PROGRAM, item=build["go"]) for build in builds if "go" in build],
                [dict(PACKAGES, item=build["debian"]) for build in builds if "debian" in build],
                [{"item": build["archive"], "stat": {}} for build in builds if "archive" in build],
            )
        except Problem as problem:
            assert problem.what


ROOTLESS = {"stock": "docker.io/rancher/klipper-helm", "source": HOST + "/riscv64/klipper-helm:1"}
WRONG = {
    "root where none may be": ([entry(**ROOTLESS)], "image of this build would not start.*runs as root.*65532"),
    "root by number": ([entry(build={"src": "a", "user": "0:0"}, **ROOTLESS)], "runs as root"),
    "a user by name": ([entry(build={"src": "a", "user": "klipper"}, **ROOTLESS)], "names its user .klipper."),
    "no src": ([entry(build={"cmd": ["/x"]})], "a build needs what it is made from"),
    "no dictionary": ([entry(build="coredns.tgz")], "a build needs what it is made from"),
    "what the inventory says of registries": (
        [entry(build={"src": "a", "plain_http": True})],
        "a key that is not known: plain_http",
    ),
    "unknown key": ([entry(build={"src": "a", "comand": []})], "a key that is not known: comand"),
    "unknown recipe": ([entry(build={"recipe": "traefik"})], "there is no recipe traefik.*klipper-lb"),
    "two contents": ([entry(build={"src": "a", "url": URL, "checksum": SUM})], "a build has src and url"),
    "recipe and content": ([entry(build={"recipe": "pause", "src": "a"})], "a build has a recipe and src"),
    "no checksum": ([entry(build={"url": URL})], "needs the checksum of the archive"),
    "other checksum": ([entry(build={"url": URL, "checksum": "md5:1"})], "needs the checksum.*md5:1"),
    "no url": ([entry(build={"url": "coredns.tgz", "checksum": SUM})], "url of a build is none"),
    "go without recipe": ([entry(build={"go": {"package": "a"}})], "go of a build needs recipe"),
    "go without keys": ([entry(build={"go": "folder"})], "go of a build has no keys"),
    "go with another key": ([entry(build={"go": {"recipe": "a", "tags": "x"}})], "not known: tags"),
    "debian without files": ([entry(build={"debian": {"package": "a"}})], "debian of a build needs package and files"),
    "files that are none": ([entry(build={"src": "a", "files": ["b"]})], "src or files of a build is none.*'b'"),
    "no list": ({"stock": "a"}, "the catalogue must be a list of dictionaries"),
    "an entry that is text": (["a"], "the catalogue must be a list of dictionaries.*'a'"),
    "debian with another key": ([entry(build={"debian": {"packages": "a"}})], "not known: packages"),
    "go beside files": ([entry(build={"src": "a", "go": {"recipe": "a"}})], "go of a build needs dest"),
    "source without tag": ([entry(source=HOST + "/riscv64/coredns")], "what is built needs a tag"),
    "source by digest": ([entry(source=HOST + "/a@sha256:" + "0" * 64)], "what is built needs a tag"),
    "two ways": ([entry(), entry(build={"src": "other.tgz"})], "would be built in two ways"),
}


def test_a_user_by_number_where_none_may_be_root():
    (found,) = image_builds([[entry(build={"src": "a", "user": "1000:1000"}, **ROOTLESS)]], "/archives")
    assert found["user"] == "1000:1000"


@pytest.mark.parametrize("catalogue, message", WRONG.values(), ids=WRONG.keys())
def test_mistakes(catalogue, message):
    with pytest.raises(Problem, match=message):
        image_builds([catalogue], "/archives")
