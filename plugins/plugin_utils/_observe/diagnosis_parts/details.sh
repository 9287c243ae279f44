# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In place of api.sh: one query for all that a diagnosis asks the API. The answer is kept, for dns_api.sh looks into it.
# ask_api says that the API is asked in any case, query is jsonpath.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and board.sh set

# What step() writes after its first line. What came of an answer that broke off is no error's text.
details() {
    { errors=$( { api_get "$1" -A -o jsonpath="$query" >&3; } 2>&1 ); status=$?; } 3>&1
    printf "\n%s\n%s\n" "$token>$status" "$errors"
}
api_answer=
if [ -n "$ask_api" ] || [ -r "$kubeconfig" ]; then
    api_answer=$(details nodes,pods,events,addons.k3s.cattle.io,endpointslices.discovery.k8s.io)
    case ${api_answer##*"$nl$token>"} in
        *"have a resource type"*) api_answer=$(details nodes,pods,events) ;;
    esac
    printf "%s\n%s\n" "$token<api" "$api_answer" | blanked
    case ${api_answer##*"$nl$token>"} in 0*) ;; *) api_answer= ;; esac
fi
