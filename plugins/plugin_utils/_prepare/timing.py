# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The step time: a service that keeps it, and a clock that is right now. Pure."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.system import TIME_SERVICES
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import (
    CHANGE,
    HAND,
    OK,
    UNKNOWN,
    Facts,
    Row,
    value,
)

FARTHEST = 120  # seconds; as diagnose has it
_FOR = "certificates, which are valid from a time on"
_ON = "enabled active"


def time(facts: Facts) -> Iterator[Row]:
    """The service first: it may be that nothing has to set the clock but it."""
    yield _service(facts)
    yield _clock(facts)


def _service(facts: Facts) -> Row:
    found = facts.system["services"]
    for name in TIME_SERVICES:
        if found.get(name) == _ON:
            return Row("time", OK, "%s keeps the time" % name)
    if facts.preflight["init"] not in ("systemd", "openrc"):
        return Row("time", UNKNOWN, "what keeps the time: this service manager is not known", _FOR)
    if not found:
        text = "no service keeps the time: install chrony or systemd-timesyncd. prepare installs no packages"
        return Row("time", HAND, text, _FOR)
    running = [name for name in TIME_SERVICES if found.get(name, "").endswith(" active")]
    name = (running + [name for name in TIME_SERVICES if name in found])[0]
    return Row("time", CHANGE, "have %s run, now and at each boot" % name, _FOR, [value("service", name, _ON)])


def _clock(facts: Facts) -> Row:
    moment, seen_at, uptime = facts.preflight["time"], facts.seen_at, facts.system["uptime"]
    if moment is None or seen_at is None or uptime is None:
        return Row("time", UNKNOWN, "how far the clock is off", _FOR)
    ahead = round(moment - seen_at)
    if abs(ahead) <= FARTHEST:
        return Row("time", OK, "the clock is that of the controller, within %d s" % FARTHEST)
    words = "%d s %s the controller's" % (abs(ahead), "ahead of" if ahead > 0 else "behind")
    if facts.system["synchronized"] == "yes":
        text = "the clock is %s, though the board says that its time is synchronized: look at the controller's clock"
        return Row("time", HAND, text % words, _FOR)
    setting = value("clock", "%d at uptime %d" % (seen_at, uptime), "set")
    return Row("time", CHANGE, "set the clock, which is %s" % words, _FOR, [setting])
