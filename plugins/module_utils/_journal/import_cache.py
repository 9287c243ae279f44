# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s notes of archives that it has imported, in .cache.json beside them. Without such a file it notes nothing."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import read_bytes, write_bytes

NAME = ".cache.json"


def forget(path: str) -> None:
    """Have k3s import the archive ``path`` at its next start, whatever it imported before. Raises Problem.

    A new time of the file is not enough: to k3s from May 2025 to July 2026 it said nothing where the size was the same
    (k3s-io/k3s#14284), and by a clock that is behind it is an old one.
    """
    # Somebody may keep it on another disk. k3s writes through a link, too.
    cache = os.path.realpath(os.path.join(os.path.dirname(path), NAME))
    known = _known(read_bytes(cache))
    # k3s may have another path for its data folder.
    kept = {one: noted for one, noted in known.items() if os.path.basename(one) != os.path.basename(path)}
    if kept != known:
        write_bytes(cache, json.dumps(kept).encode())


def _known(data: Optional[bytes]) -> Dict[str, Any]:
    try:
        known = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}  # k3s passes over it, too
    return known if isinstance(known, dict) else {}
