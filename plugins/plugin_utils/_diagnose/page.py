# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of diagnose as one HTML file that opens from a disk, without a network. Pure.

What the page looks like and does is in playbooks/files/diagnose_page; here the parts are put together, and it is
decided what of the data goes in: the documented keys and nothing else, so that whatever a later version of diagnose
collects stays out until it is listed here.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import pathlib

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SCHEMA = 1

_FOLDER = pathlib.Path(__file__).resolve().parents[3] / "playbooks" / "files" / "diagnose_page"
_STYLES = ("base.css", "parts.css")
_SCRIPTS = (
    "text.js",
    "model.js",
    "parts.js",
    "findings.js",
    "boards.js",
    "pods.js",
    "images.js",
    "events.js",
    "main.js",
)

# What a key holds: TEXT is a text, number, boolean or null; TEXTS a list of such; LABELS an object of such; a dict
# names the keys of an object, a list of one dict those of a list's objects. docs/diagnose.md describes each.
TEXT, TEXTS, LABELS = "text", "texts", "labels"


def _keys(names, **others):
    return dict(dict.fromkeys(names.split(), TEXT), **others)


ALLOWED = {
    "schema": TEXT,
    "generated": TEXT,
    "boards": [
        _keys(
            "name hostname node observed error role k3s containerd running machine architecture ready internal_ip "
            "time clock_skew pods unready findings",
            disk=_keys("path size available"),
            preflight=[_keys("name state needed_for detail")],
            errors=[_keys("section rc message")],
        )
    ],
    "pods": [
        _keys(
            "board namespace name uid node sandbox_id attempt state ip network_namespace created_at relation mismatch "
            "cause kubectl crictl finding",
            labels=LABELS,
            containers=[_keys("name id image image_id state exit_code restarts reason", log=TEXTS)],
            api=_keys("phase ready deleting", reasons=TEXTS, owner=_keys("kind name")),
        )
    ],
    "images": [_keys("board name digest pinned size wanted", platforms=TEXTS)],
    "events": [_keys("time type reason message namespace kind name board source count")],
    "findings": [
        _keys(
            "cause title confidence remedy mended_by command run_on",
            subject=_keys("kind board name"),
            pods=[_keys("board pod")],
            evidence=TEXTS,
        )
    ],
    "collect": [_keys("board pod text command")],
    "cluster_known": TEXT,
}


def page(data):
    """The text of the page for ``data``, as docs/diagnose.md describes it. All of it is ASCII.

    Raises Problem when ``data`` is not of the schema that this page shows.
    """
    schema = data.get("schema") if isinstance(data, dict) else type(data).__name__
    if schema != SCHEMA:
        raise Problem(
            "the page shows data of diagnose with schema %d" % SCHEMA,
            found=repr(schema),
            next_step="Give it what riscv.k3s.diagnose of the same version of the collection wrote.",
        )
    style, script = _read(_STYLES), "(function () {\n'use strict';\n%s})();\n" % _read(_SCRIPTS)
    # Hashes name the one style and the one script that may have an effect: a text in the data cannot become another.
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'; script-src '%s'" % (
        _hash(style),
        _hash(script),
    )
    parts = {"policy": policy, "style": style, "script": script, "data": _embedded(select(data, ALLOWED))}
    # Split before anything is put in: a text of the data that looks like a place would else be taken for one.
    first, *rest = _read(("page.html",)).split("<!--riscv.k3s:")
    return first + "".join(parts[name] + after for name, after in (part.split("-->", 1) for part in rest))


def select(value, allowed):
    """``value`` with only what ``allowed`` (as ALLOWED) lists; what has another shape becomes null, or an empty list or
    object.
    """
    if allowed == TEXT:
        return _scalar(value)
    if allowed == TEXTS:
        return [_scalar(one) for one in value] if isinstance(value, (list, tuple)) else []
    if allowed == LABELS:
        return {str(key): _scalar(one) for key, one in value.items()} if isinstance(value, dict) else {}
    if isinstance(allowed, list):
        entries = value if isinstance(value, (list, tuple)) else []
        return [select(entry, allowed[0]) for entry in entries if isinstance(entry, dict)]
    return {key: select(value.get(key), inner) for key, inner in allowed.items()} if isinstance(value, dict) else None


def _scalar(value):
    # NaN and infinity are no JSON.
    known = isinstance(value, (str, bool, int)) or isinstance(value, float) and math.isfinite(value)
    return value if known else None


def _embedded(data):
    """JSON that can stand in a script element: no character in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


@functools.cache
def _read(names):
    return "".join((_FOLDER / name).read_text(encoding="ascii") for name in names)
