# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the documents for a reader to type."""

from __future__ import annotations

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
QUICKSTART = ROOT / "docs/zh-CN/quickstart.md"
# Where what both languages have ends.
_ENDS = ("## Use cases\n", "## 更多文档\n")
# Its first yaml blocks, one for each of three kinds of clusters.
KINDS = ("registry", "preload", "internet")


class Block(NamedTuple):
    """A code block: its language, empty where it shows output, and its lines without comments and empty ones."""

    language: str
    lines: tuple[str, ...]

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def first_part(path):
    """A README up to what only the English one has."""
    text = path.read_text(encoding="utf-8")
    end = min((text.index(end) for end in _ENDS if end in text), default=None)
    assert end, "%s has none of the headings %s" % (path.name, ", ".join(_ENDS))
    return text[:end]


def blocks(text):
    """The code blocks of a text of Markdown."""
    found = re.findall(r"^```([a-z]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(language, tuple(_code(body))) for language, body in found]


def _code(body):
    lines = (re.sub(r"\s+#\s.*|^#\s.*", "", line).rstrip() for line in body.splitlines())
    return [line for line in lines if line]


def inventories(path):
    """{kind of cluster: text of its inventory} of a README."""
    return dict(zip(KINDS, [block.text for block in blocks(first_part(path)) if block.language == "yaml"]))


def commands(path, program="ansible-playbook"):
    """The commands of a README's first part that start with ``program``."""
    lines = [line for block in blocks(first_part(path)) if block.language == "console" for line in block.lines]
    return [line for line in lines if line.startswith(program + " ")]
