# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observing script, run by real shells, and how its output is taken apart."""

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import time

import pytest
from fake_board import BUSYBOX, SHELLS, SHELLS_OF_BOARDS, TOKEN, FakeBoard, busybox_programs
from prerequisites import missing
from records import record

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe import script
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import TIMED_OUT, Section, split_output, why
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import (
    EXTRAS,
    PARTS,
    observe,
    other_paths,
    unreadable_images,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import read_board
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import split_files
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.manifests import LARGEST_TEXT, split_texts
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script, stripped
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import told_versions
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import CONFIG_KEYS

pytestmark = pytest.mark.programs

SECRET = "hunter2"


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request):
    return request.param


@pytest.fixture
def board(tmp_path):
    return FakeBoard(tmp_path)


def sections(board, shell, parts=PARTS, **options):
    return split_output(board.run(parts, shell, **options), TOKEN)


def told(board, shell, parts=(), **options):
    """What the board tells of itself."""
    return read_board(sections(board, shell, parts, **options), False)


@pytest.mark.parametrize("shell", SHELLS_OF_BOARDS, ids=lambda shell: shell[0])
def test_the_shells_of_boards_are_there(shell):
    if not shutil.which(shell[0]):
        missing("%s is not there: a shell of boards to test with" % shell[0])
    if shell == BUSYBOX:
        told = subprocess.run(
            ["grep", "--help"], executable=busybox_programs() / "grep", capture_output=True, check=True
        )
        assert b"BusyBox" in told.stdout + told.stderr


def test_everything(board, shell):
    board.file("etc/k3s.yaml", "")
    found = sections(board, shell)
    assert list(found) == [
        "user",
        "board",
        "config",
        "version",
        "containerd",
        "pause",
        "texts",
        "journal",
        "sums",
        "stats",
        "images",
        "preloads",
        "disk",
        "pods",
        "containers",
        "api",
    ]
    assert {section.rc for section in found.values()} == {0}
    assert found["version"].out == "k3s version v1.24.2+k3s2 (a3a5e4ab)\ngo version go1.18.1\n"
    own = read_board(found, False)
    assert (own["k3s"], own["data_dir"]) == (str(board.home / "bin/k3s"), str(board.data))
    assert own["registries"] == str(board.etc / "registries.yaml")
    if shell != ["busybox", "sh"]:
        assert (own["hostname"], own["machine"]) == ("Board-1", "riscv64")


def test_few_programs_are_started(board, shell):
    board.file("etc/k3s.yaml", "")
    board.run(PARTS, shell)
    assert calls_of(board) == [
        ASKED["api"],
        *VERSIONS,
        "ctr --namespace k8s.io image",
        "crictl pods -o json",
        "crictl ps -a -o json",
    ]


# What a plan asks for, with versions from elsewhere where that can be.
OF_A_PLAN = ("k3s", "config", "registries", "journal", "manifests", "images", "disk", "api")
ASKED = {"images": "ctr --namespace k8s.io image", "api": "kubectl --request-timeout=20"}
VERSIONS = ["--version", "ctr --namespace k8s.io versi"]


def calls_of(board):
    """How programs were called: the API first, which is asked beside the others, and these in their order."""
    return sorted((call[:28] for call in board.calls()), key=lambda call: call != ASKED["api"])


def of_a_plan(board, shell):
    """(what is observed without asking for versions where others tell them, the calls that this took)."""
    seen = observe(board.run(OF_A_PLAN, shell, versions=False), TOKEN, OF_A_PLAN, versions=False)
    return seen, calls_of(board)


def node_of_the_board(**more):
    row = {"name": "board-1", "boot_id": "0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1", "env": "{}"}
    return record(api_query.NODE, TOKEN, **dict(row, **more))


def test_a_plan_starts_one_program_on_an_agent_and_two_on_a_server(board, shell):
    board.k3s(role="agent")
    board.file("data/agent/etc/containerd/config.toml", "")
    seen, calls = of_a_plan(board, shell)
    assert calls == [ASKED["images"]]
    assert (seen["k3s"]["running"], seen["k3s"]["version"], seen["errors"]) == (True, None, [])
    board.file("etc/k3s.yaml", "")
    board.file("calls", "")
    board.answer(
        "kubectl", node_of_the_board(ready="True", kubelet="v1.36.3+k3s-1a2b3c4d", runtime="containerd://2.3.4-k3s1")
    )
    seen, calls = of_a_plan(board, shell)
    assert calls == [ASKED["api"], ASKED["images"]]
    assert (seen["k3s"]["version"], seen["containerd"]) == (
        "v1.36.3+k3s-1a2b3c4d",
        {"version": "2.3.4-k3s1", "pins": True},
    )


def test_the_api_answers_at_length_while_others_are_asked(board, shell):
    """Neither waits for the other, and those read nothing of its answer."""
    board.file("etc/k3s.yaml", "")
    told = board.home / "told"
    kubectl = "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x\ntouch %s\n" % told
    waiting = 'cat\nfor i in $(seq 100); do [ ! -e %s ] || exec %s/bin/k3s ctr "$@"; sleep 0.1; done\nexit 1\n'
    for name, text in (("kubectl", kubectl), ("ctr", "#!/bin/sh\n" + waiting % (told, board.home))):
        board.file("data/data/current/bin/" + name, text)
        (board.data / "data/current/bin" / name).chmod(0o755)
    found = sections(board, shell, ("images", "api"))
    assert (found["images"].rc, found["api"].rc, found["api"].out) == (0, 0, "x" * 300000)
    assert "xxx" not in found["images"].out


def test_nothing_is_believed_where_what_asks_the_api_is_killed(board, shell):
    """As the kernel does where memory runs out. It is not taken for a board that asks no API."""
    board.file("etc/k3s.yaml", "")

    def killed(*args, **options):
        return build_script(*args, **options).replace("api_beside | {", "true | {")

    with pytest.raises(Problem, match="breaks off in the part 'api'"):
        sections(board, shell, ("images", "api"), build=killed)


def test_a_file_of_the_api_that_comes_while_the_board_is_read_breaks_nothing_off(board, shell):
    """As k3s writes it when it starts for the first time: both processes ask the API, or neither does."""
    written = board.data / "server/cred/admin.kubeconfig"
    written.parent.mkdir()
    board.file("data/data/current/bin/ctr", '#!/bin/sh\n>%s\nexec %s/bin/k3s ctr "$@"\n' % (written, board.home))
    (board.data / "data/current/bin/ctr").chmod(0o755)
    found = sections(board, shell, ("images", "api"))
    assert written.exists() and found["images"].rc == 0 and "api" not in found
    assert list(sections(board, shell, ("images", "api")))[-1] == "api"


def test_versions_are_asked_for_where_nobody_tells_them(board, shell):
    board.file("etc/k3s.yaml", "")
    # k3s does not run.
    assert of_a_plan(board, shell)[1] == [ASKED["api"], *VERSIONS, ASKED["images"]]
    board.k3s(role="server")
    board.file("data/agent/etc/containerd/config.toml", "")
    # The API does not answer.
    board.answer("kubectl", err="refused", rc=1)
    board.file("calls", "")
    seen, calls = of_a_plan(board, shell)
    assert calls == [ASKED["api"], ASKED["images"], *VERSIONS]
    assert (seen["k3s"]["running"], seen["k3s"]["version"]) == (True, "v1.24.2+k3s2")
    # Nor does containerd.
    for words in ("images ls", "version"):
        board.answer("ctr --namespace k8s.io " + words, err="connection refused", rc=1)
    board.file("calls", "")
    seen, calls = of_a_plan(board, shell)
    assert calls == [ASKED["api"], ASKED["images"], *VERSIONS]
    assert seen["k3s"]["running"] is False and "connection refused" in str(seen["errors"])


def test_a_program_in_the_place_of_the_k3s_that_runs_is_asked_for_its_version(board, shell):
    """Whatever time it says it has: this one is a copy that keeps its times."""
    board.k3s(role="agent")
    board.file("data/agent/etc/containerd/config.toml", "")
    time.sleep(1.1)
    os.utime(board.home / "bin/k3s", (0, 0))
    # As a backup by hard links does: only the time of writing is that of k3s's start.
    os.link(board.data / "agent/etc/containerd/config.toml", board.home / "backup")
    seen, calls = of_a_plan(board, shell)
    assert calls == [ASKED["images"], *VERSIONS]
    assert seen["k3s"]["version"] == "v1.24.2+k3s2"


