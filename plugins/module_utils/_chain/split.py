# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an error of a Go program, taken apart where the program put it together. Pure.

Go wraps an error outside in, ``what was tried: with what: why``; containerd, the kubelet, runc, CNI plugins, k3s and
skopeo all do so, and each log keeps the whole. A text becomes its segments, from the outermost to the innermost. What
stands in double quotes is a name and is never divided, but for a segment that is quoted as a whole: that is a chain
within a chain, as the kubelet and old versions of runc write it.
"""

from __future__ import annotations

import json
import re
from typing import List

# Characters of a longer text that are looked at, at its beginning and at its end: a registry may say megabytes.
_ENDS = 4000
_MOST = 60  # segments; a real chain has ten
_DEPTH = 4

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|:[ ]')
_RPC = re.compile(r"\brpc error: code = (\w+) desc = ")
# Old versions of runc quote what caused an error.
_CAUSED = re.compile(r'\b(caused|invalid header field value) ("(?:[^"\\]|\\.)*")')
# An error as the only word of a JSON object, as docker's API wraps it.
_WRAPPED = re.compile(r'(?: -)? ?\{"message": ?("(?:[^"\\]|\\.)*")\}')
# The beginnings of lines in logs: logrus (k3s, containerd), its short form on terminals (crictl, skopeo), klog.
# A line that somebody cut has no quote at its end.
_LOGFMT = re.compile(r'(?:\A|\s)(msg|error|err|networkReady)=("(?:[^"\\]|\\.)*(?:"|\\?\Z)|\S+)')
_CUT = re.compile(r"\\?(?:>|\.\.\.|…)?\Z")
_SHORT = re.compile(r"\A(?:FATA|ERRO|WARN|INFO)\[[^]]*\] ")
_SHORT_FIELD = re.compile(r"\s+\w+=(?:\"|\S)")
_KLOG = re.compile(r'\A(?:([EWIF])\d{4} [\d:.]+\s+\d+ )?[\w.-]+\.go:\d+\] ("(?:[^"\\]|\\.)*"|[^"].*)')
_PANIC = re.compile(r"\Apanic: (?=[EWIF]\d{4} )")
_KLOG_BARE = re.compile(r'\A()("(?:[^"\\]|\\.)*") (?:\w+=.*)?err=')
# What is written before a line of a log: systemd's journal has when (the month in the reader's language), where and
# who; others have a time in brackets, and containers the stream, or the name of the container.
_JOURNAL = re.compile(
    r"\A(?:\[[\d :.T-]+\] "
    r"|(?:[^\W\d]\S{0,11} [ \d]\d [\d:]{8}|\d{1,2}\w{1,3} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT[\d:.+-]+Z?)"
    r" \S+ (?:[\w@.-]+|\([\w@.-]+\))(?:\[\d+\])?:(?: |\Z)"
    r"|(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) )?std(?:out|err) [FP] |STD(?:OUT|ERR): |[\w.-]+ +\| )"
)
_WHOLE = re.compile(r'"(?:[^"\\]|\\.)*"')
# A part of a log's line without the quotes around it, which were around the whole.
_ESCAPED = re.compile(r'[^"]*\\"')
# A field of several lines, as klog writes it.
_BLOCK = re.compile(r"=<\n((?:(?!.*=<\n).*\n)*?)[ \t]*>(?= |\Z|\n)")
# What the scheduler tells of pods that it could send away; why there is no node stands before it.
_PREEMPTION = re.compile(r"\.? preemption: .*")
# The kubelet lists what followed from an error after it.
# Several errors in one.
_LIST = re.compile(r'(?:(?<=: )|\A)\[(?=\w+ )|(?<=["\]]), (?=failed to ")')
_AFTERMATH = re.compile(r", failed to clean up sandbox container .*")
# iptables says it after each error.
_ADVICE = re.compile(r"Try `.*|Perhaps iptables or your kernel .*")
# As go-logr writes it, which spegel does.
_LOGR = re.compile(r'"error"=("(?:[^"\\]|\\.)*")')
# Stands before what a program ended with.
_FATAL = "level fatal"
_ESCAPES = {"n": "\n", "t": " "}


def messages(text: str) -> List[str]:
    """The messages of a text, each in the order of its lines; the lines after a message that is none belong to it."""
    found: List[str] = []
    for line in _BLOCK.sub(_as_field, text).splitlines():
        bare = _JOURNAL.sub("", line.strip())
        message = _logged(bare)
        if found and message is None:
            found[-1] += "\n" + bare.strip()
        else:
            found.append(line.strip() if message is None else message)
    return [message.strip() for message in found if message.strip()]


def segments(message: str) -> List[str]:
    """The segments of one message, the outermost first. Its further lines are what a program said who was run last."""
    found = [piece for line in message.splitlines() for piece in _divided(line, _DEPTH)][:_MOST]
    # errdefs of containerd and the shim end each chain in the name of its code.
    codes = ("unknown", "failed precondition", "already exists")
    while len(found) > 1 and (found[-1] in codes or _ADVICE.fullmatch(found[-1])):
        found.pop()
    return found


def shortened(text: str) -> str:
    """The beginning and the end of a text that is long."""
    return text if len(text) <= 2 * _ENDS else text[:_ENDS] + "\n" + text[-_ENDS:]


def unquoted(text: str) -> str:
    """A text without the quotes around it, and without the escapes that they needed."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(1)), text[1:-1])


