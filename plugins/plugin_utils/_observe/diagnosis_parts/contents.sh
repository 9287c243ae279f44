# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Which content the names in the store stand for, as digests of configs. Only where other parts leave a doubt.
# shellcheck shell=sh

ask contents crictl images -o json
