# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the observing script wrote, as the result of k3s_info. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.overlay import SKIP_TEXT
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import (
    is_tagged,
    parse_image_list,
    parse_version,
    pins_supported,
)
from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_config, parse_df, parse_k3s_version
from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import (
    parse_api,
    parse_containers,
    parse_events,
    parse_sandboxes,
)
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe import evidence as _evidence
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.probe import split_files, split_output, split_texts
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.probe_diagnose import EXTRAS

PARTS = ("k3s", "config", "registries", "journal", "manifests", "images", "disk", "sandboxes", "api")
_BOARD_LINES = ("hostname", "machine", "k3s", "data_dir", "registries", "kubeconfig", "role", "stale")
_TOO_LONG = (124, 137, 143)  # exit statuses of timeout, the last one that of busybox


def chosen_parts(gather):
    """The parts that the option ``gather`` names, where ``all`` means each that a plain observation has."""
    return [part for part in PARTS if part in gather or "all" in gather] + [part for part in EXTRAS if part in gather]


def observe(output, token, parts, architecture="auto", explicit=False):
    """The result of k3s_info (without ``changed``) from the script's output.

    ``parts`` as from chosen_parts, ``architecture`` auto or a name that the inventory states, ``explicit`` whether
    crictl and ctr were given, so that a board without k3s will do. Raises Problem when the board cannot be observed
    at all. What is missing because one program failed is None and stands in ``errors`` [{section, rc, message}].
    """
    sections = split_output(output, token)
    board = _board(sections, explicit)
    result = {
        "machine": board["machine"],
        "architecture": to_oci(board["machine"] if architecture == "auto" else architecture),
        "hostname": board["hostname"],
        "data_dir": board["data_dir"],
        "errors": _errors(sections),
    }
    view = _View(sections, token, board, result["errors"])
    for part in parts:
        if part not in ("api", "events") or "api" in sections:
            result.update(getattr(view, part)())
    if "manifests" in parts:
        pods = (result.get("api") or {}).get("pods", ())
        result["demand"], problems = demand(result["manifests"] or (), result.get("pause_image"), pods)
        result["errors"] += [{"section": "demand", "rc": None, "message": text} for text in problems]
    return result


