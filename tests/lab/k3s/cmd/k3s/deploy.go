// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rancher/wrangler/v3/pkg/apply"
	"github.com/rancher/wrangler/v3/pkg/objectset"
	"github.com/rancher/wrangler/v3/pkg/yaml"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

const passInterval = 15 * time.Second

// deployer is the deploy controller: it keeps the cluster as the files of the manifests folder say.
type deployer struct {
	cluster  *cluster
	folder   string
	disable  []string
	apply    apply.Apply
	recorder record.EventRecorder
	// modified remembers, for this run only, the time stamp of each file that was dealt with.
	modified map[string]time.Time
}

func newDeployer(c *cluster, folder string, disable []string) *deployer {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: c.client.CoreV1().Events(systemNamespace)})
	return &deployer{
		cluster:  c,
		folder:   folder,
		disable:  disable,
		apply:    apply.New(c.discovery, apply.NewClientFactory(c.config)).WithDynamicLookup(),
		recorder: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "deploy"}),
		modified: map[string]time.Time{},
	}
}

// run makes passes until the context ends. From the start until a pass without any error, every file is applied, changed or not.
func (d *deployer) run(ctx context.Context) {
	force := true
	for ctx.Err() == nil {
		if err := d.pass(ctx, force); err != nil {
			logrus.Errorf("Failed to process config: %v", err)
		} else {
			force = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(passInterval):
		}
	}
}

func (d *deployer) pass(ctx context.Context, force bool) error {
	files, err := findManifests(d.folder, d.disable)
	if err != nil {
		return err
	}
	var failures []error
	for _, file := range files {
		switch {
		case file.disabled:
			err = d.remove(ctx, file.path)
		case file.skipped, !force && file.modified.Equal(d.modified[file.path]):
			continue
		default:
			err = d.deploy(ctx, file.path, force)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("failed to process %s: %w", file.path, err))
			continue
		}
		d.modified[file.path] = file.modified
	}
	return errors.Join(failures...)
}

// deploy applies one file, unless its Addon says that this very text was applied (force: applies it all the same).
func (d *deployer) deploy(ctx context.Context, path string, force bool) error {
	addon, err := d.cluster.addon(ctx, addonName(path))
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		d.warn(addon, "ReadManifestFailed", "Read manifest at %q failed: %v", path, err)
		return err
	}
	sum := sha256.Sum256(content)
	checksum := hex.EncodeToString(sum[:])
	if applied, _, _ := unstructured.NestedString(addon.Object, "spec", "checksum"); !force && applied == checksum {
		logrus.Debugf("Skipping existing deployment of %s, its checksum has not changed", path)
		return nil
	}
	// The Addon must exist before it can own anything or have events. It gets its checksum only after a success.
	if addon.GetUID() == "" {
		if addon, err = d.cluster.createAddon(ctx, addon); err != nil {
			return err
		}
	}
	objects, err := parseObjects(content)
	if err != nil {
		d.warn(addon, "ParseManifestFailed", "Parse manifest at %q failed: %v", path, err)
		return err
	}
	d.recorder.Eventf(addon, corev1.EventTypeNormal, "ApplyingManifest", "Applying manifest at %q", path)
	kinds := objects.GVKs()
	previous, err := addonKinds(addon)
	if err != nil {
		return err
	}
	// Kinds that an earlier text had must be looked through too, or their objects would never be pruned.
	if err := d.apply.WithContext(ctx).WithOwner(addon).WithGVK(append(previous, kinds...)...).Apply(objects); err != nil {
		d.warn(addon, "ApplyManifestFailed", "Applying manifest at %q failed: %v", path, err)
		return err
	}
	d.recorder.Eventf(addon, corev1.EventTypeNormal, "AppliedManifest", "Applied manifest at %q", path)
	return d.cluster.updateAddon(ctx, addon, path, checksum, kinds)
}

// remove deletes what a disabled file brought: objects, file and Addon.
func (d *deployer) remove(ctx context.Context, path string) error {
	addon, err := d.cluster.addon(ctx, addonName(path))
	if err != nil {
		return err
	}
	if addon.GetUID() != "" {
		d.recorder.Eventf(addon, corev1.EventTypeNormal, "DeletingManifest", "Deleting manifest at %q", path)
		previous, err := addonKinds(addon)
		if err != nil {
			return err
		}
		if err := d.apply.WithContext(ctx).WithOwner(addon).WithGVK(previous...).Apply(objectset.NewObjectSet()); err != nil {
			return err
		}
		if err := d.cluster.deleteAddon(ctx, addon); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

func (d *deployer) warn(addon *unstructured.Unstructured, reason, format string, args ...any) {
	if addon.GetUID() != "" {
		d.recorder.Eventf(addon, corev1.EventTypeWarning, reason, format, args...)
	}
}

func parseObjects(content []byte) (*objectset.ObjectSet, error) {
	objects, err := yaml.ToObjects(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	set := objectset.NewObjectSet(objects...)
	return set, set.Err()
}
