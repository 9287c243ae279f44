# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a board that is to be enrolled has already, as any user may read it. root is empty, or the folder that stands for
# / in a test; become is the program by which a user becomes root; largest is a number of bytes.
# shellcheck shell=sh disable=SC2154,SC2015 # settings are assigned in front of this text by script.py

folder=$HOME/.ssh
file=$folder/authorized_keys
# What ls tells of a file: its kind and mode, how many names it has, its owner, its size.
told() {
    set -f
    # shellcheck disable=SC2046 # its words
    [ ! -e "$2" ] && [ ! -L "$2" ] || set -- "$1" $(ls -ldn "$2")
    [ $# -lt 6 ] || echo "$1 $2 $3 $4 $6"
}
account() {
    echo "uid $(id -u)"
    told home "$HOME/."
    told folder "$folder"
    told file "$file"
    told hosts "$root/etc/hosts"
    echo "hostname $(uname -n)"
    [ ! -r "$root/etc/hostname" ] || echo "hostname_file $(head -n 1 "$root/etc/hostname" | head -c 300)"
    # cloud-init gives a board the name of its first start again, at any start, unless it is told not to.
    if [ -d "$root/etc/cloud/cloud.cfg.d" ]; then
        set +f
        grep -Eqs "^preserve_hostname: *[Tt]rue" "$root"/etc/cloud/cloud.cfg.d/*.cfg "$root/etc/cloud/cloud.cfg" \
            && echo "cloud_init keeps" || echo "cloud_init sets"
    fi
    if [ -n "$become" ] && command -v "$become" >/dev/null; then
        # What it is asked for later: sudoers may allow some programs alone.
        "$become" -n /bin/sh -c : >/dev/null 2>&1 && echo "becomes root" || echo "becomes root with its password"
    fi
    echo end
}
step account
keys() { [ ! -f "$file" ] || head -c "$largest" "$file"; }
step keys
hosts() { [ ! -f "$root/etc/hosts" ] || head -c "$largest" "$root/etc/hosts"; }
step hosts
