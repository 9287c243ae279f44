# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an upgrade of k3s is safe: each stock image, who serves it, the fix, and what is missing. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import ANSWERED_NO
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.workloads import UNFIT, unfit
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import DEFAULT_FIXES
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table

# What brings the content of a source under whichever tag k3s turns out to ask for.
_FIXED_SOURCE = ("tag", "flag", "preload", "patch")
_COLUMNS = ("IMAGE", "SOURCE", "MIRROR", "STOCK", "FIX", "NAMED IN")


def upgrade_table(wanted, answers, architecture="riscv64", fixes=DEFAULT_FIXES):
    """{rows, problems, lines, safe, missing} from what wanted.upgrade_images and registry_image_info gave.

    ``fixes`` are those that the inventory lets be used. A row gets served (source, mirror, stock, instead: True, or the
    cause, or None where there is no such name), platforms (the texts that registry_image_info gave, by the same keys),
    fix (patch, where a patch names another image, else mirror, tag, flag, preload or stock; None when nothing serves
    it), and missing (a sentence or None). ``missing`` are those sentences, ``lines`` a table for people. An upgrade is
    safe when nothing is missing.
    """
    asked = {row["image"]: row for row in answers}
    rows = [_judge(row, asked, architecture, fixes) for row in wanted["rows"]]
    texts = list(wanted["problems"]) + [row["missing"] for row in rows if row["missing"]]
    missing = [printable(text) for text in texts]
    lines = _lines(rows, missing, architecture)
    return {"rows": rows, "problems": wanted["problems"], "safe": not missing, "missing": missing, "lines": lines}


def _judge(row, asked, architecture, fixes):
    names = {"instead": row["instead"], "source": row["source"], "mirror": row["mirror"], "stock": row["image"]}
    answers = {key: _fitting(row, asked.get(name)) for key, name in names.items() if name}
    served = {key: _served(answers.get(key)) for key in names}
    platforms = {key: (answers.get(key) or {}).get("platforms") or [] for key in names}
    messages = {key: (answers.get(key) or {}).get("message") for key in names}
    fix = _fix(row, served, fixes)
    missing = _missing(row, fix, answers, architecture, fixes)
    return dict(row, served=served, platforms=platforms, messages=messages, fix=fix, missing=missing)


def _fitting(row, answer):
    """The answer about an image, as of one that does not serve where its workload would not start with it."""
    why = unfit(row["name"], answer.get("user")) if answer and answer["has_architecture"] else None
    if not answer or not why:
        return answer
    return dict(answer, has_architecture=False, cause=UNFIT, message="%s: %s." % (answer["image"], why))


def _served(answer):
    if answer is None:
        return None
    return True if answer["has_architecture"] else answer["cause"]


def unheard(served):
    """Whether one of those that may serve an image did not answer: then it is not known whether anything does."""
    return any(said not in (True, None, UNFIT, *ANSWERED_NO) for said in served.values())


def _fix(row, served, fixes):
    if row["instead"]:
        # The workload asks for this one then, and nothing else helps it.
        return "patch" if served["instead"] is True else None
    has_source = served["source"] is True and row["source"] != row["image"]
    usable = {
        "mirror": served["mirror"] is True,
        "tag": has_source,
        "flag": has_source and row["name"] == _releases.PAUSE,
        "preload": has_source,
    }
    found = next((fix for fix in fixes if usable.get(fix)), None)
    return found or ("stock" if served["stock"] is True else None)


def _missing(row, fix, answers, architecture, fixes):
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
        said = why or "None of the fixes that may be used serves it (riscv_k3s_fixes: %s)." % ", ".join(fixes)
        served = {key: _served(answer) for key, answer in answers.items()}
        nothing = "it is not known whether anything serves" if unheard(served) else "nothing serves"
        if row.get("elsewhere"):
            entry += (
                " k3s asks %s for it (system-default-registry), where nothing is published: name the private registry "
                "there, or leave that setting out." % row["elsewhere"]
            )
        return "%s: %s %s for %s.%s %s" % (row["image"], nothing, wanted, architecture, entry, said)
    if row["sure"] != _releases.EXACT and fix not in _FIXED_SOURCE:
        return approximate(row, fix)
    return None


def approximate(row, fix):
    """What is told of a tag that is not known for sure: a mirror must hold the very one that k3s asks for."""
    return (
        "%s: the tag is approximate, so that %s may not serve the real one. Next: give riscv_k3s_target_images or "
        "riscv_k3s_target_manifests" % (row["image"], fix)
    )


def _lines(rows, missing, architecture):
    lines = table([_COLUMNS] + [_cells(row, architecture) for row in rows])
    lines += ["MISSING: %s" % text for text in missing]
    return lines + [
        "NOT SAFE: %d to resolve before the upgrade." % len(missing)
        if missing
        else "SAFE: every stock image of this version is served."
    ]


def _cells(row, architecture):
    def said(value):
        return architecture if value is True else value or "-"

    image = row["image"] or row["name"] + ":?"
    if row["sure"] == _releases.APPROXIMATE:
        image += " (approximate)"
    fix = (row["fix"] or "none") + (" + patch" if row["patch"] and row["fix"] in DEFAULT_FIXES + ("preload",) else "")
    return (image,) + tuple(said(row["served"][key]) for key in ("source", "mirror", "stock")) + (fix, row["where"][0])
