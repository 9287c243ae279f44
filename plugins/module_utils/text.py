# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from boards, registries and the API made fit to be shown: a terminal must not obey it, and a reader must see all
of it. Pure.

Only what is shown goes through here, and last. What programs work with (names of images, rows of results, the texts
that causes are told by) stays as it was.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Iterator, Sequence

# Other than letters, marks, digits, signs and blanks: controls (C0, C1, DEL), formats (direction, zero width, BOM),
# halves of characters, private and unassigned ones, and the ends of lines and paragraphs.
_UNFIT = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Letters and marks that show nothing: joiners and fillers of scripts, and the supplement of variations with the tags.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0]|[\U000e0000-\U000e0fff]")
_LINE = re.compile(r"\r?\n|\t")


def printable(text: object) -> str:
    """``text`` (anything, as its str) as one line in which each character shows and none acts.

    The ends of lines and tabs become blanks; all else that a terminal may act on, turn round or hide becomes an escape
    as in Python (``\\x1b``, ``\\u202e``). A second time changes nothing.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, _LINE.sub(" ", text)))


def printable_lines(text: object) -> str:
    """``text`` of several lines, each as by `printable`; its tabs and ends of lines stay. For diffs and files."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in str(text).split("\n"))


def _is_unfit(character: str) -> bool:
    """Whether a character must not be shown as it is."""
    return unicodedata.category(character) in _UNFIT or bool(_BLANK.match(character))


def _shown(character: str) -> str:
    return _escaped(character) if _is_unfit(character) else character


def _escaped(character: str) -> str:
    """A character as Python writes it: ``\\x1b``, ``\\u202e``, ``\\U000e0041``."""
    code = ord(character)
    return ("\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x") % code


# What redact() writes in place of a value.
_BLANKED = "…"
# A value of so few characters may be in any word.
_SHORT = 3
# Whatever follows these is a secret; what follows the others is one where it stands as a value.
_ALWAYS = (
    r"passw(?:or)?ds?|passwd|passphrase|pwd|secrets?|"
    r"(?:api|access|private|encryption|secret|account|client)[-_]?keys?"
)
_OFTEN = r"tokens?|credentials?|creds|auth"
_NAME = r"(?<![\w./-])[\w.-]{0,80}?(?:%s)" % (_ALWAYS + "|" + _OFTEN)
# What such a name may go on with, and is no secret then: a file, a name, a time.
_HARMLESS = (
    r"(?![\w.-]*(?:file|path|name|namespace|ttl|url|uri|dir|type|mode|expir\w*|timeout|require\w*)\b)[\w.-]{0,80}"
)
_VALUE = r"""(?:\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s"',;&\\]+)"""
_QUOTE = re.compile(r"(?:\\?[\"'])?")
_LOGINS = (
    r"docker|podman|nerdctl|buildah|skopeo|helm|crane|oras|regctl|mysql\w*|mariadb[\w-]*|sshpass|smbclient|mosquitto_\w+|"
    r"redis-cli|ldap\w+|mongo\w*|sqlcmd|rabbitmqadmin|influx"
)
_AUTHORIZATION = r"(?:proxy-)?authorization\\?[\"']?\s*[:=]\s*\[?\\?[\"']?"


