# A Rust toolchain from Debian's packages, unpacked beside the build and never
# installed: rustup's stays the one in use. It brings what rustup's stable lacks
# here, namely `std` for other architectures, the sources of `std`, and (the
# compiler runtimes being those of the same LLVM) the sanitizers. Sourced after common.sh.

debian=$root/target/debian
prefix=$debian/rust
host=x86_64-unknown-linux-gnu

# apt_root NAME ARCH [SUITE]: prints the configuration of a private apt for
# another architecture, of this system's suites or of SUITE from the same mirror.
# The system's own sources and architectures stay as they are.
apt_root() {
  local dir=$debian/apt-$1 arch=$2 suite=${3:-}
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  : >"$dir/status"
  # shellcheck disable=SC2016 # the dollars are apt's
  apt-get indextargets 'Created-By: Packages' 'Component: main' --format 'deb $(REPO_URI) $(CODENAME) main' |
    if [ -n "$suite" ]; then awk -v s="$suite" '$3 !~ /-/ { print $1, $2, s, $4; exit }'; else sort -u; fi >"$dir/sources.list"
  cat >"$dir/apt.conf" <<CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/none";
CONF
  APT_CONFIG=$dir/apt.conf apt-get -qq update >&2
  echo "$dir/apt.conf"
}

# unpack DIR PACKAGE[=VERSION]...: downloads packages and unpacks them into DIR.
unpack() {
  local into=$1 from
  shift
  mkdir -p "$into"
  from=$(mktemp -d -p "$debian")
  (cd "$from" && apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download "$@")
  local deb
  for deb in "$from"/*.deb; do dpkg-deb -x "$deb" "$into"; done
  rm -rf "$from"
}

depends() { apt-cache show "$1" | sed -n "s/^Depends:.*\($2\).*/\1/p" | sort -u | head -n1; }

# The compiler with its `std` for this machine; sets RUSTC and RUSTDOC.
toolchain() {
  mkdir -p "$debian"
  if [ ! -e "$prefix/version" ]; then
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
    local version std
    version=$(apt-cache policy rustc-web | sed -n 's/^ *Candidate: //p')
    std=$(depends "libstd-rust-web-dev=$version" 'libstd-rust-web-[0-9.]*')
    rm -rf "$prefix"
    unpack "$prefix" "rustc-web=$version" "$std=$version" "libstd-rust-web-dev=$version"
    depends "$std=$version" 'libllvm[0-9]*' >"$prefix/llvm"
    echo "$version" >"$prefix/version" # last: from here on the toolchain counts as complete
  fi
  local tool
  for tool in rustc rustdoc; do
    # The wrapper finds the compiler's own libraries by its place. Of cargo's variables some
    # have a hyphen in their names, which not every shell passes on: this one does.
    cat >"$prefix/$tool" <<'WRAPPER'
#!/bin/bash
here=$(dirname "$0")/usr
LD_LIBRARY_PATH=$here/lib/x86_64-linux-gnu exec "$here/bin/${0##*/}" "$@"
WRAPPER
    chmod +x "$prefix/$tool"
  done
  packages "$(cat "$prefix/llvm")"
  export RUSTC=$prefix/rustc RUSTDOC=$prefix/rustdoc
  "$RUSTC" --version
}

# toolchain_std ARCH TRIPLE [SUITE]: adds `std` for another architecture. Rust
# wants the very same release; Debian's revision after the plus may differ.
toolchain_std() {
  local arch=$1 triple=$2 conf release version
  [ ! -d "$prefix/usr/lib/rustlib/$triple" ] || return 0
  release=$(sed 's/+.*//' "$prefix/version")
  conf=$(apt_root "$arch" "$arch" "${3:-}")
  version=$(APT_CONFIG=$conf apt-cache madison libstd-rust-web-dev | awk -F' *[|] *' -v r="$release+" 'index($2, r) == 1 { print $2; exit }')
  [ -n "$version" ] || { echo "no libstd-rust-web-dev $release for $arch" >&2; return 1; }
  APT_CONFIG=$conf unpack "$prefix" "libstd-rust-web-dev=$version"
}

# The sources of `std`, for cargo's -Zbuild-std.
toolchain_sources() {
  local version
  export RUSTC_BOOTSTRAP=1
  version=$(cat "$prefix/version")
  [ ! -e "$prefix/usr/lib/rustlib/src/rust/library/Cargo.lock" ] || return 0
  unpack "$prefix" "rust-web-src=$version"
  mkdir -p "$prefix/usr/lib/rustlib/src"
  ln -sfn "../../../src/rustc-${version%%+*}" "$prefix/usr/lib/rustlib/src/rust"
}

# toolchain_sanitizer asan|tsan: LLVM's runtime under the name that rustc links.
toolchain_sanitizer() {
  local to=$prefix/usr/lib/rustlib/$host/lib/librustc-stable_rt.$1.a llvm
  export RUSTC_BOOTSTRAP=1
  [ ! -e "$to" ] || return 0
  llvm=$(tr -dc 0-9 <"$prefix/llvm")
  [ -d "$debian/compiler-rt" ] || unpack "$debian/compiler-rt" "libclang-rt-$llvm-dev"
  cp "$(find "$debian/compiler-rt" -name "libclang_rt.$1-x86_64.a" -o -name "libclang_rt.$1.a" -path '*x86_64*' | head -n1)" "$to"
}
