// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// kubeletConfig differs from k3s's where the lab shares one machine: a cgroup folder of its own, no oom scores, and no eviction
// or image collection because the machine's disk happens to be full.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %[1]s/agent/client-ca.crt}
authorization: {mode: Webhook}
tlsCertFile: %[1]s/agent/serving-kubelet.crt
tlsPrivateKeyFile: %[1]s/agent/serving-kubelet.key
clusterDomain: cluster.local
clusterDNS: [10.43.0.10]
containerRuntimeEndpoint: unix://` + containerdSocket + `
resolvConf: /etc/resolv.conf
staticPodPath: %[1]s/agent/pod-manifests
serializeImagePulls: false
cgroupDriver: cgroupfs
cgroupRoot: %[2]s
enforceNodeAllocatable: []
makeIPTablesUtilChains: false
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
evictionHard: {memory.available: 20Mi, nodefs.available: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
syncFrequency: 30s
`

const kubeconfig = `apiVersion: v1
kind: Config
current-context: default
clusters:
- name: default
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: default
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: default
  context: {cluster: default, user: default}
`

// writeKubeconfig writes a kubeconfig that holds its certificates, 0600.
func writeKubeconfig(path, server, authority, credentials string) error {
	encoded := make([]any, 0, 4)
	encoded = append(encoded, server)
	for _, file := range []string{authority, credentials + ".crt", credentials + ".key"} {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		encoded = append(encoded, base64.StdEncoding.EncodeToString(content))
	}
	return writeFile(path, []byte(fmt.Sprintf(kubeconfig, encoded...)))
}

// joinCluster waits for a server, through this board's own apiserver or the agent's balancer, and shows the node's password.
func (n *node) joinCluster(ctx context.Context) (*cluster, error) {
	server := "https://127.0.0.1:6443"
	var servers *balancer
	if !n.isServer {
		var err error
		if servers, err = n.startBalancer(ctx); err != nil {
			return nil, err
		}
		server = "https://" + balancerAddress
	}
	authority := n.path("agent/server-ca.crt")
	if err := n.waitFor(ctx, server, func() error { return ready(server, authority) }); err != nil {
		return nil, err
	}
	for name, credentials := range map[string]string{"kubelet": "client-kubelet", "kubeproxy": "client-kube-proxy", "k3scontroller": "client-k3s-controller"} {
		if err := writeKubeconfig(n.path("agent", name+".kubeconfig"), server, authority, n.path("agent", credentials)); err != nil {
			return nil, err
		}
	}
	cluster, err := clusterFrom(n.path("agent/k3scontroller.kubeconfig"))
	if err != nil {
		return nil, err
	}
	if servers != nil {
		go servers.follow(ctx, cluster)
	}
	if n.release.isInstalled() && !n.isServer {
		if err := n.proveToken(ctx, cluster); err != nil {
			return nil, err
		}
	}
	return cluster, n.provePassword(ctx, cluster)
}

// startKubelet starts what every node runs.
func (n *node) startKubelet() error {
	if err := os.MkdirAll(n.path("agent/pod-manifests"), 0o700); err != nil {
		return err
	}
	config := n.path("agent/etc/kubelet.yaml")
	if err := writeFile(config, []byte(fmt.Sprintf(kubeletConfig, n.dataDir, n.Cgroup))); err != nil {
		return err
	}
	args := []string{"--config=" + config, "--kubeconfig=" + n.path("agent/kubelet.kubeconfig"), "--hostname-override=" + n.nodeName, "--node-ip=" + n.nodeIP}
	for _, arg := range n.kubeletArgs {
		args = append(args, "--"+strings.TrimLeft(arg, "-"))
	}
	if n.release.isInstalled() {
		// The kubelet shows k3s's version as its own.
		os.Setenv("LAB_KUBELET_VERSION", n.release.version)
	}
	if err := n.children.start("kubelet", args...); err != nil {
		return err
	}
	return n.children.start("kube-proxy", "--kubeconfig="+n.path("agent/kubeproxy.kubeconfig"), "--proxy-mode=iptables",
		"--cluster-cidr=10.42.0.0/16", "--hostname-override="+n.nodeName, "--conntrack-max-per-core=0", "--conntrack-min=0",
		"--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s")
}
