# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Only where CoreDNS is not ready, the API is asked why. The records Dns in the answer say which of its pods are not.
# shellcheck shell=sh disable=SC2154 # set by frame.sh and details.sh

short_kubectl() { kubectl --request-timeout=5s "$@"; }
dns_log() { short_kubectl -n kube-system logs "$1" --tail=20 2>&1 | blanked_log; }
ready() {
    short_kubectl get --raw "/api/v1/namespaces/kube-system/pods/$1:8181/proxy/ready" -v=8 2>&1 |
        sed -n -e "s/.*Response Body//p" -e "/^Error/p"
}
case $api_answer in
    # Of k3s's own only, and a few of them: anybody may give his pods that label.
    *"$token Dns	false	kube-system	"*)
        for pod in $(echo "$api_answer" | sed -n "s/^$token Dns	false	kube-system	\([^	]*\).*/\1/p" | head -n 5); do
            step "ready $pod" ready "$pod"
            step "log $pod" dns_log "$pod"
        done
        step rights short_kubectl auth can-i --list -n kube-system --as=system:serviceaccount:kube-system:coredns
        ;;
esac
