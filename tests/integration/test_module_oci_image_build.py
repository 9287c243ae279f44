# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oci_image_build against the lab's registry, from the controller."""

from __future__ import annotations

import os
import uuid

import modules
import pytest

pytestmark = pytest.mark.slow


def test_check_run_check_run_and_a_board_takes_it(lab, connected, tmp_path):
    image = "%s/tests/build-%s:1" % (lab.registry, uuid.uuid4().hex[:8])
    args = modules.by_http(
        {"src": modules.program("pause"), "image": image, "entrypoint": ["/pause"], "user": "65535:65535"}
    )
    taken = modules.steps(lab, tmp_path, "localhost", "oci_image_build", args)
    modules.assert_four_steps(taken)
    assert len(taken.done["layers_pushed"]) == 2 and taken.again["layers_pushed"] == []
    assert taken.done["diff"][0]["before"] == {} and taken.done["diff"][0]["after"]["digest"] == taken.done["digest"]
    try:
        pulled = modules.task(
            lab, tmp_path, lab.agent, "crictl_image_pull", {"images": [image], "architecture": "riscv64", "deep": True}
        )
        assert pulled["images"][0]["digest"] == taken.done["digest"]
    finally:
        modules.remove_images(lab, lab.agent, image)


def test_check_run_check_run_of_an_archive(lab, tmp_path):
    path = tmp_path / "pause.tar"
    args = {
        "src": modules.program("pause"),
        "image": "docker.io/rancher/test-pause:1",
        "push": False,
        "archive": str(path),
    }
    taken = modules.steps(lab, tmp_path, "localhost", "oci_image_build", args)
    modules.assert_four_steps(taken)
    assert os.path.getsize(path) > 100000
