// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// boardFile holds what a board of the lab has in place of flannel and of a machine of its own.
const boardFile = "/usr/local/share/k3s-lab/board.json"

// What a start that worked, and one that did not, tell the service manager.
const (
	readyFile    = "/run/k3s/lab-ready"
	failureFile  = "/run/k3s/lab-failure"
	restartDelay = 5 * time.Second
)

type board struct {
	PodCIDR string `json:"pod_cidr"`
	Cgroup  string `json:"cgroup"`
	// Boards is how many boards the lab has. On an empty cluster the scheduler waits for all of them, so that each gets a stock pod.
	Boards int `json:"boards"`
}

// node is one running `k3s server` or `k3s agent`.
type node struct {
	settings
	board
	release  release
	isServer bool
	children children
}

// keepRunning starts the node, and after a failure starts it again, until it is told to stop.
func keepRunning(isServer bool, args []string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	// k3s puts its own folder first, so that containerd finds the shim and runc that belong to it.
	path := os.Getenv("PATH")
	for {
		settings, err := readSettings(args)
		if err == nil {
			os.Setenv("PATH", filepath.Join(settings.dataDir, "data/current/bin")+":"+path)
			err = runNode(ctx, isServer, settings)
		}
		if ctx.Err() != nil {
			logrus.Info("Shut down, containers go on running")
			return nil
		}
		logrus.Errorf("%v; starting again in %s", err, restartDelay)
		_ = os.Remove(readyFile)
		if err := writeFile(failureFile, []byte(fmt.Sprintln(err))); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartDelay):
		}
	}
}

// runNode runs until the context ends or a child ends by itself.
func runNode(ctx context.Context, isServer bool, s settings) error {
	installed, err := installedRelease()
	if err != nil {
		return err
	}
	n := &node{settings: s, release: installed, isServer: isServer}
	content, err := os.ReadFile(boardFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &n.board); err != nil {
		return fmt.Errorf("%s: %w", boardFile, err)
	}
	// The controllers of this run must end with it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer n.children.stop()
	logrus.Infof("Starting k3s %s", n.release.version)
	if err := n.startAll(ctx); err != nil {
		return err
	}
	// The service manager's start returns when this is there.
	if err := writeFile(readyFile, nil); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case name := <-n.children.ended():
		return fmt.Errorf("%s ended, see %s", name, n.children.logPath(name))
	}
}

func (n *node) startAll(ctx context.Context) error {
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	if n.isServer {
		if err := n.startControlPlane(ctx); err != nil {
			return err
		}
	}
	if err := n.importArchives(ctx); err != nil {
		return err
	}
	return n.startKubelet(ctx)
}

// path is a path inside the data folder.
func (n *node) path(parts ...string) string {
	return filepath.Join(append([]string{n.dataDir}, parts...)...)
}

// waitFor asks until the answer is nil, the context ends, or a child of this node ends.
func (n *node) waitFor(ctx context.Context, what string, ask func() error) error {
	said := time.Now()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if time.Since(said) > 10*time.Second {
			logrus.Infof("Waiting for %s: %v", what, err)
			said = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case name := <-n.children.ended():
			return fmt.Errorf("%s ended while waiting for %s, see %s", name, what, n.children.logPath(name))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
