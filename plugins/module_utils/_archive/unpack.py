# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stream of bytes out of a plain, gzip, xz or bzip2 file that ends at a limit, not when memory or disk are full."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits

_CHUNK = 1 << 16
_PACKED_CHUNK = 1 << 13  # small, since what is read but not yet unpacked counts as packed


class _Gzip:
    """zlib's decompressor with the manners of bz2's and lzma's. It compares checksum and length itself."""

    def __init__(self):
        self._zlib = zlib.decompressobj(31)  # 16 + 15: with a gzip header
        self.needs_input = True

    def decompress(self, data, size):
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, size)
        self.needs_input = not self._zlib.unconsumed_tail and len(out) < size
        return out

    @property
    def eof(self):
        return self._zlib.eof

    @property
    def unused_data(self):
        return self._zlib.unused_data


# How a file begins: what it is called, what unpacks it.
_KINDS = {
    b"\x1f\x8b": ("gzip", _Gzip),
    b"\xfd7zXZ\x00": ("xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, limits.MAX_XZ_MEMORY)),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
}


def compression(start):
    """``gzip``, ``xz`` or ``bzip2``, by a file's first bytes; None for another file."""
    return next((name for magic, (name, _make) in _KINDS.items() if start.startswith(magic)), None)


def unpacked(handle, kind, src):
    """A file object to read what is in the open binary file ``handle`` of compression ``kind`` (None: as it is).

    Reading raises Problem at a limit, and for damaged content EOFError, zlib.error, lzma.LZMAError or OSError
    (without a number).
    """
    make = dict(_KINDS.values()).get(kind)
    return io.BufferedReader(_Limited(_Streams(handle, make, src) if make else handle, handle, src), _CHUNK)


class _Streams:
    """All compressed streams of a file, one after the other; zeros may fill up between them."""

    def __init__(self, handle, make, src):
        self._handle = handle
        self._make = make
        self._src = src
        self._stream = make()
        self._number = 1

    def read(self, size):
        """At most ``size`` bytes, none at the end."""
        while True:
            data = self._input()
            if data is None:
                return b""
            out = self._decompress(data, size)
            if out:
                return out

    def _decompress(self, data, size):
        try:
            return self._stream.decompress(data, size)
        except lzma.LZMAError as error:
            if "Memory usage limit" in str(error):
                raise limits.too_much(
                    self._src, "xz data that needs more than %d bytes of memory to unpack" % limits.MAX_XZ_MEMORY
                ) from error
            raise

    def _input(self):
        if self._stream.eof:
            return self._next_stream()
        if not self._stream.needs_input:
            return b""
        data = self._handle.read(_PACKED_CHUNK)
        if not data:
            raise EOFError("compressed data without its end")
        return data

    def _next_stream(self):
        data = self._stream.unused_data.lstrip(b"\0")
        while not data:
            more = self._handle.read(_PACKED_CHUNK)
            if not more:
                return None
            data = more.lstrip(b"\0")
        self._number += 1
        if self._number > limits.MAX_STREAMS:
            raise limits.too_much(self._src, "more than %d compressed streams" % limits.MAX_STREAMS)
        self._stream = self._make()
        return data


class _Limited(io.RawIOBase):
    """What ``source`` reads out of the file ``handle``, counted against the limits."""

    def __init__(self, source, handle, src):
        super().__init__()
        self._source = source
        self._handle = handle
        self._src = src
        self._count = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        """Fill ``buffer``; only at the end it is not full, so that a look at the first bytes sees all of them."""
        filled = 0
        while filled < len(buffer):
            data = self._source.read(len(buffer) - filled)
            if not data:
                break
            buffer[filled : filled + len(data)] = data
            filled += len(data)
            self._judge(len(data))
        return filled

    def _judge(self, number):
        self._count += number
        limits.check_unpacked(self._src, self._count)
        limits.check_ratio(self._src, self._count, self._handle.tell())
