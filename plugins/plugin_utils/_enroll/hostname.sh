# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Gives a board its name, and writes /etc/hosts where that is sent, too. As root. What is sent is a line with the name,
# and then size bytes, the whole text of /etc/hosts, unless size is empty. keep is 1 where cloud-init is to keep it.
# shellcheck shell=sh disable=SC2154,SC2015 # settings are assigned by script.py; whatever fails, the rest is undone

umask 022
# replace FILE: with what is read, at once; mode and owner stay.
replace() {
    new=$1.riscv_k3s.$$
    { [ ! -e "$1" ] || cp -p "$1" "$new"; } && cat >"$new" && mv -f "$new" "$1" || { rm -f "$new" && return 1; }
}
rename() {
    IFS= read -r wanted <&4 && [ -n "$wanted" ] || { echo "the name did not arrive" >&2 && return 1; }
    if [ -n "$size" ]; then
        text=$(cat <&4 && echo .)
        # A connection that broke has sent a part of it.
        [ "$(printf %s "${text%.}" | wc -c)" -eq "$size" ] || { echo "the text did not arrive" >&2 && return 1; }
        printf %s "${text%.}" | replace "$root/etc/hosts" || return 1
    fi
    if [ -n "$keep" ]; then
        printf "preserve_hostname: true\nmanage_etc_hosts: false\n" \
            | replace "$root/etc/cloud/cloud.cfg.d/99_riscv_k3s_hostname.cfg" || return 1
    fi
    if [ -d "$root/run/systemd/system" ] && command -v hostnamectl >/dev/null; then
        hostnamectl set-hostname "$wanted"
    else
        echo "$wanted" | replace "$root/etc/hostname" && hostname "$wanted"
    fi
}
step rename
