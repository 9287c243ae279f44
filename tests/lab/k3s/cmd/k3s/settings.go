// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	defaultRegistriesFile = "/etc/rancher/k3s/registries.yaml"
	adminKubeconfig       = "/etc/rancher/k3s/k3s.yaml"
)

// settings are what the stand-in takes of k3s's flags.
type settings struct {
	dataDir               string
	disable               []string
	disableHelm           bool
	helmImage             string
	pauseImage            string
	systemDefaultRegistry string
	registriesFile        string
	nodeName              string
	nodeIP                string
	server                string
	datastore             string
	token                 string
	tokenFile             string
	clusterInit           bool
	snapshotName          string
	snapshotDir           string
	kubeconfig            string
	kubeletArgs           []string
	noDefaultEndpoint     bool
}

// readSettings reads the configuration file, its drop-ins, the command line and the environment. args begin with the command.
func readSettings(args []string, environmentDataDir bool) (settings, error) {
	files, err := configFiles(args)
	if err != nil {
		return settings{}, err
	}
	flags, err := readConfig(files)
	if err != nil {
		return settings{}, err
	}
	values, err := parseFlags(args[0], append(withoutUnknown(args[0], flags), args[1:]...), environmentDataDir)
	if err != nil {
		return settings{}, err
	}
	return newSettings(values)
}

func newSettings(values map[string][]string) (settings, error) {
	last := func(name, otherwise string) string {
		if all := values[name]; len(all) > 0 && all[len(all)-1] != "" {
			return all[len(all)-1]
		}
		return otherwise
	}
	hostname, err := os.Hostname()
	if err != nil {
		return settings{}, err
	}
	dataDir, err := filepath.Abs(last("data-dir", defaultDataDir))
	if err != nil {
		return settings{}, err
	}
	s := settings{
		dataDir:               dataDir,
		disableHelm:           last("disable-helm-controller", "") == "true",
		helmImage:             last("helm-job-image", ""),
		pauseImage:            last("pause-image", ""),
		systemDefaultRegistry: last("system-default-registry", ""),
		registriesFile:        last("private-registry", defaultRegistriesFile),
		// Kubernetes wants small letters, and k3s makes them.
		nodeName:    strings.ToLower(last("node-name", hostname)),
		server:      last("server", ""),
		datastore:   last("datastore-endpoint", ""),
		token:       last("token", ""),
		tokenFile:   last("token-file", ""),
		clusterInit: last("cluster-init", "") == "true",

		snapshotName: last("etcd-snapshot-name", "on-demand"),
		snapshotDir:  last("etcd-snapshot-dir", ""),
		kubeconfig:   last("write-kubeconfig", adminKubeconfig),
		kubeletArgs:  values["kubelet-arg"],

		noDefaultEndpoint: last("disable-default-registry-endpoint", "") == "true",
	}
	for _, argument := range values["helm-controller-arg"] {
		if image, found := strings.CutPrefix(argument, "default-job-image="); found {
			s.helmImage = image
		}
	}
	for _, item := range values["disable"] {
		s.disable = append(s.disable, strings.Split(item, ",")...)
	}
	if addresses := values["node-ip"]; len(addresses) > 0 {
		s.nodeIP, _, _ = strings.Cut(addresses[0], ",")
	}
	return s, nil
}
