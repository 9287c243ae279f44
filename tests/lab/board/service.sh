#!/bin/sh
### BEGIN INIT INFO
# Provides:          @SERVICE@
# Required-Start:    $network
# Required-Stop:     $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: k3s @COMMAND@ on a board of the lab
### END INIT INFO
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# As k3s's own unit does: a start returns when the node is up, a stop ends k3s and leaves the containers running.
command_args="@COMMAND@"
pidfile=/run/@SERVICE@.pid
readyfile=/run/k3s/lab-ready
failurefile=/run/k3s/lab-failure

# The installer keeps the settings that it got as K3S_* in such a file.
set -o allexport
# shellcheck disable=SC1091 # such a file is on a board only, or nowhere
[ ! -f /etc/rancher/k3s/@SERVICE@.env ] || . /etc/rancher/k3s/@SERVICE@.env
set +o allexport

running() {
    [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null
}

start() {
    if running; then
        echo "@SERVICE@ is already running."
        return 0
    fi
    rm -f "$readyfile" "$failurefile"
    # shellcheck disable=SC2086 # as in the script that k3s's installer writes for OpenRC: words are split here
    setsid /usr/local/bin/k3s $command_args >>/var/log/k3s.log 2>&1 </dev/null &
    echo $! >"$pidfile"
    tries=0
    while [ ! -e "$readyfile" ]; do
        if [ -e "$failurefile" ] || ! running; then
            echo "@SERVICE@ failed to start: $(cat "$failurefile" 2>/dev/null) See /var/log/k3s.log; it is tried again." >&2
            return 1
        fi
        tries=$((tries + 1))
        if [ "$tries" -ge 900 ]; then
            echo "@SERVICE@ is not ready after 90 s, see /var/log/k3s.log." >&2
            return 1
        fi
        sleep 0.1
    done
    echo "@SERVICE@ started."
}

stop() {
    if ! running; then
        echo "@SERVICE@ is not running."
        return 0
    fi
    pid=$(cat "$pidfile")
    kill "$pid"
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || kill -9 "$pid"
        sleep 0.1
    done
    rm -f "$pidfile" "$readyfile"
    echo "@SERVICE@ stopped."
}

case "$1" in
    start) start ;;
    stop) stop ;;
    restart | force-reload) stop && start ;;
    status)
        if running; then
            echo "@SERVICE@ is running."
        else
            echo "@SERVICE@ is stopped."
            exit 3
        fi
        ;;
    *)
        echo "Usage: $0 start|stop|restart|status" >&2
        exit 2
        ;;
esac
