# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Nodes, pods and addons, by one query. A cluster that is not k3s's has no addons. kubectl takes the longest of all, and
# a board has several processors: so it is asked beside all else (script.py), and answer.sh takes what it says.
# ask_api says that the API is asked in any case, query is jsonpath.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and board.sh set

without_addons=254
api_step() {
    step api api_get "$1" -A -o jsonpath="$query"
    case $errors in *"have a resource type"*) exit $without_addons ;; esac
    exit "$status"
}
# This is seen once, for both processes: a k3s that starts for the first time may write that file just now.
api_asked=$ask_api
[ ! -r "$kubeconfig" ] || api_asked=1
# Its exit status in a line, then the step. Kept until then: kubectl is ended where nobody takes what it writes.
api_beside() {
    [ -n "$api_asked" ] || return 0
    text=$(api_step nodes,pods,addons.k3s.cattle.io)
    status=$?
    if [ $status = $without_addons ]; then
        text=$(api_step nodes,pods)
        status=$?
    fi
    echo "$status$nl$text"
}
