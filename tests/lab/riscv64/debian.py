# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program out of a riscv64 package of Debian, by the machine's own apt: same mirror, same keys, a folder of its
own.

The machine's apt is not touched: no foreign architecture is added and nothing is installed.
"""

from __future__ import annotations

import os
import re
import subprocess

SUITES = ("trixie", "stable")  # riscv64 is in Debian since trixie
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class NotOffered(Exception):
    """The machine has no apt, or its mirror has no riscv64 package of that name."""


def fetch_program(package, member, work, run):
    """Unpack ``package`` into the folder ``work`` and return its upstream version.

    ``member`` is the file that must then be there; ``run(what, command)`` runs a command and raises when it fails.
    """
    mirror = _mirror()
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    signed_by = f" signed-by={KEYRING}" if os.path.exists(KEYRING) else ""
    failed = []
    for suite in SUITES:
        (work / "sources.list").write_text(f"deb [arch=riscv64{signed_by}] {mirror} {suite} main\n")
        apt = ["apt-get", "-q"] + [f"-o{option}" for option in _options(work)]
        try:
            run(f"reading Debian {suite} riscv64", apt + ["update", "--error-on=any"])
            # apt-get download writes into the working folder, so name it by the shell's cd and not by a process-wide
            # chdir.
            run(f"fetching {package}", ["sh", "-c", 'cd "$0" && exec "$@"', str(work)] + apt + ["download", package])
        except Exception as error:  # pylint: disable=broad-except
            failed.append(f"{suite}: {error}")
            continue
        (deb,) = work.glob(f"{package}_*.deb")
        run(f"unpacking {package}", ["dpkg-deb", "-x", str(deb), str(work)])
        if not (work / member).is_file():
            raise NotOffered(f"{deb.name} holds no {member}")
        # Debian's 1:1.37.0-6+b9 is upstream's 1.37.0; apt writes the colon as %3a.
        return re.sub(r"^\d+(%3a|:)", "", deb.name.split("_")[1]).split("-")[0]
    raise NotOffered(f"no riscv64 {package} by this machine's apt sources:\n" + "\n".join(failed))


def _mirror():
    wanted = ["Created-By: Packages", "Origin: Debian", "Component: main"]
    try:
        said = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)"] + wanted, check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotOffered(f"apt-get indextargets: {error}; the lab wants a Debian machine") from error
    mirrors = [line for line in said.split() if "security" not in line]
    if not mirrors:
        raise NotOffered("this machine's apt sources name no Debian mirror")
    return mirrors[0]


def _options(work):
    return [
        f"Dir::State={work}/state",
        f"Dir::State::status={work}/status",
        f"Dir::Cache={work}/cache",
        f"Dir::Etc::sourcelist={work}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        "APT::Architecture=riscv64",
        "APT::Architectures::=riscv64",
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
    ]
