# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the k3s of a board keeps its files, which node a board is, and whether those who tell it agree. Pure.

What runs is believed before what is written: the command line of the running containerd names the data folder, the
annotations of the node tell k3s's settings. Files and services tell it where k3s does not run.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import SOCKET
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_version, pins_supported
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import is_true, of_words

ETC = "/etc/rancher/k3s"
DATA_DIR = "/var/lib/rancher/k3s"
# A kubelet tells what it likes, and this is shown and compared.
_VERSION = re.compile(r"v[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}[-+.0-9A-Za-z]{0,80}\Z")
_NEXT = "see how k3s is started there (its unit, config.yaml), restart it if that was changed, and set "


def paths(
    board: Mapping[str, Any], settings: Mapping[str, Any], given: Optional[str] = None, etc: str = ETC
) -> Dict[str, str]:
    """{data_dir, registries, kubeconfig, config_file}: where they are, by all that one look at a board told.

    ``board`` is from parts.board.read_board, ``settings`` are those of k3s's files, ``given`` the data folder that the
    user names. A look that used others of these is to be made again with them.
    """
    flags, variables = of_words(board["said"])
    told = flags.get("data-dir") or settings.get("data-dir") or variables.get("data-dir")
    return {
        "data_dir": given or board["running"] or told or DATA_DIR,
        "registries": settings.get("private-registry") or etc + "/registries.yaml",
        "kubeconfig": settings.get("write-kubeconfig") or etc + "/k3s.yaml",
        "config_file": flags.get("config") or variables.get("config") or board["config_file"],
    }


def differing(board: Mapping[str, Any], wanted: Mapping[str, str]) -> Dict[str, str]:
    """Those of ``wanted`` paths that a look did not use."""
    return {name: path for name, path in wanted.items() if _plain(path) != _plain(board[name])}


def doubts(board: Mapping[str, Any], settings: Optional[Mapping[str, Any]], given: Optional[str]) -> List[str]:
    """Why it is not known how k3s runs on a board, a sentence each; none where that is known.

    ``settings`` are those of k3s's files, or None where they could not be read.
    """
    found = []
    running = board["running"]
    if given and running and board["differs"]:
        found.append(
            "riscv_k3s_data_dir is %s, but the k3s that runs uses %s. Next: correct the inventory, or leave "
            "riscv_k3s_data_dir out" % (given, running)
        )
    if not board["folder"] and board["rootless"].isdecimal():
        found.append(
            "k3s runs there as the user with the id %s (rootless), and this collection looks after the k3s of root "
            "alone. Next: run k3s as root, or leave the board out of the inventory" % board["rootless"]
        )
    elif not board["folder"]:
        found.append(
            "k3s has not run with the data folder %s: neither server nor agent is in it. Next: %sriscv_k3s_data_dir "
            "where it keeps its data elsewhere" % (board["data_dir"], _NEXT)
        )
    if settings is None and not running and not given:
        found.append("k3s does not run, and its settings cannot be read, so where it keeps its data is not known")
    return found


def other_runtimes(settings: Mapping[str, Any]) -> List[str]:
    """Why a board's pods and images are not seen though k3s runs there, a sentence each: k3s's own containerd does not
    run them. ``settings`` are k3s's.
    """
    found = []
    endpoint = str(settings.get("container-runtime-endpoint") or "")
    if is_true(settings.get("docker")):
        found.append("k3s runs its pods by docker here (docker), so their images cannot be seen")
    elif endpoint and endpoint.rpartition("://")[2] != SOCKET:
        found.append(
            "k3s runs its pods by another container runtime here (container-runtime-endpoint is %s), so their images "
            "cannot be seen" % endpoint
        )
    if is_true(settings.get("disable-agent")):
        found.append("k3s runs no pods here, and is no node (disable-agent): there are no images to see")
    return found


def node_doubt(seen: Mapping[str, Any], node: Optional[Mapping[str, Any]]) -> Optional[str]:
    """Where k3s's own account (the row of the node) and the board differ about the data folder, a sentence.

    ``seen`` is a result of k3s_info. Without an account of its own, k3s's files must say what runs.
    """
    told = (node or {}).get("settings")
    settings = told if told is not None else seen.get("file_settings") or {}
    named = settings.get("data-dir")
    # A node's account holds flags only, a variable is read by k3s itself: what runs may stand nowhere.
    if not named or _plain(named) == _plain(seen["data_dir"]) or seen.get("data_dir_is_given"):
        return None
    if not named.startswith("/"):
        return None  # k3s resolves ~, $HOME and a relative path itself: only what runs says what it came to
    who = "k3s's own account (the node %s)" % node["name"] if node and told is not None else "k3s's file of settings"
    return "%s names the data folder %s, the containerd that runs uses %s. Next: %sriscv_k3s_data_dir" % (
        who,
        named,
        seen["data_dir"],
        _NEXT,
    )


