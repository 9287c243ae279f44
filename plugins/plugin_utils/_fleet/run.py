# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over a fleet as one document: every board's plan, the waves, the restarts and the texts, in one pass. Pure.

The document is what all stages of a run read. It never holds a secret: what registries.yaml shall say and how a
registry is logged in to stay with the tasks that need them.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, cast

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    Api,
    ApiPod,
    Plan,
    RegistryAnswer,
    UndoPlan,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import gates as _gates
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import verdict as _verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.document import OfBoards, common
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet, require_one_cluster
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import (
    node_of,
    runs_another_version,
    without_doubles,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import plan as _plan
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import registries as _plan_registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import undo as _undo
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import OfBoard, restarts, unready, without_nodes
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import report, restarting
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.contents import Store
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import defaults as _defaults
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Supply

# What a mirror's answer is for: architecture, prefix, variant.
Key = Tuple[str, Optional[str], Optional[str]]
Answers = Mapping[Key, Sequence[RegistryAnswer]]


class Question(NamedTuple):
    """What a mirror is asked: the names below ``prefix`` that some board of one architecture lacks, and those below the
    registry that k3s puts before its images' names.

    ``board`` is one of those boards; its variables say how to talk to the registry.
    """

    architecture: str
    prefix: Optional[str]
    variant: Optional[str]
    images: Tuple[str, ...]
    board: str

    @property
    def key(self) -> Key:
        """What an answer is for."""
        return self.architecture, self.prefix, self.variant


def questions(fleet: Fleet) -> List[Question]:
    """What to ask mirrors, once for each architecture; nothing where no board lacks anything."""
    registries = _default_registries(fleet)
    groups: Dict[Key, List[Board]] = {}
    for board in fleet.boards:
        is_asked = mirror_of(board.settings) or (registries and "mirror" in board.settings["fixes"])
        if is_asked and "architecture" in board.seen:
            groups.setdefault(_key(board), []).append(board)
    cluster = _plan.Cluster(fleet.seen_servers() if groups else ())
    also = [row["image"] for dummy, rows in cluster.asked for row in rows if not row["required"]]
    found = []
    for (architecture, prefix, variant), boards in groups.items():
        images = _mirror.lacking([board.seen for board in boards], prefix, boards[0].lock, registries, also)
        if images:
            found.append(Question(architecture, prefix, variant, tuple(images), boards[0].name))
    return found


def not_asked(question: Question, failed: Mapping[str, Any]) -> List[RegistryAnswer]:
    """Rows for a question that could not be asked at all, as by a controller without skopeo; ``failed`` says why."""
    nothing: Dict[str, Any] = {"exists": None, "digest": None, "media_type": None, "platforms": [], "size": None}
    nothing.update(user=None, origin=None)
    told = {"has_architecture": None, "cause": "controller", "message": failed.get("msg") or "it did not say why"}
    return [cast(RegistryAnswer, {"image": image, **nothing, **told}) for image in question.images]


def mirror_of(settings: Dict[str, Any]) -> Optional[str]:
    """The mirror by prefix, where it may be used."""
    return settings["mirror_prefix"] if "mirror" in settings["fixes"] else None


def _default_registries(fleet: Fleet) -> FrozenSet[str]:
    """What k3s puts before the names of its images, on any board: an agent's setting is its server's."""
    seen = [board.seen for board in fleet.boards]
    return _mirror.default_registries([*seen, *fleet.away.values(), *fleet.beside.values()])


def present(fleet: Fleet, answers: Answers) -> Dict[str, Any]:
    """The document for a run that makes every board as the inventory wants it.

    ``answers`` are rows of registry_image_info by the `Question.key` that they are for. Returns boards {name: its plan,
    with stages (roles that have something to do), data_dir, disk, service and settings}, waves, restarts (pods),
    patches (servers whose manifests are patched), asked (images by architecture), lines (of the waves), table (what is
    planned, for people), changes, servers, lost, unplanned {board: why nothing is changed on it}, warnings, settings
    (of the fleet), lease, api (before the run), unready and verdict (likewise), closer {board: kinds of closer looks
    that its plan waits for}, stand_in (a board), max_fail_percentage and problems ({board: why nothing may be changed
    there}). Raises Problem.
    """
    require_one_cluster(fleet)
    fleet = without_doubles(fleet)
    wanted, of_board = _Wanting(fleet, answers), OfBoards()
    cluster = _plan.Cluster(fleet.seen_servers())
    api = fleet.head.get("api")
    plans: Dict[str, Plan] = {}
    boards, unplanned, before = {}, {}, set()
    for board in fleet.boards:
        why = doubts(board.seen, api)
        if why:
            unplanned[board.name] = why
            continue
        plan = _planned(board, wanted, cluster)
        before |= wanted.before(board, plan)
        lacks = wanted.unpublished(board, plan)
        for row in plan["images"]:
            if row["mirrored"] in lacks:
                row["reason"] += ", unless riscv.k3s.publish fills the mirror first"
        plan["warnings"] += wanted.unserved(board, plan) + runs_another_version(board, api)
        plans[board.name] = plan
        boards[board.name] = dict(plan, stages=_stages(plan), **of_board.of(board))
    for gates in _different(board.settings["gates"] for board in fleet.boards):
        _gates.read(gates)
    settings = fleet.settings
    divided = _waves.fleet(plans, fleet.servers, settings["serial"], settings["max_fail_percentage"], fleet.lost)
    to_restart = restarts(api, _of_boards(fleet, plans, api))
    # Of a board that failed nothing is believed but which node it is.
    beside = [*fleet.beside.values(), *fleet.lost.values()]
    found = _verdict.verdict(_looked(fleet, plans, to_restart, api), api, settings, beside, fleet.away)
    problems = {name: printable(_refused(plan)) for name, plan in plans.items() if _refused(plan)}
    changes = divided["changes"] + len(to_restart)
    not_awaited = _not_awaited(fleet, plans, api)
    first = next((one for one in (_verdict.UNASKED, _verdict.UNPUBLISHED) if one in before), None)
    return dict(
        common(fleet),
        **dict(divided, boards=boards, changes=changes, unplanned=unplanned),
        restarts=to_restart,
        patches=[name for name, plan in plans.items() if plan["patches"]["present"]],
        asked=_asked(plans, _default_registries(fleet)),
        table=report(list(boards.values()), api)
        + restarting(to_restart)
        + _verdict.lines(found, changes, bool(problems), first),
        before=first,
        warnings=_different([*fleet.warnings, *(text for plan in plans.values() for text in plan["warnings"])]),
        unready=unready(_without(api, not_awaited), settings["health_namespaces"]),
        verdict=found,
        not_awaited=not_awaited,
        # The board that stands in for the others where none has something to do.
        stand_in=(list(boards) + [board.name for board in fleet.boards])[0],
        closer=_closer_looks(plans, found["doubtful"]),
        problems=problems,
    )


def _asked(plans: Mapping[str, Plan], registries: FrozenSet[str]) -> Dict[str, List[Dict[str, Any]]]:
    """{architecture: the images that its boards ask for, [{image: full name, required: whether something runs it, and
    below: the registry that k3s puts before the name, or None}]}.
    """
    found: Dict[str, Dict[str, bool]] = {}
    for plan in plans.values():
        images = found.setdefault(plan["architecture"], {})
        for row in plan["images"]:
            images[row["image"]] = images.get(row["image"], False) or row["required"]
    return {
        architecture: [
            {"image": image, "required": required, "below": _mirror.default_registry(image, registries)}
            for image, required in sorted(images.items())
        ]
        for architecture, images in sorted(found.items())
    }


def _not_awaited(fleet: Fleet, plans: Mapping[str, Plan], api: Optional[Api]) -> List[str]:
    """Nodes that are not Ready and that this run does not change: waiting for them would be in vain. The verdict names
    them.
    """
    own = {node["name"] for node in (node_of(board, api) for board in fleet.boards if board.name in plans) if node}
    return [node["name"] for node in (api["nodes"] if api else ()) if not node["ready"] and node["name"] not in own]


def _without(api: Optional[Mapping[str, Any]], nodes: Sequence[str]) -> Optional[Mapping[str, Any]]:
    return api and without_nodes(api, nodes)


def doubts(seen: Mapping[str, Any], api: Optional[Mapping[str, Any]]) -> List[str]:
    """Why nothing is changed on a board: it is not known how k3s runs there, a sentence each."""
    found = list(seen.get("doubts") or ())
    node = how_it_runs.own_node(seen, (api or {}).get("nodes") or ())[0]
    doubt = how_it_runs.node_doubt(seen, node)
    return found + ([doubt] if doubt else [])


def _looked(
    fleet: Fleet, plans: Mapping[str, Plan], to_restart: Sequence[str], api: Optional[Api]
) -> List[_verdict.Looked]:
    """All boards, for the verdict. A board with pods that are to be restarted is judged when that is done."""
    restarted = {pod["node"] for pod in (api["pods"] if api else ()) if _name_of(pod) in to_restart}
    rows = []
    for board in fleet.boards:
        plan = plans.get(board.name)
        node = node_of(board, api)
        is_changed = bool(plan and plan["changes"]) or bool(node and node["name"] in restarted)
        rows.append(_verdict.Looked(board.name, board.seen, plan, board.contents, is_changed))
    # Whatever was seen of a board that failed is not believed: the error is what is told.
    return rows + [_verdict.Looked(name, {"msg": seen.get("msg")}) for name, seen in fleet.lost.items()]


def _of_boards(fleet: Fleet, plans: Mapping[str, Plan], api: Optional[Api]) -> List[OfBoard]:
    rows = []
    for board in fleet.boards:
        node = node_of(board, api)
        if node and board.name in plans:
            rows.append(OfBoard(plans[board.name], node["name"], Store(board.seen, board.contents)))
    return rows


def _name_of(pod: ApiPod) -> str:
    return "%s/%s" % (pod["namespace"], pod["name"])


def _planned(board: Board, wanted: _Wanting, cluster: _plan.Cluster) -> Plan:
    """The plan of one board; a Problem tells of which."""
    try:
        return _plan.plan(board.seen, wanted.of(board), cluster)
    except Problem as problem:
        if board.name not in str(problem):
            problem.where = ", ".join(filter(None, (problem.where, board.name)))
        raise


def absent(fleet: Fleet) -> Dict[str, Any]:
    """The document for a run that takes everything back: the same keys as far as they say something there.

    Boards about which no plan can be made are in ``problems`` {board: why}, so that the others are brought back. Raises
    Problem for components that nothing is known of.
    """
    seen = [board.seen for board in fleet.boards if "demand" in board.seen]
    servers = fleet.seen_servers() or seen
    components = fleet.settings["undo_components"]
    plans: Dict[str, UndoPlan] = {}
    boards, problems, of_board = {}, {}, OfBoards()
    for board in fleet.boards:
        try:
            why = doubts(board.seen, fleet.head.get("api"))
            if why:
                raise Problem("what was done to %s is not known" % board.name, found="; ".join(why))
            plan = _undo.undo_plan(board.seen, servers, board.name, components)
            if (fleet.head.get("api") or {}).get("nodes"):
                # Of a board that is none of the nodes no pod is restarted: one of that name is of another board.
                node = node_of(board, fleet.head.get("api"))
                plan["node"] = node["name"] if node else None
            plans[board.name] = plan
            boards[board.name] = dict(plan, **of_board.of(board))
        except Problem as problem:
            problems[board.name] = str(problem)
    return dict(
        common(fleet),
        boards=boards,
        lines=_undo.undo_report(plans.values()),
        changes=sum(plan["changes"] for plan in plans.values()),
        servers=[name for name in plans if name in fleet.servers],
        lost=[name for name in fleet.lost if name in fleet.servers],
        restarts=_undo.undo_pods(fleet.head.get("api"), plans.values()),
        warnings=_different([*fleet.warnings, *(text for plan in plans.values() for text in plan["left"])]),
        problems=problems,
    )


class _Wanting:
    """What is wanted of boards. What equal settings and answers lead to is made once, whatever the number of boards."""

    def __init__(self, fleet: Fleet, answers: Answers) -> None:
        self._answers, self._registries = answers, _default_registries(fleet)
        self._architectures = _different(
            [board.seen["architecture"] for board in fleet.boards]
            + [seen.get("architecture") for seen in fleet.beside.values()]
        )
        self._made: Dict[Tuple[int, int, str], _plan.Wanted] = {}

    def of(self, board: Board) -> _plan.Wanted:
        """The Wanted of a board."""
        key = id(board.settings), id(board.lock), board.seen["architecture"]
        if key not in self._made:
            self._made[key] = self._make(board)
        return self._made[key]._replace(board=board.name, role="server" if board.is_server else "agent")

    def unserved(self, board: Board, plan: Plan) -> List[str]:
        """What to tell of a mirror that could not be asked, or that lacks what something on the board runs."""
        lacks = self.unpublished(board, plan)
        told = "the mirror lacks %d of the images that are run, the first is %s: riscv.k3s.publish brings them there"
        found = [_mirror.unanswered(self._rows(board)), told % (len(lacks), lacks[0]) if lacks else None]
        return [printable(text) for text in found if text]

    def unpublished(self, board: Board, plan: Plan) -> List[str]:
        """What something on the board runs, and the mirror says that it lacks. To a registry of somebody else that k3s
        puts before its names nothing is published.
        """
        own = _mirror.host_of(mirror_of(board.settings))
        lacks = _mirror.unpublished(self._of_needed(board, plan))
        return [name for name in lacks if own and name.startswith(own + "/")]

    def before(self, board: Board, plan: Plan) -> Set[str]:
        """What comes before site, as far as this board tells."""
        has = {
            _verdict.UNPUBLISHED: self.unpublished(board, plan),
            _verdict.UNASKED: mirror_of(board.settings) and _mirror.unanswered(self._of_needed(board, plan)),
        }
        return {word for word, something in has.items() if something}

    def _of_needed(self, board: Board, plan: Plan) -> List[RegistryAnswer]:
        needed = {row["mirrored"] for row in plan["images"] if row["required"]}
        return [row for row in self._rows(board) if row["image"] in needed]

    def _rows(self, board: Board) -> Sequence[RegistryAnswer]:
        return self._answers.get(_key(board), ())

    def _make(self, board: Board) -> _plan.Wanted:
        settings, mirror = board.settings, mirror_of(board.settings)
        registries = _registries.chosen(settings["registries"], settings["registries_config_yaml"])
        return _plan.Wanted(
            board=board.name,
            supply=Supply(
                _catalogue_of(settings),
                settings["fixes"],
                mirror,
                _mirror.served(self._rows(board), mirror, self._registries),
                board.lock,
                self._registries,
            ),
            registries=_mirror.with_mirror(registries, mirror) if mirror else registries,
            merge=settings["registries_merge"],
            registry=settings["registry"] if settings.get("derived") else None,
            told_here=settings.get("told_here", ()),
            k3s_ansible=settings["registries_config_yaml"],
            architecture=settings["architecture"],
            pull_policy=settings["pull_policy"],
            existing=settings["existing"],
            pinned=settings["pinned"],
            patch_mode=settings["patch_mode"],
            embedded=settings["embedded_registries"] if settings["embedded_registry"] else (),
            known=_defaults.default_entries(),
            next_version=settings["target_version"],
            cluster_architectures=self._architectures,
        )


def _catalogue_of(settings: Mapping[str, Any]) -> List[_catalogue.Entry]:
    """An inventory without a catalogue of its own takes the public sources; one that has its own is complete unless it
    says otherwise.
    """
    own, defaults = settings["catalogue"], settings["catalogue_defaults"]
    with_defaults = own is None if defaults is None else defaults
    return _catalogue.read(_defaults.merge(own or [], with_defaults, settings["catalogue_prefix"]))


def _closer_looks(plans: Mapping[str, Plan], doubtful: Sequence[str]) -> Dict[str, List[str]]:
    """The kinds of closer looks that the plans of boards wait for."""
    found: Dict[str, List[str]] = {}
    for name, plan in plans.items():
        if plan["registries"]["look"]:
            found.setdefault(name, []).append(_plan_registries.LOOK)
        if name in doubtful:
            found.setdefault(name, []).append("contents")
    return found


def _refused(plan: Plan) -> Optional[str]:
    """Why nothing may be changed on a board, or None."""
    return plan["registries"]["refused"]


def _stages(plan: Plan) -> List[str]:
    """The roles that have something to do, in their order."""
    files = (plan["registries"], plan["config"], plan["preload"])
    has = {
        "start": any(action["change"] or action["restart"] for action in files),
        "images": plan["pulls"] or plan["tags"] or plan["unpins"],
        "manifests": plan["patches"]["present"] or plan["patches"]["absent"],
    }
    return [stage for stage, something in has.items() if something]


def _key(board: Board) -> Key:
    return board.seen["architecture"], mirror_of(board.settings), board.settings["variant"]


def _different(values: Iterable[Any]) -> List[Any]:
    """Without None and repetitions, in their order; values need no hash."""
    found = []
    for value in values:
        if value is not None and value not in found:
            found.append(value)
    return found
