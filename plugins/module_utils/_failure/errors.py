# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why skopeo did not get or bring an image, in plain words, with what to do about it on the controller. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._chain import pull_causes as _pull_causes
from ansible_collections.riscv.k3s.plugins.module_utils._failure import machine, words
from ansible_collections.riscv.k3s.plugins.module_utils._failure.steps import BY_PROXY, ODD, STEPS, Told, told
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import default_registry_hint
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A step of an upload behind the first, at the address that the registry gave for it.
_UPLOADED_TO = re.compile(r'(?:Patch|Put) "https?://([^/"]+)/[^"]*/blobs/uploads/')
_UNREACHED = ("registry-refused", "registry-timeout", "registry-unreachable", "registry-name", "tls-authority")
_OWN_ADDRESS = (
    "correct the registry's own address setting (behind a proxy: Host and X-Forwarded-Proto, or `http.host` in its "
    "configuration)"
)
_CAUSES = {cause.id: cause for cause in reversed(_pull_causes.CAUSES)}


class RegistryProblem(Problem):
    """A Problem at a registry. ``cause`` is an id of pull_causes, ``controller`` (this machine's skopeo cannot work),
    ``registry-rules`` (the registry refuses by a rule of its own), or ``unknown``.
    """

    def __init__(self, cause, what, found=None, where=None, next_step=None):
        super().__init__(what, found=found, where=where, next_step=next_step)
        self.cause = cause


def failed(what, name, log, access=None, rc=1, has_proxy=False):
    """The RegistryProblem for a skopeo command that failed on the image ``name`` (an ImageName).

    ``log`` is what it wrote to stderr, ``rc`` its exit status, ``access`` how the inventory says that the registry is
    asked (an Access or None), ``has_proxy`` whether a proxy for plain http may have answered in its place.
    """
    text = words.reason(log)
    fault = machine.fault(text, words.has_reason(log), rc)
    if fault:
        return RegistryProblem("controller", "%s: %s" % (what, fault.why), text, "this machine", fault.next_step)
    if words.is_to_plain_http(text):
        return _sent_to_http(what, name)
    if words.is_of_content(text):
        return damaged(name, text)
    cause = _cause(text, log)
    sent_to = _UPLOADED_TO.search(text)
    if sent_to and sent_to[1] != name.registry and cause.id in _UNREACHED:
        what = "%s: %s names %s for what is uploaded, which cannot be reached" % (what, name.registry, sent_to[1])
        return RegistryProblem("registry-fault", what, text, name.registry, _OWN_ADDRESS)
    if cause.id == "registry-address":
        # Its own address was good when the image's name was read.
        what = "%s: %s names an address that is no URL" % (what, name.registry)
        return RegistryProblem("registry-fault", what, text, name.registry, _OWN_ADDRESS)
    more = told(cause.id, text) or _by_who_is_asked(cause.id, text, access, has_proxy)
    if not more and cause.id == "unknown" and words.is_odd(text):
        more = Told("", ODD, "registry-fault", "{registry} gives an invalid answer")
    return _problem(what, name, text, cause, more or Told("", STEPS[cause.id] + default_registry_hint(name.registry)))


def timed_out(what, name, log, seconds):
    """The RegistryProblem for a skopeo command that was ended after ``seconds`` without an end, or without progress."""
    if words.BUSY in log:
        return failed(what, name, 'level=fatal msg="429 Too Many Requests, and no end of that within %d s"' % seconds)
    return failed(what, name, 'level=fatal msg="deadline exceeded: no answer within %d s"' % seconds)


def about(problem, name, other):
    """``problem``, which was met with the image ``name``, for ``other`` of the same registry, which was not asked."""

    def said(text):
        text = (text or "").replace("manifest %s in %s" % (name.tag or name.digest, name.name), "its manifest")
        return text.replace(name.full, other.full).replace(name.name, other.name) or None

    return RegistryProblem(
        problem.cause, said(problem.what), said(problem.found), problem.where, said(problem.next_step)
    )


def no_architecture(name, platforms, platform):
    """The RegistryProblem for an image that is there, but not for this platform (a Platform)."""
    what = "%s has no content for %s" % (name.full, platform)
    found = ", ".join(platforms) or "no platform"
    own = "linux/%s" % str(platform)
    if own in platforms or own + "/v8" in platforms:
        what = "%s says that it has content for %s, and its content says otherwise" % (name.full, platform)
        found += "; its index names %s, and the config of that image another platform" % own
        step = "have it built again for %s (docker buildx build --platform %s), or take another source" % (own, own)
        return RegistryProblem("no-platform", what, found, name.registry, step)
    return RegistryProblem("no-platform", what, found, name.registry, STEPS["no-platform"])


def no_room(name, size, free):
    """The RegistryProblem for an image that is larger than the disk has room for, both in bytes."""
    what = "%s cannot be fetched" % name.full
    found = "%d MB are needed, and there is room for %d MB" % (size // 10**6, free // 10**6)
    return RegistryProblem("pull-disk-full", what, found, name.registry, STEPS["pull-disk-full"])


def damaged(name, found, step=STEPS["content-damaged"]):
    """The RegistryProblem for content that is not what it should be."""
    what = "the registry's content for %s is damaged" % name.full
    return RegistryProblem("content-damaged", what, found, name.registry, step)


def _cause(text, log):
    cause = _pull_causes.find(text)
    if cause.id == "registry-timeout" and words.BUSY in log:
        return _CAUSES["registry-rate-limit"]
    # What ends a pull on a board late is here a question that has no answer.
    return _CAUSES["registry-timeout"] if cause.id == "registry-timeout" else cause


def _by_who_is_asked(cause, text, access, has_proxy):
    """What is to be done where it depends on how the registry is asked, as Told, or None."""
    if has_proxy and "pinging container registry" in text and "invalid status code" in text:
        return Told("", BY_PROXY)
    if cause == "tls-authority" and access and access.ca_file in access.files.values():
        why = "the authority in %s did not sign the certificate of {registry}" % access.ca_file
        return Told("", "set riscv_k3s_registry_ca_file to the one that did (option of a module: ca_file)", None, why)
    if cause == "registry-auth" and access and access.username:
        step = "correct the password, or what this user may do there"
        return Told("", step, None, "the registry refuses user %s" % access.username)
    return None


def _problem(what, name, text, cause, more):
    why = more.why.replace("{registry}", name.registry) if more.why else _pull_causes.why(cause, text, name.registry)
    return RegistryProblem(more.cause or cause.id, "%s: %s" % (what, why), text, name.registry, more.next_step)


def _sent_to_http(what, name):
    return RegistryProblem(
        "plain-http",
        "%s: %s is asked by https and redirects to plain http" % (what, name.registry),
        "an address with http:// in its answer, which is not followed",
        name.registry,
        _OWN_ADDRESS,
    )
