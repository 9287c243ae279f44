# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""debian_files_fetch with a stand-in for apt, whose words were recorded: programs with all that they need, fetched
once.
"""

from __future__ import annotations

import os
import pathlib

import pytest
from fakes import FIXTURES
from programs import elf, needing

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result, TimedOut
from ansible_collections.riscv.k3s.plugins.module_utils._program import apt, debian
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import debian_files_fetch

LOADER = "/lib/ld-linux-riscv64-lp64d.so.1"
LIBRARIES = "usr/lib/riscv64-linux-gnu/"
IPTABLES = {
    "usr/sbin/xtables-nft-multi": needing("libxtables.so.12", "libc.so.6", interpreter=LOADER),
    "usr/sbin/iptables": "xtables-nft-multi",
    "usr/sbin/other": needing("libother.so.1", interpreter=LOADER),
    LIBRARIES + "xtables/libxt_tcp.so": needing("libxtables.so.12"),
    "usr/share/doc/iptables/copyright": b"text",
}
PACKAGES = {
    "iptables": ("1.8.11-2", IPTABLES),
    "libxtables12": (
        "1.8.11-2",
        {LIBRARIES + "libxtables.so.12": "libxtables.so.12.7.0", LIBRARIES + "libxtables.so.12.7.0": elf()},
    ),
    "libc6": (
        "2.41-12+deb13u5",
        {
            LIBRARIES + "libc.so.6": needing("ld-linux-riscv64-lp64d.so.1", interpreter=LOADER),
            LIBRARIES + "ld-linux-riscv64-lp64d.so.1": elf(),
            "usr/lib/ld-linux-riscv64-lp64d.so.1": "riscv64-linux-gnu/ld-linux-riscv64-lp64d.so.1",
        },
    ),
}
BUSYBOX = {"busybox-static": ("1:1.37.0-6+b9", {"usr/bin/busybox": elf(), "usr/share/doc/x": b""})}


class FakeApt:
    """Answers as apt-get and dpkg-deb do, from ``packages``: {name: (version, {path: bytes, a link's target, or
    None for a pipe})}.
    """

    own_path = True

    def __init__(self, packages, said=None, suites=("trixie",)):
        self.packages, self.said, self.suites = packages, said, suites
        self.calls = []

    def run(self, argv, timeout=60, check=True, env=None):
        self.calls.append(argv)
        if argv[0] == "dpkg-deb":
            return self._deb(argv)
        if argv[1] == "indextargets":
            mirrors = "https://security.mirror.example/debian-security\nhttps://mirror.example/debian\n"
            return Result(argv, 0, mirrors if self.packages else "", "")
        options = dict(word[2:].split("=", 1) for word in argv if word.startswith("-o"))
        suite = pathlib.Path(options["Dir::Etc::sourcelist"]).read_text().split()[-2]
        if self.said or suite not in self.suites:
            return Result(argv, 100, "", self.said or "E: The repository does not have a Release file.")
        if "install" in argv:
            for name, (version, dummy) in self.packages.items():
                deb = "%s_%s_riscv64.deb" % (name, version.replace(":", "%3a"))
                pathlib.Path(options["Dir::Cache"], "archives", deb).write_text(name + version)
        return Result(argv, 0, "", "")

    def _deb(self, argv):
        name = pathlib.Path(argv[2]).name.split("_")[0]
        version, files = self.packages[name]
        if argv[1] == "-f":
            return Result(argv, 0, "Package: %s\nVersion: %s\n" % (name, version), "")
        for path, content in files.items():
            place = pathlib.Path(argv[3], path)
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                os.mkfifo(place)
            elif isinstance(content, str):
                place.symlink_to(content)
            else:
                place.write_bytes(content)
                place.chmod(0o755)
        return Result(argv, 0, "", "")


@pytest.fixture
def fetch(tmp_path):
    def fetch(runner, check_mode=False, **options):
        defaults = {name: spec.get("default") for name, spec in debian_files_fetch.ARGUMENT_SPEC.items()}
        given = dict({"package": "iptables", "files": ["/usr/sbin/iptables", "/usr/lib/*/xtables/*.so"]}, **options)
        return debian.fetch(dict(defaults, **given), Store(str(tmp_path / "cache")), check_mode, runner)

    return fetch


def test_check_run_check_run(fetch):
    runner = FakeApt(PACKAGES)
    foreseen = fetch(runner, check_mode=True)
    assert (foreseen["changed"], foreseen["version"], runner.calls) == (True, None, [])
    done = fetch(runner)
    calls = len(runner.calls)
    again = [fetch(runner, check_mode=True), fetch(runner)]
    for result in again:
        assert dict(result, seconds=0) == dict(done, seconds=0, changed=False)
    assert len(runner.calls) == calls and foreseen["path"] == done["path"]
    assert done["version"] == "1.8.11" and done["packages"][0]["version"] == "1.8.11-2"
    assert [package["name"] for package in done["packages"]] == ["iptables", "libc6", "libxtables12"]


def test_what_programs_need_comes_with_them(fetch):
    done = fetch(FakeApt(PACKAGES))
    assert done["files"] == [
        "/usr/lib/ld-linux-riscv64-lp64d.so.1",
        "/" + LIBRARIES + "ld-linux-riscv64-lp64d.so.1",
        "/" + LIBRARIES + "libc.so.6",
        "/" + LIBRARIES + "libxtables.so.12",
        "/" + LIBRARIES + "libxtables.so.12.7.0",
        "/" + LIBRARIES + "xtables/libxt_tcp.so",
        "/usr/sbin/iptables",
        "/usr/sbin/xtables-nft-multi",
    ]
    root = pathlib.Path(done["path"])
    assert (root / LOADER.lstrip("/")).exists() and os.readlink(root / "lib") == "usr/lib"
    assert sorted(path.name for path in root.iterdir()) == ["lib", "sbin", "usr"]


def test_the_same_packages_are_the_same_content(fetch, tmp_path):
    first = fetch(FakeApt(PACKAGES))
    renewed = fetch(FakeApt(PACKAGES), renew=True)
    assert (renewed["changed"], renewed["sha256"]) == (False, first["sha256"])
    newer = dict(PACKAGES, iptables=("1.8.12-1", dict(IPTABLES, **{"usr/sbin/iptables": elf()})))
    renewed = fetch(FakeApt(newer), renew=True)
    assert (renewed["changed"], renewed["version"]) == (True, "1.8.12") and renewed["sha256"] != first["sha256"]
    assert fetch(FakeApt({}))["version"] == "1.8.12"


def test_the_user_s_umask_does_not_count(fetch, tmp_path):
    first = fetch(FakeApt(PACKAGES))
    old = os.umask(0o077)
    try:
        assert fetch(FakeApt(PACKAGES), renew=True)["sha256"] == first["sha256"]
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in pathlib.Path(first["path"]).rglob("*") if path.is_dir()}
    assert modes == {0o755}


def test_an_epoch_is_no_part_of_upstream_s_version(fetch):
    done = fetch(FakeApt(BUSYBOX), package="busybox-static", files=["/usr/bin/busybox"])
    assert (done["version"], done["files"]) == ("1.37.0", ["/usr/bin/busybox"])


def test_nothing_without_a_signature_passes_whatever_the_machine_allows(fetch):
    runner = FakeApt(PACKAGES)
    fetch(runner)
    asked = [call for call in runner.calls if call[0] == "apt-get" and call[1] != "indextargets"]
    assert len(asked) == 2
    for call in asked:
        for option in ("APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories"):
            assert "-o%s=false" % option in call


def test_the_second_suite_stands_in(fetch):
    assert fetch(FakeApt(PACKAGES, suites=["stable"]))["changed"]


def test_apt_leaves_the_machine_alone(fetch):
    runner = FakeApt(PACKAGES)
    fetch(runner, mirror="https://own.example/debian")
    lines = [argv for argv in runner.calls if argv[0] == "apt-get"]
    assert len(lines) == 2
    for argv in lines:
        text = " ".join(argv)
        assert all("Dir::%s=/" % name in text for name in ("State", "State::status", "Cache", "Etc::sourcelist"))
        assert "Dir::Etc::sourceparts=/dev/null" in text and "APT::Architecture=riscv64" in text
        assert "update" in argv or {"--download-only", "--no-install-recommends"} <= set(argv)


SAID = {
    "unknown": ("cannot be fetched from Debian trixie", "Unable to locate package", "package names one of Debian"),
    "unsigned": ("iptables for riscv64", "NO_PUBKEY", "debian-archive-keyring"),
    "unreachable": ("iptables for riscv64", "Connection refused", "apt-get update"),
    "no_space": ("iptables for riscv64", "enough free space", "make room"),
}


@pytest.mark.parametrize("name", SAID)
def test_what_apt_says_is_one_problem_with_a_next_step(fetch, tmp_path, name):
    with pytest.raises(Problem) as caught:
        fetch(FakeApt(PACKAGES, said=(FIXTURES / "apt" / (name + ".txt")).read_text()))
    what, found, next_step = SAID[name]
    problem = caught.value
    assert what in problem.what and found in problem.found and next_step in problem.next_step
    assert "mirror.example" in problem.where
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".debian-iptables.lock"]


def test_every_record_has_its_case():
    assert {path.stem for path in (FIXTURES / "apt").iterdir()} == set(SAID)


def test_a_machine_without_a_mirror_of_debian(fetch):
    with pytest.raises(Problem, match="knows no mirror of Debian.*url and checksum"):
        fetch(FakeApt({}))


def test_a_machine_without_apt(fetch, monkeypatch):
    monkeypatch.setattr(apt, "find_program", lambda name, own_path: None)
    with pytest.raises(Problem, match="cannot be fetched on this machine.*no program apt-get.*url and checksum"):
        fetch(None)


@pytest.mark.parametrize(
    "files, message",
    [
        (["/usr/sbin/nothing"], "the packages hold no /usr/sbin/nothing.*xtables-nft-multi"),
        (["/usr/sbin/other"], "/usr/sbin/other needs libother.so.1"),
    ],
)
def test_files_that_are_not_there(fetch, files, message):
    with pytest.raises(Problem, match=message):
        fetch(FakeApt(PACKAGES), files=files)


def test_a_package_that_another_one_provides(fetch):
    with pytest.raises(Problem, match="busybox was not fetched.*busybox-static"):
        fetch(FakeApt(BUSYBOX), package="busybox")


@pytest.fixture
def outside(tmp_path):
    """A folder of the controller that no package has any business with."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "shadow").write_text("a secret of the controller")
    return folder


