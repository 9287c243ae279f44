# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Locks the password of account, and unlocks it again unless it is told to keep it so: an sshd without PAM refuses the
# keys of an account that is locked, too. When the connection breaks, nobody tells it. As root.
# shellcheck shell=sh disable=SC2154 # settings are assigned in front of this text by script.py

lock() {
    command -v passwd >/dev/null || { echo "there is no program passwd" >&2 && return 1; }
    passwd -l "$account" >/dev/null || return 1
    echo "$token=locked"
    IFS= read -r word <&4
    [ "$word" != keep ] || return 0
    passwd -u "$account" >/dev/null && echo "unlocked again" >&2
    return 1
}
step lock
