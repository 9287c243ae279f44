# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# registries.yaml, whose text stays on the board: files.sh takes its checksum.
# shellcheck shell=sh disable=SC2154,SC2034 # what board.sh sets; files.sh uses what is set here

[ ! -f "$registries" ] || files=$files$nl$registries
