# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of a run: a row a board, and what is done there. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.pod import ready_count
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table

_COLUMNS = ("BOARD", "ARCH", "K3S", "REGISTRIES", "IMAGES", "%s", "MANIFESTS", "PODS READY")
# Behind them, when the plan was carried out, and something was downloaded.
_PULLED = "PULLED"

# What was done, by the first word of what is to be done.
_DONE = {
    "flag": "named as pause-image:",
    "patch": "patched",
    "place": "placed",
    "preload": "preloaded",
    "pull": "pulled",
    "remove": "removed",
    "restart": "restarted",
    "tag": "tagged",
    "unpin": "unpinned",
    "write": "wrote",
}

# What a fix does, where its name does not say it.
_VERBS = {"mirror": "pull"}

_NOT_KNOWN = "not known to be done: "

# A line names this many boards at most; and so many rows of a table may say the same.
_NAMED = 5


def report(boards, api, done=False, pulled=None, undone=()):
    """Lines of text: a row a board, and what is planned or worth knowing. How the cluster is, says the verdict. Of many
    boards, those of which all the same is said share a row.

    ``boards`` are results of plan.plan; ``api`` the cluster's view as k3s_info returns it, or None; ``done`` whether
    the plan was carried out; ``pulled`` {board: bytes that it downloaded, as crictl_image_pull counts them};
    ``undone`` the boards of which that is not known, since they failed, or the run ended before.
    """
    head = tuple(name.replace("%s", "FIXED" if done else "TO FIX") for name in _COLUMNS)
    # Of the whole cluster: counted once, and not once a board.
    ready = _ready(api)
    rows = [(*_row(plan, done, plan["board"] in undone), ready) for plan in boards]
    if done and any((pulled or {}).values()):
        head += (_PULLED,)
        rows = [row + (size((pulled or {}).get(row[0]) or 0),) for row in rows]
    return table([head, *_shared(rows)]) + [printable(line) for line in _details(boards, done, undone)]


def _shared(rows):
    """A fleet is as long as its differences."""
    names: dict[tuple, list] = {}
    for name, *cells in rows:
        names.setdefault(tuple(cells), []).append(name)
    made = []
    for cells, who in names.items():
        if len(who) <= _NAMED:
            made += [(name, *cells) for name in who]
        elif len(who) == len(rows):
            made.append(("all %d boards" % len(rows), *cells))
        else:
            made.append(("%s and %d more" % (who[0], len(who) - 1), *cells))
    return made


def restarting(pods, done=False):
    """The line that names the pods that are to be restarted, or were, ``namespace/name``; none for none."""
    if not pods:
        return []
    text = "restart the pods %s (they wait for an image, or run another content than their image name stands for)"
    return [printable(_told(text % _some(pods), done))]


def size(count):
    """A number of bytes for people: 999 B, 1.0 kB, 73.8 MB; units of 1000, as crictl prints them."""
    if count < 1000:
        return "%d B" % count
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 999.95:  # what would be rounded to 1000.0 is of the next unit
            return "%.1f %s" % (count, unit)
    return "%.1f GB" % (count / 1000)


def _row(plan, done, is_undone=False):
    # What nothing runs, and what nothing is done for, would only raise the question of what is missing.
    images = [row for row in plan["images"] if row["required"] or row["fix"] not in ("stock", "impossible")]
    present = sum(row["fix"] == "present" for row in images)
    to_fix = sum(row["fix"] not in ("present", "stock", "impossible") for row in plan["images"])
    patches = plan["patches"]
    present += to_fix if done and not is_undone else 0
    cells = [_files(done, plan["registries"], plan["config"], plan["preload"]), _patches(patches, done)]
    # What was to be done, and is not known to be done.
    files, patched = ["?" if is_undone and cell != "ok" else cell for cell in cells]
    return (
        plan["board"],
        plan["architecture"],
        plan["k3s_version"] or "?",
        files,
        "%d of %d" % (present, len(images)),
        "?" if is_undone and to_fix else str(to_fix),
        patched,
    )


