# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done for each image that a board is asked for, from what could serve it and what the store holds. Pure."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import DemandRow, ImageRow, PlannedImage, Tag
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.wanted import Wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Offer

# Rows of k3s_info's images by their name.
Store = Mapping[str, ImageRow]


class Decision(NamedTuple):
    """What is done for an image: the fix, the name to tag from (None where nothing is tagged), the reason in words.

    Fixes beside those in supply.FIXES: present, patch (its workload is made to ask for another image), stock (left to
    k3s), impossible.
    """

    fix: str
    tag_from: Optional[str]
    reason: str


class Notes(NamedTuple):
    """What the board's journal says: ``sources`` {stock name: what it was tagged from}, ``unread`` {name: why its entry
    cannot be read}.
    """

    sources: Mapping[str, str]
    unread: Mapping[str, str]

    @classmethod
    def of(cls, journal: Optional[Mapping[str, Any]]) -> Notes:
        """From k3s_info's journal, or None where it was not read."""
        entries = (journal or {}).get("images") or {}
        # An archive of images is noted by its file's name, which has no slash.
        sources = {name: entry["source"] for name, entry in entries.items() if "/" in (entry["source"] or "")}
        rows = (journal or {}).get("unread") or ()
        return cls(sources, {row["name"]: row["why"] for row in rows if row["kind"] == "images"})


def decide_all(
    demand: Sequence[DemandRow],
    architecture: str,
    store: Store,
    wanted: Wanted,
    pause_image: Optional[str],
    journal: Optional[Mapping[str, Any]] = None,
) -> List[PlannedImage]:
    """The rows of the plan, one for each row of the demand.

    ``demand`` are rows of the demand, ``store`` {name: row of k3s_info's images}, ``wanted`` a Wanted, ``pause_image``
    the full name that containerd is told to use, ``journal`` that of k3s_info or None. Nothing is pulled only to
    compare it. A source that is pulled for one image would be compared with others by the next run, which then had
    something left to do: so they are decided once more, knowing what comes.
    """
    images = [(item, ImageName.parse(item["image"])) for item in demand]
    offers = [(item, wanted.supply.offer(image, architecture, image.full == pause_image)) for item, image in images]
    notes = Notes.of(journal)
    rows = [_row(item, offer, store, wanted, (), notes) for item, offer in offers]
    coming = set(pulls(rows, store, architecture, wanted)).difference(store)
    return [_row(item, offer, store, wanted, coming, notes) for item, offer in offers] if coming else rows


def decide(
    offer: Offer,
    held: Optional[ImageRow],
    source_held: Optional[ImageRow],
    wanted: Wanted,
    is_coming: bool = False,
    tagged_from: Optional[str] = None,
) -> Decision:
    """What is to be done for one image, a Decision.

    ``offer`` says what could serve it, ``held`` and ``source_held`` are what the store holds under its name and its
    source's (rows, or None), ``wanted`` a Wanted, ``is_coming`` whether the source is pulled for another image,
    ``tagged_from`` which source the journal says that it was tagged from, None for none.
    """
    if offer.patched:
        return Decision("patch", None, "its workload is patched to ask for %s" % offer.patched)
    if held is None:
        return _served(offer, wanted, "it is not in the store")
    if offer.architecture not in architectures(held):
        return _other_architecture(offer, held, wanted)
    return (
        _brought_otherwise(offer, wanted)
        or _differs(offer, held, wanted)
        or _newer(offer, held, source_held, wanted, is_coming, tagged_from)
        or _unpinned(offer, held, wanted)
        or Decision("present", None, "%s, %s" % (offer.architecture, "pinned" if held["pinned"] else "not pinned"))
    )


