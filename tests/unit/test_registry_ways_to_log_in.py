# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to log in at a real registry: the user's own files, a credential helper, and what the inventory says."""

import json

import pytest
import registry_content as content
from registry_servers import PASSWORD, USER, docker_registry, program

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.info import inspect_all
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import accesses
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.access import registry_access

AUTH = content.BASIC.partition(" ")[2]
HELPER = """#!/bin/sh
read -r server
echo '{"ServerURL": "'"$server"'", "Username": "%s", "Secret": "%s"}'
""" % (USER, PASSWORD)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("closed"), login=True) as host:
        for repository in ("a/app", "b/app", "app"):
            content.push_image(host, repository, "1")
        yield host


@pytest.fixture(params=["docker", "podman"])
def own_file(request, fresh_home):
    """Writes the user's own logins, where `docker login` or `podman login` does."""
    path = fresh_home / (".docker/config.json" if request.param == "docker" else "containers/auth.json")

    def write(value):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))

    return write


def causes(host, *repositories, registries=()):
    """What is told of an image of each repository; None is that it was read."""
    program("skopeo", "skopeo")
    with Skopeo(accesses({"registries": list(registries)}), 5) as skopeo:
        return [
            row["cause"]
            for row in inspect_all(
                ["%s/%s:1" % (host, repository) for repository in repositories], skopeo, Platform("riscv64")
            )
        ]


def by_http(host, **login):
    return [dict(login, host=host, plain_http=True)]


@pytest.mark.usefixtures("fresh_home")
def test_without_a_login_nothing_is_read(host):
    """So what is read below is read by a login."""
    assert causes(host, "app", "a/app", registries=by_http(host)) == ["registry-auth"] * 2


def test_the_user_s_login_for_a_host(host, own_file):
    own_file({"auths": {host: {"auth": AUTH}}})
    assert causes(host, "app", "a/app", registries=by_http(host)) == [None, None]


def test_the_user_s_login_for_another_host(host, own_file):
    own_file({"auths": {"other.example.org": {"auth": AUTH}}})
    assert causes(host, "app", registries=by_http(host)) == ["registry-auth"]


def test_the_user_s_login_for_a_path(host, own_file):
    own_file({"auths": {host + "/a": {"auth": AUTH}}})
    assert causes(host, "a/app", "b/app", registries=by_http(host)) == [None, "registry-auth"]


def test_a_credential_helper(host, own_file, tmp_path, monkeypatch):
    own_file({"credHelpers": {host: "test"}})
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert causes(host, "app", registries=by_http(host)) == ["controller"], "there is no such helper yet"
    (tmp_path / "docker-credential-test").write_text(HELPER)
    (tmp_path / "docker-credential-test").chmod(0o755)
    assert causes(host, "app", "a/app", registries=by_http(host)) == [None, None]


@pytest.mark.usefixtures("fresh_home")
@pytest.mark.parametrize("auth", [{"auth": AUTH}, {"username": USER, "password": PASSWORD}])
def test_the_login_of_registries_yaml(host, auth):
    """As k3s takes it for the boards."""
    config = {"mirrors": {host: {"endpoint": ["http://" + host]}}, "configs": {host: {"auth": auth}}}
    rows = registry_access({"riscv_k3s_registries": config})
    assert causes(host, "app", "a/app", registries=rows) == [None, None]


@pytest.mark.usefixtures("fresh_home")
def test_the_login_of_the_variables(host):
    settings = {"riscv_k3s_registry": host, "riscv_k3s_registry_plain_http": True, "riscv_k3s_registry_username": USER}
    assert causes(host, "app", registries=registry_access(dict(settings, riscv_k3s_registry_password=PASSWORD))) == [
        None
    ]
    assert causes(host, "app", registries=registry_access(dict(settings, riscv_k3s_registry_password="wr0ng"))) == [
        "registry-auth"
    ]


def test_what_the_inventory_says_goes_before_the_user_s_own(host, own_file):
    own_file({"auths": {host: {"auth": AUTH}}})
    assert causes(host, "app", registries=by_http(host, username=USER, password="wr0ng")) == ["registry-auth"]
    own_file({"auths": {host: {"auth": "d3I6b25n"}}})
    assert causes(host, "app", registries=by_http(host, username=USER, password=PASSWORD)) == [None]
