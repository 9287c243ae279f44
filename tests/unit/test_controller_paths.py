# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each file that is written on the controller has a row in docs/awx.md, with what moves it out of a container.

tests/fleet/test_containers.py runs them with a HOME and a project that can only be read.
"""

from __future__ import annotations

import json
import re

import pytest
from test_project import PLUGINS, ROOT, read_yaml

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import declared

AWX = (ROOT / "docs/awx.md").read_text(encoding="utf-8")
SURVEY = json.loads((ROOT / "docs/examples/awx-survey.json").read_text(encoding="utf-8"))
# Tasks of roles and playbooks that write a file: what they call its place, and what moves that; None is on a board.
PLACES = {
    "lock_file": "riscv_k3s_lock_file",
    "riscv_k3s_diagnose_json": "riscv_k3s_diagnose_json",
    "riscv_k3s_diagnose_html": "riscv_k3s_diagnose_html",
    "enroll_done.inventory.path": "riscv_k3s_enroll_inventory",
    "image_build_archives_cache": "XDG_CACHE_HOME",
    "binary_cache": "XDG_CACHE_HOME",
    "binary_path_of": "XDG_CACHE_HOME",
    "start_folder": "riscv_k3s_preload_folder",
    "start_images_dir": None,
    "binary_asked.upload": None,
}
WRITERS = ("copy", "template", "file", "get_url", "unarchive", "fetch", "lineinfile", "blockinfile", "assemble")
# Files of Python that write outside of a folder that another one gave them, and what moves it. Of those that run on the
# controller; what runs on boards writes by _host/files there.
CACHES = {"programs": "XDG_CACHE_HOME", "builds": "XDG_CACHE_HOME", "logins": "XDG_CACHE_HOME"}
_TYPES = {"text": str, "integer": int, "multiplechoice": str, "password": str}


def yaml_files():
    return [path for folder in ("roles", "playbooks") for path in sorted((ROOT / folder).rglob("*.yml"))]


def tasks(value):
    """All dictionaries within, of which tasks are some."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from tasks(one)


def written():
    """{what a task calls the place that it writes} in all roles and playbooks."""
    found = set()
    for path in yaml_files():
        for task in tasks(read_yaml(path)):
            for writer in WRITERS:
                arguments = task.get("ansible.builtin." + writer)
                if isinstance(arguments, dict):
                    place = arguments.get("dest") or arguments["path"]
                    found.add(re.match(r"{{ ([\w.]+)", place).group(1))
            archive = task.get("riscv.k3s.registry_image_archive")
            if archive:
                found.add(re.match(r"{{ ([\w.]+)", archive["path"]).group(1))
    return found


def rows():
    """The last cell of each row of the table of what is written on the controller."""
    table = AWX.partition("## What is written on the controller")[2].partition("\n## ")[0]
    return [line.split("|")[3] for line in table.splitlines() if line.startswith("| ")][1:]


def test_each_place_that_a_task_writes_is_known():
    assert written() == set(PLACES)


@pytest.mark.parametrize("variable", sorted(set(filter(None, [*PLACES.values(), *CACHES.values()]))))
def test_each_has_a_row_in_the_table(variable):
    assert any("`%s`" % variable in row for row in rows())
    assert not variable.startswith(declared.PREFIX) or variable.removeprefix(declared.PREFIX) in declared.SETTINGS


@pytest.mark.parametrize("variable", ["cache_connection", "riscv_k3s_enroll_known_hosts", "GOMODCACHE", "TMPDIR"])
def test_what_is_written_by_code_has_a_row(variable):
    assert any("`%s`" % variable in row for row in rows())


def test_all_that_is_cached_follows_one_variable():
    """No role and no module takes the user's folder without asking XDG_CACHE_HOME before. Where HOME is not set, it is
    not /.cache, and PWD is where the program was that started Ansible.
    """
    for path in yaml_files():
        text = path.read_text(encoding="utf-8")
        assert text.count("'~/.cache'") == text.count("env', 'XDG_CACHE_HOME'"), path
        assert "env', 'HOME'" not in text and "env', 'PWD'" not in text, path
    code = [(path, path.read_text(encoding="utf-8")) for path in sorted(PLUGINS.rglob("*.py"))]
    assert [path.name for path, text in code if '".cache"' in text] == ["own_folder.py"]
    named = {name for dummy, text in code for name in re.findall(r'cache_folder\("(\w+)"\)', text)}
    assert named == set(CACHES)


def test_the_survey_is_one_of_awx_and_asks_for_settings_that_there_are():
    """The form is that of AWX's API, /api/v2/job_templates/N/survey_spec/."""
    assert set(SURVEY) == {"name", "description", "spec"}
    keys = {"question_name", "question_description", "required", "type", "variable", "default", "choices", "min", "max"}
    for question in SURVEY["spec"]:
        assert set(question) == keys and all(isinstance(question[key], str) for key in ("question_name", "variable"))
        assert question["variable"].removeprefix(declared.PREFIX) in declared.SETTINGS
        assert question["required"] is False
        assert isinstance(question["default"], (_TYPES[question["type"]], str))
        if question["type"] == "multiplechoice":
            setting = declared.SETTINGS[question["variable"].removeprefix(declared.PREFIX)]
            assert set(question["choices"]) <= set(setting.choices) and question["default"] in question["choices"]
        else:
            assert question["choices"] == "" and 0 <= question["min"] <= question["max"]
    names = [question["variable"] for question in SURVEY["spec"]]
    assert len(names) == len(set(names))
    told = AWX.partition("## Job templates")[2].partition("\n## ")[0]
    assert [name for name in names if "`%s`" % name not in told] == []
