#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a program into an OCI image and push it, without a container engine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_image_build
short_description: Build an OCI image from a program and push it, without a container engine
version_added: "1.0.0"
description:
  - Takes a program out of a release archive (or a program or a folder as it is), makes a container image of one layer
    of it, and pushes it to a registry.
  - Meant for programs whose upstream publishes riscv64 binaries but no riscv64 image.
  - Needs neither root nor docker, podman or buildah; C(skopeo) uploads what it made. Runs where the archive is, which
    is the controller as a rule
    (a play for C(localhost), or C(delegate_to)).
  - Errors that would only appear on a board when the container starts are found before anything is pushed, such as a
    file of
    another architecture,
    a dynamically linked program without its loader, an entrypoint that is not in the image, and a user that the image
    does not know.
author:
  - The riscv.k3s developers (@riscv-k3s)
extends_documentation_fragment:
  - riscv.k3s.registries
  - riscv.k3s.attributes
attributes:
  check_mode:
    details:
      - The image is built in a temporary folder and compared with what the registry has. Nothing is pushed and no
        archive is written.
  diff_mode:
    details:
      - The digest and the config of the image that the tag named before and names after.
  idempotent:
    details:
      - The same input gives the same image on every controller. Nothing is uploaded when the tag already names an image
        with the same config.
options:
  src:
    description:
      - A release archive (C(.tgz), C(.tar.gz), C(.txz), C(.tar.xz), C(.tar.bz2), C(.tar), C(.zip)), one program, also
        packed as C(program.gz),
        C(.xz) or C(.bz2), or a folder. The type is detected by content, not by name.
      - May be a shell pattern that matches exactly one file, for example V(files/coredns_*_linux_riscv64.tgz).
      - If two members have the same name, the later one counts. Names with backslashes in a zip made on Windows are
        paths.
      - An archive with a member that leaves it (an absolute path, C(..), a drive of Windows, a link to outside) is
        refused. So are loops of links,
        sparse files, pipes, devices, encrypted members, and methods of zip beside Deflate, bzip2 and LZMA (Deflate64
        among them).
      - Archives beyond these limits are refused, too. The limits are 100000 members, 4 GiB unpacked,
        beyond 64 MiB also 200 times
        the packed size, 255 folders above a file, and 40 links in a row.
    type: path
    required: true
  image:
    description:
      - Full reference of the image with registry and tag, for example V(192.168.173.76:6000/riscv64/coredns:1.14.7).
    type: str
    required: true
  architecture:
    description:
      - OCI name of the architecture that all programs in the image must have, by their ELF headers.
    type: str
    choices: ["386", amd64, arm, arm64, loong64, ppc64le, riscv64, s390x]
    default: riscv64
  content:
    description:
      - V(program) puts one program of O(src) into the image, V(all) everything in O(src).
      - Objects for the kernel's BPF and for the linker are not programs. They are not chosen, and their architecture
        does not matter.
      - The default is V(all) for a folder and V(program) otherwise.
    type: str
    choices: [program, all]
  program:
    description:
      - Path of the program inside O(src), where O(src) holds more than one.
    type: str
  dest:
    description:
      - Path in the image of the program (default V(/NAME)), or with O(content=all) of the folder that takes everything
        (default V(/)).
    type: str
  files:
    description:
      - More files for the image. They replace files of the same path from O(src).
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: Path of the file where the module runs.
        type: path
        required: true
      dest:
        description: Path of the file in the image.
        type: str
        required: true
      mode:
        description: Octal mode, in quotes.
        type: str
        default: "0644"
  links:
    description:
      - Symbolic links for the image, path to target, for example C(/bin/sh) to C(busybox).
    type: dict
    default: {}
  ca_certificates:
    description:
      - Certificate authorities that programs in the image trust, put at C(/etc/ssl/certs/ca-certificates.crt).
      - A path of a bundle, V(true) for the bundle of the machine the module runs on, V(false) for none.
      - With V(true) the image changes with that machine's bundle.
    type: raw
    default: false
  entrypoint:
    description:
      - Command line of the program. With O(content=program) and neither this nor O(cmd) it is the program's path.
    type: list
    elements: str
  cmd:
    description:
      - Arguments that a pod's C(args) replace.
    type: list
    elements: str
  user:
    description:
      - User and group the program runs as, as numbers (for example V(65532:65532)), or names when the image has
        C(/etc/passwd).
      - Unset means root.
    type: str
  env:
    description:
      - Environment variables.
    type: dict
    default: {}
  workdir:
    description:
      - Working folder of the program.
    type: str
  labels:
    description:
      - Labels of the image.
    type: dict
    default: {}
  annotations:
    description:
      - Annotations of OCI, for example C(org.opencontainers.image.source), in the manifest, and with O(index=true) in
        the index.
      - They are labels of the image, too, since containerd on a board shows these only.
      - A time of creation would make another image with each build. So leave it out.
    type: dict
    default: {}
  index:
    description:
      - Publish an image index that lists the image with its platform, instead of only the manifest.
      - Both work on a board of that architecture. A containerd of another architecture refuses such an index.
    type: bool
    default: false
  push:
    description:
      - Push to the registry that O(image) names.
    type: bool
    default: true
  archive:
    description:
      - Also, or with O(push=false) only, write the image to this tar file, under the name O(image).
      - C(ctr images import), the folder C(agent/images) of k3s and C(docker load) take it.
      - An existing file that is not a tar archive, or a folder, is never replaced.
    type: path
