# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pages in Debian's Chromium, from a file as a user would."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import time

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.page import page as render

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT = 60_000  # ms; far more than a page needs, for a machine that is busy


@pytest.fixture(scope="session")
def chromium():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("these tests need playwright and Chromium: run them by `make browser`")
    program = shutil.which("chromium")
    if not program:
        pytest.fail("there is no program chromium: run these tests by `make browser`")
    with sync_playwright() as playwright:
        # Playwright gives each browser a new, empty profile and removes it.
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=TIMEOUT)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """opened(DATA, width=…, scheme=…) -> the page, which has `problems` (errors of its scripts), `requests` (what it
    loaded), `until(CONDITION)`.
    """
    with contextlib.ExitStack() as stack:

        def open_page(data, width=1280, height=900, scheme="light", **options):
            path = tmp_path / "diagnose.html"
            path.write_text(render(data), encoding="ascii")
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(TIMEOUT)
            page.problems, page.requests = [], []
            page.on("pageerror", lambda error: page.problems.append(str(error)))
            page.on("console", lambda message: page.problems.append(message.text))
            page.on("request", lambda request: page.requests.append(request.url))
            page.until = lambda condition: until(page, condition)
            page.goto(path.as_uri())
            return page

        yield open_page


def until(page, condition):
    """Waits until a JavaScript expression is true. Playwright's own way evaluates texts within the page, which its
    policy forbids.
    """
    end = time.monotonic() + TIMEOUT / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never true: {condition}"
        page.wait_for_timeout(20)


@pytest.fixture(scope="session")
def screenshot():
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def take(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return take
