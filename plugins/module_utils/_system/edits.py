# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of files that are not ours: the one thing that is meant changes, and every other byte stays. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import Dict, List

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

COMMENT = "# riscv.k3s: "
# What makes a boot loader's file from the edited one.
UPDATES: Dict[str, List[List[str]]] = {
    "/etc/default/u-boot": [["u-boot-update"]],
    "/etc/default/grub": [["update-grub"]],
}
_VARIABLES = {"/etc/default/u-boot": "U_BOOT_PARAMETERS", "/etc/default/grub": "GRUB_CMDLINE_LINUX"}
# Words that say the contrary of an option, which then has no effect.
_AGAINST = {"cgroup_enable=memory": ("cgroup_disable=memory",)}


def without_swap(text: str) -> str:
    """The text of fstab, its lines of swap as comments."""
    return "".join(COMMENT + line if _is_swap(line) else line for line in text.splitlines(True))


def _is_swap(line):
    fields = line.split()
    return len(fields) > 2 and not fields[0].startswith("#") and fields[2] == "swap"


def with_options(path: str, text: str, options: str) -> str:
    """The text of a boot loader's file, in which the kernel's command line has the ``options``. Raises Problem for one
    in a form that is not known.
    """
    words = options.split()
    if path in _VARIABLES:
        return _in_variable(path, text, _VARIABLES[path], words)
    if posixpath.basename(path) == "extlinux.conf":
        return _in_lines(path, text, r"(?mi)^([ \t]*append[ \t]+)(.*?)([ \t]*)$", words)
    if posixpath.basename(path) == "cmdline.txt":
        return _in_lines(path, text, r"(?m)^()([^#\s].*?)([ \t]*)$", words)
    raise _unknown(path, "no boot loader is known to read it")


def _in_variable(path, text, variable, words):
    """In the value of the last assignment; where it stands in a comment alone, that is the default, as Debian writes
    it.
    """
    pattern = r"(?m)^(%s=)([\"']?)(.*?)\2([ \t]*)$"
    found = list(re.finditer(pattern % variable, text))
    if found:
        last = found[-1]
        line = '%s"%s"%s' % (last.group(1), _joined(last.group(3), words), last.group(4))
        return text[: last.start()] + line + text[last.end() :]
    commented = list(re.finditer(pattern % ("#[ \\t]*" + variable), text))
    if not commented:
        raise _unknown(path, "it has no line %s=" % variable)
    last = commented[-1]
    line = '%s="%s"\n' % (variable, _joined(last.group(3), words))
    return text[: last.end()] + "\n" + line + text[last.end() + 1 :]


def _in_lines(path, text, pattern, words):
    changed, count = re.subn(pattern, lambda match: match[1] + _joined(match[2], words) + match[3], text)
    if not count:
        raise _unknown(path, "it has no line with the kernel's words")
    return changed


def _joined(value, words):
    against = {word for option in words for word in _AGAINST.get(option, ())}
    if against & set(value.split()):
        value = " ".join(word for word in value.split() if word not in against)
    return " ".join([value, *(word for word in words if word not in value.split())]).strip()


def _unknown(path, why):
    return Problem(
        "%s is not edited" % path, found=why, next_step="put the options into the kernel's command line by hand"
    )
