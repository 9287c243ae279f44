# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes API through kubectl: Addons, events, pods. Few calls, because each costs up to a second on a board."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines, shown
from ansible_collections.riscv.k3s.plugins.module_utils._waiting import patience as _patience
from ansible_collections.riscv.k3s.plugins.module_utils._waiting.moves import addon_marks, event_marks, read_event
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SYSTEM_NAMESPACE = "kube-system"
_REQUEST_TIMEOUT = "--request-timeout=20s"
_DELETE_TIMEOUT = 60


class Kube:
    """kubectl on a server. Every method raises Problem when the API does not answer."""

    def __init__(self, programs, sleep=time.sleep, clock=time.monotonic):
        self._programs = programs
        self._sleep = sleep
        self.clock = clock

    def get(self, *args):
        """The items of ``kubectl get ARGS -o json``."""
        result = self._kubectl("get", *args, "-o", "json")
        try:
            return json.loads(result.out)["items"]
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(
                "kubectl printed no list of objects", found=result.out[:200] or "nothing", where=shown(result.argv)
            ) from error

    def addon_checksums(self):
        """{Addon's name: sha256 of the text that was applied last, or None when none was}.

        k3s sets ``spec.checksum`` only after it has applied the whole file.
        """
        return _checksums(self.get("addons.k3s.cattle.io", "-n", SYSTEM_NAMESPACE))

    def addons_and_events(self):
        """({Addon's name: its checksum or None}, rows of events about Addons, oldest first), in one call."""
        items = self.get("addons.k3s.cattle.io,events", "-n", SYSTEM_NAMESPACE)
        events = [read_event(item) for item in items if item["kind"] == "Event"]
        about = sorted((event for event in events if event["kind"] == "Addon"), key=lambda event: event["time"])
        return _checksums(item for item in items if item["kind"] == "Addon"), about

    def pods_and_workloads(self, namespace=None, events=False):
        """The pods of a namespace, or of all, and the objects that say how many there should be: raw, in one call."""
        kinds = "pods,deployments,daemonsets,statefulsets,jobs" + (",events" if events else "")
        return self.get(kinds, *(["-n", namespace] if namespace else ["--all-namespaces"]))

    def delete_pods(self, namespace, names):
        """Delete pods of one namespace in one call, without waiting. A pod that has gone already is no error."""
        self._kubectl(
            "delete", "pods", "-n", namespace, "--ignore-not-found", "--wait=false", *names, timeout=_DELETE_TIMEOUT
        )

    def forget_checksum(self, addon):
        """Take the checksum from an Addon, so that k3s applies its file again although it is the text which it applied
        last.
        """
        patch = json.dumps({"spec": {"checksum": None}})
        self._kubectl("patch", "addons.k3s.cattle.io", "-n", SYSTEM_NAMESPACE, addon, "--type=merge", "-p", patch)

    def delete_chart_config(self, namespace, name):
        """Delete a HelmChartConfig: removing its file does not. One that has gone already is no error."""
        self._kubectl(
            "delete",
            "helmchartconfigs.helm.cattle.io",
            "-n",
            namespace,
            "--ignore-not-found",
            name,
            timeout=_DELETE_TIMEOUT,
        )

    def wait(self, look, timeout):
        """Call ``look() -> (whether it is done, marks)`` until it is done, and return None; or why the wait is over,
        since nothing has moved for ``timeout`` seconds.

        A Problem in it is not the end: an overloaded API may be away for a while. The last one counts if time runs out.
        """
        problems: List[Problem] = []

        def try_to_look():
            try:
                done, marks = look()
                problems.clear()
                return done, dict(marks, API="answers")
            except Problem as caught:
                problems[:] = [caught]
                return False, {"API": "does not answer"}

        over = _patience.wait(try_to_look, timeout, self.clock, self._sleep)
        if over and problems:
            problems[0].found = "; ".join(filter(None, (problems[0].found, over)))
            raise problems[0]
        return over

    def _kubectl(self, *args, **run):
        result = self._programs.kubectl(*args + (_REQUEST_TIMEOUT,), check=False, **run)
        if result.rc != 0:
            message = last_lines(result.err or result.out, 1)
            raise Problem(
                "the Kubernetes API did not do `kubectl %s`" % " ".join(args),
                found=message or "exit status %d, no message" % result.rc,
                next_step=_next_step(message),
            )
        return result


class Addons:
    """The Addons' checksums, read when they are first asked for; ``problem`` tells why they are not known."""

    def __init__(self, kube):
        self._kube = kube
        self._checksums = None
        self.problem = None

    @property
    def known(self):
        if self._checksums is None and self.problem is None:
            try:
                self._checksums = self._kube.addon_checksums()
            except Problem as problem:
                self.problem = problem
        return self.problem is None

    def checksum(self, name):
        """What was applied last for an Addon, or None when nothing was or it is not known."""
        return (self._checksums or {}).get(name) if self.known else None


def wait_for_addons(kube, wanted, timeout):
    """Wait until each Addon of ``wanted`` ({name: sha256 of the file}) has that checksum: k3s applied that very text.

    Raises Problem when nothing has moved for ``timeout`` seconds, with the deploy controller's last events. What it
    does for other files is a move: one pass over all of them may take minutes on a slow board.
    """
    seen: Dict[str, Optional[str]] = {}
    events: List[Dict[str, Any]] = []

    def look():
        checksums, events[:] = kube.addons_and_events()
        seen.update(checksums)
        rows = [{"name": name, "checksum": checksum} for name, checksum in checksums.items()]
        done = all(seen.get(name) == checksum for name, checksum in wanted.items())
        return done, dict(addon_marks(rows), **event_marks(events, ()))

    over = kube.wait(look, timeout) if wanted else None
    if not over:
        return
    late = [name for name in wanted if seen.get(name) != wanted[name]]
    raise Problem(
        "k3s did not apply the manifests of %s: %s" % (", ".join(late), over),
        found="; ".join(_last_events(late, events)) or "no events of its deploy controller",
        where="Addons in " + SYSTEM_NAMESPACE,
        next_step="see the log of k3s for `deploy`; a file in the manifests folder that fails delays all others",
    )


def _checksums(addons):
    return {item["metadata"]["name"]: item.get("spec", {}).get("checksum") or None for item in addons}


def _last_events(names, events, count=3):
    """The last events of each of these Addons, and the last one of any other: what the controller is at."""
    told = [row for name in names for row in [row for row in events if row["name"] == name][-count:]]
    told += [row for row in events[-1:] if row not in told]
    return ["%s: %s: %s" % (row["name"], row["reason"], " ".join(row["message"].split())) for row in told]


def _next_step(message):
    if "localhost:8080" in message or "kubeconfig" in message.lower():
        return "run this on a server: an agent has no admin kubeconfig"
    if "resource type" in message:
        return "this is not a k3s server, or it has not finished its first start: run this on a server"
    if "refused" in message or "Unable to connect" in message or "timed out" in message or "timeout" in message:
        return "check that k3s runs on this server (its service and its log), then run again"
    return "see the log of k3s on this server"
