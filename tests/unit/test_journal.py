# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import threading

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
NAME = "docker.io/rancher/mirrored-pause:3.6"


@pytest.fixture(name="data_dir")
def _data_dir(tmp_path):
    return str(tmp_path / "k3s")


@pytest.fixture(name="target")
def _target(tmp_path):
    return tmp_path / "registries.yaml"


def write(data_dir, target, text):
    """As a module does: note, save, write."""
    with _journal.opened(data_dir) as journal:
        journal.will_write(str(target), text)
        journal.save()
    target.write_bytes(text)


def test_a_board_without_a_journal(data_dir):
    with _journal.opened(data_dir) as journal:
        assert (journal.lease, journal.files, journal.images) == (None, {}, {})
        journal.save()
    assert os.listdir(data_dir) == []


def test_what_stood_there_before_the_first_run_is_kept(data_dir, target):
    target.write_bytes(b"mirrors: {}\n")
    target.chmod(0o640)
    write(data_dir, target, b"one")
    write(data_dir, target, b"two")
    with _journal.opened(data_dir) as journal:
        assert journal.original(str(target)) == b"mirrors: {}\n"
        assert journal.files[str(target)]["before"]["mode"] == 0o640
        assert journal.files[str(target)]["sha256"] == _journal.sha256(b"two")


def test_a_file_that_was_not_there(data_dir, target):
    write(data_dir, target, b"one")
    with _journal.opened(data_dir) as journal:
        assert journal.files[str(target)]["before"] is None
        assert journal.original(str(target)) is None


def test_all_is_gone_when_nothing_is_left_to_tell(data_dir, target):
    target.write_bytes(b"old")
    write(data_dir, target, b"one")
    with _journal.opened(data_dir) as journal:
        journal.forget_file(str(target))
    assert os.listdir(data_dir) == []


def row(digest, pinned=False):
    return {"digest": digest, "pinned": pinned, "labels": {"a": "b"}}


def test_an_image_keeps_its_first_before(data_dir):
    with _journal.opened(data_dir) as journal:
        journal.will_set(NAME, DIGEST, True, None, "source:1")
        journal.will_set(NAME, OTHER, False, row(DIGEST, True))
        journal.save()
    entry = {"before": None, "digest": OTHER, "previous": DIGEST, "pinned": False, "source": "source:1", "beside": []}
    assert _journal.read(data_dir)["images"] == {NAME: entry}


@pytest.mark.parametrize(
    ("before", "after", "entry"),
    [
        (None, row(DIGEST), (DIGEST, False)),
        (None, None, None),
        (row(DIGEST), row(DIGEST), None),
        (row(DIGEST), row(DIGEST, True), (DIGEST, False)),
        (row(DIGEST), row(OTHER), (OTHER, False)),
        (None, row(OTHER, True), (OTHER, False)),
        (row(DIGEST), None, (_journal.ANY, False)),
    ],
)
def test_what_a_name_really_got(data_dir, before, after, entry):
    """A name that is as before needs no entry."""
    with _journal.opened(data_dir) as journal:
        journal.will_set(NAME, _journal.ANY, False, before)
        journal.is_set(NAME, after)
        found = journal.images.get(NAME)
    assert (found and (found["digest"], found["pinned"])) == entry


def test_what_an_earlier_run_wrote_stays_ours_when_the_next_is_cut_short(data_dir, target):
    target.write_bytes(b"before")
    write(data_dir, target, b"one")
    with _journal.opened(data_dir) as journal:
        journal.will_write(str(target), b"two")  # and no more
        journal.save()
        entry = journal.files[str(target)]
    assert (entry["previous"], entry["sha256"]) == (_journal.sha256(b"one"), _journal.sha256(b"two"))


def test_a_file_of_ours_without_an_entry_had_nothing_before(data_dir, target):
    """Of a journal that is lost, or from before there was one."""
    target.write_bytes(b"# Written by riscv.k3s from riscv_k3s_registries")
    write(data_dir, target, b"# Written by riscv.k3s, other")
    with _journal.opened(data_dir) as journal:
        assert journal.original(str(target)) is None


def test_for_root_only_and_without_what_files_hold(data_dir, target):
    target.write_bytes(b"password: hunter2")
    write(data_dir, target, b"password: hunter3")
    folder = os.path.join(data_dir, "riscv-k3s")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)} == {0o600}
    with open(os.path.join(folder, "journal.json"), encoding="utf-8") as file:
        assert "hunter" not in file.read()


def test_check_mode_writes_and_locks_nothing(data_dir):
    with _journal.opened(data_dir, check_mode=True) as journal:
        assert journal.files == {}
    assert not os.path.exists(data_dir)


