# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons why a pod does not start though its image is there: pause, network, runc, volumes, probes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import (
    API,
    CNI,
    CONTAINERD,
    KERNEL,
    KUBELET,
    NETWORK,
    NOTHING,
    PROGRAM,
    PROVISIONER,
    RUNC,
    SCHEDULER,
    STORE,
    rule,
)
from ansible_collections.riscv.k3s.plugins.module_utils._chain.words import ERRNO, NETWORK_WORDS, NOT_BUILT_IN

_START = ("exec", "runc", "shim", "start", "sandbox", "stat")
_NET = ("network", "cni", "run")
_NO_DISK = ("runc", "sysctl", "sysfs", "inotify")

# A probe that fails is what there is to say, whatever the program said that it ran. Other programs that somebody starts
# in a container that runs explain nothing.
INSIDE = (
    rule("liveness-killed", KUBELET, r"", ("liveness",), sure=False),
    rule("probe-fails", KUBELET, r"", ("probe",), sure=False),
    rule(NOTHING, RUNC, r""),
)
# These steps decide by themselves, whatever stands behind them.
FIRST = (rule(NOTHING, KUBELET, r"", ("aside",), ("fatal",)),)
RULES = (
    rule("pause-image-architecture", KERNEL, r"[Ee]xec format error", ("sandbox",), ("network", "cni")),
    rule(
        "snapshotter-unsupported",
        KERNEL,
        r"invalid argument|no such device|operation not (?:permitted|supported)|permission denied",
        ("rootfs",),
    ),
    # On an overlay there is no place for another one's marks of what is deleted.
    rule("snapshotter-unsupported", KERNEL, r'failed to convert whiteout file "[^"]*": operation not permitted'),
    rule(
        "snapshotter-unsupported",
        CONTAINERD,
        r"\S+ does not support d_type|(?:failed to find snapshotter \S+: )?snapshotter not loaded",
    ),
    # The kubelet reads it for each pod.
    rule(
        "resolv-conf-missing",
        KUBELET,
        r"open /\S*resolv\.conf: no such file",
        ("sandbox",),
        ("pull", "pause", "shim", "runc", "network"),
    ),
    # The network of a pod.
    rule("flannel-not-started", CNI, r"(?:open )?/run/flannel/subnet\.env: no such file|loadFlannelSubnetEnv failed"),
    rule("kernel-bridge-missing", KERNEL, r'could not add "[^"]*": operation not supported'),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r".*(?:vxlan|veth|dummy|macvlan|wireguard|RTNETLINK answers).*(?i:not supported|unknown device)"
        r"|.*Unknown device type",
    ),
    rule(
        "kernel-netfilter-missing",
        KERNEL,
        r"Couldn't (?:load|find) (?:match|target) |.*Extension \S+ (?:revision \d+ )?(?:is )?not supported"
        r"|.*(?:RULE|CHAIN|TABLE)_\w+ failed|.*[Tt]able does not exist|.*unknown option \"--"
        r"|.*No chain/target/match by that name|.*can't initialize ip6?tables table"
        r"|.*[Cc]ould not (?:fetch rule set generation|process rule: (?:No such file|Operation not supported))"
        r"|.*Failed to initialize nft|.*cache initialization failed"
        r"|.*Module (?:ip6?_?tables|x_tables|nf_\w+|xt_\w+|br_netfilter)\S* not found"
        r"|.*iptables.*Kernel module not found",
    ),
    rule("kernel-feature-missing", KERNEL, NOT_BUILT_IN, ("flannel",)),
    rule("cni-plugin-missing", CNI, r'failed to find plugin "[^"]*" in path'),
    rule("cni-plugin-missing", CNI, r"incompatible CNI versions|no plugins? found"),
    rule(
        "cni-address-exhausted",
        CNI,
        r"no (?:more )?(?:IP )?addresses available|.*range is full|.*no available IP|.*IP pool exhausted",
        _NET,
    ),
    # The kubelet kept the networks itself, for docker, before 1.24.
    rule("cni-missing", KUBELET, r".*(?:cni config uninitialized|[Nn]o (?:valid )?networks found in)", ("dockershim",)),
    rule("cni-missing", KUBELET, r".*cni config uninitialized"),
    rule(
        "cni-missing",
        CONTAINERD,
        r".*cni plugin not initialized|(?:.*no valid networks|no networks?(?: config)?) found in "
        r"|.*network plugin is not ready|.*NetworkPluginNotReady|failed to load cni|.*[Mm]issing CNI default network"
        r"|.*container runtime network not ready",
    ),
    # Who starts programs is a program, too.
    rule(
        "runtime-missing",
        CONTAINERD,
        r'.*(?:no|unknown) runtime (?:for )?"[^"]*"|.*runtime "[^"]*" binary not installed',
    ),
    rule("runtime-missing", CONTAINERD, r".* resolves to executable in current directory", ("shim",)),
    rule(
        "runtime-missing",
        CONTAINERD,
        r"(?:executable file not found|no such file or directory|exec format error|permission denied)(?!\))",
        ("runtime",),
    ),
    rule("exec-format", KERNEL, r"[Ee]xec format error", (), ("unit", "network", "cni", "modprobe", "unpack")),
    rule("entrypoint-missing", RUNC, r"executable file not found in", ("runc",), _NET),
    rule("runtime-missing", CONTAINERD, r"executable file not found in", ("shim",), _NET, sure=False),
    # What containerd itself starts before there is a container is no entrypoint.
    rule(NOTHING, CONTAINERD, r"executable file not found in", ("container", "spec")),
    rule("entrypoint-missing", RUNC, r"executable file not found in", _START, _NET, sure=False),
    rule("entrypoint-missing", CONTAINERD, r"no command specified"),
    # runc has looked for the file before: what is not there is what the file asks for, its interpreter or loader.
    rule(
        "entrypoint-missing",
        KERNEL,
        r"[Nn]o such file or directory",
        ("exec",),
        ("stat", "mount", "cgroup") + _NET,
        sure=False,
        variant="loader",
    ),
    rule("entrypoint-missing", RUNC, r"no such file or directory", ("exec",), ("mount", "cgroup") + _NET),
    rule("file-capabilities", KERNEL, r"[Oo]peration not permitted", ("exec",)),
    rule("container-command-denied", KERNEL, r"permission denied|is a directory", ("exec",), ("mount",) + _NET),
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
    rule(
        "cgroup-missing",
        KERNEL,
        r"cgroups?: .*(?:mountpoint does not exist|not found|controller)"
        r"|.*(?:memory|cpuset|cpu|pids) cgroup(?: controller)? (?:is )?(?:not|missing)|mountpoint for \S+ not found"
        r"|.*subsystem mount for required subsystem|no cgroup mount found"
        r"|.*[Ff]ollowing Cgroup subsystem not mounted|.*Unknown subsys name",
    ),
    # Every group has cgroup.procs: it is the group that is gone, as while it is watched.
    rule("cgroup-missing", KERNEL, r"(?:crun: )?the requested cgroup controller `\w+` is not available"),
    rule("cgroup-missing", KERNEL, r"(?:\w+ )?/proc/(?:self/cgroup|cgroups): no such file"),
    rule(
        "cgroup-missing",
        KERNEL,
        r"(?:\w+ )?/sys/fs/cgroup/\S+(?<!/cgroup\.procs): no such file",
        (),
        ("inotify", "own-mount"),
    ),
    rule("kernel-feature-missing", KERNEL, r"(?:\w+ )?/proc/sys/(?:net|kernel|vm|fs)/\S+: [Nn]o such file"),
    rule("kernel-feature-missing", KERNEL, r"`?modprobe: (?:FATAL|ERROR): |.*(?:enable|missing|requires) CONFIG_\w+"),
    rule("kernel-feature-missing", KERNEL, r".*BPF_CGROUP_DEVICE|.*Cannot open session to kernel"),
    rule("kernel-feature-missing", KERNEL, r"load program: ", ("runc",)),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r"(?:crun: )?bpf create `[^`]*`: (?:Invalid argument|Function not implemented)",
        ("runc",),
    ),
    rule("kernel-feature-missing", RUNC, r"(?:config provided but )?seccomp not supported"),
    rule("kernel-feature-missing", RUNC, r"namespace \w+ is not supported", ("runc",)),
    # A kind of file system, such as mqueue, that the kernel was built without.
    rule("kernel-feature-missing", KERNEL, r'(?:error )?mounting "\w+" to rootfs [\s\S]*no such device', ("runc",)),
    rule("kernel-feature-missing", KERNEL, r"(?:crun: )?mount `\w+` to `[^`]*`: [Nn]o such device"),
    rule("kernel-feature-missing", CONTAINERD, r"(?:seccomp|apparmor) is not supported"),
    rule("kernel-feature-missing", KERNEL, r".*apparmor failed to apply profile|.*ipset .*Kernel error received"),
    rule(
        "kernel-feature-missing",
        KERNEL,
        r".*(?:seccomp|[Aa]pp[Aa]rmor|user namespaces?).*(?:not supported|unsupported|not enabled)",
    ),
    rule("runc-failed", KERNEL, r"pivot_root(?: \S+)?:? [Ii]nvalid argument", ("runc",), (), False, "ramdisk"),
    rule("store-not-whole", STORE, r"failed to stat parent: stat \S*/snapshots/\d+/fs: no such file"),
    # Volumes. What the program that mounts said comes in further lines.
    rule("volume-mount", NETWORK, r"(?:mount\.[\w.-]+: )?" + NETWORK_WORDS, ("mount",), ("runc",)),
    rule(
        "volume-mount",
        PROGRAM,
        r"mount failed|exit status \d+|mount(?:\.[\w.-]+)?: |.*(?:unknown filesystem type|wrong fs type|bad option)",
        ("mount",),
        ("runc",),
    ),
    rule(
        "volume-mount",
        KERNEL,
        r"(?:not a directory|no such file or directory|permission denied|invalid argument|.*[Ii]nput/output error"
        r"|.*already mounted)",
        ("mount",),
    ),
    rule("volume-mount", KERNEL, r"no such file or directory", ("CreateContainerConfigError", "config")),
    rule("volume-mount", CONTAINERD, r"path \S+ is mounted on \S+ but it is not a shared", variant="shared"),
    rule(
        "volume-mount",
        KUBELET,
        r"hostPath type check failed|timed out waiting for the condition"
        r"|.*driver name \S+ not found in the list of registered CSI drivers"
        r"|.*failed to (?:mount|attach)|.*unmounted volumes=",
        ("mount",),
    ),
    rule("volume-unbound", PROVISIONER, r"no persistent volumes available for this claim"),
    rule("volume-unbound", PROVISIONER, r"storageclass\S* \"[^\"]*\" not found"),
    rule(
        "volume-provisioner",
        PROGRAM,
        r"(?:mkdir|chmod|chown|rm): .*(?:local-path|pvc-[0-9a-f]{8}-|/data/)",
        sure=False,
    ),
    rule(
        "volume-unbound",
        SCHEDULER,
        r".*unbound (?:immediate )?PersistentVolumeClaims|.*to create the persistentvolumeclaim "
        r"|.*didn't find available persistent volumes"
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
    rule("liveness-killed", PROGRAM, r"HTTP probe failed with statuscode", ("liveness",), sure=False),
    rule("probe-fails", PROGRAM, r"HTTP probe failed with statuscode", ("probe",), ("liveness",), sure=False),
    rule("liveness-killed", KUBELET, r"Container \S+ failed (?:liveness|startup) probe, will be (?:restarted|killed)"),
    rule("out-of-memory", KUBELET, r"(?:Cgroup|System) OOM encountered"),
    rule(
        "out-of-memory",
        KERNEL,
        r"OOMKilled|.*(?<![\w/-])(?:OOM|oom)[ -]?[Kk]ill(?:ed|er|ing)?(?![\w:-])|.*[Oo]ut of memory",
    ),
    rule("sandbox-changed", KUBELET, r"Pod sandbox changed, it will be killed"),
    rule("crash-loop", KUBELET, r"[Bb]ack-off (?:\S+ )?restarting failed container"),
    # The kernel ends a program for what it did; the words of shells and of Linux's log.
    rule(
        "crash-loop",
        KERNEL,
        r".*(?:Segmentation fault|Illegal instruction|Bus error|Bad system call|SIG(?:ILL|SEGV|BUS|SYS))\b"
        r"|segfault at |unhandled signal \d|.*\[\d+\] (?:trap |general protection)"
        r"|.*pthread_create failed|failed to create new OS thread|kernel too old",
        sure=False,
    ),
    rule("crash-loop", KERNEL, r"address already in use|permission denied", ("listen",), ("fatal",), sure=False),
    rule(
        "image-never-pull",
        KUBELET,
        r'ErrImageNeverPull$|Container image "[^"]*" is not present with pull policy of Never',
    ),
    # What is certain of no more than itself. Of control groups, of keys, and of what is mounted in a container, these
    # are no words of a disk.
    rule("disk-full", KERNEL, r"no space left on device|disk quota exceeded", (), _NO_DISK, sure=False),
    rule("disk-read-only", KERNEL, r"[Rr]ead-only file system", (), _NO_DISK, sure=False),
    rule("disk-fault", KERNEL, r"[Ii]nput/output error", (), ("mount", "sysctl", "sysfs")),
)
# What is known of these is the step that failed; and where its last words are Linux's, that the kernel said no.
LAST = (
    rule(NOTHING, CONTAINERD, r"", ("tidy",)),
    rule(
        "snapshotter-unsupported",
        KERNEL,
        r".*(?:executable file not found|not functional|unknown filesystem|not supported)",
        ("rootfs",),
        sure=False,
    ),
    rule("liveness-killed", KUBELET, r"", ("liveness",), sure=False),
    rule("probe-fails", KUBELET, r"", ("probe",), sure=False),
    rule("kernel-feature-missing", KERNEL, NOT_BUILT_IN, _NET + ("runc", "shim", "exec"), ("mount",), sure=False),
    rule(
        "cni-failed", CNI, r'"[^"]*" already has an IP address different from', ("network", "cni"), (), False, "bridge"
    ),
    rule("cni-failed", KERNEL, ERRNO, ("network", "cni"), sure=False),
    rule("cni-failed", NETWORK, NETWORK_WORDS, ("network", "cni"), sure=False),
    rule("cni-failed", CNI, r"", ("network", "cni"), sure=False),
    rule("volume-mount", KERNEL, ERRNO, ("mount",), ("runc",), sure=False),
    rule("volume-mount", KUBELET, r"", ("mount",), ("runc",), sure=False),
    rule("volume-mount", KERNEL, ERRNO, ("spec",), sure=False),
    rule("runc-failed", KERNEL, ERRNO, ("runc",), sure=False),
    rule("runc-failed", RUNC, r"", ("runc",), sure=False),
)
