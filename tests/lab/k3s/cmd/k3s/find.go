// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// found is one file of the manifests folder that the deploy controller considers.
type found struct {
	path     string
	modified time.Time
	skipped  bool
	disabled bool
}

// findManifests walks the folder as k3s does: sorted by path, into sub-folders (a linked one at the top level too), and says of
// each manifest whether a .skip file or --disable concerns it.
func findManifests(folder string, disable []string) ([]found, error) {
	modified := map[string]time.Time{}
	skips := map[string]bool{}
	visit := func(path string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if name, isSkip := strings.CutSuffix(info.Name(), ".skip"); isSkip && !info.IsDir() {
			skips[name] = true
		}
		if !info.IsDir() && isManifest(info.Name()) {
			modified[path] = info.ModTime()
		}
		return nil
	}
	if err := filepath.Walk(folder, visit); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() && entry.Type()&fs.ModeSymlink != 0 {
			// The trailing slash makes Walk enter the link's target.
			if err := filepath.Walk(path+"/", visit); err != nil {
				return nil, err
			}
		}
	}
	var result []found
	for path, when := range modified {
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return nil, err
		}
		result = append(result, found{path: path, modified: when, skipped: skips[filepath.Base(path)], disabled: isDisabled(relative, disable)})
	}
	sort.Slice(result, func(i, j int) bool { return result[i].path < result[j].path })
	return result, nil
}

// isManifest: by the file's ending, in any case; never a dot file.
func isManifest(name string) bool {
	return !strings.HasPrefix(name, ".") && hasEnding(name, []string{".yaml", ".yml", ".json"})
}

// isDisabled: --disable names a file without its ending, or a folder with all that is in it.
func isDisabled(relative string, disable []string) bool {
	for _, part := range strings.Split(filepath.ToSlash(relative), "/") {
		for _, name := range disable {
			if name != "" && (part == name || strings.TrimSuffix(part, filepath.Ext(part)) == name) {
				return true
			}
		}
	}
	return false
}

// addonName is the file's name up to its first dot, so coredns.override.yaml and coredns.yaml are the same Addon.
func addonName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}
