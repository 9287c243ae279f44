# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of settings of a board's system: noted in the journal, made, read back, and taken back.

A setting is {kind, name, value}: a text by which its kind says how the thing is. Files are of the kind file, with
``content`` and ``mode``.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import status
from ansible_collections.riscv.k3s.plugins.module_utils._journal import owned_files, undo
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import OWN_MARK, Journal
from ansible_collections.riscv.k3s.plugins.module_utils._system import edits, firewall, kernel, state
from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable_lines

FILE = "file"
OWN_TEXT = OWN_MARK.decode()
_OF_JOURNAL = "system"


class Kind(NamedTuple):
    """How a kind of setting is read and written.

    ``read`` returns None where there is no such thing. One that is not ``noted`` is not taken back: a module that was
    loaded stays, and so does the time.
    """

    read: Callable[[Host, str], Optional[str]]
    write: Callable[[Host, str, str], None]
    noted: bool = True


KINDS: Dict[str, Kind] = {
    "module": Kind(kernel.read_module, kernel.write_module, noted=False),
    "sysctl": Kind(kernel.read_sysctl, kernel.write_sysctl),
    "alternative": Kind(firewall.read_alternative, firewall.write_alternative),
    "ufw": Kind(firewall.read_ufw, firewall.write_ufw),
    "firewalld": Kind(firewall.read_firewalld, firewall.write_firewalld),
    "service": Kind(state.read_service, state.write_service),
    "clock": Kind(state.read_clock, state.write_clock, noted=False),
    "swap": Kind(state.read_swap, state.write_swap),
}
# Edits of files that are not ours: (path, text, value) to the new text.
EDITS: Dict[str, Callable[[str, str, str], str]] = {
    "fstab": lambda path, text, value: edits.without_swap(text),
    "kernel_options": edits.with_options,
}


class Outcome(NamedTuple):
    """What was, or would be, done: rows {kind, name, before, after}, diffs for Ansible, warnings."""

    changes: List[Dict[str, Any]]
    diffs: List[Dict[str, str]]
    warnings: List[str]


def present(journal: Journal, host: Host, settings: Sequence[Mapping[str, Any]], check_mode: bool = False) -> Outcome:
    """Have each setting as it is wanted, in their order. Raises Problem."""
    done = Outcome([], [], [])
    for setting in settings:
        if setting["kind"] == FILE:
            _file_present(journal, host, setting, check_mode, done)
        elif setting["kind"] in EDITS:
            _edited(journal, host, setting, check_mode, done)
        else:
            _value_present(journal, host, setting, check_mode, done)
    return done


def absent(journal: Journal, host: Host, check_mode: bool = False) -> Outcome:
    """Take back all that the journal tells of the board's system, the last kinds first. Raises Problem."""
    done = Outcome([], [], [])
    for name in sorted(journal.system, key=_last_first):
        _value_absent(journal, host, name, check_mode, done)
    for path in sorted(path for path, entry in journal.files.items() if entry["kind"] == _OF_JOURNAL):
        outcome = owned_files.absent(journal, path, check_mode=check_mode)
        done.warnings.extend(filter(None, [outcome.warning]))
        if outcome.changed:
            _tell_file(done, path, outcome)
            _update(host, path[len(host.root) :], check_mode)
    return done


def _edited(journal, host, setting, check_mode, done):
    """A file of somebody else keeps its mode. Of its text only the lines that change are shown: it may hold secrets."""
    name, path = setting["name"], host.path(setting["name"])
    before, found = host.read(name), status(path)
    if before is None or found is None:
        raise Problem("%s cannot be edited" % name, found="there is no such file")
    after = EDITS[setting["kind"]](name, before, setting["value"])
    if after == before:
        return
    for words in edits.UPDATES.get(name, ()):
        if not host.has(words[0]):
            raise Problem("%s is not edited" % name, found="the program %s is not there to use it" % words[0])
    owned_files.present(journal, path, after.encode(), found.st_mode & 0o7777, check_mode, kind=_OF_JOURNAL)
    _tell_lines(done, name, before, after)
    _update(host, name, check_mode)


