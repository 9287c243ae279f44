// Copyright (c) 2026, The riscv.k3s developers
// GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command board has the two small things that a lab board needs from outside Kubernetes:
// `init`, process 1 of a board, and `pki` and `node`, the certificates of the lab's cluster and of one node.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	var err error
	switch {
	case filepath.Base(os.Args[0]) == "init":
		err = runInit()
	case len(os.Args) == 3 && os.Args[1] == "pki":
		err = writePKI(os.Args[2])
	case len(os.Args) == 6 && os.Args[1] == "node":
		err = writeNodeCertificates(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	default:
		err = fmt.Errorf("usage: board pki FOLDER, board node PKI FOLDER NAME ADDRESS, or call it as init")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
