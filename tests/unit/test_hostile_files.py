# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests folder while others write to it, and with things in it that are no files: nothing of theirs is lost,
nothing hangs.
"""

import os
import signal
import sys

import pytest
from fake_deploy import DeployController
from hostile import NASTY, outcome
from prerequisites import missing

from ansible_collections.riscv.k3s.plugins.module_utils._host import files as _files
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Kube
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import run as _manifest_run
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.run import run
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

TEXT = (
    b"kind: Deployment\nmetadata: {name: coredns}\n"
    b"spec: {template: {spec: {containers: [{name: coredns, image: 'a/b:%d'}]}}}\n"
)
DNS = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns", "image": "r.io/n:1"}


@pytest.fixture(autouse=True)
def alarm():
    """A test that hangs fails."""

    def ring(number, frame):
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "manifests"
    path.mkdir()
    (path / "coredns.yaml").write_bytes(TEXT % 1)
    return path


def patch(folder, **params):
    runner = DeployController(folder).runner()
    programs = Programs({"k3s": "k3s"}, runner, is_root=True)
    given = {
        "manifests_dir": str(folder),
        "mode": "overlay",
        "state": "present",
        "backup": False,
        "wait": False,
        "timeout": 20,
        "patches": [DNS],
    }
    return run(dict(given, **params), False, programs, Kube(programs))


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


class Intruder:
    """Calls ``act`` before, or right after, the Nth write of a module."""

    def __init__(self, monkeypatch, act, at, after=False):
        self.write, self.act, self.at, self.after, self.count = _files.write_bytes, act, at, after, 0
        monkeypatch.setattr(_manifest_run, "write_bytes", self)

    def __call__(self, *args, **kwargs):
        self.count += 1
        now = self.at in (self.count, "always")
        if now and not self.after:
            self.act()
        saved = self.write(*args, **kwargs)
        if now and self.after:
            self.act()
        return saved


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2])
def test_k3s_writes_a_new_version_while_the_overlay_is_made(folder, monkeypatch, at, after):
    Intruder(monkeypatch, lambda: (folder / "coredns.yaml").write_bytes(TEXT % 2), at, after)
    result = patch(folder)
    found = files(folder)
    assert found["coredns.yaml"] == TEXT % 2
    header = _overlay.read_header(found["coredns-riscv64.yaml"])
    assert header.source_sha256 == _overlay.sha256(TEXT % 2), "the overlay is made from what is there"
    assert sorted(found) == ["coredns-riscv64.yaml", "coredns.yaml", "coredns.yaml.skip"]
    assert [change["changed"] for change in result["files"]] == [True, True] and len(result["diff"]) == 2
    assert not patch(folder)["changed"]


def test_k3s_writes_a_new_version_while_the_packaged_file_is_edited(folder, monkeypatch):
    Intruder(monkeypatch, lambda: (folder / "coredns.yaml").write_bytes(TEXT % 2), 1)
    result = patch(folder, mode="in_place", backup=True)
    assert files(folder)["coredns.yaml"] == (TEXT % 2).replace(b"'a/b:2'", b"'r.io/n:1'")
    assert result["diff"][0]["before"].encode() == TEXT % 2
    assert [path.read_bytes() for path in folder.glob("*.bak")] == [TEXT % 2], (
        "a backup of what was replaced, and of nothing else"
    )


def test_k3s_writes_a_new_version_while_the_overlay_is_removed(folder, monkeypatch):
    patch(folder)
    Intruder(monkeypatch, lambda: (folder / "coredns.yaml").write_bytes(TEXT % 2), 1)
    controller = DeployController(folder)
    controller.addons["coredns"] = _overlay.sha256(TEXT % 1)  # so that the packaged file must become different
    programs = Programs({"k3s": "k3s"}, controller.runner(), is_root=True)
    params = {
        "manifests_dir": str(folder),
        "mode": "overlay",
        "state": "absent",
        "backup": False,
        "wait": False,
        "timeout": 20,
        "patches": [DNS],
    }
    assert run(params, False, programs, Kube(programs))["changed"]
    assert files(folder) == {"coredns.yaml": TEXT % 2}, "the new version is not overwritten by the old one"


def test_a_file_that_changes_all_the_time_is_left_alone(folder, monkeypatch):
    numbers = iter(range(2, 100))
    Intruder(monkeypatch, lambda: (folder / "coredns.yaml").write_bytes(TEXT % next(numbers)), "always")
    with pytest.raises(Problem, match="coredns.yaml was just changed by somebody else.*run again when k3s has started"):
        patch(folder, mode="in_place")
    assert files(folder) == {"coredns.yaml": TEXT % 4}, "as the third try left it, and no temporary file"


def test_a_file_that_disappears(folder, monkeypatch):
    Intruder(monkeypatch, (folder / "coredns.yaml").unlink, 1)
    with pytest.raises(Problem, match="the manifest coredns.yaml is not there"):
        patch(folder, mode="in_place")
    assert files(folder) == {}


def test_a_file_that_somebody_put_there_meanwhile_stays(folder, monkeypatch):
    Intruder(monkeypatch, lambda: (folder / "coredns-riscv64.yaml").write_bytes(b"mine: 1\n"), 1)
    with pytest.raises(Problem, match="coredns-riscv64.yaml was not written by riscv.k3s"):
        patch(folder)
    assert files(folder) == {"coredns.yaml": TEXT % 1, "coredns-riscv64.yaml": b"mine: 1\n"}


def test_a_skip_that_somebody_removed_meanwhile(folder, monkeypatch):
    patch(folder)
    removing = _files.remove
    monkeypatch.setattr(
        _manifest_run,
        "remove",
        lambda path, expected: os.path.exists(path) and os.unlink(path) or removing(path, expected=expected),
    )
    with pytest.raises(Problem, match="was just changed by somebody else"):
        _manifest_run.remove(str(folder / "coredns.yaml.skip"), expected=_overlay.SKIP_TEXT)
    monkeypatch.undo()
    assert patch(folder, state="absent")["changed"] and "coredns.yaml.skip" not in files(folder)


def make_link(path):
    path.symlink_to("/etc/hostname")


def make_loop(path):
    path.symlink_to(path.name)


def make_device(path):
    os.mknod(path, 0o020600, os.makedev(1, 5))  # /dev/zero, which never ends


# what, how it is made, what is said of it
NO_FILES = [
    ("a link", make_link, "symbolic link"),
    ("a link to itself", make_loop, "symbolic link"),
    ("a pipe", os.mkfifo, "not a regular file"),
    ("a folder", os.mkdir, "not a regular file"),
    ("a device", make_device, "not a regular file"),
]


def seen(path):
    """What must not change; that it was looked at, which moves a link's time of access, may."""
    found = os.lstat(path)
    return found.st_mode, found.st_ino, found.st_nlink, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("name", ["coredns.yaml", "coredns-riscv64.yaml", "coredns.yaml.skip"])
