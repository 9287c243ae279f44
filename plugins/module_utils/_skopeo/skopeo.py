# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry protocol, as skopeo (1.9 or newer) speaks it: one method a command, all with bounds in time and size.

Copies keep every byte (``--preserve-digests``), so what is predicted from a manifest is what comes. Folders are those
of skopeo's transport ``dir``: the manifest as manifest.json, and each blob under the digits of its digest.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import damaged, failed, no_room, timed_out
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, TimedOut
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.judge import Judge
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.logins import Logins
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access, accesses, seconds_of
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.program import Program, has_proxy
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.watch import BESIDE, SLOWEST, Growth, Pages
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

# Seconds; sizes are what a registry says.
_LONGEST = 24 * 3600
# Tags are for a hint only, and a hostile registry can name them without end.
_TAGS_SECONDS = 10


class Skopeo:
    """Use as a context manager, which keeps the logins on disk for so long. Names are ImageNames. Every method raises
    RegistryProblem.

    ``registries`` is {host: Access}. ``timeout`` (seconds) is for a question, and for a download that makes no
    progress.
    """

    def __init__(
        self,
        registries: Dict[str, Access],
        timeout: float,
        runner: Optional[Runner] = None,
        root: Optional[str] = None,
    ) -> None:
        self._registries = registries
        self._timeout = timeout
        self._logins = Logins(registries, root)
        self._program = Program(registries, self._logins, runner)
        self._judge = Judge(registries, self._program, self._logins, timeout)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Skopeo:
        """The one for a module's ``params``, as REGISTRY_OPTIONS describe them."""
        return cls(accesses(params), seconds_of(params))

    def __enter__(self) -> Skopeo:
        self._logins.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._logins.__exit__(*error)

    @property
    def work(self) -> str:
        """A folder for what is on its way. It goes with the logins, so also after a kill."""
        return self._logins.work

    def manifest(self, name: ImageName) -> bytes:
        """The bytes of the manifest or index that a tag or digest names."""
        data = self._ask(name, "inspect", "--raw", _reference(name)).encode()
        if b"\xef\xbf\xbd" in data:  # what a byte that is no UTF-8 has become
            raise damaged(name, "a manifest that is not UTF-8")
        return data

    def config(self, name: ImageName) -> Any:
        """The config of the image that a digest names, as JSON has it."""
        text = self._ask(name, "inspect", "--config", "--raw", _reference(name))
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise damaged(name, "a config that is not JSON (%s)" % error) from error

    def tags(self, name: ImageName) -> List[str]:
        """Tags of the repository, sorted."""
        seconds = min(_TAGS_SECONDS, self._timeout)
        text = self._ask(name, "list-tags", "docker://" + name.name, seconds=seconds, watch=Pages(name))
        return sorted(map(str, json.loads(text).get("Tags") or []))

    def fetch(self, name: ImageName, folder: str, size: int, everything: bool = False) -> None:
        """Bring the image that a digest names into ``folder``, which is made. ``size`` is that of its blobs in bytes:
        more of it is not taken.
        """
        free = shutil.disk_usage(os.path.dirname(folder)).free
        if size > free:
            raise no_room(name, size, free)
        guard = Growth(folder, size + BESIDE, self._timeout, name)
        argv = _copy(everything) + self._options(name, "src-") + [_reference(name), "dir:" + folder]
        self._run("%s cannot be fetched" % name.full, name, argv, self.seconds(size), guard)

    def push(self, folder: str, name: ImageName, size: int, everything: bool = False) -> None:
        """Publish what ``folder`` holds under a tag; ``size`` as in ``fetch``."""
        argv = _copy(everything) + self._options(name, "dest-") + ["dir:" + folder, _reference(name)]
        self._run("%s cannot be published" % name.full, name, argv, self.seconds(size))

    def copy(self, source: ImageName, target: ImageName, size: int, everything: bool = False) -> None:
        """Publish an image under another name of the same registry, which need not send it."""
        sides = self._options(source, "src-") + self._options(target, "dest-")
        argv = _copy(everything) + sides + [_reference(source), _reference(target)]
        self._run("%s cannot be published" % target.full, target, argv, self.seconds(size))

    def seconds(self, size: int) -> float:
        """The longest that a copy of ``size`` bytes may take. A push shows no progress that could be waited for."""
        return self._timeout + min(size // SLOWEST, _LONGEST)

    def _ask(self, name, command, *args, seconds=None, watch=None):
        argv = [command] + self._options(name) + list(args)
        return self._run("%s cannot be read" % name.full, name, argv, seconds or self._timeout, watch)

    def _options(self, name, side=""):
        self._judge.check(name, _reference(name))
        return self._logins.options(name.registry, side)

    def _run(self, what, name, argv, seconds, watch=None):
        try:
            result = self._program.start(argv, seconds, name, watch)
        except TimedOut as error:
            self._judge.check_sent(name, error.err)
            raise timed_out(what, name, error.err, seconds) from error
        self._judge.check_sent(name, result.err)
        if result.rc != 0:
            access = self._registries.get(name.registry)
            by_http = bool(access and access.plain_http) and has_proxy("http")
            raise failed(what, name, result.err, access, result.rc, by_http)
        return result.out


def _copy(everything):
    return ["copy", "--quiet", "--preserve-digests"] + (["--all"] if everything else [])


def _reference(name):
    # skopeo refuses a name with both.
    return "docker://%s%s" % (name.name, "@" + name.digest if name.digest else ":" + name.tag)
