# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board whose system withholds what k3s needs: settings of the kernel are off, a module is not loaded, ufw is closed.

CoreDNS answers 503 there. One run of prepare makes it Ready, a second one changes nothing, undo brings the old state
back. The firewall is Debian's ufw in the board's own network namespace, and the settings are that namespace's own. The
module is imitated: the machine's kernel has all built in, so /sys/module, the lists of modules and modprobe are the
board's own.
"""

from __future__ import annotations

import json

import pytest
from runs import play

FORWARD, BRIDGE = "net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"
STEPS = {"riscv_k3s_prepare": ["modules", "sysctl", "firewall"]}
UNDO = {"riscv_k3s_undo_components": "prepare"}
# A kernel with vxlan as a module that is not loaded, and without multiport.
WITHHELD = r"""
set -e
release=$(uname -r)
mkdir -p /lib/modules/$release /run/withheld
echo "kernel/drivers/net/vxlan/vxlan.ko:" >/lib/modules/$release/modules.dep
zcat /proc/config.gz | sed -e 's/^CONFIG_VXLAN=y/CONFIG_VXLAN=m/' \
  -e 's/^CONFIG_NETFILTER_XT_MATCH_MULTIPORT=y/# CONFIG_NETFILTER_XT_MATCH_MULTIPORT is not set/' |
  gzip >/run/withheld/config.gz
mount --bind /run/withheld/config.gz /proc/config.gz
mount -t tmpfs modules /sys/module
printf '%s\n' '#!/bin/sh' 'mkdir -p "/sys/module/$1"; echo "$1" >>/run/withheld/loaded' >/usr/local/sbin/modprobe
chmod 755 /usr/local/sbin/modprobe
sysctl -qw net.ipv4.ip_forward=0 net.bridge.bridge-nf-call-iptables=0
ufw allow 22/tcp
ufw --force enable
"""
GIVEN_BACK = """
ufw --force disable; ufw --force delete allow 22/tcp
umount /sys/module; umount /proc/config.gz
rm -rf /usr/local/sbin/modprobe /lib/modules/$(uname -r) /run/withheld
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
"""
# All that undo must bring back.
STATE = """
sysctl net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables
ufw show added
iptables -S | grep -v -e KUBE- -e CNI- | sort
find /etc/sysctl.d /etc/modules-load.d /etc/ufw -type f -exec sha256sum {} + | sort
find /etc/sysctl.d /etc/modules-load.d -exec stat -c '%n %a %u' {} + | sort
cat /var/lib/rancher/k3s/riscv-k3s/journal.json | grep -e sysctl -e modules-load -e ufw
"""


@pytest.fixture(scope="module", name="healthy")
def _healthy(lab):
    play(lab, "riscv.k3s.build_images")
    play(lab, "riscv.k3s.site")
    return lab


@pytest.fixture(name="withheld")
def _withheld(healthy):
    """CoreDNS on an agent whose system is closed: its container was started anew after that."""
    lab = healthy
    lab.kubectl("cordon", lab.server)
    lab.kubectl("-n", "kube-system", "delete", "pod", "-l", "k8s-app=kube-dns", "--grace-period=1")
    try:
        lab.wait("CoreDNS is Ready on the agent", lambda: is_ready(coredns(lab)), 90)
        lab.exec(lab.agent, WITHHELD)
        # In the same sandbox: a new one would have its network set up, and with it ip_forward.
        lab.exec(lab.agent, "k3s crictl stop $(k3s crictl ps -q --name coredns)")
        lab.wait("CoreDNS is started anew, and not Ready", lambda: is_waiting(lab), 90)
        yield lab
    finally:
        # Where the test itself did not come to it.
        run(lab, "undo", check=False, **UNDO)
        lab.exec(lab.agent, GIVEN_BACK, check=False)
        lab.kubectl("uncordon", lab.server)


def coredns(lab):
    pods = lab.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
    return next((pod for pod in pods if not pod["metadata"].get("deletionTimestamp")), {"status": {}})


def is_ready(pod):
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))


def is_waiting(lab):
    pod = coredns(lab)
    running = [one for one in pod["status"].get("containerStatuses", ()) if "running" in one["state"]]
    return bool(running) and running[0]["restartCount"] > 0 and not is_ready(pod) and answer(lab, pod) == "503"


def answer(lab, pod):
    """What CoreDNS answers to the kubelet's question, asked from its own network."""
    ask = (
        "import urllib.request as u\n"
        "try: print(u.urlopen('http://%s:8181/ready', timeout=5).status)\n"
        "except u.HTTPError as error: print(error.code)\nexcept OSError: print('none')"
    )
    return lab.exec(lab.agent, ["python3", "-c", ask % pod["status"].get("podIP")]).stdout.strip()


def run(lab, playbook, *options, check=True, **variables):
    variables = json.dumps(variables)
    return play(lab, "riscv.k3s." + playbook, "--limit", lab.agent, "-e", variables, *options, check=check)


def lines(done):
    (shown,) = [row["result"]["msg"] for row in done.rows if row["task"].endswith("and what is not")]
    return "\n".join(shown)


def changes(done):
    """What k3s_board_settings changed, or would."""
    (result,) = done.results("riscv.k3s.k3s_board_settings").values()
    return result["changes"]


def state(lab):
    return lab.exec(lab.agent, STATE, check=False).stdout


def test_coredns_becomes_ready_by_one_run_and_undo_brings_the_old_state_back(withheld):
    lab = withheld
    before = state(lab)

    # Nothing is chosen: all is told, with what it is needed for, and nothing changes.
    told = run(lab, "prepare")
    assert not any(told.changed.values()) and state(lab) == before
    for words in (
        "modules: would load vxlan, for flannel between boards",
        "modules: needs another kernel: xt_multiport: CONFIG_NETFILTER_XT_MATCH_MULTIPORT is not set",
        "sysctl: would set %s to 1 (it is 0), for traffic of pods" % FORWARD,
        "sysctl: would set %s to 1 (it is 0)" % BRIDGE,
        "firewall: would let 10.42.0.0/16 pass (ufw), for pods and services",
        "firewall: would let 10.99.0.2 reach 10250/tcp (ufw)",
    ):
        assert words in lines(told), lines(told)

    predicted = run(lab, "prepare", "--check", "--diff", **STEPS)
    assert state(lab) == before
    done = run(lab, "prepare", "--diff", **STEPS)
    assert predicted.changes == done.changes and changes(predicted) == changes(done) != []
    lab.wait("CoreDNS is Ready, and nothing else was done", lambda: is_ready(coredns(lab)), 60)
    assert answer(lab, coredns(lab)) == "200"
    assert lab.read(lab.agent, "/run/withheld/loaded") == "vxlan\n"
    assert "\nvxlan\n" in lab.read(lab.agent, "/etc/modules-load.d/riscv-k3s.conf")

    again = run(lab, "prepare", **STEPS)
    assert not any(again.changed.values()), again.text

    foreseen = run(lab, "undo", "--check", **UNDO)
    undone = run(lab, "undo", **UNDO)
    assert changes(foreseen) == changes(undone) != []
    assert state(lab) == before
    assert not any(run(lab, "undo", **UNDO).changed.values())
    # It may be in use by now; no boot loads it any more.
    assert lab.exec(lab.agent, "ls /sys/module").stdout == "vxlan\n"
