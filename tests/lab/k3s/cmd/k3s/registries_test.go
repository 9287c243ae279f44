// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestEndpointURL(t *testing.T) {
	cases := []struct {
		endpoint, want string
		override       bool
	}{
		{"http://10.99.0.1:5000", "http://10.99.0.1:5000/v2", false},
		{"http://10.99.0.1:5000/", "http://10.99.0.1:5000/v2", false},
		{"http://10.99.0.1:5000/v2", "http://10.99.0.1:5000/v2", false},
		{"http://10.99.0.1:5000/v2/riscv64", "http://10.99.0.1:5000/v2/riscv64", true},
		{"registry.example", "https://registry.example/v2", false},
		{"localhost:5000", "http://localhost:5000/v2", false},
		{"localhost:443", "https://localhost:443/v2", false},
	}
	for _, c := range cases {
		got, override, err := endpointURL(c.endpoint)
		if err != nil || got != c.want || override != c.override {
			t.Errorf("endpointURL(%q) = %q, %v, %v", c.endpoint, got, override, err)
		}
	}
}

func TestHosts(t *testing.T) {
	r := registries{
		Mirrors: map[string]mirror{"docker.io": {Endpoints: []string{"http://10.99.0.1:5000/v2/riscv64", "https://registry.example"}}},
		Configs: map[string]registryConfig{"registry.example": {TLS: &registryTLS{CAFile: "/etc/ca.pem", InsecureSkipVerify: true}}},
	}
	hosts := r.hostConfigs(false)
	got := hosts["docker.io"].text()
	want := strings.Join([]string{
		generatedMark, ``, ``,
		`server = "https://registry-1.docker.io/v2"`,
		`capabilities = ["pull", "resolve", "push"]`, ``, ``,
		`[host]`,
		`[host."http://10.99.0.1:5000/v2/riscv64"]`,
		`  capabilities = ["pull", "resolve"]`,
		`  override_path = true`,
		`[host."https://registry.example/v2"]`,
		`  capabilities = ["pull", "resolve"]`,
		`  ca = ["/etc/ca.pem"]`,
		`  skip_verify = true`,
		``,
	}, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestOnlyRegistriesThatDifferHaveAFolder(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"old": generatedMark + "\n", "foreign": "server = \"x\"\n", "taken": ""} {
		if err := writeFile(filepath.Join(folder, name, "hosts.toml"), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	r := registries{
		Mirrors: map[string]mirror{
			"*": {Endpoints: []string{"http://any:5000"}}, "taken": {Endpoints: []string{"http://a b", "http://m", "http://m/"}},
			"plain": {}, "itself": {Endpoints: []string{"https://itself"}},
		},
		Configs: map[string]registryConfig{"none": {}, "tls": {TLS: &registryTLS{InsecureSkipVerify: true}}},
	}
	if err := r.writeHosts(folder, false); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range found {
		found[i] = filepath.Base(path)
	}
	if got := strings.Join(found, " "); got != "_default foreign taken tls" {
		t.Error(got)
	}
	if text := r.hostConfigs(true)["taken"].text(); strings.Contains(text, "server") || strings.Count(text, "[host.") != 1 {
		t.Error(text)
	}
}

func TestPackagedManifestsHaveTheImagesOfTheirVersion(t *testing.T) {
	images := map[string][]string{
		"v1.24.2+k3s2": {"mirrored-coredns-coredns:1.9.1", "local-path-provisioner:v0.0.21", "mirrored-library-busybox:1.34.1", "mirrored-metrics-server:v0.5.2"},
		"v1.36.3+k3s1": {"mirrored-coredns-coredns:1.14.6", "local-path-provisioner:v0.0.37", "mirrored-library-busybox:1.37.0", "mirrored-metrics-server:v0.9.0"},
	}
	for _, r := range releases {
		files, err := r.manifests()
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, content := range files {
			all.Write(content)
		}
		for _, image := range images[r.version] {
			if !strings.Contains(all.String(), "rancher/"+image) {
				t.Errorf("%s: no manifest names %s", r.version, image)
			}
		}
	}
}
