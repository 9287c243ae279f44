# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes about boards, their system, registries.yaml and manifests: positive cases and near misses."""

import importlib.machinery
import importlib.util
import pathlib

import pytest
from fake_fleet import NOW, PREFLIGHT, FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import REGISTRY
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.model import CONFIDENCES
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import parse_preflight

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGISTRIES = "/etc/rancher/k3s/registries.yaml"
UNREAD = {"line": 3, "key": "endpoint", "above": "mirrors.docker.io", "wanted": "a list of texts"}


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


def wrong(line, key, instead=None):
    return {"line": line, "key": key, "above": "mirrors.docker.io", "instead": instead}


def unreachable(fleet):
    fleet.boards["board-3"] = {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}


def not_installed(fleet):
    fleet.boards["board-3"] = {
        "failed": True,
        "what": "k3s was not found on this board",
        "msg": "k3s was not found on this board. Found: no program",
    }


def without_program(fleet):
    what = "k3s runs here as server, and its program was not found"
    fleet.boards["board-3"] = {"failed": True, "what": what, "msg": what, "next_step": "see how it is started there"}


def not_executable(fleet):
    fleet.boards["board-3"] = {
        "failed": True,
        "what": "k3s cannot be executed on this board",
        "msg": "k3s cannot be executed on this board. Found: the file /usr/local/bin/k3s may not be executed",
    }


def silent(fleet):
    fleet.boards["board-3"] = None


