# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy lab is broken in one way after the other: diagnose names each cause first, and its command, run as printed,
mends it.
"""

from __future__ import annotations

import json
import os
import re
import time

import pytest
from causes import BUSYBOX, CASES, REGISTRIES
from looking import look
from runs import ROOT, all_ready, play

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.starting import OF_K3S

STATE = """
cd /var/lib/rancher/k3s
k3s ctr -n k8s.io images ls | sort
k3s crictl ps -a -q --no-trunc | sort
[ ! -d server/manifests ] || find server/manifests -type f -exec stat -c '%n %Y %a' {} + | sort
find /etc/rancher agent/etc /tmp -type f -exec stat -c '%n %Y %a' {} + | sort
"""


@pytest.fixture(name="diagnose")
def _diagnose(healthy, tmp_path):
    path = tmp_path / "diagnose.json"

    def run(*options):
        path.unlink(missing_ok=True)
        done = play(healthy, "riscv.k3s.diagnose", "-e", "riscv_k3s_diagnose_json=%s" % path, *options)
        document = json.loads(path.read_text(encoding="utf-8"))
        return document, done

    return run


def follow(lab, finding):
    """Run a finding's command where it says, as printed."""
    if finding["run_on"] == "controller":
        environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_PIPELINING="1",
            PATH="%s:%s" % (ROOT / ".venv/bin", os.environ["PATH"]),
        )
        return lab.ctl(["sh", "-c", finding["command"]], env=environment)
    return lab.exec(finding["run_on"], finding["command"])


def test_healthy_lab_gives_no_finding_and_nothing_changes(diagnose, healthy):
    lab = healthy
    boards = (lab.server, lab.agent)
    before = [lab.exec(board, STATE).stdout for board in boards]
    for options in ([], ["--check"]):
        document, done = diagnose(*options)
        assert (document["findings"], document["collect"]) == ([], [])
        assert done.changed == {lab.server: 0, lab.agent: 0} or done.changed[lab.agent] == 0
    assert [lab.exec(board, STATE).stdout for board in boards] == before
    assert [board["unready"] for board in document["boards"]] == [0, 0]


def test_playbook_shows_what_is_wrong(diagnose, healthy):
    case = next(case for case in CASES if case.cause == "sysctl-off")
    try:
        case.inject(healthy)
        document, done = diagnose()
        (finding,) = document["findings"]
        assert finding["cause"] == case.cause
        for text in (finding["title"], finding["remedy"], finding["command"], *finding["evidence"]):
            assert text in done.text
    finally:
        case.undo(healthy)


def test_site_ends_with_the_finding_that_diagnose_makes(diagnose, healthy):
    """So does the report of the callback, which comes last."""
    case = next(case for case in CASES if case.cause == "coredns-rights")
    try:
        case.inject(healthy)
        # What may pass by itself is none while k3s starts, as it does not long before.
        healthy.wait(case.cause, lambda: look(healthy)["findings"], 90 + OF_K3S)
        callbacks = {"ANSIBLE_CALLBACKS_ENABLED": "record,riscv.k3s.run_report"}
        done = play(healthy, "riscv.k3s.site", "-e", "riscv_k3s_wait_timeout=5", check=False, extra_env=callbacks)
        finding = diagnose()[0]["findings"][0]
        follow(healthy, finding)
        healthy.wait("healthy again", lambda: all_ready(healthy), 90)
    finally:
        case.undo(healthy)
    assert (done.rc, finding["cause"]) == (2, case.cause)
    why = done.results("riscv.k3s.k3s_verdict")[healthy.server]["why"]
    shown = "WHY: %s  [%s, certain]" % (finding["title"], case.cause)
    assert why[0] == shown and "   mended by: " + finding["mended_by"] in why
    assert "   on %s: %s" % (finding["run_on"], finding["command"]) in why
    assert shown in done.text.rpartition("RUN REPORT")[2]


BROKEN = """
apiVersion: v1
kind: Pod
metadata: {name: broken, namespace: default}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: "%s"
    imagePullPolicy: IfNotPresent
    env: [{name: DATABASE, value: envsecret}]
    command: ["/bin/busybox", "sh", "-c", "echo 'cannot log in: password=logsecret'; exit 3"]
"""


@pytest.fixture(name="broken")
def _broken(healthy):
    """A pod that ends again and again, and registries.yaml of the agent with a password that k3s did not read yet."""
    lab = healthy
    auth = "printf '%s\n' configs: '  reg.example:' '    auth: {username: u, password: registrysecret}'"
    lab.exec(lab.agent, f"cp -p {REGISTRIES} {REGISTRIES}.kept && {auth} >>{REGISTRIES}")
    lab.kubectl("apply", "-f", "-", input=BROKEN % (lab.agent, BUSYBOX))

    def ended():
        pod = lab.get("pod", "broken", "-n", "default")
        return any(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))

    lab.wait("a container that ended", ended, 90)
    yield lab
    lab.kubectl("delete", "pod", "broken", "--ignore-not-found", "--grace-period=1")
    lab.exec(lab.agent, f"mv {REGISTRIES}.kept {REGISTRIES}")


