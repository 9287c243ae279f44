# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which content a name stands for: indexes of the field, and registries that lie. With a stand-in for skopeo."""

import json

import pytest
import registry_content as content

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, failed
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry import copy as copying
from ansible_collections.riscv.k3s.plugins.module_utils._registry import read as reading
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

NAME = ImageName.parse("reg:5000/app:1")
RISCV64 = Platform("riscv64")


class FakeSkopeo:
    """Answers from ``manifests`` {tag or digest: bytes} and ``configs`` {digest of a manifest: its config}."""

    def __init__(self, top, *inner, configs=None, tags=()):
        self.manifests = dict({content.digest_of(data): data for data in (top,) + inner}, **{"1": top})
        self.configs, self.known_tags, self.asked = configs or {}, tags, []

    def manifest(self, name):
        self.asked.append(name.digest or name.tag)
        if self.asked[-1] not in self.manifests:
            raise failed("x cannot be read", name, 'level=fatal msg="manifest unknown"')
        return self.manifests[self.asked[-1]]

    def config(self, name):
        assert name.tag is None and name.digest in self.manifests, (
            "a config is asked for by the digest of what was checked"
        )
        return self.configs[name.digest]

    def tags(self, name):
        if isinstance(self.known_tags, Exception):
            raise self.known_tags
        return list(self.known_tags)


def images(*architectures, **said):
    """({architecture: manifest}, {digest: config}) of small images; ``said`` is what a config says in truth."""
    manifests, configs = {}, {}
    for architecture in architectures:
        manifest, blobs = content.image(architecture, (architecture.encode(),))
        manifests[architecture] = manifest
        configs[content.digest_of(manifest)] = dict(json.loads(blobs[0]), **said)
    return manifests, configs


def find(skopeo, platform=RISCV64):
    return reading.find(skopeo, NAME, platform)


def test_a_single_image():
    manifests, configs = images("riscv64")
    found = find(FakeSkopeo(manifests["riscv64"], configs=configs))
    assert (found.top, found.platforms) == (found.image, ["linux/riscv64"]) and found.image.data == manifests["riscv64"]


@pytest.mark.parametrize(
    "said, platforms",
    [
        ({"architecture": "amd64"}, ["linux/amd64"]),
        ({"os": "freebsd"}, ["freebsd/riscv64"]),
        ({"variant": "rva23u64"}, ["linux/riscv64/rva23u64"]),
    ],
)
def test_a_single_image_of_another_platform(said, platforms):
    manifests, configs = images("riscv64", **said)
    found = find(FakeSkopeo(manifests["riscv64"], configs=configs))
    assert (found.image, found.platforms) == (None, platforms)


@pytest.mark.parametrize("config", [[], "x", None, {}, {"architecture": ["riscv64"], "os": "linux"}, 5])
def test_a_config_that_is_none(config):
    manifest = images("riscv64")[0]["riscv64"]
    assert find(FakeSkopeo(manifest, configs={content.digest_of(manifest): config})).image is None


def test_an_index():
    manifests, configs = images("amd64", "riscv64")
    top = content.index([content.entry(manifests[one], one) for one in ("amd64", "riscv64")])
    skopeo = FakeSkopeo(top, *manifests.values(), configs=configs)
    found = find(skopeo)
    assert (found.top.data, found.image.data, found.platforms) == (
        top,
        manifests["riscv64"],
        ["linux/amd64", "linux/riscv64"],
    )
    assert skopeo.asked == ["1", content.digest_of(manifests["riscv64"])], "what does not fit is not read"
    assert find(skopeo, Platform("s390x")).image is None


def test_an_index_within_an_index():
    manifests, configs = images("amd64", "riscv64")
    inner = content.index([content.entry(manifests["riscv64"], "riscv64")])
    for entry in (content.descriptor(inner, content.OCI_INDEX), content.entry(inner, "riscv64", content.OCI_INDEX)):
        top = content.index([content.entry(manifests["amd64"], "amd64"), entry])
        found = find(FakeSkopeo(top, inner, *manifests.values(), configs=configs))
        assert (found.top.data, found.image.data) == (top, manifests["riscv64"])
        assert found.platforms[0] == "linux/amd64" and "linux/riscv64" in found.platforms


