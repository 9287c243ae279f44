# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on a board over ssh, by paramiko. The one place of plugin_utils that reaches out.

Nothing of it asks anybody, and none of OpenSSH's settings count but the files of known keys of hosts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import known_hosts
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.told import hidden, meaning
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.unreached import Unreached

try:
    import paramiko
except ImportError as error:
    PARAMIKO_ERROR: Optional[ImportError] = error
else:
    PARAMIKO_ERROR = None

LARGEST = 256 * 1024  # bytes of an answer
MOST = 16 * 1024 * 1024  # bytes of a connection
_END = 2.0  # seconds; more than a command has from the end of its output to its own
_WELL_KNOWN = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
# paramiko tells of broken connections by itself, with what the other side sent; here each is told once.
_LOG = "riscv_k3s.ssh"
_NOTHING = "neither key_file nor password is given, and no ssh agent has a key"
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False


class Place(NamedTuple):
    address: str
    port: int

    def __str__(self) -> str:
        return "%s port %d" % self


class Login(NamedTuple):
    """How to log in: ``key`` is one of paramiko's, ``agent`` whether its keys may be used."""

    user: str
    key: Any = None
    password: str = ""
    agent: bool = True


class Answer(NamedTuple):
    output: str
    fingerprint: str
    is_new: bool  # whether the key of the host was recorded just now


class Host(NamedTuple):
    """Who answers: the kind of its key, the fingerprint of it, and whether it was not known until now."""

    kind: str
    fingerprint: str
    is_new: bool


def check_paramiko(needed_by: str) -> None:
    """Raises Problem where there is none."""
    if PARAMIKO_ERROR:
        raise Problem(
            "%s needs paramiko" % needed_by,
            found="no module paramiko (%s)" % PARAMIKO_ERROR,
            where="the Python that runs Ansible, %s" % sys.executable,
            next_step="install paramiko 3.4 or newer there: `pip install paramiko`, or the package python3-paramiko",
        )


def private_key(path: str, passphrase: str = "") -> Any:
    """The key in a file. Raises Problem."""
    where, told = os.path.expanduser(path), []
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(where, password=passphrase or None)
        except paramiko.PasswordRequiredException as error:
            raise Problem(
                "the private key needs its passphrase",
                where=where,
                next_step="give it as key_passphrase, or put the key into an ssh agent and leave key_file out",
            ) from error
        except OSError as error:
            found = error.strerror or str(error)
            raise Problem("the private key cannot be read", found, where, "check key_file") from error
        except (paramiko.SSHException, ValueError) as error:
            told.append("%s" % error)
    raise Problem(
        "this is no private key of ssh that can be read",
        found=told[0],
        where=where,
        next_step="check key_file and key_passphrase; it must be an Ed25519, ECDSA or RSA key",
    )


def key_of_agent(public: str) -> Any:
    """The key of the ssh agent whose public part, in base64, is this; None where there is none."""
    keys = paramiko.Agent().get_keys() if os.environ.get("SSH_AUTH_SOCK") else ()
    key = next((key for key in keys if key.get_base64() == public), None)
    if key:
        lock, sign = threading.Lock(), key.sign_ssh_data

        def one_at_a_time(*args: Any, **named: Any) -> Any:
            # It has one connection to the agent, and many boards ask at once.
            with lock:
                return sign(*args, **named)

        key.sign_ssh_data = one_at_a_time
    return key


