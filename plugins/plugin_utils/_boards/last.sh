# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What only root may read of k3s: its version, and which cluster it belongs to. Boards of one cluster have the same
# certificate of its servers. k3s and limit are set by programs.sh, data_dir by board.sh.
# shellcheck shell=sh disable=SC2154,SC2086 # set there; limit is several words

[ -z "$k3s" ] || step version $limit "$k3s" --version
cluster() {
    for file in "$data_dir/agent/server-ca.crt" "$data_dir/server/tls/server-ca.crt"; do
        [ -r "$file" ] && sha256sum "$file" && return
    done
    return 0
}
step cluster
