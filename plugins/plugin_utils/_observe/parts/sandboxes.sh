# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The sandboxes and containers that containerd knows.
# shellcheck shell=sh

ask pods crictl_json pods
ask containers crictl_json ps -a
