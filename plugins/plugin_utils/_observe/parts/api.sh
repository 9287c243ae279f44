# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Nodes, pods and addons, by one query. A cluster that is not k3s's has no addons.
# ask_api says that the API is asked in any case, query is jsonpath.
# shellcheck shell=sh disable=SC2154,SC2034 # settings, and what frame.sh and board.sh set; warnings.sh looks at status, told.sh at answered

if [ -n "$ask_api" ] || [ -r "$kubeconfig" ]; then
    step api api_get nodes,pods,addons.k3s.cattle.io -A -o jsonpath="$query"
    case $errors in *"have a resource type"*) step api api_get nodes,pods -A -o jsonpath="$query" ;; esac
    answered=$status
else
    status=1
fi
