# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CoreDNS that runs and is not ready. It answers 503 as long as it cannot list Services, EndpointSlices and Namespaces
from the API.
"""

from __future__ import annotations

import re
import shlex

from ansible_collections.riscv.k3s.plugins.module_utils.pod import is_coredns, lacks_coredns
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.starting import container_seconds

STARTING = 30  # seconds in which a CoreDNS that is not ready is one that starts
_NETWORK = 3  # seconds until its network stands; what was found broken by then is broken for whoever starts next, too
_ERROR = re.compile(r"\[ERROR\]|Failed to|forbidden|Unauthorized|x509|i/o timeout|connection refused|no route to host")
_NEEDED = ("services", "namespaces", "endpointslices.discovery.k8s.io")


def waiting(fleet, older=_NETWORK):
    """The rows of CoreDNS pods that run for so many seconds, and are not ready."""
    for row in fleet.pods:
        if not is_coredns(row) or row["relation"] != "matched" or row["api"]["ready"] or row["api"]["deleting"]:
            continue
        age = container_seconds(fleet, row)
        if [container["state"] for container in row["containers"]] == ["running"] and age >= older:
            yield row


def told(fleet, row):
    """What CoreDNS says: (evidence of /ready, its log)."""
    own = (((fleet.boards.get(fleet.server) or {}).get("dns") or {}).get("pods") or {}).get(row["name"], {})
    body = own.get("ready")
    return ["GET /ready of %s through the API: %s" % (row["name"], body)] * bool(body), own.get("log") or []


def network(fleet, row):
    """What the board of a CoreDNS says of the API's service address: {address, pod, host} or {}."""
    return ((fleet.boards.get(row["board"]) or {}).get("dns") or {}).get("network") or {}


def _reach(net, who):
    return "GET https://%s:443/version from %s: %s" % (
        net["address"],
        {"pod": "the pod's network", "host": "the board"}[who],
        net[who]["text"],
    )


def _finding(fleet, row, title, confidence, evidence, remedy, command, run_on):
    """A finding with what CoreDNS itself says added to its evidence."""
    body, log = told(fleet, row)
    lines = [line for line in log if _ERROR.search(line)]
    return m.Finding(
        title,
        confidence,
        m.pod_subject(row),
        evidence + body + ["log of coredns: %s" % line for line in lines[-1:]],
        remedy,
        command,
        run_on,
    )


def rights(fleet):
    """Its service account may not list what it needs."""
    allowed = ((fleet.boards.get(fleet.server) or {}).get("dns") or {}).get("rights")
    for row in waiting(fleet):
        lacks = (
            [one for one in _NEEDED if one not in allowed and "*" not in allowed and "*.*" not in allowed]
            if allowed is not None
            else []
        )
        if not lacks:
            continue
        evidence = [
            "kubectl auth can-i --list --as=system:serviceaccount:kube-system:coredns: it may not list %s"
            % ", ".join(lacks)
        ]
        remedy = (
            "Give ClusterRole and ClusterRoleBinding system:coredns back, as the packaged manifest has them; "
            "CoreDNS recovers by itself within a minute."
        )
        path = "%s/server/manifests/coredns.yaml" % fleet.data_dir(fleet.server)
        command = shell.command("k3s", "kubectl", "auth", "reconcile", *shell.option("-f", path))
        yield _finding(
            fleet, row, "CoreDNS may not list %s" % ", ".join(lacks), m.CERTAIN, evidence, remedy, command, fleet.server
        )


