# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specs of the roles, made from the declaration of the settings; see tools/role-specs."""

from __future__ import annotations

import json
import pathlib

import yaml

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import declared

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "docs/schema/catalogue.schema.json").read_text(encoding="utf-8"))["properties"]
_SUPPLY = ("registries", "catalogue", "catalogue_defaults", "catalogue_prefix", "fixes", "mirror_prefix", "lock_file")
_PLAN = _SUPPLY + (
    "target_version",
    "embedded_registry",
    "embedded_registries",
    "architecture",
    "variant",
    "data_dir",
    "program_timeout",
    "server_group",
    "pull_policy",
    "existing",
    "pinned",
    "patch_mode",
)
_ACCESS = tuple(name for name in declared.SETTINGS if name.startswith("registry"))
# Role: what it does, more about it, the settings that it reads beside those of the plan.
ROLES = {
    "observe": (
        "Observes each board with one command, and plans what they need",
        "Registers C(k3s_seen), the result of M(riscv.k3s.k3s_info), and C(k3s_run), that of M(riscv.k3s.k3s_plan), "
        "which every other role reads. Starts no Python on a board, and changes nothing.",
        _PLAN + _ACCESS + ("serial", "max_fail_percentage", "gates"),
    ),
    "start": (
        "Writes what k3s reads when it starts, and restarts it",
        "The files are registries.yaml, k3s's own settings and the archive of images. Servers are restarted one after "
        "the other, then the agents.",
        (
            "registries",
            "registries_merge",
            "registries_path",
            "preload_folder",
            "service",
            "program_timeout",
            "wait_timeout",
            "variant",
            *_ACCESS,
        ),
    ),
    "images": (
        "Fetches images for stock names, tags and pins them",
        "Everything is fetched and checked before anything is tagged.",
        ("pull_policy", "pull_retries", "deep", "existing", "pinned", "architecture", "data_dir"),
    ),
    "manifests": (
        "Patches packaged manifests of k3s, or removes the patches",
        "For servers. Every server of the cluster must be patched alike, since each applies its own folder.",
        ("patch_mode", "patch_wait", "patch_timeout", "data_dir"),
    ),
    "health": (
        "Restarts the pods that a change affects, waits until the cluster is healthy, and reports",
        "Healthy means that every node and every pod of the named namespaces is Ready. Runs on the first server.",
        ("health_namespaces", "allow_unowned", "wait_timeout", "program_timeout", "data_dir", "server_group"),
    ),
    "lock": (
        "Records which content each stock image stands for",
        "Asks the registries for the sources' digests, and writes C(images.lock.yml) on the controller. No board is "
        "changed.",
        _PLAN + _ACCESS,
    ),
    "undo": (
        "Takes back what riscv.k3s did to boards",
        "Needs no setting of the registry or the catalogue: the boards themselves record what was done. "
        "C(tasks_from=plan) only shows it.",
        (
            "undo_components",
            "undo_wait",
            "patch_timeout",
            "wait_timeout",
            "program_timeout",
            "data_dir",
            "service",
            "server_group",
        ),
    ),
    "prepare": (
        "Sets up what k3s needs of a board's kernel and system",
        "Tells what diagnose's preflight finds, and what mends it. Changes only what C(riscv_k3s_prepare) names. "
        "C(tasks_from=plan) only tells it. Reboots a board only where C(riscv_k3s_prepare_reboot) says so.",
        ("prepare", "prepare_reboot", "program_timeout", "wait_timeout", "data_dir", "server_group"),
    ),
    "upgrade": (
        "Checks whether every stock image of a k3s version is served",
        "Runs on the controller; no board is contacted. Fails if an upgrade to the version is not safe. The settings "
        "are those of the inventory's first board.",
        (
            "target_version",
            "target_manifests",
            "target_images",
            "target_disable",
            "hosts",
            "architecture",
            "variant",
            "fixes",
            "mirror_prefix",
            "catalogue",
            "catalogue_defaults",
            "catalogue_prefix",
            "registries",
            *_ACCESS,
        ),
    ),
    "image_build": (
        "Builds the images of the catalogue's build sections, and pushes them to the private registry",
        "Runs on the controller, without root and without a container engine; no board is contacted. Images that the "
        "registry already has are left alone. Catalogues are those of all boards, other settings the first one's.",
        ("catalogue", "archives_dir", "hosts", "registries", *_ACCESS),
    ),
    "install": (
        "Installs k3s on boards that have none",
        "Servers first, then agents. Brings the program, config.yaml, the token, the service, and what makes the first "
        "start healthy. C(tasks_from=plan) only tells it. A k3s that somebody else installed is left alone.",
        _PLAN
        + _ACCESS
        + (
            "binary",
            "binary_checksum",
            "binary_path",
            "package",
            *declared.OF_CONFIG,
            "registries_merge",
            "registries_path",
            "preload_folder",
            "serial",
            "wait_timeout",
            "gate_timeout",
        ),
    ),
    "enroll": (
        "Gives a key to boards that are known by their address and a password, and writes their inventory",
        "Runs on the controller. Installs a public key, sees that it logs in, and then may lock the password and set "
        "the host name. In check mode no board and no file is changed.",
        tuple(name for name in declared.SETTINGS if name.startswith("enroll_")),
    ),
    "binary": (
        "INTERNAL: brings programs of k3s to boards, as the playbooks of this collection use it",
        "It is not meant to be used by itself, and any release may change it. Its entry points are files, once for all "
        "boards, and place, on each. It reads the document of a run.",
        (),
    ),
    "rollout": (
        "INTERNAL: brings another version of k3s to boards, as the playbook upgrade uses it",
        "It is not meant to be used by itself, and any release may change it. Its entry points are plan and wave.",
        (
            "target_version",
            "binary",
            "binary_checksum",
            "binary_path",
            "package",
            "serial",
            "max_fail_percentage",
            "gates",
            "gate_timeout",
            "wait_timeout",
            "program_timeout",
            "data_dir",
            "service",
            "server_group",
        ),
    ),
    "fleet": (
        "INTERNAL: waves, gates and the lease, as the playbooks of this collection use them",
        "It is not meant to be used by itself, and any release may change it. Its entry points are begin, wave, "
        "cluster, lease and release.",
        (
            "serial",
            "max_fail_percentage",
            "gates",
            "gate_timeout",
            "gate_undo",
            "program_timeout",
            "lease_wait",
            "lease_seconds",
            "lease_take_over",
        ),
    ),
}
# Entry points beside main, which read the same settings.
_OTHERS = {
    "upgrade": {
        "prepare": (
            "Publishes the stock images of a k3s version that a mirror lacks",
            "Copies content from the catalogue's sources to C(PREFIX/STOCK-REPOSITORY:STOCK-TAG), then checks like the "
            "entry point main.",
        ),
    },
}
_KINDS = {
    "text": "Text",
    "flag": "True or false",
    "count": "A whole number from 0 on",
    "share": "A number from 0 to 100",
    "texts": "A list, or text with commas",
    "dictionary": "A dictionary",
    "dictionaries": "A list of dictionaries",
    "any": "A number, a share, or a list of these",
}
_HEAD = "---\n# Made by tools/role-specs from the declaration of the settings; do not edit.\n"


