# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes API through kubectl: Addons, events, pods. Few calls, because each costs up to a second on a board."""

from __future__ import annotations

import json
import time

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SYSTEM_NAMESPACE = "kube-system"
# Seconds between looks: soon at first, then seldom.
INTERVALS = (1, 2, 3, 5)
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
                "kubectl printed no list of objects", found=result.out[:200] or "nothing", where=" ".join(result.argv)
            ) from error

    def addon_checksums(self):
        """{Addon's name: sha256 of the text that was applied last, or None when none was}.

        k3s sets ``spec.checksum`` only after it has applied the whole file.
        """
        items = self.get("addons.k3s.cattle.io", "-n", SYSTEM_NAMESPACE)
        return {item["metadata"]["name"]: item.get("spec", {}).get("checksum") or None for item in items}

    def deploy_events(self, addon, count=3):
        """The last events of an Addon, oldest first, as "REASON: MESSAGE"."""
        selector = "involvedObject.kind=Addon,involvedObject.name=" + addon
        events = self.get("events", "-n", SYSTEM_NAMESPACE, "--field-selector", selector)
        events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        return [
            "%s: %s" % (event.get("reason"), " ".join((event.get("message") or "").split()))
            for event in events[-count:]
        ]

    def pods_and_workloads(self, namespace=None):
        """The pods of a namespace, or of all, and the objects that say how many there should be: raw, in one call."""
        return self.get(
            "pods,deployments,daemonsets,statefulsets", *(["-n", namespace] if namespace else ["--all-namespaces"])
        )

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

    def wait(self, is_done, timeout):
        """Call ``is_done()`` at growing intervals until it is true; returns False after ``timeout`` seconds.

        A Problem in it is not the end: an overloaded API may be away for a while. The last one counts if time runs out.
        """
        end = self.clock() + timeout
        attempt = 0
        while True:
            problem = None
            try:
                if is_done():
                    return True
            except Problem as caught:
                problem = caught
            left = end - self.clock()
            if left <= 0 and problem:
                raise problem
            if left <= 0:
                return False
            self._sleep(min(INTERVALS[min(attempt, len(INTERVALS) - 1)], left))
            attempt += 1

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

    Raises Problem after ``timeout`` seconds, with the deploy controller's last events.
    """
    seen = {}

    def is_done():
        seen.update(kube.addon_checksums())
        return all(seen.get(name) == checksum for name, checksum in wanted.items())

    if not wanted or kube.wait(is_done, timeout):
        return
    late = [name for name in wanted if seen.get(name) != wanted[name]]
    events = ["%s: %s" % (name, event) for name in late for event in kube.deploy_events(name)]
    raise Problem(
        "k3s did not apply the manifests of %s within %d seconds" % (", ".join(late), timeout),
        found="; ".join(events) or "no events of its deploy controller",
        where="Addons in " + SYSTEM_NAMESPACE,
        next_step="see the log of k3s for `deploy`; a file in the manifests folder that fails delays all others",
    )


def _next_step(message):
    if "localhost:8080" in message or "kubeconfig" in message.lower():
        return "run this on a server: an agent has no admin kubeconfig"
    if "resource type" in message:
        return "this is not a k3s server, or it has not finished its first start: run this on a server"
    if "refused" in message or "Unable to connect" in message or "timed out" in message or "timeout" in message:
        return "check that k3s runs on this server (its service and its log), then run again"
    return "see the log of k3s on this server"
