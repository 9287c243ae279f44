# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Checksum, time and mode of the files that other parts have put into manifests and files.
# shellcheck shell=sh disable=SC2154 # settings, and what board.sh sets

# shellcheck disable=SC2086 # each line is a file
for_files() {
    [ -n "$manifests$files" ] || return 0
    [ -z "$manifests" ] || cd "$manifest_dir" || return
    by_line
    "$@" $manifests $files
}
step sums for_files sha256sum
step stats for_files stat -L -c "%Y %a %n"
