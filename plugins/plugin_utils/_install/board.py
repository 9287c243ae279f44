# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done on one board so that k3s is installed there as the inventory says. Pure.

Everything is decided from what is there, so a run that was cut short is gone on with by the next one.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import options as _options
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import units as _units
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.config import Form
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import is_true
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.binary import DEFAULT_PATH, binary_of

# What is done: k3s is installed anew, or its files are written again and it is restarted, or it is started, or it only
# has to become Ready; nothing; k3s of somebody else is left alone.
INSTALL, CONVERGE, START, WAIT, NOTHING, LEFT = "install", "converge", "start", "wait", "nothing", "left"
_OF_PACKAGES = "/usr/bin/k3s"
_INSTALL_KIND = "install"


class Place(NamedTuple):
    """What a board is in its cluster."""

    role: str
    # Whether it is the one that others join.
    is_first: bool = False
    # Whether servers join it, so that it keeps the cluster in etcd.
    has_others: bool = False
    # By which URL it joins where it is not the first.
    url: str = ""
    # Whether the inventory has the token; without it the first server makes one.
    has_token: bool = False
    # Whether servers share a datastore of somebody else.
    is_external: bool = False
    # Whether its node is Ready in the API.
    is_ready: bool = False
    # Of a server: names by which it is joined, which its certificate must have.
    sans: Sequence[str] = ()


def is_ours(seen: Mapping[str, Any]) -> bool:
    """Whether this collection installed the k3s of a board, or began to."""
    programs = (seen.get("journal") or {}).get("programs") or {}
    # Of another one's k3s that was upgraded, the journal tells what stood there before.
    return bool(_files(seen)) or any(not entry.get("before") for entry in programs.values())


def _files(seen: Mapping[str, Any]) -> Dict[str, Any]:
    entries = (seen.get("journal") or {}).get("files") or {}
    return {path: entry for path, entry in entries.items() if entry["kind"] == _INSTALL_KIND}


def decide(seen: Mapping[str, Any], settings: Mapping[str, Any], place: Place, name: str) -> Dict[str, Any]:
    """What to do on one board: {action, why, role, service, manager, unit {path, text, mode, change}, config {path,
    change, form}, token {path, change}, package, binary (a row of `binary_of`, or None), restart, changes}.

    ``seen`` is a result of k3s_info, ``settings`` the board's. Raises Problem for what is refused.
    """
    if not is_ours(seen) and is_there(seen):
        return _row(LEFT, place, why=_why_left(seen))
    _require_readable(seen, name)
    if not is_ours(seen) and (seen.get("k3s") or {}).get("role"):
        raise Problem(
            "there is data of a k3s, and no k3s that it belongs to",
            found=seen.get("data_dir"),
            where=name,
            next_step="start the k3s whose data these are, or move that folder away",
        )
    _require_role(seen, place, name)
    return _decided(seen, settings, place, name)


def is_there(seen: Mapping[str, Any]) -> bool:
    """Whether a board has k3s, whoever installed it: also one whose program was not found."""
    k3s = seen.get("k3s") or {}
    return bool(k3s.get("installed") or k3s.get("running") or k3s.get("without_program"))


def _why_left(seen):
    # What has no program site does not work with.
    return (seen.get("k3s") or {}).get("without_program") or (
        "its k3s was installed by somebody else. site works with it all the same"
    )


def _require_readable(seen, name):
    error = (seen.get("journal") or {}).get("error")
    if error:
        raise Problem("what was done to this board is not known", found=error, where=name)
    if seen.get("manager") not in _units.MANAGERS:
        raise Problem(
            "this board has neither systemd nor OpenRC, so nothing there can start k3s",
            found="neither /run/systemd/system nor openrc-run",
            where=name,
            next_step="install k3s there by yourself",
        )


def _require_role(seen, place, name):
    other = "agent" if place.role == "server" else "server"
    if set(_units.paths(other).values()) & set(_files(seen)):
        raise Problem(
            "this board was installed as %s, and the inventory says %s" % (other, place.role),
            where=name,
            next_step="correct the inventory, or run riscv.k3s.uninstall with --limit for it first",
        )


