# Root trees of a Debian release: made once by mmdebstrap, kept under $work, entered by chroot.

# The Debian mirror this machine's apt already uses.
mirror() {
    local uri=${FETTLE_VM_MIRROR:-}
    [[ -n $uri ]] || uri=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | sed -n 1p)
    [[ -n $uri ]] || die "apt knows no Debian mirror here: run apt-get update or set FETTLE_VM_MIRROR"
    echo "$uri"
}

# key TEXT...: short name for a cache entry made from these words.
key() { printf '%s\n' "$release" "$@" | sha256sum | cut -c1-12; }

# make_tree FOLDER VARIANT PACKAGE...: a root tree; FOLDER appears only when complete.
make_tree() {
    local folder=$1 variant=$2 packages source
    shift 2
    packages=$(IFS=, && echo "$*")
    source="deb [signed-by=$keyring] $(mirror) $release main"
    say "mmdebstrap $release ($variant) for $(basename "$folder")"
    remove_tree "$folder"
    remove_tree "$folder.part"
    mmdebstrap --quiet --mode=root --variant="$variant" --include="$packages" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        "$release" "$folder.part" "$source" >&2
    # What was left out of these packages must not be left out of the package under test.
    rm "$folder.part/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
    mv "$folder.part" "$folder"
}

remove_tree() { rm -rf --one-file-system "$1"; }

# in_tree ROOT [HOST_DIR=TREE_DIR]... -- COMMAND...: runs it by chroot in its own mount and process name
# spaces, so that nothing stays mounted and nothing goes on running, however it ends.
in_tree() {
    unshare --mount --pid --fork --kill-child -- bash -euc '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
        mount -t tmpfs tmpfs "$root/dev/shm"
        if [ -e "$root/etc/resolv.conf" ]; then mount --bind /etc/resolv.conf "$root/etc/resolv.conf"; fi
        while [ "$1" != -- ]; do
            mkdir -p "$root${1#*=}"
            mount --bind "${1%%=*}" "$root${1#*=}"
            shift
        done
        shift
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' in_tree "$@"
}