@pytest.mark.parametrize("moved", ["bin/k3s", "alternatives/k3s", "bin", None])
def test_a_link_that_leads_to_another_k3s_that_has_been_there_for_long(board, shell, moved):
    """As alternatives, or a folder for each version: the file is not newer than the start, and yet it is another one.
    Links that have led there since before the start cost nothing.
    """
    board.k3s(role="agent")
    links = {"bin/k3s": "alternatives/k3s", "alternatives/k3s": "opt/k3s", "bin": "opt/bin"}
    if moved != "bin":
        links.pop("bin")
    (board.home / "opt").mkdir()
    (board.home / "alternatives").mkdir()
    (board.home / "bin/k3s").rename(board.home / "opt/k3s")
    for link, target in links.items():
        if link == "bin":
            (board.home / link).rename(board.home / target)
        (board.home / link).symlink_to(board.home / target)
    board.file("data/agent/etc/containerd/config.toml", "")
    if moved:
        time.sleep(1.1)
        (board.home / moved).unlink()
        (board.home / moved).symlink_to(board.home / links[moved])
    assert of_a_plan(board, shell)[1] == [ASKED["images"], *(VERSIONS if moved else [])]


def test_a_folder_in_the_place_of_the_one_that_a_link_leads_into(board, shell):
    """A folder for each version, exchanged: neither the link nor the file has changed since k3s's start."""
    board.k3s(role="agent")
    for folder in ("current", "next"):
        (board.home / folder).mkdir()
        shutil.copy(board.home / "bin/k3s", board.home / folder)
    (board.home / "bin/k3s").unlink()
    (board.home / "bin/k3s").symlink_to(board.home / "current/k3s")
    board.file("data/agent/etc/containerd/config.toml", "")
    assert of_a_plan(board, shell)[1] == [ASKED["images"]]
    time.sleep(1.1)
    (board.home / "current").rename(board.home / "last")
    (board.home / "next").rename(board.home / "current")
    board.file("calls", "")
    assert of_a_plan(board, shell)[1] == [ASKED["images"], *VERSIONS]


def test_a_link_whose_target_cannot_be_read_may_lead_to_another_k3s(board, shell):
    board.k3s(role="agent")
    (board.home / "bin/k3s").rename(board.home / "bin/other")
    (board.home / "bin/k3s").symlink_to(board.home / "bin/other")
    board.file("data/agent/etc/containerd/config.toml", "")
    board.program("readlink", "#!/bin/sh\nexit 1\n")
    assert of_a_plan(board, shell)[1] == [ASKED["images"], *VERSIONS]


@pytest.mark.parametrize(
    "runtime, expected",
    [
        ("containerd://2.4.2", ("2.4.2", True)),
        ("containerd://1.6.6-k3s1", ("1.6.6-k3s1", False)),
        ("docker://27.0.1", (None, False)),
        ("containerd://", (None, False)),
        ("", (None, False)),
    ],
)
def test_versions_that_a_node_tells(runtime, expected):
    seen = {"k3s": {"running": True, "version": None}, "containerd": {"version": None, "pins": False}}
    node = {"ready": True, "kubelet": "v1.30.0+k3s1", "runtime": runtime}
    told = told_versions(seen, node)
    assert (told["containerd"]["version"], told["containerd"]["pins"]) == expected
    assert told["k3s"]["version"] == "v1.30.0+k3s1"
    # The board itself is believed first, and of a k3s that is down a node tells the past.
    for own in ({"running": True, "version": "v1.31.0+k3s1"}, {"running": False, "version": None}):
        assert told_versions(dict(seen, k3s=own), node) == {}
    # So does one whose kubelet has not reported for a while.
    assert told_versions(seen, dict(node, ready=False)) == {}
    for odd in ("v1.30.0\x1b[2J", "v1.30", "v1.30.0+k3s1" * 100, ""):
        assert told_versions(seen, dict(node, kubelet=odd))["k3s"]["version"] is None


def test_only_what_is_gathered(board, shell):
    assert list(sections(board, shell, ["disk"])) == ["user", "board", "config", "disk"]
    assert board.calls() == []


def test_stdout_stderr_and_status_are_kept_apart(board, shell):
    board.answer("--version", out="one\n\ntwo", err="bad\nworse\n", rc=3)
    assert sections(board, shell, ["k3s"])["version"] == (3, "one\n\ntwo", "bad\nworse")


def test_silent_containerd_is_asked_once(board, shell):
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    found = sections(board, shell)
    assert found["containerd"].rc == 1
    assert not {"images", "pods", "containers"} & set(found)


@pytest.mark.parametrize(
    ("said", "running"),
    [
        # ctr 1.6.20 at a socket that accepts and stays silent, at one that nobody listens at, and at none.
        ("context deadline exceeded: timed out waiting for server handshake", None),
        ('connection error: desc = "transport: error while dialing: dial unix /c.sock: connect: refused"', False),
        (
            'context deadline exceeded: connection error: desc = "transport: error while dialing: dial unix:///c.sock: '
            'timeout"',
            False,
        ),
    ],
)
def test_a_containerd_that_is_late_is_not_known_to_be_down(board, shell, said, running):
    board.answer("ctr --namespace k8s.io version", err='ctr: failed to dial "/c.sock": ' + said, rc=1)
    assert observe(board.run(PARTS, shell), TOKEN, PARTS)["k3s"]["running"] is running


def test_failing_crictl_is_told(board, shell):
    board.answer("crictl pods", err="no such socket", rc=1)
    found = sections(board, shell, ["sandboxes"])
    assert found["pods"] == (1, "", "no such socket") and "containers" not in found


@pytest.mark.parametrize(
    "program, message",
    [
        ("exec sleep 20", "it did not finish within 1 s"),
        ("echo 'cache is empty' >&2; exec sleep 20", "it did not finish within 1 s; its last words: cache is empty"),
    ],
)
def test_hanging_program_is_ended(board, shell, program, message):
    """Shells say something themselves of a program that was ended."""
    board.program("k3s", "#!/bin/sh\n%s\n" % program)
    output = board.run(["k3s"], shell, program_timeout=1)
    assert split_output(output, TOKEN)["containerd"].rc in TIMED_OUT
    result = observe(output, TOKEN, ["k3s"], program_timeout=1)
    assert {error["section"]: error["message"] for error in result["errors"]} == dict.fromkeys(
        ["version", "containerd"], message
    )


KILLED = "it did not finish within 30 s, or the kernel killed it because memory ran out"


@pytest.mark.parametrize(
    "rc, err, message",
    [
        (124, "", "it did not finish within 30 s"),
        (143, "Terminated", "it did not finish within 30 s"),
        (137, "sh: line 12:  4711 Killed                  timeout -k 1 30 k3s", KILLED),
        (143, "Terminated by the cook\n", "it did not finish within 30 s; its last words: Terminated by the cook"),
        (1, "Terminated", "Terminated"),
        (1, "", "exit status 1 and no message"),
    ],
)
def test_why_a_step_failed(rc, err, message):
    assert why(Section(rc, "", err), 30) == message


@pytest.mark.parametrize("seconds, of_the_api", [(30, 20), (1, 1), (120, 80)])
def test_the_api_has_less_time_than_the_program(board, shell, seconds, of_the_api):
    board.run(["api"], shell, api="always", program_timeout=seconds)
    assert board.calls()[0].startswith("kubectl --request-timeout=%ds get" % of_the_api)


def test_other_users_than_root(board):
    board.program("id", "#!/bin/sh\necho 1000\n")
    assert list(sections(board, ["sh"])) == ["user"]
    assert board.calls() == []


def test_no_k3s(board, shell):
    (board.home / "bin/k3s").unlink()
    assert list(sections(board, shell)) == ["user", "board"]
    assert list(sections(board, shell, programs={"k3s": "/not/there"})) == ["user", "board"]


@pytest.mark.parametrize("named", [False, True])
def test_a_file_k3s_that_may_not_be_executed(board, shell, named):
    """As a copy by scp or a download leaves it."""
    file = board.home / ("elsewhere" if named else "bin/k3s")
    if named:
        (board.home / "bin/k3s").rename(file)
    file.chmod(0o644)
    with pytest.raises(Problem, match="k3s cannot be executed.*Found: the file %s may not.*chmod 755" % file):
        told(board, shell, programs={"k3s": str(file)} if named else None)


# How a k3s that lies in none of the usual folders was started: the words of its process, its folder, or the unit.
ELSEWHERE = {
    "its process": {"words": ["{srv}/k3s server"]},
    "a process that hides nothing": {"words": ["{srv}/k3s", "server", "--token", SECRET]},
    "a process with all in one word": {"words": ["{srv}/k3s server --token " + SECRET]},
    "by hand, where it lies": {"words": ["./k3s server"], "cwd": "{srv}"},
    "by hand, from elsewhere": {"words": ["srv/k3s", "server"], "cwd": "{home}"},
    "a unit": {"unit": ("k3s.service", "ExecStartPre=/bin/sh -c k3s\nExecStart={srv}/k3s server\n")},
    "the installer's unit": {"unit": ("k3s.service", "ExecStart={srv}/k3s \\\n    server \\\n")},
    "a unit's drop-in": {"unit": ("k3s.service.d/a.conf", 'ExecStart=\nExecStart=-"{srv}/k3s" server\n')},
    "a unit with a name of its own": {"unit": ("lab.service", "ExecStart={srv}/k3s server\n"), "service": "lab"},
    "OpenRC": {"unit": ("k3s", 'supervisor=supervise-daemon\ncommand="{srv}/k3s"\ncommand_args="server"\n')},
}


