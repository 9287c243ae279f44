# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: what is read, which entry serves an image, and errors that name the entry."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue

PATCH = {
    "manifest": "coredns.yaml",
    "kind": "Deployment",
    "name": "coredns",
    "container": "coredns",
    "command": ["/coredns"],
}


def entry(**changes):
    return dict({"stock": "docker.io/rancher/mirrored-pause", "source": "reg:5000/riscv64/pause:3.10"}, **changes)


@pytest.mark.parametrize(
    "source, image, expected",
    [
        ("reg:5000/riscv64/pause:3.10", "rancher/mirrored-pause:3.6", "reg:5000/riscv64/pause:3.10"),
        ("reg:5000/riscv64/pause", "rancher/mirrored-pause:3.6", "reg:5000/riscv64/pause:3.6"),
        ("carvicsforth/pause", "rancher/mirrored-pause:3.6", "docker.io/carvicsforth/pause:3.6"),
    ],
)
def test_source_takes_the_stock_tag_when_it_has_none(source, image, expected):
    name = ImageName.parse(image)
    assert _catalogue.find(_catalogue.read([entry(source=source)]), name, "riscv64").source_for(name) == expected


@pytest.mark.parametrize(
    "image, architecture, source",
    [
        ("rancher/mirrored-pause:3.6", "riscv64", "reg:5000/old"),
        ("rancher/mirrored-pause:3.10.2", "riscv64", "reg:5000/new"),
        ("rancher/mirrored-pause:3.10.2", "arm64", "reg:5000/arm"),
        ("rancher/mirrored-pause:3.10.2", "amd64", None),
        ("rancher/klipper-lb:v0.4.17", "riscv64", None),
        ("rancher/mirrored-pause@sha256:" + "0" * 64, "riscv64", None),
    ],
)
def test_first_entry_that_fits_is_taken(image, architecture, source):
    catalogue = _catalogue.read(
        [
            entry(source="reg:5000/old:1", tags="3.6"),
            entry(source="reg:5000/new:1"),
            entry(source="reg:5000/never:1"),
            entry(source="reg:5000/arm:1", architecture="arm64"),
        ]
    )
    found = _catalogue.find(catalogue, ImageName.parse(image), architecture)
    assert (found.source.rpartition(":")[0] if found else None) == source


@pytest.mark.parametrize(
    "raw, message",
    [
        ({}, "must be a list"),
        ([1], "entry 1 of riscv_k3s_catalogue"),
        ([entry(), entry(sorce="x")], "Where: entry 2 of riscv_k3s_catalogue"),
        ([entry(source=None)], "needs source"),
        ([entry(stock="")], "needs stock"),
        ([entry(stock="docker.io/rancher/mirrored-pause:3.6")], "without a tag"),
        ([entry(source="Not/Valid:1")], "not an image reference"),
        ([entry(min_version="master-head")], "min_version is not a version"),
        ([entry(patch=dict(PATCH, commnd=["x"]))], "commnd"),
        ([entry(patch="coredns.yaml")], "must be a dictionary"),
        ([entry(patch={key: PATCH[key] for key in ("manifest", "kind", "name", "container")})], "changes nothing"),
    ],
)
def test_errors_name_the_entry(raw, message):
    with pytest.raises(Problem) as caught:
        _catalogue.read(raw)
    assert message in str(caught.value)


def test_patches_of_several_architectures_are_not_repeated():
    catalogue = _catalogue.read([entry(patch=PATCH), entry(patch=PATCH, architecture="arm64")])
    image = ImageName.parse("rancher/mirrored-pause:3.6")
    assert [patch["command"] for patch in _catalogue.patches_for(catalogue, image, ["riscv64", "arm64", "amd64"])] == [
        ["/coredns"]
    ]


@pytest.mark.parametrize(
    "tag, fits",
    [
        ("1.14.6", True),
        ("1.14.10", True),
        ("v2.0", True),
        ("1.15", True),
        ("1.14.5", False),
        ("1.9.1", False),
        ("1.14", False),
        ("1.14.6-build20260625", True),
        ("master-head", False),
    ],
)
def test_min_version_compares_numbers(tag, fits):
    catalogue = _catalogue.read([entry(stock="a/b", min_version="1.14.6")])
    assert (_catalogue.find(catalogue, ImageName.parse("a/b:" + tag), "riscv64") is not None) == fits


STOCK = "docker.io/rancher/mirrored-coredns-coredns"
KNOWN = [
    {"stock": STOCK, "min_version": "1.14.6", "source": STOCK},
    {"stock": STOCK, "source": "docker.io/coredns/coredns:1.11.3"},
]


@pytest.mark.parametrize(
    "own, tag, told",
    [
        ({"source": "reg:5000/coredns:1"}, "1.14.6", True),
        ({"source": "reg:5000/coredns:1"}, "1.9.1", False),
        ({"source": "reg:5000/coredns:1", "keep": True}, "1.14.6", False),
        ({"source": STOCK}, "1.14.6", False),
        ({"source": "reg:5000/coredns:1", "tags": "1.9.*"}, "1.14.6", False),
        ({"source": "reg:5000/coredns:1", "architecture": "arm64"}, "1.14.6", False),
    ],
)
def test_overrides_that_upstream_has_made_needless(own, tag, told):
    found = _catalogue.needless(
        _catalogue.read([entry(stock=STOCK, **own)]),
        _catalogue.read(KNOWN),
        [ImageName.parse("%s:%s" % (STOCK, tag))],
        "riscv64",
    )
    assert len(found) == told
    if told:
        assert "has its own riscv64 content since 1.14.6" in found[0]
