# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module k3s_info: one shell command on the board, read on the controller."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.action import ObservingAction
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import (
    EXTRAS,
    PARTS,
    chosen_parts,
    unreadable_images,
)


class ActionModule(ObservingAction):
    """Observe a board."""

    OPTIONS = {
        "gather": {
            "type": "list",
            "elements": "str",
            "choices": ["all"] + list(PARTS) + list(EXTRAS),
            "default": ["all"],
        },
        "architecture": {"type": "str", "default": "auto"},
        "api": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "versions": {"type": "bool", "default": True},
        "whole_manifests": {"type": "list", "elements": "str", "default": []},
        "require_k3s": {"type": "bool", "default": True},
        "require_images": {"type": "bool", "default": False},
        "require_journal": {"type": "bool", "default": False},
    }

    def observe_board(self, options):
        """The result of k3s_info."""
        seen = self.look(
            options,
            chosen_parts(options["gather"]),
            architecture=options["architecture"],
            whole=options["whole_manifests"],
            versions=options["versions"],
        )
        # One on which k3s has not run yet has none.
        is_blank = not options["require_k3s"] and not (seen.get("k3s") or {}).get("role")
        if options["require_images"] and seen.get("images") is None and not is_blank:
            # What was seen stays with it: a run tells a server that is ill from one that cannot be reached.
            problem = unreadable_images(seen, self.board or seen["hostname"])
            return dict(seen, failed=True, msg=str(problem), **problem.parts())
        error = (seen.get("journal") or {}).get("error")
        if options["require_journal"] and error:
            return dict(seen, failed=True, msg="%s: %s" % (self.board or seen["hostname"], error))
        return seen
