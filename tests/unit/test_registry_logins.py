# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins on disk: who may read them, how long they stay, and what of them is left after a kill."""

import base64
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys

import pytest
import registry_content as content

from ansible_collections.riscv.k3s.plugins.module_utils._host import files as _files
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.logins import Logins, default_root
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access, accesses
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

LOGIN = {"a:1": Access("a:1", username="u", password="s3cret")}


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "cache" / "logins")


@pytest.fixture
def files(tmp_path):
    """Options of an Access with each of its files, whose content begins with the option's name."""
    paths = {option: tmp_path / (option + ".pem") for option in ("ca_file", "cert_file", "key_file")}
    for option, path in paths.items():
        path.write_text(option + "\n-----BEGIN CERTIFICATE-----\n")
    return {option: str(path) for option, path in paths.items()}


def modes(folder):
    """{path below folder: mode} of all that is in it, and of itself as "."."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for path in [parent] + [os.path.join(parent, name) for name in folders + names]:
            found[os.path.relpath(path, folder)] = stat.S_IMODE(os.lstat(path).st_mode)
    return found


def folders(root):
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))


def read(path):
    with open(path) as file:
        return file.read()


def test_nobody_else_may_read_them(root, files):
    old = os.umask(0)
    try:
        with Logins({"a:1": Access("a:1", username="u", password="s3cret", **files)}, root):
            found = modes(root)
    finally:
        os.umask(old)
    (folder,) = [path for path in found if path != "." and "/" not in path and found[path] & stat.S_IXUSR]
    own = [".", folder, folder + "/0", folder + "/work"]
    assert [found[path] for path in own] == [0o700] * 4
    kept = {path: mode for path, mode in found.items() if path not in own}
    names = {path.partition("/")[2] for path in kept if "/" in path}
    assert names == {"in-use", "registries.conf", "0.json", "0/ca.crt", "0/client.cert", "0/client.key"}
    assert set(kept.values()) == {0o600}


def test_they_are_gone_afterwards(root):
    with Logins(LOGIN, root) as logins:
        assert os.path.isfile(logins.no_configuration) and len(folders(root)) == 1
    assert folders(root) == []


def test_they_are_gone_after_an_exception(root):
    with contextlib.suppress(KeyboardInterrupt), Logins(LOGIN, root):
        raise KeyboardInterrupt
    assert folders(root) == []


def test_they_are_gone_when_they_cannot_be_written(root):
    broken = dict(LOGIN, **{"b:1": Access("b:1", ca_file="/nowhere.pem")})
    with (
        pytest.raises(Problem, match="logins cannot be written for skopeo. Found: No such file or directory"),
        Logins(broken, root),
    ):
        pass
    assert folders(root) == []


HOLDER = """
import sys, time
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.logins import Logins
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
with Logins({"a:1": Access("a:1", username="u", password="s3cret")}, sys.argv[1]):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def holder(root):
    """Another process that is at work with logins below ``root``."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    with subprocess.Popen([sys.executable, "-c", HOLDER, root], stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_is_not(root):
    with holder(root) as killed, holder(root) as working:
        before = folders(root)
        assert len(before) == 2
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert folders(root) == before, "a process that is killed can remove nothing, so this test would show nothing"
        with Logins(LOGIN, root):
            now = folders(root)
            assert (len(now), len(set(now) & set(before))) == (2, 1)
        (kept,) = folders(root)
        assert working.poll() is None and json.loads(read(os.path.join(root, kept, "0.json")))
    with Logins({}, root):
        assert kept not in folders(root)


def test_only_folders_of_its_own_are_removed(root, tmp_path):
    with Logins({}, root):
        pass
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    os.symlink(str(tmp_path / "other"), os.path.join(root, "link"))
    with Logins({}, root):
        pass
    assert (tmp_path / "other" / "file").exists()


def make(path, mode):
    os.makedirs(path)
    os.chmod(path, mode)


def link(path):
    make(path + "-target", 0o700)
    os.symlink(path + "-target", path)


@pytest.mark.parametrize(
    "prepare",
    [
        link,
        lambda path: make(path, 0o755),
        lambda path: make(path, 0o770),
        lambda path: make(path, 0o701),
        lambda path: make(path, 0o1777),
    ],
    ids=["symlink", "readable", "group", "passable", "like /tmp"],
)
def test_a_root_that_is_not_private_is_refused(root, prepare):
    os.makedirs(os.path.dirname(root))
    prepare(root)
    with pytest.raises(Problem, match="it is not a folder that this user alone can read"), Logins(LOGIN, root):
        pass
    assert os.listdir(root) == []


def test_a_root_of_somebody_else_is_refused(root, monkeypatch):
    make(root, 0o700)
    owner = os.stat(root).st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(Problem, match="this user alone"), Logins(LOGIN, root):
        pass
    assert os.listdir(root) == []


def test_a_home_that_cannot_be_written_to(root, monkeypatch):
    def denied(path, *args, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_files.os, "makedirs", denied)
    with pytest.raises(Problem, match="set XDG_CACHE_HOME") as caught, Logins(LOGIN, root):
        pass
    assert "Permission denied" in str(caught.value)


def test_what_was_on_its_way_when_a_process_was_killed_goes_with_its_logins(root):
    with holder(root) as killed:
        (name,) = folders(root)
        with open(os.path.join(root, name, "work", "blob"), "w") as file:
            file.write("half an image")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with Logins(LOGIN, root) as logins:
            assert os.listdir(logins.work) == [] and name not in folders(root)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two certificates, each with its key, as (certificate, key)."""
    return [content.certificate(tmp_path_factory.mktemp("pair")) for _number in range(2)]


