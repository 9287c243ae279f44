# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers at once, and runs that died: the lease of the fleet on the lab."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import time

import pytest
from runs import ROOT, play

pytestmark = pytest.mark.slow

SITE = "riscv.k3s.site"
JOURNAL = "/var/lib/rancher/k3s/riscv-k3s/journal.json"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
ELSEWHERE = {"id": "shed-1", "user": "bert", "host": "shed", "boot": "x", "namespace": "x", "pid": 7, "started": "7"}


@pytest.fixture(scope="module", name="healed")
def _healed(lab):
    """A lab that `site` healed, of the version whose image the tests take away."""
    lab.lab("reset")
    play(lab, "riscv.k3s.build_images")
    play(lab, SITE)
    assert not any(play(lab, SITE).changed.values())
    return lab


def make_work(lab):
    """Something to do on both boards, whichever of them is first."""
    for board in (lab.server, lab.agent):
        lab.exec(board, ["k3s", "ctr", "-n", "k8s.io", "images", "rm", COREDNS])


def lease(lab):
    return json.loads(lab.read(lab.server, JOURNAL))["lease"]


def hold(lab, seconds, ago=0, **changes):
    """Have another controller's run hold the lease, as it took it so many seconds ago, by the server's uptime."""
    boot, uptime = lab.exec(lab.server, "cat /proc/sys/kernel/random/boot_id /proc/uptime").stdout.split()[:2]
    kept = {"since": int(time.time()) - ago, "server_boot": boot, "uptime": int(float(uptime)) - ago}
    journal = json.loads(lab.read(lab.server, JOURNAL))
    journal["lease"]["held"] = dict(ELSEWHERE, seconds=seconds, **dict(kept, **changes))
    lab.write(lab.server, JOURNAL, json.dumps(journal))


def is_healthy(lab):
    run = play(lab, SITE)
    return "All healthy." in run.text and not any(run.changed.values())


def test_two_runs_at_once(healed):
    make_work(healed)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _number: play(healed, SITE, check=False), range(2)))
    winners = [run for run in runs if run.rc == 0]
    refused = [run for run in runs if "another run works on this fleet" in run.text]
    # The slower one may also come when all is done.
    assert len(winners) + len(refused) == 2 and winners
    for run in refused:
        assert run.rc == 2 and not any(run.changed.values())
        assert "process " in run.text and "riscv_k3s_lease_take_over=" in run.text
    assert is_healthy(healed) and lease(healed)["held"] is None


def test_a_run_that_waits_has_nothing_left_to_do(healed):
    make_work(healed)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _number: play(healed, SITE, "-e", "riscv_k3s_lease_wait=300"), range(2)))
    worked = [run for run in runs if any(run.changed.values())]
    assert len(worked) == 1
    assert all("All healthy." in run.text for run in runs)
    assert is_healthy(healed)


def test_another_controller_is_named_and_left_alone(healed):
    make_work(healed)
    hold(healed, 3600)
    run = play(healed, SITE, check=False)
    assert run.rc == 2 and not any(run.changed.values())
    assert "bert on shed, process 7, since" in run.text
    assert "changed=" in play(healed, SITE, "--check").text, "check mode needs no lease"
    assert lease(healed)["held"]["id"] == "shed-1"
    run = play(healed, SITE, "-e", "riscv_k3s_lease_take_over=shed-1")
    assert "bert on shed, process 7 no longer runs" in run.text and any(run.changed.values())
    assert is_healthy(healed)


@pytest.mark.parametrize("held", [{"seconds": 60, "ago": 61}, {"seconds": 1, "server_boot": "another"}])
def test_an_abandoned_lease_holds_up_nobody(healed, held):
    """One that was not renewed; one from before a reboot of a server that has been up for longer than it lasts."""
    make_work(healed)
    hold(healed, **held)
    run = play(healed, SITE)
    assert "was not renewed for %d s and is taken over" % held["seconds"] in run.text and any(run.changed.values())
    assert is_healthy(healed)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"since": 10}, id="taken when the clock was years behind"),
        pytest.param({"since": 4_000_000_000}, id="taken when the clock was years ahead"),
        pytest.param({"server_boot": "another", "seconds": 10**8}, id="the server was rebooted since"),
    ],
)
def test_a_clock_that_jumps_lets_no_second_run_in(healed, changes):
    make_work(healed)
    hold(healed, **dict({"seconds": 3600, "ago": 60}, **changes))
    run = play(healed, SITE, check=False)
    assert run.rc == 2 and not any(run.changed.values())
    assert "bert on shed, process 7, since" in run.text and "by that server's clock" in run.text
    assert ("started anew" in run.text) == ("server_boot" in changes)
    play(healed, SITE, "-e", "riscv_k3s_lease_take_over=shed-1")
    assert is_healthy(healed)


def test_a_killed_run_can_be_run_again_at_once(healed):
    make_work(healed)
    argv = [str(ROOT / "tests/lab/lab"), "ctl", "--", str(ROOT / ".venv/bin/ansible-playbook")]
    argv += ["-i", str(healed.inventory), "-i", str(ROOT / "tests/lab/inventory"), SITE]
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"))
    before = lease(healed)
    with subprocess.Popen(
        argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        healed.wait("the lease is taken", lambda: lease(healed)["held"], 120)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert lease(healed)["held"] and lease(healed) != before
    run = play(healed, SITE)
    assert "no longer runs" in run.text and "All healthy." in run.text
    assert is_healthy(healed) and lease(healed)["held"] is None
