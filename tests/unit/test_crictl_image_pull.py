# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_pull against a containerd in memory."""

import pytest
from fake_containerd import Content, FakeContainerd, failure

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull

COREDNS = "10.99.0.1:5000/riscv64/coredns:1.0"
PAUSE = "10.99.0.1:5000/riscv64/pause:3.6"
OTHER = "other.example/app:1"
RISCV64, AMD64 = Content("coredns"), Content("coredns", "amd64")
REFUSED = "dial tcp 10.99.0.1:5000: connect: connection refused"


@pytest.fixture(autouse=True)
def _on_board_1(monkeypatch, tmp_path):
    monkeypatch.setitem(PROGRAM_OPTIONS["data_dir"], "default", str(tmp_path))
    monkeypatch.setattr("socket.gethostname", lambda: "board-1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def pull(fake, images, check_mode=False, **options):
    params = dict(
        {
            "images": images,
            "policy": "missing",
            "architecture": "riscv64",
            "deep": False,
            "retries": 3,
            "digests": {},
            "timeout": 900,
        },
        **options,
    )
    return crictl_image_pull.run(params, check_mode, Programs({"k3s": "k3s"}, fake, is_root=True))


def row(name, content, changed):
    told = {"name": name, "digest": content.digest, "architecture": content.architecture, "size": content.size}
    return dict(told, seconds=0.0, changed=changed, downloaded=content.size if changed else 0)


def test_check_run_check_run():
    pause = Content("pause")
    fake = FakeContainerd(registry={COREDNS: RISCV64, PAUSE: pause})
    fake.put(PAUSE, pause)

    predicted = pull(fake, [COREDNS, PAUSE], check_mode=True)
    assert fake.writes == []
    assert predicted["changed"] and [image["changed"] for image in predicted["images"]] == [True, False]
    assert predicted["images"][0]["digest"] is None
    assert (predicted["diff"]["before"], predicted["diff"]["after"]) == ("", f"{COREDNS} known after the pull\n")

    real = pull(fake, [COREDNS, PAUSE])
    assert real["images"] == [row(COREDNS, RISCV64, True), row(PAUSE, pause, False)]
    assert real["diff"]["after"] == f"{COREDNS} {RISCV64.digest}\n"
    assert fake.writes == [["pull", COREDNS]]

    fake.calls.clear()
    for check_mode in (True, False):
        again = pull(fake, [COREDNS, PAUSE], check_mode)
        assert not again["changed"]
        assert again["images"] == [row(COREDNS, RISCV64, False), row(PAUSE, pause, False)]
    assert fake.writes == []
    assert len(fake.calls) == 4  # one ctr and one crictl each


def test_short_and_double_names_are_one_image():
    busybox = Content("busybox")
    fake = FakeContainerd(registry={"docker.io/library/busybox:latest": busybox})
    assert pull(fake, ["busybox", "docker.io/library/busybox"])["images"] == [
        row("docker.io/library/busybox:latest", busybox, True)
    ]


def test_a_wrong_image_is_taken_away_again():
    good = Content("good")
    fake = FakeContainerd(registry={COREDNS: AMD64, PAUSE: good})
    with pytest.raises(
        Problem, match=r"^10.99.0.1:5000/riscv64/coredns:1.0 is amd64, board board-1 is riscv64\."
    ) as caught:
        pull(fake, [COREDNS, PAUSE])
    assert caught.value.next_step
    assert fake.names() == {PAUSE: (good.digest, False)}
    assert not [name for name in fake.store if fake.store[name][0] is AMD64]


def test_siblings_of_a_wrong_image_stay():
    fake = FakeContainerd(registry={COREDNS: AMD64})
    sibling = "10.99.0.1:5000/riscv64/coredns:amd64"
    fake.put(sibling, AMD64)
    before = set(fake.store)
    with pytest.raises(Problem, match="is amd64"):
        pull(fake, [COREDNS])
    assert set(fake.store) == before


def test_a_wrong_image_that_was_there_is_told_before_any_pull():
    fake = FakeContainerd(registry={PAUSE: RISCV64})
    fake.put(COREDNS, AMD64)
    for check_mode in (True, False):
        with pytest.raises(Problem, match="is amd64, board board-1 is riscv64"):
            pull(fake, [PAUSE, COREDNS], check_mode)
    assert fake.writes == [] and COREDNS in fake.store


def test_any_architecture():
    fake = FakeContainerd(registry={COREDNS: AMD64})
    assert pull(fake, [COREDNS], architecture="any")["images"] == [row(COREDNS, AMD64, True)]


def test_a_pull_that_broke_off_once_is_made_good():
    fake = FakeContainerd(registry={COREDNS: RISCV64})
    fake.put(COREDNS, RISCV64)
    fake.unusable.add(COREDNS)
    assert pull(fake, [COREDNS], check_mode=True)["changed"]
    assert pull(fake, [COREDNS])["images"] == [row(COREDNS, RISCV64, True)]
    assert not pull(fake, [COREDNS])["changed"]


def test_always_takes_new_content_and_keeps_the_pin():
    old, new = Content("old"), Content("new")
    fake = FakeContainerd(registry={COREDNS: new})
    fake.put(COREDNS, old, pinned=True)
    assert not pull(fake, [COREDNS], check_mode=True, policy="always")["changed"]
    result = pull(fake, [COREDNS], policy="always")
    assert result["images"] == [row(COREDNS, new, True)]
    assert result["diff"]["before"] == f"{COREDNS} {old.digest}\n"
    assert fake.names() == {COREDNS: (new.digest, True)}
    assert not pull(fake, [COREDNS], policy="always")["changed"]


@pytest.mark.parametrize("version", ["1.6.20", "2.4.2"])
def test_always_gives_the_old_content_back_when_the_new_is_wrong(version):
    old = Content("old")
    fake = FakeContainerd(version, registry={COREDNS: AMD64})
    fake.put(COREDNS, old, pinned=True)
    with pytest.raises(Problem, match="is amd64"):
        pull(fake, [COREDNS], policy="always")
    assert fake.names() == {COREDNS: (old.digest, True)}
    assert not [name for name in fake.store if fake.store[name][0] is AMD64]


def test_always_removes_the_name_when_the_old_content_is_gone():
    fake = FakeContainerd(registry={COREDNS: AMD64})
    fake.store[COREDNS] = [Content("old"), {}]
    with pytest.raises(Problem, match="is amd64"):
        pull(fake, [COREDNS], policy="always")
    assert fake.store == {}


@pytest.mark.parametrize("version", ["1.6.20", "2.4.2"])
@pytest.mark.parametrize("there", [None, Content("old")])
def test_nothing_stays_of_a_pull_that_failed(version, there):
    fake = FakeContainerd(version, registry={COREDNS: Content("index", "amd64", only_elsewhere=True)})
    if there:
        fake.put(COREDNS, there, pinned=True)
    with pytest.raises(Problem, match="it holds no content for this architecture"):
        pull(fake, [COREDNS], policy="always")
    assert fake.names() == ({COREDNS: (there.digest, True)} if there else {})


def test_not_found_lists_what_the_store_has():
    fake = FakeContainerd()
    fake.put("10.99.0.1:5000/riscv64/coredns:0.9", RISCV64)
    with pytest.raises(
        Problem, match="has no such name.*in the board's store there is 10.99.0.1:5000/riscv64/coredns:0.9"
    ):
        pull(fake, [COREDNS])


def test_all_failures_are_told_and_the_rest_is_pulled():
    fake = FakeContainerd(registry={OTHER: RISCV64})
    with pytest.raises(Problem, match=r"2 of 3 images could not be brought to the board.*\(1\).*coredns.*\(2\).*pause"):
        pull(fake, [COREDNS, OTHER, PAUSE])
    assert list(fake.names()) == [OTHER]


def test_a_registry_out_of_reach_is_asked_once():
    fake = FakeContainerd(registry={COREDNS: failure(COREDNS, REFUSED), PAUSE: failure(PAUSE, REFUSED), OTHER: RISCV64})
    with pytest.raises(Problem, match="nothing listens at the address of 10.99.0.1:5000"):
        pull(fake, [COREDNS, PAUSE, OTHER])
    assert fake.writes == [["pull", COREDNS], ["pull", OTHER]]


def test_crictl_that_says_it_pulled_and_did_not():
    fake = FakeContainerd()
    fake.deaf.add("pull")
    with pytest.raises(Problem, match="is not in the store after its pull"):
        pull(fake, [COREDNS])


@pytest.mark.parametrize("version", ["1.6.20", "2.4.2"])
def test_a_wanted_digest_check_run_check_run(version):
    old, new = Content("old"), Content("new")
    fake = FakeContainerd(version, registry={COREDNS: new})
    fake.put(COREDNS, old, pinned=True)
    digests = {COREDNS: new.digest}
    predicted, real, predicted_again, again = (
        pull(fake, [COREDNS], check_mode, digests=digests) for check_mode in (True, False, True, False)
    )
    assert predicted["diff"] == real["diff"] and predicted["changed"] and real["images"] == [row(COREDNS, new, True)]
    assert not predicted_again["changed"] and not again["changed"]
    assert fake.names() == {COREDNS: (new.digest, True)}


@pytest.mark.parametrize("version", ["1.6.20", "2.4.2"])
@pytest.mark.parametrize("there", [None, Content("old"), Content("locked")])
def test_other_content_than_wanted_is_taken_away_again(version, there):
    new, locked = Content("new"), Content("locked")
    fake = FakeContainerd(version, registry={COREDNS: new})
    if there:
        fake.put(COREDNS, there)
    with pytest.raises(Problem, match=f"has {new.digest}, expected is {locked.digest}") as caught:
        pull(fake, [COREDNS], policy="always", digests={COREDNS: locked.digest})
    assert caught.value.where == "10.99.0.1:5000" and "riscv.k3s.lock" in caught.value.next_step
    assert fake.names() == ({COREDNS: (there.digest, False)} if there else {})
    assert not [name for name in fake.store if fake.store[name][0] is new]


def test_wrong_content_that_was_there_is_no_reason_not_to_pull_the_wanted():
    fake = FakeContainerd(registry={COREDNS: RISCV64})
    fake.put(COREDNS, Content("amd64 too", "amd64"))
    assert pull(fake, [COREDNS], digests={COREDNS: RISCV64.digest})["images"] == [row(COREDNS, RISCV64, True)]


@pytest.mark.parametrize(
    "digests, message",
    [
        ({PAUSE: RISCV64.digest}, "digests names .*pause:3.6, which is not in images"),
        ({COREDNS: "sha256:1"}, "the digest for .*coredns:1.0 is not valid"),
    ],
)
def test_wrong_digests(digests, message):
    with pytest.raises(Problem, match=message):
        pull(FakeContainerd(), [COREDNS], digests=digests)


def test_what_was_downloaded_counts_each_content_once():
    same, there = Content("same", size=300), Content("there", size=50)
    fake = FakeContainerd(registry={COREDNS: same, PAUSE: same, OTHER: there})
    fake.put("other.example/old:1", there)
    assert pull(fake, [COREDNS, PAUSE, OTHER], check_mode=True)["downloaded"] is None
    result = pull(fake, [COREDNS, PAUSE, OTHER])
    assert (result["downloaded"], [image["downloaded"] for image in result["images"]]) == (300, [300, 0, 0])
    assert [pull(fake, [COREDNS, PAUSE, OTHER], check_mode)["downloaded"] for check_mode in (True, False)] == [0, 0]
