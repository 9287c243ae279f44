# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of k3s with which it would not start, or which it would skip without a word. Pure.

Sources: docs.k3s.io/cli/server and /cli/agent; the kubelet's own check of labels. No message shows a value: any of them
may be a secret.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterable, List, Mapping, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_SHORT = {
    "c": "config",
    "d": "data-dir",
    "i": "node-ip",
    "l": "log",
    "o": "write-kubeconfig",
    "s": "server",
    "t": "token",
}
# Older k3s took both.
_FORMER = {"no-deploy": "disable", "cluster-secret": "token"}
_OF_ALL = """
    airgap-extra-registry alsologtostderr bind-address config container-runtime-endpoint data-dir debug
    default-runtime disable-apiserver-lb disable-default-registry-endpoint disable-selinux docker enable-pprof
    flannel-cni-conf flannel-conf flannel-iface image-credential-provider-bin-dir image-credential-provider-config
    image-service-endpoint kube-proxy-arg kubelet-arg lb-server-port log no-flannel node-external-dns
    node-external-ip node-internal-dns node-ip node-label node-name node-taint nonroot-devices pause-image
    prefer-bundled-bin private-registry protect-kernel-defaults resolv-conf rootless selinux server snapshotter
    token token-file v vmodule vpn-auth vpn-auth-file with-node-id
"""
_OF_SERVERS_ALONE = """
    advertise-address advertise-port agent-token agent-token-file cluster-cidr cluster-dns cluster-domain
    cluster-init cluster-reset cluster-reset-restore-path datastore-cafile datastore-certfile datastore-endpoint
    datastore-keyfile default-local-storage-path disable disable-agent disable-apiserver disable-cloud-controller
    disable-controller-manager disable-etcd disable-helm-controller disable-kube-proxy disable-network-policy
    disable-scheduler egress-selector-mode embedded-registry etcd-arg etcd-disable-snapshots etcd-expose-metrics
    etcd-s3 etcd-s3-access-key etcd-s3-bucket etcd-s3-bucket-lookup-type etcd-s3-config-secret etcd-s3-endpoint
    etcd-s3-endpoint-ca etcd-s3-folder etcd-s3-insecure etcd-s3-proxy etcd-s3-region etcd-s3-retention
    etcd-s3-secret-key etcd-s3-session-token etcd-s3-skip-ssl-verify etcd-s3-timeout etcd-snapshot-compress
    etcd-snapshot-dir etcd-snapshot-name etcd-snapshot-reconcile-interval etcd-snapshot-retention
    etcd-snapshot-schedule-cron flannel-backend flannel-external-ip flannel-ipv6-masq helm-job-image
    https-listen-port kine-tls kube-apiserver-arg kube-cloud-controller-arg kube-cloud-controller-manager-arg
    kube-controller-arg kube-controller-manager-arg kube-scheduler-arg secrets-encryption
    secrets-encryption-provider service-cidr service-node-port-range servicelb-namespace supervisor-metrics
    system-default-registry tls-san tls-san-security write-kubeconfig write-kubeconfig-group write-kubeconfig-mode
"""
_OF_AGENTS = frozenset(_OF_ALL.split())
_OF_SERVERS = _OF_AGENTS.union(_OF_SERVERS_ALONE.split())
_KNOWN = {"server": _OF_SERVERS, "agent": _OF_AGENTS}
# The kubelet does not start with another label of Kubernetes' own.
_KUBELETS = """
    beta.kubernetes.io/arch beta.kubernetes.io/instance-type beta.kubernetes.io/os
    failure-domain.beta.kubernetes.io/region failure-domain.beta.kubernetes.io/zone kubernetes.io/arch
    kubernetes.io/hostname kubernetes.io/os node.kubernetes.io/instance-type topology.kubernetes.io/region
    topology.kubernetes.io/zone
    """
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?\Z")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MODE = re.compile(r"0?[0-7]{3}\Z")
# A kubeconfig that its owner cannot write, as of 0644 that was read as the number 420.
_NUMBER_MODE = re.compile(r"[67][0-7]{2}\Z")


