// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeConfig makes a configuration file and its drop-ins, and returns the flag that names it.
func writeConfig(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := writeFile(filepath.Join(folder, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return "--config=" + filepath.Join(folder, "config.yaml")
}

func TestNodeArgs(t *testing.T) {
	config := writeConfig(t, map[string]string{
		"config.yaml":                "token: secret\nnode-label: [a=b]\nodd: yes\nwrite-kubeconfig-mode: 0644\nserver:\n",
		"config.yaml.d/10-first.yml": "\ufeffnode-label+: c=d\r\npause-image: one\r\n",
		"config.yaml.d/20-last.yaml": `{"pause-image": "two"}`,
		"config.yaml.d/30-none.txt":  "pause-image: three\n",
	})
	got, err := nodeArgs([]string{"agent", config, "--vpn-auth", "name=x", "--debug"})
	if err != nil {
		t.Fatal(err)
	}
	// Unknown keys are in it, and so are values that YAML reads in its own way.
	want := `["agent","--token","********","--node-label","a=b","--node-label","c=d","--odd","true",` +
		`"--write-kubeconfig-mode","420","--server","","--pause-image","two",` +
		`"--config","` + strings.TrimPrefix(config, "--config=") + `","--vpn-auth","********","--debug"]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNodeEnv(t *testing.T) {
	got, err := nodeEnv([]string{"K3S_URL=https://a:6443", "K3S_TOKEN=secret", "PATH=/bin", "K3S_EMPTY="})
	if want := `{"K3S_EMPTY":"","K3S_TOKEN":"********","K3S_URL":"https://a:6443"}`; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestSettings(t *testing.T) {
	file := map[string]string{"config.yaml": "data-dir: /file\nnode-name: Board\ndisable: [traefik]\ndisable-agent-x: 1\n"}
	for name, c := range map[string]struct {
		args        []string
		environment map[string]string
		oldRelease  bool
		want        settings
	}{
		"a file":                   {want: settings{dataDir: "/file", nodeName: "board"}},
		"a flag before a file":     {args: []string{"-d", "/flag"}, want: settings{dataDir: "/flag", nodeName: "board"}},
		"a flag with one dash":     {args: []string{"-data-dir=/flag"}, want: settings{dataDir: "/flag", nodeName: "board"}},
		"a file before a variable": {environment: map[string]string{"K3S_DATA_DIR": "/env", "K3S_NODE_NAME": "x"}, want: settings{dataDir: "/file", nodeName: "board"}},
		"another file by variable": {environment: map[string]string{"K3S_CONFIG_FILE": "/none", "K3S_DATA_DIR": "/env", "K3S_NODE_NAME": "x"}, want: settings{dataDir: "/env", nodeName: "x"}},
		"the variable, until it was a setting": {
			environment: map[string]string{"K3S_CONFIG_FILE": "/none", "K3S_DATA_DIR": "/env", "K3S_NODE_NAME": "x"},
			oldRelease:  true, want: settings{dataDir: "/var/lib/rancher/k3s", nodeName: "x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			got, err := readSettings(append([]string{"server", writeConfig(t, file)}, c.args...), !c.oldRelease)
			if err != nil || got.dataDir != c.want.dataDir || got.nodeName != c.want.nodeName {
				t.Errorf("got %s, %s, %v", got.dataDir, got.nodeName, err)
			}
		})
	}
}

func TestListsAddUp(t *testing.T) {
	config := writeConfig(t, map[string]string{"config.yaml": "disable: [traefik, \"a,b\"]\n"})
	got, err := readSettings([]string{"server", config, "--disable", "c"}, true)
	if err != nil || strings.Join(got.disable, " ") != "traefik a b c" {
		t.Errorf("got %q, %v", got.disable, err)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		text, flag, want string
	}{
		"no mapping":       {"- a\n", "", "failed to load config file"},
		"an unknown flag":  {"", "--odd=1", "flag provided but not defined: -odd"},
		"a missing value":  {"", "--data-dir", "flag needs an argument: -data-dir"},
		"a server's flag":  {"", "--disable=x", "flag provided but not defined: -disable"},
		"broken YAML":      {"a: [\n", "", "failed to load config file"},
		"unknown in files": {"disable: x\nodd: 1\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"agent", writeConfig(t, map[string]string{"config.yaml": c.text})}
			if c.flag != "" {
				args = append(args, c.flag)
			}
			_, err := readSettings(args, true)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFindDataDir(t *testing.T) {
	old, today := releases[0], releases[1]
	t.Setenv("K3S_CONFIG_FILE", strings.TrimPrefix(writeConfig(t, map[string]string{"config.yaml": "data-dir: /file\n"}), "--config="))
	t.Setenv("K3S_DATA_DIR", "/env")
	for _, c := range []struct {
		release release
		args    []string
		want    string
	}{
		{today, []string{"server", "-d", "/flag"}, "/env"},
		{old, []string{"server", "-d", "/flag"}, "/flag"},
		{old, []string{"images", "ls"}, "/file"},
	} {
		if got, err := c.release.findDataDir(c.args); err != nil || got != c.want {
			t.Errorf("%s %q: %s, %v, want %s", c.release.version, c.args, got, err, c.want)
		}
	}
	os.Unsetenv("K3S_DATA_DIR")
}
