# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The k3s that users of RISC-V run: builds of a fork, with images of its own; and a registry before all names."""

from __future__ import annotations

import pytest
from planning import fleet_of, held, observed, settings_of

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.klipper import klipper
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.defaults import default_entries
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Supply

VERSION = "v1.36.3+k3s-54c12b8f"
# As a fork's build of 1.36.3 ships them.
PAUSE, METRICS = "docker.io/carvicsforth/pause:3.10.2", "docker.io/carvicsforth/metrics-server:v0.9.0"
BUSYBOX, LB = "docker.io/library/busybox:1.37.0", "docker.io/carvicsforth/klipper-lb:v0.4.17"
STOCK = {
    "docker.io/rancher/mirrored-coredns-coredns:1.14.6",
    "docker.io/rancher/local-path-provisioner:v0.0.37",
    "docker.io/rancher/mirrored-library-traefik:3.7.8",
    "docker.io/rancher/klipper-helm:v0.13.3-build20260727",
}
# And a build of the unchanged sources with a registry before all names.
REGISTRY = "registry.example:5000"
RANCHER = ("mirrored-metrics-server:v0.9.0", "mirrored-library-busybox:1.37.0", "mirrored-pause:3.10.2")


def workload(name, image):
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: kube-system}\nspec:\n  template:\n"
        '    spec:\n      containers:\n      - {name: %s, image: "%s"}\n' % (name, name, image)
    )


def manifests(metrics, busybox, registry=""):
    """Packaged manifests, reduced to what names an image."""
    helper = "spec: {containers: [{name: helper, image: '%s'}]}" % busybox
    chart = (
        "kind: HelmChart\nmetadata: {name: traefik, namespace: kube-system}\nspec:\n  chart: traefik\n"
        "  valuesContent: |-\n    image: {repository: rancher/mirrored-library-traefik, tag: 3.7.8}\n"
    )
    chart += "  set: {global.systemDefaultRegistry: '%s'}\n" % registry.rstrip("/")
    texts = {
        "coredns.yaml": workload("coredns", registry + "rancher/mirrored-coredns-coredns:1.14.6"),
        "local-storage.yaml": workload("local-path", registry + "rancher/local-path-provisioner:v0.0.37")
        + "---\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  helperPod.yaml: |-\n    kind: Pod\n    %s\n" % helper,
        "metrics-server/deployment.yaml": workload("metrics-server", metrics),
        "traefik.yaml": chart,
    }
    return [{"path": path, "text": text, "skip": False, "sha256": "1"} for path, text in texts.items()]


def board(files, pause, images=(), config=None, pods=(), version=VERSION, **more):
    rows, problems = demand(files, pause, pods)
    assert problems == []
    api = {"reachable": True, "error": None, "nodes": [], "pods": list(pods), "addons": []}
    return observed(
        images,
        rows,
        manifests=files,
        pause_image=pause,
        config=config or {},
        k3s={"version": version, "running": True, "role": "server"},
        api=api,
        **more,
    )


def fork(**more):
    return board(manifests(METRICS, BUSYBOX), PAUSE, **more)


def prefixed(**more):
    metrics, busybox, pause = ("%s/rancher/%s" % (REGISTRY, name) for name in RANCHER)
    config = {"system-default-registry": REGISTRY}
    return board(manifests(metrics, busybox, REGISTRY + "/"), pause, config=config, **more)


def planned(seen, answers=None, **variables):
    """{image: its row of the plan} by the default catalogue."""
    made = _run.present(one(seen, **variables), answers or {})
    return made, {row["image"]: row for row in made["boards"]["board-1"]["images"]}


def one(seen, **variables):
    return fleet_of({"board-1": (seen, settings_of(**dict({"catalogue": None}, **variables)))})


def answered(seen, has=True, cause=None, **variables):
    (question,) = _run.questions(one(seen, **variables))
    rows = [{"image": name, "has_architecture": has, "cause": cause, "message": "m"} for name in question.images]
    return {question.key: rows}


@pytest.mark.parametrize("version", ["v1.26.3+k3s-73fec085", "v1.36.3+k3s-54c12b8f"])
def test_a_build_of_one_s_own_uses_the_table_of_its_release_as_approximate(version):
    release, own = (_releases.stock_images(text) for text in (version.partition("-")[0] + "1", version))
    assert {name: image.tag for name, image in own.items()} == {name: image.tag for name, image in release.items()}
    assert all(image.sure == _releases.APPROXIMATE for image in own.values())


