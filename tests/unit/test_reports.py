# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worlds of public reports, whose first finding is what helped there. Sources are in fixtures/errors.yml."""

from __future__ import annotations

import pytest
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils._chain.split import messages

RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: "
)
CGROUP = RUNC + "error during container init: error setting cgroup config for procHooks process: "
PERSON, CERTAIN, LIKELY, POSSIBLE = "a person", "certain", "likely", "possible"
AGAIN = {"k3s-agent": {"state": "activating", "sub_state": "auto-restart", "restarts": 7}}
STARTS = {"k3s-agent": {"state": "activating", "sub_state": "start", "restarts": 0}}
FAILED = {"k3s-agent": {"state": "failed", "sub_state": "failed", "restarts": 5}}
COMMENT = (
    "panic: F0211 22:57:15.908590    6375 network_policy_controller.go:341] Failed to run iptables command to put in "
    "INPUT chain running [/usr/bin/iptables -t filter -I INPUT 1 -m comment -j KUBE-ROUTER-INPUT --wait]: exit status "
    "1: Warning: Extension comment revision 0 not supported, missing kernel module?"
)
WAITS = 'time="2022-08-30T14:00:20Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: %s"'
REJECTED = "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server"
LATE = (
    'failed to retrieve configuration from server: Get \\"https://127.0.0.1:6444/v1-k3s/config\\": context deadline '
    "exceeded (Client.Timeout exceeded while awaiting headers)"
)


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


def first(fleet):
    finding = fleet.document()["findings"][0]
    return finding["cause"], finding["confidence"], finding["mended_by"]


def down(fleet, service, *lines):
    fleet.agent["k3s"]["running"] = False
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    fleet.agent["service_state"] = service
    fleet.agent["last_words"] = list(lines)
    return fleet


@pytest.mark.parametrize(
    "line, expected",
    [
        (
            'time="2023-07-20T05:29:41Z" level=fatal msg="flannel exited: operation not supported"',
            "kernel-feature-missing",
        ),
        (COMMENT, "kernel-netfilter-missing"),
        ("FATA[2020-09-05T02:27:53.031-04:00] open /proc/self/cgroup: no such file or directory", "cgroup-missing"),
        (
            'time="2021-06-12T10:46:23Z" level=fatal msg="failed to find memory cgroup, you may want to add \\"cgroup>',
            "cgroup-missing",
        ),
        (WAITS % REJECTED, "node-password-rejected"),
        (
            'time="2022-11-01T09:31:59+01:00" level=fatal msg="no default routes found in \\"/proc/net/route\\""',
            "k3s-start-failed",
        ),
    ],
)
@pytest.mark.parametrize("service", [AGAIN, FAILED])
def test_why_k3s_ends_comes_first_and_to_start_it_is_no_remedy(fleet, service, line, expected):
    (finding,) = down(fleet, service, line).document()["findings"]
    assert (finding["cause"], finding["confidence"]) == (expected, LIKELY)
    assert any("service k3s-agent: " in text for text in finding["evidence"])


def test_a_service_that_somebody_stopped_did_not_end_for_its_old_errors(fleet):
    line = 'time="2021-06-12T10:46:23Z" level=fatal msg="failed to find memory cgroup (v2)"'
    found = [(one["cause"], one["confidence"]) for one in down(fleet, {}, line).document()["findings"]]
    assert found == [("k3s-down", CERTAIN), ("cgroup-missing", POSSIBLE)]


def test_an_agent_that_waits_for_its_server_for_the_first_time_may_only_be_starting(fleet):
    found = [(one["cause"], one["confidence"]) for one in down(fleet, STARTS, WAITS % LATE).document()["findings"]]
    assert found == [("server-unreachable", POSSIBLE), ("k3s-down", POSSIBLE)]


