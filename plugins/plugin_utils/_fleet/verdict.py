# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a cluster is, in three answers: healthy, wrong, or not known. Pure.

Healthy is only what was seen: each board is a Ready node of the cluster, every part of it was read, each container runs
the content that its image name stands for, and the API shows every node and pod Ready. What could not be read is not
known, and never counts as healthy. Nodes that are no boards of the run were not looked at: they are named, and not
called healthy either.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Plan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, redact
from ansible_collections.riscv.k3s.plugins.plugin_utils import becoming, reaching
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.gates import lacking
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.waves import named
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import unready
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.contents import Store, differing

HEALTHY, WRONG, UNKNOWN = "healthy", "wrong", "not known"
WRONG_LINE, UNKNOWN_LINE, LEFT_LINE = "WRONG", "NOT KNOWN", "NOT LOOKED AT"
# Lines of each kind; the boards' own answers hold all.
_SHOWN = 5
_REMEDIES = {
    WRONG_LINE: "run the playbook riscv.k3s.diagnose, it shows both views of every pod",
    UNKNOWN_LINE: "mend what kept it from being read, then run again: what was not seen is not called healthy",
}
_SITE = "run the playbook riscv.k3s.site"
# What comes before site, by what stands in its way. Where the registry does not answer the controller, or is not
# trusted there, it is not known what it holds.
UNPUBLISHED, UNASKED = "unpublished", "unasked"
_BEFORE = {
    UNPUBLISHED: "run the playbook riscv.k3s.publish, then riscv.k3s.site",
    UNASKED: "settle why the mirror cannot be asked (the warning above), then run the playbook riscv.k3s.plan again; "
    "until then riscv.k3s.site brings nothing from there",
}
_NO_NODE = (
    "see that k3s runs on the board and which server it is told to join (--server, K3S_URL), or take a board of "
    "another cluster out of this run"
)
# Sections of the observing script that a later look at a board, as before the gates, reads anew.
_ANEW = frozenset(("version", "containerd", "config", "pause", "stale", "images", "preloads", "pods", "containers"))


class Looked(NamedTuple):
    """A board, what was seen of it (a result of k3s_info, or what failed), and its plan where one was made.

    ``closer`` is a result of k3s_info with the part ``contents``, or None. ``is_changed`` tells whether something is
    still to be done on it: what it holds is judged when that is done.
    """

    name: str
    seen: Mapping[str, Any]
    plan: Optional[Plan] = None
    closer: Optional[Mapping[str, Any]] = None
    is_changed: bool = False


