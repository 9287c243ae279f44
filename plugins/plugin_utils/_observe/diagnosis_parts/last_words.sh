# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The errors in k3s's own log, where its containerd did not answer: why it ended, or what it waits for, which an agent
# calls no error; and its starts. Services of systemd have it in the journal, those of OpenRC in a file.
# What looks like a secret is blanked here, roughly; the controller does the rest. Before it stands when
# k3s started and what time it is, in seconds since the boot: it may have been started since board.sh looked.
# shellcheck shell=sh disable=SC2154,SC2086 # set by other parts and script.py; limit is several words

last_words() {
    k3s_pid=
    find_k3s
    [ -z "$k3s_pid" ] || { k3s_start; echo "$started $(cat "$proc/uptime")"; }
    {
        for file in $k3s_logs; do
            if [ -f "$file" ]; then tail -n 300 "$file"; fi
        done
        if [ -d /run/systemd/system ]; then
            $limit journalctl -u k3s -u k3s-agent -b --no-pager -o cat -n 300 2>&1
        fi
    } | grep -E "level=(error|fatal)|^(FATA|ERRO)|^(panic: )?[EF][0-9]{4} |Waiting to retrieve|Starting k3s v" | tail -n 20 | cut -c -2000 | blanked_log
    return 0
}
[ "$alive" = 1 ] || step last_words
