# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the board is, and where k3s's files lie there. Of config.yaml only known keys are kept, for others may hold
# secrets.
# etc is the folder of k3s's settings, keys are those that may leave the board. These may be empty: data_dir, the folder
# that the user gave; rendered, the configuration of a containerd that is not k3s's; explicit, whether a board without
# k3s will do.
# shellcheck shell=sh disable=SC2154,SC2034 # script.py assigns settings in front; other parts use what is set here

config=
configured=
registries=$etc/registries.yaml kubeconfig=$etc/k3s.yaml
for file in "$etc/config.yaml" "$etc"/config.yaml.d/*.y*ml; do
    [ -f "$file" ] || continue
    kept=0
    while IFS= read -r line || [ -n "$line" ]; do
        text=${line#"${line%%[! ]*}"}
        case $text in "" | "#"*) continue ;; esac
        # An item of a list, or what else belongs to the key above.
        case $line in
            [\ -]*)
                [ $kept = 0 ] || case $text in "- "*) config=$config$nl${line%% #*} ;; esac
                continue ;;
        esac
        key=${line%%:*} key=${key#[\"\']} key=${key%[\"\']} key=${key%+} kept=0
        case " $keys " in *" $key "*) kept=1 ;; *) continue ;; esac
        line=${line%% #*} config=$config$nl$line
        value=${line#*:} value=${value#"${value%%[! ]*}"} value=${value#[\"\']} value=${value%% *} value=${value%[\"\']}
        case $key in
            data-dir) configured=$value ;;
            private-registry) registries=$value ;;
            write-kubeconfig) kubeconfig=$value ;;
        esac
    done <"$file"
done
data_dir=${data_dir:-${configured:-/var/lib/rancher/k3s}}
# What k3s renders for containerd at each start. A file that is newer was not read yet.
rendered=${rendered:-$data_dir/agent/etc/containerd/config.toml}
newer() { [ -f "$rendered" ] && [ "$1" -nt "$rendered" ]; }
# Other parts fill these. They are set here, so that none is taken from the environment.
manifests=
own=
files=

board() {
    uname -n
    uname -m
    echo "$k3s$nl$data_dir$nl$registries$nl$kubeconfig"
    # The role.
    if [ -d "$data_dir/server" ]; then echo server; elif [ -d "$data_dir/agent" ]; then echo agent; else echo; fi
    if newer "$registries"; then echo stale; else echo; fi
}
step board
[ -n "$k3s$explicit" ] || exit 0
[ ! -r "$kubeconfig" ] || export KUBECONFIG="$kubeconfig"
