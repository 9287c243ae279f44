// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/sirupsen/logrus"
)

// What a start that worked, and one that did not, tell the service manager.
const (
	readyFile    = "/run/k3s/lab-ready"
	failureFile  = "/run/k3s/lab-failure"
	restartDelay = 5 * time.Second
)

// unpackedVariable tells the second of two programs where the first has unpacked it. In k3s, too, the file that is installed is
// only the one that unpacks, and then becomes the program in the data folder.
const unpackedVariable = "LAB_K3S_UNPACKED"

// startService is `k3s server` or `k3s agent`; argv is the whole command line.
func startService(argv []string) error {
	unpacked := os.Getenv(unpackedVariable)
	if unpacked == "" {
		return unpackAndRun(argv)
	}
	os.Unsetenv(unpackedVariable)
	argv = hideArguments(argv)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	err := runNode(ctx, argv[1:])
	if ctx.Err() != nil {
		logrus.Info("Shut down, containers go on running")
		return nil
	}
	return startAgain(ctx, argv, err)
}

func unpackAndRun(argv []string) error {
	installed, err := installedRelease()
	if err != nil {
		return err
	}
	dataDir, err := installed.findDataDir(argv[1:])
	if err != nil {
		return startAgain(context.Background(), argv, err)
	}
	dir, err := installed.unpack(dataDir)
	if err != nil {
		return startAgain(context.Background(), argv, fmt.Errorf("extracting data: %w", err))
	}
	installed.setPath(dir)
	os.Setenv(unpackedVariable, dir)
	return execute(filepath.Join(dir, "bin/k3s"), argv)
}

// startAgain is what k3s's unit asks of the service manager: another start, some seconds after a failure. Where a playbook has
// installed k3s there is such a manager, and the program just ends.
func startAgain(ctx context.Context, argv []string, failure error) error {
	if installed, err := installedRelease(); err == nil && installed.isInstalled() {
		_ = os.Remove(readyFile)
		return failure
	}
	logrus.Errorf("%v; starting again in %s", failure, restartDelay)
	_ = os.Remove(readyFile)
	if err := writeFile(failureFile, []byte(fmt.Sprintln(failure))); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(restartDelay):
	}
	if installed, err := installedRelease(); err == nil && !installed.environmentDataDir {
		os.Unsetenv(dataDirVariable)
	}
	return execute("/proc/self/exe", argv)
}

// notifyReady tells the service manager that the node is up, where one wants to know, as k3s does.
func notifyReady() error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	connection, err := net.Dial("unixgram", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.Write([]byte("READY=1\n"))
	return err
}

// hideArguments writes "k3s server" over the command line that others see, which may hold a token; it returns what stood there.
func hideArguments(argv []string) []string {
	kept := make([]string, 0, len(argv))
	size := 0
	for _, arg := range argv {
		kept = append(kept, strings.Clone(arg))
		size += len(arg) + 1
	}
	// The arguments lie one behind the other in memory that the kernel shows as this process's command line.
	shown := unsafe.Slice(unsafe.StringData(argv[0]), size-1)
	title := kept[0] + " " + kept[1]
	for i := range shown {
		shown[i] = 0
		if i < len(title) {
			shown[i] = title[i]
		}
	}
	return kept
}
