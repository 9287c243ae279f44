# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook, and in the end what it cost, as JSON in a file.

From within, since only the process itself knows its own largest memory apart from that of its children.

    counted.py FIGURES ARGUMENT...      with PROFILE=FILE that is the main process's profile, for pstats
"""

from __future__ import annotations

import atexit
import cProfile
import json
import os
import pathlib
import re
import resource
import sys
import time

from ansible.cli.playbook import main


def _write(path, begin):
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    # What getrusage says of the process's own memory may be that of the program which started it.
    peak = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text(encoding="ascii"))
    figures = {
        "seconds": time.monotonic() - begin,
        "main": own.ru_utime + own.ru_stime,
        "children": children.ru_utime + children.ru_stime,
        "peak": int(peak.group(1)) << 10,
        "peak_child": children.ru_maxrss << 10,
    }
    pathlib.Path(path).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    # Ansible's workers leave by os._exit, which calls nothing of this.
    atexit.register(_write, sys.argv[1], time.monotonic())
    arguments = ["ansible-playbook", *sys.argv[2:]]
    if os.environ.get("PROFILE"):
        profile = cProfile.Profile()
        atexit.register(lambda: profile.dump_stats(os.environ["PROFILE"]))
        sys.exit(profile.runcall(main, arguments))
    sys.exit(main(arguments))
