# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the observing script wrote, as the result of k3s_info: the readers of its parts, put together. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, cast

from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.details import read_details
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.dns import read_dns
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.inspect import read_inspect
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.logs import read_logs
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import read_preflight
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT, Seen, split_output, why
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.api import read_api
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import read_board
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.config import read_config
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.disk import read_disk
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import read_registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.images import read_images
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.journal import read_journal
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.k3s import read_k3s
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.manifests import read_manifests
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.sandboxes import read_sandboxes

# What can be gathered, in the order in which it is read. "all" means the first ones.
_PLAIN = {
    "k3s": read_k3s,
    "config": read_config,
    "registries": read_registries,
    "journal": read_journal,
    "manifests": read_manifests,
    "images": read_images,
    "disk": read_disk,
    "sandboxes": read_sandboxes,
    "api": read_api,
}
_OF_A_DIAGNOSIS = {
    "events": read_details,
    "logs": read_logs,
    "inspect": read_inspect,
    "preflight": read_preflight,
    "dns": read_dns,
}
_READERS = dict(_PLAIN, **_OF_A_DIAGNOSIS)
PARTS = tuple(_PLAIN)
EXTRAS = tuple(_OF_A_DIAGNOSIS)


def chosen_parts(gather: Sequence[str]) -> List[str]:
    """The parts that the option ``gather`` names, where ``all`` means each that a plain observation has."""
    return [part for part in PARTS if part in gather or "all" in gather] + [part for part in EXTRAS if part in gather]


def observe(
    output: str,
    token: str,
    parts: Sequence[str],
    architecture: str = "auto",
    explicit: bool = False,
    program_timeout: int = PROGRAM_TIMEOUT,
) -> Observed:
    """The result of k3s_info (without ``changed``) from the script's output.

    ``parts`` as from chosen_parts, ``architecture`` auto or a name that the inventory states, ``explicit`` whether
    crictl and ctr were given, so that a board without k3s will do, ``program_timeout`` what the script was given.
    Raises Problem when the board cannot be observed at all. What is missing because one program failed is None and
    stands in ``errors`` [{section, rc, message}].
    """
    sections = split_output(output, token)
    seen = Seen(sections, token, read_board(sections, explicit), program_timeout)
    result: Dict[str, Any] = {
        "machine": seen.board["machine"],
        "architecture": to_oci(seen.board["machine"] if architecture == "auto" else architecture),
        "hostname": seen.board["hostname"],
        "data_dir": seen.board["data_dir"],
        "errors": seen.errors,
    }
    seen.errors += _failed(sections, program_timeout)
    for part in parts:
        result.update(_READERS[part](seen))
    if "manifests" in parts:
        result["demand"], problems = _demand(result)
        seen.errors += [{"section": "demand", "rc": None, "message": text} for text in problems]
    return cast(Observed, result)  # tests/unit/test_shapes.py holds it to that


def _demand(result):
    pods = (result.get("api") or {}).get("pods", ())
    return demand(result["manifests"] or (), result.get("pause_image"), pods)


def _failed(sections, program_timeout):
    # The API has its own place for its error.
    return [
        {"section": name, "rc": section.rc, "message": why(section, program_timeout)}
        for name, section in sections.items()
        if section.rc != 0 and name != "api"
    ]


def unreadable_images(seen, board):
    """The Problem of a board whose images cannot be read; ``seen`` is its result of k3s_info."""
    return Problem(
        "the images of %s cannot be read" % board,
        found="; ".join("%s: %s" % (error["section"], error["message"]) for error in seen.get("errors") or [])
        or "containerd does not answer",
        next_step="start k3s on the board, see its log (journalctl -u k3s), then run again",
    )
