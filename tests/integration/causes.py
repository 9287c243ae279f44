# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to break the lab, one for each cause: what to do on which board, and how to clean up after it."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import tarfile
from typing import Callable, NamedTuple

DATA = "/var/lib/rancher/k3s"
MANIFESTS = DATA + "/server/manifests"
REGISTRIES = "/etc/rancher/k3s/registries.yaml"
BUSYBOX = "10.99.0.1:5000/riscv64/busybox:1.37.0"
STOCK_BUSYBOX = "docker.io/rancher/mirrored-library-busybox:1.34.1"
CTR = "k3s ctr -n k8s.io images"


class Case(NamedTuple):
    """``inject`` breaks the lab, ``undo`` cleans up after the remedy (and where that did not help)."""

    cause: str
    inject: Callable
    undo: Callable
    mends: bool = True


def board(lab, which, command, **options):
    """Run a command line on a board, "server" or "agent"."""
    return lab.exec(getattr(lab, which), command, **options)


def shell(which, inject, undo="true"):
    """(inject, undo) as command lines on one board."""
    return functools.partial(_run, which, inject), functools.partial(_run, which, undo)


def _run(which, command, lab):
    board(lab, which, command, check=False)


def pod(
    image,
    before="true",
    which="agent",
    policy="IfNotPresent",
    command='["sleep", "3600"]',
    spec="",
    extra="",
    after="true",
):
    """(inject, undo) for a pod of its own on a board; ``before`` runs on the board first, ``after`` when the pod is
    gone.
    """
    text = """
apiVersion: v1
kind: Pod
metadata: {name: broken, namespace: default%s}
spec:
  nodeName: %%s
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: "%s", imagePullPolicy: %s, command: %s%s}
""" % (extra, image, policy, command, spec)
    return functools.partial(_make, text, which, before), functools.partial(_drop, which, after)


def _make(text, which, before, lab):
    board(lab, which, before)
    lab.kubectl("apply", "-f", "-", input=text % getattr(lab, which))


def _drop(which, after, lab):
    lab.kubectl("patch", "pod", "broken", "--type=merge", "-p", '{"metadata":{"finalizers":null}}', check=False)
    lab.kubectl("delete", "pod", "broken", "--ignore-not-found", "--grace-period=1")
    board(lab, which, after, check=False)


def content(architecture):
    """A shell command that brings an image into the store under a name: a program that no kernel can run, said to be of
    an architecture.
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        for name in ("bin/sleep", "bin/sh"):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, 64
            files.addfile(entry, io.BytesIO(b"\x7fELF" + bytes(60)))
    blobs = {}

    def add(data, media):
        digest = hashlib.sha256(data).hexdigest()
        blobs["blobs/sha256/" + digest] = data
        return {"mediaType": "application/vnd.oci.image." + media, "digest": "sha256:" + digest, "size": len(data)}

    layers = [add(layer.getvalue(), "layer.v1.tar")]
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [layers[0]["digest"]]},
    }
    settings = add(json.dumps(config).encode(), "config.v1+json")
    manifest = add(json.dumps({"schemaVersion": 2, "config": settings, "layers": layers}).encode(), "manifest.v1+json")
    manifest["annotations"] = {"io.containerd.image.name": STOCK_BUSYBOX}
    blobs["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as files:
        for name, data in blobs.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            files.addfile(entry, io.BytesIO(data))
    return "echo %s | base64 -d | gunzip | %s import --all-platforms -" % (
        base64.b64encode(archive.getvalue()).decode(),
        CTR,
    )


def without_stock(image, app, which="agent"):
    """(inject, undo): an image is gone from the store of a board, and its workload starts again there."""
    other = {"agent": "server", "server": "agent"}[which]

    def inject(lab):
        board(lab, which, "%s rm %s" % (CTR, image))
        lab.kubectl("cordon", getattr(lab, other))
        lab.kubectl("-n", "kube-system", "delete", "pod", "-l", app, "--grace-period=1")

    return inject, functools.partial(_uncordon, other)


def _uncordon(which, lab):
    lab.kubectl("uncordon", getattr(lab, which))


def coredns(inject, which="server", undo="true"):
    """(inject, undo): a command line on a board, then CoreDNS starts again there."""
    other = {"agent": "server", "server": "agent"}[which]

    def break_it(lab):
        lab.kubectl("cordon", getattr(lab, other))
        board(lab, which, inject)
        # Without a network its sandbox cannot be taken down, and it would be waited for without end.
        lab.kubectl("-n", "kube-system", "delete", "pod", "-l", "k8s-app=kube-dns", "--grace-period=1", "--wait=false")

    def clean(lab):
        board(lab, which, undo, check=False)
        _uncordon(other, lab)

    return break_it, clean


RIGHTS = "k3s kubectl get clusterrolebinding system:coredns"
OVERLAY_GONE = (
    'cd %s && rm -f coredns-riscv64.yaml coredns.yaml.skip && echo "# changed $(date +%%s)" >>coredns.yaml '
    "&& k3s kubectl -n kube-system delete addon coredns-riscv64" % MANIFESTS
)
# The address is wrong for one start only, as after a change of the board's address.
OLD_ADDRESS = (
    """
