# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_registries: what of somebody else's registries.yaml is kept, and that none of its secrets leaves the board."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import registries as _registries
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import yaml_text
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_config_file, k3s_registries


def render(config):
    """As the controller does."""
    return "# Written by riscv.k3s from riscv_k3s_registries.\n" + yaml.safe_dump(config, sort_keys=True)


WANTED = render({"mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}, "docker.io": {"endpoint": ["https://m"]}}})
FOREIGN = """\
# of somebody else
mirrors:
  docker.io:
    endpoint: ["https://u:hunter1@corp/v2?token=hunter2", "https://corp2"]
    rewrite: {"^rancher/(.*)": "mine/$1"}
  quay.io: {endpoint: [https://corp]}
configs:
  corp:
    auth: {username: reader, password: hunter3}
    tls: {ca_file: /etc/ca.pem, insecure_skip_verify: true, note: hunter4}
"""
OTHERS = ["configs.corp.auth", "configs.corp.tls", "mirrors.quay.io.endpoint"]
REPLACED = ["mirrors.docker.io.endpoint", "mirrors.docker.io.rewrite"]


class Board:
    def __init__(self, home):
        self.data_dir, self.path = str(home / "data"), home / "etc/registries.yaml"
        self.path.parent.mkdir()

    def write(self, text):
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, state="compared", content=WANTED, check=False, merge=False, behind=()):
        params = {"path": str(self.path), "data_dir": self.data_dir, "content": content, "state": state, "merge": merge}
        params["behind"] = behind
        predicted = k3s_registries.run(params, True)
        if check:
            return predicted
        done = k3s_registries.run(params, False)
        assert done == predicted
        return done

    def plain(self, content=WANTED):
        """As the role writes it where nothing is kept."""
        return self.file("present", content)

    def file(self, state, content=None):
        params = {"path": str(self.path), "content": content, "mode": "0600", "secret": True, "state": state}
        return k3s_config_file.run(dict(params, kind="file", pending=False, data_dir=self.data_dir), False)[0]


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


def test_names_of_what_would_go_and_of_what_would_be_replaced(board):
    board.write(FOREIGN)
    found = board.run()
    assert (found["others"], found["replaced"]) == (OTHERS, REPLACED)
    assert not found["changed"] and board.path.read_text() == FOREIGN and found["sha256"] == sha256(FOREIGN.encode())


def test_no_secret_leaves_the_board_in_names_or_diff(board):
    board.write(FOREIGN + '  "x:hunter5@host": {auth: {token: hunter6}}\nhunter_top: {a: hunter7}\n')
    for merge in (False, True):
        found = board.run(merge=merge)
        assert "hunter" not in json.dumps(found).replace("hunter_top", "")
        assert "***@host" in str(found["others"])
    lines = "\n".join(board.run()["shown"])
    assert '-    "auth": ********' in lines and '+    "endpoint": ["https://m"]' in lines
    assert "https://***@corp/v2?********" in lines and "/etc/ca.pem" in lines
    assert "-" + '    "auth"' not in "\n".join(board.run(merge=True)["shown"]), "it is kept"


@pytest.mark.parametrize(
    "text",
    [
        "configs: {h: {tls: hunter2}}",
        "configs: {h: {tls: [hunter2]}}",
        "configs: {h: {tls: {hunter2: x}}}",
        "configs: {h: {tls: {ca_file: {hunter2: x}}}}",
        "configs: {h: {tls: {ca_file: [hunter2]}}}",
        "mirrors: {h: {endpoint: [{'https://u:hunter2@h': x}]}}",
        "mirrors: {h: {endpoint: [?'https://u:hunter2@h']}}",
        "mirrors: {h: {endpoint: {hunter2: x}}}",
        "mirrors: {h: {endpoint: [[hunter2]]}}",
        "mirrors: {h: {endpoint: ['https://u:hunter2 h', 'https://u:hunter2:h', \"https://u:hunter2\\u2028h\"]}}",
        "mirrors: {h: {endpoint: 'u:hunter2'}}",
        "mirrors: {h: {rewrite: [hunter2]}}",
        "mirrors: {h: {rewrite: {'u:hunter2@h': ['hunter2']}}}",
    ],
)
def test_what_has_another_form_than_k3s_knows_is_not_shown(board, text):
    """It may be a secret in a wrong place."""
    board.write(text + "\n")
    found = board.run(merge=True)
    assert found["others"] and "hunter" not in str(found)
    assert "hunter" not in str(board.run()) and "********" in str(board.run()["shown"])


def test_another_password_shows_as_another(board):
    board.write("configs: {reg: {auth: {password: hunter1}}}\n")
    found = board.run(content=render({"configs": {"reg": {"auth": {"username": "u", "password": "hunter2"}}}}))
    assert found["replaced"] == ["configs.reg.auth"] and "hunter" not in str(found)
    assert [line for line in found["shown"] if "auth" in line] == [
        '-    "auth": ********',
        '+    "auth": ******** (another)',
    ]


def test_both_are_in_the_file_and_a_second_run_changes_nothing(board):
    board.write(FOREIGN)
    assert board.run("merged", check=True)["changed"] and board.path.read_text() == FOREIGN
    assert board.run("merged")["changed"]
    merged, foreign, wanted = (yaml.safe_load(text) for text in (board.path.read_text(), FOREIGN, WANTED))
    assert merged["configs"] == foreign["configs"] and merged["mirrors"]["reg:5000"] == wanted["mirrors"]["reg:5000"]
    docker = {"endpoint": ["https://m"]}
    assert merged["mirrors"]["docker.io"] == docker and merged["mirrors"]["quay.io"] == foreign["mirrors"]["quay.io"]
    again = board.run("merged")
    assert not again["changed"] and again["others"] == OTHERS and again["replaced"] == []
    assert board.path.stat().st_mode & 0o777 == 0o600
    assert board.path.read_text().splitlines()[1] == "# wanted: " + sha256(WANTED.encode())


@pytest.mark.parametrize(
    "mirror, kept",
    [
        ('endpoint: ["https://harbor"], rewrite: {"^(.*)$": "dockerhub/$1"}', False),
        ('rewrite: {"^(.*)$": "dockerhub/$1"}', False),
        ('endpoint: ["https://m"], rewrite: {"^(.*)$": "dockerhub/$1"}', True),
    ],
)
def test_rewrites_go_with_the_endpoints_that_they_are_for(board, mirror, kept):
    """Behind another endpoint they lead every pull astray (k3s 7007 and 4961 have such files)."""
    board.write("mirrors: {docker.io: {%s}, quay.io: {%s}}\n" % (mirror, mirror))
    found = board.run("merged")
    merged = yaml.safe_load(board.path.read_text())["mirrors"]
    assert ("rewrite" in merged["docker.io"], "mirrors.docker.io.rewrite" in found["others"]) == (kept, kept)
    assert ("mirrors.docker.io.rewrite" in found["replaced"]) == (not kept)
    assert merged["docker.io"]["endpoint"] == ["https://m"] and merged["quay.io"]["rewrite"]


DOCKER = ("docker.io",)
THEIRS = "mirrors: {docker.io: {endpoint: ['https://mirror.cn', 'https://other.cn']}}\n"


def test_what_docker_io_was_mirrored_to_is_asked_after_the_inventory_s(board):
    """Boards behind a slow or closed way to docker.io have one,, and other images come from there."""
    board.write(THEIRS)
    found = board.run("merged", behind=DOCKER)
    assert (found["others"], found["replaced"]) == (["mirrors.docker.io.endpoint"], [])
    endpoints = ["https://m", "https://mirror.cn", "https://other.cn"]
    assert yaml.safe_load(board.path.read_text())["mirrors"]["docker.io"]["endpoint"] == endpoints
    again = board.run("merged", behind=DOCKER)
    assert (again["changed"], again["others"], again["replaced"]) == (False, ["mirrors.docker.io.endpoint"], [])
    # What was the inventory's goes, and theirs stays.
    moved = WANTED.replace("https://m", "https://moved")
    board.run("merged", content=moved, behind=DOCKER)
    assert yaml.safe_load(board.path.read_text())["mirrors"]["docker.io"]["endpoint"] == [
        "https://moved",
        *endpoints[1:],
    ]
    found = board.run("merged", content=moved)
    assert (found["others"], found["replaced"]) == ([], ["mirrors.docker.io.endpoint"])
    board.file("absent")
    assert board.path.read_text() == THEIRS


@pytest.mark.parametrize("rewrite", ["", ", rewrite: {a: b}"])
def test_what_every_registry_was_mirrored_to_is_asked_for_docker_io_too(board, rewrite):
    """A mirror of docker.io's own takes the place of "*" (k3s 10351 and 11857 have such files)."""
    board.write("mirrors: {'*': {endpoint: ['https://cache.lan']%s}}\n" % rewrite)
    for dummy in range(2):
        board.run("merged", behind=DOCKER)
        mirrors = yaml.safe_load(board.path.read_text())["mirrors"]
        assert mirrors["docker.io"]["endpoint"] == ["https://m"] + ([] if rewrite else ["https://cache.lan"])
        assert mirrors["*"]["endpoint"] == ["https://cache.lan"]
    board.write("mirrors: {'*': , docker.io: {}}\n")
    board.run("merged", behind=DOCKER)
    assert yaml.safe_load(board.path.read_text())["mirrors"]["docker.io"]["endpoint"] == ["https://m"]


@pytest.mark.parametrize(
    "text", ["mirrors: {docker.io: {endpoint: ['https://m']}}\n", "mirrors: {docker.io: {endpoint: 'https://a'}}\n"]
)
def test_no_endpoint_stands_twice_and_what_is_no_list_is_replaced(board, text):
    board.write(text)
    board.run("merged", behind=DOCKER)
    assert board.path.read_text() == WANTED


def test_the_inventory_changes_and_what_was_kept_stays(board):
    board.write(FOREIGN)
    board.run("merged")
    new = render({"mirrors": {"other:5000": {"endpoint": ["http://other:5000"]}}})
    assert board.run("merged", content=new)["others"] == OTHERS
    merged = yaml.safe_load(board.path.read_text())
    assert sorted(merged["mirrors"]) == ["other:5000", "quay.io"], "reg:5000 was the inventory's"
    now_own = render({"configs": {"corp": {"auth": {"username": "u", "password": "p"}}}})
    found = board.run("merged", content=now_own)
    assert found["replaced"] == ["configs.corp.auth"] and "configs.corp.auth" not in found["others"]
    assert yaml.safe_load(board.path.read_text())["configs"]["corp"]["auth"] == {"username": "u", "password": "p"}


def test_what_is_added_by_hand_to_a_merged_file_is_kept_as_well(board):
    board.write(FOREIGN)
    board.run("merged")
    board.write(board.path.read_text().replace('"configs":', '"configs":\n  "hand": {"tls": {"ca_file": "/x"}}'))
    assert "configs.hand.tls" in board.run()["others"]
    board.run("merged")
    assert not board.run("merged")["changed"]
    assert yaml.safe_load(board.path.read_text())["configs"]["hand"] == {"tls": {"ca_file": "/x"}}


def test_undo_brings_the_former_file_back_byte_for_byte(board):
    for text in (FOREIGN.encode(), b"\xef\xbb\xbf" + FOREIGN.replace("\n", "\r\n").encode()):
        board.write(text)
        board.run("merged")
        board.run("merged", content=render({}))
        assert board.path.read_bytes() != text
        board.file("absent")
        assert board.path.read_bytes() == text
        assert board.run()["others"] == OTHERS, "it is somebody else's again"


def test_our_own_file_has_nothing_of_others(board):
    board.plain()
    assert board.run(content=render({}))["others"] == []
    board.write(WANTED + "# by hand\n")
    assert board.run(content=render({}))["others"] == ["mirrors.docker.io.endpoint", "mirrors.reg:5000.endpoint"]


def test_nothing_to_keep_writes_what_is_wanted_and_nothing_else(board):
    for text in ("", "# nothing\n", "mirrors:\nconfigs: {}\n", "{}", WANTED + "# more\n", "configs: {corp: }\n"):
        board.write(text)
        assert board.run()["others"] == []
        board.run("merged")
        assert board.path.read_text() == WANTED
        board.file("absent")


@pytest.mark.parametrize(
    "text, others",
    [
        ("mirrors: &m\n  quay.io: &q {endpoint: [https://a]}\n  ghcr.io: *q\n", ["ghcr.io", "quay.io"]),
        ("x: &b {endpoint: [https://a]}\nmirrors: {quay.io: {<<: *b, rewrite: {a: b}}}\n", ["quay.io", "quay.io"]),
        ('{"mirrors": {"quay.io": {"endpoint": ["https://a"]}}}', ["quay.io"]),
        ("mirrors:\r\n  quay.io:\r\n    endpoint:\r\n    - https://a\r\n", ["quay.io"]),
        ("\ufeffmirrors: {quay.io: {endpoint: [https://a]}}\n", ["quay.io"]),
        ("mirrors: {5000: {endpoint: [https://a]}, on: {endpoint: [b]}}\n", ["5000", "on"]),
        ("mirrors: {'*': }\n", ["*"]),
        ('mirrors: {"a\\u001b[31m\\n": {endpoint: ["\\u2028\\x7f"]}}\n', ["a\\x1b[31m "]),
    ],
)
def test_any_spelling_of_yaml_is_kept_with_its_values(board, text, others):
    board.write(text)
    found = board.run("merged")
    names = [name for name in found["others"] if name != "x"]
    assert (
        names == sorted(names)
        and [name.split(".", 1)[1].replace(".endpoint", "").replace(".rewrite", "") for name in names] == others
    )
    before, after = yaml.safe_load(text), yaml.safe_load(board.path.read_text())
    for host, fields in before["mirrors"].items():
        spelt = {True: "on"}.get(host, str(host)) if host is True or isinstance(host, int) else host
        assert after["mirrors"][spelt] == (fields or {})
    assert not board.run("merged")["changed"]


def test_values_stay_as_they_were_written(board):
    board.write("configs: {a: {auth: {username: 0123, password: 'no'}, tls: {insecure_skip_verify: yes}}}\n")
    board.run("merged")
    text = board.path.read_text()
    assert '"username": 0123' in text and '"password": "no"' in text and '"insecure_skip_verify": yes' in text


BOMB = "".join("a%d: &a%d [%s]\n" % (n, n, ", ".join(["*a%d" % (n - 1)] * 9 if n else ["x"])) for n in range(12))
HOSTILE = {
    "a tab": "configs:\n\tcorp: hunter2\n",
    "a password that begins as an alias": "configs: {corp: {auth: {password: *hunter2}}}\n",
    "a password that is cut": "configs: {corp: {auth: {password: 'hunter2}}}\n",
    "an escape that is none": 'configs: {corp: {auth: {password: "\\qhunter2"}}}\n',
    "a tag": "configs: !hunter2 [ {\n",
    "a key twice": "configs: {corp: {auth: {username: hunter2}, auth: {}}}\n",
    "a host twice": "mirrors: {quay.io: {}, quay.io: {endpoint: [hunter2]}}\n",
    "two documents": "mirrors: {}\n---\nhunter2: {}\n",
    "a list": "- hunter2\n",
    "text": "hunter2\n",
    "a host that is text": "configs: {corp: hunter2}\n",
    "a section that is a list": "mirrors: [hunter2]\n",
    "a key that is a list": "? [hunter2]\n: x\n",
    "not UTF-8": b"configs: {corp: {auth: {password: hunter2\xff}}}\n",
    "a NUL": b"configs: {corp: hunter2\0}\n",
    "aliases of aliases": BOMB + "hunter2: x\n",
    "an alias that contains itself": "mirrors: &m {quay.io: *m}\n",
    "a merge that contains itself": "mirrors: &m {<<: *m}\n",
    "no end of brackets": "[" * 100000,
    "10 MB": "configs: {corp: {auth: {password: hunter2}}}\n" + "#" * 10_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_one_error_that_shows_nothing_of_it(board, name):
    board.write(HOSTILE[name])
    before, started = board.path.read_bytes(), time.monotonic()
    for state in ("compared", "merged"):
        with pytest.raises(Problem) as error:
            board.run(state)
        told = " ".join(map(str, error.value.parts().values())) + str(error.value.__cause__)
        assert "hunter2" not in told and str(board.path) in told and error.value.next_step
        # Of a key that is there twice k3s reads one or both.
        assert "twice" not in name or "does not read it" not in error.value.next_step
    assert board.path.read_bytes() == before and time.monotonic() - started < 30


def test_without_pyyaml_one_error_says_so(board, monkeypatch):
    monkeypatch.setattr(yaml_text, "yaml", None)
    board.write(FOREIGN)
    with pytest.raises(Problem, match="needs PyYAML on this board") as error:
        board.run()
    assert "python3-yaml" in error.value.next_step


def test_a_header_that_somebody_forged_keeps_no_more_than_the_file_has(board):
    head = _registries._MARK + "# wanted: x\n# kept: [[1], 7, {}]\n"
    for kept in ('# kept: [["configs", "corp", "auth"]]\n', "# kept: {", "# kept: 7\n", "# kept: [[[]]]\n"):
        board.write(head.replace("# kept: [[1], 7, {}]\n", kept) + "\n" + FOREIGN)
        assert set(board.run()["others"]) <= set(OTHERS)
    board.write(head + FOREIGN)
    assert set(board.run()["others"]) <= set(OTHERS)


@pytest.mark.parametrize("twin", ["https://m/", "https://m/v2", "m", "HTTPS://M"])
def test_an_endpoint_stands_there_once_in_whatever_spelling(board, twin):
    """k3s-io/k3s#9693: of one that stands there twice older k3s makes a hosts.toml that containerd cannot read."""
    board.write("mirrors: {docker.io: {endpoint: [%s, https://o, 'https://o/', https://o/other]}}" % twin)
    board.run("merged", behind=("docker.io",))
    mirrors = yaml.safe_load(board.path.read_text())["mirrors"]
    assert mirrors["docker.io"]["endpoint"] == ["https://m", "https://o", "https://o/other"]
