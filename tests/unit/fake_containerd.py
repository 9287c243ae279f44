# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small containerd behind the Runner's interface: ctr and crictl change and print a store kept in memory.

    fake = FakeContainerd("1.6.20", registry={"10.99.0.1:5000/riscv64/coredns:1.0": Content("coredns 1.0")})
    programs = Programs({"k3s": "k3s"}, fake, is_root=True)

It behaves and prints as recorded from containerd 1.6.20 and 2.4.2: 1.6 refuses to tag an existing name without
--force and copies labels; from 1.7 on a tag replaces the record and drops its labels; a pull of an existing name
drops the pin and adds name@digest and the image's ID as names of their own; 2.x leaves the name of a pull that failed.
"""

import hashlib
import json
import pathlib
import shutil

from fakes import FakeRunner

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

MANAGED = {"io.cri-containerd.image": "managed"}
PIN = {"io.cri-containerd.pinned": "pinned"}
_WITH_VALUE = ("--address", "--namespace", "--runtime-endpoint", "--image-endpoint")


class Content:
    """What a name stands for. ``seed`` makes the digests; ``files`` is a folder with the image's filesystem.

    ``only_elsewhere``: an index that has nothing for the board, which its containerd refuses to pull.
    """

    def __init__(
        self,
        seed,
        architecture="riscv64",
        entrypoint=("/program",),
        files=None,
        size=805,
        system="linux",
        only_elsewhere=False,
    ):
        self.digest = "sha256:" + hashlib.sha256(seed.encode()).hexdigest()
        self.id = "sha256:" + hashlib.sha256(b"config " + seed.encode()).hexdigest()
        self.architecture = architecture
        self.system = system
        self.only_elsewhere = only_elsewhere
        self.entrypoint = list(entrypoint)
        self.files = files
        self.size = size


class FakeContainerd(FakeRunner):
    """``registry`` maps full names to a Content, to what crictl prints when it fails, or to a list of these, one a
    pull.

    ``store`` maps names to [Content, labels]; ``unusable`` holds names that only ctr knows, as after a pull that broke
    off. ``deaf`` names verbs of ctr and crictl that exit with 0 and do nothing, ``refused`` names that no tag and no
    label is given, and that are not removed. ``changes_left`` is after how many changes of ctr, name by name, the
    module is killed, None for never.
    """

    def __init__(self, version="1.6.20", registry=None):
        super().__init__()
        self.version = version
        self.registry = dict(registry or {})
        self.store = {}
        self.unusable = set()
        self.deaf = set()
        self.refused = set()
        self.changes_left = None

    @property
    def old(self):
        """Whether this is containerd 1.6 or before."""
        return tuple(int(number) for number in self.version.split(".")[:2]) < (1, 7)

    @property
    def writes(self):
        """The calls that may change the store, without the words before the verb."""
        verbs = ("tag", "label", "rm", "pull")
        words = [_words(argv) for argv in self.calls]
        return [line[1:] if line[0] == "crictl" else line[2:] for line in words if set(line[1:3]) & set(verbs)]

    def put(self, name, content, pinned=False):
        """Have a name in the store as a pull would leave it."""
        parsed = ImageName.parse(name)
        for each in (name, f"{parsed.name}@{content.digest}", content.id):
            self.store[each] = [content, dict(MANAGED)]
        if pinned:
            self.store[name][1].update(PIN)

    def names(self):
        """{tagged name: (digest, pinned)}, for asserts."""
        return {
            name: (content.digest, PIN.items() <= labels.items())
            for name, (content, labels) in self.store.items()
            if "@" not in name and "/" in name
        }

    def answer(self, argv, stdin):
        words = _words(argv)
        if words[0] == "crictl":
            verb, rest = words[1], words[2:]
        elif words[1] == "images":
            verb, rest = "images_" + words[2], words[3:]
        else:
            verb, rest = words[1], words[2:]
        if verb.rpartition("_")[2] in self.deaf:
            return 0, "", ""
        return getattr(self, "_" + verb)(rest)

    def _version(self, _rest):
        text = f"  Version:  {self.version}\n  Revision: x\n"
        return (
            0,
            f"Client:\n{text}  Go version: go1.19.8\n\nServer:\n{text}  UUID: ad487c4f-94d8-4b48-8c13-c9c90287d4f7\n",
            "",
        )

    def _images_ls(self, _rest):
        rows = [["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"]]
        for name, (content, labels) in sorted(self.store.items()):
            text = ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "-"
            kind = "application/vnd.oci.image.manifest.v1+json"
            rows.append(
                [name, kind, content.digest, f"{content.size:.1f} B", f"{content.system}/{content.architecture}", text]
            )
        widths = [max(len(row[column]) for row in rows) + 1 for column in range(6)]
        return 0, "".join("".join(cell.ljust(width) for cell, width in zip(row, widths)) + "\n" for row in rows), ""

    def _images_tag(self, rest):
        force, names = "--force" in rest, [word for word in rest if word != "--force"]
        source, targets = names[0], names[1:]
        if source not in self.store:
            return 1, "", f'ctr: image "{source}": not found'
        content, labels = self.store[source]
        for target in targets:
            if target in self.refused:
                return 1, "", f"ctr: invalid reference {target}"
            if self.old and target in self.store and not force:
                return 1, "", f'ctr: image "{target}": already exists'
            self._change()
            self.store[target] = [content, dict(labels) if self.old else dict(MANAGED)]
        return 0, "".join(target + "\n" for target in targets), ""

    def _images_label(self, rest):
        name, labels = rest[0], rest[1:]
        if name in self.refused:
            return 1, "", f"ctr: cannot update {name}"
        if name not in self.store:
            return 1, "", f'ctr: image "{name}": not found'
        self._change()
        for label in labels:
            key, _equals, value = label.partition("=")
            self.store[name][1].pop(key, None)
            if value:
                self.store[name][1][key] = value
        return 0, ",".join(f"{key}={value}" for key, value in self.store[name][1].items()) + "\n", ""

    def _images_rm(self, rest):
        for name in rest:
            if name in self.refused:
                return 1, "", f"ctr: unable to delete {name}"
            self._change()
            self.store.pop(name, None)
        return 0, "".join(name + "\n" for name in rest), ""

    def _change(self):
        if self.changes_left is not None:
            if not self.changes_left:
                raise KeyboardInterrupt
            self.changes_left -= 1

    def _images_mount(self, rest):
        name, folder = rest
        shutil.copytree(self.store[name][0].files, folder, symlinks=True, dirs_exist_ok=True)
        return 0, folder + "\n", ""

    def _images_unmount(self, rest):
        folder = pathlib.Path(rest[-1])
        shutil.rmtree(folder)
        folder.mkdir()
        return 0, f"{folder}\n", ""

    def _pull(self, rest):
        (name,) = rest
        answer = self.registry.get(name, _not_found(name))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, str):
            return 1, "", answer
        if answer.only_elsewhere:
            if not self.old:
                self.store[name] = [answer, dict(MANAGED)]
                self.unusable.add(name)
            return 1, "", failure(name, "no match for platform in manifest: not found")
        self.put(name, answer)
        self.unusable.discard(name)
        return 0, f"Image is up to date for {answer.id}\n", ""

    def _inspecti(self, rest):
        names = [word for word in rest if word not in ("-o", "json")]
        for name in names:
            if name not in self.store or name in self.unusable:
                return 1, "", f'time="2026-11-24T20:35:56Z" level=fatal msg="no such image \\"{name}\\" present"\n'
        found = [_status(*self.store[name], name) for name in names]
        return 0, json.dumps(found if len(found) > 1 else found[0], indent=2) + "\n", ""


def failure(name, reason):
    """What crictl prints when containerd could not pull ``name``, for a ``reason`` as recorded."""
    quoted = reason.replace('\\"', '"').replace('"', '\\"')
    wrapped = f'failed to pull and unpack image \\"{name}\\": failed to resolve reference \\"{name}\\": {quoted}'
    return f'time="2026-11-24T20:36:47Z" level=fatal msg="pulling image: {wrapped}"\n'


def _not_found(name):
    return failure(name, f"{name}: not found")


def _status(content, labels, name):
    parsed = ImageName.parse(name)
    config = {"Entrypoint": content.entrypoint, "Env": ["PATH=/usr/bin:/bin"]}
    return {
        "info": {
            "chainID": content.id,
            "imageSpec": {"architecture": content.architecture, "config": config, "os": content.system},
        },
        "status": {
            "id": content.id,
            "pinned": PIN.items() <= labels.items(),
            "repoDigests": [f"{parsed.name}@{content.digest}"],
            "repoTags": [name],
            "size": str(content.size),
            "username": "",
        },
    }


def _words(argv):
    """``k3s ctr --namespace k8s.io images ls`` and the same with ``/usr/bin/ctr`` as [ctr, images, ls]."""
    words = (
        list(argv[1:]) if pathlib.PurePath(argv[0]).name == "k3s" else [pathlib.PurePath(argv[0]).name] + list(argv[1:])
    )
    assert words[0] in ("ctr", "crictl"), f"an unexpected program was started: {argv}"
    words = [word for word in words if not word.startswith(("--timeout=", "--connect-timeout="))]
    while words[1] in _WITH_VALUE:
        assert words[1] != "--namespace" or words[2] == "k8s.io", argv
        del words[1:3]
    return words
