// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// subject is one certificate: who it names, who signs it, and for which addresses it serves.
type subject struct {
	file, signer, name, group string
	names                     []string
	addresses                 []string
}

// authorities and subjects have the names that k3s gives them, as far as the lab needs them. Each board has all of them, and signs
// its kubelet's certificates itself, instead of asking a server for them with a token.
var (
	authorities = []string{"server-ca", "client-ca", "request-header-ca"}
	subjects    = []subject{
		// For the server that any board of the lab may be.
		{file: "serving-kube-apiserver", signer: "server-ca", name: "kube-apiserver",
			names: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost",
				"board-1", "board-2", "board-3", "board-4"},
			addresses: []string{"127.0.0.1", "10.43.0.1", "10.99.0.2", "10.99.0.3", "10.99.0.4", "10.99.0.5"}},
		{file: "client-admin", signer: "client-ca", name: "system:admin", group: "system:masters"},
		{file: "client-supervisor", signer: "client-ca", name: "system:k3s-supervisor", group: "system:masters"},
		{file: "client-kube-apiserver", signer: "client-ca", name: "system:apiserver", group: "system:masters"},
		{file: "client-controller", signer: "client-ca", name: "system:kube-controller-manager"},
		{file: "client-scheduler", signer: "client-ca", name: "system:kube-scheduler"},
		{file: "client-kube-proxy", signer: "client-ca", name: "system:kube-proxy"},
		{file: "client-k3s-controller", signer: "client-ca", name: "system:k3s-controller", group: "system:masters"},
		{file: "client-auth-proxy", signer: "request-header-ca", name: "system:auth-proxy"},
	}
)

// signer is an authority with its key.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// writePKI writes every certificate and key of the lab's cluster into a folder, 0600.
func writePKI(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	signers := map[string]signer{}
	for _, name := range authorities {
		template := newTemplate(pkix.Name{CommonName: "k3s-" + name})
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
		certificate, key, err := issue(folder, name, template, nil, nil)
		if err != nil {
			return err
		}
		signers[name] = signer{certificate, key}
	}
	for _, s := range subjects {
		if err := s.write(folder, signers[s.signer]); err != nil {
			return err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return writeKey(filepath.Join(folder, "service.key"), key)
}

// writeNodeCertificates writes the certificates of one node's kubelet into a folder, signed by the authorities of another.
func writeNodeCertificates(pki, folder, name, address string) error {
	node := []subject{
		{file: "client-kubelet", signer: "client-ca", name: "system:node:" + name, group: "system:nodes"},
		{file: "serving-kubelet", signer: "server-ca", name: name, names: []string{name}, addresses: []string{"127.0.0.1", address}},
	}
	for _, s := range node {
		authority, err := readSigner(filepath.Join(pki, s.signer))
		if err != nil {
			return err
		}
		if err := s.write(folder, authority); err != nil {
			return err
		}
	}
	return nil
}

func readSigner(path string) (signer, error) {
	pair, err := tls.LoadX509KeyPair(path+".crt", path+".key")
	if err != nil {
		return signer{}, err
	}
	key, isECDSA := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !isECDSA {
		return signer{}, fmt.Errorf("%s.key is no ECDSA key", path)
	}
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	return signer{certificate, key}, err
}

func (s subject) write(folder string, by signer) error {
	template := newTemplate(pkix.Name{CommonName: s.name})
	if s.group != "" {
		template.Subject.Organization = []string{s.group}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	template.DNSNames = s.names
	for _, address := range s.addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	_, _, err := issue(folder, s.file, template, by.certificate, by.key)
	return err
}

func newTemplate(name pkix.Name) *x509.Certificate {
	// An hour back: boards without a clock of their own are common, and the lab should not depend on a second.
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      name,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
}

// issue makes a key and a certificate signed by signer (by itself when signer is nil), and writes both.
func issue(folder, file string, template, signer *x509.Certificate, signerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if signer == nil {
		signer, signerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signerKey)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate %s: %w", file, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(folder, file+".crt"), block, 0o600); err != nil {
		return nil, nil, err
	}
	return certificate, key, writeKey(filepath.Join(folder, file+".key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
