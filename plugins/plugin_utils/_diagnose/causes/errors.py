# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes that an error tells by itself, each with what to do about it."""

from __future__ import annotations

import functools
import re
from typing import Callable, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import controllers
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.texts import said

# Causes that others look at together with what else is seen: here is nothing to add, and what is mended says nothing.
_SEEN_TO = ("pause-image-missing", "image-never-pull", "crash-loop", "cni-missing")
# What says that something failed before, and not what.
_EMPTY = re.compile(r"[Bb]ack-off |Err\w+$|\w+BackOff$|Pod sandbox changed")
_WORDS = 160  # characters of a reason that stand in a title
# What kubelet says of whose container it speaks: a title names the pod anyway.
_WHOSE = re.compile(r" \(pod: \"[^\"]*\", container: [^\s)]+\)$")
# The API lets only the image of a pod be edited.
_ALONE = " This pod has no workload: of such a pod only the image can be edited, so make it anew from its manifest."
_QUOTED = re.compile(r'"([^"]+)"')
_LOADABLE = re.compile(r"(?:Couldn't (?:load|find) (?:match|target) [`'\"]?|Extension )(\w+)")


class Known(NamedTuple):
    """What is known of a cause. ``title`` has places for {board}, {pod}, {image}, {container}, {reason}, {object};
    ``kind`` is the subject: board or pod. ``command`` gives (command, where to run it) from (fleet, row, Said).
    """

    id: str
    about: str
    told_by: str
    title: str
    kind: str
    remedy: str
    command: Optional[Callable] = None


def _site(fleet, row, one):
    return fleet.site(), m.CONTROLLER


def _kubectl(*words, is_named=True):
    def command(fleet, row, one):
        return m.on_server(fleet, *words, namespace=row["namespace"], names=[row["name"]] if is_named else ())

    return command


def _edit(fleet, row, one):
    return m.on_server(fleet, "edit", namespace=row["namespace"], names=[m.workload(fleet, row)])


def _log(fleet, row, one):
    return fleet.k3s_log(row["board"]), row["board"]


def _on_board(text):
    """A command that is the same for all."""
    return lambda fleet, row, one: (shell.Command(text), row["board"])


def _remove_pause(fleet, row, one):
    if not _pause(fleet, row):
        return None, None
    words = shell.command("k3s", "ctr", "-n", "k8s.io", "images", "rm", operands=[_pause(fleet, row)])
    return words, row["board"]


def _tag_pause(fleet, row, one):
    short = _short(one)
    names = [full_or_text(short), short]
    return shell.command("k3s", "ctr", "-n", "k8s.io", "images", "tag", operands=names), row["board"]


def _module(fleet, row, one):
    found = _LOADABLE.search(one.told.reason)
    return (shell.command("modprobe", "xt_" + found.group(1)) if found else shell.Command("lsmod")), row["board"]


def _short(one):
    """The name by which containerd asks for the pause image."""
    found = _QUOTED.search(one.told.reason)
    return one.told.chain.object_of("pause") or (found.group(1) if found else "")


def _remove_bridge(fleet, row, one):
    """Of k3s's own bridges alone: what an event names may be the board's only way to the network."""
    found = _QUOTED.search(one.told.reason)
    if not found or not re.fullmatch(r"cni\d{1,2}", found.group(1)):
        return None, None
    return shell.command("ip", "link", "delete", operands=[found.group(1)]), row["board"]


def _networks(fleet, row, one):
    folders = [fleet.data_dir(row["board"]) + "/agent/etc/cni/net.d", "/etc/cni/net.d"]
    return shell.command("ls", "-l", operands=folders), row["board"]


def _pause(fleet, row):
    return full_or_text((fleet.boards.get(row["board"]) or {}).get("pause_image") or "")


