// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const (
	chartFinalizer      = "wrangler.cattle.io/on-helm-chart-remove"
	unmanagedAnnotation = "helmcharts.helm.cattle.io/unmanaged"
)

var (
	chartResource       = schema.GroupVersionResource{Group: "helm.cattle.io", Version: "v1", Resource: "helmcharts"}
	chartConfigResource = schema.GroupVersionResource{Group: "helm.cattle.io", Version: "v1", Resource: "helmchartconfigs"}
)

// chart is a HelmChart as far as its job depends on it.
type chart struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Chart           string         `json:"chart"`
		ChartContent    string         `json:"chartContent"`
		JobImage        string         `json:"jobImage"`
		TargetNamespace string         `json:"targetNamespace"`
		CreateNamespace bool           `json:"createNamespace"`
		Version         string         `json:"version"`
		Repo            string         `json:"repo"`
		Set             map[string]any `json:"set"`
		ValuesContent   string         `json:"valuesContent"`
		FailurePolicy   string         `json:"failurePolicy"`
		BackOffLimit    *int32         `json:"backOffLimit"`
	} `json:"spec"`
	Status struct {
		JobName string `json:"jobName"`
	} `json:"status"`
}

// keepCharts is the helm controller: for each HelmChart it makes a Job that installs the chart, and one that takes it back when the
// HelmChart is deleted. In the lab the job's program installs nothing; its pod is what matters here.
func (c *cluster) keepCharts(ctx context.Context, image string) {
	for ctx.Err() == nil {
		if err := c.passCharts(ctx, image); err != nil && ctx.Err() == nil {
			logrus.Warnf("Helm charts: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

func (c *cluster) passCharts(ctx context.Context, image string) error {
	charts, err := c.dynamic.Resource(chartResource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var failures []error
	for _, item := range charts.Items {
		var one chart
		if err := convert(&item, &one); err != nil {
			failures = append(failures, err)
		} else if err := c.keepChart(ctx, one, image); err != nil {
			failures = append(failures, fmt.Errorf("%s/%s: %w", item.GetNamespace(), item.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

func (c *cluster) keepChart(ctx context.Context, one chart, image string) error {
	_, unmanaged := one.Metadata.Annotations[unmanagedAnnotation]
	isOurs := slices.Contains(one.Metadata.Finalizers, chartFinalizer)
	deleted := one.Metadata.DeletionTimestamp != nil
	switch {
	case unmanaged, one.Spec.Chart == "" && one.Spec.ChartContent == "", deleted && !isOurs:
		return nil
	case !isOurs:
		return c.patchChart(ctx, one, map[string]any{"metadata": map[string]any{
			"finalizers":  append(one.Metadata.Finalizers, chartFinalizer),
			"annotations": map[string]any{"helmcharts.cattle.io/managed-by": "helm-controller"},
		}})
	}
	if err := c.mergeChartConfig(ctx, &one); err != nil {
		return err
	}
	job := one.job(image)
	if err := c.createAround(ctx, one, job); err != nil {
		return err
	}
	current, err := c.keepJob(ctx, job)
	if err != nil || current == nil {
		return err
	}
	if err := c.deleteOtherJob(ctx, one); err != nil {
		return err
	}
	if deleted && current.Status.Succeeded > 0 {
		return c.forgetChart(ctx, one)
	}
	if one.Status.JobName != job.Name {
		return c.patchChart(ctx, one, map[string]any{"status": map[string]any{"jobName": job.Name}})
	}
	return nil
}

// mergeChartConfig adds the values of the HelmChartConfig of the same name.
func (c *cluster) mergeChartConfig(ctx context.Context, one *chart) error {
	found, err := c.dynamic.Resource(chartConfigResource).Namespace(one.Metadata.Namespace).Get(ctx, one.Metadata.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var config chart
	if err := convert(found, &config); err != nil {
		return err
	}
	one.Spec.ValuesContent += "\n---\n" + config.Spec.ValuesContent
	if config.Spec.FailurePolicy != "" {
		one.Spec.FailurePolicy = config.Spec.FailurePolicy
	}
	return nil
}

// keepJob creates a job, or one anew when what is asked of it has changed: a job cannot be changed. A finished one stays.
func (c *cluster) keepJob(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	jobs := c.client.BatchV1().Jobs(job.Namespace)
	current, err := jobs.Get(ctx, job.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return jobs.Create(ctx, job, metav1.CreateOptions{})
	}
	if err != nil || current.DeletionTimestamp != nil {
		return nil, err
	}
	if current.Annotations[desiredAnnotation] != job.Annotations[desiredAnnotation] {
		foreground := metav1.DeletePropagationForeground
		return nil, jobs.Delete(ctx, job.Name, metav1.DeleteOptions{PropagationPolicy: &foreground})
	}
	return current, nil
}

// createAround creates what the job's pod needs; values are the job's only part that can change, and they have a name of their own.
func (c *cluster) createAround(ctx context.Context, one chart, job *batchv1.Job) error {
	core := c.client.CoreV1()
	_, err := core.ServiceAccounts(job.Namespace).Create(ctx, one.serviceAccount(), metav1.CreateOptions{})
	if err == nil || apierrors.IsAlreadyExists(err) {
		_, err = c.client.RbacV1().ClusterRoleBindings().Create(ctx, one.roleBinding(), metav1.CreateOptions{})
	}
	if err == nil || apierrors.IsAlreadyExists(err) {
		_, err = core.ConfigMaps(job.Namespace).Create(ctx, one.content(), metav1.CreateOptions{})
	}
	if err == nil || apierrors.IsAlreadyExists(err) {
		_, err = core.Secrets(job.Namespace).Create(ctx, one.values(), metav1.CreateOptions{})
	}
	if apierrors.IsAlreadyExists(err) {
		_, err = core.Secrets(job.Namespace).Update(ctx, one.values(), metav1.UpdateOptions{})
	}
	return err
}

// deleteOtherJob deletes the job of the chart's other action: there is one of both at a time.
func (c *cluster) deleteOtherJob(ctx context.Context, one chart) error {
	other := "helm-delete-" + one.Metadata.Name
	if one.Metadata.DeletionTimestamp != nil {
		other = "helm-install-" + one.Metadata.Name
	}
	background := metav1.DeletePropagationBackground
	err := c.client.BatchV1().Jobs(one.Metadata.Namespace).Delete(ctx, other, metav1.DeleteOptions{PropagationPolicy: &background})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// forgetChart lets a deleted HelmChart go. Its last job stays, with its finished pod.
func (c *cluster) forgetChart(ctx context.Context, one chart) error {
	kept := slices.DeleteFunc(one.Metadata.Finalizers, func(name string) bool { return name == chartFinalizer })
	return c.patchChart(ctx, one, map[string]any{"metadata": map[string]any{"finalizers": kept}})
}

func (c *cluster) patchChart(ctx context.Context, one chart, patch map[string]any) error {
	content, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(chartResource).Namespace(one.Metadata.Namespace).Patch(ctx, one.Metadata.Name, types.MergePatchType, content,
		metav1.PatchOptions{})
	return err
}

func convert(from *unstructured.Unstructured, to any) error {
	content, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, to)
}
