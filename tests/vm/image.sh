# Builds the virtual node's disk image: a root tree with the guest's agent, a kernel unpacked into it, and a
# `file:` repository of the packages under test. The OS disk is a GPT disk with a root partition and a spare one that
# nobody mounts, with content: whatever touches another disk than its own is seen there.

guest_packages=(systemd systemd-sysv udev dbus kmod mdadm xfsprogs e2fsprogs util-linux fdisk apt curl
    ca-certificates procps iproute2)
root_partuuid=7e771e00-0000-4000-8000-000000000001
machine_id=7e771e000000400080000000000000ff
disk_mib=6144
first_mib=1
spare_mib=16

# Has no part in any test and costs a third of the boot under emulation.
masked_units=(getty.target serial-getty@ttyS0.service console-getty.service systemd-logind.service
    systemd-networkd.service systemd-networkd.socket systemd-network-generator.service systemd-timesyncd.service
    systemd-firstboot.service systemd-hwdb-update.service systemd-journal-catalog-update.service
    systemd-update-done.service ldconfig.service systemd-machine-id-commit.service
    systemd-pcrphase.service systemd-pcrphase-initrd.service systemd-pcrphase-sysinit.service
    systemd-pcrmachine.service systemd-tpm2-setup.service systemd-tpm2-setup-early.service
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
    fstrim.timer mdcheck_start.timer mdcheck_continue.timer mdmonitor-oneshot.timer xfs_scrub_all.timer
    modprobe@configfs.service modprobe@efi_pstore.service modprobe@fuse.service systemd-binfmt.service
    proc-sys-fs-binfmt_misc.automount sys-kernel-config.mount sys-fs-fuse-connections.mount
    sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount)

# The cached root tree: everything but the packages under test, the agent and what is masked.
guest_tree() {
    local folder
    folder=$work/guest-$(key "${guest_packages[@]}")
    if [[ ! -d $folder ]]; then
        make_tree "$folder.tree" minbase "${guest_packages[@]}"
        unpack_kernel "$folder.tree"
        mv "$folder.tree" "$folder"
    fi
    echo "$folder"
}

# Unpacks the cloud kernel, which has NVMe and ext4 built in: it needs no initramfs and no boot loader.
unpack_kernel() {
    local root=$1
    say "fetching the kernel"
    in_tree "$root" -- sh -ec '
        mkdir -p /boot/unpacked
        cd /boot/unpacked
        apt-get -q update
        apt-get -q download "$(apt-cache depends linux-image-cloud-amd64 |
            sed -n "s/ *Depends: \(linux-image-[^ ]*\)/\1/p" | sed -n 1p)"
        dpkg-deb -x linux-image-*.deb .
        for modules in lib/modules usr/lib/modules; do
            if [ -d "$modules" ]; then cp -a "$modules" /usr/lib/; fi
        done
        cp boot/vmlinuz-* /boot/
        cd /
        rm -r /boot/unpacked
        depmod "$(ls /usr/lib/modules)"
        apt-get clean' >&2
    kernel_elf "$root"/boot/vmlinuz-* >"$root/boot/vmlinux"
}

# kernel_elf BZIMAGE: the ELF inside, by the offsets of the x86 boot protocol's header; QEMU starts it 2 s sooner.
kernel_elf() {
    local image=$1 sectors offset length
    sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
    offset=$(od -An -tu4 -j $((0x248)) -N 4 "$image")
    length=$(od -An -tu4 -j $((0x24c)) -N 4 "$image")
    # The last four bytes of the payload are its unpacked size, not zstd.
    dd if="$image" iflag=skip_bytes,count_bytes skip=$(((sectors + 1) * 512 + offset)) \
        count=$((length - 4)) bs=1M status=none | zstd -dc
}

