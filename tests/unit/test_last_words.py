# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why k3s itself does not come up, by its own last words: what is read of them, and what they tell."""

from __future__ import annotations

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import parse_preflight
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script

LOGFMT = 'time="2026-11-26T08:00:00Z" level=%s msg="%s"'
DOWN = {"installed": True, "version": "v1.36.3+k3s1", "role": "agent", "running": False}
V1 = "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported"
PASSWORD = (
    "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server "
    "node-passwd entry, try enabling a unique node name with the --with-node-id flag"
)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            LOGFMT % ("error", PASSWORD),
            "node-password-rejected",
        ),
        (
            LOGFMT
            % (
                "error",
                'failed to get CA certs: Get \\"https://127.0.0.1:6444/cacerts\\": read tcp '
                "127.0.0.1:1->127.0.0.1:6444: read: connection reset by peer",
            ),
            "server-unreachable",
        ),
        (
            LOGFMT % ("fatal", "failed to find memory cgroup (v2)"),
            "cgroup-missing",
        ),
        (LOGFMT % ("fatal", "failed to find cpu cgroup (v2)"), "cgroup-missing"),
        ("FATA[0003] pids cgroup controller not found", "cgroup-missing"),
        (LOGFMT % ("error", V1), "cgroup-missing"),
        (
            LOGFMT % ("error", "Shutdown request received: kubelet exited: failed to run Kubelet: " + V1),
            "cgroup-missing",
        ),
        (
            LOGFMT
            % (
                "fatal",
                "starting kubernetes: preparing server: bootstrap data already found and encrypted with "
                "different token",
            ),
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "something that nobody has seen before"),
            "k3s-start-failed",
        ),
        # A name that is in use is waited for by a pod; containerd ends over it (k3s-io/k3s#5189).
        (
            LOGFMT
            % ("fatal", "Failed to run CRI service")
            + ' error="failed to recover state: failed to reserve sandbox name \\"a\\": name \\"a\\" is reserved for '
            '\\"b\\""',
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "listen tcp :6443: bind: address already in use"),
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "server time isn't set properly: 1970-01-01 00:00:12.34 +0000 UTC m=+0.21"),
            "clock",
        ),
        (
            LOGFMT % ("fatal", "exec /var/lib/rancher/k3s/data/3a5a046ca7/bin/k3s-server failed: permission denied"),
            "k3s-not-executable",
        ),
        ("k3s-agent.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission denied", "k3s-not-executable"),
        ("k3s.service: Failed to execute /usr/local/bin/k3s: Exec format error", "k3s-not-executable"),
        ("FATA[0000] exec format error", "k3s-not-executable"),
        (LOGFMT % ("fatal", "fork/exec /data/abc/bin/k3s-server: exec format error"), "k3s-not-executable"),
        (
            LOGFMT % ("fatal", 'exec: \\"k3s-server\\": executable file not found in $PATH'),
            "k3s-not-executable",
        ),
        # What k3s ends with counts, whatever it would tell of a pod.
        (LOGFMT % ("fatal", "lookup time.lan: Temporary failure in name resolution"), "k3s-start-failed"),
        (LOGFMT % ("fatal", 'Error: exec: \\"runc\\": executable file not found in $PATH'), "k3s-start-failed"),
        (LOGFMT % ("fatal", "dial unix /run/k3s/containerd/containerd.sock: i/o timeout"), "k3s-start-failed"),
        (
            "k3s.service: Unable to locate executable '/usr/local/bin/k3s': No such file or directory",
            "k3s-not-executable",
        ),
        (" * supervise-daemon: failed to exec `/sbin/k3s': No such file or directory", "k3s-not-executable"),
        (
            "E0118 17:33:58.888700 1457370 bootstrap.go:265] part of the existing bootstrap client certificate is "
            "expired: 2020-12-06 18:55:55 +0000 UTC",
            "certificate-expired",
        ),
    ],
)
def test_causes(line, cause):
    fleet = FakeFleet()
    fleet.agent["k3s"] = DOWN
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    fleet.agent["last_words"] = [LOGFMT % ("error", "what was got over: no space left on device"), line]
    found = {one["cause"]: one for one in fleet.document()["findings"]}
    assert set(found) == {cause, "k3s-down"}
    assert found[cause]["confidence"] == "likely" and found[cause]["subject"]["board"] == "board-2"
    assert redact(line) in found[cause]["evidence"][0] and found[cause]["command"]


