# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the observing script asks the API for, and how the answer is taken apart: described once. Pure.

Of each item that is chosen kubectl writes a record: a line that begins with the token and the record's mark, with a
field for each path, all set apart by tabs. Simple values are text, whole structures JSON. Environment variables and
annotations are not asked for, for they may hold secrets (but for the one that ties a static pod to its mirror, and two
in which k3s tells how it runs, its secrets masked).
"""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """``choice`` says of which items, ``fields`` gives each field's path in an item by its name, in their order."""

    mark: str
    choice: str
    fields: dict[str, str]


NODE = Record(
    "Node",
    '?(@.kind=="Node")',
    {
        "name": ".metadata.name",
        "uid": ".metadata.uid",
        "created": ".metadata.creationTimestamp",
        "architecture": ".status.nodeInfo.architecture",
        "ready": '.status.conditions[?(@.type=="Ready")].status',
        "addresses": '.status.addresses[?(@.type=="InternalIP")].address',
        "boot_id": ".status.nodeInfo.bootID",
        "machine_id": ".status.nodeInfo.machineID",
        "kubelet": ".status.nodeInfo.kubeletVersion",
        "runtime": ".status.nodeInfo.containerRuntimeVersion",
        # How k3s runs, by its own account, in which it masks what is secret.
        "args": r".metadata.annotations.k3s\.io/node-args",
        "env": r".metadata.annotations.k3s\.io/node-env",
    },
)
POD = Record(
    "Pod",
    '?(@.kind=="Pod")',
    {
        "namespace": ".metadata.namespace",
        "name": ".metadata.name",
        "uid": ".metadata.uid",
        "created": ".metadata.creationTimestamp",
        "deleted": ".metadata.deletionTimestamp",
        "node": ".spec.nodeName",
        "phase": ".status.phase",
        "reason": ".status.reason",
        "address": ".status.podIP",
        "labels": ".metadata.labels",
        "owners": ".metadata.ownerReferences",
        "conditions": ".status.conditions",
        "init_states": ".status.initContainerStatuses",
        "states": ".status.containerStatuses",
        "init_names": ".spec.initContainers[*].name",
        "names": ".spec.containers[*].name",
        # What a tenant may write as he likes, tabs and blanks included, comes last: nothing before it is shifted by it.
        "static_uid": r".metadata.annotations.kubernetes\.io/config\.hash",
        "init_images": ".spec.initContainers[*].image",
        "images": ".spec.containers[*].image",
    },
)
ADDON = Record(
    "Addon",
    '?(@.kind=="Addon")',
    {"name": ".metadata.name", "checksum": ".spec.checksum", "source": ".spec.source"},
)
# A query of its own, which the API narrows down to the warnings about pods.
WARNING = Record(
    "Event",
    "*",
    {"uid": ".involvedObject.uid", "reason": ".reason", "moment": ".lastTimestamp", "message": ".message"},
)
# What only a diagnosis asks for.
EVENT = Record(
    "Event",
    '?(@.kind=="Event")',
    {
        "kind": ".involvedObject.kind",
        "namespace": ".involvedObject.namespace",
        "name": ".involvedObject.name",
        "uid": ".involvedObject.uid",
        "type": ".type",
        "reason": ".reason",
        "first": ".firstTimestamp",
        "last": ".lastTimestamp",
        "moment": ".eventTime",
        "count": ".count",
        "component": ".source.component",
        "reporting": ".reportingComponent",
        "host": ".source.host",
        "message": ".message",
    },
)
NODE_STATE = Record(
    "State",
    '?(@.kind=="Node")',
    {"name": ".metadata.name", "conditions": ".status.conditions", "taints": ".spec.taints"},
)
POD_DETAIL = Record(
    "Detail",
    '?(@.kind=="Pod")',
    {
        "uid": ".metadata.uid",
        "deleted": ".metadata.deletionTimestamp",
        "grace": ".metadata.deletionGracePeriodSeconds",
        "finalizers": ".metadata.finalizers",
        "message": ".status.message",
        "started": ".status.startTime",
        "policies": ".spec.containers[*].imagePullPolicy",
        "conditions": ".status.conditions",
    },
)
SERVICE_OF_THE_API = Record(
    "Slice",
    '?(@.metadata.name=="kubernetes")',
    {
        "kind": ".kind",
        "namespace": ".metadata.namespace",
        "addresses": ".endpoints[*].addresses[*]",
        "port": ".ports[*].port",
    },
)
# Read on the board, by dns_api.sh: it looks for the mark, the first field and the second.
DNS = Record(
    "Dns",
    '?(@.metadata.labels.k8s-app=="kube-dns")',
    {
        "ready": ".status.containerStatuses[0].ready",
        "namespace": ".metadata.namespace",
        "name": ".metadata.name",
        "kind": ".kind",
    },
)
PLAIN = (NODE, POD, ADDON)
_END = "End"
DIAGNOSIS = (EVENT, NODE_STATE, POD_DETAIL, SERVICE_OF_THE_API, DNS)


def jsonpath(token, records):
    """The text that has kubectl write these records, and a line after the last one."""
    return "".join(_range(token, record) for record in records) + '%s %s{"\\n"}' % (token, _END)


def is_whole(text, token):
    """Whether kubectl's answer has its last line: pods that a shorter one lacks may be broken ones."""
    return "\n%s %s" % (token, _END) in "\n" + text


def split_records(text, token, records):
    """{mark: [(record, the text of its fields), ..]} of kubectl's answer, of ``records``; others are passed by."""
    known = {record.mark: record for record in records}
    found: dict[str, list] = {record.mark: [] for record in records}
    for chunk in ("\n" + text).split("\n" + token + " ")[1:]:
        mark, dummy, rest = chunk.rstrip("\n").partition("\t")
        if mark in known:
            found[mark].append((known[mark], rest))
    return found


def named(record, text):
    """The fields of a record by their names. A message may hold tabs and line ends, so the last field is all that is
    left. Raises ValueError for one that is too short.
    """
    values = text.split("\t", len(record.fields) - 1)
    if len(values) < len(record.fields):
        raise ValueError("a record %s of %d fields instead of %d" % (record.mark, len(values), len(record.fields)))
    return dict(zip(record.fields, values))


def name_of(row):
    """What a row of split_records is about, as far as it tells: the kind, namespace and name of its object."""
    record, text = row
    fields = dict(zip(record.fields, text.split("\t")))
    return "%s %s" % (record.mark, "/".join(filter(None, map(fields.get, ("kind", "namespace", "name", "uid")))))


def _range(token, record):
    # The token in front of each record: a message may hold line ends of its own.
    fields = "".join("\t{%s}" % path for path in record.fields.values())
    return '{range .items[%s]}%s %s%s{"\\n"}{end}' % (record.choice, token, record.mark, fields)
