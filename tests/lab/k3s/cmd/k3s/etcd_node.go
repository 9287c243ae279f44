// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const voterCondition = corev1.NodeConditionType("EtcdIsVoter")

// keepVoter shows on this server's node that it is a member of etcd: the role, k3s's annotations and the condition EtcdIsVoter.
func (n *node) keepVoter(ctx context.Context, cluster *cluster) {
	name, err := n.etcdName()
	if err != nil {
		logrus.Error(err)
		return
	}
	for ctx.Err() == nil {
		if err := n.noteVoter(ctx, cluster, name); err != nil {
			logrus.Debugf("Condition %s: %v", voterCondition, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

func (n *node) noteVoter(ctx context.Context, cluster *cluster, name string) error {
	nodes := cluster.client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, n.nodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if node.Annotations["etcd.k3s.cattle.io/node-name"] != name {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"labels":      map[string]string{"node-role.kubernetes.io/etcd": "true"},
			"annotations": map[string]string{"etcd.k3s.cattle.io/node-name": name, "etcd.k3s.cattle.io/node-address": n.nodeIP},
		}})
		if err != nil {
			return err
		}
		if _, err := nodes.Patch(ctx, n.nodeName, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	status, reason, message := n.voter(ctx, name)
	for _, condition := range node.Status.Conditions {
		if condition.Type == voterCondition && condition.Status == status && condition.Reason == reason {
			return nil
		}
	}
	now := metav1.Now()
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{
		Type: voterCondition, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now,
	}}}})
	if err != nil {
		return err
	}
	_, err = nodes.Patch(ctx, n.nodeName, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func (n *node) voter(ctx context.Context, name string) (corev1.ConditionStatus, string, string) {
	members, err := etcdMembers(ctx, localEtcd)
	if err != nil {
		return corev1.ConditionUnknown, "StatusUnknown", err.Error()
	}
	for _, m := range members {
		switch {
		case m.Name != name:
		case m.IsLearner:
			return corev1.ConditionFalse, "MemberIsLearner", "Node has not been promoted to voting member of the etcd cluster"
		default:
			return corev1.ConditionTrue, "MemberNotLearner", "Node is a voting member of the etcd cluster"
		}
	}
	return corev1.ConditionFalse, "NotAMember", "Node is not a member of the etcd cluster"
}
