// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
)

const (
	systemNamespace = "kube-system"
	kindsAnnotation = "addon.k3s.cattle.io/gvks"
)

var addonResource = schema.GroupVersionResource{Group: "k3s.cattle.io", Version: "v1", Resource: "addons"}

// addon reads an Addon, or makes one that is not yet in the cluster (its uid is empty).
func (c *cluster) addon(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	addon, err := c.dynamic.Resource(addonResource).Namespace(systemNamespace).Get(ctx, name, metav1.GetOptions{})
	if errors.IsNotFound(err) {
		addon = &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
		addon.SetAPIVersion("k3s.cattle.io/v1")
		addon.SetKind("Addon")
		addon.SetNamespace(systemNamespace)
		addon.SetName(name)
		return addon, nil
	}
	return addon, err
}

func (c *cluster) createAddon(ctx context.Context, addon *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.dynamic.Resource(addonResource).Namespace(systemNamespace).Create(ctx, addon, metav1.CreateOptions{})
}

// updateAddon notes what was applied: from where, with which checksum, and which kinds.
func (c *cluster) updateAddon(ctx context.Context, addon *unstructured.Unstructured, source, checksum string, kinds []schema.GroupVersionKind) error {
	texts := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		texts = append(texts, kind.GroupVersion().String()+", Kind="+kind.Kind)
	}
	list, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := c.addon(ctx, addon.GetName())
		if err != nil {
			return err
		}
		annotations := current.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[kindsAnnotation] = string(list)
		current.SetAnnotations(annotations)
		current.Object["spec"] = map[string]any{"source": source, "checksum": checksum}
		_, err = c.dynamic.Resource(addonResource).Namespace(systemNamespace).Update(ctx, current, metav1.UpdateOptions{})
		return err
	})
}

func (c *cluster) deleteAddon(ctx context.Context, addon *unstructured.Unstructured) error {
	return c.dynamic.Resource(addonResource).Namespace(systemNamespace).Delete(ctx, addon.GetName(), metav1.DeleteOptions{})
}

// addonKinds is the list of kinds that updateAddon noted last.
func addonKinds(addon *unstructured.Unstructured) ([]schema.GroupVersionKind, error) {
	text := addon.GetAnnotations()[kindsAnnotation]
	if text == "" {
		return nil, nil
	}
	var texts []string
	if err := json.Unmarshal([]byte(text), &texts); err != nil {
		return nil, err
	}
	kinds := make([]schema.GroupVersionKind, 0, len(texts))
	for _, one := range texts {
		kind, err := parseKind(one)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}
