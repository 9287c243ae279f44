// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command k3s is the lab's stand-in for k3s. It starts the real containerd, kubelet and control plane as child processes and
// keeps these facts of k3s (each was read in its source or measured on a running server):
//
//	multicall      `k3s crictl|ctr|kubectl`, also by the name of a link; the socket, namespace, crictl.yaml and kubeconfig it
//	               sets for them; `k3s --version` in two lines
//	unpacking      the installed file only unpacks DATA_DIR/data/HASH, with a lock, and becomes the program there; `current` and
//	               `previous` link to such folders. A tool looks for it in the environment's, the flag's or the file's data folder
//	               and in the default one; where neither has it, it unpacks, even if it was only asked to look
//	configuration  config.yaml (or what --config or K3S_CONFIG_FILE names) by k3s's YAML library, its drop-ins, then the flags,
//	               then the environment; lists add up; KEY+ appends; unknown keys only warn, unknown flags end it. Of effect are
//	               data-dir, pause-image, disable, disable-helm-controller, system-default-registry, private-registry, node-name,
//	               node-ip, server, token, token-file, cluster-init, datastore-endpoint, etcd-snapshot-name, etcd-snapshot-dir,
//	               write-kubeconfig, kubelet-arg. K3S_DATA_DIR is a setting in the new version; the old one puts the folder of
//	               its programs there itself
//	annotations    k3s.io/node-args, node-env and node-config-hash on its node, with secrets masked, renewed a moment after a start
//	process        its command line is "k3s server" or "k3s agent" without flags; containerd is its child and names DATA_DIR
//	registries     registries.yaml (or what private-registry names) is read once, at start. The old version writes mirrors into
//	               config.toml, as they were given; the new one into certs.d/HOST/hosts.toml, where an endpoint with a path gets
//	               override_path. Folders without k3s's header stay, the others go when they are not named any more, and so does
//	               one that only says what is so anyway; the empty certs.d stays. Logins stand in config.toml. A plain-http
//	               registry must stand under its own name
//	token          (of a file of `lab binary`) token, token-file or K3S_TOKEN; the first server makes one where it has none, shows it
//	               as K10…::server:… in server/token, with links node-token and agent-token; a node with another one, or with the
//	               checksum of another authority, is not let in and goes on asking; a server with another one ends
//	installed      (of a file of `lab binary`) the file is its version; the unpacked k3s is a copy of it; a failure ends it, and the
//	               service manager starts it again; READY=1 to systemd; the kubelet's version is k3s's
//	datastore      (of a file of `lab binary`) a single server has server/db/state.db (a mark, its data lies beside it); with
//	               cluster-init, or where it joins by `server`, it is a member of etcd in server/db/etcd: it comes in as a learner and
//	               is promoted, its node has the role etcd and the condition EtcdIsVoter, a member goes with its node; cluster-init
//	               takes the data of state.db along. /health at 127.0.0.1:2381. `k3s etcd-snapshot save|ls|delete`
//	password       /etc/rancher/node/password, 0600, and the Secret NODE.node-password.k3s; a node with another one is refused, and
//	               has no containerd then. The Secret goes with the node
//	balancer       an agent reaches its servers through 127.0.0.1:6444, and the next one when one is dead
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
//	upgrade        another version has other packaged manifests, another pause image and another klipper-helm
//	helm           (where the lab has it on) each HelmChart leads to a Job helm-install-NAME, and helm-delete-NAME when it is
//	               deleted, with what today's k3s lets its pod do: no root, a read-only root, no capabilities, RuntimeDefault
//	               seccomp. Finished Jobs and their pods stay; changed values make the Job anew
//	servers        several servers share a datastore (datastore-endpoint), each with an API, a manifests folder and a deploy
//	               controller of its own; the scheduler and the controller manager have a leader then
//
// It does not: hand out certificates (each board has the lab's authorities), run flannel (each board has a bridge and static
// routes), servicelb, the embedded registry, or rewrite rules of registries.yaml (they are written, and upstream's containerd
// ignores them). Its helm jobs install nothing. Kubernetes is one release for both versions, and etcd takes the place of sqlite.
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
	if _, known := tools[command]; known {
		return runTool(command, args)
	}
	switch command {
	case "--version", "-v":
		release, err := installedRelease()
		if err != nil {
			return err
		}
		fmt.Printf("k3s version %s (lab stand-in)\ngo version %s\n", release.version, runtime.Version())
		return nil
	case "etcd-snapshot":
		return snapshotCommand(args)
	case "server", "agent":
		return startService(os.Args)
	case "help", "--help", "-h":
		fmt.Println("usage: k3s server|agent [--config FILE] [--data-dir FOLDER] [--KEY VALUE ...]\n       k3s crictl|ctr|kubectl ARGUMENTS\n       k3s --version")
		return nil
	}
	return fmt.Errorf("No help topic for '%s'", command)
}
