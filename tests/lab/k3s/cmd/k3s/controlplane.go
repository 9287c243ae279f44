// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/sirupsen/logrus"
)

// startControlPlane starts the datastore and the apiserver, and once that is ready the rest, in k3s's order: the packaged manifests
// are written before anything is deployed.
func (n *node) startControlPlane(ctx context.Context) error {
	tlsFile := func(name string) string { return n.path("server/tls", name) }
	datastore, several, err := n.startDatastore(ctx)
	if err != nil {
		return err
	}
	err = n.children.start("kube-apiserver", "--etcd-servers="+datastore, "--advertise-address="+n.nodeIP, "--secure-port=6443",
		"--allow-privileged=true", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--service-cluster-ip-range=10.43.0.0/16", "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-signing-key-file="+tlsFile("service.key"), "--service-account-key-file="+tlsFile("service.key"),
		"--client-ca-file="+tlsFile("client-ca.crt"),
		"--tls-cert-file="+tlsFile("serving-kube-apiserver.crt"), "--tls-private-key-file="+tlsFile("serving-kube-apiserver.key"),
		"--kubelet-certificate-authority="+tlsFile("server-ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate="+tlsFile("client-kube-apiserver.crt"), "--kubelet-client-key="+tlsFile("client-kube-apiserver.key"),
		"--requestheader-client-ca-file="+tlsFile("request-header-ca.crt"), "--requestheader-allowed-names=system:auth-proxy",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file="+tlsFile("client-auth-proxy.crt"), "--proxy-client-key-file="+tlsFile("client-auth-proxy.key"))
	if err != nil {
		return err
	}
	const local = "https://127.0.0.1:6443"
	authority := tlsFile("server-ca.crt")
	kubeconfigs := map[string]string{
		n.kubeconfig: "client-admin",
		n.path("server/cred/supervisor.kubeconfig"): "client-supervisor",
		n.path("server/cred/controller.kubeconfig"): "client-controller",
		n.path("server/cred/scheduler.kubeconfig"):  "client-scheduler",
	}
	for path, credentials := range kubeconfigs {
		if err := writeKubeconfig(path, local, authority, tlsFile(credentials)); err != nil {
			return err
		}
	}
	// The controller manager dies when it starts before the apiserver is ready.
	if err := n.waitFor(ctx, "kube-apiserver", func() error { return ready(local, authority) }); err != nil {
		return err
	}
	controller := n.path("server/cred/controller.kubeconfig")
	err = n.children.start("kube-controller-manager", "--kubeconfig="+controller, "--authentication-kubeconfig="+controller,
		"--authorization-kubeconfig="+controller, "--leader-elect="+several, "--use-service-account-credentials=true",
		"--bind-address=127.0.0.1", "--service-account-private-key-file="+tlsFile("service.key"), "--root-ca-file="+authority,
		"--cluster-cidr=10.42.0.0/16", "--allocate-node-cidrs=false")
	if err != nil {
		return err
	}
	cluster, err := clusterFrom(n.path("server/cred/supervisor.kubeconfig"))
	if err != nil {
		return err
	}
	if n.release.isInstalled() {
		if err := n.keepToken(ctx, cluster); err != nil {
			return err
		}
	}
	if err := cluster.createDefinitions(ctx); err != nil {
		return err
	}
	manifests := n.path("server/manifests")
	if err := n.stage(manifests); err != nil {
		return err
	}
	go newDeployer(cluster, manifests, n.disable).run(ctx)
	embedded := n.hasEmbeddedEtcd()
	go cluster.keepNodes(ctx, n.nodeName, embedded)
	if embedded {
		go n.keepVoter(ctx, cluster)
	}
	if n.Helm && !n.disableHelm {
		go cluster.keepCharts(ctx, n.stockImage(n.helmImage, n.release.helmImage))
	}
	go n.startScheduler(ctx, cluster, several)
	return nil
}

// startDatastore returns the address of this server's etcd, and whether there may be several servers.
func (n *node) startDatastore(ctx context.Context) (address, several string, err error) {
	switch {
	case n.datastore != "":
		return n.datastore, "true", nil
	case n.hasEmbeddedEtcd():
		return localEtcd, "true", n.startEmbeddedEtcd(ctx)
	case n.release.isInstalled():
		return localEtcd, "false", n.startSQLite()
	}
	return localEtcd, "false", n.children.start("etcd", "--data-dir="+n.path("server/db/etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+localEtcd, "--advertise-client-urls="+localEtcd, "--listen-peer-urls=http://127.0.0.1:2380")
}

// startScheduler waits, on a cluster without nodes, until every board of the lab is Ready: a pod would otherwise always
// land on the board that was first.
func (n *node) startScheduler(ctx context.Context, cluster *cluster, several string) {
	deadline := time.Now().Add(60 * time.Second)
	_, known, err := cluster.countNodes(ctx)
	for err == nil && known < n.Boards && ctx.Err() == nil && time.Now().Before(deadline) {
		if ready, _, err := cluster.countNodes(ctx); err == nil && ready >= n.Boards {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	scheduler := n.path("server/cred/scheduler.kubeconfig")
	err = n.children.start("kube-scheduler", "--kubeconfig="+scheduler, "--authentication-kubeconfig="+scheduler,
		"--authorization-kubeconfig="+scheduler, "--leader-elect="+several, "--bind-address=127.0.0.1")
	if err != nil {
		logrus.Error(err)
	}
}

// ready asks an apiserver whether it is ready.
func ready(server, authorityFile string) error {
	authority, err := os.ReadFile(authorityFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: 3 * time.Second}
	response, err := client.Get(server + "/readyz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}
