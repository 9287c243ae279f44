# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the lab's cluster, and the waits of `lab up` and `lab upgrade`."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import boards
import memory
from common import LabError, run, wait_for
from emulated import board as emulated

STOCK_WORKLOADS = ("coredns", "local-path-provisioner", "metrics-server")
NODES_SECONDS = 90


def enter(board, argv):
    """``argv`` as a command on a board, not by ssh where it shares this machine's kernel."""
    pid = memory.board_pid(board)
    return emulated.enter(argv) if board.emulated else boards.enter(pid, argv)


def on_board(board, argv, check=True, **options):
    """Run a command on a board."""
    return run(enter(board, argv), check=check, **options)


def kubectl(*args):
    """The JSON answer of kubectl on the first server that has one, or None where there is no answer yet."""
    for server in boards.servers():
        done = on_board(server, ["k3s", "kubectl", *args, "-o", "json"], check=False)
        if done.returncode == 0 and done.stdout:
            return json.loads(done.stdout)
    return None


def wait_for_nodes():
    """Until every board is a Ready node."""

    def ready():
        answer = kubectl("get", "nodes") or {"items": []}
        names = {
            item["metadata"]["name"]
            for item in answer["items"]
            if any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))
        }
        return names >= {board.name for board in boards.BOARDS}

    wait_for("all nodes to be Ready", ready, NODES_SECONDS, interval=0.5)


def wait_for_addons(seconds=60):
    """Until the deploy controller has applied every file of the servers' manifests folders that is not skipped."""
    for server in boards.servers():
        _wait_for_addons(server, seconds)


def _wait_for_addons(server, seconds):
    folder = pathlib.Path("/proc/%d/root/var/lib/rancher/k3s/server/manifests" % memory.board_pid(server))

    def applied():
        skipped = {path.name[: -len(".skip")] for path in folder.rglob("*.skip")}
        wanted = {
            hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.yaml") if path.name not in skipped
        }
        addons = (kubectl("get", "addons", "-n", "kube-system") or {"items": []})["items"]
        return bool(wanted) and wanted <= {item["spec"].get("checksum") for item in addons}

    wait_for("the manifests to be applied", applied, seconds, interval=0.5)


def wait_for_stock_pods():
    """Until the stock pods have been sent to boards."""

    def sent():
        answer = kubectl("get", "pods", "-n", "kube-system") or {"items": []}
        names = [item["metadata"]["name"] for item in answer["items"] if item["spec"].get("nodeName")]
        return all(any(name.startswith(workload) for name in names) for workload in STOCK_WORKLOADS)

    wait_for("the stock pods", sent, 60, interval=0.5)


def stock_boards():
    """Names of the boards that stock pods were sent to."""
    answer = kubectl("get", "pods", "-n", "kube-system") or {"items": []}
    return {
        item["spec"].get("nodeName") for item in answer["items"] if not item["metadata"].get("deletionTimestamp")
    } - {None}


def spread_stock_pods():
    """The scheduler may send all stock pods to some of the boards. Then one of them is sent to another."""
    everywhere = {board.name for board in boards.BOARDS}
    used = stock_boards()
    while used != everywhere:
        # There are as many stock pods as boards at least.
        label = "k8s-app=metrics-server" if len(used) == 1 else "app=local-path-provisioner"
        for name in used:
            on_board(boards.BOARDS[0], ["k3s", "kubectl", "cordon", name])
        argv = ["k3s", "kubectl", "delete", "pod", "-n", "kube-system", "-l", label, "--wait=false"]
        on_board(boards.BOARDS[0], argv)
        wait_for("a stock pod on another board", lambda before=len(used): len(stock_boards()) > before, 30)
        for name in used:
            on_board(boards.BOARDS[0], ["k3s", "kubectl", "uncordon", name])
        used = stock_boards()


def wait_for_failures():
    """Until the broken lab shows what is wrong with it: each board with stock pods that wait for a reason."""

    def failing():
        answer = kubectl("get", "events", "-n", "kube-system", "--field-selector=type=Warning") or {"items": []}
        hosts = {
            item.get("source", {}).get("host") or item.get("reportingInstance")
            for item in answer["items"]
            if item["reason"] in ("Failed", "FailedCreatePodSandBox", "BackOff")
        }
        return hosts >= stock_boards()

    wait_for("the stock pods' failures", failing, 60, interval=0.5)


def print_status():
    """What kubectl and crictl say, side by side."""
    asked = [["k3s", "kubectl", "get", "nodes", "-o", "wide"], ["k3s", "kubectl", "get", "pods", "-A", "-o", "wide"]]
    commands = [(server, argv) for server in boards.servers() for argv in asked]
    commands += [(board, ["k3s", "crictl", "pods"]) for board in boards.BOARDS]
    for board, argv in commands:
        print("%s# %s" % (board.name, " ".join(argv)), flush=True)
        done = on_board(board, argv, check=False)
        print((done.stdout + done.stderr).rstrip() + "\n", flush=True)


def hand_over(argv):
    """Become another command, with this terminal."""
    sys.stdout.flush()
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        raise LabError("%s: %s" % (argv[0], error)) from None


def service(board, action, check=True):
    """Ask a board's service manager."""
    return on_board(board, ["service", board.service, action], check=check, stdin=subprocess.DEVNULL)
