# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What install does on one board, from all that may be there: nothing, half of it, another one's, a cut in between."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.board import Place
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.config import Form
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.units import unit
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read

URL = "https://10.0.0.1:6443"
VERSION = "v1.36.3+k3s1"
FIRST, ONLY = Place("server", True, True), Place("server", True)
SERVER, AGENT = Place("server", url=URL, has_others=True), Place("agent", url=URL)
READY = {"is_ready": True}
UNIT = {
    "server": unit("systemd", "server", "/usr/local/bin/k3s"),
    "agent": unit("systemd", "agent", "/usr/local/bin/k3s"),
}


def settings_of(**variables):
    given = dict({"target_version": VERSION, "binary": "/k3s"}, **variables)
    return read({"b": {"riscv_k3s_" + name: value for name, value in given.items()}})["b"]


def entry(text, **more):
    digest = sha256(text.encode())
    found = {"kind": "install", "sha256": digest, "current": digest, "previous": None, "before": None, "loaded": True}
    return dict(found, **more)


def blank(**more):
    k3s = {"installed": False, "running": None, "role": None, "version": None}
    seen = {"hostname": "b", "machine": "riscv64", "manager": "systemd", "k3s": k3s, "journal": {"files": {}}}
    return dict(seen, data_dir="/var/lib/rancher/k3s", **more)


def ours(place, form, running=True, role=True, installed=True, files=None, now=None):
    """A board on which k3s was installed with a form of its config.yaml."""
    own = UNIT[place.role]
    written = {_config.PATH: entry(_config.text({}, form)), own.path: entry(own.text)}
    written.update({_config.TOKEN: entry("x")} if form.token_file else {}, **(files or {}))
    k3s = {"installed": installed, "running": running, "role": place.role if role else None, "version": VERSION}
    settings = {key: value for key, value in (("server", form.server), ("cluster-init", form.init and "true")) if value}
    return dict(blank(), k3s=k3s, journal={"files": written}, file_settings=settings if now is None else now)


def decide(seen, place, **variables):
    return _board.decide(seen, settings_of(**variables), place, "b")


@pytest.mark.parametrize(
    "place, form",
    [
        (ONLY, Form()),
        (ONLY._replace(has_token=True), Form(token_file=True)),
        (FIRST, Form(init=True)),
        (FIRST._replace(is_external=True), Form()),
        (SERVER, Form(URL, token_file=True)),
        (SERVER._replace(is_external=True), Form(token_file=True)),
        (AGENT, Form(URL, token_file=True)),
    ],
)
def test_a_new_board(place, form):
    made = decide(blank(), place)
    assert (made["action"], made["config"]["form"]) == ("install", form._asdict())
    assert made["config"]["change"] and made["unit"]["change"] and made["token"]["change"] == form.token_file
    assert made["binary"]["version"] == VERSION and made["changes"] == 3 and not made["restart"]


def test_one_server_begins_with_etcd_where_the_inventory_says_so():
    assert decide(blank(), ONLY, server_config={"cluster-init": True})["config"]["form"]["init"]


@pytest.mark.parametrize(
    "place, form", [(FIRST, Form(init=True)), (ONLY, Form()), (SERVER, Form(URL, token_file=True)), (AGENT, Form(URL))]
)
def test_a_board_that_is_as_wanted(place, form):
    made = decide(ours(place, form), place._replace(**READY))
    assert (made["action"], made["changes"], made["binary"]) == ("nothing", 0, None)


@pytest.mark.parametrize(
    "change, action, restart",
    [
        # Cut short before the first start.
        ({"role": False, "running": None}, "install", False),
        ({"role": False, "running": None, "installed": False}, "install", False),
        # Its program was removed.
        ({"installed": False, "running": None}, "install", False),
        ({"running": False}, "start", False),
        ({"running": None}, "start", False),
        # Written, and cut short before the restart.
        ({"files": {_config.PATH: entry(_config.text({}, Form()), loaded=False)}}, "converge", True),
        # Somebody edited it.
        ({"files": {_config.PATH: entry(_config.text({}, Form()), current="0")}}, "converge", True),
        ({"files": {_config.PATH: entry(_config.text({}, Form()), current=None)}}, "converge", True),
        ({"files": {UNIT["server"].path: entry("other")}}, "converge", True),
    ],
)
def test_what_is_done_where_it_was_cut_short_or_differs(change, action, restart):
    made = decide(ours(ONLY, Form(), **change), ONLY._replace(**READY))
    assert (made["action"], made["restart"]) == (action, restart) and made["changes"] > 0


