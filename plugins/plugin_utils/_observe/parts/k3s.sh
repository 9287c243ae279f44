# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The versions of k3s and of its containerd.
# shellcheck shell=sh disable=SC2154 # set by programs.sh
# shellcheck disable=SC2086 # limit is several words

[ -z "$k3s" ] || step version $limit "$k3s" --version
ask containerd ctr --namespace k8s.io version
