# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In place of api.sh: one query for all that a diagnosis asks the API. The answer is kept, for dns_api.sh looks into it.
# ask_api says that the API is asked in any case, query is jsonpath.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and board.sh set

api_answer=
if [ -n "$ask_api" ] || [ -r "$kubeconfig" ]; then
    kinds=nodes,pods,events,addons.k3s.cattle.io,endpointslices.discovery.k8s.io
    api_answer=$(api_get $kinds -A -o jsonpath="$query" 2>&1)
    status=$?
    case $status$api_answer in
        0*) ;;
        *"have a resource type"*)
            api_answer=$(api_get nodes,pods,events -A -o jsonpath="$query" 2>&1)
            status=$?
            ;;
    esac
    if [ $status = 0 ]; then errors=; else errors=$api_answer api_answer=; fi
    printf "%s\n%s\n\n%s\n%s\n" "$token<api" "$api_answer" "$token>$status" "$errors" | blanked
fi
