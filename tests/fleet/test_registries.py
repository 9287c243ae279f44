# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registries.yaml of somebody else, on simulated boards with the real playbooks: kept or refused, never lost unsaid."""

from __future__ import annotations

import os

import pytest
import yaml

WANTED = {"mirrors": {"registry.example:5000": {"endpoint": ["http://registry.example:5000"]}}}
FOREIGN = """\
# by hand
mirrors:
  quay.io: {endpoint: ["https://hunter1:hunter2@corp"]}
configs:
  corp: {auth: {username: reader, password: hunter3}}
"""
OURS = "hunter4"
NAMES = ("configs.corp.auth", "mirrors.quay.io.endpoint")


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    own = {"configs": {"registry.example:5000": {"auth": {"username": "u", "password": OURS}}}}
    return make_fleet(servers=1, agents=2, riscv_k3s_registries={**WANTED, **own})


@pytest.fixture(name="path")
def _path(fleet):
    return fleet.folder / "boards/agent-02/etc/rancher/k3s/registries.yaml"


def play(fleet, *args, **options):
    """A run none of whose output, however much is asked for, holds a secret."""
    run = fleet.play(*args, **options)
    assert "hunter" not in run.text
    return run


def test_1_the_plan_names_what_would_go_and_shows_a_redacted_diff(fleet, path):
    path.write_text(FOREIGN)
    before = fleet.look()
    run = play(fleet, "--diff", "-vvv", playbook="riscv.k3s.plan", check=0)
    assert all(name in run.text for name in NAMES) and "riscv_k3s_registries_merge: true" in run.text
    assert "********" in run.text and "https://***@corp" in run.text
    assert fleet.touched(before) == []


def test_2_site_refuses_before_anything_is_changed_also_in_check_mode(fleet, path):
    before = fleet.look()
    for mode in (["--check"], ["-vvv"]):
        run = play(fleet, *mode, check=2)
        assert all(name in run.text for name in NAMES) and "agent-02: " in run.text
        assert "wave 1 of" in run.text and "PLAY [Change the boards" not in run.text
    assert fleet.touched(before) == [] and path.read_text() == FOREIGN


def test_3_the_role_by_itself_refuses_too(fleet, path):
    alone = fleet.folder / "alone.yml"
    tasks = [{"ansible.builtin.include_role": {"name": "riscv.k3s.start"}}]
    alone.write_text(yaml.safe_dump([{"hosts": "agent", "gather_facts": False, "become": True, "tasks": tasks}]))
    run = play(fleet, "--limit", "agent-02", playbook=str(alone), check=2)
    assert "configs.corp.auth" in run.text and path.read_text() == FOREIGN


def test_4_what_is_kept_is_kept_by_site_as_check_mode_says(fleet, path):
    merge = ("-e", "riscv_k3s_registries_merge=true")
    predicted = play(fleet, "--check", "--diff", *merge, check=0)
    assert path.read_text() == FOREIGN
    done = play(fleet, "-vvv", *merge, check=0)
    assert predicted.changed and done.changed and "kept of it: configs.corp.auth, mirrors.quay.io.endpoint" in done.text
    merged, foreign = yaml.safe_load(path.read_text()), yaml.safe_load(FOREIGN)
    assert merged["mirrors"] == {**WANTED["mirrors"], **foreign["mirrors"]}
    assert sorted(merged["configs"]) == ["corp", "registry.example:5000"]
    assert yaml.safe_load(path.parents[4].joinpath("agent-01/etc/rancher/k3s/registries.yaml").read_text())


def test_5_the_second_run_changes_nothing_and_needs_no_python(fleet, path):
    before = fleet.look()
    fleet.commands()
    run = play(fleet, "-e", "riscv_k3s_registries_merge=true", check=0)
    assert run.changed == 0 and fleet.touched(before) == []
    assert fleet.commands() == dict.fromkeys(fleet.boards, 1)


def test_6_without_the_setting_what_was_kept_would_go_and_is_refused(fleet, path):
    before = fleet.look()
    run = play(fleet, check=2)
    assert all(name in run.text for name in NAMES) and fleet.touched(before) == []


def test_7_undo_brings_the_former_file_back_byte_for_byte(fleet, path):
    play(fleet, "-vvv", playbook="riscv.k3s.undo", check=0)
    assert path.read_text() == FOREIGN


def test_8_a_file_that_cannot_be_read_is_one_error_and_the_board_is_left_alone(fleet, path):
    path.write_text("configs: {corp: {auth: {password: *hunter5}}}\n")
    before = fleet.look()
    run = play(fleet, "-vvv", check=2)
    assert "NOT KNOWN: agent-02: registries.yaml: " in run.text and "cannot be read" in run.text
    assert "agent-02" not in fleet.touched(before)


def test_9_what_would_end_k3s_at_its_next_start_is_told_and_k3s_is_not_restarted_there(fleet, path):
    """A file that the inventory leaves alone."""
    path.write_text("mirrors:\n  quay.io:\n    endpoint: https://hunter1:hunter2@corp\n")
    rendered = path.parents[4].joinpath("agent-02/var/lib/rancher/k3s/agent/etc/containerd/config.toml")
    rendered.parent.mkdir(parents=True, exist_ok=True)
    rendered.touch()
    os.utime(path, (rendered.stat().st_mtime + 60,) * 2)
    left_alone = ("-e", '{"riscv_k3s_registries": null}')
    run = play(fleet, *left_alone, playbook="riscv.k3s.plan", check=0)
    said = "k3s on agent-02 could not read its files when it starts next. Found: "
    said += "/etc/rancher/k3s/registries.yaml line 3: endpoint in"
    assert said in run.text
    before = fleet.look()
    run = play(fleet, *left_alone, "-e", "riscv_k3s_fixes=preload", check=2)
    assert said in run.text and fleet.touched(before) == []