# Where it does not run, a unit of k3s's name tells it.
_OF_UNITS = [(name, False) for name, how in ELSEWHERE.items() if "unit" in how and "service" not in how]


@pytest.mark.parametrize("name, runs", [(name, True) for name in ELSEWHERE] + _OF_UNITS)
def test_a_program_in_no_usual_folder(board, shell, name, runs):
    """k3s-io/k3s#2551, #9360, #14018: /usr is read-only there, or somebody chose another folder."""
    how, names = ELSEWHERE[name], {"home": str(board.home), "srv": str(board.home / "srv")}
    if "unit" in how:
        board.file("units/k3s.service", "")
        board.file("units/" + how["unit"][0], how["unit"][1].format(**names))
    (board.home / "srv").mkdir()
    (board.home / "bin/k3s").rename(board.home / "srv/k3s")
    if runs:
        board.k3s(service=how.get("service"), program="k3s")
        words = [word.format(**names) for word in how.get("words", ["k3s server"])]
        board.file("proc/200/cmdline", "".join(word + "\0" for word in words))
        (board.home / "proc/200/cwd").symlink_to(how.get("cwd", "/").format(**names))
    output = board.run(PARTS, shell)
    seen = observe(output, TOKEN, PARTS)
    assert SECRET not in output
    assert (seen["k3s"]["program"], seen["k3s"]["installed"]) == (str(board.home / "srv/k3s"), True)
    assert (seen["k3s"]["version"], seen["k3s"]["without_program"]) == ("v1.24.2+k3s2", None)
    assert seen["k3s"]["running"] is True


@pytest.mark.parametrize("pid, comm", [(1, "systemd"), (1, "init"), (200, "rke2")])
def test_who_has_a_containerd_and_is_no_k3s_is_not_run(board, shell, pid, comm):
    """A k3s that was killed leaves its containerd to process 1; that of RKE2 has the same words."""
    (board.home / "bin/k3s").unlink()
    board.program("other", "#!/bin/sh\ntouch %s/ran\n" % board.home)
    other = board.home / "srv/other"
    other.parent.mkdir()
    (board.home / "bin/other").rename(other)
    board.k3s(pid=200)
    board.process(pid, ["%s server" % other], comm=comm)
    if pid == 1:
        shutil.rmtree(board.home / "proc/200")
        board.process(
            201, ["containerd", "-c", "%s/agent/etc/containerd/config.toml" % board.data], comm="containerd", parent=1
        )
    with pytest.raises(Problem, match="a containerd runs here as k3s starts one .*, and no program k3s was found"):
        told(board, shell)
    parts = ("k3s",)
    seen = observe(board.run(parts, shell, blank=True), TOKEN, parts, blank=True)
    assert (seen["k3s"]["installed"], seen["k3s"]["program"]) == (False, None)
    assert not (board.home / "ran").exists()


def test_one_in_a_usual_folder_goes_before_what_a_service_names(board, shell):
    other = board.home / "srv/k3s"
    board.file("srv/k3s", "")
    other.chmod(0o755)
    board.file("units/k3s.service", "ExecStart=%s server\n" % other)
    board.k3s(program=other)
    output = board.run(PARTS, shell)
    assert read_board(split_output(output, TOKEN), False)["k3s"] == str(board.home / "bin/k3s")
    assert "\nstart " not in output, "nothing more is looked at"


@pytest.mark.parametrize(
    "role, units, told_of, looked",
    [
        ("server", {}, "k3s runs here as server", "it is started as {home}/srv/k3s"),
        ("agent", {}, "k3s runs here as agent", "no program k3s in the usual folders, /usr/local/sbin, "),
        (
            None,
            {"k3s.service": "ExecStart=/not/k3s server\n"},
            r"has a service here \(k3s\)",
            "it is started as /not/k3s",
        ),
        (None, {"k3s-agent": ""}, r"has a service here \(k3s-agent\)", ", /opt/bin"),
    ],
)
def test_a_k3s_whose_program_is_not_found_is_no_board_without_k3s(board, shell, role, units, told_of, looked):
    (board.home / "bin/k3s").unlink()
    for name, text in units.items():
        board.file("units/" + name, text)
    if role:
        board.k3s(role=role, program=board.home / "srv/k3s")
    with pytest.raises(Problem, match="%s.* and its program was not found" % told_of) as caught:
        told(board, shell)
    said = str(caught.value)
    assert looked.format(home=board.home) in said and "make a link to its program" in said
    assert "option" not in said and not re.search(r"remove\W+(?!the service )", said) and "data" not in said
    parts = ("k3s",)
    k3s = observe(board.run(parts, shell, blank=True), TOKEN, parts, blank=True)["k3s"]
    assert re.search(told_of, k3s["without_program"]) and looked.format(home=board.home) in k3s["without_program"]
    assert (k3s["installed"], k3s["running"]) == (False, None)


def test_what_other_services_are_called_is_no_k3s(board, shell):
    (board.home / "bin/k3s").unlink()
    board.program("k3s-backup.sh", "#!/bin/sh\ntouch %s\n" % (board.home / "ran"))
    board.file("units/k3s-backup.service", "ExecStart=%s/bin/k3s-backup.sh\n" % board.home)
    # It may be there before k3s is.
    board.file("units/k3s-snapshot.service", "ExecStart=/not/k3s etcd-snapshot save\n")
    with pytest.raises(Problem, match="k3s was not found on this board") as caught:
        told(board, shell)
    assert "option" not in str(caught.value) and "riscv.k3s.install" in str(caught.value)
    assert observe(board.run(["k3s"], shell, blank=True), TOKEN, ["k3s"], blank=True)["k3s"]["without_program"] is None
    assert not (board.home / "ran").exists()


def test_a_containerd_of_k3s_that_runs_alone(board, shell):
    (board.home / "bin/k3s").unlink()
    board.k3s()
    shutil.rmtree(board.home / "proc/200")
    with pytest.raises(Problem, match="a containerd runs here as k3s starts one .*, and no program k3s was found"):
        told(board, shell)


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_called_k3s_and_is_no_program(board, shell, kind, named, runs):
    """k3s-io/k3s#1874; and a link to a disk that is not mounted."""
    file = board.home / ("elsewhere" if named else "bin/k3s")
    (board.home / "bin/k3s").unlink()
    file.mkdir() if kind == "folder" else file.symlink_to("/mnt/disk/k3s")
    if runs:
        board.k3s(program="/not/k3s")
    with pytest.raises(Problem) as caught:
        told(board, shell, programs={"k3s": str(file)} if named else None)
    assert caught.value.what.startswith("k3s runs here as server" if runs else "what is called k3s on this board is no")
    wanted = "%s is a folder" if kind == "folder" else "%s, a link to /mnt/disk/k3s, leads to nothing"
    assert wanted % file in caught.value.found


def test_a_program_that_the_user_names_and_that_is_not_there(board, shell):
    board.k3s()
    with pytest.raises(Problem, match="k3s runs here as server, .* Found: no program /not/there.") as caught:
        told(board, shell, programs={"k3s": "/not/there"})
    assert "usual folders," not in str(caught.value)


def test_plain_containerd(board, shell):
    other = str((board.home / "bin/k3s").rename(board.home / "bin/other"))
    programs = {"crictl": other, "ctr": other, "containerd_address": "/run/c d.sock"}
    board.answer("--address", "")
    board.answer("--runtime-endpoint", "{}")
    assert {"containerd", "images", "pods"} <= set(
        sections(board, shell, ["k3s", "images", "sandboxes"], programs=programs)
    )
    assert board.calls() == [
        "--address /run/c d.sock --namespace k8s.io version",
        "--address /run/c d.sock --namespace k8s.io images ls",
        "--runtime-endpoint unix:///run/c d.sock pods -o json",
        "--runtime-endpoint unix:///run/c d.sock ps -a -o json",
    ]


def test_how_long_containerd_is_waited_for(board, shell):
    """ctr waits for a socket that is not there as well, crictl does not."""
    words = board.home / "words"
    (board.home / "c.sock").write_text("")
    for name in ("crictl", "ctr"):
        board.program(name, '#!/bin/sh\necho "$1" >>%s\n' % words)
    programs = {name: str(board.home / "bin" / name) for name in ("crictl", "ctr")}
    for socket, of_ctr in (("c.sock", "--connect-timeout=7s"), ("none.sock", "--address")):
        programs["containerd_address"] = str(board.home / socket)
        board.run(["k3s", "sandboxes"], shell, programs=programs, program_timeout=7)
        assert set(words.read_text().split()) == {of_ctr, "--timeout=7s"}
        words.unlink()


