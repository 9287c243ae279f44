# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that Linux and Go's libraries have for what went wrong, whoever passes them on: parts of patterns. Pure."""

from __future__ import annotations

# Of the network, by what each says of the other side. Go writes them small, C's library with a capital.
REFUSED = r"[Cc]onnection refused|[Cc]onnectex: No connection could be made"
UNREACHABLE = r"[Nn]etwork is (?:unreachable|down)|[Nn]o route to host|[Hh]ost is (?:down|unreachable)"
TIMEOUT = (
    r"i/o timeout|(?:net/http: )?TLS handshake timeout|(?:net/http: )?timeout awaiting response headers"
    r"|[Cc]onnection timed out|[Oo]peration timed out|[^:]*\(?Client\.Timeout"
)
BROKEN = (
    r"(?:[Cc]onnection reset by peer|[Bb]roken pipe|unexpected EOF|EOF)$|[Cc]onnection was reset"
    r"|.*(?:HTTP/1\.x )?transport connection broken|server sent GOAWAY|stream error"
    r"|use of closed network connection|server closed idle connection|client connection (?:lost|force closed)"
)
NETWORK_WORDS = r"(?:%s)" % "|".join((REFUSED, UNREACHABLE, TIMEOUT, BROKEN))
# Of the resolver: there is no such name, or nobody answered who might know.
NO_NAME = r"no such host|Name or service not known|Name does not resolve|[Cc]ould not resolve host"
NO_ANSWER = r"server misbehaving|Temporary failure in name resolution|Try again"

# What Linux calls its errors (errno), as Go and runc end a chain in them. Those of the network stand above.
KERNEL_WORDS = (
    "operation not permitted|no such file or directory|no such process|interrupted system call|input/output error"
    "|no such device or address|argument list too long|exec format error|bad file descriptor|no child processes"
    "|resource temporarily unavailable|cannot allocate memory|permission denied|bad address|block device required"
    "|device or resource busy|file exists|invalid cross-device link|no such device|not a directory|is a directory"
    "|invalid argument|too many open files in system|too many open files|inappropriate ioctl for device"
    "|text file busy|file too large|no space left on device|illegal seek|read-only file system|too many links"
    "|numerical (?:argument|result) out of (?:domain|range)|resource deadlock avoided|file name too long"
    "|function not implemented|directory not empty|too many levels of symbolic links|no data available"
    "|value too large for defined data type|protocol (?:not supported|not available|wrong type for socket)"
    "|operation not supported(?: by device)?|address family not supported by protocol|address already in use"
    "|cannot assign requested address|no buffer space available|operation (?:already|now) in progress"
    "|stale (?:NFS )?file handle|structure needs cleaning|disk quota exceeded|no medium found|key has expired"
    "|link has been severed|transport endpoint is not connected|device or resource busy|timer expired"
)
# The last of the words, whatever stands before it in its segment.
ERRNO = r"(?:.*[\s\])\"'])?(?i:%s)(?: \(.*\)|\. Run .*)?[\].]*$" % KERNEL_WORDS
# The kernel does not know what it is asked for.
NOT_BUILT_IN = (
    r"(?:.*\s)?(?i:operation not supported|function not implemented|(?:address family|protocol) not supported\b.*)$"
)
