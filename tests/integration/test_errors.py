# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can get wrong: one clear error that says what, where and the next step, and nothing is changed."""

from __future__ import annotations

import json

import modules
import pytest

RISCV, AMD64 = "10.99.0.1:5000/tests/right:1", "10.99.0.1:5000/tests/wrong:1"
STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
KEPT, PIN = "docker.io/tests/kept:1", "io.cri-containerd.pinned=pinned"
K3S, YAML = "/usr/local/bin/k3s", "/usr/lib/python3/dist-packages/yaml"
COREDNS = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns"}
# An account of the boards without rights, to which the controller's key opens as well.
OPERATOR = ("-e", "ansible_user=operator", "-e", "ansible_become=false")


@pytest.fixture(scope="module", autouse=True)
def _registry(lab, connected, tmp_path_factory):
    """An image for riscv64 and one for amd64, made of a program of the lab's own."""
    riscv = {"src": modules.program("pause"), "entrypoint": ["/pause"], "image": RISCV}
    amd64 = {"src": str(lab.state / "programs/board"), "architecture": "amd64", "image": AMD64}
    modules.build(lab, tmp_path_factory.mktemp("build"), riscv, amd64)


@pytest.fixture(name="refused")
def _refused(lab, tmp_path):
    """Run a module that must refuse, on a board: its result, whose parts are all there. The board is as it was."""

    def refused(board, module, args, *options):
        before = modules.state(lab, board)
        result = modules.failure(lab, tmp_path, board, module, args, options)
        assert modules.state(lab, board) == before
        assert result["msg"].startswith(result["what"]) and "Next: " in result["msg"], result["msg"]
        assert "\n" not in result["msg"].strip()
        return result

    return refused


@pytest.fixture(name="site_refused")
def _site_refused(lab, without_stock, tmp_path):
    """Run riscv.k3s.site with a catalogue of one image: {board: its error}. No board is changed.

    An error in a wave ends the run, so with images only the board of the first wave has one.
    """

    def site_refused(entry, *options):
        before = {board: modules.state(lab, board) for board in (lab.server, lab.agent)}
        catalogue = [dict({"stock": "docker.io/rancher/mirrored-coredns-coredns", "source": RISCV}, **entry)]
        values = {"riscv_k3s_catalogue": catalogue, "riscv_k3s_pull_retries": 0, "riscv_k3s_wait_timeout": 5}
        run = modules.play(lab, tmp_path, "riscv.k3s.site", "-e", json.dumps(values), *options)
        assert run.rc != 0, run.output
        assert "Traceback" not in run.output
        rows = [row for row in run.rows if row["status"] in ("failed", "unreachable")]
        assert {board: modules.state(lab, board) for board in before} == before, run.output
        failures = {row["host"]: row["result"]["msg"] for row in reversed(rows)}
        # One error a board: what comes after it tells how its wave ended, and repeats it.
        assert all(failures[row["host"]] in row["result"]["msg"] for row in rows), run.output
        return failures

    return site_refused


@pytest.fixture(scope="module", name="without_stock")
def _without_stock(lab):
    """Boards that lack the stock image of CoreDNS, as broken ones do; those that had it get it back."""
    had = [board for board in (lab.server, lab.agent) if STOCK in modules.image_names(lab, board)]
    for board in had:
        lab.exec(board, f"k3s ctr images tag {STOCK} {KEPT} && k3s ctr images rm {STOCK}")
    yield
    for board in (lab.server, lab.agent):
        modules.remove_images(lab, board, STOCK, RISCV, AMD64)
    for board in had:
        lab.exec(
            board,
            f"k3s ctr images tag {KEPT} {STOCK} && k3s ctr images label {STOCK} {PIN} && k3s ctr images rm {KEPT}",
        )


def pull(*images):
    return {"images": list(images), "architecture": "riscv64", "retries": 0}


def tag(source, *targets):
    return {"images": [{"source": source, "targets": list(targets)}], "architecture": "riscv64"}


def test_wrong_architecture(lab, refused):
    result = refused(lab.agent, "crictl_image_pull", pull(AMD64))
    assert "%s is amd64, board board-2 is riscv64" % AMD64 in result["msg"]


def test_wrong_architecture_in_the_store(lab, refused, tmp_path):
    modules.task(lab, tmp_path, lab.agent, "crictl_image_pull", {"images": [AMD64], "architecture": "any"})
    try:
        result = refused(lab.agent, "crictl_image_tag", tag(AMD64, STOCK))
    finally:
        modules.remove_images(lab, lab.agent, AMD64)
    assert "%s is amd64, board board-2 is riscv64" % AMD64 in result["msg"]


def test_wrong_architecture_in_site(lab, site_refused):
    assert "%s is amd64, board board-2 is riscv64" % AMD64 in site_refused({"source": AMD64})[lab.agent]


