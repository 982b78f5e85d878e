#!/bin/bash
# The specification's suite on AArch64 under qemu-user with all arenas and linear memories tagged and each
# access checked at once: the scripts about memory, tables and references; `./check tags-whole` runs all.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
for tool in aarch64-linux-gnu-gcc qemu-aarch64 ninja; do
  command -v $tool >/dev/null || { echo "SKIP the suite with memory tags: $tool is not installed"; exit 0; }
done
suite=${WRT_SPEC_SUITE:-../shared/spec}
[ -d "$suite" ] || { echo "SKIP the suite with memory tags: $suite is not there"; exit 0; }
. tests/support/arm64.sh # libraries, fetch_libraries
fetch_libraries >/dev/null 2>&1 || { echo 'SKIP the suite with memory tags: no libcjson for arm64'; exit 0; }
tree=$PWD/build-aarch64-linux
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
scripts='memory memory_copy memory_fill memory_grow memory_init address align bulk table_copy table_grow
  call_indirect data elem float_memory endianness select traps'

if ! cmake -B "$tree" -G Ninja --toolchain cmake/toolchains/linux-aarch64.cmake -DCMAKE_BUILD_TYPE=Release \
    -DWRT_BUILD_TESTS=OFF >"$work/log" 2>&1 || ! nice ninja -C "$tree" wrt >"$work/log" 2>&1 ||
   ! aarch64-linux-gnu-gcc -std=gnu11 -O1 -Wall -Wextra -Werror -Iinclude -Itests/support \
    -I"$libraries/usr/include" -o "$work/spectest" tests/spec/*.c "$tree/libwrt.a" \
    -L"$libraries/usr/lib/aarch64-linux-gnu" -lcjson -lm -lpthread >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo 'FAIL the suite with memory tags: the runner does not build for AArch64'
  exit 0
fi

# qemu-user 7.2 faults on `dc zva` by a tagged pointer: the C library is told to take another memset.
on() { # PROCESSOR ARGUMENT...
  local processor=$1
  shift
  GLIBC_TUNABLES=glibc.cpu.name=kunpeng920 timeout "${WRT_TAGS_SECONDS:-300}" qemu-aarch64 -cpu "$processor" \
    -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries/usr/lib/aarch64-linux-gnu" \
    "$work/spectest" "$@" >"$work/out" 2>&1
}

if on cortex-a53 --tags "$suite/memory" || grep -q ' passed, ' "$work/out"; then
  cat "$work/out"
  echo 'FAIL without tags the runner refuses'
else
  echo 'PASS without tags the runner refuses'
fi
folders=("$suite")
if [ "${1:-}" != whole ]; then
  folders=()
  for script in $scripts; do [ -d "$suite/$script" ] && folders+=("$suite/$script"); done
fi
on max --skips tests/spec/skips.txt --tags "${folders[@]}"
last=$(tail -n 1 "$work/out")
case $last in
  0\ passed*) echo "FAIL with memory tags nothing ran" ;;
  *' passed, 0 failed, '*) echo "PASS with memory tags: $last" ;;
  *)
    tail -n 20 "$work/out"
    echo "FAIL with memory tags: $last"
    ;;
esac
