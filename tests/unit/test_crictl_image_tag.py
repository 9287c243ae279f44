# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_tag against a containerd in memory, with the ways of 1.6 and of 2.x."""

import pytest
from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.mirrors import pause_image
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS, Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_tag

SOURCE = "10.99.0.1:5000/riscv64/coredns:1.0"
TARGET = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
SECOND = "docker.io/rancher/mirrored-coredns-coredns:1.10.1"
PAUSE, STOCK_PAUSE = "10.99.0.1:5000/riscv64/pause:3.6", "docker.io/rancher/mirrored-pause:3.6"
COREDNS, STOCK = Content("coredns"), Content("stock", "amd64")
IMAGES = [{"source": SOURCE, "targets": [TARGET]}]


@pytest.fixture(autouse=True)
def _on_board_1(monkeypatch, tmp_path):
    monkeypatch.setitem(PROGRAM_OPTIONS["data_dir"], "default", str(tmp_path))
    monkeypatch.setattr("socket.gethostname", lambda: "board-1")


@pytest.fixture(params=["1.6.20", "1.7.11", "2.4.2"])
def board(request):
    fake = FakeContainerd(request.param)
    fake.put(SOURCE, COREDNS)
    return fake


def tag_with_warnings(fake, images, check_mode=False, **options):
    params = dict(
        {
            "images": images,
            "existing": "overwrite",
            "pinned": True,
            "architecture": "riscv64",
            "expected": [],
            "state": "present",
        },
        **options,
    )
    return crictl_image_tag.run(params, check_mode, Programs({"k3s": "k3s"}, fake, is_root=True))


def tag(fake, images, check_mode=False, **options):
    return tag_with_warnings(fake, images, check_mode, **options)[0]


def four_steps(fake, images, **options):
    """Check, run, check, run: the prediction is the result, and the second run finds nothing to do."""
    before = {name: (content, dict(labels)) for name, (content, labels) in fake.store.items()}
    predicted = tag(fake, images, check_mode=True, **options)
    assert before == {name: (content, labels) for name, (content, labels) in fake.store.items()}
    real = tag(fake, images, **options)
    assert predicted == real
    done = list(fake.writes)
    for check_mode in (True, False):
        assert not tag(fake, images, check_mode, **options)["changed"]
    assert fake.writes == done
    return real


def test_new_names(board):
    result = four_steps(board, [{"source": SOURCE, "targets": [TARGET, SECOND]}])
    assert result["images"][0] == {
        "name": TARGET,
        "source": SOURCE,
        "digest_before": None,
        "pinned_before": False,
        "digest": COREDNS.digest,
        "pinned": True,
        "changed": True,
    }
    assert board.names() == {
        SOURCE: (COREDNS.digest, False),
        TARGET: (COREDNS.digest, True),
        SECOND: (COREDNS.digest, True),
    }
    assert [write[0] for write in board.writes] == ["tag", "label", "label"]  # one tag for both
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"] == f"{SECOND} {COREDNS.digest} pinned\n{TARGET} {COREDNS.digest} pinned\n"


def test_other_content_is_overwritten(board):
    board.put(TARGET, STOCK, pinned=True)
    result = four_steps(board, IMAGES)
    assert board.names()[TARGET] == (COREDNS.digest, True)
    assert result["diff"]["before"] == f"{TARGET} {STOCK.digest} pinned\n"
    assert "--force" in board.writes[0]


def test_other_content_is_kept(board):
    board.put(TARGET, STOCK)
    result = four_steps(board, [{"source": SOURCE, "targets": [TARGET, SECOND]}], existing="keep")
    assert [image["changed"] for image in result["images"]] == [False, True]
    assert board.names()[TARGET] == (STOCK.digest, False)


@pytest.mark.parametrize("pinned", [True, False])
def test_only_the_pin_changes(board, pinned):
    board.put(TARGET, COREDNS, pinned=not pinned)
    board.store[TARGET][1]["io.cattle.k3s.pinned"] = "pinned"
    result = four_steps(board, IMAGES, pinned=pinned)
    assert result["changed"] and board.names()[TARGET] == (COREDNS.digest, pinned)
    assert board.writes == [["label", TARGET, "io.cri-containerd.pinned=" + ("pinned" if pinned else "")]]
    assert board.store[TARGET][1]["io.cattle.k3s.pinned"] == "pinned"


