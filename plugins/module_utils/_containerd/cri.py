# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images as the container runtime interface (CRI) knows them, by crictl: pull, and what an image's config says."""

from __future__ import annotations

import re
import time

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.mirrors import endpoints
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import classify, unanswered
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import silent_containerd
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import TimedOut, last_lines, shown
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_image_status
from ansible_collections.riscv.k3s.plugins.module_utils._output.silence import crictl_is_silent, is_late
from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import speaks_http
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What crictl prints, since 1.20 at least, for the first image of its list that is not there.
_ABSENT = re.compile(r'no such image \\?"([^"\\]+)\\?" present')
_LONGEST_WAIT = 30


class Cri:
    """The CRI side of a board's images. ``programs`` is a Programs; tests inject ``sleep``."""

    def __init__(self, programs, sleep=time.sleep):
        self._programs = programs
        self._sleep = sleep

    def statuses(self, names):
        """What parse_image_status tells, for each of ``names`` (full names) that the CRI knows as a usable image.

        A name whose pull broke off stands in containerd's list, but not in this one. One call of crictl, and one
        more for each name that is not there: crictl stops at it.
        """
        names = list(names)
        while names:
            result = self._programs.crictl("inspecti", "-o", "json", *names, check=False)
            if result.rc == 0:
                found = parse_image_status(result.out)
                if len(found) != len(names):
                    raise Problem("`crictl inspecti` was given %d images and returned %d" % (len(names), len(found)))
                return dict(zip(names, found))
            absent = _ABSENT.search(result.err)
            if not absent or absent.group(1) not in names:
                raise self._failure(result)
            names.remove(absent.group(1))
        return {}

    def pull(self, name, retries=3, timeout=900):
        """Pull one image; containerd downloads it, with the registries and the credentials of registries.yaml.

        ``retries`` is how often what may pass by itself (a time-out, 429, 5xx, a broken connection, a containerd that
        is late) is tried again, after 1, 2, 4 … seconds, 30 at most; ``timeout`` is in seconds for each try. Raises
        PullProblem, which says in plain words why.
        """
        wait = 1
        for left in range(max(retries, 0), -1, -1):
            try:
                result = self._programs.crictl("pull", name, check=False, timeout=timeout)
            except TimedOut as error:
                raise unanswered(name, timeout) from error
            if result.rc == 0:
                return
            if crictl_is_silent(result.err):
                problem, may_pass = silent_containerd(result.err), is_late(result.err)
            else:
                problem = classify(name, result.err or result.out, self._has_http_mirror(name))
                may_pass = problem.may_pass
            if not (left and may_pass):
                raise problem
            self._sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _has_http_mirror(self, name):
        registry = ImageName.parse(name).registry
        return speaks_http(registry, endpoints(self._programs.data_dir, registry))

    def _failure(self, result):
        if crictl_is_silent(result.err):
            return silent_containerd(result.err)
        return Problem(
            "`%s` failed with exit status %d" % (shown(result.argv), result.rc),
            found=last_lines(result.err) or "no message",
        )
