# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the observing script wrote, as the result of k3s_info: the readers of its parts, put together. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, cast

from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.contents import read_contents
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.details import read_details
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.dns import read_dns
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.inspect import read_inspect
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.last_words import read_last_words
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.logs import read_logs
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import read_preflight
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.service_state import read_service_state
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.system import read_system
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import (
    NOT_READ,
    PROGRAM_TIMEOUT,
    BrokenOff,
    Seen,
    seconds_of,
    split_output,
    why,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.api import read_api, unanswered
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import read_board
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.config import (
    file_settings,
    read_config,
    read_registries,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.disk import read_disk
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.images import read_images
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.journal import read_journal
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.k3s import read_k3s
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.manifests import read_manifests
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.sandboxes import read_sandboxes
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs

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
# What only a closer look asks for, where a plain one left a doubt.
_CLOSER = {"contents": read_contents}
# What only prepare asks for, together with the preflight.
_OF_PREPARE = {"system": read_system}
_OF_A_DIAGNOSIS = {
    "events": read_details,
    "logs": read_logs,
    "inspect": read_inspect,
    "preflight": read_preflight,
    "dns": read_dns,
    "service_state": read_service_state,
    "last_words": read_last_words,
}
# Results of parts that could not be read, where they are not one key of the part's name with None.
_UNREAD: Dict[str, Dict[str, Any]] = {
    "k3s": {
        "k3s": dict.fromkeys(("installed", "program", "without_program", "version", "role", "running")),
        "containerd": {"version": None, "pins": False},
    },
    "config": {"config": None, "own_config": None, "pause_image": None},
    "images": {"images": None, "image_configs": None, "preloads": None},
    "sandboxes": {"sandboxes": None, "containers": None},
    "api": {},
    "journal": {},
    "events": {"details": None},
}
# The steps of the script that each part has on every board. Those that ask containerd end with the first that fails.
_OF_FILES = ("sums", "stats")
_STEPS = {
    "k3s": ("version", "containerd"),
    "config": ("config", "pause", *_OF_FILES),
    "registries": _OF_FILES,
    "journal": ("journal", *_OF_FILES),
    "manifests": ("texts", *_OF_FILES),
    "images": ("images", "preloads"),
    "disk": ("disk",),
    "sandboxes": ("pods", "containers"),
    "contents": ("contents",),
}
_ASKED = ("containerd", "images", "pods", "containers", "contents")
_READERS = dict(_PLAIN, **_CLOSER, **_OF_A_DIAGNOSIS, **_OF_PREPARE)
PARTS = tuple(_PLAIN)
EXTRAS = tuple(_CLOSER) + tuple(_OF_A_DIAGNOSIS) + tuple(_OF_PREPARE)


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
    data_dir: Optional[str] = None,
    versions: bool = True,
    blank: bool = False,
) -> Observed:
    """The result of k3s_info (without ``changed``) from the script's output.

    ``parts`` as from chosen_parts, ``architecture`` auto or a name that the inventory states, ``explicit`` whether
    crictl and ctr were given, so that a board without k3s will do, ``program_timeout`` what the script was given,
    ``data_dir`` the folder that the user names, ``versions`` whether the script asked for those of k3s and containerd
    in any case, ``blank`` whether a board that is to get k3s will do.
    Raises Problem when the board cannot be observed at all. What is missing because one program failed is None and
    stands in ``errors`` [{section, rc, message}].
    """
    sections = split_output(output, token)
    seen = Seen(sections, token, read_board(sections, explicit, blank), program_timeout)
    board = seen.board
    settings = file_settings(seen)[0]
    result: Dict[str, Any] = {
        "machine": board["machine"],
        "architecture": to_oci(board["machine"] if architecture == "auto" else architecture),
        "hostname": board["hostname"],
        "data_dir": board["data_dir"],
        "data_dir_is_given": bool(data_dir),
        "config_file": board["config_file"],
        "file_settings": settings,
        "identity": _identity(board),
        "service": board["service"] or None,
        "manager": board["manager"] or None,
        "doubts": [] if explicit else how_it_runs.doubts(board, settings, data_dir),
        "errors": seen.errors,
    }
    seen.errors += _failed(sections, program_timeout)
    for name in _missing(seen, parts, versions):
        seen.error(name, "%s: %s" % (name, NOT_READ))
    for part in parts:
        result.update(_read(part, seen))
    _own_account(result)
    if not explicit:
        result["doubts"] += how_it_runs.other_runtimes(result.get("config") or settings or {})
    if "manifests" in parts:
        result["demand"], problems = _demand(result)
        seen.errors += [{"section": "demand", "rc": None, "message": text} for text in problems]
    return cast(Observed, result)  # tests/unit/test_shapes.py holds it to that


def _read(part, seen):
    """What a part's reader makes of it. One that prints in a form which is not known leaves the others alone."""
    try:
        return _READERS[part](seen)
    except BrokenOff:
        raise
    except Problem as problem:
        seen.error(part, str(problem))
        return dict(_UNREAD.get(part, {part: None}), **_told(part, problem))


def _told(part, problem):
    if part == "api":
        return {"api": unanswered(str(problem))}
    if part == "journal":
        return {"journal": {"path": "", "lease": None, "files": {}, "images": {}, "error": str(problem)}}
    return {}


def other_paths(
    output: str,
    token: str,
    explicit: bool = False,
    data_dir: Optional[str] = None,
    etc: str = how_it_runs.ETC,
    blank: bool = False,
) -> Dict[str, str]:
    """The paths that another look must use, where what this one found differs from what it used: {} for none."""
    sections = split_output(output, token)
    seen = Seen(sections, token, read_board(sections, explicit, blank))
    return {} if explicit else paths_elsewhere(seen, data_dir, etc)


def paths_elsewhere(seen: Seen, data_dir: Optional[str] = None, etc: str = how_it_runs.ETC) -> Dict[str, str]:
    """The same of an output that was taken apart before."""
    settings = file_settings(seen)[0] or {}
    return how_it_runs.differing(seen.board, how_it_runs.paths(seen.board, settings, data_dir, etc))


def _identity(board):
    return {
        "boot_id": board["boot_id"],
        "machine_id": board["machine_id"],
        "addresses": board["address"],
        "said": board["said"],
    }


def is_untold(result: Mapping[str, Any]) -> bool:
    """Whether a look that left the versions to the API learnt nothing of them there, because the board's node is not
    Ready, or is not known: then the board must be asked itself.
    """
    k3s, api = result.get("k3s") or {}, result.get("api") or {}
    was_asked = any(error["section"] == "version" for error in result["errors"])
    return bool(api.get("reachable") and k3s.get("running") and not k3s.get("version") and not was_asked)


def _own_account(result):
    """k3s's own account of its settings goes before its files, where this board's own API told it. So does its role
    before the name of its process: where that is plain, k3s wrote "agent" there on servers, too, for a while.
    """
    nodes = (result.get("api") or {}).get("nodes") or []
    node = how_it_runs.own_node(result, nodes)[0] if nodes else None
    if node and node.get("settings") is not None and "config" in result:
        result["config"] = node["settings"]
    if node and node.get("role") and result.get("k3s"):
        result["k3s"]["role"] = node["role"]
    result.update(how_it_runs.told_versions(result, node))


def _demand(result):
    pods = (result.get("api") or {}).get("pods", ())
    return demand(result["manifests"] or (), result.get("pause_image"), pods)


def _missing(seen, parts, versions):
    """Steps that were to be made, and of which nothing arrived."""
    asked = [name for name in _ASKED if name in seen.sections]
    # Where k3s never ran, or containerd did not answer once, the others are not asked. Either is told.
    passed = set() if asked and all(seen.good(name) for name in asked) else set(_ASKED)
    if not seen.board["k3s"]:
        passed.add("version")
    if not versions and seen.good("images"):
        passed |= set(_STEPS["k3s"])
    due = [step for part in parts for step in _STEPS.get(part, ())]
    return [name for name in dict.fromkeys(due) if name not in seen.sections and name not in passed]


def _failed(sections, program_timeout):
    # The API has its own place for its error.
    return [
        {"section": name, "rc": section.rc, "message": why(section, seconds_of(name, program_timeout))}
        for name, section in sections.items()
        if section.rc != 0 and name != "api"
    ]


def unreadable_images(seen, board):
    """The Problem of a board whose images cannot be read; ``seen`` is its result of k3s_info."""
    doubts = list(seen.get("doubts") or ())
    errors = ["%s: %s" % (error["section"], error["message"]) for error in seen.get("errors") or []]
    # What a program says that the board cannot run is of no use.
    errors = [text for text in errors if text.startswith("program: ")] or errors
    service = seen.get("service") or "k3s"
    # Asked in a place where k3s is not, its containerd does not answer: it may run all the same.
    is_told = any(" Next: " in doubt for doubt in doubts)
    return Problem(
        "the images of %s cannot be read" % board,
        found="; ".join(errors + doubts if is_told else doubts + errors) or "containerd does not answer",
        next_step=None
        if is_told
        else "see whether k3s runs on the board, and its log (journalctl -u %s), then run again; where its pods "
        "run by docker, or by a containerd that k3s did not start, this collection cannot help" % service,
    )
