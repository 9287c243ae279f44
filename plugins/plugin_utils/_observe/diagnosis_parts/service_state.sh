# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How the service manager calls the service of k3s: a line of words each. Its answer says nothing of how k3s is.
# shellcheck shell=sh disable=SC2154,SC2086 # set by programs.sh and unit_names.sh; limit and unit_names are several words

service_state() {
    if [ -d /run/systemd/system ]; then
        # shellcheck disable=SC2046 # a word each
        $limit systemctl show -p Id -p ActiveState -p SubState -p NRestarts $(printf "%s.service " $unit_names)
    elif command -v rc-service >/dev/null; then
        for unit in $unit_names; do
            echo "Id=$unit"
            echo "ActiveState=$($limit rc-service --ifexists $unit status 2>&1 | sed -n "s/.*status: *//p")$nl"
        done
    fi
    return 0
}
step service_state
