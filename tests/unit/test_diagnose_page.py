# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of diagnose as a text: what goes into it and what stays out. tests/browser opens it."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import pathlib
import re

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.riscv.k3s.plugins.filter.diagnose_page import FilterModule
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose import page as _diagnose_page
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.page import ALLOWED, page, select

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = json.loads((ROOT / "tests" / "unit" / "fixtures" / "diagnose.json").read_text(encoding="utf-8"))
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
DATA = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)


def embedded(text):
    (found,) = DATA.findall(text)
    return json.loads(found)


def test_the_documented_data_goes_in_whole():
    assert embedded(page(EXAMPLE)) == EXAMPLE


def test_the_documentation_names_every_key_that_goes_in():
    documented = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8")

    def names(allowed):
        for key, inner in allowed.items():
            yield key
            inner = inner[0] if isinstance(inner, list) else inner
            if isinstance(inner, dict):
                yield from names(inner)

    assert [name for name in names(ALLOWED) if not re.search(rf"\b{name}\b", documented)] == []


def with_more_keys(value):
    """`value` with keys everywhere that no version of the data has; labels are the user's own names and stay as they
    are.
    """
    more = {
        "env": ["PASSWORD=hunter2"],
        "annotations": {"note": "hunter2"},
        "password": "hunter2",
        "kubeconfig": {"token": "hunter2"},
    }
    if isinstance(value, list):
        return [with_more_keys(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {**{key: one if key == "labels" else with_more_keys(one) for key, one in value.items()}, **more}


def test_what_is_not_documented_stays_out():
    text = page(with_more_keys(EXAMPLE))
    assert embedded(text) == EXAMPLE
    assert [word for word in ("hunter2", "PASSWORD", "annotations", "kubeconfig") if word in text] == []


@pytest.mark.parametrize(
    ("allowed", "value", "kept"),
    [
        ("text", {"password": "hunter2"}, None),
        ("text", ["hunter2"], None),
        ("text", float("nan"), None),
        ("text", float("inf"), None),
        ("text", True, True),
        ("texts", ["a", {"password": "hunter2"}], ["a", None]),
        ("texts", "ab", []),
        ("labels", {"app": "shop", "x": {"y": "z"}}, {"app": "shop", "x": None}),
        ("labels", ["a"], {}),
        ([{"name": "text"}], [{"name": "a", "env": "b"}, "c", None], [{"name": "a"}]),
        ([{"name": "text"}], {"name": "a"}, []),
        ({"name": "text"}, None, None),
        ({"name": "text"}, {}, {"name": None}),
    ],
)
def test_other_shapes_do_not_pass(allowed, value, kept):
    assert select(value, allowed) == kept


ATTACKS = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\u2028\u2029",
    "\ud800",
    "&lt;/script&gt;",
    "<!--riscv.k3s:script-->",
    "\\u003c/script\\u003e",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_gets_out_of_its_place(attack):
    data = copy.deepcopy(EXAMPLE)
    data["findings"][0]["title"] = data["boards"][0]["name"] = attack
    data["pods"][0]["labels"] = {attack: attack}
    text = page(data)
    assert embedded(text) == data
    assert text.isascii()
    assert SCRIPT.findall(text) == SCRIPT.findall(page(EXAMPLE))
    assert text.count("<script") == 2 and text.count("</script") == 2


def test_the_policy_allows_the_one_script_and_the_one_style_and_no_loading():
    text = page(EXAMPLE)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1]
    for pattern, name in ((SCRIPT, "script-src"), (STYLE, "style-src")):
        (content,) = pattern.findall(text)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_it_refers_to_nothing_outside():
    empty = page({"schema": 1})
    assert set(re.findall(r"\w+://[^\s'\"]+", empty)) <= {"http://www.w3.org/2000/svg"}
    assert re.findall(r"@import|url\(|<link|<img|<iframe|\ssrc=", empty) == []


def test_its_scripts_make_no_html_of_texts():
    for name in _diagnose_page._SCRIPTS:
        text = (_diagnose_page._FOLDER / name).read_text(encoding="ascii")
        html, other = (
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser",
            r"\beval\b|new Function|\bfetch\(|XMLHttpRequest|localStorage",
        )
        assert re.findall(f"{html}|{other}", text) == []


def test_all_its_parts_are_in_use():
    used = {*_diagnose_page._STYLES, *_diagnose_page._SCRIPTS, "page.html"}
    assert {path.name for path in _diagnose_page._FOLDER.iterdir()} == used


@pytest.mark.parametrize(("data", "found"), [({}, "None"), ({"schema": 2}, "2"), ([], "list"), (None, "NoneType")])
def test_data_of_another_schema_is_told(data, found):
    with pytest.raises(Problem) as caught:
        page(data)
    assert caught.value.found.strip("'") == found


def test_the_filter():
    diagnose_page = FilterModule().filters()["diagnose_page"]
    assert diagnose_page(EXAMPLE) == page(EXAMPLE)
    with pytest.raises(AnsibleFilterError, match="schema 1"):
        diagnose_page({"schema": 7})
