# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons why a pod does not start though its image is there: pause, network, runc, volumes, and k3s itself. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import (
    API,
    CNI,
    CONTAINERD,
    DNS,
    HELM,
    K3S,
    KERNEL,
    KUBELET,
    NETWORK,
    PROGRAM,
    PROVISIONER,
    RUNC,
    SCHEDULER,
    rule,
)

_START = ("exec", "runc", "shim", "start", "sandbox", "stat")
_NET = ("network", "cni", "run")
_JOIN = ("join",)

RULES = (
    rule("pause-image-architecture", KERNEL, r"[Ee]xec format error", ("sandbox",)),
    rule(
        "snapshotter-unsupported",
        KERNEL,
        r"invalid argument|no such device|operation not (?:permitted|supported)|permission denied",
        ("rootfs",),
    ),
    # The network of a pod.
    rule("flannel-not-started", CNI, r"(?:open )?/run/flannel/subnet\.env: no such file|loadFlannelSubnetEnv failed"),
    rule(
        "flannel-not-started",
        K3S,
        r"flannel (?:exited|failed)|.*[Ff]ailed to start networking|.*[Ff]ailed to find (?:the )?interface"
        r"|.*podCIDR not assigned|.*podCidr not assigned",
        sure=False,
    ),
    rule("kernel-bridge-missing", KERNEL, r'could not add "[^"]*": operation not supported'),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r".*(?:vxlan|veth|dummy|macvlan|wireguard).*(?:not supported|[Uu]nknown device)",
    ),
    rule("kernel-bridge-missing", KERNEL, r"operation not supported$", ("cni", "network")),
    rule(
        "kernel-netfilter-missing",
        KERNEL,
        r"Couldn't load (?:match|target) |.*Extension \S+ revision \d+ not supported|.*(?:RULE|CHAIN|TABLE)_\w+ failed"
        r"|.*No chain/target/match by that name|.*can't initialize ip6?tables table|.*[Tt]able does not exist"
        r"|.*[Cc]ould not fetch rule set generation|.*Failed to initialize nft|.*unknown option \"--"
        r"|.*Module (?:ip6?_?tables|x_tables|nf_\w+|xt_\w+|br_netfilter)\S* not found"
        r"|.*iptables.*Kernel module not found",
    ),
    rule("cni-plugin-missing", CNI, r'failed to find plugin "[^"]*" in path'),
    rule("cni-plugin-missing", CNI, r"incompatible CNI versions|no plugins? found"),
    rule(
        "cni-address-exhausted",
        CNI,
        r"no (?:more )?(?:IP )?addresses available|.*range is full|.*no available IP|.*IP pool exhausted",
        _NET,
    ),
    rule(
        "cni-missing",
        CONTAINERD,
        r".*cni (?:plugin not initialized|config uninitialized)"
        r"|(?:.*no valid networks|no networks?(?: config)?) found in "
        r"|.*network plugin is not ready|.*NetworkPluginNotReady|failed to load cni|.*[Mm]issing CNI default network"
        r"|.*container runtime network not ready",
    ),
    # Who starts programs is a program, too.
    rule(
        "runtime-missing",
        CONTAINERD,
        r'.*(?:no|unknown) runtime (?:for )?"[^"]*"|.*runtime "[^"]*" binary not installed',
    ),
    rule("exec-format", KERNEL, r"[Ee]xec format error", (), ("unit",)),
    rule("entrypoint-missing", RUNC, r"executable file not found in", ("runc",)),
    rule("entrypoint-missing", RUNC, r"executable file not found in", _START, sure=False),
    rule("entrypoint-missing", CONTAINERD, r"no command specified"),
    rule("entrypoint-missing", RUNC, r"no such file or directory", ("exec",), ("mount", "cgroup")),
    rule("file-capabilities", KERNEL, r"[Oo]peration not permitted", ("exec",)),
    rule("container-command-denied", KERNEL, r"permission denied|is a directory", ("exec",), ("mount",)),
    rule(
        "container-user",
        KUBELET,
        r"container has runAsNonRoot and image (?:will run as root|has non-numeric user)"
        r"|.*runAsUser breaks non-root policy"
        r"|.*runAsNonRoot",
    ),
    rule("container-user", RUNC, r"unable to find (?:user|group) |no users found|mkuser: .*not found"),
    rule("config-missing", API, r"(?:configmap|secret|ConfigMap|Secret)s? \"[^\"]*\" not found"),
    rule("config-missing", KUBELET, r"couldn't find key |.*non-existent (?:config|secret) key|references non-existent"),
    # k3s looks for it before it starts.
    rule("cgroup-missing", K3S, r"[Ff]ailed to find (?:memory|cpuset|cpu|pids) cgroup|.*cgroup v2 not supported"),
    rule(
        "cgroup-missing",
        KERNEL,
        r"cgroups?: .*(?:mountpoint does not exist|not found|controller)"
        r"|.*memory cgroup(?: controller)? (?:is )?(?:not|missing)|mountpoint for \S+ not found",
    ),
    rule("cgroup-missing", KERNEL, r"(?:\w+ )?/sys/fs/cgroup/\S+: no such file"),
    rule("kernel-feature-missing", KERNEL, r"(?:\w+ )?/proc/sys/(?:net|kernel|vm|fs)/\S+: no such file"),
    rule("kernel-feature-missing", KERNEL, r"modprobe: (?:FATAL|ERROR): |.*(?:enable|missing|requires) CONFIG_\w+"),
    rule("kernel-feature-missing", RUNC, r"(?:config provided but )?seccomp not supported"),
    rule("kernel-feature-missing", KERNEL, r".*apparmor failed to apply profile|.*ipset .*Kernel error received"),
    rule("cgroup-missing", KERNEL, r"open /sys/fs/cgroup/\S+: no such file"),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r"(?:function not implemented|invalid argument|operation not supported)$",
        ("runc", "shim", "exec"),
        ("mount",),
        sure=False,
    ),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r".*(?:seccomp|apparmor|user namespaces?).*(?:not supported|unsupported|not enabled)",
    ),
    # Volumes.
    rule(
        "volume-mount",
        KERNEL,
        r"(?:not a directory|no such file or directory|permission denied|.*unknown filesystem type"
        r"|.*wrong fs type|.*bad option|invalid argument|.*[Ii]nput/output error|.*already mounted)",
        ("mount",),
    ),
    rule(
        "volume-mount",
        KUBELET,
        r"hostPath type check failed|timed out waiting for the condition"
        r"|.*driver name \S+ not found in the list of registered CSI drivers"
        r"|.*failed to (?:mount|attach)|.*unmounted volumes=",
        ("mount",),
    ),
    rule("volume-unbound", PROVISIONER, r"no persistent volumes available for this claim"),
    # What the program that mounts said comes in further lines.
    rule("volume-mount", PROGRAM, r"mount failed|exit status \d+|mount(?:\.\w+)?: ", ("mount",)),
    rule(
        "volume-provisioner", PROGRAM, r"mkdir: (?:can't|cannot) create directory .*(?:local-path|/data/)", sure=False
    ),
    rule(
        "volume-unbound",
        SCHEDULER,
        r".*unbound (?:immediate )?PersistentVolumeClaims|.*didn't find available persistent volumes"
        r"|.*no persistent volumes available"
        r"|.*storageclass\S* \"[^\"]*\" not found|.*persistentvolumeclaim \"[^\"]*\" not found",
    ),
    rule(
        "volume-provisioner",
        PROVISIONER,
        r"(?:create|delete) process timeout|.*failed to (?:create|delete) volume "
        r"|failed to provision volume",
        ("volume",),
    ),
    rule("volume-provisioner", PROVISIONER, r"failed to provision volume|create process timeout"),
    # Pods that run.
    rule("liveness-killed", KUBELET, r"Container \S+ failed (?:liveness|startup) probe, will be (?:restarted|killed)"),
    rule("out-of-memory", KUBELET, r"(?:Cgroup|System) OOM encountered"),
    rule("out-of-memory", KERNEL, r"OOMKilled|.*(?:OOM|oom)[ -]?[Kk]ill|.*out of memory"),
    # k3s itself, and who joins.
    rule("sandbox-changed", KUBELET, r"Pod sandbox changed, it will be killed"),
    rule("node-password-rejected", K3S, r"https://\S*/v1-k3s/\S*(?:kubelet|node)\S*\.crt: (?:401|403) "),
    rule(
        "k3s-start-failed",
        K3S,
        r"failed to normalize (?:server )?token|.*bootstrap data already found and encrypted with different token"
        r"|.*token CA hash does not match|token is not valid|.*/v1-k3s/\S*: (?:401|403) |.*not authorized$",
    ),
    rule("k3s-start-failed", KERNEL, r"address already in use"),
    rule("k3s-start-failed", K3S, r"flag provided but not defined|.*etcd cluster join failed"),
    rule(
        "node-password-rejected",
        K3S,
        r".*[Nn]ode password (?:rejected|validation failed)|.*unable to verify (?:password|hash) for node"
        r"|.*hash does not match",
    ),
    rule(
        "server-unreachable",
        NETWORK,
        r"(?:connection refused|connection reset by peer|no route to host|i/o timeout|network is unreachable"
        r"|no such host"
        r"|.*context deadline exceeded|EOF)",
        _JOIN,
    ),
    rule("clock", API, r"current time \S+ is before"),
    rule("certificate-expired", KUBELET, r".*client certificate is expired"),
    rule("certificate-expired", API, r".*certificate has expired"),
    rule(
        "k3s-start-failed", K3S, r".*(?:address already in use|flag provided but not defined|level=fatal)", sure=False
    ),
    rule("unschedulable", SCHEDULER, r"\d+/\d+ nodes are available"),
    rule(
        "evicted", KUBELET, r"(?:The node was low on resource|Pod was rejected|.*ephemeral local storage usage exceeds)"
    ),
    rule(
        "helm-job-failed",
        HELM,
        r".*(?:INSTALLATION|UPGRADE) FAILED|another operation \(install|cannot re-use a name"
        r"|.*has no deployed releases",
    ),
    rule(
        "coredns-upstream",
        NETWORK,
        r"i/o timeout|connection refused|no route to host|network is unreachable|server misbehaving",
        ("coredns",),
    ),
    rule("coredns-loop", PROGRAM, r".*[Ll]oop .*detected"),
    rule("api-denied", API, r".*is forbidden: User|.*cannot (?:list|get|watch) resource", sure=False),
    # What is certain of no more than itself.
    # Of control groups and shared memory, "no space" is no word of a disk.
    rule("disk-full", KERNEL, r"no space left on device|disk quota exceeded", sure=False),
    rule("disk-read-only", KERNEL, r"[Rr]ead-only file system", sure=False),
    rule("disk-fault", KERNEL, r"[Ii]nput/output error", (), ("mount",)),
    rule("crash-loop", KUBELET, r"back-off \S+ restarting failed container|Back-off restarting failed container"),
    rule(
        "image-never-pull",
        KUBELET,
        r'ErrImageNeverPull$|Container image "[^"]*" is not present with pull policy of Never',
    ),
    rule("no-node", KUBELET, r'node "[^"]*" not found'),
    rule("disk-nearly-full", KUBELET, r"failed to garbage collect required amount of images"),
    rule("dns-service", DNS, r"can't resolve '|.*no servers could be reached"),
    rule(
        "coredns-waits", NETWORK, r"i/o timeout|connection refused|no route to host|network is unreachable", ("list",)
    ),
)
# What is known of these is the step that failed.
LAST = (
    rule("liveness-killed", PROGRAM, r"HTTP probe failed with statuscode", ("liveness",), sure=False),
    rule("liveness-killed", KUBELET, r"", ("liveness",), sure=False),
    rule("helm-job-failed", HELM, r"", ("helm",)),
    rule("probe-fails", KUBELET, r"", ("probe",), sure=False),
    rule("cni-failed", CNI, r"", ("network", "cni"), sure=False),
    rule("volume-mount", KUBELET, r"", ("mount",), sure=False),
    rule(
        "runc-failed",
        KERNEL,
        r"(?:.* )?(?:invalid argument|(?:permission|operation) (?:denied|not permitted|not supported)|no such device"
        r"|no such file or directory|cannot allocate memory|device or resource busy|resource temporarily unavailable)$",
        ("runc", "shim"),
        sure=False,
    ),
    rule("runc-failed", RUNC, r"", ("runc", "shim"), sure=False),
)
# Of k3s, or of what it starts.
FATAL = (rule("k3s-start-failed", K3S, r"", ("fatal",), sure=False),)
