# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the observing script that only a diagnosis asks for. Like the rest of it they only read.

They take the place of a plain part or come after it, so that a plain observation sends nothing of this.
"""

from __future__ import annotations

EXTRAS = ("events", "logs", "inspect", "preflight", "dns")
# Kernel features that k3s needs: option of the kernel's configuration to module.
KERNEL = {
    "OVERLAY_FS": "overlay",
    "BRIDGE": "bridge",
    "BRIDGE_NETFILTER": "br_netfilter",
    "VETH": "veth",
    "VXLAN": "vxlan",
    "NF_CONNTRACK": "nf_conntrack",
    "NF_NAT": "nf_nat",
    "NETFILTER_XT_MATCH_COMMENT": "xt_comment",
    "NETFILTER_XT_MATCH_CONNTRACK": "xt_conntrack",
    "NETFILTER_XT_MATCH_STATISTIC": "xt_statistic",
    "NETFILTER_XT_MATCH_MULTIPORT": "xt_multiport",
    "NETFILTER_XT_MATCH_ADDRTYPE": "xt_addrtype",
    "NETFILTER_XT_MARK": "xt_mark",
    "NETFILTER_XT_NAT": "xt_nat",
    "NETFILTER_XT_TARGET_MASQUERADE": "xt_MASQUERADE",
    "IP_NF_TARGET_REJECT": "ipt_REJECT",
    "CGROUPS": None,
    "MEMCG": None,
    "CGROUP_PIDS": None,
    "CPUSETS": None,
}
# Keys that people write into registries.yaml and k3s does not know: what it knows instead, None where there is nothing.
WRONG_KEYS = {
    "endpoints": "endpoint",
    "mirror": "mirrors",
    "config": "configs",
    "rewrites": "rewrite",
    "insecure": "insecure_skip_verify",
    "insecure-skip-verify": "insecure_skip_verify",
    "skip_verify": "insecure_skip_verify",
    "ca": "ca_file",
    "cert": "cert_file",
    "key": "key_file",
    "user": "username",
    "pass": "password",
    "token": None,
}

# One query for all that a diagnosis asks the API. Only where CoreDNS is not ready it is asked why.
API = r"""
if [ @ALWAYS@ = 1 ] || [ -r "$W" ]; then
J='@JSONPATH@'
q=$(k nodes,pods,events,addons.k3s.cattle.io,endpointslices.discovery.k8s.io -A -o jsonpath="$J" 2>&1); r=$?
case $r$q in 0*) ;; *"have a resource type"*) q=$(k nodes,pods,events -A -o jsonpath="$J" 2>&1); r=$? ;; esac
if [ $r = 0 ]; then e=; else e=$q q=; fi
printf "%s\n%s\n\n%s\n%s\n" "$T<api" "$q" "$T>$r" "$e"
@DNS@
fi
"""
DNS = r"""
a() { $L @KUBECTL@ --request-timeout=5s "$@"; }
ready() { a get --raw "/api/v1/namespaces/kube-system/pods/$1:8181/proxy/ready" -v=8 2>&1 | sed -n -e 's/.*Response Body//p' -e '/^Error/p'; }
case $q in *"$T Dns	false	"*)
for p in $(printf "%s\n" "$q" | sed -n "s/^$T Dns	false	\([^	]*\).*/\1/p"); do
s "ready $p" ready "$p"
s "log $p" a -n kube-system logs "$p" --tail=20
done
s rights a auth can-i --list -n kube-system --as=system:serviceaccount:kube-system:coredns ;;
esac
"""
SANDBOXES = r"""
v() {
[ $up = 1 ] || return 0
o=$({ $L @CRICTL@ $2 -o json 2>/dev/null; echo "$T$?"; } | sed -e '@BLANK@' -e '@CUT@')
case $o in *"$T"0) o=${o%"$T"0}; printf "%s\n%s\n\n%s\n\n" "$T<$1" "$o" "$T>0" ;; *) o=; g "$1" i $2 ;; esac
}
v pods pods
P=$o
v containers "ps -a"
# A sandbox in a line: id, SANDBOX; a container: id, sandbox, state, name. (A label of a pod is at most 63 characters long.) A loop over words
# starts no program, and does not read byte by byte as read does.
Q=$(printf "%s\n%s\n" "$P" "$o" | grep -E '^ *"(id|podSandboxId|state|io\.kubernetes\.container\.name)"' | sed -n \
-e 's/",*$//' -e '/^ *"id"/{s/.*"//;h;d;}' -e '/^ *"podS/{s/.*"//;H;d;}' -e '/"SANDBOX_/{g;/^[0-9a-f]\{64\}$/s/$/ SANDBOX/p;d;}' \
-e '/"CONTAINER_/{s/.*_//;H;d;}' -e '/^ *"io/{s/.*"//;H;x;s/\n/ /g;p;}')
"""
# The last lines of containers that ended and of which no later attempt runs; crictl lists the newest first.
LOGS = r"""
logs() {
case $Q in *" EXITED "*) ;; *) return 0 ;; esac
m=" " n=0 IFS=$N; set -f
for l in $Q; do
case $l in *" SANDBOX") continue ;; esac
IFS=" " c=${l%% *} l=${l#* }
b=${l%% *} l=${l#* }
t=${l%% *} x=${l#* }
case $m in *" $b/$x "*) continue ;; esac
m="$m$b/$x "
[ "$t" = EXITED ] && [ $n -lt 10 ] || continue
n=$((n + 1))
echo "$T=$c"; $L @CRICTL@ logs --tail 15 "$c" 2>&1; echo
done
}
s logs logs
"""
_TAB = '{{"\\t"}}'


def _template(*fields):
    """For `crictl inspect ID...`, which gives a template one object as an object, and several as a list."""
    one = _TAB.join(fields) + '{{"\\n"}}'
    return (
        '{{define "x"}}%s{{end}}{{if eq (printf "%%T" .) "[]interface {}"}}{{range .}}{{template "x" .}}{{end}}{{else}}{{template "x" .}}{{end}}'
        % one
    )


# All of it may not leave the board: environment variables are in there.
CONTAINER = _template(
    "container", "{{.status.id}}", "{{.status.exitCode}}", "{{.status.finishedAt}}", "{{.status.reason}}"
)
SANDBOX = _template(
    "sandbox",
    "{{.status.id}}",
    "{{.status.network.ip}}",
    '{{range .info.runtimeSpec.linux.namespaces}}{{if eq .type "network"}}{{.path}}{{end}}{{end}}',
    "{{with .info.cniResult}}{{range .Interfaces}}{{if .Sandbox}}{{range .IPConfigs}}{{.IP}} "
    "{{end}}{{end}}{{end}}{{end}}",
)
# What containerd tells only of what it is asked for by its id: of containers that ended, and of sandboxes in which
# nothing runs. A board on which all
# is well is not asked.
INSPECT = r"""
ended() {
n=0 IFS=$N; set -f
for l in $Q; do
case $l in *" EXITED "*) [ $n -lt 100 ] || break; n=$((n + 1)); echo "${l%% *}" ;; esac
done
}
idle() {
m= n=0 IFS=$N; set -f
for l in $Q; do
case $l in *" RUNNING "*) l=${l#* }; m=$m$N${l%% *} ;; esac
done
for x in $(for l in $Q; do case $l in *" SANDBOX") echo "${l% *}" ;; esac; done | grep -vxF "${m#$N}"); do
[ $n -lt 100 ] || break
n=$((n + 1)); echo "$x"
done
}
# Where one of them went away meanwhile, the others are asked for one by one.
inspect() {
[ -n "$3" ] || return 0
$L @CRICTL@ "$1" -o go-template --template "$2" $3 2>/dev/null && return
for x in $3; do $L @CRICTL@ "$1" -o go-template --template "$2" "$x" 2>/dev/null; done
return 0
}
inspected() {
inspect inspect '@CONTAINER@' "$(ended)"
inspect inspectp '@SANDBOX@' "$(idle)"
}
s inspect inspected
"""
# Where CoreDNS runs and is not ready: does the API answer at its service address, from the board and from the pod?
NETWORK = r"""
ask() { $L $X @KUBECTL@ --kubeconfig=/dev/null --token=none --insecure-skip-tls-verify --request-timeout=4s --server="$1" get --raw "$2" 2>&1; }
network() {
c= IFS=$N; set -f
for l in $Q; do case $l in *" RUNNING coredns") c=${l%% *}; break ;; esac; done
IFS=" "
[ -n "$c" ] || return 0
p= h=
# A pid up to 3 is the kind of namespace, not a process.
while read -r key x; do case $key in pid) [ "$x" -le 3 ] || p=${p:-$x} ;; vip) h=$x ;; esac; done <<E
$($L @CRICTL@ inspect "$c" | sed -n -e 's/^ *"pid" *: *\([0-9][0-9]*\).*/pid \1/p' -e 's/.*"KUBERNETES_SERVICE_HOST=\([^"]*\)".*/vip \1/p')
E
[ -n "$p" ] || return 0
X="nsenter -t $p -n"
if ask http://127.0.0.1:8181 /ready >/dev/null; then return; fi
echo "$T=address ${h:=10.43.0.1}"
echo "$T=pod"; ask "https://$h:443" /version
X=
echo "$T=host"; ask "https://$h:443" /version
return 0
}
s network network
"""
PREFLIGHT = r"""
pre() {
r=$(uname -r)
echo "release $r"
echo "time $(date +%s)"
for f in /proc/config.gz "/boot/config-$r" "/lib/modules/$r/config"; do
[ -r "$f" ] || continue
case $f in *.gz) zcat "$f" 2>/dev/null ;; *) cat "$f" ;; esac | grep -E "CONFIG_(@OPTIONS@)[ =]" | sed "s|^|config $f |"
break
done
[ ! -r /proc/modules ] || grep -oE "^(@MODULES@) " /proc/modules | sed "s/^/loaded /"
for f in builtin dep; do
x=/lib/modules/$r/modules.$f
[ ! -r "$x" ] || grep -oE "^[^:]*/(@MODULES@)\.ko" "$x" | sed -e "s/.*\//$f /" -e 's/\.ko$//'
done
grep -E "overlay$" /proc/filesystems | sed "s/^/filesystem /"
for f in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables; do [ ! -r "/proc/sys/$f" ] || echo "sysctl $f $(cat "/proc/sys/$f")"; done
if [ -r /sys/fs/cgroup/cgroup.controllers ]; then read -r x </sys/fs/cgroup/cgroup.controllers; echo "cgroup2 $x"
elif [ -r /proc/cgroups ]; then while read -r x y z f; do echo "cgroup $x $f"; done </proc/cgroups; fi
p=$PATH; PATH=$PATH:$D/data/current/bin/aux
echo "iptables $(iptables -V 2>&1 | sed -n 1p)"
x="^(:FORWARD |:OUTPUT |:KUBE-SERVICES |-A KUBE-SERVICES .*default/kubernetes:https|-A (FORWARD|OUTPUT|INPUT) .*-j (DROP|REJECT)|-A PREROUTING .*KUBE-SERVICES)"
iptables-save 2>/dev/null | grep -E "$x" | sed "s/^/rule /"
PATH=$p
[ ! -e /run/firewalld.pid ] && [ ! -d /run/firewalld ] || echo "firewalld running"
if [ -d /run/systemd/system ]; then echo "init systemd"; elif command -v rc-service >/dev/null; then echo "init openrc"; else echo "init sysv"; fi
for f in "$D"/agent/etc/containerd/certs.d/*/hosts.toml; do
[ ! -f "$f" ] || { x=${f%/*}; echo "mirror ${x##*/}"; sed -n 's/^ *\[host\."\([^"]*\)"\].*/endpoint \1/p' "$f"; }
done
[ ! -f "$A" ] || sed -n -e 's/^ *\[plugins.*registry\.mirrors\."\([^"]*\)"\].*/mirror \1/p' -e 's/^ *endpoint *= *\[ *"\([^"]*\)".*/endpoint \1/p' "$A"
for f in "$D"/agent/etc/cni/net.d/*.conf*; do [ ! -f "$f" ] || echo "cni $f"; done
[ ! -f "$R" ] || grep -nE "^ *[\"']?(@WRONG@)[\"']? *:" "$R" | sed -e "s/^\([0-9]*\): *[\"']*\([a-z_-]*\).*/wrongkey \1 \2/"
grep -hsE "^ *(advertise-address|node-ip) *:" "$E/config.yaml" "$E"/config.yaml.d/*.y*ml | sed "s/^ */address /"
if [ $up = 1 ]; then $L @CTR@ --namespace default images ls -q 2>/dev/null | sed "s/^/elsewhere /"; fi
return 0
}
s preflight pre
"""
# Items beside those of every observation, each a line that begins with the token and its kind.
FIELDS = {
    "Event": (
        ".involvedObject.kind",
        ".involvedObject.namespace",
        ".involvedObject.name",
        ".involvedObject.uid",
        ".type",
        ".reason",
        ".firstTimestamp",
        ".lastTimestamp",
        ".eventTime",
        ".count",
        ".source.component",
        ".reportingComponent",
        ".source.host",
        ".message",
    ),
}
# kind of record: (which items, fields)
CHOSEN = {
    "State": ('?(@.kind=="Node")', (".metadata.name", ".status.conditions", ".spec.taints")),
    "Detail": (
        '?(@.kind=="Pod")',
        (
            ".metadata.uid",
            ".metadata.deletionTimestamp",
            ".metadata.deletionGracePeriodSeconds",
            ".metadata.finalizers",
            ".status.message",
            ".status.startTime",
            ".spec.containers[*].imagePullPolicy",
            ".status.conditions",
        ),
    ),
    "Slice": (
        '?(@.metadata.name=="kubernetes")',
        (".kind", ".metadata.namespace", ".endpoints[*].addresses[*]", ".ports[*].port"),
    ),
    "Dns": (
        '?(@.metadata.labels.k8s-app=="kube-dns")',
        (".status.containerStatuses[0].ready", ".metadata.name", ".kind"),
    ),
}
