# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The files that k3s's deploy controller reads: their checksums, and then what masked.sh shows of them, or the whole text
# of those that are named in whole. One that holds a Secret, or is larger than largest (of 512 bytes), is named without a
# text, and with 0 where it holds one of the kinds in workloads, else 1. files.sh takes their checksums once more.
# shellcheck shell=sh disable=SC2154 # settings, and what board.sh sets

manifest_dir=$data_dir/server/manifests
[ ! -d "$manifest_dir" ] || manifests=$(cd "$manifest_dir" &&
    find -L . -type f ! -name ".*" "(" -iname "*.yaml" -o -iname "*.yml" -o -iname "*.json" \
-o -name "*.skip" ")" 2>/dev/null)
listed=$?

# Links that lead to themselves, which k3s passes by too, are the only reason for which find may fail.
only_loops() {
    said=$(find -L . 2>&1 >/dev/null)
    others=$(echo "$said" | grep -vE "Too many levels of symbolic links$|Symbolic link loop$|same file system loop as ")
    [ -z "$said" ] || [ -n "$others" ] || return 0
    echo "$manifest_dir cannot be listed: $others" >&2
    return 1
}
# shellcheck disable=SC2086 # each line is a file
texts() {
    [ -n "$manifests" ] || [ $listed != 0 ] || return 0
    cd "$manifest_dir" || return
    [ $listed = 0 ] || only_loops || return
    by_line
    # grep ends with 1 where no file has it.
    secret=$(grep -liE "kind[\\\\\"'[:space:]]*:[\\\\\"'[:space:]]*secret" $manifests) || [ $? = 1 ] || return
    large=$(find -L $manifests -size +$largest)
    echo "$token+"
    sha256sum $manifests || return
    shown=
    for file in $manifests; do
        case $file in *.skip) continue ;; esac
        why=
        case $nl$large$nl in *"$nl$file$nl"*) why=size ;; esac
        case $nl$secret$nl in *"$nl$file$nl"*) why=secret ;; esac
        if [ -n "$why" ]; then
            grep -qE "kind[\\\\\"'[:space:]]*:[\\\\\"'[:space:]]*($workloads)([^A-Za-z]|$)" "$file"
            held=$?
            [ $held -le 1 ] || return
            echo "$token!$why $held $file"
            continue
        fi
        case $nl$whole$nl in
        *"$nl${file#./}$nl"*)
            echo "$token=$file"
            cat "$file" || return
            echo
            ;;
        *) shown=$shown$file$nl ;;
        esac
    done
    [ -z "$shown" ] || marked="$token-" shown_keys=$manifest_keys inner_keys=$manifest_texts masked $shown
}
step texts
