// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/scrypt"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	passwordFile   = "/etc/rancher/node/password"
	passwordSuffix = ".node-password.k3s"
	hashFormat     = "$1:%x:15:8:1:%s"
	passwordDelay  = 5 * time.Second
)

// errPassword is what k3s says to a node whose password is not the one that it came with first.
var errPassword = errors.New("Node password rejected, duplicate hostname or contents of '" + passwordFile +
	"' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag")

// provePassword shows the node's password, until it is accepted. k3s starts nothing of a node before.
func (n *node) provePassword(ctx context.Context, cluster *cluster) error {
	for {
		// Read each time: it may be put right meanwhile.
		password, err := ownPassword(passwordFile)
		if err != nil {
			return err
		}
		if err = cluster.checkPassword(ctx, n.nodeName, password); err == nil {
			return nil
		}
		logrus.Infof("Waiting to retrieve agent configuration; server is not ready: %v", err)
		if errors.Is(err, errPassword) {
			// The service manager need not wait for the end of its patience.
			if err := writeFile(failureFile, []byte(fmt.Sprintln(err))); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(passwordDelay):
		}
	}
}

// ownPassword reads the node's password, or makes one: it belongs to the machine and not to the data folder.
func ownPassword(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err == nil || !os.IsNotExist(err) {
		return strings.TrimSpace(string(content)), err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	password := hex.EncodeToString(random)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return password, os.WriteFile(path, []byte(password+"\n"), 0o600)
}

// checkPassword compares with the Secret of the node, or makes that of a new node.
func (c *cluster) checkPassword(ctx context.Context, node, password string) error {
	secrets := c.client.CoreV1().Secrets(systemNamespace)
	name := strings.ToLower(node + passwordSuffix)
	secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		hash, err := newHash(password)
		if err != nil {
			return err
		}
		immutable := true
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: systemNamespace},
			Immutable:  &immutable,
			Data:       map[string][]byte{"hash": []byte(hash)},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	if !verifies(string(secret.Data["hash"]), password) {
		return errPassword
	}
	return nil
}

func newHash(password string) (string, error) {
	salt := make([]byte, 8)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	return hashOf(password, salt)
}

func hashOf(password string, salt []byte) (string, error) {
	key, err := scrypt.Key([]byte(password), salt, 1<<15, 8, 1, 64)
	return fmt.Sprintf(hashFormat, salt, base64.RawStdEncoding.EncodeToString(key)), err
}

func verifies(hash, password string) bool {
	parts := strings.Split(hash, ":")
	if len(parts) < 2 {
		return false
	}
	salt, err := hex.DecodeString(parts[1])
	if err != nil {
		return false
	}
	again, err := hashOf(password, salt)
	return err == nil && subtle.ConstantTimeCompare([]byte(again), []byte(hash)) == 1
}

// forgetPassword deletes the Secret of a node that was deleted, so that its machine can come back with a new password.
func (c *cluster) forgetPassword(ctx context.Context, node string) error {
	name := strings.ToLower(node + passwordSuffix)
	err := c.client.CoreV1().Secrets(systemNamespace).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
