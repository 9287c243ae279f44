# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The versions of k3s and of its containerd; where that does not answer, whether the board can run them. Each is a start
# of a large program, which costs seconds on a board. So where k3s runs they are not asked for yet when "later" is set:
# others may tell them, and told.sh sees whether they do.
# shellcheck shell=sh disable=SC2154 # set by programs.sh and script.py
# shellcheck disable=SC2086 # limit is several words

# The beginning of the program, which tells for what machine it is; and a program of its own that may not be executed.
program() {
    # shellcheck disable=SC2046,SC2005 # as one line
    echo $(od -An -tx1 -N 20 "$k3s")
    for file in "$data_dir"/data/*/bin/k3s*; do
        [ ! -f "$file" ] || [ -x "$file" ] || { echo "shut $file" && break; }
    done
    return 0
}
versions() {
    [ -z "$k3s" ] || step version $limit "$k3s" --version
    ask containerd ctr --namespace k8s.io version
    [ "$alive" = 1 ] || [ -z "$k3s" ] || step program
}
[ -n "$later" ] && [ -n "$k3s_pid" ] || versions
