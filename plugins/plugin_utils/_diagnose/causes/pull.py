# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that could not be pulled: why, from what containerd said. The causes are those of _pull_causes."""

from __future__ import annotations

import functools
import re

from ansible_collections.riscv.k3s.plugins.module_utils._chain import pull_causes as _pull_causes
from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import asked_mirror, classify
from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import host_of, others, own_endpoint, speaks_http
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

_STORE = ("store-not-whole", "store-media-type")
# What the kubelet calls a container that waits for its image, and which causes that can be; None is any.
_WAITING = {
    "ErrImagePull": None,
    "ImagePullBackOff": None,
    "RegistryUnavailable": None,
    "CreateContainerError": _STORE + ("pull-disk-full",),
}
# Ids whose remedy is in registries.yaml, in the way to the registry, or in the name.
_REGISTRIES = ("plain-http", "https-on-http", "tls-authority", "registry-tls", "registry-auth")
_REACH = (
    "registry-address",
    "registry-name",
    "registry-refused",
    "registry-unreachable",
    "registry-timeout",
    "registry-broken",
    "no-registry",
)
_NAME = ("no-such-image", "no-platform")
# The catalogue's source does not help against these.
_OF_THE_BOARD = ("registry-clock", "pull-disk-full") + _STORE
_QUOTED = re.compile(r'"([^"\s]+)"')


def look(fleet, row, cause):
    """The findings of one cause, by its id, for a pod: each container that waits for an image for that reason."""
    pod = fleet.api_pod(row)
    for container in pod["containers"] if pod else ():
        if container["state"] != "waiting" or container["reason"] not in _WAITING:
            continue
        image = full_or_text(container["image"])
        where, text = _message(fleet, row, container, image)
        if text and _pull_causes.find(text).id in (_WAITING[container["reason"]] or _pull_causes.IDS):
            problem = _classify(fleet, row, image, text)
            if problem and problem.cause == cause:
                yield _finding(fleet, row, container, image, problem, where, text)


def _message(fleet, row, container, image):
    """Where it stands and what containerd said, or two None. After a back-off, older kubelets have only the event."""
    if _pull_causes.find(container["message"]) is not _pull_causes.UNKNOWN:
        return "container %s" % container["name"], container["message"]
    for event in fleet.events_of(row):
        if event["reason"] == "Failed" and "ailed to pull" in event["message"] and image in _names(event["message"]):
            return "event Failed", event["message"]
    return None, None


def _names(message):
    """The images that a message names. One may be the beginning of another, so it is not looked for in the text."""
    return {full_or_text(name) for name in _QUOTED.findall(message)}


def _classify(fleet, row, image, text):
    """The PullProblem. containerd reports only the error of the last endpoint: after a plain http mirror that has no
    such image, it asks the same address by https, and reports that error.
    """
    try:
        return classify(image, text, bool(_http_mirror(fleet, row, image)))
    except Problem:
        return None


def _mirrors(fleet, row, registry):
    """(endpoints that containerd asks before a registry, whether they are those of every registry that has none of its
    own). The latter are in the folder _default, or "*".
    """
    mirrors = fleet.preflight(row["board"]).get("mirrors", {})
    if registry in mirrors:
        return mirrors[registry], False
    return mirrors.get("_default", mirrors.get("*", ())), True


def _http_mirror(fleet, row, image):
    registry = ImageName.parse(image).registry
    endpoints = _mirrors(fleet, row, registry)[0]
    return own_endpoint(registry, endpoints) if speaks_http(registry, endpoints) else None


def _asked_before(fleet, row, image, text):
    """(the mirror that was asked before the registry that the error is about, and did not give the image, or None;
    whether it is one of all registries).
    """
    registry = ImageName.parse(image).registry
    endpoints, is_of_all = _mirrors(fleet, row, registry)
    urls = others(registry, endpoints)
    return None if asked_mirror(text) else next((url for url in urls if host_of(url) not in text), None), is_of_all


def _finding(fleet, row, container, image, problem, where, text):
    evidence = ["%s: %s" % (where, m.one_line(text))]
    before, is_of_all = None, False
    if problem.unreachable or problem.cause in _NAME:
        before, is_of_all = _asked_before(fleet, row, image, text)
    if before:
        evidence.append("%s asks the mirror %s first, which did not give it" % (row["board"], before))
    # containerd 2.0.0 to 2.0.3 asks nobody behind a mirror of all registries, and says the same.
    is_unasked = bool(before) and is_of_all and problem.cause in _NAME
    if is_unasked:
        evidence.append("that is its mirror for all registries: whether another one was asked is not known")
    publishing = _publish(fleet, row, image, before)
    remedy, command, run_on = publishing or _remedy(fleet, row, container, image, problem, evidence)
    tells = told(text, ("pull",))
    is_told = problem.cause == _pull_causes.find(text).id
    mirror = _http_mirror(fleet, row, image)
    is_hidden = bool(mirror) and tells.chain.object_of("ping", "request", "status").startswith("https://")
    if is_hidden or not is_told:
        evidence.append(
            "containerd asks %s first, which speaks http, and reports only the error of the last endpoint" % mirror
        )
    confidence = m.LIKELY if not is_told else m.POSSIBLE if is_hidden else m.CERTAIN if tells.sure else m.LIKELY
    why = "%s did not give it, and %s" % (host_of(before), problem.why) if before else _sentence(problem.why)
    if before and is_unasked:
        confidence, why = m.LIKELY, "%s did not give it" % host_of(before)
        remedy = (
            "Let the mirror have it. Behind a mirror for all registries (*) k3s 1.32.2 asks no other one: there, name "
            "the registries that it stands for one by one. " + remedy
        )
    title = "%s: %s" % (why, image)
    return m.Finding(
        title,
        confidence,
        ("image", row["board"], image),
        evidence,
        remedy,
        command,
        run_on,
    )


