# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock, images.lock.yml: which content each stock image stands for, by digest. Read, made and compared. Pure.

The file has the form of an inventory: it lies beside one, and Ansible reads every file of a folder that is given as
inventory.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Container, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, is_digest
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    ImageRow,
    LockCandidate,
    Plan,
    PlannedImage,
    RegistryAnswer,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_HEADER = """\
# Made by riscv.k3s.lock and honoured by riscv.k3s.site. Keep it under version control, review its diff, do not edit it.
# It has the form of an inventory, so that it may lie in a folder that is one.
"""
_VARIABLE = "riscv_k3s_lock"
# How a template of Ansible begins.
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_AGAIN = "run the playbook riscv.k3s.lock, and review its diff"


class Locked(NamedTuple):
    """One stock image (full name) for one architecture: the content that it stands for, and where that came from.

    ``size`` is in bytes (config and compressed layers); ``when`` the time, ISO 8601 in UTC, since which this row says
    what it says; ``origin`` what the content says of where it comes from, for whoever reviews it.
    """

    image: str
    architecture: str
    source: str
    registry: str
    digest: str
    size: Optional[int]
    when: str
    origin: Optional[str] = None


# By stock image (full name) and architecture.
Lock = Dict[Tuple[str, str], Locked]


def read(text: str, where: str) -> Lock:
    """A lock file's text as {(image, architecture): Locked}; ``where`` is its path. Raises Problem for anything that
    ``render`` does not write.
    """
    try:
        raw = yaml.safe_load(text)
        rows = raw["all"]["vars"][_VARIABLE]
        locked = [_read_row(row) for row in rows]
    except (yaml.YAMLError, LookupError, TypeError, ValueError, Problem) as error:
        raise Problem(
            "the lock file cannot be read",
            found=" ".join(str(error).split()),
            where=where,
            next_step="take its last good version, or remove it and make it again: " + _AGAIN,
        ) from error
    lock = {(row.image, row.architecture): row for row in locked}
    if len(lock) != len(locked):
        raise Problem(
            "the lock file holds an image twice", where=where, next_step="remove one of its rows, then " + _AGAIN
        )
    return lock


def render(lock: Lock) -> str:
    """The text of the file: sorted, a line a value, so that a diff shows what changed and nothing else."""
    rows = [
        {name: _inert(value) for name, value in lock[key]._asdict().items() if name != "origin" or value}
        for key in sorted(lock)
    ]
    return _HEADER + yaml.safe_dump({"all": {"vars": {_VARIABLE: rows}}}, sort_keys=False, width=4096)


def candidates(
    plans: Iterable[Plan], mirror: Callable[[ImageName], Optional[str]] = lambda image: None
) -> List[LockCandidate]:
    """What to ask registries for, from the plans of boards: [{image, architecture, sources, required}], sorted.

    ``sources`` are references, the one that boards would take first: what the mirror has (a function from an ImageName
    to its name there or None) or k3s's default registry, then the catalogue's source. An image without any source is
    left out.
    """
    found: Dict[Tuple[str, str], LockCandidate] = {}
    for plan in plans:
        for row in plan["images"]:
            name, architecture = row["image"], plan["architecture"]
            names = (mirror(ImageName.parse(name)), row.get("mirrored"), row["source"])
            sources = [source for source in dict.fromkeys(names) if source]
            known = found.setdefault(
                (name, architecture),
                {"image": name, "architecture": architecture, "sources": sources, "required": False},
            )
            # What k3s is left to pull by itself is locked where it can be asked for, and else is not.
            known["required"] = known["required"] or (row["required"] and row["fix"] not in ("stock", "impossible"))
    return [found[key] for key in sorted(found) if found[key]["sources"]]


