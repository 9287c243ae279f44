# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module cri_sandbox_info: one shell command on the board, joined on the controller."""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.action import ObservingAction
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join, own_node, select


class ActionModule(ObservingAction):
    """Show pods as containerd and as the API know them."""

    OPTIONS = {
        "namespace": {"type": "str"},
        "name": {"type": "str"},
        "labels": {"type": "dict", "default": {}},
        "states": {"type": "list", "elements": "str", "choices": ["ready", "notready"], "default": []},
        "api": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    }

    def observe_board(self, options):
        """The result of cri_sandbox_info."""
        # The architecture plays no part here, so one that is not known is no reason to fail.
        seen = self.look(
            options, ["config", "sandboxes", "api", "logs", "inspect"], architecture="riscv64", events=True
        )
        if seen["sandboxes"] is None or seen["containers"] is None:
            raise Problem(
                "containerd did not list its sandboxes",
                found="; ".join("%s: %s" % (error["section"], error["message"]) for error in seen["errors"]),
                where=seen["hostname"],
                next_step="check that k3s runs on the board: `systemctl status k3s k3s-agent`",
            )
        api = seen.get("api")
        known = api["pods"] if api and api["reachable"] else None
        node = own_node(seen, (api or {}).get("nodes") or ())
        pods = join(seen["sandboxes"], seen["containers"], known, node, (api or {}).get("events"), now=time.time())
        result = {key: seen[key] for key in ("hostname", "config", "sandboxes", "containers", "errors")}
        chosen = select(pods, options["namespace"], options["name"], options["labels"], options["states"])
        result["pods"] = [
            dict(pod, containers=[dict(row, log=seen["logs"].get(row["id"], [])) for row in pod["containers"]])
            for pod in chosen
        ]
        if api:
            result["api"] = api
        return result
