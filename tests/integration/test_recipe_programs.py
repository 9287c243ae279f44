# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the collection's own recipes at work: klipper-lb's entry in a network like that of a pod, pause as
the first process of one. They are built for this machine, and set real rules.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import platform
import shlex
import signal
import subprocess
import time

import pytest
from prerequisites import missing
from runs import ROOT

from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.modules import go_program_build

RECIPES = ROOT / "roles/image_build/files/recipes"
SERVICE, SERVICE_6, NODE, OUTSIDE = "10.43.0.7", "fd00:43::7", "10.42.0.2", "10.42.0.3"
_numbers = itertools.count()


def built(folder, recipe, **options):
    defaults = {key: spec.get("default") for key, spec in go_program_build.ARGUMENT_SPEC.items()}
    given = {"recipe": str(RECIPES / recipe), "architecture": to_oci(platform.machine()), "cache": str(folder)}
    return go_program_build.run(dict(defaults, **dict(given, **options)), False)["path"]


@pytest.fixture(scope="module", name="entry")
def _entry(tmp_path_factory):
    if os.geteuid() != 0:
        missing("networks can be made by root only")
    return built(tmp_path_factory.mktemp("programs"), "klipper-lb", name="entry")


@pytest.fixture(scope="module", name="pause")
def _pause(tmp_path_factory):
    return built(tmp_path_factory.mktemp("programs"), "pause")


class Network:
    """A network namespace that a sleeping process holds."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        time.sleep(0.2)
        self.run("ip link set lo up")

    def run(self, script, check=True, **options):
        argv = ["nsenter", "-t", str(self.process.pid), "-n", "sh", "-ec", script]
        return subprocess.run(argv, capture_output=True, text=True, check=check, timeout=30, **options)

    def start(self, argv, env=None):
        return subprocess.Popen(
            ["nsenter", "-t", str(self.process.pid), "-n", *argv],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="pod")
def _pod():
    """The network of a pod that may lead packets on, as the kubelet makes it for klipper-lb."""
    pod = Network()
    pod.run("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    yield pod
    pod.end()


@contextlib.contextmanager
def serving(pod, entry, path=None, **more):
    """The entry at work, once it says so."""
    variables = dict({"SRC_PORT": "80", "DEST_PORT": "8080", "DEST_PROTO": "TCP", "DEST_IPS": SERVICE}, **more)
    process = pod.start([entry], env=dict({"PATH": path or os.environ["PATH"] + ":/usr/sbin"}, **variables))
    try:
        said = process.stdout.readline()
        assert "leads to port" in said, said
        yield said
    finally:
        process.terminate()
        assert process.wait(10) == 0


def rules(pod, program="iptables"):
    said = pod.run(program + "-save").stdout.splitlines()
    return [line for line in said if line.startswith("-A")]


NAT = [
    "-A PREROUTING ! -s 10.43.0.7/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.43.0.7:8080",
    "-A POSTROUTING -d 10.43.0.7/32 -p tcp -j MASQUERADE",
]
CASES = {
    # k3s 1.24.0 and older: no ranges; later by spaces, then by commas.
    "no ranges": ({}, NAT),
    "all may": ({"SRC_RANGES": "0.0.0.0/0"}, NAT),
    "all of both kinds may": ({"SRC_RANGES": "0.0.0.0/0,::/0"}, NAT),
    "the oldest name": ({"DEST_IPS": "", "DEST_IP": SERVICE}, NAT),
    "some may, by spaces": ({"SRC_RANGES": "10.0.0.0/8 192.168.0.0/16"}, None),
    "some may, by commas": ({"SRC_RANGES": "10.0.0.0/8,192.168.0.0/16"}, None),
}
LIMITED = [
    "-A FORWARD -s 192.168.0.0/16 -d 10.43.0.7/32 -p tcp -m tcp --dport 8080 -j ACCEPT",
    "-A FORWARD -s 10.0.0.0/8 -d 10.43.0.7/32 -p tcp -m tcp --dport 8080 -j ACCEPT",
    "-A FORWARD -d 10.43.0.7/32 -p tcp -m tcp --dport 8080 -j DROP",
]


@pytest.mark.parametrize("name", CASES)
def test_the_environment_of_each_k3s_becomes_rules(pod, entry, name):
    more, expected = CASES[name]
    # A container that is started anew finds its rules.
    for dummy in range(2):
        with serving(pod, entry, **more):
            assert sorted(rules(pod)) == sorted(expected or LIMITED + NAT)


# It takes the first rule only.
NFT = """#!/bin/sh
echo "nft $*" >> %(here)s/calls
case "$*" in
  *-D*) exit 0 ;;
  *-C*) exit 1 ;;
  *POSTROUTING*) echo 'No chain/target/match by that name' >&2; exit 1 ;;