def endpoint(fleet):
    """The service kubernetes leads to an address that belongs to no node."""
    nodes = {node["internal_ip"] for node in (fleet.api or {}).get("nodes", ())}
    addresses = fleet.details.get("endpoints")
    if not addresses or not nodes:
        return
    wrong = [address for address in addresses if address.rpartition(":")[0].strip("[]") not in nodes]
    for row in waiting(fleet):
        net = network(fleet, row)
        if not wrong or (net and net["pod"]["answers"]):
            continue
        evidence = [
            "endpoints of default/kubernetes: %s; addresses of the nodes: %s"
            % (", ".join(addresses), ", ".join(sorted(nodes)))
        ]
        evidence += [_reach(net, "host"), _reach(net, "pod")] if net else []
        command, remedy = (
            fleet.service(fleet.server),
            "k3s tells its address when it starts: restart it. When the address changes (DHCP), give the board a "
            "fixed one.",
        )
        stated = fleet.preflight(fleet.server).get("addresses", {}).get("advertise-address")
        if stated:
            evidence.append("advertise-address in config.yaml of %s: %s" % (fleet.server, stated))
            remedy = "Take advertise-address out of config.yaml, or set it right, and restart k3s."
            words = ("sed", "-i", "/^advertise-address *:/d", "/etc/rancher/k3s/config.yaml")
            command = shell.joined(shell.command(*words), command)
        yield _finding(
            fleet,
            row,
            "The API is announced at %s, which is the address of no node" % ", ".join(wrong),
            m.CERTAIN,
            evidence,
            remedy,
            command,
            fleet.server,
        )


def service_rules(fleet):
    """The pod does not reach the service address, and the rules that lead there are not in the kernel, or nothing leads
    to them.
    """
    for row in waiting(fleet):
        net, seen = network(fleet, row), fleet.preflight(row["board"])
        if not net or net["pod"]["answers"] or not seen:
            continue
        rules = [rule for rule in seen["rules"] if rule.startswith("-A KUBE-SERVICES") and net["address"] in rule]
        jumps = [rule for rule in seen["rules"] if rule.startswith("-A PREROUTING") and rule.endswith("KUBE-SERVICES")]
        if rules and jumps:
            continue
        lacks = (
            "rule of KUBE-SERVICES for %s" % net["address"]
            if not rules
            else "rule of PREROUTING that leads to KUBE-SERVICES"
        )
        evidence = [_reach(net, "pod"), "iptables-save on %s: no %s" % (row["board"], lacks)]
        remedy = (
            "kube-proxy writes the rules when k3s starts. When they do not stay, the kernel lacks something for "
            "iptables "
            "(see kernel-feature-missing), or a firewall empties the tables."
        )
        yield _finding(
            fleet,
            row,
            "The service rules are gone on %s" % row["board"],
            m.CERTAIN,
            evidence,
            remedy,
            fleet.service(row["board"]),
            row["board"],
        )


def forwarding(fleet):
    """The board reaches the service address, its pods do not."""
    for row in waiting(fleet):
        net, seen = network(fleet, row), fleet.preflight(row["board"])
        if not net or not net["host"]["answers"] or net["pod"]["answers"]:
            continue
        evidence = [_reach(net, "host"), _reach(net, "pod")]
        title, command = "Traffic of pods is not forwarded on %s" % row["board"], None
        remedy = (
            "Something between the pod and the board drops its packets: "
            "look at iptables-save, sysctl net.ipv4.ip_forward and br_netfilter."
        )
        drops = [rule for rule in seen.get("rules", ()) if re.match(r"-A (FORWARD|INPUT) .*-j (DROP|REJECT)", rule)]
        if seen.get("firewalld"):
            evidence.append("firewalld runs on %s" % row["board"])
            title, remedy = (
                "firewalld drops the traffic of pods on %s" % row["board"],
                "Let it trust the networks of pods and services.",
            )
            trusted = ("--permanent", "--zone=trusted", "--add-source=10.42.0.0/16", "--add-source=10.43.0.0/16")
            command = shell.joined(shell.command("firewall-cmd", *trusted), shell.command("firewall-cmd", "--reload"))
        elif drops:
            evidence += ["iptables-save on %s: %s" % (row["board"], rule) for rule in drops[:3]]
            title, remedy = (
                "A firewall rule drops the traffic of pods on %s" % row["board"],
                "Take the rule away, or let 10.42.0.0/16 and 10.43.0.0/16 pass before it.",
            )
            command = _without(drops[0])
        elif any(rule.startswith(":FORWARD DROP") for rule in seen.get("rules", ())):
            evidence.append(
                "iptables-save on %s: %s"
                % (row["board"], [rule for rule in seen["rules"] if rule.startswith(":FORWARD DROP")][0])
            )
            title, remedy = (
                "The policy of FORWARD drops the traffic of pods on %s" % row["board"],
                "Let it accept, or let 10.42.0.0/16 and 10.43.0.0/16 pass.",
            )
            command = shell.command("iptables", "-P", "FORWARD", "ACCEPT")
        confidence = m.CERTAIN if drops or command else m.LIKELY
        yield _finding(fleet, row, title, confidence, evidence, remedy, command, row["board"] if command else None)