def _files(done, *actions):
    write, restart = ("written", "restarted") if done else ("write", "restart")
    parts = [write] if any(action["change"] for action in actions) else []
    parts += [restart] if any(action["restart"] for action in actions) else []
    return ", ".join(parts) or "ok"


def _patches(patches, done):
    patch, undo = ("%d patched", "%d undone") if done else ("%d to patch", "%d to undo")
    parts = [patch % len(patches["present"])] if patches["present"] else []
    parts += [undo % len(patches["absent"])] if patches["absent"] else []
    return ", ".join(parts) or "ok"


def _ready(api):
    if not api or not api.get("reachable"):
        return "?"
    return ready_count([pod for pod in api["pods"] if pod["namespace"] == "kube-system"])


def _details(boards, done=False, undone=()):
    """A line for each thing that is planned, or was done, or is worth knowing, with the boards it is for."""
    names: dict[str, list] = {}
    for plan in boards:
        for text in _texts(plan, done):
            is_undone = plan["board"] in undone and text.partition(" ")[0] in _DONE
            told = _NOT_KNOWN + text if is_undone else _told(text, done)
            names.setdefault(told, []).append(plan["board"])
    return ["%s: %s" % (whom(who, len(boards)), text) for text, who in names.items()]


def _derived(plan):
    """What follows from the address of the registry, where it is about to be written."""
    config = plan.get("derived_registries")
    if config and plan["registries"]["change"]:
        ((registry, mirror),) = config["mirrors"].items()
        scheme = mirror["endpoint"][0].partition(":")[0]
        text = "write registries.yaml (from riscv_k3s_registry): %s speaks %s" % (registry, scheme)
        if "mirror" in plan["settings"]["fixes"]:
            text += ", docker.io is looked for at %s first" % plan["settings"]["mirror_prefix"]
        yield text


def _told(text, done):
    """A text of `_texts` as it is said afterwards: what was done, without the reason, which holds no more."""
    verb, dummy, rest = text.partition(" ")
    if not done or verb not in _DONE:
        return text
    # No name has a blank in it.
    return "%s %s" % (_DONE[verb], rest.partition(" (")[0] if rest.endswith(")") else rest)


def _texts(plan, done):
    yield from _derived(plan)
    config = plan["config"]
    if config["change"] or config["restart"]:
        verb = "restart for" if not config["change"] else "write" if config["text"] else "remove"
        yield "%s %s (%s)" % (verb, config["path"], config["reason"])
    preload = plan["preload"]
    if preload["change"] or preload["restart"]:
        verb = "place" if preload["place"] else "restart for" if preload["restart"] else "remove"
        name = ", ".join(preload["obsolete"]) if verb == "remove" else preload["archive"] or "the archive of images"
        yield "%s %s (%s)" % (verb, name, preload["reason"])
    for row in plan["images"]:
        if row["tag_from"]:
            yield "%s %s from %s (%s)" % (row["fix"], row["image"], row["tag_from"], row["reason"])
        elif row["fix"] not in ("present", "stock") and (row["required"] or row["fix"] != "impossible"):
            yield "%s %s (%s)" % (_VERBS.get(row["fix"], row["fix"]), row["image"], row["reason"])
    for row in plan["unpins"]:
        yield "unpin %s (the catalogue has nothing for it any more)" % row["source"]
    for patch in plan["patches"]["present"]:
        yield "patch %s %s/%s (%s)" % (patch["manifest"], patch["kind"], patch["name"], patch["reason"])
    for patch in plan["patches"]["absent"]:
        yield "remove the overlay of %s (%s)" % (patch["manifest"], patch["reason"])
    for text in plan["warnings"]:
        yield "warning: " + text
    spare = [row["image"] for row in plan["images"] if row["fix"] == "impossible" and not row["required"]]
    if spare and not done:
        yield "no source, and nothing needs it yet: " + ", ".join(spare)


def whom(names, count):
    """The boards that a line is for, of ``count``, in as few words as say it."""
    if len(names) == count > 1:
        return "all boards"
    return _some(names)


def _some(names):
    return ", ".join(names[:_NAMED]) + (" and %d more" % (len(names) - _NAMED) if len(names) > _NAMED else "")
