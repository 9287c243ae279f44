# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the board is, which k3s runs on it, and where k3s's files lie there.
# proc is /proc, etc the folder of k3s's settings, units the folders of services. These may be empty: data_dir,
# registries, kubeconfig and config_file, the paths that the user gave or that an earlier look found; rendered, the
# configuration of a containerd that is not k3s's; explicit, whether a board without k3s will do; blank, whether one that
# is to get k3s is looked at, too.
# shellcheck shell=sh disable=SC2154,SC2034,SC2013 # script.py assigns settings in front; other parts use what is set here

# Whether a process may be k3s. Who starts one calls it what he likes, and what k3s names is run as root below: so it is
# root's (also the real user, for a program with other rights than its caller's), and none of a pod or another board.
may_be_k3s() {
    for space in net pid; do
        [ "$proc/$1/ns/$space" -ef "$proc/self/ns/$space" ] || return
    done
    while read -r key users; do
        case $key$users in Uid:*[1-9]*) return 1 ;; Uid:*0*) return 0 ;; esac
    done 2>/dev/null <"$proc/$1/status"
    return 1
}
# A process may end meanwhile: dash complains of the file itself, unless errors are turned away before it.
# The fields of /proc/PID/stat after the name, which may hold blanks.
stat_of() { read -r stat 2>/dev/null <"$proc/$1/stat" && stat=${stat##*) }; }
# The pattern is written so that the process that looks for it is not found itself.
running=
k3s_pid=
ran_as=
unit=
started=
for file in $(grep -l "agent/etc/container[d]/config[.]toml" "$proc"/[0-9]*/cmdline 2>/dev/null); do
    pid=${file%/cmdline} pid=${pid##*/}
    may_be_k3s "$pid" || continue
    words=$(tr "\000\n" "\n " 2>/dev/null <"$file")
    case ${words%%"$nl"*} in */containerd | containerd) ;; *) continue ;; esac
    path=${words#*"$nl"-c"$nl"} path=${path#*"$nl"--config"$nl"} path=${path#*"$nl"--config=} path=${path%%"$nl"*}
    case $path in /*) running=${path%/agent/etc/containerd/config.toml} ;; esac
    # shellcheck disable=SC2086 # its fields
    stat_of "$pid" && set -- $stat && k3s_pid=$2
done
# k3s's role, as the name of its process or the words of its command line tell it. No other word leaves the board: where
# k3s does not hide them, its token is among them. Distributions start it by its plain name, NixOS by .k3s-wrapped.
role_of() {
    may_be_k3s "$1" || return
    read -r role 2>/dev/null <"$proc/$1/comm"
    case $role in k3s-server* | k3s-agent*) return ;; k3s* | .k3s*) ;; *) return 1 ;; esac
    role=$(set -f
        # shellcheck disable=SC2013 # its words
        for word in $(tr "\000" " " 2>/dev/null <"$proc/$1/cmdline"); do
            case $word in
                server | agent) echo "k3s-$word" && break ;;
                # What people start, and what may follow there.
                kubectl | crictl | ctr | certificate | token | etcd-snapshot | secrets-encrypt) break ;;
            esac
        done)
    role=${role:-k3s}
}
if [ -n "$k3s_pid" ] && role_of "$k3s_pid"; then ran_as=$role; else k3s_pid=; fi
# Without a containerd of its own; and a server beside the agent that has one (--disable-agent): the board is both.
# shellcheck disable=SC2086 # its fields
is_young() {
    read -r now _ <"$proc/uptime"
    stat_of "$1" && set -- $stat && [ $((${now%%.*} - ${20} / 100)) -lt 60 ]
}
find_k3s() { for file in $(grep -lE "^[.]?k3s" "$proc"/[0-9]*/comm 2>/dev/null); do
    pid=${file%/comm} pid=${pid##*/}
    role_of "$pid" || continue
    # A second service that ends again and again makes no server of an agent.
    case $k3s_pid$role in [0-9]*server*) ! is_young "$pid" || continue ;; esac
    case $role in *server*) ran_as=$role ;; *agent*) ran_as=${ran_as:-$role} ;; *) continue ;; esac
    k3s_pid=${k3s_pid:-$pid}
