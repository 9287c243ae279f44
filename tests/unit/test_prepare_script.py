# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What system.sh tells in the shells of boards, where ufw and firewalld speak as the real programs did."""

from __future__ import annotations

import json

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe

pytestmark = pytest.mark.programs

# Recorded: ufw 0.36.2 of Debian on the lab.
UFW = """#!/bin/sh
case $* in
status) printf 'Status: %s\\n\\nTo  Action  From\\n' "$(cat {state})" ;;
"show added") cat <<'END' ;;
Added user rules (see 'ufw status' for running firewall):
ufw allow 22/tcp
ufw allow from 10.99.0.2 to any port 8472 proto udp
ufw route allow from 10.42.0.0/16
END
esac
"""
# Recorded: two zones of firewall-offline-cmd of firewalld 1.3.3, whose listing is that of firewall-cmd.
ZONES = """public
  target: default
  icmp-block-inversion: no
  interfaces:~
  sources:~
  services: dhcpv6-client ssh
  ports:~
  forward: yes
  rich rules:~
\trule family="ipv4" source address="10.0.0.2" port port="2379-2380" protocol="tcp" accept

trusted (active)
  target: ACCEPT
  interfaces:~
  sources: 10.42.0.0/16
  rich rules:~
""".replace("~", " ")
FIREWALLD = """#!/bin/sh
case $* in
--state) echo running ;;
--get-default-zone) echo public ;;
--list-all-zones) cat {zones} ;;
"--permanent --list-all-zones") sed 's/10.42.0.0.16//' {zones} ;;
esac
"""


@pytest.fixture(name="board")
def _board(tmp_path):
    return FakeBoard(tmp_path)


def system(board, shell):
    output = board.run(["system"], shell)
    section = split_output(output, TOKEN)["system"]
    assert (section.rc, section.err) == (0, "")
    return observe(output, TOKEN, ["system"])["system"]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_ufw(board, shell):
    state = board.home / "state"
    board.program("ufw", UFW.replace("{state}", str(state)))
    state.write_text("active")
    assert system(board, shell)["ufw"] == [
        "allow 22/tcp",
        "allow from 10.99.0.2 to any port 8472 proto udp",
        "route allow from 10.42.0.0/16",
    ]
    state.write_text("inactive")
    found = system(board, shell)
    assert found["ufw"] is None and found["silent"] == []
    state.unlink()
    found = system(board, shell)
    assert found["ufw"] is None and found["silent"] == ["ufw"]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_firewalld(board, shell):
    zones = board.home / "zones"
    zones.write_text(ZONES)
    board.program("firewall-cmd", FIREWALLD.replace("{zones}", str(zones)))
    found = system(board, shell)["firewalld"]
    # It is the result of a module.
    assert json.loads(json.dumps(found)) == found
    assert (found["default"], found["zones"]["runtime trusted"]["sources"]) == ("public", "10.42.0.0/16")
    assert found["zones"]["permanent trusted"]["sources"] == ""
    assert found["zones"]["runtime public"]["rules"] == [
        'rule family="ipv4" source address="10.0.0.2" port port="2379-2380" protocol="tcp" accept'
    ]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize(("rc", "silent"), [(252, []), (1, ["firewalld"]), (127, ["firewalld"])])
def test_a_firewalld_that_does_not_answer_is_not_one_that_does_not_run(board, shell, rc, silent):
    board.program("firewall-cmd", "#!/bin/sh\nexit %d\n" % rc)
    found = system(board, shell)
    assert found["firewalld"] is None and found["silent"] == silent


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_rest(board, shell):
    """Of the machine that the test runs on: what every one has."""
    board.program("iptables", '#!/bin/sh\necho "can\'t initialize iptables table" >&2\nexit 3\n')
    board.program(
        "update-alternatives",
        "#!/bin/sh\nprintf 'Name: %s\\nStatus: auto\\n\\nAlternative: /usr/sbin/%s-nft\\nPriority: 20\\n' $2 $2\n",
    )
    seen = system(board, shell)
    assert seen["sysctl"]["net.ipv4.ip_forward"] in ("0", "1") and seen["uptime"] > 0
    assert seen["refused"] == "can't initialize iptables table"
    assert seen["iptables"] == str(board.home / "bin/iptables")
    assert seen["alternatives"] == {"iptables": ["/usr/sbin/iptables-nft"], "ip6tables": ["/usr/sbin/ip6tables-nft"]}
