# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be taken back from one board, from its observation: overlays, files, archives, image names, and the pods
that this affects. Pure.

Overlays say in their own text that this collection wrote them; all else stands in the board's journal.
"""

from __future__ import annotations

import posixpath
from typing import Any, Collection, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._journal import undo
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import unread_problem
from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Api, Observed, UndoneFile, UndoPlan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import own_node
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import unreadable_images
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import components as _undo_components
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import next_start

_RESTARTS = (undo.REMOVE, undo.RESTORE, undo.SETTLE)
_REWRITES = (undo.REMOVE, undo.RESTORE)
_WORDS = {
    undo.FORGET: "forget %s, it is as before",
    undo.REMOVE: "remove %s",
    undo.RESTORE: "bring back %s as it was before",
    undo.PIN: "give %s the pin back that it had before, or none",
    undo.DROP: "remove %s",
    undo.SETTLE: "forget %s, which was brought back already, once k3s was restarted",
}


def undo_plan(observed: Observed, servers: Sequence[Observed], board: str, components: Any = ()) -> UndoPlan:
    """Decide for one board.

    ``observed`` is its result of k3s_info, ``servers`` those of the cluster's servers, ``components`` names catalogue
    entries or manifests to which it is limited: a list or text with commas; none for everything. Returns a dictionary:
    board, node, manifests (whose overlays go; as ``patches`` for k3s_manifest_patch), files [{path, action, settle}],
    restart, archives, images, names (of images that stand for other content afterwards, or are gone), system (what is
    taken back of the board's system, sentences), left (sentences about what stays), lines (what is done, for people),
    changes. Raises Problem.
    """
    journal = observed.get("journal") or {"files": {}, "images": {}, "error": None}
    if journal["error"]:
        raise Problem("what was done to %s is not known" % board, found=journal["error"])
    if observed.get("images") is None and journal["images"]:
        raise unreadable_images(observed, board)
    wanted = _undo_components.names(components)
    chosen = _undo_components.choose(wanted, observed, servers)
    manifests = [path for path in _overlaid(observed.get("manifests") or ()) if chosen.has_manifest(path)]
    files, archives = _files({}, ()) if wanted else _files(journal["files"], observed.get("preloads") or ())
    system = [] if wanted and _undo_components.PREPARE not in wanted else _system(journal)
    images = _images(journal["images"], observed, chosen, archives)
    done = [row for row in images if row["action"] != undo.LEAVE]
    result: UndoPlan = {
        "board": board,
        "node": own_node(observed),
        "k3s_version": (observed.get("k3s") or {}).get("version"),
        "manifests": manifests,
        "patches": [{"manifest": path} for path in manifests],
        "files": [row for row in files if row["action"] != undo.LEAVE],
        "restart": any(row["settle"] for row in files),
        "archives": archives,
        "images": [row["name"] for row in done],
        "names": [row["name"] for row in done if row["action"] in (undo.REMOVE, undo.DROP, undo.RESTORE)],
        "system": system,
        "left": [printable(row["warning"]) for row in (*files, *images) if row["warning"]]
        + _unread(journal, chosen, wanted),
        "lines": [],
        "changes": 0,
    }
    if result["restart"]:
        next_start.require_none(board, observed, [row["path"] for row in files if row["action"] in _REWRITES])
    result["lines"] = [printable(line) for line in _lines(result, files, done)]
    result["changes"] = len(manifests) + len(result["files"]) + len(archives) + len(result["images"]) + len(system)
    return result


def undo_pods(api: Optional[Api], plans: Iterable[UndoPlan]) -> List[str]:
    """Pods which ask for an image name that was taken away on their board, as sorted ``namespace/name``.

    ``api`` is the cluster's view as k3s_info returns it, ``plans`` are results of `undo_plan`.
    """
    taken = {plan["node"]: set(plan["names"]) for plan in plans}
    return sorted(
        "%s/%s" % (pod["namespace"], pod["name"])
        for pod in (api and api.get("pods")) or []
        if not pod["deleting"]
        and pod["phase"] not in FINISHED
        and taken.get(pod["node"], set()) & {full_or_text(image) for image in pod["images"]}
    )


def undo_report(plans: Iterable[UndoPlan]) -> List[str]:
    """Lines of text: what is done on each board, or that there is nothing to do, and what stays."""
    lines: List[str] = []
    for plan in plans:
        lines += ["%s: %s" % (plan["board"], text) for text in plan["lines"] or [_nothing(plan)]]
        lines += ["%s: warning: %s" % (plan["board"], text) for text in plan["left"]]
    return [printable(line) for line in lines]


def _nothing(plan: UndoPlan) -> str:
    return "nothing is taken back" if plan["left"] else "nothing to take back"


def _unread(journal: Mapping[str, Any], chosen: _undo_components.Chosen, wanted: Sequence[str]) -> List[str]:
    """A sentence for each entry of the journal that cannot be read: what it tells of stays."""
    rows = [row for row in journal.get("unread") or () if row["kind"] in ("files", "images", "system")]
    if wanted:
        rows = [row for row in rows if row["kind"] == "images" and chosen.has_image(row["name"])]
    return [str(unread_problem(row["name"], row["why"], journal["path"])) for row in rows]


def _overlaid(manifests: Iterable[Mapping[str, Any]]) -> List[str]:
    """Packaged manifests which this collection has an overlay, a .skip or a comment line for, sorted."""
    found = set()
    for row in manifests:
        header = _overlay.read_header(row["text"] or "")
        if header:
            found.add(posixpath.join(posixpath.dirname(row["path"]), header.source))
        elif row.get("own_skip") or (row["text"] or "").lstrip("\ufeff").startswith(_overlay.UNDO_COMMENT):
            found.add(row["path"])
    return sorted(found)


def _files(entries: Mapping[str, Any], preloads: Iterable[Mapping[str, Any]]) -> Tuple[List[UndoneFile], List[str]]:
    """The rows of files, and the names of archives."""
    rows: List[UndoneFile] = []
    archives = {row["name"] for row in preloads}
    for path, entry in sorted(entries.items()):
        # What prepare did is its own to take back, and how k3s was installed stays until it is uninstalled.
        if entry["kind"] in ("system", "install"):
            continue
        if entry["kind"] == "archive":
            archives.add(posixpath.basename(path))
            continue
        done = undo.undo_file(path, entry, entry["current"])
        rows.append({"path": path, "action": done.action, "settle": done.action in _RESTARTS, "warning": done.warning})
    return rows, sorted(archives)


def _system(journal: Mapping[str, Any]) -> List[str]:
    """What k3s_board_settings takes back, for people. What stands there now, that module reads."""
    files = [path for path, entry in sorted(journal["files"].items()) if entry["kind"] == "system"]
    settings = sorted((journal.get("system") or {}).items())
    return ["bring back %s as it was before, or remove it" % path for path in files] + [
        "set %s to %s again, which it was before" % (name, entry["before"]) for name, entry in settings
    ]


def _images(
    entries: Mapping[str, Any], observed: Observed, chosen: _undo_components.Chosen, archives: Collection[str]
) -> List[Mapping[str, Any]]:
    store = {row["name"]: row for row in observed.get("images") or ()}
    stay = {row["name"] for row in observed.get("preloads") or ()} - set(archives)
    rows: List[Mapping[str, Any]] = []
    for name, entry in sorted(entries.items()):
        if not chosen.has_image(name):
            continue
        done = undo.undo_image(name, entry, store.get(name), entry["has_content"])
        if entry["source"] in stay:
            text = "%s is left as it is: the archive %s would bring it back, and holds other components, too" % (
                name,
                entry["source"],
            )
            done = undo.Undo(undo.LEAVE, text)
        rows.append({"name": name, "action": done.action, "warning": done.warning})
    return rows


def _lines(result: UndoPlan, files: Iterable[UndoneFile], images: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for path in result["manifests"]:
        yield "remove the overlay of %s, so that k3s applies its own file again" % path
    for row in files:
        if row["action"] != undo.LEAVE:
            yield _WORDS[row["action"]] % row["path"]
    for name in result["archives"]:
        yield "remove %s/%s" % (ARCHIVES, name)
    if result["restart"]:
        yield "restart k3s"
    yield from result["system"]
    for image in images:
        yield _WORDS[image["action"]] % image["name"]
