# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How skopeo is started: words, environment and limits, with a stand-in for the Runner.

And how a download is ended, with the real one.
"""

import os
import threading
import time

import pytest
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result, Runner, TimedOut
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo import program
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DIGEST = "sha256:" + "a" * 64
TAGGED, PINNED = ImageName.parse("reg:5000/a/app:1"), ImageName.parse("reg:5000/a/app@" + DIGEST)
COPY = ImageName.parse("reg:5000/copy/app:2")
SECRETS = ("s3cret", "t0ken", "czNjcmV0")
LOG = read("skopeo_basic_1.9.txt").replace("127.0.0.1:5000", "reg:5000")
NO_HTTP = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}


class Recorder:
    """A Runner that notes what it is asked, and answers ``out``."""

    def __init__(self, out="{}", err=LOG, rc=0):
        self.out, self.err, self.rc, self.runs = out, err, rc, []

    def run(self, argv, stdin=None, timeout=60, env=None, check=True, watch=None, largest=None):
        if argv[1] == "login":  # whether the user has a login for it: none
            return Result(argv, 1, "", "")
        assert not check and stdin is None and bool(watch) == bool(largest)
        for word in list(argv) + [word for pair in (env or {}).items() for word in pair]:
            assert not any(secret in word for secret in SECRETS), word
        self.runs.append((argv, timeout, env, watch))
        return Result(argv, self.rc, self.out, self.err)

    @property
    def argv(self):
        """The words of the only run."""
        ((argv, dummy, dummy, dummy),) = self.runs
        return argv


@pytest.fixture(autouse=True)
def no_policy(monkeypatch, tmp_path):
    monkeypatch.setattr(program, "_POLICIES", (str(tmp_path / "policy.json"),))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def start(tmp_path, runner, *known, timeout=20):
    return Skopeo({access.host: access for access in known}, timeout, runner, str(tmp_path / "logins"))


GENERAL = ["skopeo", "--debug", "--command-timeout", "20s", "--insecure-policy"]
REFERENCE = "docker://reg:5000/a/app"
COMMANDS = {
    "manifest": (lambda skopeo: skopeo.manifest(TAGGED), ["inspect", "--raw", REFERENCE + ":1"]),
    "manifest by digest": (lambda skopeo: skopeo.manifest(PINNED), ["inspect", "--raw", REFERENCE + "@" + DIGEST]),
    # skopeo refuses a name with both, and the digest says more.
    "both": (lambda skopeo: skopeo.manifest(PINNED._replace(tag="1")), ["inspect", "--raw", REFERENCE + "@" + DIGEST]),
    "config": (lambda skopeo: skopeo.config(PINNED), ["inspect", "--config", "--raw", REFERENCE + "@" + DIGEST]),
    "tags": (lambda skopeo: skopeo.tags(TAGGED), ["list-tags", REFERENCE]),
    "fetch": (
        lambda skopeo: skopeo.fetch(PINNED, "/f", 5),
        ["copy", "--quiet", "--preserve-digests", REFERENCE + "@" + DIGEST, "dir:/f"],
    ),
    "fetch all": (
        lambda skopeo: skopeo.fetch(PINNED, "/f", 5, True),
        ["copy", "--quiet", "--preserve-digests", "--all", REFERENCE + "@" + DIGEST, "dir:/f"],
    ),
    "push": (
        lambda skopeo: skopeo.push("/f", TAGGED, 5),
        ["copy", "--quiet", "--preserve-digests", "dir:/f", REFERENCE + ":1"],
    ),
    "copy": (
        lambda skopeo: skopeo.copy(PINNED, COPY, 5),
        ["copy", "--quiet", "--preserve-digests", REFERENCE + "@" + DIGEST, "docker://reg:5000/copy/app:2"],
    ),
}
# Where the options of a registry stand in a command, and with which prefix.
SIDES = {"fetch": ["src-"], "fetch all": ["src-"], "push": ["dest-"], "copy": ["src-", "dest-"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_registry_of_which_nothing_is_said(tmp_path, command):
    """The user's own configuration, logins and certificates count."""
    call, words = COMMANDS[command]
    runner = Recorder()
    with start(tmp_path, runner) as skopeo:
        call(skopeo)
    general = [word.replace("20s", "10s") for word in GENERAL] if command == "tags" else GENERAL
    assert (runner.argv, runner.runs[0][2]) == (general + words, NO_HTTP)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("login", [{"username": "u", "password": "s3cret"}, {"identity_token": "t0ken"}])
