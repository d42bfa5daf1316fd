#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kit_in_new_root.sh KIT [ROOT]: a kit of ./run gpu --pack runs on a system of another release with
# nothing installed but python3. ROOT keeps that system for the next time. Neither a GPU nor
# libcublas is there: gpu_check has to say so, and the programs start with an empty libcublas.
# Exits with 77 where such a system cannot be made.
set -euo pipefail
SUITE=trixie
[ $# -ge 1 ] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
kit="$(realpath "$1")"
root="${2:-}"

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
passed() { echo "passed: $*"; }

[ -e "$kit/kit.json" ] || fail "$kit is not a folder made by ./run gpu --pack"
[ "$(id -u)" -eq 0 ] || skip "making a system in a folder needs root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
if [ -z "$root" ]; then
  root="$(mktemp -d)"
  trap 'rm -rf "$root"' EXIT
fi

# From the mirror of Debian that this machine's apt is set up with.
make_root() {
  local url key=/usr/share/keyrings/debian-archive-keyring.gpg
  # shellcheck disable=SC2016  # apt-get's variable, not the shell's
  url="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
    sed -n 1p)"
  [ -n "$url" ] || skip "this machine's apt knows no mirror of Debian"
  [ -e "$key" ] || skip "there is no $key"
  debootstrap --variant=minbase --include=python3 --keyring="$key" "$SUITE" "$root" "$url" \
    >"$root.log" 2>&1 || { tail -3 "$root.log"; skip "debootstrap did not succeed, see $root.log"; }
  rm -f "$root.log"
}
[ -x "$root/usr/bin/python3" ] || make_root

libraries=
inside() {
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LD_LIBRARY_PATH="$libraries" "$@"
}
inside python3 --version >/dev/null || skip "chroot into $root does not work"
rm -rf "$root"/kit "$root"/kit-lib
cp -r "$kit" "$root/kit"

# expect CODE WORDS COMMAND...: in the new system.
expect() {
  local code="$1" words="$2" got=0 output
  shift 2
  output="$(inside "$@" 2>&1)" || got=$?
  [ "$got" -eq "$code" ] || fail "$*: exit code $got instead of $code: $output"
  grep -qF -- "$words" <<<"$output" || fail "$*: nothing about '$words': $output"
  passed "$* (exit code $code)"
}
expect 77 "no usable GPU on this machine: " /kit/gpu_check --probe
expect 77 "no usable GPU on this machine: " /kit/gpu_check
expect 77 "needs PyTorch" python3 /kit/apps/bench_kernels/cudnn_fused.py

inside python3 -W error -c 'import sys; sys.path.insert(0, "/kit/apps/gpu_check"); import unpack
unpack.unpack("/kit"); unpack.extract("/kit/lib.tar.xz", "/kit-lib")'
libraries=/kit-lib
is_program() { [ "$(head -c 4 "$1" | tail -c 3)" = ELF ]; }

# All that a program links is the C library's, the kit's, or NVIDIA's; of the new system it uses
# nothing else, even where that has a library of the same name.
check_links() {
  local program="$1" name where
  while read -r name where; do
    case "$name" in
      libcublas.so.* | libcublasLt.so.* | libcuda.so.*) continue ;;
      linux-vdso.so.* | */ld-linux-x86-64.so.* | libc.so.6 | libm.so.6 | libmvec.so.1 | \
        libdl.so.2 | librt.so.1 | libpthread.so.0 | libresolv.so.2 | libutil.so.1) ;;
      *) [[ "$where" = /kit-lib/* ]] || fail "$program needs $name: $where" ;;
    esac
    [[ "$where" != *"not found"* ]] || fail "$program needs $name: $where"
  done < <(inside ldd "$program" | sed 's/=>//')
  ! inside ldd "$program" 2>&1 | grep -F "version \`GLIBC" || fail "$program needs a newer glibc"
  passed "libraries of $program"
}

# An empty libcublas with what the programs take from it.
make_libcublas() {
  local soname symbols="$root/kit-lib/symbols.c"
  for program in "$root"/kit/bin/*; do
    if is_program "$program"; then nm -D --undefined-only "$program"; fi
  done | sed -n 's/^ *U \(cublas[A-Za-z0-9_]*\)@\(libcublas\.so\.[0-9]*\).*/\1 \2/p' | sort -u \
    >"$root/kit-lib/symbols"
  read -r _ soname <"$root/kit-lib/symbols" || fail "no program uses libcublas"
  awk '{ print "void " $1 "(void) {}" }' "$root/kit-lib/symbols" >"$symbols"
  echo "$soname { global: *; };" >"$root/kit-lib/versions"
  gcc -shared -fPIC -Wl,-soname,"$soname" -Wl,--version-script="$root/kit-lib/versions" \
    "$symbols" -o "$root/kit-lib/$soname"
}

for program in "$root"/kit/bin/*; do
  if is_program "$program"; then check_links "/kit/bin/${program##*/}"; fi
done
make_libcublas
expect 0 "accrete" /kit/bin/train --version
expect 0 "parameters" /kit/bin/inspect /kit/specs/quickstart.json
for program in "$root"/kit/bin/bench_kernels*; do
  expect 0 "fused_conv/forward/bc100" "/kit/bin/${program##*/}" --device cpu --batch 1 \
    --no-ceilings --benchmark_filter='^fused_conv/forward/bc100/1x1/8x8/150-48/f32' \
    --benchmark_min_time=0.001
done
expect 77 "" /kit/bin/cuda_tests_gpu '[conv]'
echo "$kit runs on $(sed -n 's/^PRETTY_NAME=//p' "$root/etc/os-release")"
