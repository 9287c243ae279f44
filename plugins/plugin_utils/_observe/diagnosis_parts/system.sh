# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How a board's system is set up, beside what preflight.sh tells: what riscv.k3s.prepare decides by. Each line is a word
# that says what it is about, and the value. own_files are the files that prepare writes, sysctls the settings of the
# kernel that it looks at, with slashes.
# shellcheck shell=sh disable=SC2154,SC2086 # settings; lists of words

system() {
    [ ! -e /proc/modules ] || echo "modular"
    for file in $own_files; do
        [ ! -f "$file" ] || sed "s|^|own $file |" "$file"
    done
    for name in $sysctls; do
        [ ! -r "/proc/sys/$name" ] || echo "sysctl $name $(cat "/proc/sys/$name")"
    done
    # Who else says what a setting is to be at the next boot, in the order in which files are read.
    for file in /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf /run/sysctl.d/*.conf /etc/sysctl.d/*.conf /etc/sysctl.conf; do
        [ ! -f "$file" ] || grep -E "^ *-?($(echo "$sysctls" | sed -e 's/ /|/g' -e 's|/|[./]|g')) *=" "$file" |
            sed "s|^|boot $file |"
    done
    return 0
}
step system
