# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could serve an image, by a table of supplies: decided before anybody looks into a store."""

import pytest
from planning import CATALOGUE, COREDNS, COREDNS_SOURCE, PAUSE, PAUSE_SOURCE

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import FIXES, Supply

MIRROR = "reg:5000/riscv64"
BUSYBOX = "docker.io/rancher/mirrored-library-busybox:1.37.0"


def offered(image=COREDNS, architecture="riscv64", is_pause=False, catalogue=None, **settings):
    entries = _catalogue.read(CATALOGUE if catalogue is None else catalogue)
    return Supply(entries, **settings).offer(ImageName.parse(image), architecture, is_pause)


@pytest.mark.parametrize(
    "wanted, fixes",
    [
        ({}, ("tag",)),
        ({"fixes": FIXES}, ("tag", "preload")),
        ({"fixes": FIXES, "image": PAUSE, "is_pause": True}, ("tag", "flag", "preload")),
        ({"fixes": ["flag"], "image": PAUSE}, ()),
        ({"fixes": ["preload", "tag"]}, ("preload", "tag")),
        ({"mirror": MIRROR, "served": [COREDNS]}, ("mirror", "tag")),
        ({"mirror": MIRROR, "served": [PAUSE]}, ("tag",)),
        ({"image": BUSYBOX}, ()),
        ({"image": BUSYBOX, "mirror": MIRROR, "served": [BUSYBOX]}, ("mirror",)),
        ({"architecture": "amd64"}, ()),
        # Containerd is told the source already: there is nothing to tag.
        ({"image": PAUSE_SOURCE, "is_pause": True, "fixes": ["flag", "tag"]}, ("flag",)),
    ],
)
def test_fixes_that_can_serve_it_in_the_wanted_order(wanted, fixes):
    assert offered(**wanted).fixes == fixes
    assert offered(**wanted).lasting == (fixes[0] if fixes else None)


@pytest.mark.parametrize(
    "wanted, word, reason",
    [
        ({"image": BUSYBOX}, "impossible", "the catalogue has no riscv64 source for " + BUSYBOX.rpartition(":")[0]),
        ({"fixes": ["mirror"]}, "impossible", "none of the fixes mirror can serve it"),
        ({"architecture": "amd64"}, "stock", "left to k3s: the catalogue has nothing for amd64"),
        (
            {"image": BUSYBOX, "catalogue": [{"stock": "rancher/mirrored-library-busybox", "source": BUSYBOX}]},
            "stock",
            "left to k3s: the stock image has content for riscv64",
        ),
    ],
)
def test_what_it_is_where_nothing_serves_it(wanted, word, reason):
    assert offered(**wanted).unserved == (word, reason)


def test_source_and_mirror_and_patch():
    offer = offered(mirror=MIRROR)
    assert (offer.source, offer.other, offer.patched, offer.needs_patch) == (
        COREDNS_SOURCE,
        COREDNS_SOURCE,
        None,
        False,
    )
    assert offer.mirrored == "reg:5000/riscv64/rancher/mirrored-coredns-coredns:1.9.1"
    assert offered(image="ghcr.io/a/b:1", mirror=MIRROR).mirrored is None, "docker.io alone is sent there"


def test_an_image_is_answered_once():
    supply = Supply(_catalogue.read(CATALOGUE))
    image = ImageName.parse(COREDNS)
    assert supply.offer(image, "riscv64") is supply.offer(image, "riscv64")


def test_fixes_are_checked_when_it_is_made():
    with pytest.raises(Problem, match="riscv_k3s_fixes names a fix that is not known. Found: magic"):
        Supply([], fixes=["magic"])
