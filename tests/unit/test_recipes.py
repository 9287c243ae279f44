# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of the collection: what they pin, which stock images they stand for, and that their images start where
those start.
"""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._program import go_mod
from ansible_collections.riscv.k3s.plugins.plugin_utils._build import recipes
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import image_builds
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.releases import (
    KLIPPER_HELM,
    STOCK_IMAGES,
    TRAEFIK,
    stock_images,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = recipes.recipes()
FOLDERS = ROOT / "roles/image_build/files/recipes"
OF_GO = sorted(name for name, recipe in RECIPES.items() if "go" in recipe["build"])
VERSIONS = ("v1.24.2+k3s2", "v1.24.17+k3s1", "v1.28.15+k3s1", "v1.30.0+k3s1", "v1.33.12+k3s1", "v1.36.3+k3s1")


def test_each_folder_has_a_recipe():
    assert sorted(path.name for path in FOLDERS.iterdir()) == OF_GO


@pytest.mark.parametrize("name", OF_GO)
def test_go_mod_and_go_sum_pin_what_the_recipe_says(name):
    folder, recipe = FOLDERS / name, RECIPES[name]
    text = (folder / "go.mod").read_text(encoding="utf-8")
    pinned = go_mod.read(text, None, name)
    assert pinned.go and go_mod.version_key(pinned.go) >= (1, 23)
    if pinned.module is None:
        assert recipe["build"]["go"]["version"] == recipe["version"]
        return
    assert pinned.version == recipe["revision"] == "v" + recipe["version"]
    sums = (folder / "go.sum").read_text(encoding="utf-8")
    assert go_mod.sum_of(sums, pinned.module, pinned.version).startswith("h1:")
    # Both sums of what go.mod requires, and of nothing else: tools/recipe-sums.
    required = re.findall(r"^(?:require |\t)(\S+) (v\S+)", text, re.M)
    wanted = {"%s %s%s" % (module, version, of) for module, version in required for of in ("", "/go.mod")}
    assert {line.rpartition(" ")[0] for line in sums.splitlines()} == wanted
    # Nothing but what a checksum is for: no replacement by a folder or by another place.
    assert not re.search(r"^\s*(replace|exclude)\b", text, re.M)


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_is_a_build(name):
    entry = {"stock": "a/b", "source": "reg:5000/x:1", "build": {"recipe": name}}
    (found,) = image_builds([[entry]], "/archives")
    assert found["origin"]["recipe"] == name and found["origin"]["source"].startswith("https://")
    assert set(RECIPES[name]) <= {"version", "source", "revision", "serves", "build"}
    assert found.get("entrypoint") or found.get("cmd")


@pytest.mark.parametrize("version", VERSIONS)
def test_all_but_traefik_and_klipper_helm_can_be_built(version):
    found = {}
    for stock in STOCK_IMAGES:
        tag = stock_images(version)[stock].tag
        found[stock] = recipes.serving("%s:%s" % (stock, tag)) if tag else None
    assert {stock for stock, name in found.items() if not name} == {TRAEFIK, KLIPPER_HELM}


@pytest.mark.parametrize(
    "image, name",
    [
        ("docker.io/rancher/mirrored-metrics-server:v0.5.2", "metrics-server-0.5"),
        ("docker.io/rancher/mirrored-metrics-server:v0.6.1", "metrics-server"),
        ("docker.io/rancher/mirrored-metrics-server:v0.9.0", "metrics-server"),
        ("docker.io/library/busybox:1.37.0", "busybox"),
        ("docker.io/rancher/klipper-helm:v0.7.3-build20220613", None),
        ("docker.io/somebody/pause:3.6", None),
    ],
)
def test_which_recipe_stands_for_a_stock_image(image, name):
    assert recipes.serving(image) == name


def test_a_recipe_is_for_architectures_that_can_be_built():
    assert recipes.serving("docker.io/rancher/mirrored-pause:3.6", "arm64") == "pause"
    assert recipes.serving("docker.io/rancher/mirrored-pause:3.6", "s390x") is None


def test_helper_pods_find_their_programs():
    links = RECIPES["busybox"]["build"]["links"]
    assert {"/bin/sh", "/bin/mkdir", "/bin/chmod", "/bin/rm"} <= set(links)
    assert set(links.values()) == {"busybox"}


def test_yaml_holds_nothing_else():
    path = ROOT / "playbooks/vars/recipes.yml"
    assert list(yaml.safe_load(path.read_text(encoding="utf-8"))) == ["riscv_k3s_recipes"]


def steps(path):
    """The tasks of a role, those of the files that they take in their places, as {module or action: file or None}."""
    for task in yaml.safe_load((ROOT / path).read_text(encoding="utf-8")):
        taken = task.get("ansible.builtin.import_tasks") or task.get("ansible.builtin.include_tasks")
        role = task.get("ansible.builtin.include_role")
        if role and role["name"] == "riscv.k3s.image_build":
            yield from steps("roles/image_build/tasks/%s.yml" % role.get("tasks_from", "main"))
        elif taken and path.startswith("roles/image_build/"):
            yield from steps("roles/image_build/tasks/" + taken)
        else:
            yield next((key for key in task if key.startswith("riscv.k3s.") or key.endswith("get_url")), None)


MAKES = {"ansible.builtin.get_url", "riscv.k3s.debian_files_fetch", "riscv.k3s.go_program_build"}


@pytest.mark.parametrize("path", ["roles/upgrade/tasks/publish.yml", "roles/image_build/tasks/main.yml"])
def test_all_that_can_fail_without_a_registry_stands_before_the_first_push(path):
    """A missing Go, a changed module, a wrong checksum: nothing is pushed then, no copy either."""
    found = list(steps(path))
    pushes = [place for place, step in enumerate(found) if step in ("riscv.k3s.registry_image_copy", IMAGE)]
    assert set(found[: pushes[0]]) >= MAKES and not set(found[pushes[0] :]) & MAKES


IMAGE = "riscv.k3s.oci_image_build"


def test_images_of_one_s_own_are_all_looked_at_before_the_first_push():
    text = (ROOT / "roles/image_build/tasks/push.yml").read_text(encoding="utf-8")
    looked, pushed = [task["vars"]["image_build_look"] for task in yaml.safe_load(text)]
    (build,) = yaml.safe_load((ROOT / "roles/image_build/tasks/build.yml").read_text(encoding="utf-8"))
    assert (looked, pushed) == (True, False)
    assert build["check_mode"] == "{{ image_build_look or ansible_check_mode }}"
