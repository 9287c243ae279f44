# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write for k3s that k3s refuses, reads otherwise, or passes over; from public reports, named at each."""

from __future__ import annotations

import pytest
import yaml
from test_install_document import fleet_of, fresh, of_us, run, settings_of

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import endpoint as _endpoint
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import options as _options
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.cluster import url
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.config import Form

SECRET = "hunter2"


def told(role="server", **foreign):
    return _config.options({"k3s_ansible": foreign}, role)


@pytest.mark.parametrize(
    "text, problem",
    [
        # k3s-io/k3s#10916, #6697, #1289: the agent ends at once, for ever.
        ("node-label: [node-role.kubernetes.io/worker=true]", "it sets no label of node-role.kubernetes.io"),
        ("node-label: kubernetes.io/role=worker", "it sets no label of kubernetes.io"),
        ("node-label: ['a=b,x.k8s.io/y=%s']" % SECRET, "it sets no label of x.k8s.io"),
        ("node-label: ['a=b %s']" % SECRET, "the value of the node-label a"),
        ("node-label: [a: %s]" % SECRET, "node-label of k3s is a list of something else than texts"),
        ("kubelet-arg: {max-pods: 100}", "Next: write a list of texts, each NAME=VALUE"),
        ("node-taint: key=value", "a node-taint ends in no effect. Found: key"),
        # PyratLabs/ansible-role-k3s#65, rancher/rke2#4739: the file gets the mode 0420.
        ("write-kubeconfig-mode: 0644", "Found: 420, which is how YAML reads 0644"),
        ("write-kubeconfig-mode: 0600", "Found: 384, which is how YAML reads 0600"),
        ("write-kubeconfig-mode: u=rw", "is no mode of a file"),
        # k3s passes over these without an error.
        ("tls_san: [a]", "Found: tls_san. Next: write tls-san"),
        ("--disable: traefik", "Found: --disable. Next: write disable"),
        ("token+: %s" % SECRET, "say it by riscv_k3s_token"),
        ("t: %s" % SECRET, "say it by riscv_k3s_token"),
        ("cluster-secret: %s" % SECRET, "say it by riscv_k3s_token"),
    ],
)
def test_what_is_refused_before_anything_is_written(text, problem):
    with pytest.raises(Problem) as caught:
        told(server_config_yaml=text)
    assert problem in str(caught.value) and SECRET not in str(caught.value)


def test_an_option_quoted_with_its_value_is_refused_and_not_shown():
    # timothystewart6/k3s-ansible#539
    with pytest.raises(Problem, match="a name that no option of k3s has") as caught:
        told(extra_server_args="'--agent-token %s'" % SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text, options",
    [
        ("node-label: [a=b, node.kubernetes.io/x=1, topology.kubernetes.io/zone=z, example.com/c=, d]", None),
        ("node-taint: ['a=b:NoExecute', 'node-role.kubernetes.io/etcd:NoExecute']", None),
        ("write-kubeconfig-mode: 644", None),
        ("write-kubeconfig-mode: '0640'", None),
        ("disable: [traefik, servicelb]", None),
        ("no-deploy: traefik", {"disable": "traefik"}),
        ("{no-deploy: traefik, disable: [servicelb]}", {"disable": ["traefik", "servicelb"]}),
        ("{i: 10.0.0.1, node-ip: 'fd00::1'}", {"node-ip": ["10.0.0.1", "fd00::1"]}),
        ("node-name:", {}),
    ],
)
def test_what_k3s_takes(text, options):
    assert told(server_config_yaml=text) == (yaml.safe_load(text) if options is None else options)


def test_an_option_with_plus_adds_to_what_was_said_before():
    settings = {
        "server_config": {"disable+": ["servicelb"], "tls-san+": "a"},
        "k3s_ansible": {"extra_server_args": "--disable traefik --v 2"},
    }
    expected = {"disable": ["traefik", "servicelb"], "tls-san": "a", "v": "2"}
    assert _config.options(settings, "server") == expected


@pytest.mark.parametrize(
    "names, role, sentences",
    [
        (("disable", "node-label", "v"), "server", []),
        (("node-label", "kubelet-arg"), "agent", []),
        # k3s-io/k3s#7995
        (("flannel-backend-type",), "server", ["did you mean flannel-backend?"]),
        # k3s-io/cluster-api-k3s#37
        (("node-labels",), "agent", ["did you mean node-label?"]),
        # k3s-io/k3s-ansible#270
        (("kube-apiserver-arg",), "agent", ["one of servers: an agent passes over it"]),
    ],
)
def test_what_k3s_passes_over_is_told(names, role, sentences):
    found = _options.skipped(names, role)
    assert len(found) == len(sentences) and all(text in row for text, row in zip(sentences, found))


