# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of k3s's as YAML, from what masked.sh shows of it: its keys and its form, and none of its values. Pure."""

from __future__ import annotations

from typing import NamedTuple, Optional

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import read_as_k3s

# What masked.sh writes in place of a value. Alone in a line it ends what it could read.
HIDDEN = "hidden0"
NULL = "tag:yaml.org,2002:null"


class Masked(NamedTuple):
    """The root of a file's first document, which is the one that k3s reads; None for nothing, or nothing known.

    ``unread`` is the line in which it stops to be YAML, 0 where nobody knows which, None where it is YAML or where not
    all of it could be shown.
    """

    root: Optional[yaml.Node] = None
    unread: Optional[int] = None


def parse(text: str) -> Masked:
    """The Masked of what masked.sh wrote."""
    if ("\n" + text).endswith("\n%s\n" % HIDDEN):
        return Masked()
    try:
        return Masked(read_as_k3s(lambda loader: next(iter(yaml.compose_all(text, Loader=loader)), None), "SafeLoader"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        return Masked(unread=mark.line + 1 if mark else 0)
    except (ValueError, RecursionError):
        return Masked(unread=0)
