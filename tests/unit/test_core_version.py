# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-core that is too old is told before anything else; each newer one is let through."""

from __future__ import annotations

import pytest
from test_project import ROOT, read_yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils import core_version


@pytest.mark.parametrize("version", ["2.9.27", "2.18.19", "2.18.0rc1", "1.9", "2.2"])
def test_an_older_one_is_refused(version):
    with pytest.raises(Problem) as problem:
        core_version.required(version)
    assert str(problem.value).startswith(
        "riscv.k3s needs ansible-core 2.19 or newer. Found: ansible-core %s. Next: install a newer one" % version
    )


@pytest.mark.parametrize("version", ["2.19.0", "2.19.0b1", "2.22.0rc1", "2.100", "3.0.0", "devel", ""])
def test_others_are_let_through(version):
    core_version.required(version)


def test_it_is_what_the_collection_promises():
    assert read_yaml(ROOT / "meta/runtime.yml")["requires_ansible"] == ">=%s.0" % core_version.OLDEST
