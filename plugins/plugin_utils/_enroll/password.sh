# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How the password of account is: none, empty, locked or set. As root.
# shellcheck shell=sh disable=SC2154,SC2034 # settings are assigned by script.py; the rest of a line is left

password() {
    while IFS=: read -r who hash dummy; do
        [ "$who" = "$account" ] || continue
        case $hash in
            "") echo empty ;;
            "!"* | "*"*) echo locked ;;
            *) echo set ;;
        esac
        return
    done <"$root/etc/shadow"
    echo none
}
step password
