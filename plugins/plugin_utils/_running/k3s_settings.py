# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings with which k3s runs: from its own account in a node's annotations, or from its files. Pure.

k3s writes the annotations at each start: ``k3s.io/node-args``, a JSON list of its whole command line after the files
of settings and the flags were merged, and ``k3s.io/node-env``, a JSON object of its variables K3S_*. Of several values
of a setting k3s takes the last one, of lists all.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import read_as_k3s

# Keys of config.yaml that may leave the board. Never add one that can hold a secret.
CONFIG_KEYS = (
    "cluster-cidr",
    "cluster-init",
    "container-runtime-endpoint",
    "data-dir",
    "disable",
    "disable-agent",
    "disable-default-registry-endpoint",
    "disable-helm-controller",
    "docker",
    "embedded-registry",
    "helm-controller-arg",
    "helm-job-image",
    "https-listen-port",
    "no-deploy",
    "node-name",
    "pause-image",
    "private-registry",
    "server",
    "service-cidr",
    "system-default-registry",
    "write-kubeconfig",
)
# Settings of which k3s takes all values; of any other one it takes the last.
_LISTS = ("cluster-cidr", "disable", "helm-controller-arg", "service-cidr")
# Those of which several names stand in one value, set apart by commas.
_NAMES = ("disable",)
_SHORT = {"-d": "data-dir", "-o": "write-kubeconfig"}
# k3s before 1.25 takes both.
_FORMER = {"no-deploy": "disable"}
_ROLES = ("server", "agent")
_TRUE = ("true", "yes", "on", "1")
_VARIABLES = {
    "K3S_DATA_DIR": "data-dir",
    "K3S_NODE_NAME": "node-name",
    "K3S_KUBECONFIG_OUTPUT": "write-kubeconfig",
    "K3S_SYSTEM_DEFAULT_REGISTRY": "system-default-registry",
    "K3S_CONFIG_FILE": "config",
}
_UNPACKED = re.compile(r"/data/[0-9a-f]{6,64}/?$")


def of_node(args: str, env: str) -> Optional[Dict[str, Any]]:
    """The settings in the texts of a node's two annotations; None where it has none, or they are in another form."""
    try:
        words, variables = json.loads(args), json.loads(env or "{}")
    except (ValueError, RecursionError):
        return None
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words) and isinstance(variables, dict)):
        return None
    pairs = [(_VARIABLES[name], _value(name, str(value))) for name, value in variables.items() if name in _VARIABLES]
    return _settled(pairs + _flags(words))


def role_of_node(args: str) -> Optional[str]:
    """The role that the first word of a node's k3s.io/node-args names, or None."""
    try:
        words = json.loads(args)
    except (ValueError, RecursionError):
        return None
    return words[0] if isinstance(words, list) and words and words[0] in _ROLES else None


def is_true(value: Any) -> bool:
    """Whether a setting that is a yes or no is set; k3s reads it by YAML, or as a flag."""
    return str(value).lower() in _TRUE


def of_files(files: Sequence[Tuple[str, str]]) -> Tuple[Dict[str, Any], List[str]]:
    """The settings in files as (path, the lines of it that left the board), in the order in which k3s reads them, and
    what could not be read. A key that ends in + adds to what earlier files say.
    """
    settings: Dict[str, Any] = {}
    problems = []
    for path, text in files:
        try:
            # All scalars as text: 3.10 must not become 3.1, and k3s reads its settings as flags.
            content = read_as_k3s(partial(yaml.load, text), "BaseLoader")  # nosec: it makes only text
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            # What a parser shows of a text, and its lines, are of no use: it has only a part of the file.
            problems.append("%s cannot be read: %s" % (path, getattr(error, "problem", None) or "it is no YAML"))
            continue
        if content is None or content == "":
            continue
        if not isinstance(content, dict):
            problems.append("%s cannot be read: it is no mapping of settings" % path)
            continue
        for key, value in content.items():
            name = str(key).rstrip("+")
            if name not in CONFIG_KEYS:
                continue  # it should not have left the board
            adds = str(key).endswith("+") and name in settings
            settings[name] = _as_list(settings[name]) + _as_list(value) if adds else value
    return _settled([(key, one) for key, value in settings.items() for one in _as_list(value)]), problems


def of_words(said: Sequence[str]) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Paths as k3s's environment or its services tell them, texts ``NAME=PATH`` and ``--flag PATH``: those of flags,
    and those of variables, which give way to flags and files. ``ExecStart=`` takes back the flags before it.
    """
    flags: Dict[str, str] = {}
    variables: Dict[str, str] = {}
    for text in said:
        name, dummy, path = text.replace("=", " ", 1).partition(" ")
        if name == "ExecStart":
            flags.clear()
        elif name in _VARIABLES:
            variables[_VARIABLES[name]] = _value(name, path.strip())
        else:
            flags[name.lstrip("-")] = path.strip()
    return flags, variables


def _value(name, value):
    """Older k3s set K3S_DATA_DIR itself, to where its programs are unpacked: DATA_DIR/data/HASH."""
    return _UNPACKED.sub("", value) if name == "K3S_DATA_DIR" else value


def _flags(words):
    """(key, value) of the flags that are known."""
    pairs, place = [], 0
    while place < len(words):
        word, equals, value = words[place].partition("=")
        key = _SHORT.get(word) or (word[2:] if word.startswith("--") else None)
        place += 1
        if key not in CONFIG_KEYS and key != "config":
            continue
        if not equals:
            follows = place < len(words) and not words[place].startswith("-")
            value = words[place] if follows else "true"
            place += follows
        pairs.append((key, value))
    return pairs


def _settled(pairs):
    settings: Dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(value, str):
            continue  # a mapping is no value of a setting: k3s refuses it
        key = _FORMER.get(key, key)
        if key in _NAMES:
            names = [name.strip() for name in value.split(",") if name.strip()]
            settings[key] = settings.get(key, []) + names
        elif key in _LISTS:
            settings[key] = settings.get(key, []) + [value]
        else:
            settings[key] = value
    return settings


def _as_list(value):
    return list(value) if isinstance(value, list) else [value]
