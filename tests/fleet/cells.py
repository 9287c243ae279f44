# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How boards of the matrix differ: each function makes a board of a fleet into one that is set up in another way."""

from __future__ import annotations

import procfs

FAR = "/var/lib/far/k3s"
UNIT = "etc/systemd/system/k3s-agent.service"
FLAG = "[Service]\nExecStart=/usr/local/bin/k3s \\\n    agent \\\n\t'--data-dir' \\\n\t'%s' \\\n" % FAR
CONFIG = "etc/rancher/k3s/config.yaml"
# Six ways in which k3s is told where its data is, in files of a board: {path: text}.
WAYS = {
    "config.yaml, from Windows": {CONFIG: "\ufeffnode-name: %%s\r\ndata-dir: %s\r\n" % FAR},
    "config.yaml, as JSON": {CONFIG: '{"node-name": "%%s", "data-dir": "%s"}' % FAR},
    "a drop-in": {CONFIG + ".d/50-data.yaml": "data-dir: >-\n  %s\n" % FAR},
    "a flag of the service": {UNIT: FLAG},
    "the service's environment": {UNIT + ".env": "K3S_DATA_DIR=%s\n" % FAR},
    "another file of settings": {UNIT + ".env": "K3S_CONFIG_FILE=/var/lib/far/k3s.yaml\n", "var-lib/far/k3s.yaml": ""},
}


def home(fleet, name):
    """The folder of a board."""
    return fleet.folder / "boards" / name


def move(fleet, name, way):
    """The k3s of a board keeps its data in FAR, and is told so in one of the WAYS. The default folder is not there."""
    board = home(fleet, name)
    (board / "var-lib/far").mkdir()
    (board / "var-lib/rancher/k3s").rename(board / "var-lib/far/k3s")
    for path, text in WAYS[way].items():
        file = board / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = text or "node-name: %%s\ndata-dir: %s\n" % FAR
        file.write_bytes((text % name if "%s" in text else text).encode())
    fleet.set(name, data=FAR)


def runs(fleet, name, role="agent", **options):
    """A board whose k3s can be seen in its own /proc."""
    procfs.write_k3s(home(fleet, name), fleet.state(name)["data"], role, **options)
    fleet.set(name, role=role)


def journals(fleet, name):
    """Where a board has a journal, below its /var/lib."""
    folder = home(fleet, name) / "var-lib"
    return sorted("/var/lib/%s" % path.parents[1].relative_to(folder) for path in folder.rglob("journal.json"))
