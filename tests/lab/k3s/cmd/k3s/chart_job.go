// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	chartLabel      = "helmcharts.helm.cattle.io/chart"
	hashOfValues    = "helmcharts.helm.cattle.io/configHash"
	jobBackOffLimit = 1000
	// desiredAnnotation has a checksum of all that was asked of a job; what the API adds to a job is not in it.
	desiredAnnotation = "riscv.k3s/lab-desired"
)

// job is the Job that installs a chart, or takes a deleted one back, with the rights that today's helm controller leaves it.
func (h chart) job(image string) *batchv1.Job {
	action := "install"
	if h.Metadata.DeletionTimestamp != nil {
		action = "delete"
	}
	if h.Spec.JobImage != "" {
		image = h.Spec.JobImage
	}
	yes, no, limit := true, false, int32(jobBackOffLimit)
	if h.Spec.BackOffLimit != nil {
		limit = *h.Spec.BackOffLimit
	}
	sum := sha256.Sum256([]byte(h.Spec.ValuesContent + h.Spec.ChartContent))
	volumes, mounts := h.volumes()
	job := &batchv1.Job{
		ObjectMeta: h.named(fmt.Sprintf("helm-%s-%s", action, h.Metadata.Name)),
		Spec: batchv1.JobSpec{
			BackoffLimit: &limit,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      map[string]string{chartLabel: h.Metadata.Name},
					Annotations: map[string]string{hashOfValues: fmt.Sprintf("SHA256=%X", sum)},
				},
				Spec: corev1.PodSpec{
					RestartPolicy:      corev1.RestartPolicyOnFailure,
					NodeSelector:       map[string]string{corev1.LabelOSStable: "linux"},
					ServiceAccountName: "helm-" + h.Metadata.Name,
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot:   &yes,
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Volumes: volumes,
					Containers: []corev1.Container{{
						Name:            "helm",
						Image:           image,
						ImagePullPolicy: corev1.PullIfNotPresent,
						Args:            h.args(action),
						Env:             h.environment(),
						VolumeMounts:    mounts,
						SecurityContext: &corev1.SecurityContext{
							AllowPrivilegeEscalation: &no,
							ReadOnlyRootFilesystem:   &yes,
							Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
					}},
				},
			},
		},
	}
	job.Labels = map[string]string{chartLabel: h.Metadata.Name}
	// Go writes maps in the order of their keys.
	content, _ := json.Marshal(job)
	desired := sha256.Sum256(content)
	job.Annotations = map[string]string{desiredAnnotation: hex.EncodeToString(desired[:])}
	return job
}

func (h chart) named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: h.Metadata.Namespace}
}

func (h chart) args(action string) []string {
	if action == "delete" {
		return []string{action}
	}
	args := []string{action}
	if h.Spec.TargetNamespace != "" {
		args = append(args, "--namespace", h.Spec.TargetNamespace)
	}
	if h.Spec.CreateNamespace {
		args = append(args, "--create-namespace")
	}
	if h.Spec.Version != "" {
		args = append(args, "--version", h.Spec.Version)
	}
	names := make([]string, 0, len(h.Spec.Set))
	for name := range h.Spec.Set {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value, flag := fmt.Sprint(h.Spec.Set[name]), "--set-string"
		if _, isText := h.Spec.Set[name].(string); !isText || strings.Contains(" true false null ", " "+strings.ToLower(value)+" ") {
			flag = "--set"
		}
		args = append(args, flag, name+"="+value)
	}
	return args
}

func (h chart) environment() []corev1.EnvVar {
	target, policy := h.Spec.TargetNamespace, h.Spec.FailurePolicy
	if target == "" {
		target = h.Metadata.Namespace
	}
	if policy == "" {
		policy = "reinstall"
	}
	return []corev1.EnvVar{
		{Name: "NAME", Value: h.Metadata.Name}, {Name: "VERSION", Value: h.Spec.Version}, {Name: "REPO", Value: h.Spec.Repo},
		{Name: "HELM_DRIVER", Value: "secret"}, {Name: "CHART_NAMESPACE", Value: h.Metadata.Namespace},
		{Name: "CHART", Value: h.Spec.Chart}, {Name: "TARGET_NAMESPACE", Value: target}, {Name: "FAILURE_POLICY", Value: policy},
	}
}

// volumes are four folders in memory, since the root is read-only, then the values and the chart itself.
func (h chart) volumes() ([]corev1.Volume, []corev1.VolumeMount) {
	var volumes []corev1.Volume
	var mounts []corev1.VolumeMount
	for _, one := range []struct{ name, path string }{
		{"klipper-helm", "/home/klipper-helm/.helm"}, {"klipper-cache", "/home/klipper-helm/.cache"},
		{"klipper-config", "/home/klipper-helm/.config"}, {"tmp", "/tmp"}, {"values", "/config"}, {"content", "/chart"},
	} {
		volume := corev1.Volume{Name: one.name}
		switch one.name {
		case "values":
			volume.Secret = &corev1.SecretVolumeSource{SecretName: h.values().Name}
		case "content":
			volume.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: h.content().Name}}
		default:
			volume.EmptyDir = &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}
		}
		volumes = append(volumes, volume)
		mounts = append(mounts, corev1.VolumeMount{Name: one.name, MountPath: one.path})
	}
	return volumes, mounts
}

func (h chart) values() *corev1.Secret {
	data := map[string][]byte{}
	if h.Spec.ValuesContent != "" {
		data["values-01_HelmChart.yaml"] = []byte(h.Spec.ValuesContent)
	}
	return &corev1.Secret{ObjectMeta: h.named("chart-values-" + h.Metadata.Name), Type: corev1.SecretTypeOpaque, Data: data}
}

func (h chart) content() *corev1.ConfigMap {
	data := map[string]string{}
	if h.Spec.ChartContent != "" {
		data[h.Metadata.Name+".tgz.base64"] = h.Spec.ChartContent
	}
	return &corev1.ConfigMap{ObjectMeta: h.named("chart-content-" + h.Metadata.Name), Data: data}
}

func (h chart) serviceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: h.named("helm-" + h.Metadata.Name)}
}

func (h chart) roleBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("helm-%s-%s", h.Metadata.Namespace, h.Metadata.Name)},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "helm-" + h.Metadata.Name, Namespace: h.Metadata.Namespace}},
	}
}