def test_missing_source(lab, refused):
    result = refused(lab.agent, "crictl_image_tag", tag(lab.registry + "/tests/none:1", STOCK))
    assert (
        "the image 10.99.0.1:5000/tests/none:1 is not in containerd's store" in result["msg"]
        and "crictl_image_pull" in result["next_step"]
    )


def test_missing_in_the_registry(lab, refused, site_refused):
    name = lab.registry + "/tests/none:1"
    wanted = "%s cannot be pulled: 10.99.0.1:5000 has no such name" % name
    result = refused(lab.agent, "crictl_image_pull", pull(name))
    assert wanted in result["msg"] and result["where"] == "registry 10.99.0.1:5000"
    assert wanted in site_refused({"source": name})[lab.agent]


def test_short_name(lab, refused, site_refused):
    """It means docker.io, as for containerd, which the board has no way to; the error says that."""
    full, hint = "docker.io/riscv64/coredns:1.0", "write it in front of the name: without one it means docker.io"
    result = refused(lab.agent, "crictl_image_tag", tag("riscv64/coredns:1.0", STOCK))
    assert "the image %s is not in containerd's store" % full in result["what"] and hint in result["next_step"]
    result = refused(lab.agent, "crictl_image_pull", pull("riscv64/coredns:1.0"))
    assert "%s cannot be pulled: the address of docker.io" % full in result["what"] and hint in result["next_step"]
    said = site_refused({"source": "riscv64/coredns:1.0"})[lab.agent]
    assert full in said and hint in said


def test_unreachable_registry(lab, refused, site_refused, tmp_path):
    name = "10.99.0.1:5999/tests/right:1"
    wanted = "%s cannot be pulled: nothing listens at the address of 10.99.0.1:5999" % name
    result = refused(lab.agent, "crictl_image_pull", pull(name))
    assert wanted in result["msg"] and "start the registry" in result["next_step"]
    assert wanted in site_refused({"source": name})[lab.agent]
    build = modules.by_http({"src": modules.program("pause"), "image": name})
    result = modules.failure(lab, tmp_path, "localhost", "oci_image_build", build)
    assert "10.99.0.1:5999" in result["msg"] and result["next_step"]


def test_unknown_container(lab, refused, site_refused):
    patch = dict(COREDNS, container="dns", command=["/coredns"])
    wanted = "coredns.yaml document"
    result = refused(lab.server, "k3s_manifest_patch", {"patches": [patch]})
    assert "dns" in result["what"] and wanted in result["where"] and "container coredns" in result["found"]
    assert wanted in site_refused({"patch": patch})[lab.server]


def test_server_without_pyyaml(lab, refused):
    patch = dict(COREDNS, command=["/coredns"])
    with modules.hidden(lab, lab.server, YAML):
        result = refused(lab.server, "k3s_manifest_patch", {"patches": [patch]})
    assert "PyYAML" in result["what"] and "python3-yaml" in result["next_step"]


def test_server_without_pyyaml_in_site(lab, site_refused):
    """It is found out before any board gets its images."""
    with modules.hidden(lab, lab.server, YAML):
        assert "PyYAML" in site_refused({"patch": dict(COREDNS, command=["/coredns"])})[lab.server]


@pytest.mark.parametrize(
    "board, module, args",
    [
        ("agent", "crictl_image_pull", pull(RISCV)),
        ("agent", "crictl_image_tag", tag(RISCV, STOCK)),
        ("server", "k3s_manifest_patch", {"patches": [dict(COREDNS, command=["/coredns"])]}),
        ("server", "k3s_pod_restart", {"selectors": ["k8s-app=kube-dns"]}),
    ],
)
def test_not_root(lab, refused, board, module, args):
    result = refused(getattr(lab, board), module, args, *OPERATOR)
    assert "needs root" in result["what"] and "become: true" in result["next_step"]


def test_not_root_in_site(site_refused):
    said = site_refused({}, *OPERATOR)
    assert ["needs root" in text and "become: true" in text for text in said.values()] == [True, True]


# Where k3s has unpacked nothing, either.
NO_DATA = {"data_dir": "/not/there"}


@pytest.mark.parametrize("module, args", [("crictl_image_pull", pull(RISCV)), ("crictl_image_tag", tag(RISCV, STOCK))])
def test_no_k3s(lab, refused, module, args):
    with modules.hidden(lab, lab.agent, K3S):
        result = refused(lab.agent, module, dict(args, **NO_DATA))
    assert result["what"] == "k3s was not found on this board" and "install k3s first" in result["next_step"]


def test_no_k3s_on_the_server(lab, refused, site_refused):
    with modules.hidden(lab, lab.server, K3S):
        assert (
            "k3s was not found"
            in refused(lab.server, "k3s_pod_restart", dict({"selectors": ["k8s-app=kube-dns"]}, **NO_DATA))["what"]
        )
        said = site_refused({})
    assert "k3s runs here as server, and its program was not found" in said[lab.server]
