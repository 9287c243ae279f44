# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one shell script that observes a board, and how its output is taken apart again.

A start of Python on a slow board costs seconds, a process a third of one. So the script is plain POSIX sh (dash and
busybox ash run it), changes nothing, starts few programs, and marks what each of them wrote with a token that the
controller made for this one run. What must stay secret is left out on the board itself.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import SEARCH_PATH
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES
from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe import probe_diagnose as _extra

ETC = "/etc/rancher/k3s"
DATA_DIR = "/var/lib/rancher/k3s"
# Keys of config.yaml that may leave the board. Never add one that can hold a secret.
CONFIG_KEYS = (
    "container-runtime-endpoint",
    "data-dir",
    "disable",
    "disable-default-registry-endpoint",
    "disable-helm-controller",
    "embedded-registry",
    "helm-controller-arg",
    "node-name",
    "pause-image",
    "private-registry",
    "system-default-registry",
    "write-kubeconfig",
)
# Files of this collection in config.yaml.d, as a pattern of sh.
OWN_CONFIG = "riscv-k3s*.yaml"
PRELOADS = "riscv-k3s-*.tar"
SECONDS = 30  # for each program: a containerd that hangs must not hang the run
LARGEST_TEXT = 256  # KiB; a larger manifest (a set of CRDs) sends no text


class Section(NamedTuple):
    """What one step of the script did: exit status, and what it wrote on stdout and stderr (text)."""

    rc: int
    out: str
    err: str


class _Sections(dict):
    """The sections by name. One that must be there and is not is a Problem."""

    def __missing__(self, name):
        raise Problem(
            "the output of the observing script breaks off before the part %r" % name,
            next_step="see whether the connection to the board is stable",
        )


# dash's own echo takes \n in a file's name for a line end.
_START = r"""
LC_ALL=C PATH=@PATH@:$PATH T=@TOKEN@ D=@DATA_DIR@ E=@ETC@ K=@K3S@ N='
'
export LC_ALL PATH
exec </dev/null
echo() { printf "%s\n" "$*"; }
s() {
n=$1; shift
echo "$T<$n"
{ e=$( { "$@" >&3; } 2>&1 ); r=$?; } 3>&1
printf "\n%s\n%s\n" "$T>$r" "$e"
}
up=1
g() { [ $up = 0 ] || { s "$@"; [ $r = 0 ] || up=0; }; }
u=$(id -u)
s user echo "$u"
[ "$u" = 0 ] || exit 0
if timeout -k 1 9 true 2>/dev/null; then L="timeout -k 1 @SECONDS@"
elif timeout 9 true 2>/dev/null; then L="timeout @SECONDS@"
else L=; fi
[ -n "$K" ] || K=$(command -v k3s)
[ -x "$K" ] || K=
C= d= R=$E/registries.yaml W=$E/k3s.yaml
for f in "$E/config.yaml" "$E"/config.yaml.d/*.y*ml; do
[ -f "$f" ] || continue
p=0
while IFS= read -r l || [ -n "$l" ]; do
t=${l#"${l%%[! ]*}"}
case $t in "" | "#"*) continue ;; esac
case $l in [\ -]*) [ $p = 0 ] || case $t in "- "*) C=$C$N${l%% #*} ;; esac; continue ;; esac
k=${l%%:*}; k=${k#[\"\']}; k=${k%[\"\']}; k=${k%+}; p=0
case " @KEYS@ " in *" $k "*) p=1 ;; *) continue ;; esac
l=${l%% #*}; C=$C$N$l
v=${l#*:}; v=${v#"${v%%[! ]*}"}; v=${v#[\"\']}; v=${v%% *}; v=${v%[\"\']}
case $k in data-dir) d=$v ;; private-registry) R=$v ;; write-kubeconfig) W=$v ;; esac
done <"$f"
done
D=${D:-${d:-@DEFAULT_DATA_DIR@}} M= F= O= Q=
A=@CONTAINERD_CONFIG@
board() {
uname -n; uname -m; echo "$K"; echo "$D"; echo "$R"; echo "$W"
if [ -d "$D/server" ]; then echo server; elif [ -d "$D/agent" ]; then echo agent; else echo; fi
if [ -f "$R" ] && [ -f "$A" ] && [ "$R" -nt "$A" ]; then echo stale; else echo; fi
}
s board board
[ -n "${K}@EXPLICIT@" ] || exit 0
[ ! -r "$W" ] || export KUBECONFIG="$W"
c() { $L @CTR@ --namespace k8s.io "$@"; }
i() {
o=$($L @CRICTL@ "$@" -o json) || return
printf "%s\n" "$o" | sed -e '@BLANK@' -e '@CUT@'
}
k() { $L @KUBECTL@ --request-timeout=20s get "$@"; }
"""

