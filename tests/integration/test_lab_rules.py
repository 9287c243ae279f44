# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for k3s keeps the rules that the collection builds upon, on the running lab."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import sys
import time

import modules
import pytest
import yaml
from looking import look_at
from prerequisites import missing

pytestmark = pytest.mark.slow

ONE_PASS = 20  # seconds: the deploy controller looks every 15 s


def addon(lab, name):
    """The Addon's spec, or None."""
    found = lab.get("addon", "-n", "kube-system", name)
    return found and found["spec"]


def is_applied(lab, name, text):
    """Whether the Addon has the checksum of that text: the one proof that k3s offers."""
    return (addon(lab, name) or {}).get("checksum") == hashlib.sha256(text.encode()).hexdigest()


def live_image(lab):
    """The image of the coredns Deployment, and its owner."""
    found = lab.get("deployment", "-n", "kube-system", "coredns")
    return found["spec"]["template"]["spec"]["containers"][0]["image"], found["metadata"]["annotations"][
        "objectset.rio.cattle.io/owner-name"
    ]


def put(lab, name, text):
    """Write a file into the manifests folder."""
    lab.write(lab.server, "%s/%s" % (lab.manifests, name), text)


def remove(lab, *names):
    """Remove files from the manifests folder."""
    lab.exec(lab.server, ["rm", "-f", *["%s/%s" % (lab.manifests, name) for name in names]])


def without_service(text):
    """The documents of a manifest but for its Service."""
    return "---".join(part for part in text.split("---") if "\nkind: Service\n" not in part)


@pytest.fixture(name="stock")
def _stock(lab):
    """The packaged coredns.yaml; what a test did to the manifests is undone after it by a restart of k3s."""
    text = lab.read(lab.server, lab.manifests + "/coredns.yaml")
    yield text
    lab.exec(lab.server, "cd %s && rm -f *.skip *-riscv64.yaml lab-*.yaml" % lab.manifests)
    # Else the next test's overlay, when it has the same text, would be passed over.
    lab.kubectl("delete", "addon", "-n", "kube-system", "coredns-riscv64", "lab-x", "--ignore-not-found")
    lab.lab("restart", lab.server)
    lab.wait("the stock coredns", lambda: is_applied(lab, "coredns", text) and live_image(lab)[1] == "coredns", 90)


def test_both_nodes_are_ready_and_each_has_a_stock_pod(lab):
    nodes = lab.get("nodes")["items"]
    ready = [
        node["metadata"]["name"]
        for node in nodes
        for c in node["status"]["conditions"]
        if (c["type"], c["status"]) == ("Ready", "True")
    ]
    assert sorted(ready) == ["board-1", "board-2"]
    pods = lab.get("pods", "-n", "kube-system")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"board-1", "board-2"}


def test_version_and_tools_by_every_name(lab):
    out = lab.exec(lab.server, ["k3s", "--version"]).stdout
    assert re.match(r"k3s version v1\.24\.2\+k3s2 \(.*\)\ngo version go1", out)
    for command in ("k3s crictl info", "crictl info", "k3s ctr version", "ctr version", "k3s ctr images ls"):
        lab.exec(lab.agent, command)
    lab.exec(lab.server, "kubectl get nodes && k3s kubectl get nodes")
    assert lab.exec(lab.agent, "k3s kubectl get nodes", check=False).returncode != 0


def test_packaged_files_are_for_root_only(lab):
    modes = lab.exec(lab.server, "find %s -type f -printf '%%m %%u\\n' | sort -u" % lab.manifests).stdout
    assert modes == "600 root\n"


def test_an_edit_is_taken_in_one_pass_and_lost_at_the_next_start(lab, stock):
    edited = stock.replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Never")
    put(lab, "coredns.yaml", edited)
    lab.wait("the edit", lambda: is_applied(lab, "coredns", edited), ONE_PASS)
    lab.lab("restart", lab.server)
    assert lab.read(lab.server, lab.manifests + "/coredns.yaml") == stock
    lab.wait("the stock text", lambda: is_applied(lab, "coredns", stock), ONE_PASS)


