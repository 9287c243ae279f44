# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cause is, what it looks at, and what it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Callable, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils import pod as _pod
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import starting as _starting
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import index, node_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
CONFIDENCES = (CERTAIN, LIKELY, POSSIBLE)
CONTROLLER = "controller"


class Cause(NamedTuple):
    """A cause: its id, what it is in one sentence, how it is recognised (for the documentation), and the function that
    finds it.

    ``look`` gets a Fleet, and yields Findings. ``per_pod`` tells that it gets one pod that is not Ready too, as a row
    of the joined view.
    """

    id: str
    about: str
    told_by: str
    look: Callable
    per_pod: bool = False


class Finding(NamedTuple):
    """One thing that is wrong. ``evidence`` is never empty; ``subject`` is (kind, board, name); ``run_on`` a board or
    "controller"; ``is_prepared`` says whether the step of prepare for this cause, if there is one, mends this one.
    """

    title: str
    confidence: str
    subject: tuple
    evidence: list
    remedy: str
    command: Optional[shell.Command] = None
    run_on: Optional[str] = None
    is_prepared: bool = True


@dataclass(frozen=True)
class Fleet:
    """All that was seen. ``boards`` maps names to results of k3s_info (or what failed), ``server`` is the first one
    whose API answered, else the first that was asked, ``api`` what that showed, ``details`` what it told besides,
    ``pods`` the joined view; ``now`` the controller's time in seconds, ``inventory`` the words that
    name it to Ansible.
    """

    boards: dict
    server: Optional[str]
    api: Optional[dict]
    details: dict
    pods: list
    now: float
    inventory: tuple

    def seen(self):
        """The boards that could be looked at, as (name, result)."""
        return [(name, board) for name, board in sorted(self.boards.items()) if board and board.get("hostname")]

    @cached_property
    def by_uid(self):
        """The API's pods by each UID that they have; a static pod has two."""
        return index((self.api or {}).get("pods", ()))

    @cached_property
    def _own_nodes(self):
        """{board: (its row of the API or None, why there is none)}; nothing where the API shows no nodes."""
        nodes = (self.api or {}).get("nodes") or ()
        by_name = {node["name"]: node for node in nodes}
        found = {}
        for name, board in self.seen() if nodes else ():
            own = by_name.get(node_of(board.get("sandboxes") or (), self.by_uid, None))
            found[name] = (own, None) if own else how_it_runs.own_node(board, nodes)
        return found

    def node(self, board):
        """The row of the API that a board is, or None."""
        return self._own_nodes.get(board, (None, None))[0]

    def why_no_node(self, board):
        """Why a board is no node of the cluster, a sentence; None where it is one, or that is not known."""
        return self._own_nodes.get(board, (None, None))[1]

    @cached_property
    def by_node(self):
        """{name of a node: board}."""
        return {node["name"]: name for name, (node, dummy) in self._own_nodes.items() if node}

    def api_pod(self, row):
        """The API's own row of a pod of the joined view, or None."""
        return self.by_uid.get(row["uid"])

    def without_row(self):
        """The API's pods that have no row in the joined view, as such rows: done, and their sandbox is gone."""
        known = {uid for row in self.pods for uid in (row["uid"], (self.api_pod(row) or {}).get("uid"))}
        boards = {row["node"]: row["board"] for row in self.pods if row["board"]}
        pods = [pod for pod in (self.api or {}).get("pods", ()) if pod["uid"] not in known]
        return [dict(pod, board=boards.get(pod["node"]), api=pod, relation="missing", sandbox_id=None) for pod in pods]

    def unasked(self):
        """{node: board} of boards whose containerd could not be asked. One that cannot be reached has its own name."""
        nodes = {node["name"] for node in (self.api or {}).get("nodes") or ()}
        silent = [name for name, board in self.boards.items() if (board or {}).get("sandboxes") is None]
        known = {(self.node(name) or {}).get("name", name): name for name in silent}
        return {node: name for node, name in known.items() if node in nodes and self.by_node.get(node, name) == name}

    @cached_property
    def _warnings(self):
        found: dict[str, list] = {}
        for event in reversed(self.details.get("events", ())):
            if event["type"] == "Warning":
                found.setdefault(event["uid"], []).append(event)
        return found

    def _is_past(self, row, event):
        """Whether a kubelet told it before it was started anew: then it is told again, or is over. Both times are those
        of the board.
        """
        age = _starting.k3s_seconds(self.boards.get(row["board"]))
        if age is None or event.get("source") != "kubelet":
            return False
        return _pod.seconds(event["time"]) < self.clock(row["board"]) - age - 1

    def events_of(self, row):
        """The warnings about a pod, the latest first."""
        pod = self.api_pod(row)
        uids = {row["uid"], pod["uid"] if pod else row["uid"]}
        events = [event for uid in sorted(uids) for event in self._warnings.get(uid, ())]
        events = [event for event in events if not self._is_past(row, event)]
        return sorted(events, key=lambda event: event["time"], reverse=True) if len(uids) > 1 else events

    def detail(self, row):
        """What the API tells of a pod beside its row."""
        pod = self.api_pod(row)
        return self.details.get("pods", {}).get(pod["uid"] if pod else row["uid"], {})

    def log(self, row, name):
        """The last lines of a container of a pod, as far as they were read."""
        board = self.boards.get(row["board"]) or {}
        own: dict = next((container for container in row["containers"] if container["name"] == name), {})
        ids = [own.get("id")] + [
            container["id"]
            for container in board.get("containers") or ()
            if container["sandbox_id"] == row["sandbox_id"]
        ]
        logs = board.get("logs") or {}
        return next((logs[one] for one in ids if one in logs), [])

    def images(self, board):
        """Name to row of the images in a board's store, or None when they are not known."""
        rows = (self.boards.get(board) or {}).get("images")
        return None if rows is None else {row["name"]: row for row in rows}

    @cached_property
    def starting(self):
        """{board: seconds} where k3s was started a moment ago."""
        return _starting.boards(self)

    @cached_property
    def withheld(self):
        """{what starts (starting.Young): ids of the causes that may pass with it}; filled by `find`."""
        return {}

    def clock(self, board):
        """The time by a board's own clock; the controller's where that is not known."""
        moment = self.preflight(board).get("time")
        seen_at = (self.boards.get(board) or {}).get("observed_at", self.now)
        return self.now if moment is None else self.now + moment - seen_at

    def preflight(self, board):
        """The system of a board, {} when it was not observed."""
        return (self.boards.get(board) or {}).get("preflight") or {}

    def site(self):
        """The command that lets the collection do its work."""
        return self.playbook("riscv.k3s.site")

    def playbook(self, name):
        """The command that runs a playbook of the collection."""
        return shell.command("ansible-playbook", *self.inventory, name)

    def unit(self, board):
        """The name of k3s's service on a board."""
        seen = self.boards.get(board) or {}
        role = (seen.get("k3s") or {}).get("role")
        return seen.get("service") or ("k3s-agent" if role == "agent" else "k3s")

    def service(self, board, verb="restart"):
        """The command that starts, stops or restarts k3s on a board."""
        unit = self.unit(board)
        init = self.preflight(board).get("init", "systemd")
        words = {"systemd": ("systemctl", verb, unit), "openrc": ("rc-service", unit, verb)}
        return shell.command(*words.get(init, ("service", unit, verb)))

    def turn_off(self, board, unit):
        """The command that ends another service on a board, and keeps it from being started at the next boot."""
        if self.preflight(board).get("init", "systemd") == "openrc":
            return shell.joined(shell.command("rc-service", unit, "stop"), shell.command("rc-update", "del", unit))
        return shell.command("systemctl", "disable", "--now", unit)

    def raw(self, board, *words):
        """The command that runs words of ours on a board, as k3s_info reaches it."""
        module = ("-b", "-m", "ansible.builtin.raw", "-a")
        return shell.command("ansible", *self.inventory, *module, *words, operands=[board])

    def k3s_log(self, board):
        """The command that shows the end of k3s's log on a board."""
        if self.preflight(board).get("init", "systemd") == "systemd":
            return shell.command("journalctl", "-u", self.unit(board), "--no-pager", "-n", "50")
        return shell.command("tail", "-n", "50", "/var/log/%s.log" % self.unit(board))

    @cached_property
    def notes(self):
        """A place for what is found once for each pod (see texts)."""
        return {}

    def set_clock(self, board):
        """The command that gives a board the controller's time."""
        return self.raw(board, shell.Command('"date -u -s @$(date +%s)"'))

    def data_dir(self, board):
        """The folder of k3s on a board."""
        return (self.boards.get(board) or {}).get("data_dir") or "/var/lib/rancher/k3s"

    @cached_property
    def wanted(self):
        """The images that some board's k3s, or a server's manifests, ask for: site knows where they come from."""
        return {row["image"] for dummy, other in self.seen() for row in other.get("demand") or ()}


