# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The files that k3s's deploy controller reads. One that holds a Secret, or is larger than largest (of 512 bytes), is
# named without its text. files.sh takes their checksums.
# shellcheck shell=sh disable=SC2154 # settings, and what board.sh sets

manifest_dir=$data_dir/server/manifests
[ ! -d "$manifest_dir" ] || manifests=$(cd "$manifest_dir" &&
    find -L . -type f ! -name ".*" "(" -iname "*.yaml" -o -iname "*.yml" -o -iname "*.json" \
-o -name "*.skip" ")" 2>/dev/null)

# shellcheck disable=SC2086 # each line is a file
texts() {
    [ -n "$manifests" ] || return 0
    cd "$manifest_dir" || return
    by_line
    # grep ends with 1 where no file has it.
    secret=$(grep -liE "kind[\\\\\"'[:space:]]*:[\\\\\"'[:space:]]*secret" $manifests) || [ $? = 1 ] || return
    large=$(find -L $manifests -size +$largest)
    for file in $manifests; do
        case $file in *.skip) continue ;; esac
        case $nl$secret$nl in *"$nl$file$nl"*) echo "$token!secret $file"; continue ;; esac
        case $nl$large$nl in *"$nl$file$nl"*) echo "$token!size $file"; continue ;; esac
        echo "$token=$file"
        cat "$file" || return
        echo
    done
}
step texts