def _rule(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern:
    """A pattern whose first group stays; what follows it in the match is blanked."""
    return re.compile(pattern, flags)


_RULES = [
    _rule(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    # Logins in URLs, and as Go's MySQL driver writes them.
    _rule(r"(://[^\s/:@\"']*:)[^\s/@]+(?=@)"),
    _rule(r"(://)[^\s/:@\"'?#]+(?=@)"),
    _rule(r"(\b\w+:)[^\s@/:]+(?=@(?:tcp|unix)\()"),
    # Headers.
    _rule(r"(%sdigest\s+)[^\r\n]+" % _AUTHORIZATION),
    _rule(r"(%s(?:basic|bearer|negotiate|token)\s+)[^\s\"',;&\]\\]+" % _AUTHORIZATION),
    _rule(r"(%s)[^\s\"',;&\]\\]+(?=[\"']|[\s\]\\]*(?:[\r\n\"',;]|\Z))" % _AUTHORIZATION),
    _rule(r"(\b(?:set-)?cookie\\?[\"']?\s*[:=]\s*\[?\\?[\"']?)[^\r\n\"'\]\\]+"),
    _rule(r"(\b(?:basic|bearer)\s+)(?=\S*[\d=]|\S{20})[^\s\"',;&]+"),
    # Options of commands, also as the items of a list.
    _rule(r"(--from-literal[=\s]+'[^=\s']+=)[^']+"),
    _rule(r"(--from-literal[=\s]+\"[^=\s\"]+=)[^\"]+"),
    _rule(r"(--from-literal[=\s]+[^=\s\"']+=)%s" % _VALUE),
    _rule(
        r"(--?[\w-]{0,80}?(?:%s)%s(?:\\?[\"']?\s*,\s*(?=\\?[\"'])|\s*=\s*|\s+(?!-)))%s"
        % (_ALWAYS + "|" + _OFTEN, _HARMLESS, _VALUE)
    ),
    _rule(r"(\b(?:%s)\b[^\n|;&]{0,300}?\s-[pa](?:\s+|=|(?=[^\s-])))%s" % (_LOGINS, _VALUE), 0),
    _rule(r"(\b(?:curl|wget|ctr|crictl)\b[^\n|;&]{0,300}?\s(?:-u|--user)[=\s]\s*[\"']?[^\s:\"']+:)[^\s\"']+"),
    # What is known by its form: tokens of k3s, of services, of JSON.
    _rule(r"(\bK10)[0-9a-f]{32,}::\S+"),
    _rule(r"(\beyJ)[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?", 0),
    _rule(r"(\b(?:gh[opsu]|github_pat|glpat|xox[abprs]|sk|AKIA)[-_]?)(?=\w*\d)[A-Za-z0-9_]{12,}", 0),
    # An environment variable as Kubernetes has it.
    _rule(
        r"""(name\\?["']?\s*[:=]\s*\\?["']?[\w.-]*(?:%s|key)[\w.-]*\\?["']?[\s,]*\\?["']?value\\?["']?\s*[:=]\s*)%s"""
        % (_ALWAYS + "|" + _OFTEN, _VALUE)
    ),
    # NAME=value, name: value.
    _rule(r"(%s%s\\?[\"']?\s*=\s*)%s" % (_NAME, _HARMLESS, _VALUE)),
    _rule(r"((?<![\w.-])[A-Z0-9_]*_KEY=)%s" % _VALUE, 0),
    _rule(r"(^[\s-]*[\"']?[\w.-]{0,80}?(?:%s)[\"']?\s*:[ \t]+)(?![|>&*\[{\s])[^\r\n]+" % _ALWAYS, re.I | re.M),
    _rule(r"((?<![\w.-])[\w.-]{0,80}?(?:%s)[\w-]{0,80}\\?[\"']?\s*:\s*)(?![\[{|>])%s" % (_ALWAYS, _VALUE)),
    # After a colon in a sentence stands what went wrong: a value is in quotes, or ends its line or entry.
    _rule(r"(%s\\?[\"']?\s*:\s*)(?![\[{])(?:\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|'[^']*')" % _NAME),
    _rule(r"(%s\\?[\"']?\s*:\s*)[^\s\"',;&\\{}\[\]]+(?=\s*(?:[,;}\]\r\n]|\Z))" % _NAME),
]


def redact(text: str, values_of: Sequence[str] = ()) -> str:
    """``text`` with the values of what looks like passwords, tokens and keys blanked. A second time changes nothing.

    A part of a text may have lost what told that it is a secret: what is blanked in the texts ``values_of`` is blanked
    in ``text``, too.
    """
    for value in sorted({one for whole in values_of for one in _values(whole)}, key=len, reverse=True):
        text = text.replace(value, _BLANKED)
    for rule in _RULES:
        text = rule.sub(_without_value, text)
    return text


def _values(text: str) -> Iterator[str]:
    for rule in _RULES:
        for match in rule.finditer(text):
            value = match.group()[len(match.group(1)) :].strip("\\\"' ")
            if len(value) > _SHORT and _BLANKED not in value:
                yield value


def _without_value(match: re.Match) -> str:
    rest = match.group()[len(match.group(1)) :]
    # What was blanked before may stand before a brace that belongs to the text.
    if rest.startswith(_BLANKED):
        return match.group()
    # JSON stays JSON.
    found = _QUOTE.match(rest)
    quote = found.group() if found else ""
    kept = quote if len(rest) > len(quote) and rest.endswith(quote) else ""
    return match.group(1) + kept + _BLANKED + kept


def is_unanswered(value: object) -> bool:
    """Whether it is the empty text that AWX hands on for a question of a survey that nobody answered."""
    return isinstance(value, str) and not value.strip()
