// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The board's daemons: sshd is kept running, k3s is started once at boot as an init system does.
var (
	sshd        = []string{"/usr/sbin/sshd", "-D", "-E", "/var/log/sshd.log", "-f", "/etc/ssh/sshd_config_lab"}
	bootScripts = []string{"/etc/init.d/k3s", "/etc/init.d/k3s-agent"}
)

// openrc starts the services on a blank board that has it.
const openrc = "/sbin/openrc"

// runInit is process 1 of a board. It starts the daemons and takes in every process whose parent has gone: containerd's
// shims outlive k3s by design. It ends when it is killed, and the kernel then ends everything on the board with it.
func runInit() error {
	log.SetPrefix("init: ")
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		os.Exit(0)
	}()
	sshdPid, err := start(sshd)
	if err != nil {
		return err
	}
	if _, err := os.Stat(openrc); err == nil {
		if _, err := start([]string{"/bin/sh", "-c", openrc + " sysinit; " + openrc + " boot; " + openrc + " default"}); err != nil {
			return err
		}
		bootScripts = nil
	}
	for _, script := range bootScripts {
		if _, err := os.Stat(script); err == nil {
			if _, err := start([]string{script, "start"}); err != nil {
				return err
			}
		}
	}
	for {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid == sshdPid {
			time.Sleep(time.Second)
			if sshdPid, err = start(sshd); err != nil {
				return err
			}
		}
	}
}

// start runs a program with the board's plain environment and returns its process id.
func start(argv []string) (int, error) {
	process, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"},
		Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	return process.Pid, nil
}