def test_the_plan_of_a_fork_s_board_with_the_default_catalogue_has_nothing_impossible():
    made, rows = planned(fork())
    assert set(rows) == STOCK | {PAUSE, METRICS, BUSYBOX, LB}
    assert {name: row["fix"] for name, row in rows.items()} == dict.fromkeys(rows, "stock")
    assert made["boards"]["board-1"]["problems"] == [] and made["changes"] == 0
    assert not rows[LB]["required"] and "under the name of the fork" in rows[LB]["where"][0]


def test_what_a_fork_s_board_holds_is_present():
    dummy, rows = planned(fork(images=[held(name, pinned=False) for name in STOCK | {PAUSE, METRICS, BUSYBOX, LB}]))
    assert {row["fix"] for row in rows.values()} == {"present"}


def test_a_fork_s_image_of_another_architecture_is_brought_again_from_itself():
    dummy, rows = planned(fork(images=[held(METRICS, platforms=["linux/amd64"])]))
    assert (rows[METRICS]["fix"], rows[METRICS]["tag_from"]) == ("tag", METRICS)


@pytest.mark.parametrize(
    "image, source",
    [
        ("reg:5000/riscv64/coredns:1.12.1", True),
        ("reg:5000/riscv64/coredns:1.12.2", False),
        ("docker.io/coredns/coredns:1.12.1", True),
        ("docker.io/coredns/coredns:1.9.1", False),
    ],
)
def test_an_image_that_is_a_known_source_is_supply_for_itself_whatever_its_name(image, source):
    own = [{"stock": "docker.io/rancher/mirrored-coredns-coredns", "source": "reg:5000/riscv64/coredns:1.12.1"}]
    offer = Supply(_catalogue.read(own) + default_entries()).offer(ImageName.parse(image), "riscv64")
    assert (offer.source, offer.unserved[0]) == ((image, "stock") if source else (None, "impossible"))
    other = Supply(_catalogue.read(own) + default_entries()).offer(ImageName.parse(image), "amd64")
    assert other.source is None, "it is known for riscv64 alone"


def pod(image, name="svclb-traefik-1", **more):
    container = {"name": "c", "image": image}
    return dict({"namespace": "kube-system", "name": name, "containers": [container]}, **more)


@pytest.mark.parametrize(
    "config, pods, helm, lb",
    [
        ({}, [], None, LB),
        ({}, [pod("docker.io/carvicsforth/klipper-lb:v9")], None, "docker.io/carvicsforth/klipper-lb:v9"),
        ({}, [pod("ghcr.io/me/klipper-helm:v2", "helm-install-x")], "ghcr.io/me/klipper-helm:v2", LB),
        ({"helm-controller-arg": ["default-job-image=reg:5000/helm:1"]}, [], "reg:5000/helm:1", LB),
        ({"helm-controller-arg": ["default-job-image=Not An Image"]}, [], None, LB),
        ({"system-default-registry": REGISTRY + "/"}, [], REGISTRY, REGISTRY + "/carvicsforth/klipper-lb:v0.4.17"),
        # The inventory's own doing tells nothing of who built it.
        ({"pause-image": "carvicsforth/pause:3.10.2"}, [], None, "docker.io/rancher/klipper-lb:v0.4.17"),
    ],
)
def test_the_klipper_images_of_a_fork_are_in_the_demand(config, pods, helm, lb):
    asked = [PAUSE] if "pause-image" in config else [PAUSE, METRICS]
    rows = klipper(VERSION, manifests(METRICS, BUSYBOX), config, pods, asked)
    stock = "docker.io/rancher/klipper-helm:v0.13.3-build20260727"
    wanted = stock.replace("docker.io", REGISTRY) if helm == REGISTRY else helm or stock
    assert [row["image"] for row in rows] == [wanted, lb]


def test_a_chart_s_own_job_image_is_in_the_demand():
    text = "kind: HelmChart\nmetadata: {name: x}\nspec: {chart: y, jobImage: carvicsforth/klipper-helm:v1}\n"
    rows, dummy = demand([{"path": "x.yaml", "text": text, "skip": False, "sha256": "1"}])
    assert [(row["image"], row["required"]) for row in rows] == [("docker.io/carvicsforth/klipper-helm:v1", True)]


def test_a_release_that_is_no_fork_s_keeps_the_stock_names():
    rows = klipper("v1.36.3+k3s1", [], {}, [], [PAUSE, METRICS])
    assert [row["image"] for row in rows] == ["docker.io/rancher/klipper-lb:v0.4.17"]


