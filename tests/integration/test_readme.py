# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who types what stands in README.md gets from broken boards to healthy ones: each of its three inventories, and its
four commands as they stand there. tests/unit/test_docs_languages.py holds the Chinese one equal.
"""

from __future__ import annotations

import json
import os

import pytest
from documents import README, ROOT, commands, inventories
from modules import REGISTRIES
from runs import Run

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.defaults import default_catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.wanted import upgrade_images

PUBLISH, PLAN, SITE, DIAGNOSE = commands(README)
# Nobody in the lab can reach docker.io, so for these two its registry stands in for it. What redirects https to plain
# http is not followed, so the controller is told of copies.
FOR_CONTROLLER = {"catalogue_prefix": "%s", "registry": "%s", "registry_plain_http": "true"}
FOR_BOARDS = """\
mirrors:
  docker.io:
    endpoint: ["http://%s"]
"""
# Nobody builds them; here only their names matter.
STAND_INS = ("klipper-helm", "library/traefik")


class Newcomer:
    """Somebody in a folder of their own, with inventory.yml and nothing else of the project's."""

    def __init__(self, lab, folder, kind):
        self.lab, self.folder = lab, folder
        lab.lab("example", str(folder), input=inventories(README)[kind])
        self._environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_NOCOLOR="1",
            PATH="%s:%s" % (ROOT / ".venv/bin", os.environ["PATH"]),
        )

    def types(self, command):
        """A Run of a line as it stands there."""
        done = self.lab.ctl(["sh", "-c", command], env=self._environment, cwd=self.folder)
        return Run(done.returncode, done.stdout + done.stderr, [])


@pytest.fixture(scope="module", autouse=True)
def _afterwards(lab):
    """Other tests expect the lab as it comes up."""
    yield
    lab.lab("reset")


def test_a_private_registry(lab, tmp_path):
    lab.lab("reset")
    assert held(lab) == []
    newcomer = Newcomer(lab, tmp_path, "registry")
    published = newcomer.types(PUBLISH)
    assert "built from source (recipe coredns)" in published.text and published.changed["localhost"] > 0
    planned = newcomer.types(PLAN)
    assert "10.99.0.1:5000 speaks http, docker.io is looked for at 10.99.0.1:5000/stock first" in planned.text
    assert "TO DO: " in planned.text and not any(planned.changed.values())
    assert "All healthy." in newcomer.types(SITE).text
    assert newcomer.types(DIAGNOSE).rc == 0
    becomes_no_other(newcomer, PUBLISH, SITE)


@pytest.mark.slow
def test_no_registry(lab, tmp_path):
    fill(lab, tmp_path)
    newcomer = Newcomer(lab, tmp_path, "preload")
    with open(tmp_path / "group_vars/k3s_cluster.yml", "a", encoding="ascii") as variables:
        for name, value in FOR_CONTROLLER.items():
            variables.write("riscv_k3s_%s: %s\n" % (name, value.replace("%s", lab.registry)))
    heals(newcomer)
    for board in (lab.server, lab.agent):
        assert lab.exec(board, ["test", "!", "-e", REGISTRIES], check=False).returncode == 0
        assert "riscv-k3s-" in lab.exec(board, "ls /var/lib/rancher/k3s/agent/images").stdout


@pytest.mark.slow
def test_boards_with_internet(lab, tmp_path):
    fill(lab, tmp_path)
    for board in (lab.server, lab.agent):
        lab.write(board, REGISTRIES, FOR_BOARDS % lab.registry)
        lab.lab("restart", board)
    heals(Newcomer(lab, tmp_path, "internet"))
    assert {lab.read(board, REGISTRIES) for board in (lab.server, lab.agent)} == {FOR_BOARDS % lab.registry}


def heals(newcomer):
    """All but publish, which is not for these."""
    assert "TO DO: " in newcomer.types(PLAN).text
    assert "All healthy." in newcomer.types(SITE).text
    assert newcomer.types(DIAGNOSE).rc == 0
    becomes_no_other(newcomer, SITE)


def becomes_no_other(newcomer, *lines):
    for line in lines:
        again = newcomer.types(line)
        assert again.changed and not any(again.changed.values()), again.text
    assert "All healthy." in again.text


def fill(lab, folder):
    """A new lab, whose registry has the public images of the default catalogue under the names of docker.io."""
    lab.lab("reset")
    (folder / "fill").mkdir()
    Newcomer(lab, folder / "fill", "registry").types(PUBLISH)
    rows = upgrade_images(lab.versions["A"], default_catalogue())["rows"]
    assert len(rows) == 8
    for row in rows:
        stock = row["image"].partition("/")[2]
        if any(name in row["source"] for name in STAND_INS):
            stock = next(other["image"] for other in rows if "busybox" in other["image"]).partition("/")[2]
        copy(lab, "stock/" + stock, row["source"].partition("/")[2])


def copy(lab, source, target):
    names = ["docker://%s/%s" % (lab.registry, name) for name in (source, target)]
    lab.ctl(["skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", *names])


def held(lab):
    """The repositories of the lab's registry."""
    ask = "import urllib.request as u; print(u.urlopen('http://%s/v2/_catalog').read().decode())" % lab.registry
    return json.loads(lab.ctl(["python3", "-c", ask]).stdout)["repositories"]
