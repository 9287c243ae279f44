// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// A rule is one line of iptables, or of ip6tables. It goes to the front of its chain, or to the end.
type rule struct {
	six, end bool
	table    string
	chain    string
	words    []string
}

// rules says what leads a port on. Where only some networks may use it, all others are kept out.
func rules(wanted wanted) []rule {
	var found []rule
	for _, address := range wanted.destinations {
		add := func(end bool, table, chain string, words ...string) {
			found = append(found, rule{address.Is6(), end, table, chain, words})
		}
		one := netip.PrefixFrom(address, address.BitLen()).String()
		to := netip.AddrPortFrom(address, 0).String()
		to = strings.TrimSuffix(to, ":0") + ":" + wanted.destinationPort
		if wanted.limited(address) {
			add(true, "filter", "FORWARD", "-d", one, "-p", wanted.protocol, "--dport", wanted.destinationPort, "-j", "DROP")
			for _, network := range wanted.ranges {
				if network.Addr().Is6() == address.Is6() {
					add(false, "filter", "FORWARD", "-s", network.String(), "-d", one, "-p", wanted.protocol,
						"--dport", wanted.destinationPort, "-j", "ACCEPT")
				}
			}
		}
		add(false, "nat", "PREROUTING", "!", "-s", one, "-p", wanted.protocol, "--dport", wanted.port,
			"-j", "DNAT", "--to-destination", to)
		add(false, "nat", "POSTROUTING", "-d", one, "-p", wanted.protocol, "-j", "MASQUERADE")
	}
	return found
}

// set puts the rules in place, by nf_tables where the kernel takes all of them, else by the older ip_tables. It tells
// which of them it was.
func set(wanted []rule) (string, error) {
	var failed []string
	for _, program := range []string{"xtables-nft-multi", "xtables-legacy-multi"} {
		err := setBy(program, wanted)
		if err == nil {
			return program, nil
		}
		failed = append(failed, err.Error())
	}
	return "", fmt.Errorf("the rules cannot be set: %s", strings.Join(failed, "; "))
}

// setBy puts all rules in place, or none.
func setBy(program string, wanted []rule) error {
	var done []rule
	for _, one := range wanted {
		// A container that is started anew finds the rules of the one before.
		if xtables(program, "-C", one) == nil {
			continue
		}
		how := "-I"
		if one.end {
			how = "-A"
		}
		if err := xtables(program, how, one); err != nil {
			for _, last := range done {
				_ = xtables(program, "-D", last)
			}
			return err
		}
		done = append(done, one)
	}
	return nil
}

func xtables(program, how string, rule rule) error {
	name := "iptables"
	if rule.six {
		name = "ip6tables"
	}
	words := append([]string{name, "-w", "-t", rule.table, how, rule.chain}, rule.words...)
	said, err := exec.Command(program, words...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(words, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}
