# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge between pure functions and Jinja: a Problem becomes the filter's error, with all its parts."""

from __future__ import annotations

import functools

from ansible.errors import AnsibleFilterError

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def door(function):
    """Wrap ``function`` for use as a filter."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Problem as problem:
            raise AnsibleFilterError(str(problem)) from problem

    return wrapped
