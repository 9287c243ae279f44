// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	localEtcd   = "http://127.0.0.1:2379"
	etcdMetrics = "http://127.0.0.1:2381"
)

// hasEmbeddedEtcd says whether this server is, or becomes, a member of the cluster's own etcd: it was told to begin one, joins one,
// or has been in one before.
func (n *node) hasEmbeddedEtcd() bool {
	if !n.release.isInstalled() || n.datastore != "" {
		return false
	}
	_, err := os.Stat(n.etcdPath("member"))
	return n.clusterInit || n.server != "" || err == nil
}

func (n *node) etcdPath(parts ...string) string {
	return n.path(append([]string{"server/db/etcd"}, parts...)...)
}

func peerURL(address string) string {
	return "http://" + address + ":2380"
}

// etcdName is what this member is called, for as long as its data lives: k3s takes the node's name and a few random digits.
func (n *node) etcdName() (string, error) {
	file := n.etcdPath("name")
	if content, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	name := n.nodeName + "-" + hex.EncodeToString(random)
	return name, writeFile(file, []byte(name))
}

// startEmbeddedEtcd starts this server's member: the first of a new cluster, a further one, or one that has been there before.
func (n *node) startEmbeddedEtcd(ctx context.Context) error {
	if err := n.leaveSQLite(); err != nil {
		return err
	}
	name, err := n.etcdName()
	if err != nil {
		return err
	}
	state, peers := "new", name+"="+peerURL(n.nodeIP)
	_, err = os.Stat(n.etcdPath("member"))
	joining := err != nil && n.server != ""
	if joining {
		state = "existing"
		if peers, err = n.joinEtcd(ctx, name); err != nil {
			return err
		}
	}
	if err := n.startEtcd(name, n.etcdPath(), state, peers); err != nil {
		return err
	}
	return n.waitFor(ctx, "promotion in etcd", func() error { return n.promote(ctx, name) })
}

// startEtcd starts the program etcd, as a member with that name and that data.
func (n *node) startEtcd(name, folder, state, peers string) error {
	clients := localEtcd
	if state != "" {
		clients += ",http://" + n.nodeIP + ":2379"
	}
	args := []string{"--data-dir=" + folder, "--unsafe-no-fsync", "--log-level=warn", "--name=" + name,
		"--listen-client-urls=" + clients, "--advertise-client-urls=" + clients, "--listen-peer-urls=" + peerURL(n.nodeIP),
		"--initial-advertise-peer-urls=" + peerURL(n.nodeIP), "--listen-metrics-urls=" + etcdMetrics, "--initial-cluster=" + peers}
	if state != "" {
		args = append(args, "--initial-cluster-state="+state)
	}
	return n.children.start("etcd", args...)
}

// joinEtcd asks the server that this one joins to take it in, and returns all members with their addresses. The token comes first.
func (n *node) joinEtcd(ctx context.Context, name string) (string, error) {
	server, err := url.Parse(n.server)
	if err != nil || server.Hostname() == "" {
		return "", fmt.Errorf("Invalid server url, failed to parse: %s", n.server)
	}
	authority := n.path("server/tls/server-ca.crt")
	if err := ready(n.server, authority); err != nil {
		return "", fmt.Errorf("starting kubernetes: preparing server: failed to get CA certs: %w", err)
	}
	kubeconfig := n.path("server/cred/join.kubeconfig")
	if err := writeKubeconfig(kubeconfig, n.server, authority, n.path("server/tls/client-supervisor")); err != nil {
		return "", err
	}
	cluster, err := clusterFrom(kubeconfig)
	if err != nil {
		return "", err
	}
	if err := n.checkToken(ctx, cluster); errors.Is(err, errToken) {
		return "", errJoinToken
	} else if err != nil {
		return "", err
	}
	other := "http://" + server.Hostname() + ":2379"
	members, err := etcdMembers(ctx, other)
	if err != nil {
		return "", fmt.Errorf("starting kubernetes: preparing server: etcd cluster join failed: %w", err)
	}
	own, peers := false, []string{name + "=" + peerURL(n.nodeIP)}
	for _, m := range members {
		switch {
		case m.hasPeer(peerURL(n.nodeIP)) && m.Name == "":
			own = true // an attempt to join that did not come to its end
		case m.hasPeer(peerURL(n.nodeIP)) || strings.HasPrefix(m.Name, n.nodeName+"-"):
			return "", errors.New("etcd cluster join failed: duplicate node name found, please use a unique name for this node")
		default:
			peers = append(peers, m.Name+"="+m.PeerURLs[0])
		}
	}
	if !own {
		logrus.Infof("Adding member %s=%s to etcd cluster %v", name, peerURL(n.nodeIP), peers[1:])
		request := map[string]any{"peerURLs": []string{peerURL(n.nodeIP)}, "isLearner": true}
		if err := askEtcd(ctx, other, "cluster/member/add", request, nil); err != nil {
			return "", fmt.Errorf("etcd cluster join failed: %w", err)
		}
	}
	return strings.Join(peers, ","), nil
}

// promote makes this member a voting one, as the other servers of k3s do once a learner has caught up.
func (n *node) promote(ctx context.Context, name string) error {
	members, err := etcdMembers(ctx, localEtcd)
	if err != nil && n.server != "" {
		// A learner does not answer such questions itself.
		if server, failed := url.Parse(n.server); failed == nil {
			members, err = etcdMembers(ctx, "http://"+server.Hostname()+":2379")
		}
	}
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Name != name {
			continue
		}
		if !m.IsLearner {
			return health(ctx)
		}
		server, err := url.Parse(n.server)
		if err != nil {
			return err
		}
		err = askEtcd(ctx, "http://"+server.Hostname()+":2379", "cluster/member/promote", map[string]any{"ID": m.ID}, nil)
		if err != nil {
			return err
		}
		return errors.New("just promoted")
	}
	return fmt.Errorf("%s is no member of the etcd cluster", name)
}

// health is what etcd says of itself and of its majority.
func health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, etcdMetrics+"/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/health answers %s", response.Status)
	}
	return nil
}

// A single server has its data in SQLite: state.db, of which the lab has only a mark, and the data beside it.
func (n *node) sqliteMark() string   { return n.path("server/db/state.db") }
func (n *node) sqliteFolder() string { return n.path("server/db/state.db-lab") }

func (n *node) startSQLite() error {
	if err := writeFile(n.sqliteMark(), []byte("The lab keeps this server's data in the folder beside it.\n")); err != nil {
		return err
	}
	name, err := n.etcdName()
	if err != nil {
		return err
	}
	return n.startEtcd(name, n.sqliteFolder(), "", name+"="+peerURL(n.nodeIP))
}

// leaveSQLite is what cluster-init does to a server that had SQLite: its data becomes that of the first member.
func (n *node) leaveSQLite() error {
	if _, err := os.Stat(n.sqliteMark()); err != nil || n.server != "" {
		return nil
	}
	logrus.Info("Migrating content from sqlite to etcd")
	if err := os.Rename(filepath.Join(n.sqliteFolder(), "member"), n.etcdPath("member")); err != nil {
		return err
	}
	return os.Rename(n.sqliteMark(), n.sqliteMark()+".migrated")
}
