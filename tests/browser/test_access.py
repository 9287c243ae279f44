# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For everyone: axe, a phone, the keyboard alone, less motion."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest
from fleet import EXAMPLE

EVERYTHING = dict(
    EXAMPLE,
    collect=[
        {"board": "board-1", "pod": "default/shop", "text": "Look at its log.", "command": "k3s kubectl logs shop"}
    ],
)
OPEN_ALL = """() => {
  document.querySelectorAll('details').forEach((one) => { one.open = true; });
  document.querySelectorAll('[aria-expanded=false]').forEach((one) => one.click());
}"""
# All of it in the window, since what is far outside of it is not laid out (content-visibility).
TALL = 8000


def axe(page):
    folder = pathlib.Path(importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0])
    page.evaluate((folder / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(one["impact"], one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe_finds_nothing(opened, scheme, width):
    page = opened(EVERYTHING, width=width, height=TALL, scheme=scheme)
    page.evaluate(OPEN_ALL)
    page.until("document.querySelectorAll('details[open]').length > 2")
    assert axe(page) == []


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 3400), ("dark", 1280, 3400), ("light", 320, 5600)]
)
def test_screenshots(opened, screenshot, scheme, width, height):
    """For people to look at: tests do not see what is ugly."""
    page = opened(EVERYTHING, width=width, height=height, scheme=scheme)
    page.get_by_role("button", name="shop-7d4b9c-x2x4q").last.click()
    page.get_by_text("System: 1 missing").click()
    screenshot(page, f"{scheme}-{width}")


@pytest.mark.parametrize("width", [320, 640, 1024])
def test_no_scrolling_sideways(opened, width):
    page = opened(EVERYTHING, width=width, height=TALL)
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(200)
    assert page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")[0] == width
    shown = "[...document.querySelectorAll('main *, .bar *')].filter((one) => !one.closest('.unseen, thead'))"
    outside = f"{shown}.filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
    assert page.evaluate(f"{outside}.map((one) => one.outerHTML.slice(0, 120))") == []


def test_everything_can_be_reached_by_keyboard_and_the_focus_is_seen(opened):
    page = opened(EVERYTHING, height=700)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0); getSelection().removeAllRanges()")
    page.evaluate("document.querySelector('.skip').focus()")
    # An outline, and not below the bar that stays on top while the page is scrolled.
    look = """() => {
      const one = document.activeElement, box = one.getBoundingClientRect();
      const bar = document.querySelector('.bar'), top = bar.getBoundingClientRect();
      const covered = !bar.contains(one) && box.top < top.bottom && box.bottom > top.top;
      return [getComputedStyle(one).outlineStyle !== 'none', !covered, one.tagName];
    }"""
    wanted = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary')].filter((one) => "
        "one.checkVisibility()).length"
    )
    seen = []
    while len(seen) < wanted - 1:
        page.keyboard.press("Tab")
        page.wait_for_timeout(15)
        seen.append(page.evaluate(look))
    assert [one for one in seen if not (one[0] and one[1])] == []
    assert {one[2] for one in seen} == {"A", "BUTTON", "INPUT", "SUMMARY"}


def test_a_pod_opens_by_keyboard(opened):
    page = opened(EVERYTHING)
    page.get_by_role("button", name="shop-7d4b9c-x2x4q").focus()
    page.keyboard.press("Enter")
    assert page.locator("tr.opened").count() == 1
    assert "shop-7d4b9c-x2x4q" in page.evaluate("document.activeElement.textContent")


def test_headings_have_no_gaps(opened):
    page = opened(EVERYTHING)
    page.evaluate(OPEN_ALL)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert [(one, two) for one, two in zip(levels, levels[1:]) if two > one + 1] == []


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
def test_less_motion_for_those_who_ask(opened, wish, moves):
    page = opened(EVERYTHING, reduced_motion=wish)
    style = page.evaluate(
        "[getComputedStyle(document.documentElement).scrollBehavior, "
        "getComputedStyle(document.querySelector('button')).transitionDuration]"
    )
    assert (style != ["auto", "0s"]) is moves
