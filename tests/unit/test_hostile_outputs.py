# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs on a board print, broken in any way: a Problem, or rows of the right kind; never a traceback, never a
wait.
"""

import json
import re

import hypothesis
import pytest
from fakes import FIXTURES, read
from hostile import ANY_TEXT, ANYTHING, COUNTS, NASTY, many, outcome, st
from records import record

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.module_utils._output import images as _parse_images
from ansible_collections.riscv.k3s.plugins.module_utils._output import k3s as _parse_k3s
from ansible_collections.riscv.k3s.plugins.module_utils._output import pods as _parse_pods
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

TOKEN = "riscv-k3s-0123456789abcdef"
DEEP = "[" * 100000
NUMBER = (
    '{"items": [{"id": "x", "metadata": {"name": "a", "namespace": "b", "uid": "c"}, '
    '"state": "SANDBOX_READY", "createdAt": %s}]}'
)


def parse_api(text):
    return _parse_pods.parse_api(text, TOKEN)


def parse_events(text):
    return _parse_pods.parse_events(text, TOKEN)


# Each with what a real program printed, where it was recorded.
PARSERS = {
    _parse_images.parse_image_list: read("ctr_images_ls_2.4.txt"),
    _parse_images.parse_image_status: read("crictl_inspecti_two.json"),
    _parse_images.parse_version: read("ctr_version_1.6.txt"),
    _parse_images.pins_supported: "1.6.25",
    _parse_k3s.parse_df: "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 50 50 50% /\n",
    _parse_k3s.parse_k3s_version: "k3s version v1.24.2+k3s2 (a3a5e4ab)\n",
    _parse_pods.parse_sandboxes: read("crictl_pods_1.34.json"),
    _parse_pods.parse_containers: read("crictl_ps_1.34.json"),
    parse_api: read("kubectl_get_1.34.txt"),
    parse_events: read("kubectl_events_1.34.txt"),
}
PIECES = st.sampled_from(["\t", "null", "[]", "{}", "-1", "1e999", "NaN", '"', ",", ":", "0" * 30, TOKEN])
EACH = pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)


@st.composite
def broken(draw):
    """A parser, and what it knows with something wrong put in or cut out."""
    parse = draw(st.sampled_from(list(PARSERS)))
    text = PARSERS[parse]
    for dummy in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([start, start, start + 1, start + 20, len(text)]))
        text = text[:start] + draw(st.one_of(ANY_TEXT, PIECES)) + text[end:]
    return parse, text


@st.composite
def other_values(draw):
    """A parser of JSON, and what it knows with one value of another kind."""
    parse = draw(st.sampled_from([parse for parse, text in PARSERS.items() if text.startswith("{")]))
    value = json.loads(PARSERS[parse])
    node = value
    while True:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], (dict, list)) or not node[key] or draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    node[key] = draw(ANYTHING)
    return parse, json.dumps(value, default=str, skipkeys=True)


@many(0.6)
@hypothesis.given(st.lists(broken(), min_size=2, max_size=2))
def test_broken_output(cases):
    for parse, text in cases:
        COUNTS["outputs of programs"] += 1
        outcome(parse, text)


@many(0.3)
@hypothesis.given(other_values())
def test_json_with_a_value_of_another_kind(case):
    COUNTS["outputs of programs"] += 1
    outcome(*case)


NONE_OF_THEIRS = [
    "",
    "null",
    "3",
    "[]",
    "{}",
    '"x"',
    "[[]]",
    '{"items": 3}',
    '{"items": [3]}',
    '{"containers": {}}',
    '{"status": {}}',
]


@EACH
@pytest.mark.parametrize("text", NASTY + NONE_OF_THEIRS + [DEEP, DEEP.replace("[", '{"a":')])
def test_no_output_of_that_program(parse, text):
    outcome(parse, text)
    outcome(parse, "%s\n%s Pod\t%s\n%s Node\t\n%s Addon\n%s uid" % (text, TOKEN, text, TOKEN, TOKEN, TOKEN))


# What, parser, text
REFUSED = [
    ("a time beyond any", _parse_pods.parse_sandboxes, NUMBER % ('"' + "9" * 40 + '"')),
    ("a time of thousands of digits", _parse_pods.parse_sandboxes, NUMBER % ('"' + "9" * 5000 + '"')),
    ("a time that is none", _parse_pods.parse_sandboxes, NUMBER % '"yesterday"'),
    ("a name that is none", _parse_pods.parse_sandboxes, NUMBER.replace('"a"', "[]") % '"1"'),
    ("no rows", _parse_pods.parse_containers, '{"containers": [1]}'),
    ("deep", _parse_pods.parse_containers, '{"containers": %s' % DEEP),
    ("a node with too few fields", parse_api, "%s Node\ta\tb\n" % TOKEN),
    (
        "a pod whose labels are a list",
        parse_api,
        record(api_query.POD, TOKEN, labels="[1]"),
    ),
    (
        "a pod whose states are deep",
        parse_api,
        record(api_query.POD, TOKEN, states=DEEP),
    ),
    ("an event without message", parse_events, "%s Event\tuid\n" % TOKEN),
    (
        "a size beyond any",
        _parse_images.parse_image_list,
        re.sub("[0-9.]+ KiB", "9" * 400 + " KiB", read("ctr_images_ls_2.4.txt")),
    ),
    (
        "a size with two points",
        _parse_images.parse_image_list,
        read("ctr_images_ls_2.4.txt").replace(" KiB", ".1.1 KiB"),
    ),
    (
        "a size of thousands of digits",
        _parse_images.parse_image_status,
        read("crictl_inspecti_one.json").replace('"size": "', '"size": "' + "9" * 5000),
    ),
    ("deep images", _parse_images.parse_image_status, DEEP),
    ("a version of thousands of digits", _parse_images.pins_supported, "1.6." + "9" * 5000),
]


@pytest.mark.parametrize("parse,text", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(parse, text):
    assert isinstance(outcome(parse, text), Problem)


@EACH
def test_what_was_recorded_is_understood(parse):
    assert not isinstance(outcome(parse, PARSERS[parse]), Problem) and FIXTURES.is_dir()
