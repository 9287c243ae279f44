# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overlays: what stands in NAME-riscv64.yaml and in NAME.yaml.skip beside a packaged manifest. Pure text.

k3s writes every packaged manifest anew at each start, so an edit in place is lost. A file of another name is kept, and
NAME.yaml.skip keeps the packaged one from being deployed. The overlay's first lines say what it was made from.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import document as _manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import patch_digest
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SUFFIX = "-riscv64"
# An Addon that has the text of install 1 already would not be applied again: then 2 is written.
INSTALLS = (1, 2)
SKIP_TEXT = (
    b"# Written by riscv.k3s: k3s does not deploy the file of this name while this one is here; "
    b"an overlay takes its place.\n"
)
UNDO_COMMENT = "# riscv.k3s: its overlay was removed; this line makes k3s apply the packaged file again."

_BOM = b"\xef\xbb\xbf"
_FIRST_LINE = (
    "# Written by riscv.k3s, do not edit: "
    "made anew by riscv.k3s.site, removed by riscv.k3s.k3s_manifest_patch with state: absent."
)
_HEADER = re.compile(
    r"\ufeff?%s\s+"
    r"# riscv\.k3s-from: (?P<source>\S+) sha256:(?P<source_sha256>[0-9a-f]{64})\s+"
    r"# riscv\.k3s-patch: sha256:(?P<patch_sha256>[0-9a-f]{64})\s+"
    r"# riscv\.k3s-install: (?P<install>[12])\s" % re.escape(_FIRST_LINE)
)


class Header(NamedTuple):
    """What an overlay was made from; ``source`` is the file name of the packaged manifest, ``install`` 1 or 2."""

    source: str
    source_sha256: str
    patch_sha256: str
    install: int


def overlay_path(manifest):
    """The overlay's path for a packaged manifest's path: metrics-server/a.yaml -> metrics-server/a-riscv64.yaml.

    The suffix goes before the first dot, because there the name of the Addon ends.
    """
    folder, name = posixpath.split(manifest)
    stem, dot, extension = name.partition(".")
    return posixpath.join(folder, stem + SUFFIX + dot + extension)


def chart_path(manifest):
    """The path of the HelmChartConfigs for a packaged manifest: traefik.yaml -> traefik-riscv64-config.yaml."""
    return overlay_path(manifest).replace(SUFFIX + ".", SUFFIX + "-config.", 1)


def skip_path(manifest):
    """The path of the file that keeps k3s from deploying a manifest."""
    return manifest + ".skip"


def addon_name(path):
    """The name of the Addon object that k3s keeps for a manifest: its file name up to the first dot."""
    return posixpath.basename(path).partition(".")[0]


def make_overlays(packaged, manifest, patches):
    """The overlay's text for each install counter, as a dictionary {1: bytes, 2: bytes}.

    ``packaged`` is the packaged file's bytes, ``manifest`` its path, ``patches`` those for it, normalised.
    Raises Problem when a patch does not fit, or when the edit would not be safe.
    """
    body = _manifest.patch_manifest(packaged, patches, manifest, drop=_left_out)
    return with_headers(body, packaged, manifest, patches)


def with_headers(body, packaged, manifest, patches):
    """A file's text below the header, for each install counter."""
    newline = b"\r\n" if b"\r\n" in body else b"\n"
    bom = _BOM if body.startswith(_BOM) else b""
    texts = {}
    for install in INSTALLS:
        lines = (
            _FIRST_LINE,
            "# riscv.k3s-from: %s sha256:%s" % (posixpath.basename(manifest), sha256(packaged)),
            "# riscv.k3s-patch: sha256:%s" % patch_digest(patches),
            "# riscv.k3s-install: %d" % install,
        )
        texts[install] = bom + b"".join(line.encode() + newline for line in lines) + body[len(bom) :]
    return texts


def read_header(text):
    """The Header of an overlay's text (str or bytes), or None when riscv.k3s did not write it."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    found = _HEADER.match(text)
    if not found:
        return None
    return Header(
        found.group("source"), found.group("source_sha256"), found.group("patch_sha256"), int(found.group("install"))
    )


def is_current(header, packaged_sha256, patches):
    """Whether an overlay with this Header (or None) was made from this packaged file and these patches."""
    return (
        header is not None and header.source_sha256 == packaged_sha256 and header.patch_sha256 == patch_digest(patches)
    )


def choose_install(texts, current, checksum):
    """Which install counter to write so that k3s really applies the text.

    ``texts`` are those of ``make_overlays``, ``current`` the overlay's present bytes or None, ``checksum`` what its
    Addon has, or None when it has none or that is not known. The deploy controller skips a text whose checksum its
    Addon has.
    """
    if checksum is None:
        return 2 if current == texts[1] else 1
    return 2 if sha256(texts[1]) == checksum else 1


def leaves_out(packaged, manifest):
    """The names of what an overlay would leave out: the packaged file's Services."""
    return [name for kind, namespace, name in _manifest.identities(packaged, manifest) if kind == "Service"]


def stock_text(packaged):
    """The packaged file's text without the line of `make_different`."""
    bom = _BOM if packaged.startswith(_BOM) else b""
    head, newline, rest = packaged[len(bom) :].partition(b"\n")
    while head.rstrip(b"\r") == UNDO_COMMENT.encode():
        packaged = bom + rest
        head, newline, rest = rest.partition(b"\n")
    return packaged


def make_different(packaged):
    """The packaged file's text with one more comment line: the same objects, another checksum.

    It is the first line: at the end a text that keeps its line ends (|+) could be open.
    """
    newline = b"\r\n" if b"\r\n" in packaged else b"\n"
    bom = _BOM if packaged.startswith(_BOM) else b""
    return bom + UNDO_COMMENT.encode() + newline + packaged[len(bom) :]


def check_manifest_name(manifest):
    """Raise Problem for a path that cannot be a packaged manifest's, relative to the manifests folder."""
    parts = manifest.split("/")
    # k3s passes by names that begin with a dot. A blank or control character would break the overlay's header.
    if any(part[:1] in ("", ".") for part in parts) or not manifest.isprintable() or " " in manifest:
        raise Problem(
            "this is no path inside the manifests folder",
            found=repr(manifest),
            next_step="write it as coredns.yaml or metrics-server/metrics-server-deployment.yaml",
        )
    if not manifest.lower().endswith((".yaml", ".yml")):
        raise Problem(
            "only YAML manifests can be patched", found=manifest, next_step="name a file that ends in .yaml or .yml"
        )
    if addon_name(manifest).endswith((SUFFIX, SUFFIX + "-config")):
        raise Problem(
            "this file is an overlay itself",
            found=manifest,
            next_step="name the packaged manifest that it was made from",
        )


def _left_out(kind, namespace, name):
    if kind != "Service":
        return None
    return (
        "Service %s%s is left out: the packaged manifest has made it, its cluster IP is allocated, and the API would"
        % (namespace + "/" if namespace else "", name),
        "refuse to make it again, so that k3s would never finish applying this file. It stays as it is.",
    )
