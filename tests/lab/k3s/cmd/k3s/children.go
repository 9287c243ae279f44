// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

const childLogs = "/var/log/k3s"

// children are the programs a node runs. In k3s most of them are goroutines of the one process; here a child that ends takes
// the node down with it, and a node that is killed takes its children along.
type children struct {
	mutex    sync.Mutex
	running  []*child
	endings  chan string
	stopping bool
}

type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

func (c *children) ended() chan string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.endings == nil {
		c.endings = make(chan string, 16)
	}
	return c.endings
}

func (c *children) logPath(name string) string {
	return filepath.Join(childLogs, name+".log")
}

// start runs a program found by PATH, with its output in a log file of its own.
func (c *children) start(name string, args ...string) error {
	if err := os.MkdirAll(childLogs, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(c.logPath(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	endings := c.ended()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.stopping {
		return fmt.Errorf("%s is not started any more: k3s stops", name)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	started := &child{name: name, cmd: cmd, done: make(chan struct{})}
	c.running = append(c.running, started)
	go func() {
		err := cmd.Wait()
		close(started.done)
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if !c.stopping {
			logrus.Errorf("%s ended: %v", name, err)
			endings <- name
		}
	}()
	return nil
}

// stop ends the programs in the reverse order of their start, each with a few seconds to finish. containerd was started first
// and goes last; its shims, and so the containers, are not its children and go on.
func (c *children) stop() {
	c.mutex.Lock()
	c.stopping = true
	running := c.running
	c.mutex.Unlock()
	for i := len(running) - 1; i >= 0; i-- {
		started := running[i]
		_ = started.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-started.done:
		case <-time.After(3 * time.Second):
			_ = started.cmd.Process.Kill()
			<-started.done
		}
	}
}
