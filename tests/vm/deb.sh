# Builds a Debian package of a source tree inside a cached chroot.

builder_packages=(build-essential fakeroot ccache)

# make_chroot PACKAGE...: prints the folder of a build chroot with these packages.
make_chroot() {
    local folder
    folder=$work/chroot-$(key "$@")
    [[ -d $folder ]] || make_tree "$folder" buildd "${builder_packages[@]}" "$@"
    echo "$folder"
}

# chroot_for CONTROL_FILE: prints the folder of a chroot that has the file's build dependencies.
chroot_for() {
    local control=$1 folder base
    folder=$work/chroot-$(key "$(sed -n '/^Build-/,/^[^ ]/p' "$control")")
    if [[ ! -d $folder ]]; then
        base=$(make_chroot)
        say "installing build dependencies"
        remove_tree "$folder.part"
        cp -a "$base" "$folder.part"
        install -D -m 0644 "$control" "$folder.part/build/deps/debian/control"
        in_tree "$folder.part" -- sh -ec '
            apt-get -q update
            cd /build/deps
            apt-get -q -y -o Dpkg::Options::=--force-unsafe-io build-dep ./
            apt-get clean' >&2
        mv "$folder.part" "$folder"
    fi
    echo "$folder"
}

# copy_source FROM TO: what git would commit, uncommitted changes included; without git, everything.
copy_source() {
    local from=$1 to=$2
    mkdir -p "$to"
    if [[ -e $from/.git ]]; then
        (cd "$from" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | present_files) |
            tar -C "$from" --null --no-recursion --files-from=- -c
    else
        tar -C "$from" -c .
    fi | tar -C "$to" --no-same-owner -x
}

# Drops the names of files that git knows and the work tree has no more.
present_files() {
    local file
    while IFS= read -r -d '' file; do
        if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
    done
}

# make_deb SOURCE_TREE OUT_DIR: builds the binary packages; their log lies beside them.
make_deb() {
    (($# == 2)) || die "deb needs SOURCE_TREE and OUT_DIR"
    local source out root
    source=$(readlink -m "$1")
    out=$(readlink -m "$2")
    [[ -e $source/debian/control ]] || die "no debian/control in $source"
    mkdir -p "$out"
    root=$(chroot_for "$source/debian/control")

    remove_tree "$root/build"
    copy_source "$source" "$root/build/source"
    mkdir -p "$work/ccache"
    say "dpkg-buildpackage in $(basename "$root"), log in $out/build.log"
    in_tree "$root" "$work/ccache=/ccache" -- sh -ec '
        cd /build/source
        export CCACHE_DIR=/ccache CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
        DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$1" DEB_CXXFLAGS_STRIP=-g dpkg-buildpackage -us -uc -b
        ccache --show-stats' sh "${FETTLE_VM_JOBS:-2}" >"$out/build.log" 2>&1 || {
        tail -n 40 "$out/build.log" >&2
        die "the build failed, its log is $out/build.log"
    }
    find "$root/build" -maxdepth 1 -type f -exec cp -t "$out" {} +
    find "$root/build" -maxdepth 1 -name '*.deb' -printf "$out/%f\n"
}

# count_instructions SOURCE_TREE DEB: in the chroot that it was built in, where the compiler and the libraries are always the same.
count_instructions() {
    (($# == 2)) || die "instructions needs SOURCE_TREE and DEB"
    local source root
    source=$(readlink -m "$1")
    root=$(chroot_for "$source/debian/control")
    remove_tree "$root/build"
    copy_source "$source" "$root/build/source"
    mkdir -p "$root/build/package"
    dpkg -x "$2" "$root/build/package"
    in_tree "$root" -- sh -ec '
        type valgrind >/dev/null || { apt-get -q update && apt-get -q -y --no-install-recommends install valgrind && apt-get clean; } >&2
        cd /build/source
        bench/instructions /build/package'
}