_PARTS = {
    "k3s": r"""
[ -z "$K" ] || s version $L "$K" --version
g containerd c version
""",
    "config": r"""
s config printf "%s" "$C"
for f in "$E"/config.yaml.d/@OWN@; do [ ! -f "$f" ] || O=$O$N$f; done
stale() {
IFS=$N; set -f
for f in $O; do [ ! -f "$A" ] || [ ! "$f" -nt "$A" ] || echo "$f"; done
}
[ -z "$O" ] || s stale stale
pause() {
[ -f "$A" ] || return 0
while IFS=" =	" read -r k v || [ -n "$k" ]; do
case $k in \[*) h=$k ;; sandbox_image | pinned_images.sandbox) echo "$v" ;; sandbox) case $h in *pinned_images]) echo "$v" ;; esac ;; esac
done <"$A"
}
s pause pause
""",
    "manifests": r"""
M=$D/server/manifests
[ ! -d "$M" ] || F=$(cd "$M" && find -L . -type f ! -name ".*" "(" -iname "*.yaml" -o -iname "*.yml" -o -iname "*.json" -o -name "*.skip" ")" 2>/dev/null)
texts() {
[ -n "$F" ] || return 0
cd "$M" || return
IFS=$N; set -f
x=$(grep -liE "kind[\\\\\"'[:space:]]*:[\\\\\"'[:space:]]*secret" $F) || [ $? = 1 ] || return
y=$(find -L $F -size +@BLOCKS@)
for f in $F; do
case $f in *.skip) continue ;; esac
case $N$x$N in *"$N$f$N"*) echo "$T!secret $f"; continue ;; esac
case $N$y$N in *"$N$f$N"*) echo "$T!size $f"; continue ;; esac
echo "$T=$f"; cat "$f" || return; echo
done
}
s texts texts
""",
    "registries": "\n",
    # Files of ours, whose checksums tell whether somebody changed them since. Archives of images would take long.
    "journal": r"""
j=$D/@JOURNAL@
journal() { [ ! -f "$j" ] || cat "$j"; }
s journal journal
owned() {
IFS=$N; set -f
for f in $(sed -n 's|^  "\(/[^"]*\)": {$|\1|p' "$j"); do
case $f in */@ARCHIVES@/*) ;; *) [ ! -f "$f" ] || echo "$f" ;; esac
done
}
[ ! -f "$j" ] || Q=$(owned)
""",
    "files": r"""
[ -f "$R" ] && [ @REGISTRIES@ = 1 ] || R=
sums() {
[ -n "$F$R$O$Q" ] || return 0
[ -z "$F" ] || cd "$M" || return
IFS=$N; set -f
"$@" $F $R $O $Q
}
s sums sums sha256sum
s stats sums stat -L -c "%Y %a %n"
""",
    "images": r"""
g images c images ls
preloads() {
for f in "$D"/@ARCHIVES@/@PRELOADS@; do
[ ! -f "$f" ] || if [ -f "$A" ] && [ ! "$f" -nt "$A" ]; then echo "read ${f##*/}"; else echo "stale ${f##*/}"; fi
done
}
s preloads preloads
""",
    "disk": r"""
disk() { if [ -d "$D" ]; then df -Pk "$D"; else df -Pk /; fi; }
s disk disk
""",
    "sandboxes": r"""
g pods i pods
g containers i ps -a
""",
    "api": r"""
if [ @ALWAYS@ = 1 ] || [ -r "$W" ]; then
J='@JSONPATH@'
s api k nodes,pods,addons.k3s.cattle.io -A -o jsonpath="$J"
case $e in *"have a resource type"*) s api k nodes,pods -A -o jsonpath="$J" ;; esac
@EVENTS@
fi
""",
}
# Annotations of a sandbox are the pod's, among them what kubectl applied last, with all values of environment
# variables.
# All between the line that opens them and the one that closes them is left out. Should crictl ever
# print annotations in another way, the rest of the line is cut off, and the output fails to parse rather than leaks.
_BLANK = r"""/"annotations": *{ *$/,/^ *}/{/{ *$/!{/^ *}/!d;};}"""
_CUT = r"""/"annotations"/s/"annotations" *: *{ *[^} ].*//"""
_EVENTS = r"""[ $r != 0 ] || s events k events -A --field-selector type=Warning,involvedObject.kind=Pod -o jsonpath='@JSONPATH@'"""
_ORDER = ("k3s", "config", "manifests", "registries", "journal", "files", "images", "disk", "sandboxes", "api")

