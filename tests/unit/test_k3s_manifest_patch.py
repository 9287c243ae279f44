# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_manifest_patch on a folder that a stand-in for the deploy controller watches."""

import pytest
from fake_deploy import DeployController

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Kube
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.run import run
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SERVICE = b"---\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\n"
COREDNS = (
    b"kind: Deployment\nmetadata: {name: coredns, namespace: kube-system}\n"
    b"spec: {template: {spec: {containers: [{name: coredns, image: 'a/b:%d'}]}}}\n"
)
METRICS = COREDNS.replace(b"coredns", b"metrics-server")
PACKAGED = {"coredns.yaml": COREDNS % 1 + SERVICE, "metrics-server/deployment.yaml": METRICS % 1}
DNS = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns", "image": "r.io/n:1"}
BOTH = [
    DNS,
    {
        "manifest": "metrics-server/deployment.yaml",
        "kind": "Deployment",
        "name": "metrics-server",
        "container": "*",
        "image": "r.io/m:1",
    },
]


class Server:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.k3s = DeployController(folder)
        self.k3s.start(PACKAGED)
        self.now = 0
        self.runner = self.k3s.runner()

    def patch(self, patches=(DNS,), check=False, **params):
        """Run the module; a run that changes nothing but predicts comes first, and must predict right."""
        programs = Programs({"k3s": "k3s"}, self.runner, is_root=True)
        kube = Kube(programs, sleep=self.sleep, clock=lambda: self.now)
        params = dict(
            {
                "manifests_dir": str(self.folder),
                "mode": "overlay",
                "state": "present",
                "backup": False,
                "wait": False,
                "timeout": 20,
                "patches": list(patches),
            },
            **params,
        )
        before = self.files()
        predicted = run(params, True, programs, kube)
        assert self.files() == before, "check mode changes nothing"
        if check:
            return predicted
        result = run(params, False, programs, kube)
        for part in ("changed", "files", "diff", "warnings"):
            assert result[part] == predicted[part]
        return result

    def sleep(self, seconds):
        self.now += seconds

    def files(self):
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def take(self):
        """A pass of the deploy controller: the names of the files that it applied."""
        self.k3s.applied = []
        self.k3s.run_pass()
        return self.k3s.applied


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path / "manifests")


def test_overlay_lasts_through_restart_and_follows_an_upgrade(server):
    result = server.patch(BOTH)
    names = [path["path"].rpartition("manifests/")[2] for path in result["files"]]
    assert names == [
        "coredns-riscv64.yaml",
        "coredns.yaml.skip",
        "metrics-server/deployment-riscv64.yaml",
        "metrics-server/deployment.yaml.skip",
    ]
    assert result["changed"] and not result["warnings"]
    assert server.files()["coredns.yaml"] == PACKAGED["coredns.yaml"], "the packaged file is left alone"
    assert server.take() == ["coredns-riscv64.yaml", "deployment-riscv64.yaml"]
    server.runner.calls.clear()
    again = server.patch(BOTH)
    assert not again["changed"] and not again["diff"] and not server.runner.calls, "nothing to do asks the API nothing"
    server.k3s.applied = []
    server.k3s.start(PACKAGED)
    assert server.k3s.applied == ["coredns-riscv64.yaml", "deployment-riscv64.yaml"]
    server.k3s.start({"coredns.yaml": COREDNS % 2 + SERVICE})
    result = server.patch(BOTH)
    assert [path["changed"] for path in result["files"]] == [True, False, False, False]
    assert server.take() == ["coredns-riscv64.yaml"]


def test_undo_and_redo_really_take_effect(server):
    server.patch()
    server.take()
    for _round in range(4):
        undone = server.patch([{"manifest": "coredns.yaml"}], state="absent")
        assert undone["changed"] and server.files() == PACKAGED, "byte for byte as k3s wrote them"
        assert server.take() == ["coredns.yaml"], "undo trap"
        assert not server.patch([{"manifest": "coredns.yaml"}], state="absent")["changed"]
        assert server.patch()["changed"]
        assert server.take() == ["coredns-riscv64.yaml"], "redo trap"
        assert not server.patch()["changed"]


def test_undo_before_k3s_took_the_overlay_needs_no_comment_line_after_a_restart(server):
    server.patch()
    server.k3s.start({"coredns.yaml": COREDNS % 2 + SERVICE})
    server.patch([{"manifest": "coredns.yaml"}], state="absent")
    assert server.files()["coredns.yaml"] == COREDNS % 2 + SERVICE, "the Addon has another checksum already"
    assert server.take() == ["coredns.yaml"]


def test_lost_skip_is_mended_so_that_the_overlay_wins_again(server):
    server.patch()
    server.take()
    (server.folder / "coredns.yaml.skip").unlink()
    server.k3s.start(PACKAGED)
    assert server.k3s.applied[-2:] == ["coredns.yaml", "deployment.yaml"], "the stock manifest won"
    assert [path["changed"] for path in server.patch()["files"]] == [True, True]
    assert server.take() == ["coredns-riscv64.yaml"]


