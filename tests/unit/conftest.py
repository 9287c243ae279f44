# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests share: the measured manifests of three k3s versions."""

import pathlib

import pytest
from prerequisites import missing

try:
    import hypothesis
except ImportError:
    hypothesis = None

ROOT = pathlib.Path(__file__).resolve().parents[2]


if hypothesis:
    # The same cases in each run. `few` is for Pythons beside the main one: tools/unit-board and tools/unit-controllers
    # ask for it.
    hypothesis.settings.register_profile(
        "all",
        max_examples=1000,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.register_profile("few", hypothesis.settings.get_profile("all"), max_examples=20)
    hypothesis.settings.load_profile("all")


@pytest.fixture(scope="session")
def k3s_manifests():
    """The folder with one sub-folder a k3s version; lies beside the checkout, it is no part of the project."""
    folder = ROOT.parent / "shared" / "k3s-manifests"
    if not folder.is_dir():
        missing(f"{folder} is not there: manifests of real k3s versions to test against")
    return folder


@pytest.fixture
def fresh_home(monkeypatch, tmp_path_factory):
    """A home without logins, for what runs skopeo: those of the developer must not count. Returns its path."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home))
    proxies = ["http_proxy", "https_proxy", "no_proxy"]
    settings = ["REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
    for name in settings + proxies + [name.upper() for name in proxies]:
        monkeypatch.delenv(name, raising=False)
    return home
