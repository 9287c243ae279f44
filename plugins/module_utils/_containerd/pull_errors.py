# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a pull failed, in plain words, from what containerd says through crictl: what to do about it on a board. Pure.

The causes themselves are in _pull_causes.
"""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import Cause, find, why
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, default_registry_hint
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class PullProblem(Problem):
    """A pull that failed. ``cause`` is the id of its Cause in _pull_causes, ``why`` its sentence, ``may_pass`` whether
    trying again can help, ``unreachable`` whether other images of the same registry would fail, too.
    """

    def __init__(self, cause, name, message):
        registry = asked_mirror(message) or ImageName.parse(name).registry
        self.why = why(cause, message, registry)
        super().__init__(
            "%s cannot be pulled: %s" % (name, self.why),
            found=_core(message),
            where="registry %s" % registry,
            next_step=NEXT[cause.id].format(registry=registry) + default_registry_hint(registry),
        )
        self.cause = cause.id
        self.may_pass = cause.may_pass
        self.unreachable = cause.of_registry


# containerd tells a mirror, and nobody else, for which registry it asks.
_AT_MIRROR = re.compile(r"https?://([^/\s\"]+)/[^\s\"]*[?&]ns=")


def asked_mirror(message):
    """The mirror (HOST or HOST:PORT) that an error of containerd is about, None where it is about the registry of the
    image's name.
    """
    found = _AT_MIRROR.findall(message)
    return found[-1] if found else None


_RETRY = "run again; when it stays so, look at the registry's log and at the board's network"
_ANEW = "remove it and pull it again, `k3s crictl rmi` and `k3s crictl pull`"

# What to do on a board, by the id of the cause.
NEXT = {
    "registry-proxy": "look at the proxy that k3s is told of (HTTPS_PROXY in /etc/systemd/system/k3s*.service.env or "
    "/etc/default/k3s), or name {registry} in NO_PROXY there, and restart k3s",
    "plain-http": "list it in registries.yaml under its own name, mirrors: {{'{registry}': {{endpoint: "
    "['http://{registry}']}}}}, and restart k3s",
    "registry-clock": "compare `date` on the board with the certificate: a board without a battery starts in the past "
    "until NTP has set its clock",
    "tls-authority": "name the registry's authority in registries.yaml, configs: {{'{registry}': "
    "{{tls: {{ca_file: ...}}}}}}, use a name that the certificate is for, and restart k3s",
    "registry-tls": "when it wants a certificate, name one in registries.yaml, "
    "configs: {{'{registry}': {{tls: {{cert_file: ..., key_file: ...}}}}}}, "
    "and restart k3s; else look at the registry's log",
    "https-on-http": "make the scheme of the endpoint in registries.yaml that of the registry, and restart k3s",
    "registry-name": "check the name, /etc/resolv.conf and the network of the board, or give the registry by its "
    "address in registries.yaml",
    "registry-address": "write each endpoint in registries.yaml as http://HOST:PORT or https://HOST:PORT, and restart "
    "k3s; where the registry names the address, as that of its token server, correct it in the registry's own settings",
    "registry-refused": "start the registry, and check host and port in the image name and in registries.yaml",
    "registry-unreachable": "check the board's network and the firewall of the registry's host",
    "registry-timeout": _RETRY,
    "registry-rate-limit": _RETRY,
    "registry-broken": _RETRY,
    "registry-fault": _RETRY,
    "no-platform": "check what the name holds with riscv.k3s.registry_image_info, "
    "and push an image of the board's architecture under it",
    "registry-auth": "check the name, and give user and password in registries.yaml, "
    "configs: {{'{registry}': {{auth: ...}}}}, and restart k3s",
    "no-registry": "check host and port, and open it in a browser: it may be another service, a proxy, "
    "or the sign-in page of a network; let the board reach the registry itself",
    "no-such-image": "check repository and tag, or push the image first with riscv.k3s.oci_image_build",
    "content-damaged": "run again; when it stays so, a blob may be cut or gone in the registry's storage: "
    "publish the image anew, and look at the registry's log",
    "store-not-whole": _ANEW,
    "store-media-type": _ANEW,
    "disk-read-only": "see the board's kernel log (dmesg) for errors of the disk, check its file system, and mount it "
    "to be written to",
    "snapshotter-unsupported": "boot a kernel with overlayfs (CONFIG_OVERLAY_FS), or start k3s with another "
    "--snapshotter, as native or fuse-overlayfs",
    "image-media-type": "publish the image anew with a tool of today: containerd 2.1 and later take no manifests of "
    "schema 1",
    "pull-disk-full": "make room under k3s's data folder, for instance with `k3s crictl rmi --prune`, "
    "which leaves pinned images",
    "unknown": "see the log of k3s on the board",
}
# containerd asks its mirrors first, then the registry itself by https, and tells only what the last one said. What that
# is when it speaks plain http depends on the registry's server.
_ASKED_BY_HTTPS = ("plain-http", "https-on-http")
_NOT_IN_MIRROR = Cause("no-such-image", "{registry} has no such name (containerd then asked by https, in vain)")
_UNANSWERED = Cause("registry-timeout", "{registry} did not send it in time", of_registry=True)
_SLOW = (
    "check whether the registry hangs or is only slow; if it is slow, set a longer timeout: what was received is kept"
)

_FATAL = re.compile(r'level=fatal msg="(.*)"\s*\Z')
_WRAPPING = re.compile(
    r'^(?:pulling image:? |failed: |rpc error: code = \w+ desc = |failed to pull and unpack image "[^"]*": '
    r'|failed to resolve reference "[^"]*": |failed to resolve image: '
    r"|get image config descriptor: |pull access denied[^:]*: )+"
)


def classify(name, message, has_http_mirror=False):
    """The PullProblem for what crictl printed (``message``) when it could not pull ``name`` (a full name).

    ``has_http_mirror`` is whether the board's containerd knows that the registry of this name speaks plain http.
    """
    cause = find(message)
    return PullProblem(_NOT_IN_MIRROR if has_http_mirror and cause.id in _ASKED_BY_HTTPS else cause, name, message)


def unanswered(name, seconds):
    """The PullProblem for a pull of ``name`` that was ended after ``seconds``."""
    problem = PullProblem(_UNANSWERED, name, "no end after %d s" % seconds)
    problem.next_step = _SLOW
    return problem


def _core(message):
    """The innermost reason: crictl logs the same error twice, wrapped in the name of each layer it passed."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    fatal = [match.group(1) for match in map(_FATAL.search, lines) if match]
    text = (fatal + lines[-1:] + ["no message"])[0].replace('\\"', '"')
    return _WRAPPING.sub("", text)