def test_without_the_api_it_falls_back_with_a_warning(server):
    server.k3s.up = False
    result = server.patch()
    assert result["changed"] and "127.0.0.1:6443 was refused" in result["warnings"][0]
    server.patch([{"manifest": "coredns.yaml"}], state="absent")
    assert server.files()["coredns.yaml"] == _overlay.make_different(PACKAGED["coredns.yaml"]), (
        "a comment line in any case"
    )
    assert not server.patch([{"manifest": "coredns.yaml"}], state="absent")["changed"]
    with pytest.raises(Problem, match="6443 was refused.*check that k3s runs"):
        server.patch(wait=True)
    server.k3s.up = True
    server.take()
    assert server.patch([{"manifest": "coredns.yaml"}], state="absent")["changed"] and server.files() == PACKAGED, (
        "the next run takes it away"
    )
    assert server.take() == ["coredns.yaml"]
    assert not server.patch([{"manifest": "coredns.yaml"}], state="absent")["changed"]


def test_an_undo_that_was_cut_short_is_finished_by_the_next(server):
    server.patch()
    server.take()
    server.k3s.addons["coredns"] = None  # and no file was changed yet
    assert server.patch([{"manifest": "coredns.yaml"}], state="absent")["changed"] and server.files() == PACKAGED
    assert server.take() == ["coredns.yaml"]


NOTHING_WRITTEN = [
    (
        "unknown container",
        [BOTH[1], dict(DNS, container="dns")],
        {},
        "no container dns in Deployment/coredns.*Found: container coredns.*coredns.yaml document 1",
    ),
    (
        "unknown manifest",
        [DNS, dict(DNS, manifest="dns.yaml")],
        {},
        "dns.yaml is not there.*coredns.yaml, metrics-server/deployment.yaml",
    ),
    ("outside", [dict(DNS, manifest="../x.yaml")], {}, "not a path inside"),
    ("no folder", [DNS], {"manifests_dir": "/nowhere"}, "no manifests folder.*server of k3s"),
    (
        "chart that is not there",
        [{"manifest": "coredns.yaml", "kind": "HelmChart", "name": "traefik", "values": {"a": 1}}],
        {},
        "no HelmChart named traefik",
    ),
]


@pytest.mark.parametrize(
    "patches,params,message", [case[1:] for case in NOTHING_WRITTEN], ids=[case[0] for case in NOTHING_WRITTEN]
)
def test_errors_write_nothing(server, patches, params, message):
    before = server.files()
    with pytest.raises(Problem, match=message):
        server.patch(patches, **params)
    assert server.files() == before


@pytest.mark.parametrize("link", ["coredns.yaml", "coredns-riscv64.yaml", "coredns.yaml.skip"])
def test_links_are_refused(server, link):
    target = server.folder.parent / "elsewhere"
    target.write_bytes(PACKAGED["coredns.yaml"])
    (server.folder / link).unlink(missing_ok=True)
    (server.folder / link).symlink_to(target)
    with pytest.raises(Problem, match="symbolic link"):
        server.patch()
    assert target.read_bytes() == PACKAGED["coredns.yaml"]


def test_files_of_others_are_left_alone(server):
    (server.folder / "coredns-riscv64.yaml").write_text("kind: A\nmetadata: {name: a}\n")
    for state in ("present", "absent"):
        with pytest.raises(Problem, match="not written by riscv.k3s"):
            server.patch(state=state)
    (server.folder / "coredns-riscv64.yaml").unlink()
    (server.folder / "coredns.yaml.skip").write_text("")
    result = server.patch([{"manifest": "coredns.yaml"}], state="absent")
    assert not result["changed"] and "not written by riscv.k3s and stays" in result["warnings"][0]


def test_service_must_exist_before_the_packaged_file_is_skipped(server):
    server.k3s.addons = {"coredns": None}
    with pytest.raises(Problem, match="not applied coredns.yaml yet.*Service kube-dns"):
        server.patch()


def test_in_place_and_back(server):
    result = server.patch(mode="in_place", backup=True)
    assert result["changed"] and "edited in place" in result["warnings"][0]
    assert server.files()["coredns.yaml"] == PACKAGED["coredns.yaml"].replace(b"a/b:1", b"r.io/n:1")
    assert server.take() == ["coredns.yaml"]
    again = server.patch(mode="in_place", backup=True)
    assert not again["changed"] and not again["warnings"]
    assert server.patch(mode="in_place", state="absent")["changed"]
    assert server.files()["coredns.yaml"] == PACKAGED["coredns.yaml"] and server.take() == ["coredns.yaml"]
    assert not server.patch(mode="in_place", state="absent")["changed"]


def test_in_place_without_backup_explains(server):
    server.patch(mode="in_place")
    with pytest.raises(Problem, match="no backup.*restart k3s"):
        server.patch(mode="in_place", state="absent")


