# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What any user may read of a board: what the machine is and which system is on it. root is empty, or the folder that
# stands for / in a test; proc is /proc.
# shellcheck shell=sh disable=SC2154 # settings are assigned in front of this text by script.py

machine() {
    # shellcheck disable=SC2046 # its words, which have no blanks
    set -- $(uname -snrm)
    echo "hostname $2${nl}kernel $3${nl}machine $4"
    while read -r key value unit; do
        case $key in MemTotal:) echo "memory $value $unit" && break ;; esac
    done <"$proc/meminfo"
    # A board without a device tree has what its firmware says.
    for file in "$proc/device-tree/model" "$root/sys/firmware/devicetree/base/model" \
        "$root/sys/class/dmi/id/product_name"; do
        [ -r "$file" ] && echo "model $(tr "\000\n" "  " <"$file")" && break
    done
    # Its version stands in the name that a link leads to; no Python is started for it.
    for file in "$(command -v python3)" "$root/usr/libexec/platform-python"; do
        [ -x "$file" ] && echo "python $file${nl}python_file $(readlink -f "$file")" && break
    done
    echo end
}
step machine
system() { cat "$root/etc/os-release" 2>/dev/null || cat "$root/usr/lib/os-release"; }
step system
