# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of errors that a tenant, a registry or a board made to break who reads them."""

from __future__ import annotations

import time

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told

HEADS = ("", 'failed to pull image "a": ', 'level=fatal msg="')
# Each made a pattern take the square or the cube of the text's length.
UNITS = ("vxlan = ", "=<\n\n ", "=<\n a\n", "seccomp  for ", "certificate ", 'caused "', "FATA[a] b\n", "a\n")


@pytest.mark.parametrize("text", ['{"a":' * 1500, "[" * 8000, '{"msg":' + "[" * 7000, '{"msg": ' + "9" * 7000 + "}"])
def test_json_of_any_depth_is_a_text(text):
    assert told(text).cause is None


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_no_text_takes_long(unit):
    """Four times the text takes at most four times as long, on a slow machine, too. A square takes sixteen times."""

    def spent(length):
        started = time.process_time()
        for head in HEADS:
            told(head + unit * (length // len(unit)))
        return time.process_time() - started

    assert spent(8000) < 4 * spent(2000) + 0.1


def test_what_stands_at_the_end_of_a_long_text_counts():
    text = 'Failed to pull image "a/b:1": failed to resolve reference "a/b:1": dial tcp 10.0.0.1:443: %s'
    for word in ("x" * 3000, '"%s"' % ("vxlan " * 500)):
        assert told(text % (word + ": connect: connection refused")).cause == "registry-refused"


@pytest.mark.parametrize(
    "text",
    [
        'plugin type="bridge" failed (add): failed to set up pod "oomkilled-0_default" network: what nobody knows',
        'error adding pod default_oomkill-0 to CNI network "cbr0": what nobody knows',
        'failed to "StartContainer" for "OOMKilled" with RunContainerError: what nobody knows',
        'Failed to pull image "reg.example/oom-killer:1": what nobody knows',
        'Failed to pull image "reg.example/text/html": what nobody knows',
    ],
)
def test_a_name_is_no_reason(text):
    """A tenant chooses the names of pods, containers and images."""
    assert told(text).cause in (None, "cni-failed") and not told(text).sure


def test_words_that_are_no_name_still_count():
    for text in ("Memory cgroup: oom-kill: constraint=CONSTRAINT_MEMCG", "invoked oom-killer: gfp_mask=0xcc0"):
        assert told(text).cause in ("out-of-memory", None)
    assert told("container was OOM-killed").cause == "out-of-memory"
