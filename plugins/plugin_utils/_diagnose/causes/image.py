# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that are wrong or missing in the board's store: pause, ErrImageNeverPull, and architectures."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.errors import cut
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.texts import said

_COLLECTED = re.compile(
    r"ImageGCFailed|FreeDiskSpaceFailed|EvictionThresholdMet|attempting to reclaim ephemeral-storage"
)
_IMPORT = (
    "Cut off or damaged (EOF, invalid header or checksum, unrecognized format): copy the archive again, and compare "
    "its sha256sum. Content that is not found: it was exported for one platform, which k3s takes since June 2024; "
    "export it with --platform. A name that cannot be parsed: an image in it has no tag. No space: make room. k3s "
    "tries again when the file changes, or when it starts. One of riscv.k3s (riscv-k3s-*.tar) is brought anew by "
    "riscv.k3s.site."
)


def not_imported(fleet):
    """Archives beside the one that k3s could not read are imported all the same, so nothing else tells of it."""
    for name, board in fleet.seen():
        for line in map(redact, board.get("imports") or ()):
            yield m.Finding(
                "k3s of %s cannot import an archive of images: %s" % (name, cut(told(line).words)),
                m.CERTAIN,
                ("board", name, name),
                ["k3s's log on %s: %s" % (name, m.one_line(line))],
                _IMPORT,
                shell.command("ls", "-l", operands=["%s/%s" % (board["data_dir"], ARCHIVES)]),
                name,
            )


def pause(fleet, row):
    """No sandbox, because containerd cannot have the pause image."""
    one = next((one for one in said(fleet, row) if one.told.cause == "pause-image-missing"), None)
    if one is None:
        return
    chain = one.told.chain
    image = full_or_text(chain.object_of("pause") or chain.object_of("pull"))
    images = fleet.images(row["board"])
    evidence = [one.evidence]
    if images is not None:
        if image in images:
            return
        evidence.append("containerd of %s does not hold %s" % (row["board"], image))
    title = "The pause image %s cannot be pulled, so no pod can start on %s" % (image, row["board"])
    remedy = "Let riscv.k3s.site fetch and tag it, or name another one as pause-image in config.yaml."
    yield m.Finding(
        title,
        m.CERTAIN if images is not None else m.LIKELY,
        ("image", row["board"], image),
        evidence,
        remedy,
        fleet.site(),
        m.CONTROLLER,
    )


def _never(fleet, row):
    pod = fleet.api_pod(row)
    for container in pod["containers"] if pod else ():
        if container["state"] == "waiting" and container["reason"] == "ErrImageNeverPull":
            yield container, full_or_text(container["image"])


def _never_evidence(container):
    return "container %s: ErrImageNeverPull: %s" % (
        container["name"],
        m.one_line(container["message"]) or container["image"],
    )


def short_name(fleet, row):
    """The content is there, under a name that lacks the domain: crictl lists it with docker.io/, the kubelet does not
    find it.
    """
    for container, image in _never(fleet, row):
        images = fleet.images(row["board"]) or {}
        short = next((name for name in images if name != image and full_or_text(name) == image), None)
        if image not in images and short:
            evidence = [
                _never_evidence(container),
                "ctr images ls on %s: %s (without its domain)" % (row["board"], short),
            ]
            remedy = "Tag it with its full name."
            command = shell.command("k3s", "ctr", "-n", "k8s.io", "images", "tag", operands=[short, image])
            yield m.Finding(
                "%s is in the store, but without its domain" % image,
                m.CERTAIN,
                ("image", row["board"], image),
                evidence,
                remedy,
                command,
                row["board"],
            )


def other_namespace(fleet, row):
    """The image is in containerd's namespace default, where the kubelet does not look."""
    for container, image in _never(fleet, row):
        images = fleet.images(row["board"])
        elsewhere = [name for name in fleet.preflight(row["board"]).get("elsewhere", ()) if full_or_text(name) == image]
        if images is not None and image not in images and elsewhere:
            evidence = [
                _never_evidence(container),
                "ctr --namespace default images ls on %s: %s" % (row["board"], elsewhere[0]),
            ]
            remedy = "Bring it into the namespace k8s.io, where the kubelet looks."
            export = shell.command(
                "k3s", "ctr", "-n", "default", "images", "export", "--all-platforms", "-", elsewhere[0]
            )
            into = shell.command("k3s", "ctr", "-n", "k8s.io", "images", "import", "--all-platforms", "-")
            command = shell.joined(export, into, by=" | ")
            title = "%s is in containerd's namespace default, not in k8s.io" % image
            yield m.Finding(title, m.CERTAIN, ("image", row["board"], image), evidence, remedy, command, row["board"])


