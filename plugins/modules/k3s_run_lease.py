#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_run_lease
short_description: Take the lease of a fleet, so that one run at a time changes it
version_added: "1.0.0"
author:
  - The riscv.k3s developers (@riscv-k3s)
description:
  - Two controllers that change the same boards at once would work against each other. A run that has
    something to change
    takes this lease first, renews it while it works, and releases it at its end.
  - The lease is stored in the board's journal. All runs have to ask the same board, the first server of the cluster.
  - A lease that was not renewed in time is abandoned and taken over, with a warning. So is one of a process on this
    controller that
    no longer runs, at once.
  - Its time is counted by the board's uptime, since boards have no battery for their clock. How the clock is set, and
    set right again, changes nothing. Where the board was started anew since, it is not known how long it was off; the
    lease then lasts until the board has been running for longer than O(seconds).
options:
  state:
    description:
      - V(taken) takes the lease, or fails and says who holds it. A lease that this run holds already is extended.
      - V(renewed) extends a lease that this run must hold, and fails when it was lost.
      - V(released) releases it. A lease that this run does not hold is left alone.
    type: str
    choices: [taken, renewed, released]
    default: taken
  seconds:
    description:
      - How long the lease lasts when it is not renewed.
    type: int
    default: 3600
  wait:
    description:
      - How many seconds to wait for another run. The board is asked every five seconds.
    type: int
    default: 0
  observed:
    description:
      - The lease as RV(riscv.k3s.k3s_info#module:journal) had it when the fleet was observed, V({}) for none. When
        another run
        changed the fleet since, RV(stale) is true.
      - When unset, RV(stale) is null.
    type: dict
  take_over:
    description:
      - Take the lease over from the run with this id. For a run on another controller that has certainly ended.
      - V(unreadable) takes over a lease whose holder cannot be made out, because somebody edited it or a newer version
        wrote it.
    type: str
  at:
    description:
      - RV(at) of the last time that the lease was taken or renewed. With O(state=renewed), the board is asked only when
        a
        quarter of O(seconds) is over since then, as starting a module on a slow board takes seconds.
    type: float
  forget:
    description:
      - With O(state=released), do not even note that this run was the last.
    type: bool
    default: false
  holder:
    description:
      - Who takes the lease. The action plugin of this module fills it in with the process of C(ansible-playbook).
    type: dict
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  check_mode:
    details:
      - Predicts whether the lease can be taken.
  diff_mode:
    support: none
    details:
      - A lease has no text to compare.
  idempotent:
    support: partial
    details:
      - Releasing twice changes nothing the second time. Taking or renewing a lease that is held extends it.
  platform:
    platforms: linux
    details:
      - Boards with a data folder of k3s.
seealso:
  - module: riscv.k3s.k3s_info
"""

EXAMPLES = r"""
- name: Work on the fleet alone
  delegate_to: "{{ groups.server | first }}"
  run_once: true
  block:
    - name: Take the lease, or wait ten minutes for it
      riscv.k3s.k3s_run_lease:
        wait: 600

    - name: Change the fleet
      ansible.builtin.include_tasks: change.yml
  always:
    - name: Release the lease
      riscv.k3s.k3s_run_lease:
        state: released
"""

RETURN = r"""
lease:
  description: The lease as it is now, null for none.
  type: dict
  returned: success
  contains:
    held:
      description:
        - The holder with C(id), C(user), C(host), C(pid) and others. The lease lasts C(seconds) from the moment when
          the board's start C(server_boot) was C(uptime) seconds ago.
        - C(since) is for people only, in seconds since 1970 by the board's clock, which may be years off.
        - Null when nobody holds it.
      type: dict
    last:
      description: The id of the run that changed the fleet last.
      type: str
  sample:
    held:
      id: desk-4f2c1a0b-71234-8812345
      user: anna
      host: desk
      boot: 4f2c1a0b-6f55-4d6b-8f6a-6d9a5e6f3c11
      namespace: pid:[4026531836]
      pid: 71234
      started: "8812345"
      since: 1795000000
      server_boot: 0c8d0b0e-3d39-4f7c-9a53-0b5a7e1f9d42
      uptime: 86412
      seconds: 3600
    last: desk-4f2c1a0b-70011-8801122
stale:
  description: Whether another run changed the fleet since O(observed). Null without O(observed).
  type: bool
  returned: success
taken_over:
  description: Why an abandoned lease was taken over, null when there was none.
  type: str
  returned: success
at:
  description: When that was, in seconds since the controller's start.
  type: float
  returned: unless O(state=released)
held_by:
  description: The other run that holds the lease, as RV(lease.held).
  type: dict
  returned: when another run holds it
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import FOLDER, NAME, opened
from ansible_collections.riscv.k3s.plugins.module_utils._journal.lease import (
    HOLDER_KEYS,
    LEASE_OPTIONS,
    Held,
    release,
    renew,
    require_readable,
    seen,
    take,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


def run(params, check_mode, now):
    """The module's result; ``now`` is the board's Moment. Raises Problem, Held among them."""
    holder = params["holder"] or {}
    if not all(holder.get(key) is not None for key in HOLDER_KEYS):
        raise Problem(
            "the lease has no holder",
            found="holder: %s" % holder,
            next_step="leave the option holder out, the action plugin knows it",
        )
    where = os.path.join(params["data_dir"], FOLDER, NAME)
    taken_over = stale = None
    with opened(params["data_dir"], check_mode) as journal:
        before, why = journal.lease, journal.why_unread("lease")
        if params["state"] != "released":
            require_readable(why, params["take_over"], where)
        if params["state"] == "released":
            journal.lease = release(before, holder, params["forget"])
        elif params["state"] == "renewed":
            journal.lease = renew(before, holder, now, params["seconds"], where)
        else:
            journal.lease, taken_over = take(before, holder, now, params["seconds"], params["take_over"], where)
            if why:
                taken_over = "a lease that could not be read is taken over: %s" % why
            if params["observed"] is not None:
                # Of a run that was killed it is not known what it did after the fleet was observed.
                stale = bool(taken_over) or seen(before) not in (seen(params["observed"]), "during " + holder["id"])
        changed = journal.lease != before
        if not check_mode:
            journal.save()
        return {"changed": changed, "lease": journal.lease, "stale": stale, "taken_over": taken_over}


def main():
    module = AnsibleModule(argument_spec=LEASE_OPTIONS, supports_check_mode=True)
    with fail_on_problem(module):
        try:
            result = run(module.params, module.check_mode, moment())
        except Held as problem:
            module.fail_json(msg=str(problem), held_by=problem.held, **problem.parts())
        if result["taken_over"]:
            module.warn(printable(result["taken_over"]))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