def test_a_pin_that_the_source_has_is_not_wanted(board):
    board.put(SOURCE, COREDNS, pinned=True)
    four_steps(board, IMAGES, pinned=False)
    assert board.names() == {SOURCE: (COREDNS.digest, True), TARGET: (COREDNS.digest, False)}


def test_the_source_itself_can_be_pinned(board):
    four_steps(board, [{"source": SOURCE, "targets": [SOURCE]}])
    assert board.names() == {SOURCE: (COREDNS.digest, True)}


def test_absent_removes_no_sibling(board):
    board.put(TARGET, COREDNS, pinned=True)
    result = four_steps(board, [{"source": None, "targets": [TARGET, SECOND]}], state="absent")
    assert [image["changed"] for image in result["images"]] == [True, False]
    assert board.names() == {SOURCE: (COREDNS.digest, False)}
    assert board.writes == [["rm", TARGET]]
    assert (result["diff"]["before"], result["diff"]["after"]) == (f"{TARGET} {COREDNS.digest} pinned\n", "")


def test_short_names_are_completed_and_told(board):
    result = four_steps(board, [{"source": SOURCE, "targets": ["rancher/mirrored-pause:3.6"]}])
    assert result["normalised"] == {"rancher/mirrored-pause:3.6": STOCK_PAUSE}
    assert STOCK_PAUSE in board.names()


@pytest.mark.parametrize(
    ("version", "warned"), [("1.6.20", True), ("1.6.25", False), ("1.7.9", True), ("2.4.2", False)]
)
def test_a_containerd_without_pins_is_told_once(version, warned):
    fake = FakeContainerd(version)
    fake.put(SOURCE, COREDNS)
    for check_mode in (True, False):
        _result, warnings = tag_with_warnings(fake, [{"source": SOURCE, "targets": [TARGET, SECOND]}], check_mode)
        assert len(warnings) == (1 if warned else 0)
        assert not warned or f"containerd {version} " in warnings[0]
    assert tag_with_warnings(fake, IMAGES)[1] == []


def test_nothing_is_tagged_when_a_source_is_missing(board):
    board.put("10.99.0.1:5000/riscv64/pause:3.5", Content("pause"))
    board.put("elsewhere.example/x/pause:1", Content("pause 1"))
    images = [*IMAGES, {"source": PAUSE, "targets": [STOCK_PAUSE]}]
    for check_mode in (True, False):
        with pytest.raises(
            Problem,
            match="pause:3.6 is not in containerd's store. Found: there is 10.99.0.1:5000/riscv64/pause:3.5. Next",
        ):
            tag(board, images, check_mode)
    assert board.writes == []


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ("elsewhere.example/x/pause:1", "there is elsewhere.example/x/pause:1"),
        ("elsewhere.example/x/other:1", "nothing under 10.99.0.1:5000/riscv64/pause"),
        ("Short", "nothing under 10.99.0.1:5000/riscv64/pause"),
    ],
)
def test_what_a_missing_source_may_have_been(there, message):
    fake = FakeContainerd()
    fake.store[there] = [Content("x"), {}]
    with pytest.raises(Problem, match=message):
        tag(fake, [{"source": PAUSE, "targets": [STOCK_PAUSE]}])


def test_two_missing_sources_are_told_together():
    with pytest.raises(Problem, match="2 source images.*coredns:1.0: .*pause:3.6: "):
        tag(FakeContainerd(), [*IMAGES, {"source": PAUSE, "targets": [STOCK_PAUSE]}])


def test_an_expected_source_may_be_missing_in_check_mode_only():
    fake = FakeContainerd()
    result = tag(fake, IMAGES, check_mode=True, expected=[SOURCE])
    assert result["images"][0]["changed"]
    assert result["diff"]["after"] == f"{TARGET} known after the pull pinned\n"
    with pytest.raises(Problem, match="not in containerd's store"):
        tag(fake, IMAGES, expected=[SOURCE])


