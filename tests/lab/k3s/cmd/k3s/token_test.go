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

func TestTokens(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct{ token, authority, password, failure string }{
		{"plain", "", "plain", ""},
		{"K10" + hash + "::server:word", hash, "word", ""},
		{"K10" + hash + "::node:with:colon", hash, "with:colon", ""},
		{"K10abc::server:word", "", "", "invalid token CA hash length"},
		{"K10" + hash + "::server:", "", "", "invalid token format"},
	} {
		authority, password, err := splitToken(c.token)
		if authority != c.authority && c.failure == "" || password != c.password {
			t.Errorf("%s: %q %q", c.token, authority, password)
		}
		if (err == nil) != (c.failure == "") || err != nil && err.Error() != c.failure {
			t.Errorf("%s: %v", c.token, err)
		}
	}
	if _, password, err := splitToken(fullToken([]byte("authority"), "word")); err != nil || password != "word" {
		t.Errorf("a server's own form: %q %v", password, err)
	}
}

func TestTrailer(t *testing.T) {
	program := strings.Repeat("x", 1000)
	for content, want := range map[string]string{
		program: "", "short": "",
		program + "\nk3s-lab: {\"version\": \"v1.35.8+k3s1\"}\n": `{"version": "v1.35.8+k3s1"}`,
	} {
		path := filepath.Join(t.TempDir(), "k3s")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readTrailer(path); err != nil || got != want {
			t.Errorf("%d bytes: %q %v", len(content), got, err)
		}
	}
}