esac
"""


@pytest.mark.parametrize("separator", [" ", ","])
def test_addresses_of_both_kinds(pod, entry, separator):
    with serving(pod, entry, DEST_IPS=separator.join([SERVICE, SERVICE_6]), DEST_PROTO="UDP", SRC_RANGES="0.0.0.0/0"):
        assert len(rules(pod)) == 2
        assert sorted(rules(pod, "ip6tables")) == [
            "-A POSTROUTING -d fd00:43::7/128 -p udp -j MASQUERADE",
            "-A PREROUTING ! -s fd00:43::7/128 -p udp -m udp --dport 80 -j DNAT --to-destination [fd00:43::7]:8080",
        ]


def test_two_ports_of_one_pod(pod, entry):
    with serving(pod, entry), serving(pod, entry, SRC_PORT="443", DEST_PORT="8443"):
        assert [line for line in rules(pod) if "--dport 443" in line] and [
            line for line in rules(pod) if "--dport 80 " in line
        ]


def test_a_kernel_without_nf_tables(pod, entry, tmp_path):
    """What fails by nf_tables is taken back, and done by ip_tables."""
    (tmp_path / "xtables-nft-multi").write_text(
        '#!/bin/sh\necho "nft $*" >> %s/calls\ncase "$*" in *-D*) exit 0;; *POSTROUTING*) echo \'No chain/target\' >&2;'
        " exit 1;; *-C*) exit 1;; esac\n" % tmp_path
    )
    (tmp_path / "xtables-nft-multi").chmod(0o755)
    with serving(pod, entry, path="%s:/usr/sbin:/usr/bin:/bin" % tmp_path) as said:
        assert "xtables-legacy-multi" in said
        legacy = pod.run("iptables-legacy-save").stdout.splitlines()
        assert sorted(line for line in legacy if line.startswith("-A")) == sorted(NAT)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [line for line in calls if " -D PREROUTING " in line]


@pytest.mark.parametrize(
    "more, message",
    [
        ({"SRC_PORT": "none"}, 'SRC_PORT is "none", which is no port'),
        ({"DEST_PROTO": "ICMP"}, "neither TCP, UDP nor SCTP"),
        ({"DEST_IPS": ""}, "DEST_IPS is empty"),
        ({"DEST_IPS": "10.43.0"}, "is no address"),
        ({"SRC_RANGES": "10.0.0.0"}, "is no network"),
        ({"PATH": "/nowhere"}, "the rules cannot be set"),
    ],
)
def test_what_cannot_be_meant_is_said(pod, entry, more, message):
    variables = dict({"SRC_PORT": "80", "DEST_PORT": "8080", "DEST_PROTO": "TCP", "DEST_IPS": SERVICE}, **more)
    process = pod.start(["env", *("%s=%s" % pair for pair in variables.items()), entry], env=dict(os.environ))
    said = process.communicate(timeout=10)[0]
    assert process.returncode == 1 and message in said


def test_a_pod_that_leads_nothing_on(entry):
    pod = Network()
    try:
        process = pod.start([entry], env=dict(SRC_PORT="80", DEST_PORT="80", DEST_PROTO="TCP", DEST_IPS=SERVICE))
        said = process.communicate(timeout=10)[0]
        assert process.returncode == 1 and "leads nothing on to 10.43.0.7" in said
    finally:
        pod.end()


@pytest.fixture(name="world")
def _world(pod):
    """Somebody outside, at two addresses, and a service behind the pod."""
    client, service = Network(), Network()
    for number, (other, address) in enumerate(((client, OUTSIDE), (service, SERVICE))):
        name = "k%d%d" % (os.getpid() % 10000, next(_numbers))
        subprocess.run(
            ["ip", "link", "add", name, "type", "veth", "peer", "name", name + "p"], check=True, capture_output=True
        )
        for end, owner in ((name, pod), (name + "p", other)):
            subprocess.run(["ip", "link", "set", end, "netns", str(owner.process.pid)], check=True)
        mine = (NODE + "/24", "10.43.0.1/24")[number]
        pod.run("ip addr add %s dev %s; ip link set %s up" % (mine, name, name))
        other.run("ip addr add %s/24 dev %sp; ip link set %sp up" % (address, name, name))
        other.run("ip route add default via %s" % mine.partition("/")[0])
    client.run("ip addr add 10.42.0.4/24 dev $(ip -o link | sed -n 's/.*: \\(k[0-9]*p\\)@.*/\\1/p')")
    server = service.start(["python3", "-m", "http.server", "8080", "--directory", str(RECIPES)])
    yield client
    server.kill()
    server.wait()
    client.end()
    service.end()


def fetch(client, source=OUTSIDE):
    script = (
        "import http.client\n"
        "wire = http.client.HTTPConnection(%r, 80, timeout=2, source_address=(%r, 0))\n"
        "wire.request('GET', '/')\nprint(wire.getresponse().status)"
    )
    return client.run("python3 -c %s" % shlex.quote(script % (NODE, source)), check=False).stdout.strip()


def test_traffic_reaches_the_service(pod, entry, world):
    assert fetch(world) == ""
    with serving(pod, entry):
        end = time.monotonic() + 10
        while fetch(world) != "200":
            assert time.monotonic() < end


def test_others_are_kept_out(pod, entry, world):
    with serving(pod, entry, SRC_RANGES=OUTSIDE + "/32"):
        end = time.monotonic() + 10
        while fetch(world) != "200":
            assert time.monotonic() < end
        assert fetch(world, "10.42.0.4") == ""


def test_pause_collects_children_and_ends_when_told(pause):
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", pause])
    try:
        time.sleep(0.5)
        (inside,) = children(process.pid)
        # Each leaves a child behind, for the first process of the pod.
        for dummy in range(5):
            subprocess.run(["nsenter", "-t", str(inside), "-p", "sh", "-c", "sleep 0.3 & exit"], check=True)
        assert len(children(inside)) == 5
        end = time.monotonic() + 10
        while children(inside):
            assert time.monotonic() < end, "zombies are left"
            time.sleep(0.1)
        os.kill(inside, signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def children(pid):
    return [int(word) for word in pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()]
