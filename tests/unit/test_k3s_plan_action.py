# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action k3s_plan: it reads variables as they are, templates settings alone, asks the mirror only when it must."""

from __future__ import annotations

import pathlib
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from planning import CATALOGUE, COREDNS, PAUSE, asked, held, observed

from ansible_collections.riscv.k3s.plugins.action import k3s_plan
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

MIRROR = "reg:5000/stock"
NEVER = trust_as_template("{{ this_is_not_defined }}")


class HostVars:
    """As Ansible's, as far as an action may use it for speed."""

    def __init__(self, boards):
        self.boards, self.read = boards, []

    def raw_get(self, board):
        self.read.append(board)
        return self.boards[board]


@pytest.fixture(name="run")
def _run(tmp_path):
    return runner(tmp_path)


def runner(tmp_path):
    """A function that runs the action for boards {name: variables}."""

    def run(boards, play=None, hosts=None, answers=None, failed=None, **args):
        named = {
            name: dict(
                {"riscv_k3s_catalogue": CATALOGUE, "inventory_dir": str(tmp_path), "inventory_hostname": name}, **row
            )
            for name, row in boards.items()
        }
        hostvars = HostVars(named)
        names = list(boards) if hosts is None else hosts
        first = names[0]
        task_vars = dict(
            named[first],
            **(play or {}),
            hostvars=hostvars,
            groups={"server": [list(boards)[0]], "masters": []},
            ansible_play_batch=names,
            ansible_play_hosts=names,
            ansible_play_hosts_all=list(boards),
        )
        task = mock.Mock(args=args, async_val=0, check_mode=False, diff=False)
        templar = Templar(loader=DataLoader(), variables=task_vars)
        action = k3s_plan.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), templar, mock.Mock())
        action._execute_module = mock.Mock(
            return_value={"failed": True, "msg": failed} if failed else {"images": answers or []}
        )
        run.asked, run.hostvars = action._execute_module, hostvars
        return action.run(task_vars=task_vars)

    return run


def seen(*images, **more):
    return {"k3s_seen": observed([held(image) for image in images], **more)}


def test_a_fleet(run):
    result = run({"b1": seen(PAUSE, COREDNS), "b2": seen(demand=[asked(PAUSE)])})
    assert (result["changed"], result["waves"], result["servers"]) == (False, [["b2"]], ["b1"])
    assert run.asked.call_count == 0
    assert sorted(run.hostvars.read) == ["b1", "b2"], "each board's variables are put together once"


def test_settings_are_templated_in_the_words_of_their_board_and_nothing_else_is(run):
    settings = {"riscv_k3s_pull_retries": trust_as_template("{{ mine }}"), "other": NEVER, "vault": NEVER}
    result = run({"b1": dict(seen(), mine=7, **settings), "b2": dict(seen(), mine=8, **settings)})
    assert [plan["settings"]["pull_retries"] for plan in result["boards"].values()] == [7, 8]


def test_logins_are_not_even_templated_before_a_registry_is_asked(run):
    assert "failed" not in run({"b1": dict(seen(), riscv_k3s_registry_password=NEVER, riscv_k3s_target_images=NEVER)})


def test_a_setting_that_cannot_be_templated_is_named(run):
    result = run({"b1": dict(seen(), riscv_k3s_pinned=NEVER)})
    assert result["failed"] and result["what"] == "riscv_k3s_pinned cannot be templated" and result["where"] == "b1"
    assert "this_is_not_defined" in result["found"]


def test_a_mistake_is_told_once_and_nothing_is_planned(run):
    boards = {"b%d" % number: dict(seen(), riscv_k3s_regsitries={}) for number in range(4)}
    result = run(boards)
    assert result["failed"] and "did you mean riscv_k3s_registries?" in result["msg"] and "boards" not in result
    assert result["where"] == "b0, b1, b2 and 1 more"


def test_what_a_play_sets_holds_for_every_board(run):
    result = run({"b1": seen(), "b2": seen()}, play={"riscv_k3s_pull_retries": 9})
    assert {plan["settings"]["pull_retries"] for plan in result["boards"].values()} == {9}
    own = run({"b1": dict(seen(), riscv_k3s_pull_retries=1), "b2": dict(seen(), riscv_k3s_pull_retries=2)})
    assert [plan["settings"]["pull_retries"] for plan in own["boards"].values()] == [1, 2]


def test_the_mirror_is_asked_with_the_board_s_login_which_is_not_returned(run):
    access = {
        "riscv_k3s_registry": "reg:5000",
        "riscv_k3s_registry_username": "u",
        "riscv_k3s_registry_password": "hunter2",
    }
    row = {"image": MIRROR + "/rancher/mirrored-pause:3.6", "has_architecture": True, "cause": None}
    boards = {"b1": dict(seen(COREDNS), riscv_k3s_mirror_prefix=MIRROR, riscv_k3s_registries={}, **access)}
    result = run(boards, answers=[row])
    arguments = run.asked.call_args.kwargs["module_args"]
    assert arguments["images"] == [row["image"]] and arguments["architecture"] == "riscv64"
    assert arguments["registries"][0]["password"] == "hunter2" and "hunter2" not in str(result)
    assert [plan["fix"] for plan in result["boards"]["b1"]["images"]] == ["present", "mirror"]


