# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a release that a machine guards: no tag without signed steps, no changelog without each playbook."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from test_project import PLAYBOOKS, ROOT, read_yaml

KEPT = ("galaxy.yml", "docs/releasing.md", "changelogs/changelog.yaml", "playbooks/vars/recipes.yml")
GIT = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
VERSION = read_yaml(ROOT / "galaxy.yml")["version"]
STAGES = re.findall(r"^stage (\w+) ", (ROOT / "tools/release-check").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(name="checkout")
def _checkout(tmp_path):
    """A repository with what these tools read, ready for a release but for what a test takes away."""
    for name in (*KEPT, "tools/tag", "tools/address", "tools/changelog", "tools/release-check"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "build").mkdir()
    text = "ancestor: null\nreleases:\n  %s:\n    release_date: '2026-11-26'\n" % VERSION
    (tmp_path / "changelogs/changelog.yaml").write_text(text)
    run(tmp_path, "tools/address", "https://forge.example/riscv-k3s", check=0)
    run(tmp_path, "git", "init", "--quiet", check=0)
    commit(tmp_path)
    return tmp_path


def run(folder, *command, check=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert check is None or done.returncode == check, done.stdout + done.stderr
    return done


def commit(folder):
    run(folder, "git", "add", "--all", check=0)
    run(folder, "git", *GIT, "commit", "--quiet", "--allow-empty", "-m", "x", check=0)
    run(folder, "git", "config", "user.name", "A")
    run(folder, "git", "config", "user.email", "a@example.org")
    run(folder, "git", "config", "tag.gpgsign", "false")


def sign(checkout, mark="- [x] %s (Ada, 2026-11-26)", stages="- [x] %s (tools/release-check)"):
    """The list of steps as a person leaves it."""
    head = run(checkout, "git", "rev-parse", "HEAD").stdout
    passed = "\n".join(stages % name for name in STAGES)
    steps = re.findall(r"^- \[ \] (.*)$", (checkout / "docs/releasing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(steps) >= 5
    text = "Release at %s\n%s\n%s\n" % (head, passed, "\n".join(mark % step for step in steps))
    (checkout / "build/release-checklist.md").write_text(text)


def tag(checkout):
    return run(checkout, "tools/tag", "build/release-checklist.md")


def test_a_signed_list_becomes_the_tag(checkout):
    sign(checkout)
    assert tag(checkout).returncode == 0, tag(checkout).stderr
    said = run(checkout, "git", "tag", "-l", "-n99").stdout
    assert said.startswith("v" + VERSION) and "(Ada, 2026-11-26)" in said
    assert "there is a tag v" + VERSION in tag(checkout).stderr


@pytest.mark.parametrize("mark", ["- [ ] %s", "- [x] %s", "- [ ] %s (Ada, 2026-11-26)", "- [x] %s (Ada)"])
def test_a_step_that_nobody_signed_is_refused(checkout, mark):
    sign(checkout, mark)
    refused = tag(checkout)
    assert refused.returncode == 1 and refused.stderr.count("not signed: ") >= 5
    assert run(checkout, "git", "tag").stdout == ""


def test_a_list_for_another_commit_is_refused(checkout):
    sign(checkout)
    commit(checkout)
    assert "made for another commit" in tag(checkout).stderr


@pytest.mark.parametrize(
    "stages", ["", "- [ ] %s (tools/release-check): failed", "- [ ] %s (tools/release-check): not run"]
)
def test_a_list_of_a_check_that_did_not_pass_is_refused(checkout, stages):
    sign(checkout, stages=stages or "%.0s")
    refused = tag(checkout).stderr
    assert len(STAGES) == 8 and all(
        "not passed: the stage %s of make release-check" % name in refused for name in STAGES
    )


@pytest.mark.parametrize("names", [[], ["build/none.md"], ["a", "b"]])
def test_a_tag_without_a_list_is_told_how_to_get_one(checkout, names):
    refused = run(checkout, "tools/tag", *names, check=1).stderr
    assert "make release-check makes it" in refused and refused.count("\n") == 1


def test_what_is_not_committed_is_refused(checkout):
    sign(checkout)
    (checkout / "new").touch()
    assert "something is not committed" in tag(checkout).stderr


def test_a_placeholder_and_a_changelog_without_the_version_are_refused(checkout):
    for name in ("galaxy.yml", "changelogs/changelog.yaml"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / "changelogs/changelog.yaml").write_text("ancestor: null\nreleases: {}\n")
    run(checkout, "tools/address", "https://example.org/riscv-k3s")
    commit(checkout)
    sign(checkout)
    said = tag(checkout).stderr
    assert "no address of a repository" in said and "the changelog does not have %s" % VERSION in said


def test_the_address_goes_into_each_place(checkout):
    galaxy, recipes = read_yaml(checkout / "galaxy.yml"), (checkout / "playbooks/vars/recipes.yml").read_text()
    assert {galaxy[key] for key in ("repository", "documentation", "homepage", "issues")} == {
        "https://forge.example/riscv-k3s"
    }
    assert recipes.count("source: https://forge.example/riscv-k3s\n") == 2 and "example.org" not in recipes
    assert run(checkout, "tools/address", check=0).stdout == "https://forge.example/riscv-k3s\n"


@pytest.mark.parametrize(
    "address", ["http://forge.example/x", "https://forge.example", "https://a/b c", "x", "https://a/#"]
)
def test_what_is_no_address_is_refused(checkout, address):
    before = (checkout / "galaxy.yml").read_text()
    assert "is no address" in run(checkout, "tools/address", address, check=1).stderr
    assert (checkout / "galaxy.yml").read_text() == before


def test_a_first_changelog_that_leaves_a_playbook_out_is_refused(checkout):
    (checkout / "changelogs/changelog.yaml").write_text("ancestor: null\nreleases: {}\n")
    (checkout / "changelogs/fragments").mkdir()
    (checkout / "changelogs/fragments/other.yml").write_text("---\n")
    assert "there is no changelogs/fragments/%s.yml" % VERSION in run(checkout, "tools/changelog", check=1).stderr
    (checkout / "changelogs/fragments" / (VERSION + ".yml")).write_text("release_summary: ``riscv.k3s.site``\n")
    for name in PLAYBOOKS:
        (checkout / "playbooks" / (name + ".yml")).touch()
    said = run(checkout, "tools/changelog", check=1).stderr
    assert "does not say that there is the playbook riscv.k3s." in said
    assert (checkout / "changelogs/fragments/other.yml").exists()


def test_a_changelog_that_is_made_is_not_made_again(checkout):
    said = run(checkout, "tools/changelog", check=1).stderr
    assert "%s is in the changelog already" % VERSION in said


@pytest.mark.parametrize("new", [True, False])
def test_a_fragment_that_only_this_checkout_has_is_not_removed(checkout, new):
    """Nor is one where the program that makes the changelog cannot be had."""
    (checkout / "changelogs/changelog.yaml").write_text("ancestor: null\nreleases: {}\n")
    fragments = checkout / "changelogs/fragments"
    fragments.mkdir()
    (checkout / "playbooks/site.yml").touch()
    (fragments / (VERSION + ".yml")).write_text("release_summary: ``riscv.k3s.site``\n")
    (checkout / "tools/environment").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    (checkout / "tools/environment").chmod(0o755)
    commit(checkout)
    (fragments / "mine.yml").write_text("---\n")
    if not new:
        commit(checkout)
    said = run(checkout, "tools/changelog", check=1).stderr
    assert ("not committed, and would be lost" if new else "no network") in said
    assert (fragments / "mine.yml").exists()


@pytest.fixture(name="check")
def _check(checkout):
    """Runs tools/release-check with stages that pass, but for those named."""
    stages = ("lint", "importer", "sanity", "docs", "changelog", "execution-environment")
    stubs = ["tools/" + name for name in stages] + [".venv/bin/python", ".venv/bin/ansible-galaxy", "bin/id"]
    for name in stubs:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("#!/bin/sh\necho 0\n")
        (checkout / name).chmod(0o755)
    (checkout / ".venv/bin/ansible-galaxy").write_text("#!/bin/sh\ntouch build/riscv-k3s-%s.tar.gz\n" % VERSION)

    def check(*failing, address="https://forge.example/riscv-k3s", stages=()):
        for name in failing:
            (checkout / name).write_text("#!/bin/sh\nexit 3\n")
        run(checkout, "tools/address", address, check=0)
        commit(checkout)
        return run(checkout, "env", "PATH=%s/bin:%s" % (checkout, os.environ["PATH"]), "tools/release-check", *stages)

    return check


@pytest.mark.parametrize("address", ["https://forge.example/riscv-k3s", "https://example.org/riscv-k3s"])
def test_a_check_ends_with_what_is_left_for_a_person(check, checkout, address):
    """A placeholder for the address is: no machine knows it."""
    done = check(address=address)
    assert done.returncode == 0, done.stdout + done.stderr
    left = done.stdout.partition("Left for a person")[2]
    assert "galaxy.yml` holds the address" in left and "physical riscv64 board" in left
    assert ("is still https://example.org/riscv-k3s" in left) == ("example.org" in address)
    checklist = (checkout / "build/release-checklist.md").read_text()
    assert checklist.count("- [x] ") == 8 and checklist.count("- [ ] ") >= 8


def test_a_check_fails_where_a_stage_does(check):
    done = check("tools/sanity")
    assert done.returncode == 1 and "the stage sanity failed" in done.stderr and "FAILED (exit 3)" in done.stdout


def test_what_a_check_did_not_pass_stays_open_in_its_list(check, checkout):
    check("tools/sanity")
    text = (checkout / "build/release-checklist.md").read_text()
    assert "- [ ] sanity (tools/release-check): failed" in text and "- [x] lint (tools/release-check)" in text
    check(stages=["lint"])
    text = (checkout / "build/release-checklist.md").read_text()
    assert "- [ ] sanity (tools/release-check): not run" in text and "- [x] lint (tools/release-check)" in text


def test_signatures_stay_for_their_commit_and_no_other(check, checkout):
    """In docs/releasing.md a person signs after the last check. Who runs another one loses nothing."""
    done = check()
    place = checkout / "build/release-checklist.md"
    of = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    step = re.findall(r"^- \[ \] (.*)$", place.read_text(), re.MULTILINE)[1]
    place.write_text(place.read_text().replace("- [ ] " + step, "- [x] %s (Ada, 2026-11-26)" % step))
    signed = place.read_text()
    done = run(checkout, "env", "PATH=%s/bin:%s" % (checkout, os.environ["PATH"]), "tools/release-check", check=0)
    assert place.read_text() == signed and step not in done.stdout
    done = check()
    assert "- [ ] %s\n" % step in place.read_text() and step in done.stdout
    assert (checkout / ("build/release-checklist-%s.md" % of[:7])).read_text() == signed
    assert "build/release-checklist-%s.md. It does not count" % of[:7] in done.stdout


def test_no_document_names_the_version_of_a_tarball():
    """It would be wrong after the next release, where nobody looks for it."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*")]
    texts = [path for path in texts if path.suffix in (".md", ".yml")]
    assert texts and [str(path) for path in texts if re.search(r"riscv-k3s-\d", path.read_text(encoding="utf-8"))] == []


def test_the_version_has_a_summary_or_is_released():
    released = VERSION in read_yaml(ROOT / "changelogs/changelog.yaml")["releases"]
    path = ROOT / "changelogs/fragments" / (VERSION + ".yml")
    assert released or read_yaml(path)["release_summary"]


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_first_release_says_that_there_is_the_playbook(name):
    """tools/changelog refuses otherwise; it is better told to who adds the playbook."""
    if not read_yaml(ROOT / "changelogs/changelog.yaml")["releases"]:
        assert "``riscv.k3s.%s``" % name in (ROOT / "changelogs/fragments/1.0.0.yml").read_text(encoding="utf-8")
