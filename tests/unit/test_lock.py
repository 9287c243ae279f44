# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock: read, made, compared."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.filter.lock import lock as lock_filter
from ansible_collections.riscv.k3s.plugins.filter.lock_candidates import lock_candidates
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.controller import inventory_settings
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

PAUSE = "docker.io/rancher/mirrored-pause:3.6"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
SOURCE, MIRROR = "reg:5000/riscv64/pause:1.0", "mirror:5000/stock/rancher/mirrored-pause:3.6"
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "f" * 64
BEFORE, NOW = "2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z"


def locked(image=PAUSE, architecture="riscv64", digest=OLD, source=SOURCE, when=BEFORE, size=7):
    return _lock.Locked(image, architecture, source, source.partition("/")[0], digest, size, when)


def lock_of(*rows):
    return {(row.image, row.architecture): row for row in rows}


def item(image=PAUSE, sources=(SOURCE,), required=True, architecture="riscv64"):
    return {"image": image, "architecture": architecture, "sources": list(sources), "required": required}


def answer(image=SOURCE, digest=OLD, size=7, message=None):
    return {"image": image, "digest": digest, "size": size, "cause": message and "no-such-image", "message": message}


def planned(*images, architecture="riscv64"):
    return {"architecture": architecture, "images": list(images)}


def row(image=PAUSE, source=SOURCE, fix="tag", required=True, tag_from=SOURCE, digest=None):
    return {"image": image, "source": source, "fix": fix, "required": required, "tag_from": tag_from, "locked": digest}


def test_what_is_written_is_read_again():
    lock = lock_of(
        locked(), locked(COREDNS, digest=NEW, source="reg:5000/x:1", size=None), locked(architecture="amd64")
    )
    text = _lock.render(lock)
    assert _lock.read(text, "images.lock.yml") == lock
    assert _lock.render(dict(reversed(lock.items()))) == text
    assert [line.split()[-1] for line in text.splitlines() if "- image:" in line] == [COREDNS, PAUSE, PAUSE]


def test_the_file_is_an_inventory_with_nothing_but_a_variable():
    assert list(yaml.safe_load(_lock.render(lock_of(locked())))) == ["all"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda text: "", "cannot be read"),
        (lambda text: text + "\t{", "cannot be read"),
        (lambda text: text.replace("riscv_k3s_lock:", "other:"), "cannot be read. Found: 'riscv_k3s_lock'"),
        (lambda text: text.replace("digest:", "sha:"), "unexpected keyword argument 'sha'"),
        (lambda text: text.replace(OLD, "sha256:1"), "'sha256:1' is not a digest"),
        (lambda text: text.replace(OLD, "null"), "None is not a digest"),
        (lambda text: text.replace("docker.io/rancher", "rancher"), "is not written in full"),
        (lambda text: text.replace(PAUSE, "'a b'"), "is not an image reference"),
        (lambda text: text + text[text.index("    - image") :], "holds an image twice"),
    ],
)
def test_a_file_that_was_spoilt(spoil, message):
    with pytest.raises(Problem, match=message) as caught:
        _lock.read(spoil(_lock.render(lock_of(locked()))), "inventory/images.lock.yml")
    assert caught.value.where == "inventory/images.lock.yml" and "riscv.k3s.lock" in caught.value.next_step


@pytest.mark.parametrize(
    "wanted, answers, previous, keep_others, lock",
    [
        pytest.param([item()], [answer()], [], False, [locked(when=NOW)], id="new"),
        pytest.param([item()], [answer()], [locked()], False, [locked()], id="nothing new keeps its time"),
        pytest.param([item()], [answer(digest=NEW)], [locked()], False, [locked(digest=NEW, when=NOW)], id="moved"),
        pytest.param([item()], [answer(size=8)], [locked()], False, [locked(size=8, when=NOW)], id="another size"),
        pytest.param(
            [item(COREDNS)], [answer()], [locked()], False, [locked(COREDNS, when=NOW)], id="no longer asked for"
        ),
        pytest.param(
            [item(COREDNS)],
            [answer()],
            [locked()],
            True,
            [locked(COREDNS, when=NOW), locked()],
            id="asked for by boards that were not seen",
        ),
        pytest.param(
            [item(sources=[MIRROR, SOURCE])],
            [answer(MIRROR), answer()],
            [],
            False,
            [locked(source=MIRROR, when=NOW)],
            id="mirror",
        ),
        pytest.param(
            [item(sources=[MIRROR, SOURCE])],
            [answer(MIRROR, message="no"), answer()],
            [],
            False,
            [locked(when=NOW)],
            id="not in the mirror",
        ),
        pytest.param(
            [item(required=False)], [answer(message="no")], [locked()], False, [], id="not needed and not there"
        ),
    ],
)
def test_make(wanted, answers, previous, keep_others, lock):
    made, left_out = _lock.make(wanted, {"riscv64": answers}, lock_of(*previous), NOW, keep_others)
    assert made == lock_of(*lock)
    assert left_out == (["%s is not locked: no" % PAUSE] if not made else [])


def test_each_architecture_has_its_own_row():
    made, _left_out = _lock.make(
        [item(), item(architecture="amd64")], {"riscv64": [answer()], "amd64": [answer(digest=NEW)]}, {}, NOW
    )
    assert made == lock_of(locked(when=NOW), locked(architecture="amd64", digest=NEW, when=NOW))