CONFIG = """# token: %(s)s
token: %(s)s
pause-image: "r.io/pause:3.6" # token %(s)s
disable:
  - traefik
  # %(s)s
  - servicelb # %(s)s
agent-token: %(s)s
  continued: %(s)s
kubelet-arg:
- "x=%(s)s"
"system-default-registry": r.io
datastore-endpoint: 'mysql://u:%(s)s@h/d'
node-name: b1
  token: %(s)s
---
tls-san: %(s)s""" % {"s": SECRET}


def test_config_sends_only_known_keys(board, shell):
    board.file("etc/config.yaml", CONFIG)
    board.file("etc/config.yaml.d/10-more.yaml", "token: %s\ndisable+: [x]\nprivate-registry: /r.yaml" % SECRET)
    output = board.run(PARTS, shell)
    assert SECRET not in output
    found = split_output(output, TOKEN)
    assert [line for line in found["config"].out.split("\n") if line and not line.startswith(TOKEN)] == [
        'pause-image: "r.io/pause:3.6"',
        "disable:",
        "  - traefik",
        "  - servicelb",
        '"system-default-registry": r.io',
        "node-name: b1",
        "[",
        "disable+: [x]",
        "private-registry: /r.yaml",
    ]
    assert read_board(found, False)["registries"] == "/r.yaml"


def test_known_keys_hold_no_secret():
    assert not [key for key in CONFIG_KEYS if "token" in key or "password" in key or key == "endpoint"]


@pytest.mark.parametrize(
    "line, expected", [("data-dir: /d", "/d"), ("data-dir: '/d'  # x", "/d"), ("", "/var/lib/rancher/k3s")]
)
def test_data_dir_of_the_config(board, shell, line, expected):
    board.file("etc/config.yaml", line + "\n")
    assert told(board, shell, data_dir=None)["data_dir"] == expected


# Every spelling of a file of settings: none lets a secret out, and each says where k3s keeps its data.
SPELLINGS = [
    "token: %(s)s\ndata-dir: /d\n",
    "\ufefftoken: %(s)s\ndata-dir: /d\n",
    "token: %(s)s\r\ndata-dir: /d\r\n",
    "  token: %(s)s\n  data-dir: /d\n",
    "---\n# x\n\n    token: |\n      %(s)s\n    'data-dir' : \"/d\" # %(c)s\n",
    "data-dir:\n  /d\ntoken:\n  %(s)s\n",
    "data-dir: >-\n  /d\ntoken: >-\n  %(s)s\n",
    "agent-token: '%(s)s'\nkubelet-arg:\n- token=%(s)s\n- x\ndata-dir: /d\netcd-s3-secret-key:\n  - %(s)s\n",
    '{"token": "%(s)s", "data-dir": "/d"}',
    '{\n  "data-dir": "/d",\n  "token": "%(s)s"\n}\n',
    '{"agent-token":"%(s)s","disable":["traefik","servicelb"],"data-dir":"/d","datastore-endpoint":"%(s)s"}',
    "{token: %(s)s, data-dir: /d, server: x}",
    "datastore-endpoint: mysql://u:%(s)s@x\ndisable: [traefik,\nservicelb]\ndata-dir: /d",
    "data-dir: /d\rtoken: %(s)s\r",
    "disable: [traefik, servicelb]\r\ndata-dir: /d\rtoken: %(s)s\r\n",
    '{"token": "K10abc::server:%(s)s", "data-dir": "/d"}',
    '{"kubelet-arg": ["server: %(s)s"], "x-server":"%(s)s", "data-dir": "/d"}',
    "{cluster-init: true, # %(s)s\n  data-dir: /d\n}",
    "data-dir: /d\t# %(s)s\ndisable:\n  - traefik\t# %(s)s\n  - servicelb\n",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_file_of_settings_in_any_spelling(board, shell, text):
    board.file("etc/config.yaml", text % {"s": SECRET, "c": SECRET})
    output = board.run(PARTS, shell, data_dir=None)
    assert SECRET not in output
    used = read_board(split_output(output, TOKEN), False)["data_dir"]
    others = other_paths(output, TOKEN, etc=str(board.etc))
    assert others.get("data_dir", used) == "/d"
    config = observe(output, TOKEN, PARTS)["config"]
    assert config["data-dir"] == "/d"
    if "traefik" in text:
        assert config["disable"] == ["traefik", "servicelb"]


@pytest.mark.parametrize(
    "text",
    [
        "server: https://x:6443\ntoken:%s\n",
        "server: https://x\n- %s\n",
        "server: https://x\n  %s\n",
        "server: https://x\ntoken\n  %s\n",
        "disable: [traefik]\n%s\n",
        "disable: [traefik\n- %s\n",
        "disable: [traefik\ntoken:%s\n",
        "disable:\n- traefik\ntoken\n- %s\n",
        "disable:\n  - traefik\n  kubelet-arg:\n    - token=%s\n",
        "disable:\n  - traefik\n  token:\n    %s\n",
        " disable:\n   - x\nkubelet-arg:\n  - %s\n",
        "disable:\n  token:%s\n",
        "disable:\n  - traefik\n  token:%s\n",
        "disable:\n  - traefik\n  kubelet-arg\n  - token=%s\n",
        "disable: [traefik]\n  token:%s\n",
        "disable: [traefik,\n  token:%s\n",
        'server: "https://x:6443"\n  token:%s\n',
        "node-name: 'b1\n  token = %s\n",
        "disable: &a\n  token:%s\n",
        "data-dir: |\n  /d\n token:%s\n",
        "data-dir: /d token: %s\n",
        "server: https://x:6443, token: %s\n",
        'server: "https://x" token: %s\n',
        "disable: [traefik], token: %s\n",
        "token:%s server: https://x\n",
        "token=%s agent-token: x\n",
        '{\n"cluster-init": true\n"token": "%s"\n}\n',
        '{\n"server": https://x\n"token": "%s"\n}\n',
        '{\n"disable": ["traefik",\n"token": "%s",\n"tls-san": ["a"]\n}\n',
    ],
)
def test_a_file_with_a_mistake_lets_no_secret_out(board, shell, text):
    board.file("etc/config.yaml", text % SECRET)
    board.file("data/agent/etc/containerd/config.toml", "", mtime=1000000000)
    output = board.run(PARTS, shell)
    assert SECRET not in output and "config" in split_output(output, TOKEN)
    assert SECRET not in str(observe(output, TOKEN, PARTS))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("disable: [traefik,\n  servicelb]  # note: we use nginx\n", {"disable": ["traefik", "servicelb"]}),
        ("disable: [\n  traefik,\n  servicelb\n]  # see: docs\n", {"disable": ["traefik", "servicelb"]}),
        ("disable:\n  - traefik  # reason: nginx\n  - servicelb\n", {"disable": ["traefik", "servicelb"]}),
        ("disable:\n- traefik  # it's: nginx\n- servicelb\n", {"disable": ["traefik", "servicelb"]}),
        ('node-name: "a #1"  # x\n', {"node-name": "a #1"}),
        ("helm-controller-arg:\n  - 'a #1' # 'x'\n", {"helm-controller-arg": ["a #1"]}),
        ("node-name: b's # it's: x\ndata-dir: /d\n", {"node-name": "b's", "data-dir": "/d"}),
        ("server: https://x\n---\n- a\n", {"server": "https://x"}),
        ('helm-controller-arg:\n  - "a: b"\n  - c\n', {"helm-controller-arg": ["a: b", "c"]}),
        (
            "pause-image:\n  r.io:5000/p:3\nserver: |\n  https://x\n",
            {"pause-image": "r.io:5000/p:3", "server": "https://x"},
        ),
        ("helm-controller-arg: [\n  --a=b,\n  '--c=d'\n]\n", {"helm-controller-arg": ["--a=b", "--c=d"]}),
        ("kubelet-arg: %s # x\ndata-dir: /d\n" % ("a'" * 4000), {"data-dir": "/d"}),
        ("server: https://x\n... # end\ndisable: x\n", {"server": "https://x"}),
    ],
)
def test_comments_and_documents_of_a_file_of_settings(board, shell, text, expected):
    board.file("etc/config.yaml", text)
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert seen["file_settings"] == expected and not [row for row in seen["errors"] if row["section"] == "config"]