def test_a_package_s_link_leads_no_other_package_out(fetch, outside):
    packages = {
        "iptables": ("1-1", {"usr/sbin/iptables": elf(), "usr/lib": str(outside)}),
        "libc6": ("2-1", {"usr/lib/owned": b"text"}),
    }
    assert fetch(FakeApt(packages), files=["/usr/sbin/iptables"])["files"] == ["/usr/sbin/iptables"]
    assert os.listdir(outside) == ["shadow"]


def test_nor_where_two_packages_say_the_same_name(fetch, outside, monkeypatch):
    packages = {"a": ("1-1", {"x": elf(), "usr": str(outside)}), "b": ("1-1", {"usr/owned": b"text"})}
    runner = FakeApt(packages)
    unpack = runner._deb
    same = Result([], 0, "Package: iptables\nVersion: 1-1\n", "")
    monkeypatch.setattr(runner, "_deb", lambda argv: same if argv[1] == "-f" else unpack(argv))
    assert fetch(runner, files=["/x"])["files"] == ["/x"] and os.listdir(outside) == ["shadow"]


@pytest.mark.parametrize(
    "files, message",
    [
        ({"x": "{outside}/shadow"}, "/x is a link to .*shadow.*no such file in the package"),
        ({"x": "{up}{outside}/shadow"}, "the package iptables is refused.*leaves the archive"),
        # The first leads to a folder that only the second makes one of the controller.
        ({"x": "usr/bin/shadow", "usr/bin": "/zz", "zz": "{outside}"}, "/x is a link to .*no such file"),
        ({"x": "d", "d/y": b"text"}, "/x is a link to /d.*Found: a folder"),
        ({"x": "y", "y": "x"}, "the package iptables is refused.*a loop of links"),
        ({"x": None}, "the package iptables is refused.*a pipe"),
        ({"x": b"\x7fELF\2\1"}, "the ELF header of /x cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_hostile_package_is_one_problem_and_brings_no_file_of_the_controller(fetch, outside, files, message):
    words = {"outside": str(outside), "up": "../" * 30}
    made = {path: text.format(**words) if isinstance(text, str) else text for path, text in files.items()}
    with pytest.raises(Problem, match=message) as caught:
        fetch(FakeApt({"iptables": ("1-1", made)}), files=["/x"])
    assert caught.value.next_step and "scratch" not in str(caught.value)


def test_a_package_that_cannot_be_unpacked(fetch, monkeypatch):
    runner = FakeApt(PACKAGES)
    monkeypatch.setattr(runner, "_deb", lambda argv: Result(argv, 2, "", "dpkg-deb: error: %s is cut off" % argv[-1]))
    with pytest.raises(Problem, match="the package iptables_.* cannot be unpacked.*https://mirror.*another mirror"):
        fetch(runner)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"package": "../../evil"}, "is no name of a package"),
        ({"package": "-oAPT::Get::AllowUnauthenticated=true"}, "is no name of a package"),
        ({"package": "iptables=1"}, "is no name of a package.*the name alone"),
        ({"mirror": "https://a trixie main\ndeb [trusted=yes] https://b"}, "cannot stand in apt's sources.*mirror"),
        ({"suites": ["trixie", "a b"]}, "cannot stand in apt's sources.*suites"),
        ({"suites": []}, "no suite to look in"),
    ],
    ids=str,
)
def test_options_that_would_be_more_than_a_name(fetch, options, message):
    runner = FakeApt(PACKAGES)
    with pytest.raises(Problem, match=message):
        fetch(runner, **options)
    assert runner.calls == []


def test_a_mirror_that_never_ends(fetch, monkeypatch):
    def late(dummy, argv, **more):
        raise TimedOut("`%s` did not finish" % " ".join(argv))

    monkeypatch.setattr(FakeApt, "run", late)
    with pytest.raises(Problem, match="cannot be fetched.*did not end within 9 seconds.*another mirror") as caught:
        fetch(FakeApt(PACKAGES), mirror="https://mirror.example", timeout=9)
    assert "-oDir" not in str(caught.value)


def test_of_a_suite_that_failed_nothing_is_used(fetch, monkeypatch):
    runner = FakeApt(PACKAGES)
    answer = FakeApt.run

    def run(self, argv, **more):
        done = answer(self, argv, **more)
        if "install" in argv and len([call for call in self.calls if "install" in call]) == 1:
            self.packages = dict(PACKAGES, iptables=("9-9", IPTABLES))
            return Result(argv, 100, "", "E: Hash Sum mismatch")
        return done

    monkeypatch.setattr(FakeApt, "run", run)
    runner.suites = ("trixie", "stable")
    assert [package["version"] for package in fetch(runner)["packages"]] == ["9-9", "2.41-12+deb13u5", "1.8.11-2"]
