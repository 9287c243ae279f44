# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a release that a machine guards: no tag without signed steps, no changelog without each playbook."""

from __future__ import annotations

import re
import shutil

import pytest
from release_checkout import LIST, NO_CHANGELOG, STAGES, TARBALL, VERSION, commit, make, run, script, sign, tag
from test_project import PLAYBOOKS, ROOT, read_yaml


@pytest.fixture(name="checkout")
def _checkout(tmp_path):
    return make(tmp_path)


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
    of = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    commit(checkout)
    assert "made for another commit" in tag(checkout).stderr
    # Also where somebody noted this one below.
    text = (checkout / LIST).read_text().replace(of, "0" * 40) + "not the list of %s, \n" % of
    run(checkout, "git", "reset", "--quiet", "--hard", of, check=0)
    (checkout / LIST).write_text(text)
    assert "made for another commit" in tag(checkout).stderr


@pytest.mark.parametrize("content", [b"another", None])
def test_a_tarball_that_the_list_was_not_made_for_is_refused(checkout, content):
    """It is what gets published."""
    sign(checkout)
    (checkout / TARBALL).unlink()
    if content:
        (checkout / TARBALL).write_bytes(content)
    refused = tag(checkout)
    assert refused.returncode == 1 and "%s is not the one that the list was made for" % TARBALL in refused.stderr


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
    for shown in ("all", "no"):
        run(checkout, "git", "config", "status.showUntrackedFiles", shown)
        assert "something is not committed" in tag(checkout).stderr


def test_a_placeholder_and_a_changelog_without_the_version_are_refused(checkout):
    for name in ("galaxy.yml", "changelogs/changelog.yaml"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / "changelogs/changelog.yaml").write_text(NO_CHANGELOG)
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
    (checkout / "changelogs/changelog.yaml").write_text(NO_CHANGELOG)
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


@pytest.fixture(name="fragments")
def _fragments(checkout):
    """The fragments of a first release, one of them from its development; what makes the changelog tells of them."""
    (checkout / "changelogs/changelog.yaml").write_text(NO_CHANGELOG)
    folder = checkout / "changelogs/fragments"
    folder.mkdir()
    (checkout / "playbooks/site.yml").touch()
    (folder / (VERSION + ".yml")).write_text("release_summary: ``riscv.k3s.site``\n")
    (folder / "of-development.yaml").write_text("---\n")
    script(checkout / "tools/environment", 'echo "$PWD"')
    made = "ls changelogs/fragments >CHANGELOG.md\ntouch CHANGELOG.rst\nrm changelogs/fragments/*"
    script(checkout / "bin/antsibull-changelog", made)
    commit(checkout)
    return folder


def test_fragments_are_used_up_once_the_changelog_is_made(checkout, fragments):
    """Of a first release only its summary, whatever the suffix of the others."""
    run(checkout, "tools/changelog", check=0)
    assert (checkout / "CHANGELOG.md").read_text() == VERSION + ".yml\n"
    assert not fragments.exists() and (checkout / "CHANGELOG.rst").exists()


@pytest.mark.parametrize("broken", ["tools/environment", "bin/antsibull-changelog"])
def test_fragments_stay_where_no_changelog_was_made(checkout, fragments, broken):
    script(checkout / broken, "rm -f changelogs/fragments/of*\necho no network >&2\nexit 1")
    if broken == "tools/environment":
        script(checkout / broken, "echo no network >&2\nexit 1")
    commit(checkout)
    assert "no network" in run(checkout, "tools/changelog", check=1).stderr
    assert run(checkout, "git", "status", "--porcelain").stdout == "" and len(list(fragments.iterdir())) == 2


@pytest.mark.parametrize("folder", [(), (".",)])
@pytest.mark.parametrize("name", ["mine.yml", "mine.yaml"])
@pytest.mark.parametrize("hidden", ["", "not shown", "ignored"])
def test_a_fragment_that_only_this_checkout_has_is_not_removed(checkout, fragments, name, hidden, folder):
    if hidden == "not shown":
        run(checkout, "git", "config", "status.showUntrackedFiles", "no", check=0)
    if hidden == "ignored":
        (checkout / ".git/info/exclude").write_text("mine*\n")
    (fragments / name).write_text("---\n")
    said = run(checkout, "tools/changelog", *folder, check=1).stderr
    assert "not committed, and would be lost" in said and name in said
    assert len(list(fragments.iterdir())) == 3


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