def named(key: str, where: str) -> Tuple[str, bool]:
    """The full name of an option, and whether it adds to what was said before (``disable+``). Raises Problem."""
    name = key[:-1] if key.endswith("+") else key
    name = _SHORT.get(name, name)
    if not _FORM.match(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        raise Problem(
            "%s holds a name that no option of k3s has" % where,
            found=name if len(name) < 64 and _is_harmless(name) else None,
            next_step="write %s" % near
            if near in _OF_SERVERS
            else "write options as docs.k3s.io/cli/server names them",
        )
    return _FORMER.get(name, name), key.endswith("+")


def _is_harmless(name: str) -> bool:
    """A whole ``option value`` that was quoted as one word may hold a password."""
    return bool(re.match(r"[-A-Za-z0-9_.]+\Z", name))


def require_form(name: str, value: Any, where: str) -> None:
    """Raise Problem where a value is no text and no list of texts."""
    parts = value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, Mapping):
        what = "the option %s of k3s is a mapping, which k3s refuses" % name
    elif any(part is None or isinstance(part, (Mapping, list, tuple)) for part in parts):
        what = "the option %s of k3s is a list of something else than texts" % name
    else:
        return
    next_step = "write a list of texts, each NAME=VALUE" if name.endswith(("-arg", "-label")) else None
    raise Problem(what, where=where, next_step=next_step)


def require(name: str, value: Any, where: str) -> None:
    """Raise Problem for a value with which k3s or its kubelet does not start, or does something else."""
    if name == "write-kubeconfig-mode":
        _require_mode(value, where)
    for text in texts(value):
        if name == "node-label":
            _require_label(text, where)
        if name == "node-taint" and text.rpartition(":")[2] not in _EFFECTS:
            raise Problem(
                "a node-taint ends in no effect",
                found=text.partition("=")[0],
                where=where,
                next_step="write KEY=VALUE:EFFECT, with an effect of %s" % ", ".join(_EFFECTS),
            )


def _require_mode(value: Any, where: str) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not (_NUMBER_MODE if is_number else _MODE).match(str(value)):
        raise Problem(
            "write-kubeconfig-mode is no mode of a file",
            found="%d, which is how YAML reads 0%o" % (value, value) if is_number else str(value),
            where=where,
            next_step='write it in quotes, such as "0644"',
        )


def _require_label(text: str, where: str) -> None:
    key, dummy, value = text.partition("=")
    space = key.rpartition("/")[0]
    is_theirs = re.search(r"(\A|\.)(kubernetes|k8s)\.io\Z", space)
    if is_theirs and key not in _KUBELETS.split() and not re.search(r"(\A|\.)(kubelet|node)\.kubernetes\.io\Z", space):
        raise Problem(
            "the kubelet does not start with the node-label %s: it sets no label of %s" % (key, space),
            where=where,
            next_step="take it out, and set it once the node is there: k3s kubectl label node NODE %s=..." % key,
        )
    if not _LABEL_VALUE.match(value):
        raise Problem(
            "the kubelet does not start with the value of the node-label %s" % key,
            where=where,
            next_step="write at most 63 letters, digits, -, _ and ., with a letter or digit at both ends",
        )


def texts(value: Any) -> List[str]:
    """The single texts of a value: k3s takes a list, and a text with commas."""
    parts = value if isinstance(value, list) else [value]
    return [text.strip() for part in parts for text in str(part).split(",") if text.strip()]


def skipped(told: Iterable[str], role: str) -> List[str]:
    """Options of config.yaml that k3s passes over without an error, a sentence each. Which an own build has, nobody
    knows here.
    """
    return [_skipped(name, role) for name in sorted(told) if name not in _KNOWN[role]]


def _skipped(name: str, role: str) -> str:
    if name in _OF_SERVERS:
        return "the option %s is one of servers: an agent passes over it" % name
    near = difflib.get_close_matches(name, _KNOWN[role], n=1)
    return "k3s passes over options that it does not know, and %s is none that is known here%s" % (
        name,
        ": did you mean %s?" % near[0] if near else "",
    )