@pytest.mark.parametrize(
    "reason, message, expected",
    [
        (
            "RunContainerError",
            CGROUP + "openat2 /sys/fs/cgroup/kubepods.slice/cri-0a.scope/cpu.max: no such file or directory: unknown",
            ("cgroup-missing", CERTAIN, PERSON),
        ),
        (
            "RunContainerError",
            CGROUP
            + "openat2 /sys/fs/cgroup/kubepods.slice/cri-0a.scope/memory.max: no such file or directory: unknown",
            # The board has the controller: prepare would find nothing to do.
            ("cgroup-missing", CERTAIN, PERSON),
        ),
        (
            "RunContainerError",
            CGROUP + "bpf_prog_query(BPF_CGROUP_DEVICE) failed: invalid argument: unknown",
            ("kernel-feature-missing", CERTAIN, PERSON),
        ),
        # The layer holds what the board may not make: the kernel has nothing against the file system.
        (
            "ErrImagePull",
            'failed to pull and unpack image "docker.io/library/nginx:1": failed to extract layer sha256:%s: operation '
            "not permitted: unknown" % ("1" * 64),
            ("error-unknown", POSSIBLE, PERSON),
        ),
        (
            "StartError",
            RUNC + 'exec: "/entrypoint.sh": stat /entrypoint.sh: no such file or directory: unknown',
            ("entrypoint-missing", CERTAIN, PERSON),
        ),
        (
            "StartError",
            "exec container process (missing dynamic library?) `/entrypoint.sh`: No such file or directory",
            ("entrypoint-missing", LIKELY, PERSON),
        ),
    ],
)
def test_containers(fleet, reason, message, expected):
    fleet.waiting("web-1", reason, message, image="docker.io/library/nginx:1")
    assert first(fleet) == expected


@pytest.mark.parametrize(
    "controllers, mender", [("cpu cpuset pids", "riscv.k3s.prepare, step cgroups"), ("cpuset memory pids", PERSON)]
)
def test_prepare_mends_the_controller_memory_alone(fleet, controllers, mender):
    fleet.agent["preflight"]["cgroup2"] = controllers.split()
    path = "/sys/fs/cgroup/kubepods.slice/cri-0a.scope/%s.max"
    for name in {"cpu", "memory"} - set(controllers.split()):
        fleet.waiting("web-1", "RunContainerError", CGROUP + "openat2 " + path % name + ": no such file or directory")
    assert first(fleet) == ("cgroup-missing", CERTAIN, mender)


@pytest.mark.parametrize(
    "line",
    [
        "exec /entrypoint.sh: no such file or directory\r",
        "standard_init_linux.go:228: exec user process caused: no such file or directory",
        'standard_init_linux.go:190: exec user process caused "no such file or directory"',
    ],
)
def test_a_script_with_line_ends_of_windows_is_in_its_image(fleet, line):
    fleet.waiting("web-1", "CrashLoopBackOff", image="docker.io/me/api:1", exit_code=1)
    fleet.agent["logs"] = {fleet.agent["containers"][-1]["id"]: [line]}
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"], finding["command"]) == ("entrypoint-missing", LIKELY, None)
    assert "interpreter" in finding["title"] and "has no" not in finding["title"]


def test_the_events_of_control_groups_are_read(fleet):
    row = fleet.waiting("web-1", "ContainerCreating", sandbox=False)
    text = "unable to ensure pod container exists: failed to create container for [kubepods burstable pod0a] : unable "
    fleet.event(row, "FailedCreatePodContainer", text + 'to start unit "pod0a.slice": No space left on device')
    assert first(fleet)[0] == "error-unknown"  # systemd says so of inotify and of cgroups, too: no disk is full


REFUSED = (
    'failed to pull and unpack image "reg.example/a/web:1": failed to resolve reference "reg.example/a/web:1": '
    'failed to do request: Head "%s://reg.example/v2/a/web/manifests/1": dial tcp 10.1.1.1:%d: connect: connection '
    "refused"
)


@pytest.mark.parametrize(
    "mirrors, asked, confidence",
    [({}, ("https", 443), CERTAIN), (True, ("https", 443), POSSIBLE), (True, ("http", 80), CERTAIN)],
)
def test_behind_a_plain_http_mirror_only_the_last_endpoint_tells(fleet, mirrors, asked, confidence):
    fleet.waiting("web-1", "ErrImagePull", REFUSED % asked, image="reg.example/a/web:1")
    fleet.agent["preflight"]["mirrors"] = {"reg.example": ["http://reg.example"]} if mirrors else {}
    assert first(fleet) == ("registry-refused", confidence, PERSON)