def stopped(fleet, board="board-2"):
    fleet.boards[board]["k3s"]["running"] = False
    fleet.boards[board]["errors"] = [{"section": "containerd", "rc": 1, "message": "connect: connection refused"}]
    fleet.server["details"]["nodes"][board] = {
        "Ready": {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    }


def stopped_server(fleet):
    stopped(fleet, "board-1")
    no_api(fleet)


def late_api(fleet):
    no_api(fleet)
    fleet.server["api"].update(error="it did not finish within 60 s", late=True)


def no_api(fleet):
    fleet.server["api"] = {
        "reachable": False,
        "error": "The connection to the server was refused",
        "nodes": [],
        "pods": [],
        "addons": [],
    }
    fleet.server["details"] = None


def node(condition, status, message="m"):
    def change(fleet):
        fleet.server["details"]["nodes"]["board-2"][condition] = {"status": status, "reason": "r", "message": message}

    return change


def disk(part):
    def change(fleet):
        fleet.agent["disk"]["available"] = int(fleet.agent["disk"]["size"] * part)

    return change


def system(key, value):
    def change(fleet):
        fleet.agent["preflight"][key] = value

    return change


def keys(key, value):
    """What is wrong with those of registries.yaml."""

    def change(fleet):
        fleet.agent["registries"]["mistakes"][key] = value

    return change


def option(name, value):
    def change(fleet):
        fleet.agent["preflight"]["options"][name] = (value, "/boot/config-6.6.0")

    return change


def with_module(fleet):
    option("VXLAN", "m")(fleet)
    fleet.agent["preflight"]["modules"] = {"vxlan": "can be loaded"}


def no_configuration(fleet):
    fleet.agent["preflight"]["options"] = {}


def stale_registries(fleet):
    fleet.agent["registries"].update(stale=True, by_time=False)


def no_cgroups(fleet):
    controllers = dict.fromkeys(("cpu", "cpuset", "memory", "pids"), True)
    fleet.agent["preflight"].update(cgroup2=None, cgroups=controllers, unmounted=True)


def second(state, sub_state, restarts):
    def change(fleet):
        fleet.agent["service"] = "k3s-agent"
        fleet.agent["service_state"] = {
            "k3s-agent": {"state": "active", "sub_state": "running", "restarts": 0},
            "k3s": {"state": state, "sub_state": sub_state, "restarts": restarts},
        }

    return change


CRI = ["containerd-cri-missing"]


def without_cri(text):
    """k3d-io/k3d#968: k3s waits for its containerd, which answers whoever does not ask for pods."""

    def change(fleet):
        fleet.agent["errors"] = [{"section": "pods", "rc": 1, "message": text}]

    return change


def test_a_server_whose_api_is_slow_is_not_to_be_restarted_at_once(fleet):
    late_api(fleet)
    slow, unknown = fleet.document()["findings"]
    assert (slow["title"], slow["command"]) == ("The API does not answer in time", "cat /proc/loadavg")
    assert "riscv_k3s_program_timeout" in slow["remedy"] and unknown["remedy"].startswith("Run this again when")


@pytest.mark.parametrize(
    "error",
    [
        "Error from server (TooManyRequests): the server has received too many requests",
        "error: the server is currently unable to handle the request",
    ],
)
def test_an_api_says_that_it_is_busy(fleet, error):
    late_api(fleet)
    fleet.server["api"]["error"] = error
    assert fleet.document()["findings"][0]["title"] == "The API says that it is busy or not ready"


@pytest.mark.parametrize("api", [no_api, late_api])
def test_a_server_that_is_still_starting_is_waited_for(fleet, api):
    """k3s-io/k3s#2822: a Raspberry Pi takes minutes, and a restart begins them anew."""
    api(fleet)
    fleet.server["service_state"] = {"k3s": {"state": "activating", "sub_state": "start", "restarts": 0}}
    finding = fleet.document()["findings"][-1]
    assert finding["title"] == "k3s is starting on board-1, and its API does not answer yet"
    assert (finding["confidence"], finding["command"]) == ("possible", "systemctl status k3s")
    fleet.server["service_state"]["k3s"].update(sub_state="auto-restart", restarts=5)
    assert fleet.document()["findings"][0]["confidence"] == "certain"


@pytest.mark.parametrize(
    "error",
    [
        "error: You must be logged in to the server (Unauthorized)",
        'Error from server (Forbidden): nodes is forbidden: User "u" cannot list resource "nodes"',
    ],
)
def test_an_api_that_does_not_take_the_kubeconfig_answers(fleet, error):
    no_api(fleet)
    fleet.server["api"]["error"] = error
    finding = fleet.document()["findings"][0]
    assert finding["title"] == "The API refuses k3s's own kubeconfig" and "renews" in finding["remedy"]


def foreign_program(fleet):
    stopped(fleet)
    text = "/usr/local/bin/k3s is a program for arm64, and this board is riscv64"
    fleet.agent["errors"].append({"section": "program", "rc": None, "message": text})


def evicted(fleet):
    row = fleet.pod("p", "board-2", "a:1", sandbox=False, ready=False, phase="Failed", reasons=["Evicted"])
    row["containers"] = []


@pytest.mark.parametrize(
    "change, expected",
    [
        (unreachable, ["board-unreachable"]),
        (not_installed, ["k3s-missing"]),
        (without_program, ["board-unreachable"]),
        (not_executable, ["k3s-not-executable"]),
        (silent, []),
        (stopped, ["k3s-down"]),
        (stopped_server, ["k3s-down", "cluster-unknown"]),
        (no_api, ["api-down", "cluster-unknown"]),
        (late_api, ["api-slow", "cluster-unknown"]),
        (node("Ready", "False", "container runtime is down"), ["node-not-ready"]),
        (
            node(
                "Ready",
                "False",
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni "
                "plugin not initialized",
            ),
            ["cni-missing", "node-not-ready"],
        ),
        (node("DiskPressure", "True"), ["disk-pressure"]),
        (node("DiskPressure", "False"), []),
        (node("MemoryPressure", "True"), ["memory-pressure"]),
        (node("PIDPressure", "True"), ["pid-pressure"]),
        (disk(0.04), ["disk-nearly-full"]),
        (disk(0.2), []),
        (evicted, ["evicted"]),
        (system("time", NOW - 7200), ["clock"]),
        (system("time", NOW - 100), []),
        (system("time", None), []),
        (system("cgroup2", ["cpu", "cpuset", "pids"]), ["cgroup-missing"]),
        (no_cgroups, ["cgroup-missing"]),
        (second("activating", "auto-restart", 57), ["second-service"]),
        (second("activating", "start", 0), []),
        (second("failed", "failed", 5), ["second-service"]),
        (second("active", "running", 0), []),
        (foreign_program, ["k3s-not-executable"]),
        (without_cri("rpc error: code = Unimplemented desc = unknown service runtime.v1alpha2.RuntimeService"), CRI),
        (
            without_cri(
                'level=fatal msg="validate service connection: CRI v1 runtime API is not implemented for endpoint '
                '\\"unix:///run/k3s/containerd/containerd.sock\\": rpc error: code = Unimplemented desc = '
                'unknown service runtime.v1.RuntimeService"'
            ),
            CRI,
        ),
        (without_cri("rpc error: code = DeadlineExceeded desc = context deadline exceeded"), []),
        (system("sysctl", {"net.ipv4.ip_forward": "0"}), ["sysctl-off"]),
        (system("sysctl", {}), []),
        (option("VXLAN", "n"), ["kernel-feature-missing"]),
        (option("VXLAN", "m"), ["kernel-feature-missing"]),
        (with_module, []),
        (no_configuration, []),
        (keys("wrong_keys", [wrong(3, "endpoints", "endpoint")]), ["registries-key"]),
        (keys("wrong_keys", [wrong(9, "token")]), ["registries-key"]),
        (keys("wrong_rewrites", [{"line": 3, "pattern": "(?!a)", "why": "no look-ahead"}]), ["registries-rewrite"]),
        (stale_registries, ["registries-stale"]),
        # Whatever runs has read it, unless it is newer; a restart would end k3s then.
        (keys("unread", 3), []),
        (keys("wrong_values", [UNREAD]), []),
        (lambda fleet: (stale_registries(fleet), keys("unread", 3)(fleet)), ["registries-unread"]),
        (lambda fleet: (stale_registries(fleet), keys("wrong_values", [UNREAD])(fleet)), ["registries-unread"]),
        (system("rules", []), []),
    ],
)
def test_boards(fleet, change, expected):
    change(fleet)
    document = fleet.document()
    assert [finding["cause"] for finding in document["findings"]] == expected
    assert all(finding["evidence"] for finding in document["findings"])


@pytest.mark.parametrize(
    "init, command",
    [
        ("systemd", "systemctl start k3s-agent"),
        ("openrc", "rc-service k3s-agent start"),
        ("sysv", "service k3s-agent start"),
    ],
)
def test_command_is_that_of_the_boards_service_manager(fleet, init, command):
    stopped(fleet)
    fleet.agent["preflight"]["init"] = init
    (finding,) = fleet.document()["findings"]
    assert (finding["command"], finding["run_on"]) == (command, "board-2")


@pytest.mark.parametrize(
    "init, command",
    [("systemd", "systemctl disable --now k3s"), ("openrc", "rc-service k3s stop && rc-update del k3s")],
)
def test_a_second_service_is_turned_off(fleet, init, command):
    """k3s-io/k3s-ansible#504: an upgrade left a server's service on each agent, which took over at the next boot."""
    second("activating", "auto-restart", 57)(fleet)
    fleet.agent["preflight"]["init"] = init
    (finding,) = fleet.document()["findings"]
    assert (finding["command"], finding["confidence"]) == (command, "certain")
    assert finding["evidence"] == [
        "service k3s: activating (auto-restart), 57 restarts",
        "service k3s-agent: active (running), 0 restarts",
    ]


def test_cgroups_that_are_not_mounted_are_no_matter_of_the_kernel(fleet):
    """k3s-io/k3s#6302, #660: OpenRC mounts them by a service."""
    no_cgroups(fleet)
    (finding,) = fleet.document()["findings"]
    assert "rc-service cgroups start" in finding["remedy"] and finding["mended_by"] == "a person"


@pytest.mark.parametrize(
    "lines, remedy, command, mended_by",
    [
        ("cgroup2 cpu cpuset io pids", "cgroup_enable=memory", "cat /proc/cmdline", "riscv.k3s.prepare, step cgroups"),
        # The list of those that are there names memory: that is not what is missing.
        ("cgroup2 cpuset io memory pids\ncgroup memory 1 0", "CONFIG_CGROUP_SCHED", "cat /proc/cgroups", "a person"),
        ("cgroup2 cpuset io memory pids\ncgroup cpu 1 2", "unified", "grep cgroup /proc/mounts", "a person"),
        ("cgroup2 cpu cpuset pids\ncgroup memory 1 3", "unified", "grep cgroup /proc/mounts", "a person"),
        ("cgroup2 cpu memory pids\ncgroup cpuset 0 0", "cgroup_disable=", "cat /proc/cmdline", "a person"),
        ("cgroup2 cpu memory pids\ncgroup cpuset 1 0", "its host passes on", "cat /proc/cmdline", "a person"),
        ("cgroup2 cpu memory pids\ncgroup cpu 1 0", "does not offer it", "cat /proc/cmdline", "a person"),
        ("cgroup2 cpu cpuset pids\ncgroup memory 1 0", "does not offer it", "cat /proc/cmdline", "a person"),
        ("cgroup2 cpuset memory pids", "Look for cpu in /proc/cgroups", "cat /proc/cgroups", "a person"),
        (
            "cgroup2 cpuset pids\ncgroup cpu 1 2\ncgroup memory 0 0",
            "Switch memory on",
            "grep cgroup /proc/mounts",
            "riscv.k3s.prepare, step cgroups",
        ),
        ("cgroup cpu 1 1\ncgroup cpuset 1 2\ncgroup memory 1 3", "CONFIG_CGROUP_PIDS", "cat /proc/cgroups", "a person"),
    ],
)
def test_a_controller_comes_back_by_what_it_is_missing_for(fleet, lines, remedy, command, mended_by):
    """k3s-io/k3s#9947: v2 lacks what a hierarchy of v1 holds; only memory has a switch."""
    without = [line for line in PREFLIGHT.split("\n") if not line.startswith("cgroup")]
    fleet.agent["preflight"] = parse_preflight("\n".join(without + [lines]))
    fleet.agent["preflight"]["options"].pop("CGROUP_PIDS")
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "cgroup-missing" and remedy in finding["remedy"]
    assert (finding["command"], finding["mended_by"]) == (command, mended_by)


def test_misspelt_key_is_mended_where_it_stands(fleet):
    fleet.agent["registries"]["mistakes"]["wrong_keys"] = [wrong(3, "endpoints", "endpoint"), wrong(9, "token")]
    (finding,) = fleet.document()["findings"]
    edit, restart = finding["command"].split(" && ")
    assert edit == r"sed -i -E -e '3s/(^|[^A-Za-z0-9_-])endpoints(.?:([^0-9]|$))/\1endpoint\2/g' " + REGISTRIES
    assert restart == "systemctl restart k3s-agent"
    assert REGISTRIES + " line 9: token in mirrors.docker.io, which k3s does not know there" in finding["evidence"]


def twice(fleet):
    fleet.manifest("coredns.own.yaml", "x", applied=False)


def in_a_folder(fleet):
    fleet.manifest("sub/coredns.yml", "x", applied=False)


def twice_but_skipped(fleet):
    fleet.manifest("coredns.own.yaml", "x", applied=False, skip=True)


def new(fleet):
    fleet.manifest("own.yaml", "x", applied=False, age=5)


def old(fleet):
    fleet.manifest("own.yaml", "x", applied=False)


def changed(fleet):
    fleet.server["manifests"][0]["sha256"] = "f" * 64


def failed(fleet):
    old(fleet)
    fleet.event(None, "ApplyManifestFailed", "no matches for kind Nothing", kind="Addon", name="own")


def of_another_server(fleet):
    changed(fleet)
    fleet.agent["manifests"] = [dict(fleet.server["manifests"][0], sha256="%064x" % 1)]
    fleet.server["manifests"][0]["skip"] = False


def overlay(source):
    def change(fleet):
        text = _overlay.with_headers(b"kind: Deployment\n", b"", "coredns.yaml", [])[1].decode()
        fleet.server["manifests"][0]["skip"] = True
        fleet.manifest("coredns-riscv64.yaml", text.replace(_overlay.read_header(text).source_sha256, source))

    return change


def went_back(fleet, names="aba", ready=False):
    for name in names:
        fleet.event(
            None,
            "ScalingReplicaSet",
            "Scaled up replica set coredns-%s from 0 to 1" % name,
            "Normal",
            "Deployment",
            name="coredns",
        )
    fleet.coredns["owner"] = {"kind": "ReplicaSet", "name": "coredns-a"}
    fleet.coredns["labels"]["pod-template-hash"] = "a"
    fleet.coredns["ready"] = ready
    if not ready:
        fleet.coredns["containers"][0].update(ready=False, state="waiting", reason="ErrImageNeverPull", image="x:1")


@pytest.mark.parametrize(
    "change, expected",
    [
        (twice, ["two-files-one-addon"]),
        (in_a_folder, ["two-files-one-addon"]),
        (twice_but_skipped, []),
        (new, []),
        (old, ["addon-not-applied"]),
        (changed, ["addon-not-applied"]),
        (failed, ["addon-not-applied"]),
        (overlay("f" * 64), ["stale-overlay"]),
        (overlay("%064x" % 1), []),
        (went_back, ["image-never-pull", "manifest-overwritten"]),
        (lambda fleet: went_back(fleet, "ba"), ["image-never-pull"]),
        (lambda fleet: went_back(fleet, ready=True), []),
    ],
)
def test_manifests(fleet, change, expected):
    change(fleet)
    assert fleet.causes() == expected


def test_applied_is_not_claimed_without_the_api(fleet):
    old(fleet)
    no_api(fleet)
    assert fleet.causes() == ["api-down", "cluster-unknown"]


@pytest.mark.parametrize("change, command", [(old, "touch "), (failed, "k3s kubectl apply --dry-run=server -f ")])
def test_what_to_do_about_an_addon(fleet, change, command):
    change(fleet)
    finding = fleet.document()["findings"][0]
    assert finding["command"] == command + "/var/lib/rancher/k3s/server/manifests/own.yaml"


@pytest.mark.parametrize("by_time, confidence, said", [(True, "likely", "by its time"), (False, "certain", "uptime")])
def test_times_of_files_make_nothing_certain(fleet, by_time, confidence, said):
    """The clock of a board may be years off."""
    fleet.agent["registries"].update(stale=True, by_time=by_time)
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "registries-stale" and finding["confidence"] == confidence
    assert said in finding["evidence"][0]


def test_what_is_said_of_a_file_with_which_k3s_does_not_start(fleet):
    stale_registries(fleet)
    fleet.agent["registries"]["mistakes"].update(
        wrong_values=[UNREAD, dict(UNREAD, key="", above="", line=1)], unread=None
    )
    (finding,) = fleet.document()["findings"]
    assert (finding["confidence"], finding["evidence"]) == (
        "certain",
        [
            REGISTRIES + " line 3: endpoint in mirrors.docker.io is not a list of texts, as k3s wants it",
            REGISTRIES + " line 1: all that is there is not a list of texts, as k3s wants it",
        ],
    )
    # What runs may have read it, where that is not known for certain.
    for known in ({"stale": True, "by_time": True}, {"stale": None}):
        fleet.agent["registries"].update(known)
        assert fleet.document()["findings"][0]["confidence"] == "likely"
    stale_registries(fleet)
    fleet.agent["registries"]["mistakes"].update(wrong_values=[], unread=7)
    (finding,) = fleet.document()["findings"]
    assert (finding["confidence"], finding["evidence"]) == ("likely", [REGISTRIES + " is no YAML in line 7"])
    fleet.agent["registries"]["mistakes"].update(
        unread=None, wrong_keys=[dict(wrong(2, "rancher"), above="mirrors", why="no dot")]
    )
    assert fleet.document()["findings"][0]["evidence"] == [REGISTRIES + " line 2: rancher in mirrors: no dot"]


@pytest.mark.parametrize("running, is_told", [(False, True), (True, False), (None, False)])
def test_a_file_with_which_k3s_runs_it_has_read(fleet, running, is_told):
    fleet.agent["k3s"]["running"] = running
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    fleet.agent["registries"]["mistakes"]["unread"] = 2
    assert ("registries-unread" in [one["cause"] for one in fleet.document()["findings"]]) is is_told


def test_certain_comes_before_likely_and_both_before_possible(fleet):
    for change in (disk(0.01), system("time", NOW - 7200), stale_registries):
        change(fleet)
    findings = fleet.document()["findings"]
    assert [finding["confidence"] for finding in findings] == list(CONFIDENCES)


def test_registry_and_documentation():
    ids = [cause.id for cause in REGISTRY]
    assert len(set(ids)) >= 40 and all(cause.about.endswith(".") and cause.told_by for cause in REGISTRY)
    loader = importlib.machinery.SourceFileLoader("causes_doc", str(ROOT / "tools" / "causes-doc"))
    tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("causes_doc", loader))
    loader.exec_module(tool)
    assert (ROOT / "docs" / "causes.md").read_text(encoding="utf-8") == tool.document(), "run tools/causes-doc"
