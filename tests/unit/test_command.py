# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs: no shell, a timeout, and errors that say what ran."""

from __future__ import annotations

import pytest
from ansible_collections.riscv.k3s.plugins.module_utils._command import Runner
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._programs import Programs
from fakes import FakeRunner


def test_arguments_are_not_seen_by_a_shell():
    assert Runner().run(["printf", "%s|", "$HOME", "a b", "; false"]).out == "$HOME|a b|; false|"


def test_input_and_locale():
    assert Runner().run(["sh", "-c", "cat; printf %s $LC_ALL"], stdin="in ").out == "in C"


def test_failure_names_the_command_and_its_last_words():
    with pytest.raises(Problem) as caught:
        Runner().run(["sh", "-c", "echo one >&2; echo two >&2; exit 3"])
    assert "exit status 3" in str(caught.value) and "one | two" in str(caught.value)


def test_failure_can_be_looked_at_instead():
    assert Runner().run(["false"], check=False).rc == 1


def test_missing_program():
    with pytest.raises(Problem, match="no-such-program was not found"):
        Runner().run(["no-such-program"])


def test_timeout():
    with pytest.raises(Problem, match="did not finish within 0.2 seconds"):
        Runner().run(["sleep", "5"], timeout=0.2)


@pytest.mark.parametrize(
    "params, call, argv",
    [
        ({"k3s": "/opt/k3s"}, ("crictl", "images"), ["/opt/k3s", "crictl", "images"]),
        ({"k3s": "/opt/k3s"}, ("ctr", "images", "ls"), ["/opt/k3s", "ctr", "--namespace", "k8s.io", "images", "ls"]),
        ({"k3s": "/opt/k3s"}, ("kubectl", "get"), ["/opt/k3s", "kubectl", "get"]),
        (
            {"crictl": "/usr/bin/crictl", "containerd_address": "/run/containerd/containerd.sock"},
            ("crictl", "images"),
            [
                "/usr/bin/crictl",
                "--runtime-endpoint",
                "unix:///run/containerd/containerd.sock",
                "--image-endpoint",
                "unix:///run/containerd/containerd.sock",
                "images",
            ],
        ),
        (
            {"k3s": "/opt/k3s", "ctr": "/usr/bin/ctr", "containerd_address": "/run/c.sock"},
            ("ctr", "version"),
            ["/usr/bin/ctr", "--address", "/run/c.sock", "--namespace", "k8s.io", "version"],
        ),
    ],
)
def test_programs_are_called(params, call, argv):
    runner = FakeRunner([(argv, "")])
    getattr(Programs(params, runner, is_root=True), call[0])(*call[1:])


def test_programs_need_root():
    with pytest.raises(Problem, match="become: true"):
        Programs({"k3s": "/opt/k3s"}, is_root=False)


def test_no_k3s_on_the_board(monkeypatch):
    monkeypatch.setattr(Programs, "_look_for", lambda self, name: None)
    with pytest.raises(Problem, match="k3s was not found on this board"):
        Programs({}, is_root=True).crictl("images")
