# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to log in at a registry with TLS and a password: those of the user's own files, and those of registries.yaml."""

from __future__ import annotations

import base64
import json
import os

import modules
import pytest
from private_registry import HOST, USER, Private

# A credential helper as docker, podman and skopeo know them: it is told the registry and prints the login.
HELPER = """#!/bin/sh
cat >/dev/null
printf '{"ServerURL": "%s", "Username": "%s", "Secret": "%s"}' "$LAB_HOST" "$LAB_USER" "$LAB_PASSWORD"
"""


@pytest.fixture(scope="module", name="private")
def _private(lab, tmp_path_factory):
    """The registry, with one image in it."""
    private = Private(lab, tmp_path_factory.mktemp("logins"))
    try:
        private.start()
        image = {"src": modules.program("pause"), "entrypoint": ["/pause"], "image": HOST + "/a/pause:1"}
        done = modules.task(
            lab,
            private.folder,
            "localhost",
            "oci_image_build",
            dict(image, registries=[dict(access(private), **login(private))]),
        )
        assert done["changed"], done
        yield private
    finally:
        private.stop()


def access(private):
    return {"host": HOST, "ca_file": str(private.ca_file)}


def login(private):
    return {"username": USER, "password": private.password}


def encoded(private):
    return base64.b64encode(("%s:%s" % (USER, private.password)).encode()).decode()


def ask(lab, folder, registries, monkeypatch, home):
    """The row of the image, asked for by somebody with this home folder."""
    for name, value in {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    question = {"images": [HOST + "/a/pause:1"], "registries": registries}
    return modules.task(lab, folder, "localhost", "registry_image_info", question)["images"][0]


@pytest.fixture(name="home")
def _home(tmp_path):
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    return home


def test_without_a_login(lab, private, tmp_path, home, monkeypatch):
    row = ask(lab, tmp_path, [access(private)], monkeypatch, home)
    assert (row["exists"], row["cause"]) == (None, "registry-auth"), row


@pytest.mark.parametrize("path, cause", [("/a", None), ("/b", "registry-auth")])
def test_by_path(lab, private, tmp_path, home, monkeypatch, path, cause):
    (home / ".docker/config.json").write_text(
        json.dumps({"auths": {HOST + path: {"auth": encoded(private)}}}), encoding="ascii"
    )
    assert ask(lab, tmp_path, [access(private)], monkeypatch, home)["cause"] == cause


def test_by_a_credential_helper(lab, private, tmp_path, home, monkeypatch):
    helper = tmp_path / "docker-credential-lab"
    helper.write_text(HELPER, encoding="ascii")
    helper.chmod(0o755)
    (home / ".docker/config.json").write_text(json.dumps({"credHelpers": {HOST: "lab"}}), encoding="ascii")
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    for name, value in {"LAB_HOST": HOST, "LAB_USER": USER, "LAB_PASSWORD": private.password}.items():
        monkeypatch.setenv(name, value)
    assert ask(lab, tmp_path, [access(private)], monkeypatch, home)["cause"] is None


def test_by_auth_of_registries_yaml(lab, private, tmp_path, home, monkeypatch):
    configured = {"configs": {HOST: {"auth": {"auth": encoded(private)}, "tls": {"ca_file": str(private.ca_file)}}}}
    monkeypatch.setenv("LAB_REGISTRIES", json.dumps({"riscv_k3s_registries": configured}))
    registries = "{{ lookup('ansible.builtin.env', 'LAB_REGISTRIES') | from_json | riscv.k3s.registry_access }}"
    assert ask(lab, tmp_path, registries, monkeypatch, home)["cause"] is None
    # What a run leaves in the cache folder is the folder for such files, without one.
    assert [name for dummy, dummy, files in os.walk(home / "cache/riscv.k3s/logins") for name in files] == ["in-use"]
