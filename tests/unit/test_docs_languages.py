# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reader types is the same in each language, and is there: playbooks, variables, files, sections."""

from __future__ import annotations

import re

import pytest
import yaml
from documents import CHINESE, KINDS, QUICKSTART, README, ROOT, blocks, commands, first_part, inventories

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import declared

VARIABLE = re.compile(r"\briscv_k3s_\w+")
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
DOCUMENTS = sorted([README, CHINESE, *(ROOT / "docs").rglob("*.md")])
# Settings, and names in files of ours.
KNOWN = {"riscv_k3s_" + name for name in (*declared.SETTINGS, *declared.RESERVED)}


def named(path):
    return str(path.relative_to(ROOT))


def test_both_readmes_have_the_same_code():
    english, chinese = blocks(first_part(README)), blocks(first_part(CHINESE))
    assert english == chinese
    assert [block.language for block in english].count("yaml") == len(KINDS)


def test_both_readmes_name_the_same_variables():
    english, chinese = (set(VARIABLE.findall(first_part(path))) for path in (README, CHINESE))
    assert english == chinese != set()


def test_both_readmes_lead_to_the_same_places():
    english, chinese = (links(first_part(path)) for path in (README, CHINESE))
    assert {link for link in english if "#" not in link} <= set(chinese) | {named(CHINESE)}


def test_the_chinese_readme_leads_to_all_that_users_read():
    """Its list of guides, what was tested, and whom to tell of a hole."""
    read = links(README.read_text(encoding="utf-8").partition("## Testing\n")[2].partition("In the repository only")[0])
    assert {*read, "SECURITY.md"} <= set(links(CHINESE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [README, CHINESE], ids=named)
def test_the_four_commands(path):
    names = [command.split()[3] for command in commands(path)]
    assert names == ["riscv.k3s." + name for name in ("publish", "plan", "site", "diagnose")]


@pytest.mark.parametrize("kind", KINDS)
def test_inventories_are_those_of_the_examples(kind):
    example = (ROOT / "inventory/examples" / (kind + ".yml")).read_text(encoding="utf-8")
    assert yaml.safe_load(inventories(README)[kind]) == yaml.safe_load(example)


def test_a_private_registry_takes_six_lines():
    assert len(inventories(README)["registry"].splitlines()) == 6


def test_quickstart_has_what_the_readme_has():
    quickstart = blocks(QUICKSTART.read_text(encoding="utf-8"))
    lines = {line for block in quickstart for line in block.lines}
    assert inventories(README)["registry"] in [block.text for block in quickstart if block.language == "yaml"]
    assert set(commands(README)) | set(commands(README, "ansible-galaxy")) <= lines


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_playbooks_and_variables_are_there(path):
    text = path.read_text(encoding="utf-8")
    played = re.findall(r"ansible-playbook\b[^#\n]*? riscv\.k3s\.(\w+)", text)
    assert set(played) - PLAYBOOKS == set()
    unknown = set(VARIABLE.findall(text)) - KNOWN
    # Of a family, as in riscv_k3s_registry_*.
    assert {name for name in unknown if not (name.endswith("_") and name + "*" in text)} == set()


def test_commands_take_the_inventory_that_readme_lets_one_write():
    """In a clone there is a folder inventory: all of its examples at once would be the boards."""
    texts = [path.read_text(encoding="utf-8") for path in (*DOCUMENTS, *(ROOT / "roles").glob("*/README.md"))]
    taken = {name for text in texts for name in re.findall(r"\bansible(?:-\w+)? [^#\n]*?-i (\S+)", text)}
    # Of the plugin boards; of ansible-pull, in its own repository.
    assert taken == {"inventory.yml", "boards.riscv_k3s.yml", "inventories/%H.yml"}


@pytest.mark.parametrize("path", [README, CHINESE, QUICKSTART], ids=named)
def test_the_version_of_go_is_that_of_the_recipe_that_asks_for_most(path):
    """Whoever takes an older one is told so in the middle of the first publish."""
    texts = [mod.read_text(encoding="utf-8") for mod in (ROOT / "roles/image_build/files/recipes").glob("*/go.mod")]
    asked = max(tuple(map(int, re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE).groups())) for text in texts)
    assert "Go %d.%d " % asked in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [QUICKSTART, ROOT / "docs/lifecycle.md"], ids=named)
def test_the_inventory_for_install_says_which_boards_are_servers(path):
    """Boards without k3s do not tell it, and nothing is installed then."""
    before = path.read_text(encoding="utf-8").partition(" riscv.k3s.install --check")[0]
    shown = [block.text for block in blocks(before) if block.language == "yaml"][-1]
    assert yaml.safe_load(shown)["k3s_cluster"]["children"]["server"]["hosts"]


def test_the_example_of_enroll_names_no_variable_that_nothing_holds():
    (shown, *_others) = blocks((ROOT / "docs/lifecycle.md").read_text(encoding="utf-8"))
    assert "riscv_k3s_enroll_boards" in shown.text and "{{" not in shown.text


def test_units_of_systemd_need_no_shell():
    """systemd runs no shell, and passes on what one would have replaced."""
    started = [
        line
        for path in DOCUMENTS
        for line in re.findall(r"^Exec\w+=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert started and [line for line in started if re.search(r"[$`|&;<>~]", line) or not line.startswith("/")] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_to_files_and_sections(path):
    dead = []
    for link in links(path.read_text(encoding="utf-8")):
        name, dummy, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def links(text):
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def anchors(path):
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower()).replace(" ", "-")
        for head in heads
    }


@pytest.mark.parametrize("path", [CHINESE, QUICKSTART], ids=named)
def test_chinese_emphasis_is_rendered(path):
    """Asterisks between a full stop and a character with no blank before it end nothing in Markdown: they are shown."""
    assert re.findall(r"\*\*[^*\n]+[。，：；、）]\*\*(?=[^\s\W])", path.read_text(encoding="utf-8")) == []


def test_chinese_has_a_word_for_each_thing():
    """A manifest is a file, an inventory one of hosts, the journal no changelog, a stock image none for an SD card."""
    text = "".join(path.read_text(encoding="utf-8") for path in (CHINESE, QUICKSTART))
    bare = re.findall(r"(?<!主机)清单(?!文件)", text)
    assert (bare, [word for word in ("变更日志", "系统镜像", "「") if word in text]) == ([], [])