done; }
case $ran_as in *server*) ;; *) find_k3s ;; esac
# Somebody else's, which may be no k3s at all: that is only told, and nothing of it believed.
rootless=
[ -n "$k3s_pid" ] || for file in $(grep -lE "^k3s-(server|agent)" "$proc"/[0-9]*/comm 2>/dev/null); do
    [ "${file%/comm}/ns/pid" -ef "$proc/self/ns/pid" ] || continue
    rootless=$(sed -n "s/^Uid:[^0-9]*\([1-9][0-9]*\).*/\1/p" "${file%/comm}/status" 2>/dev/null)
done
# shellcheck disable=SC2086 # its fields
k3s_start() { stat_of "$k3s_pid" && set -- $stat && started=$((${20} / 100)); }
if [ -n "$k3s_pid" ]; then
    k3s_start
    while IFS= read -r line; do
        case $line in */*.service | */openrc.*) unit=${line##*/} unit=${unit#openrc.} unit=${unit%.service} ;; esac
    done 2>/dev/null <"$proc/$k3s_pid/cgroup"
    # By another name it may be what k3s was started from by hand, such as ssh.
    case $unit in "" | k3s*) ;; *) for folder in $units; do cat "$folder/$unit" "$folder/$unit.service"; done 2>/dev/null |
        grep -qE "^[^#]*[/ ]k3s +(server|agent)" || unit= ;; esac
fi
environment=$([ -z "$k3s_pid" ] || tr "\000\n" "\n " 2>/dev/null <"$proc/$k3s_pid/environ" |
    grep -E "^K3S_(DATA_DIR|CONFIG_FILE|NODE_NAME)=")
services=$(for folder in $units; do
    for file in "$folder"/k3s "$folder"/k3s-* "$folder"/k3s.service; do
        case $file in *.env | *.d | *"*"*) ;; *) [ ! -e "$file" ] || printf "%s " "${file##*/}" ;; esac
    done
done)
# Where a program of k3s lies that is in none of the usual folders: as the k3s that runs was started, which it keeps as
# its first word when it hides the others, and as services start it. What is no whole path is only told.
starts_of_k3s() {
    if [ -n "$k3s_pid" ]; then
        first=$(tr "\000\n" "\n " 2>/dev/null <"$proc/$k3s_pid/cmdline") first=${first%%"$nl"*}
        # Whatever else is there may be a secret.
        first=${first%% server*} first=${first%% agent*} first=${first%% -*}
        case $first in /*) ;; */*) first=$(readlink "$proc/$k3s_pid/cwd")/${first#./} ;; esac
        echo "$first"
    fi
    for folder in $units; do
        cat "$folder"/k3s*.service.d/* "$folder"/k3s "$folder"/k3s[.-]* "$folder/$unit" "$folder/$unit.service"
    done 2>/dev/null | sed -nE "s#^ *(ExecStart|command)=[^/a-z]*(/([^ ]*/)?(k3s|[.]k3s-wrapped))([^A-Za-z0-9._/-].*)?\$#\2#p"
}
start=
if [ -z "$k3s$explicit$given" ] && [ -n "$k3s_pid$services" ]; then
    start=$(starts_of_k3s)
    k3s=$(by_line
        for file in $start; do
            case $file in /*) [ -f "$file" ] && [ -x "$file" ] && echo "$file" && break ;; esac
        done)
fi
# What is in the places of a program that was not found. The shell finds none that lacks its x.
in_its_place() {
    by_line
    echo "given $given"
    for file in $start; do echo "start $file"; done
    places=$shut$nl$start$nl$(echo "$PATH" | tr : "\n" | sed "s|\$|/k3s|")
    for file in ${given:-$places}; do
        case $file in /*) ;; *) continue ;; esac
        if [ -d "$file" ]; then echo "directory $file"
        elif [ -f "$file" ]; then echo "shut $file"
        elif [ -L "$file" ]; then echo "dangling $file, a link to $(readlink "$file")"; fi
    done
}
# What services say of folders, where k3s does not run to tell it. Units of k3s's own installer have a word a line; what
# is commented out counts for nothing, and neither does what k3s hands on (--kubelet-arg). An empty ExecStart= is told,
# too: it takes back those before it.
of_k3s="((k3s +(server|agent)|(command_args|K3S_[A-Z]+)=)( .*)? )"
hints=$([ -n "$k3s_pid" ] || for folder in $units $defaults; do
    cat "$folder"/k3s "$folder"/k3s-* "$folder"/k3s.service "$folder"/k3s*.service.d/*.conf "$folder"/k3s*.env
done 2>/dev/null | sed -E -e "/^[[:blank:]]*[#;]/d" -e :join -e "/\\\\\$/{\$!N" -e "s/\\\\\n/ /;t join" -e "}" \
-e "s/[[:blank:]\"']/ /g" -e "s/-arg[= ]+[^ ]*//g" \
-e "s#$of_k3s-d[= ]+/#\1--data-dir /#" -e "s#$of_k3s-c[= ]+/#\1--config /#" |
    grep -oE "^ExecStart= *\$|(--data-dir|--config|K3S_DATA_DIR|K3S_CONFIG_FILE)[= ]+/[^ ]*")