def files():
    """{path: text} of all argument specs that are made."""
    return {ROOT / "roles" / role / "meta" / "argument_specs.yml": _text(role, *row) for role, row in ROLES.items()}


def _text(role, what, more, names):
    options = {declared.PREFIX + name: _option(name) for name in dict.fromkeys(names)}
    texts = {"main": (what, more), **_OTHERS.get(role, {})}
    specs = {
        entry: {"short_description": short, "description": [long], "options": options}
        for entry, (short, long) in texts.items()
    }
    return _HEAD + yaml.dump(
        {"argument_specs": specs}, Dumper=_Indented, sort_keys=False, width=100, allow_unicode=True
    )


def _option(name):
    setting = declared.SETTINGS[name]
    kind = _KINDS[setting.kind] + (
        " of " if setting.choices and setting.kind == "texts" else ": " if setting.choices else ""
    )
    option = {
        "description": [
            SCHEMA[declared.PREFIX + name]["description"],
            kind + ", ".join("V(%s)" % choice for choice in setting.choices) + ".",
        ],
        "type": "raw",
    }
    default = declared.default_of(name)
    if default is not None:
        option["default"] = default
    if setting.secret:
        option["no_log"] = True
    return option


class _Indented(yaml.SafeDumper):
    """Lists below their key, as yamllint wants them, and nothing by reference."""

    def ignore_aliases(self, data):
        """All are written out."""
        return True

    def increase_indent(self, flow=False, indentless=False):
        """As in PyYAML, but never without an indent."""
        return super().increase_indent(flow, False)
