// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	"github.com/sirupsen/logrus"
)

var archiveEndings = []string{".tar", ".tar.gz", ".tgz"}

// importArchives imports agent/images at every start, whatever is there already, with the labels that keep images from garbage
// collection. Both labels are first taken from every image that has k3s's own, as k3s does.
func (n *node) importArchives(ctx context.Context) error {
	if err := n.clearPins(ctx); err != nil {
		return err
	}
	return filepath.Walk(n.path("agent/images"), func(path string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || info.IsDir() || !hasEnding(path, archiveEndings) {
			return err
		}
		logrus.Infof("Importing images from %s", path)
		if err := n.importArchive(ctx, path); err != nil {
			logrus.Errorf("Failed to import %s: %v", path, err)
			return nil
		}
		names, err := archiveImages(path)
		if err != nil {
			logrus.Errorf("Failed to read the image names of %s: %v", path, err)
		}
		for _, name := range names {
			if err := n.keepImage(ctx, name); err != nil {
				logrus.Warnf("Image %s: %v", name, err)
			}
		}
		return nil
	})
}

// keepImage pins an image, and unpacks it. On a board of the images' own architecture containerd unpacks by itself when the first
// container starts; but from 2 on it does not for another architecture, and the lab's boards are not riscv64.
func (n *node) keepImage(ctx context.Context, name string) error {
	if _, err := n.ctr(ctx, "images", "label", name, pinLabel, ownPinLabel); err != nil {
		return err
	}
	list, err := n.ctr(ctx, "images", "ls", "name=="+name)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(list), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) < 3 || fields[0] != name {
		return fmt.Errorf("ctr images ls: %q", list)
	}
	_, err = n.ctr(ctx, "snapshots", "unpack", fields[2])
	return err
}

const (
	pinLabel    = "io.cri-containerd.pinned=pinned"
	ownPinLabel = "io.cattle.k3s.pinned=pinned"
)

func (n *node) clearPins(ctx context.Context) error {
	output, err := n.ctr(ctx, "images", "ls", "-q", `labels."io.cattle.k3s.pinned"==pinned`)
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(output) {
		if _, err := n.ctr(ctx, "images", "label", name, "io.cri-containerd.pinned=", "io.cattle.k3s.pinned="); err != nil {
			return err
		}
	}
	return nil
}

// ctr runs the command-line client: an own client library would be larger than all of this stand-in. What it warns of on stderr
// (containerd 2: cgroup v1 is deprecated) is no part of the answer.
func (n *node) ctr(ctx context.Context, args ...string) (string, error) {
	command := n.ctrCommand(ctx, args...)
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return string(output), nil
}

func (n *node) ctrCommand(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ctr", append([]string{"--address", containerdSocket, "--namespace", "k8s.io"}, args...)...)
}

// importArchive hands the unpacked archive to ctr, which does not unpack by itself.
func (n *node) importArchive(ctx context.Context, path string) error {
	stream, err := openArchive(path)
	if err != nil {
		return err
	}
	defer stream.Close()
	command := n.ctrCommand(ctx, "images", "import", "--all-platforms", "--no-unpack", "-")
	command.Stdin = stream
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// openArchive opens a tar archive that may be compressed by gzip.
func openArchive(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil || strings.HasSuffix(path, ".tar") {
		return file, err
	}
	stream, err := gzip.NewReader(file)
	if err != nil {
		file.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{stream, file}, nil
}

// archiveImages are the full names of the images in an archive: those that containerd's import gives them.
func archiveImages(path string) ([]string, error) {
	stream, err := openArchive(path)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var names []string
	archive := tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		var found []string
		switch header.Name {
		case "index.json":
			found, err = indexNames(archive)
		case "manifest.json":
			found, err = dockerNames(archive)
		}
		if err != nil {
			return names, fmt.Errorf("%s: %w", header.Name, err)
		}
		for _, name := range found {
			full, err := reference.ParseDockerRef(name)
			if err != nil {
				return names, err
			}
			names = append(names, full.String())
		}
	}
}

// indexNames reads an OCI archive's index.
func indexNames(stream io.Reader) (names []string, err error) {
	var index struct {
		Manifests []struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"manifests"`
	}
	err = json.NewDecoder(stream).Decode(&index)
	for _, manifest := range index.Manifests {
		name := manifest.Annotations["io.containerd.image.name"]
		if ref := manifest.Annotations["org.opencontainers.image.ref.name"]; name == "" && strings.Contains(ref, "/") {
			name = ref
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names, err
}

// dockerNames reads the list of an archive of `docker save`.
func dockerNames(stream io.Reader) (names []string, err error) {
	var images []struct{ RepoTags []string }
	err = json.NewDecoder(stream).Decode(&images)
	for _, image := range images {
		names = append(names, image.RepoTags...)
	}
	return names, err
}