def _update(host, path, check_mode):
    """Have the boot loader's own file made from one that was edited, or brought back."""
    for words in [] if check_mode else edits.UPDATES.get(path, ()):
        host.run(*words)


def _file_present(journal, host, setting, check_mode, done):
    data, mode = setting["content"].encode(), int(setting["mode"] or "0644", 8)
    outcome = owned_files.present(journal, host.path(setting["name"]), data, mode, check_mode, kind=_OF_JOURNAL)
    if outcome.changed:
        _tell_file(done, setting["name"], outcome)


def _value_present(journal, host, setting, check_mode, done):
    kind, name, value = KINDS[setting["kind"]], setting["name"], setting["value"]
    before = kind.read(host, name)
    if before == value:
        return
    # In check mode what makes it, a module of the kernel or a package, was only predicted.
    if before is None and not check_mode:
        raise Problem(
            "%s %s cannot be set" % (setting["kind"], name),
            found="there is no such thing on this board",
            next_step="see what riscv.k3s.prepare tells about this board",
        )
    if not check_mode:
        if kind.noted:
            journal.will_change(_key(setting), value, before)
            journal.save()
        _write(kind, host, setting["kind"], name, value)
    _tell(done, setting["kind"], name, before, value)


def _value_absent(journal, host, key, check_mode, done):
    word, dummy, name = key.partition(" ")
    if word not in KINDS:
        done.warnings.append("%s is left as it is: this version of riscv.k3s does not know such a setting" % key)
        return
    kind, entry = KINDS[word], journal.system[key]
    now = kind.read(host, name)
    todo = undo.undo_setting(key, entry, now)
    if todo.action == undo.LEAVE:
        done.warnings.append(todo.warning)
        return
    if todo.action == undo.RESTORE:
        if not check_mode:
            _write(kind, host, word, name, entry["before"])
        _tell(done, word, name, now, entry["before"])
    if not check_mode:
        journal.forget_change(key)


def _write(kind, host, word, name, value):
    """Write, and read back."""
    kind.write(host, name, value)
    now = kind.read(host, name)
    if now != value:
        raise Problem(
            "%s %s was set to %s and did not become that" % (word, name, value), found="it is %s" % (now or "not there")
        )


def _key(setting):
    return "%s %s" % (setting["kind"], setting["name"])


def _last_first(key):
    return -list(KINDS).index(key.split(" ")[0]) if key.split(" ")[0] in KINDS else 1, key


def _tell(done, word, name, before, after):
    done.changes.append({"kind": word, "name": name, "before": before, "after": after})
    row = {"before_header": "%s %s" % (word, name), "after_header": "%s %s" % (word, name)}
    done.diffs.append(dict(row, before="%s\n" % (before or "not there"), after="%s\n" % after))


def _tell_file(done, path, outcome):
    done.changes.append({"kind": FILE, "name": path, "before": None, "after": None})
    before, after = ((data or b"").decode("utf-8", "replace") for data in (outcome.before, outcome.after))
    is_ours = before.startswith(OWN_TEXT) or after.startswith(OWN_TEXT)
    if not is_ours:
        before, after = _differing(before, after)
    shown = {"before": printable_lines(before), "after": printable_lines(after)}
    done.diffs.append(dict(shown, before_header=path, after_header=path))


def _tell_lines(done, path, before, after):
    done.changes.append({"kind": FILE, "name": path, "before": None, "after": None})
    before, after = map(printable_lines, _differing(before, after))
    done.diffs.append({"before": before, "after": after, "before_header": path, "after_header": path})


def _differing(before, after):
    """The lines that only one of two texts has."""
    old, new = before.splitlines(True), after.splitlines(True)
    return "".join(line for line in old if line not in new), "".join(line for line in new if line not in old)