def never_pull(fleet, row):
    """The policy is Never and the store does not have it."""
    for container, image in _never(fleet, row):
        images = fleet.images(row["board"])
        if images is not None and image in images:
            continue
        evidence = [_never_evidence(container)]
        if images is not None:
            evidence.append("containerd of %s does not hold %s" % (row["board"], image))
        collected = [
            event
            for event in fleet.details.get("events", ())
            if event["kind"] == "Node" and _COLLECTED.search(event["reason"] + event["message"])
        ]
        evidence += [m.event_text(event) for event in collected[-1:]]
        confidence = m.CERTAIN if images is not None else m.LIKELY
        remedy = "Put it into the store; garbage collection or `crictl rmi` may have removed it, so pin it."
        if image in fleet.wanted:
            yield m.Finding(
                "%s is not in the store, and its policy is Never" % image,
                confidence,
                ("image", row["board"], image),
                evidence,
                remedy,
                fleet.site(),
                m.CONTROLLER,
            )
        else:
            command = shell.command("k3s", "crictl", "pull", operands=[image])
            yield m.Finding(
                "%s is not in the store, and its policy is Never" % image,
                confidence,
                ("image", row["board"], image),
                evidence,
                remedy,
                command,
                row["board"],
            )


def _not_executable(fleet, row):
    """The containers that the kernel refused to run, with the evidence."""
    for one in said(fleet, row):
        if one.container is not None and one.told.cause == "exec-format":
            yield one.container, one.evidence


def wrong_architecture(fleet, row):
    """The store has content of another architecture under the name."""
    board = fleet.boards.get(row["board"]) or {}
    own = "linux/%s" % board.get("architecture")
    for container, text in _not_executable(fleet, row):
        image = full_or_text(container["image"])
        stored = (fleet.images(row["board"]) or {}).get(image)
        if stored and stored["platforms"] and not any(platform.startswith(own) for platform in stored["platforms"]):
            evidence = [
                text,
                "%s in the store of %s is %s (%s)"
                % (image, row["board"], ", ".join(stored["platforms"]), stored["digest"]),
            ]
            title = "%s is %s, and %s is %s" % (
                image,
                stored["platforms"][0].partition("/")[2],
                row["board"],
                board["architecture"],
            )
            if image in fleet.wanted:
                command = (fleet.site(), m.CONTROLLER)
                remedy = "Let riscv.k3s.site put the right content under the name."
            else:
                remove = shell.command("k3s", "ctr", "-n", "k8s.io", "images", "rm", operands=[image])
                pull = shell.command("k3s", "crictl", "pull", operands=[image])
                command = (shell.joined(remove, pull), row["board"])
                remedy = (
                    "Remove it and pull it again; when that brings the same, push an image of the board's architecture."
                )
            yield m.Finding(title, m.CERTAIN, ("image", row["board"], image), evidence, remedy, *command)


def exec_format(fleet, row):
    """The kernel cannot run the program, whatever the image says of itself."""
    for container, text in _not_executable(fleet, row):
        image = full_or_text(container["image"])
        evidence = [text]
        stored = (fleet.images(row["board"]) or {}).get(image)
        if stored:
            evidence.append("the image calls itself %s (%s)" % (", ".join(stored["platforms"]), stored["digest"]))
        title = "The kernel of %s cannot run the program of %s" % (row["board"], image)
        remedy = "The program inside is of another architecture, or a script without a #! line. Build the image again."
        command = (fleet.site(), m.CONTROLLER) if image in fleet.wanted else (None, None)
        yield m.Finding(title, m.CERTAIN, ("image", row["board"], image), evidence, remedy, *command)


CAUSES = [
    m.Cause(
        "archive-not-imported",
        "k3s cannot import an archive of images.",
        "k3s's own log, since it started: an error about a file in `agent/images`",
        not_imported,
    ),
    m.Cause(
        "pause-image-missing",
        "The pause image cannot be pulled.",
        "FailedCreatePodSandBox names it, and the store does not hold it",
        pause,
        True,
    ),
    m.Cause(
        "image-short-name",
        "The image is in the store under a name without its domain.",
        "ErrImageNeverPull, and such a name in `ctr images ls`",
        short_name,
        True,
    ),
    m.Cause(
        "image-other-namespace",
        "The image is in another namespace of containerd.",
        "ErrImageNeverPull, and the name in namespace default",
        other_namespace,
        True,
    ),
    m.Cause(
        "image-never-pull",
        "The image is not in the store, and may not be pulled.",
        "ErrImageNeverPull, and the store without the name; garbage collection shows in the node's events",
        never_pull,
        True,
    ),
    m.Cause(
        "wrong-architecture",
        "The content under the name is of another architecture.",
        "exec format error, and the platforms that containerd holds",
        wrong_architecture,
        True,
    ),
    m.Cause(
        "exec-format",
        "The kernel cannot run the program.",
        "exec format error, though the image claims the board's architecture",
        exec_format,
        True,
    ),
]
