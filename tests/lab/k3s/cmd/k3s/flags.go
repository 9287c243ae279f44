// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"strings"
)

type flagKind int

const (
	text   flagKind = iota // the last one counts
	list                   // all of them count
	toggle                 // takes no value of its own
)

// flagNames are the flags of `k3s server` and `k3s agent`, by kind. Most of them have no effect here; but k3s refuses to start
// with one that it does not know, and needs to know which ones take a value.
var flagNames = map[string]map[flagKind]string{
	"both": {
		text: `config v vmodule log token token-file server data-dir node-name lb-server-port container-runtime-endpoint pause-image
			snapshotter private-registry resolv-conf flannel-iface flannel-conf flannel-cni-conf vpn-auth vpn-auth-file cluster-secret
			image-credential-provider-bin-dir image-credential-provider-config image-service-endpoint`,
		list: `node-label node-taint node-ip node-external-ip node-internal-dns node-external-dns airgap-extra-registry
			kubelet-arg kube-proxy-arg`,
		toggle: `debug alsologtostderr with-node-id selinux protect-kernel-defaults docker rootless prefer-bundled-bin
			disable-default-registry-endpoint`,
	},
	"server": {
		text: `bind-address https-listen-port advertise-address advertise-port service-node-port-range cluster-domain flannel-backend
			egress-selector-mode servicelb-namespace write-kubeconfig write-kubeconfig-mode write-kubeconfig-group helm-job-image
			agent-token agent-token-file cluster-reset-restore-path datastore-endpoint datastore-cafile datastore-certfile
			datastore-keyfile etcd-snapshot-name etcd-snapshot-schedule-cron etcd-snapshot-retention etcd-snapshot-dir
			etcd-s3-endpoint etcd-s3-endpoint-ca etcd-s3-access-key etcd-s3-secret-key etcd-s3-bucket etcd-s3-region
			etcd-s3-folder etcd-s3-timeout default-local-storage-path system-default-registry`,
		list: `cluster-cidr service-cidr cluster-dns tls-san kube-apiserver-arg etcd-arg kube-scheduler-arg
			kube-controller-manager-arg kube-cloud-controller-manager-arg helm-controller-arg disable`,
		toggle: `cluster-init cluster-reset secrets-encryption disable-scheduler disable-cloud-controller disable-kube-proxy
			disable-network-policy disable-helm-controller disable-apiserver disable-controller-manager disable-etcd
			disable-agent embedded-registry flannel-ipv6-masq flannel-external-ip tls-san-security etcd-expose-metrics
			etcd-disable-snapshots etcd-snapshot-compress etcd-s3 etcd-s3-skip-ssl-verify etcd-s3-insecure enable-pprof`,
	},
}

var shortNames = map[string]string{"c": "config", "d": "data-dir", "i": "node-ip", "o": "write-kubeconfig", "s": "server", "t": "token"}

// environmentNames are the variables that a flag's value is taken from where neither the command line nor a file has it.
var environmentNames = map[string]string{
	"token": "K3S_TOKEN", "token-file": "K3S_TOKEN_FILE", "agent-token": "K3S_AGENT_TOKEN", "server": "K3S_URL",
	"node-name": "K3S_NODE_NAME", "datastore-endpoint": "K3S_DATASTORE_ENDPOINT", "vpn-auth": "K3S_VPN_AUTH",
	"system-default-registry": "K3S_SYSTEM_DEFAULT_REGISTRY", "write-kubeconfig": "K3S_KUBECONFIG_OUTPUT",
	"write-kubeconfig-mode": "K3S_KUBECONFIG_MODE", "resolv-conf": "K3S_RESOLV_CONF", "data-dir": dataDirVariable,
}

// knownFlags are the flags of one command, long and short, with their kinds.
func knownFlags(command string) map[string]flagKind {
	known := map[string]flagKind{}
	for _, owner := range []string{"both", command} {
		for kind, names := range flagNames[owner] {
			for _, name := range strings.Fields(names) {
				known[name] = kind
			}
		}
	}
	for short, name := range shortNames {
		if kind, found := known[name]; found {
			known[short] = kind
		}
	}
	return known
}

// parseFlags reads the merged command line of a command, as the library does that k3s uses: --name VALUE, --name=VALUE, with one
// dash or two. What is not set is taken from the environment.
func parseFlags(command string, args []string, environmentDataDir bool) (map[string][]string, error) {
	known := knownFlags(command)
	values := map[string][]string{}
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		kind, found := known[name]
		if !found {
			return nil, fmt.Errorf("flag provided but not defined: -%s", name)
		}
		switch {
		case hasValue:
		case kind == toggle:
			value = "true"
		case i+1 == len(args):
			return nil, fmt.Errorf("flag needs an argument: -%s", name)
		default:
			i++
			value = args[i]
		}
		if long, isShort := shortNames[name]; isShort {
			name = long
		}
		values[name] = append(values[name], value)
	}
	for name, variable := range environmentNames {
		if variable == dataDirVariable && !environmentDataDir {
			continue
		}
		if value := os.Getenv(variable); value != "" && values[name] == nil {
			values[name] = []string{value}
		}
	}
	return values, nil
}
