// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"
)

// stage writes every packaged manifest of the installed version, at every start, whatever lies there. Only what is disabled is
// left out; a .skip file does not stop it.
func (n *node) stage(folder string) error {
	files, err := n.release.manifests()
	if err != nil {
		return err
	}
	registry := n.systemDefaultRegistry
	if registry != "" {
		registry += "/"
	}
	variables := strings.NewReplacer(
		"%{CLUSTER_DNS}%", "10.43.0.10",
		"%{CLUSTER_DNS_LIST}%", "[10.43.0.10]",
		"%{CLUSTER_DNS_IPFAMILYPOLICY}%", "SingleStack",
		"%{CLUSTER_DOMAIN}%", "cluster.local",
		"%{DEFAULT_LOCAL_STORAGE_PATH}%", n.path("storage"),
		"%{SYSTEM_DEFAULT_REGISTRY}%", registry,
		"%{SYSTEM_DEFAULT_REGISTRY_RAW}%", n.systemDefaultRegistry,
		"%{PREFERRED_ADDRESS_TYPES}%", "InternalIP,ExternalIP,Hostname",
	)
	for name, content := range files {
		if isDisabled(name, n.disable) {
			continue
		}
		path := filepath.Join(folder, name)
		logrus.Infof("Writing manifest: %s", path)
		var text bytes.Buffer
		if _, err := variables.WriteString(&text, string(content)); err != nil {
			return err
		}
		if err := writeFile(path, text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
