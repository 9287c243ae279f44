# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers that cannot be started, or end right after their start."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.texts import said

_MISSING = re.compile(
    r'(configmap|secret)s? "?([^"\s]+)"? not found|(?:non-existent (?:config|secret) key: |couldn\'t find key )(\S+)',
    re.IGNORECASE,
)


def _told(fleet, row, cause):
    """(container, Told, evidence) for each container of a pod of which a text tells the cause."""
    for one in said(fleet, row):
        if one.container is not None and one.told.cause == cause:
            yield one.container, one.told, one.evidence


def entrypoint(fleet, row):
    """The image says nothing that could be run, or what is to be run is not in it."""
    for container, told, text in _told(fleet, row, "entrypoint-missing"):
        image = full_or_text(container["image"])
        name = _program(told)
        if told.variant == "loader":
            yield _loader(row, image, name, text)
            continue
        title = "%s has no command of its own" % image if not name else "%s has no program %s" % (image, name)
        remedy = (
            "Give the container a command: "
            "the image has no entrypoint, or another one than the stock image, whose args it is given."
        )
        yield m.Finding(title, m.CERTAIN, m.pod_subject(row), [text], *_mend(fleet, row, image, container, remedy))


def _loader(row, image, name, text):
    """What is to be run is there, or was when it was looked for; what it asks for to be run by is not."""
    title = "%s cannot run %s: an interpreter or a loader that it asks for is not there" % (
        image,
        name or "its program",
    )
    remedy = (
        "A script with line ends of Windows asks for an interpreter whose name ends in a carriage return; a program "
        "that was built for another C library asks for a loader that the image lacks. Build the image anew."
    )
    return m.Finding(title, m.LIKELY, m.pod_subject(row), [text], remedy)


def _program(told):
    """The name that was to be executed, empty where none was given."""
    named = told.chain.object_of("exec")
    words = [link.words for link in told.chain.links]
    if not named and "exec" in words[:-1]:
        named = words[words.index("exec") + 1].strip('"')
    return "" if "no command specified" in told.reason else named


def _mend(fleet, row, image, container, remedy):
    if image in fleet.wanted:
        return (
            remedy + " riscv.k3s.site writes it into an overlay, from `patch` in the catalogue.",
            fleet.site(),
            m.CONTROLLER,
        )
    return (remedy,) + m.on_server(fleet, "edit", namespace=row["namespace"], names=[m.workload(fleet, row)])


def capabilities(fleet, row):
    """The file has capabilities that the container may not gain."""
    for container, dummy, text in _told(fleet, row, "file-capabilities"):
        image = full_or_text(container["image"])
        title = "The kernel refuses to run the program of %s: operation not permitted" % image
        remedy = (
            "Its file has capabilities (setcap) which the container lacks or may not gain (allowPrivilegeEscalation: "
            "false). "
            "Build the image without them and run as root, or add the capability (NET_BIND_SERVICE for CoreDNS)."
        )
        words = ("get", "-o", "jsonpath={..securityContext}")
        command = m.on_server(fleet, *words, namespace=row["namespace"], names=[m.workload(fleet, row)])
        yield m.Finding(title, m.LIKELY, m.pod_subject(row), [text], remedy, *command)


def out_of_memory(fleet, row):
    """The kernel ended it for memory."""
    pod = fleet.api_pod(row)
    for container in pod["containers"] if pod else ():
        if "OOMKilled" in (container["reason"], container.get("last_reason")) and not container["ready"]:
            evidence = [
                "container %s: OOMKilled, exit code %s, %d restarts"
                % (container["name"], container["exit_code"], container["restarts"])
            ]
            title = "%s needs more memory than its limit allows" % container["name"]
            remedy = "Raise the memory limit; when the board has no more memory, run less on it."
            words = ("set", "resources", *shell.option("-c", container["name"]), "--limits=memory=512Mi")
            command = m.on_server(fleet, *words, namespace=row["namespace"], names=[m.workload(fleet, row)])
            if m.workload(fleet, row).startswith("pod/"):
                remedy += " A pod without an owner must be recreated for that."
                command = (None, None)
            yield m.Finding(title, m.CERTAIN, m.pod_subject(row), evidence, remedy, *command)


def crash_loop(fleet, row):
    """It starts and ends; its log says why."""
    pod = fleet.api_pod(row)
    for container in pod["containers"] if pod else ():
        ended = container["state"] == "terminated" and container["exit_code"] and pod["phase"] != "Succeeded"
        if container["reason"] != "CrashLoopBackOff" and not ended:
            continue
        state = "container %s: %s, exit code %s, %d restarts" % (
            container["name"],
            container["reason"],
            container["exit_code"],
            container["restarts"],
        )
        log = fleet.log(row, container["name"])
        evidence = [state] + ["last log line of %s: %s" % (container["name"], line) for line in log[-1:]]
        if not log and container["message"] and "back-off" not in container["message"]:
            evidence.append("container %s: %s" % (container["name"], m.one_line(container["message"])))
        title = "%s ends right after its start" % container["name"]
        remedy = "Its last log line says why. The whole log:" if log else "Its log was not read. Read it:"
        words = ("logs", *shell.option("-c", container["name"]), *["--previous"] * bool(container["restarts"]))
        command = m.on_server(fleet, *words, namespace=row["namespace"], names=[row["name"]])
        yield m.Finding(title, m.LIKELY if log else m.POSSIBLE, m.pod_subject(row), evidence, remedy, *command)


def config_missing(fleet, row):
    """A ConfigMap, Secret or key that the pod names is not there."""
    for one in said(fleet, row):
        found = _MISSING.search(one.told.reason) if one.told.cause == "config-missing" else None
        if not found:
            continue
        kind, name, key = found.groups()
        missing = "%s %s" % (kind.lower().rstrip("s"), name) if kind else "the key %s" % key
        remedy = "Make it, in the namespace %s; the pod starts by itself then. What is there:" % row["namespace"]
        if key == "NodeHosts":
            remedy = (
                "Make it; with --disable=coredns nobody keeps the key NodeHosts, "
                "so use .skip and an overlay for CoreDNS instead."
            )
        command = m.on_server(fleet, "get", "configmaps,secrets", namespace=row["namespace"])
        yield m.Finding("%s is not there" % missing, m.CERTAIN, m.pod_subject(row), [one.evidence], remedy, *command)


CAUSES = [
    m.Cause(
        "entrypoint-missing",
        "The image has no command, or not the one that is asked for.",
        "`no command specified`, or an executable that is not found",
        entrypoint,
        True,
    ),
    m.Cause(
        "file-capabilities",
        "The program's file has capabilities that the container may not have.",
        "`operation not permitted` when it is started",
        capabilities,
        True,
    ),
    m.Cause("out-of-memory", "The container used more memory than its limit.", "OOMKilled", out_of_memory, True),
    m.Cause(
        "config-missing",
        "A ConfigMap, Secret or key is missing.",
        "CreateContainerConfigError, or FailedMount",
        config_missing,
        True,
    ),
]
# Comes after all that say more.
LATE = [
    m.Cause(
        "crash-loop",
        "The program ends right after its start.",
        "CrashLoopBackOff or an exit code, and the last line of its log",
        crash_loop,
        True,
    )
]