_SANDBOX = "FailedCreatePodSandBox, and its innermost reason"
_CREATE = "the error of creating or starting the container"
KNOWN = (
    Known(
        "pause-image-architecture",
        "The pause image is of another architecture.",
        "FailedCreatePodSandBox: exec format error, or no content for the platform",
        "The pause image on {board} is not for this board's architecture, so no pod can start there",
        "board",
        "Let riscv.k3s.site put the right content under its name.",
        _site,
    ),
    Known(
        "pause-image-broken",
        "Part of the pause image's content is missing in the board's store.",
        "FailedCreatePodSandBox: content that is not found",
        "The pause image on {board} is not whole, so no pod can start there",
        "board",
        "Remove it, then let riscv.k3s.site fetch it again.",
        _remove_pause,
    ),
    Known(
        "pause-image-short-name",
        "containerd asks for the pause image by a name without its domain, and the store has the full one.",
        "FailedCreatePodSandBox: the short name is not found (containerd 2.3 and later)",
        "containerd of {board} asks for {object}, a name without its domain, so no pod can start there",
        "board",
        "Tag it with the short name now, and give k3s the full one to keep: pause-image in its config.yaml.",
        _tag_pause,
    ),
    Known(
        "flannel-not-started",
        "flannel has not started on the board.",
        "FailedCreatePodSandBox: `/run/flannel/subnet.env` is not there",
        "flannel has not started on {board}, so pods get no network there",
        "board",
        "k3s starts it, and its log says why it could not: a module of the kernel (vxlan), an interface, or a node "
        "without a range of addresses.",
        _log,
    ),
    Known(
        "resolv-conf-missing",
        "The file of name servers for pods is gone on the board.",
        "FailedCreatePodSandBox: a resolv.conf that is not there",
        "The file of name servers that pods of {board} get is gone: {reason}",
        "board",
        "k3s writes k3s-resolv.conf when it starts, older versions below /tmp: restart it. Another file is one that "
        "--resolv-conf names: bring it back, or name /etc/resolv.conf.",
        lambda fleet, row, one: (fleet.service(row["board"]), row["board"]),
    ),
    Known(
        "kernel-bridge-missing",
        "The kernel has no network bridges.",
        "FailedCreatePodSandBox: a bridge could not be added",
        "The kernel of {board} has no bridges, so pods get no network there",
        "board",
        "Load the module bridge, or boot a kernel with CONFIG_BRIDGE.",
        _on_board("modprobe bridge"),
    ),
    Known(
        "kernel-netfilter-missing",
        "The kernel lacks a match, target or table that the rules of services need.",
        "the words of iptables in FailedCreatePodSandBox",
        "The kernel of {board} lacks what iptables asks for: {reason}",
        "board",
        "Load the module that the words name (match or target X is xt_X), or boot a kernel that has it.",
        _module,
    ),
    Known(
        "cni-plugin-missing",
        "A plugin of the pods' network is not where it is looked for.",
        "FailedCreatePodSandBox: failed to find plugin",
        "A network plugin is missing on {board}: {reason}",
        "board",
        "k3s brings flannel, bridge, host-local, loopback and portmap; another network puts its own files there. See "
        "which configuration asks for it.",
        _networks,
    ),
    Known(
        "cni-address-exhausted",
        "No address is left for pods of the board.",
        "FailedCreatePodSandBox: no IP addresses available",
        "No address is left for pods on {board}",
        "board",
        "Delete the pods that are not needed. Addresses that no pod holds stay in the folder of the command after a "
        "crash: drain the node, stop k3s, remove its files, start k3s.",
        _on_board("ls /var/lib/cni/networks"),
    ),
    Known(
        "runtime-missing",
        "containerd cannot start what runs containers.",
        "the error names runc, its shim or another runtime, and says that it is not there or cannot be executed",
        "containerd of {board} cannot start its runtime: {reason}",
        "board",
        "runc and its shim come with k3s, below data/current/bin: restart k3s, which unpacks them again. Another "
        "runtime must be installed on the board; k3s looks for it when it starts.",
        lambda fleet, row, one: (fleet.service(row["board"]), row["board"]),
    ),
    Known(
        "snapshotter-unsupported",
        "The kernel refuses the file system that holds the layers of images.",
        "the error of mounting a container's files",
        "The kernel of {board} refuses to mount the layers of images: {reason}",
        "board",
        "Boot a kernel with CONFIG_OVERLAY_FS, put k3s's data folder on a file system that overlay can lie on (not "
        "overlay, NFS, vfat or XFS with ftype=0), or start k3s with --snapshotter=native.",
        _on_board("grep overlay /proc/filesystems; stat -f -c %T /var/lib/rancher"),
    ),
    Known(
        "kernel-feature-missing",
        "The kernel lacks something that k3s needs.",
        "what the kernel refuses, in the error of k3s, runc or a network plugin",
        "The kernel of {board} lacks something that is needed there: {reason}",
        "board",
        "See what the kernel lacks (command). Load the module for it if there is one, or boot a kernel that has it.",
        _on_board("k3s check-config"),
    ),
    Known(
        "cgroup-missing",
        "The board lacks a controller of cgroups, or a part of one.",
        "a file of cgroups that is not there, in the error of runc or the kubelet",
        "Control groups of {board} lack what containers need: {reason}",
        "board",
        "See which controllers the kernel has (command). Files cpu.max and cpu.weight need a kernel with "
        "CONFIG_CFS_BANDWIDTH and CONFIG_FAIR_GROUP_SCHED; the controller memory is switched on by the kernel's "
        "command line (cgroup_enable=memory cgroup_memory=1).",
        _on_board("cat /proc/cgroups; cat /sys/fs/cgroup/cgroup.controllers; k3s check-config"),
    ),
    Known(
        "disk-full",
        "The disk is full.",
        "no space left on device, outside of a pull",
        "A disk of {board} is full",
        "board",
        "Make room. The command removes unused images; pinned ones stay.",
        _on_board("k3s crictl rmi --prune"),
    ),
    Known(
        "disk-read-only",
        "A disk can only be read.",
        "read-only file system",
        "A disk of {board} can only be read",
        "board",
        "The kernel does so after errors of the disk, and its log tells them. Check the disk, then reboot.",
        _on_board("dmesg | tail -n 50"),
    ),
    Known(
        "disk-fault",
        "A disk gives errors.",
        "input/output error",
        "A disk of {board} gives errors",
        "board",
        "The kernel's log tells them. Copy what matters, and replace the card or disk.",
        _on_board("dmesg | tail -n 50"),
    ),
    Known(
        "container-user",
        "The pod may not run as root, and its image does, or names no number.",
        "CreateContainerConfigError: runAsNonRoot",
        "{container} may not run as the user of {image}: {reason}",
        "pod",
        "Give it a user by number, securityContext.runAsUser, or build the image with one (USER 65532).",
        _edit,
    ),
    Known(
        "container-command-denied",
        "The program of the image may not be executed.",
        "permission denied when it is started",
        "The program of {image} may not be executed: {reason}",
        "pod",
        "Build the image with a program that is a file of mode 0755, or name another command.",
        _edit,
    ),
    Known(
        "image-name-invalid",
        "What the pod names is no image name.",
        "InvalidImageName, and why",
        "{image} is no image name",
        "pod",
        "Correct it: lower case, HOST/REPOSITORY:TAG, a digest of 64 hex digits.",
        _edit,
    ),
    Known(
        "volume-mount",
        "A volume cannot be mounted.",
        "FailedMount and its innermost reason",
        "A volume of {pod} cannot be mounted: {reason}",
        "pod",
        "Resolve what the reason names, on the board or in the pod.",
        _kubectl("describe", "pod"),
    ),
    Known(
        "liveness-killed",
        "The kubelet ends the container, since its liveness probe fails.",
        "the event Killing",
        "The kubelet ends {pod} again and again: its liveness probe fails",
        "pod",
        "A slow board needs more time than the probe gives: raise initialDelaySeconds, timeoutSeconds and "
        "failureThreshold, or see what keeps the program from answering.",
        _edit,
    ),
    Known(
        "helm-job-failed",
        "helm could not install a chart.",
        "the log of the pod helm-install-…",
        "helm could not install the chart of {pod}: {reason}",
        "pod",
        "Resolve what its log names. k3s tries again by itself.",
        _kubectl("logs", "--tail=30"),
    ),
)
# They say what failed, and not why.
VAGUE = (
    Known(
        "probe-fails",
        "The container runs, and its probe fails.",
        "the event Unhealthy",
        "{pod} runs, and its probe fails: {reason}",
        "pod",
        "Its log says why it does not answer; a slow board may need more time than the probe gives.",
        _kubectl("describe", "pod"),
    ),
    Known(
        "cni-failed",
        "A pod's network could not be set up.",
        "FailedCreatePodSandBox, by a network plugin",
        "The network of {pod} could not be set up: {reason}",
        "pod",
        "The words are the plugin's. k3s's log around them may tell more.",
        _log,
    ),
    Known(
        "runc-failed",
        "runc could not start a container.",
        "the error of runc",
        "runc could not start a container of {pod}: {reason}",
        "pod",
        "The words are runc's or the kernel's. The kernel's log may tell more.",
        _on_board("dmesg | tail -n 50"),
    ),
)
# What is known of some errors of a cause, by its variant: (remedy, command).
_OF_VARIANT = {
    "bridge": (
        "The bridge has an address of a range that this board had before. Remove the bridge of the command: the next "
        "pod makes it anew. Pods that run on the board lose their network, and must be restarted.",
        _remove_bridge,
    ),
    "ramdisk": (
        "So it is where a board runs from its RAM disk (initramfs): the command says rootfs then. Let the board change "
        "to a root of its own when it starts (switch_root): a disk, NFS, or a tmpfs.",
        _on_board("findmnt --noheadings --first-only --output FSTYPE /"),
    ),
    "shared": (
        "A mount that is passed on needs a host whose mounts are shared; systemd sees to that, other systems (OpenRC) "
        "do not. Write the command into a script that runs at the board's start, too.",
        _on_board("mount --make-rshared /"),
    ),
}
NOT_UNDERSTOOD = "error-unknown"


