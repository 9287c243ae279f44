#!/bin/sh
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Every ssh session of a board comes through here (sshd's ForceCommand). It notes when and what was asked for, one line a
# session, and, while /run/lab-count-processes exists, each program that the session starts, one strace file a session.
log=/var/log/ssh-sessions.log
printf '%s\t%s\n' "$(date +%s.%N)" "$(printf '%s' "${SSH_ORIGINAL_COMMAND:-(login)}" | sed ':a;N;$!ba;s/\n/\\n/g')" >>"$log"
[ -n "${SSH_ORIGINAL_COMMAND:-}" ] || exec "${SHELL:-/bin/sh}" -l
if [ -e /run/lab-count-processes ]; then
    exec strace -f -qq -e trace=execve -e signal=none -o "/var/log/ssh-processes/$(date +%s.%N)" /bin/sh -c "$SSH_ORIGINAL_COMMAND"
fi
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
