# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole story on a riscv64 machine: broken, predicted, healed, converged, restarted, looked at, undone. The tests
are its chapters, in their order.
"""

from __future__ import annotations

QUERY = ["busybox", "nslookup", "kubernetes.default.svc.cluster.local", "10.43.0.10"]


def all_ready(board):
    pods = board.pods()
    return len(pods) == 3 and all(pods.values())


def found_healthy(board, playbook, *words, answer="All healthy."):
    """A run that changes nothing says the answer. The probe of a pod fails there now and then, where the emulator is
    short of time, and a run then says so: it is asked again, at most three times.
    """
    for _time in range(3):
        board.wait("all Ready", lambda: all_ready(board), 900, 5)
        done = board.play(playbook, *words, check=False)
        assert done.changed == 0, done.text
        if not done.failed and answer in done.text:
            return
    raise AssertionError(done.text)


def test_it_is_a_riscv64_machine(board):
    assert board.exec("board-1", ["uname", "-m"]).stdout == "riscv64\n"
    # Programs of another architecture do not run there by themselves.
    assert "qemu" not in board.exec("board-1", "ls /proc/sys/fs/binfmt_misc 2>/dev/null; true").stdout


def test_it_is_broken(board):
    def told():
        asked = ("get", "events", "-n", "kube-system", "--field-selector=reason=FailedCreatePodSandBox")
        return "mirrored-pause" in board.kubectl(*asked, "-o", "jsonpath={.items[*].message}").stdout

    board.wait("pods that wait for the pause image", told, 900, 5)
    pods = board.pods()
    assert len(pods) == 3 and not any(pods.values())


def test_diagnose_says_why(board):
    done = board.play("riscv.k3s.diagnose")
    assert done.changed == 0
    assert "mirrored-pause" in done.text, done.text


def test_the_registry_is_filled(board):
    done = board.play("riscv.k3s.publish")
    assert done.changed == 0, done.text
    assert "rancher/mirrored-coredns-coredns" in board.ctl(["python3", "-c", CATALOG % board.registry]).stdout


CATALOG = "import urllib.request; print(urllib.request.urlopen('http://%s/v2/_catalog').read().decode())"


def test_the_architecture_is_found_and_the_rest_predicted(board):
    done = board.play("riscv.k3s.plan")
    assert done.changed == 0 and "riscv64" in done.text, done.text


def test_site_heals_it(board):
    done = board.play("riscv.k3s.site")
    assert done.changed > 0 and "All healthy." in done.text, done.text
    # Where the emulator is short of time, a probe may fail once more.
    board.wait("all Ready", lambda: all_ready(board), 600, 5)


def test_dns_answers(board):
    assert "10.43.0.1" in board.exec("board-1", QUERY).stdout


def test_a_second_run_changes_nothing(board):
    found_healthy(board, "riscv.k3s.site")
    found_healthy(board, "riscv.k3s.site", "--check")


def test_a_restart_of_k3s_takes_nothing_away(board):
    board.exec("board-1", ["systemctl", "restart", "k3s"])
    found_healthy(board, "riscv.k3s.site")


def test_diagnose_finds_nothing(board):
    found_healthy(board, "riscv.k3s.diagnose", answer="3 pods, 0 not Ready, 0 findings.")


def test_undo_leaves_nothing(board):
    done = board.play("riscv.k3s.undo")
    assert done.changed > 0, done.text
    left = board.exec(
        "board-1",
        "ls /etc/rancher/k3s/registries.yaml /var/lib/rancher/k3s/server/manifests/*riscv64* "
        "/var/lib/rancher/k3s/server/manifests/*.skip 2>/dev/null; k3s ctr images ls -q",
    ).stdout
    assert "registries.yaml" not in left and ".skip" not in left and "rancher/mirrored-coredns" not in left, left
    assert board.play("riscv.k3s.undo").changed == 0
