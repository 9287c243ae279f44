# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host's key is known, by files of OpenSSH."""

import paramiko
import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import known_hosts

# As paramiko's HostKeys.hash_host made it.
HASHED = "|1|Owqlyb5oFu2q0trIRkboHYN+A+E=|lgNI8TD/j18+XS44fBO9UKpQTuE="


@pytest.mark.parametrize(
    "text, verdict",
    [
        ("", "unknown"),
        ("192.168.173.11 ssh-ed25519 AAAA", "known"),
        ("mars,192.168.173.11 ssh-ed25519 AAAA root@mars", "known"),
        ("192.168.173.* ssh-ed25519 AAAA", "known"),
        ("192.168.173.1? ssh-ed25519 AAAA", "known"),
        ("192.168.173.*,!192.168.173.11 ssh-ed25519 AAAA", "unknown"),
        (HASHED + " ssh-ed25519 AAAA", "known"),
        ("\n# a comment\n192.168.173.11\tssh-ed25519  AAAA\r\n", "known"),
        # Several keys of one host: one of them is enough.
        ("192.168.173.11 ssh-rsa BBBB\n192.168.173.11 ssh-ed25519 CCCC\n192.168.173.11 ssh-ed25519 AAAA", "known"),
        ("192.168.173.11 ssh-ed25519 BBBB", "changed"),
        (HASHED + " ssh-ed25519 BBBB", "changed"),
        # Only of another kind: who stands between could offer just that one.
        ("192.168.173.11 ssh-rsa AAAA", "changed"),
        ("192.168.173.12 ssh-ed25519 AAAA", "unknown"),
        ("[192.168.173.11]:2222 ssh-ed25519 AAAA", "unknown"),
        ("[12]92.168.173.11 ssh-ed25519 AAAA", "unknown"),
        ("@revoked * ssh-ed25519 AAAA\n192.168.173.11 ssh-ed25519 AAAA", "revoked"),
        ("@revoked 192.168.173.11 ssh-ed25519 BBBB", "unknown"),
        # Certificates are not looked at, and are no keys of hosts.
        ("@cert-authority * ssh-ed25519 AAAA", "unknown"),
        ("@something * ssh-ed25519 AAAA", "unknown"),
        # What cannot be read is nobody's.
        ("192.168.173.11 ssh-ed25519", "unknown"),
        ("|1|x|y ssh-ed25519 AAAA", "unknown"),
        ("|2|%s ssh-ed25519 AAAA" % HASHED[3:], "unknown"),
        ("|1| ssh-ed25519 AAAA", "unknown"),
        ("#192.168.173.11 ssh-ed25519 AAAA", "unknown"),
        # Seen of ssh itself: no other white space than blanks, tabs and line feeds counts.
        ("192.168.173.11\xa0ssh-ed25519 AAAA", "unknown"),
        ("# x\u2028192.168.173.11 ssh-ed25519 AAAA", "unknown"),
        ("# x\x0c192.168.173.11 ssh-ed25519 AAAA", "unknown"),
        ("# x\x85192.168.173.11 ssh-ed25519 AAAA", "unknown"),
        ("  192.168.173.11 ssh-ed25519 AAAA\r\n", "known"),
        ("\ufeff192.168.173.11 ssh-ed25519 AAAA", "unknown"),
    ],
)
def test_judge(text, verdict):
    lines = known_hosts.parse(text)
    assert known_hosts.judge(lines, "192.168.173.11", "ssh-ed25519", "AAAA") == verdict


def test_a_recorded_key_is_known_and_no_other_port_is():
    name = known_hosts.shown_name("MARS.lan", 2222)
    lines = known_hosts.parse(known_hosts.line_of(name, "ssh-ed25519", "AAAA"))
    assert known_hosts.judge(lines, "[mars.lan]:2222", "ssh-ed25519", "AAAA") == "known"
    assert known_hosts.judge(lines, "mars.lan", "ssh-ed25519", "AAAA") == "unknown"


def test_the_fingerprint_is_that_of_ssh():
    key = paramiko.ECDSAKey.generate()
    assert known_hosts.fingerprint(key.get_base64()) == key.fingerprint


def test_kinds_that_are_known_are_asked_for_first():
    lines = known_hosts.parse("mars ssh-rsa AAAA\n@revoked mars ssh-dss BBBB")
    offered = ("ssh-ed25519", "rsa-sha2-512", "ssh-rsa")
    assert known_hosts.preferred(offered, known_hosts.kinds(lines, "mars")) == [
        "rsa-sha2-512",
        "ssh-rsa",
        "ssh-ed25519",
    ]
    assert known_hosts.preferred(offered, []) == list(offered)
