# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How much room k3s's data folder has. Before the first start there is none, and the root file system counts.
# shellcheck shell=sh disable=SC2154 # set by board.sh

disk() { if [ -d "$data_dir" ]; then df -Pk "$data_dir"; else df -Pk /; fi; }
step disk