def test_entries_match_below_system_default_registry_too():
    made, rows = planned(prefixed())
    assert made["boards"]["board-1"]["problems"] == [] and len(rows) == 8
    assert all(name.startswith(REGISTRY + "/rancher/") for name in rows)
    assert {row["fix"] for row in rows.values()} == {"tag"}
    assert rows[REGISTRY + "/rancher/mirrored-pause:3.10.2"]["tag_from"] == PAUSE
    coredns = rows[REGISTRY + "/rancher/mirrored-coredns-coredns:1.14.6"]
    assert coredns["tag_from"] == "docker.io/rancher/mirrored-coredns-coredns:1.14.6"


def test_a_fork_s_names_below_a_registry_are_known():
    files = manifests(REGISTRY + "/docker.io/carvicsforth/metrics-server:v0.9.0", BUSYBOX)
    config = {"system-default-registry": REGISTRY}
    dummy, rows = planned(board(files, REGISTRY + "/carvicsforth/pause:3.10.2", config=config))
    assert {row["fix"] for row in rows.values()} <= {"tag", "stock"}
    assert rows[REGISTRY + "/docker.io/carvicsforth/metrics-server:v0.9.0"]["tag_from"] == METRICS


def test_that_registry_is_asked_and_what_it_holds_is_pulled_from_it():
    seen = prefixed()
    (question,) = _run.questions(one(seen))
    assert question.prefix is None and len(question.images) == 8, "klipper-helm and klipper-lb are asked for, too"
    dummy, rows = planned(seen, answered(seen))
    assert {row["fix"] for row in rows.values()} == {"mirror"}
    reason = rows[REGISTRY + "/rancher/mirrored-pause:3.10.2"]["reason"]
    assert reason == "it is not in the store, and registry.example:5000 serves it"


@pytest.mark.parametrize("has, cause, told", [(False, "no-such-image", False), (None, "registry-auth", True)])
def test_what_that_registry_does_not_hold_or_tell_is_tagged(has, cause, told):
    seen = prefixed()
    made, rows = planned(seen, answered(seen, has, cause))
    assert {row["fix"] for row in rows.values()} == {"tag"}
    assert any("could not be asked" in text for text in made["warnings"]) == told


def test_a_converged_board_below_a_registry_asks_nothing_and_changes_nothing():
    names = [row["image"] for row in planned(prefixed())[1].values()]
    seen = prefixed(images=[held(name, pinned=False) for name in names])
    assert _run.questions(one(seen)) == []
    made, rows = planned(seen)
    assert {row["fix"] for row in rows.values()} == {"present"} and made["changes"] == 0


def test_that_registry_is_not_asked_where_the_inventory_wants_no_mirror():
    assert _run.questions(one(prefixed(), fixes=["tag"])) == []


def test_an_agent_s_images_below_the_registry_of_its_server_are_known():
    agent = observed(
        [], [{"image": REGISTRY + "/rancher/mirrored-pause:3.10.2", "where": ["x"], "required": True}], config={}
    )
    fleet = fleet_of({name: (seen, settings_of(catalogue=None)) for name, seen in (("b1", prefixed()), ("b2", agent))})
    assert _run.present(fleet, {})["boards"]["b2"]["problems"] == []


def test_the_lock_asks_that_registry_first():
    dummy, rows = planned(prefixed())
    name = REGISTRY + "/rancher/mirrored-pause:3.10.2"
    (candidate,) = _lock.candidates([{"images": [rows[name]], "architecture": "riscv64"}])
    assert candidate["sources"] == [name, PAUSE]


def test_the_next_version_s_images_stand_below_that_registry_too():
    dummy, rows = planned(prefixed(), target_version="v1.35.8+k3s1")
    assert REGISTRY + "/rancher/mirrored-coredns-coredns:1.14.6" in rows
    assert not any(name.startswith("docker.io/") for name in rows)


@pytest.mark.parametrize(
    "text, registries, expected",
    [
        ("reg:5000/rancher/a:1", ["reg:5000"], "docker.io/rancher/a:1"),
        ("reg:5000/x/rancher/a:1", ["reg:5000/x"], "docker.io/rancher/a:1"),
        ("reg:5000/docker.io/me/a:1", ["reg:5000"], "docker.io/me/a:1"),
        ("reg:50001/rancher/a:1", ["reg:5000"], "reg:50001/rancher/a:1"),
        ("docker.io/rancher/a:1", [], "docker.io/rancher/a:1"),
    ],
)
def test_names_without_a_registry_before_them(text, registries, expected):
    assert _mirror.without_registry(ImageName.parse(text), registries).full == expected


def test_odd_settings_are_no_registry():
    boards = [{"config": None}, {}, {"config": {"system-default-registry": ["a"]}}]
    boards.append({"config": {"system-default-registry": "reg:5000/"}})
    assert _mirror.default_registries(boards) == {"reg:5000"}
