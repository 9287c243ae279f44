// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

type wanted struct {
	port, protocol, destinationPort string
	destinations                    []netip.Addr
	ranges                          []netip.Prefix
}

// limited tells whether only some may use an address. Without networks all may. Older k3s gives 0.0.0.0/0 alone, also
// for services that have IPv6, and means all by that.
func (found wanted) limited(address netip.Addr) bool {
	for _, network := range found.ranges {
		if network.Bits() == 0 && (network.Addr().Is6() == address.Is6() || len(found.ranges) == 1) {
			return false
		}
	}
	return len(found.ranges) > 0
}

func read(env func(string) string) (wanted, error) {
	found := wanted{port: env("SRC_PORT"), destinationPort: env("DEST_PORT"), protocol: strings.ToLower(env("DEST_PROTO"))}
	for _, name := range []string{"SRC_PORT", "DEST_PORT"} {
		if number, err := strconv.ParseUint(env(name), 10, 16); err != nil || number == 0 {
			return found, fmt.Errorf("%s is %q, which is no port", name, env(name))
		}
	}
	switch found.protocol {
	case "tcp", "udp", "sctp":
	default:
		return found, fmt.Errorf("DEST_PROTO is %q, neither TCP, UDP nor SCTP", env("DEST_PROTO"))
	}
	for _, word := range words(env("DEST_IPS") + " " + env("DEST_IP")) {
		address, err := netip.ParseAddr(word)
		if err != nil {
			return found, fmt.Errorf("DEST_IPS: %q is no address", word)
		}
		found.destinations = append(found.destinations, address)
	}
	if len(found.destinations) == 0 {
		return found, fmt.Errorf("DEST_IPS is empty: there is nothing to lead to")
	}
	for _, word := range words(env("SRC_RANGES")) {
		network, err := netip.ParsePrefix(word)
		if err != nil {
			return found, fmt.Errorf("SRC_RANGES: %q is no network", word)
		}
		found.ranges = append(found.ranges, network)
	}
	return found, nil
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(letter rune) bool { return letter == ',' || letter == ' ' || letter == '\n' })
}

// forwards tells whether this pod's network leads packets on, which the kubelet sets and a container cannot.
func forwards(destinations []netip.Addr) error {
	for _, address := range destinations {
		path := "/proc/sys/net/ipv4/ip_forward"
		if address.Is6() {
			path = "/proc/sys/net/ipv6/conf/all/forwarding"
		}
		said, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(said)) != "1" {
			return fmt.Errorf("%s is %s: this pod's network leads nothing on to %s", path, strings.TrimSpace(string(said)), address)
		}
	}
	return nil
}
