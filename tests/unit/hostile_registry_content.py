# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by what a registry holds: manifests, indexes, configs and blobs that lie. See test_hostile_registry.py."""

import itertools
import json

import registry_content as content
from hostile_registry_world import layer, manifest, table

ATTACKS, attack = table()
_NOTHING = "sha256:" + "0" * 64
_ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202egnp\u2066\r\nTASK [ok]"


def _serves(world, data, kind=content.OCI_MANIFEST):
    """Have ``data`` (bytes, or a value for JSON) under the tag that is asked for."""
    return world.registry.put("1", data if isinstance(data, bytes) else json.dumps(data).encode(), kind=kind)


def _layers(world, *layers):
    _serves(world, manifest(layers=list(layers)))


def _chunks(size=1 << 20):
    return itertools.repeat(b"\0" * size)


# Paths and addresses in place of digests.


@attack("archived", "content-damaged")
def layer_digest_that_is_a_path(world):
    _layers(world, layer(digest="sha256:../../canary/file"))


@attack("archived", "content-damaged")
def layer_digest_that_is_an_absolute_path(world):
    _layers(world, layer(digest=str(world.folder / "canary" / "file")))


@attack("copied", "content-damaged")
def layer_digest_without_a_colon(world):
    _layers(world, layer(digest="0" * 64))


@attack("copied", "content-damaged")
def layer_digest_of_another_kind(world):
    _layers(world, layer(digest="sha512:" + "0" * 128))


@attack("copied", "content-damaged")
def layer_digest_with_a_line_at_its_end(world):
    _layers(world, layer(digest=content.digest_of(b"layer") + "\n"))


@attack("archived", "content-damaged")
def layer_digest_in_upper_case(world):
    _layers(world, layer(digest=content.digest_of(b"layer").upper().replace("SHA", "sha")))


@attack("archived", "content-damaged")
def config_digest_that_is_a_path(world):
    value = json.loads(manifest())
    value["config"]["digest"] = "sha256:../../../../etc/passwd"
    _serves(world, value)


@attack("copied_all", "content-damaged")
def index_entry_that_is_a_path(world):
    good = json.loads(content.index([content.entry(content.image()[0], "riscv64")]))
    good["manifests"][0]["digest"] = "sha256:../../canary/file"
    _serves(world, good, content.OCI_INDEX)


# JSON that two readers read in two ways: Go takes keys in any case, and the last of several.


def _second_layers(world, key):
    evil = json.dumps([layer(digest="sha256:../../canary/file")])
    _serves(world, manifest()[:-1] + (', "%s": %s}' % (key, evil)).encode())


@attack("archived", "content-damaged")
def layers_twice(world):
    _second_layers(world, "layers")


@attack("archived", "content-damaged")
def layers_once_more_as_go_reads_it(world):
    _second_layers(world, "Layers")


@attack("copied", "content-damaged")
def layers_once_more_with_a_long_s(world):
    _second_layers(world, "layer\u017f")


@attack("archived", "content-damaged")
def layer_with_two_digests(world):
    _layers(world, layer(Digest="sha256:../../canary/file"))


@attack("archived", "content-damaged")
def layer_with_two_sizes(world):
    _layers(world, layer(SIZE=1 << 39))


@attack("copied", "content-damaged")
def media_type_twice(world):
    _serves(world, manifest(MediaType=content.OCI_INDEX, manifests=[]))


@attack("copied", "content-damaged")
def index_and_manifest_at_once(world):
    _serves(world, manifest(manifests=[content.descriptor(b"x", content.OCI_MANIFEST)]))


@attack("copied", "content-damaged registry-fault")
def index_by_its_header_and_manifest_by_itself(world):
    _serves(world, manifest(), content.OCI_INDEX)


@attack("copied", "content-damaged registry-fault")
def schema_1_by_its_header_with_paths(world):
    blobs = [{"blobSum": "sha256:../../canary/file"}]
    _serves(
        world,
        manifest(fsLayers=blobs, history=[{"v1Compatibility": "{}"}]),
        "application/vnd.docker.distribution.manifest.v1+json",
    )