cd $(dirname $(PATH=%s/data/current/bin:$PATH command -v kube-apiserver))
mv kube-apiserver kube-apiserver.real
printf '%%s\\n' '#!/bin/sh' 'mv "$0.real" "$0.now"; rm -f "$0"; mv "$0.now" "$0"' \
  'n=$#; while [ $n -gt 0 ]; do a=$1; shift' \
  'case $a in --advertise-address=*) a=--advertise-address=10.99.0.99 ;; esac' \
  'set -- "$@" "$a"; n=$((n-1)); done' \
  'exec "$0" "$@"' >kube-apiserver
chmod 755 kube-apiserver
service k3s restart
"""
    % DATA
)
# A date of its own that is two hours behind until it is set.
OLD_DATE = r"""printf '%s\n' '#!/bin/sh' \
  'case "$*" in *-s*) rm -f "$0"; exit 0 ;; *+%s*) echo $(($(/usr/bin/date +%s) - 7200)) ;;' \
  '*) exec /usr/bin/date "$@" ;; esac' >/usr/local/sbin/date
chmod 755 /usr/local/sbin/date"""
MEMORY = (
    """
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken, namespace: default}
spec:
  selector: {matchLabels: {app: broken}}
  template:
    metadata: {labels: {app: broken}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: "%s"
        command:
        - /bin/busybox
        - sh
        - -c
        - "x=$(/bin/busybox head -c 60000000 /dev/zero | /bin/busybox tr '\\\\0' a); exec /bin/sleep 3600"
        resources: {limits: {memory: 40Mi}}
"""
    % BUSYBOX
)


def _deploy(text, lab):
    lab.kubectl("apply", "-f", "-", input=text)


def _delete_deployment(lab):
    lab.kubectl("delete", "deployment", "broken", "--ignore-not-found")


def _terminating():
    inject, undo = pod(BUSYBOX, extra=", finalizers: [lab/never]")

    def delete(lab):
        inject(lab)
        lab.kubectl("delete", "pod", "broken", "--wait=false", "--grace-period=1")

    return delete, undo


def _entrypoint(lab):
    board(lab, "server", OVERLAY_GONE)
    lab.kubectl("-n", "kube-system", "delete", "events", "--field-selector", "reason=ScalingReplicaSet")


CASES = [
    Case(
        "pause-image-missing",
        # Of whatever version: another file may have moved k3s on.
        *without_stock("$(%s ls -q | grep pause)" % CTR, "app=local-path-provisioner"),
    ),
    Case("sysctl-off", *shell("agent", "sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1")),
    Case("clock", *shell("agent", OLD_DATE, "rm -f /usr/local/sbin/date")),
    Case(
        "two-files-one-addon",
        *shell(
            "server",
            "cd %s && cp ccm.yaml ccm.own.yaml" % MANIFESTS,
            "rm -f %s/ccm*own.yaml; k3s kubectl -n kube-system delete addon ccm-own; echo '#' >>%s/ccm.yaml"
            % (MANIFESTS, MANIFESTS),
        ),
    ),
    Case(
        "addon-not-applied",
        *shell(
            "server",
            'cd %s && touch -r rolebindings.yaml /tmp/old && echo "# more $(date +%%s)" >>rolebindings.yaml && '
            "touch -r /tmp/old rolebindings.yaml" % MANIFESTS,
            "touch %s/rolebindings.yaml; rm -f /tmp/old" % MANIFESTS,
        ),
    ),
    Case("no-such-image", *pod("10.99.0.1:5000/riscv64/busybox:none")),
    Case(
        "image-short-name",
        *pod(
            "docker.io/lab/short:1",
            "%s tag %s lab/short:1" % (CTR, BUSYBOX),
            policy="Never",
            after="%s rm lab/short:1 docker.io/lab/short:1" % CTR,
        ),
    ),
    Case(
        "image-other-namespace",
        *pod(
            "docker.io/lab/other:1",
            f"{CTR} tag {BUSYBOX} docker.io/lab/other:1 && {CTR} export --all-platforms - docker.io/lab/other:1"
            f" | k3s ctr -n default images import --all-platforms - && {CTR} rm docker.io/lab/other:1",
            policy="Never",
            after="%s rm docker.io/lab/other:1; k3s ctr -n default images rm docker.io/lab/other:1" % CTR,
        ),
    ),
    Case(
        "image-never-pull",
        *pod(BUSYBOX, "%s rm %s" % (CTR, BUSYBOX), policy="Never", after="k3s crictl pull " + BUSYBOX),
    ),
    Case("wrong-architecture", *pod(STOCK_BUSYBOX, content("arm64"), policy="Never")),
    Case("exec-format", *pod(STOCK_BUSYBOX, content("riscv64"), policy="Never")),
    Case(
        "evicted",
        *pod(
            BUSYBOX,
            command='["/bin/busybox", "sh", "-c", "/bin/busybox head -c 9000000 /dev/zero >/full/x; sleep 3600"]',
            spec=", volumeMounts: [{name: full, mountPath: /full}]}\n  volumes:\n  - {name: full, emptyDir: "
            "{sizeLimit: 1Mi}",
        ),
    ),
    Case("out-of-memory", functools.partial(_deploy, MEMORY), _delete_deployment),
    Case("stuck-terminating", *_terminating()),
    Case(
        "registry-name",
        *without_stock("docker.io/rancher/local-path-provisioner:v0.0.21", "app=local-path-provisioner"),
    ),
    Case(
        "cni-missing",
        *coredns(
            "mv {0}/10-bridge.conflist {0}/kept".format(DATA + "/agent/etc/cni/net.d"),
            "agent",
            "rm -f %s/agent/etc/cni/net.d/kept" % DATA,
        ),
    ),
    Case(
        "coredns-rights",
        *coredns(
            f"{RIGHTS} -o yaml >/tmp/rights.yaml && k3s kubectl delete clusterrolebinding system:coredns",
            undo=f"{RIGHTS} || k3s kubectl create -f /tmp/rights.yaml; rm -f /tmp/rights.yaml",
        ),
    ),
    Case("service-rules", *coredns("iptables -t nat -F PREROUTING; iptables -t nat -F OUTPUT", "agent")),
    Case("firewall", *coredns("iptables -I FORWARD -s 10.42.0.0/16 -j DROP", "agent")),
    # Not before: what may pass by itself is no finding while k3s starts, and these restart it.
    Case("registries-key", *shell("agent", "sed -i 's/endpoint:/endpoints:/' " + REGISTRIES)),
    # Its time alone would tell nothing of a file that our run wrote and saw loaded.
    Case(
        "registries-stale",
        *shell("agent", "echo '# edited' >>" + REGISTRIES, "sed -i '/^# edited$/d' " + REGISTRIES),
    ),
    Case("k3s-down", *shell("agent", "service k3s-agent stop", "service k3s-agent start")),
    Case("apiserver-address", *coredns(OLD_ADDRESS)),
    # From here on the packaged coredns.yaml is not as k3s wrote it, so that a start of k3s would make the overlay
    # stale.
    Case("stale-overlay", *shell("server", "echo '# newer' >>%s/coredns.yaml" % MANIFESTS)),
    Case("manifest-overwritten", *shell("server", OVERLAY_GONE)),
    Case("entrypoint-missing", _entrypoint, lambda lab: None),
    Case(
        "plain-http",
        *pod(
            "10.99.0.1:5000/riscv64/pause:1.0.0",
            "echo 'mirrors: {}' >%s; service k3s-agent restart" % REGISTRIES,
            policy="Always",
            command='["/pause"]',
        ),
    ),
    Case(
        "crash-loop",
        *pod(BUSYBOX, command='["/bin/busybox", "sh", "-c", "echo cannot find my config; exit 3"]'),
        mends=False,
    ),
]
