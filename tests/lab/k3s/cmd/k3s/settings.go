// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"
)

const (
	defaultDataDir    = "/var/lib/rancher/k3s"
	defaultConfigFile = "/etc/rancher/k3s/config.yaml"
	registriesFile    = "/etc/rancher/k3s/registries.yaml"
)

// settings are the keys of config.yaml and the flags that this stand-in knows.
type settings struct {
	dataDir               string
	disable               []string
	pauseImage            string
	systemDefaultRegistry string
	nodeName              string
	nodeIP                string
	server                string
	kubeletArgs           []string
}

// readSettings reads the configuration file, its drop-ins and the command line; the later one wins, lists are replaced.
func readSettings(args []string) (settings, error) {
	file := os.Getenv("K3S_CONFIG_FILE")
	if file == "" {
		file = defaultConfigFile
	}
	flags := map[string][]string{}
	for i := 0; i < len(args); i++ {
		key, value, found := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !found {
			if i++; i == len(args) {
				return settings{}, fmt.Errorf("flag needs an argument: --%s", key)
			}
			value = args[i]
		}
		if key == "config" || key == "c" {
			file = value
			continue
		}
		flags[key] = append(flags[key], value)
	}
	dropIns, err := filepath.Glob(file + ".d/*.yaml")
	if err != nil {
		return settings{}, err
	}
	sort.Strings(dropIns)
	values := map[string][]string{}
	for _, path := range append([]string{file}, dropIns...) {
		if err := addFile(values, path); err != nil {
			return settings{}, err
		}
	}
	for key, value := range flags {
		values[key] = value
	}
	return newSettings(values), nil
}

func addFile(values map[string][]string, path string) error {
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var document map[string]any
	if err := yaml.Unmarshal(content, &document); err != nil {
		return fmt.Errorf("failed to load config file %s: %w", path, err)
	}
	for key, value := range document {
		// "key+" appends to what an earlier file said.
		name, appends := strings.CutSuffix(key, "+")
		if !appends {
			values[name] = nil
		}
		if list, isList := value.([]any); isList {
			for _, item := range list {
				values[name] = append(values[name], fmt.Sprint(item))
			}
		} else {
			values[name] = append(values[name], fmt.Sprint(value))
		}
	}
	return nil
}

func newSettings(values map[string][]string) settings {
	hostname, _ := os.Hostname()
	s := settings{dataDir: defaultDataDir, nodeName: hostname}
	texts := map[string]*string{
		"data-dir": &s.dataDir, "pause-image": &s.pauseImage, "system-default-registry": &s.systemDefaultRegistry,
		"node-name": &s.nodeName, "node-ip": &s.nodeIP, "server": &s.server,
	}
	for key, list := range values {
		switch target, isText := texts[key]; {
		case len(list) == 0:
		case isText:
			*target = list[len(list)-1]
		case key == "disable":
			for _, item := range list {
				s.disable = append(s.disable, strings.Split(item, ",")...)
			}
		case key == "kubelet-arg":
			s.kubeletArgs = append(s.kubeletArgs, list...)
		case key == "token":
			// Known, and without effect: the lab's certificates are made beforehand.
		default:
			logrus.Warnf("Unknown flag --%s found in config.yaml, skipping", key)
		}
	}
	return s
}