def test_what_boards_are_given_must_be_there():
    with pytest.raises(Problem, match="1 of 2 images cannot be locked. Found: %s: it is gone" % PAUSE):
        _lock.make([item(), item(COREDNS, required=False)], {"riscv64": [answer(message="it is gone")]}, {}, NOW)


def test_candidates():
    plans = [
        planned(row(COREDNS, required=False), row(), row("docker.io/x/y:1", source=None, fix="impossible")),
        planned(row(COREDNS), row(fix="stock", source=PAUSE), architecture="amd64"),
        planned(row(COREDNS), row("reg:5000/own:1", source="reg:5000/own:1", fix="present")),
    ]
    prefix = ["m:5000/s/rancher/mirrored-coredns-coredns:1.9.1", "m:5000/s/rancher/mirrored-pause:3.6"]
    assert lock_candidates(plans, "m:5000/s") == [
        item("docker.io/rancher/mirrored-coredns-coredns:1.9.1", [prefix[0], SOURCE], architecture="amd64"),
        item(COREDNS, [prefix[0], SOURCE]),
        item(PAUSE, [prefix[1], PAUSE], required=False, architecture="amd64"),
        item(PAUSE, [prefix[1], SOURCE]),
        item("docker.io/x/y:1", ["m:5000/s/x/y:1"], required=False),
        item("reg:5000/own:1", ["reg:5000/own:1"]),
    ]
    assert [candidate["sources"] for candidate in lock_candidates(plans[:1])] == [[SOURCE], [SOURCE]]


def test_the_filter_twice():
    first = lock_filter([item()], {"riscv64": [answer()]}, NOW)
    assert (first["count"], first["left_out"]) == (1, [])
    assert lock_filter([item()], {"riscv64": [answer()]}, "2026-12-24T00:00:00Z", previous=first["text"]) == first


@pytest.mark.parametrize(
    "rows, pulls, digests",
    [
        ([row(digest=OLD)], [SOURCE], {SOURCE: OLD}),
        ([row(digest=OLD)], [], {}),
        ([row()], [SOURCE], {}),
        ([row(digest=OLD, fix="mirror", tag_from=None)], [PAUSE], {PAUSE: OLD}),
        ([row(digest=OLD, fix="flag", tag_from=None)], [SOURCE], {SOURCE: OLD}),
        ([row(digest=OLD, tag_from=PAUSE)], [SOURCE], {}),
        ([row(digest=OLD), row(COREDNS, digest=OLD)], [SOURCE], {SOURCE: OLD}),
    ],
)
def test_digests_of_pulls(rows, pulls, digests):
    assert _lock.digests(rows, pulls) == digests


def test_two_digests_for_one_source():
    with pytest.raises(Problem, match="names two digests for %s" % SOURCE):
        _lock.digests([row(digest=OLD), row(COREDNS, digest=NEW)], [SOURCE])


def test_warnings():
    store = {PAUSE: {"digest": NEW}, COREDNS: {"digest": OLD}}
    lock = lock_of(locked(), locked(COREDNS))
    rows = [
        row(fix="present", digest=OLD),
        row(COREDNS, fix="present", digest=OLD),
        row("docker.io/x:1"),
        row("docker.io/y:1", fix="stock"),
    ]
    assert _lock.warnings(rows, store, lock, "riscv64") == [
        "not in the lock, so accepted without a check: docker.io/x:1. Next: run the playbook riscv.k3s.lock, and "
        "review its diff",
        "%s is left as it is, but the store has %s, the lock %s" % (PAUSE, NEW, OLD),
    ]


def test_where_the_content_comes_from_is_shown_and_a_file_from_before_is_read():
    said = dict(answer(), origin="pause 1.0.0, built by recipe pause")
    lock, dummy = _lock.make([item()], {"riscv64": [said]}, {}, NOW)
    text = _lock.render(lock)
    assert "origin: pause 1.0.0, built by recipe pause" in text and _lock.read(text, "x") == lock
    before = _lock.render(lock_of(locked()))
    assert "origin" not in before and _lock.read(before, "x") == lock_of(locked())


@pytest.mark.parametrize("origin", ["{{ lookup('pipe', 'id') }}", "{% set x %}", "{# #}", "{{{%{#{{", "a {{{{ b }}"])
def test_what_a_registry_says_is_no_template_of_the_inventory(origin):
    said = dict(answer(), origin=origin)
    lock, dummy = _lock.make([item()], {"riscv64": [said]}, {}, NOW)
    for text in (_lock.render(lock), _lock.render(lock_of(locked()._replace(origin=origin)))):
        (row,) = yaml.safe_load(text)["all"]["vars"]["riscv_k3s_lock"]
        assert not re.search(r"\{[{%#]", row["origin"])
    # And it is the same the next time.
    again, dummy = _lock.make(
        [item()], {"riscv64": [said]}, _lock.read(_lock.render(lock), "x"), "2027-01-01T00:00:00Z"
    )
    assert again == lock


def test_rows_of_a_lock_are_no_settings_to_be_looked_at():
    class Variables(dict):
        def __getitem__(self, name):
            assert name != "riscv_k3s_lock"
            return super().__getitem__(name)

    assert inventory_settings(Variables(riscv_k3s_lock="{{ 1 }}", riscv_k3s_deep=True))["deep"] is True
