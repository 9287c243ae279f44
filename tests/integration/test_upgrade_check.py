# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade_check and prepare_upgrade against the lab's registry. The boards are not touched; the registry gets a prefix
of its own.
"""

from __future__ import annotations

import json
import uuid

import modules
import pytest

VERSION = "v1.36.3+k3s1"
WITHOUT = ["traefik", "servicelb"]  # nobody has images for them in the lab
TAGS = {
    "rancher/local-path-provisioner": "v0.0.37",
    "rancher/mirrored-coredns-coredns": "1.14.6",
    "rancher/mirrored-library-busybox": "1.37.0",
    "rancher/mirrored-metrics-server": "v0.9.0",
    "rancher/mirrored-pause": "3.10.2",
}


@pytest.fixture(scope="module", name="prefix")
def _prefix(lab, tmp_path_factory):
    """Where nothing is published yet, beside the images that the catalogue builds."""
    run = modules.play(lab, tmp_path_factory.mktemp("images"), "riscv.k3s.build_images")
    assert run.rc == 0, run.output
    return "%s/upgrade-%s" % (lab.registry, uuid.uuid4().hex[:8])


def upgrade(lab, folder, playbook, *options, **variables):
    """Run a playbook for VERSION with extra variables."""
    given = dict({"riscv_k3s_target_version": VERSION, "riscv_k3s_target_disable": WITHOUT}, **variables)
    return modules.play(lab, folder, "riscv.k3s." + playbook, "-e", json.dumps(given), *options)


def fixes(run):
    """{repository:tag without docker.io: fix} of the last table that a run made."""
    tables = [
        row["result"]["ansible_facts"]["upgrade_results"]
        for row in run.rows
        if "upgrade_results" in row["result"].get("ansible_facts", {})
    ]
    table = tables[-1]["riscv64"]
    return {row["image"].partition("/")[2]: row["fix"] for row in table["rows"] if row["image"]}


def held(lab, prefix):
    """{repository: tags} that the registry itself says it has under the prefix."""
    found = {}
    for repository in TAGS:
        url = "http://%s/v2/%s/%s/tags/list" % (lab.registry, prefix.partition("/")[2], repository)
        said = lab.ctl(
            ["python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())", url],
            check=False,
        )
        if said.returncode == 0:
            found[repository] = json.loads(said.stdout)["tags"]
    return found


def test_a_safe_version(lab, tmp_path, prefix):
    run = upgrade(lab, tmp_path, "upgrade_check")
    assert run.rc == 0, run.output
    assert fixes(run) == {"%s:%s" % item: "tag" for item in TAGS.items()}
    assert "SAFE: every stock image of this version is served." in run.output


def test_an_unsafe_version(lab, tmp_path, prefix):
    run = upgrade(lab, tmp_path, "upgrade_check", riscv_k3s_target_disable=[])
    assert run.rc == 2
    missing = sorted(name for name, fix in fixes(run).items() if fix is None)
    assert missing == [
        "rancher/klipper-helm:v0.13.3-build20260727",
        "rancher/klipper-lb:v0.4.17",
        "rancher/mirrored-library-traefik:3.7.8",
    ]
    assert "NOT SAFE: 3 to resolve before the upgrade." in run.output


def test_a_source_that_is_not_there(lab, tmp_path, prefix):
    catalogue = [{"stock": "docker.io/rancher/mirrored-pause", "source": "%s/riscv64/pause:99" % lab.registry}]
    run = upgrade(
        lab,
        tmp_path,
        "upgrade_check",
        riscv_k3s_target_disable=WITHOUT + ["coredns", "local-storage", "metrics-server"],
        riscv_k3s_catalogue=catalogue,
    )
    assert run.rc == 2
    assert "riscv64/pause:99 does not exist. Found: there are 1.0.0." in run.failures[0]["msg"]


def test_no_version(lab, tmp_path):
    run = modules.play(lab, tmp_path, "riscv.k3s.upgrade_check")
    assert (run.rc, len(run.failures)) == (2, 1)
    assert "riscv_k3s_target_version is not set" in run.failures[0]["msg"]


def test_prepare_check_run_check_run(lab, tmp_path, prefix):
    mirror = {"riscv_k3s_mirror_prefix": prefix}
    predicted = upgrade(lab, tmp_path, "prepare_upgrade", "--check", "--diff", **mirror)
    assert (predicted.rc, held(lab, prefix)) == (0, {}), predicted.output
    done = upgrade(lab, tmp_path, "prepare_upgrade", "--diff", **mirror)
    assert done.rc == 0, done.output
    copies = [run.result("riscv.k3s.upgrade : Copy into the registry", "localhost") for run in (predicted, done)]
    assert copies[0]["changed"] is True
    assert modules.told(copies[0]) == modules.told(copies[1])
    assert held(lab, prefix) == {repository: [tag] for repository, tag in TAGS.items()}
    lines = done.result("riscv.k3s.upgrade : Show what the registry has now", "localhost")["msg"]
    assert len(lines) == 1 + len(TAGS) and all("  yes " in line for line in lines[1:])
    for options in (["--check"], []):
        again = upgrade(lab, tmp_path, "prepare_upgrade", *options, **mirror)
        assert again.rc == 0 and "changed=0" in again.output, again.output
    checked = upgrade(lab, tmp_path, "upgrade_check", **mirror)
    assert (checked.rc, set(fixes(checked).values())) == (0, {"mirror"})


def test_prepare_without_a_prefix(lab, tmp_path):
    run = upgrade(lab, tmp_path, "prepare_upgrade")
    assert run.rc == 2
    assert "There is no place to publish images under stock names" in run.failures[0]["msg"]


def test_what_the_controller_sees(lab, tmp_path, prefix):
    """It reaches the private registry, and not docker.io."""
    args = {
        "images": [lab.registry + "/riscv64/pause:1.0.0", "docker.io/rancher/mirrored-pause:3.6"],
        "registries": [{"host": lab.registry, "plain_http": True}],
        "timeout": 3,
    }
    rows = modules.task(lab, tmp_path, "localhost", "registry_image_info", args)["images"]
    assert [row["has_architecture"] for row in rows] == [True, None], rows
    assert rows[0]["platforms"] == ["linux/riscv64"]
    assert rows[1]["cause"] in ("registry-name", "registry-refused", "registry-timeout", "registry-unreachable")