@attack("info", "content-damaged")
def schema_1(world):
    value = {
        "schemaVersion": 1,
        "fsLayers": [{"blobSum": _NOTHING}],
        "history": [{"v1Compatibility": "{}"}],
        "architecture": "riscv64",
    }
    _serves(world, value, "application/vnd.docker.distribution.manifest.v1+json")


@attack("info", "content-damaged")
def artifact_manifest(world):
    _serves(world, {"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": [layer()]})


@attack("info", "content-damaged no-registry")
def web_page_as_manifest(world):
    _serves(world, b"<!DOCTYPE html><html>please log in</html>", "text/html")


# JSON that is none, or is too much.


def _bad(name, data):
    def arrange(world):
        _serves(world, data)

    arrange.__name__ = name
    attack("archived", "content-damaged")(arrange)


_bad("manifest_of_nothing", b"")
_bad("manifest_of_zero_bytes", b"\0" * 1000)
_bad("manifest_that_is_a_list", b"[]")
_bad("manifest_that_is_null", b"null")
_bad("manifest_that_ends_too_early", manifest()[:-20])
_bad("manifest_with_more_after_it", manifest() + b"{}")
_bad("manifest_that_is_no_utf_8", manifest().replace(b"riscv64", b"\xff\xfe\x80") + b"\xff")
_bad("manifest_with_bytes_that_are_no_utf_8_in_a_text", manifest(annotations={"x": "@"}).replace(b"@", b"\xff"))
_bad("manifest_with_a_mark_of_byte_order", b"\xef\xbb\xbf" + manifest())
_bad("manifest_that_nests_without_end", b"[" * 200000 + b"]" * 200000)
_bad("manifest_that_nests_objects_without_end", b'{"a":' * 200000 + b"1" + b"}" * 200000)
_bad("manifest_with_a_number_of_a_million_digits", manifest()[:-1] + b', "x": ' + b"9" * 1000000 + b"}")
_bad("manifest_without_a_config", manifest(config=None))
_bad("manifest_whose_config_is_a_text", manifest(config="sha256:1"))
_bad("manifest_whose_layers_are_an_object", manifest(layers={}))
_bad("manifest_whose_layers_are_texts", manifest(layers=["x"]))
_bad("manifest_of_100000_layers", manifest(layers=[{"digest": _NOTHING, "size": 1}] * 30000))
_bad("manifest_whose_type_is_a_list", manifest(mediaType=["x"]))
_bad("manifest_whose_type_acts_on_terminals", manifest(mediaType=_ESCAPES))
_bad("size_that_is_missing", manifest(layers=[layer(size=None)]))
_bad("size_below_nothing", manifest(layers=[layer(size=-1)]))
_bad("size_that_is_no_number", manifest(layers=[layer(size=float("nan"))]))
_bad("size_without_end", manifest().replace(b'"size": 5', b'"size": 1e999'))
_bad("size_that_is_a_fraction", manifest(layers=[layer(size=5.5)]))
_bad("size_that_is_a_text", manifest(layers=[layer(size="5")]))
_bad("size_that_is_true", manifest(layers=[layer(size=True)]))
_bad("size_beyond_64_bits", manifest(layers=[layer(size=1 << 70)]))
_bad("size_that_is_larger_than_the_layer", manifest(layers=[layer(size=6)]))
_bad("size_that_is_smaller_than_the_layer", manifest(layers=[layer(size=4)]))
_bad("digest_that_acts_on_terminals", manifest(layers=[layer(digest=_ESCAPES)]))


@attack("info", "content-damaged")
def index_whose_platform_is_a_text(world):
    _serves(
        world,
        content.index([content.descriptor(manifest(), content.OCI_MANIFEST, platform="linux/riscv64")]),
        content.OCI_INDEX,
    )


@attack("info", "no-platform")
def index_whose_platforms_act_on_terminals(world):
    _serves(world, content.index([content.entry(manifest(), _ESCAPES * 1000, variant={"x": []})]), content.OCI_INDEX)


