# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of registries.yaml that k3s knows. Others it passes over without a word.

As the Go types of github.com/rancher/wharfie, pkg/registries, have them; they are read by yaml.v2, which tells capitals
from small letters. ``auths`` is known to these types, and k3s makes nothing of it.
"""

from __future__ import annotations

from typing import Any, Dict, List

# In place of a name: any key, such as a registry's host or a pattern.
ANY = "*"
# In place of what is below a key: a list of texts, where all else is a text or a flag.
TEXTS: List[Any] = []
AUTH: Dict[str, Any] = dict.fromkeys(("username", "password", "auth", "identity_token"))
TLS: Dict[str, Any] = dict.fromkeys(("ca_file", "cert_file", "key_file", "insecure_skip_verify"))
REWRITE: Dict[str, Any] = {ANY: None}
MIRROR: Dict[str, Any] = {"endpoint": TEXTS, "rewrite": REWRITE}
CONFIG: Dict[str, Any] = {"auth": AUTH, "tls": TLS}
# Key to what is below it: the keys of a mapping, TEXTS for a list, or None for a value.
REGISTRIES: Dict[str, Any] = {"mirrors": {ANY: MIRROR}, "configs": {ANY: CONFIG}, "auths": {ANY: AUTH}}
