# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Who looks: what comes after this needs root.
# shellcheck shell=sh

user=$(id -u)
step user echo "$user"
[ "$user" = 0 ] || exit 0
