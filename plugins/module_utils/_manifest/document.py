# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find documents and containers in a packaged manifest and patch them, keeping every other byte. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.editor import Editor
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import ALL_CONTAINERS, POD_SPEC_PATHS, describe
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import Manifest, has_merge_key, string
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Patch field, manifest key, and the keys behind which a missing one is put.
_FIELDS = (
    ("image", "image", ("name",)),
    ("image_pull_policy", "imagePullPolicy", ("image", "name")),
    ("command", "command", ("imagePullPolicy", "image", "name")),
    ("args", "args", ("command", "imagePullPolicy", "image", "name")),
    ("env", "env", ("args", "command", "imagePullPolicy", "image", "name")),
)
_CONTAINER_LISTS = ("initContainers", "containers")


def patch_manifest(data, patches, where, drop=None):
    """Patch a manifest.

    ``data`` is the file's bytes, ``patches`` are normalised (``_manifest_patch.normalise_patches``), ``where`` names
    the file in messages. ``drop`` may be a function (kind, namespace or None, name) that returns the lines of a comment
    for a document which is to be left out, or None to keep it. Returns the new bytes; they equal ``data`` when all is
    so already. Raises Problem when a document or container is not there (it says what is), or when an edit would not be
    safe.
    """
    manifest = Manifest(data, where)
    editor = Editor(manifest)
    objects = [(document, _identity(manifest, document)) for document in manifest.documents]
    objects = [(document, identity) for document, identity in objects if identity]
    for patch in patches:
        _apply(editor, manifest, objects, patch)
    for document, identity in objects if drop else []:
        comment = drop(*identity)
        if comment:
            editor.drop(document, comment)
    return editor.result()


def identities(data, where):
    """The (kind, namespace or None, name) of each object in a manifest. Raises Problem."""
    manifest = Manifest(data, where)
    return [identity for identity in (_identity(manifest, document) for document in manifest.documents) if identity]


def _apply(editor, manifest, objects, patch):
    document = _find_document(manifest, objects, patch)
    pod = editor.cursor(document)
    for key in POD_SPEC_PATHS[patch["kind"]]:
        pod = pod.get(key) if pod else None
    place = "%s document %d (line %d)" % (manifest.where, document.number, document.line)
    containers = _containers(pod)
    if patch["container"] == ALL_CONTAINERS:
        _apply_to_all(editor, containers, patch, place)
        return
    chosen = [container for label, name, container in containers if name == patch["container"]]
    if len(chosen) != 1:
        raise Problem(
            (
                "no container %s in %s/%s" % (patch["container"], patch["kind"], patch["name"])
                if not chosen
                else "container %s is not unique" % patch["container"]
            ),
            found=_list_containers(containers),
            where=place,
            next_step="name one of these containers in the patch",
        )
    for field, key, after in _FIELDS:
        if field in patch:
            _set(editor, chosen[0], key, patch[field], after)


def _apply_to_all(editor, containers, patch, place):
    for field, key, after in _FIELDS:
        if field not in patch:
            continue
        having = [container for label, name, container in containers if container.get(key)]
        if not having:
            raise Problem(
                "no container of %s has the field %s" % (describe(patch), key),
                found=_list_containers(containers),
                where=place,
                next_step="name the container that is to get the field",
            )
        for container in having:
            _set(editor, container, key, patch[field], after)


def _set(editor, container, key, value, after):
    if key == "env":
        editor.set_env(container, value, after)
    elif isinstance(value, list):
        editor.set_texts(container, key, value, after)
    else:
        editor.set_text(container, key, value, after)


def _containers(pod):
    """(label, name, cursor) of every container in a pod's spec."""
    found = []
    for key in _CONTAINER_LISTS:
        listed = pod.get(key) if pod else None
        for container in listed.items() if listed else []:
            name = container.get("name")
            found.append(
                ("init container" if key == "initContainers" else "container", name.text if name else None, container)
            )
    return found


def _list_containers(containers):
    return ", ".join("%s %s" % (label, name) for label, name, container in containers) or "no containers at all"


def _find_document(manifest, objects, patch):
    wanted = (patch["kind"], patch["name"])
    found = [
        document
        for document, identity in objects
        if (identity[0], identity[2]) == wanted and patch.get("namespace") in (None, identity[1])
    ]
    if len(found) == 1:
        return found[0]
    listed = ["%d: %s" % (document.number, _show(identity)) for document, identity in objects]
    what = "no %s named %s" if not found else "more than one %s named %s"
    raise Problem(
        what % wanted + (" in namespace %s" % patch["namespace"] if patch.get("namespace") else ""),
        found="documents " + ", ".join(listed) if listed else "no objects at all",
        where=manifest.where,
        next_step="adapt the patch to this version's manifest" if not found else "name the namespace in the patch",
    )


def _identity(manifest, document):
    """(kind, namespace or None, name) of a document, or None when it is no Kubernetes object. Raises Problem where not
    every reader
    of YAML would read the same: of a key that occurs twice one takes the first value, and another one the last.
    """
    place = "%s document %d (line %d)" % (manifest.where, document.number, document.line)
    kind, metadata = _lookup(document.data, "kind", place), _lookup(document.data, "metadata", place)
    name, namespace = _lookup(metadata, "name", place), _lookup(metadata, "namespace", place)
    if _text(kind) is None or _text(name) is None:
        return None
    return _text(kind), _text(namespace), _text(name)


def _lookup(data, key, place):
    if not data or data[0] != "mapping":
        return None
    found = [value for name, value in data[1] if name == string(key)]
    if len(found) > 1 or has_merge_key(data):
        why = "the key %s twice" % key if len(found) > 1 else "a merge key (<<)"
        raise Problem(
            "it is not certain which object this document is", found=why, where=place, next_step="write it out plainly"
        )
    return found[0] if found else None


def _text(data):
    return data[2] if data and data == string(data[-1]) else None


def _show(identity):
    kind, namespace, name = identity
    return "%s %s%s" % (kind, namespace + "/" if namespace else "", name)
