# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What skopeo writes when it fails: the reason in its log, and kinds of reasons that only it has words for. Pure.

Words that it shares with containerd stand in pull_causes.
"""

from __future__ import annotations

import re

# An address at which nothing listens, given as proxy for plain http where https was asked for: see skopeo.
NO_PLAIN_HTTP = "127.0.0.1:9"
BUSY = "Too many requests to "

_FATAL = re.compile(r'level=fatal msg="((?:[^"\\]|\\.)*)"')
_TO_HTTP = re.compile(re.escape(NO_PLAIN_HTTP) + r"(?!\d)")
# Of content. Its words for a blob that is not there are those for a host that is no registry, and that one has given
# a manifest.
_DAMAGED = re.compile(
    r"Invalid digest specification|rejecting ambiguous manifest|does not match expected|exceeded maximum allowed size"
    r"|Error parsing manifest|unsupported (?:schema|manifest)|invalid checksum digest|file too large"
    r"|Error fetching blob: invalid status code from registry 404"
)
# Of answers that no registry should give: of addresses, challenges, tokens and HTTP itself.
_ODD = re.compile(
    r"unsupported protocol scheme|no Host in request URL|^parse |upload URL: |stopped after \d+ redirects"
    r"|missing realm|invalid header field value|invalid character|cannot unmarshal|unexpected HTTP status: [123]"
    r"|invalid byte in chunk|header line too long|invalid status code from registry [23]|failed to parse Location"
)
_WRAPPING = re.compile(
    r'^(?:Error parsing image name "[^"]*": |Error (?:determining|reading|initializing|writing|copying)[^:]*: '
    r"|initializing (?:source|destination) \S+: "
    r"|(?:parsing|reading|copying|trying to reuse|writing) (?:image source|image|blob|manifest)[^:]*: "
    r"|determining manifest MIME type[^:]*: )+"
)
_ESCAPES = {'\\"': '"', "\\n": " ", "\\t": " ", "\\\\": "\\"}


def reason(log):
    """The reason that skopeo ended with, without what it tells of its own steps; its last line when it gave none."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and "level=debug" not in line]
    text = (_FATAL.findall(log) or lines or ["no message"])[-1]
    text = re.sub(r'\\["nt\\]', lambda found: _ESCAPES[found.group()], text)
    return re.sub(r" {2,}", " ", _WRAPPING.sub("", text)).strip()


def has_reason(log):
    """Whether skopeo came so far as to give a reason."""
    return bool(_FATAL.search(log))


def is_of_content(text):
    """Whether a reason says that content is not what it should be."""
    return bool(_DAMAGED.search(text))


def is_odd(text):
    """Whether a reason says that an answer is one that no registry should give."""
    return bool(_ODD.search(text))


def is_to_plain_http(text):
    """Whether a reason says that plain http was not reached, which was not asked for."""
    return bool(_TO_HTTP.search(text))
