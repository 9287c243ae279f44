# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewalls that the board's own system manages: rules of ufw and firewalld, and which iptables there is."""

from __future__ import annotations

from typing import List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PRESENT, ABSENT, AUTO = "present", "absent", "auto"


def read_ufw(host: Host, name: str) -> Optional[str]:
    """Whether ufw has a rule, as `ufw show added` writes it, such as "allow from 10.42.0.0/16"."""
    if not host.has("ufw"):
        return None
    lines = host.run("ufw", "show", "added").out.splitlines()
    return PRESENT if "ufw " + name in [line.strip() for line in lines] else ABSENT


def write_ufw(host: Host, name: str, value: str) -> None:
    """Add a rule to ufw, or delete it."""
    words = name.split()
    if value == ABSENT:
        words[1 if words[0] == "route" else 0 : 0] = ["delete"]
    # Only a deletion asks back, and only there ufw takes --force.
    host.run("ufw", *(["--force"] if value == ABSENT else []), *words)


def read_firewalld(host: Host, name: str) -> Optional[str]:
    """Whether a zone of firewalld has something: "PLACE ZONE WHAT VALUE", where PLACE is runtime or permanent and WHAT
    source or rich-rule.
    """
    if not host.has("firewall-cmd"):
        return None
    done = host.run(*_firewall_cmd(name, "query"), check=False)
    if done.rc not in (0, 1):
        raise Problem("firewalld did not answer", found=(done.err or done.out).strip()[-300:])
    return PRESENT if done.rc == 0 else ABSENT


def write_firewalld(host: Host, name: str, value: str) -> None:
    """Add something to a zone, or remove it."""
    host.run(*_firewall_cmd(name, "add" if value == PRESENT else "remove"))


def _firewall_cmd(name: str, verb: str) -> List[str]:
    parts = name.split(" ", 3)
    if len(parts) != 4 or parts[0] not in ("runtime", "permanent") or parts[2] not in ("source", "rich-rule"):
        raise Problem("this is nothing of a zone of firewalld", found=name)
    place, zone, what, text = parts
    words = ["--permanent"] if place == "permanent" else []
    return ["firewall-cmd", *words, "--zone=" + zone, "--%s-%s=%s" % (verb, what, text)]


def read_alternative(host: Host, name: str) -> Optional[str]:
    """The path that a name stands for by update-alternatives, "auto" where the system chooses it."""
    if not host.has("update-alternatives"):
        return None
    done = host.run("update-alternatives", "--query", name, check=False)
    row = dict(line.split(": ", 1) for line in done.out.splitlines() if ": " in line)
    return None if done.rc else AUTO if row.get("Status") == AUTO else row.get("Value")


def write_alternative(host: Host, name: str, value: str) -> None:
    """Choose a path for a name, or let the system choose."""
    host.run("update-alternatives", *(["--auto", name] if value == AUTO else ["--set", name, value]))
