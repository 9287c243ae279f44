# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an upgrade of k3s is safe: each stock image, who serves it, the fix, and what is missing. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.pull_causes import ANSWERED_NO
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table

_COLUMNS = ("IMAGE", "SOURCE", "MIRROR", "STOCK", "FIX", "NAMED IN")


def upgrade_table(wanted, answers, architecture="riscv64"):
    """{rows, lines, safe, missing, copies} from the result of wanted.upgrade_images and the rows of
    registry_image_info.

    A row gets served (source, mirror, stock, instead: True, or the cause, or None where there is no such name), fix
    (patch, where a patch names
    another image, else mirror, tag or stock; None when nothing serves it), and missing (a sentence or None).
    ``missing`` are those sentences,
    ``copies`` the pairs (source, target) that would let a mirror serve what it lacks, ``lines`` a table for people. An
    upgrade is safe when nothing is missing.
    """
    asked = {row["image"]: row for row in answers}
    rows = [_judge(row, asked, architecture) for row in wanted["rows"]]
    missing = [
        printable(text) for text in list(wanted["problems"]) + [row["missing"] for row in rows if row["missing"]]
    ]
    copies = [copy for copy in (_copy(row) for row in rows) if copy]
    return {
        "rows": rows,
        "safe": not missing,
        "missing": missing,
        "copies": copies,
        "lines": _lines(rows, missing, architecture),
    }


def _judge(row, asked, architecture):
    names = {"instead": row["instead"], "source": row["source"], "mirror": row["mirror"], "stock": row["image"]}
    answers = {key: asked.get(name) for key, name in names.items() if name}
    served = {key: _served(answers.get(key)) for key in names}
    fix = _fix(row, served)
    return dict(row, served=served, fix=fix, missing=_missing(row, fix, answers, architecture))


def _served(answer):
    if answer is None:
        return None
    return True if answer["has_architecture"] else answer["cause"]


def _fix(row, served):
    if row["instead"]:
        # The workload asks for this one then, and nothing else helps it.
        return "patch" if served["instead"] is True else None
    if served["mirror"] is True:
        return "mirror"
    if served["source"] is True and row["source"] != row["image"]:
        return "tag"
    return "stock" if served["stock"] is True else None


def _missing(row, fix, answers, architecture):
    if row["image"] is None:
        return (
            "%s: its tag is not known. Next: give the release's list of images (k3s-images.txt) in "
            "riscv_k3s_target_images, or disable the component" % row["name"]
        )
    if fix is None:
        why = next(
            (answers[key]["message"] for key in ("instead", "source", "mirror", "stock") if answers.get(key)), None
        )
        entry = "" if row["source"] else " The catalogue has no entry for it."
        wanted = "%s, which a patch of the catalogue names in its place," % row["instead"] if row["instead"] else "it"
        return "%s: nothing serves %s for %s.%s %s" % (row["image"], wanted, architecture, entry, why or "")
    if row["sure"] != _releases.EXACT and fix not in ("tag", "patch"):
        # A tag that comes from a fixed source is made for whichever tag the new version turns out to ask for; a mirror
        # must hold the very one.
        return (
            "%s: the tag is approximate, so that %s may not serve the true one. Next: give riscv_k3s_target_images or "
            "riscv_k3s_target_manifests"
            % (
                row["image"],
                fix,
            )
        )
    return None


def _copy(row):
    if row["instead"] or not row["mirror"] or row["served"]["mirror"] not in ANSWERED_NO:
        return None
    source = (
        row["source"] if row["served"]["source"] is True else row["image"] if row["served"]["stock"] is True else None
    )
    return {"source": source, "target": row["mirror"]} if source else None


def _lines(rows, missing, architecture):
    lines = table([_COLUMNS] + [_cells(row, architecture) for row in rows])
    lines += ["MISSING: %s" % text for text in missing]
    return lines + [
        "NOT SAFE: %d to mend before the upgrade." % len(missing)
        if missing
        else "SAFE: every stock image of this version is served."
    ]


def _cells(row, architecture):
    def said(value):
        return architecture if value is True else value or "-"

    image = row["image"] or row["name"] + ":?"
    if row["sure"] == _releases.APPROXIMATE:
        image += " (approximate)"
    fix = (row["fix"] or "none") + (" + patch" if row["patch"] and row["fix"] in ("mirror", "tag") else "")
    return (image,) + tuple(said(row["served"][key]) for key in ("source", "mirror", "stock")) + (fix, row["where"][0])
