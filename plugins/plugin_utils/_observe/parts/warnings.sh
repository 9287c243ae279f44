# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The pods' warnings, where the API answered. api.py reads them.
# shellcheck shell=sh disable=SC2154 # a setting, and what api.sh leaves in status

[ "$status" != 0 ] || step events api_get events -A \
--field-selector type=Warning,involvedObject.kind=Pod -o jsonpath="$warnings_query"
