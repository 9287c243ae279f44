# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry protocol, as skopeo (1.9 or newer) speaks it: one method a command, all with bounds in time and size.

Copies keep every byte (``--preserve-digests``), so what is predicted from a manifest is what comes. Folders are those
of
skopeo's transport ``dir``: the manifest as manifest.json, and each blob under the digits of its digest.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, TimedOut, find_program
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo import trust as _registry_trust
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.errors import (
    NO_PLAIN_HTTP,
    damaged,
    failed,
    no_room,
    timed_out,
)
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.logins import Logins
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access, accesses
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What ends a skopeo that does not end by its own limit, seconds.
_GRACE = 5
# Bytes a second that the slowest link which still makes sense brings; a push shows no progress that could be waited
# for.
_SLOWEST = 50_000
# Seconds; sizes are what a registry says.
_LONGEST = 24 * 3600
# Bytes beside the blobs of an image: manifests, the transport's own file.
_BESIDE = 8 << 20
_POLICIES = ("~/.config/containers/policy.json", "/etc/containers/policy.json")
# Tags are for a hint only, and a hostile registry can name them without end.
_TAGS_SECONDS = 10
# skopeo holds all pages in memory, of at most 4 MiB each.
_TAGS_PAGES = 50


class Skopeo:
    """Use as a context manager, which keeps the logins on disk for so long. Names are ImageNames. Every method raises
    RegistryProblem.

    ``registries`` is {host: Access}. ``timeout`` (seconds) is for a question, and for a download that makes no
    progress.
    """

    def __init__(self, registries, timeout, runner=None, root=None):
        if runner is None and not find_program("skopeo"):
            raise Problem(
                "skopeo was not found on this machine",
                found="no program of that name",
                next_step="install the package skopeo (Debian, Ubuntu, Fedora, Alpine, openEuler, Arch; on macOS "
                "`brew install skopeo`)",
            )
        self._registries = registries
        self._timeout = timeout
        self._runner = runner or Runner()
        self._logins = Logins(registries, root)
        self._checked, self._logged_in = {}, {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, params):
        """The one for a module's ``params``, as REGISTRY_OPTIONS describe them."""
        return cls(accesses(params), params["timeout"])

    def __enter__(self):
        self._logins.__enter__()
        return self

    def __exit__(self, *error):
        self._logins.__exit__(*error)

    def manifest(self, name) -> bytes:
        """The bytes of the manifest or index that a tag or digest names."""
        data = self._ask(name, "inspect", "--raw", _reference(name)).encode()
        if b"\xef\xbf\xbd" in data:  # what a byte that is no UTF-8 has become
            raise damaged(name, "a manifest that is no UTF-8")
        return data

    def config(self, name):
        """The config of the image that a digest names, as JSON has it."""
        text = self._ask(name, "inspect", "--config", "--raw", _reference(name))
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise damaged(name, "a config that is no JSON (%s)" % error) from error

    def tags(self, name):
        """Tags of the repository, sorted."""
        seconds, watch = min(_TAGS_SECONDS, self._timeout), _Pages(name)
        text = self._ask(name, "list-tags", "docker://" + name.name, seconds=seconds, watch=watch)
        return sorted(map(str, json.loads(text).get("Tags") or []))

    def fetch(self, name, folder, size, everything=False):
        """Bring the image that a digest names into ``folder``, which is made. ``size`` is that of its blobs in bytes:
        more of it is not taken.
        """
        free = shutil.disk_usage(os.path.dirname(folder)).free
        if size > free:
            raise no_room(name, size, free)
        guard = _Growth(folder, size + _BESIDE, self._timeout, name)
        argv = _copy(everything) + self._options(name, "src-") + [_reference(name), "dir:" + folder]
        self._run("%s cannot be fetched" % name.full, name, argv, self._seconds(size), guard)

    def push(self, folder, name, size, everything=False):
        """Publish what ``folder`` holds under a tag; ``size`` as in ``fetch``."""
        argv = _copy(everything) + self._options(name, "dest-") + ["dir:" + folder, _reference(name)]
        self._run("%s cannot be published" % name.full, name, argv, self._seconds(size))

    def copy(self, source, target, size, everything=False):
        """Publish an image under another name of the same registry, which need not send it."""
        argv = (
            _copy(everything)
            + self._options(source, "src-")
            + self._options(target, "dest-")
            + [_reference(source), _reference(target)]
        )
        self._run("%s cannot be published" % target.full, target, argv, self._seconds(size))

    def _ask(self, name, command, *args, seconds=None, watch=None):
        argv = [command] + self._options(name) + list(args)
        return self._run("%s cannot be read" % name.full, name, argv, seconds or self._timeout, watch)

    def _seconds(self, size):
        return self._timeout + min(size // _SLOWEST, _LONGEST)

    def _options(self, name, side=""):
        self._check(name)
        return self._logins.options(name.registry, side)

    def _check(self, name):
        """Before the first question to a registry with a login: see trust."""
        access = self._registries.get(name.registry, Access(name.registry))
        with self._lock:
            has_login = self._has_login(name, access)
            if not has_login and access.tls_verify:
                return
            key = name.registry, has_login
            if key not in self._checked:
                self._checked[key] = self._judge(name, access, has_login)
        if self._checked[key]:
            raise self._checked[key]

    def _has_login(self, name, access):
        """Whether skopeo shows a login: that of ``access``, or one that the user stored for the registry or a path."""
        if access.has_login:
            return True
        if name.name not in self._logged_in:
            argv = ["skopeo", "login", "--get-login", name.name]
            asked = self._runner.run(argv, timeout=self._timeout + _GRACE, check=False)
            self._logged_in[name.name] = asked.rc == 0
        return self._logged_in[name.name]

    def _check_sent(self, name, log):
        access = self._registries.get(name.registry)
        # For others this machine's registries.conf holds, which may have mirrors with logins of their own.
        if access and self._has_login(name, access):
            _registry_trust.check_sent(log, access, not _has_proxy())

    def _judge(self, name, access, has_login):
        argv = ["inspect", "--raw", "--no-creds"] + self._logins.options(name.registry) + [_reference(name)]
        if "--authfile" in argv:
            at = argv.index("--authfile")
            del argv[at : at + 2]
        try:
            log = self._start(argv, self._timeout, name, None, alone=True).err
            _registry_trust.check(log, access, has_login)
        except TimedOut as error:
            # What is not listed may be reached by a mirror only.
            is_listed = name.registry in self._registries
            return is_listed and timed_out("%s cannot be read" % name.full, name, error.err, self._timeout)
        except Problem as problem:
            return problem
        return None

    def _run(self, what, name, argv, seconds, watch=None):
        try:
            result = self._start(argv, seconds, name, watch)
        except TimedOut as error:
            self._check_sent(name, error.err)
            raise timed_out(what, name, error.err, seconds) from error
        self._check_sent(name, result.err)
        if result.rc != 0:
            access = self._registries.get(name.registry)
            raise failed(what, name, result.err, access.username if access else None)
        return result.out

    def _start(self, argv, seconds, name, watch, alone=False):
        general = ["skopeo", "--debug", "--command-timeout", "%ds" % seconds]
        # The user's own rules about signatures hold, where there are any.
        if not any(map(os.path.exists, map(os.path.expanduser, _POLICIES))):
            general.append("--insecure-policy")
        access = self._registries.get(name.registry)
        if access or alone:
            general += ["--registries-conf", self._logins.no_configuration]
        env = {} if access and access.plain_http else _without_http()
        largest = watch and watch.limit
        return self._runner.run(
            general + argv, timeout=seconds + _GRACE, env=env, check=False, watch=watch, largest=largest
        )


def _has_proxy():
    return bool(os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY"))


def _without_http():
    """Variables with which plain http is not reached: a proxy for it at which nothing listens."""
    stop = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://" + NO_PLAIN_HTTP)
    # What stands in no_proxy is reached by http in spite of that; it is needed only beside a proxy for https.
    return stop if _has_proxy() else dict(stop, NO_PROXY="", no_proxy="")


def _copy(everything):
    return ["copy", "--quiet", "--preserve-digests"] + (["--all"] if everything else [])


def _reference(name):
    # skopeo refuses a name with both.
    return "docker://%s%s" % (name.name, "@" + name.digest if name.digest else ":" + name.tag)


class _Pages:
    """Watches a list of tags, which a registry can go on with for ever. ``limit``: it writes no files."""

    limit = _BESIDE

    def __init__(self, name):
        self._name = name

    def __call__(self, log):
        if log.count("/tags/list") > _TAGS_PAGES:
            raise damaged(self._name, "more than %d pages of tags" % _TAGS_PAGES)


class _Growth:
    """Watches a folder while it is filled: ends it when more comes than ``limit`` (bytes), when nothing comes for
    ``patience`` seconds, or when so little comes, time and again, that it would last for days.
    """

    def __init__(self, folder, limit, patience, name):
        self._folder, self.limit, self._patience, self._name = folder, limit, patience, name
        self._begin = time.monotonic()
        self._size, self._since = 0, time.monotonic()

    def __call__(self, log):
        size, now = _size(self._folder), time.monotonic()
        if size > self.limit:
            raise damaged(self._name, "more than the %d bytes that were announced" % self.limit)
        if size != self._size:
            self._size, self._since = size, now
        if now - min(self._since, self._begin + size / _SLOWEST) > self._patience:
            raise timed_out("%s cannot be fetched" % self._name.full, self._name, log, self._patience)


def _size(folder):
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
    except OSError:  # not made yet, or a file that went just now
        return 0