def test_what_was_kept_must_be_there(data_dir, target):
    target.write_bytes(b"old")
    write(data_dir, target, b"one")
    with _journal.opened(data_dir) as journal:
        os.unlink(journal.kept(str(target)))
        with pytest.raises(Problem, match="what it held before is gone"):
            journal.original(str(target))


NO_JOURNALS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"version": 1}',
    b'{"version": "x"}',
    b"\xff\xfe",
    b'{"version": 1, "files": [], "images": {}, "loaded": {}, "lease": null}',
    b'{"version": 1, "files": {}, "images": {}, "loaded": {}, "lease": null, "more": 1}',
    b'{"version": null, "files": {}, "images": {}, "loaded": {}, "lease": null}',
    b'{"version": 1, "files": {}, "images": {}, "lease": null}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("text", NO_JOURNALS)
def test_what_is_no_journal(data_dir, text):
    os.makedirs(os.path.join(data_dir, "riscv-k3s"))
    path = os.path.join(data_dir, "riscv-k3s", "journal.json")
    with open(path, "wb") as file:
        file.write(text)
    with pytest.raises(Problem, match="cannot be read") as caught, _journal.opened(data_dir):
        pass
    assert caught.value.where == path
    assert "nothing can be changed or taken back on this board" in str(caught.value)
    assert "bring it back from a backup, or move it away" in str(caught.value)
    with open(path, "rb") as file:
        assert file.read() == text


def test_a_journal_that_is_cut_off_anywhere(data_dir, target):
    """As by a crash on a file system that lost its last blocks."""
    target.write_bytes(b"before")
    write(data_dir, target, b"one")
    path = os.path.join(data_dir, "riscv-k3s", "journal.json")
    with open(path, "rb") as file:
        whole = file.read()
    for length in range(len(whole.rstrip())):
        with pytest.raises(Problem, match="empty|breaks off"):
            _journal.parse(whole[:length], path)


FILE = {
    "kind": "file",
    "sha256": "a",
    "previous": None,
    "before": None,
    "folder": False,
    "pending": False,
    "written": {"boot": "b", "uptime": 5},
}
IMAGE = {"digest": DIGEST, "previous": None, "pinned": True, "source": None, "before": None, "beside": []}
OTHER_NAME = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"


def without(entry, key):
    return {name: value for name, value in entry.items() if name != key}


ODD = [
    ("files", "/x", None, "no dictionary"),
    ("files", "/x", ["kind"], "no dictionary"),
    ("files", "/x", without(FILE, "written"), "it lacks written"),
    ("files", "/x", dict(FILE, colour="blue"), "this version does not know: colour"),
    ("files", "/x", dict(FILE, kind="folder"), "no valid kind"),
    ("files", "/x", dict(FILE, before={"sha256": "a"}), "no valid before"),
    ("files", "/x", dict(FILE, written={"boot": "b", "uptime": "5"}), "no valid written"),
    ("files", "/x", dict(FILE, pending=0), "no valid pending"),
    ("files", "x", FILE, "no absolute path"),
    ("images", OTHER_NAME, 7, "no dictionary"),
    ("images", OTHER_NAME, {}, "it lacks before, beside, digest"),
    ("images", OTHER_NAME, dict(IMAGE, beside="x"), "no valid beside"),
    ("images", OTHER_NAME, dict(IMAGE, before={"digest": None, "pinned": True, "labels": {}}), "no valid before"),
    ("images", OTHER_NAME, dict(IMAGE, size=5), "this version does not know: size"),
    ("images", "rancher/x", IMAGE, "no full name"),
    ("images", "a b", IMAGE, "no full name"),
    ("loaded", "/x", 5, "no checksum"),
    ("lease", "", {"held": None}, "it lacks last"),
    ("lease", "", {"held": {"id": "x"}, "last": None}, "no valid held"),
    ("lease", "", [], "no dictionary"),
]


@pytest.mark.parametrize("kind, name, entry, why", ODD)
def test_an_entry_that_cannot_be_read_is_kept_and_the_others_go_on(data_dir, target, kind, name, entry, why):
    with _journal.opened(data_dir) as journal:
        journal.will_set(NAME, DIGEST, True, None)
        journal.save()
    path = os.path.join(data_dir, "riscv-k3s", "journal.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    if kind == "lease":
        data["lease"] = entry
    else:
        data[kind][name] = entry
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file)
    write(data_dir, target, b"one")
    with _journal.opened(data_dir) as journal:
        assert why in journal.why_unread(kind, name)
        assert set(journal.images) == {NAME} and set(journal.files) == {str(target)}
        del journal.images[NAME]
        journal.forget_file(str(target))
    with open(path, encoding="utf-8") as file:
        kept = json.load(file)
    assert (kept["lease"] if kind == "lease" else kept[kind][name]) == entry


