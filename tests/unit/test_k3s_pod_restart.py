# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_pod_restart on a stand-in for the API."""

import pytest
from fake_cluster import Cluster, make_pod, make_workload

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Kube
from ansible_collections.riscv.k3s.plugins.module_utils._kube.restart import restart
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DNS = "docker.io/rancher/coredns:1"


def dns_pod(ready=True, suffix="a"):
    return make_pod(
        "kube-system",
        "coredns-7c9-" + suffix,
        "ReplicaSet/coredns-7c9",
        "rancher/coredns:1",
        {"k8s-app": "kube-dns", "pod-template-hash": "7c9"},
        ready,
    )


def agent_pod(number):
    return make_pod("kube-system", "svclb-%d" % number, "DaemonSet/svclb", "rancher/coredns:1", {"app": "svclb"})


WORKLOADS = (
    make_workload("Deployment", "kube-system", "coredns", 1),
    make_workload("DaemonSet", "kube-system", "svclb", 2),
)


def standard(**kwargs):
    return Cluster(dns_pod(), agent_pod(1), agent_pod(2), *WORKLOADS, **kwargs)


def ready(item):
    return item["status"]["containerStatuses"][0]["ready"]


def run(cluster, check=False, sleep=None, **params):
    cluster.now = 0

    def pass_time(seconds):
        cluster.now += seconds

    programs = Programs({"k3s": "k3s"}, cluster.runner, is_root=True)
    kube = Kube(programs, sleep=sleep or pass_time, clock=lambda: cluster.now)
    given = {
        "images": [],
        "pods": [],
        "selectors": [],
        "namespace": None,
        "only_broken": False,
        "ignore_not_found": False,
    }
    params = dict(given, **dict({"allow_unowned": False, "wait": True, "timeout": 30}, **params))
    return restart(params, check, kube)


def names(rows):
    return [row["name"] for row in rows]


def test_one_workload_at_a_time_with_few_calls():
    cluster = standard()
    predicted = run(cluster, check=True, images=[DNS])
    assert cluster.verbs == ["get"] and not cluster.deleted
    result = run(cluster, images=[DNS])
    assert result["restarted"] == predicted["restarted"] and result["changed"] and predicted["changed"]
    assert names(result["restarted"]) == ["coredns-7c9-a", "svclb-1", "svclb-2"]
    assert result["restarted"][0]["owner"] == {"kind": "Deployment", "name": "coredns"}
    assert cluster.verbs[1:] == ["get", "delete", "get", "get", "delete", "get", "get"], (
        "one delete a workload, and wait between"
    )
    assert names(result["ready"]) == ["coredns-7c9-a-new", "svclb-1-new", "svclb-2-new"]
    assert (
        result["ready"][0]["images"] == [{"image": DNS, "image_id": "sha256:8b5a"}]
        and result["ready"][0]["node"] == "board-1"
    )


def test_only_broken():
    cluster = standard()
    assert not run(cluster, images=[DNS], only_broken=True)["changed"] and cluster.verbs == ["get"]
    cluster = Cluster(dns_pod(False), agent_pod(1), make_workload("Deployment", "kube-system", "coredns", 1))
    assert names(run(cluster, images=[DNS], only_broken=True)["restarted"]) == ["coredns-7c9-a"]
    assert not run(cluster, images=[DNS], only_broken=True)["changed"]


def test_a_pod_that_went_since_it_was_observed():
    cluster = standard()
    with pytest.raises(Problem, match="there is no pod kube-system/coredns-7c9-gone"):
        run(cluster, pods=["kube-system/coredns-7c9-gone", "kube-system/svclb-1"])
    assert (
        not run(cluster, pods=["kube-system/coredns-7c9-gone"], ignore_not_found=True)["changed"]
        and not cluster.deleted
    )
    result = run(cluster, pods=["kube-system/coredns-7c9-gone", "kube-system/svclb-1"], ignore_not_found=True)
    assert names(result["restarted"]) == ["svclb-1"]


