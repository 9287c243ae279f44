# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are planted on a board in each place where people have them: none is in what leaves it, as the script
writes it, and none in what is shown.
"""

from __future__ import annotations

import json

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from fake_fleet import NOW, FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.page import page
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text as table_text
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS, observe

SECRET = "hunter2"
LINES = [
    "connecting to postgres://app:hunter2@db/app",
    "DB_PASSWORD=hunter2 started",
    "run with --password hunter2 --verbose",
    "run with --token=hunter2",
    '{"level":"info","password":"hunter2"}',
    "Authorization: Bearer hunter2",
    "Cookie: session=hunter2",
    "api_key: hunter2",
    "-----BEGIN RSA PRIVATE KEY-----",
    "hunter2",
    "-----END RSA PRIVATE KEY-----",
    "the end",
]
# In a message of the API a colon stands before what went wrong, and so the board does not blank what follows it.
MESSAGES = LINES[:4]
REGISTRIES = """mirrors:
  docker.io:
    endpoint: ["https://u:hunter2@reg.example"]
configs:
  reg.example:
    auth: {username: hunter2, password: hunter2}
"""
CONFIG = "token: hunter2\nagent-token: hunter2\nnode-label: [a=b]\nkube-apiserver-arg:\n  - token-auth-file=/hunter2\n"
# tests/unit/test_masked_manifests.py has more of them.
CHART = """kind: HelmChart
metadata: {name: c, annotations: {note: hunter2}}
spec: {set: {adminPassword: hunter2}, valuesContent: "password: hunter2", chartContent: hunter2}
---
kind: Pod
spec: {containers: [{name: a, image: b, args: [--password, hunter2], env: [{name: PW, value: hunter2}]}]}
"""


def _event(message):
    values = dict.fromkeys(api_query.EVENT.fields, "x")
    values.update(kind="Pod", count="1", first="2026-01-01T00:00:00Z", last="", moment="", message=message)
    return "%s Event\t%s\n" % (TOKEN, "\t".join(values.values()))


@pytest.fixture(name="board")
def _board(tmp_path):
    board = FakeBoard(tmp_path)
    board.file("etc/k3s.yaml", "token: hunter2\n")
    board.file("etc/registries.yaml", REGISTRIES)
    board.file("etc/config.yaml", CONFIG)
    board.file("data/server/token", SECRET)
    board.file("data/server/manifests/chart.yaml", CHART)
    board.file("data/agent/etc/containerd/config.toml", '[plugins.x.auth]\n  password = "hunter2"\n')
    meta = {"name": "p", "uid": "u", "namespace": "default", "attempt": 0}
    note = {"kubectl.kubernetes.io/last-applied-configuration": '{"env":[{"name":"PW","value":"hunter2"}]}'}
    box = {"id": "%064x" % 1, "metadata": meta, "state": "SANDBOX_READY", "createdAt": "17", "labels": {}}
    row = {"id": "c", "podSandboxId": "%064x" % 1, "metadata": {"name": "a", "attempt": 0}, "state": "CONTAINER_EXITED"}
    row.update(image={"image": "x"}, imageRef="sha256:1", createdAt="17", labels={"io.kubernetes.container.name": "a"})
    board.answer("crictl pods", json.dumps({"items": [dict(box, annotations=note)]}, indent=2))
    board.answer("crictl ps", json.dumps({"containers": [dict(row, annotations=note)]}, indent=2))
    board.answer("crictl logs --tail 15", out="\n".join(LINES) + "\n")
    answer = "".join(map(_event, MESSAGES)) + "%s Dns\tfalse\tkube-system\tcoredns-x\tPod\n" % TOKEN
    board.answer("kubectl --request-timeout=20s get", answer)
    board.answer("kubectl --request-timeout=5s -n kube-system", "\n".join(LINES) + "\n")
    return board


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_none_leaves_the_board(board, shell):
    output = board.run(PARTS + EXTRAS, shell)
    assert SECRET not in output, [line for line in output.splitlines() if SECRET in line]
    seen = observe(output, TOKEN, PARTS + EXTRAS)
    assert len(seen["details"]["events"]) == len(MESSAGES) and "the end" in seen["logs"]["c"]
    assert seen["dns"]["pods"]["coredns-x"]["log"][-1] == "the end"


@pytest.mark.parametrize("line", [line for line in LINES if SECRET in line and line != SECRET])
def test_none_is_shown(line):
    fleet = FakeFleet()
    row = fleet.waiting("p", "ErrImagePull", 'failed to pull and unpack image "a": ' + line)
    fleet.event(row, "Failed", line)
    fleet.pod("q", "board-2", "x", ready=False, state="waiting", reason="CrashLoopBackOff", message=line, restarts=1)
    fleet.agent["logs"] = {"c-q": [line]}
    fleet.agent["errors"] = [{"section": "pods", "rc": 1, "message": line}]
    fleet.boards["board-3"] = {"unreachable": True, "msg": line}
    fleet.unready_coredns(log=[line], body=line)
    document = diagnose(fleet.boards, NOW, [])
    assert SECRET not in json.dumps(document)
    assert SECRET not in page(document) + "".join(table_text(document))


def test_causes_read_the_text_as_it_was():
    """Blanked first, the reason would be gone: token: Get … is where containerd says what it asked."""
    fleet = FakeFleet()
    text = (
        'failed to pull and unpack image "reg.example/a:1": failed to resolve reference "reg.example/a:1": failed to '
        'authorize: failed to fetch anonymous token: Get "https://u:hunter2@auth.example/token": dial tcp: lookup '
        "auth.example: no such host"
    )
    row = fleet.waiting("p", "ImagePullBackOff", image="reg.example/a:1")
    fleet.event(row, "Failed", 'Failed to pull image "reg.example/a:1": ' + text)
    (finding,) = fleet.document()["findings"]
    assert "no such host" in finding["evidence"][0] and SECRET not in finding["evidence"][0]
