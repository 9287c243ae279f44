# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dictionaries that rooms hand to one another, as types. They are what modules return, so they stay dictionaries.

`tests/unit/test_shapes.py` holds recorded outputs and a plan against them.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict


class ImageRow(TypedDict):
    """An image in containerd's store, as k3s_info returns it."""

    name: str
    digest: str
    platforms: List[str]
    pinned: bool
    size: int  # bytes


class StoredImage(ImageRow):
    """The same with all that ctr tells of it."""

    labels: Dict[str, str]


class SandboxRow(TypedDict):
    """A sandbox as crictl lists it."""

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    state: str  # ready or notready
    created_at: str
    labels: Dict[str, str]


class ContainerRow(TypedDict):
    """A container as crictl lists it."""

    id: str
    sandbox_id: str
    name: str
    image: str
    image_id: str
    state: str
    attempt: int
    created_at: str


class Owner(TypedDict):
    kind: str
    name: str


class ApiContainer(TypedDict):
    """A container as the API shows it; ``init`` tells those that run before the others."""

    name: str
    image: str
    image_id: str
    ready: bool
    restarts: int
    state: str
    reason: str
    message: str
    exit_code: Optional[int]
    init: bool
    last_reason: str


class ApiPod(TypedDict):
    """A pod as the API shows it."""

    namespace: str
    name: str
    uid: str
    static_uid: str  # of a static pod's mirror, else empty
    node: str
    phase: str
    ready: bool
    reasons: List[str]
    labels: Dict[str, str]
    owner: Optional[Owner]
    deleting: bool
    deleted_at: Optional[str]
    images: List[str]
    containers: List[ApiContainer]
    ip: str
    created_at: str


class _NodeRow(TypedDict):
    name: str
    uid: str
    ready: bool
    architecture: str
    internal_ip: str
    created_at: str
    boot_id: str
    machine_id: str
    kubelet: str  # its version
    runtime: str  # such as containerd://2.1.5-k3s1


class ApiNode(_NodeRow, total=False):
    """A node as the API shows it."""

    args: str  # k3s's command line, as JSON: until it is read as settings
    env: str
    settings: Optional[Dict[str, Any]]  # with which its k3s runs; None where it does not tell
    role: Optional[str]  # of its k3s, likewise


class ApiAddon(TypedDict):
    """What k3s's deploy controller says of a manifest."""

    name: str
    checksum: str
    source: str


class ApiObjects(TypedDict):
    """What one query asks the API for."""

    nodes: List[ApiNode]
    pods: List[ApiPod]
    addons: List[ApiAddon]


class PodEvent(TypedDict):
    """The latest warning about a pod."""

    reason: str
    message: str


class Api(ApiObjects, total=False):
    """The cluster as one server's API shows it; without lists worth reading when it is not ``reachable``."""

    reachable: bool
    error: Optional[str]
    late: bool  # it was asked and did not answer in time: it may be slow, and not down
    unread: List[str]  # a sentence for each object of the answer that cannot be read
    events: Dict[str, PodEvent]  # by the pod's UID


class PodContainer(TypedDict):
    """A container of a joined pod: the latest attempt, from containerd and the API."""

    name: str
    id: Optional[str]
    image: str
    image_id: str
    state: str
    exit_code: Optional[int]
    restarts: int
    reason: str


class ApiView(TypedDict):
    """What a joined pod keeps of the API's pod."""

    phase: str
    ready: bool
    reasons: List[str]
    owner: Optional[Owner]
    deleting: bool


class PodRow(TypedDict):
    """A pod as containerd and the API see it together, a row for each sandbox."""

    namespace: str
    name: str
    uid: str
    node: Optional[str]
    sandbox_id: Optional[str]
    attempt: Optional[int]
    state: Optional[str]
    ip: Optional[str]
    network_namespace: Optional[str]
    created_at: str
    labels: Dict[str, str]
    containers: List[PodContainer]
    api: Optional[ApiView]
    relation: Optional[str]
    cause: Optional[str]
    mismatch: Optional[str]


class BoardPodRow(PodRow):
    """A joined pod of a fleet; ``board`` is None where no board is its node."""

    board: Optional[str]


class ObservingError(TypedDict):
    """A program that failed while a board was observed."""

    section: str
    rc: Optional[int]
    message: str


class DemandRow(TypedDict):
    """An image that something asks for, and where."""

    image: str
    where: List[str]
    required: bool


class _Known(TypedDict):
    machine: str
    architecture: str
    hostname: str
    data_dir: str
    data_dir_is_given: bool
    config_file: str
    file_settings: Optional[Dict[str, Any]]
    identity: Dict[str, Any]
    service: Optional[str]
    manager: Optional[str]
    doubts: List[str]
    errors: List[ObservingError]


