# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of a board before the next wave begins: JMESPath expressions over the joined view of it. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

try:
    import jmespath
except ImportError:
    jmespath = None

from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED, is_unready, workload
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import ApiPod, ImageRow, Plan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join, node_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.images import unfit
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import own_node

# ``found`` says what to show when the gate is shut; without it that is the value of the query.
DEFAULT_GATES = (
    {
        "name": "k3s runs",
        "query": "k3s.running",
        "message": "k3s does not run, or did not answer in time; its log says why (journalctl -u k3s -u k3s-agent)",
        "found": "k3s",
    },
    {
        "name": "the node is Ready",
        "query": "node.ready",
        "message": "the node is not Ready in the API",
        "found": "node || no_node || api",
    },
    {
        "name": "images are there",
        "query": "!lacking",
        "message": "images are not as planned",
        "found": "lacking",
    },
    {
        "name": "pods are well",
        "query": "!newly_broken",
        "message": "pods are broken that were fine before this run",
        "found": "newly_broken",
    },
)
_KEYS = {"name", "query", "message", "found"}
_EMPTY: Dict[str, Any] = {
    "board": "",
    "k3s": {},
    "node": None,
    "no_node": None,
    "api": {},
    "lacking": [],
    "newly_broken": [],
    "pods": [],
    "images": [],
}
_LONGEST = 400


def read(gates: Any) -> List[Dict[str, Any]]:
    """Check ``gates`` (riscv_k3s_gates) before anything is changed, and return them. Raises Problem that names the
    gate.
    """
    if not isinstance(gates, (list, tuple)):
        raise Problem("riscv_k3s_gates must be a list", found=type(gates).__name__, next_step=_EXAMPLE)
    if gates and jmespath is None:
        raise Problem(
            "health gates need jmespath on the controller",
            found="it is not installed",
            next_step="pip install jmespath, or set riscv_k3s_gates: []",
        )
    for number, gate in enumerate(gates, 1):
        _check(gate, number)
    return list(gates)


def view(
    board: str,
    plan: Plan,
    seen: Optional[Mapping[str, Any]],
    api: Optional[Mapping[str, Any]],
    before: Optional[Mapping[str, Any]],
) -> Dict[str, Any]:
    """What the expressions see of one board.

    ``plan`` is its plan, ``seen`` its result of k3s_info of now (k3s, config, images, sandboxes), ``api`` the server's
    ``api`` of now, ``before`` that from before the run. Returns board, k3s, node (its row of the API, None for none),
    no_node (why there is none in an API that answers, a sentence), api {reachable, error}, images, pods (rows of
    riscv.k3s.join_pods), lacking (sentences), newly_broken (names of pods). A board that does not answer is one whose
    k3s does not run.
    """
    seen, api = seen or {}, api or {}
    k3s = seen.get("k3s") or {"running": False, "error": seen.get("msg") or "the board does not answer"}
    pods = api.get("pods") or []
    sandboxes = seen.get("sandboxes") or []
    node = _node(seen, api)
    name = node["name"] if node else None
    return {
        "board": board,
        "k3s": k3s,
        "node": node,
        "no_node": None if node or not api.get("reachable") else own_node(seen, api.get("nodes") or [])[1],
        "api": {"reachable": bool(api.get("reachable")), "error": api.get("error") or api.get("msg")},
        "images": seen.get("images") or [],
        "pods": join(sandboxes, seen.get("containers") or [], pods if api.get("reachable") else None, name),
        "lacking": lacking(plan, seen.get("images")),
        "newly_broken": _newly_broken(pods, (before or {}).get("pods") or [], name),
    }


