# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The static inventory that enrolled boards get, with the groups of k3s-ansible. Pure."""

from __future__ import annotations

import copy
from typing import Any, Dict, Mapping, Optional, Sequence

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_HEAD = (
    "---\n# Made by riscv.k3s.enroll, which adds boards as long as this file has this form.\n"
    "# Settings of the cluster stand best in group_vars/k3s_cluster.yml beside it.\n"
)
_ROLES = ("server", "agent")
_OURS = ("ansible_host", "ansible_port", "ansible_user", "ansible_ssh_private_key_file")


class _Dumper(yaml.SafeDumper):
    """Nothing by reference, and a host without variables with nothing behind it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render(content: Mapping[str, Any]) -> str:
    return _HEAD + yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


def empty() -> Dict[str, Any]:
    return {"k3s_cluster": {"children": {role: {"hosts": {}} for role in _ROLES}}}


def read(text: Optional[str]) -> Optional[Dict[str, Any]]:
    """The content of a file that is in our form, that of none for a file that is empty or not there; None for another
    form.
    """
    if not (text or "").strip():
        return empty()
    try:
        content = yaml.safe_load(text or "")
        is_ours = _is_form(content) and render(content) == text
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return content if is_ours else None


def _is_form(content: Any) -> bool:
    try:
        groups = content["k3s_cluster"]["children"]
        return all(isinstance(groups[role]["hosts"], dict) for role in _ROLES) and all(
            isinstance(variables, (dict, type(None))) for role in _ROLES for variables in groups[role]["hosts"].values()
        )
    except (KeyError, TypeError):
        return False


def has_server(content: Mapping[str, Any]) -> bool:
    return bool(_hosts(content, "server"))


def _hosts(content: Mapping[str, Any], role: str) -> Dict[str, Any]:
    return content["k3s_cluster"]["children"][role]["hosts"]


def check_servers(servers: Sequence[str], boards: Sequence[str], content: Mapping[str, Any]) -> None:
    """Raises Problem for a server that nobody knows."""
    known = {*boards, *_hosts(content, "server"), *_hosts(content, "agent")}
    unknown = [name for name in servers if name not in known]
    if unknown:
        raise Problem(
            "a server is no board that is known",
            found=", ".join(unknown),
            where="riscv_k3s_enroll_servers",
            next_step="name boards as they stand in riscv_k3s_enroll_boards: by name, else by address",
        )


def merged(
    content: Mapping[str, Any],
    roles: Mapping[str, str],
    variables: Mapping[str, Mapping[str, Any]],
    servers: Sequence[str] = (),
) -> Dict[str, Any]:
    """With these boards. One that is there stays in its group, unless ``servers`` names it; what others wrote of it
    stays, too.
    """
    made = copy.deepcopy(dict(content))
    for name, role in roles.items():
        before = next((one for one in _ROLES if name in _hosts(made, one)), None)
        group = role if before is None or servers else before
        own = _hosts(made, before).pop(name) if before and before != group else _hosts(made, group).get(name)
        _hosts(made, group)[name] = _updated(own or {}, variables[name])
    return made


def _updated(own: Mapping[str, Any], variables: Mapping[str, Any]) -> Dict[str, Any]:
    """What is there keeps its order."""
    kept = {key: variables.get(key, value) for key, value in own.items() if key in variables or key not in _OURS}
    return {**kept, **variables}


def not_ours(path: str) -> Problem:
    return Problem(
        "the inventory that is there is left alone",
        found="it was not made by riscv.k3s.enroll, or has another form now",
        where=path,
        next_step="put the text that is shown into it by hand, or name another file with riscv_k3s_enroll_inventory",
    )
