# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile registry: nothing is written outside of the target, no login goes elsewhere, and all ends with one error.

The attacks stand in tables by subject: hostile_registry_content, _answers, _logins, _uploads. What is odd but lawful is
among them, and succeeds. Where a login goes elsewhere before it can be seen, the error says so.
"""

import ctypes
import os
import subprocess
import threading
import time

import hostile_registry_answers
import hostile_registry_content
import hostile_registry_logins
import hostile_registry_uploads
import hostile_registry_world as scene
import pytest
from prerequisites import missing
from registry_servers import PASSWORD, program

pytestmark = pytest.mark.programs

TABLES = (hostile_registry_content, hostile_registry_answers, hostile_registry_logins, hostile_registry_uploads)
ATTACKS = [attack for table in TABLES for attack in table.ATTACKS]
_SECONDS = 15  # in which each attack must end
_SLACK = 16 << 20  # bytes that may come beside what was announced
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
DONE = []


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return scene.keys(tmp_path_factory.mktemp("keys"))


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_a_hostile_registry(attack, keys, tmp_path, monkeypatch):
    program("skopeo", "skopeo")
    for variable, folder in scene.HOME_FOLDERS.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    _within(_SECONDS, _run, attack, keys, tmp_path)


def test_the_number_of_attacks(capsys):
    if not DONE:
        missing("the tests of hostile registries did not run before this one")
    refused = sum(ends != "ok" for attack, ends in DONE)
    told = sum(attack.told for attack, ends in DONE)
    with capsys.disabled():
        print(
            "\nhostile registries: %d attacks, %d refused, %d odd answers understood"
            % (len(DONE), refused, len(DONE) - refused)
        )
        print("hostile registries: in %d of the refused the login went elsewhere, and the error says where" % told)


def _run(attack, keys, folder):
    if attack.outside:
        _leave_loopback()
    with scene.World(folder, attack, keys) as world, scene.Watched(world.target, str(folder / "cache")) as watched:
        attack.arrange(world)
        before = world.files()
        ends, text = world.run()
    assert ends in attack.ends, text
    assert text.isprintable() and len(text) < 10000 and "Traceback" not in text and PASSWORD not in text, text
    assert world.files() == before
    assert not world.left_logins()
    told = [one for one in world.told() if not attack.told or one.host not in text]
    assert not told
    DONE.append((attack, ends))
    assert watched.most <= world.announced + _SLACK


def _within(seconds, function, *args):
    """Call a function in a thread of its own, which is given up after so long."""
    errors = []

    def called():
        try:
            function(*args)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=called, daemon=True)
    begin = time.monotonic()
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    assert not thread.is_alive(), "no end within %d s" % seconds
    return time.monotonic() - begin


def _leave_loopback():
    """Put this thread, and what it starts, into a network of its own with two more addresses, which goes with it."""
    if os.geteuid() != 0:
        missing("a network of its own needs root")
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
    for words in ("link set lo up", "address add 192.0.2.1/32 dev lo", "address add 192.0.2.2/32 dev lo"):
        subprocess.run([program("ip", "iproute2")] + words.split(), check=True)
