# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A k3s that was upgraded after prepare_upgrade needs no run: the kubelets pull the new stock names from the mirror by
themselves.
"""

from __future__ import annotations

import json
import uuid

import modules
import pytest

pytestmark = pytest.mark.slow


def run(lab, folder, playbook, prefix, **variables):
    """Run a playbook with the mirror; it must end well."""
    given = dict({"riscv_k3s_mirror_prefix": prefix, "riscv_k3s_target_disable": ["traefik", "servicelb"]}, **variables)
    done = modules.play(
        lab, folder, "riscv.k3s." + playbook, "-e", json.dumps({key: value for key, value in given.items() if value})
    )
    assert done.rc == 0, done.output
    return done


def versions(lab):
    """(letter of the version that runs, letter of the other)."""
    running = lab.exec(lab.server, ["k3s", "--version"]).stdout
    return ("A", "B") if lab.versions["A"] in running else ("B", "A")


def pods(lab):
    """{name of the workload: (ready, the images its containers ask for)} of kube-system."""
    items = lab.get("pods", "-n", "kube-system")["items"]
    return {
        pod["metadata"]["name"].rsplit("-", 2)[0]: (
            all(state["ready"] for state in pod["status"].get("containerStatuses", [{"ready": False}])),
            [container["image"] for container in pod["spec"]["containers"]],
        )
        for pod in items
        if not pod["metadata"].get("deletionTimestamp")
    }


@pytest.fixture(name="prefix")
def _prefix(lab, connected, tmp_path):
    """Where nothing is published yet. Afterwards the boards are as before: without a mirror, and with the version they
    had.
    """
    before = versions(lab)[0]
    run(lab, tmp_path, "build_images", None)
    yield "%s/stock-%s" % (lab.registry, uuid.uuid4().hex[:8])
    if versions(lab)[0] != before:
        lab.lab("upgrade", before)
    run(lab, tmp_path, "site", None)


def test_an_upgrade_that_was_prepared_needs_no_run(lab, tmp_path, prefix):
    running, other = versions(lab)
    run(lab, tmp_path, "prepare_upgrade", prefix, riscv_k3s_target_version=lab.versions[running])
    run(lab, tmp_path, "site", prefix)
    run(lab, tmp_path, "prepare_upgrade", prefix, riscv_k3s_target_version=lab.versions[other])
    checked = run(lab, tmp_path, "upgrade_check", prefix, riscv_k3s_target_version=lab.versions[other])
    [table] = [
        row["result"]["ansible_facts"]["upgrade_results"]["riscv64"]
        for row in checked.rows
        if "upgrade_results" in row["result"].get("ansible_facts", {})
    ]
    new = {row["image"] for row in table["rows"]}
    for board in (lab.server, lab.agent):
        modules.remove_images(lab, board, *new)

    lab.lab("upgrade", other)

    def moved_and_ready():
        now = pods(lab)
        asked = {"docker.io/" + image for dummy, images in now.values() for image in images}
        # CoreDNS is the overlay's, which names the image of the version it was made from.
        expected = {image for image in new if "local-path" in image or "metrics-server" in image}
        return expected <= asked and all(ready for ready, dummy in now.values())

    lab.wait("every pod is Ready on images of %s" % lab.versions[other], moved_and_ready, seconds=180, interval=2)
    held = modules.image_names(lab, lab.server) | modules.image_names(lab, lab.agent)
    assert {image for image in new if "pause" in image} <= held
