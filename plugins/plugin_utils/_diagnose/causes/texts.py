# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the errors stand that tell why a pod does not run, and what each tells. Pure.

A container's own words are no evidence of what its board lacks: a program may write anything. So what it wrote is asked
only for what the kernel or a shell says of a program that cannot be started.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import Told, told
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

# Reasons under which a container's message is that of the kubelet or of containerd, not of the program in it.
_OF_RUNTIME = (
    "CreateContainerError",
    "CreateContainerConfigError",
    "PreCreateHookError",
    "RunContainerError",
    "StartError",
    "ContainerCannotRun",
    "InvalidImageName",
    "ImageInspectError",
    "ErrImagePull",
    "ImagePullBackOff",
    "RegistryUnavailable",
    "SignatureValidationFailed",
)
_PULL = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
# What a program's output may tell.
_OF_PROGRAM = ("exec-format", "entrypoint-missing", "file-capabilities")
# How a line begins that the kernel's refusal made, and not a program that ran: by runc, a shell, or the loader.
_LOADER = re.compile(r"(?:exec\b|standard_init_linux|env:|(?:/\S*|[\w./-]*sh): )")
_LOG_OF_HELM = ("helm-job-failed",)
_HELM = "helmcharts.helm.cattle.io/chart"
# Events about a pod as a whole: before it has a sandbox, and while it waits for its volumes.
_OF_SANDBOX = ("FailedCreatePodSandBox", "FailedCreatePodContainer", "FailedSandBox", "NetworkNotReady")
_OF_VOLUMES = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_OF_PROBES = ("Unhealthy", "Killing")
_OF_CONTAINERS = ("Failed", "BackOff", "InspectFailed")
_EVENTS = 3


class Said(NamedTuple):
    """One ``text`` and what it tells. ``container`` is the row of the API that it is about, None for the whole pod."""

    container: Optional[dict]
    evidence: str
    text: str
    told: Told

    @property
    def reason(self) -> str:
        """Its innermost words as they may be shown: a secret in them is seen only with the words before it."""
        return told(redact(self.text)).words


def said(fleet: Any, row: Any) -> list:
    """What the texts about a pod that is not Ready tell, as a list of Said: of the whole pod, then of each container
    the first text that tells anything.
    """
    known = fleet.notes
    if id(row) not in known:
        known[id(row)] = _of_pod(fleet, row) + _of_containers(fleet, row)
    return known[id(row)]


def _of_pod(fleet, row):
    events = fleet.events_of(row)
    found, seen = [], set()
    is_started = row["state"] == "ready" or bool((row["api"] or {}).get("ready"))
    has_run = any(container["state"] in ("running", "terminated") for container in _containers(fleet, row))
    for event in events:
        reason = event["reason"]
        # Of one reason the latest alone: what was told before may be mended.
        if reason in seen:
            continue
        seen.add(reason)
        counts = (
            reason in _OF_SANDBOX
            and not is_started
            or reason in _OF_VOLUMES
            and not has_run
            or reason in _OF_PROBES
            and has_run
        )
        if counts:
            found.append(Said(None, m.event_text(event), event["message"], told(event["message"], _about(reason))))
    return found


def _about(reason):
    return {
        "FailedCreatePodSandBox": ("sandbox",),
        "FailedMount": ("mount",),
        "FailedAttachVolume": ("mount",),
        "FailedMapVolume": ("mount",),
        "Unhealthy": ("probe",),
    }.get(reason, ())


def _of_containers(fleet, row):
    events = [event for event in fleet.events_of(row) if event["reason"] in _OF_CONTAINERS][:_EVENTS]
    found = []
    for container in _containers(fleet, row):
        if container["ready"]:
            continue
        texts = list(_texts(fleet, row, container, events))
        # That it is started again and again is what is to be explained.
        telling = [one for one in texts if one.told.cause not in (None, "crash-loop")]
        found += telling[:1] or texts[:1]
    return found


def _texts(fleet, row, container, events):
    name, reason = container["name"], container["reason"]
    about = ("pull",) if reason in _PULL else ()
    if container["message"] and (reason in _OF_RUNTIME or container["last_reason"] in _OF_RUNTIME):
        message = container["message"]
        yield Said(container, "container %s: %s" % (name, m.one_line(message)), message, told(message, about))
    lines = fleet.log(row, name)[::-1]
    if reason in _PULL:
        lines = []
    allowed = _OF_PROGRAM + (_LOG_OF_HELM if _HELM in row["labels"] else ())
    for line in lines:
        tells = told(line)
        if tells.cause in allowed and (tells.cause in _LOG_OF_HELM or _LOADER.match(line)):
            yield Said(container, "log of %s: %s" % (name, line), line, tells)
    if reason or container["exit_code"]:
        for event in events:
            tells = told(event["message"], about)
            image = tells.chain.object_of("pull")
            # The event may be about another container of the pod; of images that do not come see pull.
            if reason not in _PULL and (not image or full_or_text(image) == full_or_text(container["image"])):
                yield Said(container, m.event_text(event), event["message"], tells)


def _containers(fleet, row):
    pod = fleet.api_pod(row)
    return pod["containers"] if pod else ()
