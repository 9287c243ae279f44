# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images in registries, and certificates for those, for tests.

What is put there, and what a test looks at afterwards, goes by http.client: neither the product nor skopeo is asked
whether the product did right.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import subprocess

from registry_servers import PASSWORD, USER, program

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result, Runner
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import accesses
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_CONFIGS = {
    OCI_MANIFEST: "application/vnd.oci.image.config.v1+json",
    DOCKER_MANIFEST: "application/vnd.docker.container.image.v1+json",
}
_LAYERS = {
    OCI_MANIFEST: "application/vnd.oci.image.layer.v1.tar+gzip",
    DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
BASIC = "Basic " + base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()


def opened(*hosts, timeout=5, runner=None, **options):
    """A Skopeo for hosts on 127.0.0.1, plain http unless ``options`` say otherwise."""
    program("skopeo", "skopeo")
    entries = [dict({"host": host, "plain_http": True}, **options) for host in dict.fromkeys(hosts)]
    return Skopeo(accesses({"registries": entries}), timeout, runner)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media_type, **more):
    return dict({"mediaType": media_type, "digest": digest_of(data), "size": len(data)}, **more)


def image(architecture="riscv64", layers=(b"layer",), kind=OCI_MANIFEST, **config):
    """(bytes of a manifest, its blobs) of an image that could not run, but is well formed.

    ``config`` is what its config says besides.
    """
    said = dict({"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}, **config)
    blobs = [json.dumps(said).encode()] + list(layers)
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": descriptor(blobs[0], _CONFIGS[kind]),
        "layers": [descriptor(layer, _LAYERS[kind]) for layer in layers],
    }
    return json.dumps(manifest).encode(), blobs


def index(entries, kind=OCI_INDEX):
    """Bytes of an index of descriptors."""
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()


def entry(manifest, architecture, kind=OCI_MANIFEST, **more):
    """What an index says of an image."""
    return descriptor(manifest, kind, platform=dict({"os": "linux", "architecture": architecture}, **more))


def push_image(host, repository, tag, architecture="riscv64", layers=(b"layer",), kind=OCI_MANIFEST):
    """Publish an image; returns its digest."""
    manifest, blobs = image(architecture, layers, kind)
    for blob in blobs:
        push_blob(host, repository, blob)
    return push_manifest(host, repository, tag or digest_of(manifest), kind, manifest)


def push_index(host, repository, tag, architectures):
    """Publish an index with an image for each architecture, and a build attestation; returns its digest."""
    entries = []
    for architecture in architectures:
        layers = (b"layer of " + architecture.encode(),)
        push_image(host, repository, None, architecture, layers)
        entries.append(entry(image(architecture, layers)[0], architecture))
    push_image(host, repository, None, "unknown", (b"attestation",))
    entries.append(
        descriptor(
            image("unknown", (b"attestation",))[0], OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"}
        )
    )
    return push_manifest(host, repository, tag, OCI_INDEX, index(entries))


def push_blob(host, repository, data):
    location = _request(host, "POST", "/v2/%s/blobs/uploads/" % repository, 202)[1]["Location"]
    _request(
        host,
        "PUT",
        "%s&digest=%s" % (location, digest_of(data)),
        201,
        data,
        {"Content-Type": "application/octet-stream"},
    )


def push_manifest(host, repository, reference, kind, data):
    """Publish a manifest or an index; returns its digest."""
    _request(host, "PUT", "/v2/%s/manifests/%s" % (repository, reference), 201, data, {"Content-Type": kind})
    return digest_of(data)


def held(host, repository, reference):
    """Digest of what the name stands for, None for nothing."""
    kinds = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))
    data = _request(host, "GET", "/v2/%s/manifests/%s" % (repository, reference), None, headers={"Accept": kinds})[0]
    return data and digest_of(data)


def blob(host, repository, digest):
    return _request(host, "GET", "/v2/%s/blobs/%s" % (repository, digest), 200)[0]


def _request(host, method, path, expected, body=None, headers=None):
    """(body, headers) of an answer; with ``expected`` None the body is None for a name that is not there."""
    path = path[path.index("/v2/") :]
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        connection.request(method, path, body, dict({"Authorization": BASIC}, **(headers or {})))
        response = connection.getresponse()
        data = response.read()
    assert response.status in ((expected,) if expected else (200, 404)), (method, path, response.status, data)
    return (None if response.status == 404 else data), response.headers


def served(layer_sent, repository="app", tag="1"):
    """Answers of a made-up registry (see scripted) that holds one image, whose layer comes as ``layer_sent``."""
    manifest, (config, layer) = image()
    found = (200, {"Content-Type": OCI_MANIFEST}, manifest)
    base = "/v2/%s/" % repository
    return {
        ("GET", "/v2/"): (200, {}, b"{}"),
        ("GET", base + "manifests/" + tag): found,
        ("GET", base + "manifests/" + digest_of(manifest)): found,
        ("GET", base + "blobs/" + digest_of(config)): (200, {}, config),
        ("GET", base + "blobs/" + digest_of(layer)): layer_sent,
    }


class FullDisk(Runner):
    """Where skopeo fetches an image, it ends as on a full disk (recorded from 1.9.3)."""

    def run(self, argv, **options):
        if not argv[-1].startswith("dir:"):
            return super().run(argv, **options)
        return Result(
            argv,
            1,
            "",
            'level=fatal msg="writing blob: write %s/dir-put-blob1912111467: no space left on device"\n' % argv[-1][4:],
        )


def certificate(folder, start="20200101000000Z", end="20400101000000Z"):
    """Write a self-signed certificate for 127.0.0.1 that is valid from ``start`` to ``end``; returns (certificate, key)
    as texts.
    """
    openssl = program("openssl", "openssl")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = x\n[x]\nnew_certs_dir = .\ndatabase = index\nserial = serial\ndefault_md = sha256\npolicy "
        "= p\nx509_extensions = e\n"
        "[p]\ncommonName = supplied\n[e]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = "
        "CA:true\n[req]\ndistinguished_name = n\n[n]\n"
    )
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    make_key = [
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "request.pem",
        "-subj",
        "/CN=test",
        "-config",
        "ca.cnf",
    ]
    sign = [
        "ca",
        "-batch",
        "-selfsign",
        "-notext",
        "-config",
        "ca.cnf",
        "-keyfile",
        "key.pem",
        "-in",
        "request.pem",
        "-out",
        "certificate.pem",
        "-startdate",
        start,
        "-enddate",
        end,
    ]
    for arguments in (make_key, sign):
        subprocess.run([openssl] + arguments, cwd=str(folder), check=True, capture_output=True)
    return str(folder / "certificate.pem"), str(folder / "key.pem")
