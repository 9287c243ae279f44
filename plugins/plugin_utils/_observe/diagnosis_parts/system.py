# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a board's system is set up, beside the preflight: the reader of what system.sh writes. Pure."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads

MODULES_FILE = "/etc/modules-load.d/riscv-k3s.conf"
# After 99-sysctl.conf, by which Debian reads /etc/sysctl.conf: of two files that say a thing the later one counts.
SYSCTL_FILE = "/etc/sysctl.d/99-zz-riscv-k3s.conf"
OWN_FILES = (MODULES_FILE, SYSCTL_FILE)
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.ipv6.conf.all.forwarding",
)


# Services that keep the time, by the names that distributions give them.
TIME_SERVICES = ("systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "ntpd", "openntpd")
_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "linked")


def read_system(seen):
    """The part ``system``."""
    return {"system": seen.out("system", parse_system)}


@reads("the system")
def parse_system(text):
    """The part ``system`` as {modular, present, own: {path: text}, sysctl: {name: value}, boot: [(path, name, value)],
    iptables, refused, rules, alternatives: {name: [path]}, ufw, firewalld, cmdline, loaders: [(path, has the options)],
    swaps, fstab, uptime, services: {name: "enabled active"}, synchronized}.

    ``modular`` is whether the kernel can load modules, ``present`` those that /sys tells are in it, ``own`` are the
    files of ours that are there, ``boot`` what files say of the settings at the next boot, in the order in which they
    are read. ``iptables`` is the path of the board's own, "" for none, ``refused`` what it says where it does not work,
    ``rules`` the variants that have rules of kube-proxy. ``ufw`` are the rules of one that is active, ``firewalld``
    {default, zones: {"PLACE ZONE": {word: value}}}, each None where there is none at work; ``silent`` are those
    of which that is not known. ``cmdline`` are the kernel's words of cgroups.
    """
    seen: Dict[str, Any] = {
        "modular": False,
        "present": [],
        "own": {},
        "sysctl": {},
        "boot": [],
        "iptables": "",
        "refused": "",
    }
    seen.update(rules=[], alternatives={}, ufw=None, firewalld=None, cmdline=[], loaders=[], swaps=[], fstab=[])
    seen.update(silent=[], uptime=None, services={}, synchronized="")
    units: List[str] = []
    zone = None
    for line in text.splitlines():
        key, dummy, value = line.partition(" ")
        first, dummy, rest = value.partition(" ")
        if key == "modular":
            seen["modular"] = True
        elif key == "own":
            seen["own"][first] = seen["own"].get(first, "") + rest + "\n"
        elif key == "sysctl":
            seen["sysctl"][first.replace("/", ".")] = rest.strip()
        elif key == "boot":
            name, dummy, number = rest.partition("=")
            seen["boot"].append((first, name.strip().lstrip("-").replace("/", "."), number.strip()))
        elif key == "alternative":
            seen["alternatives"].setdefault(first, []).append(rest)
        elif key == "ufw":
            seen["ufw"] = []
        elif key == "ufwrule":
            seen["ufw"] = (seen["ufw"] or []) + [value]
        elif key == "firewalld":
            seen["firewalld"] = {"default": value, "zones": {}}
        elif key == "zone" and seen["firewalld"]:
            zone = _zone(seen["firewalld"]["zones"], zone, first, rest)
        elif key == "loader":
            seen["loaders"].append((first, rest == "has"))
        elif key in ("rules", "cmdline", "fstab", "silent"):
            seen[key].append(value)
        elif key == "present":
            seen["present"].append(first)
        elif key == "swap":
            seen["swaps"].append(value)
        elif key == "uptime":
            seen["uptime"] = int(value) if value.isdigit() else None
        elif key == "unit":
            units.append(value)
        elif key == "service":
            seen["services"][first] = rest
        elif key in ("iptables", "refused", "synchronized"):
            seen[key] = value
    seen["services"].update(_services("\n".join(units)))
    return seen


def _zone(zones, current, place, line):
    """A line of firewall-cmd --list-all-zones: a zone's name at the margin, or what it has; rich rules in lines of
    their own.
    """
    if line and not line.startswith((" ", "\t")):
        current = "%s %s" % (place, line.split(" ")[0])
        zones[current] = {"rules": []}
    elif current and line.strip().startswith("rule "):
        zones[current]["rules"].append(line.strip())
    elif current and ":" in line:
        word, dummy, value = line.strip().partition(":")
        zones[current][word] = value.strip()
    return current


def _services(text):
    """What systemctl show tells of units: a paragraph each."""
    found = {}
    for paragraph in text.strip().split("\n\n"):
        row = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if row.get("LoadState") == "loaded":
            kept = "enabled" if row.get("UnitFileState") in _ENABLED else "disabled"
            state = "active" if row.get("ActiveState") == "active" else "inactive"
            found[row.get("Id", "").rpartition(".service")[0]] = "%s %s" % (kept, state)
    return found
