# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The files of this collection beside k3s's file of settings (which board.sh reads), and the pause image that containerd
# is told to use.
# shellcheck shell=sh disable=SC2154,SC2034 # settings, and what board.sh sets; files.sh uses files

for file in "$config_file".d/riscv-k3s*.yaml; do
    [ ! -f "$file" ] || own=$own$nl$file
done
files=$files$own
# Files that are newer than what k3s rendered for containerd: it was not started since.
stale() {
    by_line
    for file in $own; do ! newer "$file" || echo "$file"; done
}
[ -z "$own" ] || step stale

# containerd 1 has sandbox_image, containerd 2 sandbox in a table of its own or with that table's name before it.
pause() {
    [ -f "$rendered" ] || return 0
    table=
    while IFS=" =	" read -r key value || [ -n "$key" ]; do
        case $key in
            \[*) table=$key ;;
            sandbox_image | pinned_images.sandbox) echo "$value" ;;
            sandbox) case $table in *pinned_images]) echo "$value" ;; esac ;;
        esac
    done <"$rendered"
}
step pause