def test_a_login_stands_in_a_file_only(tmp_path, command, login):
    call, words = COMMANDS[command]
    runner = Recorder()
    with start(tmp_path, runner, Access("reg:5000", ca_file=__file__, **login)) as skopeo:
        call(skopeo)
        (question, *_rest), (argv, *_rest) = runner.runs
        no_configuration = ["--registries-conf", skopeo._logins.no_configuration]
        folder = os.path.dirname(skopeo._logins.no_configuration)
        options = [
            word
            for side in SIDES.get(command, [""])
            for word in ("--%sauthfile" % side, folder + "/0.json", "--%scert-dir" % side, folder + "/0")
        ]
    general = [word.replace("20s", "10s") for word in GENERAL] if command == "tags" else GENERAL
    at = [number for number, word in enumerate(words) if word.startswith(("docker:", "dir:", "--raw", "--config"))][0]
    assert argv == general + no_configuration + words[:at] + options + words[at:]
    # First without the login, whose log trust looks at; certificates count there, too.
    reference = [word for word in words if word.startswith(REFERENCE)][0]
    reference = REFERENCE + ":1" if command == "tags" else reference
    assert question == GENERAL + no_configuration + [
        "inspect",
        "--raw",
        "--no-creds",
        "--cert-dir",
        folder + "/0",
        reference,
    ]


