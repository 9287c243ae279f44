# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs: no shell, a timeout, and errors that say what ran."""

from __future__ import annotations

import os
import time

import pytest
from fakes import FakeRunner

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import (
    SEARCH_PATH,
    OwnPathRunner,
    Runner,
    TimedOut,
    find_program,
)
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


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


def test_whose_path_goes_first(tmp_path, monkeypatch):
    """On a board the system's, which sudo often cuts; on the controller the user's, also for what a program starts."""
    (tmp_path / "true").write_text("#!/bin/sh\necho own\n")
    (tmp_path / "true").chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tmp_path)
    assert (Runner().run(["true"]).out, OwnPathRunner().run(["true"]).out) == ("", "own\n")
    assert (Runner().run(["sh", "-c", "true"]).out, OwnPathRunner().run(["sh", "-c", "env true"]).out) == ("", "own\n")
    assert find_program("true") != str(tmp_path / "true") == find_program("true", own_path=True)


def test_timeout():
    with pytest.raises(Problem, match="did not finish within 0.2 seconds"):
        Runner().run(["sleep", "5"], timeout=0.2)


def test_what_was_written_before_the_time_was_over_is_kept():
    with pytest.raises(TimedOut, match="Found: on its way") as caught:
        Runner().run(["sh", "-c", "echo on its way >&2; exec sleep 5"], timeout=0.3)
    assert caught.value.err == "on its way\n"


@pytest.mark.parametrize("seconds", [0.7, 0])
def test_a_watch_is_called_while_the_program_runs(seconds):
    """With what it wrote to stderr so far; the result is the same as without one."""
    seen = []
    command = ["sh", "-c", "echo in; echo one >&2; sleep %s; echo two >&2; exit 3" % seconds]
    watched = Runner().run(command, check=False, watch=seen.append)
    assert watched == Runner().run(command, check=False)
    assert (watched.rc, watched.out, watched.err) == (3, "in\n", "one\ntwo\n")
    # On a busy machine even one that ends at once is watched.
    assert (seen or not seconds) and set(seen) <= {"", "one\n", "one\ntwo\n"}


def test_a_watch_does_not_stretch_the_time():
    begin = time.monotonic()
    with pytest.raises(TimedOut):
        Runner().run(["sleep", "5"], timeout=0.5, watch=lambda log: None)
    assert 0.4 < time.monotonic() - begin < 3


def test_much_output_passes_a_watch():
    command = ["sh", "-c", "head -c 300000 /dev/zero; sleep 0.5; head -c 300000 /dev/zero"]
    assert len(Runner().run(command, watch=lambda log: None).out) == 600000


def test_a_watch_and_input_do_not_go_together():
    """After a time-out subprocess goes on reading, not writing: much input would wait for ever."""
    with pytest.raises(ValueError, match="programs that read nothing"):
        Runner().run(["cat"], stdin="in", watch=lambda log: None)
    assert len(Runner().run(["sh", "-c", "sleep 0.5; cat"], stdin="x" * 300000).out) == 300000


@pytest.mark.parametrize("error", [Problem("enough"), KeyboardInterrupt()])
def test_what_a_watch_raises_ends_the_program(tmp_path, error):
    def watch(log):
        if log:
            raise error

    with pytest.raises(type(error)) as caught:
        Runner().run(["sh", "-c", "echo $$ >%s; echo begun >&2; exec sleep 60" % (tmp_path / "pid")], watch=watch)
    assert caught.value is error
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_kubectl_has_a_kubeconfig_where_k3s_writes_its_own_elsewhere(tmp_path, monkeypatch):
    """As with --write-kubeconfig: /etc/rancher/k3s/k3s.yaml is not there then."""
    own = tmp_path / "server/cred/admin.kubeconfig"
    seen = []
    runner = FakeRunner([([...], "")])
    runner.run = lambda argv, env=None, **more: seen.append(env)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    kubectl = Programs({"k3s": "/opt/k3s", "data_dir": str(tmp_path)}, runner, is_root=True).kubectl
    kubectl("get", "nodes")
    own.parent.mkdir(parents=True)
    own.touch()
    kubectl("get", "nodes")
    monkeypatch.setenv("KUBECONFIG", "/mine")
    kubectl("get", "nodes")
    assert [env.get("KUBECONFIG") for env in seen] == [None, str(own), None]


def test_a_program_is_found_where_sudo_does_not_look(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "my-program").write_text("#!/bin/sh\n")
    assert (find_program("my-program"), find_program("no-such-program")) == (None, None), "it is not executable yet"
    (tmp_path / "my-program").chmod(0o755)
    assert find_program("my-program") == str(tmp_path / "my-program")
    assert find_program("sh").endswith("/sh")


@pytest.mark.parametrize(
    "params, call, argv",
    [
        ({"k3s": "/opt/k3s"}, ("crictl", "images"), ["/opt/k3s", "crictl", "--timeout=30s", "images"]),
        ({"k3s": "/opt/k3s"}, ("ctr", "images", "ls"), ["/opt/k3s", "ctr", "--namespace", "k8s.io", "images", "ls"]),
        ({"k3s": "/opt/k3s"}, ("kubectl", "get"), ["/opt/k3s", "kubectl", "get"]),
        (
            {"crictl": "/usr/bin/crictl", "containerd_address": "/run/containerd/containerd.sock"},
            ("crictl", "images"),
            [
                "/usr/bin/crictl",
                "--timeout=30s",
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
    runner = FakeRunner([([...], "")])
    getattr(Programs(params, runner, is_root=True), call[0])(*call[1:])
    assert runner.typed == [argv]


def test_ctr_waits_for_a_socket_that_is_there(tmp_path):
    runner = FakeRunner([([...], "")])
    (tmp_path / "c.sock").write_text("")
    Programs({"ctr": "ctr", "containerd_address": str(tmp_path / "c.sock")}, runner, is_root=True).ctr("version")
    assert runner.typed[0][:2] == ["ctr", "--connect-timeout=30s"]


def test_programs_need_root():
    with pytest.raises(Problem, match="become: true"):
        Programs({"k3s": "/opt/k3s"}, is_root=False)


def test_no_k3s_on_the_board(monkeypatch, tmp_path):
    monkeypatch.setattr(Programs, "_look_for", lambda self, name: None)
    with pytest.raises(Problem, match="k3s was not found on this board") as caught:
        Programs({"data_dir": str(tmp_path)}, is_root=True).crictl("images")
    assert "option" not in str(caught.value), "a playbook has none for it"


def test_what_k3s_has_unpacked_is_used_wherever_its_program_lies(monkeypatch, tmp_path):
    """Where k3s was found by its service, modules need not find it again."""
    monkeypatch.setattr(Programs, "_look_for", lambda self, name: None)
    unpacked = tmp_path / "data/current/bin/crictl"
    unpacked.parent.mkdir(parents=True)
    unpacked.touch(mode=0o755)
    runner = FakeRunner([([str(unpacked), "images"], "")])
    Programs({"data_dir": str(tmp_path)}, runner, is_root=True).crictl("images")


def test_programs_lie_where_the_installer_of_k3s_puts_them():
    """k3s-io/k3s#2551: on /opt/bin where /usr is read-only."""
    assert {"/usr/local/bin", "/opt/bin"} <= set(SEARCH_PATH.split(":"))
