# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.yaml that k3s has not read yet, or that holds a key which it does not know."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import WRONG_KEYS


def wrong_key(fleet):
    """A key that k3s silently passes over. The board tells line numbers and key names only."""
    for name, board in fleet.seen():
        found = fleet.preflight(name).get("wrong_keys") or []
        if not found:
            continue
        path = board["registries"]["path"] if board.get("registries") else "registries.yaml"
        rights = [(number, key, WRONG_KEYS.get(key)) for number, key in found]
        evidence = [
            "%s line %d: %s, which k3s does not know%s" % (path, number, key, " (it knows %s)" % right if right else "")
            for number, key, right in rights
        ]
        edits = [word for number, key, right in rights if right for word in ("-e", "%ds/%s/%s/" % (number, key, right))]
        edit = shell.command("sed", "-i", *edits, operands=[path])
        command = (shell.joined(edit, fleet.service(name)), name) if edits else (None, None)
        remedy = (
            "Write the key as k3s knows it, and restart k3s. "
            "riscv.k3s.site writes the file from the inventory, and refuses keys that k3s does not know."
        )
        yield m.Finding(
            "registries.yaml of %s has keys that k3s ignores" % name,
            m.CERTAIN,
            ("board", name, name),
            evidence,
            remedy,
            *command,
        )


def stale(fleet):
    """k3s was started before the file was written. Times of files alone make that likely: a clock may have been off."""
    for name, board in fleet.seen():
        registries = board.get("registries") or {}
        if registries.get("stale"):
            by_time = registries.get("by_time", True)
            evidence = [
                "%s is newer by its time than %s/agent/etc/containerd/config.toml, which k3s makes of it when it starts"
                % (registries["path"], board["data_dir"])
                if by_time
                else "by the board's uptime %s was written after k3s started" % registries["path"]
            ]
            title = "registries.yaml of %s was changed after k3s was started" % name
            confidence = m.LIKELY if by_time else m.CERTAIN
            yield m.Finding(
                title, confidence, ("board", name, name), evidence, "Restart k3s.", fleet.service(name), name
            )


CAUSES = [
    m.Cause(
        "registries-key", "registries.yaml holds a key that k3s does not know.", "its line, by name only", wrong_key
    ),
    m.Cause(
        "registries-stale", "registries.yaml is not effective yet.", "when it was written and when k3s started", stale
    ),
]
