# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The names of k3s's services: those that its own installer gives, and what else is there.
# shellcheck shell=sh disable=SC2154,SC2034 # set by board.sh; service_state.sh and last_words.sh use what is set here

unit_names="k3s k3s-agent"
for name in $services $unit; do
    case " $unit_names " in *" ${name%.service} "*) ;; *) unit_names="$unit_names ${name%.service}" ;; esac
done