def _decided(seen, settings, place, name):
    has_run = bool((seen.get("k3s") or {}).get("role"))
    files = _files(seen)
    form = _form_of_now(seen, files, place) if has_run else _form_of_new(settings, place)
    told = _config.options(settings, place.role)
    text = _config.text(told, form)
    lacks_program = not (seen.get("k3s") or {}).get("installed")
    package = settings.get("package")
    path = settings.get("binary_path") or (_OF_PACKAGES if package else DEFAULT_PATH)
    unit = _units.unit(seen["manager"], place.role, path)
    config = _file(files, _config.PATH, text)
    service = _file(files, unit.path, unit.text)
    needs_program = lacks_program or not has_run or _may_be_broken(seen, settings, place)
    binary = None
    if needs_program and not package:
        binary = binary_of(settings, seen["machine"], settings["target_version"], path=path, links=True)
    changed = [path for path, row in ((_config.PATH, config), (unit.path, service)) if row["change"]]
    stale = [path for path in (_config.PATH, unit.path) if files.get(path, {}).get("loaded") is False]
    running = (seen.get("k3s") or {}).get("running") is True
    action = _action(has_run and not lacks_program, changed or stale, running, place.is_ready)
    made = _row(action, place, why=_why(action, changed, stale, place, settings["target_version"]))
    return dict(
        made,
        manager=seen["manager"],
        unit={"path": unit.path, "text": unit.text, "mode": unit.mode, **service},
        config=dict(config, path=_config.PATH, form=form._asdict()),
        token={"path": _config.TOKEN, "change": form.token_file and not has_run},
        package=package if needs_program else None,
        binary=binary,
        restart=action == CONVERGE,
        warnings=_warnings(seen, settings, has_run) + _options.skipped(told, place.role),
        changes=0 if action == NOTHING else max(1, len(changed) + needs_program),
    )


def _may_be_broken(seen, settings, place) -> bool:
    """Whether a board does not become Ready by a program that says the right version: the inventory may have another
    one by now. It is placed only where its checksum differs.
    """
    version = (seen.get("k3s") or {}).get("version")
    return bool(not place.is_ready and settings.get("binary") and version and version == settings["target_version"])


def _form_of_new(settings, place) -> Form:
    """For a board on which k3s has not run. Where nobody says a token, the first server makes one."""
    told = _config.options(settings, place.role)
    joins = not place.is_first and not (place.role == "server" and place.is_external)
    init = place.is_first and not place.is_external and (place.has_others or is_true(told.get("cluster-init")))
    return Form(place.url if joins else None, init, place.has_token or not place.is_first, tuple(place.sans))


def _form_of_now(seen, files, place) -> Form:
    """For one on which it has: it stays where it is in its cluster. A server that was alone gets etcd for others."""
    now = seen.get("file_settings") or {}
    server = now.get("server") or None
    alone = place.role == "server" and not server and not place.is_external
    init = alone and (is_true(now.get("cluster-init")) or place.has_others)
    return Form(server, init, _config.TOKEN in files, tuple(place.sans))


def _file(files: Mapping[str, Any], path: str, text: str) -> Dict[str, Any]:
    entry = files.get(path)
    return {"change": not entry or entry.get("current") != sha256(text.encode())}


def _action(is_installed: bool, differs: List[str], running: bool, is_ready: bool) -> str:
    if not is_installed:
        return INSTALL
    if differs:
        return CONVERGE
    return (NOTHING if is_ready else WAIT) if running else START


def _why(action: str, changed: List[str], stale: List[str], place: Place, version: Optional[str]) -> str:
    if action == INSTALL:
        joins = "joins %s" % place.url if place.url and not place.is_first else "begins the cluster"
        return "k3s %s as %s, which %s" % (version, place.role, joins)
    if action == CONVERGE:
        said = ["%s differs" % path for path in changed] or ["%s was not read yet" % path for path in stale]
        return "%s: k3s is restarted" % ", ".join(said)
    return {START: "k3s does not run", WAIT: "its node is not Ready yet"}.get(action, "as wanted")


def _warnings(seen, settings, has_run) -> List[str]:
    runs, wanted = (seen.get("k3s") or {}).get("version"), settings["target_version"]
    if not has_run or not runs or not wanted or runs == wanted:
        return []
    return ["k3s %s is installed, riscv_k3s_target_version is %s: riscv.k3s.upgrade upgrades it" % (runs, wanted)]


def _row(action: str, place: Place, why: str) -> Dict[str, Any]:
    return {
        "action": action,
        "why": why,
        "role": place.role,
        "is_first": place.is_first,
        "service": _units.SERVICES[place.role],
        "binary": None,
        "package": None,
        "restart": False,
        "warnings": [],
        "changes": 0,
    }
