# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images catalogues say how to build."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.builds import image_builds

HOST = "192.168.173.76:6000"


def entry(name="coredns", build=None, **more):
    return dict(
        {
            "stock": "docker.io/rancher/mirrored-" + name,
            "source": "%s/riscv64/%s:1" % (HOST, name),
            "build": build or {"src": name + "_*.tgz"},
        },
        **more,
    )


def test_entries_with_a_build_become_arguments():
    files = [{"src": "Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}]
    coredns = entry(build={"src": "coredns.tgz", "cmd": ["/coredns"], "files": files})
    without = {"stock": "docker.io/rancher/klipper-lb", "source": "host:5000/klipper-lb"}
    builds = image_builds(
        [[coredns, without, entry("pause", {"src": "/srv/pause"}, architecture="arm64")]], "/archives"
    )
    assert builds == [
        {
            "image": HOST + "/riscv64/coredns:1",
            "architecture": "riscv64",
            "src": "/archives/coredns.tgz",
            "cmd": ["/coredns"],
            "files": [{"src": "/archives/Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}],
        },
        {"image": HOST + "/riscv64/pause:1", "architecture": "arm64", "src": "/srv/pause"},
    ]


def test_an_image_of_several_entries_or_catalogues_is_built_once():
    twice = [entry(tags="1.9.*"), entry(tags="1.1*")]
    assert len(image_builds([twice, [entry(), entry("pause")]], "/archives")) == 2


WRONG = {
    "no src": ([entry(build={"cmd": ["/x"]})], "a build needs src"),
    "no dictionary": ([entry(build="coredns.tgz")], "a build needs src"),
    "what the inventory says of registries": (
        [entry(build={"src": "a", "plain_http": True})],
        "a key that is not known: plain_http",
    ),
    "unknown key": ([entry(build={"src": "a", "comand": []})], "a key that is not known: comand"),
    "source without tag": ([entry(source=HOST + "/riscv64/coredns")], "what is built needs a tag"),
    "source by digest": ([entry(source=HOST + "/a@sha256:" + "0" * 64)], "what is built needs a tag"),
    "two ways": ([entry(), entry(build={"src": "other.tgz"})], "would be built in two ways"),
}


@pytest.mark.parametrize("catalogue, message", WRONG.values(), ids=WRONG.keys())
def test_mistakes(catalogue, message):
    with pytest.raises(Problem, match=message):
        image_builds([catalogue], "/archives")