def verdict(
    boards: Sequence[Looked],
    api: Optional[Mapping[str, Any]],
    settings: Mapping[str, Any],
    beside: Iterable[Mapping[str, Any]] = (),
    away: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> Dict[str, Any]:
    """How the cluster is: {answer, boards: {name: {answer, wrong, unknown}}, wrong, unknown, doubtful, left, silent}.

    ``api`` is the cluster's view as k3s_info returns it, or None; ``settings`` hold health_namespaces. ``beside`` is
    what was seen of boards of the run that are judged elsewhere, or not believed. ``away`` {server: what was seen of
    it} are servers outside the run that were asked. ``wrong`` and ``unknown`` are sentences about the
    whole cluster and its boards; ``doubtful`` names boards of which a closer look (the part ``contents``) can tell
    whether containers run what their image names stand for. ``left`` names the nodes that are no boards of this run,
    ``silent`` has a sentence for each of ``away`` that does not answer.
    """
    reachable = bool(api and api.get("reachable"))
    cluster_wrong = [] if not reachable else unready(api, settings["health_namespaces"])
    cluster_unknown = unready(api) if not reachable else []
    unread = (api or {}).get("unread") or []
    cluster_unknown += ["a row of the API's answer cannot be read: %s" % row for row in unread]
    answers, doubtful = {}, []
    for board in boards:
        wrong, unknown, is_doubtful = _of_board(board, api if reachable else None)
        doubtful += [board.name] * is_doubtful
        answers[board.name] = {"answer": _answer(wrong, unknown), "wrong": wrong, "unknown": unknown}
    wrong = cluster_wrong + ["%s: %s" % (name, text) for name, row in answers.items() for text in row["wrong"]]
    unknown = cluster_unknown + ["%s: %s" % (name, text) for name, row in answers.items() for text in row["unknown"]]
    return {
        "answer": _answer(wrong, unknown),
        "boards": answers,
        "wrong": [printable(text) for text in wrong],
        "unknown": [printable(text) for text in unknown],
        "doubtful": doubtful,
        "left": _left(boards, api if reachable else None, beside),
        "silent": [printable(text) for text in _silent(away or {})],
    }


def lines(
    found: Mapping[str, Any], changes: int = 0, is_refused: bool = False, before: Optional[str] = None
) -> List[str]:
    """A verdict for people. ``changes`` are planned and not made yet: before them nothing is called healthy. Where
    something stands in their way (``is_refused``), none of them is made. ``before`` is what else comes first,
    `UNPUBLISHED` or `UNASKED`.
    """
    # What is to be changed may mend it: then one next step is named, and not two.
    wrong = _some(WRONG_LINE, found["wrong"], is_told=not changes or is_refused)
    text = wrong + _some(UNKNOWN_LINE, found["unknown"])
    left = _left_line(found["left"]) + ["%s: %s" % (LEFT_LINE, silent) for silent in found["silent"]]
    if changes:
        first = "first settle what is wrong above, until then riscv.k3s.site changes nothing"
        to_do = first if is_refused else _BEFORE.get(before or "", _SITE)
        return text + left + ["TO DO: %s. Next: %s" % (_count(changes, "change"), to_do)]
    if left:
        return (text or ["Healthy: the %s of this run." % _count(len(found["boards"]), "board")]) + left
    return text or ["All healthy."]


def ends_well(found: Mapping[str, Any], changes: int = 0) -> bool:
    """Whether a run may end without an error: all is healthy, or what is wrong is yet to be mended by ``changes``."""
    return found["answer"] == HEALTHY or (changes > 0 and not found["unknown"])


def later(first: Mapping[str, Any], now: Optional[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is known of a board after a later look, which reads fewer parts than the first one."""
    if not now or "hostname" not in now:
        return now if now else first
    kept = [error for error in first.get("errors") or () if error["section"] not in _ANEW]
    return dict(first, **dict(now, errors=kept + list(now.get("errors") or ())))


def joined(found: Mapping[str, Any], boards: Mapping[str, Any], texts: Mapping[str, List[str]]) -> Dict[str, Any]:
    """A verdict with more ``boards`` and their sentences {wrong: .., unknown: ..}."""
    wrong, unknown = (found[kind] + [printable(text) for text in texts[kind]] for kind in ("wrong", "unknown"))
    answers = dict(found["boards"], **boards)
    return dict(found, answer=_answer(wrong, unknown), boards=answers, wrong=wrong, unknown=unknown)


def _of_board(board: Looked, api: Optional[Mapping[str, Any]]) -> Tuple[List[str], List[str], bool]:
    seen = board.seen
    if not seen or "hostname" not in seen:
        said = (seen or {}).get("msg") or "it does not answer"
        known = None if " Next: " in said else becoming.remedy(said) or reaching.remedy(said)
        said = said.strip().removesuffix(".")
        return [], ["it could not be looked at: %s%s" % (said, ". Next: %s" % known if known else "")], False
    wrong, unknown = [], _unread(seen)
    runs = (seen.get("k3s") or {}).get("running")
    if runs is None:
        unknown.append("whether k3s runs")
    elif not runs:
        wrong.append("k3s does not run, or its containerd does not answer")
    node = None
    if api is not None:
        node, why = how_it_runs.own_node(seen, api["nodes"])
        doubt = how_it_runs.node_doubt(seen, node)
        unknown += ["%s. Next: %s" % (why, _NO_NODE)] if why else []
        unknown += [doubt] if doubt else []
        # A node that is not Ready stands among what is wrong with the cluster.
    is_doubtful = False
    if board.plan:
        wrong += [
            "%s: %s. Remedy: add an entry for it to riscv_k3s_catalogue" % (row["image"], row["reason"])
            for row in board.plan["problems"]
        ]
        wrong += [text for text in (board.plan["registries"]["refused"],) if text]
        if not board.is_changed:
            wrong += lacking(board.plan, seen.get("images"))
            other, doubts = _contents(board, node, api)
            wrong += other
            is_doubtful = bool(doubts)
            unknown += doubts
    return wrong, unknown, is_doubtful


def _left(boards: Sequence[Looked], api: Optional[Mapping[str, Any]], beside: Iterable[Mapping[str, Any]]) -> List[str]:
    """The nodes that no board of the run is. One that could not be looked at is told of by its own name."""
    nodes = (api or {}).get("nodes") or []
    of_run = {board.name.lower() for board in boards if "hostname" not in board.seen}
    for seen in [board.seen for board in boards] + list(beside):
        row = how_it_runs.own_node(seen, nodes)[0] if "hostname" in seen else None
        of_run.update([row["name"]] if row else [])
    return [printable(node["name"]) for node in nodes if node["name"] not in of_run]


def _silent(away: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """Servers outside the run that were asked and whose API does not answer."""
    found = []
    for name, seen in away.items():
        api = seen.get("api") or {}
        if not api.get("reachable"):
            why = seen.get("msg") or api.get("error") or "it told nothing"
            # Of kubectl's lines, which were joined, the last one tells it.
            last = " ".join(why.split()).rpartition(" | ")[2]
            found.append("the server %s, no board of this run, does not answer: %s" % (name, last))
    return found


def _left_line(nodes: Sequence[str]) -> List[str]:
    if not nodes:
        return []
    return ["%s: %s of the cluster, no board of this run: %s" % (LEFT_LINE, _count(len(nodes), "node"), named(nodes))]


def _count(number: int, what: str) -> str:
    return "%d %s%s" % (number, what, "s" * (number != 1))


def _contents(
    board: Looked, node: Optional[Mapping[str, Any]], api: Optional[Mapping[str, Any]]
) -> Tuple[List[str], List[str]]:
    if node is None or api is None or board.plan is None or board.seen.get("images") is None:
        return [], []
    names = {full_or_text(row["image"]) for row in board.plan["images"]}
    pods = [pod for pod in api["pods"] if pod["node"] == node["name"] and not pod["deleting"]]
    other, unknown = differing(pods, Store(board.seen, board.closer), names)
    return (
        ["pod %s/%s runs another content than its image name stands for" % _named(pod) for pod in other],
        ["whether pod %s/%s runs the content that its image name stands for" % _named(pod) for pod in unknown],
    )


def _named(pod: Mapping[str, Any]) -> Tuple[str, str]:
    return pod["namespace"], pod["name"]


def _unread(seen: Mapping[str, Any]) -> List[str]:
    """What of a board was not read, a sentence each."""
    texts = list(seen.get("doubts") or ())
    errors = list(seen.get("errors") or ())
    if any(error["section"] == "program" for error in errors):
        # What a program says that the board cannot run is of no use.
        errors = [error for error in errors if error["section"] not in ("version", "containerd")]
    texts += ["%s: %s" % (error["section"], redact(error["message"])) for error in errors]
    told = {error["section"] for error in seen.get("errors") or ()}
    for part in ("images", "manifests", "pause_image"):
        is_due = part != "manifests" or (seen.get("k3s") or {}).get("role") == "server"
        if part in seen and seen[part] is None and is_due and not told:
            texts.append("its %s could not be read" % part.replace("_", " "))
    journal = (seen.get("journal") or {}).get("error")
    if journal and "journal" not in told:
        texts.append(journal)
    for row in seen.get("manifests") or ():
        why = {
            "size": "is too large to be read, and holds workloads",
            "lines": "has lines of JSON that are too long to be read, or lines that do not end as lines of Linux do",
        }.get(row.get("left_out") or "")
        if why and row["workloads"] and not row["skip"]:
            texts.append("manifests/%s %s" % (row["path"], why))
    return texts


def _answer(wrong: Sequence[str], unknown: Sequence[str]) -> str:
    return WRONG if wrong else UNKNOWN if unknown else HEALTHY


def _some(word: str, texts: Sequence[str], is_told: bool = True) -> List[str]:
    shown = ["%s: %s" % (word, text) for text in texts[:_SHOWN]]
    if shown and is_told and " Remedy: " not in shown[0] and " Next: " not in shown[0]:
        shown[0] += ". Remedy: " + _REMEDIES[word]
    return shown + (["%s: and %d more" % (word, len(texts) - _SHOWN)] if len(texts) > _SHOWN else [])