def test_the_plan_tells_it():
    made = run(fleet_of({"s1": fresh("s1")}, settings=settings_of(server_config={"flannel-backend-type": "vxlan"})))
    assert any("did you mean flannel-backend?" in line for line in made["lines"]) and not made["problems"]


@pytest.mark.parametrize(
    "given, expected",
    [
        ("10.0.0.9", "https://10.0.0.9:6443"),
        ("k3s.lan:443", "https://k3s.lan:443"),
        ("https://k3s.lan", "https://k3s.lan"),
        ("https://k3s.lan:6443/", "https://k3s.lan:6443"),
        # k3s-io/k3s-ansible#110, #550: IPv6, with brackets or without.
        ("fd00::9", "https://[fd00::9]:6443"),
        ("[fd00::9]", "https://[fd00::9]:6443"),
        ("[fd00::9]:7443", "https://[fd00::9]:7443"),
        ("https://[fd00::9]:7443", "https://[fd00::9]:7443"),
    ],
)
def test_where_boards_join(given, expected):
    assert url({"api_endpoint": given}, {}, [], {}, "h") == expected
    assert url({"k3s_ansible": {"api_endpoint": given}}, {}, [], {}, "h") == expected


@pytest.mark.parametrize(
    "given, problem",
    [
        ("http://10.0.0.1:6443", "does not begin with https"),
        ("https://u:%s@h:6443" % SECRET, "holds a login"),
        ("10.0.0.1/24", "is no address"),
        ("10.0.0.300", "is no address"),
        ("10.0.0.1:abc", "is no address"),
        ("10.0.0.1:65536", "is no address"),
        ("https://h:6443/v1", "is no address"),
        ("https://fd00::1:6443", "is no address"),
        ("fd00::1:6443", "is no address"),
        ("fe80::1%eth0", "is no address"),
        ("a,b", "is no address"),
        (["a"], "is no address"),
        ("127.0.0.1", "means each board itself"),
        ("localhost:6443", "means each board itself"),
        ("0.0.0.0", "means each board itself"),
    ],
)
def test_an_endpoint_at_which_nobody_can_join(given, problem):
    with pytest.raises(Problem, match=problem) as caught:
        _endpoint.given({"api_endpoint": given})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("port, found", [("0", "0"), ("https", "https"), (True, "True")])
def test_a_port_that_is_none(port, found):
    with pytest.raises(Problem, match="api_port is no port. Found: %s" % found):
        url({"k3s_ansible": {"api_port": port}}, {}, [], {}, "h")


@pytest.mark.parametrize(
    "settings, host, sans",
    [
        # k3s-io/k3s-ansible#434: "certificate is valid for server1, not server1.example.com"
        ({}, "s1.lan", ("s1.lan",)),
        ({}, "S1", ()),
        ({}, "10.0.0.7", ()),
        ({}, "localhost", ()),
        ({"api_endpoint": "vip.lan"}, "10.0.0.7", ("vip.lan",)),
        ({"api_endpoint": "https://10.0.0.9:443"}, "s1.lan", ("10.0.0.9",)),
    ],
)
def test_the_certificate_has_the_name_by_which_servers_are_joined(settings, host, sans):
    boards = fleet_of({"s1": fresh("s1"), "a1": fresh("a1")}, settings=settings_of(**settings))
    made = run(boards, hosts={"s1": host})["boards"]
    assert made["s1"]["install"]["config"]["form"]["sans"] == sans
    assert made["a1"]["install"]["config"]["form"]["sans"] == ()


@pytest.mark.parametrize("given, expected", [(None, ["vip"]), (["a"], ["a", "vip"]), ("a,vip", "a,vip")])
def test_names_of_the_certificate_are_added_once(given, expected):
    options = {} if given is None else {"tls-san": given}
    assert yaml.safe_load(_config.text(options, Form(sans=("vip",))))["tls-san"] == expected


def test_a_name_is_written_whatever_kind_of_text_it_is():
    class Tagged(str):
        """As Ansible's variables are."""

    assert "- vip" in _config.text({}, Form(sans=(Tagged("vip"),)))


def test_a_server_that_runs_gets_the_name_too():
    made = run(fleet_of({"s1": of_us("s1", "s1")}, settings=settings_of(api_endpoint="vip.lan")))
    assert made["boards"]["s1"]["install"]["action"] == "converge"