@pytest.mark.parametrize("service, expected", [(False, PERSON), (True, "riscv.k3s.site")])
def test_site_starts_no_registry_that_is_down(fleet, service, expected):
    fleet.waiting("web-1", "ErrImagePull", REFUSED % ("https", 443), image="reg.example/a/web:1")
    fleet.agent["registries"]["stale"] = service
    assert first(fleet) == ("registry-refused", CERTAIN, expected)


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            'Jun 12 10:46:23 pi k3s[1]: time="2021" level=fatal msg="no \\"cgroup_memory=1>',
            ['level fatal: no "cgroup_memory=1'],
        ),
        ('level=error msg="a" error="b: \\"c\\": d', ['a: b: "c": d']),
        ('nov. 01 09:31:59 PC k3s[84049]: level=error msg="a"', ["a"]),
        ('11月 10 11:13:26 m k3s[1]: E1110 11:13:26.574951 5 a.go:73] "b" err="c"', ["b: c"]),
        ('ERRO[0002] b for &{Name:x,} failed, error  error="c: d"', ["b for &{Name:x,} failed, error: c: d"]),
        (
            "Jan 08 09:00:38 h k[1]: F0108 09:00:3.5 1 n.go:290] a\nJan 08 09:00:38 h k[1]:\nJan 08 09:00:38 h k[1]: b",
            ["level fatal: a\n\nb"],
        ),
        (COMMENT.partition("Failed")[0] + "a", ["level fatal: a"]),
        ('level=error msg="', []),
    ],
)
def test_lines_that_were_cut_and_prefixes_of_other_languages(text, expected):
    assert messages(text) == expected


def test_a_line_of_klog_within_one_of_logrus():
    text = 'time="2023-10-12" level=info msg="E1012 00:04:30.4 2529 a.go:193] \\"RunPodSandbox '
    text += (
        'failed\\" err=\\"rpc error: code = NotFound desc = failed to get sandbox image \\\\\\"r.io/pause:3\\\\\\": '
    )
    text += 'failed to pull image \\\\\\"r.io/pause:3\\\\\\": no match for platform in manifest: not found\\""'
    assert told(text).cause == "pause-image-architecture"


@pytest.mark.parametrize(
    "text, cause, confidence, command",
    [
        (
            'failed to setup network for sandbox "0a": plugin type="flannel" failed (add): failed to set bridge addr: '
            '"cni0" already has an IP address different from 10.42.1.1/24',
            "cni-failed",
            POSSIBLE,
            "ip link delete cni0",
        ),
        (
            'failed to setup network for sandbox "0a": failed to set bridge addr: "eth0" already has an IP address '
            "different from 10.42.1.1/24",
            "cni-failed",
            POSSIBLE,
            None,
        ),
        (
            "failed to create containerd task: failed to mount /tmp/containerd-mount076466803: no such device",
            "snapshotter-unsupported",
            CERTAIN,
            "grep overlay /proc/filesystems; stat -f -c %T /var/lib/rancher",
        ),
        (
            RUNC.partition("runc create")[0] + "crun: the requested cgroup controller `pids` is not available: unknown",
            "cgroup-missing",
            CERTAIN,
            "cat /proc/cgroups; cat /sys/fs/cgroup/cgroup.controllers; k3s check-config",
        ),
    ],
)
def test_sandboxes(fleet, text, cause, confidence, command):
    row = fleet.waiting("web-1", "ContainerCreating", sandbox=False)
    fleet.event(row, "FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: code = Unknown desc = " + text)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"], finding["command"]) == (cause, confidence, command)


