# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boards with the shells, tools and service managers of distributions, none of which has Python: what is read of each,
planned and diagnosed, is the same.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest
from boards import HERE, STOCK
from userlands import KINDS, MANAGERS, userland

from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import script as boards_script
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import script as enroll_script
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import argument, build_script

TOKEN = "riscv-k3s-0123456789abcdef"
PARTS = ("k3s", "config", "manifests", "registries", "journal", "images", "sandboxes", "disk")
AGENTS = ["agent-%02d" % number for number in range(1, len(KINDS) + 2)]
# The first one has what this machine has.
LANDS = dict(zip(AGENTS[1:], KINDS))


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    """Healthy boards."""
    found = {kind: userland(kind) for kind in KINDS}
    fleet = make_fleet(servers=1, agents=len(AGENTS), riscv_k3s_serial=["100%"])
    fleet.play(check=0)
    for name, kind in LANDS.items():
        fleet.settle(name, found[kind], KINDS[kind][2])
    return fleet


def enter(fleet, name, command, data=b""):
    """Run a command on a board, as its connection does."""
    words = ["unshare", "--mount", "--propagation", "private", str(HERE / "enter")]
    words += [str(fleet.folder / "boards" / name), command]
    environment = dict(os.environ, FLEET=str(fleet.folder))
    return subprocess.run(words, env=environment, input=data, capture_output=True, timeout=60, check=False)


def seen(fleet, name, parts=PARTS, blank=False):
    script = build_script(TOKEN, parts, programs={}, blank=blank)
    done = enter(fleet, name, "/bin/sh -c " + shlex.quote(argument(script)))
    assert done.stderr == b"", done.stderr
    return observe(done.stdout.decode(), TOKEN, parts, "riscv64", False, blank=blank)


def alike(value, name):
    """What is seen, without what tells boards apart."""
    text = re.sub(
        r"'(uptime|machine_id|manager|hostname|k3s_started|mtime|available|total|used|free)[a-z_]*': [^,}]*",
        "",
        repr(value),
    )
    return text.replace(name, "BOARD")


EACH = pytest.mark.parametrize("name", LANDS, ids=LANDS.get)


@EACH
@pytest.mark.parametrize("state", [{}, {"store": {}}, {"running": False}], ids=["healthy", "no images", "down"])
def test_each_tells_the_same(fleet, name, state):
    was = fleet.state("agent-01")
    fleet.set(name, **state)
    fleet.set("agent-01", **state)
    try:
        assert alike(seen(fleet, name), name) == alike(seen(fleet, "agent-01"), "agent-01")
    finally:
        fleet.set(name, **was)
        fleet.set("agent-01", **was)


@EACH
def test_which_service_manager_install_writes_for(fleet, name):
    assert seen(fleet, name, parts=("k3s", "disk"), blank=True)["manager"] == MANAGERS[LANDS[name]]


@EACH
def test_a_diagnosis_reads_its_system(fleet, name):
    """The parts for a diagnosis and for prepare, where programs of distributions differ most."""
    result = seen(fleet, name, (*PARTS, "preflight", "system", "service_state", "last_words"))
    assert [error for error in result["errors"] if error["section"] != "api"] == []
    assert result["preflight"]["init"] == MANAGERS[LANDS[name]]


@EACH
def test_scripts_of_enrolment_run(fleet, name):
    """What the inventory plugin asks, and the first look of enroll."""
    for sent in (boards_script.command(TOKEN), enroll_script.command("look", TOKEN)):
        done = enter(fleet, name, sent.command, sent.data)
        own = enter(fleet, "agent-01", sent.command, sent.data)
        marks = [re.findall(rb"(?m)^%s[<>].*" % TOKEN.encode(), text.stdout) for text in (done, own)]
        assert marks[0] == marks[1] and marks[0], done.stdout + done.stderr
        assert b"not found" not in done.stdout + done.stderr


def test_plan_and_site_say_the_same_of_each(fleet):
    run = fleet.play(check=0)
    assert run.changed == 0 and "All healthy." in run.text
    for name in AGENTS:
        fleet.set(name, store={})
    run = fleet.play(playbook="riscv.k3s.plan", check=0)
    assert run.text.count(", ".join(AGENTS) + ": tag ") == len(STOCK), run.text
    rows = [line.split() for line in run.text.splitlines() if "riscv64  " in line]
    assert len({tuple(row[1:]) for row in rows if row[0] in AGENTS}) == 1, run.text
