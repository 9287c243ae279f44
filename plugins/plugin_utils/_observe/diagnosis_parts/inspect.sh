# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What containerd tells only of what it is asked for by its id: of containers that ended, and of sandboxes in which
# nothing runs. A board on which all is well is not asked.
# container_template and sandbox_template are templates of Go, made in inspect.py: not all may leave the board, for
# environment variables are in there.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and sandboxes_kept.sh set

ended() {
    count=0
    by_line
    for row in $rows; do
        case $row in
            *" EXITED "*)
                [ $count -lt 100 ] || break
                count=$((count + 1))
                echo "${row%% *}"
                ;;
        esac
    done
}
idle() {
    busy=
    count=0
    by_line
    for row in $rows; do
        case $row in *" RUNNING "*) row=${row#* } busy=$busy$nl${row%% *} ;; esac
    done
    for id in $(for row in $rows; do case $row in *" SANDBOX") echo "${row% *}" ;; esac; done |
        grep -vxF "${busy#"$nl"}"); do
        [ $count -lt 100 ] || break
        count=$((count + 1))
        echo "$id"
    done
}
# ask_for COMMAND TEMPLATE IDS: where one of them went away meanwhile, the others are asked for one by one.
# shellcheck disable=SC2086 # several ids
ask_for() {
    [ -n "$3" ] || return 0
    crictl "$1" -o go-template --template "$2" $3 2>/dev/null && return
    for id in $3; do crictl "$1" -o go-template --template "$2" "$id" 2>/dev/null; done
    return 0
}
inspect() {
    ask_for inspect "$container_template" "$(ended)"
    ask_for inspectp "$sandbox_template" "$(idle)"
}
step inspect
