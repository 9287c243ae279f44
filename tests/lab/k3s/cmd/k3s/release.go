// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

//go:embed manifests
var packaged embed.FS

// versionFile names the version that is installed on the board. `lab upgrade` writes it, as installing another k3s does.
const versionFile = "/usr/local/share/k3s-lab/version"

// release is what differs between two versions of k3s, as far as the lab goes.
type release struct {
	version    string
	folder     string
	pauseImage string
	helmImage  string
	// environmentDataDir: K3S_DATA_DIR is a setting (today's k3s). Before, k3s itself set it to the folder of its programs.
	environmentDataDir bool
	// certsD: mirrors are written into certs.d (since January 2024) and not into config.toml.
	certsD bool

	// What `lab binary` wrote behind the program: then the file is its version, as every file of k3s is.
	trailer string
	fault   string
}

// isInstalled says whether this is such a file. A playbook has installed it, and a service manager watches it.
func (r release) isInstalled() bool {
	return r.trailer != ""
}

var releases = []release{
	{version: "v1.24.2+k3s2", folder: "v1.24.2", pauseImage: "rancher/mirrored-pause:3.6", helmImage: "rancher/klipper-helm:v0.7.3-build20220613"},
	{version: "v1.35.8+k3s1", folder: "v1.36.3", pauseImage: "rancher/mirrored-pause:3.10.2", helmImage: "rancher/klipper-helm:v0.13.3-build20260727",
		environmentDataDir: true, certsD: true},
	{version: "v1.36.3+k3s1", folder: "v1.36.3", pauseImage: "rancher/mirrored-pause:3.10.2", helmImage: "rancher/klipper-helm:v0.13.3-build20260727",
		environmentDataDir: true, certsD: true},
}

// installedRelease is what the running file says behind the program, or the version file where it says nothing.
func installedRelease() (release, error) {
	trailer, err := readTrailer("/proc/self/exe")
	if err != nil {
		return release{}, err
	}
	if trailer == "" {
		content, err := os.ReadFile(versionFile)
		if err != nil {
			return release{}, err
		}
		return findRelease(strings.TrimSpace(string(content)), versionFile)
	}
	var said struct{ Version, Fault string }
	if err := json.Unmarshal([]byte(trailer), &said); err != nil {
		return release{}, fmt.Errorf("the end of this file: %w", err)
	}
	found, err := findRelease(said.Version, "the end of this file")
	found.trailer, found.fault = trailer, said.Fault
	return found, err
}

func findRelease(version, source string) (release, error) {
	known := []string{}
	for _, r := range releases {
		if r.version == version {
			return r, nil
		}
		known = append(known, r.version)
	}
	return release{}, fmt.Errorf("%s names version %q, this stand-in has %s", source, version, strings.Join(known, ", "))
}

const (
	trailerMark = "\nk3s-lab: "
	trailerSize = 256
)

// readTrailer returns the text behind the mark at the end of a file, "" where there is none.
func readTrailer(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if _, err := file.Seek(-trailerSize, io.SeekEnd); err != nil {
		return "", nil // shorter than that
	}
	end, err := io.ReadAll(file)
	if err != nil {
		return "", err
	}
	_, text, found := strings.Cut(string(end), trailerMark)
	if !found {
		return "", nil
	}
	return strings.TrimSpace(text), nil
}

// manifests is the version's packaged files, by their path inside the manifests folder.
func (r release) manifests() (map[string][]byte, error) {
	root, err := fs.Sub(packaged, "manifests/"+r.folder)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		// With k3s's %{VARIABLES}% a file is not yet YAML.
		files[strings.TrimSuffix(path, ".template")], err = fs.ReadFile(root, path)
		return err
	})
	return files, err
}
