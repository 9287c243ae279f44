# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools of developers say where a part of them did not run: never that it passed."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import sys

import pytest
from release_checkout import run, script
from test_project import ROOT

# As much of a Python as they start: it makes environments, and says which version it is.
PYTHON = """\
if [ "$1 $2" = "-m venv" ]; then rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; fi
if [ "$1" = -c ]; then exec %s "$@"; fi"""


@pytest.fixture(name="tool")
def _tool(tmp_path):
    """Runs a tool in a folder of its own, as root, with a cache of its own."""
    script(tmp_path / "bin/id", "echo 0")
    script(tmp_path / "tests/lab/lab", 'echo "lab $*" >>ran')

    def tool(name, *args, **variables):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
        variables.update(PATH="%s/bin:%s" % (tmp_path, os.environ["PATH"]), XDG_CACHE_HOME=str(tmp_path / "cache"))
        settings = ["%s=%s" % pair for pair in variables.items()]
        return run(tmp_path, "env", "-u", "RISCV_K3S_WEEKLY", *settings, name, *args)

    return tool


@pytest.mark.parametrize("lost", ["dangling", "does not start", None])
def test_an_environment_whose_python_is_gone_is_made_anew(tool, tmp_path, lost):
    own = "%d.%d" % sys.version_info[:2]
    (tmp_path / "requirements-x.in").write_text("# Python: %s\n" % own)
    (tmp_path / "requirements-x.txt").write_text("")
    script(tmp_path / "tools/pythons", "echo %s/bin/python" % tmp_path)
    script(tmp_path / "bin/python", PYTHON % sys.executable)
    first = tool("tools/environment", "requirements-x.txt")
    assert first.returncode == 0 and "making" in first.stderr
    python = pathlib.Path(first.stdout.strip()) / "bin/python"
    if lost:
        python.unlink()
    if lost == "dangling":
        python.symlink_to(tmp_path / "none")
    elif lost:
        script(python, "exit 1")
    again = tool("tools/environment", "requirements-x.txt")
    assert again.returncode == 0 and again.stdout == first.stdout and ("making" in again.stderr) == bool(lost)
    assert run(tmp_path, str(python), "-c", "", check=0)


@pytest.mark.parametrize("broken", ["environment", ".venv"])
def test_a_core_whose_python_does_not_start_is_a_failure(tool, tmp_path, broken):
    """It was not tested, and that is no success."""
    (tmp_path / "meta").mkdir()
    shutil.copy(ROOT / "meta/runtime.yml", tmp_path / "meta")
    (tmp_path / "requirements-release-2.21.in").touch()
    script(tmp_path / ".venv/bin/python", "echo 2.19.0 3.11.2" if broken == "environment" else "exit 1")
    script(tmp_path / "tools/environment", "echo %s/made" % tmp_path)
    (tmp_path / "made/bin").mkdir(parents=True)
    (tmp_path / "made/bin/python").symlink_to(tmp_path / "none")
    done = tool("tools/matrix", "--quick")
    assert done.returncode == 1
    if broken == "environment":
        assert "2.21          does not start with %s/made/bin/python" % tmp_path in done.stdout
    else:
        assert "has no ansible-core that starts" in done.stderr


@pytest.mark.parametrize("stages", [["stroy"], ["make", "stroy"], ["make stroy"], ["make story"], ["bench"]])
def test_a_stage_of_the_board_that_is_not_there_is_refused(tool, tmp_path, stages):
    script(tmp_path / ".venv/bin/python", 'echo "$*" >>ran')
    done = tool("tools/board", *stages)
    if "stroy" in " ".join(stages):
        assert done.returncode == 1 and "there is no stage stroy" in done.stderr
        assert done.stdout == "" and not (tmp_path / "ran").exists()
    else:
        ran = re.findall(r"^== (\w+)$", done.stdout, re.MULTILINE)
        assert done.returncode == 0 and ran == " ".join(stages).split()


@pytest.mark.parametrize("value", ["1", "0", "no", "", None])
def test_ci_leaves_the_tests_out_only_where_it_is_told_to_with_1(tool, tmp_path, value):
    script(tmp_path / "bin/make", 'echo "make $*" >>ran')
    run(tmp_path, "git", "init", "--quiet", check=0)
    (tmp_path / ".gitignore").write_text("ran\n")
    done = tool(".ci/run", **({} if value is None else {"RISCV_K3S_WEEKLY": value}))
    assert done.returncode == 0, done.stderr
    ran = (tmp_path / "ran").read_text().splitlines()
    weekly = ["make unit-all", "make board ONLY=make story"]
    assert ran == [*(weekly if value == "1" else ["make test"]), "lab down --check"]


@pytest.mark.parametrize("left", ["touch new", "rm -rf .git"])
def test_ci_sees_what_was_left_in_the_checkout(tool, tmp_path, left):
    run(tmp_path, "git", "init", "--quiet", check=0)
    run(tmp_path, "git", "config", "status.showUntrackedFiles", "no", check=0)
    script(tmp_path / "bin/make", left)
    done = tool(".ci/run")
    assert done.returncode == 1 and "left files in the checkout" in done.stderr


def test_ci_without_an_answer_of_git_does_not_begin(tool, tmp_path):
    script(tmp_path / "bin/make", "touch ran")
    assert tool(".ci/run").returncode == 1 and not (tmp_path / "ran").exists()
