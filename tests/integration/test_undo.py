# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After undo both boards are as they were, byte for byte: manifests, files of k3s with mode and owner, and image names
with digest and labels.

Images that a kubelet or containerd pulled by itself are not the collection's and stay; where there are any, they are
named.
"""

from __future__ import annotations

import json

import pytest
import yaml
from runs import ROOT, play
from test_fixes import DISABLED, PREFIX, PRIVATE, patched_catalogue
from undoing import JOURNAL, REGISTRIES, both, commands, differences, is_applied, look, of_the_kubelets, run, undo

SECRET = "correct-horse-battery"
# Of somebody before us: a registry that nobody asks, with a password, and a mode and an owner of its own.
OWN_REGISTRIES = (
    """# mine
mirrors:
  example.com:
    endpoint: ["http://127.0.0.1:9"]
configs:
  example.com: {auth: {username: me, password: %s}}"""
    % SECRET
)
CATALOGUE = yaml.safe_load((ROOT / "tests/lab/inventory/group_vars/k3s_cluster.yml").read_text(encoding="utf-8"))[
    "riscv_k3s_catalogue"
]
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
# What differs from one lab to the next, whatever was done to it.
OF_THE_LAB = ("etc/rancher/k3s/k3s.yaml", "etc/rancher/node")
FIXES = {
    "tag": {"riscv_k3s_fixes": ["tag"]},
    "mirror": {"riscv_k3s_fixes": ["mirror"], "riscv_k3s_mirror_prefix": PREFIX},
    "preload": {"riscv_k3s_fixes": ["preload"], "riscv_k3s_registries": None, "riscv_k3s_registry_plain_http": True},
    "flag and patch": {"riscv_k3s_fixes": ["flag"], "riscv_k3s_catalogue": patched_catalogue()},
}


def make_fresh(lab, *options):
    """A broken lab whose agent has a registries.yaml of its own, and whose server has none."""
    lab.lab("reset", *options)
    play(lab, "riscv.k3s.build_images")
    lab.write(lab.agent, REGISTRIES, OWN_REGISTRIES)
    lab.exec(lab.agent, "chmod 0640 %s && chown 1:2 %s" % (REGISTRIES, REGISTRIES))
    lab.exec(lab.server, "rm -f " + REGISTRIES)
    lab.wait("k3s has applied its manifests", lambda: is_applied(lab), 60)


@pytest.fixture(scope="module", name="fresh")
def _fresh(lab):
    make_fresh(lab)
    yield lab
    # Other tests expect the lab as it comes up.
    lab.lab("reset")


def is_stock(lab, stock):
    """k3s has applied its own manifests, and the workloads are those of ``stock``."""
    lab.wait("k3s applies its own manifests", lambda: is_applied(lab) and commands(lab) == stock, 60)


def heal(lab, **variables):
    """Site until it has nothing more to do."""
    assert "All healthy." in site(lab, **variables).text
    assert not any(site(lab, **variables).changed.values())


def site(lab, *options, **variables):
    """Site, which keeps what the agent's registries.yaml had: without being told so it refuses to touch that file."""
    return run(lab, "site", *options, riscv_k3s_registries_merge=True, **variables)


def test_undo_of_all(fresh):
    """Everything, and check mode said so."""
    lab = fresh
    before, stock = both(lab), commands(lab)
    heal(lab)
    assert commands(lab) != stock and differences(before, both(lab))
    # The password of the original is kept for root alone, and is not in the journal.
    kept = lab.exec(lab.agent, "cd %s && stat -c %%a . * && cat journal.json" % JOURNAL).stdout
    assert SECRET not in kept and kept.split()[:3] == ["700", "600", "600"]
    predicted, done = undo(lab)
    assert SECRET not in predicted.text + done.text + json.dumps(done.rows)
    assert differences(before, both(lab)) == []
    is_stock(lab, stock)


@pytest.mark.slow
def test_undo_by_parts(fresh):
    """One component, one board and the rest."""
    lab = fresh
    before, stock = both(lab), commands(lab)
    heal(lab)
    healed = both(lab)
    run(lab, "undo", riscv_k3s_undo_components="coredns")
    now = both(lab)
    changed = {line.split(": ")[1] for line in differences(healed, now)}
    assert all("coredns" in name or "journal" in name or "sha256:" in name for name in changed)
    for board in (lab.server, lab.agent):
        assert not [name for name in now[board].images if "coredns" in name]
        assert [name for name in now[board].images if "metrics-server" in name]
    lab.wait("k3s applies its own manifest", lambda: commands(lab)["coredns"] == stock["coredns"], 60)

    run(lab, "undo", "--limit", lab.agent)
    assert differences({lab.agent: before[lab.agent]}, {lab.agent: look(lab, lab.agent)}) == []
    assert differences({lab.server: now[lab.server]}, {lab.server: look(lab, lab.server)}, ["journal"]) == []
    run(lab, "undo")
    assert differences(before, both(lab)) == []
    assert not any(run(lab, "undo").changed.values())


