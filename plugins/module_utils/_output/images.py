# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ctr and crictl print about images, as values. Pure: used on the board and on the controller."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import REPORT, each, reads, text_of
from ansible_collections.riscv.k3s.plugins.module_utils.image_program import DEFAULT_PATH
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import StoredImage

PIN_LABEL = "io.cri-containerd.pinned"
PIN_VALUE = "pinned"

_HEADER = ["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"]
# The size is a number and a unit with a blank between them; labels are the rest of the line.
_ROW = re.compile(
    r"(?P<name>\S+)\s+\S+\s+(?P<digest>sha256:[0-9a-f]{64})\s+(?P<size>[0-9]{1,15}(?:\.[0-9]+)? ?[KMGTP]?i?B)\s+"
    r"(?P<platforms>\S+)\s+(?P<labels>\S.*?)\s*\Z"
)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGTP]?)i?B\Z")
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5}
_VERSION = re.compile(r"\bv?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?![0-9])(\S*)")


def parse_image_list(text: str, unread: Optional[List[str]] = None) -> list[StoredImage]:
    """The rows of ``ctr images ls`` (containerd 1.6 to 2.x), in its order.

    Each is {name, digest, platforms: [..], pinned, size (bytes, as exact as ctr's one decimal), labels: {..}}.
    Names under which only containerd itself looks (bare image IDs, name@digest) are in it, too: see `is_tagged`.
    Raises Problem for a line that is no such row, so that no image is lost silently; where ``unread`` is given, it is
    told there instead.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or lines[0].split() != _HEADER:
        raise Problem(
            "the output of `ctr images ls` was not understood", found=lines[0] if lines else "nothing", next_step=REPORT
        )
    return each(lines[1:], _image_row, unread)


def is_tagged(name: str) -> bool:
    """Whether a name of the store is one that a pod can ask for: registry/repository:tag."""
    return "@" not in name and not name.startswith("sha256:")


@reads("`crictl inspecti`")
def parse_image_status(text: str) -> list[dict[str, Any]]:
    """The images of ``crictl inspecti -o json`` for one or more names.

    Each is {id (digest of the image's config), names, digests (name@digest), architecture, os, size (bytes), pinned,
    entrypoint: [..], path (the PATH of its environment)}. Architecture and os are those in the image's config.
    crictl prints one object for one image, an array for more, and older ones one object after the other.
    Raises Problem when it is no JSON, or an image's architecture is missing.
    """
    decoder, place, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.extend(value if isinstance(value, list) else [value])
        while place < len(text) and text[place].isspace():
            place += 1
    return [_image_status(value) for value in found]


@reads("`crictl images`")
def parse_configs(text: str) -> Dict[str, str]:
    """{full name: digest of its config} from ``crictl images -o json``; the digest is what crictl calls its ID."""
    names = {}
    for image in json.loads(text).get("images") or []:
        for name in image.get("repoTags") or ():
            names[name] = text_of(image, "id")
    return names


def parse_version(text: str) -> str:
    """The version that a program states, for instance ``1.6.20`` or ``2.1.5-k3s1``, without a leading v.

    Reads what ``ctr version`` (its server's), ``ctr --version``, ``containerd --version`` and ``crictl --version``
    print. Raises Problem when there is none.
    """
    # `ctr version` tells the client's version first, and only the server's decides what an image label does.
    client, dummy, served = text.partition("Server:")
    served = served or ("" if "Client:" in client else text)
    # The Go version and the revision stand on lines of their own.
    match = _VERSION.search(served)
    if not match:
        raise Problem(
            "no version was found in what the program printed", found=text.strip() or "nothing", next_step=REPORT
        )
    return match.group(0).lstrip("v")


def pins_supported(version: str) -> bool:
    """Whether this containerd honours the label io.cri-containerd.pinned that is set on an image by hand.

    From 1.6.25 in the 1.6 series, from 1.7.10 and in all of 2.x: earlier ones know no pins, or do not see the label
    of an image that they already hold. Raises Problem when ``version`` is none.
    """
    match = _VERSION.search(version)
    if not match:
        raise Problem("%r is not a version of containerd" % (version,))
    numbers = tuple(int(number) for number in match.groups()[:3])
    return numbers >= (1, 7, 10) or (1, 6, 25) <= numbers < (1, 7, 0)


def _image_row(line: str) -> StoredImage:
    match = _ROW.match(line)
    if not match:
        raise Problem("a line of `ctr images ls` was not understood", found=line.strip(), next_step=REPORT)
    labels = _labels(match.group("labels"))
    platforms = match.group("platforms")
    return {
        "name": match.group("name"),
        "digest": match.group("digest"),
        "platforms": [] if platforms == "-" else platforms.split(","),
        "pinned": labels.get(PIN_LABEL) == PIN_VALUE,
        "size": _bytes(match.group("size")),
        "labels": labels,
    }


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    key = None
    if text == "-":
        return labels
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            key = name
            labels[key] = value
        elif key:  # a value may hold commas: containerd.io/distribution.source.HOST=a/b,c/d
            labels[key] += "," + part
        else:
            raise Problem("the labels of an image in `ctr images ls` were not understood", found=text, next_step=REPORT)
    return labels


def _bytes(text: str) -> int:
    [(number, unit)] = _SIZE.findall(text)
    return int(round(float(number) * _UNITS[unit]))


def _image_status(value):
    status, spec = value["status"], value["info"]["imageSpec"]
    config = spec.get("config") or {}
    environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    return {
        "id": text_of(status, "id"),
        "names": list(status.get("repoTags") or []),
        "digests": list(status.get("repoDigests") or []),
        "architecture": text_of(spec, "architecture"),
        "os": text_of(spec, "os"),
        "size": int(status["size"]),
        "pinned": bool(status.get("pinned")),
        "entrypoint": (config.get("Entrypoint") or []) + (config.get("Cmd") or []),
        "path": environment.get("PATH") or DEFAULT_PATH,
        "workdir": config.get("WorkingDir") or "/",
    }
