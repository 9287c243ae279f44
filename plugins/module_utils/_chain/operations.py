# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a segment of an error says was being done, and with what: a table of the words of containerd, the kubelet, runc,
CNI plugins, k3s and skopeo. Pure.

A segment must fit as a whole. One that fits none is no operation: it may be a reason, a name, or words that are not
known here.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Tuple

# A name that may stand in quotes of several kinds, or bare.
_NAME = r"[\"'`]?(?P<object>[^\"'`]*?)[\"'`]?"
_OWN = r"[\"'`]?(?P<object>/[^\"'`]*/k3s[\w.-]*)[\"'`]?"


class Operation(NamedTuple):
    """What was being done: ``name`` is one of those of the table below, ``object`` what it was done with, or empty."""

    name: str
    object: str = ""


_TABLE: Tuple[Tuple[str, str], ...] = (
    # Steps whose errors explain nothing that does not run: of waiting for what comes by itself, of parts that may be
    # missing.
    (
        "aside",
        r"(?:.* )?failed to sync (?:configmap|secret) cache|Error initializing dynamic plugin prober"
        r"|.*services have not yet been read at least once.*|UnmountVolume\.\w+ failed for volume .*"
        r"|Image garbage collection failed once\..*|[Oo]rphaned pod .*|ref \S+ locked(?: for .*)?"
        r"|object .* not registered|.*is reserved for .*",
    ),
    # Of tidying up: a reason that is known is one for what starts, too; that the step failed is none.
    (
        "tidy",
        r"(?:StopPodSandbox|RemovePodSandbox|RemoveContainer|StopContainer|ContainerStatus|PodSandboxStatus"
        r"|ContainerStats)\b.*"
        r"|[Ff]ailed to (?:stop|kill|remove|delete|clean up) .*(?:sandbox|container|task|process)\b.*",
    ),
    # A program that is run in a container beside its own: of probes, of hooks, of people.
    ("inside", r"failed to exec in container|failed to start exec .*|(?:OCI runtime|runc) exec failed|exec failed"),
    # The kubelet's own steps.
    ("sandbox", r"[Ff]ail(?:ed)?(?: to)? create(?: a)? (?:pod )?sand ?box(?: for pod.*)?|Failed create pod sandbox"),
    ("sandbox", r"(?:CreatePodSandbox for|RunPodSandbox (?:from|for)).*"),
    ("sandbox", r'failed to "(?:CreatePodSandbox|KillPodSandbox)" for .* with \w+'),
    ("sandbox", r"failed to (?:start|create|reserve) sandbox(?: name| container)?(?: task)?(?: " + _NAME + ")?"),
    ("pull", r'failed to "StartContainer" for .* with (?:ErrImagePull|ImagePullBackOff|RegistryUnavailable)'),
    ("config", r'failed to "StartContainer" for .* with CreateContainerConfigError'),
    ("start", r'failed to "StartContainer" for .* with \w+|[Ff]ailed to start container(?: task)? ?' + _NAME),
    (
        "mount",
        r"(?:MountVolume|AttachVolume|MapVolume|NodeExpandVolume)\.\w+(?: \w+)? failed for volume "
        + _NAME
        + r"(?: .*)?",
    ),
    ("mount", r"Unable to (?:attach or )?mount volumes(?: for pod.*)?|[Ff]ailed to (?:prepare|create) subPath .*"),
    ("mount", r"Storage node affinity check failed for volume .*"),
    ("mount", r"Multi-Attach error for volume .*|[Ff]ailed to get Plugin from volumeSpec .*"),
    ("rootfs", r"failed to mount (?:rootfs component.*|overlay|/\S*/(?:tmpmounts/|containerd-mount\d)\S*)"),
    ("rootfs", r".*\boverlayfs\b.* snapshotter cannot be enabled for .*"),
    # What each container has mounted is no volume of its pod.
    (
        "own-mount",
        r'(?:error )?mounting "(?:proc|sysfs|cgroup2?|mqueue|devpts|tmpfs|[^"]*/sandboxes/[^"]*|[^"]*/etc-hosts)"'
        r" to rootfs(?: .*)?",
    ),
    ("mount", r"(?:error )?mounting " + _NAME + r" to rootfs(?: .*)?|failed to mount .*|mount failed"),
    ("mount", r"mount(?:\.[\w.-]+)?"),
    ("liveness", r"(?P<object>Liveness|Startup) probe (?:failed|errored)"),
    ("probe", r"(?P<object>Readiness) probe (?:failed|errored)"),
    # Images, from the outside to the wire.
    (
        "pause",
        r"(?:failed|unable) to (?:get|pull|ensure|inspect) sandbox image(?: \"?(?P<object>(?:[^\"\\]|\\.)*?)\"?)?",
    ),
    ("pause", r"failed pulling image \"(?P<object>[^\"]*pause[^\"]*)\""),
    (
        "pull",
        r"(?:[Ff]ailed to pull(?: and unpack)? image|PullImage|pulling image|Back-off pulling image) "
        + _NAME
        + r"(?: failed| from image service failed)?",
    ),
    ("pull", r"[Ff]ailed to apply default image tag " + _NAME),
    (
        "pull",
        r"[Ff]ailed to pull image|pulling image(?: failed)?|trying and failing to pull image|CacheImage .* failed",
    ),
    ("stored", r"failed to get image from containerd " + _NAME),
    # What only a registry says.
    ("said", r"unknown blob|blob unknown.*|(?:filesystem layer|image config) verification failed .*"),
    ("said", r"mirror resolve retries exhausted for key|mirror with image component .*"),
    ("said", r"(?:MANIFEST|NAME|BLOB)_UNKNOWN|TOOMANYREQUESTS|toomanyrequests|manifest unknown|pull access denied.*"),
    ("resolve", r"failed to resolve (?:reference|image)(?: " + _NAME + ")?"),
    ("resolve", r"(?:Error )?(?:reading manifest|initializing source|choosing image instance).*"),
    ("resolve", r"manifest for (?P<object>\S+) not found"),
    (
        "token",
        r"failed to fetch (?:anonymous|oauth) token|unable to retrieve auth token|[Rr]equesting bear(?:er)? token",
    ),
    ("token", r"unable to decode token response|.*token auth attempt to .* failed with status"),
    ("authorize", r"failed to authorize"),
    (
        "status",
        r"(?:received )?unexpected (?:HTTP )?status(?: code)?(?: from \w+ request to)?(?: (?P<object>\S+)| \[[^]]*\])?",
    ),
    # What a registry refused with, in words that its protocol does not have.
    ("unread", r"(?:.* )?error parsing HTTP (?!404)[45]\d\d response body"),
    ("status", r"content at (?P<object>https?://\S+) not found"),
    ("status", r"pulling from host (?P<object>\S+) failed with status code \[[^]]*\]"),
    ("ping", r"(?:Get|Head|Post|Put|Patch) [\"']?(?P<object>https?://[^/\"'\s]+/v[12]/[^\"'\s]*)[\"']?"),
    ("request", r"failed to do request|(?:Get|Head|Post|Put|Patch|Delete) " + _NAME),
    ("pinging", r"(?:error )?pinging (?:container |docker )?registry(?: returned| (?P<object>\S+))?"),
    ("copy", r"failed to copy|httpReadSeeker|failed open|.*(?:reading|writing|fetching|trying to reuse) blob.*"),
    ("proxy", r"proxyconnect tcp|error connecting to proxy (?P<object>\S+)"),
    ("coredns", r"(?:\S+ ){0,2}\[(?:ERROR|WARNING|FATAL|INFO)\] .*"),
    ("lookup", r"(?:dial tcp )?lookup (?P<object>\S+)(?: on \S+)?"),
    # Of those who ask containerd: it does not answer, or not in their version of the CRI.
    ("socket", r"(?:.* )?dial unix \S*(?:containerd|docker|crio|buildkit)\S*|.*connect endpoint 'unix://.*"),
    # They ask by gRPC, and registries are not asked so.
    ("socket", r"error reading from server|transport is closing|closing transport due to"),
    ("socket", r"validate service connection|unable to determine (?:runtime|image) API version"),
    ("dial", r"dial (?:tcp|udp|unix)(?: (?P<object>\S+))?"),
    ("wire", r"(?:read|write)(?: (?:tcp|udp|unix)(?: .*)?)?|connect|getsockopt|net/http|http|http2"),
    ("tls", r"tls|remote error|failed to verify certificate|x509"),
    ("unpack", r"failed to (?:(?:extract|apply|register) layer|unpack image|prepare extraction snapshot)(?: .*)?"),
    ("stored", r"error unpacking image|failed to resolve rootfs"),
    ("bytes", r"failed to read expected number of bytes"),
    ("callback", r"mount callback failed on .*"),
    ("unpack", r"apply layer error for .*|failed commit on ref .*"),
    (
        "unpack",
        r"failed to (?:create|prepare|get) snapshot(?:ter)?(?: .*)?|failed to (?:get reader|read) from content store",
    ),
    # The pod's network.
    ("dockershim", r"Unable to update cni config|docker"),
    ("netns", r"failed to create network namespace for sandbox .*|failed to (?:setup|set up) netns"),
    ("network", r"failed to (?:setup|set ?up|destroy|tear ?down|get) network(?: status)? for sandbox " + _NAME),
    ("network", r"failed to (?:set up|tear down) sandbox container .* network for pod " + _NAME),
    (
        "network",
        r"[Nn]etworkPlugin cni failed(?: to (?:set up|teardown) pod " + _NAME + " network| on the status hook.*)?",
    ),
    ("network", r"error adding pod \S+ to CNI network " + _NAME + r"|failed to (?:set up|teardown) pod .* network"),
    ("cni", r"plugin type=" + _NAME + r"(?: name=\S+)? failed(?: \(\w+\))?"),
    (
        "cni",
        r"failed to (?:delegate add|create bridge|set bridge addr|allocate for range|find plugin)(?: " + _NAME + ")?",
    ),
    (
        "cni",
        r"unable to (?:setup|set up) DNAT|unable to create chain.*|failed to add (?:rule|chain).*"
        r"|loadFlannelSubnetEnv failed",
    ),
    ("run", r"running \[(?P<object>[^]]*)\]|exit status \d+|iptables v\S+ \(\w+\)"),
    # Containers, from the shim to the program.
    ("shim", r"failed to (?:create|start) (?:shim|shim task|task(?: for container)?|containerd task|task)"),
    # containerd's own part: nothing was started yet.
    ("container", r"failed to create containerd container"),
    ("spec", r"failed to (?:generate|apply) .*(?:spec|spec opts|OCI options)"),
    ("runc", r"(?:OCI runtime|runc|crun) (?:create |start |run )?failed|[Oo][Cc][Ii] runtime error|runc did not .*"),
    # runc (or another one by a setting) did not write its log: it was not started, as what stands behind says.
    ("runtime", r"unable to retrieve OCI runtime error(?: \(.*)?"),
    ("runc", r"[\w-]+_linux\.go:\d+|starting (?:container|init) process caused|starting setns process caused|caused"),
    ("runc", r"unable to start container process|error during container init|running exec setns process.*"),
    ("start", r"[Ee]rror response from daemon|Error"),
    # k3s itself, by the service manager, or by its wrapper that unpacks it.
    ("own-exec", r"exec (?P<object>/\S*/data/[0-9a-f]{6,64}/bin/\S+) failed"),
    ("own-exec", r"Failed at step EXEC spawning (?P<object>\S*/k3s[\w.-]*)"),
    ("own-exec", r"(?:Failed to execute|Unable to locate executable|failed to exec) " + _OWN),
    (
        "exec",
        r"exec(?: user process caused| container process(?: \(missing dynamic library\?\))?| process)?(?: "
        + _NAME
        + r")?|standard_init_linux\.go:\d+",
    ),
    # What is no disk, though the kernel has the same words for it.
    ("listen", r"listen (?:tcp|udp)\d? \S*:(?!(?:644[345]|102\d\d|23[78]\d|10010)$)\d+"),
    ("sysctl", r"(?:open|write) \[?/proc/sys/\S+"),
    ("sysfs", r"can't create /proc/sys/\S+|(?:open|write|mkdir|mkdirat|openat2|statfs|stat) \[?/sys/\S+"),
    ("inotify", r"inotify_(?:add_watch|init).*|.*[Ff]ailed to watch (?!\*).*|.*fsnotify.*"),
    ("modprobe", r"`?modprobe|insmod .*|Running modprobe .*"),
    (
        "stat",
        r"(?:stat|fork/exec|open|lstat|mkdir|chdir to cwd|readlink) (?:\(?\\?[\"']?)(?P<object>[^\"')]*)[\"')]*"
        r"(?: set in .*)?",
    ),
    (
        "cgroup",
        r"unable to apply cgroup configuration|failed to (?:write|create|set) .*cgroup.*|error setting cgroup config.*",
    ),
    # k3s and what it carries.
    ("rpc", r"rpc error \w+"),
    ("flannel", r"flannel exited|Error [Rr]egistering [Nn]etwork|(?:VXLAN|WIREGUARD) init"),
    ("fatal", r"level fatal|[Ff]ailed to run [Kk]ubelet|Failed to start (?:ContainerManager|cAdvisor|OOM watcher).*"),
    ("fatal", r"(?:kubelet|kube-proxy|apiserver|containerd|etcd|scheduler|controller-manager) exited"),
    (
        "kine",
        r"(?:creating storage endpoint|building kine|failed to open database"
        r"|Failed to test (?:data store|etcd) connection)",
    ),
    ("addon", r"(?:Applying|Parse|Read|Deleting) manifest at " + _NAME + r" failed|Failed to process config"),
    ("addon", r"failed to process (?P<object>/\S*/manifests/\S+)|Error occurred (?:creating|applying) manifest.*"),
    ("unit", r"[\w@-]+\.service"),
    ("lease", r"[Ff]ailed to update lock.*|[Ff]ailed to renew lease .*|[Ee]rror retrieving resource lock .*"),
    # What CoreDNS needs of the API.
    (
        "list",
        r".*[Ff]ailed to (?:list|watch) \*v1(?:beta1)?\.(?:Namespace|Service|Endpoints|EndpointSlice|Pod)"
        r"|plugin/kubernetes",
    ),
    ("join", r"failed to (?:get|validate) (?:CA certs.*|connection to cluster at .*|connection .*)"),
    ("join", r"CA cert validation failed|[Ff]ailed to retrieve .* from server|Unable to register node with API server"),
    ("begin", r"(?:starting|preparing|failed to start) (?:kubernetes|server|cluster|networking|agent|tls server)"),
    ("join", r"Error starting \w+|Failed to validate connection to cluster at (?P<object>\S+)"),
    (
        "join",
        r"Failed to (?:retrieve|configure) agent config.*|Waiting to retrieve agent config.*"
        r"|Failed to connect to proxy.*|Remotedialer proxy error.*",
    ),
    (
        "helm",
        r"(?:Error: )?(?:INSTALLATION|UPGRADE|UNINSTALL) FAILED|failed to (?:install|upgrade) (?:release|chart).*"
        r"|Kubernetes cluster unreachable|failed (?:pre|post)-(?:install|upgrade)"
        r"|could not get apiVersions from Kubernetes|unable to build kubernetes objects from release manifest"
        r"|rendered manifests contain a .*"
        r"|looks like .* is not a valid chart repository or cannot be reached|chart .* not found in .*"
        r"|release .* failed.*",
    ),
    ("volume", r"failed to (?:provision|provisioning) volume(?: with StorageClass " + _NAME + r")?|ProvisioningFailed"),
    ("volume", r"failed to create volume " + _NAME + r"|failed to delete volume " + _NAME.replace("object", "other")),
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _TABLE)


def operation(segment: str) -> Optional[Operation]:
    """The Operation that a segment names, None where it names none."""
    for name, pattern in _COMPILED:
        found = pattern.fullmatch(segment)
        if found:
            return Operation(name, (found.groupdict().get("object") or "").strip("\"'`\\"))
    return None