def make(
    wanted: Sequence[LockCandidate],
    answers: Mapping[str, Iterable[RegistryAnswer]],
    previous: Lock,
    now: str,
    keep_others: bool = False,
) -> Tuple[Lock, List[str]]:
    """The new lock, and what is not in it: (lock, [sentence]).

    ``wanted`` is a result of ``candidates``, ``answers`` {architecture: rows of registry_image_info}, ``previous`` the
    lock before, ``now`` the time for rows that differ from it. ``keep_others`` keeps rows that nothing in ``wanted``
    asks for. Raises Problem when an image that boards are given cannot be locked, with the registry's words for each.
    """
    known = {(architecture, row["image"]): row for architecture, rows in answers.items() for row in rows}
    lock = dict(previous) if keep_others else {}
    failures, left_out = [], []
    for item in wanted:
        rows = [known[item["architecture"], source] for source in item["sources"]]
        good = [row for row in rows if not row["cause"]]
        key = (item["image"], item["architecture"])
        if good:
            lock[key] = _row(item, good[0], previous.get(key), now)
        elif item["required"]:
            failures.append("%s: %s" % (item["image"], rows[-1]["message"]))
        else:
            lock.pop(key, None)
            left_out.append("%s is not locked: %s" % (item["image"], rows[-1]["message"]))
    if failures:
        raise Problem(
            "%d of %d images cannot be locked" % (len(failures), len(wanted)),
            found=" ".join(failures),
            next_step="correct these, then run again; the lock was not changed",
        )
    return lock, [printable(sentence) for sentence in left_out]


def differs(held: Optional[ImageRow], locked: Optional[Locked]) -> Optional[str]:
    """Why an image of the store (a row of k3s_info's images, or None) is not what is locked, or None when it is or
    nothing is locked.
    """
    if not (held and locked) or held["digest"] == locked.digest:
        return None
    return "the store has %s, the lock %s" % (held["digest"], locked.digest)


def digests(rows: Iterable[PlannedImage], pulls: Container[str]) -> Dict[str, str]:
    """{name: digest} that pulls must give, for those of ``pulls`` that a row of the plan with a locked digest needs.

    Raises Problem when two stock images take one source but are locked to different content.
    """
    found: Dict[str, str] = {}
    for row in rows:
        name = _pulled_for(row)
        if not row["locked"] or not name or name not in pulls:
            continue
        if found.setdefault(name, row["locked"]) != row["locked"]:
            raise Problem(
                "the lock names two digests for %s" % name,
                found="%s and %s" % (found[name], row["locked"]),
                where=row["image"],
                next_step=_AGAIN,
            )
    return found


def warnings(rows: Sequence[PlannedImage], store: Mapping[str, ImageRow], lock: Lock, architecture: str) -> List[str]:
    """Sentences about what the lock does not hold, and what differs from it and is left as it is."""
    missing = [
        row["image"]
        for row in rows
        if row["source"] and row["fix"] not in ("stock", "impossible") and not row["locked"]
    ]
    text = "not in the lock, so accepted without a check: %s. Next: %s"
    found = [text % (", ".join(missing), _AGAIN)] if missing else []
    for row in rows:
        difference = differs(store.get(row["image"]), lock.get((row["image"], architecture)))
        # The digest of an archive's image may be that of one platform of what is locked.
        if difference and row["fix"] in ("present", "stock") and not row.get("preload"):
            found.append("%s is left as it is, but %s" % (row["image"], difference))
    return found


def _inert(value: Any) -> Any:
    """``value`` as no template. The file is an inventory, and Ansible evaluates what it finds there: a registry must
    not say what.
    """
    return _TEMPLATE.sub("{ ", value) if isinstance(value, str) else value


def _pulled_for(row: PlannedImage) -> Optional[str]:
    if row["tag_from"]:
        # A name that is tagged from itself, to pin it, is not pulled.
        return row["tag_from"] if row["tag_from"] != row["image"] else None
    return {"mirror": row["image"]}.get(row["fix"], row["source"])


def _row(item: LockCandidate, answer: RegistryAnswer, before: Optional[Locked], now: str) -> Locked:
    # Ansible hands over subclasses of str, which the safe dumper does not know.
    source = str(answer["image"])
    row = Locked(
        image=str(item["image"]),
        architecture=str(item["architecture"]),
        source=source,
        registry=ImageName.parse(source).registry,
        digest=str(answer["digest"]),
        size=answer["size"],
        when=str(now),
        origin=_inert(printable(str(answer["origin"]))) if answer.get("origin") else None,
    )
    return before if before and before._replace(when=now) == row else row


def _read_row(raw: Mapping[str, Any]) -> Locked:
    row = Locked(**raw)
    for reference in (row.image, row.source):
        if ImageName.parse(reference).full != reference:
            raise ValueError("%s is not written in full" % reference)
    if not is_digest(row.digest):
        raise ValueError("%s: %r is not a digest" % (row.image, row.digest))
    return row