config_file=${config_file:-$(echo "$environment" | sed -n "s/^K3S_CONFIG_FILE=//p")}
config_file=${config_file:-$etc/config.yaml}
# Lines of a file of settings that may leave the board: those of known keys, in any spelling. Others may hold secrets.
bom=$(printf "\357\273\277") cr=$(printf "\r") tab=$(printf "\t") next_line=$(printf "\302\205")
line_separator=$(printf "\342\200\250") paragraph=$(printf "\342\200\251")
known_lines() {
    content=$(cat "$1") || return
    # For YAML these end a line, too: what follows may be a key of its own, and a secret.
    case $content in *"$next_line"* | *"$line_separator"* | *"$paragraph"*)
        echo "$1 has a Unicode line separator" >&2
        return 1 ;;
    esac
    case $content in *"$cr"*) content=$(echo "$content" | tr "\r" "\n") ;; esac
    # For k3s a tab sets a value apart from its key as a blank does.
    case $content in *"$tab"*) content=$(echo "$content" | sed "s/^\([^:]*:\) *${tab}[ $tab]*/\1 /; s/${tab}[ $tab]*#/ #/g") ;; esac
    echo "$content" | kept_of "$1"
}
# text up to its comment, as plain. A quote opens a text where a value may begin.
without_comment() {
    plain=$text
    case $text in *" #"*) plain= ;; *) return ;; esac
    after=$text
    while :; do
        before=${after%%[\"\']*}
        case $before in *" #"*) plain=$plain${before%% #*} && return ;; esac
        after=${after#"$before"} plain=$plain$before
        [ -n "$after" ] || return
        quote=${after%"${after#?}"} after=${after#?}
        case $plain,$after in *[\ \[\{,],*"$quote"* | ,*"$quote"*)
            plain=$plain$quote${after%%"$quote"*} after=${after#*"$quote"} ;;
        esac
        plain=$plain$quote
    done
}
# Below a known key what is no pair is kept where it can only be of its value: items of a list, also at the key's own
# level; what goes on in brackets; or one line. No setting that is kept is a mapping. Of anything else nothing is kept
# but a bracket, which no parser reads: then the settings are not known.
kept_of() {
    level=none last=0 value=
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line#"$bom"}
        text=${line#"${line%%[! ]*}"}
        case $text in "" | "#"* | %*) continue ;; esac
        # Of several documents k3s reads the first.
        case "$line " in "--- "* | "... "*) if [ "$level" = none ]; then continue; else return 0; fi ;; esac
        indent=${line%"$text"}
        if [ "$level" = none ]; then
            level=$indent
            case $text in "{"*) flow_pairs "$1" && return ;; esac
        fi
        if [ ${#text} -gt 1000 ]; then text="${text%%:*}: ["; else without_comment && text=$plain; fi
        text=${text%"${text##*[! ]}"}
        before=$last
        case "$text " in
            "- \""*"\" " | "- '"*"' ") of_value ;;
            *": "*)
                key=${text%%:*} key=${key%"${key##*[! ]}"} key=${key#[\"\']} key=${key%+} key=${key%[\"\']}
                last=0 value=${text#*:}
                if [ "$indent" = "$level" ]; then
                    case " $keys " in *" ${key%+} "*) last=1 ;; esac
                    before=$last
                fi
                value=${value#"${value%%[! ]*}"}
                whole_value ;;
            *) of_value ;;
        esac
        if [ "$last" = 1 ]; then echo "$indent$text"; elif [ "$before" = 1 ]; then echo "["; fi
    done
}
# What stands behind a key is one value, or the beginning of one: all else may be of another key.
whole_value() {
    case $value in
        \"*\" | \'*\') inner=${value#?} inner=${inner%?}; case $inner in *"${value%"${value#?}"}"*) last=0 ;; esac ;;
        \"* | \'* | "["*"]"?* | *": "* | *:) last=0 ;;
    esac
}
# What stands below a key, or at its level: last says afterwards whether it is of the key's value.
of_value() {
    case $text in
        - | "- "*) case $value in "" | - | "&"*) value=- ;; *) last=0 ;; esac ;;
        *)
            case $indent/$value in "$level/["*) ;; "$level/"*) last=0 ;; esac
            case $value in
                "["*"]") last=0 ;;
                "["*) case $text in *"]") value="[]" ;; *"]"*) last=0 ;; esac ;;
                "" | [\|\>\&\!]*) value=. ;;
                *) last=0 ;;
            esac
            # Somebody forgot the blank behind the colon of another key, or wrote NAME=VALUE.
            ahead=${text%%[:=]*} ahead=${ahead#[\"\']} ahead=${ahead%"${ahead##*[! ]}"}
            case $text,$ahead in
                *"$ahead://"* | *, | *,-* | *,*[!A-Za-z_-]*) ;;
                *[:=]*,*) last=0 ;;
            esac ;;
    esac
    # A key whose colon has no blank behind it: k3s cannot read such a file, which is to be told.
    case " $keys " in *" ${text%%:*} "*) [ "$indent" != "$level" ] || before=1 ;; esac
}
# The same of a file that is one mapping in braces, such as JSON: each text and each pair as a whole, and of those the
# pairs of known keys.
flow_pairs() {
    quoted="\"([^\"\\]|\\\\.)*\"|'[^']*'" bare="[^]:,}\"'{[# ]([^],}\"'{[# ]*[^]:,}\"'{[# ])?" known=$(echo "$keys" | tr " " "|")
    one="($quoted|$bare)"
    pairs=$(tr "\r\n\t" "   " <"$1" |
        grep -oE "($quoted|[^]:,}\"'{[# ]+) *: *($one|\[ *($one *, *)*$one? *\]) *[,}]|$quoted" |
        grep -E "^(\"($known)[+]?\"|'($known)[+]?'|($known)[+]?) *:") || [ $? = 1 ] || return
    echo "$pairs" | sed "s/ *: */: /; s/ *[,}]\$//"
}
# Which of them k3s reads: hidden ones, too, and it does not mind capitals at the end of a name.
config_paths() {
    [ ! -e "$config_file" ] || echo "$config_file"
    for file in "$config_file".d/.[!.]* "$config_file".d/*; do
        case $file in *.[Yy][Aa][Mm][Ll] | *.[Yy][Mm][Ll]) [ ! -f "$file" ] || echo "$file" ;; esac
    done
}
config_files() {
    by_line
    for file in $(set +f && config_paths); do
        echo "$token=$file"
        known_lines "$file" || return
    done
}
config=$(config_files 2>&1)
config_status=$?
# In their simplest spelling. The controller reads them by YAML, and looks again where this was wrong.
simply() {
    found=$(echo "$config" | sed -n "s/^$1: *//p" | tr -d "\"' ")
    echo "${found##*"$nl"}"
}
data_dir=${data_dir:-$running}
# Older k3s sets it itself, to where its programs are unpacked.
data_dir=${data_dir:-$(echo "$environment" | sed -n -e "s|/data/[0-9a-f]*$||" -e "s/^K3S_DATA_DIR=//p")}
data_dir=${data_dir:-$(simply data-dir)}
data_dir=${data_dir:-/var/lib/rancher/k3s}
registries=${registries:-$(simply private-registry)} registries=${registries:-$etc/registries.yaml}
kubeconfig=${kubeconfig:-$(simply write-kubeconfig)} kubeconfig=${kubeconfig:-$etc/k3s.yaml}
# What k3s renders for containerd at each start. A file that is newer was not read yet.
rendered=${rendered:-$data_dir/agent/etc/containerd/config.toml}
newer() { [ -f "$rendered" ] && [ "$1" -nt "$rendered" ]; }
# Other parts fill these. They are set here, so that none is taken from the environment.
manifests=
own=
files=
answered=