def test_a_write_that_keeps_the_time_stamp_is_not_seen(lab, stock):
    path = lab.manifests + "/coredns.yaml"
    edited = stock.replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Never")
    lab.write(lab.server, "/tmp/edited", edited)
    lab.exec(lab.server, f"chmod 600 /tmp/edited && touch -r {path} /tmp/edited && cp -p /tmp/edited {path}")
    time.sleep(ONE_PASS)
    assert is_applied(lab, "coredns", stock)
    lab.exec(lab.server, ["touch", path])
    lab.wait("the touched file", lambda: is_applied(lab, "coredns", edited), ONE_PASS)


def test_an_overlay_with_skip_takes_over_and_outlives_a_restart(lab, stock):
    own = without_service(stock).replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Never")
    put(lab, "coredns.yaml.skip", "")
    put(lab, "coredns-riscv64.yaml", own)
    lab.wait("the overlay", lambda: is_applied(lab, "coredns-riscv64", own), ONE_PASS)
    assert live_image(lab)[1] == "coredns-riscv64"
    generation = lab.get("deployment", "-n", "kube-system", "coredns")["metadata"]["generation"]
    lab.lab("restart", lab.server)
    time.sleep(ONE_PASS)
    assert lab.read(lab.server, lab.manifests + "/coredns.yaml") == stock, "k3s writes a skipped file again, too"
    after = lab.get("deployment", "-n", "kube-system", "coredns")
    assert after["metadata"]["generation"] == generation
    assert live_image(lab)[1] == "coredns-riscv64"
    assert lab.get("service", "-n", "kube-system", "kube-dns"), "a skip deletes nothing"


def test_undo_and_redo_need_a_changed_text(lab, stock):
    own = without_service(stock).replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Never")
    put(lab, "coredns.yaml.skip", "")
    put(lab, "coredns-riscv64.yaml", own)
    lab.wait("the overlay", lambda: is_applied(lab, "coredns-riscv64", own), ONE_PASS)

    remove(lab, "coredns.yaml.skip", "coredns-riscv64.yaml")
    lab.exec(lab.server, ["touch", lab.manifests + "/coredns.yaml"])
    time.sleep(ONE_PASS)
    assert live_image(lab)[1] == "coredns-riscv64", (
        "the Addon coredns has this checksum still, so the file is passed over"
    )
    put(lab, "coredns.yaml", stock + "#\n")
    lab.wait("the changed stock file", lambda: live_image(lab)[1] == "coredns", ONE_PASS)

    put(lab, "coredns.yaml.skip", "")
    put(lab, "coredns-riscv64.yaml", own)
    time.sleep(ONE_PASS)
    assert live_image(lab)[1] == "coredns", "the same overlay again is not applied"
    put(lab, "coredns-riscv64.yaml", own + "#\n")
    lab.wait("the changed overlay", lambda: live_image(lab)[1] == "coredns-riscv64", ONE_PASS)


def test_a_service_with_an_allocated_address_never_completes_and_forces_every_file(lab, stock):
    put(lab, "coredns.yaml.skip", "")
    put(lab, "coredns-riscv64.yaml", stock + "#\n")
    lab.wait(
        "the failure",
        lambda: (
            "coredns-riscv64"
            in lab.kubectl("get", "events", "-n", "kube-system", "--field-selector=reason=ApplyManifestFailed").stdout
        ),
        ONE_PASS,
    )
    assert addon(lab, "coredns-riscv64") is not None
    assert "checksum" not in addon(lab, "coredns-riscv64")
    # Forcing lasts from a start until a pass without errors, which does not come here: an edit by hand is undone.
    lab.lab("restart", lab.server)
    lab.kubectl("scale", "-n", "kube-system", "deployment", "local-path-provisioner", "--replicas=0")
    lab.wait(
        "the forced pass",
        lambda: lab.get("deployment", "-n", "kube-system", "local-path-provisioner")["spec"]["replicas"] == 1,
        2 * ONE_PASS,
    )


