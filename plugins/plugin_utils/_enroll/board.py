# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done on one board that is to be enrolled: each step when the one before was seen to hold."""

from __future__ import annotations

import secrets
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import read as _read
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import script as _boards_script
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import hostname, keys, script
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.seen import Seen, seen
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.wanted import Want
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT, Section, split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.connect import (
    HostKeys,
    Login,
    Place,
    Running,
    Session,
    session,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.told import hidden, meaning
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.unreached import Unreached

_ROOT = "root"
_UNKNOWN = (
    "compare the fingerprint with the board's (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), and give it as "
    "host_key of the board; or take all keys that are new: riscv_k3s_enroll_accept_new: true"
)
_ASKS = "-S -k -p '' "  # sudo then reads one line, the password, in any case


class How(NamedTuple):
    """The same for all boards: the key and its private part, where host keys are known, ``become`` sudo or doas for
    users who are not root, ``lock`` whether to lock the password, ``dry`` whether to change nothing.
    """

    key: keys.Key
    private: Any
    hosts: HostKeys
    seconds: float
    become: str = "sudo"
    lock: bool = False
    dry: bool = False


class Enrolled(NamedTuple):
    """``done`` are sentences of what was done, or is to be; ``role`` is server, agent or None, as k3s runs there;
    ``host_key`` what is known of its key; ``problem`` why it is not enrolled.
    """

    done: List[str]
    host_key: str
    is_new: bool
    role: Optional[str] = None
    problem: Optional[str] = None


class Board:
    """One board at work."""

    def __init__(self, want: Want, how: How) -> None:
        self.want, self.how = want, how
        self.done: List[str] = []
        self.host_key, self.is_new = "", False
        self.role: Optional[str] = None
        self.place = Place(want.board.address, want.board.port)
        self._asked = False  # whether the program to become root has taken the password

    def enroll(self) -> Enrolled:
        try:
            # The key first: after the first time there may be no password any more.
            login = Login(self.want.user, self.how.private, self.want.password, False)
            with session(self.place, login, self.how.hosts, self.how.seconds, self.want.host_key) as one:
                self.host_key, self.is_new = "%s %s" % (one.host.kind, one.host.fingerprint), one.host.is_new
                self._steps(one)
        except Problem as problem:
            _in_words_of_here(problem, self.want)
            return Enrolled(self.done, self.host_key, self.is_new, None, str(problem))
        return Enrolled(self.done, self.host_key, self.is_new, self.role)

    def _steps(self, one: Session) -> None:
        found = self._look(one)
        self._install(one, found)
        if one.way != "key" and not self.how.dry:
            self._verify()
        self.role = self._role(one)
        if self.want.hostname:
            self._rename(one, found)
        if self.how.lock:
            self._lock(one, found)

    def _look(self, one: Session) -> Seen:
        return seen(self._sections(one, "look", become="" if self.want.user == _ROOT else self.how.become))

    def _install(self, one: Session, found: Seen) -> None:
        work = keys.work(found, self.how.key)
        if not (work.add or work.modes):
            return
        what = "install the key" if work.add else "set the modes of ~/.ssh and authorized_keys"
        if self.how.dry:
            self.done.append(what)
            return
        line = (self.how.key.line + "\n").encode()
        self._good(self._sections(one, "key", line, add="1" if work.add else "")["install"], "the key is not installed")
        now = self._look(one)
        wanted = keys.after(found.keys, self.how.key) if work.add else found.keys
        if now.keys != wanted or any(keys.work(now, self.how.key)):
            raise Problem("authorized_keys is not what was written", where=self.place, next_step="look at ~/.ssh there")
        self.done.append(what)

    def _verify(self) -> None:
        """Nothing else is done before the key was seen to log in."""
        login = Login(self.want.user, self.how.private, "", False)
        try:
            with session(self.place, login, self.how.hosts, self.how.seconds) as one:
                self._sections(one, "look", become="")
        except Problem as problem:
            if _is_another(problem):
                raise
            raise Problem(
                "the key is installed, but does not log in",
                found=problem.found or problem.what,
                where=self.place,
                next_step="see what sshd says there: its home must not be writable for others (StrictModes), and sshd "
                "must read ~/.ssh/authorized_keys (AuthorizedKeysFile, PubkeyAuthentication)",
            ) from problem

    def _rename(self, one: Session, found: Seen) -> None:
        new = self.want.hostname
        text = self._hosts(found, new)
        is_named, is_kept = _is_named(found, new), found.cloud_init != "sets"
        if is_named and is_kept and text is None:
            return
        if self.role and not is_named:
            raise Problem(
                "the host name is not changed where k3s runs",
                found="k3s is %s there, and calls its node %s" % (self.role, self._hidden(found.hostname)),
                where=self.place,
                next_step="leave hostname out for this board, or uninstall k3s there first",
            )
        old = self._hidden(found.hostname)
        was = " (it is %s)" % old if self.how.dry else " (it was %s)" % old
        what = "name it %s" % new + ("" if is_named else was) + ("" if is_kept else ", and let cloud-init keep it")
        # Told in check mode, too.
        before = self._root(found)
        if self.how.dry:
            self.done.append(what)
            return
        data = (new + "\n" + (text or "")).encode()
        size = "" if text is None else len(text.encode())
        made = self._as_root(one, "hostname", before, data, size=size, keep="" if is_kept else "1")
        self._good(made["rename"], "the host name is not set")
        now = self._look(one)
        if not _is_named(now, new) or now.cloud_init == "sets" or self._hosts(now, new) is not None:
            raise Problem("the host name is not what was set", now.hostname, self.place, "set it there by hand")
        self.done.append(what)

    @staticmethod
    def _hosts(found: Seen, new: str) -> Optional[str]:
        """The text for /etc/hosts, None where it is right, or nothing that can be edited."""
        text = found.hosts_text
        if not found.hosts or found.hosts.mode[:1] != "-" or found.hosts.size > script.LARGEST or "\ufffd" in text:
            return None
        changed = hostname.hosts(text, found.hostname, new)
        return changed if changed != text else None

    def _lock(self, one: Session, found: Seen) -> None:
        before = self._root(found)
        state = self._password(one, before)
        if state in ("locked", "none"):
            return
        if before.endswith(_ASKS):
            raise self._not_locked("%s asks for it" % self.how.become, "let %s become root without a password first")
        if state == "empty":
            raise self._not_locked("it is empty, which cannot be brought back", "set one with passwd first")
        if self.how.dry:
            self.done.append("lock the password")
            return
        token = _token()
        lock = script.command("lock", token, before, account=self.want.user)
        running = one.start(lock.command)
        running.send(lock.data)
        if running.until(("%s=locked" % token).encode()):
            self._verify_locked(one, running, before)
        said = running.output().decode("utf-8", "replace")
        self._good(self._split(said, token)["lock"], "the password is not locked")
        if self._password(one, before) != "locked":
            raise Problem("the password is not locked", where=self.place, next_step="lock it there: passwd -l USER")
        self.done.append("lock the password")

    def _verify_locked(self, one: Session, running: Running, before: str) -> None:
        try:
            self._verify()
        except Problem as problem:
            # The end of its input unlocks it again.
            running.end_of_input()
            running.output()
            if self._password(one, before) == "locked":
                raise Problem(
                    "the password is locked, the key does not log in, and the lock cannot be taken back",
                    found=problem.what if _is_another(problem) else problem.found or problem.what,
                    where=self.place,
                    next_step="unlock it on the board's console: passwd -u %s" % self.want.user,
                ) from problem
            if _is_another(problem):
                raise
            raise self._not_locked(
                "then the key would not log in either: %s" % (problem.found or problem.what),
                "let sshd there use PAM (UsePAM yes), or take the password away there, as root, which is no lock for "
                "such an sshd: echo '%s:*' | chpasswd -e",
            ) from problem
        running.send(b"keep\n")
        running.end_of_input()

    def _not_locked(self, found: str, step: str) -> Problem:
        step = step % self.want.user if "%s" in step else step
        return Problem("the password is not locked", found=found, where=self.place, next_step=step)

    def _password(self, one: Session, before: str) -> str:
        section = self._as_root(one, "password", before, account=self.want.user)["password"]
        self._good(section, "whether the password is locked cannot be told")
        state = section.out.strip()
        if state not in ("locked", "none", "empty", "set"):
            raise Problem("whether the password is locked cannot be told", found=state[:200], where=self.place)
        return state

    def _role(self, one: Session) -> Optional[str]:
        """As which k3s runs there; None for what cannot be told."""
        token = _token()
        become = "" if self.want.user == _ROOT else self.how.become
        try:
            row = _read.read(one.run(*_boards_script.command(token, become)), token, PROGRAM_TIMEOUT)
        except Problem:
            return None
        return row["k3s"]["role"]

    def _root(self, found: Seen) -> str:
        """What goes before a command that needs root. Raises Problem."""
        if found.uid == 0:
            return ""
        if found.becomes == "root":
            return "%s -n " % self.how.become
        if found.becomes and self.how.become == "sudo" and self.want.password:
            return "sudo " + _ASKS
        raise Problem(
            "%s is not root, and does not become it" % self.want.user,
            found="%s asks for a password" % self.how.become if found.becomes else "no %s there" % self.how.become,
            where=self.place,
            next_step="log in as root, or see that %s is there and asks for no password" % self.how.become
            + (", or for one that is given" if self.how.become == "sudo" else ""),
        )

    def _as_root(self, one: Session, name: str, before: str, data: bytes = b"", **values: Any) -> Dict[str, Section]:
        if not before.endswith(_ASKS):
            return self._sections(one, name, data, before, **values)
        password = (self.want.password + "\n").encode()
        self._ask(one, before, password)
        return self._sections(one, name, data, before, password, **values)

    def _ask(self, one: Session, before: str, password: bytes) -> None:
        """Whether sudo takes the password: where it does not, it would take each line behind for another try."""
        if self._asked:
            return
        token = _token()
        said = one.run(before + "/bin/sh -c 'echo %s'" % token, password)
        if token not in said:
            known = meaning(said)
            raise Problem(
                known.what if known else "%s does not take the password" % self.how.become,
                found=self._hidden(said.strip()[:300]) or "no output",
                where=self.place,
                next_step=known.next_step
                if known
                else "give the password of %s there, or log in as root" % self.want.user,
            )
        self._asked = True

    def _sections(
        self, one: Session, name: str, data: bytes = b"", before: str = "", first: bytes = b"", **values: Any
    ) -> Dict[str, Section]:
        token = _token()
        fed = script.command(name, token, before, **values)
        return self._split(one.run(fed.command, first + fed.data + data), token)

    def _hidden(self, text: str) -> str:
        return hidden(text, self.want.password)

    def _split(self, text: str, token: str) -> Dict[str, Section]:
        try:
            return split_output(text, token)
        except Problem as problem:
            said = problem.found or problem.what
            known = meaning(said)
            raise Problem(
                known.what if known else "the board did not do what it was told",
                found=self._hidden(said),
                next_step=known.next_step if known else "see what `sh` and, for a user who is not root, sudo say there",
            ) from problem

    def _good(self, section: Section, what: str) -> None:
        if section.rc:
            found = self._hidden(section.err[:300]) or "exit status %d" % section.rc
            raise Problem(what, found, self.place, "see what the same does there by hand")


def _is_another(problem: Problem) -> bool:
    """Whether somebody else may have answered than before, which says nothing of the key and of sshd."""
    return isinstance(problem, Unreached) and problem.reason.startswith("host_key")


def _is_named(found: Seen, name: str) -> bool:
    return found.hostname == name and found.hostname_file in (name, "")


def _in_words_of_here(problem: Problem, want: Want) -> None:
    """The inventory plugin has other options."""
    if isinstance(problem, Unreached) and problem.reason == "timeout":
        problem.next_step = "see whether the board is up; raise riscv_k3s_enroll_timeout where it is only slow"
    if isinstance(problem, Unreached) and problem.reason == "authentication" and not want.password:
        problem.found = "%s; no password is given" % problem.found
    if isinstance(problem, Unreached) and problem.reason == "host_key_unknown":
        problem.next_step = _UNKNOWN
    if problem.found:
        problem.found = problem.found.replace("the key of key_file", "the key").replace(
            "neither key_file nor password is given, and no ssh agent has a key", "no password is given"
        )


def _token() -> str:
    return "riscv-k3s-" + secrets.token_hex(8)