def test_a_wrong_architecture_is_told_before_anything_is_tagged(board):
    board.put(PAUSE, Content("pause", "amd64"))
    images = [*IMAGES, {"source": PAUSE, "targets": [STOCK_PAUSE]}]
    for check_mode in (True, False):
        with pytest.raises(Problem, match=r"^10.99.0.1:5000/riscv64/pause:3.6 is amd64, board board-1 is riscv64\."):
            tag(board, images, check_mode)
    assert board.writes == []
    assert tag(board, images, architecture="any")["changed"]


def test_a_source_that_the_cri_does_not_know(board):
    board.unusable.add(SOURCE)
    with pytest.raises(Problem, match="cannot be used.*pull it again"):
        tag(board, IMAGES)


@pytest.mark.parametrize(("verb", "state"), [("tag", "present"), ("label", "present"), ("rm", "absent")])
def test_a_program_that_does_nothing_and_exits_0(board, verb, state):
    board.put(TARGET, STOCK)
    board.deaf.add(verb)
    with pytest.raises(Problem, match="is not as it was written"):
        tag(board, IMAGES, state=state)


def test_one_name_that_ctr_refuses_stops_no_other_one(board):
    """ctr ends at the first of many names; those before it, and those of other sources, are made and pinned."""
    board.put(PAUSE, Content("pause"))
    names = ["docker.io/stock/image-%d:1" % number for number in range(200)]
    images = [{"source": SOURCE, "targets": names}, {"source": PAUSE, "targets": [STOCK_PAUSE]}]
    board.refused = {names[100]}
    with pytest.raises(Problem) as caught:
        tag(board, images)
    made = {name for name, (_digest, pinned) in board.names().items() if pinned}
    assert made == {*names[:100], STOCK_PAUSE}
    text = str(caught.value)
    assert "100 of 201 names could not be written" in text and "invalid reference " + names[100] in text
    assert "failed with exit status 1" in text and "%s, %s" % (names[100], names[101]) in text and len(text) < 1500
    board.refused = set()
    assert len([row for row in tag(board, images)["images"] if row["changed"]]) == 100
    # A pin alone.
    board.refused = {TARGET}
    board.store[TARGET] = [COREDNS, {}]
    with pytest.raises(Problem, match="1 of 2 names.*cannot update"):
        tag(board, [{"source": SOURCE, "targets": [TARGET, SECOND]}])
    assert board.names()[SECOND] == (COREDNS.digest, True)


def test_a_pin_that_ctr_does_not_take_away_is_told_beside_a_name_that_it_refuses(board):
    board.put(PAUSE, Content("pause"))
    tag(board, [{"source": SOURCE, "targets": [TARGET]}])
    board.refused, board.deaf = {STOCK_PAUSE}, {"label"}
    images = [{"source": SOURCE, "targets": [TARGET]}, {"source": PAUSE, "targets": [STOCK_PAUSE]}]
    with pytest.raises(Problem, match="1 of 2 names could not be written.*of the others 1 are still pinned"):
        tag(board, images, pinned=False)


