# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s is told where it is installed: the text of its config.yaml, from all that an inventory says. Pure.

k3s-ansible says the same by texts and flags; what riscv_k3s_server_config and riscv_k3s_agent_config say goes before
it. The token is never in this file: it has one of its own.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import options as _options

FOLDER = "/etc/rancher/k3s"
PATH = FOLDER + "/config.yaml"
TOKEN = FOLDER + "/token"
_HEADER = "# Written by riscv.k3s: riscv.k3s.install writes it anew from the inventory. k3s reads it when it starts.\n"
_DATA_DIR = "/var/lib/rancher/k3s"
_REGISTRIES = FOLDER + "/registries.yaml"
# What an inventory says by another setting.
_ELSEWHERE = {
    "token": "riscv_k3s_token",
    "token-file": "riscv_k3s_token",
    "server": "riscv_k3s_api_endpoint",
    "config": "riscv_k3s_server_config and riscv_k3s_agent_config",
}
# {role: (the setting, k3s-ansible's YAML, k3s-ansible's flags)}
_SOURCES = {
    "server": ("server_config", "server_config_yaml", "extra_server_args"),
    "agent": ("agent_config", "agent_config_yaml", "extra_agent_args"),
}


# Text that PyYAML writes as it is and k3s, whose YAML is another one, takes for a number or for true.
_UNLIKE = re.compile(r"[-+]?[0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?\Z|[-+]?0[bBoOxX][0-9a-fA-F_]+\Z|[yYnN]\Z")


class _Dumper(yaml.SafeDumper):
    """Writes text so that it is text to any YAML."""


def _text_node(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if _UNLIKE.match(value) else None)


_Dumper.add_representer(str, _text_node)


class Form(NamedTuple):
    """What this collection adds for a board's place in its cluster."""

    # The URL by which it joins; None for the first server.
    server: Optional[str] = None
    # Whether it begins a cluster of several servers.
    init: bool = False
    token_file: bool = False
    # Of a server: names by which it is joined, for its certificate.
    sans: Sequence[str] = ()


def options(settings: Mapping[str, Any], role: str) -> Dict[str, Any]:
    """{option of config.yaml: value} of a board, as its inventory says. Raises Problem, which shows no value."""
    own, text, flags = _SOURCES[role]
    foreign = settings.get("k3s_ansible") or {}
    found: Dict[str, Any] = {}
    for name, read in ((flags, of_flags), (text, _of_yaml)):
        if foreign.get(name):
            _merge(found, read(foreign[name], name))
    _merge(found, _checked(settings.get(own) or {}, "riscv_k3s_" + own))
    _put(found, "data-dir", settings.get("data_dir"), _DATA_DIR, "riscv_k3s_data_dir")
    _put(found, "private-registry", settings.get("registries_path"), _REGISTRIES, "riscv_k3s_registries_path")
    return found


def _merge(found: Dict[str, Any], more: Mapping[str, Any]) -> None:
    """As k3s reads several files: what comes later counts, and an option that ends in + adds to what is there."""
    for name, value in more.items():
        plain = name.rstrip("+")
        adds = plain != name and plain in found
        found[plain] = _as_list(found[plain]) + _as_list(value) if adds else value


def _as_list(value: Any) -> List[Any]:
    return list(value) if isinstance(value, list) else [value]


def _put(found: Dict[str, Any], option: str, value: Any, default: str, setting: str) -> None:
    """What a setting says of a folder is k3s's, too."""
    if option in found and str(found[option]) != (value or default):
        raise Problem(
            "%s of k3s and %s are not the same" % (option, setting),
            found="%s and %s" % (found[option], value or default),
            next_step="say it by %s alone" % setting,
        )
    found.pop(option, None)
    if value and value != default:
        found[option] = value


def text(told: Mapping[str, Any], form: Form) -> str:
    """The text of config.yaml; equal options give equal text."""
    whole = {key: value for key, value in told.items() if key != "cluster-init"}
    if form.server:
        whole["server"] = form.server
    if form.init:
        whole["cluster-init"] = True
    if form.token_file:
        whole["token-file"] = TOKEN
    known = _as_list(whole.get("tls-san", []))
    # Ansible's own kind of texts is none that YAML knows.
    missing = [str(name) for name in form.sans if name not in ",".join(map(str, known)).split(",")]
    if missing:
        whole["tls-san"] = known + missing
    if not whole:
        return _HEADER
    # A name of the inventory is one of Ansible's own kinds of text, too.
    whole = {key: _plain(value) for key, value in whole.items()}
    return _HEADER + yaml.dump(whole, Dumper=_Dumper, default_flow_style=False, sort_keys=True, width=4096)


def of_flags(given: Any, where: str) -> Dict[str, Any]:
    """The options that flags say, such as ``--disable traefik --tls-san=a --tls-san b --etcd-expose-metrics``."""
    try:
        words = shlex.split(given) if isinstance(given, str) else [str(word) for word in given]
    except (ValueError, TypeError):
        raise Problem("the flags for k3s cannot be read", where=where, next_step="quote them as in a shell") from None
    found: Dict[str, Any] = {}
    place = 0
    while place < len(words):
        name, equals, value = words[place].partition("=")
        place += 1
        if not name.startswith("-") or not name.strip("-"):
            raise Problem("the flags for k3s cannot be read", found="a word that is no flag", where=where)
        if not equals and place < len(words) and not words[place].startswith("-"):
            value, equals = words[place], " "
            place += 1
        _add(found, name.lstrip("-"), value if equals else True)
    return _checked(found, where)


def _add(found: Dict[str, Any], name: str, value: Any) -> None:
    if name in found:
        before: List[Any] = found[name] if isinstance(found[name], list) else [found[name]]
        value = before + [value]
    found[name] = value


def _of_yaml(given: Any, where: str) -> Dict[str, Any]:
    try:
        content = yaml.safe_load(given) if isinstance(given, str) else given
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Its message would show the line, which may hold a password.
        mark = getattr(error, "problem_mark", None)
        line = ", line %d" % (mark.line + 1) if mark else ""
        raise Problem("%s is not valid YAML" % where, where=where + line) from None
    return _checked({} if content is None else content, where)


def _checked(content: Any, where: str) -> Dict[str, Any]:
    if not isinstance(content, Mapping):
        raise Problem("%s must be options of k3s with their values" % where, where=where)
    found: Dict[str, Any] = {}
    for key, value in content.items():
        name, adds = _options.named(str(key), where)
        if name in _ELSEWHERE:
            raise Problem(
                "the option %s of k3s is set in %s" % (name, where), next_step="say it by %s" % _ELSEWHERE[name]
            )
        _options.require_form(name, value, where)
        if value is None:
            continue
        made = _plain(value)
        _options.require(name, made, where)
        name += "+" if adds else ""
        found[name] = _as_list(found[name]) + _as_list(made) if name in found else made
    return found


def _plain(value: Any) -> Any:
    """Of Ansible's own kinds of values, what YAML knows."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