def look(fleet, row, known):
    """The findings of one cause for a pod."""
    for one in said(fleet, row):
        if one.told.cause == known.id:
            yield _finding(fleet, row, one, known)


def unknown(fleet, row):
    """An error that is not understood: its words, the innermost first."""
    if fleet.api_pod(row) is None:
        return
    for one in said(fleet, row):
        # Also one that tells a cause which nothing else finds here: that of a pull where no image is waited for.
        if one.told.reason and one.told.cause not in _SEEN_TO and not _EMPTY.match(one.told.reason):
            remedy = "These words are not known here; they are shown as they are. Around them:"
            yield m.Finding(
                "%s: %s" % (m.pod_name(row), cut(one.reason)),
                m.POSSIBLE,
                m.pod_subject(row),
                [one.evidence],
                remedy,
                *_kubectl("describe", "pod")(fleet, row, one),
            )


def _finding(fleet, row, one, known):
    image = full_or_text(one.container["image"]) if one.container else _pause(fleet, row)
    title = known.title.format(
        board=row["board"],
        pod=m.pod_name(row),
        image=image,
        container=one.container["name"] if one.container else "",
        reason=cut(one.reason),
        object=_short(one),
    )
    subject = ("board", row["board"], row["board"]) if known.kind == "board" else m.pod_subject(row)
    confidence = m.POSSIBLE if known in VAGUE else m.CERTAIN if one.told.sure else m.LIKELY
    remedy, command = _OF_VARIANT.get(one.told.variant, (known.remedy, known.command))
    is_alone = command is _edit and m.workload(fleet, row).startswith("pod/")
    words = command(fleet, row, one) if command else (None, None)
    finding = m.Finding(title, confidence, subject, [one.evidence], remedy + _ALONE * is_alone, *words)
    if known.id != "cgroup-missing":
        return finding
    lacks = controllers.lacking(fleet.preflight(row["board"]), controllers.named(one.reason))
    return finding._replace(is_prepared=controllers.is_prepared(lacks))


def cut(text):
    """A reason as it stands in a title."""
    text = _WHOSE.sub("", m.one_line(text))
    return text if len(text) <= _WORDS else text[:_WORDS] + "…"


def _cause(known):
    return m.Cause(known.id, known.about, known.told_by, functools.partial(look, known=known), True)


BY_ID = {known.id: known for known in KNOWN}
CAUSES = [_cause(known) for known in KNOWN]
LATE = [_cause(known) for known in VAGUE]
LAST = [
    m.Cause(
        NOT_UNDERSTOOD,
        "An error that is not understood.",
        "the error itself, its innermost words first",
        unknown,
        True,
    )
]
