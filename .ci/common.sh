# What the scripts beside it share. It is sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
scratch=$root/target/ci # crates and logs of our own making; safe to delete
mkdir -p "$scratch"

# Exit status of a script that could not even begin, because something that
# moves outside this repository is gone. The driver reports it apart from a failure.
unavailable=75

# A machine with Rust on it may not have it on the path of a script.
command -v cargo >/dev/null || PATH=$HOME/.cargo/bin:$PATH

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# packages NAME...: installs those that are missing.
packages() {
  local missing=() name
  for name; do
    [ "$(dpkg-query -Wf '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  as_root apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}" >"$scratch/apt.log" 2>&1 || { cat "$scratch/apt.log"; return 1; }
}

# must_fail WORDS COMMAND...: passes if the command fails and says WORDS.
# Every checker goes through it once, so that a silent one cannot pass for a content one.
must_fail() {
  local words=$1 log=$scratch/must-fail.log
  shift
  if "$@" >"$log" 2>&1; then
    cat "$log"
    echo "should have failed, and did not: $*" >&2
    return 1
  fi
  grep -q -e "$words" "$log" || { cat "$log"; echo "failed without saying '$words': $*" >&2; return 1; }
  echo "fails as it should ($words): ${*: -1}"
}