def test_in_place_is_refused_where_k3s_would_not_look(server):
    server.patch()
    with pytest.raises(Problem, match="would have no effect.*coredns.yaml.skip"):
        server.patch(mode="in_place")


def test_wait_until_applied(server):
    server.k3s.passes_on_get = True
    result = server.patch(BOTH, wait=True)
    assert [addon["name"] for addon in result["addons"]] == ["coredns-riscv64", "deployment-riscv64"]
    assert all(addon["applied"] and server.k3s.addons[addon["name"]] == addon["checksum"] for addon in result["addons"])


def event(name, reason, message, moment, kind="Warning"):
    about = {"kind": "Addon", "namespace": "kube-system", "name": name}
    row = {"kind": "Event", "involvedObject": about, "type": kind, "reason": reason, "message": message, "count": 1}
    return dict(row, lastTimestamp="2026-11-24T10:00:%02dZ" % moment)


def test_wait_ends_with_the_events_when_nothing_moves(server):
    failed = 'Applying manifest at "…/coredns-riscv64.yaml" failed:\n no'
    server.k3s.events = [event("coredns-riscv64", "ApplyManifestFailed", failed, 1)]
    with pytest.raises(Problem, match="nothing moved for 20 seconds.*coredns-riscv64: ApplyManifestFailed: .*: no"):
        server.patch(wait=True)
    assert server.now == 20


def test_a_controller_that_is_at_other_files_is_waited_for(server):
    """As on an emulated board, which needed more than 120 s for one pass."""

    def sleep(seconds):
        server.now += seconds
        server.k3s.events.append(event("a%d" % (server.now // 15), "AppliedManifest", "x", server.now // 15, "Normal"))
        if server.now > 90:
            server.k3s.run_pass()

    server.sleep = sleep
    assert server.patch(wait=True)["addons"][0]["applied"] and server.now > 4 * 20


def test_passes_that_fail_again_and_again_come_to_an_end(server):
    """Its failing file has every pass apply all files again: that moves, and gets nowhere."""
    packaged = ["coredns", "metrics-server", "traefik"]

    def sleep(seconds):
        server.now += seconds
        passed = 1 + server.now // 15
        server.k3s.events = [dict(event(name, "ApplyingManifest", "x", 1, "Normal"), count=passed) for name in packaged]
        server.k3s.events.append(dict(event("coredns-riscv64", "ApplyManifestFailed", "no", 1), count=passed))

    server.sleep = sleep
    with pytest.raises(Problem, match="nothing moved for 20 seconds.*ApplyManifestFailed: no"):
        server.patch(wait=True)
    assert 4 * 15 <= server.now < 200, "not up to the outer limit"


def test_diff_shows_a_new_overlay_against_the_packaged_file(server):
    first = server.patch(check=True)["diff"][0]
    assert first["before"] == PACKAGED["coredns.yaml"].decode() and first["before_header"].endswith(
        "(made from the packaged manifest)"
    )
    server.patch()
    server.k3s.start(
        {"coredns.yaml": PACKAGED["coredns.yaml"] + b"---\nkind: Secret\nmetadata: {name: s}\ndata: {k: Zm9v}\n"}
    )
    assert "Zm9v" not in str(server.patch(check=True)["diff"])


CHART = {
    "manifest": "traefik.yaml",
    "kind": "HelmChart",
    "name": "traefik",
    "values": {"image": {"tag": "3.7.8", "x": [1, True, None]}},
}


def test_chart_values_and_back(server, k3s_manifests):
    server.k3s.start({"traefik.yaml": (k3s_manifests / "v1.36.3" / "traefik.yaml").read_bytes()})
    assert server.patch([CHART])["changed"] and server.take() == ["traefik-riscv64-config.yaml"]
    assert not server.patch([CHART])["changed"]
    text = server.files()["traefik-riscv64-config.yaml"].decode()
    assert (
        'kind: HelmChartConfig\nmetadata:\n  name: "traefik"\n  namespace: "kube-system"\n' in text
        and '        "tag": "3.7.8"' in text
    )
    server.patch([{"manifest": "traefik.yaml"}], state="absent")
    assert "traefik-riscv64-config.yaml" not in server.files()
    assert server.k3s.deleted[0][:4] == ["helmchartconfigs.helm.cattle.io", "-n", "kube-system", "--ignore-not-found"]
    server.patch([CHART])
    assert server.take() == ["traefik-riscv64-config.yaml"], "redo trap"


def test_chart_that_somebody_configures_already(server, k3s_manifests):
    server.k3s.start({"traefik.yaml": (k3s_manifests / "v1.36.3" / "traefik.yaml").read_bytes()})
    (server.folder / "mine.yaml").write_text(
        "kind: HelmChartConfig\nmetadata: {name: traefik, namespace: kube-system}\n"
    )
    with pytest.raises(Problem, match="configured already.*mine.yaml"):
        server.patch([CHART])


def test_files_name_their_checksums(server):
    for file in server.patch()["files"]:
        with open(file["path"], "rb") as written:
            assert sha256(written.read()) == file["sha256"]
