#!/bin/bash
# tests/sim/aarch64.sh: the simulated kernel of both releases and the port, cross-compiled for
# AArch64 and run under qemu-user. Prints PASS, FAIL or SKIP.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
  command -v $tool >/dev/null || { echo "SKIP the port on aarch64: $tool is not installed"; exit 0; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

build() { # RELEASE MACRO
  local headers source
  rm -f "$work"/*.o
  headers="-nostdinc -D__QNX__=$2 -D__QNXNTO__ -D_QNX_SOURCE -isystem sim/qnx/include/$1
    -isystem sim/qnx/include/common -isystem $($cc -print-file-name=include)"
  for source in sim/qnx/kernel/*.c port/qnx/[!f]*.c port/qnx/fault.c; do
    $cc -std=gnu11 -O1 $headers -Iinclude -Isrc -c "$source" -o "$work/$(tr / _ <<<"$source").o" || return
  done
  for source in sim/qnx/host/*.c; do
    $cc -std=gnu11 -O1 -c "$source" -o "$work/host_$(basename "$source").o" || return
  done
  $cc -std=gnu11 -O1 -static -Iinclude -Isrc tests/sim/smoke.c "$work"/*.o -o "$work/smoke" -lpthread
}

for release in 7.1:1 8.0:800; do
  if build "${release%:*}" "${release#*:}" >"$work/log" 2>&1 &&
    timeout 60 qemu-aarch64 "$work/smoke" >>"$work/log" 2>&1; then
    echo "PASS the port on aarch64, simulated ${release%:*}"
  else
    tail -n 5 "$work/log"
    echo "FAIL the port on aarch64, simulated ${release%:*}"
  fi
done
