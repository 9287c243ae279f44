# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the API answered (api.sh), which comes by file descriptor 5.
# shellcheck shell=sh disable=SC2034,SC2154 # set by frame.sh and api.sh; warnings.sh looks at status, told.sh at answered

status=1
if [ -n "$api_asked" ]; then
    read -r answered <&5
    status=${answered:-1}
    # Nothing comes where that process was killed. This step has no end then, and nothing of the board is believed.
    if [ -n "$answered" ]; then cat <&5; else echo "$token<api"; fi
fi