@pytest.mark.parametrize(
    "text, fault",
    [
        ("kubelet-arg: [a\nnode-name: x\n", "is no YAML in line 3"),
        ("tls-san:\n\t- a\n  b\nc\n", "is no YAML in line 5"),
        ("- a\n", "is no mapping of settings"),
        ("bind-address: &a 1.1.1.1\nnode-name: *a\n---\n- x\n", None),
        ("# nothing\n", None),
        ("node-name: x\n", None),
    ],
)
def test_a_file_of_settings_that_is_newer_than_k3s_by_its_form(board, shell, text, fault):
    board.file("etc/config.yaml", text, mtime=2000000000)
    board.file("data/agent/etc/containerd/config.toml", "", mtime=1000000000)
    assert observe(board.run(PARTS, shell), TOKEN, PARTS)["config_fault"] == fault
    # With an older one it started.
    board.file("data/agent/etc/containerd/config.toml", "", mtime=2000000001)
    assert observe(board.run(PARTS, shell), TOKEN, PARTS)["config_fault"] is None


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029"])
def test_what_only_yaml_takes_for_the_end_of_a_line_lets_no_secret_out(board, shell, end):
    board.file("etc/config.yaml", "data-dir: /d%stoken: %s\r\n" % (end, SECRET))
    output = board.run(PARTS, shell, data_dir=None)
    assert SECRET not in output
    seen = observe(output, TOKEN, PARTS)
    assert seen["file_settings"] is None
    assert "config.yaml has a Unicode line separator" in str(
        [row for row in seen["errors"] if row["section"] == "config"]
    )


def test_a_file_of_settings_that_cannot_be_read(board, shell):
    (board.etc / "config.yaml").mkdir()
    found = sections(board, shell)
    assert found["config"].rc != 0
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert seen["file_settings"] is None and "config" in {error["section"] for error in seen["errors"]}


INSTALLED = 'command_args="server \\\n    %s \\\n    %s \\\n    >>/var/log/k3s.log 2>&1"\n'
OLD_START = "# ExecStart=/bin/k3s server --data-dir /mnt/y\n"
# How the data folder is told, and whether k3s runs.
FOLDERS = [
    ("config.yaml", {"file": ("etc/config.yaml", "data-dir: /mnt/x\n")}),
    ("drop-in", {"file": ("etc/config.yaml.d/9.yaml", "data-dir: /mnt/x\n")}),
    ("drop-in in capitals", {"file": ("etc/config.yaml.d/9.YAML", "data-dir: /mnt/x\n")}),
    ("hidden drop-in", {"file": ("etc/config.yaml.d/.9.yml", "data-dir: /mnt/x\n")}),
    ("flag of the unit", {"file": ("units/k3s.service", "ExecStart=/usr/local/bin/k3s server --data-dir=/mnt/x\n")}),
    (
        "the installer's unit",
        {"file": ("units/k3s.service", "ExecStart=/bin/k3s \\\n    server \\\n\t'--data-dir' \\\n\t'/mnt/x' \\\n")},
    ),
    ("the unit's environment", {"file": ("units/k3s.service.env", "K3S_TOKEN=s3cret\nK3S_DATA_DIR='/mnt/x'\n")}),
    ("a drop-in of the unit", {"file": ("units/k3s.service.d/a.conf", 'Environment="K3S_DATA_DIR=/mnt/x"\n')}),
    ("OpenRC", {"file": ("units/k3s", 'command_args="server --data-dir /mnt/x >>/var/log/k3s.log 2>&1"\n')}),
    ("the short flag", {"file": ("units/k3s.service", "ExecStart=/bin/k3s server --disable a -d /mnt/x -t " + SECRET)}),
    ("the short flag in the installer's unit", {"file": ("units/k3s", INSTALLED % ("'-d'", "'/mnt/x'"))}),
    ("the short flag in a shell", {"file": ("units/k3s.service", "ExecStart=/bin/sh -c '/bin/k3s agent -d=/mnt/x'\n")}),
    ("options of Alpine's service", {"file": ("units/k3s-default", 'K3S_EXEC="server"\nK3S_OPTS="-d /mnt/x"\n')}),
    (
        "a unit of which another line was commented out",
        {"file": ("units/k3s.service", "ExecStart=/bin/k3s server --data-dir /mnt/x\n %s" % OLD_START)},
    ),
    (
        "a drop-in that takes back the unit's command",
        {
            "file": ("units/k3s.service", "ExecStart=/bin/k3s server --data-dir /mnt/y\n"),
            "more": ("units/k3s.service.d/o.conf", "[Service]\nExecStart=\nExecStart=/bin/k3s server -d /mnt/x\n"),
        },
    ),
    ("a value behind a tab", {"file": ("etc/config.yaml", "data-dir:\t/mnt/x\ntoken:\t%s\n" % SECRET)}),
]
# What names a folder there, and is no setting of k3s.
NO_FOLDERS = {
    "a line that was commented out": {"units/k3s.service": "ExecStart=/bin/k3s server\n" + OLD_START},
    "a variable that was": {"units/k3s.service.env": "# K3S_DATA_DIR=/mnt/y\n;K3S_DATA_DIR=/mnt/y\n"},
    "a drop-in without": {
        "units/k3s.service": "ExecStart=/bin/k3s server --data-dir /mnt/y\n",
        "units/k3s.service.d/o.conf": "[Service]\nExecStart=\nExecStart=/bin/k3s server\n",
    },
    "a copy of a drop-in": {"units/k3s.service.d/o.conf.bak": "[Service]\nExecStart=/bin/k3s server -d /mnt/y\n"},
    "what other programs are told": {
        "units/k3s.service": "ExecStartPre=/usr/bin/test -d /mnt/y\nExecStart=/bin/k3s server --cluster-init\n"
        "ExecStopPost=/usr/bin/install -d /mnt/y\n"
    },
    "what k3s hands on": {
        "units/k3s.service": "ExecStart=/bin/k3s server --etcd-arg --data-dir=/mnt/y --kubelet-arg=--config=/mnt/y\n"
    },
}


@pytest.mark.parametrize("how", [row[1] for row in FOLDERS], ids=[row[0] for row in FOLDERS])
def test_where_a_k3s_that_does_not_run_keeps_its_data(board, shell, how):
    for file in ("file", "more"):
        board.file(*how.get(file, how["file"]))
    output = board.run(PARTS, shell, data_dir=None)
    used = read_board(split_output(output, TOKEN), False)["data_dir"]
    assert other_paths(output, TOKEN, etc=str(board.etc)).get("data_dir", used) == "/mnt/x"
    assert "s3cret" not in output and SECRET not in output


@pytest.mark.parametrize("files", NO_FOLDERS.values(), ids=NO_FOLDERS.keys())
def test_what_is_no_setting_tells_no_folder(board, shell, files):
    for file, text in files.items():
        board.file(file, text)
    output = board.run(PARTS, shell, data_dir=None)
    own = read_board(split_output(output, TOKEN), False)
    assert (own["data_dir"], own["config_file"]) == ("/var/lib/rancher/k3s", str(board.etc / "config.yaml"))
    assert other_paths(output, TOKEN, etc=str(board.etc)) == {}


def test_a_setting_without_a_blank_is_told(board, shell):
    """Of k3s, too, which does not start with it."""
    board.file("etc/config.yaml", "data-dir:/mnt/x\ntoken: %s\n" % SECRET)
    output = board.run(PARTS, shell, data_dir=None)
    assert SECRET not in output
    (error,) = [row["message"] for row in observe(output, TOKEN, PARTS)["errors"] if row["section"] == "config"]
    assert "config.yaml cannot be read: " in error


@pytest.mark.parametrize("name", ["9.yaml.bak", "9.txt", "9.yxml", "9yaml", "folder.yaml/9.yaml"])
def test_a_file_that_k3s_does_not_read_tells_nothing(board, shell, name):
    """k3s-io/k3s#3205: names that end in .yaml or .yml, in whatever letters, and no folders."""
    board.file("etc/config.yaml.d/" + name, "data-dir: /mnt/x\n")
    output = board.run(PARTS, shell, data_dir=None)
    assert "/mnt/x" not in output and other_paths(output, TOKEN, etc=str(board.etc)) == {}


def test_another_file_of_settings(board, shell):
    """It takes two more looks: for the file, then for the folder that it names."""
    other = board.home / "other.yaml"
    other.write_text("data-dir: %s\n" % (board.home / "far"))
    board.file("units/k3s.service", "ExecStart=/usr/local/bin/k3s server --config %s\n" % other)
    paths = {}
    for dummy in range(3):
        output = board.run(PARTS, shell, data_dir=None, paths=paths)
        others = other_paths(output, TOKEN, etc=str(board.etc))
        paths.update(others)
    own = read_board(split_output(output, TOKEN), False)
    assert (not others, own["data_dir"], own["config_file"]) == (True, str(board.home / "far"), str(other))


