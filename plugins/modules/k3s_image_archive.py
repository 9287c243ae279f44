#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_image_archive
short_description: Record archives of images that k3s imports, and remove them
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Notes in the board's journal that an archive is about to be placed in C(agent/images), and which names k3s will
    import from it, so that
    C(ansible-playbook riscv.k3s.undo) can take both away. It places nothing; the archive is too large for an option.
  - Removes archives of this collection. The names that k3s imported from them stay.
options:
  archives:
    description:
      - File names in C(DATA_DIR/agent/images), such as C(riscv-k3s-0123456789ab.tar). Other names are refused.
    type: list
    elements: str
    required: true
  images:
    description:
      - What the archives bring, when O(state=announced), each name with the digest that it will stand for.
        With V(null), any content that it has afterwards counts as the archive's.
    type: dict
    default: {}
  renewed:
    description:
      - With O(state=announced), archives that are there are imported at the next start of k3s, and nothing is noted.
        With a file C(.cache.json) beside it, k3s imports an archive once. They are taken out of that, and get a new
        time. One that is damaged is removed, and the module fails.
    type: bool
    default: false
  state:
    description:
      - V(announced) writes the journal, and makes the folder of archives if it is not there.
      - V(absent) removes the archives.
    type: str
    choices: [announced, absent]
    default: announced
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  diff_mode:
    support: none
    details:
      - An archive has no text to compare.
seealso:
  - module: riscv.k3s.registry_image_archive
"""

EXAMPLES = r"""
- name: Note what is about to be placed
  riscv.k3s.k3s_image_archive:
    archives: [riscv-k3s-0123456789ab.tar]
    images:
      docker.io/rancher/mirrored-pause:3.6: sha256:76ae54bb0e9cc44b8219fdef3872b83c5d9bcb07916c0038842f203f42230e38
  become: true

- name: Remove an archive
  riscv.k3s.k3s_image_archive:
    archives: [riscv-k3s-0123456789ab.tar]
    state: absent
  become: true
"""

RETURN = r"""
archives:
  description: A row for each archive.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Its path.
      type: str
      sample: /var/lib/rancher/k3s/agent/images/riscv-k3s-0123456789ab.tar
    changed:
      description: Whether the archive or its entry in the journal changed.
      type: bool
      sample: true
"""

import copy
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Containerd
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import make_folder
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal import import_cache as _import_cache
from ansible_collections.riscv.k3s.plugins.module_utils._journal import owned_files as _own_files
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY, opened
from ansible_collections.riscv.k3s.plugins.module_utils._registry.held import read as _read_held
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import is_digest, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem


def run(params, check_mode, programs):
    """The module's result for its ``params``; ``programs`` is a Programs."""
    paths = [_own_files.archive_path(programs.data_dir, name) for name in params["archives"]]
    images = {normalise(name): _digest(name, digest) for name, digest in params["images"].items()}
    with opened(programs.data_dir, check_mode) as journal:
        if params["state"] == "absent":
            rows = [{"path": path, "changed": _own_files.remove_archive(journal, path, check_mode)} for path in paths]
        elif params["renewed"]:
            rows = [_renew(journal, path, check_mode) for path in paths]
        else:
            rows = _announce(journal, paths, images, Containerd(programs), check_mode)
    return {"changed": any(row["changed"] for row in rows), "archives": rows}


def _announce(journal, paths, images, containerd, check_mode):
    before = copy.deepcopy(journal.data)
    store = containerd.images() if images else {}
    for name, digest in images.items():
        journal.will_set(name, digest, True, store.get(name), ", ".join(path.rpartition("/")[2] for path in paths))
    for path in paths:
        journal.will_place(path)
    if not check_mode:
        # First the note: it tells that the folder was not there.
        journal.save()
        for path in paths:
            make_folder(os.path.dirname(path))
            _import_cache.forget(path)
    changed = journal.images != before["images"]
    return [{"path": path, "changed": changed or path not in before["files"]} for path in paths]


def _renew(journal, path, check_mode):
    if not os.path.isfile(path):
        raise Problem("%s is not there" % path, next_step="run again: it is placed then")
    # A power cut after it was copied may have halved it: k3s would be restarted for it in vain, run after run.
    if not _is_whole(path):
        _own_files.remove_archive(journal, path, check_mode)
        raise Problem(
            "the archive of images is damaged, so k3s cannot import it",
            found="its content is not what its names and checksums say",
            where=path,
            next_step="run again, which brings it anew%s" % ("" if check_mode else ": it is removed"),
        )
    if not check_mode:
        _import_cache.forget(path)
        os.utime(path)
    return {"path": path, "changed": True}


def _is_whole(path):
    try:
        held = _read_held(path)
    except Problem as problem:
        error = problem.__cause__
        if isinstance(error, OSError):
            # What cannot be read may be whole: it stays.
            raise Problem(
                "the archive of images cannot be read",
                found=error.strerror or str(error),
                where=path,
                next_step="see what `dmesg` says of that disk, then run again",
            ) from problem
        return False
    # One of nothing but zeros holds no name.
    return held.whole and bool(held.names)


def _digest(name, digest):
    if digest is None:
        return ANY
    if not is_digest(digest):
        raise Problem(
            "the digest of %s is not valid" % name, found=repr(digest), next_step="write sha256: and 64 hex digits"
        )
    return digest


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            archives={"type": "list", "elements": "str", "required": True},
            images={"type": "dict", "default": {}},
            renewed={"type": "bool", "default": False},
            state={"type": "str", "choices": ["announced", "absent"], "default": "announced"},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        module.exit_json(**run(module.params, module.check_mode, Programs(module.params)))


if __name__ == "__main__":
    main()
