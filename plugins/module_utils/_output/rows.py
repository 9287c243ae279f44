# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readers of programs' output share: whatever they choke on is a Problem."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterable, List, Mapping, Optional, TypeVar

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

REPORT = "report this with the versions of k3s and containerd: the collection must learn this form"
_T = TypeVar("_T")
_CHOKES = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError)


def reads(program: str) -> Callable[[Callable[..., _T]], Callable[..., _T]]:
    """Decorate a function whose first argument is what ``program`` printed: of output in another form than it knows it
    raises Problem.
    """

    def decorate(function: Callable[..., _T]) -> Callable[..., _T]:
        @functools.wraps(function)
        def reader(text: str, *args: Any, **kwargs: Any) -> _T:
            try:
                return function(text, *args, **kwargs)
            except _CHOKES as error:
                raise Problem(
                    "the output of %s was not understood" % program,
                    found="%s: %s" % (type(error).__name__, error),
                    next_step=REPORT,
                ) from error

        return reader

    return decorate


def each(
    items: Iterable[Any],
    make: Callable[[Any], _T],
    unread: Optional[List[str]] = None,
    name: Callable[[Any], str] = str,
) -> List[_T]:
    """What ``make`` makes of each item. One on which it chokes is told in ``unread`` by its ``name``, the others go on;
    without that list it ends all, for `reads`.
    """
    rows = []
    for item in items:
        try:
            rows.append(make(item))
        except (Problem, *_CHOKES) as error:
            if unread is None:
                raise
            unread.append("%s: %s, in %s" % (type(error).__name__, error, printable(name(item))[:300]))
    return rows


def text_of(item: Mapping[str, Any], key: str) -> str:
    """The text under a key of a dictionary. Raises TypeError or LookupError where there is none, for `reads`."""
    value = item[key]
    if not isinstance(value, str):
        raise TypeError("%s is not text" % key)
    return value
