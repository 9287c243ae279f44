# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which k3s program a board gets, by the settings of its inventory. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Mapping, Optional
from urllib.parse import urlsplit

from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact

DEFAULT_PATH = "/usr/local/bin/k3s"
# Of URLs that let in whoever has them.
_SIGNED = re.compile(r"(?i)[?&;][^=&]*(signature|sig|token|secret|credential|password|key)[^=&]*=")
_CHECKSUM = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})\Z")


def binary_of(
    settings: Mapping[str, Any],
    machine: str,
    version: Optional[str],
    path: Optional[str] = None,
    replace: bool = False,
    links: bool = False,
) -> Dict[str, Any]:
    """What roles/binary puts on a board, from its ``settings`` (those named binary…), what uname says
    there, the version that the program must say of itself (None: any), and where it lies where no setting says so.

    {source (for people), url (None for a file), file (the file on the controller, of a URL its name in the cache),
    checksum (hex or None), version, architecture, path, replace, links, key (the same for boards that get the same
    file)}. Raises Problem.
    """
    source = (settings.get("binary") or "").strip()
    if not source:
        raise Problem(
            "there is no k3s program for this board",
            found="riscv_k3s_binary is not set",
            next_step="set riscv_k3s_binary to a file on the controller or a URL, per architecture where boards differ",
        )
    url = source if re.match(r"(?i)https?://", source) else None
    if not url and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source):
        raise Problem(
            "riscv_k3s_binary cannot be fetched", found=redact(source), next_step="name a file, or an http(s) URL"
        )
    if url and ("@" in urlsplit(url).netloc or redact(url) != url or _SIGNED.search(url)):
        raise Problem(
            "riscv_k3s_binary holds a login, which Ansible would show",
            found=redact(source.partition("?")[0]),
            next_step="fetch the program by yourself, and name the file",
        )
    checksum = _checksum(settings.get("binary_checksum"), url)
    architecture = to_oci(machine)
    return {
        "source": redact(source),
        "url": url,
        "file": _name_in_cache(url, checksum) if url else source,
        "checksum": checksum,
        "version": version,
        "architecture": architecture,
        "path": settings.get("binary_path") or path or DEFAULT_PATH,
        "replace": replace,
        "links": links,
        "key": " ".join((source, checksum or "-", architecture)),
    }


def _checksum(text, url):
    if not text:
        if url:
            raise Problem(
                "riscv_k3s_binary is a URL without a checksum",
                found=redact(url),
                next_step="set riscv_k3s_binary_checksum to sha256: and the 64 hex digits of the program's sha256",
            )
        return None
    match = _CHECKSUM.match(str(text).strip())
    if not match:
        raise Problem("riscv_k3s_binary_checksum is not valid", found=text, next_step="write sha256: and 64 hex digits")
    return match.group(1).lower()


def _name_in_cache(url, checksum):
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", posixpath.basename(urlsplit(url).path))[:64]
    return "%s-%s" % (checksum[:16], name.lstrip(".") or "k3s")
