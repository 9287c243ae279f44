# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools/release-check looks at, and what its list says: one commit, its candidate, and who signed."""

from __future__ import annotations

import hashlib
import os
import re

import pytest
from release_checkout import LIST, STAGES, TARBALL, commit, make, run, script, tag


@pytest.fixture(name="checkout")
def _checkout(tmp_path):
    return make(tmp_path)


@pytest.fixture(name="check")
def _check(checkout):
    """Runs tools/release-check with stages that pass, but for those named."""
    stages = ("lint", "importer", "sanity", "docs", "changelog", "execution-environment")
    for name in ["tools/" + name for name in stages] + [".venv/bin/python", "bin/id"]:
        script(checkout / name, "echo 0")
    # What is built holds the names of what it was built from.
    script(checkout / ".venv/bin/ansible-galaxy", '(cd "$3" && find . | sort) >' + TARBALL)

    def check(*failing, address="https://forge.example/riscv-k3s", stages=(), committed=True):
        for name in failing:
            script(checkout / name, "exit 3")
        if committed:
            run(checkout, "tools/address", address, check=0)
            commit(checkout)
        path = "PATH=%s/bin:%s" % (checkout, os.environ["PATH"])
        return run(checkout, "env", path, "tools/release-check", *stages)

    return check


def ticked(checkout):
    return re.findall(r"^- \[x\] (\w+) ", (checkout / LIST).read_text(), re.MULTILINE)


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


def test_what_passed_on_a_dirty_tree_is_of_no_commit(check, checkout):
    """The list of it cannot be signed for the commit that is there after `git checkout .`."""
    commit(checkout)
    for shown in ("all", "no"):
        run(checkout, "git", "config", "status.showUntrackedFiles", shown)
        (checkout / "new").touch()
        done = check(committed=False)
        (checkout / "new").unlink()
        assert done.returncode == 1 and "something is not committed" in done.stderr
        text = (checkout / LIST).read_text()
        assert ticked(checkout) == [] and text.count(" (tools/release-check): of no commit\n") == len(STAGES)
        (checkout / LIST).write_text(re.sub(r"- \[ \] (\w+ \(tools/release-check\)).*", r"- [x] \1", text))
        assert "for another commit, or for none" in tag(checkout).stderr


@pytest.mark.parametrize("meanwhile", ["git commit --quiet --allow-empty -m y", "touch new", "rm -rf .git"])
def test_a_commit_that_did_not_stay_during_a_check_was_not_checked(check, checkout, meanwhile):
    script(checkout / "tools/docs", meanwhile)
    done = check()
    assert done.returncode == 1 and "REFUSED" in done.stderr and ticked(checkout) == []
    assert "of no commit" in (checkout / LIST).read_text().splitlines()[0]


def test_a_candidate_holds_its_commit_and_nothing_else(check, checkout):
    """What git ignores on this machine was in no commit, and users would not get it."""
    (checkout / ".git/info/exclude").write_text("*_build.py\n")
    (checkout / "helper_build.py").touch()
    assert check().returncode == 0
    built = (checkout / TARBALL).read_text().split()
    assert "./galaxy.yml" in built and "./helper_build.py" not in built
    sums = "%s sha256 %s" % (TARBALL, hashlib.sha256((checkout / TARBALL).read_bytes()).hexdigest())
    assert sums in (checkout / LIST).read_text().splitlines()
    script(checkout / "tools/execution-environment", 'echo more >>"$1"')
    done = check()
    assert done.returncode == 1 and "is another one than was built" in done.stderr
    assert "sha256" not in (checkout / LIST).read_text()


def test_a_fragment_after_the_commit_of_the_release_is_refused(check, checkout):
    (checkout / "changelogs/fragments").mkdir()
    (checkout / "changelogs/fragments/late.yaml").write_text("---\n")
    done = check()
    assert done.returncode == 1 and "does not have what was added after it: late.yaml" in done.stderr