def _node(seen: Mapping[str, Any], api: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The row of a board: by what the board is, else by the pods that it runs, never by a guess of its name."""
    nodes = api.get("nodes") or []
    uids = {pod["uid"]: pod for pod in api.get("pods") or []}
    name = node_of(seen.get("sandboxes") or [], uids, None)
    return own_node(seen, nodes)[0] or next((node for node in nodes if node["name"] == name), None)


def judge(gates: Iterable[Mapping[str, Any]], seen: Mapping[str, Any]) -> List[str]:
    """The gates that are shut, a sentence each. ``seen`` is the result of `view`."""
    plain = json.loads(json.dumps(_plain(seen)))
    return [printable(sentence) for sentence in (_shut(gate, plain) for gate in gates) if sentence]


def lacking(plan: Plan, images: Optional[Iterable[ImageRow]]) -> List[str]:
    """What a board does not hold of what its plan was to bring, a sentence each; ``images`` are those of its store of
    now, or None.
    """
    store = {row["name"]: row for row in images or []}
    found: List[str] = []
    for row in plan["images"]:
        if row["fix"] in ("stock", "impossible"):
            continue
        # Where the workload or k3s is told another name, that one must be there.
        name = (row["source"] if row["fix"] in ("flag", "patch") else None) or row["image"]
        held = store.get(name)
        source = store.get(row["tag_from"]) if row["tag_from"] else None
        digest = row["locked"] or (source["digest"] if source else None)
        why = unfit(name, held, plan["architecture"])
        if why:
            found.append(why)
        elif held and row["fix"] == "tag" and digest and held["digest"] != digest:
            found.append("%s has the digest %s, expected is %s" % (name, held["digest"], digest))
    return found


_EXAMPLE = "for example [{name: 'the node is Ready', query: 'node.ready', message: 'look at the board'}]"


def _check(gate: Any, number: int) -> None:
    where = "riscv_k3s_gates, number %d" % number
    if not isinstance(gate, dict) or not all(isinstance(gate.get(key), str) and gate[key] for key in ("name", "query")):
        raise Problem("a gate needs a name and a query", found=str(gate), where=where, next_step=_EXAMPLE)
    if set(gate) - _KEYS:
        raise Problem(
            "the gate %r has keys that are not known" % gate["name"],
            found=", ".join(sorted(set(gate) - _KEYS)),
            where=where,
        )
    for key in ("query", "found"):
        if gate.get(key):
            try:
                jmespath.search(str(gate[key]), _EMPTY)
            except (
                jmespath.exceptions.ParseError,
                jmespath.exceptions.UnknownFunctionError,
                jmespath.exceptions.ArityError,
            ) as error:
                raise Problem(
                    "the %s of the gate %r is not a JMESPath expression" % (key, gate["name"]),
                    found="%s: %s" % (gate[key], " ".join(str(error).split())),
                    where=where,
                    next_step="quote names with ' and numbers with `; docs/fleet.md has examples",
                ) from error
            except jmespath.exceptions.JMESPathError:
                pass  # of a value's type, which is known only with a board


def _shut(gate: Mapping[str, Any], seen: Mapping[str, Any]) -> Optional[str]:
    try:
        value = jmespath.search(str(gate["query"]), seen)
        if value or (value == 0 and value is not False):  # as JMESPath has it: 0 is true
            return None
        shown = jmespath.search(str(gate["found"]), seen) if gate.get("found") else value
    except jmespath.exceptions.JMESPathError as error:
        return "gate %r cannot be evaluated: %s" % (gate["name"], " ".join(str(error).split()))
    text = (
        "; ".join(shown)
        if isinstance(shown, list) and shown and all(isinstance(item, str) for item in shown)
        else json.dumps(shown)
    )
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
    return "gate %r: %s. Found: %s" % (
        gate["name"],
        (gate.get("message") or "%s is not true" % gate["query"]).rstrip("."),
        text,
    )


def _newly_broken(pods: Iterable[ApiPod], before: Iterable[ApiPod], node: Optional[str]) -> List[str]:
    known = {key for pod in before if _is_broken(pod) for key in _keys(pod)}
    return [
        "%s/%s: %s" % (pod["namespace"], pod["name"], "; ".join(pod["reasons"]) or pod["phase"])
        for pod in pods
        if pod["node"] == node and _is_broken(pod) and not known.intersection(_keys(pod))
    ]


def _is_broken(pod: ApiPod) -> bool:
    # One that failed for good, as after an eviction, is another's: its owner made a new one.
    return is_unready(pod) and not pod["deleting"] and pod["phase"] not in FINISHED


def _keys(pod: ApiPod) -> Iterator[object]:
    """A pod that was broken is one with another UID after its workload made it again."""
    yield pod["uid"]
    if pod["owner"]:
        yield (pod["namespace"],) + workload(pod["owner"], pod["labels"])


def _plain(value: Any) -> Any:
    """Values as jmespath knows them: its functions look at exact types, and Ansible's are of its own."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
