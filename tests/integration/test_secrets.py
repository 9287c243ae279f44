# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry with TLS and a password: images are pushed there, boards pull from there, and its password is nowhere but
in registries.yaml.

One story, many questions. The password reaches Ansible by its environment; an argument would show it to every user of
the machine.
"""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import shutil
from typing import Any, NamedTuple

import modules
import pytest
import yaml
from private_registry import HOST, USER, Private, Watch, files_with
from runs import play

CA = "/etc/ssl/certs/lab-private-registry.pem"
BUILD, LOUD = "riscv.k3s.oci_image_build", ("-vvvv", "--diff")
# k3s writes what containerd needs from registries.yaml into the configuration of containerd, readable by root alone.
ALLOWED = {"/etc/rancher/k3s/registries.yaml", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"}
PASSWORD = "{{ lookup('ansible.builtin.env', 'LAB_PASSWORD') }}"


class Story(NamedTuple):
    """What was seen, chapter by chapter."""

    built: Any
    again: Any
    refused: Any
    elsewhere: Any
    checked: Any
    healed: Any
    settled: Any
    locked: Any
    wrong: str
    watch: Watch


@pytest.fixture(scope="module", name="private")
def _private(lab, tmp_path_factory):
    """The registry, and boards that are broken and trust its authority. Afterwards they know the lab's own registry
    alone.
    """
    lab.lab("reset")
    private = Private(lab, tmp_path_factory.mktemp("private"))
    try:
        private.start()
        for board in (lab.server, lab.agent):
            lab.write(board, CA, private.ca_file.read_text(encoding="ascii"))
        yield private
    finally:
        private.stop()
    for board in (lab.server, lab.agent):
        lab.exec(board, ["rm", CA])
    modules.connect_boards(lab, tmp_path_factory.mktemp("connect"))


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    """What the controller may write: its home and its temporary folders."""
    folder = tmp_path_factory.mktemp("controller")
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module", name="story")
def _story(lab, private, folder):
    variables = {
        "riscv_k3s_registry": HOST,
        "riscv_k3s_registry_username": USER,
        "riscv_k3s_registry_password": PASSWORD,
        "riscv_k3s_registry_ca_file": str(private.ca_file),
        "riscv_k3s_lock_file": "",
        "riscv_k3s_registries": {
            "mirrors": {HOST: {"endpoint": ["https://" + HOST]}},
            "configs": {HOST: {"auth": {"username": USER, "password": PASSWORD}, "tls": {"ca_file": CA}}},
        },
    }
    given = folder / "given.yml"
    given.write_text(yaml.safe_dump(variables), encoding="utf-8")
    environment = {
        "LAB_PASSWORD": private.password,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(modules.CACHE),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        # The module and its arguments in files, where the other runs send them through a pipe.
        "ANSIBLE_PIPELINING": "0",
    }
    wrong = secrets.token_hex(10)

    def run(playbook, *options, check=True, **changed):
        return play(
            lab,
            "riscv.k3s." + playbook,
            "-e",
            "@%s" % given,
            *options,
            check=check,
            extra_env=dict(environment, **changed),
        )

    # The same programs on what could be another machine: other paths, other times, for another registry.
    programs = "riscv.k3s/programs"
    shutil.copytree(modules.CACHE / programs, folder / "cache" / programs, symlinks=True, copy_function=shutil.copy)
    (folder / "tmp2").mkdir()
    other = {
        "riscv_k3s_registry": lab.registry,
        "riscv_k3s_registry_plain_http": True,
    }
    with Watch() as watch:
        built = run("build_images", *LOUD)
        again = run("build_images", *LOUD)
        refused = run("build_images", *LOUD, check=False, LAB_PASSWORD=wrong)
        elsewhere = run(
            "build_images",
            "-e",
            json.dumps(other),
            TMPDIR=str(folder / "tmp2"),
            XDG_CACHE_HOME=str(folder / "cache"),
        )
        checked = run("site", "--check", *LOUD, ANSIBLE_PIPELINING="1")
        healed = run("site", *LOUD)
        settled = run("site", *LOUD, ANSIBLE_PIPELINING="1")
        locked = run("lock", *LOUD, "-e", "riscv_k3s_lock_file=%s" % (folder / "images.lock.yml"))
    return Story(built, again, refused, elsewhere, checked, healed, settled, locked, wrong, watch)


def images(run):
    """{image without its registry: what its build says} of a run of build_images."""
    return {row["image"].partition("/")[2]: row for row in run.results(BUILD)["localhost"]["results"]}


def test_second_build_pushes_nothing(story):
    assert len(images(story.built)) == 5 and all(row["layers_pushed"] for row in images(story.built).values())
    assert [(row["changed"], row["layers_pushed"]) for row in images(story.again).values()] == [(False, [])] * 5


def test_two_controllers_build_the_same(story):
    first, second = (
        {name: row["digest"] for name, row in images(run).items()} for run in (story.built, story.elsewhere)
    )
    assert first == second and all(row["layers_pushed"] for row in images(story.elsewhere).values())


def test_a_wrong_password_is_told(story):
    assert story.refused.rc != 0
    assert "the registry refuses user builder" in story.refused.text and "correct the password" in story.refused.text
    assert "Traceback" not in story.refused.text and story.wrong not in story.refused.text


def test_boards_are_healed_from_there(lab, story):
    assert story.checked.changes == story.healed.changes
    assert "All healthy." in story.healed.text
    assert story.settled.changed == {"board-1": 0, "board-2": 0}
    for board in (lab.server, lab.agent):
        assert {name for name in modules.image_names(lab, board) if name.startswith(HOST)}
        assert lab.exec(board, "stat -c %a /etc/rancher/k3s/registries.yaml").stdout.strip() == "600"


def test_not_in_what_ansible_says(story, private):
    for name, run in story._asdict().items():
        if hasattr(run, "rows"):
            said = run.text + json.dumps(run.rows)
            assert not [form for form in private.forms if form in said], name


def test_not_in_argument_lists(story, private):
    seen = b"\n".join(story.watch.commands)
    assert b"ansible-playbook" in seen and b"docker-registry" in seen
    assert not [form for form in private.forms if form.encode() in seen]


def test_not_in_the_system_log(story, private):
    seen = b"\n".join(story.watch.messages)
    assert b"ansible-" in seen
    assert not [form for form in private.forms if form.encode() in seen]


def test_not_in_files_of_boards(lab, story, private):
    """In all that a board wrote since it was made: the layer over the machine's own files, its disk, and what is in
    memory.
    """
    found = {}
    for path in files_with(private.forms, lab.state):
        board, _sep, inside = path.partition("/disk")
        found.setdefault(pathlib.Path(board).name, set()).add(inside or path)
    assert found == dict.fromkeys((lab.server, lab.agent), ALLOWED)
    # What was asked of a board by ssh, word for word, stands there, too.
    assert lab.read(lab.server, "/var/log/ssh-sessions.log")
    for board in (lab.server, lab.agent):
        done = lab.exec(board, "grep -rlaFs -D skip -f - /tmp /run /dev/shm || true", input="\n".join(private.forms))
        assert done.stdout.split() == []


def test_not_in_files_of_the_controller(story, private, folder):
    assert story.locked.rc == 0 and (folder / "images.lock.yml").exists()
    assert files_with([story.wrong, *private.forms], folder, private.folder) == []
    assert os.path.getsize(folder / "ansible.log") > 1000


@pytest.mark.parametrize(
    "registries",
    [
        {"configs": {HOST: {"auth": {"username": USER, "pasword": PASSWORD}}}},
        {"configs": {HOST: {"auth": USER + ":" + PASSWORD}}},
        {"mirrors": {HOST: {"endpoint": [USER + ":" + PASSWORD + "@" + HOST]}}},
        {"mirrors": {HOST: {"endpoint": "https://%s:%s@%s" % (USER, PASSWORD, HOST)}}},
        {"mirrors": {HOST: {"endpoint": ["https://%s:%s@%s" % (USER, PASSWORD, HOST)]}}},
    ],
)
def test_not_in_errors_about_registries(lab, tmp_path, registries):
    wrong = secrets.token_hex(10)
    given = tmp_path / "given.yml"
    given.write_text(yaml.safe_dump({"riscv_k3s_registries": registries}), encoding="utf-8")
    run = play(
        lab, "riscv.k3s.site", "--check", "-e", "@%s" % given, "-vvv", check=False, extra_env={"LAB_PASSWORD": wrong}
    )
    assert run.rc != 0 and "riscv_k3s_registries" in run.text
    assert wrong not in run.text + json.dumps(run.rows)
