# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where CoreDNS runs and is not ready: does the API answer at its service address, from the board and from the pod?
# shellcheck shell=sh disable=SC2154,SC2034 # set by frame.sh and sandboxes_kept.sh; kubectl uses limit

ask_without_rights() {
    kubectl --kubeconfig=/dev/null --token=none --insecure-skip-tls-verify --request-timeout=4s \
--server="$1" get --raw "$2" 2>&1
}
network() {
    id=
    by_line
    for row in $rows; do
        case $row in *" RUNNING coredns") id=${row%% *}; break ;; esac
    done
    [ -n "$id" ] || return 0
    process=
    address=
    # No here-document: for that bash before 5.1 needs a folder that can be written. A pid up to 3 is the kind of
    # namespace, not a process.
    for row in $(IFS=" " && crictl inspect "$id" | sed -n -e 's/^ *"pid" *: *\([0-9][0-9]*\).*/pid \1/p' \
-e 's/.*"KUBERNETES_SERVICE_HOST=\([^"]*\)".*/address \1/p'); do
        case $row in
            pid*) [ "${row#pid }" -le 3 ] || process=${process:-${row#pid }} ;;
            *) address=${row#address } ;;
        esac
    done
    IFS=" "
    [ -n "$process" ] || return 0
    # From here kubectl runs in the pod's network; api_limit stands before it.
    api_limit="$limit nsenter -t $process -n"
    if ask_without_rights http://127.0.0.1:8181 /ready >/dev/null; then return; fi
    echo "$token=address ${address:=10.43.0.1}"
    echo "$token=pod"
    ask_without_rights "https://$address:443" /version
    api_limit=$limit
    echo "$token=host"
    ask_without_rights "https://$address:443" /version
    return 0
}
step network
