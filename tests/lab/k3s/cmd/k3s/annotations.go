// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	argsAnnotation = "k3s.io/node-args"
	envAnnotation  = "k3s.io/node-env"
	hashAnnotation = "k3s.io/node-config-hash"
	masked         = "********"
)

var secretFlags = map[string]bool{
	"--token": true, "-t": true, "--agent-token": true, "--datastore-endpoint": true, "--cluster-secret": true,
	"--etcd-s3-access-key": true, "--etcd-s3-secret-key": true, "--vpn-auth": true,
}

var secretVariables = map[string]bool{
	"K3S_TOKEN": true, "K3S_AGENT_TOKEN": true, "K3S_DATASTORE_ENDPOINT": true, "K3S_CLUSTER_SECRET": true, "K3S_VPN_AUTH": true,
}

// nodeArgs is the merged command line as k3s shows it: --name=VALUE in two parts, secrets masked. Unknown keys of a file are in it,
// since k3s leaves them out only where it reads its flags.
func nodeArgs(args []string) (string, error) {
	merged, err := mergeConfig(args)
	if err != nil {
		return "", err
	}
	parts := []string{}
	for _, arg := range merged {
		if strings.HasPrefix(arg, "--") && strings.Contains(arg, "=") {
			parts = append(parts, strings.SplitN(arg, "=", 2)...)
		} else {
			parts = append(parts, arg)
		}
	}
	for i := 1; i < len(parts); i++ {
		if secretFlags[parts[i-1]] {
			parts[i] = masked
		}
	}
	text, err := json.Marshal(parts)
	return string(text), err
}

// nodeEnv is what the environment has of k3s. Until K3S_DATA_DIR became a setting, k3s itself put the folder of its unpacked
// programs there.
func nodeEnv(environment []string) (string, error) {
	found := map[string]string{}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if secretVariables[name] {
			value = masked
		}
		if strings.HasPrefix(name, "K3S_") {
			found[name] = value
		}
	}
	text, err := json.Marshal(found)
	return string(text), err
}

// configAnnotations say how this k3s was started.
func configAnnotations(args []string) (map[string]string, error) {
	argsText, err := nodeArgs(args)
	if err != nil {
		return nil, err
	}
	envText, err := nodeEnv(os.Environ())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(argsText + envText))
	return map[string]string{
		argsAnnotation: argsText, envAnnotation: envText, hashAnnotation: base32.StdEncoding.EncodeToString(sum[:]),
	}, nil
}

// annotateNode waits until the kubelet has registered the node, as k3s does: a moment after a start the annotations are still
// those of the start before.
func (n *node) annotateNode(ctx context.Context, cluster *cluster) {
	annotations := map[string]string{"k3s.io/hostname": n.nodeName, "k3s.io/internal-ip": n.nodeIP}
	for name, value := range n.annotations {
		annotations[name] = value
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	for err == nil && ctx.Err() == nil {
		nodes := cluster.client.CoreV1().Nodes()
		if _, err := nodes.Patch(ctx, n.nodeName, types.MergePatchType, patch, metav1.PatchOptions{}); err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	if err != nil {
		logrus.Errorf("Annotations of the node: %v", err)
	}
}
