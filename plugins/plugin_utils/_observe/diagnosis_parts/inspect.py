# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How containers ended, and where sandboxes are: what inspect.sh asks for, and the reader of what it writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.sandboxes import read_sandboxes

_TAB = '{{"\\t"}}'
_UNKNOWN = {"exit_code": None, "finished_at": None, "reason": None}
_NOWHERE = {"ip": None, "network_namespace": None}


def _template(*fields):
    """For `crictl inspect ID...`, which gives a template one object as an object, and several as a list."""
    one = _TAB.join(fields) + '{{"\\n"}}'
    return (
        '{{define "x"}}%s{{end}}{{if eq (printf "%%T" .) "[]interface {}"}}'
        '{{range .}}{{template "x" .}}{{end}}{{else}}{{template "x" .}}{{end}}' % one
    )


CONTAINER_TEMPLATE = _template(
    "container", "{{.status.id}}", "{{.status.exitCode}}", "{{.status.finishedAt}}", "{{.status.reason}}"
)
SANDBOX_TEMPLATE = _template(
    "sandbox",
    "{{.status.id}}",
    "{{.status.network.ip}}",
    '{{range .info.runtimeSpec.linux.namespaces}}{{if eq .type "network"}}{{.path}}{{end}}{{end}}',
    "{{with .info.cniResult}}{{range .Interfaces}}{{if .Sandbox}}{{range .IPConfigs}}{{.IP}} "
    "{{end}}{{end}}{{end}}{{end}}",
)


def read_inspect(seen):
    """Rows of the part ``sandboxes`` again, with what only some of them were asked for."""
    found = read_sandboxes(seen)
    containers, sandboxes = seen.out("inspect", parse_inspect) or ({}, {})
    return {
        "sandboxes": _with(found["sandboxes"], sandboxes, _NOWHERE),
        "containers": _with(found["containers"], containers, _UNKNOWN),
    }


def _with(rows, told, unknown):
    return None if rows is None else [dict(row, **told.get(row["id"], unknown)) for row in rows]


def parse_inspect(text):
    """The step ``inspect`` as two dictionaries: a container's id to {exit_code, finished_at, reason}, a sandbox's to
    {ip, network_namespace}.
    """
    containers, sandboxes = {}, {}
    for line in text.splitlines():
        kind, *fields = line.split("\t")
        if kind == "container" and len(fields) == 4:
            containers[fields[0]] = _ended(*fields[1:])
        elif kind == "sandbox" and len(fields) == 4:
            sandboxes[fields[0]] = _network(*fields[1:])
    return containers, sandboxes


def _ended(code, moment, reason):
    return {
        "exit_code": int(code) if code.isdigit() else None,
        # The year 1 stands for none.
        "finished_at": None if moment.startswith("0001") else moment[:19] + "Z",
        "reason": reason,
    }


def _network(address, namespace, addresses):
    # containerd tells the address of a sandbox while it is ready; what its network was made with stays.
    others = [one for one in addresses.split() if one not in ("127.0.0.1", "::1")]
    return {"ip": address or (others or [None])[0], "network_namespace": namespace or None}