def is_unready(row):
    """Whether a row of the joined view is that of a pod which is not Ready. Orphans and old attempts are none."""
    return row["relation"] in ("matched", "missing") and _pod.is_unready(row["api"])


def pod_name(row):
    """namespace/name of a row."""
    return "%s/%s" % (row["namespace"], row["name"])


def pod_subject(row):
    """The subject of a finding about one pod."""
    return ("pod", row["board"], pod_name(row))


def event_text(event):
    """An event as evidence."""
    return "event %s: %s" % (event["reason"], one_line(event["message"]))


def one_line(text):
    """A text in one line, not cut."""
    return " ".join(text.split())


def workload(fleet, row):
    """kind/name of what keeps a pod and can be edited: its workload, else the pod itself."""
    pod = fleet.api_pod(row)
    owner = pod["owner"] if pod else None
    if not owner:
        return "pod/" + row["name"]
    kind, name = _pod.workload(owner, pod["labels"])
    return "%s/%s" % (kind.lower(), name)


def on_server(fleet, *words, namespace=None, names=()):
    """A kubectl command about ``names``, which it gets last, and where to run it, as (command, run_on)."""
    where = () if namespace is None else shell.option("-n", namespace)
    return shell.command("k3s", "kubectl", *where, *words, operands=names), fleet.server
