# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With which settings k3s runs: from its own account, from its files in whatever spelling, from its service."""

import json

import pytest
from hostile import NASTY

from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import of_files, of_node, of_words


@pytest.mark.parametrize(
    "args, env, expected",
    [
        (["server"], {}, {}),
        (["server", "--data-dir", "/mnt/x"], {}, {"data-dir": "/mnt/x"}),
        (["server", "--data-dir=/a", "--data-dir", "/b"], {}, {"data-dir": "/b"}),
        (["agent", "-d", "/x"], {}, {"data-dir": "/x"}),
        (["agent"], {"K3S_DATA_DIR": "/x", "K3S_TOKEN": "********"}, {"data-dir": "/x"}),
        (["agent", "--data-dir", "/y"], {"K3S_DATA_DIR": "/x"}, {"data-dir": "/y"}),
        (["server", "--disable", "traefik", "--disable=a,b"], {}, {"disable": ["traefik", "a", "b"]}),
        (["server", "--token", "********", "--cluster-init"], {}, {"cluster-init": "true"}),
        (["server", "--embedded-registry", "--node-name", "n"], {}, {"embedded-registry": "true", "node-name": "n"}),
        (["server", "--kubelet-arg", "pause-image=x"], {}, {}),
        (["server", "--no-deploy", "traefik", "--disable=a"], {}, {"disable": ["traefik", "a"]}),
        (["server", "--pause-image"], {}, {"pause-image": "true"}),
    ],
)
def test_of_node(args, env, expected):
    assert of_node(json.dumps(args), json.dumps(env)) == expected


@pytest.mark.parametrize("args", ["", "{}", "null", "[1]", "x", '{"a": 1}'] + NASTY + ["[" * 100000])
def test_no_account_is_none(args):
    assert of_node(args, "{}") is None
    assert of_node("[]", args) in (None, {})


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", {}),
        ("pause-image: a/b:1\n", {"pause-image": "a/b:1"}),
        ("\"pause-image\": 'a/b:1'\n", {"pause-image": "a/b:1"}),
        ("disable: traefik\n", {"disable": ["traefik"]}),
        ("disable: traefik,servicelb\n", {"disable": ["traefik", "servicelb"]}),
        ("disable: [traefik, 'servicelb']\n", {"disable": ["traefik", "servicelb"]}),
        ("disable: [traefik,\n  servicelb\n]\n", {"disable": ["traefik", "servicelb"]}),
        ('disable:\n  - traefik\n  - "b"\npause-image: p\n', {"disable": ["traefik", "b"], "pause-image": "p"}),
        ("disable:\n- a\ndisable+:\n- b\n", {"disable": ["a", "b"]}),
        ('disable: a\n"disable+": b\n', {"disable": ["a", "b"]}),
        ("disable+: [a]\n", {"disable": ["a"]}),
        ("no-deploy: [traefik]\ndisable: b\n", {"disable": ["traefik", "b"]}),
        ("embedded-registry: true\n", {"embedded-registry": "true"}),
        ("token: s3cret\nnode-name: n\ntoken+: [s3cret]\n", {"node-name": "n"}),
        ("system-default-registry: r.io:5000\n", {"system-default-registry": "r.io:5000"}),
        ("pause-image: [a/b, c/d]\nsystem-default-registry:\n- x\n- y\ndata-dir: []\n", {}),
        ("  data-dir: /x\n  node-name: n\n", {"data-dir": "/x", "node-name": "n"}),
        ("data-dir: /x\r\nnode-name: n\r\n", {"data-dir": "/x", "node-name": "n"}),
        ('"data-dir": "/x"\n"disable": ["a","b"]\n', {"data-dir": "/x", "disable": ["a", "b"]}),
        ("data-dir: >-\n  /x\n", {"data-dir": "/x"}),
        ("data-dir: 3.10\n", {"data-dir": "3.10"}),
        ("disable: {a: b}\n", {}),
        # To k3s a name that is given twice is, from there on, that of the second.
        ("data-dir: &x /x\ndisable: &x a\nno-deploy: *x\n", {"data-dir": "/x", "disable": ["a", "a"]}),
    ],
)
def test_of_a_file(text, expected):
    settings, problems = of_files([("config.yaml", text)])
    if text.startswith("pause-image: [a/b"):
        expected = {"pause-image": "c/d", "system-default-registry": "y"}
    assert (settings, problems) == (expected, [])


def test_later_files_go_before_earlier_ones():
    files = [("a", "data-dir: /a\ndisable: [x]\n"), ("b", "data-dir: /b\ndisable+: [y]\n"), ("c", "disable+: z\n")]
    assert of_files(files) == ({"data-dir": "/b", "disable": ["x", "y", "z"]}, [])


@pytest.mark.parametrize("text", ["data-dir: *other\n", "data-dir: [\n", "- a\n", "text\n", "\tdata-dir: /x\n"])
def test_what_cannot_be_read_is_told(text):
    settings, problems = of_files([("/etc/config.yaml", text), ("b", "node-name: n\n")])
    assert settings == {"node-name": "n"}
    assert len(problems) == 1 and problems[0].startswith("/etc/config.yaml cannot be read")


def test_of_words():
    said = ["--data-dir /a", "K3S_DATA_DIR=/b", "--config=/c", "K3S_CONFIG_FILE=/d", "K3S_NODE_NAME=n"]
    assert of_words(said) == (
        {"data-dir": "/a", "config": "/c"},
        {"data-dir": "/b", "config": "/d", "node-name": "n"},
    )
