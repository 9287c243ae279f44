# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why skopeo did not get or bring an image, in plain words, with what to do about it on the controller. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils import pull_causes as _pull_causes
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import default_registry_hint
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# An address at which nothing listens, given as proxy for plain http where https was asked for: see _skopeo.
NO_PLAIN_HTTP = "127.0.0.1:9"

_AGAIN = "run again; when it stays so, look at the registry's log, and at the network of this machine"
_STEPS = {
    "registry-proxy": "mend the proxy, or the variables https_proxy, http_proxy and no_proxy of this environment",
    "plain-http": "if this registry speaks plain http, set plain_http for it (riscv_k3s_registry_plain_http)",
    "https-on-http": "leave out plain_http if it speaks https, or set it if it does not",
    "registry-clock": "compare `date` on this machine with the certificate: set the clock, or renew the certificate",
    "tls-authority": "give its authority with ca_file (riscv_k3s_registry_ca_file), or set tls_verify: false for a "
    "test",
    "registry-tls": "give the certificate that it wants with cert_file and key_file, or update what is older of it "
    "and skopeo",
    "registry-name": "mend the host in the image's name, or this machine's DNS or hosts file",
    "registry-refused": "start the registry, or mend host and port in the image's name",
    "registry-unreachable": "look at this machine's network, and at the firewall of the registry's host",
    "registry-timeout": "is it up, and does a firewall let this machine through? For a slow one give a longer timeout",
    "registry-rate-limit": "wait a while, or log in for a higher limit, then run again",
    "no-platform": "take another source, or build the image with riscv.k3s.oci_image_build",
    "pull-disk-full": "make room there",
    "registry-broken": _AGAIN,
    "registry-auth": "set username and password (riscv_k3s_registry_username), or log in with skopeo, podman or "
    "docker on this machine",
    "no-registry": "mend host and port in the image's name, or the proxy of this environment",
    "content-damaged": "run again; when it stays so, publish the image anew, and look at the registry's storage",
    "no-such-image": "mend the name, or publish the image",
    "registry-fault": "look at its log and its disk, then run again: what is uploaded is kept",
}
_ODD_STEP = "look at the registry, and at what stands in front of it"
_FATAL = re.compile(r'level=fatal msg="((?:[^"\\]|\\.)*)"')
_BUSY = "Too many requests to "
_TO_HTTP = re.compile(re.escape(NO_PLAIN_HTTP) + r"(?!\d)")
# What skopeo says of content in words of its own; containerd's stand in pull_causes.
_DAMAGED = re.compile(
    r"Invalid digest specification|rejecting ambiguous manifest|does not match expected|exceeded maximum allowed size"
    r"|Error parsing manifest|unsupported (?:schema|manifest)|invalid checksum digest|file too large"
)
# skopeo's words for a blob that is not there are those for a host that is no registry, and that one has given a
# manifest.
_NO_BLOB = "Error fetching blob: invalid status code from registry 404"
# What skopeo says of answers that no registry should give: of addresses, challenges, tokens and HTTP itself.
_ODD = re.compile(
    r"unsupported protocol scheme|no Host in request URL|^parse |upload URL: |stopped after \d+ redirects"
    r"|missing realm|invalid header field value|invalid character|cannot unmarshal|unexpected HTTP status: [123]"
    r"|invalid byte in chunk|header line too long|invalid status code from registry [23]|failed to parse Location"
)
_WRAPPING = re.compile(
    r'^(?:Error parsing image name "[^"]*": |Error (?:determining|reading|initializing|writing|copying)[^:]*: '
    r"|initializing (?:source|destination) \S+: "
    r"|(?:parsing|reading|copying|trying to reuse|writing) (?:image source|image|blob|manifest)[^:]*: "
    r"|determining manifest MIME type[^:]*: )+"
)


class RegistryProblem(Problem):
    """A Problem at a registry. ``cause`` is an id of pull_causes, or ``unknown``."""

    def __init__(self, cause, what, found=None, where=None, next_step=None):
        super().__init__(what, found=found, where=where, next_step=next_step)
        self.cause = cause


def failed(what, name, log, username=None):
    """The RegistryProblem for a skopeo command that failed on the image ``name`` (an ImageName).

    ``log`` is what it wrote to stderr, ``username`` whom it said to be, where that came from the inventory.
    """
    text = reason(log)
    if _TO_HTTP.search(text):
        return _sent_to_http(what, name)
    if _NO_BLOB in text or _DAMAGED.search(text):
        return damaged(name, text)
    cause = _pull_causes.find(text)
    if cause.id == "registry-timeout" and _BUSY in log:
        cause = next(known for known in _pull_causes.CAUSES if known.id == "registry-rate-limit")
    if cause.id == "unknown" and "unknown flag" in log:
        return RegistryProblem("unknown", "this skopeo is too old", text, name.registry, "install skopeo 1.9 or newer")
    if cause.id == "unknown" and _ODD.search(text):
        why = "%s: %s gives an answer that no registry should" % (what, name.registry)
        return RegistryProblem("registry-fault", why, text, name.registry, _ODD_STEP)
    if cause.id == "registry-auth" and username:
        what = "%s: the registry refuses user %s" % (what, username)
        return RegistryProblem(cause.id, what, text, name.registry, "mend the password, or what this user may do there")
    step = _STEPS.get(cause.id, "look at the registry's log") + default_registry_hint(name.registry)
    return RegistryProblem(
        cause.id, "%s: %s" % (what, _pull_causes.why(cause, text, name.registry)), text, name.registry, step
    )


def timed_out(what, name, log, seconds):
    """The RegistryProblem for a skopeo command that was ended after ``seconds`` without an end, or without progress."""
    if _BUSY in log:
        return failed(what, name, 'level=fatal msg="429 Too Many Requests, and no end of that within %d s"' % seconds)
    return failed(what, name, 'level=fatal msg="deadline exceeded: no answer within %d s"' % seconds)


def reason(log):
    """The reason that skopeo ended with, without what it tells of its own steps; its last line when it gave none."""
    fatal = [match.group(1) for match in _FATAL.finditer(log)]
    lines = [line.strip() for line in log.splitlines() if line.strip() and "level=debug" not in line]
    text = (fatal or lines or ["no message"])[-1]
    return _WRAPPING.sub("", text.replace('\\"', '"').replace("\\n", " "))


def no_architecture(name, platforms, platform):
    """The RegistryProblem for an image that is there, but not for this platform (a Platform)."""
    step = _STEPS["no-platform"]
    return RegistryProblem(
        "no-platform",
        "%s has no content for %s" % (name.full, platform),
        ", ".join(platforms) or "no platform",
        name.registry,
        step,
    )


def no_room(name, size, free):
    """The RegistryProblem for an image that is larger than the disk has room for, both in bytes."""
    found = "%d MB are to come, and there is room for %d MB" % (size // 10**6, free // 10**6)
    return RegistryProblem(
        "pull-disk-full", "%s cannot be fetched" % name.full, found, name.registry, _STEPS["pull-disk-full"]
    )


def damaged(name, found, step=_STEPS["content-damaged"]):
    """The RegistryProblem for content that is not what it should be."""
    return RegistryProblem(
        "content-damaged", "what the registry gives of %s is damaged" % name.full, found, name.registry, step
    )


def _sent_to_http(what, name):
    return RegistryProblem(
        "plain-http",
        "%s: %s is asked by https and sends on to plain http" % (what, name.registry),
        "an address with http:// in its answer, which is not followed",
        name.registry,
        "mend the registry's own idea of its address (behind a proxy: X-Forwarded-Proto, or `http.host` in its "
        "configuration)",
    )