class Observed(_Known, total=False):
    """What k3s_info returns for a board. Beside what is always known, the parts that were asked for; a part is None
    where the board did not tell it.
    """

    k3s: Dict[str, Any]
    containerd: Dict[str, Any]
    config: Dict[str, Any]
    config_fault: Optional[str]
    own_config: Optional[List[Dict[str, Any]]]
    pause_image: Optional[str]
    registries: Dict[str, Any]
    # Results of closer looks by their kind, where there were any (roles/observe/tasks/closer.yml).
    closer: Dict[str, Any]
    journal: Dict[str, Any]
    manifests: Optional[List[Dict[str, Any]]]
    # Of a board that is planned as what it will be.
    has_not_run: bool
    demand: List[DemandRow]
    images: Optional[List[ImageRow]]
    image_configs: Optional[Dict[str, str]]  # digest of a config to what its record stands for
    contents: Optional[Dict[str, Any]]
    preloads: Optional[List[Dict[str, Any]]]
    disk: Optional[Dict[str, Any]]
    sandboxes: Optional[List[SandboxRow]]
    containers: Optional[List[ContainerRow]]
    api: Api
    details: Optional[Dict[str, Any]]
    logs: Dict[str, List[str]]
    preflight: Optional[Dict[str, Any]]
    system: Optional[Dict[str, Any]]
    dns: Dict[str, Any]
    service_state: Optional[Dict[str, Any]]
    last_words: List[str]
    imports: List[str]


class RegistryAnswer(TypedDict):
    """What a registry says of an image, as registry_image_info returns it; None is what is not known."""

    image: str
    exists: Optional[bool]
    digest: Optional[str]
    media_type: Optional[str]
    platforms: List[str]
    size: Optional[int]
    user: Optional[str]  # that its config names, "" for root
    origin: Optional[str]  # what it says of that itself
    has_architecture: Optional[bool]
    cause: Optional[str]
    message: Optional[str]


class PlannedImage(TypedDict):
    """An image that a board is asked for, and the fix that serves it."""

    image: str
    source: Optional[str]
    fix: str
    reason: str
    tag_from: Optional[str]
    where: List[str]
    required: bool
    mirrored: Optional[str]  # the name by which a mirror, or k3s's default registry, would hold it
    locked: Optional[str]  # the digest that the lock wants
    preload: bool


class LockCandidate(TypedDict):
    """An image that is to be locked, and the references to ask for it, the first that boards would take in front."""

    image: str
    architecture: str
    sources: List[str]
    required: bool


class Tag(TypedDict):
    """Names that are tagged from another one, as crictl_image_tag takes them."""

    source: str
    targets: List[str]


class PlannedRegistries(TypedDict):
    """What is to be done about registries.yaml; ``shared`` are the hosts named there for the embedded registry.

    ``merge``: what else stands there is kept. ``look``: a closer look must tell first what that is. ``refused``: why it
    is not written, or None.
    """

    change: bool
    restart: bool
    reason: str
    shared: List[str]
    merge: bool
    look: bool
    refused: Optional[str]
    warnings: List[str]


class PlannedConfig(TypedDict):
    """What is to be done about the own file in config.yaml.d; ``text`` is None where it is to go."""

    change: bool
    restart: bool
    reason: str
    path: str
    text: Optional[str]
    pending: bool


class ArchivedImage(TypedDict):
    """An image of an archive, as registry_image_archive takes it."""

    source: Optional[str]
    targets: List[str]
    digest: Optional[str]


class PlannedArchive(TypedDict):
    """What is to be done about the archive in agent/images; ``archive`` is its name, or None: none is wanted."""

    archive: Optional[str]
    architecture: str
    images: List[ArchivedImage]
    place: bool
    change: bool
    restart: bool
    renew: bool  # whether k3s is to import it once more
    obsolete: List[str]
    reason: str


class PlannedPatch(TypedDict, total=False):
    """A patch as k3s_manifest_patch takes it, and why; of an overlay that goes only the manifest is named."""

    manifest: str
    kind: str
    name: str
    reason: str
    patch: Dict[str, Any]


class PlannedPatches(TypedDict):
    present: List[PlannedPatch]
    absent: List[PlannedPatch]


class Plan(TypedDict):
    """What is to be done on one board."""

    board: str
    architecture: str
    k3s_version: Optional[str]
    images: List[PlannedImage]
    registries: PlannedRegistries
    config: PlannedConfig
    preload: PlannedArchive
    pulls: List[str]
    digests: Dict[str, str]
    tags: List[Tag]
    unpins: List[Tag]
    patches: PlannedPatches
    warnings: List[str]
    problems: List[PlannedImage]
    changes: int


class UndoneFile(TypedDict):
    """A file that is taken back; ``settle`` says that k3s is restarted for it."""

    path: str
    action: str
    settle: bool
    warning: Optional[str]


class UndoPlan(TypedDict):
    """What is to be taken back on one board."""

    board: str
    node: Optional[str]
    k3s_version: Optional[str]
    manifests: List[str]
    patches: List[Dict[str, str]]
    files: List[UndoneFile]
    restart: bool
    archives: List[str]
    images: List[str]
    names: List[str]
    system: List[str]
    left: List[str]
    lines: List[str]
    changes: int


class PreparePlan(TypedDict):
    """What prepare does to the system of one board."""

    board: str
    system: List[Dict[str, Any]]
    rows: List[Dict[str, Any]]
    lines: List[str]
    reboot: List[str]
    left: List[str]
    changes: int


class Steps(TypedDict):
    """How a run goes over the boards."""

    boards: List[str]
    servers: List[str]
    lost: List[str]
    waves: List[List[str]]
    lines: List[str]
    changes: int
    max_fail_percentage: float


class Verdict(TypedDict):
    """How a wave went."""

    number: int
    failed: Dict[str, str]
    stop: bool
    untouched: List[str]
    lines: List[str]
