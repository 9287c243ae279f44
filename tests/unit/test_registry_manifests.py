# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and indexes as values: what registries really send, and every way in which it can be another thing."""

import json

import pytest
import registry_content as content

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import (
    Descriptor,
    Malformed,
    Platform,
    platform_text,
    read,
)

KINDS = {content.OCI_MANIFEST: content.OCI_INDEX, content.DOCKER_MANIFEST: content.DOCKER_LIST}
DIGEST = "sha256:" + "a" * 64
BLOB = {"mediaType": "x", "digest": DIGEST, "size": 5}


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest(kind):
    data, blobs = content.image(layers=(b"one", b"three"), kind=kind)
    found = read(data)
    assert (found.media_type, found.digest, found.data, found.is_index, found.entries) == (
        kind,
        content.digest_of(data),
        data,
        False,
        [],
    )
    assert found.config.digest == content.digest_of(blobs[0])
    assert [(layer.digest, layer.size) for layer in found.layers] == [
        (content.digest_of(b"one"), 3),
        (content.digest_of(b"three"), 5),
    ]
    assert found.blobs == {content.digest_of(blob): len(blob) for blob in blobs}


@pytest.mark.parametrize("kind, inner", [(index, manifest) for manifest, index in KINDS.items()])
def test_an_index(kind, inner):
    data = content.index([content.entry(b"{}", "arm", inner, variant="v7"), content.descriptor(b"[]", kind)], kind)
    found = read(data)
    assert (found.media_type, found.digest, found.is_index, found.config, found.blobs) == (
        kind,
        content.digest_of(data),
        True,
        None,
        {},
    )
    platform = {"os": "linux", "architecture": "arm", "variant": "v7"}
    assert found.entries[0] == Descriptor(inner, content.digest_of(b"{}"), 2, platform)
    assert [(entry.is_index, entry.platform is None) for entry in found.entries] == [(False, False), (True, True)]


def without_media_type(data):
    return json.dumps({key: value for key, value in json.loads(data).items() if key != "mediaType"}).encode()


def test_oci_documents_need_not_say_what_they_are():
    assert read(without_media_type(content.image()[0])).media_type == content.OCI_MANIFEST
    assert read(without_media_type(content.index([]))).media_type == content.OCI_INDEX


def test_an_empty_platform_says_nothing():
    assert read(content.index([dict(BLOB, platform={})])).entries[0].platform is None


def manifest(**changes):
    return dict({"schemaVersion": 2, "mediaType": content.OCI_MANIFEST, "config": BLOB, "layers": [BLOB]}, **changes)


def listed(*entries, **changes):
    return dict({"schemaVersion": 2, "mediaType": content.OCI_INDEX, "manifests": list(entries)}, **changes)


def test_what_the_table_of_malformed_ones_begins_with_is_well_formed():
    assert read(json.dumps(manifest()).encode()).layers and read(json.dumps(listed(BLOB)).encode()).entries


BAD_DIGESTS = [
    None,
    "",
    5,
    ["sha256:" + "a" * 64],
    "a" * 64,
    "sha256:",
    "sha256:" + "a" * 63,
    "sha256:" + "a" * 65,
    "sha256:" + "A" * 64,
    "sha256:../../x",
    "sha256:../../../../../../etc/cron.d/x" + "a" * 33,
    "sha256:/etc/passwd",
    "sha256:" + "a" * 63 + "/",
    "sha256:" + "a" * 64 + "\n",
    "sha512:" + "a" * 128,
    "../../x:" + "a" * 64,
]
BAD_SIZES = [None, -1, True, False, "5", 5.0, (1 << 40) + 1, 1 << 70, [5], {}]
BAD_PARTS = [None, "x", 5, [], {}]


@pytest.mark.parametrize("digest", BAD_DIGESTS)
@pytest.mark.parametrize(
    "make",
    [lambda blob: manifest(config=blob), lambda blob: manifest(layers=[BLOB, blob]), lambda blob: listed(BLOB, blob)],
)
def test_what_is_no_digest_becomes_no_name_of_a_file(make, digest):
    with pytest.raises(Malformed, match="which is not a sha256 digest"):
        read(json.dumps(make(dict(BLOB, digest=digest))).encode())


@pytest.mark.parametrize("size", BAD_SIZES)
@pytest.mark.parametrize(
    "make",
    [lambda blob: manifest(config=blob), lambda blob: manifest(layers=[BLOB, blob]), lambda blob: listed(BLOB, blob)],
)
def test_what_is_no_size_limits_nothing(make, size):
    with pytest.raises(Malformed, match="for the size of " + DIGEST):
        read(json.dumps(make(dict(BLOB, size=size))).encode())


@pytest.mark.parametrize("part", BAD_PARTS)
@pytest.mark.parametrize("make", [lambda blob: manifest(config=blob), lambda blob: manifest(layers=[blob]), listed])
def test_what_is_no_descriptor(make, part):
    with pytest.raises(Malformed, match="holds something that is not a descriptor|which is not a sha256 digest"):
        read(json.dumps(make(part)).encode())


@pytest.mark.parametrize("value", [None, "x", {}, 5, True, [BLOB] * 1001])
@pytest.mark.parametrize("key, make", [("layers", manifest), ("manifests", listed)])
def test_what_is_no_list_of_a_length_that_occurs(key, make, value):
    with pytest.raises(Malformed, match="%s is not a list of at most 1000" % key):
        read(json.dumps(make(**{key: value})).encode())
    assert read(json.dumps(make(**{key: [BLOB] * 1000})).encode())


