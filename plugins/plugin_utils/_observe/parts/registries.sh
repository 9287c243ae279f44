# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# registries.yaml, whose text stays on the board: files.sh takes its checksum, and masked.sh shows its keys without what
# they say. Of a file that this collection merged with what stood there before, its second line tells the checksum of
# what the inventory wanted.
# shellcheck shell=sh disable=SC2154,SC2034 # what board.sh sets; files.sh uses what is set here

merged() {
    text=$(head -c 300 "$registries")
    case $text in "# Written by riscv.k3s: "*) text=${text#*"$nl"} ;; *) return 0 ;; esac
    case $text in "# wanted: "*) text=${text#"# wanted: "} text=${text%%"$nl"*} ;; *) return 0 ;; esac
    case $text in *[!0-9a-f]*) ;; *) echo "$text" ;; esac
}
if [ -f "$registries" ]; then
    files=$files$nl$registries
    step merged merged
    step registries_keys masked "$registries"
fi
# A file of settings that k3s has not read yet, without what it says: whether k3s could read it. No key is shown either
# that is none by its form.
form() { shown_keys="^-\$" masked "$config_file"; }
if [ -f "$config_file" ] && newer "$config_file"; then step unread_config form; fi
