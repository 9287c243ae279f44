# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The errors in k3s's own log, where its containerd did not answer: why it ended, or what it waits for, which k3s
# calls no error; its starts; and what the service manager says where it could not execute it. Services of systemd have
# it in the journal, those of OpenRC in a file. What looks like a secret is blanked here, roughly; the controller does
# the rest. Before it stands when k3s started and what time it is, in seconds since the boot: it may have been started
# since board.sh looked.
# archives is a path inside the data folder.
# shellcheck shell=sh disable=SC2154,SC2086 # set by other parts and script.py; limit and unit_names are several words

# Its last $1 lines; fails where there is none. The file that was written last comes last: another one may be left from
# when the board had the other role.
# shellcheck disable=SC2046,SC2012 # a word each, by time
k3s_log() {
    logs=$(ls -dtr $k3s_logs $(printf "/var/log/%s.log " $unit_names) 2>/dev/null | uniq)
    for file in $logs; do [ ! -f "$file" ] || tail -n "$1" "$file"; done
    if [ -d /run/systemd/system ]; then
        $limit journalctl $(printf -- "-u %s " $unit_names) -b --no-pager -o cat -n "$1" 2>&1
    else
        [ -n "$logs" ]
    fi
}
last_words() {
    k3s_pid=
    find_k3s
    [ -z "$k3s_pid" ] || { k3s_start; echo "$started $(cat "$proc/uptime")"; }
    k3s_log 300 |
        grep -E -e "level=(error|fatal)|^(FATA|ERRO)|^(panic: )?[EF][0-9]{4} |Waiting to retrieve|Starting k3s v" \
-e "Failed to test (data store|etcd) connection" \
-e "step EXEC spawning|Failed to execute|Unable to locate executable|failed to exec .*k3s" | tail -n 20 |
        cut -c -2000 | blanked_log
    return 0
}
[ "$alive" = 1 ] || step last_words
# Where it runs: what is in the folder of archives, and which of them it could import, or could not. Only k3s itself
# begins a line so; in those of the kubelet may stand what somebody wrote into a pod. The token says that all was read.
imports() {
    held=
    for file in "$data_dir/$archives"/*; do
        [ ! -f "$file" ] || { held=1 && echo "held ${file##*/}"; }
    done
    [ -z "$held" ] || { k3s_log 20000 && echo "$token"; } |
        grep -E -e "^time=[^ ]* level=(error .*$archives/|info msg=.(Imported .*images from|Starting k3s v))" \
-e "^$token\$" | tail -n 60 |
        cut -c -2000 | blanked_log
}
[ "$alive" = 0 ] || step imports