# Each item is one line: simple values as text, whole structures as JSON. Environment variables and annotations are
# not asked for, for they may hold secrets (the one annotation that is ties a static pod to its mirror).
_FIELDS = {
    "Node": (
        ".metadata.name",
        ".metadata.uid",
        ".metadata.creationTimestamp",
        ".status.nodeInfo.architecture",
        '.status.conditions[?(@.type=="Ready")].status',
        '.status.addresses[?(@.type=="InternalIP")].address',
    ),
    "Pod": (
        ".metadata.namespace",
        ".metadata.name",
        ".metadata.uid",
        ".metadata.creationTimestamp",
        ".metadata.deletionTimestamp",
        ".spec.nodeName",
        ".status.phase",
        ".status.reason",
        ".status.podIP",
        r".metadata.annotations.kubernetes\.io/config\.hash",
        ".metadata.labels",
        ".metadata.ownerReferences",
        ".spec.initContainers[*].name",
        ".spec.initContainers[*].image",
        ".spec.containers[*].name",
        ".spec.containers[*].image",
        ".status.conditions",
        ".status.initContainerStatuses",
        ".status.containerStatuses",
    ),
    "Addon": (".metadata.name", ".spec.checksum", ".spec.source"),
}
_EVENT_FIELDS = (".involvedObject.uid", ".reason", ".lastTimestamp", ".message")


def build_script(token, parts, data_dir=None, programs=None, api="auto", events=False, etc=ETC, path=SEARCH_PATH):
    """The script as text.

    ``token`` is a random word for this run, ``parts`` names from the option gather of k3s_info, ``data_dir`` a path or
    None (then what config.yaml says), ``programs`` the values of k3s, crictl, ctr, kubectl and containerd_address,
    ``api`` auto, always or never, ``events`` whether to read the pods' warnings too.
    """
    programs = programs or {}
    wanted = set(parts)
    if api == "never":
        wanted.discard("api")
    if wanted & {"config", "manifests", "registries", "journal"}:
        wanted.add("files")
    template = _START + "".join(_steps(wanted))
    template = template.replace(
        "@EVENTS@", _EVENTS.replace("@JSONPATH@", _jsonpath(token, None, _EVENT_FIELDS)) if events else ":"
    )
    values = {
        "PATH": shlex.quote(path),
        "TOKEN": token,
        "DATA_DIR": shlex.quote(data_dir or ""),
        "DEFAULT_DATA_DIR": DATA_DIR,
        "ETC": shlex.quote(etc),
        "K3S": shlex.quote(programs.get("k3s") or ""),
        "EXPLICIT": "explicit" if programs.get("crictl") and programs.get("ctr") else "",
        "SECONDS": str(SECONDS),
        "BLANK": _BLANK,
        "CUT": _CUT,
        "KEYS": " ".join(CONFIG_KEYS),
        "BLOCKS": str(LARGEST_TEXT * 2),
        "REGISTRIES": "1" if "registries" in wanted else "0",
        "ALWAYS": "1" if api == "always" else "0",
        "JSONPATH": _query(token, "events" in wanted),
        "OPTIONS": "|".join(_extra.KERNEL),
        "MODULES": "|".join(module for module in _extra.KERNEL.values() if module),
        "CONTAINER": _extra.CONTAINER,
        "SANDBOX": _extra.SANDBOX,
        "WRONG": "|".join(_extra.WRONG_KEYS),
        "OWN": OWN_CONFIG,
        "PRELOADS": PRELOADS,
        "JOURNAL": "%s/%s" % (_journal.FOLDER, _journal.NAME),
        "ARCHIVES": ARCHIVES,
        "CONTAINERD_CONFIG": '"$D/agent/etc/containerd/config.toml"'
        if not programs.get("containerd_address")
        else "/etc/containerd/config.toml",
    }
    values.update(_commands(programs))
    return re.sub(r"@([A-Z0-9_]+)@", lambda match: values[match.group(1)], template)


