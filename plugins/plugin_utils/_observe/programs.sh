# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How the board's programs are called. ctr, crictl and kubectl are functions that script.py puts in front of this text.
# k3s is the path that the user gave, or empty; seconds is how long a program may take, kubectl_seconds kubectl, which
# makes several requests, and api_seconds each of them.
# shellcheck shell=sh disable=SC2154,SC2034 # script.py assigns settings in front; other parts use what is set here

# busybox's timeout knows no -k in some versions, and a small system may have no such program at all.
limit=
api_limit=
for way in "timeout -k 1" timeout; do
    if $way 9 true 2>/dev/null; then limit="$way $seconds" api_limit="$way $kubectl_seconds" && break; fi
done
given=$k3s
[ -n "$k3s" ] || k3s=$(command -v k3s)
# A folder has an x, too.
{ [ -f "$k3s" ] && [ -x "$k3s" ]; } || { shut=$k3s k3s=; }

# Annotations of a sandbox are the pod's, among them what kubectl applied last, with all values of environment
# variables. All between the line that opens them and the one that closes them is left out. Should crictl ever print
# annotations in another way, the rest of the line is cut off, and the output fails to parse rather than leaks.
unannotated() {
    sed -e '/"annotations": *{ *$/,/^ *}/{/{ *$/!{/^ *}/!d;};}' -e '/"annotations"/s/"annotations" *: *{ *[^} ].*//'
}
crictl_json() {
    json=$(crictl "$@" -o json) || return
    echo "$json" | unannotated
}
api_get() { kubectl --request-timeout="${api_seconds}s" get "$@"; }
