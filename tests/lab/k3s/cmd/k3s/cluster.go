// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is the API server with all the clients that the controllers here use.
type cluster struct {
	config    *rest.Config
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterface
}

func newCluster(config *rest.Config) (*cluster, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &cluster{config: config, client: client, dynamic: dynamicClient, discovery: client.Discovery()}, nil
}

// clusterFrom connects by a kubeconfig.
func clusterFrom(kubeconfig string) (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 100, 200
	return newCluster(config)
}

// definitions are the custom resources that k3s brings, as far as packaged manifests and users' files need them.
var definitions = []struct{ group, kind, plural, singular string }{
	{"k3s.cattle.io", "Addon", "addons", "addon"},
	{"helm.cattle.io", "HelmChart", "helmcharts", "helmchart"},
	{"helm.cattle.io", "HelmChartConfig", "helmchartconfigs", "helmchartconfig"},
}

// createDefinitions creates the custom resource definitions and waits until the API serves them.
func (c *cluster) createDefinitions(ctx context.Context) error {
	client, err := extensions.NewForConfig(c.config)
	if err != nil {
		return err
	}
	keep := true
	for _, d := range definitions {
		definition := &extensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: d.plural + "." + d.group},
			Spec: extensionsv1.CustomResourceDefinitionSpec{
				Group: d.group,
				Names: extensionsv1.CustomResourceDefinitionNames{Kind: d.kind, ListKind: d.kind + "List", Plural: d.plural, Singular: d.singular},
				Scope: extensionsv1.NamespaceScoped,
				Versions: []extensionsv1.CustomResourceDefinitionVersion{{
					Name: "v1", Served: true, Storage: true,
					Schema: &extensionsv1.CustomResourceValidation{OpenAPIV3Schema: &extensionsv1.JSONSchemaProps{
						Type: "object", XPreserveUnknownFields: &keep,
					}},
				}},
			},
		}
		_, err := client.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, definition, metav1.CreateOptions{})
		if err != nil && !errors.IsAlreadyExists(err) {
			return err
		}
	}
	for _, d := range definitions {
		resource := schema.GroupVersionResource{Group: d.group, Version: "v1", Resource: d.plural}
		for {
			_, err := c.dynamic.Resource(resource).Namespace(systemNamespace).List(ctx, metav1.ListOptions{Limit: 1})
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}

func (c *cluster) countNodes(ctx context.Context) (ready, known int, err error) {
	nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, 0, err
	}
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	return ready, len(nodes.Items), nil
}

// keepNodes labels the server's node and keeps the names of all nodes in CoreDNS's ConfigMap, whose volume asks for that key.
func (c *cluster) keepNodes(ctx context.Context, serverName string, embedded bool) {
	known := map[string]bool{}
	for ctx.Err() == nil {
		if err := c.noteNodes(ctx, serverName, known, embedded); err != nil && !errors.IsNotFound(err) {
			logrus.Warnf("Keeping the nodes' names: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

func (c *cluster) noteNodes(ctx context.Context, serverName string, known map[string]bool, embedded bool) error {
	nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if err := c.forgetNodes(ctx, nodes.Items, known, embedded); err != nil {
		return err
	}
	var hosts strings.Builder
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				fmt.Fprintf(&hosts, "%s %s\n", address.Address, node.Name)
			}
		}
		if _, labelled := node.Labels["node-role.kubernetes.io/control-plane"]; node.Name == serverName && !labelled {
			patch := []byte(`{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true","node-role.kubernetes.io/master":"true"}}}`)
			if _, err := c.client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				return err
			}
		}
	}
	configMap, err := c.client.CoreV1().ConfigMaps(systemNamespace).Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil || configMap.Data["NodeHosts"] == hosts.String() {
		return err
	}
	if configMap.Data == nil {
		configMap.Data = map[string]string{}
	}
	configMap.Data["NodeHosts"] = hosts.String()
	_, err = c.client.CoreV1().ConfigMaps(systemNamespace).Update(ctx, configMap, metav1.UpdateOptions{})
	return err
}

// forgetNodes forgets the passwords of nodes that were there before and are not any more, and with embedded etcd their members.
func (c *cluster) forgetNodes(ctx context.Context, nodes []corev1.Node, known map[string]bool, embedded bool) error {
	present := map[string]bool{}
	for _, node := range nodes {
		present[node.Name], known[node.Name] = true, true
	}
	for name := range known {
		if present[name] {
			continue
		}
		if err := c.forgetPassword(ctx, name); err != nil {
			return err
		}
		if embedded {
			if err := removeMember(ctx, name); err != nil {
				return err
			}
		}
		delete(known, name)
	}
	return nil
}

// parseKind reads "apps/v1, Kind=Deployment".
func parseKind(text string) (schema.GroupVersionKind, error) {
	versionText, kind, found := strings.Cut(text, ", Kind=")
	if !found {
		return schema.GroupVersionKind{}, fmt.Errorf("%q is not a kind", text)
	}
	version, err := schema.ParseGroupVersion(versionText)
	return version.WithKind(kind), err
}
