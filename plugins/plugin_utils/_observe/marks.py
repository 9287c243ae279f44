# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What moves on a board and in its cluster: a result of k3s_info as marks for _waiting/patience. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils._waiting.moves import (
    addon_marks,
    digest,
    event_marks,
    killed,
    pod_marks,
)
from ansible_collections.riscv.k3s.plugins.module_utils._waiting.patience import Marks
from ansible_collections.riscv.k3s.plugins.module_utils.pod import is_unready
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_NAMESPACE = "kube-system"
# Times and numbers of processes in a message.
_NUMBERS = re.compile(r"[0-9]+")


def marks(result: Mapping[str, Any]) -> Marks:
    """The marks of all that was gathered; what was not, or could not be read, has none."""
    api = result.get("api") or {}
    pods = _pods(api)
    found: Marks = {}
    if "k3s" in result:
        found["k3s"] = str(result["k3s"].get("running"))
    if api:
        found["API"] = "answers" if api.get("reachable") else _NUMBERS.sub("0", str(api.get("error")))
    found.update({"node " + node["name"]: str(node["ready"]) for node in api.get("nodes") or ()})
    found.update({"image " + row["name"]: row["digest"] for row in result.get("images") or ()})
    found.update({"service " + name: digest(row) for name, row in (result.get("service_state") or {}).items()})
    found.update(_containers(result))
    found.update(addon_marks(api.get("addons") or ()))
    found.update(pod_marks(pods))
    found.update(event_marks(_events(result), pods))
    return found


def kills(result: Mapping[str, Any]) -> List[str]:
    """A sentence for each container that is not Ready and that its kubelet kills by a probe."""
    pods = [pod for pod in (result.get("api") or {}).get("pods") or () if is_unready(pod)]
    return [printable(sentence) for sentence in killed(_events(result), pods)]


def _pods(api):
    """Those of k3s itself, and those that are not Ready: others come and go as their owners like."""
    return [pod for pod in api.get("pods") or () if pod["namespace"] == _NAMESPACE or is_unready(pod)]


def _events(result):
    return (result.get("details") or {}).get("events") or ()


def _containers(result: Mapping[str, Any]) -> Marks:
    """Those that containerd knows; a sandbox has another name each time, so they go by namespace and own name."""
    namespaces = {row["id"]: row["namespace"] for row in result.get("sandboxes") or ()}
    found: Dict[str, list] = {}
    for row in result.get("containers") or ():
        key = "container %s/%s" % (namespaces.get(row["sandbox_id"], ""), row["name"])
        found.setdefault(key, []).append([row["state"], row["attempt"]])
    return {key: digest(sorted(values)) for key, values in found.items()}
