# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that could not be pulled: why, from what containerd said. The rules are those of the module crictl_image_pull."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._cri_errors import classify
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._image_name import ImageName
from ansible_collections.riscv.k3s.plugins.plugin_utils._causes import _model as m

# The kinds of _cri_errors as causes: id, title, what to do, how sure it is.
_KINDS = {
    "plain-http": ("plain-http", "{registry} speaks plain http, and containerd asks it by https", "registries"),
    "https-on-http": ("https-on-http", "One side speaks http and the other https with {registry}", "registries"),
    "certificate": ("tls-authority", "The board does not trust the certificate of {registry}", "registries"),
    "clock": ("registry-clock", "The certificate of {registry} is not valid at the time that the board shows", "clock"),
    "name": ("registry-name", "The board cannot find the address of {registry} (DNS)", "reach"),
    "refused": ("registry-refused", "Nothing listens where the board looks for {registry}", "reach"),
    "no-route": ("registry-unreachable", "The board has no route to {registry}", "reach"),
    "time-out": ("registry-timeout", "{registry} did not answer in time", "reach"),
    "broken": ("registry-timeout", "The connection to {registry} broke off", "reach"),
    "too-many": ("registry-rate-limit", "{registry} asks to come less often", "wait"),
    "server": ("registry-fault", "{registry} has a fault", "wait"),
    "no-platform": ("no-platform", "The image holds nothing for the board's architecture", "image"),
    "denied": ("registry-auth", "{registry} does not let the board have the image", "registries"),
    "not-found": ("no-such-image", "There is no image of that name or tag", "image"),
    "disk-full": ("pull-disk-full", "The board's disk is full, so the image could not be stored", "disk"),
}
_FAILED = re.compile(r"[Ff]ailed to pull|failed to resolve|code = ")


def look(fleet, row, kind):
    """The findings of one kind for a pod: each container that waits for an image that could not be pulled for that reason."""
    pod = fleet.api_pod(row)
    for container in pod["containers"] if pod else ():
        if container["state"] != "waiting" or container["reason"] not in ("ErrImagePull", "ImagePullBackOff"):
            continue
        image = m.full(container["image"])
        text = _message(fleet, row, container, image)
        problem = _classify(image, text[1]) if text else None
        if problem and _kind(fleet, row, image, problem) == kind:
            yield _finding(fleet, row, container, image, problem, text)


def _kind(fleet, row, image, problem):
    """The kind of a problem. containerd tells the error of the last endpoint only: after a plain http mirror that has no such image,
    it asks the same address by https, and it is that which it tells.
    """
    return "not-found" if problem.kind == "plain-http" and _http_mirror(fleet, row, image) else problem.kind


def _http_mirror(fleet, row, image):
    registry = ImageName.parse(image).registry
    endpoints = fleet.preflight(row["board"]).get("mirrors", {}).get(registry, ())
    return next((url for url in endpoints if url.startswith("http://") and url.split("/")[2] == registry), None)


def _message(fleet, row, container, image):
    """(where it stands, what containerd said), or None. After a back-off only the event has it, on older kubelets."""
    if _FAILED.search(container["message"]):
        return "container %s" % container["name"], container["message"]
    for event in fleet.events_of(row):
        if event["reason"] == "Failed" and "ailed to pull" in event["message"] and (image in event["message"] or container["image"] in event["message"]):
            return "event Failed", event["message"]
    return None


def _classify(image, text):
    try:
        return classify(image, text)
    except Problem:
        return None


def _finding(fleet, row, container, image, problem, text):
    kind = _kind(fleet, row, image, problem)
    dummy, title, way = _KINDS[kind]
    registry = ImageName.parse(image).registry
    evidence = ["%s: %s" % (text[0], m.one_line(text[1]))]
    subject = ("image", row["board"], image)
    remedy, command, run_on = _remedy(fleet, row, container, image, way, problem, evidence)
    if kind != problem.kind:
        evidence.append("containerd asks %s first, which speaks http, and tells the error of the last endpoint only" % _http_mirror(fleet, row, image))
    return m.Finding(_title(title, registry) + ": " + image, m.CERTAIN if kind == problem.kind else m.LIKELY, subject, evidence, remedy, command, run_on)


def _remedy(fleet, row, container, image, way, problem, evidence):
    if image in fleet.wanted and way != "clock":
        return "Let riscv.k3s.site fetch it from the catalogue's source: k3s asks for this name.", fleet.site(), m.CONTROLLER
    if way == "image":
        other = _sibling(fleet, row, image)
        if other:
            evidence.append("%s holds %s" % (row["board"], other))
            command = m.on_server(fleet, "-n", row["namespace"], "set image", m.workload(fleet, row), "%s=%s" % (container["name"], other))
            return ("Name a tag that is there, for instance the one that the board has.",) + command
    if way == "registries":
        return problem.next_step + ". riscv.k3s.site writes it from riscv_k3s_registries.", fleet.site(), m.CONTROLLER
    if way == "reach":
        if _is_configured_elsewhere(fleet, row["board"]):
            evidence.append("registries.yaml of %s has been changed since k3s was started" % row["board"])
        return problem.next_step + ". riscv.k3s.site writes registries.yaml as the inventory has it.", fleet.site(), m.CONTROLLER
    if way == "clock":
        return problem.next_step, fleet.set_clock(row["board"]), m.CONTROLLER
    if way == "disk":
        return problem.next_step, "k3s crictl rmi --prune", row["board"]
    if way == "image":
        return "Check repository and tag, or push the image first.", None, None
    return problem.next_step, None, None


def _is_configured_elsewhere(fleet, board):
    return ((fleet.boards.get(board) or {}).get("registries") or {}).get("stale", False)


def _sibling(fleet, row, image):
    """An image in the board's store of the same repository with another tag."""
    name = ImageName.parse(image).name
    return next((one for one in sorted(fleet.images(row["board"]) or {}) if one.rpartition(":")[0] == name and one != image), None)


def _title(title, registry):
    text = title.format(registry=registry)
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def _cause(kind):
    cause, title, dummy = _KINDS[kind]
    told = "ErrImagePull or ImagePullBackOff, with containerd's error of the kind `%s`" % kind
    return m.Cause(cause, _title(title, "the registry") + ".", told, lambda fleet, row: look(fleet, row, kind), True)


CAUSES = [_cause(kind) for kind in _KINDS]