seealso:
  - module: riscv.k3s.go_program_build
  - module: riscv.k3s.debian_files_fetch
  - module: riscv.k3s.crictl_image_pull
  - module: riscv.k3s.crictl_image_tag
"""

EXAMPLES = r"""
- name: CoreDNS from its release archive
  riscv.k3s.oci_image_build:
    src: files/coredns_1.14.7_linux_riscv64.tgz
    image: 192.168.173.76:6000/riscv64/coredns:1.14.7
    entrypoint: [/coredns]
    registries:
      - host: 192.168.173.76:6000
        plain_http: true
  delegate_to: localhost
  run_once: true

- name: A shell and its usual commands from one static program
  riscv.k3s.oci_image_build:
    src: files/busybox_*_linux_riscv64.tgz
    image: registry.example.org/riscv64/busybox:1.37.0
    dest: /bin/busybox
    links:
      /bin/sh: busybox
      /bin/mkdir: busybox
      /bin/rm: busybox
    cmd: [sh]
    registries:
      - host: registry.example.org
        ca_file: files/registry-ca.pem
  delegate_to: localhost
  run_once: true

- name: A pause image as a file for boards that have no registry
  riscv.k3s.oci_image_build:
    src: files/pause
    image: docker.io/rancher/mirrored-pause:3.6
    user: "65535:65535"
    push: false
    archive: files/pause.tar
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
image:
  description: Full name of the image.
  returned: success
  type: str
  sample: 192.168.173.76:6000/riscv64/coredns:1.14.7
digest:
  description: Digest that the tag names, of the manifest or with O(index=true) of the index.
  returned: success
  type: str
  sample: sha256:56c692eb39779f97de147d2dcc64b083047e0aeb3b13a1126f039b4f122a094f
config_digest:
  description: Digest of the config, which is what crictl calls the image ID.
  returned: success
  type: str
  sample: sha256:311e9f371dc637405204f649ab87c29f1d51cc9e3f87fb5427c08284b876cc9a
architecture:
  description: OCI name of the architecture.
  returned: success
  type: str
  sample: riscv64
size:
  description: Bytes of the compressed layer, the config and the manifests.
  returned: success
  type: int
  sample: 21452498
layers_pushed:
  description:
    - Digests of the blobs that the image under this tag did not have before. Those that the registry had under another
      name were not uploaded.
  returned: when O(push=true)
  type: list
  elements: str
  sample: ["sha256:22d43785dc6987956712fff2bfbd8a0f0a49547f855442fc96e7623f205096dd"]
layers_skipped:
  description: Digests of the blobs that it had.
  returned: when O(push=true)
  type: list
  elements: str
  sample: []
archive:
  description: Path of the archive.
  returned: when O(archive) is set
  type: str
  sample: files/pause.tar
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.parsing.convert_bool import BOOLEANS, boolean

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import OwnFolder, cache_folder
from ansible_collections.riscv.k3s.plugins.module_utils._oci.archive import save
from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Spec, build
from ansible_collections.riscv.k3s.plugins.module_utils._registry.publish import publish
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import REGISTRY_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.elf import ARCHITECTURES
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import DEFAULT_REGISTRY, ImageName, names_tag
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem

