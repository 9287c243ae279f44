# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stock images a k3s version wants: a table of what is known, for what no manifest or pod tells. Pure.

Sources: scripts/airgap/image-list.txt and the release notes of github.com/k3s-io/k3s. What a board says for itself is
always better.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

EXACT, APPROXIMATE, UNKNOWN = "exact", "approximate", "unknown"
KLIPPER_HELM = "docker.io/rancher/klipper-helm"
KLIPPER_LB = "docker.io/rancher/klipper-lb"
LOCAL_PATH = "docker.io/rancher/local-path-provisioner"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns"
BUSYBOX = "docker.io/rancher/mirrored-library-busybox"
TRAEFIK = "docker.io/rancher/mirrored-library-traefik"
METRICS_SERVER = "docker.io/rancher/mirrored-metrics-server"
PAUSE = "docker.io/rancher/mirrored-pause"
STOCK_IMAGES = (KLIPPER_HELM, KLIPPER_LB, LOCAL_PATH, COREDNS, BUSYBOX, TRAEFIK, METRICS_SERVER, PAUSE)

# Owners of forks for riscv64, with the images that each names for itself: of the others it keeps the stock names.
_FORKS = {"carvicsforth": (KLIPPER_LB, METRICS_SERVER, PAUSE)}

# first version, last version, tags in the order of STOCK_IMAGES. ~ marks one that was read from the main branch of that
# time, ? one that is not known. An earlier row comes first. A version without +k3sN is meant with every N.
_RELEASES = """
1.24.1      1.24.6      v0.7.3-build20220613   v0.3.5   v0.0.21  1.9.1   1.34.1   2.6.2    v0.5.2  3.6
1.24.7      1.24.7      ~v0.7.3-build20220613  v0.3.5   v0.0.21  1.9.1   1.34.1   2.9.1    v0.6.1  3.6
1.24.8      1.24.8      ~v0.7.3-build20220613  ~v0.3.5  v0.0.23  1.9.4   1.34.1   2.9.4    v0.6.1  3.6
1.24.9      1.24.12     ~v0.7.4-build20221121  ~v0.4.0  v0.0.23  1.9.4   1.34.1   2.9.4    v0.6.2  3.6
1.24.13     1.24.13     ~v0.7.7-build20230403  ~v0.4.3  v0.0.24  1.10.1  1.34.1   2.9.4    v0.6.2  3.6
1.24.14     1.24.14     ~v0.8.0-build20230510  ~v0.4.3  v0.0.24  1.10.1  1.34.1   2.9.10   v0.6.2  3.6
1.24.15     1.24.16     ~v0.8.0-build20230510  ~v0.4.4  v0.0.24  1.10.1  1.34.1   2.9.10   v0.6.3  3.6
1.24.17     1.24.17     ~v0.8.2-build20230815  ~v0.4.4  v0.0.24  1.10.1  1.34.1   2.9.10   v0.6.3  3.6
1.25.15     1.25.15     ~v0.8.2-build20230815  ~v0.4.4  v0.0.24  1.10.1  ~1.36.1  2.10.5   v0.6.3  3.6
1.26.3      1.26.3      v0.7.7-build20230403   v0.4.3   v0.0.24  1.10.1  1.34.1   2.9.4    v0.6.2  3.6
1.27.4      1.27.4      v0.8.2-build20230815   v0.4.4   v0.0.24  1.10.1  1.34.1   2.9.10   v0.6.3  3.6
1.28.15     1.28.15     ~v0.9.3-build20241008  ~v0.4.9  v0.0.30  1.11.3  1.36.1   2.11.10  v0.7.2  3.6
1.29.15     1.29.15     ~v0.9.4-build20250113  ~v0.4.13 v0.0.31  1.12.0  1.36.1   2.11.20  v0.7.2  3.6
1.30.0      1.30.0      v0.8.3-build20240228   v0.4.7   v0.0.26  1.10.1  1.36.1   2.10.7   v0.7.0  3.6
1.30.14     1.30.14     ~v0.9.8-build20250709  ~v0.4.13 v0.0.31  1.12.1  1.36.1   2.11.24  v0.7.2  3.6
1.31.14     1.31.14     ~v0.9.10-build20251111 ~v0.4.13 v0.0.32  1.13.1  ?        2.11.24  v0.8.0  3.6
1.32.13     1.32.13     ~v0.9.14-build20260210 ~v0.4.14 v0.0.34  1.14.1  1.37.0   3.6.9    v0.8.1  3.6
1.33.12     1.33.12     v0.11.0-build20260602  v0.4.17  v0.0.36  1.14.4  1.37.0   3.7.4    v0.8.1  3.6
1.33.13     1.33.13     ?                      v0.4.17  v0.0.36  ~1.14.6 1.37.0   ~3.7.8   ~v0.9.0 ?
1.34.9      1.34.9      ~v0.11.1-build20260615 v0.4.17  v0.0.36  1.14.4  1.37.0   3.7.4    v0.8.1  3.6
1.35.8      1.35.8      ~v0.13.3-build20260727 v0.4.17  v0.0.37  1.14.6  1.37.0   3.7.8    v0.9.0  3.10.2
1.36.3      1.36.3      v0.13.3-build20260727  v0.4.17  v0.0.37  1.14.6  1.37.0   3.7.8    v0.9.0  3.10.2
1.37.1      1.37.1      ?                      ?        v0.0.37  1.14.7  ?        3.7.13   v0.9.0  3.10.2
"""
# The history of the pause image is known in full: 3.6 since 1.24.0, 3.10.2 since these (k3s pull requests 14339, 14390,
# 14392).
_NEW_PAUSE = {(1, 33): (1, 33, 13, 2), (1, 34): (1, 34, 10, 0), (1, 35): (1, 35, 7, 0), (1, 36): (1, 36, 3, 0)}
_OLDEST, _NEWEST = (1, 24), (1, 37)
_ANY_BUILD = 999