def test_the_question_without_a_login_is_asked_once(tmp_path):
    runner = Recorder()
    with start(tmp_path, runner, Access("reg:5000", username="u", password="s3cret")) as skopeo:
        threads = [threading.Thread(target=skopeo.manifest, args=(TAGGED,)) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ["--no-creds" in argv for argv, *_rest in runner.runs].count(True) == 1 and len(runner.runs) == 5
    assert "--no-creds" in runner.runs[0][0]


@pytest.mark.parametrize(
    "access, asked", [({}, 0), ({"plain_http": True}, 0), ({"tls_verify": False}, 1), ({"identity_token": "t0ken"}, 1)]
)
def test_only_where_something_could_go_wrong_is_asked_without_a_login(tmp_path, access, asked):
    runner = Recorder(err=LOG.replace("https:", "http:") if access.get("plain_http") else LOG)
    with start(tmp_path, runner, Access("reg:5000", **access)) as skopeo:
        skopeo.manifest(TAGGED)
    assert len(runner.runs) == asked + 1


def test_a_registry_that_may_not_be_told_the_password_is_not_asked(tmp_path):
    runner = Recorder(err="no address")
    with start(tmp_path, runner, Access("reg:5000", username="u", password="s3cret")) as skopeo:
        for call, dummy in COMMANDS.values():
            with pytest.raises(RegistryProblem, match="it is unknown where"):
                call(skopeo)
    assert ["--no-creds" in argv for argv, *_rest in runner.runs] == [True]


def test_a_skopeo_that_cannot_ask_says_why(tmp_path):
    """Before a login is sent; that nobody was asked would tell nothing."""
    broken = 'time="x" level=fatal msg="tls: private key does not match public key"'
    runner = Recorder(err=broken, rc=1)
    with start(tmp_path, runner, Access("reg:5000", username="u", password="s3cret")) as skopeo:
        with pytest.raises(RegistryProblem, match="of one pair") as caught:
            skopeo.manifest(TAGGED)
    assert (caught.value.cause, len(runner.runs)) == ("controller", 1)


def test_a_registry_that_does_not_answer_the_first_question_is_not_asked_more(tmp_path):
    class Silent(Recorder):
        def run(self, argv, **options):
            super().run(argv, **options)
            raise TimedOut("too long", "level=debug")

    runner = Silent()
    with start(tmp_path, runner, Access("reg:5000", username="u", password="s3cret")) as skopeo:
        for name in (TAGGED, COPY):
            with pytest.raises(RegistryProblem, match="^%s cannot be read" % name.full) as caught:
                skopeo.manifest(name)
            assert caught.value.cause == "registry-timeout"
    assert len(runner.runs) == 1


@pytest.mark.parametrize(
    "access, words, environment",
    [
        ({"plain_http": True}, ["--tls-verify=false"], {}),
        ({"tls_verify": False}, ["--tls-verify=false"], NO_HTTP),
        ({}, [], NO_HTTP),
    ],
)
def test_plain_http_goes_where_the_inventory_says_so_only(tmp_path, access, words, environment):
    runner = Recorder(err=LOG.replace("https:", "http:") if access.get("plain_http") else LOG)
    with start(tmp_path, runner, Access("reg:5000", **access)) as skopeo:
        skopeo.manifest(TAGGED)
        argv, dummy, env, dummy = runner.runs[-1]
        assert argv == GENERAL + ["--registries-conf", skopeo._logins.no_configuration, "inspect"] + words + [
            "--raw",
            REFERENCE + ":1",
        ]
    assert env == environment


def test_another_registry_than_the_listed_one_gets_nothing_of_it(tmp_path):
    runner = Recorder()
    with start(tmp_path, runner, Access("other:1", username="u", password="s3cret", plain_http=True)) as skopeo:
        skopeo.manifest(TAGGED)
    assert (runner.argv, runner.runs[0][2]) == (GENERAL + ["inspect", "--raw", REFERENCE + ":1"], NO_HTTP)


def test_the_user_s_own_rules_about_signatures_hold(tmp_path):
    runner = Recorder()
    (tmp_path / "policy.json").write_text("{}")
    with start(tmp_path, runner) as skopeo:
        skopeo.manifest(TAGGED)
    assert "--insecure-policy" not in runner.argv


def test_limits_in_seconds(tmp_path):
    """skopeo ends by itself, and is ended five seconds later; a copy may take longer the more there is to copy."""
    runner = Recorder()
    with start(tmp_path, runner, timeout=3) as skopeo:
        skopeo.manifest(TAGGED)
        skopeo.config(PINNED)
        skopeo.tags(TAGGED)
        skopeo.fetch(PINNED, "/f", 1000000)
        skopeo.push("/f", TAGGED, 1000000)
        skopeo.copy(PINNED, COPY, 1000000)
    said = [(argv[argv.index("--command-timeout") + 1], timeout) for argv, timeout, dummy, dummy in runner.runs]
    assert said == [("3s", 8)] * 3 + [("23s", 28)] * 3
    # What could come without end is watched: tags and an image.
    assert [watch is not None for dummy, dummy, dummy, watch in runner.runs] == [False, False, True, True, False, False]


def test_answers(tmp_path):
    runner = Recorder('{"Tags": ["2", "10", "1"], "architecture": "riscv64"}')
    with start(tmp_path, runner) as skopeo:
        assert skopeo.manifest(TAGGED) == runner.out.encode()
        assert skopeo.config(PINNED)["architecture"] == "riscv64"
        assert skopeo.tags(TAGGED) == ["1", "10", "2"]
        runner.out = '{"Tags": null}'
        assert skopeo.tags(TAGGED) == []
        runner.out = "[" * 100000
        with pytest.raises(RegistryProblem, match="a config that is not JSON") as caught:
            skopeo.config(PINNED)
    assert caught.value.cause == "content-damaged"


FAILURES = {
    "manifest": "reg:5000/a/app:1 cannot be read",
    "config": "reg:5000/a/app@%s cannot be read" % DIGEST,
    "tags": "reg:5000/a/app:1 cannot be read",
    "fetch": "reg:5000/a/app@%s cannot be fetched" % DIGEST,
    "push": "reg:5000/a/app:1 cannot be published",
    "copy": "reg:5000/copy/app:2 cannot be published",
}


@pytest.mark.parametrize("command, message", FAILURES.items())
def test_what_failed_is_named(tmp_path, command, message):
    fatal = "received unexpected HTTP status: 500 Internal Server Error"
    log = 'time="x" level=debug msg="GET https://reg:5000/v2/"\ntime="x" level=fatal msg="%s"\n' % fatal
    with start(tmp_path, Recorder(err=log, rc=1)) as skopeo, pytest.raises(RegistryProblem, match=message) as caught:
        COMMANDS[command][0](skopeo)
    assert (caught.value.cause, caught.value.where) == ("registry-fault", "reg:5000")
    assert "level=debug" not in str(caught.value) and "500 Internal Server Error" in str(caught.value)


def test_a_skopeo_that_is_too_old_or_not_there(tmp_path, monkeypatch):
    old = 'time="x" level=fatal msg="unknown flag: --preserve-digests"'
    with (
        start(tmp_path, Recorder(err=old, rc=1)) as skopeo,
        pytest.raises(RegistryProblem, match="install skopeo 1.9 or newer"),
    ):
        skopeo.fetch(PINNED, "/f", 5)
    monkeypatch.setattr(program, "find_program", lambda name, own_path: None)
    with pytest.raises(Problem, match="skopeo was not found on this machine.*install the package skopeo"):
        Skopeo({}, 20, root=str(tmp_path / "logins"))


class Script(Runner):
    """The real Runner, with a shell script in skopeo's place; the folder that is to be filled is its $1."""

    def __init__(self, path, text):
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        self.path = str(path)

    def run(self, argv, **options):
        if argv[1] == "login":
            return Result(argv, 1, "", "")
        return super().run([self.path, argv[-1][len("dir:") :]], **options)


def fetch(tmp_path, text, size, timeout):
    """(the problem or None, seconds that it took)."""
    begin = time.monotonic()
    with start(tmp_path, Script(tmp_path / "skopeo", text), timeout=timeout) as skopeo:
        try:
            skopeo.fetch(PINNED, str(tmp_path / "image"), size)
        except RegistryProblem as problem:
            return problem, time.monotonic() - begin
    return None, time.monotonic() - begin


def test_a_download_that_grows_beyond_what_was_announced_is_ended(tmp_path):
    problem, seconds = fetch(
        tmp_path, 'mkdir "$1"; head -c 5000000 /dev/zero | tee "$1/one" >"$1/two"; exec sleep 60', 1000, 30
    )
    assert problem.cause == "content-damaged" and "more than the %d bytes that were announced" % (
        1000 + (8 << 20)
    ) in str(problem)
    assert seconds < 10


def test_a_download_of_the_size_that_was_announced_is_not(tmp_path):
    problem, dummy = fetch(tmp_path, 'mkdir "$1"; head -c 8400000 /dev/zero >"$1/blob"; sleep 0.6', 20000, 30)
    assert problem is None


def test_a_download_that_stands_still_is_ended(tmp_path):
    """Long before the time that its size would give it has passed."""
    problem, seconds = fetch(tmp_path, 'mkdir "$1"; echo x >"$1/blob"; exec sleep 60', 100000000, 1)
    assert (problem.cause, problem.where) == ("registry-timeout", "reg:5000")
    assert 1 < seconds < 10


def test_a_download_that_stands_still_since_the_registry_is_busy_says_so(tmp_path):
    busy = "Too many requests to reg:5000: sleeping for 60 seconds before next attempt"
    text = "echo 'level=debug msg=\"%s\"' >&2; exec sleep 60" % busy
    problem, dummy = fetch(tmp_path, text, 100000000, 1)
    assert problem.cause == "registry-rate-limit"


@pytest.mark.parametrize("count, is_let", [(40000, True), (1, False)])
def test_a_slow_download_that_goes_on_is_let_and_one_that_would_last_for_days_is_not(tmp_path, count, is_let):
    text = 'mkdir "$1"; for i in 1 2 3 4 5 6 7; do head -c %d /dev/zero >>"$1/blob"; sleep 0.3; done' % count
    problem, seconds = fetch(tmp_path, text, 100000000, 1)
    assert (problem is None, seconds > 2) == (is_let, is_let)