def test_a_mirror_that_cannot_be_asked_at_all_ends_it(run):
    boards = {"b1": dict(seen(), riscv_k3s_mirror_prefix=MIRROR, riscv_k3s_registries={})}
    with mock.patch.object(k3s_plan.ActionModule, "_ask", autospec=True) as ask:
        ask.side_effect = k3s_plan.Problem("the mirror cannot be asked", found="skopeo was not found", where=MIRROR)
        result = run(boards)
    assert result["failed"] and result["found"] == "skopeo was not found"


def test_k3s_s_default_registry_is_asked_with_its_login_and_one_that_cannot_be_asked_ends_nothing(run):
    registry = "registry.example:5000"
    name = registry + "/rancher/mirrored-pause:3.6"
    auth = {"configs": {registry: {"auth": {"username": "u", "password": "hunter2"}}}}
    board = seen(demand=[asked(name)], config={"system-default-registry": registry, "disable": ["servicelb"]})
    boards = {"b1": dict(board, riscv_k3s_registries=auth)}
    result = run(boards, answers=[{"image": name, "has_architecture": True, "cause": None}])
    arguments = run.asked.call_args.kwargs["module_args"]
    assert arguments["images"] == [name] and arguments["registries"][0]["password"] == "hunter2"
    assert [plan["fix"] for plan in result["boards"]["b1"]["images"]] == ["mirror"]
    result = run(boards, failed="skopeo was not found")
    assert [plan["fix"] for plan in result["boards"]["b1"]["images"]] == ["tag"]
    assert any("skopeo was not found" in text for text in result["warnings"])


@pytest.mark.parametrize("own, told", [("registry.example:5000", True), ("other:5000", False)])
def test_publish_is_named_for_k3s_s_default_registry_where_that_is_the_private_one(run, own, told):
    registry = "registry.example:5000"
    name = registry + "/rancher/mirrored-pause:3.6"
    board = seen(demand=[asked(name)], config={"system-default-registry": registry, "disable": ["servicelb"]})
    boards = {"b1": dict(board, riscv_k3s_registry=own, riscv_k3s_registry_plain_http=True)}
    lacks = {"image": name, "has_architecture": False, "cause": "no-such-image", "message": "no"}
    result = run(boards, answers=[lacks])
    assert result["asked"] == {"riscv64": [{"image": name, "required": True, "below": registry}]}
    assert any("riscv.k3s.publish brings them" in text for text in result["warnings"]) == told


def test_boards_that_failed_are_lost_and_still_tell_what_they_are(run):
    result = run({"b1": seen(PAUSE, COREDNS), "b2": seen(PAUSE)}, hosts=["b1"])
    assert list(result["boards"]) == ["b1"] and result["lost"] == []
    gone = run({"b1": {}, "b2": seen(PAUSE, COREDNS)}, hosts=["b2"])
    assert gone["failed"] and "no server of the cluster was observed" in gone["msg"]


def test_the_lock_beside_the_inventory_is_honoured_and_one_that_is_named_must_be_there(run, tmp_path):
    digest = "sha256:" + "a" * 64
    row = _lock.Locked(PAUSE, "riscv64", "reg:5000/riscv64/pause:3.10", "reg:5000", digest, 7, "2026-11-24T00:00:00Z")
    assert run({"b1": seen()})["boards"]["b1"]["digests"] == {}
    (tmp_path / k3s_plan.LOCK).write_text(_lock.render({(PAUSE, "riscv64"): row}))
    assert run({"b1": seen()})["boards"]["b1"]["digests"] == {row.source: digest}
    assert run({"b1": seen()}, lock_file="")["boards"]["b1"]["digests"] == {}
    assert run({"b1": dict(seen(), riscv_k3s_lock_file="")})["boards"]["b1"]["digests"] == {}
    missing = run({"b1": dict(seen(), riscv_k3s_lock_file=str(tmp_path / "none.yml"))})
    assert missing["failed"] and missing["where"].endswith("none.yml") and "riscv_k3s_lock_file" in missing["next_step"]


def test_the_undo_is_planned_from_the_observation_that_is_named(run):
    journal = {"files": {}, "images": {}, "error": None, "lease": None}
    result = run({"b1": {"undo_seen": observed(journal=journal)}}, state="absent", observed="undo_seen")
    assert (result["changes"], result["lines"]) == (0, ["b1: nothing to take back"])


def test_what_a_board_is_goes_before_the_inventory_and_a_difference_is_told(run):
    of_agent = seen(PAUSE, COREDNS, k3s={"version": "v1.24.2+k3s2", "role": "agent"})
    of_server = seen(PAUSE, COREDNS, k3s={"version": "v1.24.2+k3s2", "role": "server"})
    result = run({"b1": of_agent, "b2": of_server})
    assert (result["servers"], result["first_server"]) == (["b2"], "b2")
    assert [text[:3] for text in result["warnings"]] == ["b1:", "b2:"]
    assert result["boards"]["b1"]["service"] == "k3s-agent"


