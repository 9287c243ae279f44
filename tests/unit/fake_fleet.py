# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two healthy boards as k3s_info returns them, and small ways to make them ill."""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import (
    KERNEL,
    parse_preflight,
)

NOW = 1_795_000_000
DATA = "/var/lib/rancher/k3s"
STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
DIGEST = "sha256:" + "a" * 64
RULE = (
    "-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp "
    '-m comment --comment "default/kubernetes:https cluster IP" -j KUBE-SVC-NPX46M4PTMTKRN6Y'
)
JUMP = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
PREFLIGHT = "\n".join(
    [
        "release 6.6.0",
        "time %d" % NOW,
        "filesystem nodev overlay",
        "cgroup2 cpuset cpu io memory pids",
        "iptables iptables v1.8.9 (nf_tables)",
    ]
    + ["config /boot/config-6.6.0 CONFIG_%s=y" % option for option in KERNEL]
    + [
        "sysctl net/ipv4/ip_forward 1",
        "sysctl net/bridge/bridge-nf-call-iptables 1",
        "rule :FORWARD ACCEPT [0:0]",
        "rule " + RULE,
        "rule " + JUMP,
    ]
    + ["init systemd", "cni %s/agent/etc/cni/net.d/10-flannel.conflist" % DATA]
)


