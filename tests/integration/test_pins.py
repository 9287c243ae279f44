# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet collects images, really: what we tagged stays, what nobody pinned goes. Without pins, preload is what is
offered.
"""

from __future__ import annotations

import json
import uuid

import modules
import pytest
from runs import play

pytestmark = pytest.mark.slow
DROP_IN = "/etc/rancher/k3s/config.yaml.d/90-collect.yaml"
# The kubelet collects every 5 minutes; the first time, when it starts, it knows no size of the disk yet.
COLLECT = json.dumps({"kubelet-arg": ["image-gc-high-threshold=1", "image-gc-low-threshold=0"]})
# Of local-path's pod for a new volume: nothing runs it.
UNUSED = "docker.io/rancher/mirrored-library-busybox:1.34.1"


@pytest.fixture(name="healed")
def _healed(lab, request, tmp_path):
    """A lab with the containerd that the test asks for, healed by tags, and the name of an image on its agent that
    nobody pinned or runs.
    """
    lab.lab("reset", "--containerd", request.param)
    play(lab, "riscv.k3s.build_images")
    run = play(lab, "riscv.k3s.site", "-e", json.dumps({"riscv_k3s_fixes": ["tag"]}))
    control = "%s/tests/control-%s:1" % (lab.registry, uuid.uuid4().hex[:8])
    # Content of its own: an image by another name would be one image with two names to the kubelet.
    (tmp_path / "note").write_text(control, encoding="utf-8")
    build = {
        "src": modules.program("pause"),
        "entrypoint": ["/pause"],
        "files": [{"src": str(tmp_path / "note"), "dest": "/note"}],
    }
    modules.build(lab, tmp_path, dict(build, image=control))
    done = modules.task(lab, tmp_path, lab.agent, "crictl_image_pull", {"images": [control], "architecture": "riscv64"})
    assert done["changed"], done
    yield run, control
    lab.lab("reset")


def collect(lab, *gone):
    """Let the kubelet of the agent collect images, until these names are gone."""
    lab.exec(lab.agent, "mkdir -p $(dirname %s)" % DROP_IN)
    lab.write(lab.agent, DROP_IN, COLLECT)
    lab.lab("restart", lab.agent)
    lab.wait(
        "%s is collected" % ", ".join(gone),
        lambda: not set(gone) & modules.image_names(lab, lab.agent),
        420,
        interval=5,
    )


def running(lab):
    return {
        pod["metadata"]["uid"]
        for pod in lab.get("pods", "-n", "kube-system")["items"]
        if pod["status"]["phase"] == "Running"
    }


@pytest.mark.parametrize("healed", ["2"], indirect=True)
def test_what_we_tagged_stays(lab, healed):
    run, control = healed
    assert "does not honour pins" not in run.text
    pinned = {name for name in modules.image_names(lab, lab.agent) if name.startswith("docker.io/rancher/")}
    assert UNUSED in pinned and len(pinned) >= 5
    before = running(lab)
    collect(lab, control)
    assert pinned <= modules.image_names(lab, lab.agent)
    again = play(lab, "riscv.k3s.site", "-e", json.dumps({"riscv_k3s_fixes": ["tag"]}))
    assert again.changed == {"board-1": 0, "board-2": 0}
    assert running(lab) >= before


@pytest.mark.parametrize("healed", ["1"], indirect=True)
def test_without_pins_the_run_says_so_and_heals_what_was_collected(lab, healed):
    run, control = healed
    assert "does not honour pins" in run.text and "preload" in run.text
    collect(lab, control, UNUSED)
    again = play(lab, "riscv.k3s.site", "-e", json.dumps({"riscv_k3s_fixes": ["tag"]}))
    assert UNUSED in modules.image_names(lab, lab.agent)
    assert again.changed["board-2"] > 0 and "All healthy." in again.text