# add_repository ROOT DEB_FOLDER [PACKAGE...]: /opt/repository gets the DEBs and all that installing them or
# the PACKAGEs would fetch; it becomes the only apt source, so the guest needs no network. Each DEB is looked
# at by itself: two versions of one package may lie side by side, for an upgrade.
add_repository() {
    local root=$1 debs=$2
    shift 2
    mkdir -p "$root/opt/repository"
    find "$debs" -name '*.deb' ! -name '*-dbgsym_*' -exec cp -t "$root/opt/repository" {} +
    index_repository "$root"
    echo 'deb [trusted=yes] file:/opt/repository ./' >"$root/etc/apt/sources.list.d/repository.list"
    in_tree "$root" -- sh -ec '
        set -- "$@" $(find /opt/repository -name "*.deb")
        [ $# -eq 0 ] || apt-get -q update
        for package; do apt-get -q -y --download-only install "$package"; done
        find /var/cache/apt/archives -name "*.deb" -exec mv -t /opt/repository {} +' sh "$@" >&2
    index_repository "$root"
    rm "$root/etc/apt/sources.list"
    in_tree "$root" -- sh -ec 'rm -rf /var/lib/apt/lists/*; apt-get clean; apt-get -q update' >&2
}

index_repository() {
    (cd "$1/opt/repository" && dpkg-scanpackages --multiversion . 2>/dev/null >Packages)
}

configure_guest() {
    local root=$1
    echo virtual-node >"$root/etc/hostname"
    echo "127.0.0.1 localhost virtual-node" >"$root/etc/hosts"
    echo "PARTUUID=$root_partuuid / ext4 noatime 0 0" >"$root/etc/fstab"
    install -m 0755 "$here/agent/vm-agent" "$root/usr/local/sbin/"
    install -m 0644 "$here/agent/vm-agent.service" "$root/etc/systemd/system/"
    in_tree "$root" -- systemctl --quiet enable vm-agent.service
}

# What a node looks like from its second boot on, less what the tests never look at.
trim_guest() {
    local root=$1 unit
    echo "$machine_id" >"$root/etc/machine-id"
    for unit in "${masked_units[@]}"; do
        ln -sfn /dev/null "$root/etc/systemd/system/$unit"
    done
    touch "$root/etc/.updated" "$root/var/.updated"
}

# write_disk ROOT FILE: the tree as a disk; mke2fs reads the tree itself, nothing is mounted.
write_disk() {
    local root=$1 file=$2 PATH=$PATH:/usr/sbin:/sbin
    local root_mib=$((disk_mib - spare_mib - 2 * first_mib))
    truncate -s "${disk_mib}M" "$file"
    sfdisk --quiet "$file" <<END
label: gpt
start=${first_mib}MiB, size=${root_mib}MiB, type=linux, name=root, uuid=$root_partuuid
start=$((first_mib + root_mib))MiB, size=${spare_mib}MiB, type=linux, name=spare
END
    head -c "${spare_mib}M" /dev/zero | tr '\0' 'x' |
        dd of="$file" bs=1M seek=$((first_mib + root_mib)) iflag=fullblock conv=notrunc status=none
    mke2fs -q -t ext4 -L root -d "$root" -E "offset=$((first_mib << 20)),lazy_itable_init=0,nodiscard" \
        "$file" "${root_mib}M"
}

# make_image [OPTION...] [DEB...]: prints the folder that rig.py boots from: disk.raw, vmlinux and cmdline.
make_image() {
    local name=node untrimmed='' preinstall='' extra=() now=() debs=() folder root
    while (($#)); do
        case $1 in
        --name) name=$2 && shift ;;
        --with) extra+=("$2") && shift ;;
        --install) extra+=("$2") now+=("$2") && shift ;;
        --preinstall) preinstall=yes ;;
        --untrimmed) untrimmed=yes ;;
        -*) die "image knows no option $1" ;;
        *) debs+=("$1") ;;
        esac
        shift
    done
    folder=$work/image/$name
    root=$folder/root
    remove_tree "$folder"
    mkdir -p "$folder/debs"
    if ((${#debs[@]})); then cp -t "$folder/debs" "${debs[@]}"; fi

    local base
    base=$(guest_tree)
    say "image $name"
    cp -a --reflink=auto "$base" "$root"
    mv "$root/boot/vmlinux" "$folder/vmlinux"
    add_repository "$root" "$folder/debs" "${extra[@]}"
    configure_guest "$root"
    if ((${#now[@]})); then in_tree "$root" -- apt-get -q -y install "${now[@]}" >&2; fi
    if [[ $preinstall ]]; then
        local names=("${debs[@]##*/}")
        in_tree "$root" -- apt-get -q -y install "${names[@]/#/\/opt\/repository\/}" >&2
        # For package.py: what is enabled, and what was written that belongs to one machine.
        (cd "$root" && find etc/systemd/system -name '*fettle*' -type l) | sort >"$folder/enabled"
        (cd "$root" && find var/lib srv -path '*fettle*' ! -type d) | sort >"$folder/left"
    fi
    [[ $untrimmed ]] || trim_guest "$root"
    write_disk "$root" "$folder/disk.raw"
    echo "root=PARTUUID=$root_partuuid rootfstype=ext4 ro console=ttyS0 panic=-1 quiet mitigations=off nokaslr" \
        "tsc=reliable no_timer_check random.trust_cpu=on cryptomgr.notests audit=0" >"$folder/cmdline"
    remove_tree "$root"
    echo "$folder"
}