class HostKeys:
    """The files of known keys of hosts; the first is the one that new keys are recorded in. ``dry`` is to record none,
    and to take those that would be recorded for known.
    """

    def __init__(self, paths: Sequence[str] = (), accept_new: bool = False, dry: bool = False) -> None:
        self.paths = [os.path.expanduser(path) for path in paths or _WELL_KNOWN]
        self.accept_new, self.dry = accept_new, dry
        self._lock = threading.Lock()
        self._lines = [line for path in self.paths for line in known_hosts.parse(self._text(path))]

    def _text(self, path: str) -> str:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise Problem(
                "the file of known host keys cannot be read", error.strerror, path, "check known_hosts"
            ) from error

    def kinds(self, name: str) -> List[str]:
        return known_hosts.kinds(self._lines, name)

    def check(self, place: Place, kind: str, key: str, expected: str = "") -> bool:
        """Whether the key was recorded just now. Raises Unreached for one that is not the host's, as far as known.

        ``expected`` is the fingerprint that somebody read on the board itself: no other key is taken, and this one is.
        """
        name = known_hosts.shown_name(*place)
        with self._lock:
            verdict = known_hosts.judge(self._lines, name, kind, key)
            if verdict in (known_hosts.KNOWN, known_hosts.UNKNOWN) and expected:
                self._compare(place, kind, key, expected)
            if verdict == known_hosts.UNKNOWN and (self.accept_new or expected):
                if not self.dry:
                    self._record(name, kind, key)
                return True
        if verdict != known_hosts.KNOWN:
            raise Unreached(
                "host_key_" + verdict,
                {
                    known_hosts.UNKNOWN: "its host key is not known",
                    known_hosts.CHANGED: "its host key is another one than the one that is known",
                    known_hosts.REVOKED: "its host key was revoked",
                }[verdict],
                found="%s %s" % (kind, known_hosts.fingerprint(key)),
                where="%s, compared with %s" % (place, ", ".join(self.paths)),
                name=name,
            )
        return False

    @staticmethod
    def _compare(place: Place, kind: str, key: str, expected: str) -> None:
        found = known_hosts.fingerprint(key)
        if found != expected:
            raise Unreached(
                "host_key_unexpected",
                "its host key is not the expected one, %s" % expected,
                found="%s %s" % (kind, found),
                where=place,
                name=known_hosts.file_of(kind),
            )

    def _record(self, name: str, kind: str, key: str) -> None:
        line, path = known_hosts.line_of(name, kind, key), self.paths[0]
        try:
            os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                # A file that somebody wrote by hand may lack the end of its last line.
                file.write((b"\n" if file.read(1) not in (b"", b"\n") else b"") + line.encode())
        except OSError as error:
            raise Unreached(
                "host_key_not_recorded", "its new host key cannot be recorded", error.strerror, path
            ) from error
        self._lines += known_hosts.parse(line)


