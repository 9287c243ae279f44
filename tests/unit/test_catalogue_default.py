# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue that comes with the collection: it serves every stock image, and an inventory's entries stand before
it.
"""

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.defaults import (
    default_catalogue,
    default_entries,
    merge,
)

RELEASES = [first for first, dummy, dummy in _releases._rows()]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: "%d.%d.%d" % release)
def test_every_known_stock_image_has_a_source_and_a_remark(release):
    for name, image in _releases.stock_images("%d.%d.%d" % release).items():
        if image.tag:
            entry = _catalogue.find(default_entries(), ImageName.parse("%s:%s" % (name, image.tag)), "riscv64")
            assert entry and entry.remark


@pytest.mark.parametrize(
    "image, source",
    [
        ("mirrored-pause:3.6", "docker.io/carvicsforth/pause:3.10.2"),
        ("mirrored-pause:3.10.2", "docker.io/carvicsforth/pause:3.10.2"),
        ("mirrored-coredns-coredns:1.9.1", "docker.io/coredns/coredns:1.11.3"),
        ("mirrored-coredns-coredns:1.12.1", "docker.io/coredns/coredns:1.12.1"),
        ("mirrored-coredns-coredns:1.14.7", None),
        ("local-path-provisioner:v0.0.21", "docker.io/rancher/local-path-provisioner:v0.0.30"),
        ("local-path-provisioner:v0.0.37", None),
        ("mirrored-library-busybox:1.34.1", "docker.io/library/busybox:1.36.1"),
        ("mirrored-library-busybox:1.37.0", "docker.io/library/busybox:1.37.0"),
        ("mirrored-metrics-server:v0.5.2", "docker.io/carvicsforth/metrics-server:v0.6.3"),
        ("mirrored-metrics-server:v0.8.1", "docker.io/carvicsforth/metrics-server:v0.7.2"),
        ("mirrored-metrics-server:v0.9.0", "docker.io/carvicsforth/metrics-server:v0.9.0"),
        ("mirrored-library-traefik:2.6.2", "docker.io/library/traefik:2.10.5"),
        ("mirrored-library-traefik:2.11.24", "docker.io/library/traefik:2.11.24"),
        ("mirrored-library-traefik:3.7.8", None),
        ("klipper-helm:v0.7.3-build20220613", "docker.io/carvicsforth/klipper-helm:v0.8.0-build20230716"),
        ("klipper-helm:v0.11.0-build20260602", "docker.io/carvicsforth/klipper-helm:v0.9.3-build20241008"),
        ("klipper-helm:v0.13.3-build20260727", None),
        ("klipper-lb:v0.3.5", "docker.io/carvicsforth/klipper-lb:v0.4.4"),
        ("klipper-lb:v0.4.17", "docker.io/carvicsforth/klipper-lb:v0.4.17"),
    ],
)
def test_sources_of_old_and_new_tags(image, source):
    """None: the stock image itself."""
    name = ImageName.parse("rancher/" + image)
    assert _catalogue.find(default_entries(), name, "riscv64").source_for(name) == (source or name.full)


def test_an_inventory_s_entries_win():
    own = [{"stock": "docker.io/rancher/mirrored-pause", "source": "reg:5000/pause:1"}]
    name = ImageName.parse("rancher/mirrored-pause:3.6")
    assert _catalogue.find(_catalogue.read(merge(own)), name, "riscv64").source == "reg:5000/pause:1"
    assert merge(own, defaults=False) == own
    assert len(merge([])) == len(default_catalogue())


def test_copies_of_the_public_sources():
    catalogue = _catalogue.read(merge([], prefix="reg:5000/mirror/"))
    for image, source in (
        ("mirrored-pause:3.6", "reg:5000/mirror/carvicsforth/pause:3.10.2"),
        ("mirrored-coredns-coredns:1.14.6", "reg:5000/mirror/rancher/mirrored-coredns-coredns:1.14.6"),
    ):
        name = ImageName.parse("rancher/" + image)
        assert _catalogue.find(catalogue, name, "riscv64").source_for(name) == source


def test_what_is_merged_is_the_caller_s_own():
    merge([])[0]["source"] = "changed"
    assert default_catalogue()[0]["source"] != "changed"


def test_what_is_no_list():
    with pytest.raises(Problem):
        merge({"stock": "x"})


def test_metrics_server_of_old_k3s_is_said_to_differ():
    """k3s 1.24.1 to 1.24.6 does not let v0.6 read what it needs; from v0.6 on there is nothing to say of that."""
    remarks = {
        tag: _catalogue.find(
            default_entries(), ImageName.parse("rancher/mirrored-metrics-server:" + tag), "riscv64"
        ).remark
        for tag in ("v0.5.2", "v0.6.1")
    }
    assert "does not become Ready" in remarks["v0.5.2"] and "does not become Ready" not in remarks["v0.6.1"]
    assert _releases.stock_images("1.24.6")["docker.io/rancher/mirrored-metrics-server"].tag == "v0.5.2"
    assert _releases.stock_images("1.24.7")["docker.io/rancher/mirrored-metrics-server"].tag == "v0.6.1"


@pytest.mark.parametrize(
    "prefix", ["myhost", "myhost/mirror", "http://h:1/x", "user:hunter2@h.example:1/x", "h:99999/x"]
)
def test_a_prefix_below_which_names_are_docker_io_s(prefix):
    with pytest.raises(
        Problem, match="riscv_k3s_catalogue_prefix must begin with a registry.*needs its port"
    ) as caught:
        merge([], prefix=prefix)
    assert "hunter2" not in str(caught.value)