def test_one_that_is_not_ready_is_only_waited_for():
    made = decide(ours(ONLY, Form()), ONLY)
    assert (made["action"], made["config"]["change"], made["unit"]["change"]) == ("wait", False, False)


@pytest.mark.parametrize(
    "change, place, variables, gets",
    [
        ({"running": False}, ONLY, {}, True),
        ({}, ONLY, {}, True),
        ({}, ONLY._replace(is_ready=True), {}, False),
        # That is an upgrade.
        ({}, ONLY, {"target_version": "v1.37.1+k3s1"}, False),
        ({}, ONLY, {"binary": None}, False),
    ],
)
def test_one_that_does_not_become_ready_may_get_another_program_of_its_version(change, place, variables, gets):
    made = decide(ours(ONLY, Form(), **change), place, **variables)
    assert bool(made["binary"]) == gets and made["action"] in ("start", "wait", "nothing")


def test_an_option_that_differs_is_written_and_k3s_restarted():
    made = decide(ours(ONLY, Form()), ONLY._replace(**READY), server_config={"debug": True})
    assert made["action"] == "converge" and made["config"]["change"] and not made["unit"]["change"]


def test_a_server_that_was_alone_gets_etcd_when_a_second_one_comes():
    made = decide(ours(ONLY, Form()), FIRST._replace(**READY))
    assert (made["action"], made["config"]["form"]["init"]) == ("converge", True)


def test_a_server_stays_where_it_is_in_its_cluster():
    """Another one is the first now, since this one did not answer; it has not joined that."""
    made = decide(ours(FIRST, Form(init=True)), SERVER._replace(**READY))
    assert (made["action"], made["config"]["form"]) == ("nothing", Form(init=True)._asdict())
    joined = Form("https://10.0.0.9:6443", token_file=True)
    assert decide(ours(SERVER, joined), FIRST._replace(**READY))["action"] == "nothing"


def test_a_token_of_the_inventory_changes_no_board_that_has_run():
    made = decide(ours(ONLY, Form()), ONLY._replace(has_token=True, **READY))
    assert (made["action"], made["token"]["change"]) == ("nothing", False)


@pytest.mark.parametrize(
    "k3s, why",
    [
        ({"installed": True}, "site works with it all the same"),
        ({"running": True}, "site works with it all the same"),
        # Its data are there, and nobody is told to remove them.
        ({"without_program": "k3s runs here as server", "role": "server"}, "k3s runs here as server"),
    ],
)
def test_somebody_elses_k3s_is_left_alone(k3s, why):
    seen = blank()
    made = decide(dict(seen, k3s=dict(seen["k3s"], **k3s), manager=None), ONLY)
    assert (made["action"], made["changes"]) == ("left", 0) and made["why"].endswith(why)


def test_nobody_is_told_to_remove_data():
    with pytest.raises(Problem, match="start the k3s whose data these are, or move") as caught:
        decide(dict(blank(), k3s=dict(blank()["k3s"], role="server")), ONLY)
    assert "remove" not in str(caught.value)


@pytest.mark.parametrize(
    "seen, place, told",
    [
        (dict(blank(), manager=None), ONLY, "neither systemd nor OpenRC"),
        (dict(blank(), journal={"files": {}, "error": "it breaks off"}), ONLY, "it breaks off"),
        (dict(blank(), k3s=dict(blank()["k3s"], role="server")), ONLY, "data of a k3s"),
        (ours(AGENT, Form(URL)), ONLY, "installed as agent, and the inventory says server"),
        (ours(ONLY, Form()), AGENT, "installed as server, and the inventory says agent"),
    ],
)
def test_what_is_refused(seen, place, told):
    with pytest.raises(Problem, match=told):
        decide(seen, place)


@pytest.mark.parametrize(
    "variables, told",
    [
        ({"binary": None}, "riscv_k3s_binary is not set"),
        ({"binary": "https://h/k3s"}, "without a checksum"),
    ],
)
def test_a_program_that_cannot_be_had(variables, told):
    with pytest.raises(Problem, match=told):
        decide(blank(), ONLY, **variables)
    # Where k3s runs, none is needed.
    assert decide(ours(ONLY, Form()), ONLY._replace(**READY), **variables)["action"] == "nothing"


def test_a_package_instead_of_a_program():
    made = decide(blank(), ONLY, package="k3s", binary=None)
    assert (made["package"], made["binary"]) == ("k3s", None) and "/usr/bin/k3s server" in made["unit"]["text"]


def test_another_version_is_for_upgrade():
    made = decide(ours(ONLY, Form()), ONLY._replace(**READY), target_version="v1.37.1+k3s1")
    assert made["action"] == "nothing" and "riscv.k3s.upgrade" in made["warnings"][0]