def test_what_runs_goes_before_what_is_written(board, shell):
    board.file("etc/config.yaml", "data-dir: /elsewhere\n")
    board.k3s(data_dir=board.data, started=77)
    own = told(board, shell, data_dir=None)
    assert (own["data_dir"], own["running"], own["role"], own["service"]) == (*[str(board.data)] * 2, "server", "k3s")
    assert (own["k3s_started"], own["uptime"], own["differs"]) == ("77", "1000", "")
    assert own["address"] == ["127.0.0.1", "192.168.173.11"]
    assert other_paths(board.run(PARTS, shell, data_dir=None), TOKEN, etc=str(board.etc)) == {}


def test_an_agent_of_one_service_for_both_roles(board, shell):
    """As on Alpine."""
    board.k3s(role="agent", service="k3s")
    own = told(board, shell)
    assert (own["role"], own["service"], own["folder"]) == ("agent", "k3s", "server")


@pytest.mark.parametrize(
    "runs_in, units, service",
    [
        ("homelab", {"homelab.service": "ExecStart=/usr/local/bin/k3s server\n", "k3s.service": ""}, "homelab"),
        # Started by hand; what its file only mentions counts for nothing.
        (
            "ssh",
            {"ssh.service": "# not /usr/local/bin/k3s server\nExecStart=/usr/sbin/sshd\n", "k3s.service": ""},
            "k3s",
        ),
        ("ssh", {}, ""),
        ("k3s-server", {"k3s-server.service": "", "k3s-agent.service": ""}, "k3s-server"),
    ],
)
def test_the_service_that_k3s_runs_in(board, shell, runs_in, units, service):
    for name, text in units.items():
        board.file("units/" + name, text)
    board.k3s(service=runs_in)
    assert told(board, shell)["service"] == service


@pytest.mark.parametrize("folders, service", [("server", "k3s-server"), ("agent", "k3s-agent")])
def test_the_services_of_a_package_where_k3s_is_down(board, shell, folders, service):
    """As k3s's packages for RPM have them, both of them."""
    board.file("units/k3s-server.service", "")
    board.file("units/k3s-agent.service", "")
    if folders == "agent":
        shutil.rmtree(board.data / "server")
    assert told(board, shell)["service"] == service


def test_the_services_of_one_that_was_a_server_and_an_agent(board, shell):
    """timothystewart6/k3s-ansible#282: an agent is k3s-node there."""
    for name in ("k3s.service", "k3s-node.service"):
        board.file("units/" + name, "")
    assert told(board, shell)["service"] == "k3s"
    shutil.rmtree(board.data / "server")
    assert told(board, shell)["service"] == "k3s-node"


def elf(machine, bits=2):
    """The beginning of a program for another machine, and what makes a shell stumble."""
    return b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9) + b"\2\0" + bytes([machine, 0, 1, 0, 0, 0]) + b"\xff\x12(" * 40


@pytest.mark.parametrize("machine, architecture", [(183, "arm64"), (62, "amd64"), (8, None)])
def test_a_k3s_for_another_machine(board, shell, machine, architecture):
    """A shell takes it for a script, and what it says then tells nobody why."""
    (board.home / "bin/k3s").write_bytes(elf(machine))
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    texts = [error["message"] for error in seen["errors"] if error["section"] == "program"]
    expected = "%s/bin/k3s is a program for %s, and this board is riscv64" % (board.home, architecture)
    assert texts == ([expected] if architecture else []) and seen["k3s"]["running"] is False
    if architecture:
        assert str(unreadable_images(seen, "b")).count("program: ") == 1
        assert "yntax error" not in str(unreadable_images(seen, "b"))


@pytest.mark.parametrize("same, is_told", [(("net", "pid"), True), (("net",), False)])
def test_a_k3s_of_another_user_is_named_and_not_believed(board, shell, same, is_told):
    """k3s-io/k3s#11353: rootless, its data are in the user's home, its containerd in namespaces of its own."""
    shutil.rmtree(board.data / "server")
    shutil.rmtree(board.data / "agent")
    board.k3s(data_dir="/home/u/.rancher/k3s", users=("1000",) * 4, same=same)
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert seen["data_dir"] == str(board.data) and seen["k3s"]["running"] is None
    (doubt,) = seen["doubts"]
    assert ("the user with the id 1000 (rootless)" in doubt) == is_told


@pytest.mark.parametrize("started, role", [(60, "server"), (995, "agent")])
def test_a_second_service_makes_no_server_of_an_agent(board, shell, started, role):
    """k3s-io/k3s-ansible#504: it lives two seconds in seven. With --disable-agent a server stays beside an agent."""
    board.k3s(role="agent")
    board.process(300, ["/usr/local/bin/k3s server"], comm="k3s-server", started=started)
    assert told(board, shell)["role"] == role


def test_programs_of_k3s_that_may_not_be_executed(board, shell):
    """k3s-io/k3s#7372: a data folder on a file system that is mounted noexec."""
    board.answer("ctr --namespace k8s.io version", err="permission denied", rc=1)
    board.file("data/data/3a5a046c/bin/k3s-server", "x")
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    (text,) = [error["message"] for error in seen["errors"] if error["section"] == "program"]
    assert text.startswith("%s/data/3a5a046c/bin/k3s-server may not be executed" % board.data)


def process_of_k3s(board, comm, words, service="k3s-agent"):
    """k3s by another name than that of a release: as a distribution starts it, or built without its wrapper."""
    board.process(200, words, comm=comm, cgroup="/system.slice/%s.service" % service, environ=["K3S_NODE_NAME=n1"])
    folder = "%s/agent/etc/containerd/config.toml" % board.data
    board.process(201, ["containerd", "-c", folder], comm="containerd", parent=200)


@pytest.mark.parametrize(
    "comm, words, role",
    [
        ("k3s", ["/usr/bin/k3s", "agent"], "agent"),
        ("k3s", ["k3s agent"], "agent"),
        ("k3s", ["/usr/bin/k3s", "--debug", "server", "--flag", "agent"], "server"),
        # The name of a server, and what must stay on the board, are among an agent's flags.
        ("k3s", ["/usr/bin/k3s", "--debug", "agent", "-s", "https://k3s-server-1:6443", "-t", "K10" + SECRET], "agent"),
        (".k3s-wrapped", ["k3s", "agent", "--token", SECRET, "--server", "https://server:6443"], "agent"),
        # What people start says nothing; the data folder does then.
        ("k3s", ["/usr/bin/k3s"], "server"),
        ("k3s", ["/usr/bin/k3s", "kubectl", "get", "agent"], "server"),
    ],
)
def test_the_role_of_a_k3s_by_its_command_line(board, shell, comm, words, role):
    process_of_k3s(board, comm, words)
    output = board.run(PARTS, shell)
    own = read_board(split_output(output, TOKEN), False)
    assert SECRET not in output
    assert (own["role"], own["service"], own["said"]) == (role, "k3s-agent", ["K3S_NODE_NAME=n1"])


def test_a_server_beside_the_agent_that_has_the_containerd(board, shell):
    """As with --disable-agent: the board is a server, and what containerd reads is brought by the agent's service."""
    board.process(100, ["/usr/local/bin/k3s server"], comm="k3s-server", cgroup="/system.slice/k3s.service")
    board.process(90, ["/usr/local/bin/k3s server"], comm="k3s-server", same=())
    board.k3s(role="agent")
    own = told(board, shell)
    assert (own["role"], own["service"], own["running"]) == ("server", "k3s-agent", str(board.data))


def test_a_k3s_of_somebody_else_makes_no_server(board, shell):
    board.k3s(role="agent")
    board.process(100, ["k3s server"], comm="k3s-server", same=())
    board.process(101, ["k3s", "kubectl", "logs", "server"], comm="k3s")
    assert told(board, shell)["role"] == "agent"


# In the words of a user's file, what cannot be seen then, and whether k3s's own containerd answers all the same.
RUNTIMES = [
    ("docker: true\n", "k3s runs its pods by docker here"),
    ("docker: yes\n", "k3s runs its pods by docker here"),
    ("docker: false\n", None),
    ("container-runtime-endpoint: unix:///run/containerd/containerd.sock\n", "another container runtime here"),
    ("container-runtime-endpoint: /run/crio/crio.sock\n", "another container runtime here"),
    ("container-runtime-endpoint: unix:///run/k3s/containerd/containerd.sock\n", None),
    ("disable-agent: true\n", "k3s runs no pods here, and is no node"),
]


