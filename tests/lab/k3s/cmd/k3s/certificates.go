// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// seeds hold the lab's authorities and certificates. A server of k3s makes them itself and hands them out against a token.
	seeds        = "/usr/local/share/k3s-lab/pki"
	boardProgram = "/usr/local/lib/k3s-lab/board"
)

// writeCertificates brings what is missing in the data folder: a new one starts without any.
func (n *node) writeCertificates(ctx context.Context) error {
	if n.isServer {
		files, err := os.ReadDir(seeds)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := copyMissing(filepath.Join(seeds, file.Name()), n.path("server/tls", file.Name())); err != nil {
				return err
			}
		}
	}
	names := []string{"server-ca.crt", "client-ca.crt"}
	for _, name := range []string{"client-kube-proxy", "client-k3s-controller"} {
		names = append(names, name+".crt", name+".key")
	}
	for _, name := range names {
		if err := copyMissing(filepath.Join(seeds, name), n.path("agent", name)); err != nil {
			return err
		}
	}
	if n.hasNodeCertificates() {
		return nil
	}
	command := exec.CommandContext(ctx, boardProgram, "node", seeds, n.path("agent"), n.nodeName, n.nodeIP)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("certificates of %s: %w: %s", n.nodeName, err, strings.TrimSpace(string(output)))
	}
	return nil
}

// hasNodeCertificates says whether the kubelet's certificates are there, for this name and this address.
func (n *node) hasNodeCertificates() bool {
	client, err := readCertificate(n.path("agent/client-kubelet.crt"))
	if err != nil || client.Subject.CommonName != "system:node:"+n.nodeName {
		return false
	}
	serving, err := readCertificate(n.path("agent/serving-kubelet.crt"))
	return err == nil && serving.VerifyHostname(n.nodeIP) == nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

func copyMissing(source, target string) error {
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return writeFile(target, content)
}
