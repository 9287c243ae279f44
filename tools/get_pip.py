# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the get-pip script that ansible-test downloads to put pip into its empty environments.

ansible-test takes that script from a site of its own, which need not be reachable, unless its cache folder holds it.
This one has Python's ensurepip install pip first, then pip fetch the versions that ansible-test asked for from wherever
pip is set up to look.
"""

from __future__ import annotations

import importlib
import runpy
import subprocess
import sys

# Options of get-pip alone: without them it would add setuptools and wheel.
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]

# In a process of its own: it switches pip's configuration off for the one it runs in.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
importlib.invalidate_caches()
sys.argv = ["pip", "install"] + packages
runpy.run_module("pip", run_name="__main__", alter_sys=True)
