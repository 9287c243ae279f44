# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps iptables and firewall: which iptables works, and what a firewall of the board's own lets pass. Pure."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import (
    CHANGE,
    HAND,
    OK,
    UNKNOWN,
    Facts,
    Row,
    value,
)

_SERVICES = "services (rules of kube-proxy)"
_VERSION = re.compile(r"iptables v(\d+)\.(\d+)\.(\d+)(?: \((\w+)\))?")
# Of these versions the variant nft adds its rules again and again, as the documentation of k3s says.
_BAD_NFT = ((1, 8, 0), (1, 8, 4))
_OTHER = {"nf_tables": "legacy", "legacy": "nft"}


def iptables(facts: Facts) -> Iterator[Row]:
    """Which iptables k3s uses, and whether that works."""
    match = _VERSION.match(facts.preflight["iptables"])
    if not facts.system["iptables"]:
        if match:
            yield Row("iptables", OK, "the board has no iptables of its own, so k3s uses the one that it brings along")
        else:
            text = "no iptables was found, of the board or of k3s: start k3s once, which unpacks its own"
            yield Row("iptables", UNKNOWN, text, _SERVICES)
        return
    why = _why_not(facts, match)
    if not why:
        yield Row("iptables", OK, "%s (%s) works" % (facts.system["iptables"], facts.preflight["iptables"]))
    else:
        yield _other_variant(facts, match, why)
    if len(set(facts.system["rules"])) > 1:
        text = "both variants of iptables have rules of kube-proxy: reboot the board, which leaves those of one"
        yield Row("iptables", HAND, text, _SERVICES)


def _why_not(facts, match) -> str:
    if facts.system["refused"]:
        return "it says: %s" % facts.system["refused"]
    version = tuple(map(int, match.groups()[:3])) if match else ()
    if match and match.group(4) == "nf_tables" and _BAD_NFT[0] <= version <= _BAD_NFT[1]:
        return "nft of iptables 1.8.0 to 1.8.4 repeats rules"
    return ""


def _other_variant(facts, match, why):
    wanted = _OTHER.get(match.group(4) if match else "", "")
    paths = {
        name: next(
            (path for path in facts.system["alternatives"].get(name, ()) if wanted and path.endswith(wanted)), None
        )
        for name in ("iptables", "ip6tables")
    }
    if paths["iptables"]:
        text = "choose the variant %s of iptables (%s; %s). Rules of the other one stay until a boot"
        settings = [value("alternative", name, path) for name, path in paths.items() if path]
        return Row("iptables", CHANGE, text % (wanted, facts.preflight["iptables"], why), _SERVICES, settings)
    text = "%s (%s; %s). Set prefer-bundled-bin: true in k3s's config.yaml, which takes k3s's own, or install another"
    return Row("iptables", HAND, text % (facts.system["iptables"], facts.preflight["iptables"], why), _SERVICES)


def firewall(facts: Facts) -> Iterator[Row]:
    """What ufw or firewalld lets pass: pods, services, and the ports that nodes need of each other."""
    ufw, firewalld = facts.system["ufw"], facts.system["firewalld"]
    for name in facts.system["silent"]:
        yield Row("firewall", UNKNOWN, "whether %s is at work: it did not say" % name, "pods and services")
    if facts.system["silent"]:
        return
    if ufw is None and firewalld is None:
        yield from _unmanaged(facts)
        return
    for name in facts.cluster.get("odd", ()):
        yield Row("firewall", UNKNOWN, "the address of node %s, so nothing is opened to it" % name)
    if not facts.cluster["known"]:
        text = "no server told its networks, so k3s's defaults are taken: %s"
        yield Row("firewall", UNKNOWN, text % ", ".join((*facts.cluster["pods"], *facts.cluster["services"])))
    name, missing = ("ufw", list(_of_ufw(facts))) if ufw is not None else ("firewalld", list(_of_firewalld(facts)))
    for text, needed_for, settings in missing:
        yield Row("firewall", CHANGE, "%s (%s)" % (text, name), needed_for, settings)
    if not missing:
        yield Row("firewall", OK, "%s lets pods, services and nodes pass" % name)


_Missing = Tuple[str, str, List[dict]]


def _ports(facts: Facts) -> List[Tuple[str, str, str]]:
    """(port, protocol, what for) of what other nodes ask of this one."""
    found = [("8472", "udp", "pods of other nodes (flannel)"), ("10250", "tcp", "logs and metrics (kubelet)")]
    if facts.cluster.get("is_server"):
        found.append((facts.cluster["port"], "tcp", "the API"))
        if facts.cluster.get("servers", 1) > 1:
            found.append(("2379:2380", "tcp", "etcd of several servers"))
    return found


def _of_ufw(facts: Facts) -> Iterator[_Missing]:
    known = facts.system["ufw"]
    for network in (*facts.cluster["pods"], *facts.cluster["services"]):
        rules = ["allow from %s" % network]
        if network in facts.cluster["pods"]:
            rules.append("route allow from %s" % network)
        lacking = [rule for rule in rules if rule not in known]
        if lacking:
            yield "let %s pass" % network, "pods and services", [value("ufw", rule, "present") for rule in lacking]
    for node in facts.cluster.get("nodes", ()):
        for port, protocol, what in _ports(facts):
            rule = "allow from %s to any port %s proto %s" % (node, port, protocol)
            if rule not in known:
                yield "let %s reach %s/%s" % (node, port, protocol), what, [value("ufw", rule, "present")]


def _of_firewalld(facts: Facts) -> Iterator[_Missing]:
    zone = facts.system["firewalld"]["default"]
    for network in (*facts.cluster["pods"], *facts.cluster["services"]):
        settings = _lacking(facts, "trusted", "source", network)
        if settings:
            yield "put %s into the zone trusted" % network, "pods and services", settings
    for node in facts.cluster.get("nodes", ()):
        for port, protocol, what in _ports(facts):
            family = "ipv6" if ":" in node else "ipv4"
            rule = 'rule family="%s" source address="%s" port port="%s" protocol="%s" accept'
            settings = _lacking(facts, zone, "rich-rule", rule % (family, node, port.replace(":", "-"), protocol))
            if settings:
                yield "let %s reach %s/%s" % (node, port, protocol), what, settings


def _lacking(facts, zone, what, text):
    """The settings of both places, now and at each boot, that lack it."""
    return [
        value("firewalld", "%s %s %s %s" % (place, zone, what, text), "present")
        for place in ("permanent", "runtime")
        if text not in _held(facts.system["firewalld"]["zones"].get("%s %s" % (place, zone)), what)
    ]


def _held(zone: Optional[dict], what: str) -> List[str]:
    return [] if not zone else zone["rules"] if what == "rich-rule" else zone.get("sources", "").split()


def _unmanaged(facts: Facts) -> Iterator[Row]:
    """No firewall that prepare knows how to tell. Rules of somebody else are named, and left alone."""
    closed = [rule for rule in facts.preflight["rules"] if re.search(r"-j (DROP|REJECT)", rule) and "KUBE-" not in rule]
    for rule in closed:
        text = "a rule of iptables that neither ufw nor firewalld manages: %s. Whoever made it must open it"
        yield Row("firewall", HAND, text % rule, "pods and services")
    if not closed:
        yield Row("firewall", OK, "neither ufw nor firewalld is at work")
