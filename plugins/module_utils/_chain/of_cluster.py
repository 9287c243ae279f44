# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons of k3s itself, of nodes that join, and of what every cluster runs: scheduler, DNS, helm, manifests. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import (
    API,
    CNI,
    DNS,
    HELM,
    K3S,
    KERNEL,
    KUBELET,
    NETWORK,
    PROGRAM,
    SCHEDULER,
    rule,
)
from ansible_collections.riscv.k3s.plugins.module_utils._chain.words import (
    ERRNO,
    NETWORK_WORDS,
    NO_ANSWER,
    NO_NAME,
    TIMEOUT,
)

_JOIN = ("join", "begin")

RULES = (
    # k3s looks for it before it starts.
    rule("k3s-not-executable", KERNEL, ERRNO, ("own-exec",)),
    rule("cgroup-missing", K3S, r"[Ff]ailed to find (?:memory|cpuset|cpu|pids) cgroup|.*cgroup v2 not supported"),
    rule("cgroup-missing", KUBELET, r"kubelet is configured to not run on a host using cgroup v1", variant="v1"),
    rule(
        "flannel-not-started",
        CNI,
        r".*[Ff]ailed to find (?:the |any valid )?interface|.*[Ff]ailed to get default interface"
        r"|.*[Nn]o interface with given IP|.*(?i:pod ?cidr not assigned)|flannel (?:exited|failed)",
        sure=False,
    ),
    rule("flannel-not-started", K3S, r".*[Ff]ailed to start networking", sure=False),
    rule("node-password-rejected", K3S, r"https://\S*/v1-k3s/\S*(?:kubelet|node)\S*\.crt: (?:401|403) "),
    rule("k3s-start-failed", K3S, r".*/(?:v1-k3s/\S*|cacerts): (?:401|403) "),
    rule(
        "k3s-start-failed",
        K3S,
        r"failed to normalize (?:server )?token|.*bootstrap data already found and encrypted with different token"
        r"|.*token (?:CA hash )?does not match|token is not valid|not authorized$",
    ),
    rule("k3s-start-failed", KERNEL, r"address already in use", ("fatal",)),
    rule("k3s-start-failed", KERNEL, r"address already in use", (), ("listen",), sure=False),
    # In a container that k3s runs in, these may not be set.
    rule("k3s-start-failed", KERNEL, r"permission denied|read-only file system", ("sysctl",), ("network",), sure=False),
    rule("k3s-start-failed", K3S, r"flag provided but not defined|.*etcd cluster join failed"),
    # Its database, etcd or another.
    rule(
        "k3s-start-failed",
        K3S,
        r"etcdserver: (?:no space|mvcc: database space exceeded)|.*mvcc: database space exceeded"
        r"|.*(?:raft log corrupted|crc mismatch|database disk image is malformed|member has been permanently removed)",
    ),
    rule("k3s-start-failed", K3S, r"this server is a not a member of the etcd cluster", variant="address"),
    rule(
        "k3s-start-failed",
        NETWORK,
        r"%s|.*context deadline exceeded" % NETWORK_WORDS,
        ("kine",),
        sure=False,
        variant="datastore",
    ),
    rule("k3s-start-failed", DNS, r"%s|%s" % (NO_NAME, NO_ANSWER), ("kine",), sure=False, variant="datastore"),
    # Its API is too slow for itself: it may have no more than some seconds for each of these.
    rule("k3s-start-failed", K3S, r"[Ll]eader ?election lost", sure=False, variant="slow"),
    rule(
        "k3s-start-failed",
        K3S,
        r"%s|.*context deadline exceeded|timed out waiting for the condition|etcdserver: request timed out" % TIMEOUT,
        ("lease",),
        sure=False,
        variant="slow",
    ),
    rule(
        "k3s-start-failed",
        K3S,
        r"timed out waiting for the condition|apiserver not ready|failed to wait for apiserver being healthy",
        ("begin", "fatal"),
        ("helm", "rpc"),
        sure=False,
        variant="slow",
    ),
    rule(
        "node-password-rejected",
        K3S,
        r".*[Nn]ode password (?:rejected|validation failed)|.*unable to verify (?:password|hash) for node"
        r"|.*hash does not match",
    ),
    rule("server-unreachable", NETWORK, r"%s|%s|.*context deadline exceeded" % (NETWORK_WORDS, NO_NAME), _JOIN),
    rule("server-unreachable", DNS, NO_ANSWER, _JOIN),
    rule("server-unreachable", K3S, r"(?:https?://\S+: )?50[234] |websocket: bad handshake", _JOIN, sure=False),
    rule("clock", API, r"current time \S+ is before", variant="early"),
    # k3s refuses to start before 1980.
    rule("clock", K3S, r"server time isn't set properly"),
    rule("certificate-expired", KUBELET, r".*client certificate is expired"),
    rule("certificate-expired", API, r".*certificate has expired"),
    rule(
        "k3s-start-failed", K3S, r".*(?:address already in use|flag provided but not defined|level=fatal)", sure=False
    ),
    rule("no-node", KUBELET, r'node "[^"]*" not found'),
    rule("no-node", K3S, r'nodes "[^"]*" not found'),
    rule("unschedulable", SCHEDULER, r"\d+/\d+ nodes are available|no nodes available to schedule pods"),
    rule(
        "evicted",
        KUBELET,
        r"(?:Pod )?[Tt]he node (?:was low on resource|had condition)|Pod was rejected"
        r"|.*(?:ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit)"
        r"|Usage of EmptyDir volume .* exceeds the limit|.*imminent node shutdown",
    ),
    rule("disk-nearly-full", KUBELET, r"[Ff]ailed to garbage collect required amount of images|Disk usage on image "),
    rule("disk-nearly-full", KUBELET, r"Insufficient free disk space on the node's image filesystem"),
    # helm, and the manifests that k3s applies.
    rule("helm-job-failed", DNS, r"%s|%s" % (NO_NAME, NO_ANSWER), ("helm",)),
    rule("helm-job-failed", NETWORK, NETWORK_WORDS, ("helm",)),
    rule("helm-job-failed", NETWORK, r'Error: Get "?https://\S+/version\?timeout=\S+: .*' + NETWORK_WORDS),
    rule(
        "helm-job-failed",
        HELM,
        r".*(?:INSTALLATION|UPGRADE) FAILED|another operation \(install|cannot re-use a name"
        r"|.*has no deployed releases",
    ),
    # CoreDNS, and who asks it.
    rule("coredns-loop", PROGRAM, r".*[Ll]oop .*detected"),
    rule("coredns-rights", API, r".*is forbidden: User \S*system:serviceaccount:\S*coredns"),
    rule("crash-loop", PROGRAM, r"\S*Corefile:\d+ - Error during parsing", sure=False),
    rule("coredns-waits", PROGRAM, r".*plugin/(?:ready: Still waiting on|kubernetes: .*(?:unsynced|waiting for) )"),
    rule("coredns-waits", NETWORK, NETWORK_WORDS, ("list",)),
    rule("coredns-upstream", NETWORK, r"%s|%s|.*no upstream host" % (NETWORK_WORDS, NO_ANSWER), ("coredns",)),
    rule(
        "dns-service", NETWORK, r"(?:;; )?(?:connection timed out|communications error)\b.*no servers could be reached"
    ),
    rule(
        "dns-service",
        DNS,
        r"can't resolve '|\*\*\*? (?:server can't find|Can't find) |.*(?:[Cc]ould not|unable to) resolve (?:host|')"
        r"|bad address '|.*getaddrinfo E\w+|.*UnknownHostException|.*Temporary failure resolving '"
        r"|(?:\[Errno -\d\] )?(?:%s|%s)$" % (NO_NAME, NO_ANSWER),
        sure=False,
    ),
)
# What is known of these is the step that failed.
LAST = (
    rule("helm-job-failed", HELM, r"", ("helm",)),
    rule("addon-not-applied", API, r"", ("addon",), sure=False),
    rule("dns-service", DNS, r"", ("lookup",), sure=False),
    rule("coredns-waits", API, r"(?!.*(?:forbidden|cannot (?:list|get|watch) ))", ("list",), sure=False),
    rule("k3s-start-failed", K3S, r"", ("kine",), sure=False),
)
# Of k3s, or of what it starts: of pods there is more to say first. Who asks containerd ends in fatal errors, too.
FATAL = (
    rule("k3s-start-failed", KERNEL, ERRNO, ("fatal",), ("socket", "rpc"), sure=False),
    rule("k3s-start-failed", K3S, r"", ("fatal",), ("socket", "rpc"), sure=False),
    rule("k3s-start-failed", K3S, r"", ("begin",), sure=False),
)
