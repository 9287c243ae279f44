# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the API as kubectl writes them for the observing script's query, by the names of their fields."""


def record(kind, token, /, **fields):
    """A line of kubectl's answer: ``kind`` is a Record of api_query, ``fields`` texts, those left out are empty."""
    assert not set(fields) - set(kind.fields), set(fields) - set(kind.fields)
    return "%s %s\t%s\n" % (token, kind.mark, "\t".join(fields.get(name, "") for name in kind.fields))
