# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests that k3s has not applied, or has written over, or that fight each other."""

from __future__ import annotations

import posixpath
import re

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

_PASS = 45  # seconds: the deploy controller looks every 15, and applying takes a while
_FAILURES = ("ReadManifestFailed", "ParseManifestFailed", "ValidateManifestFailed", "ApplyManifestFailed")
_SCALED = re.compile(r"Scaled up replica set (\S+) ")


def _servers(fleet):
    """(board, deployed manifests) of each server; skipped files are left out."""
    for name, board in fleet.seen():
        rows = [row for row in board.get("manifests") or () if not row["skip"]]
        if rows and (fleet.api or {}).get("reachable"):
            yield name, rows


def _path(fleet, board, row):
    return "%s/server/manifests/%s" % (fleet.data_dir(board), row["path"])


def not_applied(fleet):
    """The Addon's checksum is not that of the file."""
    addons = {addon["name"]: addon for addon in (fleet.api or {}).get("addons", ())}
    for board, rows in _servers(fleet):
        names = [_overlay.addon_name(row["path"]) for row in rows]
        for row in rows:
            name = _overlay.addon_name(row["path"])
            checksum = addons[name]["checksum"] if name in addons else None
            age = fleet.clock(board) - row["mtime"]
            # One name for two files is another cause, and HA servers have a folder each.
            if (
                checksum == row["sha256"]
                or names.count(name) > 1
                or age < _PASS
                or _is_from_another_server(fleet, board, row, checksum)
            ):
                continue
            failures = [
                event
                for event in fleet.details.get("events", ())
                if event["kind"] == "Addon" and event["name"] == name and event["reason"] in _FAILURES
            ]
            evidence = [
                "%s: sha256 %s; checksum of Addon %s: %s"
                % (_path(fleet, board, row), row["sha256"][:12], name, (checksum or "none")[:12])
            ]
            evidence += [m.event_text(event) for event in failures[-1:]]
            remedy = (
                "Its last event says what is wrong with it. Mend the file"
                if failures
                else "k3s reads a file again only when its modification time changes. Touch it"
            )
            remedy += "; k3s looks again within 15 s."
            path = _path(fleet, board, row)
            if failures:
                command = shell.command("k3s", "kubectl", "apply", "--dry-run=server", *shell.option("-f", path))
            else:
                command = shell.command("touch", operands=[path])
            title = "k3s has not applied %s" % row["path"]
            yield m.Finding(
                title, m.CERTAIN if failures else m.LIKELY, ("addon", board, name), evidence, remedy, command, board
            )


def _is_from_another_server(fleet, board, row, checksum):
    others = [other for name, other in fleet.seen() if name != board]
    return any(
        one["path"] == row["path"] and one["sha256"] == checksum
        for other in others
        for one in other.get("manifests") or ()
    )


def two_files(fleet):
    """Two files whose names are the same up to the first dot."""
    for board, rows in _servers(fleet):
        by_name: dict[str, list] = {}
        for row in rows:
            by_name.setdefault(_overlay.addon_name(row["path"]), []).append(row)
        for name, both in sorted(by_name.items()):
            if len(both) < 2:
                continue
            evidence = ["%s (sha256 %s)" % (_path(fleet, board, row), row["sha256"][:12]) for row in both]
            evidence.append("an Addon is named by the file's name up to the first dot: %s" % name)
            own = max(both, key=lambda row: row["mtime"])
            stem, dummy, rest = posixpath.basename(own["path"]).partition(".")
            target = "%s-own.%s" % (stem, rest.rpartition(".")[2])
            folder = posixpath.dirname(_path(fleet, board, own))
            remedy = (
                "They take turns at one Addon. "
                "Give your own file another name before its first dot, or move it out of the folder."
            )
            command = shell.command("mv", operands=[_path(fleet, board, own), posixpath.join(folder, target)])
            yield m.Finding(
                "%d files fight for the Addon %s" % (len(both), name),
                m.CERTAIN,
                ("addon", board, name),
                evidence,
                remedy,
                command,
                board,
            )


