# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side: ssh keys, the inventory, and the private registry."""

from __future__ import annotations

import pathlib
import subprocess
import textwrap

import blank
import boards
import network
from common import CONTROLLER, DATASTORE, REGISTRY, STATE, LabError, run, wait_for

INVENTORY = STATE / "inventory"
# How the boards are reached, as variables of their group.
_CONNECTION = """\
ansible_user: root
ansible_ssh_private_key_file: %s
ansible_ssh_common_args: >-
  -o UserKnownHostsFile=%s -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o ServerAliveInterval=15
# Boards of every lab have the same addresses: a connection that is kept open must not be taken by another lab.
ansible_control_path_dir: %s
ansible_python_interpreter: /usr/bin/python3
""" % (STATE / "ssh/controller", STATE / "ssh/known_hosts", STATE / "ssh/open")
# Of blank boards, which know nobody yet.
_FIRST_CONNECTION = """\
ansible_user: root
ansible_password: %s
ansible_ssh_common_args: >-
  -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o PubkeyAuthentication=no -o ServerAliveInterval=15
ansible_control_path_dir: %s
ansible_python_interpreter: /usr/bin/python3
"""
# The addresses of the documents' examples, and what has their place here.
_EXAMPLES = {"192.168.173.11": "10.99.0.2", "192.168.173.12": "10.99.0.3", "192.168.173.76:6000": REGISTRY}
# Plain http, as many a fleet's private registry is.
_REGISTRY_CONFIG = """\
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: "%s"}
"""


def create_keys():
    """A key for the controller and one for each board's sshd."""
    folder = STATE / "ssh"
    folder.mkdir(mode=0o700)
    for name in ["controller"] + [board.name for board in boards.BOARDS]:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name])


def write_inventory():
    """hosts.yml with the groups of k3s-ansible, and the known_hosts file that it names."""
    INVENTORY.mkdir(mode=0o700 if boards.BOARDS[0].manager else 0o777)
    known = [(STATE / "ssh" / (board.name + ".pub")).read_text(encoding="ascii").split()[:2] for board in boards.BOARDS]
    (STATE / "ssh/known_hosts").write_text(
        "".join("%s,%s %s\n" % (board.name, board.address, " ".join(key)) for board, key in zip(boards.BOARDS, known)),
        encoding="ascii",
    )
    connection = _CONNECTION
    if boards.BOARDS[0].manager and not boards.BOARDS[0].emulated:
        connection = _FIRST_CONNECTION % (blank.read_password(), STATE / "ssh/open")
    groups = ""
    for group in ("server", "agent"):
        hosts = [
            "        %s:\n          ansible_host: %s\n" % (board.name, board.address)
            for board in boards.BOARDS
            if board.command == group
        ]
        groups += "    %s:\n      hosts:\n%s" % (group, "".join(hosts)) if hosts else ""
    (INVENTORY / "hosts.yml").write_text(
        "# Written by the lab, made anew at each `lab up`.\nk3s_cluster:\n  children:\n%s  vars:\n%s"
        % (groups, textwrap.indent(connection, "    ")),
        encoding="ascii",
    )


def write_example(folder, text):
    """inventory.yml in ``folder``, from an inventory of the documents, with the addresses of the lab; beside it, as
    variables of the group, what a cluster's owner has elsewhere (ssh's own settings), and what only the lab needs.
    """
    for written, address in _EXAMPLES.items():
        text = text.replace(written, address)
    place = pathlib.Path(folder)
    (place / "group_vars").mkdir(parents=True, exist_ok=True)
    (place / "inventory.yml").write_text(text, encoding="utf-8")
    # The boards share the machine's kernel, so their architecture cannot be read from it.
    (place / "group_vars/k3s_cluster.yml").write_text(
        "# Written by the lab.\n%sriscv_k3s_architecture: riscv64\n" % _CONNECTION, encoding="ascii"
    )


def start_registry():
    """Start the registry in the controller's namespace and return its process id."""
    folder = STATE / "registry"
    folder.mkdir()
    (folder / "config.yml").write_text(_REGISTRY_CONFIG % (folder / "data", REGISTRY), encoding="utf-8")
    return _start("registry", ["docker-registry", "serve", str(folder / "config.yml")], REGISTRY + "/v2/")


def start_datastore():
    """Start an etcd for several servers there, and return its process id."""
    (STATE / "datastore").mkdir()
    urls = ["--%s-client-urls=http://%s" % (name, DATASTORE) for name in ("listen", "advertise")]
    argv = ["etcd", "--data-dir=%s" % (STATE / "datastore/data"), "--unsafe-no-fsync", "--log-level=warn", *urls]
    return _start("datastore", argv, DATASTORE + "/health")


def _start(name, argv, address):
    log_file = STATE / name / "log"
    with open(log_file, "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            network.inside(CONTROLLER, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def answers():
        if process.poll() is not None:
            raise LabError("the %s ended, see %s" % (name, log_file))
        return run(network.inside(CONTROLLER, ["python3", "-c", _ASK % address]), check=False).returncode == 0

    wait_for("the " + name, answers, 15, interval=0.1)
    return process.pid


_ASK = "import urllib.request; urllib.request.urlopen('http://%s', timeout=2)"
