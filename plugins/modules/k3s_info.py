# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is a virtual module that is entirely implemented as an action plugin and runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_info
short_description: Observe a k3s board with one shell command
version_added: "1.0.0"
description:
  - Reads what matters about k3s on a board, which images it asks for, which it has, and optionally the API's view of
    the cluster.
  - Sends one POSIX shell script over the connection and reads its output on the controller. The board needs C(sh) and
    the usual
    small programs (coreutils or busybox), and no Python.
  - Secrets stay on the board. Of C(config.yaml) only a fixed list of keys is read, of C(registries.yaml) only the
    checksum, of manifests all keys but only the values that name images and objects, of one that holds a Secret
    nothing; and neither environment variables nor annotations of pods are asked for.
options:
  gather:
    description:
      - What to read; V(all) is everything but V(events), V(logs), V(inspect), V(preflight), V(dns),
        V(service_state) and V(last_words), which P(riscv.k3s.diagnosis#filter) or a wait also needs, and which cost
        more, and V(system), which the role prepare needs, together with V(preflight).
      - Whether V(api) is asked also depends on the option O(api).
      - V(events) needs V(api), and V(logs), V(inspect) and V(dns) need V(sandboxes).
    type: list
    elements: str
    choices:
      [all, k3s, config, registries, journal, manifests, images, disk, sandboxes, api, events, logs, inspect, preflight,
      dns, service_state, last_words, system]
    default: [all]
  architecture:
    description:
      - The board's architecture by its OCI name, for instance V(riscv64), if the inventory states it.
      - V(auto) takes that of the board's kernel.
    type: str
    default: auto
  api:
    description:
      - V(auto) asks the API if there is an admin kubeconfig, that is on servers.
      - V(always) asks it in any case; if it does not answer, that is an error in RV(api.error).
      - V(never) leaves it out.
    type: str
    choices: [auto, always, never]
    default: auto
  program_timeout:
    description:
      - How long each program on the board may take, in seconds. A program that takes longer is stopped and named in
        RV(errors).
      - C(kubectl), which makes several requests to the API, gets twice as long, and each request two thirds. On a
        slow board the first C(kubectl) may need minutes.
    type: int
    default: 30
  versions:
    description:
      - Whether to start k3s and C(ctr) for their versions in any case. Each start takes seconds on a slow board.
      - With V(false), and V(k3s) and V(images) gathered, they are started only where k3s does not run, was replaced
        since its start, or something did not answer. On a server its own API tells the versions then. On an agent they
        are null, and M(riscv.k3s.k3s_plan) takes them from the API of a server.
    type: bool
    default: true
  whole_manifests:
    description:
      - Manifests (paths in their folder) whose whole text is wanted, since they are patched. One that holds a Secret is
        still left out.
    type: list
    elements: str
    default: []
  require_k3s:
    description:
      - Fail where there is no program k3s. Without it, boards that are to get k3s are looked at, too.
    type: bool
    default: true
  require_images:
    description:
      - Fail if the images in containerd's store cannot be read, since nothing can be planned then.
    type: bool
    default: false
  require_journal:
    description:
      - Fail where the journal cannot be read, since nothing can be changed or taken back then. Only with
        V(journal) gathered.
    type: bool
    default: false
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
notes:
  - When O(data_dir) is not given, the C(data-dir) of the board's C(config.yaml) is used before the default.
  - Settings that are given to k3s as arguments instead of in C(config.yaml) are not read. The effective pause image is,
    from
    the configuration that k3s rendered for containerd.
seealso:
  - module: riscv.k3s.cri_sandbox_info
author:
  - The riscv.k3s developers (@riscv-k3s)
"""

EXAMPLES = r"""
- name: Observe a board
  riscv.k3s.k3s_info:
  become: true
  register: observed

- name: Show which images its k3s asks for and it does not have
  ansible.builtin.debug:
    msg: "{{ observed.demand | map(attribute='image') | difference(observed.images | map(attribute='name')) }}"

- name: Read only the version and the free space
  riscv.k3s.k3s_info:
    gather: [k3s, disk]
  become: true
"""

RETURN = r"""
machine:
  description: What C(uname -m) prints.
  returned: success
  type: str
  sample: riscv64
architecture:
  description: The OCI name of the architecture, from O(architecture) or RV(machine).
  returned: success
  type: str
  sample: riscv64
hostname:
  description: What C(uname -n) prints.
  returned: success
  type: str
data_dir:
  description: The data folder that was read.
  returned: success
  type: str
errors:
  description: What could not be read. The values that depend on it are null.
  returned: success
  type: list
  elements: dict
  contains:
    section: {description: The part of the script that failed., type: str}
    rc: {description: Exit status of the program., type: int}
    message: {description: The last lines that it wrote., type: str}
k3s:
  description: The installed k3s.
  returned: when V(k3s) is gathered
  type: dict
  contains:
    installed: {description: Whether there is a k3s program., type: bool}
    program: {description: Its path., type: str, sample: /usr/local/bin/k3s}
    without_program:
      description: Where k3s runs or has a service, and no program of it was found, this as a sentence, with what was
        looked at; else null.
      type: str
    version: {description: Its version., type: str, sample: v1.24.2+k3s2}
    role: {description: "V(server) or V(agent) by the folders that k3s made, null before its first start.", type: str}
    running:
      description: Whether its containerd answers; null where that is not known, since it did not do so in time.
      type: bool
    seconds:
      description: For how many seconds its process has been running, null where none was seen.
      type: int
containerd:
  description: The running containerd.
  returned: when V(k3s) is gathered
  type: dict
  contains:
    version: {description: "Version of the server, null when it does not answer.", type: str, sample: 1.6.20}
    pins: {description: Whether it honours a pin that is set on an image by hand., type: bool}
config:
  description: Settings from C(/etc/rancher/k3s/config.yaml) and its drop-ins. Only a fixed list of keys, as far as
    they are set.
  returned: when V(config) is gathered
  type: dict
  sample: {pause-image: "docker.io/carvicsforth/pause:3.10.2", disable: [traefik]}
own_config:
  description: Files of this collection in C(/etc/rancher/k3s/config.yaml.d), sorted.
  returned: when V(config) is gathered
  type: list
  elements: dict
  contains:
    path: {description: Its path., type: str, sample: /etc/rancher/k3s/config.yaml.d/riscv-k3s.yaml}
    sha256: {description: Its checksum., type: str}
    stale: {description: Whether k3s was not restarted since it was written., type: bool}
pause_image:
  description: The effective pause image, from containerd's configuration, else from RV(config), else null.
  returned: when V(config) is gathered
  type: str
  sample: docker.io/rancher/mirrored-pause:3.6
registries:
  description: The file C(registries.yaml), by its checksum and the names of its keys only.
  returned: when V(registries) is gathered
  type: dict
  contains:
    path: {description: Where it is looked for., type: str}
    present: {description: Whether it is there., type: bool}
    sha256: {description: Its checksum; empty when it is not there., type: str}
    mode: {description: Its mode., type: str, sample: "0600"}
    stale:
      description:
        - Whether k3s must be restarted to read it. That is known from RV(journal), by the board's boot and uptime, of
          what this collection wrote or saw loaded; only of other files by their times.
      type: bool
    by_time:
      description: Whether nothing but the times of files tells C(stale), which a wrong clock makes wrong.
      type: bool
    wanted:
      description: Checksum of what the inventory wanted when M(riscv.k3s.k3s_registries) merged it, null for any other.
      type: str
    mistakes:
      description:
        - What is wrong with its keys, null where there is no such file, or it was not read. C(wrong_keys) are not
          known to k3s, with C(wrong_values) it does not start, C(wrong_rewrites) containerd cannot use; each a list of
          lines and names. C(unread) is the line in which it stops to be YAML, 0 where nobody knows which, or null.
      type: dict
      sample: {wrong_keys: [], wrong_values: [], wrong_rewrites: [], unread: 3}
config_fault:
  description: Why k3s could not read its C(config.yaml) when it starts next; null where it has read it, or nothing
    tells it. Of the file nothing but its form leaves the board.
  returned: when V(registries) is gathered
  type: str
  sample: is no YAML in line 3
journal:
  description:
    - What this collection did to the board and what was there before, from C(DATA_DIR/riscv-k3s/journal.json). Empty
      when there is none.
    - Of files it holds checksums only.
  returned: when V(journal) is gathered
  type: dict
  contains:
    path: {description: Its path., type: str}
    error:
      description: Why it cannot be read, null when it can. All else is then empty.
      type: str
    unread:
      description:
        - Entries that cannot be read, each with C(kind) (C(files), C(images), C(loaded), C(system), C(programs) or
          C(lease)),
          C(name) and C(why). They are kept as they are. What they tell of is neither changed nor taken back.
      type: list
      elements: dict
    loaded:
      description: Checksums of files that k3s had loaded when a run had restarted it, by their path; null for archives.
      type: dict
    lease: {description: "Who works on the fleet, or null.", type: dict}
    system:
      description: Settings of the board's system, by kind and name, each with C(value) and what was there C(before).
      type: dict
      sample: {sysctl net.ipv4.ip_forward: {value: "1", before: "0"}}
    programs:
      description:
        - Programs of k3s that were put there, by their path, each with C(sha256), C(version), C(links) (commands beside
          it), and what it replaced last (C(previous)) and first (C(before)), both null for no program.
      type: dict
    files:
      description:
        - Files that were written, by their path. C(current) is the checksum of the file now, null for no file.
        - Of V(kind) C(file), C(system) (a file that k3s does not read) or C(archive), the latter without checksums.
          C(before) is null where there was no file, else C(sha256), C(mode), C(uid) and C(gid).
          C(sha256) is what was written, C(previous) what that replaced of ours, C(folder) whether the folder was made
          for it,
          C(pending) whether it was brought back but k3s was not restarted since, C(written) the C(boot) and C(uptime)
          of the board when it was written, null for a file that was as wanted before.
      type: dict
    images:
      description:
        - Names that were brought, tagged, pinned or removed, each with C(digest) (V(any) while a pull is not done),
          C(pinned) and C(source).
        - C(before) is null where there was no such name, else C(digest), C(pinned) and C(labels).
          C(has_content) says whether the store still has that; null when V(images) is not gathered.
          C(previous) is the digest of ours that was replaced, C(beside) names by digest alone that stood for the
          content before.
      type: dict
manifests:
  description: The files that k3s's deploy controller reads, sorted by path. Empty on an agent.
  returned: when V(manifests) is gathered
  type: list
  elements: dict
  contains:
    path: {description: Path inside the manifests folder., type: str}
    sha256: {description: Its checksum., type: str}
    mtime: {description: Time of its last change in seconds since 1970., type: int}
    skip: {description: Whether a C(.skip) file of its name keeps it from being deployed., type: bool}
    own_skip: {description: Whether riscv.k3s wrote that C(.skip) file., type: bool}
    text:
      description:
        - The text as far as it is needed, in which C(hidden0) stands for other values; null when it holds a Secret
          or is larger than 256 KiB.
      type: str
    whole: {description: Whether it is the whole text., type: bool}
    left_out: {description: 'V(secret), V(size) or V(lines) when there is no text for that reason.', type: str}
    workloads:
      description: Of a file without a text, whether it holds something that has k3s run pods, by the kinds in it.
      type: bool
demand:
  description: The images that this k3s asks for, sorted by image.
  returned: when V(manifests) is gathered
  type: list
  elements: dict
  contains:
    image: {description: The full name., type: str, sample: "docker.io/rancher/mirrored-coredns-coredns:1.9.1"}
    where: {description: The places that name it., type: list, elements: str}
    required:
      description: Whether something runs it now. A helper pod or a chart's image may be needed later.
      type: bool
images:
  description: The images in containerd's store that a pod can ask for, sorted by name.
  returned: when V(images) is gathered
  type: list
  elements: dict
  contains:
    name: {description: The full name., type: str}
    digest: {description: Digest of its manifest or index., type: str}
    platforms: {description: Platforms whose content is here., type: list, elements: str, sample: [linux/riscv64]}
    pinned: {description: Whether it is kept from garbage collection., type: bool}
    size: {description: Size in bytes., type: int}
preloads:
  description: Archives of this collection in C(agent/images), sorted by name; null when they cannot be listed.
  returned: when V(images) is gathered
  type: list
  elements: dict
  contains:
    name:
      description: Name of the file. It tells what the archive should hold.
      type: str
      sample: riscv-k3s-0123456789ab.tar
    stale: {description: Whether k3s was not started since it was placed., type: bool}
disk:
  description: The file system of RV(data_dir).
  returned: when V(disk) is gathered
  type: dict
  contains:
    path: {description: The folder., type: str}
    size: {description: Size in bytes., type: int}
    available: {description: Free space in bytes., type: int}
sandboxes:
  description: The pod sandboxes that containerd knows, oldest first.
  returned: when V(sandboxes) is gathered
  type: list
  elements: dict
  contains:
    id: {description: The sandbox's id., type: str}
    name: {description: Name of its pod., type: str}
    namespace: {description: Namespace of its pod., type: str}
    uid: {description: UID of its pod., type: str}
    attempt: {description: How many sandboxes this pod had before., type: int}
    state: {description: V(ready) or V(notready)., type: str}
    created_at: {description: When it was made., type: str}
    labels: {description: The pod's labels., type: dict}
    ip: {description: "With V(inspect), its address, if nothing runs in it; else null.", type: str}
    network_namespace:
      description: With V(inspect), the file of its network namespace, if nothing runs in it; else null.
      type: str
containers:
  description: The containers that containerd knows, oldest first.
  returned: when V(sandboxes) is gathered
  type: list
  elements: dict
  contains:
    id: {description: The container's id., type: str}
    sandbox_id: {description: The sandbox that it belongs to., type: str}
    name: {description: Its name in the pod., type: str}
    image: {description: The image that was asked for or its ID., type: str}
    image_id: {description: The image's reference., type: str}
    state: {description: "V(created), V(running), V(exited) or V(unknown).", type: str}
    attempt: {description: How often it was started before., type: int}
    created_at: {description: When it was made., type: str}
    exit_code: {description: "With V(inspect), its exit code, if it ended; else null.", type: int}
    finished_at: {description: "With V(inspect), when it ended, else null.", type: str}
    reason: {description: "With V(inspect), why it ended, as containerd says; else null.", type: str, sample: OOMKilled}
api:
  description: The cluster as its API shows it.
  returned: when V(api) is gathered and O(api) allows it
  type: dict
  contains:
    reachable: {description: Whether the API answered., type: bool}
    error: {description: Why it did not answer., type: str}
    late:
      description: Whether it was asked and did not answer in time, so that it may be slow, and not down.
      type: bool
    nodes:
      description: "The nodes: name, uid, ready, architecture, internal_ip, created_at."
      type: list
      elements: dict
    pods:
      description: "The pods: namespace, name, uid, static_uid, node, phase, ready, reasons, labels, owner, deleting,
        images, containers, ip, created_at."
      type: list
      elements: dict
    addons:
      description: "What the deploy controller applied: name, checksum, source."
      type: list
      elements: dict
details:
  description:
    - What a diagnosis also needs from the API. RV(details.events) are the events of all objects, RV(details.nodes) the
      conditions of
      each node, RV(details.pods) when and how a pod is deleted, RV(details.endpoints) the addresses of the service
      C(kubernetes).
  returned: when V(events) is gathered and O(api) allows it
  type: dict
  contains:
    events: {description: Events with passwords and tokens blanked., type: list, elements: dict}
    nodes: {description: "A node's name to its conditions.", type: dict}
    pods: {description: "A pod's UID to its details.", type: dict}
    endpoints: {description: "Addresses with ports, null when not known.", type: list, elements: str}
logs:
  description: The last lines of containers that ended and were not started again, by the container's id, with
    passwords and tokens blanked.
  returned: when V(logs) is gathered
  type: dict
preflight:
  description: What the kernel and the system offer of what k3s needs.
  returned: when V(preflight) is gathered
  type: dict
dns:
  description: Details of a CoreDNS that is not ready; empty if it is.
  returned: when V(dns) is gathered
  type: dict
system:
  description: How the board's system is set up, as the role prepare reads it. What files of this collection hold, the
    settings of the kernel, and what other files say of them.
  returned: when V(system) is gathered
  type: dict
service_state:
  description: How the service manager calls the services of k3s, C(k3s), C(k3s-agent) and what else is there as
    C(k3s-*), as far as they are not inactive. Null where it did not say.
  returned: when V(service_state) is gathered
  type: dict
  sample: {k3s: {state: activating, sub_state: start, restarts: 0}}
last_words:
  description: The errors at the end of k3s's own log, oldest first, the line that each start writes, and what the
    service manager says where it could not execute k3s, where its containerd did not answer. Empty where it did.
  returned: when V(last_words) is gathered
  type: list
  elements: str
  sample: ['time="2026-11-26T08:00:00Z" level=fatal msg="failed to find memory cgroup (v2)"']
imports:
  description: What k3s's log says of each archive in C(agent/images) that is there and that it could not import when it
    started last, or since. Empty where its containerd did not answer. Where the log could not be read, RV(errors) has
    C(imports).
  returned: when V(last_words) is gathered
  type: list
  elements: str
  sample: ['time="2026-11-26T08:00:00Z" level=error msg="Failed to import /data/agent/images/a.tar: EOF"']
"""
