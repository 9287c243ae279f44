# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be published so that a mirror serves k3s, for all architectures of a fleet, and from where. Pure.

The cheapest honest source is taken: the stock image or what the catalogue names in its place, where it has the
architecture; else what a recipe builds from pinned source; and what a third party built only where there is no recipe.
One name holds the content of one architecture, or that of all. What boards of another architecture have there is never
written over.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import ANSWERED_NO
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.workloads import UNFIT
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.table import approximate, unheard
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table as text_table

_ELSEWHERE = "give each architecture its own riscv_k3s_mirror_prefix, or leave it to the fix tag without a mirror"
_COLUMNS = ("IMAGE", "IN THE REGISTRY", "FROM")
_THERE = {"there": "yes", "unasked": "not known"}
NOTHING = "nothing serves it"


def publication(tables, planned=False):
    """{copies, builds, missing, later, left, lines}: pairs (source, target) for registry_image_copy, entries of a
    catalogue whose builds make what nobody offers, a sentence for each name that the mirror does not serve and that
    nothing mends, the same for images that nothing runs yet, the names of those, and a table for people.

    ``tables`` is {architecture: result of table.upgrade_table}. With ``planned`` the copies and builds count as done;
    without it what is still to be published is missing, too.
    """
    judged = {target: (rows, _judge(target, rows)) for target, rows in sorted(_by_target(tables).items())}
    missing: list[str] = []
    later: list[str] = []
    left: list[str] = []
    for table in tables.values():
        missing += table["problems"]
        for row in table["rows"]:
            besides = _besides(row)
            (missing if row["required"] else later).extend(besides)
            left += [row["image"]] if besides and not row["required"] else []
    unasked = [what for dummy, (how, what) in judged.values() if how == "unasked"]
    if unasked:
        # It is the same registry for all of them, and most often the same reason.
        missing.append("the mirror cannot be asked (%d of %d images): %s" % (len(unasked), len(judged), unasked[0]))
    for target, (rows, (how, what)) in judged.items():
        if how == "unasked":
            continue
        told = what if how == "missing" else "%s was not published" % target
        if how == "missing" or (how != "there" and not planned):
            is_needed = any(row["required"] for row in rows.values())
            (missing if is_needed else later).append(told)
            left += [] if is_needed else [next(iter(rows.values()))["image"]]
    return {
        "copies": [what for dummy, (how, what) in judged.values() if how == "copy"],
        "builds": [what for dummy, (how, what) in judged.values() if how == "build"],
        "missing": [printable(text) for text in dict.fromkeys(missing)],
        "later": [printable(text) for text in dict.fromkeys(later)],
        "left": [printable(text) for text in dict.fromkeys(left)],
        "lines": _lines(judged),
    }


def _besides(row):
    """What is missing of an image that no mirror serves, or where it is not sure that its tag is asked for."""
    if not _is_mirrored(row):
        return [row["missing"]] if row["missing"] else []
    return [approximate(row, "mirror")] if row["sure"] != _releases.EXACT else []


def _is_mirrored(row):
    return row["mirror"] and not row["instead"]


def _by_target(tables):
    """{name in the mirror: {architecture: row}} of what the mirror is to serve."""
    found: dict[str, dict] = {}
    for architecture, table in tables.items():
        for row in table["rows"]:
            if _is_mirrored(row):
                found.setdefault(row["mirror"], {})[architecture] = row
    return found


def _judge(target, rows):
    """(how, what): there and nothing, copy and the pair, build and the entry of a catalogue, missing and why, or
    unasked and why: whoever does not answer has not said that it lacks anything.
    """
    served = {architecture: row["served"]["mirror"] for architecture, row in rows.items()}
    lacking = [architecture for architecture, said in served.items() if said is not True]
    if not lacking:
        return "there", None
    unknown = [architecture for architecture in lacking if served[architecture] not in (*ANSWERED_NO, UNFIT)]
    if unknown:
        return "unasked", rows[unknown[0]]["messages"]["mirror"]
    there = {platform for row in rows.values() for platform in row["platforms"]["mirror"]}
    reference = _source(rows, honest=True)
    recipe = _recipe(rows) if reference is None else None
    if recipe:
        name, brings = recipe, {"linux/%s" % architecture for architecture in rows}
        found = "build", _entry(target, rows, recipe)
    else:
        reference = name = reference or _source(rows)
        if reference is None:
            return "missing", _without_source(target, rows)
        brings = _published(rows, reference)
        found = "copy", {"source": reference, "target": target}
    lost = sorted(there - brings)
    if lost:
        said = "%s is left as it is: it holds %s, which %s does not. Next: %s"
        return "missing", said % (target, ", ".join(lost), name, _ELSEWHERE)
    return found


def _source(rows, honest=False):
    """The reference that serves every architecture, the catalogue's before the stock name; None when there is none.
    An ``honest`` one is of no third party.
    """
    for key, name in (("source", "source"), ("stock", "image")):
        if honest and key == "source" and any(row["third_party"] for row in rows.values()):
            continue
        names = {row[name] for row in rows.values()}
        if len(names) == 1 and all(row["served"][key] is True for row in rows.values()):
            return names.pop()
    return None


def _recipe(rows):
    """The recipe that can be built for the fleet, or None. One name holds what is built for one architecture."""
    return next((row["recipe"] for row in rows.values()), None) if len(rows) == 1 else None


def _entry(target, rows, recipe):
    ((architecture, row),) = rows.items()
    return {"stock": row["name"], "source": target, "architecture": architecture, "build": {"recipe": recipe}}


def _published(rows, source):
    """Platforms that the copy of a source brings: the one of the fleet, or for several all that the source has."""
    if len(rows) == 1:
        return {"linux/%s" % architecture for architecture in rows}
    keys = [(row, "source" if row["source"] == source else "stock") for row in rows.values()]
    return {platform for row, key in keys for platform in row["platforms"][key]}


def _without_source(target, rows):
    for row in rows.values():
        if row["missing"]:
            return row["missing"]
    return "%s: no source serves %s alike. Next: %s" % (target, " and ".join(sorted(rows)), _ELSEWHERE)


def _lines(judged):
    rows = [_COLUMNS]
    for rows_of_it, (how, what) in judged.values():
        image = next(iter(rows_of_it.values()))["image"]
        rows.append((image, _THERE.get(how, "no"), _from(how, what, rows_of_it)))
    return text_table(rows)


def _from(how, what, rows):
    if how == "copy":
        return "copy of %s" % what["source"]
    if how == "build":
        return "built from source (recipe %s)" % what["build"]["recipe"]
    if how in _THERE:
        return "-"
    return "not known: a source cannot be asked" if any(unheard(row["served"]) for row in rows.values()) else NOTHING
