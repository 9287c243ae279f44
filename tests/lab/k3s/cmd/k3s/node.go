// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
)

// boardFile holds what a board of the lab has in place of flannel and of a machine of its own.
const boardFile = "/usr/local/share/k3s-lab/board.json"

type board struct {
	PodCIDR string `json:"pod_cidr"`
	Cgroup  string `json:"cgroup"`
	// Boards is how many boards the lab has. On an empty cluster the scheduler waits for all of them, so that each gets a stock pod.
	Boards int `json:"boards"`
	// Helm says whether the helm controller runs. Without it, HelmChart objects just stand.
	Helm bool `json:"helm"`
}

// node is one running `k3s server` or `k3s agent`.
type node struct {
	settings
	board
	release  release
	isServer bool
	children children
	// annotations say how this k3s was started.
	annotations map[string]string
}

// runNode runs until the context ends or a child ends by itself. args begin with the command.
func runNode(ctx context.Context, args []string) error {
	n, err := newNode(args)
	if err != nil {
		return err
	}
	// The controllers of this run must end with it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer n.children.stop()
	logrus.Infof("Starting k3s %s", n.release.version)
	if err := n.showFault(ctx); err != nil {
		return err
	}
	if err := n.startAll(ctx); err != nil {
		return err
	}
	// The service manager's start returns when this is there.
	if err := writeFile(readyFile, nil); err != nil {
		return err
	}
	if err := notifyReady(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case name := <-n.children.ended():
		return fmt.Errorf("%s ended, see %s", name, n.children.logPath(name))
	}
}

func newNode(args []string) (*node, error) {
	installed, err := installedRelease()
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(args, installed.environmentDataDir)
	if err != nil {
		return nil, err
	}
	annotations, err := configAnnotations(args)
	if err != nil {
		return nil, err
	}
	if settings.nodeIP == "" {
		if settings.nodeIP, err = ownAddress(); err != nil {
			return nil, err
		}
	}
	n := &node{settings: settings, release: installed, isServer: args[0] == "server", annotations: annotations}
	content, err := os.ReadFile(boardFile)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &n.board); err != nil {
		return nil, fmt.Errorf("%s: %w", boardFile, err)
	}
	return n, nil
}

func (n *node) startAll(ctx context.Context) error {
	if n.release.isInstalled() {
		if err := n.readToken(); err != nil {
			return err
		}
	}
	if err := n.writeCertificates(ctx); err != nil {
		return err
	}
	if n.isServer {
		if err := n.startControlPlane(ctx); err != nil {
			return err
		}
	}
	// An agent that is not let in has no containerd, either.
	cluster, err := n.joinCluster(ctx)
	if err != nil {
		return err
	}
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	if err := n.importArchives(ctx); err != nil {
		return err
	}
	if err := n.startKubelet(); err != nil {
		return err
	}
	go n.annotateNode(ctx, cluster)
	return nil
}

// The faults that a program of `lab binary` can have: it ends soon after each start, or it goes on and is never ready.
const (
	faultEnds  = "ends"
	faultWaits = "waits"
)

func (n *node) showFault(ctx context.Context) error {
	switch n.release.fault {
	case faultEnds:
		return errors.New("starting kubernetes: preparing server: this program of the lab is broken on purpose")
	case faultWaits:
		logrus.Info("Waiting for kube-apiserver: this program of the lab is never ready, on purpose")
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// ownAddress is the address that k3s would choose by itself: that of the one cable that a board has.
func ownAddress() (string, error) {
	cable, err := net.InterfaceByName("eth0")
	if err != nil {
		return "", err
	}
	addresses, err := cable.Addrs()
	if err != nil {
		return "", err
	}
	for _, address := range addresses {
		if network, isNetwork := address.(*net.IPNet); isNetwork && network.IP.To4() != nil {
			return network.IP.String(), nil
		}
	}
	return "", errors.New("eth0 has no address")
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