# What the data folder was made by. Before the first start there may be images for it, and nothing else.
ran=
if [ -d "$data_dir/server" ]; then ran=server; elif [ -d "$data_dir/agent" ]; then
    set -- "$data_dir"/agent/*
    [ "$*" = "$data_dir/agent/images" ] || ran=agent
fi
board() {
    read -r boot <"$proc/sys/kernel/random/boot_id"
    read -r uptime rest <"$proc/uptime"
    read -r machine </etc/machine-id
    echo "hostname $(uname -n)${nl}machine $(uname -m)${nl}k3s $k3s${nl}data_dir $data_dir${nl}registries $registries"
    echo "kubeconfig $kubeconfig${nl}config_file $config_file${nl}boot_id $boot${nl}uptime ${uptime%%.*}"
    echo "machine_id $machine${nl}k3s_started $started${nl}running $running${nl}ran_as $ran_as${nl}unit $unit"
    echo "services $services${nl}rootless $rootless"
    [ -z "$ran" ] || echo "folder $ran"
    [ -n "$k3s" ] || (in_its_place)
    if [ -d /run/systemd/system ]; then echo manager systemd; elif command -v openrc-run >/dev/null; then echo manager openrc; fi
    [ -z "$running" ] || [ "$data_dir" -ef "$running" ] || echo differs 1
    ! newer "$registries" || echo stale 1
    echo "$environment${nl}$hints" | while IFS= read -r line; do [ -z "$line" ] || echo "said $line"; done
    # Its own addresses.
    grep -B1 "32 host LOCAL" "$proc/net/fib_trie" | sed -n "s/.*|-- /address /p" | sort -u
    echo end
}
step board
config() {
    echo "$config$nl$token="
    return $config_status
}
[ -z "$k3s$explicit$blank" ] || step config
[ -n "$k3s$explicit$blank" ] || exit 0
# A flag or a variable may have put it elsewhere; this one every server has.
[ -r "$kubeconfig" ] || kubeconfig=$data_dir/server/cred/admin.kubeconfig
[ ! -r "$kubeconfig" ] || export KUBECONFIG="$kubeconfig"
# Where k3s has unpacked its programs. k3s itself would unpack them into the folder that K3S_DATA_DIR names, or, an older
# one, into the default folder.
bin=$data_dir/data/current/bin
export K3S_DATA_DIR="$data_dir"
[ ! -e "$socket" ] || export CONTAINERD_ADDRESS="$socket" patience="--connect-timeout=${seconds}s"
[ ! -r "$data_dir/agent/etc/crictl.yaml" ] || export CRI_CONFIG_FILE="$data_dir/agent/etc/crictl.yaml"
# One in which k3s never ran is not filled by looking at it: nothing answers there.
[ -n "$explicit" ] || { [ -n "$k3s" ] && [ -n "$ran" ]; } || alive=0