def test_entries_that_name_no_platform_are_looked_into():
    manifests, configs = images("amd64", "riscv64")
    top = content.index([content.descriptor(manifests[one], content.OCI_MANIFEST) for one in ("amd64", "riscv64")])
    found = find(FakeSkopeo(top, *manifests.values(), configs=configs))
    assert (found.image.data, found.platforms) == (manifests["riscv64"], ["linux/amd64", "linux/riscv64"])


def test_what_says_it_fits_goes_before_what_says_nothing():
    manifests, configs = images("riscv64", "other")
    configs[content.digest_of(manifests["other"])]["architecture"] = "riscv64"
    top = content.index(
        [content.descriptor(manifests["other"], content.OCI_MANIFEST), content.entry(manifests["riscv64"], "riscv64")]
    )
    assert find(FakeSkopeo(top, *manifests.values(), configs=configs)).image.data == manifests["riscv64"]


def test_an_index_that_lies_about_an_image():
    """It calls an amd64 image riscv64; the right one stands further below, without a platform."""
    manifests, configs = images("amd64", "riscv64")
    lie = content.entry(manifests["amd64"], "riscv64")
    found = find(FakeSkopeo(content.index([lie]), *manifests.values(), configs=configs))
    assert (found.image, found.platforms) == (None, ["linux/riscv64", "linux/amd64"])
    top = content.index([lie, content.descriptor(manifests["riscv64"], content.OCI_MANIFEST)])
    assert find(FakeSkopeo(top, *manifests.values(), configs=configs)).image.data == manifests["riscv64"]


def test_the_plain_variant_goes_before_a_newer_one():
    plain, blobs = content.image("riscv64", (b"plain",))
    newer, newer_blobs = content.image("riscv64", (b"newer",), variant="rva23u64")
    configs = {content.digest_of(plain): json.loads(blobs[0]), content.digest_of(newer): json.loads(newer_blobs[0])}
    top = content.index([content.entry(newer, "riscv64", variant="rva23u64"), content.entry(plain, "riscv64")])
    assert find(FakeSkopeo(top, plain, newer, configs=configs)).image.data == plain
    assert find(FakeSkopeo(top, plain, newer, configs=configs), Platform("riscv64", "rva23u64")).image.data == newer


def test_build_attestations_are_not_platforms():
    manifests, configs = images("riscv64", "attestation")
    said = [
        content.entry(manifests["riscv64"], "riscv64"),
        content.entry(manifests["attestation"], "unknown", os="unknown"),
    ]
    skopeo = FakeSkopeo(content.index(said), *manifests.values(), configs=configs)
    assert find(skopeo, Platform("arm64")).platforms == ["linux/riscv64"] and skopeo.asked == ["1"]


def test_an_entry_that_the_registry_does_not_have():
    manifests, configs = images("riscv64")
    with pytest.raises(
        RegistryProblem,
        match="its index lists %s, which the registry does not have" % content.digest_of(manifests["riscv64"]),
    ) as caught:
        find(FakeSkopeo(content.index([content.entry(manifests["riscv64"], "riscv64")]), configs=configs))
    assert caught.value.cause == "content-damaged"


def test_a_name_that_is_not_there():
    skopeo = FakeSkopeo(b"{}")
    del skopeo.manifests["1"]
    with pytest.raises(RegistryProblem) as caught:
        find(skopeo)
    assert caught.value.cause == "no-such-image"


