# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In place of api.sh: one query for all that a diagnosis asks the API. The answer is kept, for dns_api.sh looks into it.
# ask_api says that the API is asked in any case, query is jsonpath.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and board.sh set

api_answer=
if [ -n "$ask_api" ] || [ -r "$kubeconfig" ]; then
    details=nodes,pods,events
    for kinds in $details,addons.k3s.cattle.io,endpointslices.discovery.k8s.io $details; do
        api_answer=$(step api api_get "$kinds" -A -o jsonpath="$query")
        # The shell itself would take seconds to find the end of a long answer.
        end=$(echo "$api_answer" | sed -n "/^$token>/,\$ p")
        case $end in *"have a resource type"*) ;; *) break ;; esac
    done
    echo "$api_answer" | blanked
    case $end in "$token>0"*) ;; *) api_answer= ;; esac
fi