@pytest.mark.parametrize(("answers", "expected"), [(True, 0), (False, 4)])
def test_the_log_is_read_only_where_containerd_does_not_answer(tmp_path, answers, expected):
    board = FakeBoard(tmp_path)
    log = "\n".join(
        [
            "level=info msg=fine",
            LOGFMT % ("error", "--token=abcdefgh refused"),
            "E0101 12:00:00.0 1 a.go:1] went wrong",
            "panic: F0211 22:57:15.9 1 a.go:1] went down",
            LOGFMT % ("info", "Waiting to retrieve agent configuration; server is not ready: " + PASSWORD),
            "",
        ]
    )
    board.file("k3s.log", log)
    if not answers:
        board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    seen = observe(
        board.run([*PARTS, "last_words"], k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, [*PARTS, "last_words"]
    )
    assert len(seen["last_words"]) == expected
    assert not any("abcdefgh" in line or "fine" in line for line in seen["last_words"])


IMAGES = "/var/lib/rancher/k3s/agent/images/"
START = LOGFMT % ("info", "Starting k3s v1.34.1+k3s1 (24fc436e)")
IMPORTED = LOGFMT % ("info", "Imported %simages from " + IMAGES + "%s in 35.6s")
# By k3s of 2020, of 2024 and of 2025 (rancher/k3os#431, k3s-io/k3s#10132, k3s-io/k3s#13136).
NOT_IMPORTED = [
    LOGFMT % ("error", "Unable to import " + IMAGES + "%s: archive/tar: invalid tar header"),
    LOGFMT
    % (
        "error",
        "Error encountered while importing " + IMAGES + "%s: failed to import images: content digest x: not found",
    ),
    LOGFMT
    % ("error", "Failed to process image event: failed to import " + IMAGES + "%s: invalid image: unexpected EOF"),
]


KUBELET = 'E0101 12:00:00.0 1 kubelet.go:1] "Failed to apply default image tag" image="%s"'


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("error", NOT_IMPORTED)
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["%(a.tar)s"], ["a.tar"]),
        (["%(a.tar)s", "%(my b.tar.zst)s", IMPORTED % ("", "c.tar")], ["a.tar", "my b.tar.zst"]),
        # Told twice; it came later; the name is the beginning of another one; it is gone; k3s was started anew.
        (["%(a.tar)s", "%(a.tar)s"], ["a.tar"]),
        (["%(a.tar)s", IMPORTED % ("26 ", "a.tar")], []),
        (["%(a.tar.gz)s", IMPORTED % ("", "a.tar")], ["a.tar.gz"]),
        (["%(gone.tar)s"], []),
        (["%(c.tar.gz)s"], []),
        (["%(a.tar)s", START], []),
        ([START, IMPORTED % ("", "a.tar")], []),
    ],
)
def test_archives_that_k3s_could_not_import(tmp_path, shell, error, lines, expected):
    board = FakeBoard(tmp_path)
    held = ("a.tar", "a.tar.gz", "my b.tar.zst", "c.tar")
    for name in held:
        board.file("data/agent/images/" + name, "")
    errors = {name: error % name for name in (*held, "gone.tar", "c.tar.gz")}
    noise = [LOGFMT % ("error", "went wrong"), LOGFMT % ("info", "Importing images from " + IMAGES + "a.tar")]
    # The kubelet, of a pod whose image has such a name.
    noise += [KUBELET % line for line in (error % "c.tar", IMPORTED % ("", "a.tar"), START)]
    board.file("k3s.log", "".join(line % errors + "\n" for line in [START, *noise, *lines, *noise]))
    seen = observe(board.run([*PARTS, "last_words"], shell, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, PARTS)
    assert "imports" not in seen
    parts = [*PARTS, "last_words"]
    seen = observe(board.run(parts, shell, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, parts)
    assert (seen["imports"], seen["last_words"]) == ([errors[name] for name in expected], [])


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("down", [False, True])
def test_the_log_that_was_written_last_has_the_last_word(tmp_path, shell, down):
    """Where the board was an agent before, that log is still there."""
    board = FakeBoard(tmp_path)
    board.file("data/agent/images/a.tar", "")
    if down:
        board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    old, new = NOT_IMPORTED[0] % "a.tar", LOGFMT % ("fatal", "today")
    board.file("k3s-agent.log", old + "\n", mtime=1000)
    board.file("k3s.log", "%s\n%s\n%s\n" % (START, IMPORTED % ("", "a.tar"), new), mtime=2000)
    logs, parts = [str(tmp_path / name) for name in ("k3s.log", "k3s-agent.log")], ["k3s", "last_words"]
    seen = observe(board.run(parts, shell, k3s_logs=logs), TOKEN, parts)
    assert seen["imports"] == [] and seen["last_words"] == ([old, START, new] if down else [])


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("fails", [True, False])
def test_a_log_that_cannot_be_read_is_told(tmp_path, shell, fails):
    """As of a slow board, on which journalctl was ended. Nothing is known then of what it did not come to."""
    board = FakeBoard(tmp_path)
    board.file("data/agent/images/a.tar", "")
    board.program("journalctl", "#!/bin/sh\necho '%s'\nexit %d\n" % (NOT_IMPORTED[0] % "a.tar", 124 if fails else 0))

    def of_systemd(*args, **options):
        return build_script(*args, **options).replace("/run/systemd/system", str(board.home))

    parts = ["k3s", "last_words"]
    for build, is_told, lines in ((of_systemd, fails, 1), (build_script, True, 0)):
        seen = observe(board.run(parts, shell, build=build, k3s_logs=[str(tmp_path / "none.log")]), TOKEN, parts)
        said = [error["message"] for error in seen["errors"] if error["section"] == "imports"]
        assert (bool(said), len(seen["imports"])) == (is_told, lines)
        assert not said or "it is not known whether" in said[0]


@pytest.mark.parametrize("down", [False, True])
def test_the_log_is_not_read_for_archives_where_there_is_none_or_k3s_is_down(tmp_path, down):
    board = FakeBoard(tmp_path)
    board.file("data/agent/images/.cache.json", "{}")
    if down:
        board.file("data/agent/images/a.tar", "")
        board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("k3s.log", NOT_IMPORTED[0] % "a.tar" + "\n" + NOT_IMPORTED[0] % ".cache.json" + "\n")
    output = board.run(["k3s", "last_words"], k3s_logs=[str(tmp_path / "k3s.log")])
    assert observe(output, TOKEN, ["k3s", "last_words"])["imports"] == []
    assert ("Unable to import" in output) == down, "as a last word"


@pytest.mark.parametrize(
    ("error", "reason"), list(zip(NOT_IMPORTED, ["invalid tar header", "not found", "unexpected EOF"]))
)
def test_an_archive_that_k3s_cannot_import_is_a_finding(error, reason):
    fleet = FakeFleet()
    fleet.agent["imports"] = [error % "a.tar"]
    (found,) = fleet.document()["findings"]
    assert (found["cause"], found["confidence"]) == ("archive-not-imported", "certain")
    assert "k3s of board-2 cannot import an archive of images: " in found["title"] and reason in found["title"]
    assert found["evidence"] == ["k3s's log on board-2: " + error % "a.tar"]
    assert (found["command"], found["run_on"]) == ("ls -l %s" % IMAGES.rstrip("/"), "board-2")


def test_the_errors_of_a_k3s_that_only_did_not_answer_in_time_are_old():
    fleet = FakeFleet()
    fleet.agent["k3s"] = dict(DOWN, running=None)
    fleet.agent["last_words"] = [LOGFMT % ("fatal", "failed to find memory cgroup (v2)")]
    assert "cgroup-missing" not in fleet.causes()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize(
    "line",
    [
        "k3s-node.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission denied",
        "k3s-node.service: Unable to locate executable '/usr/local/bin/k3s': No such file or directory",
        " * supervise-daemon: failed to exec `/sbin/k3s': No such file or directory",
    ],
)
def test_what_the_service_manager_says_is_read_too(tmp_path, shell, line):
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("k3s.log", "Started it.\n%s\n" % line)
    parts = ["k3s", "last_words"]
    seen = observe(board.run(parts, shell, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, parts)
    assert [text.strip() for text in seen["last_words"]] == [line.strip()]


def asked(board, shell, *names):
    """What the programs of these names were asked for."""
    for name in names:
        board.program(name, '#!/bin/sh\necho %s "$@" >>%s\n' % (name, board.home / "asked"))

    def of_systemd(*args, **options):
        # The machine that runs the test need not have it.
        return build_script(*args, **options).replace("/run/systemd/system", str(board.home))

    board.run(["k3s", "service_state", "last_words"], shell, build=of_systemd)
    return (board.home / "asked").read_text()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_service_of_another_name_is_asked_for(tmp_path, shell):
    """k3s-ansible called agents k3s-node (k3s-io/k3s-ansible#89), and what came of it does (timothystewart6#675)."""
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("units/k3s-node.service", "")
    said = asked(board, shell, "systemctl", "journalctl")
    assert "systemctl show" in said and " k3s.service k3s-agent.service k3s-node.service\n" in said
    assert "journalctl -u k3s -u k3s-agent -u k3s-node -b" in said


def test_the_commands_name_the_service_that_there_is():
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, service="k3s-node", last_words=[LOGFMT % ("fatal", "something")])
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    commands = {one["cause"]: one["command"] for one in fleet.document()["findings"]}
    assert commands == {
        "k3s-down": "systemctl start k3s-node",
        "k3s-start-failed": "journalctl -u k3s-node --no-pager -n 50",
    }
    fleet.agent["preflight"]["init"] = "openrc"
    commands = {one["cause"]: one["command"] for one in fleet.document()["findings"]}
    assert commands["k3s-start-failed"] == "tail -n 50 /var/log/k3s-node.log"


EARLY = (
    "x509: certificate has expired or is not yet valid: "
    "current time 2022-09-16T18:32:28Z is before 2022-09-16T18:41:21Z"
)


@pytest.mark.parametrize(("skew", "remedy"), [(0, "rotate-ca"), (-900, "Set it")])
def test_a_certificate_of_the_future_is_no_fault_of_a_clock_that_is_right(skew, remedy):
    """k3s-io/k3s#6152: to set the clock, which is right, is no remedy."""
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, last_words=[LOGFMT % ("error", EARLY)])
    fleet.agent["preflight"]["time"] += skew
    (found,) = [
        one for one in fleet.document()["findings"] if one["cause"] == "clock" and "k3s's log" in one["evidence"][0]
    ]
    assert remedy in found["remedy"] and ("is right" in found["title"]) == (skew == 0)


MOVED = (
    "Failed to test %s connection: this server is a not a member of the etcd cluster. Found "
    "[server-1-b2=https://192.0.2.31:2380], expect: server-1-b2=https://[fd00::aac3]:2380"
)


@pytest.mark.parametrize("store", ["data store", "etcd"])
def test_a_server_with_another_address_waits_and_calls_that_no_error(tmp_path, store):
    """k3s-io/k3s#11780, #7558: it stays in activating for ever, by lines of level=info."""
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("k3s.log", LOGFMT % ("info", MOVED % store) + "\n")
    parts = ["k3s", "last_words"]
    seen = observe(board.run(parts, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, parts)
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, last_words=seen["last_words"])
    (found,) = [one for one in fleet.document()["findings"] if one["cause"] == "k3s-start-failed"]
    assert "another address than its cluster knows it by" in found["title"] and "node-ip" in found["remedy"]


AGAIN = {"k3s": {"state": "activating", "sub_state": "auto-restart", "restarts": 5}}
FIRST = {"k3s": {"state": "activating", "sub_state": "start", "restarts": 0}}
TLS = (
    "starting tls server: Get https://127.0.0.1:6444/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions: "
    "net/http: TLS handshake timeout"
)
HEALTH = 'starting kubernetes: preparing server: Get \\"https://%s/healthz\\": context deadline exceeded'
KINE = "starting kubernetes: preparing server: creating storage endpoint: building kine: "
LEASE = (
    'E0519 20:50:28.056844    4423 leaderelection.go:472] Failed to update lock: Put "https://[::1]:6444/apis/'
    'coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager?timeout=5s": %s'
)
LOST = 'E0519 20:50:28.064229    4423 controllermanager.go:328] "leaderelection lost"'
CERTS = 'failed to get CA certs: Get \\"https://%s/cacerts\\": dial tcp %s: connect: connection refused'
SLOW, DATASTORE, SERVER, OTHER = "does not answer its own k3s", "its datastore", "reach its server", "does not start"


def ended(line, role="server", service=None):
    """A fleet of one board, whose k3s is down with a line as its last word."""
    fleet = FakeFleet()
    del fleet.boards["board-2"]
    fleet.server.update(k3s=dict(DOWN, role=role), service="k3s", service_state=service or AGAIN, last_words=[line])
    fleet.server["api"] = {"reachable": False, "error": "refused", "nodes": [], "pods": [], "addons": []}
    fleet.server["details"] = None
    return fleet


def finding(*args):
    (found,) = [one for one in ended(*args).document()["findings"] if "k3s's log" in one["evidence"][0]]
    return found


@pytest.mark.parametrize(
    "line, role, title",
    [
        (LOGFMT % ("fatal", TLS), "server", SLOW),
        (LOGFMT % ("fatal", TLS), None, SLOW),
        (LOGFMT % ("fatal", HEALTH % "127.0.0.1:6444"), "server", SLOW),
        (LOGFMT % ("fatal", HEALTH % "[::1]:6444"), "server", SLOW),
        (LOGFMT % ("fatal", "starting tls server: timed out waiting for the condition"), "server", SLOW),
        (LOGFMT % ("fatal", "starting kubernetes: preparing server: apiserver not ready"), "server", SLOW),
        (LOGFMT % ("fatal", "leaderelection lost for k3s"), "server", SLOW),
        ("F0322 23:02:24.739    4562 server.go:203] leaderelection lost", "server", SLOW),
        (LOST, "server", SLOW),
        (LEASE % "context deadline exceeded", "server", SLOW),
        # Its API is gone: that tells nothing of why.
        (LOGFMT % ("error", CERTS % (("127.0.0.1:6443",) * 2)), "server", SLOW),
        # An agent has a load balancer there, and a server may join another one.
        (LOGFMT % ("error", CERTS % (("127.0.0.1:6444",) * 2)), "agent", SERVER),
        (LOGFMT % ("error", CERTS % (("127.0.0.1:6444",) * 2)), None, SERVER),
        (LOGFMT % ("fatal", HEALTH % "192.0.2.1:6443"), "server", SERVER),
        (LOGFMT % ("error", CERTS % (("192.0.2.1:6443",) * 2)), "server", SERVER),
        (
            LOGFMT
            % ("error", "failed to get CA certs: dial tcp: lookup k3s.lan: Temporary failure in name resolution"),
            "agent",
            SERVER,
        ),
        (LOGFMT % ("fatal", KINE + "dial tcp: lookup db.lan on 192.0.2.1:53: no such host"), "server", DATASTORE),
        (
            LOGFMT % ("fatal", KINE + "dial tcp: lookup db.lan: Temporary failure in name resolution"),
            "server",
            DATASTORE,
        ),
        (LOGFMT % ("fatal", KINE + "dial tcp: lookup db.lan: server misbehaving"), "server", DATASTORE),
        (LOGFMT % ("fatal", KINE + "dial tcp 192.0.2.1:5432: connect: connection refused"), "server", DATASTORE),
        (LOGFMT % ("fatal", KINE + "context deadline exceeded"), "server", DATASTORE),
        (LOGFMT % ("fatal", KINE + "pq: password authentication failed"), "server", OTHER),
    ],
)
def test_what_a_server_waits_for(line, role, title):
    """k3s-io/k3s#970, #1850, #2615, #12380: a board with an SD card is too slow for its own API."""
    found = finding(line, role)
    assert title in found["title"] and found["confidence"] == "likely"
    assert found["cause"] == ("server-unreachable" if title == SERVER else "k3s-start-failed")
    assert ("6443/tcp" in found["remedy"]) == (title == SERVER)
    assert ("--datastore-endpoint" in found["remedy"]) == (title == DATASTORE)
    assert (found["command"] == "cat /proc/loadavg /proc/swaps") == (title == SLOW)


def test_a_lease_that_could_not_be_kept_for_another_reason_is_no_matter_of_speed():
    assert not any("log" in one["evidence"][0] for one in ended(LEASE % "Forbidden").document()["findings"])


def test_a_server_that_waits_for_its_api_for_the_first_time_may_only_be_starting():
    assert finding(LOGFMT % ("error", CERTS % (("127.0.0.1:6443",) * 2)), "server", FIRST)["confidence"] == "possible"


@pytest.mark.parametrize(
    "line",
    ["FATA[0000] exec format error", LOST, LOGFMT % ("fatal", "lookup a.lan: Temporary failure in name resolution")],
)
def test_to_start_it_again_is_no_remedy_where_its_last_words_are_known(line):
    assert "k3s-down" not in ended(line).causes()


@pytest.mark.parametrize(
    "preflight, line, remedy, mended_by",
    [
        (
            "cgroup2 cpuset memory pids\ncgroup cpu 1 2",
            "cpu cgroup (v2)",
            "A hierarchy of cgroup v1 holds cpu",
            "a person",
        ),
        ("cgroup2 cpuset memory pids\ncgroup pids 1 0", "cpu cgroup (v2)", "CONFIG_CGROUP_SCHED", "a person"),
        # k3s names the first one only.
        ("cgroup2 cpuset pids\ncgroup memory 0 0", "cpu cgroup (v2)", "memory", "riscv.k3s.prepare, step cgroups"),
        ("cgroup2 cpu cpuset pids", "memory cgroup (v2)", "cgroup_enable", "riscv.k3s.prepare, step cgroups"),
        ("cgroup2 cpu cpuset memory pids", "memory cgroup (v2)", "start k3s again", "a person"),
        (
            "cgroup memory 1 1\ncgroup cpu 1 1\ncgroup cpuset 1 1\ncgroup pids 1 1",
            "pids cgroup",
            "Have it mounted",
            "a person",
        ),
        ("", "cpu cgroup (v2)", "Look for cpu in /proc/cgroups", "a person"),
        ("", "memory cgroup (v2)", "cgroup_enable", "riscv.k3s.prepare, step cgroups"),
        (None, "cpu cgroup (v2)", "Look for cpu in /proc/cgroups", "a person"),
    ],
)
def test_a_controller_that_k3s_misses_comes_back_by_what_it_is_missing_for(preflight, line, remedy, mended_by):
    """k3s-io/k3s#9947, #7023"""
    fleet = ended(LOGFMT % ("fatal", "failed to find " + line))
    fleet.server["preflight"] = None if preflight is None else parse_preflight(preflight)
    (found,) = [one for one in fleet.document()["findings"] if one["cause"] == "cgroup-missing"]
    assert remedy in found["remedy"] and found["mended_by"] == mended_by


def test_a_kubelet_that_refuses_cgroup_v1():
    """Kubernetes 1.35 and later: v1 has all controllers, and prepare has nothing to do."""
    found = finding(LOGFMT % ("error", "Kubelet exited: " + V1))
    assert "needs cgroup v2" in found["remedy"] and "unified" in found["remedy"] and found["mended_by"] == "a person"
