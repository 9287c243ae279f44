# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is blanked in texts that are shown, and what must stay to be read. hunter2 stands for each secret."""

from __future__ import annotations

import pathlib
import time

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact

CORPUS = pathlib.Path(__file__).parent / "fixtures" / "errors.yml"
SECRETS = [
    "password=hunter2",
    "DB_PASSWORD=hunter2 next",
    "PGPASSWORD='hunter2 hunter2'",
    "MYSQL_PWD=hunter2",
    "K3S_TOKEN=hunter2",
    "AWS_SECRET_ACCESS_KEY=hunter2",
    "ENCRYPTION_KEY=hunter2",
    "//registry.example/:_authToken=hunter2",
    "GET /x?access_token=hunter2&b=1",
    "login --password hunter2 --debug",
    "login --password=hunter2",
    'login --password "hunter2 hunter2"',
    "k3s server --token hunter2 --agent-token=hunter2",
    "--registry-password hunter2",
    "--creds user:hunter2",
    'args: ["--password", "hunter2"]',
    '["server","--token","hunter2"]',
    "docker login -u me -p hunter2 registry.example",
    "mysql -u root -phunter2 db",
    "sshpass -p hunter2 ssh x",
    "redis-cli -a hunter2 ping",
    "curl -u me:hunter2 https://x",
    "crictl pull --creds me:hunter2 a/b",
    "kubectl create secret generic x --from-literal=user=hunter2",
    "kubectl create secret generic x --from-literal 'pin=hunter2 hunter2'",
    "Authorization: Basic hunter2",
    "Authorization: Bearer hunter2",
    "authorization: hunter2",
    '{"Authorization":["Bearer hunter2"]}',
    'Proxy-Authorization: Digest username="x", response="hunter2"',
    "Cookie: session=hunter2; other=hunter2",
    "Set-Cookie: a=hunter2; Path=/",
    "bearer hunter2hunter2",
    "https://me:hunter2@registry.example/v2/",
    "https://hunter2@registry.example/v2/",
    "root:hunter2@tcp(db:3306)/x",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
    '{"password":"hunter2"}',
    '{"auths":{"x":{"auth":"hunter2"}}}',
    '{\\"password\\":\\"hunter2\\"}',
    '"client_secret" : "hunter2"',
    "password: hunter2",
    "  db-password: hunter2 hunter2",
    "- secret: 'hunter2 hunter2'",
    "the token: hunter2",
    "map[password:hunter2 user:x]",
    '{"name":"DB_PASSWORD","value":"hunter2"}',
    "- name: API_KEY\n  value: hunter2",
    "K10" + "ab" * 32 + "::server:hunter2",
]
KEPT = [
    'failed to authorize: failed to fetch anonymous token: Get "https://auth.example/token": EOF',
    "Back-off pulling image",
    'secret "db" not found',
    'configmap "kube-root-ca.crt" not found',
    "https://registry.example:5000/v2/a/b/manifests/1",
    "docker.io/a/b@sha256:" + "a" * 64,
    "unauthorized: authentication required",
    "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
    'SetUp failed for volume "kube-api-access-abc" : object "kube-system"/"kube-root-ca.crt" not registered',
    "--token-file /etc/x --secret-name=x --kubeconfig=/x",
    "no basic auth credentials",
    "exec /coredns: exec format error",
    "mkdir -p /var/lib/x",
    "ServiceAccount token expired at 12:00",
]


@pytest.mark.parametrize("text", SECRETS)
def test_blanked(text):
    shown = redact(text)
    assert "hunter2" not in shown and "…" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", KEPT)
def test_kept(text):
    assert redact(text) == text


def test_texts_of_real_errors_stay_readable():
    """Of the corpus only logins and headers may be blanked: causes read the texts as they are, people read these."""
    texts = [entry["text"] for entry in yaml.safe_load(CORPUS.read_text(encoding="utf-8"))]
    changed = [text for text in texts if redact(text) != text]
    assert len(changed) < len(texts) // 50, changed


def test_a_long_text_takes_no_time():
    start = time.monotonic()
    for text in (
        "a" * 20000,
        "password" * 3000,
        "x-" * 10000,
        '"' * 20000,
        "docker -" * 2000,
        "://" * 5000,
        "a:" * 10000,
    ):
        redact(text)
    assert time.monotonic() - start < 10


def test_a_problem_shows_no_secret():
    problem = Problem("it failed", found="Get https://me:hunter2@x: --password hunter2", next_step="mend it")
    assert "hunter2" not in str(problem) and "hunter2" not in str(problem.parts())