@pytest.mark.slow
def test_what_somebody_changed_since_stays(fresh):
    lab = fresh
    before = both(lab)
    heal(lab)
    lab.exec(lab.agent, "echo '# edited' >>" + REGISTRIES)
    lab.exec(lab.agent, ["k3s", "ctr", "images", "tag", "--force", "10.99.0.1:5000/riscv64/pause:1.0.0", COREDNS])
    text = " ".join(run(lab, "undo").text.split())
    assert (
        "warning: %s is left as it is: somebody changed it since" % REGISTRIES in text
        and "warning: %s is left as it is" % COREDNS in text
    )
    left = {line.split(": ")[1] for line in differences(before, both(lab), [JOURNAL[1:], "sha256:"])}
    assert left == {REGISTRIES[1:], COREDNS}
    assert not any(run(lab, "undo").changed.values())
    # Both can be brought back once that is taken away.
    lab.exec(lab.agent, "sed -i '/^# edited$/d' " + REGISTRIES)
    lab.exec(lab.agent, ["k3s", "ctr", "images", "rm", COREDNS])
    run(lab, "undo")
    assert differences(before, both(lab), ["sha256:"]) == []


@pytest.mark.slow
def test_what_left_the_catalogue_is_unpinned(fresh):
    """And nothing else: the name stays for the kubelet's garbage collection, and undo takes it away as the others."""
    lab, name = fresh, "docker.io/rancher/mirrored-metrics-server:v0.5.2"
    before = both(lab)
    heal(lab)
    healed = both(lab)
    smaller = [entry for entry in CATALOGUE if "metrics-server" not in entry["stock"]]
    predicted = site(lab, "--check", riscv_k3s_catalogue=smaller)
    done = site(lab, riscv_k3s_catalogue=smaller)
    assert (
        predicted.changes
        == done.changes
        == [("riscv.k3s.images : Unpin what has left the catalogue", board) for board in (lab.server, lab.agent)]
    )
    now = both(lab)
    assert {line.split(": ")[1] for line in differences(healed, now, [JOURNAL[1:]])} == {name}
    assert all("pinned" not in now[board].images[name][1] for board in now)
    assert not any(site(lab, riscv_k3s_catalogue=smaller).changed.values())
    run(lab, "undo")
    assert differences(before, both(lab)) == []


@pytest.mark.slow
def test_a_move_to_another_version_between(lab):
    """As a lab that moved there and was never touched."""
    make_fresh(lab)
    lab.lab("upgrade", "B")
    lab.wait("k3s has applied its manifests", lambda: is_applied(lab), 60)
    moved, stock = both(lab), commands(lab)
    make_fresh(lab)
    heal(lab)
    lab.lab("upgrade", "B")
    heal(lab)
    undo(lab)
    assert differences(moved, both(lab), OF_THE_LAB) == []
    is_stock(lab, stock)


@pytest.mark.slow
@pytest.mark.parametrize("containerd", ["1", "2"])
@pytest.mark.parametrize("fix", list(FIXES))
def test_every_fix(lab, fix, containerd):
    make_fresh(lab, "--containerd", containerd)
    if fix == "mirror":
        run(
            lab,
            "prepare_upgrade",
            riscv_k3s_target_version=lab.versions["A"],
            riscv_k3s_target_disable=DISABLED,
            **FIXES[fix],
        )
    before, stock = both(lab), commands(lab)
    heal(lab, **FIXES[fix])
    # With a mirror kubelets pull stock images by themselves, and containerd the pause image that its new setting names.
    pulled = of_the_kubelets(lab, before)
    mine = {
        "mirror": "docker.io/rancher/",
        "tag": "nothing",
        "flag and patch": PRIVATE + "pause",
        "preload": "nothing",
    }[fix]
    assert all(name.startswith((mine, "sha256:")) for name in pulled), pulled
    # An inventory that knows nothing of fixes and registries.
    undo(lab, riscv_k3s_registries=None, riscv_k3s_catalogue=[])
    assert differences(before, both(lab), pulled) == []
    is_stock(lab, stock)