def own_node(
    seen: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]
) -> Tuple[Optional[Mapping[str, Any]], Optional[str]]:
    """The row of the API that is a board, and why there is none: (row, None) or (None, sentence).

    ``seen`` is a result of k3s_info. The kubelet tells the kernel's boot id, which no other machine has. Boards that
    share a kernel (containers) are told apart by the machine id, the node's name, the address and the host's name.
    """
    identity = seen.get("identity") or {}
    boot = identity.get("boot_id")
    names = _names(seen)
    same = [node for node in nodes if boot and node.get("boot_id") == boot]
    if not same:
        named = [node for node in nodes if node["name"] in names]
        if not boot or (named and not named[0].get("boot_id")):
            # One of the two does not tell it: the name is all there is.
            return (named[0], None) if named else (None, _no_node(names, nodes))
        if named:
            return None, (
                "the node %s of the API is another machine, or has not reported since this board started"
                % named[0]["name"]
            )
        return None, _no_node(names, nodes)
    same = [node for node in same if not _is_another(node, identity, names)]
    if not same:
        return None, _no_node(names, nodes)
    for fits in (
        lambda node: node.get("machine_id") == identity.get("machine_id"),
        lambda node: node["name"] in names[:1] if len(names) > 1 else False,
        lambda node: node.get("internal_ip") in (identity.get("addresses") or ()),
        lambda node: node["name"] in names,
    ):
        same = [node for node in same if fits(node)] or same
    if len(same) > 1:
        return None, "several nodes of the API could be this board: %s" % ", ".join(node["name"] for node in same)
    return same[0], None


def told_versions(seen: Mapping[str, Any], node: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """The keys k3s and containerd of ``seen``, a result of k3s_info, with the versions that its node tells, where the
    board did not tell them and its k3s runs; {} where there is nothing to add.

    k3s's kubelet reports the version of k3s as its own, and what runs containers as ``containerd://2.3.4-k3s1``. A node
    that is not Ready tells the past: its kubelet has not reported since, and another k3s may run there by now.
    """
    k3s = seen.get("k3s") or {}
    if not node or not node.get("ready") or not k3s.get("running") or k3s.get("version") or "containerd" not in seen:
        return {}
    kubelet = node.get("kubelet") or ""
    version = kubelet if _VERSION.match(kubelet) else None
    return {"k3s": dict(k3s, version=version), "containerd": _containerd(node.get("runtime") or "")}


def _containerd(told: str) -> Dict[str, Any]:
    runtime, dummy, version = told.partition("://")
    try:
        version = parse_version(version)
        # What another runtime means is told elsewhere.
        if runtime == "containerd":
            return {"version": version, "pins": pins_supported(version)}
    except Problem:
        pass
    return {"version": None, "pins": False}


def _is_another(node, identity, names):
    """Whether a node that shares the board's kernel is another container, since nothing else of it is the board's."""
    told, own = node.get("machine_id"), identity.get("machine_id")
    is_near = node["name"] in names or node.get("internal_ip") in (identity.get("addresses") or ())
    return bool(told and own and told != own and not is_near)


def _names(seen):
    """Names that the board's node may have: what k3s is told, then its host name in lower case, as k3s does."""
    flags, variables = of_words((seen.get("identity") or {}).get("said") or ())
    told = (seen.get("file_settings") or seen.get("config") or {}).get("node-name") or variables.get("node-name")
    return [name for name in (told, (seen.get("hostname") or "").lower()) if name]


def _no_node(names, nodes):
    shown = ", ".join(node["name"] for node in nodes[:8]) + (" and more" if len(nodes) > 8 else "")
    return "this board (%s) is no node of the cluster, whose nodes are: %s" % (
        " or ".join(dict.fromkeys(names)) or "without a name",
        shown or "none",
    )


def _plain(path):
    # As k3s does; two slashes at the beginning would stay.
    return posixpath.normpath(path.replace("//", "/")) if path else path
