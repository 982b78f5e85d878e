#!/bin/bash
# only by name
# needs: dev
# Core scheduling and the speculation controls of workers, in an emulated machine: on one core with two
# threads, two processes with cookies of their own never run at once. The emulator's processor has none of
# the controls, so the kernel refuses them, and that must be said. Kernels of Debian 12 are built without core scheduling: with
# another one at .cache/kernel/vmlinuz this shows more.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. tests/support/machine.sh
name='core scheduling'
need_machine
mkdir "$work/root"
gcc -std=gnu11 -O1 -static -Iinclude -Isrc -o "$work/root/init" tests/isolate/isolate.c \
  "$WRT_BUILD/libwrt.a" -lpthread -lm 2>"$work/log" || {
  cat "$work/log"
  echo 'FAIL the program of the emulated machine builds'
  exit 1
}
sees() { # TEXT LINE
  if grep -qxE "$2" "$work/said"; then echo "PASS $1"; else
    cat "$work/said"
    echo "FAIL $1"
  fi
}
# As an Intel processor: of those of AMD the emulator has no threads.
boot max,vendor=GenuineIntel,family=6,model=94,stepping=3 -smp 2,sockets=1,cores=1,threads=2
grep -E '^(nothing|store|indirect|l1d|core|processors|  Spec)' "$work/said"
sees 'a processor that guesses past stores, without a control for it: refused, as the kernel says' \
  'store-bypass: WRT_OK, refused, cookie .*'
sees 'no control of indirect branches: refused' 'indirect-branch: WRT_OK, refused, cookie .*'
sees 'no flush of the first cache: refused' 'l1d-flush: WRT_OK, refused, cookie .*'
if grep -q '^nothing: .* cookie unknown' "$work/said"; then
  sees 'core scheduling: not in this kernel: refused' 'core-scheduling: WRT_OK, refused, cookie unknown'
  echo 'SKIP core scheduling at work: the kernel was built without it'
else
  sees 'core scheduling: without asking there is no cookie' 'nothing: WRT_OK, in force, cookie none'
  sees 'core scheduling: a cookie of its own' 'core-scheduling: WRT_OK, in force, cookie own'
  sees 'core scheduling: two processes with cookies never run on one core at once' 'kept apart'
fi
boot max -smp 1
sees 'a processor that does not guess past stores: nothing to stop, in force' 'store-bypass: WRT_OK, in force, cookie .*'
sees 'core scheduling: one thread for each core, so it is refused, and said' \
  'core-scheduling: WRT_OK, refused, cookie .*'