@pytest.mark.parametrize("make,message", [case[1:] for case in NO_FILES], ids=[case[0] for case in NO_FILES])
def test_what_is_no_file_is_refused_and_stays(folder, name, make, message):
    (folder / "coredns.yaml").rename(folder / "kept")
    if name != "coredns.yaml":
        (folder / "kept").rename(folder / "coredns.yaml")
    try:
        make(folder / name)
    except PermissionError:
        missing("only root makes devices")
    before = seen(folder / name)
    for params in ({}, {"mode": "in_place"}, {"state": "absent"}):
        found = outcome(lambda: patch(folder, **params))
        if isinstance(found, Problem):
            assert message in str(found)
        assert seen(folder / name) == before
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_a_link_that_appears_after_the_look_is_not_written_through(folder, monkeypatch, tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(TEXT % 1)

    def act():
        (folder / "coredns.yaml").unlink()
        (folder / "coredns.yaml").symlink_to(precious)

    Intruder(monkeypatch, act, 1)
    with pytest.raises(Problem, match="symbolic link"):
        patch(folder, mode="in_place")
    assert precious.read_bytes() == TEXT % 1


def test_the_folder_itself_may_be_a_link_and_one_inside_may_not(folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert patch(link)["changed"] and "coredns-riscv64.yaml" in files(folder)
    (folder / "inside").symlink_to(tmp_path)
    with pytest.raises(Problem, match="symbolic link in the manifests folder"):
        patch(folder, patches=[dict(DNS, manifest="inside/manifests/coredns.yaml")])


@pytest.mark.parametrize("word", NASTY)
def test_names_in_the_folder_that_mean_something_to_a_shell(folder, word):
    name = word + ".yaml"
    try:
        (folder / name).write_bytes(TEXT % 1)
    except (OSError, ValueError):
        pass  # no file can have that name; it can still be asked for
    found = outcome(lambda: patch(folder, patches=[dict(DNS, manifest=name)]))
    if not isinstance(found, Problem):
        assert found["changed"] and not patch(folder, patches=[dict(DNS, manifest=name)])["changed"]
        patch(folder, patches=[{"manifest": name}], state="absent")
    assert "coredns.yaml" in files(folder)
    found = outcome(lambda: patch(folder, patches=[dict(DNS, manifest="gone.yaml")]))
    assert str(found).encode("utf-8"), "the list of what is there can be printed"


def test_words_of_a_command_reach_the_program_as_they_are():
    words = [word for word in NASTY if "\x00" not in word and "\ud800" not in word]
    show = [sys.executable, "-c", "import sys; sys.stdout.write(ascii(sys.argv[1:]))"]
    assert Runner().run(show + words).out == ascii(words)
    for word in ("\x00", "\ud800"):
        assert isinstance(outcome(Runner().run, show + [word]), Problem)
    assert isinstance(outcome(lambda: Runner().run(show, stdin="\ud800")), Problem)
    for name in NASTY:
        assert isinstance(outcome(Runner().run, [name]), Problem), "no program has that name"