@pytest.mark.parametrize("text, doubt", RUNTIMES)
def test_pods_that_k3s_s_own_containerd_does_not_run(board, shell, text, doubt):
    """The run says so, and does not call a k3s down that runs."""
    board.file("etc/config.yaml", text)
    board.process(200, ["/usr/local/bin/k3s server"], comm="k3s-server")
    board.answer("ctr --namespace k8s.io version", err="ctr: failed to dial: context deadline exceeded", rc=1)
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert [doubt in text for text in seen["doubts"]] == [True] * bool(doubt)
    problem = str(unreadable_images(seen, "board-1"))
    assert (doubt or "ctr: failed to dial") in problem and "start k3s" not in problem


def test_containerds_of_others_are_none_of_the_boards(board, shell):
    """Of a k3s in a container, of an editor, of the script itself."""
    board.k3s(data_dir="/in/a/container", same=())
    board.process(300, ["vi", "/x/agent/etc/containerd/config.toml"], comm="vi")
    own = told(board, shell)
    assert (own["running"], own["k3s_started"], own["ran_as"]) == ("", "", "")


@pytest.mark.parametrize("whose", [{"users": ("1000",) * 4}, {"users": ("1000", "0", "0", "0")}, {"same": ("net",)}])
@pytest.mark.parametrize("real", [True, False], ids=["beside k3s", "without k3s"])
def test_a_process_that_only_calls_itself_k3s_says_nothing_and_nothing_of_it_is_run(board, shell, real, whose):
    """Of a user, of a program that runs as root for any user (su), of a pod in the board's network."""
    evil = board.home / "evil"
    environ = ["K3S_DATA_DIR=%s" % evil, "K3S_CONFIG_FILE=%s/config.yaml" % evil]
    board.file("evil/config.yaml", "data-dir: %s\n" % evil)
    for name in ("ctr", "crictl"):
        board.file("evil/data/current/bin/" + name, "#!/bin/sh\ntouch %s/ran\n" % evil)
        (evil / "data/current/bin" / name).chmod(0o755)
    (evil / "agent").mkdir()
    if real:
        board.k3s(data_dir=board.data)
    for pid in (100, 300):
        board.k3s(data_dir=evil, pid=pid, environ=environ, **whose)
    board.file("etc/config.yaml", "data-dir: %s\n" % board.data)
    own = told(board, shell, data_dir=None)
    assert (own["data_dir"], own["running"]) == (str(board.data), str(board.data) if real else "")
    assert "evil" not in str(own) and not (evil / "ran").exists()


def test_a_folder_that_is_given_and_another_that_runs(board, shell):
    board.k3s(data_dir=board.home / "other")
    (board.home / "other").mkdir()
    seen = observe(board.run(PARTS, shell), TOKEN, PARTS, data_dir=str(board.data))
    assert len(seen["doubts"]) == 1 and str(board.home / "other") in seen["doubts"][0]
    (board.home / "other").rmdir()
    (board.home / "other").symlink_to(board.data)
    assert observe(board.run(PARTS, shell), TOKEN, PARTS, data_dir=str(board.data))["doubts"] == []


def test_a_folder_in_which_k3s_never_ran(board, shell):
    """Neither it nor another one is unpacked by looking: containerd is not asked."""
    seen = observe(board.run(PARTS, shell, data_dir=None), TOKEN, PARTS)
    assert "k3s has not run with the data folder /var/lib/rancher/k3s" in seen["doubts"][0]
    assert not [call for call in board.calls() if call.startswith(("ctr", "crictl"))]


def test_programs_are_told_the_data_folder(board, shell):
    board.program("k3s", '#!/bin/sh\necho "$K3S_DATA_DIR"\n')
    assert sections(board, shell, ["k3s"])["containerd"].out == "%s\n" % board.data


SECRETS = {
    "plain.yaml": "apiVersion: v1\nkind: Secret\ndata: {a: %s}\n",
    "quoted.yaml": 'kind: "Secret"\nstringData: {a: %s}\n',
    "second.yaml": "kind: ConfigMap\n---\nkind:   Secret\ndata: {a: %s}\n",
    "json.json": '{"kind":"Secret","data":{"a":"%s"}}',
    "list.yaml": "kind: List\nitems:\n- {kind: 'Secret', data: {a: %s}}\n",
    "nested.yaml": 'kind: ConfigMap\nmetadata: {annotations: {x: "{\\"kind\\":\\"Secret\\",\\"data\\":\\"%s\\"}"}}\n',
}


def test_secrets_in_manifests_stay_on_the_board(board, shell):
    for name, text in SECRETS.items():
        board.file("data/server/manifests/" + name, text % SECRET)
    board.file("data/server/manifests/role.yaml", "kind: ClusterRole\nrules: [{resources: [secrets]}]\n")
    output = board.run(["manifests"], shell)
    assert SECRET not in output
    texts, left_out, dummy = split_texts(split_output(output, TOKEN)["texts"].out, TOKEN)
    assert list(texts) == ["role.yaml"]
    assert left_out == dict.fromkeys(SECRETS, ("secret", False)) | {"list.yaml": ("secret", True)}


def test_annotations_stay_on_the_board(board, shell):
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"env":"%s"}\n"},' % SECRET,
        "b": "} " + SECRET,
        "c: {": SECRET + ": {",
        "}": SECRET,
    }
    item = {"id": "1", "annotations": annotations, "image": {"annotations": {}, "image": "x"}, "labels": {"a": "b"}}
    for last, blanks in itertools.product(({}, {"runtimeHandler": ""}), (" ", "  ")):
        board.answer(
            "crictl pods", json.dumps({"items": [dict(item, **last), item]}, indent=2, separators=(",", ":" + blanks))
        )
        output = board.run(["sandboxes"], shell)
        assert SECRET not in output
        kept = json.loads(split_output(output, TOKEN)["pods"].out)["items"]
        assert kept == [dict(row, annotations={}) for row in (dict(item, **last), item)]


@pytest.mark.parametrize("indent", [None, 0])
def test_annotations_in_another_form_are_cut_off(board, shell, indent):
    board.answer("crictl pods", json.dumps({"items": [{"annotations": {"a": SECRET}}]}, indent=indent))
    assert SECRET not in board.run(["sandboxes"], shell)


TEXTS = {
    "a.yaml": "kind: Pod\n",
    "no-end.yaml": "kind: Pod",
    "empty.yml": "",
    "many ends.yaml": "\n\nkind: Pod\n\n\n",
    "crlf.yaml": "kind: Pod\r\nx: 1\r\n",
    "sub/quotes 'and\" $x.json": "'\"\\n$x `id` %s \t é\n",
}


@pytest.mark.parametrize("terminal", [False, True])
def test_texts_arrive_unchanged(board, shell, terminal):
    for name, text in TEXTS.items():
        board.file("data/server/manifests/" + name, text.encode())
    board.file("data/server/manifests/large.yaml", "x" * (LARGEST_TEXT * 1024 + 1))
    for name in (".hidden.yaml", "note.txt", "a.yaml.bak"):
        board.file("data/server/manifests/" + name, "no")
    output = board.run(["manifests"], shell, whole=list(TEXTS))
    if terminal:
        output = "motd\r\n" + output.replace("\n", "\r\n")
    found = split_output(output, TOKEN)
    texts, left_out, sums = split_texts(found["texts"].out, TOKEN)
    assert (texts, left_out) == ({name: (text, True) for name, text in TEXTS.items()}, {"large.yaml": ("size", False)})
    assert sums.keys() == {*TEXTS, "large.yaml"}