def test_page_shows_the_findings_and_no_secret(broken, diagnose, tmp_path):
    lab = broken
    path = tmp_path / "diagnose.html"
    document = diagnose("-e", "riscv_k3s_diagnose_html=%s" % path)[0]
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding="ascii")
    shown = json.loads(re.search('<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL).group(1))
    assert {"crash-loop", "registries-stale"} <= {finding["cause"] for finding in document["findings"]}
    assert (shown["findings"], len(shown["pods"])) == (document["findings"], len(document["pods"]))
    (row,) = [row for row in shown["pods"] if row["name"] == "broken"]
    assert row["containers"][0]["log"] == ["cannot log in: password=…"]
    key = re.search("client-key-data: (.*)", lab.read(lab.server, "/etc/rancher/k3s/k3s.yaml")).group(1)
    token = re.search("token: (.*)", lab.read(lab.server, "/etc/rancher/k3s/config.yaml")).group(1)
    assert [
        secret
        for secret in ("envsecret", "logsecret", "registrysecret", key, token)
        if secret in text + json.dumps(document)
    ] == []


def test_containerd_tells_how_a_container_ended(broken):
    """On the agent, which has no API to ask."""
    lab = broken
    argv = [
        ROOT / ".venv/bin/ansible",
        "-i",
        lab.inventory,
        lab.agent,
        "-b",
        "-m",
        "riscv.k3s.cri_sandbox_info",
        "-a",
        "name=broken",
    ]
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"))

    uid = lab.get("pod", "broken", "-n", "default")["metadata"]["uid"]

    def ask():
        rows = json.loads(lab.ctl(list(map(str, argv)), env=environment).stdout.partition(" => ")[2])["pods"]
        # It may be running at the moment, and another pod of that name going.
        return next((row for row in rows if row["uid"] == uid and row["containers"][0]["state"] == "exited"), None)

    row = lab.wait("a container that ended", ask)
    (container,) = row["containers"]
    assert (row["api"], container["exit_code"], container["reason"], container["log"]) == (
        None,
        3,
        "Error",
        ["cannot log in: password=…"],
    )
    assert (
        row["ip"].startswith("10.42.")
        and lab.exec(lab.agent, ["test", "-e", row["network_namespace"]], check=False).returncode == 0
    )


def test_one_command_a_board_and_one_query_a_cluster(diagnose, healthy):
    lab = healthy
    for board in (lab.server, lab.agent):
        lab.exec(board, "touch /run/lab-count-processes; rm -f /var/log/ssh-processes/*; : >/var/log/ssh-sessions.log")
    try:
        diagnose()
        for board, queries in ((lab.server, 1), (lab.agent, 0)):
            assert len(lab.read(board, "/var/log/ssh-sessions.log").splitlines()) == 1
            lines = lab.exec(board, "cat /var/log/ssh-processes/*").stdout.splitlines()
            started = [line for line in lines if "execve(" in line and line.rstrip().endswith("= 0")]
            assert not [line for line in started if "python" in line.split("execve(", 1)[1].split(",")[0]]
            # A CoreDNS that is ready is asked so from its own network, and nothing further.
            own = [
                line
                for line in started
                if '/data/current/bin/kubectl"' in line and "--kubeconfig=/dev/null" not in line
            ]
            assert len(own) == queries, own
    finally:
        for board in (lab.server, lab.agent):
            lab.exec(board, "rm -f /run/lab-count-processes")


# CI breaks the lab in these ways; the others take half an hour more, and run with ALL=1 make integration.
QUICK = {"k3s-down", "no-such-image", "pause-image-missing", "service-rules"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.cause, marks=[] if case.cause in QUICK else pytest.mark.slow) for case in CASES]
)
def test_cause_is_named_first_and_its_command_mends_it(case, healthy):
    lab = healthy
    seen = []

    def named():
        document = look(lab)
        seen[:] = [(finding["cause"], finding["evidence"]) for finding in document["findings"]] + document["collect"]
        # Before it stand only those of which diagnose is more certain.
        found = next((row for row in document["findings"] if row["cause"] == case.cause), None)
        equals = [row for row in document["findings"] if found and row["confidence"] == found["confidence"]]
        return found if equals[:1] == [found] else None

    def well():
        document = look(lab)
        seen[:] = [(finding["cause"], finding["evidence"]) for finding in document["findings"]] + document["collect"]
        return not seen

    mended = False
    try:
        case.inject(lab)
        # What may pass by itself is none while k3s starts, as after the remedy of the case before.
        finding = wait("%s is the first finding" % case.cause, named, seen, 90 + OF_K3S)
        assert finding["evidence"] and finding["remedy"]
        if case.mends:
            follow(lab, finding)
            wait("mended by `%s`" % finding["command"], well, seen)
        mended = True
    finally:
        case.undo(lab)
        if not mended:
            # The next case must find a healthy lab.
            play(lab, "riscv.k3s.site", check=False)
        lab.wait("healthy again", lambda: all_ready(lab), 90)


def wait(what, ask, seen, seconds=90):
    """Call ``ask`` until it returns something; the failure shows what was seen last."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
    pytest.fail("%s: not after %d s, but: %s" % (what, seconds, json.dumps(seen, indent=1)))
    return None
