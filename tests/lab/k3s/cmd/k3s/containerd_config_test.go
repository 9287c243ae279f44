// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestContainerdMajor(t *testing.T) {
	// What Debian's containerd, a release of 2 and a build without a stamp say.
	for output, want := range map[string]string{
		"containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1": "1",
		"containerd github.com/containerd/containerd/v2 v2.1.5 abc":              "2",
		"containerd github.com/containerd/containerd/v2 2.4.2+unknown ":          "2",
	} {
		folder := t.TempDir()
		script := "#!/bin/sh\necho '" + output + "'\n"
		if err := os.WriteFile(filepath.Join(folder, "containerd"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", folder+":/usr/bin:/bin")
		got, err := containerdMajor(context.Background())
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", output, got, err, want)
		}
	}
}

func TestContainerdConfig(t *testing.T) {
	var r registries
	if err := json.Unmarshal([]byte(`{"configs": {"docker.io": {"auth": {"username": "reader", "password": "secret"}}}}`), &r); err != nil {
		t.Fatal(err)
	}
	for major, lines := range map[string][]string{
		"1": {
			`version = 2`, `sandbox_image = "rancher/mirrored-pause:3.6"`, `config_path = "/data/agent/etc/containerd/certs.d"`,
			`[plugins."io.containerd.grpc.v1.cri".registry.configs."registry-1.docker.io".auth]`,
		},
		"2": {
			`version = 3`, `[plugins.'io.containerd.cri.v1.images'.pinned_images]`, `sandbox = "rancher/mirrored-pause:3.6"`,
			`config_path = "/data/agent/etc/containerd/certs.d"`, `[plugins.'io.containerd.cri.v1.images'.registry.configs."registry-1.docker.io".auth]`,
		},
	} {
		text := containerdConfig(major, "/data", "rancher/mirrored-pause:3.6", r, true)
		for _, line := range lines {
			if !strings.Contains("\n"+strings.ReplaceAll(text, "\n  ", "\n"), "\n"+line+"\n") {
				t.Errorf("containerd %s: no line %q in\n%s", major, line, text)
			}
		}
	}
}

func TestOldConfigHasTheMirrors(t *testing.T) {
	r := registries{
		Mirrors: map[string]mirror{"docker.io": {Endpoints: []string{"http://a", "b:5000/v2/c"}}},
		Configs: map[string]registryConfig{"a": {TLS: &registryTLS{CAFile: "/ca"}}},
	}
	text := containerdConfig("1", "/data", "pause", r, false)
	for _, part := range []string{
		`[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]` + "\n  endpoint = [\"http://a\", \"b:5000/v2/c\"]\n",
		`[plugins."io.containerd.grpc.v1.cri".registry.configs."a".tls]` + "\n  ca_file = \"/ca\"\n",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "config_path") {
		t.Error("containerd takes no mirrors beside a config_path")
	}
}
