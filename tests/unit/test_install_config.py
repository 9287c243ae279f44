# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.yaml of a board on which k3s is installed: every way in which an inventory says it, and what is refused."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.filter.install_config import install_config
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.config import Form, of_flags

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text, options",
    [
        ("", {}),
        ("--disable traefik", {"disable": "traefik"}),
        ("--disable traefik --disable=servicelb", {"disable": ["traefik", "servicelb"]}),
        ("--node-label a=b --node-label=c=d --v", {"node-label": ["a=b", "c=d"], "v": True}),
        ("--etcd-expose-metrics --tls-san 'x y'", {"etcd-expose-metrics": True, "tls-san": "x y"}),
        ("--node-ip=", {"node-ip": ""}),
        ("-d /data", {"data-dir": "/data"}),
        (["--docker"], {"docker": True}),
    ],
)
def test_flags_of_k3s_ansible(text, options):
    assert of_flags(text, "extra_server_args") == options


@pytest.mark.parametrize(
    "settings, role, told",
    [
        ({"server_config": {"token": SECRET}}, "server", "riscv_k3s_token"),
        ({"k3s_ansible": {"extra_server_args": "--token %s" % SECRET}}, "server", "riscv_k3s_token"),
        ({"k3s_ansible": {"agent_config_yaml": "server: https://%s" % SECRET}}, "agent", "riscv_k3s_api_endpoint"),
        ({"k3s_ansible": {"server_config_yaml": "a: [%s" % SECRET}}, "server", "server_config_yaml is not valid YAML"),
        ({"k3s_ansible": {"server_config_yaml": "- %s" % SECRET}}, "server", "must be options of k3s"),
        ({"k3s_ansible": {"extra_agent_args": "%s --x" % SECRET}}, "agent", "a word that is no flag"),
        ({"k3s_ansible": {"extra_agent_args": "--x '%s" % SECRET}}, "agent", "cannot be read"),
        ({"server_config": {"kubelet-arg": {"x": SECRET}}}, "server", "is a mapping"),
        ({"server_config": {"data-dir": "/a"}, "data_dir": "/b"}, "server", "riscv_k3s_data_dir are not the same"),
        ({"server_config": {"data-dir": "/a"}}, "server", "riscv_k3s_data_dir are not the same"),
    ],
)
def test_what_is_refused_and_no_value_of_it_shown(settings, role, told):
    with pytest.raises(Problem) as caught:
        _config.options(settings, role)
    assert told in str(caught.value) and SECRET not in str(caught.value)


def test_our_setting_goes_before_the_text_and_that_before_the_flags():
    foreign = {
        "extra_server_args": "--x1 1 --x2 1 --x3 1",
        "server_config_yaml": "x2: 2\nx3: 2\n",
        "extra_agent_args": "--x",
    }
    settings = {"server_config": {"x3": 3}, "k3s_ansible": foreign}
    assert _config.options(settings, "server") == {"x1": "1", "x2": 2, "x3": 3}
    assert _config.options(settings, "agent") == {"x": True}


@pytest.mark.parametrize(
    "form, more",
    [
        (Form(), {}),
        (Form(init=True), {"cluster-init": True}),
        (Form("https://a:6443", False, True), {"server": "https://a:6443", "token-file": "/etc/rancher/k3s/token"}),
    ],
)
def test_the_text_has_what_a_place_in_the_cluster_needs(form, more):
    text = _config.text({"disable": ["traefik"], "cluster-init": True}, form)
    assert yaml.safe_load(text) == dict({"disable": ["traefik"]}, **more)
    assert text.startswith("# Written by riscv.k3s")


def test_a_folder_of_its_own_is_told_to_k3s():
    settings = {"data_dir": "/mnt/k3s", "registries_path": "/etc/r.yaml"}
    assert _config.options(settings, "agent") == {"data-dir": "/mnt/k3s", "private-registry": "/etc/r.yaml"}
    assert _config.options({"data_dir": "/var/lib/rancher/k3s"}, "agent") == {}


def test_the_filter_makes_the_text_that_the_plan_compared():
    install = {"role": "server", "config": {"form": Form(init=True)._asdict()}}
    board = {"settings": {"data_dir": "/d", "registries_path": None}, "install": install}
    variables = {"riscv_k3s_server_config": {"debug": True}, "extra_server_args": "--v=2"}
    settings = {"server_config": {"debug": True}, "k3s_ansible": {"extra_server_args": "--v=2"}, "data_dir": "/d"}
    wanted = _config.text(_config.options(settings, "server"), Form(init=True))
    assert install_config(variables, board) == wanted


# Text that other text, or k3s's YAML, could make something else of.
HOSTILE = [
    "a\nexec: b",
    "a\n---\nb: 1",
    "%n %i %%",
    "$(reboot)",
    "`id`",
    "'",
    '"',
    "{{ x }}",
    "a: b # c",
    "\u2028x",
    "\x07",
]
HOSTILE += ["- a", "&a b", "*a", "!!python/object:x", "", " a ", "null", "true", "no", "\t", "?", "|", "0x10", "0o17"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_one_value(value):
    told = {"datastore-endpoint": value, "tls-san": [value, "b"]}
    whole = _config.text(
        _config.options({"server_config": told}, "server"), Form(server=value or None, token_file=True)
    )
    assert yaml.safe_load(whole) == dict(told, **{"token-file": _config.TOKEN}, **({"server": value} if value else {}))
    assert whole.isprintable() or whole.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "value", ["1e3", "12345e678", "1234567e8", "0o17", "0b1", "0x1F", "1_000", "y", "N", "+1", "1.", ".5"]
)
def test_text_is_none_of_k3s_s_numbers(value):
    """An agent-token 12345e678 is 1.2345e+682 to k3s where no quotes are around it."""
    assert "agent-token: '%s'\n" % value in _config.text({"agent-token": value}, Form())


@pytest.mark.parametrize("value", ["10.0.0.1", "abc", "1.2.3", "10.42.0.0/16", "v1", "no-1"])
def test_other_text_needs_no_quotes(value):
    assert "x: %s\n" % value in _config.text({"x": value}, Form())


@pytest.mark.parametrize("name", ["a\nb", "token=x", "a b", "", "-x", "{{ a }}", "a:b"])
def test_a_name_that_is_no_option_is_refused(name):
    with pytest.raises(Problem, match="a name that no option of k3s has"):
        _config.options({"server_config": {name: SECRET}}, "server")


@pytest.mark.parametrize("name", ["token+", "server+", "token-file+"])
def test_an_option_that_is_said_elsewhere_is_none_with_a_plus(name):
    with pytest.raises(Problem, match="is set in riscv_k3s_server_config") as caught:
        _config.options({"server_config": {name: SECRET}}, "server")
    assert SECRET not in str(caught.value)


def test_ansible_s_own_text_is_text():
    class Tagged(str):
        __slots__ = ()

    form = Form(server=Tagged("https://a:6443"), sans=(Tagged("server-01"),))
    made = _config.text({"node-ip": Tagged("10.0.0.1")}, form)
    assert yaml.safe_load(made) == {"node-ip": "10.0.0.1", "server": "https://a:6443", "tls-san": ["server-01"]}