@pytest.mark.parametrize("path", ["/tmp/k3s-resolv.conf", "/run/systemd/resolve/resolv.conf"])
def test_the_file_of_name_servers_is_gone(fleet, path):
    row = fleet.waiting("web-1", "ContainerCreating", sandbox=False)
    fleet.event(
        row, "FailedCreatePodSandBox", "Failed to create pod sandbox: open %s: no such file or directory" % path
    )
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["command"]) == ("resolv-conf-missing", "systemctl restart k3s-agent")


@pytest.mark.parametrize(
    "text, words",
    [
        ('failed to start sandbox container task "0a": ttrpc: closed: unknown', "closed (ttrpc)"),
        (
            "mkdir /sys/fs/cgroup/cpuset/kubepods: permission denied",
            "permission denied (mkdir /sys/fs/cgroup/cpuset/kubepods)",
        ),
        ("what: nobody has seen before", "nobody has seen before"),
    ],
)
def test_an_error_of_linux_is_shown_with_what_it_was_said_of(text, words):
    assert told(text).words == words


@pytest.mark.parametrize(
    "text, cause, words",
    [
        (
            "unable to retrieve OCI runtime error (open /run/1/log.json: no such file or directory): "
            "fork/exec /usr/local/sbin/runc: exec format error",
            "runtime-missing",
            "exec format error (fork/exec /usr/local/sbin/runc)",
        ),
        (
            "unable to retrieve OCI runtime error (open /run/1/log.json: no such file or directory): "
            'exec: "crun-vm": executable file not found in $PATH',
            "runtime-missing",
            'executable file not found in $PATH ("crun-vm")',
        ),
        (
            "unable to retrieve OCI runtime error (open /run/1/log.json: no such file or directory): "
            "runc did not terminate successfully: exit status 1",
            "runc-failed",
            "exit status 1",
        ),
        (
            'error mounting "/run/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/1f74/shm" to rootfs at '
            '"/dev/shm": '
            "stat /run/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/1f74/shm: no such file or directory",
            "runc-failed",
            "no such file or directory (stat /run/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/1f74/shm)",
        ),
        (
            'error mounting "/srv/tmpfs" to rootfs at "/data": create mountpoint for /data mount: not a directory',
            "volume-mount",
            "not a directory (create mountpoint for /data mount)",
        ),
    ],
)
def test_what_runc_fails_at(text, cause, words):
    tells = told("failed to create containerd task: OCI runtime create failed: %s: unknown" % text)
    assert (tells.cause, tells.words) == (cause, words)


def test_mounts_that_are_not_shared(fleet):
    text = 'failed to generate spec: path "/" is mounted on "/" but it is not a shared or slave mount'
    fleet.waiting("web-1", "CreateContainerError", 'failed to generate container "0a" spec: ' + text)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == ("volume-mount", CERTAIN)
    assert (finding["command"], finding["run_on"]) == ("mount --make-rshared /", "board-2")


@pytest.mark.parametrize(
    "text",
    [
        "runc create failed: unable to start container process: error during container init: "
        "error jailing process inside rootfs: pivot_root .: invalid argument",
        # k3s-io/k3s#510
        'container_linux.go:345: starting container process caused "process_linux.go:430: container init caused '
        '\\"rootfs_linux.go:109: jailing process inside rootfs caused \\\\\\"pivot_root invalid argument\\\\\\"\\""',
        "crun: pivot_root: Invalid argument",
    ],
)
def test_a_board_that_runs_from_its_ram_disk(fleet, text):
    row = fleet.waiting("web-1", "ContainerCreating", sandbox=False)
    words = "failed to create containerd task: failed to create shim task: OCI runtime create failed: %s: unknown"
    fleet.event(row, "FailedCreatePodSandBox", words % text)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == ("runc-failed", POSSIBLE)
    assert "initramfs" in finding["remedy"]
    assert (finding["command"].split()[0], finding["run_on"]) == ("findmnt", "board-2")


def test_a_cut_line_tells_what_is_left_of_it():
    text = 'time="2023-07-17T21:56:09-04:00" level=info msg="Waiting to retrieve agent configuration; server is not '
    tells = told(text + "ready: Node password rejected, duplicate hostname or content>")
    assert (tells.cause, tells.sure) == ("node-password-rejected", True)
