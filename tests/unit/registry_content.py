# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images in registries, and certificates for those, for tests."""

import hashlib
import json
import subprocess

from ansible_collections.riscv.k3s.plugins.module_utils._registry_options import connector
from registry_servers import program

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def connect(host, **options):
    """The Registry for a host on 127.0.0.1, plain http unless ``options`` say otherwise."""
    entry = dict({"host": host, "plain_http": True, "tls_verify": True, "ca_file": None, "username": None, "password": None}, **options)
    return connector({"registries": [entry], "timeout": 5})(host)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media_type, **more):
    return dict({"mediaType": media_type, "digest": digest_of(data), "size": len(data)}, **more)


def image(architecture="riscv64", layers=(b"layer",)):
    """(bytes of a manifest, its blobs) of an image that could not run, but is well formed."""
    config = json.dumps({"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    blobs = [config] + list(layers)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers],
    }
    return json.dumps(manifest).encode(), blobs


def push_image(registry, repository, tag, architecture="riscv64", layers=(b"layer",)):
    """Publish an image; returns its digest."""
    manifest, blobs = image(architecture, layers)
    for blob in blobs:
        registry.push_blob(repository, digest_of(blob), len(blob), data=blob)
    registry.push_manifest(repository, tag or digest_of(manifest), OCI_MANIFEST, manifest)
    return digest_of(manifest)


def push_index(registry, repository, tag, architectures):
    """Publish an index with an image for each architecture, and a build attestation; returns its digest."""
    entries = []
    for architecture in architectures:
        layers = (b"layer of " + architecture.encode(),)
        push_image(registry, repository, None, architecture, layers)
        entries.append(descriptor(image(architecture, layers)[0], OCI_MANIFEST, platform={"os": "linux", "architecture": architecture}))
    push_image(registry, repository, None, "unknown", (b"attestation",))
    entries.append(descriptor(image("unknown", (b"attestation",))[0], OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"}))
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    registry.push_manifest(repository, tag, OCI_INDEX, index)
    return digest_of(index)


def certificate(folder, start="20200101000000Z", end="20400101000000Z"):
    """Write a self-signed certificate for 127.0.0.1 that is valid from ``start`` to ``end``; returns (certificate, key) as texts."""
    openssl = program("openssl", "openssl")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = x\n[x]\nnew_certs_dir = .\ndatabase = index\nserial = serial\ndefault_md = sha256\npolicy = p\nx509_extensions = e\n"
        "[p]\ncommonName = supplied\n[e]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:true\n[req]\ndistinguished_name = n\n[n]\n"
    )
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    make_key = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=test", "-config", "ca.cnf"]
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
        subprocess.run([openssl] + arguments, cwd=str(folder), check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return str(folder / "certificate.pem"), str(folder / "key.pem")
