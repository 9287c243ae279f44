# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action k3s_wait waits for: each condition as what is still missing, sentences, none when it holds. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Plan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.service_state import STARTING
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.preload import lacking
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import unready, without_nodes

# What the action looks at.
OF_ANSWERS = ("k3s", "config", "api", "events", "service_state")
OF_HEALTH = ("k3s", "api", "events", "service_state")


def answers_missing(result: Mapping[str, Any], plan: Optional[Plan] = None) -> List[str]:
    """Whether k3s runs on the board, its API answers where it was asked, and the store holds what the archive of
    ``plan``, the board's, should have brought.
    """
    k3s, api = result.get("k3s") or {}, result.get("api")
    missing = []
    if not k3s.get("running"):
        missing.append(_not_running(result, k3s.get("running")))
    if api and not api.get("reachable"):
        missing.append("the API does not answer: %s" % (api.get("error") or "no message"))
    if plan and not missing:
        missing += ["k3s did not import the whole archive: %s" % text for text in lacking(result.get("images"), plan)]
    return [printable(text) for text in missing]


def health_missing(document: Mapping[str, Any], result: Mapping[str, Any]) -> List[str]:
    """What is not healthy in the cluster and may become so; ``document`` is that of the run, ``result`` one of k3s_info
    on a server.
    """
    api = result.get("api")
    awaited = without_nodes(api, document.get("not_awaited") or ()) if api else api
    return unready(awaited, document["settings"]["health_namespaces"])


def _not_running(result: Mapping[str, Any], running: Optional[bool]) -> str:
    errors = {row["section"]: redact(row["message"]) for row in result.get("errors") or ()}
    # What a program says that the board cannot run is of no use.
    said = errors.get("program") or errors.get("containerd") or "no message"
    starting = [name for name, row in (result.get("service_state") or {}).items() if row["state"] in STARTING]
    if starting:
        return "the service %s is still starting: %s" % (", ".join(starting), said)
    if running is None:
        return "it is not known whether k3s runs: %s" % said
    return "k3s does not run: %s" % said
