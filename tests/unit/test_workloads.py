# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stock workloads demand of their image: as the packaged manifests say, and what an image's user means for it."""

from __future__ import annotations

import pytest
import yaml
from test_upgrade import BUILD, COPY, MIRROR, PAUSE, SOURCE, answer, row

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.recipes import recipes
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.workloads import DEMANDED, UNFIT, Demanded, unfit
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.publication import publication
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.table import upgrade_table


def packaged(folder):
    """{repository: Demanded} of the Deployments in a version's manifests."""
    found = {}
    for path in folder.rglob("*.yaml"):
        text = path.read_text().replace("%{SYSTEM_DEFAULT_REGISTRY}%", "").replace("%{", "{").replace("}%", "}")
        for document in yaml.safe_load_all(text):
            if (document or {}).get("kind") != "Deployment":
                continue
            pod = document["spec"]["template"]["spec"]
            for container in pod["containers"]:
                context = dict(pod.get("securityContext") or {}, **container.get("securityContext") or {})
                capabilities = context.get("capabilities") or {}
                dropped = [name.lower() for name in capabilities.get("drop", ())]
                found[ImageName.parse(container["image"]).name] = Demanded(
                    non_root=bool(context.get("runAsNonRoot")),
                    user=context.get("runAsUser"),
                    read_only=bool(context.get("readOnlyRootFilesystem")),
                    capabilities=tuple(capabilities.get("add", ())) if "all" in dropped else None,
                )
    return found


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_the_list_says_what_the_manifests_say(k3s_manifests, version):
    found = packaged(k3s_manifests / version)
    assert set(found) == {_releases.COREDNS, _releases.METRICS_SERVER, _releases.LOCAL_PATH}
    assert {name: DEMANDED[name] for name in found} == found


@pytest.mark.parametrize(
    "repository, user, says",
    [
        (_releases.KLIPPER_HELM, "1000", None),
        (_releases.KLIPPER_HELM, "65532:65532", None),
        (_releases.KLIPPER_HELM, "", "runs as root"),
        (_releases.KLIPPER_HELM, "root", "runs as root"),
        (_releases.KLIPPER_HELM, "0", "runs as root"),
        (_releases.KLIPPER_HELM, "00:5", "runs as root"),
        (_releases.KLIPPER_HELM, "klipper-helm", "names its user (klipper-helm) and no number"),
        (_releases.KLIPPER_HELM, None, None),
        # Those of a fork, and below a registry that k3s puts before its names.
        ("docker.io/carvicsforth/klipper-helm", "", "runs as root"),
        ("reg.example:5000/rancher/klipper-helm", "root", "runs as root"),
        # No numbers for containerd, which the kubelet then refuses as names; and none may end a run.
        (_releases.KLIPPER_HELM, "\u0663", "names its user"),
        (_releases.KLIPPER_HELM, "9" * 20, "names its user"),
        (_releases.KLIPPER_HELM, str(1 << 31), "names its user"),
        (_releases.KLIPPER_HELM, str((1 << 31) - 1), None),
        (_releases.KLIPPER_HELM, "9" * 5000, "names its user"),
        # Its pod says the user itself.
        (_releases.METRICS_SERVER, "", None),
        (_releases.COREDNS, "", None),
        (_releases.COREDNS, "nonroot", None),
        ("docker.io/rancher/mirrored-pause", "", None),
    ],
)
def test_what_a_user_means(repository, user, says):
    assert (unfit(repository, user) is None) == (says is None)
    assert says is None or says in unfit(repository, user)


def test_recipes_make_images_that_start():
    for name, recipe in recipes().items():
        for one in recipe["serves"]:
            assert unfit(one["stock"], str(recipe["build"].get("user", ""))) is None, name


def helm(user, recipe=None, mirror_user=None):
    """The publication of klipper-helm from an image that names ``user``, the mirror holding one of ``mirror_user``."""
    name = _releases.KLIPPER_HELM
    wanted = {"rows": [row(name=name, image=name + ":v1", recipe=recipe)], "problems": []}
    held = answer(MIRROR, "no-such-image") if mirror_user is None else dict(answer(MIRROR), user=mirror_user)
    table = upgrade_table(wanted, [dict(answer(SOURCE), user=user), held])
    return table, publication({"riscv64": table}, planned=True)


def test_an_image_that_would_not_start_is_not_published():
    table, planned = helm("")
    assert table["rows"][0]["served"]["source"] == UNFIT and not table["safe"]
    assert planned["copies"] == [] and "its pods must not run as root" in planned["missing"][0]
    assert helm("1000")[1]["copies"] == [COPY]
    assert helm("", recipe="pause")[1]["builds"] == [dict(BUILD, stock=_releases.KLIPPER_HELM)]


def test_one_that_is_in_the_mirror_is_replaced():
    assert helm("1000", mirror_user="root")[1]["copies"] == [COPY]
    assert helm("1000", mirror_user="1000")[1]["copies"] == []
    assert "its pods must not run as root" in helm("", mirror_user="")[1]["missing"][0]


def test_others_are_published_as_they_are():
    table = upgrade_table(
        {"rows": [row()], "problems": []},
        [dict(answer(SOURCE), user=""), answer(MIRROR, "no-such-image"), answer(PAUSE, "registry-refused")],
    )
    assert publication({"riscv64": table}, planned=True)["copies"] == [COPY]