class _View:
    """One method for each part of the option gather."""

    def __init__(self, sections, token, board, errors):
        self._sections = sections
        self._token = token
        self._board = board
        self._errors = errors

    def k3s(self):
        version = self._out("containerd", parse_version)
        k3s = {
            "installed": bool(self._board["k3s"]),
            "version": self._out("version", parse_k3s_version),
            "role": self._board["role"] or None,
            "running": self._good("containerd"),
        }
        return {"k3s": k3s, "containerd": {"version": version, "pins": bool(version) and pins_supported(version)}}

    def config(self):
        config = parse_config(self._sections["config"].out)
        return {"config": config, "own_config": self._own_config(), "pause_image": self._pause_image(config)}

    def registries(self):
        path = self._board["registries"]
        row = (self._files() or {}).get(path)
        return {
            "registries": {
                "path": path,
                "present": bool(row),
                "sha256": row["sha256"] if row else "",
                "mode": row["mode"] if row else None,
                "stale": bool(self._board["stale"]),
            }
        }

    def journal(self):
        """The board's journal, each file with its checksum of now, each image with whether what it stood for is in the
        store still.
        """
        section, files = self._sections["journal"], self._files()
        path = "%s/%s/%s" % (self._board["data_dir"], _journal.FOLDER, _journal.NAME)
        empty = {"path": path, "lease": None, "files": {}, "images": {}, "error": None}
        if section.rc != 0 or files is None:
            return {
                "journal": dict(
                    empty,
                    error="%s cannot be read: %s" % (path, _message(section if section.rc else self._sections["sums"])),
                )
            }
        if not section.out:
            return {"journal": empty}
        try:
            data = _journal.parse(section.out, path)
        except Problem as problem:
            return {"journal": dict(empty, error=str(problem))}
        rows = self._out("images", parse_image_list)
        held = None if rows is None else {row["digest"] for row in rows}
        return {
            "journal": {
                "path": path,
                "lease": data["lease"],
                "files": {
                    name: dict(entry, current=files[name]["sha256"] if name in files else None)
                    for name, entry in data["files"].items()
                },
                "images": {
                    name: dict(entry, has_content=_holds(held, entry["before"]))
                    for name, entry in data["images"].items()
                },
                "error": None,
            }
        }

    def manifests(self):
        files = self._files()
        if files is None or not self._good("texts"):
            return {"manifests": None}
        texts, left_out = split_texts(self._sections["texts"].out, self._token)
        # The deploy controller looks for NAME.skip by the file's name alone, in whichever folder it lies.
        skipped = {path.rpartition("/")[2][: -len(".skip")] for path in files if path.endswith(".skip")}
        rows = [
            {
                "path": path,
                "sha256": files[path]["sha256"],
                "mtime": files[path]["mtime"],
                "skip": path.rpartition("/")[2] in skipped,
                "own_skip": files.get(path + ".skip", {}).get("sha256") == sha256(SKIP_TEXT),
                "text": texts.get(path),
                "left_out": left_out.get(path),
            }
            for path in sorted(files)
            if not path.startswith("/") and not path.endswith(".skip")
        ]
        return {"manifests": rows}

    def images(self):
        rows = self._out("images", parse_image_list)
        if rows is not None:
            keep = ("name", "digest", "platforms", "pinned", "size")
            rows = sorted(
                ({key: row[key] for key in keep} for row in rows if is_tagged(row["name"])), key=lambda row: row["name"]
            )
        return {"images": rows, "preloads": self._preloads()}

    def disk(self):
        found = self._out("disk", parse_df)
        return {"disk": dict(found, path=self._board["data_dir"]) if found else None}

    def sandboxes(self):
        return {
            "sandboxes": self._out("pods", parse_sandboxes),
            "containers": self._out("containers", parse_containers),
        }

    def api(self):
        if not self._good("api"):
            section = self._sections["api"]
            return {"api": {"reachable": False, "error": _message(section), "nodes": [], "pods": [], "addons": []}}
        api = dict(parse_api(self._sections["api"].out, self._token), reachable=True, error=None)
        if self._good("events"):
            api["events"] = parse_events(self._sections["events"].out, self._token)
        return {"api": api}

    def events(self):
        """The rest of what a diagnosis asks the API."""
        good = self._good("api")
        return {"details": _evidence.parse_details(self._sections["api"].out, self._token) if good else None}

    def logs(self):
        return {
            "logs": _evidence.parse_logs(self._sections["logs"].out, self._token) if "logs" in self._sections else {}
        }

    def inspect(self):
        """Rows of sandboxes() anew, with what only some of them were asked for."""
        found = self.sandboxes()
        containers, sandboxes = (
            _evidence.parse_inspect(self._sections["inspect"].out) if self._good("inspect") else ({}, {})
        )
        unknown = {"exit_code": None, "finished_at": None, "reason": None}
        nowhere = {"ip": None, "network_namespace": None}
        return {
            "sandboxes": None
            if found["sandboxes"] is None
            else [dict(row, **sandboxes.get(row["id"], nowhere)) for row in found["sandboxes"]],
            "containers": None
            if found["containers"] is None
            else [dict(row, **containers.get(row["id"], unknown)) for row in found["containers"]],
        }

    def preflight(self):
        return {"preflight": self._out("preflight", _evidence.parse_preflight)}

    def dns(self):
        """What a CoreDNS that is not ready says, as far as this board can tell it."""
        told = {"pods": {}, "rights": None, "network": {}}
        for name, section in self._sections.items():
            kind, dummy, pod = name.partition(" ")
            if kind == "ready":
                told["pods"].setdefault(pod, {})["ready"] = _evidence.parse_ready(section.out)
            elif kind == "log" and pod:
                lines = [_evidence.redact(line) for line in section.out.splitlines() if line.strip()]
                told["pods"].setdefault(pod, {})["log"] = lines
        if self._good("rights"):
            told["rights"] = sorted(_evidence.parse_rights(self._sections["rights"].out))
        if "network" in self._sections:
            told["network"] = _evidence.parse_network(self._sections["network"].out, self._token)
        return {"dns": told}

    def _own_config(self):
        files = self._files()
        if files is None:
            return None
        stale = self._sections["stale"].out.splitlines() if "stale" in self._sections else []
        own = sorted(path for path in files if "/config.yaml.d/" in path)
        return [{"path": path, "sha256": files[path]["sha256"], "stale": path in stale} for path in own]

    def _preloads(self):
        """Archives of this collection in agent/images; `read` before a name says that k3s was started since it was
        placed.
        """
        if not self._good("preloads"):
            return None
        lines = [line.partition(" ") for line in self._sections["preloads"].out.splitlines() if line]
        return sorted(
            ({"name": name, "stale": word == "stale"} for word, dummy, name in lines), key=lambda row: row["name"]
        )

    def _pause_image(self, config):
        lines = self._sections["pause"].out.split()
        image = lines[0].strip("\"'") if lines else config.get("pause-image")
        registry = config.get("system-default-registry")
        if not image:
            return None
        # Flags come first, as k3s puts the registry before a pause image that does not have it yet.
        if not lines and registry and not image.startswith(registry + "/"):
            image = registry + "/" + image
        try:
            return ImageName.parse(image).full
        except Problem as problem:
            self._errors.append({"section": "pause", "rc": None, "message": str(problem)})
            return None

    def _files(self):
        if not (self._good("sums") and self._good("stats")):
            return None
        return split_files(self._sections["sums"].out, self._sections["stats"].out)

    def _good(self, name):
        return name in self._sections and self._sections[name].rc == 0

    def _out(self, name, parse):
        return parse(self._sections[name].out) if self._good(name) else None


def _holds(digests, before):
    """Whether a store still has what a name stood for before; None where it was not looked at."""
    return None if digests is None else bool(before) and before["digest"] in digests


def _board(sections, explicit):
    user = sections["user"].out.strip()
    if user != "0":
        raise Problem(
            "observing a board needs root there",
            found="user id %s" % (user or "unknown"),
            next_step="set become: true for the play, or connect as root",
        )
    if "board" not in sections:
        raise Problem(
            "the observing script ended before it looked at the board",
            next_step="see that the board's /bin/sh is a POSIX shell",
        )
    lines = sections["board"].out.split("\n")
    board = dict(zip(_BOARD_LINES, lines + [""] * len(_BOARD_LINES)))
    if not board["k3s"] and not explicit:
        raise Problem(
            "k3s was not found on this board",
            found="no program k3s in the usual folders",
            where=board["hostname"],
            next_step="install k3s first, name its path in the option k3s, or for a plain containerd give the options "
            "crictl, ctr and containerd_address",
        )
    return board


def _errors(sections):
    # The API has its own place for its error.
    return [
        {"section": name, "rc": section.rc, "message": _message(section)}
        for name, section in sections.items()
        if section.rc != 0 and name != "api"
    ]


def _message(section):
    if section.rc in _TOO_LONG and not section.err:
        return "it did not finish in time"
    return last_lines(section.err or section.out, 3) or "exit status %d and no message" % section.rc