@attack("info", "no-platform content-damaged")
def index_whose_platforms_are_lists(world):
    _serves(
        world,
        content.index([content.entry(manifest(), "riscv64", variant=["x"]), content.entry(manifest(), ["riscv64"])]),
        content.OCI_INDEX,
    )


@attack("info", "content-damaged")
def index_of_ten_thousand_entries(world):
    _serves(world, content.index([content.entry(manifest(), "riscv64")] * 10000), content.OCI_INDEX)


@attack("info", "content-damaged")
def index_of_a_thousand_silent_entries(world):
    images = [world.registry.put(None, *content.image("amd64", layers=(b"%d" % number,))) for number in range(1000)]
    _serves(
        world,
        content.index([{"mediaType": content.OCI_MANIFEST, "digest": digest, "size": 1} for digest in images]),
        content.OCI_INDEX,
    )


@attack("copied_all", "content-damaged")
def index_of_a_thousand_images_copied_whole(world):
    images = [world.registry.put(None, *content.image("amd64", layers=(b"%d" % number,))) for number in range(1000)]
    _serves(
        world,
        content.index([{"mediaType": content.OCI_MANIFEST, "digest": digest, "size": 1} for digest in images]),
        content.OCI_INDEX,
    )


@attack("info", "content-damaged")
def indexes_in_indexes_without_end(world):
    inner = manifest()
    for dummy in range(100):
        world.registry.put(None, inner)
        inner = content.index([content.descriptor(inner, content.OCI_INDEX)])
    _serves(world, inner, content.OCI_INDEX)


@attack("info", "content-damaged")
def index_that_names_what_is_not_there(world):
    _serves(world, content.index([content.entry(b"elsewhere", "riscv64")]), content.OCI_INDEX)


@attack("info", "no-platform")
def index_that_lies_about_the_architecture(world):
    digest = world.registry.put_image(None, "amd64")
    _serves(
        world,
        content.index([{"digest": digest, "size": 1, "platform": {"os": "linux", "architecture": "riscv64"}}]),
        content.OCI_INDEX,
    )


@attack("archived", "no-platform")
def config_for_freebsd(world):
    world.registry.put_image("1", os="freebsd")


# Configs.


def _config(name, data, ends="content-damaged no-platform", way="archived"):
    def arrange(world):
        value = json.loads(manifest())
        value["config"] = content.descriptor(data, "application/vnd.oci.image.config.v1+json")
        world.registry.put("1", json.dumps(value).encode(), [data])

    arrange.__name__ = name
    attack(way, ends)(arrange)


_config("config_that_is_no_json", b"\x1f\x8b\x08")
_config("config_of_nothing", b"")
_config("config_that_is_a_list", b'["riscv64"]')
_config("config_that_is_null", b"null")
_config("config_that_nests_without_end", b"[" * 200000 + b"]" * 200000)
_config(
    "config_that_nests_in_a_value",
    b'{"architecture":"riscv64","os":"linux","x":' + b"[" * 200000 + b"]" * 200000 + b"}",
)
_config("config_whose_architecture_is_a_list", b'{"architecture":["riscv64"],"os":"linux"}')
_config("config_whose_variant_is_an_object", b'{"architecture":"riscv64","os":"linux","variant":{"a":1}}')
_config("config_that_acts_on_terminals", json.dumps({"architecture": _ESCAPES, "os": _ESCAPES}).encode())
_config("config_with_half_characters", b'{"architecture":"\\ud800","os":"linux"}')
_config(
    "config_of_5_mib",
    b'{"architecture":"riscv64","os":"linux","x":"' + b"x" * (5 << 20) + b'"}',
    "content-damaged registry-fault",
)


@attack("info", "content-damaged registry-fault")
def config_with_another_content(world):
    world.registry.rule("GET .*/blobs/", (200, {}, content.image("amd64")[1][0]))


@attack("info", "content-damaged registry-fault")
def config_without_end(world):
    world.registry.rule("GET .*/blobs/", lambda asked, connection: (200, {}, _chunks()))