def test_no_pod_runs_the_image():
    assert not run(standard(), images=["x/y:1"])["changed"]


@pytest.mark.parametrize("allow,deleted", [(False, []), (True, ["default/alone"])])
def test_pods_without_owner(allow, deleted):
    cluster = Cluster(make_pod("default", "alone", image=DNS))
    result = run(cluster, images=[DNS], allow_unowned=allow)
    assert cluster.deleted == deleted and result["changed"] is bool(deleted)
    assert names(result["left_alone"]) == ([] if allow else ["alone"]) and len(result["warnings"]) == len(
        result["left_alone"]
    )


def test_static_pods_are_never_deleted():
    cluster = Cluster(make_pod("kube-system", "etcd", "Node/board-1", DNS))
    result = run(cluster, images=[DNS], allow_unowned=True)
    assert not cluster.deleted and not result["changed"] and "static pod" in result["left_alone"][0]["reason"]


def test_each_workload_that_fails_is_told_and_all_are_tried():
    cluster = standard(ready_after=99)
    with pytest.raises(Problem) as caught:
        run(cluster, images=[DNS])
    problem = caught.value
    assert problem.what == "2 of 2 workloads were not restarted well"
    assert "Deployment/coredns in kube-system is not Ready after its pods were deleted: nothing moved" in problem.found
    assert "pod kube-system/coredns-7c9-a-new: main: ImagePullBackOff (Back-off pulling image)" in problem.found
    assert "DaemonSet/svclb in kube-system is not Ready" in problem.found
    assert cluster.deleted == ["kube-system/coredns-7c9-a", "kube-system/svclb-1", "kube-system/svclb-2"]
    assert names(problem.result["restarted"]) == ["coredns-7c9-a", "svclb-1", "svclb-2"]


def test_one_workload_that_fails_keeps_none_from_being_restarted():
    broken = agent_pod(1)
    broken["metadata"]["ownerReferences"][0]["name"] = "a-first"
    cluster = Cluster(broken, dns_pod(), *WORKLOADS, make_workload("DaemonSet", "kube-system", "a-first", 9))
    with pytest.raises(Problem) as caught:
        run(cluster, images=[DNS])
    assert caught.value.what.startswith("DaemonSet/a-first in kube-system is not Ready after its pods were deleted")
    assert cluster.deleted == ["kube-system/coredns-7c9-a", "kube-system/svclb-1"]
    assert names(caught.value.result["ready"]) == ["coredns-7c9-a-new"]


def test_a_pod_that_moves_is_waited_for_beyond_the_time():
    """CoreDNS on an emulated board: more than the time, while its states changed."""
    cluster = Cluster(dns_pod(), *WORKLOADS, ready_after=22)
    reasons = iter(["ContainerCreating", "PodInitializing", "ErrImagePull", "Starting"])

    def slow(seconds):
        # Something new every 20 seconds.
        if int(cluster.now / 20) != int((cluster.now + seconds) / 20):
            for item in cluster.items:
                if item["kind"] == "Pod" and not ready(item):
                    waiting = {"waiting": {"reason": next(reasons, "Starting")}}
                    item["status"]["containerStatuses"][0].update(state=waiting, restartCount=int(cluster.now / 60))
        cluster.now += seconds

    result = run(cluster, images=[DNS], sleep=slow)
    assert names(result["ready"]) == ["coredns-7c9-a-new"] and result["seconds"] > 3 * 30


def test_a_container_that_is_killed_by_its_liveness_probe_is_named():
    cluster = Cluster(dns_pod(), *WORKLOADS, ready_after=99)
    about = {"kind": "Pod", "namespace": "kube-system", "name": "coredns-7c9-a-new"}
    rows = [
        ("Unhealthy", "Liveness probe failed: Get http://10.42.0.5:8080/health: context deadline exceeded", "Warning"),
        ("Killing", "Container coredns failed liveness probe, will be restarted", "Normal"),
    ]
    cluster.events = [
        {"kind": "Event", "involvedObject": about, "reason": reason, "message": text, "type": kind, "count": 3}
        for reason, text, kind in rows
    ]
    with pytest.raises(Problem) as caught:
        run(cluster, images=[DNS])
    assert (
        "the kubelet killed container coredns of pod kube-system/coredns-7c9-a-new by its liveness probe 3 times: "
        "Liveness probe failed: Get http://10.42.0.5:8080/health: context deadline exceeded" in caught.value.found
    )


