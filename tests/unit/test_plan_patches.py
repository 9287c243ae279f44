# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which manifests the plan patches, by tables of cases: overlays, edits in place, values of charts."""

from __future__ import annotations

import copy

import pytest
from planning import CATALOGUE, COREDNS, MANIFEST, PATCH, PAUSE, decide, file, held, observed

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue


def overlay_of(text, patch=None):
    patches = normalise_patches([patch or PATCH])
    return file("coredns-riscv64.yaml", _overlay.make_overlays(text.encode(), "coredns.yaml", patches)[1].decode())


@pytest.mark.parametrize(
    "files, reason",
    [
        ([file("coredns.yaml", MANIFEST)], "it has no overlay"),
        ([file("coredns.yaml", MANIFEST, skip=True), overlay_of(MANIFEST)], None),
        ([file("coredns.yaml", MANIFEST), overlay_of(MANIFEST)], "deployed in addition to its overlay"),
        ([file("coredns.yaml", MANIFEST + "# new k3s\n", skip=True), overlay_of(MANIFEST)], "older packaged file"),
        (
            [file("coredns.yaml", MANIFEST, skip=True), overlay_of(MANIFEST, dict(PATCH, command=["/other"]))],
            "other patches",
        ),
        ([file("coredns.yaml", MANIFEST, skip=True), file("coredns-riscv64.yaml", "kind: X")], "it has no overlay"),
    ],
)
def test_patches(files, reason):
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue[1]["patch"] = PATCH
    plan = decide(observed([held(PAUSE), held(COREDNS)], manifests=files), catalogue=_catalogue.read(catalogue))
    assert [row["patch"] for row in plan["patches"]["present"]] == ([PATCH] if reason else [])
    assert plan["changes"] == bool(reason)
    if reason:
        assert reason in plan["patches"]["present"][0]["reason"]


def test_an_overlay_whose_patch_left_the_catalogue_is_taken_back():
    plan = decide(
        observed(
            [held(PAUSE), held(COREDNS)], manifests=[file("coredns.yaml", MANIFEST, skip=True), overlay_of(MANIFEST)]
        )
    )
    assert [row["manifest"] for row in plan["patches"]["absent"]] == ["coredns.yaml"]
    assert plan["changes"] == 1


def test_patch_in_place_is_seen_in_the_text():
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue[1]["patch"] = PATCH
    settings = {"catalogue": _catalogue.read(catalogue), "patch_mode": "in_place"}
    board = observed([held(PAUSE), held(COREDNS)], manifests=[file("coredns.yaml", MANIFEST)])
    assert len(decide(board, **settings)["patches"]["present"]) == 1
    board["manifests"] = [file("coredns.yaml", MANIFEST + "        command: [/coredns]\n")]
    assert decide(board, **settings)["patches"]["present"] == []


CHART_PATCH = {
    "manifest": "traefik.yaml",
    "kind": "HelmChart",
    "name": "traefik",
    "values": {"image": {"tag": "3.7.8"}},
}
CHART = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: traefik, namespace: kube-system}\n"


def chart_config(text, patch):
    body = b"kind: HelmChartConfig\n"
    return file(
        "traefik-riscv64-config.yaml",
        _overlay.with_headers(body, text.encode(), "traefik.yaml", normalise_patches([patch]))[1].decode(),
    )


@pytest.mark.parametrize("mode", ["overlay", "in_place"])
@pytest.mark.parametrize(
    "files, reason",
    [
        ([file("traefik.yaml", CHART)], "no HelmChartConfig"),
        ([file("traefik.yaml", CHART), chart_config(CHART, CHART_PATCH)], None),
        ([file("traefik.yaml", CHART + "# new k3s\n"), chart_config(CHART, CHART_PATCH)], "older packaged file"),
        ([file("traefik.yaml", CHART), chart_config(CHART, dict(CHART_PATCH, values={"a": 1}))], "other patches"),
    ],
)
def test_values_of_a_chart(files, reason, mode):
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue[1]["patch"] = CHART_PATCH
    plan = decide(
        observed([held(PAUSE), held(COREDNS)], manifests=files), catalogue=_catalogue.read(catalogue), patch_mode=mode
    )
    assert [row["patch"] for row in plan["patches"]["present"]] == ([CHART_PATCH] if reason else [])
    if reason:
        assert reason in plan["patches"]["present"][0]["reason"]


def test_values_that_left_the_catalogue_are_taken_back():
    plan = decide(
        observed(
            [held(PAUSE), held(COREDNS)], manifests=[file("traefik.yaml", CHART), chart_config(CHART, CHART_PATCH)]
        )
    )
    assert [row["manifest"] for row in plan["patches"]["absent"]] == ["traefik.yaml"]


def test_an_agent_is_never_patched():
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue[1]["patch"] = PATCH
    plan = decide(
        observed(),
        [observed(manifests=[file("coredns.yaml", MANIFEST)])],
        catalogue=_catalogue.read(catalogue),
        role="agent",
    )
    assert plan["patches"] == {"present": [], "absent": []}


def test_an_amd64_server_is_patched_for_its_riscv64_agents():
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue[1]["patch"] = PATCH
    board = observed(architecture="amd64", manifests=[file("coredns.yaml", MANIFEST)])
    plan = decide(board, catalogue=_catalogue.read(catalogue), cluster_architectures=["amd64", "riscv64"])
    assert (len(plan["patches"]["present"]), plan["tags"]) == (1, [])
