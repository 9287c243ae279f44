# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page shows, and what its search does."""

from __future__ import annotations

import json

import pytest
from fleet import EXAMPLE, healthy


def section(page, name):
    return page.locator(f"section[aria-labelledby={name}]")


def search(page, text):
    """Types as a user does, and waits until the page says what it found."""
    page.fill("#query", text)
    page.until("document.getElementById('status').textContent !== ''")


def test_opens_from_a_file_and_loads_nothing(opened):
    page = opened(EXAMPLE)
    assert page.title() == "3 of 3 boards need a look - k3s diagnosis"
    assert page.locator("h1").inner_text() == "3 of 3 boards need a look"
    assert page.locator("main > section > h2").all_inner_texts() == [
        "Findings 4",
        "Boards 3",
        "Pods 4",
        "Images 3",
        "Events 3",
    ]
    assert (page.problems, [url for url in page.requests if not url.startswith("file:")], len(page.requests)) == (
        [],
        [],
        1,
    )


def test_findings_come_first_and_say_what_to_do(opened):
    page = opened(EXAMPLE)
    cards = section(page, "findings").locator("li.finding")
    assert cards.locator("h3").all_inner_texts() == [finding["title"] for finding in EXAMPLE["findings"]]
    text = cards.first.inner_text()
    for part in (
        "certain",
        *EXAMPLE["findings"][0]["evidence"],
        EXAMPLE["findings"][0]["remedy"],
        EXAMPLE["findings"][0]["command"],
        "Run on the controller",
    ):
        assert part in text
    cards.first.get_by_text("Explains 1 pod").click()
    cards.first.get_by_role("button", name="kube-system/metrics-server").click()
    assert page.evaluate("document.activeElement.id") == "pods"
    assert section(page, "pods").locator("tbody tr").count() == 1


def test_both_views_of_a_pod(opened):
    page = opened(EXAMPLE)
    pods = section(page, "pods")
    first = pods.locator("tbody tr").first
    assert [
        part in first.inner_text()
        for part in ("Needs a look", "CrashLoopBackOff", "c41f9d2b7a60 ready, 0/1 running", "matched")
    ] == [True] * 4
    button = pods.get_by_role("button", name="shop-7d4b9c-x2x4q")
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert "panic: open /etc/shop/shop.yml: no such file or directory" in pods.locator("tr.opened").inner_text()
    button.click()
    assert pods.locator("tr.opened").count() == 0


def test_images_that_a_board_cannot_run_stand_out(opened):
    row = section(opened(EXAMPLE), "images").locator("tbody tr").first
    assert "busybox" in row.inner_text()
    assert "its board is riscv64" in row.inner_text()


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("coredns", [0, 0, 2, 1, 1]),
        ("COREDNS 0a1b2c3d", [0, 0, 1, 0, 0]),
        ("vxlan", [1, 1, 0, 0, 0]),
        ("board:board-2", [2, 1, 1, 1, 1]),
        ("board:board-2 pause", [1, 0, 1, 0, 1]),
        ("k8s-app=metrics-server", [0, 0, 1, 0, 0]),
        ("sha256:bbbb", [0, 0, 0, 1, 0]),
        ("no-such-word", [0, 0, 0, 0, 0]),
    ],
)
def test_search_looks_at_everything(opened, text, amounts):
    page = opened(EXAMPLE)
    search(page, text)
    nouns = ("finding", "board", "pod", "image", "event")
    told = ", ".join(f"{amount} {noun}{'' if amount == 1 else 's'}" for amount, noun in zip(amounts, nouns))
    assert page.locator("#status").inner_text() == f"Shown: {told}"
    assert page.locator("#status").get_attribute("role") == "status"
    page.get_by_role("button", name="Clear").click()
    page.until("document.getElementById('status').textContent === ''")
    assert page.evaluate("document.activeElement.id") == "query"


def test_only_what_needs_a_look(opened):
    page = opened(EXAMPLE)
    page.get_by_label("Only what needs a look").check()
    assert page.locator("#status").inner_text() == "Shown: 4 findings, 3 boards, 2 pods, 1 image, 2 events"


def test_copies_a_command(opened):
    page = opened(EXAMPLE, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command").first.click()
    page.until("document.getElementById('copied').textContent !== ''")
    assert page.evaluate("navigator.clipboard.readText()") == EXAMPLE["findings"][0]["command"]


def test_a_healthy_fleet(opened, screenshot):
    page = opened(healthy())
    assert page.locator("h1").inner_text() == "All 2 boards are healthy"
    assert "Nothing was found to be wrong." in section(page, "findings").inner_text()
    screenshot(page, "healthy")


def test_no_data_at_all(opened):
    page = opened({"schema": 1})
    assert (page.locator("h1").inner_text(), page.problems) == ("No boards", [])


def test_what_to_collect(opened):
    hint = {
        "board": "board-1",
        "pod": "default/shop",
        "text": "Nothing is known of its log.",
        "command": "k3s kubectl logs shop",
    }
    page = opened(dict(EXAMPLE, collect=[hint]))
    assert all(part in section(page, "collect").inner_text() for part in hint.values())


def test_texts_of_the_data_are_never_html(opened):
    attack = "</script><script>hit = 1</script><img src=x onerror='hit = 1'><!--\u2028\"'&lt;"

    def poison(value):
        if isinstance(value, str):
            return value + attack
        if isinstance(value, list):
            return [poison(one) for one in value]
        return {key: poison(one) for key, one in value.items()} if isinstance(value, dict) else value

    page = opened(poison(EXAMPLE))
    page.evaluate(
        "document.querySelectorAll('details, [aria-expanded=false]').forEach(one => one.tagName === 'DETAILS' ? "
        "(one.open = true) : one.click())"
    )
    assert page.evaluate("[typeof hit, document.images.length, document.scripts.length]") == ["undefined", 0, 2]
    assert page.locator("li.finding h3").first.text_content() == EXAMPLE["findings"][0]["title"] + attack.replace(
        "\u2028", "\\u2028"
    )
    assert (page.problems, len(page.requests)) == ([], 1)


def test_a_script_that_gets_in_all_the_same_does_not_run(opened):
    page = opened(EXAMPLE)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hit = 1'}))")
    assert page.evaluate("typeof hit") == "undefined"


def test_without_scripts_it_says_where_else_to_look(opened):
    page = opened(EXAMPLE, java_script_enabled=False)
    assert "riscv_k3s_diagnose_json" in page.locator("noscript").inner_text()


def test_the_page_holds_the_example_in_full(opened):
    assert json.loads(opened(EXAMPLE).locator("#data").text_content()) == EXAMPLE
