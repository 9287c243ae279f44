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
    IFS=" "
    [ -n "$id" ] || return 0
    process=
    address=
    # A pid up to 3 is the kind of namespace, not a process.
    while read -r key value; do
        case $key in pid) [ "$value" -le 3 ] || process=${process:-$value} ;; address) address=$value ;; esac
    done <<END
$(crictl inspect "$id" | sed -n -e 's/^ *"pid" *: *\([0-9][0-9]*\).*/pid \1/p' \
-e 's/.*"KUBERNETES_SERVICE_HOST=\([^"]*\)".*/address \1/p')
END
    [ -n "$process" ] || return 0
    # From here programs run in the pod's network; limit stands before each of them.
    usual=$limit limit="$limit nsenter -t $process -n"
    if ask_without_rights http://127.0.0.1:8181 /ready >/dev/null; then return; fi
    echo "$token=address ${address:=10.43.0.1}"
    echo "$token=pod"
    ask_without_rights "https://$address:443" /version
    limit=$usual
    echo "$token=host"
    ask_without_rights "https://$address:443" /version
    return 0
}
step network