def _without(rule):
    """The command that takes away a rule as iptables-save shows it, or None where its words cannot be told."""
    try:
        words = shlex.split(rule)
    except ValueError:
        return None
    return shell.command("iptables", "-D", *words[1:])


def unexplained(fleet):
    """CoreDNS waits for the API, and nothing that was read says why."""
    for row in waiting(fleet, STARTING):
        dummy, log = told(fleet, row)
        if any(_ERROR.search(line) for line in log):
            remedy = (
                "The log says what the API answers. x509: the clock or a changed authority. Unauthorized: an old "
                "token, delete the pod. "
                "refused or timeout: the service address."
            )
            command = m.on_server(fleet, "logs", namespace="kube-system", names=[row["name"]])
            yield _finding(fleet, row, "CoreDNS cannot list from the API", m.POSSIBLE, [], remedy, *command)


def gone(fleet):
    """k3s has it as an Addon, and no pod of it is there: nobody whose events could tell why."""
    if not lacks_coredns(fleet.api or {}):
        return
    failures = [
        event
        for event in fleet.details.get("events", ())
        if event["reason"] == "FailedCreate" and event["name"].startswith("coredns-")
    ]
    evidence = ["the API has an Addon coredns, and in kube-system no pod with the label k8s-app=kube-dns"]
    evidence += [m.event_text(event) for event in failures[-1:]]
    remedy = (
        "See whether Deployment coredns is there, how many replicas it wants, and what keeps it from making them. One "
        "that was deleted comes back when its manifest changes, as by a comment; one of no replicas by kubectl scale. "
        "Where another program is to answer for names, start k3s with --disable coredns."
    )
    options = shell.option("-n", "kube-system") + shell.option("-l", "k8s-app=kube-dns")
    command = shell.command("k3s", "kubectl", "describe", "deployments,replicasets", *options)
    title = "There is no pod of CoreDNS, which k3s has as an Addon: names of the cluster are not resolved by it"
    yield m.Finding(title, m.CERTAIN, ("addon", fleet.server, "coredns"), evidence, remedy, command, fleet.server)


CAUSES = [
    m.Cause(
        "coredns-gone",
        "k3s has CoreDNS as an Addon, and there is no pod of it.",
        "the Addons, and pods with the label of CoreDNS",
        gone,
    ),
    m.Cause(
        "coredns-rights",
        "CoreDNS may not list what it needs from the API.",
        "`kubectl auth can-i --list` as its service account",
        rights,
    ),
    m.Cause(
        "apiserver-address",
        "The service `kubernetes` leads to an address that belongs to no node.",
        "endpoints of default/kubernetes and the nodes' addresses",
        endpoint,
    ),
    m.Cause(
        "service-rules",
        "The rules that lead to services are gone on the board.",
        "10.43.0.1 does not answer the pod, and iptables has no rule for it, or none that leads there",
        service_rules,
    ),
    m.Cause(
        "firewall",
        "The traffic of pods is dropped on the board.",
        "10.43.0.1 answers the board and not the pod; firewalld, FORWARD, its rules",
        forwarding,
    ),
]
LATE = [
    m.Cause(
        "coredns-waits",
        "CoreDNS cannot list from the API, for a reason that was not found.",
        "its /ready and its log",
        unexplained,
    )
]