def _steps(wanted):
    """The texts of the parts. Where a diagnosis is asked for, some of them are others than in a plain observation."""
    parts = dict(_PARTS)
    if "events" in wanted:
        parts["api"] = _extra.API.replace("@DNS@", _extra.DNS if "dns" in wanted else "")
    extras = [
        text
        for name, text in (("logs", _extra.LOGS), ("inspect", _extra.INSPECT), ("dns", _extra.NETWORK))
        if name in wanted
    ]
    if extras:
        parts["sandboxes"] = _extra.SANDBOXES + "".join(extras)
    parts["preflight"] = _extra.PREFLIGHT
    return [parts[name] for name in _ORDER + ("preflight",) if name in wanted]


def _query(token, everything):
    query = "".join(_jsonpath(token, kind, fields) for kind, fields in _FIELDS.items())
    if everything:
        query += "".join(_jsonpath(token, kind, fields) for kind, fields in _extra.FIELDS.items())
        query += "".join(_range(choice, token + " " + kind, fields) for kind, (choice, fields) in _extra.CHOSEN.items())
    return query


def split_output(text, token):
    """What the script wrote, as a dictionary from the section's name to a Section.

    Over ssh with a terminal every line end arrives as CR LF; that is undone. Raises Problem when the output is not
    whole: then the connection broke, or there is no usable sh.
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    start = text.find(token + "<")
    if start < 0:
        raise Problem(
            "the board did not run the observing script",
            found=text.strip()[-300:] or "no output",
            next_step="see that `ansible HOST -m raw -a id` works, with become if the play needs it",
        )
    text = text[start:]
    if text.split("\n", 1)[0].endswith("\r"):
        text = text.replace("\r\n", "\n")
    sections = _Sections()
    for chunk in re.split(r"(?m)^%s<" % re.escape(token), text)[1:]:
        name, dummy, body = chunk.partition("\n")
        out, mark, rest = body.rpartition("\n%s>" % token)
        status, dummy, err = rest.partition("\n")
        if not mark or not re.match(r"[0-9]{1,3}\s*\Z", status):
            raise Problem(
                "the output of the observing script breaks off in the part %r" % name,
                next_step="see whether the connection to the board is stable",
            )
        sections[name] = Section(int(status), out, err.strip())
    return sections


def split_texts(text, token):
    """The part ``texts`` as two dictionaries: path to text, and path to the reason why there is no text (secret, size)."""
    texts, left_out = {}, {}
    for chunk in re.split(r"(?m)^%s(?=[=!])" % re.escape(token), text)[1:]:
        head, dummy, body = chunk.partition("\n")
        if head.startswith("="):
            texts[_relative(head[1:])] = body[:-1]
        else:
            reason, dummy, path = head[1:].partition(" ")
            left_out[_relative(path)] = reason
    return texts, left_out


@reads("sha256sum and stat")
def split_files(sums, stats):
    """The outputs of sha256sum and stat as a dictionary from path to {sha256, mtime, mode}."""
    files = {}
    for line in sums.splitlines():
        digest, dummy, path = line.partition("  ")
        if digest.startswith("\\"):  # so GNU's program marks a name that it had to escape
            digest, path = digest[1:], path.replace("\\\\", "\\")
        files[_relative(path)] = {"sha256": digest, "mtime": None, "mode": None}
    for line in stats.splitlines():
        mtime, mode, path = line.split(" ", 2)
        files.setdefault(_relative(path), {"sha256": None}).update(mtime=int(mtime), mode=mode.zfill(4))
    return files


def _relative(path):
    return path[2:] if path.startswith("./") else path


def _jsonpath(token, kind, fields):
    return _range('?(@.kind=="%s")' % kind if kind else "*", "%s %s" % (token, kind or "Event"), fields)


def _range(choice, mark, fields):
    # The token in front of each record: a message may hold line ends of its own.
    return "{range .items[%s]}%s%s{'\\n'}{end}".replace("'", '"') % (
        choice,
        mark,
        "".join('{"\\t"}{%s}' % field for field in fields),
    )


def _commands(programs):
    address = programs.get("containerd_address")
    commands = {}
    for name in ("ctr", "crictl", "kubectl"):
        words = shlex.quote(programs[name]) if programs.get(name) else '"$K" ' + name
        if address and name == "ctr":
            words += " --address " + shlex.quote(address)
        if address and name == "crictl":
            words += " --runtime-endpoint " + shlex.quote("unix://" + address)
        commands[name.upper()] = words
    return commands
