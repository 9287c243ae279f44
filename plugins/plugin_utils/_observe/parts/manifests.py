# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s's deploy controller reads: the reader of what manifests.sh writes. Pure.

Manifests hold passwords in many places: environments, values of charts, arguments. So what leaves the board is chosen
there, by what is needed to know which images k3s asks for: all keys, and the values of a few of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.overlay import SKIP_TEXT
from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import (
    checksums,
    read_files,
    relative,
)

LARGEST_TEXT = 256  # KiB; a larger manifest (a set of CRDs) sends no text
# Patterns of awk. Keys whose values are shown; a chart is set by dotted ones, too.
SHOWN_KEYS = (
    "(^|[.])(apiVersion|kind|name|namespace|replicas|registry|repository|tag|version|(useD|d)igest|"
    "systemDefaultRegistry|([A-Za-z]*[a-z])?[Ii]mage(s|Tag|Version|Digest|Registry|Repository)?)$"
)
# Keys below which a text is YAML by itself: the values of a chart, files in a ConfigMap.
INNER_KEYS = "^valuesContent$|[.](ya?ml|json)$"


def read_manifests(seen):
    """The part ``manifests``, without the demand that is made from it."""
    files = read_files(seen)
    if files is None or not seen.good("texts"):
        return {"manifests": None}
    texts, left_out, before = split_texts(seen.sections["texts"].out, seen.token)
    # The deploy controller looks for NAME.skip by the file's name alone, in whichever folder it lies.
    _compare(seen, files, texts, left_out, before)
    skipped = {path.rpartition("/")[2][: -len(".skip")] for path in files if path.endswith(".skip")}
    rows = [
        {
            "path": path,
            "sha256": files[path]["sha256"],
            "mtime": files[path]["mtime"],
            "skip": path.rpartition("/")[2] in skipped,
            "own_skip": files.get(path + ".skip", {}).get("sha256") == sha256(SKIP_TEXT),
            "text": texts[path].text if path in texts else None,
            "whole": path in texts and texts[path].whole,
            "left_out": left_out[path].why if path in left_out else None,
            "workloads": left_out[path].workloads if path in left_out else None,
        }
        for path in sorted(files)
        if not path.startswith("/") and not path.endswith(".skip")
    ]
    return {"manifests": rows}


def _compare(seen, files, texts, left_out, before):
    """Tell of texts that did not arrive, or not as the files are."""
    for path, row in sorted(files.items()):
        if path.startswith("/") or path.endswith(".skip"):
            continue
        if path not in before or path not in {**texts, **left_out}:
            seen.error("texts", "manifests/%s was not read" % path)
        elif before[path] != row["sha256"] or (
            path in texts and texts[path].whole and sha256(texts[path].text.encode()) != row["sha256"]
        ):
            seen.error("texts", "manifests/%s was changed meanwhile, or is no UTF-8 text" % path)


class Text(NamedTuple):
    """What is known of a manifest's text: the ``whole`` of it, or all keys and a few values."""

    text: str
    whole: bool


class LeftOut(NamedTuple):
    """Why a text stays on the board (secret, size, lines), and whether something in it has k3s run pods."""

    why: str
    workloads: bool


@reads("the observing script's part for manifests")
def split_texts(text, token):
    """The step ``texts`` as three dictionaries, by path: the texts, why there is none, and the checksums before they
    were read. Raises Problem.
    """
    texts, left_out, sums = {}, {}, ""
    before, *chunks = re.split(r"(?m)^%s(?=[-=!+])" % re.escape(token), text)
    if before.strip():
        raise ValueError("%s is no text of a file" % before.strip()[:100])
    for chunk in chunks:
        head, dummy, body = chunk.partition("\n")
        if head.startswith(("=", "-")):
            texts[relative(head[1:])] = Text(body[:-1] if head[0] == "=" else body, head[0] == "=")
        elif head.startswith("+"):
            sums = body
        else:
            why, held, path = head[1:].split(" ", 2)
            left_out[relative(path)] = LeftOut(why, {"0": True, "1": False}[held])
    # That a text has such lines is told after those before them.
    return {path: texts[path] for path in texts if path not in left_out}, left_out, checksums(sums)
