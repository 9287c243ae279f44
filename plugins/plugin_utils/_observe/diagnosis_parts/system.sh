# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How a board's system is set up, beside what preflight.sh tells: what riscv.k3s.prepare decides by. Each line is a word
# that says what it is about, and the value. own_files are the files that prepare writes, sysctls the settings of the
# kernel that it looks at, with slashes, module_names the modules, time_services the names of services that keep the time.
# shellcheck shell=sh disable=SC2154,SC2086,SC2013 # settings; lists of words

kept() {
    [ ! -e /proc/modules ] || echo "modular"
    for name in $module_names; do [ ! -d "/sys/module/$name" ] || echo "present $name"; done
    for file in $own_files; do
        [ ! -f "$file" ] || sed "s|^|own $file |" "$file"
    done
    for name in $sysctls; do
        [ ! -r "/proc/sys/$name" ] || echo "sysctl $name $(cat "/proc/sys/$name")"
    done
    # Who else says what a setting is to be at the next boot, in the order in which files are read.
    for file in /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf /run/sysctl.d/*.conf /etc/sysctl.d/*.conf /etc/sysctl.conf; do
        [ ! -f "$file" ] || grep -E "^ *-?($(echo "$sysctls" | sed -e 's/ /|/g' -e 's|/|[./]|g')) *=" "$file" |
            sed "s|^|boot $file |"
    done
}
packets() {
    echo "iptables $(command -v iptables)"
    $limit iptables -w 5 -t nat -S PREROUTING >/dev/null 2>&1 || echo "refused $($limit iptables -w 5 -t nat -S PREROUTING 2>&1 |
        sed -n 1p)"
    for variant in legacy nft; do
        # A variant is asked for its rules only where it has some: that alone would load its modules.
        [ "$variant" = nft ] || grep -qs nat /proc/net/ip_tables_names || continue
        $limit iptables-$variant-save -t nat 2>/dev/null | grep -q '^:KUBE-SERVICES ' && echo "rules $variant"
    done
    if command -v update-alternatives >/dev/null; then
        for name in iptables ip6tables; do
            update-alternatives --query $name 2>/dev/null | sed -n "s/^Alternative: /alternative $name /p"
        done
    fi
    # ufw and firewall-cmd are programs of Python: as few calls as can be.
    if command -v ufw >/dev/null; then
        case $($limit ufw status 2>/dev/null | sed -n 1p) in
            "Status: active")
                echo "ufw active"
                $limit ufw show added 2>/dev/null | sed -n 's/^ufw /ufwrule /p'
                ;;
            "Status: inactive") ;;
            *) echo "silent ufw" ;;
        esac
    fi
    if command -v firewall-cmd >/dev/null; then
        $limit firewall-cmd --state >/dev/null 2>&1
        case $? in
            0)
                echo "firewalld $($limit firewall-cmd --get-default-zone)"
                $limit firewall-cmd --list-all-zones | sed 's/^/zone runtime /'
                $limit firewall-cmd --permanent --list-all-zones | sed 's/^/zone permanent /'
                ;;
            # It is there, and does not run.
            252) ;;
            *) echo "silent firewalld" ;;
        esac
    fi
}
# Files of boot loaders, the one to edit in front; of fstab, which may hold passwords, the lines of swap alone.
booting() {
    read -r words </proc/cmdline
    for word in $words; do case $word in *cgroup*) echo "cmdline $word" ;; esac; done
    for file in /etc/default/u-boot:u-boot-update /etc/default/grub:update-grub /boot/firmware/cmdline.txt: \
/boot/extlinux/extlinux.conf: /extlinux/extlinux.conf: /boot/cmdline.txt:; do
        program=${file#*:} file=${file%:*}
        [ -f "$file" ] || continue
        [ -z "$program" ] || command -v "$program" >/dev/null || continue
        has=lacks
        ! grep -v '^ *#' "$file" | grep -q cgroup_enable=memory || has=has
        echo "loader $file $has"
    done
    [ ! -r /proc/swaps ] || sed -n '2,$s/^\([^ \t]*\)[ \t].*/swap \1/p' /proc/swaps
    [ ! -r /etc/fstab ] || sed -n 's/^[ \t]*\([^#[:space:]]*\)[ \t][ \t]*[^ \t]*[ \t][ \t]*swap\([ \t].*\)*$/fstab \1/p' /etc/fstab
}
timing() {
    read -r seconds_up _ </proc/uptime
    echo "uptime ${seconds_up%.*}"
    if [ -d /run/systemd/system ]; then
        for name in $time_services; do units="$units $name.service"; done
        $limit systemctl show -p Id -p LoadState -p UnitFileState -p ActiveState $units | sed 's/^/unit /'
        echo "synchronized $($limit timedatectl show -p NTPSynchronized --value 2>/dev/null)"
    elif command -v rc-service >/dev/null; then
        for name in $time_services; do
            [ -e "/etc/init.d/$name" ] || continue
            state=inactive
            ! $limit rc-service "$name" status >/dev/null 2>&1 || state=active
            kept=disabled
            ! rc-update show 2>/dev/null | grep -qE "^ *$name *\|.*(default|boot)" || kept=enabled
            echo "service $name $kept $state"
        done
    fi
}
system() {
    kept
    packets
    booting
    timing
    return 0
}
step system
