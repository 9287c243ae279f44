// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIsManifest(t *testing.T) {
	cases := map[string]bool{
		"coredns.yaml": true, "coredns.YML": true, "coredns.json": true, "coredns.bak.yaml": true,
		".coredns.yaml": false, "coredns.yaml.bak": false, "coredns.yaml.skip": false, "coredns": false,
	}
	for name, want := range cases {
		if got := isManifest(name); got != want {
			t.Errorf("isManifest(%q) = %v", name, got)
		}
	}
}

func TestAddonName(t *testing.T) {
	for path, want := range map[string]string{
		"/m/coredns.yaml": "coredns", "/m/coredns.override.yaml": "coredns", "/m/sub/coredns.json": "coredns", "/m/coredns-riscv64.yaml": "coredns-riscv64",
	} {
		if got := addonName(path); got != want {
			t.Errorf("addonName(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestIsDisabled(t *testing.T) {
	disable := []string{"traefik", "metrics-server"}
	for path, want := range map[string]bool{
		"traefik.yaml": true, "metrics-server/metrics-server-service.yaml": true, "metrics-server/resource-reader.yaml": true,
		"coredns.yaml": false, "traefik-config.yaml": false,
	} {
		if got := isDisabled(path, disable); got != want {
			t.Errorf("isDisabled(%q) = %v", path, got)
		}
	}
}

func TestFindManifests(t *testing.T) {
	folder, linked := t.TempDir(), t.TempDir()
	for _, path := range []string{"b.yaml", "a.yaml", "a.yaml.skip", "sub/a.yaml", "sub/c.yaml", "traefik.yaml", "notes.txt"} {
		if err := writeFile(filepath.Join(folder, path), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeFile(filepath.Join(linked, "d.yaml"), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(linked, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	files, err := findManifests(folder, []string{"traefik"})
	if err != nil {
		t.Fatal(err)
	}
	want := []found{
		{path: "a.yaml", skipped: true}, {path: "b.yaml"}, {path: "link/d.yaml"},
		{path: "sub/a.yaml", skipped: true}, {path: "sub/c.yaml"}, {path: "traefik.yaml", disabled: true},
	}
	if len(files) != len(want) {
		t.Fatalf("found %v", files)
	}
	for i, file := range files {
		relative, _ := filepath.Rel(folder, file.path)
		if relative != want[i].path || file.skipped != want[i].skipped || file.disabled != want[i].disabled {
			t.Errorf("found %+v, want %+v", file, want[i])
		}
	}
}