WEIRD = {
    "nothing": (b"", "no JSON"),
    "half": (b'{"schemaVersion": 2, ', "no JSON"),
    "a list": (b"[]", "no JSON object"),
    "text": (b'"x"', "no JSON object"),
    "null": (b"null", "no JSON object"),
    "not utf-8": (b'{"mediaType": "\xff"}', "no JSON"),
    "nested without end": (b"[" * 100000, "no JSON"),
    "a long number": (b'{"schemaVersion": ' + b"9" * 100000 + b"}", "no JSON|schema"),
    "a web page": (b"\n <!DOCTYPE html><html></html>", "a web page in place of a manifest"),
    "docker schema 1": (
        json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode(),
        "schema 1, which is of a kind that containerd does not run",
    ),
    "signed schema 1": (
        json.dumps(manifest(mediaType="application/vnd.docker.distribution.manifest.v1+prettyjws")).encode(),
        "does not run",
    ),
    "an artifact": (
        json.dumps(manifest(mediaType="application/vnd.oci.artifact.manifest.v1+json")).encode(),
        "artifact.manifest.v1.json, which is of a kind",
    ),
    "a media type that is a list": (json.dumps(manifest(mediaType=[content.OCI_MANIFEST])).encode(), "no media type"),
    "a media type that is empty": (json.dumps(manifest(mediaType="")).encode(), "no media type"),
    "no key": (b"{}", "schema None"),
    "a platform that is text": (
        json.dumps(listed(dict(BLOB, platform="linux/riscv64"))).encode(),
        "the platform of " + DIGEST,
    ),
    "a platform that is a list": (
        json.dumps(listed(dict(BLOB, platform=["linux"]))).encode(),
        "the platform of " + DIGEST,
    ),
}


@pytest.mark.parametrize("data, message", WEIRD.values(), ids=WEIRD.keys())
def test_malformed(data, message):
    with pytest.raises(Malformed, match=message):
        read(data)


def test_a_media_type_of_a_part_that_is_no_text_is_none():
    assert read(json.dumps(listed(dict(BLOB, mediaType=5))).encode()).entries[0].media_type == ""


def best(wanted, *platforms):
    """Positions of those that fit, the best first."""
    ranked = [(wanted.rank(platform), number) for number, platform in enumerate(platforms)]
    return [number for rank, number in sorted(pair for pair in ranked if pair[0] is not None)]


def linux(architecture, variant=None, **more):
    return dict({"os": "linux", "architecture": architecture}, **dict({"variant": variant} if variant else {}, **more))


@pytest.mark.parametrize(
    "wanted, platforms, fitting",
    [
        (Platform("riscv64"), [linux("riscv64")], [0]),
        (
            Platform("riscv64"),
            [dict(linux("riscv64"), os="freebsd"), {"architecture": "riscv64"}, dict(linux("riscv64"), os=None)],
            # containerd takes its own system where none is named.
            [1, 2],
        ),
        (Platform("riscv64"), [{"os": "Linux", "architecture": "RISCV64"}, {"os": "WINDOWS"}], [0]),
        (
            Platform("riscv64"),
            [linux("amd64"), {}, {"os": "unknown", "architecture": "unknown"}, linux(None), linux(["riscv64"])],
            [],
        ),
        # A program for rva23 does not run on a board of rva20.
        (Platform("riscv64"), [linux("riscv64", "rva23u64"), linux("riscv64")], [1]),
        (Platform("riscv64"), [linux("riscv64", "rva23u64")], []),
        (Platform("riscv64", "rva23u64"), [linux("riscv64"), linux("riscv64", "rva23u64")], [1]),
        (Platform("riscv64", "rva23u64"), [linux("riscv64", "rva22u64"), linux("riscv64")], []),
        (Platform("riscv64", ""), [linux("riscv64")], [0]),
        (Platform("arm64"), [linux("arm64", "v8"), linux("arm64"), linux("arm64", "v9")], [1, 0]),
        (Platform("amd64"), [linux("amd64", "v3"), linux("amd64", "v1"), linux("amd64")], [2, 1]),
        (
            Platform("arm"),
            [linux("arm", "v5"), linux("arm", "v6"), linux("arm", "v7"), linux("arm"), linux("arm", "v8")],
            [3, 2, 1, 0],
        ),
        (Platform("arm", "v6"), [linux("arm", "v5"), linux("arm", "v6"), linux("arm", "v7"), linux("arm")], [1]),
        # What uname says, as containerd takes it.
        (Platform("arm64"), [linux("aarch64"), linux("aarch64", "8"), linux("arm64", "v9")], [0, 1]),
        (Platform("amd64"), [linux("x86_64"), linux("x86-64", "v1"), linux("i386")], [0, 1]),
        (Platform("386"), [linux("i386"), linux("x86_64")], [0]),
        (Platform("arm"), [linux("armhf"), linux("armel"), linux("arm", "7")], [0, 2, 1]),
        (Platform("riscv64"), [linux("riscv64", **{"os.version": "6", "os.features": ["x"]})], [0]),
        (
            Platform("riscv64"),
            [
                dict(linux("riscv64"), variant=5),
                dict(linux("riscv64"), variant=["x"]),
                dict(linux("riscv64"), variant=None),
            ],
            [2],
        ),
    ],
)
def test_which_platform_fits(wanted, platforms, fitting):
    assert best(wanted, *platforms) == fitting


def test_platforms_as_text():
    assert (str(Platform("riscv64")), str(Platform("arm", "v6"))) == ("riscv64", "arm/v6")
    assert [platform_text(value) for value in (linux("arm", "v7"), linux("riscv64"), {}, {"architecture": 5})] == [
        "linux/arm/v7",
        "linux/riscv64",
        "",
        "5",
    ]
