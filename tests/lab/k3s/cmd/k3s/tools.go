// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"
)

const containerdSocket = "/run/k3s/containerd/containerd.sock"

// tools are the programs that k3s carries and calls for the user, by the name it is called with.
var tools = map[string]func(dataDir string){
	"crictl":  prepareCrictl,
	"ctr":     prepareCtr,
	"kubectl": prepareKubectl,
}

func prepareCrictl(dataDir string) {
	setDefault("CRI_CONFIG_FILE", crictlConfig(dataDir))
}

// crictlConfig is the first that exists: a tool called by hand may not know of the service's data folder.
func crictlConfig(dataDir string) string {
	folders := []string{dataDir, defaultDataDir}
	if home, err := os.UserHomeDir(); err == nil {
		folders = []string{dataDir, filepath.Join(home, homeDataDir), defaultDataDir}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, "agent/etc/crictl.yaml")
		if _, err := os.Stat(path); err == nil {
			return path
		} else if !os.IsNotExist(err) {
			logrus.Warnf("Failed to %v", err)
		}
	}
	return ""
}

func prepareCtr(string) {
	setDefault("CONTAINERD_ADDRESS", containerdSocket)
	setDefault("CONTAINERD_NAMESPACE", "k8s.io")
}

func prepareKubectl(string) {
	if _, err := os.Stat(adminKubeconfig); err == nil {
		setDefault("KUBECONFIG", adminKubeconfig)
	} else if home, err := os.UserHomeDir(); err == nil {
		setDefault("KUBECONFIG", filepath.Join(home, ".kube/k3s.yaml"))
	}
}

func setDefault(name, value string) {
	if os.Getenv(name) == "" {
		os.Setenv(name, value)
	}
}

// runTool replaces this process by a program of the data folder, which is unpacked first where it is not.
func runTool(name string, args []string) error {
	installed, err := installedRelease()
	if err != nil {
		return err
	}
	dataDir, err := installed.findDataDir(args)
	if err != nil {
		return err
	}
	dir, err := installed.unpack(dataDir)
	if err != nil {
		return fmt.Errorf("extracting data: %w", err)
	}
	tools[name](dataDir)
	installed.setPath(dir)
	return execute(filepath.Join(dir, "bin", name), append([]string{name}, args...))
}

// setPath puts the unpacked programs before all others, so that containerd finds the shim and runc that belong to it.
func (r release) setPath(dir string) {
	before := strings.Split(os.Getenv("PATH"), ":")
	path := []string{filepath.Join(dir, "bin")}
	for _, folder := range before {
		if !strings.Contains(folder, "/data/") {
			path = append(path, folder)
		}
	}
	os.Setenv("PATH", strings.Join(append(path, filepath.Join(dir, "bin/aux")), ":"))
	if !r.environmentDataDir {
		os.Setenv(dataDirVariable, dir)
	}
}

func execute(path string, argv []string) error {
	if err := syscall.Exec(path, argv, os.Environ()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