def certificates(pairs, folder):
    """{name: (options, what is found)} of files for TLS that cannot be used."""
    (certificate, key), (dummy, other_key) = pairs
    (folder / "empty").write_text("")
    (folder / "locked").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n")
    locked, empty = str(folder / "locked"), str(folder / "empty")
    return {
        "none": ({"ca_file": empty}, "%s holds no certificate" % empty),
        "a key": ({"ca_file": key}, "%s holds no certificate" % key),
        "no key": ({"cert_file": certificate, "key_file": certificate}, "%s holds no key" % certificate),
        "locked": ({"cert_file": certificate, "key_file": locked}, "%s has a passphrase" % locked),
        "another": ({"cert_file": certificate, "key_file": other_key}, "is the key of another certificate"),
        "not there": ({"ca_file": "ca.pem"}, "no file ca.pem in %s" % os.getcwd()),
    }


@pytest.mark.parametrize("name", ["none", "a key", "no key", "locked", "another", "not there"])
def test_files_for_tls_that_cannot_be_used(pairs, tmp_path, name):
    options, found = certificates(pairs, tmp_path)[name]
    with pytest.raises(Problem) as caught:
        accesses({"registries": [dict(options, host="a:1")]})
    assert found in str(caught.value) and caught.value.next_step


def test_files_for_tls_that_can_be_used(pairs):
    certificate, key = pairs[0]
    entry = {"host": "a:1", "ca_file": certificate, "cert_file": certificate, "key_file": key}
    assert accesses({"registries": [entry]})["a:1"].files.keys() == {"ca_file", "cert_file", "key_file"}


def test_a_root_that_is_a_file_is_a_problem(root):
    os.makedirs(os.path.dirname(root))
    open(root, "w").close()
    with pytest.raises(Problem), Logins(LOGIN, root):
        pass


def test_another_process_may_make_the_root_at_the_same_moment(root, monkeypatch):
    mkdir = os.mkdir

    def quicker(path, *args, **more):
        mkdir(path, *args, **more)
        if path == root:
            raise FileExistsError(17, "File exists")

    monkeypatch.setattr(_files.os, "mkdir", quicker)
    with Logins(LOGIN, root):
        assert len(folders(root)) == 1