def _row(
    item: DemandRow, offer: Offer, store: Store, wanted: Wanted, coming: Collection[str], notes: Notes
) -> PlannedImage:
    source = offer.patched or offer.source
    is_coming = offer.source in coming
    tagged_from = notes.sources.get(offer.image)
    done = decide(offer, store.get(offer.image), store.get(offer.source or ""), wanted, is_coming, tagged_from)
    done = _unnoted(offer, done, notes) or _later(item, offer, done, wanted) or done
    is_patched = done.fix == "patch"
    return {
        "image": offer.image,
        "source": source,
        "fix": done.fix,
        "reason": done.reason,
        "tag_from": done.tag_from,
        "where": item["where"],
        "required": item["required"],
        "mirrored": offer.mirrored if "mirror" in wanted.supply.fixes and not is_patched else None,
        "locked": offer.locked.digest if offer.locked and not is_patched else None,
        # Whether an archive is what brings it, be it missing now or not.
        "preload": offer.lasting == "preload" and not is_patched,
    }


def _later(item: DemandRow, offer: Offer, done: Decision, wanted: Wanted) -> Optional[Decision]:
    """Left to k3s: what nothing runs yet, and would be pulled from elsewhere than the registry that is to hold all. A
    board that reaches nothing else would fail for it.
    """
    if not wanted.registry or item["required"] or done.fix != "tag":
        return None
    if offer.source and ImageName.parse(offer.source).registry == wanted.registry:
        return None
    return Decision("stock", None, "nothing runs it yet, and the registry lacks it: riscv.k3s.publish brings it there")


def tags(rows: Sequence[PlannedImage]) -> List[Tag]:
    """What crictl_image_tag is given: stock names by the name they are tagged from."""
    targets: Dict[str, List[str]] = {}
    for row in rows:
        if row["tag_from"]:
            targets.setdefault(row["tag_from"], []).append(row["image"])
    return [{"source": source, "targets": targets[source]} for source in sorted(targets)]


def pulls(rows: Sequence[PlannedImage], store: Store, architecture: str, wanted: Wanted) -> List[str]:
    """What crictl_image_pull is given: everything is fetched and checked before anything is switched."""
    names = {row["tag_from"] for row in rows if row["tag_from"]}
    names |= {row["image"] for row in rows if row["fix"] == "mirror"}
    names |= {row["source"] for row in rows if row["source"] and row["fix"] in ("flag", "patch")}
    digests = _lock.digests(rows, names)
    return sorted(
        name
        for name in names
        if wanted.pull_policy == "always" or not _holds(store.get(name), architecture, digests.get(name))
    )


def unpins(
    journal: Optional[Mapping[str, Any]], store: Store, wanted: Wanted, architecture: str, pause_image: Optional[str]
) -> List[Tag]:
    """Names that this collection pinned and whose repository has left the catalogue: the kubelet may collect them
    again. Sorted, for crictl_image_tag.

    ``journal`` is that of k3s_info or None. A name that was pinned before us keeps its pin, as does the pause image:
    newer containerds pin it themselves.
    """
    found: List[Tag] = []
    for name, entry in sorted(((journal or {}).get("images") or {}).items()):
        image = ImageName.parse(name)
        ours = entry["pinned"] and not (entry["before"] and entry["before"]["pinned"])
        stock = wanted.supply.stock(image).name
        known = any(item.stock == stock and item.architecture == architecture for item in wanted.supply.catalogue)
        if ours and not known and name != pause_image and name in store and store[name]["pinned"]:
            found.append({"source": name, "targets": [name]})
    return found


def flagged(
    pause_image: Optional[str], rows: Sequence[PlannedImage], wanted: Wanted, architecture: str
) -> Optional[str]:
    """What pause-image in config.yaml must name: the source of a row with the fix flag, or what it names already; None
    where it is left alone.
    """
    for row in rows:
        if row["fix"] == "flag":
            return row["source"]
    if not pause_image or "flag" not in wanted.supply.fixes:
        return None
    return pause_image if wanted.supply.is_source(ImageName.parse(pause_image), architecture) else None


def architectures(held: ImageRow) -> Set[str]:
    """Architectures of an image of the store; its platforms are such as linux/riscv64 and linux/arm/v7."""
    return {platform.split("/")[1] for platform in held["platforms"] if "/" in platform}


def unfit(name: str, held: Optional[ImageRow], architecture: str) -> Optional[str]:
    """Why what the store holds under ``name`` (its row, or None) cannot run on the board, as a sentence; None when it
    can.
    """
    if not held:
        return "%s is not in the store" % name
    if architecture not in architectures(held):
        return "%s is %s, expected is %s" % (
            name,
            ", ".join(sorted(architectures(held))) or "of no known architecture",
            architecture,
        )
    return None


