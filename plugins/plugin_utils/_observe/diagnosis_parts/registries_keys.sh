# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The keys of registries.yaml, without what they say: masked.sh goes before.
# shellcheck shell=sh disable=SC2154 # what board.sh sets

[ ! -f "$registries" ] || step registries_keys masked "$registries"