def test_where_they_are(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_root() == "/home/me/.cache/riscv.k3s/logins"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert default_root() == "/var/cache/me/riscv.k3s/logins"


@pytest.mark.parametrize("side", ["", "src-", "dest-"])
def test_options_of_skopeo(root, files, side):
    known = [
        Access("plain:1", plain_http=True),
        Access("unchecked:1", tls_verify=False),
        Access("login:1", username="u", password="p"),
        Access("files:1", ca_file=files["ca_file"]),
        Access("all:1", plain_http=True, identity_token="t", **files),
        Access("default:1"),
    ]
    with Logins({access.host: access for access in known}, root) as logins:
        (folder,) = folders(root)
        folder = os.path.join(root, folder)
        assert logins.options("plain:1", side) == logins.options("unchecked:1", side) == ["--%stls-verify=false" % side]
        assert logins.options("login:1", side) == ["--%sauthfile" % side, folder + "/2.json"]
        assert logins.options("files:1", side) == ["--%scert-dir" % side, folder + "/3"]
        assert logins.options("all:1", side) == [
            "--%stls-verify=false" % side,
            "--%sauthfile" % side,
            folder + "/4.json",
            "--%scert-dir" % side,
            folder + "/4",
        ]
        assert logins.options("default:1", side) == logins.options("not.listed", side) == []
        for words in map(logins.options, ("login:1", "files:1", "all:1")):
            assert all(os.path.exists(word) for word in words if not word.startswith("--"))


@pytest.mark.parametrize(
    "login, entry, said",
    [
        ({"username": "u", "password": "p:ä"}, {}, "u:p:ä"),
        ({"identity_token": "t0ken"}, {"identitytoken": "t0ken"}, "token:"),
        ({"username": "u", "identity_token": "t0ken"}, {"identitytoken": "t0ken"}, "u:"),
    ],
)
def test_the_file_of_a_login(root, login, entry, said):
    with Logins({"a:1": Access("a:1", **login)}, root) as logins:
        found = json.loads(read(logins.options("a:1")[1]))
    auth = base64.b64encode(said.encode()).decode()
    assert found == {"auths": {"a:1": dict(entry, auth=auth)}}


def test_each_registry_has_a_file_of_its_own(root):
    both = dict(LOGIN, **{"b:1": Access("b:1", username="v", password="other")})
    with Logins(both, root) as logins:
        assert [list(json.loads(read(logins.options(host)[1]))["auths"]) for host in both] == [["a:1"], ["b:1"]]


def test_no_configuration_is_empty(root):
    with Logins({}, root) as logins:
        assert read(logins.no_configuration) == ""


def test_certificates_are_copied_under_the_names_of_containers(root, files):
    with Logins({"a:1": Access("a:1", **files)}, root) as logins:
        folder = logins.options("a:1")[1]
        found = {name: read(os.path.join(folder, name)).split()[0] for name in os.listdir(folder)}
    assert found == {"ca.crt": "ca_file", "client.cert": "cert_file", "client.key": "key_file"}


def test_files_that_are_optional_count_where_they_are(root, files):
    given = dict(files, key_file="/on/the/board.key", files_optional=True)
    # A certificate without its key is none.
    assert Access("a:1", **given).files == {"ca_file": files["ca_file"]}
    with Logins(accesses({"registries": [dict(given, host="a:1")]}), root) as logins:
        assert os.listdir(logins.options("a:1")[1]) == ["ca.crt"]
    nowhere = dict.fromkeys(files, "/on/the/board")
    with Logins(accesses({"registries": [dict(nowhere, host="a:1", files_optional=True)]}), root) as logins:
        assert logins.options("a:1") == []
    with pytest.raises(Problem, match="no file /on/the/board"):
        accesses({"registries": [dict(nowhere, host="a:1")]})
