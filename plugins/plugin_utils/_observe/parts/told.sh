# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Whether the versions of a k3s that runs have to be asked for after all. The API tells them of every node, by this
# server or by another one. A program that was put in k3s's place since its start has another version than what runs;
# the time of a file that nobody can set (ctime) tells it, also of a copy that keeps its times. k3s wrote its file
# rendered at its start: a link or an owner that it gets later changes its ctime, and not its mtime. Where links lead to
# the program, the time of each, and of the folder that it leads into, tells whether it leads elsewhere now. A folder
# that is a link is not followed: the board is asked.
# shellcheck shell=sh disable=SC2154 # what board.sh, images.sh and api.sh set

replaced() {
    since=$(stat -L -c %Y "$rendered") file=$k3s
    while [ "$(cd -P "${file%/*}" && pwd -P)" = "${file%/*}" ] && [ "$(stat -c %Z "$file")" -le "$since" ]; do
        [ -L "$file" ] || return 1
        link=$(readlink "$file") || return 0
        case $link in /*) file=$link ;; *) file=${file%/*}/$link ;; esac
        [ "$(stat -c %Z "${file%/*}")" -le "$since" ] || return 0
    done
}
if [ -n "$k3s_pid" ]; then
    # What containerd answered, and the API where it was asked.
    if [ "$alive" = 0 ] || [ "${answered:-0}" != 0 ] || replaced 2>/dev/null; then
        alive=1
        versions
    fi
fi
