// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// member is one member of an etcd, as its JSON gateway shows it.
type member struct {
	ID        string   `json:"ID"`
	Name      string   `json:"name"`
	PeerURLs  []string `json:"peerURLs"`
	IsLearner bool     `json:"isLearner"`
}

func (m member) hasPeer(address string) bool {
	return slices.Contains(m.PeerURLs, address)
}

func etcdMembers(ctx context.Context, address string) ([]member, error) {
	var answer struct{ Members []member }
	err := askEtcd(ctx, address, "cluster/member/list", map[string]any{}, &answer)
	return answer.Members, err
}

// askEtcd calls etcd's JSON gateway; the answer is read into a value where one is given.
func askEtcd(ctx context.Context, address, method string, request, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	response, err := postEtcd(ctx, address, method, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func postEtcd(ctx context.Context, address, method string, request any) (*http.Response, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/v3/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(post)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return nil, fmt.Errorf("etcd: %s: %s", response.Status, strings.TrimSpace(string(said)))
	}
	return response, nil
}

// removeMember takes a server that has gone out of etcd.
func removeMember(ctx context.Context, node string) error {
	members, err := etcdMembers(ctx, localEtcd)
	if err != nil {
		return err
	}
	for _, m := range members {
		if i := strings.LastIndex(m.Name, "-"); i < 0 || m.Name[:i] != node {
			continue
		}
		if err := askEtcd(ctx, localEtcd, "cluster/member/remove", map[string]any{"ID": m.ID}, nil); err != nil {
			return err
		}
	}
	return nil
}