SKIPPED = "SKIPPED [1] tests/fleet/test_installed.py:37: "
NO_PYTHON = "ansible-core %s: tools/environment: x.txt needs a Python of version 3.1, with its venv module; none here"


def test_a_core_without_a_python_is_named_as_not_run(check, checkout):
    lines = "\n".join(SKIPPED + NO_PYTHON % core for core in ("2.20", "2.18"))
    script(checkout / ".venv/bin/python", "echo '%s'\nls $RISCV_K3S_TARBALL >build/tried" % lines)
    done = check()
    assert done.returncode == 0 and (checkout / "build/tried").read_text() == "%s/%s\n" % (checkout, TARBALL)
    for core in ("2.18", "2.20"):
        assert "ansible-core %s did not run" % core in done.stdout
        assert "- ansible-core %s did not run" % core in (checkout / LIST).read_text()
    assert len(ticked(checkout)) == len(STAGES)
    assert "before is in" not in check().stdout


@pytest.mark.parametrize("reason", ["ansible-core 2.20: no network", "simulated boards need mount namespaces"])
def test_what_did_not_run_for_another_reason_did_not_pass(check, checkout, reason):
    script(checkout / ".venv/bin/python", "echo '%s'" % (SKIPPED + reason))
    done = check()
    assert done.returncode == 1 and reason in done.stderr and "the stage installed failed" in done.stderr


def test_a_stage_that_is_not_there_is_refused(check, checkout):
    done = check(stages=["lint", "lnt"])
    assert done.returncode == 1 and "there is no stage lnt, only lint importer" in done.stderr
    assert not (checkout / LIST).exists() and done.stdout == ""


def signed(checkout, mark):
    """The list, with what a person made of one of its steps. Returns the step and the text."""
    text = (checkout / LIST).read_text()
    step = re.findall(r"^- \[ \] (.*)$", text, re.MULTILINE)[1]
    (checkout / LIST).write_text(text.replace("- [ ] " + step, mark % step))
    return step, (checkout / LIST).read_text()


def test_signatures_stay_for_their_commit_and_no_other(check, checkout):
    """In docs/releasing.md a person signs after the last check. Who runs another one loses nothing."""
    done = check()
    of = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    step, text = signed(checkout, "- [x] %s (Ada, 2026-11-26)")
    done = check(committed=False)
    assert (checkout / LIST).read_text() == text and step not in done.stdout and "before is in" not in done.stdout
    done = check()
    assert "- [ ] %s\n" % step in (checkout / LIST).read_text() and step in done.stdout
    assert (checkout / ("build/release-checklist-%s.md" % of[:7])).read_text() == text
    assert "build/release-checklist-%s.md. It does not count now" % of[:7] in done.stdout


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(
    "mark",
    [
        "- [X] %s (Ada, 2026-11-26)",
        "- [x] %s (Ada, 2026-11-26)\n    on 8 GB",
        "- [ ] %s\n- [ ] ask Li",
        "%s?",
    ],
)
def test_what_a_person_wrote_is_kept_aside(check, checkout, mark, same):
    check()
    of = run(checkout, "git", "rev-parse", "HEAD").stdout.strip()
    texts = []
    for dummy in range(2):
        texts.append(signed(checkout, mark)[1])
        done = check(committed=not same)
        kept = re.findall(r"before is in (\S+)\. ", done.stdout)
        assert len(kept) == 1 and (checkout / kept[0]).read_text() == texts[-1]
    asides = [path.read_text() for path in (checkout / "build").glob("release-checklist-*")]
    assert len(asides) == 2 and sorted(asides) == sorted(texts) and (not same or of[:7] in kept[0])


def test_a_list_that_nobody_wrote_into_is_not_kept(check, checkout):
    for failing in ([], ["tools/sanity"], []):
        assert "before is in" not in check(*failing).stdout
    check(stages=["lint"])
    (checkout / "new").touch()
    check(committed=False)
    check()
    assert [path.name for path in (checkout / "build").glob("release-checklist*")] == ["release-checklist.md"]