def _logged(line):
    """The message of a line of a log, or None for another line."""
    if line.startswith("{"):
        return _of_json(line)
    line = _PANIC.sub("", line)
    fields = [(key, unquoted(_closed(value))) for key, value in _LOGFMT.findall(line)]
    if fields and (" level=" in line or line.startswith(("time=", "level="))):
        said = [value for key, value in fields if key == "msg"]
        why = [value for key, value in fields if key != "msg"]
        said += [unquoted(one) for one in _LOGR.findall(said[0])] if said else []
        # Who starts the kubelet logs its lines within its own.
        said[:1] = [_klog(one) or one for one in said[:1]]
        return ": ".join([_FATAL] * ("level=fatal" in line) + said[:2] + why[:1])
    if _KLOG.match(line) or _KLOG_BARE.match(line):
        return _klog(line)
    found = _SHORT.match(line)
    if not found:
        return None
    rest = line[found.end() :]
    said = [_FATAL] * line.startswith("FATA") + [_SHORT_FIELD.split(rest, maxsplit=1)[0] if fields else rest]
    return ": ".join(said + [value for dummy, value in fields][:1])


def _klog(line):
    """The message of a line of klog, or None for another."""
    found = _KLOG.match(line) or _KLOG_BARE.match(line)
    if not found:
        return None
    fields = [unquoted(_closed(value)) for key, value in _LOGFMT.findall(line) if key != "msg"]
    said = [_FATAL] * (found.group(1) == "F") + [unquoted(found.group(2))]
    return ": ".join(said + (fields[:1] if found.group(2)[:1] == '"' else []))


def _closed(value):
    """A value with the quote at its end that it had before somebody cut the line."""
    if value[0] != '"' or len(value) > 1 and _WHOLE.fullmatch(value):
        return value
    return _CUT.sub("", value) + '"'


def _of_json(line):
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):  # the line of a tenant's log may be nested as deeply as it likes
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("msg"), str):
        return None
    said = [_FATAL] * (fields.get("level") in ("fatal", "panic")) + [
        fields["msg"],
        fields.get("error"),
        fields.get("err"),
    ]
    return ": ".join(one for one in said if isinstance(one, str))


def _as_field(found):
    lines = [line.strip() for line in found.group(1).splitlines()]
    return "=" + json.dumps(": ".join(line for line in lines if line), ensure_ascii=False)


def _divided(text, depth):
    if _ESCAPED.match(text):
        text = unquoted('"%s"' % text)
    text = _AFTERMATH.sub("", _PREEMPTION.sub("", text)).replace(" desc = [", " desc = ")
    text = _WRAPPED.sub(lambda found: ": " + unquoted(found.group(1)), text)
    text = _RPC.sub(r"rpc error \1: ", text).replace(': desc = "', ': "')
    text = _LIST.sub(lambda found: ": " * found.group().startswith(","), text)
    while _CAUSED.search(text):
        text = _CAUSED.sub(lambda found: "caused: " + unquoted(found.group(2)), text)
    found, start = [], 0
    for token in _TOKEN.finditer(text):
        if token.group() == ": ":
            found.append(text[start : token.start()].strip())
            start = token.end()
    found.append(text[start:].strip())
    pieces: List[str] = []
    for piece in found:
        is_chain = depth and len(piece) > 1 and piece[0] == piece[-1] == '"' and (": " in piece or " " in piece)
        pieces += _divided(unquoted(piece), depth - 1) if is_chain else [piece]
    return [piece for piece in pieces if piece]
