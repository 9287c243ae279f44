# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The frame of the observing script: how each of its steps is marked. frame.py takes the output apart.
# token is a random word of this run, path the folders in which a board's programs lie.
# shellcheck shell=sh disable=SC2154 # settings are assigned in front of this text by script.py

LC_ALL=C PATH=$path:$PATH nl='
'
export LC_ALL PATH
exec </dev/null
# dash's own echo takes \n in a file's name for a line end.
echo() { printf "%s\n" "$*"; }
# From here on a variable is taken apart by its lines, and * in them is no pattern.
by_line() {
    IFS=$nl
    set -f
}

# step NAME [COMMAND...]: what the command writes on stdout as it comes, then its exit status, then its stderr. Without
# a command it is the function of that name.
# The command runs in a subshell: what a function sets and where it goes is forgotten after it.
step() {
    name=$1
    [ $# = 1 ] || shift
    echo "$token<$name"
    { errors=$( { "$@" >&3; } 2>&1 ); status=$?; } 3>&1
    printf "\n%s\n%s\n" "$token>$status" "$errors"
}

# ask NAME COMMAND...: a step that asks containerd. One that did not answer once is not asked again: each question would
# wait in vain.
alive=1
ask() {
    [ $alive = 1 ] || return 0
    step "$@"
    [ "$status" = 0 ] || alive=0
}