def stale_overlay(fleet):
    """An overlay that was made from another packaged file than the one beside it."""
    for board, rows in _servers(fleet):
        files = {row["path"]: row for row in (fleet.boards[board].get("manifests") or ())}
        for row in rows:
            header = _overlay.read_header(row["text"]) if row["text"] else None
            packaged = files.get(posixpath.join(posixpath.dirname(row["path"]), header.source)) if header else None
            if header and packaged and packaged["sha256"] != header.source_sha256:
                evidence = [
                    "%s: made from %s sha256 %s" % (_path(fleet, board, row), header.source, header.source_sha256[:12])
                ]
                evidence.append("%s: sha256 %s" % (_path(fleet, board, packaged), packaged["sha256"][:12]))
                remedy = (
                    "k3s was upgraded, and the overlay still deploys the old version. Let riscv.k3s.site make it again."
                )
                title = "The overlay of %s is stale" % header.source
                yield m.Finding(
                    title,
                    m.CERTAIN,
                    ("addon", board, _overlay.addon_name(row["path"])),
                    evidence,
                    remedy,
                    fleet.site(),
                    m.CONTROLLER,
                )


def overwritten(fleet):
    """A workload of a packaged manifest that went back to a template it had before: k3s wrote the file again at its
    start.
    """
    for board, rows in _servers(fleet):
        for row in rows:
            if not row["text"] or _overlay.read_header(row["text"]):
                continue
            for name in _workloads(fleet, board, row):
                back = _went_back(fleet, name)
                broken = [
                    pod
                    for pod in fleet.pods
                    if pod["namespace"] == "kube-system"
                    and m.workload(fleet, pod) == "deployment/" + name
                    and m.is_unready(pod)
                ]
                if back and broken:
                    evidence = back + ["%s has no .skip and no overlay next to it" % _path(fleet, board, row)]
                    remedy = (
                        "k3s rewrites its packaged manifests at each start. "
                        "Use an overlay (patch_mode overlay), which stays."
                    )
                    title = "%s is as k3s wrote it at its start: what was changed in it is lost" % row["path"]
                    yield m.Finding(
                        title,
                        # An undo, or another version of k3s, brings a former template back as well.
                        m.LIKELY,
                        ("addon", board, _overlay.addon_name(row["path"])),
                        evidence,
                        remedy,
                        fleet.site(),
                        m.CONTROLLER,
                    )


def _workloads(fleet, board, row):
    where = [place for item in fleet.boards[board].get("demand") or () for place in item["where"]]
    return sorted(
        {
            match.group(1)
            for place in where
            for match in [re.match("manifests/%s Deployment/(\\S+)" % re.escape(row["path"]), place)]
            if match
        }
    )


def _replica_set(event):
    """The replica set that an event says was scaled, or None."""
    match = _SCALED.match(event["message"])
    return match.group(1) if match else None


def _went_back(fleet, deployment):
    """The events that show it: replica set A, then B, then A again."""
    events = [
        event
        for event in fleet.details.get("events", ())
        if event["kind"] == "Deployment" and event["name"] == deployment and _replica_set(event)
    ]
    if not events:
        return []
    last = events[-1]
    name = _replica_set(last)
    others = [event for event in events if _replica_set(event) != name]
    if not others:
        return []
    before = events[: events.index(others[-1])]
    # The same event twice is one with a count, whose time is that of the latest.
    again = last["count"] > 1 or any(_replica_set(event) == name for event in before)
    return [m.event_text(others[-1]), m.event_text(last) + " (again)"] if again else []


CAUSES = [
    m.Cause(
        "manifest-overwritten",
        "What was changed in a packaged manifest is lost.",
        "its Deployment went back to an earlier ReplicaSet, and there is no overlay next to the file",
        overwritten,
    ),
]
# No pod stands still for these: they come after what keeps pods from running.
LATE = [
    m.Cause(
        "two-files-one-addon",
        "Two manifests stand for one Addon.",
        "file names that are the same up to the first dot",
        two_files,
    ),
    m.Cause(
        "stale-overlay", "An overlay is older than the packaged file.", "the checksum in its header", stale_overlay
    ),
    m.Cause(
        "addon-not-applied",
        "k3s has not applied a manifest.",
        "the Addon's checksum is not the file's sha256; events of the deploy controller",
        not_applied,
    ),
]