@pytest.mark.parametrize("depth", [31, 32])
def test_indexes_are_followed_so_far(depth):
    """``depth`` indexes one within the other, and the image: 32 manifests are read, not 33."""
    manifests, configs = images("riscv64")
    chain = [manifests["riscv64"]]
    for _level in range(depth):
        chain.append(content.index([content.descriptor(chain[-1], content.OCI_INDEX)]))
    skopeo = FakeSkopeo(chain[-1], *chain, configs=configs)
    if depth == 31:
        assert find(skopeo).image.data == manifests["riscv64"]
        return
    with pytest.raises(RegistryProblem, match="more than 32 manifests in its indexes") as caught:
        find(skopeo)
    assert (caught.value.cause, len(skopeo.asked)) == ("content-damaged", 32)


def test_an_index_of_a_thousand_silent_entries_ends_too():
    manifests, configs = images(*("a%d" % number for number in range(40)))
    skopeo = FakeSkopeo(
        content.index([content.descriptor(one, content.OCI_MANIFEST) for one in manifests.values()]),
        *manifests.values(),
        configs=configs,
    )
    with pytest.raises(RegistryProblem, match="more than 32 manifests"):
        find(skopeo)
    assert len(skopeo.asked) == 32


def test_content_of_another_digest_is_refused():
    manifests, configs = images("riscv64", "amd64")
    skopeo = FakeSkopeo(
        content.index([content.entry(manifests["riscv64"], "riscv64")]), *manifests.values(), configs=configs
    )
    asked = content.digest_of(manifests["riscv64"])
    skopeo.manifests[asked] = manifests["amd64"]
    for ask in (lambda: find(skopeo), lambda: reading.manifest(skopeo, NAME._replace(tag=None, digest=asked))):
        with pytest.raises(RegistryProblem, match="%s came for it" % content.digest_of(manifests["amd64"])) as caught:
            ask()
        assert caught.value.cause == "content-damaged"


def test_a_web_page_in_place_of_a_manifest():
    with pytest.raises(RegistryProblem, match="what answers as reg:5000 is not a registry") as caught:
        find(FakeSkopeo(b"<html>Welcome to the hotel's network</html>"))
    assert caught.value.cause == "no-registry"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", content.index([dict(content.entry(b"", "riscv64"), digest="sha256:../../x")])]
)
def test_what_is_no_manifest(data):
    with pytest.raises(RegistryProblem, match="the manifest of reg:5000/app:1 cannot be used") as caught:
        find(FakeSkopeo(data))
    assert caught.value.cause == "content-damaged"


PROBLEM = RegistryProblem("no-such-image", "what", "nothing", "reg:5000", "correct the name")


@pytest.mark.parametrize(
    "tags, found",
    [
        (["1", "2"], "there are 1, 2"),
        (["t%02d" % number for number in range(25)], "there are t05, .*, t24 and 5 more"),
        ([], "no such repository there, or an empty one"),
        # What skopeo says of a 404 to this question, and the registry has just answered the other one.
        (RegistryProblem("no-registry", "x"), "no such repository there"),
        (RegistryProblem("registry-auth", "x"), "nothing"),
        (RegistryProblem("registry-timeout", "x"), "nothing"),
        (ValueError("no JSON"), "nothing"),
        (AttributeError("a list"), "nothing"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(tags, found):
    said = reading.not_found(FakeSkopeo(b"", tags=tags), NAME, PROBLEM)
    assert (said.cause, said.next_step) == ("no-such-image", "correct the name")
    pytest.raises(RegistryProblem, throw, said).match("Found: " + found)


def throw(problem):
    raise problem


def test_an_index_within_an_index_is_not_copied_as_a_whole():
    """skopeo --all would not copy the inner one's images."""
    manifests, configs = images("riscv64")
    inner = content.index([content.entry(manifests["riscv64"], "riscv64")])
    top = content.index([content.descriptor(inner, content.OCI_INDEX)])
    with pytest.raises(RegistryProblem, match="an index within an index"):
        copying.plan(
            FakeSkopeo(top, inner, *manifests.values(), configs=configs),
            NAME,
            ImageName.parse("reg:5000/copy:1"),
            copying.ALL,
        )
