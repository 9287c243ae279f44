# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checksums, times and modes of files: the reader of what files.sh writes. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads

_SUM = re.compile(r"\\?[0-9a-f]{64}\Z")


def read_files(seen):
    """All files that were looked at, by path; None where that failed."""
    if not (seen.good("sums") and seen.good("stats")):
        return None
    return split_files(seen.sections["sums"].out, seen.sections["stats"].out)


@reads("sha256sum and stat")
def split_files(sums, stats):
    """The outputs of sha256sum and stat as a dictionary from path to {sha256, mtime, mode}."""
    files = {path: {"sha256": digest, "mtime": None, "mode": None} for path, digest in checksums(sums).items()}
    for line in stats.splitlines():
        mtime, mode, path = line.split(" ", 2)
        files[relative(path)].update(mtime=int(mtime), mode=mode.zfill(4))
    bare = [path for path, row in files.items() if row["mode"] is None]
    if bare:
        raise ValueError("time and mode of %s are missing" % bare[0])
    return files


def checksums(text):
    """{path: checksum} of what sha256sum printed. Raises ValueError."""
    found = {}
    for line in text.splitlines():
        digest, dummy, path = line.partition("  ")
        if not _SUM.match(digest):
            raise ValueError("%s is no checksum" % digest[:100])
        if digest.startswith("\\"):  # so GNU's program marks a name that it had to escape
            digest, path = digest[1:], path.replace("\\\\", "\\")
        found[relative(path)] = digest
    return found


def relative(path):
    """A path as the script writes it, without what find puts in front."""
    return path[2:] if path.startswith("./") else path