# What k3s --version prints begins so. A release ends in +k3sN, a build of one's own in +k3s-COMMIT (k3s's build),
# in +k3s- where it was not built in a git repository, and otherwise as somebody likes.
_VERSION = re.compile(
    r"(?:k3s version )?v?(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.]+)?"
    r"(?:\+k3s(?:(\d+)|([-.0-9A-Za-z]*)))?(?:\s+\([^()\n]*\)(?:\s.*)?)?\s*\Z",
    re.DOTALL,
)


# The tag of an image of k3s, which may have no +.
_TAG = re.compile(r"\d-k3s\d+\s*\Z")


class StockImage(NamedTuple):
    """``sure`` is EXACT, APPROXIMATE (from an older release of the same minor, or the main branch) or UNKNOWN, where
    ``tag`` is None.
    """

    tag: Optional[str]
    sure: str


def parse_version(text):
    """(1, 24, 2, 2) of ``v1.24.2+k3s2``; the last is None without +k3sN, in a build of one's own. Raises Problem."""
    return tuple(int(part) if part else None for part in _match(text).groups()[:4])


def is_self_built(text):
    """Whether somebody built this version: ``v1.36.3+k3s-54c12b8f``. It may ask for other images than the release."""
    return _match(text).group(5) is not None


def _match(text):
    match = _VERSION.match(text) if isinstance(text, str) else None
    if not match or _TAG.search(text):
        raise Problem(
            "%r is not a k3s version" % (text,),
            next_step="write it as k3s --version shows it, for example v1.24.2+k3s2 or v1.36.3+k3s-54c12b8f",
        )
    return match


def of_fork(name, asked):
    """The repository that a fork of k3s has in place of a stock one, or None; ``asked`` are images that the k3s of a
    board asks for, by which a fork is told.
    """
    for owner, names in _FORKS.items():
        if name in names and any("/%s/" % owner in image for image in asked):
            return "docker.io/%s/%s" % (owner, name.rpartition("/")[2])
    return None


def stock_images(version):
    """{repository of each of STOCK_IMAGES: StockImage} for a version such as ``v1.24.2+k3s2``. Raises Problem when it
    is no version.

    What a release of the table says holds for it; else the nearest one below it of the same minor is taken as
    approximate, and so is all of a build of one's own.
    """
    asked = parse_version(version)
    found = {name: StockImage(None, UNKNOWN) for name in STOCK_IMAGES}
    for first, last, tags in _rows():
        if first[:2] != asked[:2] or first > asked[:3]:
            continue
        for name, tag in tags.items():
            if tag == "?":
                found[name] = StockImage(None, UNKNOWN) if asked[:3] <= last else found[name]
            else:
                sure = EXACT if asked[:3] <= last and not tag.startswith("~") else APPROXIMATE
                found[name] = StockImage(tag.lstrip("~"), sure)
    found[PAUSE] = _pause(asked)
    return {name: _less_sure(image) for name, image in found.items()} if is_self_built(version) else found


def _less_sure(image):
    return image._replace(sure=APPROXIMATE) if image.sure == EXACT else image


def _rows():
    for line in _RELEASES.strip().splitlines():
        first, last, *tags = line.split()
        yield parse_version(first)[:3], parse_version(last)[:3], dict(zip(STOCK_IMAGES, tags))


def _pause(asked):
    minor = asked[:2]
    if minor < _OLDEST:
        return StockImage(None, UNKNOWN)
    if minor >= (1, 37):
        return StockImage("3.10.2", EXACT if minor <= _NEWEST else APPROXIMATE)
    change = _NEW_PAUSE.get(minor)
    build = _ANY_BUILD if asked[3] is None else asked[3]
    return StockImage("3.10.2" if change and asked[:3] + (build,) >= change else "3.6", EXACT)
