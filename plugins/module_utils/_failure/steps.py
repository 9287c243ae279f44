# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do on the controller about a registry that did not give or take an image. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_AGAIN = "run again; if that does not help, look at the registry's log, and at the network of this machine"
# What registries.yaml says of another address is for boards only.
_OWN_NAME = "; a mirror in registries.yaml is for the boards, this machine asks a registry under its own name"
STEPS = {
    "registry-proxy": "correct the proxy, or the variables https_proxy, http_proxy and no_proxy of this environment",
    "plain-http": "if this registry speaks plain http, set plain_http for it (riscv_k3s_registry_plain_http)",
    "https-on-http": "leave out plain_http (riscv_k3s_registry_plain_http) if it speaks https, else set it",
    "registry-clock": "compare `date` on this machine with the certificate: set the clock, or renew the certificate",
    "tls-authority": "set riscv_k3s_registry_ca_file to the certificate of its authority, or for a test "
    "riscv_k3s_registry_tls_verify: false (options of a module: ca_file, tls_verify)",
    "registry-tls": "set riscv_k3s_registry_cert_file and riscv_k3s_registry_key_file to the certificate that it wants "
    "(options of a module: cert_file, key_file), or update the older one of it and skopeo",
    "registry-name": "correct the host in the image's name, or this machine's DNS or hosts file" + _OWN_NAME,
    "registry-refused": "start the registry, or correct host and port in the image's name" + _OWN_NAME,
    "registry-unreachable": "look at this machine's network, and at the firewall of the registry's host",
    "registry-timeout": "is it up, and does a firewall let this machine through? For a slow one set the module's "
    "option timeout higher",
    "registry-rate-limit": "wait a while, or log in for a higher limit, then run again",
    "no-platform": "take another source, or build the image with riscv.k3s.oci_image_build",
    "pull-disk-full": "make room there",
    "disk-read-only": "see why the disk of this machine can only be read",
    "image-media-type": "publish the image anew with a tool of today: its manifest is of schema 1",
    "registry-broken": _AGAIN,
    "registry-auth": "set riscv_k3s_registry_username and riscv_k3s_registry_password (options of a module: username, "
    "password), or log in with skopeo, podman or docker on this machine",
    "no-registry": "correct host and port in the image's name, or the proxy of this environment",
    "content-damaged": "run again; if that does not help, publish the image again, and look at the registry's storage",
    "no-such-image": "correct the name, or publish the image",
    "registry-fault": "look at its log and its disk, then run again: what is uploaded is kept",
    "unknown": "look at the registry's log",
}
ODD = "check the registry, and any proxy in front of it"
BY_PROXY = (
    "if the proxy of this environment says so (http_proxy), put the registry into no_proxy: a name, .DOMAIN, an "
    "address or a network"
)


class Told(NamedTuple):
    """What the words of a reason tell beyond its cause. ``cause`` and ``why`` (with a place for {registry}) go before
    those of pull_causes where they are set.
    """

    sign: str
    next_step: str
    cause: Optional[str] = None
    why: Optional[str] = None


_RULES = "registry-rules"
_TOLD = (
    Told(
        r"x509: certificate (?:is (?:not )?valid for|relies on legacy|is not valid for any names)"
        r"|x509: cannot validate certificate for",
        "reissue the certificate with this host as subjectAltName, or name the registry as its certificate does",
    ),
    Told(
        r"\b413\b[^\n]*Too Large|layer [^\n]*StatusCode: 413\b|\b413 \(?Request",
        "raise the limit of the proxy in front of the registry (nginx: client_max_body_size 0)",
        _RULES,
        "{registry}, or a proxy in front of it, accepts nothing that large",
    ),
    Told(
        r"exceed the configured upper limit|[Qq]uota (?:is |has been )?(?:exceeded|reached)|exceed\w* [^\n]*\bquota\b",
        "make room in the registry's project, or raise its quota",
        _RULES,
        "{registry} has a quota, which is used up",
    ),
    Told(
        r"as immutable|is immutable|cannot be overwritten",
        "name another tag, or change the registry's rule for tags",
        _RULES,
        "{registry} does not let this tag change",
    ),
    Told(
        r"\bread.?only mode",
        "end the registry's read-only mode, or publish to another",
        _RULES,
        "{registry} is in read-only mode",
    ),
    Told(
        r"cannot be pulled due to configured policy",
        "look at the image's scan there, or change the registry's rule",
        _RULES,
        "{registry} has a rule that blocks it",
    ),
    Told(
        r"can ?not push artifact to a proxy project",
        "publish to another project, which is no pull-through cache (riscv_k3s_mirror_prefix: REGISTRY/PROJECT)",
        _RULES,
        "{registry} takes no uploads into this project",
    ),
    # Harbor's, also for a project that is not there. Who may not see a project is not told that there is none.
    Told(
        r"unauthorized to access repository: \S+ action: \w+|project not found, name: ",
        "create the project there (the first part of the path, or name another one with riscv_k3s_mirror_prefix: "
        "REGISTRY/PROJECT), and log in as somebody who may pull and push in it (riscv_k3s_registry_username)",
        None,
        "{registry} has no such project, or does not let this user in",
    ),
    Told(
        r"layer upload [^\n]*: unsupported\b|layer upload [^\n]*\b405\b",
        "publish to another registry: this one takes no uploads (it may be a pull-through cache)",
        _RULES,
        "{registry} takes no uploads",
    ),
    Told(
        r"layer upload [^\n]*: (?:name unknown\b|unknown: (?:project|repository|[Nn]ot [Ff]ound)|StatusCode: 404\b)",
        "create the repository or project at the registry, or correct the target's name",
        "no-such-image",
        "{registry} has no such repository or project, and does not create one",
    ),
    Told(
        r"blob upload (?:unknown|invalid)",
        "where several registries or a proxy stand behind this address, give the registries one storage and one "
        "http.secret, and let the proxy pass on Host and X-Forwarded-Proto; then run again",
        "registry-fault",
        "{registry} does not know the upload that it has just begun",
    ),
    Told(
        r"uploading manifest [^\n]*: (?:manifest invalid|unsupported\b)",
        "update the registry: it must take OCI images (docker-registry since 2.7, Harbor since 2.0)",
        _RULES,
        "{registry} does not take manifests of this kind",
    ),
    Told(
        r"name invalid\b",
        "name a path that it takes with riscv_k3s_mirror_prefix: some registries want a project of yours first, and no "
        "more than two or three parts",
        _RULES,
        "{registry} takes no names of this form",
    ),
    Told(
        r"(?:layer|manifest|upload) [^\n]*: unknown: (?:filesystem: |unknown error)",
        "look at its log, and whether it may write into its storage and has room there",
        "registry-fault",
        "{registry} cannot store it",
    ),
)


# Causes about which the words can tell more. What a busy registry or a full disk says is told already.
_VAGUE = ("unknown", "registry-auth", "no-such-image", "tls-authority", "registry-fault", "image-media-type")


def told(cause, text) -> Optional[Told]:
    """What the words of the reason ``text`` tell, None when no more than their ``cause`` (an id)."""
    return next((one for one in _TOLD if cause in _VAGUE and re.search(one.sign, text)), None)
