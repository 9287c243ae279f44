# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build an OCI image from a program without a container engine. No Ansible in here.

Formats: the OCI image specification 1.1 (config, manifest, index, layout). The same input gives the same config digest
everywhere; the digests of the compressed layer, and so of the manifest, are the same for the same zlib.
"""

from __future__ import annotations

import json
import os
import posixpath
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.source import Entry, find, read_source
from ansible_collections.riscv.k3s.plugins.module_utils._oci import checks as check
from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import Tree, bytes_digest, compress, write_tar
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import OCI_INDEX, OCI_MANIFEST
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_EPOCH = "1970-01-01T00:00:00Z"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # the first place where Go and OpenSSL programs look


class Spec(NamedTuple):
    """What an image shall hold. Paths on this machine: src, files[].src, ca_certificates; all others are paths in the
    image.
    """

    src: str
    architecture: str = "riscv64"
    content: Optional[str] = None  # program | all; None: all for a folder, program otherwise
    program: Optional[str] = None  # path of the program inside src; None: the only program there
    dest: Optional[str] = None  # of the program (None: /NAME), or the folder for all (None: /)
    files: Sequence[Dict[str, Any]] = ()  # {src, dest, mode (int)}
    links: Dict[str, str] = {}  # path: target
    ca_certificates: Optional[str] = None
    entrypoint: Optional[List[str]] = None
    cmd: Optional[List[str]] = None
    user: Optional[str] = None
    env: Dict[str, str] = {}
    workdir: Optional[str] = None
    labels: Dict[str, str] = {}
    annotations: Dict[str, str] = {}  # of the manifest; labels, too, since a board shows only these
    index: bool = False  # type: ignore[assignment]  # the option's name, though a tuple has a method of this name


class Blob(NamedTuple):
    """A piece of content: its bytes, or the file that holds them."""

    media_type: str
    digest: str
    size: int
    data: Optional[bytes] = None
    path: Optional[str] = None

    def descriptor(self) -> Dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class Image:
    """An image whose config is known; the layer is compressed, which takes longest, when manifests are asked for."""

    def __init__(self, spec: Spec, config: Blob, tar: str) -> None:
        self.architecture = spec.architecture
        self.index = spec.index
        self.annotations = spec.annotations
        self.config = config
        self._tar = tar
        self._layer: Optional[Blob] = None

    @property
    def config_json(self) -> Dict[str, Any]:
        """The config as a dictionary."""
        return json.loads(self.config.data or b"")

    @property
    def layer(self) -> Blob:
        if self._layer is None:
            path = self._tar + ".gz"
            digest = compress(self._tar, path)
            self._layer = Blob(_LAYER, digest, os.path.getsize(path), path=path)
        return self._layer

    @property
    def manifest(self) -> Blob:
        """The manifest of this one architecture."""
        parts = {"config": self.config.descriptor(), "layers": [self.layer.descriptor()]}
        return self._top_blob(OCI_MANIFEST, parts)

    @property
    def top(self) -> Blob:
        """What the tag names: the manifest itself, or an index of it."""
        if not self.index:
            return self.manifest
        listed = dict(self.manifest.descriptor(), platform={"architecture": self.architecture, "os": "linux"})
        return self._top_blob(OCI_INDEX, {"manifests": [listed]})

    def _top_blob(self, media_type: str, content: Dict[str, Any]) -> Blob:
        more = {"annotations": self.annotations} if self.annotations else {}
        return _json_blob(media_type, dict(content, schemaVersion=2, mediaType=media_type, **more))

    @property
    def size(self) -> int:
        """Bytes that a registry stores: layer, config and manifests."""
        return sum(
            blob.size
            for blob in {blob.digest: blob for blob in (self.layer, self.config, self.manifest, self.top)}.values()
        )


def build(spec: Spec, work: str) -> Image:
    """Build the image that ``spec`` describes, with its layer in the folder ``work``, which must outlive the Image.

    Raises Problem: src missing or ambiguous, a damaged or hostile archive, a program of another architecture, an
    entrypoint that is not in the image.
    """
    src = find(spec.src)
    try:
        tree, program = _tree(spec, src, _folder(work, "content"))
        entrypoint = spec.entrypoint
        if entrypoint is None and not spec.cmd and program:
            entrypoint = [program]
        check.programs(tree, spec.architecture, src)
        check.start(tree, entrypoint, spec, src)
        tar = os.path.join(work, "layer.tar")
        diff_id = write_tar(tree, tar)
    except OSError as error:
        raise Problem(
            "the image of %s cannot be built" % src,
            found=error.strerror or str(error),
            where=error.filename or work,
            next_step="correct the file's permissions or the disk",
        ) from error
    return Image(spec, _json_blob(_CONFIG, _config(spec, entrypoint, diff_id)), tar)


def _folder(work, name):
    path = os.path.join(work, name)
    os.mkdir(path)
    return path


def _tree(spec, src, work):
    kind, found = read_source(src, work)
    content = spec.content or ("all" if kind == "folder" else "program")
    tree, program = Tree(), None
    if spec.dest:
        _place(spec.dest, "dest", folder=content == "all")
    if content == "all":
        for entry in found:
            tree.add(entry._replace(path=posixpath.normpath((spec.dest or "/") + "/" + entry.path)))
    else:
        chosen = found[0] if kind == "program" else check.choose_program(found, spec.program, src)
        program = spec.dest or "/" + posixpath.basename(chosen.path)
        tree.add(Entry(program, 0o755, content=chosen.content))
    for item in spec.files:
        if not os.path.isfile(item["src"]):
            raise Problem(
                "%s was not found on the controller" % item["src"],
                found="no file of that name",
                next_step="correct files[].src",
            )
        tree.add(Entry(_place(item["dest"], "files[].dest"), item.get("mode", 0o644), content=item["src"]))
    for path, target in spec.links.items():
        tree.add(Entry(_place(path, "links"), 0o777, link=_target(path, target)))
    if spec.ca_certificates:
        if not os.path.isfile(spec.ca_certificates):
            raise Problem(
                "%s was not found on the controller" % spec.ca_certificates,
                found="no file of that name",
                next_step="correct ca_certificates",
            )
        tree.add(Entry(_CERTIFICATES, 0o644, content=spec.ca_certificates))
    return tree, program


def _place(path: str, option: str, folder: bool = False) -> str:
    """The path in the image that an option names. Raises Problem for what no board could unpack there."""
    parts = path.split("/")
    long = (
        any(len(part.encode("utf-8", "surrogatepass")) > limits.MAX_NAME for part in parts)
        or len(path) > limits.MAX_PATH
    )
    if path.startswith("/") and ".." not in parts and "\0" not in path and not long and (folder or parts[-1]):
        return posixpath.normpath(path)
    raise Problem(
        "%r is no path in an image" % path[: limits.MAX_NAME],
        where=option,
        next_step="write it from / on, without .., as in /usr/bin/tool",
    )


def _target(path: str, target: str) -> str:
    if target and "\0" not in target and len(target) <= limits.MAX_PATH:
        return target
    raise Problem("%s is a link to nothing" % path, where="links", next_step="name the file that it leads to")


def _config(spec, entrypoint, diff_id):
    run = {
        "User": spec.user,
        "Env": ["%s=%s" % pair for pair in sorted(spec.env.items())],
        "Entrypoint": entrypoint,
        "Cmd": spec.cmd,
        "WorkingDir": spec.workdir,
        "Labels": dict(spec.annotations, **spec.labels),
    }
    return {
        "created": _EPOCH,
        "architecture": spec.architecture,
        "os": "linux",
        "config": {key: value for key, value in run.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": _EPOCH, "created_by": "riscv.k3s.oci_image_build"}],
    }


def _json_blob(media_type: str, value: object) -> Blob:
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return Blob(media_type, bytes_digest(data), len(data), data=data)
