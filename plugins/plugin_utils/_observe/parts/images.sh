# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The images in containerd's store, and this collection's archives in agent/images. An archive that is older than what
# k3s rendered for containerd was read at k3s's start, as far as the clock is right.
# archives is a path inside the data folder.
# shellcheck shell=sh disable=SC2154 # settings, and what board.sh sets

ask images ctr --namespace k8s.io images ls
preloads() {
    for file in "$data_dir/$archives"/riscv-k3s-*.tar; do
        [ -f "$file" ] || continue
        age=stale
        [ ! -f "$rendered" ] || newer "$file" || age="read"
        echo "$age ${file##*/}"
    done
}
step preloads
