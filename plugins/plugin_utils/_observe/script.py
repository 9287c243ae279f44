# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one shell script that observes a board, joined from its parts.

A start of Python on a slow board costs seconds, a process a third of one. So the script is plain POSIX sh (dash and
busybox ash run it), changes nothing, starts few programs, and marks what each of them wrote with a token that the
controller made for this one run. What must stay secret is left out on the board itself.

The parts are files: frame.sh, root.sh and programs.sh come first, then parts/board.sh, then what is asked for. What a
part needs to be told is a variable of the shell, assigned in front of all. The script is an argument of the remote
shell at each look, so comments, indentation and empty lines stay here.
"""

from __future__ import annotations

import functools
import pathlib
import re
import shlex

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import SEARCH_PATH
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import SOCKET
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES
from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import WORKLOADS
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.inspect import (
    CONTAINER_TEMPLATE,
    SANDBOX_TEMPLATE,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import KERNEL
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.system import (
    OWN_FILES,
    SYSCTLS,
    TIME_SERVICES,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT, seconds_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.manifests import (
    INNER_KEYS,
    LARGEST_TEXT,
    SHOWN_KEYS,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import ETC
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import CONFIG_KEYS

# The order in which the board is asked. Later parts use what earlier ones set.
_ORDER = (
    "k3s",
    "config",
    "manifests",
    "registries",
    "journal",
    "files",
    "images",
    "disk",
    "sandboxes",
    "contents",
    "api",
    "told",
    "preflight",
    "system",
    "service_state",
    "last_words",
)
# Where services and what they are told lie: systemd, OpenRC, and k3s's own installer.
UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/etc/init.d")
# Where OpenRC's service, as k3s's installer writes it, and this collection's lab keep k3s's log.
K3S_LOGS = ("/var/log/k3s.log", "/var/log/k3s-agent.log")
_DEFAULTS = ("/etc/default", "/etc/sysconfig", "/etc/conf.d", ETC)
# A program of k3s: as it has unpacked it, which starts faster than the wrapper, and else through that.
_OF_K3S = (
    '{name}() {{ if [ -x "$bin/{name}" ]; then ${limit} "$bin/{name}" {more}"$@"; '
    'else ${limit} "$k3s" {name} {more}"$@"; fi; }}\n'
)
_LIMITS = {"ctr": "limit", "crictl": "limit", "kubectl": "api_limit"}
# Their own 2 and 10 seconds are too few for a slow board. ctr waits as long for a socket that is not there.
_PATIENCE = {"ctr": "$patience", "crictl": '--timeout="${seconds}s"'}
_FOLDER = pathlib.Path(__file__).resolve().parent
_PATHS = {path.stem: path for folder in (".", "parts", "diagnosis_parts") for path in (_FOLDER / folder).glob("*.sh")}
# Which of them are read from rows of sandboxes and containers, by the file that does it.
_FROM_ROWS = {"logs": "logs", "inspect": "inspect", "dns": "dns_network"}
_NOT_QUOTED = "'\\!\n@"


def build_script(
    token,
    parts,
    data_dir=None,
    programs=None,
    api="auto",
    events=False,
    etc=ETC,
    path=SEARCH_PATH,
    program_timeout=PROGRAM_TIMEOUT,
    proc="/proc",
    units=UNITS,
    paths=None,
    k3s_logs=K3S_LOGS,
    whole=(),
    first="",
    last="",
    versions=True,
    blank=False,
):
    """The script as text.

    ``token`` is a random word for this run, ``parts`` names from the option gather of k3s_info, ``data_dir`` a path or
    None (then what config.yaml says), ``programs`` the values of k3s, crictl, ctr, kubectl and containerd_address,
    ``api`` auto, always or never, ``events`` whether to read the pods' warnings too, ``program_timeout`` the seconds
    that each program has. ``paths`` {data_dir, registries, kubeconfig, config_file} are what an earlier look found out.
    ``whole`` are the manifests (paths in their folder) whose text is wanted as it is. ``first`` and ``last`` are more
    text: steps that any user may make, before root is asked for, and those after all others. Without ``versions`` those
    of k3s and containerd are asked for only where neither the API nor what else is read can tell them. ``blank`` says
    that boards without k3s are looked at, too.
    """
    programs, paths = programs or {}, paths or {}
    wanted = _wanted(parts, api)
    # That containerd answers is then seen by its images.
    later = not versions and wanted >= {"k3s", "images"}
    wanted |= {"told"} if later else set()
    before, beside = _files(wanted, events)
    frame, *others = map(_text, before)
    rest = "".join(map(_text, beside)) + last
    # The API is asked by a process of its own, whose answer is taken at the place of answer.sh. No program reads it.
    looks = "api_beside | {\nexec 5<&0 </dev/null\n%s}\n" % rest if "answer" in beside else rest
    body = _calls(programs) + frame + first + "".join(others) + looks
    values = {
        "token": token,
        "path": path,
        "etc": etc,
        "proc": proc,
        "units": " ".join(units),
        "defaults": " ".join(_DEFAULTS),
        "data_dir": data_dir or paths.get("data_dir"),
        "registries": paths.get("registries"),
        "kubeconfig": paths.get("kubeconfig"),
        "config_file": paths.get("config_file"),
        "k3s": programs.get("k3s"),
        "later": "1" if later else "",
        "k3s_logs": " ".join(k3s_logs),
        "whole": "\n".join(whole),
        "explicit": "1" if programs.get("crictl") and programs.get("ctr") else "",
        "blank": "1" if blank else "",
        "rendered": "/etc/containerd/config.toml" if programs.get("containerd_address") else "",
        "socket": programs.get("containerd_address") or SOCKET,
        "seconds": program_timeout,
        "kubectl_seconds": seconds_of("api", program_timeout),
        # Each request has less time than the program, so that its own message comes before the program is ended.
        "api_seconds": max(1, program_timeout * 2 // 3),
        "ask_api": "1" if api == "always" else "",
    }
    return _assignments(dict(_fixed_settings(), **values, **_queries(token, wanted)), body) + body


def framed(token, text, path=SEARCH_PATH, **values):
    """A script of other steps than those of an observation, in the same frame; ``values`` are variables that it reads.
    What is sent to it is its file descriptor 4.
    """
    body = "exec 4<&0\n" + _text("frame") + text
    return _assignments(dict(values, token=token, path=path), body) + body


def argument(script):
    """The script as a command that each login shell hands on alike. fish and tcsh read some characters between single
    quotes in ways of their own, which Ansible's quoting is for sh: these travel by their numbers. They begin with no
    backslash of their own, since fish takes two of them for one.
    """
    sent = "".join("@0%03o" % ord(character) if character in _NOT_QUOTED else character for character in script)
    return 'eval "$(printf %%b "$(printf %%s \'%s\' | tr @ "\\134")")"' % sent


def stripped(text):
    """A part of the script without comments, indentation and empty lines. No string of it goes over several lines."""
    lines = [line.lstrip() for line in text.split("\n")]
    return "".join(line + "\n" for line in lines if line and not line.startswith("#"))


@functools.cache
def _text(name):
    return stripped(_PATHS[name].read_text(encoding="utf-8"))


def _wanted(parts, api):
    wanted = set(parts)
    if api == "never":
        wanted.discard("api")
    if wanted & {"config", "manifests", "registries", "journal"}:
        wanted.add("files")
    return wanted


def _files(wanted, events):
    """Names of the files to join: those of the beginning, and those of the parts. Where a diagnosis asks for more, some
    of them are others than in a plain observation, so that this one sends nothing of it.
    """
    from_rows = [name for part, name in _FROM_ROWS.items() if part in wanted]
    instead = {"api": ["answer", "warnings"] if events else ["answer"]}
    if from_rows:
        instead["sandboxes"] = ["sandboxes_kept"] + from_rows
    if "events" in wanted:
        instead["api"] = ["details", "dns_api"] if "dns" in wanted else ["details"]
    chosen = [instead.get(part, [part]) for part in _ORDER if part in wanted]
    blanked = ["blanked"] if wanted & {"events", "logs", "dns", "last_words"} else []
    masked = ["masked"] if wanted & {"manifests", "registries"} else []
    named = ["unit_names"] if wanted & {"service_state", "last_words"} else []
    parts = sum(chosen, [])
    asked = ["api"] if "answer" in parts else []
    return ["frame", "root", "programs", *blanked, *masked, "board", *named, *asked], parts


def _fixed_settings():
    return {
        "keys": " ".join(CONFIG_KEYS),
        "largest": LARGEST_TEXT * 2,
        "workloads": "|".join(WORKLOADS),
        "manifest_keys": SHOWN_KEYS,
        "manifest_texts": INNER_KEYS,
        "noted_in": "%s/%s" % (_journal.FOLDER, _journal.NAME),
        "archives": ARCHIVES,
        "container_template": CONTAINER_TEMPLATE,
        "sandbox_template": SANDBOX_TEMPLATE,
        "kernel_options": "|".join(KERNEL),
        "kernel_modules": "|".join(module for module in KERNEL.values() if module),
        "own_files": " ".join(OWN_FILES),
        "module_names": " ".join(module for module in KERNEL.values() if module),
        "time_services": " ".join(TIME_SERVICES),
        "sysctls": " ".join(SYSCTLS).replace(".", "/"),
    }


def _queries(token, wanted):
    records = api_query.PLAIN + (api_query.DIAGNOSIS if "events" in wanted else ())
    return {
        "query": api_query.jsonpath(token, records),
        "warnings_query": api_query.jsonpath(token, [api_query.WARNING]),
    }


def _assignments(values, body):
    """The settings that the script uses, as a text of sh."""
    used = set(re.findall(r"\$\{?([a-z0-9_]+)", body))
    return "".join(
        "%s=%s\n" % (name, shlex.quote(str(value)) if value else "") for name, value in values.items() if name in used
    )


def _calls(programs):
    """ctr, crictl and kubectl as functions of sh: a program that the user names wins over k3s's own."""
    address = programs.get("containerd_address")
    options = {
        "ctr": ["--address", address or ""],
        "crictl": ["--runtime-endpoint", "unix://%s" % address],
    }
    lines = []
    for name, limit in _LIMITS.items():
        words = [_PATIENCE[name]] if name in _PATIENCE else []
        words += map(shlex.quote, options[name]) if address and name in options else []
        more = "".join(word + " " for word in words)
        if programs.get(name):
            lines.append('%s() { $%s %s %s"$@"; }\n' % (name, limit, shlex.quote(programs[name]), more))
        else:
            lines.append(_OF_K3S.format(name=name, limit=limit, more=more))
    return "".join(lines)