# What fills a large file, and whether it has k3s run pods.
LARGE = {
    "crds.yaml": ("kind: CustomResourceDefinition\nspec: {names: {kind: Lister, listKind: ListerList}}\n", False),
    "words.yaml": ("# a Deployment, kind: DeploymentLike, and a HelmChart\nkind: HelmChartLike\n", False),
    "deployment.yaml": ("kind: Deployment\n", True),
    "quoted.yaml": ("\"kind\" : 'StatefulSet'\r\n", True),
    "flow.json": ('{"apiVersion":"v1","kind":"List","items":[]}', True),
    "chart.yaml": ("  kind:   HelmChart", True),
    "config.yaml": ("kind: HelmChartConfig # x\n", True),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_manifest_without_workloads_is_told_from_one_with(board, shell, name):
    """As the set of CRDs of the Gateway API, which newer k3s brings along."""
    text, holds = LARGE[name]
    name = "a" + name
    filler = "# " + "x" * 100 + "\n"
    board.file("data/server/manifests/" + name, filler * 2000 + text + filler * 2000)
    board.file("data/server/manifests/secret-" + name, "kind: Secret\n---\n" + text)
    [of_both] = [observe(board.run(["manifests"], shell), TOKEN, ["manifests"])["manifests"]]
    assert [(row["left_out"], row["workloads"], row["text"]) for row in of_both] == [
        ("size", holds, None),
        ("secret", holds, None),
    ]


def test_a_folder_of_manifests_that_cannot_be_listed(board, shell):
    board.file("data/server/manifests/a.yaml", "kind: Pod\n")
    board.program("find", "#!/bin/sh\necho ./a.yaml; exit 1\n")
    found = sections(board, shell, ["manifests"])["texts"]
    assert found.rc == 1 and "cannot be listed" in found.err


def test_files(board, shell):
    board.file("data/server/manifests/a b.yaml", "x", mtime=1600000000)
    board.file("data/server/manifests/a b.yaml.skip", "", mtime=1600000001)
    board.file("etc/registries.yaml", "password: " + SECRET, mtime=1600000002)
    (board.etc / "registries.yaml").chmod(0o600)
    output = board.run(["manifests", "registries"], shell)
    assert SECRET not in output
    found = split_output(output, TOKEN)
    files = split_files(found["sums"].out, found["stats"].out)
    assert {path: row["mtime"] for path, row in files.items()} == {
        "a b.yaml": 1600000000,
        "a b.yaml.skip": 1600000001,
        str(board.etc / "registries.yaml"): 1600000002,
    }
    assert files["a b.yaml"]["sha256"] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert files[str(board.etc / "registries.yaml")]["mode"] == "0600"


@pytest.mark.parametrize(
    "text, expected",
    [
        ('[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "rancher/pause:3.6"\n', '"rancher/pause:3.6"\n'),
        (
            "[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = 'rancher/pause:3.10.2'\n",
            "'rancher/pause:3.10.2'\n",
        ),
        ("[plugins.'io.containerd.cri.v1.images']\n  pinned_images.sandbox='p:1'", "'p:1'\n"),
        ("[other]\nsandbox = 'no'\nsandboxer = 'podsandbox'\n", ""),
    ],
)
def test_pause_image_of_containerd(board, shell, text, expected):
    board.file("data/agent/etc/containerd/config.toml", text + "\n[auth]\npassword = '%s'\n" % SECRET)
    output = board.run(["config"], shell)
    assert SECRET not in output
    assert split_output(output, TOKEN)["pause"].out == expected


@pytest.mark.parametrize("registries, rendered, expected", [(2, 1, 1), (1, 2, 0), (None, 1, 0), (1, None, 0)])
def test_stale_registries(board, shell, registries, rendered, expected):
    if registries:
        board.file("etc/registries.yaml", "", mtime=1600000000 + registries)
    if rendered:
        board.file("data/agent/etc/containerd/config.toml", "", mtime=1600000000 + rendered)
    assert sections(board, shell, ["registries"])["board"].out.count("stale 1") == expected


@pytest.mark.parametrize(
    "api, kubeconfig, asked", [("auto", True, 1), ("auto", False, 0), ("always", False, 1), ("never", True, 0)]
)
def test_api_is_asked_where_it_can_be(board, shell, api, kubeconfig, asked):
    if kubeconfig:
        board.file("etc/k3s.yaml", "")
    assert ("api" in sections(board, shell, ["api"], api=api)) == bool(asked)
    assert len(board.calls()) == asked


def test_a_kubeconfig_that_k3s_was_told_to_write_elsewhere(board, shell):
    """By a flag or a variable, which no file tells: every server has one of its own."""
    own = board.home / "data/server/cred/admin.kubeconfig"
    board.program("k3s", '#!/bin/sh\necho "$KUBECONFIG"\n')
    assert "api" not in sections(board, shell, ["api"])
    board.file("data/server/cred/admin.kubeconfig", "")
    assert sections(board, shell, ["api"])["api"].out == "%s\n" % own
    board.file("etc/k3s.yaml", "")
    assert sections(board, shell, ["api"])["api"].out == "%s\n" % (board.etc / "k3s.yaml")


def test_the_role_that_k3s_s_own_account_tells(board, shell):
    """For a while servers wrote "k3s agent" as their command line."""
    process_of_k3s(board, "k3s", ["k3s agent"], service="k3s")
    board.file("etc/k3s.yaml", "")
    node = {"name": "board-1", "boot_id": "0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1", "env": "{}"}
    for args, role in (('["server", "--disable", "traefik"]', "server"), ('["agent"]', "agent"), ("", "agent")):
        board.answer("kubectl", record(api_query.NODE, TOKEN, **dict(node, args=args)))
        assert observe(board.run(PARTS, shell), TOKEN, PARTS)["k3s"]["role"] == role


def test_api_without_addons(board, shell):
    """A cluster that is not k3s's does not know the kind."""
    error = 'error: the server doesn\'t have a resource type "addons"'
    board.answer("kubectl --request-timeout=20s get nodes,pods,addons.k3s.cattle.io", err=error, rc=1)
    board.answer("kubectl --request-timeout=20s get nodes,pods", out="fine")
    board.answer("kubectl --request-timeout=20s get events", out="events")
    found = sections(board, shell, ["api"], api="always", events=True)
    assert found["api"] == (0, "fine", "") and found["events"].out == "events"


def test_paths_with_blanks_and_quotes(tmp_path, shell):
    home = tmp_path / "it's a $home"
    home.mkdir()
    board = FakeBoard(home)
    board.file("data/server/manifests/a.yaml", "kind: Pod\n")
    found = sections(board, shell)
    assert {section.rc for section in found.values()} == {0}
    assert split_texts(found["texts"].out, TOKEN)[0]["a.yaml"].text.strip() == "kind: Pod"


# Bytes of the script. What it asks beside can grow by a tenth before somebody looks.
BEFORE = [
    ("plain", PARTS, False, 23300),
    ("with warnings", PARTS, True, 23600),
    ("diagnosis", PARTS + tuple(part for part in EXTRAS if part != "system"), False, 33400),
    ("prepare", ("k3s", "config", "journal", "api", "preflight", "system"), False, 21600),
]


@pytest.mark.parametrize("parts, events, before", [case[1:] for case in BEFORE], ids=[case[0] for case in BEFORE])
def test_script_stays_small(parts, events, before, capsys):
    """It travels as an argument of the remote shell, quoted twice."""
    text = build_script(TOKEN, parts, events=events)
    with capsys.disabled():
        print(" [%d bytes, before %d]" % (len(text), before), end="")
    assert len(text) <= before * 1.1
    # As it is sent; a single argument may have 131,072 bytes.
    assert len(shlex.quote("sudo sh -c " + shlex.quote(script.argument(text)))) < 43000


def test_what_is_stripped():
    assert stripped("# a\n\n    b # c\n\td() {\n  # e\n}\nx='\n'\n") == "b # c\nd() {\n}\nx='\n'\n"


def test_stripping_changes_nothing(board, shell, monkeypatch):
    """No string of a part goes over lines that are stripped."""
    board.file("etc/k3s.yaml", "")
    parts = set(PARTS + EXTRAS) - {"disk", "preflight", "system"}  # what these print changes by itself
    output = [board.run(parts, shell)]
    monkeypatch.setattr(script, "stripped", lambda text: text)
    script._text.cache_clear()
    try:
        assert "# " in build_script(TOKEN, PARTS)
        output.append(board.run(parts, shell))
    finally:
        script._text.cache_clear()
    assert output[0] == output[1]


def test_every_file_of_the_script_is_used():
    wanted = (PARTS, PARTS + EXTRAS, (*PARTS, "told"))
    used = {name for parts in wanted for files in script._files(set(parts) | {"files"}, True) for name in files}
    assert used == set(script._PATHS)


def test_every_setting_of_the_script_is_assigned():
    """A name that is not would be taken from the environment."""
    for parts in (PARTS, PARTS + EXTRAS):
        text = build_script(TOKEN, parts, events=True)
        outside_of_quotes = re.sub(r"'[^']*'", "", text)
        used = set(re.findall(r"\$\{?([a-z][a-z0-9_]*)", outside_of_quotes))
        assigned = set(re.findall(r"(?:^|[\s;])([a-z][a-z0-9_]*)=", text)) | set(re.findall(r"for (\w+) in", text))
        read = {name for names in re.findall(r"read -r ([\w ]+)", text) for name in names.split()}
        assert used - assigned - read - {"address"} == set()


@pytest.mark.parametrize(
    "output, message",
    [
        ("", "the board did not run the observing script. Found: no output"),
        ("sh: not found\n", "the board did not run the observing script. Found: sh: not found."),
        (TOKEN + "<user\n0\n", "the output of the observing script breaks off in the part 'user'"),
        (TOKEN + "<user\n0\n\n" + TOKEN + ">", "the output of the observing script breaks off in the part 'user'"),
    ],
)
def test_output_that_is_not_whole(output, message):
    with pytest.raises(Problem) as caught:
        split_output(output, TOKEN)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", sorted(script._PATHS))
def test_no_part_has_a_here_document(name):
    """bash before 5.1, the /bin/sh of older boards, writes it into a file, which a board that is read-only refuses."""
    assert "<<" not in script._text(name)