class _Clock:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; never 0, which means none at all to a socket."""
        return max(0.01, self._end - time.monotonic())

    def is_over(self) -> bool:
        return time.monotonic() >= self._end


class Running:
    """A command that runs on a board, and may be spoken to."""

    def __init__(self, channel: Any, place: Place, clock: _Clock) -> None:
        self._channel, self._place, self._clock = channel, place, clock
        self._read = bytearray()

    def send(self, data: bytes) -> None:
        """One that has ended takes nothing; what it wrote tells why."""
        self._channel.settimeout(self._clock.left())
        try:
            self._channel.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            pass

    def end_of_input(self) -> None:
        self._channel.shutdown_write()

    def until(self, mark: bytes) -> bool:
        """Whether it has written ``mark``; not when it ended without."""
        while mark not in self._read:
            if not self._more():
                return False
        return True

    def output(self) -> bytes:
        """All that it writes on stdout, when it has ended."""
        while self._more():
            pass
        # dropbear takes the end of one command, which comes behind that of its output, for the end of the next one.
        end = time.monotonic() + min(_END, self._clock.left())
        while not self._channel.closed and time.monotonic() < end:
            time.sleep(0.002)
        return bytes(self._read)

    def errors(self) -> bytes:
        return self._channel.recv_stderr(2000) if self._channel.recv_stderr_ready() else b""

    def _more(self) -> bool:
        self._channel.settimeout(self._clock.left())
        data = self._channel.recv(32768)
        self._read += data
        if len(self._read) > LARGEST:
            raise Unreached("nonsense", "it answers more than %d KiB" % (LARGEST // 1024), where=self._place)
        if data and self._clock.is_over():
            raise too_late(self._place, self._clock.seconds)
        return bool(data)


class Session:
    """A login on a board, for several commands; ``way`` is how it was let in: key, password or agent."""

    def __init__(self, transport: Any, place: Place, host: Host, way: str, clock: _Clock) -> None:
        self._transport, self._clock = transport, clock
        self.place, self.host, self.way = place, host, way

    def start(self, command: str) -> Running:
        channel = self._transport.open_session(timeout=self._clock.left())
        channel.settimeout(self._clock.left())
        channel.exec_command(command)
        return Running(channel, self.place, self._clock)

    def run(self, command: str, data: bytes = b"") -> str:
        """What a command writes on stdout, and else on stderr; ``data`` is what it reads."""
        running = self.start(command)
        if data:
            running.send(data)
        running.end_of_input()
        return (running.output() or running.errors()).decode("utf-8", "replace")


@contextlib.contextmanager
def session(place: Place, login: Login, keys: HostKeys, seconds: float, expected: str = "") -> Iterator[Session]:
    """A login that lasts ``seconds`` at most, all of its commands together. Raises Unreached, also for what goes wrong
    while it is used; a Problem of who uses it stays what it is.
    """
    clock = _Clock(seconds)
    try:
        with contextlib.ExitStack() as stack:
            yield _entered(stack, place, login, keys, expected, clock)
    except Problem:
        raise
    # Whatever else a strange peer makes of paramiko is a reason, too: one board ends no inventory.
    except Exception as error:
        raise _reason(error, place, login, clock) from error


def ask(place: Place, login: Login, keys: HostKeys, command: str, seconds: float, data: bytes = b"") -> Answer:
    """What a command writes on stdout, and else on stderr; ``data`` is what it reads. Raises Unreached."""
    with session(place, login, keys, seconds) as one:
        return Answer(one.run(command, data), one.host.fingerprint, one.host.is_new)


def _entered(
    stack: contextlib.ExitStack, place: Place, login: Login, keys: HostKeys, expected: str, clock: _Clock
) -> Session:
    """A board that ends the connection after so many tries (MaxAuthTries) is connected to again, for the ways that are
    left.
    """
    tried: List[str] = []
    is_new = False
    while True:
        with contextlib.ExitStack() as one:
            sock = one.enter_context(_connected(place, clock))
            one.enter_context(_ended_in_time(sock, clock))
            transport = paramiko.Transport(_Limited(sock))
            one.callback(transport.close)
            host = _greeted(transport, place, keys, expected, clock)
            is_new = is_new or host.is_new
            way = _log_in(transport, place, login, clock, tried)
            if way:
                stack.push(one.pop_all())
                return Session(transport, place, host._replace(is_new=is_new), way, clock)


def too_late(place: Place, seconds: float) -> Unreached:
    return Unreached("timeout", "it did not answer within %g s" % seconds, where=place)


def _connected(place: Place, clock: _Clock) -> socket.socket:
    sock = socket.create_connection(place, timeout=clock.left())
    # Each small packet would wait for an acknowledgement of the one before.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class _Limited:
    """A socket from which no more than so much is read: paramiko keeps what nobody takes, such as errors without end,
    or a packet that says of itself that it has 4 GiB.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._left = sock, MOST

    def recv(self, size: int) -> bytes:
        data = self._sock.recv(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@contextlib.contextmanager
def _ended_in_time(sock: socket.socket, clock: _Clock) -> Iterator[None]:
    """Ends the connection when its time is over: not every step of paramiko has a limit. It waits for ever to be told
    that a command was accepted.
    """

    def end() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(clock.left(), end)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _greeted(transport: Any, place: Place, keys: HostKeys, expected: str, clock: _Clock) -> Host:
    transport.set_log_channel(_LOG)
    transport.banner_timeout = transport.handshake_timeout = clock.left()
    options = transport.get_security_options()
    options.key_types = known_hosts.preferred(options.key_types, keys.kinds(known_hosts.shown_name(*place)))
    transport.start_client(timeout=clock.left())
    key = transport.get_remote_server_key()
    # Before anything is told to the other side.
    is_new = keys.check(place, key.get_name(), key.get_base64(), expected)
    return Host(key.get_name(), known_hosts.fingerprint(key.get_base64()), is_new)


def _log_in(transport: Any, place: Place, login: Login, clock: _Clock, tried: List[str]) -> str:
    """By which way it was let in; "" where the board ended the connection before all of them were tried. ``tried`` has
    a sentence for each that was, and gets more. Raises Unreached.
    """
    ways = list(_ways(transport, login))
    for kind, what, way in ways[len(tried) :]:
        transport.auth_timeout = clock.left()
        try:
            if not way():
                return kind
            tried.append("%s was accepted, and is not enough" % what)
        except paramiko.BadAuthenticationType as error:
            tried.append("%s is not allowed there (allowed are %s)" % (what, ", ".join(error.allowed_types)))
        except _AsksMore as error:
            # paramiko has ended the connection.
            tried.append("%s is not all that it asks for: %s" % (what, str(error)[:300]))
            if len(tried) < len(ways):
                return ""
        except (paramiko.SSHException, EOFError) as error:
            if clock.is_over():
                raise too_late(place, clock.seconds) from error
            ended = "" if transport.is_active() else ", and the board ended the connection"
            tried.append("%s was refused%s" % (what, ended))
            if ended and len(tried) < len(ways):
                return ""
    raise _refused(transport, place, login, tried)


def _refused(transport: Any, place: Place, login: Login, tried: Sequence[str]) -> Unreached:
    # Where PAM refuses an account after its login, its words come as a banner.
    # get_banner() has none of a connection that has ended.
    banner = getattr(transport.auth_handler, "banner", None) or b""
    said = hidden(banner.decode("utf-8", "replace").strip()[-200:], login.password)
    # An agent may have many keys.
    counted = {one: tried.count(one) for one in tried}
    found = "; ".join(one if many == 1 else "%s (%d times)" % (one, many) for one, many in counted.items()) or _NOTHING
    problem = Unreached("authentication", "the login of %s failed" % login.user, found, place)
    known = meaning("%s %s" % (found, said))
    if said:
        problem.found = "%s; it says: %s" % (found, said)
    if known:
        problem.what, problem.next_step = "%s: %s" % (problem.what, known.what), known.next_step
    return problem


def _ways(transport: Any, login: Login) -> Iterator[Tuple[str, str, Callable[[], Any]]]:
    # What was given comes first: an agent with many keys would use up the tries that a server allows.
    if login.key:
        yield "key", "the key of key_file", lambda: transport.auth_publickey(login.user, login.key)
    if login.password:
        yield "password", "the password", lambda: _by_password(transport, login)
    for key in paramiko.Agent().get_keys() if login.agent else ():
        yield "agent", "a key of the ssh agent", lambda key=key: transport.auth_publickey(login.user, key)  # type: ignore[misc]


class _AsksMore(Exception):
    """What else a board asks for behind the password."""


def _by_password(transport: Any, login: Login) -> Any:
    """As a password, or as the answer to the one question of keyboard-interactive. paramiko would answer each question
    so, also that for a new password.
    """
    try:
        return transport.auth_password(login.user, login.password, fallback=False)
    except paramiko.BadAuthenticationType as error:
        if "keyboard-interactive" not in error.allowed_types:
            raise
    told: List[str] = []
    given: List[str] = []

    def answers(title: str, text: str, questions: Sequence[Tuple[str, bool]]) -> List[str]:
        told.extend(filter(None, (title, text)))
        if len(questions) > 1 or questions and (given or questions[0][1]):
            told.extend(question.strip(" :") for question, dummy in questions)
            raise _AsksMore(hidden(" ".join(told), login.password))
        given.extend(login.password for dummy in questions)
        return [login.password for dummy in questions]

    return transport.auth_interactive(login.user, answers)


def _reason(error: Exception, place: Place, login: Login, clock: _Clock) -> Unreached:
    text = hidden(str(error), login.password)
    if clock.is_over() or isinstance(error, TimeoutError):
        return too_late(place, clock.seconds)
    if isinstance(error, ConnectionRefusedError):
        return Unreached("refused", "it refuses connections", where=place)
    if isinstance(error, socket.gaierror):
        return Unreached("name", "its name leads to no address", error.strerror, place)
    if isinstance(error, (paramiko.SSHException, EOFError, ConnectionError)):
        return Unreached("no_ssh", "the connection broke", text or type(error).__name__, place, place.address)
    if isinstance(error, OSError):
        return Unreached("no_route", "it cannot be reached", error.strerror or text, place)
    return Unreached("other", "reading it failed", "%s: %s" % (type(error).__name__, text), place, place.address)
