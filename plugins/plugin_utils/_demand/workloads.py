# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pods of stock workloads demand of their image, whatever architecture it is for. Data, and one rule. Pure.

From the securityContext in k3s's packaged manifests; that of jobs which install charts is in k3s-io/helm-controller,
pkg/controllers/chart. The kubelet refuses a container that must not run as root where its image names root, or a user
by a name: "container has runAsNonRoot and image will run as root" (kubernetes pkg/kubelet/kuberuntime).
"""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases

# The cause of an image that its workload would not start with.
UNFIT = "image-user"


# As runc has it; what is no such number is a name for containerd, or none.
_LAST_USER = (1 << 31) - 1


class Demanded(NamedTuple):
    """A securityContext: whether the container must not run as root, the user id that the pod says itself, whether its
    root is read-only, and the capabilities that it has; None where the pod does not say.
    """

    non_root: bool = False
    user: Optional[int] = None
    read_only: bool = False
    capabilities: Optional[Tuple[str, ...]] = None


DEMANDED: Dict[str, Demanded] = {
    _releases.COREDNS: Demanded(read_only=True, capabilities=("NET_BIND_SERVICE",)),
    _releases.METRICS_SERVER: Demanded(non_root=True, user=1000, read_only=True),
    _releases.KLIPPER_HELM: Demanded(non_root=True, read_only=True, capabilities=()),
    _releases.LOCAL_PATH: Demanded(),
}
_BY_LAST_PART = {name.rpartition("/")[2]: demanded for name, demanded in DEMANDED.items()}


def unfit(repository: str, user: Optional[str]) -> Optional[str]:
    """Why a stock workload would not start with an image that names ``user`` ("" for root, None where that is not
    known), a sentence; None where nothing speaks against it.
    """
    # Whoever built that k3s, and whatever registry it puts before its names: its pods are the same.
    demanded = _BY_LAST_PART.get(repository.rpartition("/")[2], Demanded())
    if user is None or not demanded.non_root or demanded.user is not None:
        return None
    own = user.partition(":")[0]
    if re.match(r"\d{1,10}\Z", own, re.ASCII) and int(own) <= _LAST_USER:
        says = None if int(own) else "runs as root"
    else:
        says = "names its user (%s) and no number" % own if own not in ("", "root") else "runs as root"
    return says and "it %s, and its pods must not run as root: they would not start" % says