@attack("archived", "content-damaged")
def config_that_changes_after_it_was_read(world):
    config = content.image()[1][0]
    answers = iter([(200, {}, config)])
    world.registry.rule(
        "GET .*/blobs/" + content.digest_of(config), lambda asked, connection: next(answers, (200, {}, b"{}"))
    )


# Blobs.


def _blob(world, *answer):
    world.registry.rule("GET .*/blobs/" + content.digest_of(b"layer"), answer)


@attack("archived", "content-damaged")
def layer_with_another_content_of_the_same_size(world):
    _blob(world, 200, {}, b"LAYER")


@attack("archived", "content-damaged")
def layer_that_is_shorter(world):
    _blob(world, 200, {}, b"lay")


@attack("copied", "content-damaged")
def layer_that_is_longer(world):
    _blob(world, 200, {}, b"layer and more")


@attack("renamed", "content-damaged")
def layer_with_another_content_within_a_registry(world):
    _blob(world, 200, {}, b"LAYER")
    world.registry.rule("HEAD .*/blobs/", (404, {}, b""))


@attack("archived", "content-damaged")
def layer_of_600_mib_where_5_bytes_are_announced(world):
    world.registry.rule(
        "GET .*/blobs/" + content.digest_of(b"layer"), lambda *_: (200, {}, itertools.islice(_chunks(), 600))
    )


@attack("copied", "content-damaged")
def layer_without_end(world):
    world.registry.rule("GET .*/blobs/" + content.digest_of(b"layer"), lambda *_: (200, {}, _chunks()))


@attack("renamed", "content-damaged registry-timeout")
def layer_without_end_within_a_registry(world):
    world.registry.rule("GET .*/blobs/" + content.digest_of(b"layer"), lambda *_: (200, {}, _chunks()))
    world.registry.rule("HEAD .*/blobs/", (404, {}, b""))


@attack("archived", "content-damaged registry-timeout registry-broken")
def layer_with_a_length_of_a_tebibyte(world):
    _blob(world, 200, {"Content-Length": str(1 << 40)}, b"layer")


@attack("archived", "registry-timeout")
def layer_of_a_gibibyte_that_drips(world):
    """A few bytes now and then: there is always progress."""
    _layers(world, layer(size=1 << 30, digest=_NOTHING))
    world.registry.rule("GET .*/blobs/" + _NOTHING, lambda asked, connection: _drip(connection))


def _drip(connection):
    connection.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", *[b"x"] * 1000, pause=0.1)


@attack("archived", "problem")
def layers_that_no_disk_has_room_for(world):
    _layers(world, *[layer(size=60 << 30, digest="sha256:%064x" % number) for number in range(900)])


@attack("archived", "content-damaged")
def foreign_layer_on_another_host(world):
    address = world.other.url + "/layer"
    _layers(
        world,
        layer(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=[address], digest=_NOTHING),
    )
    world.other.rule("/layer", (200, {}, b"layer"))


@attack("archived", "content-damaged")
def foreign_layer_that_is_a_file(world):
    _layers(
        world,
        layer(
            mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar",
            urls=["file:///etc/passwd"],
            digest=_NOTHING,
        ),
    )


