// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command k3s is the lab's stand-in for k3s. It starts the real containerd, kubelet and control plane as child processes and
// keeps these facts of k3s (each was read in its source or measured on a running server):
//
//	multicall      `k3s crictl|ctr|kubectl`, also by the name of a link; the socket, namespace, crictl.yaml and kubeconfig it
//	               sets for them; `k3s --version` in two lines
//	configuration  config.yaml and config.yaml.d/*.yaml; unknown keys only warn; pause-image, disable, data-dir,
//	               system-default-registry, node-name, node-ip, server, token, kubelet-arg
//	registries     registries.yaml is read once, at start, and written as certs.d/HOST/hosts.toml and, for logins, into
//	               config.toml; an endpoint with a path gets override_path; a plain-http registry must stand under its own name
//	containerd     config.toml of version 2 for containerd 1, of version 3 for containerd 2; the pause image stands there
//	archives       every archive in agent/images is imported at start, all platforms, with both pin labels
//	restart        a stop ends k3s, kubelet and containerd, and leaves the containers running; a failure is followed by another
//	               start after 5 s, which is what k3s's systemd unit asks for
//	staging        every start writes all packaged manifests anew, 0600, whatever the files were; only disabled ones are left out
//	deploying      passes of 15 s; sorted walk with sub-folders; .yaml, .yml, .json; no dot files; a file is looked at when its
//	               mtime differs from the remembered one, applied when its sha256 differs from its Addon's; every file is
//	               applied by force from the start until one pass had no error
//	skipping       FILE.skip, by file name whatever its folder; it deletes nothing
//	disabling      deletes the objects, the file and the Addon
//	Addons         named by the file's name up to the first dot, in kube-system, with spec.source and spec.checksum; the
//	               checksum is written only after a success; the kinds that were applied stand in an annotation
//	applying       by the library that k3s uses: three-way merge, pruning by owner, take-over of existing objects,
//	               and Invalid for a second Service with an allocated clusterIP
//	events         ApplyingManifest, AppliedManifest and the failures, from the component "deploy"
//	CoreDNS        the nodes' names are kept in the key NodeHosts of its ConfigMap
//	upgrade        another version has other packaged manifests and another pause image
//
// It does not: hand out certificates (the lab makes them), run flannel (each board has a bridge and static routes), the
// helm controller (HelmChart objects just stand), servicelb, the embedded registry, or rewrite rules of registries.yaml.
// Kubernetes is one release for both versions, and etcd takes the place of sqlite.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sirupsen/logrus"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if _, known := tools[name]; !known {
		if len(args) == 0 {
			name = "help"
		} else {
			name, args = args[0], args[1:]
		}
	}
	if err := run(name, args); err != nil {
		logrus.Fatal(err)
	}
}

func run(command string, args []string) error {
	if tool, known := tools[command]; known {
		return tool(args)
	}
	switch command {
	case "--version", "-v":
		release, err := installedRelease()
		if err != nil {
			return err
		}
		fmt.Printf("k3s version %s (lab stand-in)\ngo version %s\n", release.version, runtime.Version())
		return nil
	case "server", "agent":
		return keepRunning(command == "server", args)
	case "help", "--help", "-h":
		fmt.Println("usage: k3s server|agent [--config FILE] [--data-dir FOLDER] [--KEY VALUE ...]\n       k3s crictl|ctr|kubectl ARGUMENTS\n       k3s --version")
		return nil
	}
	return fmt.Errorf("No help topic for '%s'", command)
}