def test_names_up_to_the_first_dot_and_pruning(lab, stock):
    def config_map(name):
        return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: default}\n" % name

    put(lab, "lab-x.first.yaml", config_map("one") + "---\n" + config_map("two"))
    lab.wait("two objects", lambda: lab.get("configmap", "two"), ONE_PASS)
    assert addon(lab, "lab-x")["source"].endswith("/lab-x.first.yaml")
    put(lab, "lab-x.first.yaml", config_map("one"))
    lab.wait("the second one to be pruned", lambda: not lab.get("configmap", "two"), ONE_PASS)
    remove(lab, "lab-x.first.yaml")
    time.sleep(ONE_PASS)
    assert lab.get("configmap", "one"), "a file that is gone deletes nothing"
    lab.kubectl("delete", "configmap", "one")


def test_a_skip_file_counts_by_name_in_any_folder(lab, stock):
    name = "metrics-server-service.yaml"
    before = addon(lab, "metrics-server-service")
    put(lab, name + ".skip", "")
    lab.exec(lab.server, "echo '#' >> %s/metrics-server/%s" % (lab.manifests, name))
    time.sleep(ONE_PASS)
    assert addon(lab, "metrics-server-service") == before


@pytest.fixture(name="sandboxes")
def _sandboxes(lab):
    """A pod on board-1, whatever the scheduler did with the others: the ids of its sandboxes that are ready. Its
    container has no image.
    """
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: lab-pod}\nspec: {nodeName: board-1, containers: [{name: c, "
        "image: '%s/none:1'}]}\n" % lab.registry
    )
    lab.kubectl("apply", "-f", "-", input=pod)

    def ready():
        return lab.exec(lab.server, ["crictl", "pods", "-q", "--state", "ready", "--name", "lab-pod"]).stdout.split()

    lab.wait("a sandbox on board-1", ready)
    yield ready
    lab.kubectl("delete", "pod", "lab-pod", "--force", "--grace-period=0")


def test_restart_leaves_containers_running(lab, sandboxes):
    before = sandboxes()
    lab.exec(lab.server, ["service", "k3s", "restart"])
    assert sandboxes() == before


def test_ansible_restarts_k3s_by_the_service_manager(lab):
    ansible = pathlib.Path(sys.executable).parent / "ansible"
    argv = [str(ansible), "-i", str(lab.inventory), "agent", "-m", "ansible.builtin.service", "-a"]
    assert "CHANGED" in lab.ctl(argv + ["name=k3s-agent state=restarted"]).stdout
    assert "SUCCESS" in lab.ctl(argv + ["name=k3s-agent state=started"]).stdout


def test_outside_names_fail_fast(lab):
    begin = time.monotonic()
    done = lab.exec(lab.agent, ["crictl", "pull", "docker.io/library/none:1"], check=False)
    assert done.returncode != 0
    assert "connection refused" in done.stderr
    assert time.monotonic() - begin < 5


CONFIG = "/etc/rancher/k3s/config.yaml"
AGENT_SCRIPT = "/etc/init.d/k3s-agent"
AGENT_ENVIRONMENT = "/etc/rancher/k3s/k3s-agent.env"
PUT_BACK = (
    "service k3s-agent stop; cd /etc/rancher/k3s && rm -rf config.yaml.d k3s-agent.env own.yaml /srv/k3s; "
    "cp /root/config.yaml . && cp -p /root/k3s-agent %s" % AGENT_SCRIPT
)


@pytest.fixture(name="agent_settings")
def _agent_settings(lab):
    """What the agent is started with, for a test to change; put back after it."""
    lab.exec(lab.agent, "cp %s /root/config.yaml && cp -p %s /root/k3s-agent" % (CONFIG, AGENT_SCRIPT))
    yield
    lab.exec(lab.agent, PUT_BACK)
    lab.lab("restart", lab.agent)


def annotations(lab, node):
    """What k3s says on its node: its arguments, its environment, and a hash of both."""
    found = lab.get("node", node)["metadata"]["annotations"]
    return [found.get("k3s.io/node-" + name) for name in ("args", "env", "config-hash")]


def data_folder(lab, board):
    """The data folder of the k3s that runs on a board, as the command line of its containerd names it."""
    found = lab.exec(board, "ps -eo args | grep '^containerd -c'").stdout.split()
    return found[2].removesuffix("/agent/etc/containerd/config.toml")


def test_a_node_says_how_its_k3s_was_started(lab, agent_settings):
    first = annotations(lab, lab.agent)
    own = ["--token", "********", "--node-ip", "10.99.0.3", "--server", "https://10.99.0.2:6443"]
    assert json.loads(first[0]) == ["agent", *own]
    lab.exec(lab.agent, ["mkdir", "-p", CONFIG + ".d"])
    lab.write(lab.agent, CONFIG + ".d/10-test.yml", "node-label: [a=b]\r\nodd: yes\r\n")
    lab.write(lab.agent, AGENT_ENVIRONMENT, "K3S_TOKEN=secret\nK3S_OWN=seen\n")
    lab.exec(lab.agent, "sed -i 's/^command_args=.*/command_args=\"agent --vpn-auth secret --debug\"/' " + AGENT_SCRIPT)
    lab.lab("restart", lab.agent)
    now = lab.wait("new annotations", lambda: (a := annotations(lab, lab.agent))[2] != first[2] and a, 30)
    flags = ["--node-label", "a=b", "--odd", "true", "--vpn-auth", "********", "--debug"]
    assert json.loads(now[0]) == ["agent", *own, *flags]
    # This old version has put the folder of its programs there itself; what is set has no effect.
    programs = lab.exec(lab.agent, ["readlink", "/var/lib/rancher/k3s/data/current"]).stdout.strip()
    assert json.loads(now[1]) == {"K3S_DATA_DIR": programs, "K3S_OWN": "seen", "K3S_TOKEN": "********"}
    process = lab.exec(lab.agent, "tr '\\0' ' ' </proc/$(cat /run/k3s-agent.pid)/cmdline").stdout
    assert process.split() == ["/usr/local/bin/k3s", "agent"], "k3s hides its flags, they may hold a token"


DATA_FOLDER_BY = {
    "config.yaml": "printf 'data-dir: /srv/k3s\\r\\n' >>" + CONFIG,
    "drop-in": 'mkdir %s.d && printf \'{"data-dir": "/srv/k3s"}\' >%s.d/x.yml' % (CONFIG, CONFIG),
    "flag": "sed -i 's,^command_args=.*,command_args=\"agent -d /srv/k3s\",' " + AGENT_SCRIPT,
    "other-file": "(cat %s; echo 'data-dir: \"/srv/k3s\"') >/etc/rancher/k3s/own.yaml; "
    "echo K3S_CONFIG_FILE=/etc/rancher/k3s/own.yaml >%s" % (CONFIG, AGENT_ENVIRONMENT),
    "environment": "echo K3S_DATA_DIR=/srv/k3s >" + AGENT_ENVIRONMENT,
}


@pytest.mark.parametrize("way", DATA_FOLDER_BY)
def test_another_data_folder_works(lab, agent_settings, way):
    if way == "environment":
        set_version(lab, "B")
    try:
        lab.exec(lab.agent, DATA_FOLDER_BY[way])
        lab.lab("restart", lab.agent)
        assert data_folder(lab, lab.agent) == "/srv/k3s"
        assert "/srv/k3s" in lab.exec(lab.agent, ["k3s", "crictl", "info"]).stdout
        lab.wait("the node says it", lambda: "srv" in "".join(annotations(lab, lab.agent)), 30)
        # However it is told: what runs tells it, and looking unpacks nothing anywhere.
        seen = look_at(lab, lab.agent)
        assert (seen["data_dir"], seen["doubts"], seen["errors"]) == ("/srv/k3s", [], [])
        assert (seen["k3s"]["role"], seen["k3s"]["running"], seen["service"]) == ("agent", True, "k3s-agent")
        assert seen["images"] is not None and seen["journal"]["path"].startswith("/srv/k3s/")
    finally:
        set_version(lab, "A")


def test_a_tool_that_does_not_know_the_services_data_folder_unpacks_into_the_default_one(lab, agent_settings):
    default = "/var/lib/rancher/k3s"
    lab.exec(lab.agent, DATA_FOLDER_BY["flag"])
    lab.exec(lab.agent, "service k3s-agent stop && mv %s %s.away" % (default, default))
    try:
        lab.lab("restart", lab.agent)
        assert lab.exec(lab.agent, ["ls", default], check=False).returncode != 0
        lab.exec(lab.agent, "/srv/k3s/data/current/bin/ctr -a /run/k3s/containerd/containerd.sock version")
        assert lab.exec(lab.agent, ["ls", default], check=False).returncode != 0, (
            "looking by the program itself is free"
        )
        seen = look_at(lab, lab.agent)
        assert (seen["data_dir"], seen["errors"], seen["images"] is None) == ("/srv/k3s", [], False)
        assert lab.exec(lab.agent, ["ls", default], check=False).returncode != 0, "so is the observing script"
        lab.exec(lab.agent, ["k3s", "ctr", "version"])
        unpacked = lab.exec(lab.agent, ["ls", "-A", default + "/data"]).stdout.split()
        assert sorted(unpacked)[0] == ".lock" and "current" in unpacked and len(unpacked) == 3, unpacked
    finally:
        lab.exec(lab.agent, "service k3s-agent stop; rm -rf %s && mv %s.away %s" % (default, default, default))


MIRRORS = """
mirrors:
  docker.io: {endpoint: ["http://10.99.0.1:5000/v2/riscv64"]}
  "10.99.0.1:5000": {endpoint: ["http://10.99.0.1:5000"]}
configs:
  "10.99.0.1:5000": {auth: {username: lab, password: secret}}
"""
REGISTRIES = "/etc/rancher/k3s/registries.yaml"
CONTAINERD = "/var/lib/rancher/k3s/agent/etc/containerd/"
HOSTS = """\
# File generated by k3s. DO NOT EDIT.


server = "https://registry-1.docker.io/v2"
capabilities = ["pull", "resolve", "push"]


[host]
[host."http://10.99.0.1:5000/v2/riscv64"]
  capabilities = ["pull", "resolve"]
  override_path = true
"""


def set_version(lab, letter):
    """Install a version on the agent only, which takes effect at its next start."""
    lab.exec(lab.agent, "echo %s >/usr/local/share/k3s-lab/version" % lab.versions[letter])


def containerd_is_1(lab):
    """Whether the boards have the containerd that k3s of version A had."""
    return " 1." in lab.exec(lab.agent, ["containerd", "--version"]).stdout


def test_registries_yaml_is_rendered_at_start(lab):
    lab.write(lab.agent, REGISTRIES, MIRRORS)
    try:
        lab.lab("restart", lab.agent)
        config = lab.read(lab.agent, CONTAINERD + "config.toml")
        assert 'password = "secret"' in config
        if containerd_is_1(lab):
            assert 'mirrors."docker.io"]\n  endpoint = ["http://10.99.0.1:5000/v2/riscv64"]' in config
            assert lab.exec(lab.agent, ["ls", CONTAINERD + "certs.d/docker.io"], check=False).returncode != 0
        set_version(lab, "B")
        lab.lab("restart", lab.agent)
        assert "mirrors." not in lab.read(lab.agent, CONTAINERD + "config.toml")
        assert lab.read(lab.agent, CONTAINERD + "certs.d/docker.io/hosts.toml") == HOSTS
        assert "override_path" not in lab.read(lab.agent, CONTAINERD + "certs.d/10.99.0.1:5000/hosts.toml")
        lab.exec(lab.agent, ["rm", REGISTRIES])
        lab.lab("restart", lab.agent)
        assert lab.exec(lab.agent, ["ls", CONTAINERD + "certs.d"]).stdout == "", "the empty folder stays"
    finally:
        lab.exec(lab.agent, ["rm", "-f", REGISTRIES])
        set_version(lab, "A")
        lab.lab("restart", lab.agent)


def test_a_node_whose_password_differs_is_refused(lab):
    path = "/etc/rancher/node/password"
    secret = ("secret", "-n", "kube-system", "board-2.node-password.k3s")
    assert lab.exec(lab.agent, ["stat", "-c", "%a", path]).stdout == "600\n"
    before = lab.get(*secret)
    lab.exec(lab.agent, "cp -p %s /root/password && service k3s-agent stop && echo other >%s" % (path, path))
    refused = lab.exec(lab.agent, ["service", "k3s-agent", "start"], check=False)
    assert refused.returncode != 0 and "Node password rejected, duplicate hostname" in refused.stderr
    log = lab.exec(lab.agent, ["tail", "-n", "3", "/var/log/k3s.log"]).stdout
    assert "Waiting to retrieve agent configuration; server is not ready: Node password rejected" in log
    assert lab.exec(lab.agent, "ps -eo args | grep '^containerd -c'", check=False).returncode != 0
    lab.exec(lab.agent, "cp -p /root/password " + path)
    running = "test -e /run/k3s/lab-ready"
    lab.wait("it is let in", lambda: lab.exec(lab.agent, running, check=False).returncode == 0, 60)
    assert lab.get(*secret)["data"] == before["data"]
    # A node that was deleted may come back with another password.
    lab.exec(lab.agent, "service k3s-agent stop && rm " + path)
    lab.kubectl("delete", "node", lab.agent)
    lab.wait("the Secret is gone", lambda: lab.get(*secret) is None, 30)
    lab.exec(lab.agent, ["service", "k3s-agent", "start"])
    assert lab.wait("a new Secret", lambda: lab.get(*secret), 30)["data"] != before["data"]


@pytest.fixture(name="helm")
def _helm(lab, connected, tmp_path):
    """The helm controller runs; board-1 has its image, and is the only one that gets pods."""
    entry = yaml.safe_load((modules.ROOT / "tests/lab/klipper-helm.yml").read_text(encoding="utf-8"))
    variables = {
        "riscv_k3s_catalogue": entry,
        "riscv_k3s_registry": lab.registry,
        "riscv_k3s_archives_dir": str(modules.ROOT / "tests/lab"),
    }
    built = modules.play(lab, tmp_path, "riscv.k3s.build_images", "-e", json.dumps(variables))
    assert built.rc == 0, built.output
    source, stock = lab.registry + "/riscv64/klipper-helm:1.0.0", "docker.io/rancher/klipper-helm:v0.7.3-build20220613"
    lab.exec(lab.server, "k3s crictl pull %s && k3s ctr images tag --force %s %s" % (source, source, stock))
    lab.kubectl("cordon", lab.agent)
    switch = 'sed -i \'s/"helm": [a-z]*/"helm": %s/\' /usr/local/share/k3s-lab/board.json'
    lab.exec(lab.server, switch % "true")
    lab.lab("restart", lab.server)
    yield
    lab.exec(lab.server, (switch % "false") + "; rm -rf %s.d" % CONFIG)
    lab.lab("restart", lab.server)
    lab.kubectl("delete", "job", "-n", "kube-system", "-l", "helmcharts.helm.cattle.io/chart")
    lab.kubectl("uncordon", lab.agent)


def helm_pods(lab, action):
    """The names of the pods of helm's jobs, by the phase they are in."""
    pods = lab.get("pods", "-n", "kube-system", "-l", "helmcharts.helm.cattle.io/chart") or {"items": []}
    phases = {}
    for pod in pods["items"]:
        if pod["metadata"]["name"].startswith("helm-%s-" % action):
            phases.setdefault(pod["status"]["phase"], []).append(pod["metadata"]["name"])
    return phases


def test_charts_lead_to_jobs_whose_finished_pods_stay(lab, helm):
    lab.wait("two charts", lambda: len(helm_pods(lab, "install").get("Succeeded", ())) == 2, 90)
    names = helm_pods(lab, "install")["Succeeded"]
    spec = lab.get("pod", "-n", "kube-system", names[0])["spec"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert "install of traefik" in lab.kubectl("logs", "-n", "kube-system", names[0]).stdout
    lab.kubectl("delete", "pod", "-n", "kube-system", names[0])
    lab.lab("restart", lab.server)
    time.sleep(ONE_PASS)
    assert helm_pods(lab, "install") == {"Succeeded": names[1:]}, "a finished job gets no new pod"

    lab.exec(lab.server, "mkdir %s.d && echo 'disable: traefik' >%s.d/no-traefik.yaml" % (CONFIG, CONFIG))
    lab.lab("restart", lab.server)
    lab.wait("both charts are taken back", lambda: not lab.get("helmcharts", "-n", "kube-system"), 90)
    assert len(helm_pods(lab, "delete")["Succeeded"]) == 2
    assert helm_pods(lab, "install") == {}
    assert lab.exec(lab.server, ["ls", lab.manifests + "/traefik.yaml"], check=False).returncode != 0


def test_archives_are_imported_and_pinned_at_start(lab):
    folder, archive = "/var/lib/rancher/k3s/agent/images", "/var/tmp/pause.tar"
    if lab.exec(lab.server, ["test", "-e", archive], check=False).returncode != 0:
        missing("the lab was started with --no-pause, so there is no archive to import")

    def labels():
        lab.lab("restart", lab.server)
        return lab.exec(lab.server, ["ctr", "images", "ls", "name==docker.io/rancher/mirrored-pause:3.6"]).stdout

    lab.exec(lab.server, f"mkdir -p {folder} && gzip -c {archive} >{folder}/pause.tar.gz")
    assert "io.cattle.k3s.pinned=pinned,io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned" in labels()
    lab.exec(lab.server, ["rm", "-r", folder])
    assert "pinned" not in labels()


def test_sessions_are_noted_and_processes_counted(lab):
    def ssh(command):
        key, known = lab.state / "ssh/controller", lab.state / "ssh/known_hosts"
        return lab.ctl(["ssh", "-i", str(key), "-o", "UserKnownHostsFile=%s" % known, "root@10.99.0.3", command])

    log = "/var/log/ssh-sessions.log"
    before = len(lab.read(lab.agent, log).splitlines())
    assert ssh("echo one; echo two").stdout == "one\ntwo\n"
    assert len(lab.read(lab.agent, log).splitlines()) == before + 1
    lab.exec(lab.agent, "rm -f /var/log/ssh-processes/*; touch /run/lab-count-processes")
    try:
        ssh("/bin/true; /bin/true")
    finally:
        lab.exec(lab.agent, ["rm", "/run/lab-count-processes"])
    assert lab.exec(lab.agent, "cat /var/log/ssh-processes/*").stdout.count('execve("/bin/true"') == 2


def test_a_reboot_keeps_the_disk_and_starts_new_sandboxes(lab, sandboxes):
    before = sandboxes()
    lab.exec(lab.server, "touch /etc/kept /root/kept /tmp/kept /run/lost")
    lab.lab("reboot", lab.server)
    lab.exec(lab.server, "ls /etc/kept /root/kept /tmp/kept && ! ls /run/lost && rm /etc/kept /root/kept /tmp/kept")
    assert not os.path.exists("/etc/kept"), "a board's files are not this machine's"
    after = lab.wait("a new sandbox", sandboxes, 90)
    assert not set(before) & set(after)


def test_an_upgrade_changes_stock_images_and_pause(lab):
    lab.lab("upgrade", "B")
    try:
        assert "v1.36.3+k3s1" in lab.exec(lab.agent, ["k3s", "--version"]).stdout
        assert live_image(lab)[0] == "rancher/mirrored-coredns-coredns:1.14.6"
        config = lab.read(lab.agent, "/var/lib/rancher/k3s/agent/etc/containerd/config.toml")
        assert 'sandbox_image = "rancher/mirrored-pause:3.10.2"' in config
    finally:
        lab.lab("upgrade", "A")
    assert live_image(lab)[0] == "rancher/mirrored-coredns-coredns:1.9.1"


def test_a_board_list_that_cannot_be_is_refused(lab):
    for boards in ("agent", "server,x", "server,agent,agent,agent,agent"):
        done = lab.lab("reset", "--boards", boards, check=False)
        assert done.returncode != 0 and "these cannot be the boards of a lab" in done.stderr
    assert lab.get("nodes")["items"], "the lab is as it was"
