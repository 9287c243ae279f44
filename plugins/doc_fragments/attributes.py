# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of all modules alike, unless one says otherwise of itself."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or would change, in diff mode.
    support: full
  idempotent:
    description: When run twice in a row, the second run changes nothing.
    support: full
  platform:
    description: The target systems that the module runs on.
    support: full
    platforms: posix
notes:
  - A module that fails for a reason that a user can correct also returns the parts of C(msg). They are C(what) (what
    was asked and
    went wrong), C(found) (what was there instead), C(where) and C(next_step), as far as they are known.
"""

    # Modules that take what a play sets once for all of them, data_dir above all.
    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/riscv.k3s.k3s) in C(module_defaults) to set defaults for this module.
    support: full
    details:
      - A module takes all options that belong to a board, those that it does not need as well.
    membership:
      - riscv.k3s.k3s
"""

    # Modules that only look. It stands before riscv.k3s.attributes, for the first word counts.
    INFO = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the same result.
    support: full
  diff_mode:
    description: Returns details on what has changed, or would change, in diff mode.
    support: N/A
    details:
      - It changes nothing.
"""