@attack("copied", "ok content-damaged")
def foreign_layer_that_is_there_as_well(world):
    _layers(
        world, layer(mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar", urls=["file:///etc/passwd"])
    )


# Pinned by digest, and read more than once.


@attack("info", "content-damaged")
def manifest_by_digest_with_another_content(world):
    world.image = "app@" + _NOTHING
    world.registry.rule(
        "GET .*/manifests/",
        (200, {"Content-Type": content.OCI_MANIFEST, "Docker-Content-Digest": _NOTHING}, manifest()),
    )


@attack("archived", "content-damaged")
def pinned_source_with_another_content(world):
    world.image = "app@" + _NOTHING
    world.registry.rule("GET .*/manifests/", (200, {"Content-Type": content.OCI_MANIFEST}, manifest()))


@attack("archived", "content-damaged")
def tag_that_is_not_what_a_lock_names(world):
    world.pinned = _NOTHING


@attack("copied", "content-damaged")
def index_by_digest_with_another_content(world):
    world.image = "app@" + _NOTHING
    world.registry.rule(
        "GET .*/manifests/",
        (200, {"Content-Type": content.OCI_INDEX}, content.index([content.entry(manifest(), "riscv64")])),
    )


def _then(world, pattern, first, rest):
    """One answer for so many questions, another ever after."""
    answers = iter(first)
    world.registry.rule(pattern, lambda *_: next(answers, rest))


@attack("archived", "ok")
def tag_that_moves_between_questions(world):
    evil = manifest(layers=[layer(digest="sha256:../../canary/file")])
    _then(
        world,
        "GET .*/manifests/1",
        [(200, {"Content-Type": content.OCI_MANIFEST}, manifest())],
        (200, {"Content-Type": content.OCI_MANIFEST}, evil),
    )


@attack("archived", "content-damaged registry-fault")
def manifest_by_digest_that_changes(world):
    good = (200, {"Content-Type": content.OCI_MANIFEST}, manifest())
    evil = (200, {"Content-Type": content.OCI_MANIFEST}, manifest(layers=[layer(digest="sha256:../../canary/file")]))
    _then(world, "GET .*/manifests/sha256:", [good], evil)


@attack("copied", "content-damaged registry-fault")
def manifest_by_digest_that_becomes_an_index(world):
    good = (200, {"Content-Type": content.OCI_MANIFEST}, manifest())
    _then(
        world,
        "GET .*/manifests/sha256:",
        [good],
        (200, {"Content-Type": content.OCI_INDEX}, content.index([content.entry(manifest(), "riscv64")])),
    )


@attack("archived", "ok")
def header_that_lies_about_the_digest(world):
    world.registry.rule(
        "GET .*/manifests/1",
        (200, {"Content-Type": content.OCI_MANIFEST, "Docker-Content-Digest": "sha256:../../x"}, manifest()),
    )


@attack("info", "content-damaged")
def manifest_in_gzip(world):
    """A bomb: asked for or not, some clients unpack it."""
    import gzip

    world.registry.rule("GET .*/manifests/", (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[" * (50 << 20))))


@attack("archived", "content-damaged")
def layer_in_gzip(world):
    import gzip

    _blob(world, 200, {"Content-Encoding": "gzip"}, gzip.compress(b"\0" * (300 << 20), 1))


# What people really have.


def _two(world):
    """An index of two images under the tag; returns its bytes."""
    images = [content.image("amd64", (b"a",)), content.image("riscv64", (b"r",))]
    for image in images:
        world.registry.put(None, *image)
    return content.index([content.entry(image[0], name) for image, name in zip(images, ("amd64", "riscv64"))])


@attack("archived", "ok")
def an_index_within_an_index(world):
    inner = _two(world)
    world.registry.put(None, inner, kind=content.OCI_INDEX)
    _serves(world, content.index([content.descriptor(inner, content.OCI_INDEX)]), content.OCI_INDEX)


@attack("copied", "ok")
def entries_without_a_platform(world):
    value = json.loads(_two(world))
    for entry in value["manifests"]:
        del entry["platform"]
    _serves(world, value, content.OCI_INDEX)


@attack("copied_all", "ok")
def a_whole_index(world):
    _serves(world, _two(world), content.OCI_INDEX)


@attack("info", "ok")
def a_variant_that_stands_first(world):
    first, plain = content.image(layers=(b"v",), variant="rva23u64"), content.image()
    for image in (first, plain):
        world.registry.put(None, *image)
    entries = [content.entry(first[0], "riscv64", variant="rva23u64"), content.entry(plain[0], "riscv64")]
    _serves(world, content.index(entries), content.OCI_INDEX)


@attack("archived", "no-platform")
def a_variant_that_stands_alone(world):
    world.registry.put_image("1", variant="rva23u64")


@attack("archived", "ok")
def a_layer_twice_in_an_image(world):
    _layers(world, layer(), layer())