ARGUMENT_SPEC = {
    **REGISTRY_OPTIONS,
    "src": {"type": "path", "required": True},
    "image": {"type": "str", "required": True},
    "architecture": {"type": "str", "choices": sorted(ARCHITECTURES.values()), "default": "riscv64"},
    "content": {"type": "str", "choices": ["program", "all"]},
    "program": {"type": "str"},
    "dest": {"type": "str"},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "src": {"type": "path", "required": True},
            "dest": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
    },
    "links": {"type": "dict", "default": {}},
    "ca_certificates": {"type": "raw", "default": False},
    "entrypoint": {"type": "list", "elements": "str"},
    "cmd": {"type": "list", "elements": "str"},
    "user": {"type": "str"},
    "env": {"type": "dict", "default": {}},
    "workdir": {"type": "str"},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "index": {"type": "bool", "default": False},
    "push": {"type": "bool", "default": True},
    "archive": {"type": "path"},
}
# Debian and most others, Red Hat and openEuler, Alpine and the BSDs.
_SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def run(params, check_mode, work):
    """Build, push and save as ``params`` say, with the folder ``work`` for what is made on the way; returns the
    module's result.
    """
    name = _name(params)
    image = build(_spec(params), work)
    result = {"image": name.full, "architecture": image.architecture, "config_digest": image.config.digest}
    changed, diff = False, []
    if params["push"]:
        with Skopeo.of(params) as skopeo:
            done = publish(skopeo, name, image, work, dry_run=check_mode)
        result.update(digest=done.digest, size=done.size, layers_pushed=done.pushed, layers_skipped=done.skipped)
        changed = done.changed
        diff.append(_diff("image", name.full, (done.before, done.config_before), (done.digest, image.config_json)))
    else:
        result.update(digest=image.top.digest, size=image.size)
    if params["archive"]:
        saved = save(image, name, params["archive"], dry_run=check_mode)
        result.update(archive=params["archive"])
        changed = changed or saved.before != saved.after
        diff.append(_diff("archive", params["archive"], (saved.before, None), (saved.after, None)))
    return dict(result, changed=changed, diff=diff)


def _diff(kind, name, before, after):
    sides = [
        dict({kind: name, "digest": digest}, **({"config": config} if config else {})) if digest else {}
        for digest, config in (before, after)
    ]
    return {"before": sides[0], "after": sides[1]}


def _name(params):
    name = ImageName.parse(params["image"])
    if not params["push"] and not params["archive"]:
        raise Problem(
            "there is nothing to do with %s" % name.full,
            found="push: false and no archive",
            next_step="set push: true, or archive to a path",
        )
    if name.digest:
        raise Problem(
            "%s cannot be built" % name.full,
            found="a digest in image",
            next_step="name a tag: the digest is what the build gives",
        )
    if not names_tag(params["image"]):
        raise Problem(
            "%s cannot be built" % params["image"],
            found="no tag in image",
            next_step="name a tag, for example latest",
        )
    if params["push"] and name.registry == DEFAULT_REGISTRY:
        raise Problem(
            "%s cannot be pushed" % params["image"],
            found="no registry in image, so it means %s" % name.full,
            next_step="write your own registry in front, as HOST:PORT/REPOSITORY:TAG, or set push: false and archive",
        )
    return name


def _spec(params):
    fields = {
        field: params[field]
        for field in Spec._fields
        if field not in ("files", "ca_certificates", "env", "labels", "annotations", "links")
    }
    files = [dict(item, mode=_mode(item["mode"])) for item in params["files"]]
    for field in ("env", "labels", "annotations", "links"):
        fields[field] = {str(key): str(value) for key, value in params[field].items()}
    return Spec(files=files, ca_certificates=_bundle(params["ca_certificates"]), **fields)


def _mode(text):
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise Problem("%r is not a file mode" % text, next_step='write it in quotes and octal, for example "0644"')
    return mode


def _bundle(value):
    if isinstance(value, str) and value.lower() not in BOOLEANS:
        return value
    if not boolean(value):
        return None
    for path in _SYSTEM_BUNDLES:
        if os.path.isfile(path):
            return path
    raise Problem(
        "no bundle of authorities was found on this machine",
        found="none of " + ", ".join(_SYSTEM_BUNDLES),
        next_step="set ca_certificates to a path",
    )


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    with fail_on_problem(module), OwnFolder(cache_folder("builds")) as work:
        result = run(module.params, module.check_mode, work.path)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
