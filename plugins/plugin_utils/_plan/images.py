# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fix for each image that a board is asked for: the first of the wanted fixes that can serve it. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

# mirror   docker.io is mirrored to a prefix of the private registry that holds the stock name: the kubelet pulls it
# itself
# tag      pull the source, tag it with the stock name, pin it
# flag     pause-image in config.yaml names the source, so that no stock name is needed; for the pause image only
# preload  an archive with the stock name in agent/images, which k3s imports at each start
FIXES = ("mirror", "tag", "flag", "preload")
DEFAULT_FIXES = ("mirror", "tag")


def check_fixes(fixes):
    """Raise Problem for a list of fixes (riscv_k3s_fixes) that holds anything unknown."""
    unknown = [fix for fix in fixes if fix not in FIXES]
    if unknown or not fixes:
        found = ", ".join(map(str, unknown)) or "no fix at all"
        raise Problem(
            "riscv_k3s_fixes names a fix that is not known", found=found, next_step="known are " + ", ".join(FIXES)
        )


def decide_all(demand, architecture, store, wanted, pause_image):
    """The rows of the plan, one for each row of the demand; see `decide`.

    Nothing is pulled only to compare it. A source that is pulled for one image would be compared with others by the
    next
    run, which then had something left to do: so they are decided once more, knowing what comes.
    """
    rows = [decide(item, architecture, store, wanted, pause_image) for item in demand]
    coming = set(pulls(rows, store, architecture, wanted)).difference(store)
    return [decide(item, architecture, store, wanted, pause_image, coming) for item in demand] if coming else rows


def decide(item, architecture, store, wanted, pause_image, coming=()):
    """The row of the plan for one image.

    ``item`` is a row of the demand, ``store`` {name: row of k3s_info's images}, ``wanted`` a Wanted, ``pause_image``
    the
    full name that containerd is told to use, ``coming`` names that the store will hold. Fixes beside those in FIXES:
    present, patch (its workload is made to
    ask for another image), stock (left to k3s), impossible.
    """
    image = ImageName.parse(item["image"])
    entry = _catalogue.find(wanted.catalogue, image, architecture)
    source = entry.source_for(image) if entry else None
    is_pause = image.full == pause_image
    if is_pause and not entry and is_flagged(pause_image, wanted):
        source = image.full
    locked = (wanted.lock or {}).get((image.full, architecture))
    # What would serve it if it were missing; flag and preload are there for the day when it is.
    lasting = _supply(source, image, architecture, wanted, is_pause, "")[0]
    patched = entry.patched_image() if entry else None
    if patched and patched != image.full:
        return _row(item, image, patched, "patch", "its workload is patched to ask for %s" % patched)
    held, source_held = store.get(image.full), store.get(source)
    fix, tag_from, reason = _fix(
        held, source_held, source, image, architecture, wanted, is_pause, locked, lasting, source in coming
    )
    return _row(item, image, source, fix, reason, tag_from, locked, lasting == "preload")


def _row(item, image, source, fix, reason, tag_from=None, locked=None, is_preloaded=False):
    return {
        "image": image.full,
        "source": source,
        "fix": fix,
        "reason": reason,
        "tag_from": tag_from,
        "where": item["where"],
        "required": item["required"],
        "locked": locked.digest if locked else None,
        # Whether an archive is what brings it, be it missing now or not.
        "preload": is_preloaded,
    }


def tags(rows):
    """What crictl_image_tag is given: stock names by the name they are tagged from."""
    targets = {}
    for row in rows:
        if row["tag_from"]:
            targets.setdefault(row["tag_from"], []).append(row["image"])
    return [{"source": source, "targets": targets[source]} for source in sorted(targets)]


def pulls(rows, store, architecture, wanted):
    """What crictl_image_pull is given: everything is fetched and checked before anything is switched."""
    names = {row["tag_from"] for row in rows if row["tag_from"]}
    names |= {row["image"] for row in rows if row["fix"] == "mirror"}
    names |= {row["source"] for row in rows if row["fix"] in ("flag", "patch")}
    digests = _lock.digests(rows, names)
    return sorted(
        name
        for name in names
        if wanted.pull_policy == "always" or not _holds(store.get(name), architecture, digests.get(name))
    )


def unpins(journal, store, wanted, architecture, pause_image):
    """Names that this collection pinned and whose repository has left the catalogue: the kubelet may collect them
    again. Sorted, for crictl_image_tag.

    ``journal`` is that of k3s_info or None. A name that was pinned before us keeps its pin, as does the pause image:
    newer containerds pin it themselves.
    """
    found = []
    for name, entry in sorted(((journal or {}).get("images") or {}).items()):
        image = ImageName.parse(name)
        ours = entry["pinned"] and not (entry["before"] and entry["before"]["pinned"])
        known = any(item.stock == image.name and item.architecture == architecture for item in wanted.catalogue)
        if ours and not known and name != pause_image and name in store and store[name]["pinned"]:
            found.append({"source": name, "targets": [name]})
    return found


