# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the API answered (api.sh), which comes by file descriptor 5.
# shellcheck shell=sh disable=SC2034 # warnings.sh looks at status, told.sh at answered

# Nothing comes where it is not asked.
read -r answered <&5
status=${answered:-1}
[ -z "$answered" ] || cat <&5
