# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs a key for the user who is logged in. The line is read from what was sent; add is 1 where it is not there yet.
# shellcheck shell=sh disable=SC2154,SC2015 # settings are assigned by script.py; whatever fails, the rest is undone

folder=$HOME/.ssh
file=$folder/authorized_keys
install() {
    # A file that is in the way is no file of ours.
    umask 077 && set -C
    IFS= read -r line <&4 && [ -n "$line" ] || { echo "the key did not arrive" >&2 && return 1; }
    [ ! -L "$folder" ] && [ ! -L "$file" ] || { echo "a symbolic link came in the way" >&2 && return 1; }
    [ -d "$folder" ] || mkdir "$folder" || return 1
    chmod 700 "$folder" || return 1
    new=$file.riscv_k3s.$$
    # It may have come meanwhile.
    if [ "$add" = 1 ] && ! grep -qxF -e "$line" "$file" 2>/dev/null; then
        {
            # The last line may lack its end.
            [ ! -f "$file" ] || { cat "$file" && { [ -z "$(tail -c 1 "$file")" ] || echo; }; }
        } >"$new" && echo "$line" >>"$new" && mv -f "$new" "$file" || { rm -f "$new" && return 1; }
    fi
    chmod 600 "$file" || return 1
    # As ssh-copy-id does it: under SELinux, sshd reads no file with another label.
    ! command -v restorecon >/dev/null || restorecon -F "$folder" "$file" || :
}
step install