def test_nothing_is_changed_that_cannot_be_noted(data_dir, target):
    with _journal.opened(data_dir) as journal:
        journal.data["unread"] = [
            {"kind": "files", "name": str(target), "why": "it is odd", "entry": 1},
            {"kind": "images", "name": NAME, "why": "it is odd", "entry": 1},
        ]
        for change in (
            lambda: journal.will_write(str(target), b"x"),
            lambda: journal.will_place(str(target)),
            lambda: journal.will_set(NAME, DIGEST, True, None),
        ):
            with pytest.raises(Problem, match="neither changed nor taken back.*Found: it is odd"):
                change()
        journal.will_set(OTHER_NAME, DIGEST, True, None)


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    now = [_journal.moment()._replace(boot="b1", uptime=100)]
    monkeypatch.setattr(_journal, "moment", lambda: now[0])
    return now


def written(data_dir, path):
    data = _journal.read(data_dir)
    return data["files"][str(path)]["written"], data["loaded"]


def test_when_a_file_was_written(data_dir, target, clock):
    with _journal.opened(data_dir) as journal:
        journal.will_write(str(target), b"one")
        journal.save()
    assert written(data_dir, target)[0] == {"boot": "b1", "uptime": None}, "not done yet"
    clock[0] = clock[0]._replace(uptime=107)
    with _journal.opened(data_dir) as journal:
        target.write_bytes(b"one")
        journal.was_written(str(target))
        journal.was_loaded(str(target), _journal.sha256(b"one"))
        journal.save()
    assert written(data_dir, target) == ({"boot": "b1", "uptime": 107}, {str(target): _journal.sha256(b"one")})
    with _journal.opened(data_dir) as journal:
        journal.will_write(str(target), b"two")
        journal.save()
    assert written(data_dir, target) == ({"boot": "b1", "uptime": None}, {}), "what was loaded is not what is wanted"


def test_a_file_that_held_it_before_us_was_not_written(data_dir, target, clock):
    target.write_bytes(b"one")
    with _journal.opened(data_dir) as journal:
        journal.will_write(str(target), b"one")
        journal.save()
    assert written(data_dir, target) == (None, {})


def test_notes_of_what_was_loaded_go_with_the_last_entry_and_not_before(data_dir, target):
    with _journal.opened(data_dir) as journal:
        journal.was_loaded(str(target), "a")
        journal.save()
    with _journal.opened(data_dir) as journal:
        assert journal.loaded == {str(target): "a"}, "of somebody's file, on a board where we have done nothing else"
        journal.will_set(NAME, DIGEST, True, None)
        journal.save()
    with _journal.opened(data_dir) as journal:
        del journal.images[NAME]
        journal.save()
    assert os.listdir(data_dir) == []


def test_a_newer_journal(data_dir):
    os.makedirs(os.path.join(data_dir, "riscv-k3s"))
    with open(os.path.join(data_dir, "riscv-k3s", "journal.json"), "w", encoding="utf-8") as file:
        json.dump({"version": 2, "more": {}}, file)
    with pytest.raises(Problem, match="newer riscv.k3s"):
        _journal.read(data_dir)


def test_a_folder_that_cannot_be_opened(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(Problem, match="Found: Permission denied. Next: set become: true"),
        _journal.opened(str(tmp_path)),
    ):
        pass


def test_one_at_a_time(data_dir):
    with _journal.opened(data_dir):
        with (
            pytest.raises(Problem, match="another module of riscv.k3s works on this board"),
            _journal.opened(data_dir, timeout=0),
        ):
            pass
        seen = []
        other = threading.Thread(target=lambda: seen.append(_enter(data_dir)))
        other.start()
        other.join(0.3)
        assert seen == []
    other.join(10)
    assert seen == [True]


def _enter(data_dir):
    with _journal.opened(data_dir):
        return True


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o722])
@pytest.mark.parametrize("check", [True, False])
def test_a_folder_into_which_others_may_write_is_not_believed(tmp_path, mode, check):
    folder = tmp_path / "riscv-k3s"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Problem, match="others may write into its folder"), _journal.opened(str(tmp_path), check):
        pass


def test_a_link_to_somebody_else_s_folder_is_not_believed(tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "riscv-k3s").symlink_to("theirs")
    found = os.stat(tmp_path)
    fields = [*found[:4], 1000, *found[5:]]
    monkeypatch.setattr(_journal.os, "stat", lambda path: os.stat_result(fields))
    with pytest.raises(Problem, match="it is of the user 1000"), _journal.opened(str(tmp_path)):
        pass


def test_a_folder_that_others_may_read_is_closed(tmp_path):
    folder = tmp_path / "riscv-k3s"
    folder.mkdir(mode=0o755)
    (folder / "backups").mkdir()
    with _journal.opened(str(tmp_path)):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_is_a_whole_path():
    with pytest.raises(Problem, match="must be a whole path"), _journal.opened("k3s"):
        pass
