# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References: what is accepted, what it is normalised to, what is refused and why."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, full_or_text, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text, full",
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-pause:3.6"),
        ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-pause:3.6"),
        ("192.168.173.76:6000/riscv64/coredns:1.0", "192.168.173.76:6000/riscv64/coredns:1.0"),
        ("registry:5000/a", "registry:5000/a:latest"),
        ("localhost/a/b:v1", "localhost/a/b:v1"),
        ("[fd00::1]:5000/a:1", "[fd00::1]:5000/a:1"),
        ("pause@" + DIGEST, "docker.io/library/pause@" + DIGEST),
        # As the kubelet pulls it: containerd keeps no tag then.
        ("example.org/a:1@" + DIGEST, "example.org/a@" + DIGEST),
        ("a/b__c/d-e.f:V_1.2-x", "docker.io/a/b__c/d-e.f:V_1.2-x"),
    ],
)
def test_normalises(text, full):
    assert normalise(text) == full
    assert normalise(full) == full


@pytest.mark.parametrize(
    "text, shown",
    [
        ("nginx:1", "docker.io/library/nginx:1"),
        ("Bad/Name:1", "Bad/Name:1"),
        ("", ""),
        (DIGEST, DIGEST),
        (DIGEST[7:], DIGEST[7:]),
    ],
)
def test_what_is_no_name_is_shown_as_it_is(text, shown):
    assert full_or_text(text) == shown


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "empty"),
        (None, "empty or not text"),
        ("a b", "repository"),
        ("rancher/Pause:1", "lower case"),
        ("pause:", "tag"),
        ("pause:-1", "tag"),
        ("pause@sha256:12", "digest"),
        ("pause@" + DIGEST + "\n", "digest"),
        ("pause\n", "repository"),
        ("--force", "repository"),
        ("$(reboot)", "repository"),
        ("a/../b", "repository"),
        ("a//b", "repository"),
        ("bad_host.org:1:2/a", "registry"),
        ("x" * 256, "repository"),
    ],
)
def test_refuses(text, why):
    with pytest.raises(Problem) as caught:
        ImageName.parse(text)
    assert why in str(caught.value)
    assert "for example docker.io/rancher/mirrored-pause:3.6" in str(caught.value)


def test_name_leaves_out_the_version():
    assert ImageName.parse("registry:5000/a/b:1@" + DIGEST).name == "registry:5000/a/b"


@pytest.mark.parametrize(
    "text", ["user:hunter2@h.example:5000/a:1", "https://user:hunter2@h.example/a", "u:hunter2@h/a@sha256:0"]
)
def test_a_login_in_a_reference_is_not_shown(text):
    with pytest.raises(Problem, match="is not an image reference") as caught:
        ImageName.parse(text)
    assert "hunter2" not in str(caught.value)