def _holds(held: Optional[ImageRow], architecture: str, digest: Optional[str]) -> bool:
    return held is not None and architecture in architectures(held) and digest in (None, held["digest"])


def _served(offer: Offer, wanted: Wanted, reason: str) -> Decision:
    """The first fix that can serve it, or none."""
    fix = offer.lasting
    if fix == "mirror":
        who = offer.image.partition("/")[0] if offer.mirrored == offer.image else "the mirror %s" % wanted.supply.mirror
        return Decision(fix, None, "%s, and %s serves it" % (reason, who))
    if fix:
        return Decision(fix, offer.other if fix == "tag" else None, reason)
    word, why = offer.unserved
    return Decision(word, None, why if word == "stock" else "%s, and %s" % (reason, why))


def _other_architecture(offer: Offer, held: ImageRow, wanted: Wanted) -> Decision:
    spoken = ", ".join(sorted(architectures(held))) or "of no known architecture"
    reason = "the image in the store is %s, the board is %s" % (spoken, offer.architecture)
    if not offer.source:
        return Decision("impossible", None, reason + ", and the catalogue names no source for it")
    # What holds the name already keeps it: nothing but a tag takes its place.
    return Decision("tag", offer.source, reason) if "tag" in wanted.supply.fixes else _served(offer, wanted, reason)


def _brought_otherwise(offer: Offer, wanted: Wanted) -> Optional[Decision]:
    """What an archive or a flag brings at each start is held to that, where no mirror goes before."""
    if wanted.supply.asks_mirror_before(offer.lasting):
        return None
    if offer.lasting == "preload":
        # k3s imports and pins it at each start; the archive's name says which content that is.
        return Decision("present", None, "%s, brought by an archive" % offer.architecture)
    if offer.lasting == "flag" and offer.other:
        return Decision("flag", None, "so that it needs no stock name, whatever k3s asks for next")
    return None


def _differs(offer: Offer, held: ImageRow, wanted: Wanted) -> Optional[Decision]:
    why = _lock.differs(held, offer.locked) if wanted.existing == "overwrite" else None
    return _served(offer, wanted, why) if why else None


def _newer(
    offer: Offer,
    held: ImageRow,
    source_held: Optional[ImageRow],
    wanted: Wanted,
    is_coming: bool,
    tagged_from: Optional[str],
) -> Optional[Decision]:
    """A tag that is set again, since its source has, or may have, other content, or is another one by now."""
    if not offer.other or "tag" not in wanted.supply.fixes:
        return None
    if wanted.pull_policy == "always":
        return Decision("tag", offer.other, "pull_policy is always")
    if offer.locked or wanted.existing != "overwrite":
        return None
    if source_held and held["digest"] != source_held["digest"]:
        return Decision("tag", offer.other, "the source in the store has another digest")
    if not source_held and tagged_from not in (None, offer.other):
        return Decision("tag", offer.other, "it was tagged from %s, and its source is another one now" % tagged_from)
    if is_coming:
        return Decision("tag", offer.other, "its source is pulled for another image, and may have another digest")
    return None


def _unnoted(offer: Offer, done: Decision, notes: Notes) -> Optional[Decision]:
    """Nothing is changed that the journal could not tell of."""
    unread = [(name, notes.unread[name]) for name in (offer.image, done.tag_from) if name and name in notes.unread]
    if done.fix not in ("tag", "mirror") or not unread:
        return None
    reason = "the entry of %s in the board's journal cannot be read (%s), so it is left as it is" % unread[0]
    return Decision("impossible", None, reason)


def _unpinned(offer: Offer, held: ImageRow, wanted: Wanted) -> Optional[Decision]:
    is_pulled_by_the_kubelet = offer.mirrored and "mirror" in wanted.supply.fixes
    if not wanted.pinned or held["pinned"] or not offer.other or is_pulled_by_the_kubelet:
        return None
    # Tagged from itself: nothing has to be pulled to set a pin. What the kubelet can pull itself needs none.
    return Decision("tag", offer.image, "it is not pinned: the kubelet's garbage collection may remove it")
