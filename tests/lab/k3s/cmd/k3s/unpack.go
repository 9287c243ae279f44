// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"
)

const (
	defaultDataDir  = "/var/lib/rancher/k3s"
	homeDataDir     = ".rancher/k3s"
	dataDirVariable = "K3S_DATA_DIR"
	// bundle holds the programs that the real k3s has inside of itself.
	bundle = "/usr/local/share/k3s-lab/bin"
)

// findDataDir is where k3s unpacks its programs and looks for them, whatever its command: the environment (today's k3s), a flag,
// the configuration file. A tool called by hand has none of a service's flags and environment.
func (r release) findDataDir(args []string) (string, error) {
	if dir := os.Getenv(dataDirVariable); dir != "" && r.environmentDataDir {
		return dir, nil
	}
	for i, arg := range args {
		for _, name := range []string{"--data-dir", "-d"} {
			if value, found := strings.CutPrefix(arg, name+"="); found {
				return value, nil
			}
			if arg == name && i+1 < len(args) {
				return args[i+1], nil
			}
		}
	}
	if dir, err := configValue(args, "data-dir"); err != nil || dir != "" {
		return dir, err
	}
	if os.Getuid() == 0 {
		return defaultDataDir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, homeDataDir), err
}

// unpackedDir is the folder of this version's programs in a data folder.
func (r release) unpackedDir(dataDir string) string {
	sum := sha256.Sum256([]byte(r.version + r.trailer))
	return filepath.Join(dataDir, "data", hex.EncodeToString(sum[:]))
}

// unpack returns the folder with this version's programs. Where neither the data folder nor the default one has them, it writes
// them into the data folder: 315 MB in k3s, here as many links.
func (r release) unpack(dataDir string) (string, error) {
	folders := []string{defaultDataDir, dataDir}
	if r.environmentDataDir {
		folders = []string{dataDir, defaultDataDir}
	}
	for _, folder := range folders {
		if isUnpacked(r.unpackedDir(folder)) {
			return r.unpackedDir(folder), nil
		}
	}
	parent := filepath.Join(dataDir, "data")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	lockFile := filepath.Join(parent, ".lock")
	logrus.Infof("Acquiring lock file %s", lockFile)
	lock, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	dir := r.unpackedDir(dataDir)
	if isUnpacked(dir) {
		return dir, nil
	}
	logrus.Infof("Preparing data dir %s", dir)
	if err := linkPrograms(dir + "-tmp"); err != nil {
		return "", err
	}
	if r.isInstalled() {
		if err := copyProgram("/proc/self/exe", filepath.Join(dir+"-tmp", "bin/k3s")); err != nil {
			return "", err
		}
	}
	if err := os.Rename(dir+"-tmp", dir); err != nil {
		return "", err
	}
	return dir, r.makeCurrent(parent, dir)
}

func isUnpacked(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "bin", "k3s"))
	return err == nil
}

func linkPrograms(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, "bin", "aux"), 0o755); err != nil {
		return err
	}
	programs, err := os.ReadDir(bundle)
	if err != nil {
		return err
	}
	for _, program := range programs {
		target, err := os.Readlink(filepath.Join(bundle, program.Name()))
		if err != nil {
			return err
		}
		if err := os.Symlink(target, filepath.Join(folder, "bin", program.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyProgram puts a program where a link is.
func copyProgram(source, target string) error {
	if err := os.Remove(target); err != nil {
		return err
	}
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}

// makeCurrent lets the link "current" point to a folder, and "previous" to the one before.
func (r release) makeCurrent(parent, dir string) error {
	current := filepath.Join(parent, "current")
	if _, err := os.Lstat(current); err == nil {
		if err := os.Rename(current, filepath.Join(parent, "previous")); err != nil {
			return err
		}
	}
	return os.Symlink(dir, current)
}
