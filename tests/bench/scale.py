# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images cost: `crictl pull` alone for those of a first run, and lists of 8, 50 and 200 on one board."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request

COUNTS = (8, 50, 200)
ONE = "riscv64/busybox:1.37.0"
SOURCES = ("pause:1.0.0", "coredns:1.14.7", "local-path-provisioner:v0.0.30", "metrics-server:v0.8.0", "busybox:1.37.0")
_TYPE = "application/vnd.oci.image.manifest.v1+json"


def pull_seconds(lab, registry, board):
    """Seconds that `crictl pull` takes for the images of a first run, one after the other, on a board that has none of
    them.
    """
    begin = time.monotonic()
    for source in SOURCES:
        argv = [lab, "exec", board, "--", "k3s", "crictl", "pull", f"{registry}/riscv64/{source}"]
        subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.monotonic() - begin


def images(registry, count):
    """The option `images` of crictl_image_tag for that many images."""
    return [
        {"source": f"{registry}/bench/app{number}:1", "targets": [f"docker.io/bench/stock{number}:1"]}
        for number in range(count)
    ]


def publish(registry, count):
    """Put one small image into the registry under many repositories; its layers are mounted, not sent again."""
    repository, tag = ONE.split(":")
    manifest = _call(registry, "GET", f"{repository}/manifests/{tag}")
    content = json.loads(manifest)
    for number in range(count):
        name = f"bench/app{number}"
        for blob in [content["config"], *content["layers"]]:
            _call(registry, "POST", f"{name}/blobs/uploads/?mount={blob['digest']}&from={repository}")
        _call(registry, "PUT", f"{name}/manifests/1", manifest)


def _call(registry, method, path, data=b""):
    headers = {"Accept": _TYPE, "Content-Type": _TYPE}
    request = urllib.request.Request(
        f"http://{registry}/v2/{path}", data=data if method != "GET" else None, headers=headers, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


if __name__ == "__main__":
    import sys

    # In the lab's network, where the registry is: scale.py REGISTRY COUNT
    publish(sys.argv[1], int(sys.argv[2]))