def is_flagged(pause_image, wanted):
    """Whether the board's pause image is a source of the catalogue: the fix `flag` was carried out there."""
    return any(entry.source == pause_image for entry in wanted.catalogue)


def flagged(pause_image, rows, wanted):
    """What pause-image in config.yaml must name: the source of a row with the fix flag, or what it names already; None
    where it is left alone.
    """
    for row in rows:
        if row["fix"] == "flag":
            return row["source"]
    return pause_image if "flag" in wanted.fixes and is_flagged(pause_image, wanted) else None


def mirror_first(wanted, fix):
    """Whether a mirror goes before ``fix``: then it is not known what that serves, since a mirror is asked for missing
    images only.
    """
    fixes = list(wanted.fixes)
    return bool(wanted.mirror) and fix in fixes and "mirror" in fixes[: fixes.index(fix)]


def architectures(held):
    """Architectures of an image of the store; its platforms are such as linux/riscv64 and linux/arm/v7."""
    return {platform.split("/")[1] for platform in held["platforms"] if "/" in platform}


def unfit(name, held, architecture):
    """Why what the store holds under ``name`` (its row, or None) cannot run on the board, as a sentence; None when it
    can.
    """
    if not held:
        return "%s is not in the store" % name
    if architecture not in architectures(held):
        return "%s is %s, wanted is %s" % (
            name,
            ", ".join(sorted(architectures(held))) or "of no known architecture",
            architecture,
        )
    return None


def _holds(held, architecture, digest):
    return held is not None and architecture in architectures(held) and digest in (None, held["digest"])


def _fix(held, source_held, source, image, architecture, wanted, is_pause, locked, lasting, is_coming):
    """The fix, the name to tag from (None where nothing is tagged), and the reason in plain words."""
    other = source if source != image.full else None
    if held is None:
        return _supply(source, image, architecture, wanted, is_pause, "it is not in the store")
    if architecture not in architectures(held):
        spoken = ", ".join(sorted(architectures(held))) or "of no known architecture"
        reason = "the image in the store is %s, the board is %s" % (spoken, architecture)
        if not source:
            return "impossible", None, reason + ", and the catalogue names no source for it"
        return (
            ("tag", source, reason)
            if "tag" in wanted.fixes
            else _supply(source, image, architecture, wanted, is_pause, reason)
        )
    if lasting == "preload" and not mirror_first(wanted, "preload"):
        # k3s imports and pins it at each start; the archive's name says which content that is.
        return "present", None, "%s, brought by an archive" % architecture
    if lasting == "flag" and other and not mirror_first(wanted, "flag"):
        return "flag", None, "so that it needs no stock name, whatever k3s asks for next"
    if wanted.existing == "overwrite" and _lock.differs(held, locked):
        return _supply(source, image, architecture, wanted, is_pause, _lock.differs(held, locked))
    if other and wanted.pull_policy == "always" and "tag" in wanted.fixes:
        return "tag", other, "pull_policy is always"
    if other and not locked and wanted.existing == "overwrite" and "tag" in wanted.fixes:
        if source_held and held["digest"] != source_held["digest"]:
            return "tag", other, "the source in the store has another digest"
        if is_coming:
            return "tag", other, "its source is pulled for another image, and may have another digest"
    if wanted.pinned and not held["pinned"] and other and not (wanted.mirror and "mirror" in wanted.fixes):
        # Tagged from itself: nothing has to be pulled to set a pin. What the kubelet can pull itself needs none.
        return "tag", image.full, "it is not pinned: the kubelet's garbage collection may remove it"
    return "present", None, "%s, %s" % (architecture, "pinned" if held["pinned"] else "not pinned")


def _supply(source, image, architecture, wanted, is_pause, reason):
    other = source if source != image.full else None
    for fix in wanted.fixes:
        if fix == "mirror" and image.full in wanted.served:
            return "mirror", None, "%s, and the mirror %s serves it" % (reason, wanted.mirror)
        if fix == "flag" and is_pause and source:
            return "flag", None, reason
        if fix == "tag" and other:
            return "tag", other, reason
        if fix == "preload" and other:
            return "preload", None, reason
    if source == image.full:
        return "stock", None, "left to k3s: the stock image has content for " + architecture
    if architecture != _catalogue.DEFAULT_ARCHITECTURE:
        return "stock", None, "left to k3s: the catalogue has nothing for " + architecture
    why = (
        "the catalogue has no %s source for %s" % (architecture, image.name)
        if not source
        else "none of the fixes %s can serve it" % ", ".join(wanted.fixes)
    )
    return "impossible", None, "%s, and %s" % (reason, why)