def test_the_new_pods_must_run_the_wanted_image():
    with pytest.raises(Problem, match="runs another image: docker.io/other/x:2"):
        run(standard(image="other/x:2"), images=[DNS])
    assert run(standard(image="other/x:2"), selectors=["k8s-app=kube-dns"], images=["x/y:1"])["changed"], (
        "chosen by label"
    )


def test_a_pod_of_an_old_replica_set_must_go_first():
    old = make_pod(
        "kube-system",
        "coredns-old-a",
        "ReplicaSet/coredns-old",
        "rancher/coredns:0",
        {"pod-template-hash": "old"},
        ready=False,
    )
    cluster = Cluster(dns_pod(), old, make_workload("Deployment", "kube-system", "coredns", 1))
    with pytest.raises(Problem, match="coredns-old-a: main: ImagePullBackOff"):
        run(cluster, images=[DNS])


def test_a_replica_that_is_missing_is_waited_for():
    cluster = Cluster(dns_pod(), make_workload("Deployment", "kube-system", "coredns", 2))
    with pytest.raises(Problem, match="1 of 2 pods are there"):
        run(cluster, images=[DNS])


def job(*conditions, name="helm"):
    status = {"conditions": [{"type": condition, "status": "True"} for condition in conditions]}
    return {"kind": "Job", "metadata": {"namespace": "kube-system", "name": name}, "spec": {}, "status": status}


def test_the_pod_of_a_job_has_done_its_work_when_it_ran_to_its_end():
    cluster = Cluster(make_pod("kube-system", "helm-a", "Job/helm", DNS, ready=False), job())
    assert names(run(cluster, images=[DNS])["ready"]) == ["helm-a-new"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("more", [[], [job("Complete")]])
def test_a_finished_pod_is_left_alone_and_said_so(phase, more):
    """A helm-install pod stays Completed for ever, and is not made anew: nothing to wait for."""
    cluster = Cluster(make_pod("kube-system", "helm-a", "Job/helm", DNS, ready=False, phase=phase), dns_pod(), *more)
    result = run(cluster, pods=["kube-system/helm-a", "kube-system/coredns-7c9-a"])
    assert cluster.deleted == ["kube-system/coredns-7c9-a"] and names(result["left_alone"]) == ["helm-a"]
    assert "ran to its end" in result["warnings"][0]


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_a_pod_of_a_job_that_is_over_is_left_alone(condition):
    cluster = Cluster(make_pod("kube-system", "helm-a", "Job/helm", DNS, ready=False), job(condition))
    result = run(cluster, pods=["kube-system/helm-a"])
    assert not cluster.deleted and not result["changed"]
    assert "Job/helm in kube-system is over" in result["left_alone"][0]["reason"]


@pytest.mark.parametrize("after", [[job("Complete")], []], ids=["over", "deleted with its end"])
def test_a_job_that_ends_meanwhile_is_waited_for_no_more(after):
    cluster = Cluster(make_pod("kube-system", "helm-a", "Job/helm", DNS, ready=False), job(), makes_anew=False)

    def sleep(seconds):
        cluster.now += seconds
        cluster.items[:] = after

    assert run(cluster, images=[DNS], sleep=sleep)["changed"]


def test_without_waiting():
    cluster = standard()
    result = run(cluster, images=[DNS], wait=False)
    assert cluster.verbs == ["get", "delete", "delete"] and result["ready"] == []


def test_something_must_be_asked_for():
    with pytest.raises(Problem, match="give images, pods or selectors"):
        run(standard())
