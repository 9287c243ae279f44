// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	balancerAddress = "127.0.0.1:6444"
	dialTimeout     = 2 * time.Second
)

// balancer is what an agent reaches its servers through: the one that it was given, then those that it has heard of.
type balancer struct {
	mutex   sync.Mutex
	file    string
	Server  string   `json:"ServerURL"`
	Servers []string `json:"ServerAddresses"`
}

// startBalancer listens, and returns the address that stands for all servers.
func (n *node) startBalancer(ctx context.Context) (*balancer, error) {
	server, err := url.Parse(n.server)
	if err != nil || server.Host == "" {
		return nil, fmt.Errorf("--server is required, and must be an address: %q", n.server)
	}
	b := &balancer{file: n.path("agent/etc/k3s-agent-load-balancer.json")}
	if content, err := os.ReadFile(b.file); err == nil {
		// What it remembers of another server is of no use.
		if json.Unmarshal(content, b) != nil || b.Server != n.server {
			b.Servers = nil
		}
	}
	b.Server = n.server
	if !slices.Contains(b.Servers, server.Host) {
		b.Servers = append([]string{server.Host}, b.Servers...)
	}
	listener, err := net.Listen("tcp", balancerAddress)
	if err != nil {
		return nil, err
	}
	logrus.Infof("Running load balancer k3s-agent-load-balancer %s -> %v", balancerAddress, b.Servers)
	go func() {
		<-ctx.Done()
		listener.Close()
	}()
	go b.accept(listener)
	return b, nil
}

func (b *balancer) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go b.forward(connection)
	}
}

func (b *balancer) forward(connection net.Conn) {
	defer connection.Close()
	b.mutex.Lock()
	servers := slices.Clone(b.Servers)
	b.mutex.Unlock()
	// As k3s does: the one that it was given is the last resort, or a wrong address in the API would shut out the agent
	// for good.
	if given, err := url.Parse(b.Server); err == nil && !slices.Contains(servers, given.Host) {
		servers = append(servers, given.Host)
	}
	for _, server := range servers {
		target, err := net.DialTimeout("tcp", server, dialTimeout)
		if err != nil {
			continue
		}
		defer target.Close()
		ended := make(chan struct{}, 2)
		for _, pair := range [][2]net.Conn{{target, connection}, {connection, target}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				ended <- struct{}{}
			}()
		}
		<-ended
		return
	}
}

// follow keeps the list of servers as the API has it, here and on the disk.
func (b *balancer) follow(ctx context.Context, cluster *cluster) {
	for ctx.Err() == nil {
		endpoints, err := cluster.client.DiscoveryV1().EndpointSlices("default").Get(ctx, "kubernetes", metav1.GetOptions{})
		if err == nil {
			var servers []string
			for _, endpoint := range endpoints.Endpoints {
				for _, address := range endpoint.Addresses {
					servers = append(servers, net.JoinHostPort(address, "6443"))
				}
			}
			if err := b.take(servers); err != nil {
				logrus.Warnf("Servers of the load balancer: %v", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

func (b *balancer) take(servers []string) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(servers) == 0 || slices.Equal(servers, b.Servers) {
		return nil
	}
	logrus.Infof("Updated load balancer k3s-agent-load-balancer server addresses -> %v", servers)
	b.Servers = servers
	content, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(b.file, content)
}
