#!/bin/sh
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs as the first process in a board's new namespaces: builds the board's view of the filesystem and becomes its init.
#   LAB_NAME      host name of the board
#   LAB_ROOT      empty folder, mount point of the new root
#   LAB_SYSTEM    tmpfs with upper/ (the board's own system files) and work/
#   LAB_DISK      folder on a real disk: containerd's snapshots cannot lie on an overlay
#   LAB_STATE     the lab's state folder, which a board must not see
#   LAB_PROGRAMS  the built programs
#   LAB_MANAGER   service manager of a blank board: openrc, systemd, or nothing
#   LAB_CGROUP    the board's own folder in each hierarchy of cgroups
set -eu

mount -t overlay "$LAB_NAME" -o "lowerdir=/,upperdir=$LAB_SYSTEM/upper,workdir=$LAB_SYSTEM/work" "$LAB_ROOT"
cd "$LAB_ROOT"

mount -t proc proc proc
mount -t sysfs sysfs sys
if [ -z "$LAB_MANAGER" ] || [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount --rbind /sys/fs/cgroup sys/fs/cgroup
else
    # Service managers write into the folder above the hierarchies, too.
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    for hierarchy in /sys/fs/cgroup/*; do
        if [ -L "$hierarchy" ]; then
            cp -P "$hierarchy" "sys/fs/cgroup/"
        else
            mkdir "sys/fs/cgroup/${hierarchy##*/}"
            mount --bind "$hierarchy" "sys/fs/cgroup/${hierarchy##*/}"
        fi
    done
    # systemd would make hierarchies of the controllers that the machine has none for, and the kubelet look for its own there.
    [ "$LAB_MANAGER" != systemd ] || mount -o remount,ro sys/fs/cgroup
fi
if [ "$LAB_MANAGER" = systemd ]; then
    # Its services get their folders below the one that it is in itself.
    hierarchies=/sys/fs/cgroup
    [ -e /sys/fs/cgroup/cgroup.controllers ] || hierarchies=$(echo /sys/fs/cgroup/*)
    for hierarchy in $hierarchies; do
        if [ -e "$hierarchy/cgroup.procs" ] && [ ! -L "$hierarchy" ] && [ ! -e "$hierarchy/cpuset.cpus" ]; then
            mkdir -p "$hierarchy/$LAB_CGROUP/system"
            echo 0 >"$hierarchy/$LAB_CGROUP/system/cgroup.procs"
        fi
    done
fi
mount --rbind /dev dev
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/sshd run/lock
# Boards share a kernel; each boot of one has an id of its own all the same.
cat proc/sys/kernel/random/uuid >run/boot_id
mount --bind run/boot_id proc/sys/kernel/random/boot_id

for folder in etc/rancher var/lib/rancher var/lib/kubelet var/lib/cni var/log var/tmp srv tmp root home; do
    mkdir -p "$folder"
    mount --bind "$LAB_DISK/$folder" "$folder"
done
mkdir -p usr/local/lib/k3s-lab
mount --bind "$LAB_PROGRAMS" usr/local/lib/k3s-lab
mount -o remount,bind,ro usr/local/lib/k3s-lab
mount -t tmpfs -o mode=700,size=4k tmpfs ".$LAB_STATE"

hostname "$LAB_NAME"
mkdir -p .before
pivot_root . .before
cd /
umount -l /.before
rmdir /.before
# Volumes that the kubelet mounts must appear in the pods.
mount --make-rshared /
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$LAB_MANAGER" = systemd ]; then
    # The variable says that it has no machine of its own; with it systemd leaves most of the kernel's settings alone.
    exec env -i PATH=$PATH HOME=/root container=lab /lib/systemd/systemd --log-target=console --show-status=no
fi
exec env -i PATH=$PATH HOME=/root /sbin/init
