// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Entry is the program of k3s's pods svclb-*: it leads what reaches one port of the pod on to a service, by rules of the
// pod's own network, and then waits. One container is for one port; the containers of a pod share its network.
//
// k3s tells it what to do by the environment that k3s's own image takes:
//
//	SRC_PORT    port that is listened to
//	SRC_RANGES  networks that may use it; older k3s does not tell, then all may
//	DEST_PROTO  TCP, UDP or SCTP
//	DEST_PORT   port of the service, or of the node
//	DEST_IPS    addresses of the service, or of the node
//
// Lists are separated by commas or by spaces, as k3s's versions have it.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "klipper-lb:", err)
		os.Exit(1)
	}
}

func run() error {
	wanted, err := read(os.Getenv)
	if err != nil {
		return err
	}
	// From now on: who is told to end while rules are set ends afterwards.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := forwards(wanted.destinations); err != nil {
		return err
	}
	used, err := set(rules(wanted))
	if err != nil {
		return err
	}
	fmt.Printf("klipper-lb: port %s/%s leads to port %s of %v, by %s\n",
		wanted.port, wanted.protocol, wanted.destinationPort, wanted.destinations, used)
	<-signals
	return nil
}
