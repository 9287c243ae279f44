# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In place of sandboxes.sh: the same two questions, whose answers are kept as rows for logs.sh, inspect.sh and
# dns_network.sh.
# shellcheck shell=sh disable=SC2154 # set by frame.sh
# shellcheck disable=SC2034 # used by those parts

# kept NAME WORDS: asks once and keeps the answer. Where that fails, it asks again as sandboxes.sh does, to tell why.
# shellcheck disable=SC2086 # several words
kept() {
    [ $alive = 1 ] || return 0
    answer=$({ crictl $2 -o json 2>/dev/null; echo "$token$?"; } | unannotated)
    case $answer in
        *"$token"0)
            answer=${answer%"$token"0}
            printf "%s\n%s\n\n%s\n\n" "$token<$1" "$answer" "$token>0"
            ;;
        *)
            answer=
            ask "$1" crictl_json $2
            ;;
    esac
}
kept pods pods
pods=$answer
kept containers "ps -a"
# A sandbox in a line: id, SANDBOX; a container: id, sandbox, state, name. (A label of a pod is at most 63 characters
# long, an id has 64.) A loop over words starts no program, and does not read byte by byte as read does.
rows=$(echo "$pods$nl$answer" | grep -E '^ *"(id|podSandboxId|state|io\.kubernetes\.container\.name)"' |
    sed -n \
-e 's/",*$//' -e '/^ *"id"/{s/.*"//;h;d;}' -e '/^ *"podS/{s/.*"//;H;d;}' \
-e '/"SANDBOX_/{g;/^[0-9a-f]\{64\}$/s/$/ SANDBOX/p;d;}' \
-e '/"CONTAINER_/{s/.*_//;H;d;}' -e '/^ *"io/{s/.*"//;H;x;s/\n/ /g;p;}')
