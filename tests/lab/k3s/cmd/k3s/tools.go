// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	containerdSocket = "/run/k3s/containerd/containerd.sock"
	adminKubeconfig  = "/etc/rancher/k3s/k3s.yaml"
)

// tools are the programs that k3s carries and calls for the user, by the name it is called with.
var tools = map[string]func(args []string) error{
	"crictl":  runCrictl,
	"ctr":     runCtr,
	"kubectl": runKubectl,
}

// toolDataDir is where the tools look: as in k3s, config.yaml is not asked for a data folder here, the environment is.
func toolDataDir() string {
	if dir := os.Getenv("K3S_DATA_DIR"); dir != "" {
		return dir
	}
	return defaultDataDir
}

func runCrictl(args []string) error {
	setDefault("CRI_CONFIG_FILE", filepath.Join(toolDataDir(), "agent/etc/crictl.yaml"))
	return execTool("crictl", args)
}

func runCtr(args []string) error {
	setDefault("CONTAINERD_ADDRESS", containerdSocket)
	setDefault("CONTAINERD_NAMESPACE", "k8s.io")
	return execTool("ctr", args)
}

func runKubectl(args []string) error {
	if _, err := os.Stat(adminKubeconfig); err == nil {
		setDefault("KUBECONFIG", adminKubeconfig)
	} else if home, err := os.UserHomeDir(); err == nil {
		setDefault("KUBECONFIG", filepath.Join(home, ".kube/k3s.yaml"))
	}
	return execTool("kubectl", args)
}

func setDefault(name, value string) {
	if os.Getenv(name) == "" {
		os.Setenv(name, value)
	}
}

// execTool replaces this process by the program of that name in the data folder.
func execTool(name string, args []string) error {
	path := filepath.Join(toolDataDir(), "data/current/bin", name)
	if err := syscall.Exec(path, append([]string{name}, args...), os.Environ()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
