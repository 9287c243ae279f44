# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the kernel and the system offer of what k3s needs. Each line is a word that says what it is about, and the value.
# kernel_options and kernel_modules are alternatives of an extended regular expression.
# shellcheck shell=sh disable=SC2154 # settings, and what frame.sh and board.sh set

kernel() {
    release=$(uname -r)
    echo "release $release"
    echo "time $(date +%s)"
    for file in /proc/config.gz "/boot/config-$release" "/lib/modules/$release/config"; do
        [ -r "$file" ] || continue
        case $file in *.gz) zcat "$file" 2>/dev/null ;; *) cat "$file" ;; esac |
            grep -E "CONFIG_($kernel_options)[ =]" | sed "s|^|config $file |"
        break
    done
    [ ! -r /proc/modules ] || grep -oE "^($kernel_modules) " /proc/modules | sed "s/^/loaded /"
    for list in builtin dep; do
        file=/lib/modules/$release/modules.$list
        [ ! -r "$file" ] || grep -oE "^[^:]*/($kernel_modules)\.ko" "$file" | sed -e "s/.*\//$list /" -e 's/\.ko$//'
    done
    grep -E "overlay$" /proc/filesystems | sed "s/^/filesystem /"
    for file in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables; do
        [ ! -r "/proc/sys/$file" ] || echo "sysctl $file $(cat "/proc/sys/$file")"
    done
    if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
        read -r controllers </sys/fs/cgroup/cgroup.controllers
        echo "cgroup2 $controllers"
    else
        grep -qE "^[^ ]+ [^ ]+ cgroup2? " /proc/mounts || echo "unmounted cgroups"
    fi
    # Beside v2 as well: a hierarchy of v1 may hold what is missing there.
    [ ! -r /proc/cgroups ] || while read -r controller held _ enabled; do
        echo "cgroup $controller $enabled $held"
    done </proc/cgroups
}
firewall() {
    # Where the board has no iptables, k3s takes its own.
    path=$PATH PATH=$PATH:$data_dir/data/current/bin/aux
    echo "iptables $(iptables -V 2>&1 | sed -n 1p)"
    iptables-save 2>/dev/null | grep -E -e "^(:FORWARD |:OUTPUT |:KUBE-SERVICES )" \
-e "^-A KUBE-SERVICES .*default/kubernetes:https" -e "^-A (FORWARD|OUTPUT|INPUT) .*-j (DROP|REJECT)" \
-e "^-A PREROUTING .*KUBE-SERVICES" |
         sed "s/^/rule /"
    PATH=$path
    [ ! -e /run/firewalld.pid ] && [ ! -d /run/firewalld ] || echo "firewalld running"
}
settings() {
    if [ -d /run/systemd/system ]; then echo "init systemd"
    elif command -v rc-service >/dev/null; then echo "init openrc"
    else echo "init sysv"; fi
    # Mirrors as k3s rendered them, for containerd 1.5 and later, and before.
    for file in "$data_dir"/agent/etc/containerd/certs.d/*/hosts.toml; do
        [ ! -f "$file" ] || {
            folder=${file%/*}
            echo "mirror ${folder##*/}"
            sed -n 's/^ *\[host\."\([^"]*\)"\].*/endpoint \1/p' "$file"
        }
    done
    [ ! -f "$rendered" ] || sed -n \
-e 's/^ *\[plugins.*registry\.mirrors\."\([^"]*\)"\].*/mirror \1/p' \
-e 's/^ *endpoint *= *\[ *"\([^"]*\)".*/endpoint \1/p' "$rendered"
    for file in "$data_dir"/agent/etc/cni/net.d/*.conf*; do [ ! -f "$file" ] || echo "cni $file"; done
    config_paths | while IFS= read -r file; do
        grep -hsE "^ *(advertise-address|node-ip) *:" "$file"
    done | sed "s/^ */address /"
}
preflight() {
    kernel
    firewall
    settings
    # Images that somebody imported into the wrong namespace.
    if [ "$alive" = 1 ]; then ctr --namespace default images ls -q 2>/dev/null | sed "s/^/elsewhere /"; fi
    return 0
}
step preflight
