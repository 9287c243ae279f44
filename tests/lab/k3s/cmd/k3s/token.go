// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tokenSecret is where the servers keep what they compare a token with. In k3s that is the bootstrap data of the datastore.
const (
	tokenSecret = "k3s-lab-token"
	tokenPrefix = "K10"
)

var (
	// errToken is what k3s says to a node whose token is not the cluster's, errServerToken what it says to a server whose
	// datastore began with another one, errJoinToken to a further server.
	errToken       = errors.New("failed to retrieve configuration from server: not authorized")
	errServerToken = errors.New("starting kubernetes: preparing server: failed to bootstrap cluster data: failed to reconcile with " +
		"local datastore: bootstrap data already found and encrypted with different token")
	errAuthority = errors.New("token CA hash does not match the Cluster CA certificate hash")
	errJoinToken = errors.New("starting kubernetes: preparing server: failed to validate server configuration: not authorized")
)

// joins says whether this node goes to a cluster that is there.
func (n *node) joins() bool {
	return !n.isServer || n.server != ""
}

// readToken takes the token from where k3s takes it; the first server makes one where it was given none.
func (n *node) readToken() error {
	if n.token == "" && n.tokenFile != "" {
		content, err := os.ReadFile(n.tokenFile)
		if err != nil {
			return err
		}
		n.token = strings.TrimSpace(string(content))
	}
	if n.token != "" {
		return nil
	}
	if !n.isServer {
		return errors.New("--token is required")
	}
	content, err := os.ReadFile(n.path("server/token"))
	if err == nil {
		n.token = strings.TrimSpace(string(content))
		return nil
	}
	if !os.IsNotExist(err) {
		return err
	}
	if n.server != "" {
		return errors.New("token is required to join a cluster")
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	n.token = hex.EncodeToString(random)
	return nil
}

// splitToken divides a token into the checksum of the cluster's authority, which may be missing, and the password.
func splitToken(token string) (authority, password string, err error) {
	rest, full := strings.CutPrefix(token, tokenPrefix)
	if !full {
		return "", token, nil
	}
	authority, credentials, _ := strings.Cut(rest, "::")
	if len(authority) != 0 && len(authority) != 2*sha256.Size {
		return "", "", errors.New("invalid token CA hash length")
	}
	_, password, found := strings.Cut(credentials, ":")
	if !found || password == "" {
		return "", "", errors.New("invalid token format")
	}
	return authority, password, nil
}

// fullToken is the form in which a server shows its token.
func fullToken(authority []byte, password string) string {
	sum := sha256.Sum256(authority)
	return tokenPrefix + hex.EncodeToString(sum[:]) + "::server:" + password
}

// keepToken is the server's side: what others must come with, and the files in which an administrator finds it.
func (n *node) keepToken(ctx context.Context, cluster *cluster) error {
	authority, err := os.ReadFile(n.path("server/tls/server-ca.crt"))
	if err != nil {
		return err
	}
	_, password, err := splitToken(n.token)
	if err != nil {
		return err
	}
	// A new cluster has its namespaces a moment after it is ready.
	if err := n.waitFor(ctx, "the token's Secret", func() error { return cluster.createToken(ctx, password) }); err != nil {
		return err
	}
	known, err := cluster.knowsToken(ctx, password)
	if err != nil {
		return err
	}
	if !known && n.server != "" {
		return errJoinToken
	}
	if !known {
		return errServerToken
	}
	file := n.path("server/token")
	if err := writeFile(file, []byte(fullToken(authority, password)+"\n")); err != nil {
		return err
	}
	for _, name := range []string{"node-token", "agent-token"} {
		link := filepath.Join(filepath.Dir(file), name)
		if _, err := os.Lstat(link); os.IsNotExist(err) {
			if err := os.Symlink(file, link); err != nil {
				return err
			}
		}
	}
	return nil
}

// proveToken is the side of an agent: it goes on asking, as k3s does, until it is let in.
func (n *node) proveToken(ctx context.Context, cluster *cluster) error {
	for {
		err := n.checkToken(ctx, cluster)
		if err == nil {
			return nil
		}
		if errors.Is(err, errAuthority) {
			logrus.Errorf("Failed to validate connection to cluster at %s: %v", n.server, err)
		} else {
			logrus.Infof("Waiting to retrieve agent configuration; server is not ready: %v", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(passwordDelay):
		}
	}
}

// checkToken compares the token with the authority that is known here, and with what the servers keep.
func (n *node) checkToken(ctx context.Context, cluster *cluster) error {
	authority, password, err := splitToken(n.token)
	if err == nil && authority != "" {
		var file []byte
		if file, err = os.ReadFile(filepath.Join(seeds, "server-ca.crt")); err == nil {
			if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != authority {
				err = fmt.Errorf("%w: %s != %x", errAuthority, authority, sum)
			}
		}
	}
	if err != nil {
		return err
	}
	known, err := cluster.knowsToken(ctx, password)
	if err == nil && !known {
		err = errToken
	}
	return err
}

// createToken makes the Secret of a new cluster.
func (c *cluster) createToken(ctx context.Context, password string) error {
	secrets := c.client.CoreV1().Secrets(systemNamespace)
	if _, err := secrets.Get(ctx, tokenSecret, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err
	}
	hash, err := newHash(password)
	if err != nil {
		return err
	}
	_, err = secrets.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: tokenSecret, Namespace: systemNamespace},
		Data:       map[string][]byte{"hash": []byte(hash)},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (c *cluster) knowsToken(ctx context.Context, password string) (bool, error) {
	secret, err := c.client.CoreV1().Secrets(systemNamespace).Get(ctx, tokenSecret, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	return verifies(string(secret.Data["hash"]), password), nil
}