def test_a_pin_that_ctr_refuses_to_take_away(board, tmp_path):
    """As site does for what has left the catalogue. It is told, the others are unpinned, and the next run tries again:
    the journal has the pin as ours.
    """
    names = [TARGET, SECOND]
    tag(board, [{"source": SOURCE, "targets": names}])
    images = [{"source": name, "targets": [name]} for name in names]
    board.refused = {TARGET}
    for _run in range(2):
        with pytest.raises(Problem) as caught:
            tag(board, images, pinned=False)
        told = str(caught.value)
        assert "ctr: cannot update %s" % TARGET in told and "Where: %s." % TARGET in told and "pause image" not in told
        assert [board.names()[name][1] for name in names] == [True, False]
        noted = _journal.read(str(tmp_path))["images"]
        assert [noted[name]["pinned"] for name in names] == [True, False]
    board.refused = set()
    four_steps(board, images, pinned=False)
    assert not _journal.read(str(tmp_path))["images"][TARGET]["pinned"]


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_run_that_was_killed_as_it_took_a_pin_away(board, tmp_path, monkeypatch, at):
    """What still has our pin is ours in the journal, so that site takes it away in the next run."""
    tag(board, IMAGES)
    real = board._images_label

    def killed(rest):
        if at == "after":
            real(rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(board, "_images_label", killed)
        tag(board, [{"source": TARGET, "targets": [TARGET]}], pinned=False)
    assert _journal.read(str(tmp_path))["images"][TARGET]["pinned"]


def test_a_name_that_ctr_refuses_to_remove(board):
    tag(board, [{"source": SOURCE, "targets": [TARGET, SECOND, STOCK_PAUSE]}])
    board.refused = {TARGET}
    images = [{"source": None, "targets": [TARGET, SECOND, STOCK_PAUSE]}]
    with pytest.raises(Problem, match="1 of 3 names.*the others are as wanted.*unable to delete " + TARGET):
        tag(board, images, state="absent")
    assert set(board.names()) == {SOURCE, TARGET}
    board.refused = set()
    four_steps(board, images, state="absent")
    assert set(board.names()) == {SOURCE}


# As k3s renders it for containerd 1 and 2, and as a person may in a template.
PAUSE_CONFIGS = [
    '[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "rancher/mirrored-pause:3.6"\n',
    "[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = 'rancher/mirrored-pause:3.6'\n",
    "[plugins.'io.containerd.cri.v1.images']\n  pinned_images.sandbox='rancher/mirrored-pause:3.6'",
]


@pytest.mark.parametrize(
    ("text", "name"),
    [(text, STOCK_PAUSE) for text in PAUSE_CONFIGS]
    + [("[other]\nsandbox = 'no'\nsandboxer = 'podsandbox'\n", None), ("sandbox_image = 'Not A Name'\n", None)],
)
def test_the_pause_image_of_containerd(tmp_path, text, name):
    tell_containerd(tmp_path, text)
    assert pause_image(str(tmp_path)) == name


def tell_containerd(data_dir, text):
    config = data_dir / "agent/etc/containerd/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text)


@pytest.mark.parametrize("config", [PAUSE_CONFIGS[1], None])
@pytest.mark.parametrize("target", [STOCK_PAUSE, TARGET])
def test_a_pin_that_stays_though_ctr_takes_it_away(board, tmp_path, config, target):
    """containerd 2 pins the pause image, whoever takes the label away. Of another name, and where the pause image is
    not known, no cause is made up. Nothing changed, in each run.
    """
    if config:
        tell_containerd(tmp_path, config)
    tag(board, [{"source": SOURCE, "targets": [target]}])
    board.deaf = {"label"}
    for _run in range(2):
        result, warnings = tag_with_warnings(board, [{"source": target, "targets": [target]}], pinned=False)
        row = result["images"][0]
        assert (result["changed"], row["changed"], row["pinned"]) == (False, False, True)
        assert result["diff"]["before"] == result["diff"]["after"] == ""
        by_itself = "containerd pins the pause image by itself"
        cause = by_itself if config and target == STOCK_PAUSE else "What pins it is not known"
        assert len(warnings) == 1 and cause in warnings[0] and warnings[0].startswith(target + " is still pinned")
        assert cause == by_itself or "pause image" not in warnings[0]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([{"source": SOURCE, "targets": ["docker.io/a/b@" + COREDNS.digest]}], "a digest in it"),
        ([{"source": SOURCE, "targets": [TARGET]}, {"source": PAUSE, "targets": [TARGET]}], "listed twice"),
        (
            [{"source": SOURCE, "targets": [TARGET]}, {"source": TARGET, "targets": [SECOND]}],
            "a target and, for .*, also the source",
        ),
        ([{"source": None, "targets": [TARGET]}], "has no source"),
        ([{"source": "Not A Name", "targets": [TARGET]}], "is not an image reference"),
    ],
)
def test_what_cannot_be_asked_for(images, message):
    fake = FakeContainerd()
    with pytest.raises(Problem, match=message):
        tag(fake, images)
    assert fake.calls == []


def test_the_same_target_twice_is_one(board):
    assert len(tag(board, [*IMAGES, *IMAGES])["images"]) == 1
