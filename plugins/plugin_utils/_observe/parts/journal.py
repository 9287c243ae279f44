# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection did to the board: the reader of what journal.sh writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_image_list
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.loaded import is_loaded
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import read_files


def read_journal(seen):
    """The part ``journal``: each file with its checksum of now, each image with whether what it stood for is in the
    store still.
    """
    path = _path(seen)
    read: dict = {"path": path, "lease": None, "files": {}, "images": {}, "error": None}
    read.update(loaded={}, system={}, unread=[])
    files, failed = read_files(seen), not seen.good("journal")
    if failed or files is None:
        section = seen.sections["journal" if failed else "sums"]
        why = seen.message("journal" if failed else "sums") if section.err else "it is no regular file"
        read["error"] = str(_journal.unreadable(why, path))
        return {"journal": read}
    try:
        read.update(_compared(_parsed(seen), files, _held(seen)))
        _tell_loaded(read, _parsed(seen), seen.board)
    except Problem as problem:
        read["error"] = str(problem)
    return {"journal": read}


def notes(seen):
    """The journal's data for what other parts ask it; that of a board without one where it was not read, or cannot be:
    this part says so.
    """
    try:
        return _parsed(seen) if seen.good("journal") else _journal.empty()
    except Problem:
        return _journal.empty()


def _path(seen):
    return "%s/%s/%s" % (seen.board["data_dir"], _journal.FOLDER, _journal.NAME)


def _parsed(seen):
    """Raises Problem for a journal that cannot be read."""
    text = seen.sections["journal"].out
    return _journal.parse(text[1:], _path(seen)) if text else _journal.empty()


def _compared(data, files, held):
    return {
        "lease": data["lease"],
        "loaded": data["loaded"],
        "system": data["system"],
        "programs": data["programs"],
        "unread": [{key: row[key] for key in ("kind", "name", "why")} for row in data["unread"]],
        "files": {
            name: dict(entry, current=files[name]["sha256"] if name in files else None)
            for name, entry in data["files"].items()
        },
        "images": {
            name: dict(entry, has_content=_holds(held, entry["before"])) for name, entry in data["images"].items()
        },
    }


def _tell_loaded(read, data, board):
    """Of the files with which k3s was installed, whether it has loaded them: without them no other part asks it."""
    for path, row in read["files"].items():
        if row["kind"] == "install":
            row["loaded"] = is_loaded(path, row["current"], data, board)


def _held(seen):
    rows = seen.out("images", lambda text: parse_image_list(text, []))  # its reader tells what it could not read
    return None if rows is None else {row["digest"] for row in rows}


def _holds(digests, before):
    """Whether a store still has what a name stood for before; None where it was not observed."""
    return None if digests is None else bool(before) and before["digest"] in digests
