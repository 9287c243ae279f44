// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// snapshotCommand is `k3s etcd-snapshot save|ls|delete`, on a server that runs.
func snapshotCommand(args []string) error {
	action, flags, names := "save", []string{"server"}, []string{}
	for i := 0; i < len(args); i++ {
		switch name, value, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "="); {
		case !strings.HasPrefix(args[i], "-") && i == 0:
			action = args[i]
		case !strings.HasPrefix(args[i], "-"):
			names = append(names, args[i])
		default:
			if !hasValue && i+1 < len(args) {
				i++
				value = args[i]
			}
			if long, short := map[string]string{"name": "etcd-snapshot-name", "dir": "etcd-snapshot-dir"}[name]; short {
				name = long
			}
			flags = append(flags, "--"+name+"="+value)
		}
	}
	installed, err := installedRelease()
	if err != nil {
		return err
	}
	settings, err := readSettings(flags, installed.environmentDataDir)
	if err != nil {
		return err
	}
	n := &node{settings: settings, release: installed, isServer: true}
	if _, err := os.Stat(n.etcdPath("member")); err != nil || !installed.isInstalled() {
		return errors.New("Error: see server log for details: etcd datastore disabled")
	}
	switch action {
	case "save":
		return n.saveSnapshot(context.Background())
	case "ls", "list":
		return n.listSnapshots()
	case "delete":
		for _, name := range names {
			if err := os.Remove(filepath.Join(n.snapshotFolder(), filepath.Base(name))); err != nil {
				return err
			}
			logrus.Infof("Snapshot %s deleted.", name)
		}
		return nil
	}
	return fmt.Errorf("No help topic for '%s'", action)
}

func (n *node) snapshotFolder() string {
	if n.snapshotDir != "" {
		return n.snapshotDir
	}
	return n.path("server/db/snapshots")
}

// saveSnapshot writes what etcd sends, under k3s's name for it: NAME-NODE-SECONDS.
func (n *node) saveSnapshot(ctx context.Context) error {
	name := fmt.Sprintf("%s-%s-%d", n.snapshotName, n.nodeName, time.Now().Unix())
	path := filepath.Join(n.snapshotFolder(), name)
	if err := writeFile(path+".part", nil); err != nil {
		return err
	}
	file, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	response, err := postEtcd(ctx, localEtcd, "maintenance/snapshot", map[string]any{})
	if err == nil {
		err = copySnapshot(response, file)
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		os.Remove(path + ".part")
		return fmt.Errorf("Error: see server log for details: %w", err)
	}
	logrus.Infof("Snapshot %s saved.", name)
	return nil
}

func copySnapshot(response *http.Response, target io.Writer) error {
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	written := 0
	for {
		var part struct {
			Result struct{ Blob []byte }
			Error  any
		}
		err := decoder.Decode(&part)
		if err == io.EOF && written > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if part.Error != nil {
			return fmt.Errorf("etcd: %v", part.Error)
		}
		count, err := target.Write(part.Result.Blob)
		if err != nil {
			return err
		}
		written += count
	}
}

func (n *node) listSnapshots() error {
	entries, err := os.ReadDir(n.snapshotFolder())
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	fmt.Println("Name Location Size Created")
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Printf("%s file://%s %d %s\n", entry.Name(), filepath.Join(n.snapshotFolder(), entry.Name()), info.Size(),
			info.ModTime().UTC().Format(time.RFC3339))
	}
	return nil
}
