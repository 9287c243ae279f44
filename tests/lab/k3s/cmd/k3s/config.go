// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"
	yaml "sigs.k8s.io/yaml/goyaml.v2"
)

const (
	defaultConfigFile  = "/etc/rancher/k3s/config.yaml"
	configFileVariable = "K3S_CONFIG_FILE"
)

// mergeConfig puts what the configuration file and its drop-ins say, as flags, between the command and the flags of the command
// line. args begin with the command.
func mergeConfig(args []string) ([]string, error) {
	files, err := configFiles(args)
	if err != nil {
		return nil, err
	}
	flags, err := readConfig(files)
	if err != nil {
		return nil, err
	}
	merged := append([]string{args[0]}, flags...)
	return append(merged, args[1:]...), nil
}

// configFiles are the configuration file and its drop-ins, those that exist. The environment goes before the command line.
func configFiles(args []string) ([]string, error) {
	file := configFile(args)
	if file == "" {
		return nil, nil
	}
	var files []string
	if _, err := os.Stat(file); err == nil {
		files = append(files, file)
	} else if !os.IsNotExist(err) {
		return nil, err
	}
	entries, err := os.ReadDir(file + ".d")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() && hasEnding(entry.Name(), []string{".yaml", ".yml"}) {
			files = append(files, filepath.Join(file+".d", entry.Name()))
		}
	}
	return files, nil
}

func configFile(args []string) string {
	if file := os.Getenv(configFileVariable); file != "" {
		return file
	}
	for i, arg := range args {
		for _, name := range []string{"--config", "-c"} {
			if value, found := strings.CutPrefix(arg, name+"="); found {
				return value
			}
			if arg == name && i+1 < len(args) {
				return args[i+1]
			}
		}
	}
	return defaultConfigFile
}

// readConfig makes one list of flags of some files, each --KEY=VALUE, in the order in which the keys were met. A later file
// replaces what an earlier one said, KEY+ appends to it.
func readConfig(files []string) ([]string, error) {
	var order []string
	values := map[string]any{}
	for _, file := range files {
		document, err := readDocument(file)
		if err != nil {
			return nil, err
		}
		for _, item := range document {
			key, appends := strings.CutSuffix(configText(item.Key), "+")
			old, seen := values[key]
			if !seen {
				order = append(order, key)
			}
			if seen && appends {
				values[key] = append(configList(old), configList(item.Value)...)
			} else {
				values[key] = item.Value
			}
		}
	}
	var flags []string
	for _, key := range order {
		name := "--" + key
		if len(key) == 1 {
			name = "-" + key
		}
		items, isList := values[key].([]any)
		if !isList {
			items = []any{values[key]}
		}
		for _, item := range items {
			flags = append(flags, name+"="+configText(item))
		}
	}
	return flags, nil
}

// readDocument reads a file by the YAML library that k3s uses, so that what this one takes (CR LF, a byte order mark, JSON, yes for
// true, 0644 for 420) is taken here.
func readDocument(file string) (yaml.MapSlice, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	document := yaml.MapSlice{}
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("failed to load config file %s: %w", file, err)
	}
	return document, nil
}

func configText(value any) string {
	switch typed := value.(type) {
	case nil:
		return ""
	case []any:
		if len(typed) == 0 {
			return ""
		}
		return configText(typed[0])
	}
	return fmt.Sprint(value)
}

func configList(value any) []any {
	if items, isList := value.([]any); isList {
		return items
	}
	if text := configText(value); text != "" {
		return []any{text}
	}
	return nil
}

// withoutUnknown leaves out what files said and the command does not know; k3s only warns of it.
func withoutUnknown(command string, flags []string) []string {
	known := knownFlags(command)
	var kept []string
	for _, flag := range flags {
		name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if _, found := known[name]; found {
			kept = append(kept, flag)
		} else {
			logrus.Warnf("Unknown flag --%s found in config.yaml, skipping", name)
		}
	}
	return kept
}

// configValue is the value of one key in files only, as k3s looks it up before it reads its flags; "" where none has it.
func configValue(args []string, wanted string) (string, error) {
	files, err := configFiles(args)
	if err != nil {
		return "", err
	}
	var last string
	for _, file := range files {
		document, err := readDocument(file)
		if err != nil {
			return "", err
		}
		for _, item := range document {
			switch configText(item.Key) {
			case wanted:
				last = configText(item.Value)
			case wanted + "+":
				last += "," + configText(item.Value)
			}
		}
	}
	return last, nil
}