def _publish(fleet, row, image, mirror):
    """A mirror by prefix is a registry that publish fills, and so is one that the board knows by its own name, too. Any
    other is a public one.
    """
    own = fleet.preflight(row["board"]).get("mirrors", {})
    if not mirror or image not in fleet.wanted or not (mirror.partition("/v2/")[2] or host_of(mirror) in own):
        return None
    remedy = "Let riscv.k3s.publish bring it to the private registry %s: k3s asks for this name." % host_of(mirror)
    return remedy, fleet.playbook("riscv.k3s.publish"), m.CONTROLLER


def _remedy(fleet, row, container, image, problem, evidence):
    if image in fleet.wanted and problem.cause not in _OF_THE_BOARD:
        return (
            "Let riscv.k3s.site fetch it from the catalogue's source: k3s asks for this name.",
            fleet.site(),
            m.CONTROLLER,
        )
    if problem.cause in _NAME:
        return _another_name(fleet, row, container, image, evidence)
    if problem.cause in _REGISTRIES:
        return problem.next_step + ". riscv.k3s.site writes it from riscv_k3s_registries.", fleet.site(), m.CONTROLLER
    if problem.cause in _REACH:
        text = problem.next_step + ". riscv.k3s.site writes registries.yaml as the inventory has it."
        if _is_configured_elsewhere(fleet, row["board"]):
            evidence.append("registries.yaml of %s has been changed since k3s was started" % row["board"])
            return text, fleet.site(), m.CONTROLLER
        # A registry that is down, and a network that is broken, are nobody's to mend from here.
        return text, None, None
    if problem.cause in _OF_THE_BOARD:
        return _on_the_board(fleet, row["board"], image, problem)
    return problem.next_step, None, None


def _on_the_board(fleet, board, image, problem):
    if problem.cause == "registry-clock":
        return problem.next_step, fleet.set_clock(board), m.CONTROLLER
    if problem.cause == "pull-disk-full":
        return problem.next_step, shell.command("k3s", "crictl", "rmi", "--prune"), board
    remove = shell.command("k3s", "crictl", "rmi", operands=[image])
    if image in fleet.wanted:
        return "Remove it, then let riscv.k3s.site fetch it again.", remove, board
    pull = shell.command("k3s", "crictl", "pull", operands=[image])
    return "Remove it and pull it again.", shell.joined(remove, pull, by="; "), board


def _another_name(fleet, row, container, image, evidence):
    other = _sibling(fleet, row, image)
    if not other:
        return "Check repository and tag, or push the image first.", None, None
    evidence.append("%s holds %s" % (row["board"], other))
    names = [m.workload(fleet, row), "%s=%s" % (container["name"], other)]
    command = m.on_server(fleet, "set", "image", namespace=row["namespace"], names=names)
    return ("Name a tag that is there, for instance the one that the board has.",) + command


def _is_configured_elsewhere(fleet, board):
    return ((fleet.boards.get(board) or {}).get("registries") or {}).get("stale", False)


def _sibling(fleet, row, image):
    """An image in the board's store of the same repository with another tag."""
    name = ImageName.parse(image).name
    return next(
        (one for one in sorted(fleet.images(row["board"]) or {}) if one.rpartition(":")[0] == name and one != image),
        None,
    )


def _sentence(text):
    """With a capital, but for the name of a registry."""
    return text[0].upper() + text[1:] if text.split()[0].isalpha() else text


def _cause(cause):
    waiting = "CreateContainerError, ErrImagePull" if cause.id in _STORE else "ErrImagePull"
    told = "%s or ImagePullBackOff, with containerd's error" % waiting
    about = _sentence(cause.why.format(registry="the registry")) + "."
    return m.Cause(cause.id, about, told, functools.partial(look, cause=cause.id), True)


_FIRST = {cause.id: cause for cause in reversed(_pull_causes.CAUSES)}
CAUSES = [_cause(_FIRST[one]) for one in _pull_causes.IDS]
