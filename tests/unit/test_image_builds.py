# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images catalogues say how to build."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._image_builds import image_builds

HOST = "192.168.173.76:6000"


def entry(name="coredns", build=None, **more):
    return dict({"stock": "docker.io/rancher/mirrored-" + name, "source": "%s/riscv64/%s:1" % (HOST, name), "build": build or {"src": name + "_*.tgz"}}, **more)


def test_entries_with_a_build_become_arguments():
    files = [{"src": "Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}]
    coredns = entry(build={"src": "coredns.tgz", "cmd": ["/coredns"], "files": files})
    without = {"stock": "docker.io/rancher/klipper-lb", "source": "host:5000/klipper-lb"}
    builds = image_builds([[coredns, without, entry("pause", {"src": "/srv/pause"}, architecture="arm64")]], "/archives")
    assert builds == [
        {
            "image": HOST + "/riscv64/coredns:1",
            "architecture": "riscv64",
            "plain_http": False,
            "src": "/archives/coredns.tgz",
            "cmd": ["/coredns"],
            "files": [{"src": "/archives/Corefile", "dest": "/Corefile"}, {"src": "/etc/ca.pem", "dest": "/ca.pem"}],
        },
        {"image": HOST + "/riscv64/pause:1", "architecture": "arm64", "plain_http": False, "src": "/srv/pause"},
    ]


def test_an_image_of_several_entries_or_catalogues_is_built_once():
    twice = [entry(tags="1.9.*"), entry(tags="1.1*")]
    assert len(image_builds([twice, [entry(), entry("pause")]], "/archives")) == 2


@pytest.mark.parametrize(
    "registries, stated, plain",
    [
        (None, None, False),
        ({}, None, False),
        ({"mirrors": {HOST: {"endpoint": ["http://" + HOST]}}}, None, True),
        ({"mirrors": {HOST: {"endpoint": ["https://" + HOST]}}}, None, False),
        ({"mirrors": {HOST: {}}}, None, False),
        ({"mirrors": {"docker.io": {"endpoint": ["http://" + HOST]}}}, None, False),
        ({"mirrors": None}, True, True),
        ({"mirrors": {HOST: {"endpoint": ["http://" + HOST]}}}, False, False),
    ],
)
def test_plain_http_is_what_registries_yaml_says(registries, stated, plain):
    assert image_builds([[entry()]], "/archives", registries=registries, plain_http=stated)[0]["plain_http"] is plain


WRONG = {
    "no src": ([entry(build={"cmd": ["/x"]})], "a build needs src"),
    "no dictionary": ([entry(build="coredns.tgz")], "a build needs src"),
    "unknown key": ([entry(build={"src": "a", "comand": []})], "a key that is not known: comand"),
    "source without tag": ([entry(source=HOST + "/riscv64/coredns")], "what is built needs a tag"),
    "source by digest": ([entry(source=HOST + "/a@sha256:" + "0" * 64)], "what is built needs a tag"),
    "two ways": ([entry(), entry(build={"src": "other.tgz"})], "is to be built in two ways"),
}


@pytest.mark.parametrize("catalogue, message", WRONG.values(), ids=WRONG.keys())
def test_mistakes(catalogue, message):
    with pytest.raises(Problem, match=message):
        image_builds([catalogue], "/archives")
