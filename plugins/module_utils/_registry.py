# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in a registry, and putting more into it, by the HTTP API (OCI distribution specification 1.1)."""

from __future__ import annotations

import hashlib
import json
import re
from typing import List, NamedTuple, Optional
from urllib.parse import urlencode, urljoin

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._oci_layer import bytes_digest
from ansible_collections.riscv.k3s.plugins.module_utils._registry_http import Connection

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json") + INDEX_TYPES


# The name that images carry is not always the host that serves them.
_API_HOSTS = {"docker.io": "registry-1.docker.io"}


class Manifest(NamedTuple):
    """A manifest or index as the registry keeps it; ``digest`` is that of the bytes."""

    media_type: str
    digest: str
    data: bytes

    def json(self):
        return json.loads(self.data)


class Registry:
    """The repositories of one registry. Takes what Connection takes. Every method raises Problem when the registry fails."""

    def __init__(self, host, **options):
        self._connection = Connection(_API_HOSTS.get(host, host), **options)

    def check(self):
        """Raise Problem unless there is a registry which lets us in."""
        answer = self._connection.request("GET", "/v2/", expect=(200, 404))
        if answer.status == 404:
            raise self._connection.problem(
                "there is no registry", "404 for /v2/", "mend host and port in image, or the proxy of this environment", "unreachable"
            )

    def manifest(self, repository, reference) -> Optional[Manifest]:
        """What a tag or digest names, or None when the registry has no such thing."""
        answer = self._connection.request("GET", _manifest(repository, reference), {"Accept": ", ".join(MANIFEST_TYPES)}, expect=(200, 404))
        if answer.status == 404:
            return None
        return Manifest((answer.headers.get("Content-Type") or "").split(";")[0], bytes_digest(answer.body), answer.body)

    def tags(self, repository) -> List[str]:
        """All tags of a repository, sorted; empty when there is no such repository."""
        path, tags = "/v2/%s/tags/list" % repository, []
        while path:
            answer = self._connection.request("GET", path, expect=(200, 404))
            tags += (json.loads(answer.body).get("tags") or []) if answer.status == 200 else []
            more = re.match(r"<([^>]+)>", answer.headers.get("Link") or "")
            path = urljoin(path, more.group(1)) if more else None
        return sorted(tags)

    def has_blob(self, repository, digest) -> bool:
        """Whether this repository holds the blob."""
        return self._connection.request("HEAD", _blob(repository, digest), expect=(200, 404)).status == 200

    def blob(self, repository, digest) -> bytes:
        """Content of a small blob, such as an image's config, checked against its digest."""
        answer = self._connection.request("GET", _blob(repository, digest))
        if bytes_digest(answer.body) != digest:
            raise self._connection.problem("blob %s came damaged" % digest, bytes_digest(answer.body), "look at the registry's storage", "damaged")
        return answer.body

    def pull_blob(self, repository, digest, size, path):
        """Download a blob of ``size`` bytes to the file ``path``, checked against its digest. Raises Problem, also when the disk is full."""
        try:
            with open(path, "wb") as file:
                sink = _Sink(file, path)
                self._connection.request("GET", _blob(repository, digest), into=sink)
        except OSError as error:
            raise _not_written(path, error) from error
        if (sink.size, sink.digest()) != (size, digest):
            found = "%d of %d bytes" % (sink.size, size) if sink.size != size else sink.digest()
            raise self._connection.problem("blob %s came damaged" % digest, found, "run again; if it stays so, look at the registry's storage", "damaged")

    def mount_blob(self, repository, digest, source) -> bool:
        """Make a blob of the repository ``source`` of this registry also one of ``repository``, without sending it; whether the registry did so."""
        query = urlencode({"mount": digest, "from": source})
        answer = self._connection.request("POST", "/v2/%s/blobs/uploads/?%s" % (repository, query), {"Content-Length": "0"}, data=b"", expect=(201, 202))
        return answer.status == 201

    def push_blob(self, repository, digest, size, data=None, file=None):
        """Upload a blob of ``size`` bytes in one piece: the bytes ``data``, or the content of ``file``."""
        start = self._connection.request("POST", "/v2/%s/blobs/uploads/" % repository, {"Content-Length": "0"}, data=b"", expect=(202,))
        target = start.headers.get("Location")
        if not target:
            raise self._connection.problem("the registry does not say where to upload to", "202 without Location", "is a proxy in front of it?")
        target += ("&" if "?" in target else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._connection.request("PUT", target, headers, data=data, file=file, expect=(201,))

    def push_manifest(self, repository, reference, media_type, data):
        """Upload a manifest under a tag or its own digest. What it names must be there already."""
        headers = {"Content-Type": media_type, "Content-Length": str(len(data))}
        self._connection.request("PUT", _manifest(repository, reference), headers, data=data, expect=(201,))


class _Sink:
    """Writes to a file, counts and hashes on the way."""

    def __init__(self, file, path):
        self._file, self._path = file, path
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data):
        try:
            self._file.write(data)
        except OSError as error:  # not the registry's fault
            raise _not_written(self._path, error) from error
        self._hash.update(data)
        self.size += len(data)

    def digest(self):
        return "sha256:" + self._hash.hexdigest()


def _not_written(path, error):
    return Problem("a blob cannot be written to %s" % path, found=error.strerror, next_step="make room there, or set remote_tmp of Ansible to another folder")


def _manifest(repository, reference):
    return "/v2/%s/manifests/%s" % (repository, reference)


def _blob(repository, digest):
    return "/v2/%s/blobs/%s" % (repository, digest)