def ago(seconds):
    """A moment before NOW as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - seconds))


class FakeFleet:
    """``boards`` are results of k3s_info: board-1 a server, board-2 an agent, with one healthy CoreDNS on board-1."""

    def __init__(self):
        self.boards = {name: self._board(name, role) for name, role in (("board-1", "server"), ("board-2", "agent"))}
        server = self.boards["board-1"]
        server["api"] = {"reachable": True, "error": None, "pods": [], "addons": []}
        server["api"]["nodes"] = [
            {
                "name": name,
                "uid": name,
                "ready": True,
                "architecture": "riscv64",
                "internal_ip": address,
                "created_at": ago(9000),
            }
            for name, address in (("board-1", "10.0.0.1"), ("board-2", "10.0.0.2"))
        ]
        ready = {"Ready": {"status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}}
        server["details"] = {
            "events": [],
            "nodes": {"board-1": dict(ready), "board-2": dict(ready)},
            "pods": {},
            "endpoints": ["10.0.0.1:6443"],
        }
        server["dns"]["rights"] = ["endpointslices.discovery.k8s.io", "namespaces", "pods", "services"]
        self.manifest("coredns.yaml", "kind: Deployment\n")
        self.coredns = self.pod(
            "coredns-7796b77cd4-kz5w2",
            "board-1",
            STOCK,
            container="coredns",
            namespace="kube-system",
            labels={"k8s-app": "kube-dns"},
        )

    @staticmethod
    def _board(name, role):
        return {
            "hostname": name,
            "machine": "riscv64",
            "architecture": "riscv64",
            "data_dir": DATA,
            "errors": [],
            "observed_at": NOW,
            "k3s": {"installed": True, "version": "v1.24.2+k3s2", "role": role, "running": True},
            "containerd": {"version": "1.6.20", "pins": False},
            "config": {},
            "pause_image": PAUSE,
            "registries": {
                "path": "/etc/rancher/k3s/registries.yaml",
                "present": True,
                "sha256": "1" * 64,
                "mode": "0600",
                "stale": False,
                "mistakes": {"wrong_keys": [], "wrong_values": [], "wrong_rewrites": [], "unread": None},
            },
            "manifests": [],
            "demand": (
                [
                    {
                        "image": STOCK,
                        "where": ["manifests/coredns.yaml Deployment/coredns container coredns"],
                        "required": True,
                    }
                ]
                if role == "server"
                else []
            ),
            "images": [
                {"name": one, "digest": DIGEST, "platforms": ["linux/riscv64"], "pinned": True, "size": 1000}
                for one in (PAUSE, STOCK)
            ],
            "disk": {"path": DATA, "size": 32 << 30, "available": 16 << 30},
            "sandboxes": [],
            "containers": [],
            "logs": {},
            "preflight": parse_preflight(PREFLIGHT),
            "dns": {"pods": {}, "rights": None, "network": {}},
        }

    @property
    def server(self):
        return self.boards["board-1"]

    @property
    def agent(self):
        return self.boards["board-2"]

    def pod(self, name, board, image, container="main", namespace="default", labels=None, sandbox=True, **more):
        """Add a pod: Ready and running, but for ``more``, which are values of its row or of its container's."""
        uid = "uid-" + name
        status = {
            "name": container,
            "image": image,
            "image_id": "x@" + DIGEST,
            "ready": True,
            "restarts": 0,
            "state": "running",
            "reason": "",
            "message": "",
        }
        status.update(exit_code=None, init=False, last_reason="")
        row = {
            "namespace": namespace,
            "name": name,
            "uid": uid,
            "static_uid": "",
            "node": board,
            "phase": "Running",
            "ready": True,
            "reasons": [],
            "owner": None,
        }
        row.update(
            labels=labels or {},
            deleting=False,
            deleted_at=None,
            ip="10.42.0.9",
            created_at=ago(600),
            images=[image],
            containers=[status],
        )
        for key, value in more.items():
            (row if key in row and key not in ("state", "message") else status)[key] = value
        if not row["ready"]:
            status["ready"] = False
        self.server["api"]["pods"].append(row)
        if sandbox:
            self.sandbox(uid, name, namespace, board, row["labels"])
            entry = {
                "id": "c-" + name,
                "sandbox_id": "s-" + uid,
                "name": container,
                "image": image,
                "image_id": "sha256:1",
                "attempt": 0,
            }
            entry.update(state="running" if status["state"] == "running" else "exited", created_at=row["created_at"])
            self.boards[board]["containers"].append(entry)
        return row

    def sandbox(self, uid, name, namespace, board, labels=None, age=600, state="ready", attempt=0):
        """Add a sandbox to a board."""
        row = {
            "id": "s-" + uid + ("-%d" % attempt if attempt else ""),
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "attempt": attempt,
        }
        self.boards[board]["sandboxes"].append(dict(row, state=state, created_at=ago(age), labels=labels or {}))

    def waiting(self, name, reason, message="", image="reg.example:5000/a/b:1", **more):
        """Add a pod whose container waits."""
        return self.pod(
            name,
            "board-2",
            image,
            ready=False,
            phase="Pending",
            state="waiting",
            reason=reason,
            message=message,
            **more,
        )

    def event(self, row, reason, message, level="Warning", kind="Pod", count=1, name=None):
        """Add an event, the latest so far."""
        events = self.server["details"]["events"]
        entry = {
            "time": ago(100 - len(events)),
            "type": level,
            "reason": reason,
            "message": message,
            "kind": kind,
            "count": count,
            "host": "",
            "source": "x",
        }
        entry.update(
            namespace=row["namespace"] if row else "kube-system",
            name=name or row["name"],
            uid=row["uid"] if row else "",
        )
        events.append(entry)

    def manifest(self, path, text, applied=True, age=3600, skip=False, sha256=None):
        """Add a manifest of the server, and its Addon."""
        sha256 = sha256 or "%064x" % (len(self.server["manifests"]) + 1)
        self.server["manifests"].append(
            {"path": path, "sha256": sha256, "mtime": NOW - age, "skip": skip, "text": text, "left_out": None}
        )
        if applied:
            self.server["api"]["addons"].append(
                {"name": path.rpartition("/")[2].partition(".")[0], "checksum": sha256, "source": path}
            )

    def rules(self, board, *rules):
        """Replace a board's rules of iptables."""
        self.boards[board]["preflight"]["rules"] = list(rules)

    def unready_coredns(self, pod=False, host=False, age=600, log=(), body="kubernetes"):
        """CoreDNS runs and is not ready; whether the API's service address answers the pod and the board."""
        self.coredns["ready"] = self.coredns["containers"][0]["ready"] = False
        self.server["containers"][0]["created_at"] = ago(age)
        says = {True: {"answers": True, "text": "Unauthorized"}, False: {"answers": False, "text": "i/o timeout"}}
        self.server["dns"]["network"] = {"address": "10.43.0.1", "pod": says[pod], "host": says[host]}
        self.server["dns"]["pods"] = {self.coredns["name"]: {"ready": body, "log": list(log)}}

    def document(self):
        """What diagnose says of it."""
        return diagnose(self.boards, NOW, ["hosts.yml"])

    def causes(self):
        """The ids of the findings, in their order."""
        return [finding["cause"] for finding in self.document()["findings"]]
