# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What this collection noted of its own changes, and which of the files in there are still present: files.sh takes their
# checksums, which tell whether somebody changed them since. Archives of images would take long, and are left out.
# noted_in and archives are paths inside the data folder.
# shellcheck shell=sh disable=SC2154,SC2034 # settings, and what board.sh sets; files.sh uses what is set here

noted=$data_dir/$noted_in
# A line before the text tells an empty journal from none. What is no file is not opened: a pipe might never end.
journal() { [ ! -e "$noted" ] || { echo; [ -f "$noted" ] && cat "$noted"; }; }
step journal
present() {
    by_line
    # shellcheck disable=SC2013 # read would be slower
    for file in $(sed -n 's|^  "\(/[^"]*\)": {$|\1|p' "$noted"); do
        case $file in */"$archives"/*) ;; *) [ ! -f "$file" ] || echo "$nl$file" ;; esac
    done
}
[ ! -f "$noted" ] || files=$files$(present)
