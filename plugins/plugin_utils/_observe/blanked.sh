# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is a secret by its form is blanked before it leaves the board: logins in URLs, tokens of k3s and of others that
# have a form of their own, options, NAME=value. In logs also
# headers, and what stands after a colon; in a message of the API that is what went wrong.
# shellcheck shell=sh

secrets="passw(or)?d|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|credential|creds"
blanked() {
    sed -E -e 's#(://[^][ /:@"]*:)[^][ /@"]+@#\1***@#g' \
-e 's/K10[0-9a-f]{6,}::[^] "]+/K10***/g; s/eyJ[A-Za-z0-9_-]{9,}[.][A-Za-z0-9_.-]+/***/g' \
-e 's/(gh[opsu]_|glpat-)[A-Za-z0-9_-]{16,}/\1***/g; s/([A-Za-z0-9_]:)[^][ :@"]+@(tcp|unix)[(]/\1***@\2(/g' \
-e "s/(--?[a-z-]*($secrets)[\"']?( |=|, *)[\"']*)[^] \"',;-][^] \"',;]*/\1***/Ig" \
-e "s/(--from-literal[ =]?[^= ]*=)[^ \"']+/\1***/Ig" \
-e "s/([a-z0-9_.-]*($secrets|_key|_pass|pwd)[a-z0-9_.-]*[\"']? *= *[\"']?)[^] \"',;&\\\\]+/\1***/Ig"
}
blanked_log() {
    blanked | sed -E -e "/BEGIN [A-Z ]*PRIVATE KEY/,/END [A-Z ]*PRIVATE KEY/s/.*/***/" \
-e "s/((authorization|cookie)[\\\\\"']* *[:=] *[[\\\\\"']*((basic|bearer|digest) +)?)[^]\\\\\"']+/\1***/Ig" \
-e "s/(($secrets|pwd)[a-z0-9_.-]*[\\\\\"']* *: *)(\\\\?\"[^\"]*\"|'[^']*'|[^] \"',;&}\\\\]+)/\1***/Ig"
}
