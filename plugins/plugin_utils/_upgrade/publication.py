# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be published so that a mirror serves a version of k3s, for all architectures of a fleet. Pure.

One name holds the content of one architecture, or that of all. What boards of another architecture have there is never
written over.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import ANSWERED_NO
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.table import approximate

_ELSEWHERE = "give each architecture its own riscv_k3s_mirror_prefix, or leave it to the fix tag without a mirror"


def publication(tables, planned=False):
    """{copies, missing}: pairs (source, target) for registry_image_copy, and a sentence for each name that the mirror
    does not serve and that no copy mends.

    ``tables`` is {architecture: result of table.upgrade_table}. With ``planned`` the copies count as done; without it
    what is still to be copied is missing, too.
    """
    copies, missing = [], [text for table in tables.values() for text in _besides(table)]
    for target, rows in sorted(_by_target(tables).items()):
        copy, problem = _judge(target, rows)
        copies += [copy] if copy else []
        missing += [problem] if problem else []
        missing += ["%s was not published" % target] if copy and not planned else []
    return {"copies": copies, "missing": [printable(text) for text in dict.fromkeys(missing)]}


def _besides(table):
    """What is missing of images that no mirror serves, and tags of which it is not sure that they are asked for."""
    yield from table["problems"]
    for row in table["rows"]:
        if not _is_mirrored(row):
            yield from [row["missing"]] if row["missing"] else []
        elif row["sure"] != _releases.EXACT:
            yield approximate(row, "mirror")


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
    """(the copy that is needed or None, why the mirror cannot serve it or None)."""
    served = {architecture: row["served"]["mirror"] for architecture, row in rows.items()}
    lacking = [architecture for architecture, said in served.items() if said is not True]
    if not lacking:
        return None, None
    unknown = [architecture for architecture in lacking if served[architecture] not in ANSWERED_NO]
    if unknown:
        return None, "the mirror cannot be asked: %s" % rows[unknown[0]]["messages"]["mirror"]
    source = _source(rows)
    if source is None:
        return None, _without_source(target, rows)
    there = {platform for row in rows.values() for platform in row["platforms"]["mirror"]}
    lost = sorted(there - _published(rows, source))
    if lost:
        return None, "%s is left as it is: it holds %s, which %s does not. Next: %s" % (
            target,
            ", ".join(lost),
            source,
            _ELSEWHERE,
        )
    return {"source": source, "target": target}, None


def _source(rows):
    """The reference that serves every architecture, the catalogue's before the stock name; None when there is none."""
    for key, name in (("source", "source"), ("stock", "image")):
        names = {row[name] for row in rows.values()}
        if len(names) == 1 and all(row["served"][key] is True for row in rows.values()):
            return names.pop()
    return None


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
