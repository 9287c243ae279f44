# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module's main, up to where it asks Ansible for its arguments; on the old Python too, which the rest of a
module's tests need not touch.
"""

from __future__ import annotations

import importlib
import pathlib

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
# Without those that only document an action plugin.
MODULES = sorted(
    {path.stem for path in (PLUGINS / "modules").glob("*.py")}
    - {path.stem for path in (PLUGINS / "action").glob("*.py")}
)


class Asked(Exception):
    """Ends main where Ansible would read the arguments."""


@pytest.mark.parametrize("name", MODULES)
def test_main_supports_check_mode(name, monkeypatch):
    module = importlib.import_module("ansible_collections.riscv.k3s.plugins.modules." + name)

    def ask(argument_spec, **options):
        raise Asked(argument_spec, options)

    monkeypatch.setattr(module, "AnsibleModule", ask)
    with pytest.raises(Asked) as asked:
        module.main()
    argument_spec, options = asked.value.args
    assert argument_spec
    assert options["supports_check_mode"] is True
