# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays as text: names, header, what is left out, install counter."""

import hashlib
import json

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.document import identities
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches, patch_digest
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PATCHES = [
    {
        "manifest": "coredns.yaml",
        "kind": "Deployment",
        "name": "coredns",
        "container": "coredns",
        "command": ["/coredns"],
    }
]

NAMES = [
    ("coredns.yaml", "coredns-riscv64.yaml", "coredns.yaml.skip", "coredns-riscv64"),
    (
        "metrics-server/metrics-server-deployment.yaml",
        "metrics-server/metrics-server-deployment-riscv64.yaml",
        "metrics-server/metrics-server-deployment.yaml.skip",
        "metrics-server-deployment-riscv64",
    ),
    ("a.b.yml", "a-riscv64.b.yml", "a.b.yml.skip", "a-riscv64"),
]


@pytest.mark.parametrize("manifest,overlay,skip,addon", NAMES)
def test_names(manifest, overlay, skip, addon):
    assert _overlay.overlay_path(manifest) == overlay
    assert _overlay.skip_path(manifest) == skip
    assert _overlay.addon_name(overlay) == addon


@pytest.mark.parametrize(
    "manifest",
    ["/etc/x.yaml", "../x.yaml", "a//x.yaml", "./x.yaml", "x.json", "x", "", "x-riscv64.yaml", "x-riscv64-config.yaml"],
)
def test_bad_names_are_refused(manifest):
    with pytest.raises(Problem):
        _overlay.check_manifest_name(manifest)


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_overlay_holds_everything_but_the_service(k3s_manifests, version):
    packaged = (k3s_manifests / version / "coredns.yaml").read_bytes()
    text = _overlay.make_overlays(packaged, "coredns.yaml", PATCHES)[1]
    assert identities(text, "") == [identity for identity in identities(packaged, "") if identity[0] != "Service"]
    assert b"# Service kube-system/kube-dns is left out" in text
    assert _overlay.leaves_out(packaged, "coredns.yaml") == ["kube-dns"]
    header = _overlay.read_header(text)
    assert header == ("coredns.yaml", hashlib.sha256(packaged).hexdigest(), patch_digest(PATCHES), 1)
    body = text.split(b"riscv.k3s-install: 1\n")[1]
    service = packaged[packaged.rindex(b"---\n") :]
    assert body[: body.index(b"# Service")].replace(b'        command: ["/coredns"]\n', b"") + service == packaged


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_layouts_of_the_packaged_file(newline, bom):
    lines = [
        b"# about",
        b"kind: Service",
        b"metadata: {name: s}",
        b"---",
        b"kind: Pod",
        b"metadata: {name: p}",
        b"spec: {containers: [{name: c, image: a/b}]}",
    ]
    patches = normalise_patches(
        [{"manifest": "p.yaml", "kind": "Pod", "name": "p", "container": "c", "image": "r.io/n"}]
    )
    text = _overlay.make_overlays(bom + newline.join(lines), "p.yaml", patches)[2]
    assert text.startswith(bom + b"# Written by riscv.k3s") and text.count(b"\n") == text.count(newline)
    assert text.endswith(b"[{name: c, image: r.io/n:latest}]}"), "no final newline, as before"
    assert _overlay.read_header(text.decode()).install == 2


def test_what_is_stale():
    texts = _overlay.make_overlays(
        b"kind: Deployment\nmetadata: {name: coredns}\nspec: {template: {spec: {containers: [{name: coredns}]}}}\n",
        "coredns.yaml",
        PATCHES,
    )
    header = _overlay.read_header(texts[1])
    assert _overlay.is_current(header, header.source_sha256, PATCHES)
    assert not _overlay.is_current(header, "0" * 64, PATCHES), "the packaged file is another one"
    assert not _overlay.is_current(header, header.source_sha256, [dict(PATCHES[0], command=["/x"])]), (
        "the patches are others"
    )
    assert not _overlay.is_current(None, header.source_sha256, PATCHES)
    assert _overlay.read_header(b"apiVersion: v1\n") is None


def test_patch_digest_is_that_of_the_canonical_json():
    given = [
        dict(PATCHES[0], image="rancher/pause:3.6", args=None, env={"A": 1, "B": False}, namespace=None, values=None)
    ]
    normal = [dict(PATCHES[0], image="docker.io/rancher/pause:3.6", env={"A": "1", "B": "false"})]
    assert normalise_patches(given) == normal == normalise_patches(normal)
    canonical = json.dumps(normal, sort_keys=True, separators=(",", ":"))
    assert patch_digest(given) == hashlib.sha256(canonical.encode()).hexdigest()


BAD_PATCHES = [
    ({"kind": None}, "must name its kind"),
    ({"kind": "Secret"}, "kind Secret.*CronJob, DaemonSet"),
    ({"container": None}, "must name a container"),
    ({"command": None}, "changes nothing.*Deployment/coredns container coredns"),
    ({"command": "/coredns"}, "command must be a list"),
    ({"image": "Bad Image"}, "not an image reference"),
    ({"image_pull_policy": "never"}, "IfNotPresent, Never"),
    ({"env": {"A B": 1}}, "not a valid name of an environment variable"),
    ({"comand": []}, "unknown keys.*comand"),
    ({"values": {"a": 1}}, "values are for kind HelmChart"),
    ({"kind": "HelmChart", "values": {"a": 1}}, "Found: container, command"),
    ({"kind": "HelmChart", "container": None, "command": None}, "Found: no values"),
]


@pytest.mark.parametrize("change,message", BAD_PATCHES)
def test_bad_patches_are_refused(change, message):
    with pytest.raises(Problem, match=message):
        normalise_patches([dict(PATCHES[0], **change)])


# what, present bytes, the Addon's checksum, install that makes k3s apply the text
INSTALLS = [
    ("nothing was ever applied", None, None, 1),
    ("another text was applied", None, "0" * 64, 1),
    ("the first text was applied and undone", None, 1, 2),
    ("the second text was applied and undone", None, 2, 1),
    ("unknown, the first text is there", 1, None, 2),
    ("unknown, the second text is there", 2, None, 1),
]


@pytest.mark.parametrize("current,applied,install", [case[1:] for case in INSTALLS], ids=[case[0] for case in INSTALLS])
def test_install_counter(current, applied, install):
    texts = {1: b"one", 2: b"two"}
    checksum = hashlib.sha256(texts[applied]).hexdigest() if applied in texts else applied
    assert _overlay.choose_install(texts, texts.get(current), checksum) == install


@pytest.mark.parametrize("text,newline", [(b"a: 1\n", b"\n"), (b"a: 1", b"\n"), (b"a: 1\r\n", b"\r\n")])
def test_make_different(text, newline):
    once = _overlay.make_different(text)
    assert once.endswith(newline + text) and once.count(b"#") == 1
    assert len(_overlay.make_different(once)) > len(once), "the Addon may have the text with one line already"
    assert (
        text
        == _overlay.stock_text(text)
        == _overlay.stock_text(once)
        == _overlay.stock_text(_overlay.make_different(once))
    )
