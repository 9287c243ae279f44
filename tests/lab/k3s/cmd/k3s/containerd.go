// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bridgeConfig takes the place of flannel: a bridge on each board, and routes between the boards that the lab sets.
const bridgeConfig = `{
  "cniVersion": "1.0.0",
  "name": "cbr0",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

// stockImage is what a setting says, or the version's own image with the system's default registry before it.
func (n *node) stockImage(set, own string) string {
	if set != "" {
		return set
	}
	if n.systemDefaultRegistry != "" && !strings.HasPrefix(own, n.systemDefaultRegistry+"/") {
		return n.systemDefaultRegistry + "/" + own
	}
	return own
}

func (n *node) writeContainerdFiles(ctx context.Context) error {
	registries, err := readRegistries(n.registriesFile)
	if err != nil {
		return err
	}
	major, err := containerdMajor(ctx)
	if err != nil {
		return err
	}
	// containerd 2 takes mirrors from nowhere else.
	certsD := n.release.certsD || major != "1"
	if certsD {
		if err := registries.writeHosts(n.path("agent/etc/containerd/certs.d"), n.noDefaultEndpoint); err != nil {
			return err
		}
	}
	files := map[string]string{
		"agent/etc/containerd/config.toml":       containerdConfig(major, n.dataDir, n.stockImage(n.pauseImage, n.release.pauseImage), registries, certsD),
		"agent/etc/cni/net.d/10-bridge.conflist": fmt.Sprintf(bridgeConfig, n.PodCIDR),
		"agent/etc/crictl.yaml":                  "runtime-endpoint: unix://" + containerdSocket + "\n",
	}
	for name, text := range files {
		if err := writeFile(n.path(name), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) startContainerd(ctx context.Context) error {
	if err := n.writeContainerdFiles(ctx); err != nil {
		return err
	}
	if err := n.children.start("containerd", "-c", n.path("agent/etc/containerd/config.toml")); err != nil {
		return err
	}
	return n.waitFor(ctx, "containerd", func() error {
		connection, err := net.Dial("unix", containerdSocket)
		if err != nil {
			return err
		}
		connection.Close()
		// The socket answers before the CRI plugin does.
		return exec.CommandContext(ctx, "crictl", "--config", n.path("agent/etc/crictl.yaml"), "--timeout", "2s", "version").Run()
	})
}

func hasEnding(path string, endings []string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(strings.ToLower(path), ending) {
			return true
		}
	}
	return false
}

// writeFile writes a file of k3s's own, 0600, in a folder that is made when it is missing.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
