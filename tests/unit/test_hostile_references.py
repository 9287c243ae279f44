# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references of any kind: understood as containerd and the kubelet do, or refused; never a word that a program
could take for an option.
"""

import json
import re
import time

import hypothesis
import pytest
from fakes import read
from hostile import COUNTS, NASTY, many, outcome, st

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Written by a Go program on github.com/distribution/reference v0.6.0 (ParseNormalizedNamed, then TagNameOnly): [text,
# full name or null].
RECORDED = json.loads(read("references.json"))
DIGEST = "sha256:" + "0123456789abcdef" * 4

# The grammar as that project writes it down, and its splitting, to compare with.
ALNUM = "[a-z0-9]+"
PATH = f"{ALNUM}(?:(?:[.]|_|__|[-]+){ALNUM})*"
DOMAIN_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
DOMAIN = r"(?:%s(?:\.%s)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?" % (DOMAIN_PART, DOMAIN_PART)
VERSION = "(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[a-f0-9]{64}))?"
REFERENCE = re.compile("(?P<domain>%s)/(?P<path>%s(?:/%s)*)%s" % (DOMAIN, PATH, PATH, VERSION))

PARTS = st.sampled_from(
    ["a", "rancher", "localhost", "docker.io", "index.docker.io", "registry.k8s.io", "10.0.0.1", "[fd00::1]", "Reg"]
    + ["a__b", "a_b", "a.b", "a---b", "a..b", "-a", "a-", "5000", "1.9.1", "v1-k3s2", "V_1", "latest", "sha256"]
    + ["0" * 64, "f" * 63, "x" * 128, "x" * 129, DIGEST, ""]
    + NASTY
)
PAIRS = st.tuples(PARTS, st.sampled_from(["/", "/", ":", "@", "", "@sha256:", "//"]))
NAMES = st.lists(
    st.sampled_from(
        ["a", "rancher", "a__b", "a.b", "a---b", "5000", "0" * 64, "localhost", "docker.io", "_", "-", "."]
    ),
    min_size=1,
    max_size=4,
)
REFERENCES = st.one_of(
    st.lists(PAIRS, min_size=1, max_size=5).map(
        lambda pairs: "".join(part + separator for part, separator in pairs)[:-1]
    ),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "docker.io/", "index.docker.io/", "R:5/", "localhost/", "[fd00::1]:5000/", "a/"]),
        st.builds(lambda separator, names: separator.join(names), st.sampled_from(["/", "", "_"]), NAMES),
        st.sampled_from(["", ":1.9.1", ":V_1", ":" + "x" * 128, ":5/a"]),
        st.sampled_from(["", "", "@" + DIGEST, "@" + DIGEST[:-1]]),
    ),
    st.text(max_size=30),
)


def by_the_grammar(text):
    """The full name, or None for no reference, as the functions of that project decide it."""
    if re.fullmatch("[a-f0-9]{64}", text):
        return None
    domain, slash, rest = text.partition("/")
    if not slash or not (domain == "localhost" or set(domain) & set(".:") or domain.lower() != domain):
        domain, rest = "docker.io", text
    domain = "docker.io" if domain == "index.docker.io" else domain
    if domain == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    found = REFERENCE.fullmatch("%s/%s" % (domain, rest))
    # Its limit is for the path alone; that of older ones in k3s is for domain and path, and here the stricter one
    # counts.
    if not found or len("%(domain)s/%(path)s" % found.groupdict()) > 255:
        return None
    if found.group("digest"):
        return as_the_kubelet_asks(found.group())
    return found.group() if found.group("tag") else found.group() + ":latest"


def as_the_kubelet_asks(full):
    """Without the tag of a name that has a digest too: containerd's CRI drops it before it looks or pulls."""
    name, at, digest = full.partition("@")
    first, slash, last = name.rpartition("/")
    return first + slash + last.partition(":")[0] + at + digest if at else full


def test_as_the_program_of_the_grammar_decides():
    for text, full in RECORDED:
        found = outcome(normalise, text)
        if "@sha512:" in text or full and len(full) > 255 and isinstance(found, Problem):
            assert isinstance(found, Problem), (
                text
            )  # other digests are refused, and names that older versions of it refuse
        else:
            full = as_the_kubelet_asks(full) if full else full
            assert (None if isinstance(found, Problem) else found) == full, text
            assert by_the_grammar(text) == full, text


@many(0.8)
@hypothesis.given(st.lists(REFERENCES, min_size=10, max_size=10))
def test_any_text_is_understood_as_the_grammar_says_or_refused(texts):
    for text in texts:  # ten in one go: to generate a case costs more than to check ten
        COUNTS["references"] += 1
        check(text)


def check(text):
    found = outcome(ImageName.parse, text)
    expected = by_the_grammar(text)
    if isinstance(found, Problem):
        assert expected is None, found
        return
    assert found.full == expected
    again = ImageName.parse(found.full)
    assert again == found and again.full == found.full
    assert re.fullmatch(r"[A-Za-z0-9\[][A-Za-z0-9._:/@\[\]-]*", found.full), (
        "it could be an option, or mean something to a shell"
    )


@pytest.mark.parametrize(
    "text", NASTY + [None, 3, b"a/b", ["a"], {}, "a" * 64, "a/b:" + "x" * 129, "a/b@" + DIGEST + "@" + DIGEST]
)
def test_refused(text):
    assert isinstance(outcome(ImageName.parse, text), Problem)


@pytest.mark.parametrize(
    "piece,end",
    [("aaaaaaa", ""), ("a.", ""), ("a-", ""), ("a/", ""), ("A.-", "/a"), ("a:", ""), ("a@", ""), ("[::", "/a")],
)
def test_megabytes_are_refused_at_once_and_not_shown(piece, end):
    text = piece * 10**6 + end
    begin = time.monotonic()
    assert len(str(outcome(ImageName.parse, text))) < 3000
    assert time.monotonic() - begin < 5