def test_a_group_of_servers_that_is_not_there_ends_it(run):
    result = run({"b1": dict(seen(), riscv_k3s_server_group="contrl")})
    assert result["failed"] and result["what"] == "there is no group contrl"


def test_the_setting_that_no_play_can_see_is_told(run):
    result = run({"b1": dict(seen(), riscv_k3s_hosts="boards")})
    assert any("riscv_k3s_hosts in the inventory has no effect" in text for text in result["warnings"])


def test_what_the_table_says_is_no_warning_of_ansible_too_where_the_table_is_shown(run):
    own = [{"stock": "docker.io/rancher/mirrored-pause", "source": "reg:5000/pause:1"}]
    old = {"version": "1.6.20", "pins": False}
    of_board = dict(seen(demand=[asked(PAUSE)], containerd=old), riscv_k3s_catalogue=own)
    boards = {"b1": dict(of_board, riscv_k3s_hosts="boards")}
    told = {warn: run(boards, warn=warn)["warnings"] for warn in (True, False)}
    assert len(told[True]) == 2 and told[False] == told[True][:1] and "riscv_k3s_hosts" in told[False][0]
    assert "warning: " + told[True][1] in " ".join(run(boards, warn=False)["table"])


def test_what_shows_the_table_turns_the_warnings_off():
    root = pathlib.Path(__file__).resolve().parents[2]
    observes = [path for path in root.glob("playbooks/*.yml") if "name: riscv.k3s.observe\n" in path.read_text()]
    assert {path.stem for path in observes} == {"plan", "site", "publish"}
    for path in observes:
        text = path.read_text()
        assert text.count("observe_warn: false") == text.count("name: riscv.k3s.observe\n")
    for path in root.glob("roles/observe/tasks/*.yml"):
        assert path.read_text().count('warn: "{{ observe_warn }}"') == path.read_text().count("riscv.k3s.k3s_plan:")


def fresh(**variables):
    """A board without k3s."""
    k3s = {"installed": False, "running": None, "role": None, "version": None}
    journal = {"files": {}, "images": {}, "error": None}
    looked = dict(observed(), k3s=k3s, images=None, machine="riscv64", manager="systemd", journal=journal, api={})
    given = {"riscv_k3s_target_version": "v1.36.3+k3s1", "riscv_k3s_binary": "/k3s", "k3s_seen": looked}
    return dict(given, **variables)


def test_no_other_plan_reads_what_k3s_is_told(run):
    names = ("riscv_k3s_server_config", "riscv_k3s_token", "token", "api_endpoint", "extra_server_args")
    assert not run({"b1": dict(seen(PAUSE, COREDNS), **dict.fromkeys(names, NEVER))}).get("failed")


def test_an_installation_reads_it_but_never_the_token(run):
    told = {"extra_server_args": trust_as_template("--disable {{ what }}"), "what": "traefik", "token": NEVER}
    result = run({"b1": fresh(**told)}, state="installed")
    install = result["boards"]["b1"]["install"]
    assert install["action"] == "install" and install["token"]["change"], result
    assert result["lines"][0].startswith("b1: install k3s v1.36.3+k3s1 as server")
    assert not any("traefik" in row["image"] for row in result["boards"]["b1"]["images"])
    assert run({"b1": fresh(riscv_k3s_server_config=NEVER)}, state="installed")["failed"]


def test_variables_of_other_collections_that_have_no_effect_are_told(run):
    """k3s-io/k3s-ansible#237, timothystewart6/k3s-ansible#397: a proxy that nobody sets up."""
    told = {"proxy_env": {"HTTP_PROXY": "http://p:1"}, "k3s_token": NEVER, "extra_service_envs": [], "k3s_server": {}}
    lines = [line for line in run({"b1": fresh(**told)}, state="installed")["lines"] if "another collection" in line]
    assert [line.split()[1] for line in lines] == ["k3s_token", "proxy_env"]
    assert "say it by riscv_k3s_token" in lines[0] and "/etc/default/k3s" in lines[1]
    assert not any("proxy_env" in line for line in run({"b1": seen(PAUSE, **told)})["lines"])


def test_a_mistake_in_what_k3s_is_told_is_told(run):
    result = run({"b1": fresh(riscv_k3s_server_config={"token": "hunter2"})}, state="installed")
    assert result["failed"] and "riscv_k3s_token" in result["msg"] and "hunter2" not in result["msg"]


def test_boards_without_k3s_count_as_what_they_will_be_where_that_is_asked(run):
    result = run({"b1": fresh()}, blank=True)
    images = {row["image"].rpartition("/")[2] for row in result["asked"]["riscv64"]}
    assert {"mirrored-pause:3.10.2", "mirrored-coredns-coredns:1.14.6"} <= images
    assert result["blank"] == ["b1"] and run({"b1": seen(PAUSE, COREDNS)}, blank=True)["blank"] == []
    assert run({"b1": fresh(riscv_k3s_target_version=None)}, blank=True)["failed"]
    # Those that run are read no further than before.
    assert not run({"b1": dict(seen(PAUSE, COREDNS), riscv_k3s_server_config=NEVER)}, blank=True).get("failed")
