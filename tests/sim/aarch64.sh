#!/bin/bash
# tests/sim/aarch64.sh: the runtime on the simulated kernel, cross-compiled for AArch64, under
# qemu-user: the port's tests for both releases; for 8.0 also the unit tests and a part of the
# specification's suite (numbers, addresses, alignment, byte order, calls), and snapshots that go
# from one machine to the other. Prints PASS, FAIL
# and SKIP lines. The tests' libraries come from Debian's packages for arm64, unpacked into
# .cache/arm64; nothing is installed.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
  command -v $tool >/dev/null || { echo "SKIP the port on aarch64: $tool is not installed"; exit 0; }
done
. tests/support/arm64.sh # libraries, fetch_libraries
port_tests='port_conformance sim_kernel sim_traps sim_park sim_trouble sim_counts sim_selftest'
# WASI's tests start programs by name, which the host's kernel cannot do with these.
unit_tests=$(for f in tests/unit/[!w]*.c; do echo "unit_$(basename "$f" .c)"; done |
  grep -v '^unit_partition_schedules$')
scripts='align endianness float_memory memory_copy memory_grow conversions i64 f64 float_misc
  call_indirect br_table traps'

build() { # RELEASE TARGET...
  local tree=build-aarch64-$1 generator=
  command -v ninja >/dev/null && generator=-GNinja
  cmake -B "$tree" $generator --toolchain cmake/toolchains/linux-aarch64.cmake \
    -DAARCH64_LIBRARIES="$libraries" -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_C_FLAGS_DEBUG=-O1 -g' \
    -DWRT_PORT=qnx -DWRT_QNX_SIM="$1" || return
  shift
  cmake --build "$tree" -j "$(nproc)" --target "$@"
}

run_tests() { # RELEASE JOBS TEST...: one line per test
  local release=$1 jobs=$2 names test line
  shift 2
  names=$(echo "$@" | tr ' ' '|')
  ctest --test-dir "build-aarch64-$release" -R "^($names)\$" -j "$jobs" --timeout 900 \
    --output-on-failure >"$work/out" 2>&1
  for test; do
    line=$(grep -E "Test +#[0-9]+: $test " "$work/out")
    case $line in
      *Skipped*) echo "SKIP aarch64, simulated $release: $test skips itself" ;;
      *' Passed '*) echo "PASS aarch64, simulated $release: $test" ;;
      *)
        tail -n 40 "$work/out"
        echo "FAIL aarch64, simulated $release: $test"
        ;;
    esac
  done
}

run_scripts() {
  local suite=${WRT_SPEC_SUITE:-../shared/spec} folders=() script last
  [ -d "$suite" ] || { echo "SKIP aarch64: specification scripts: $suite is not there"; return; }
  for script in $scripts; do [ -d "$suite/$script" ] && folders+=("$suite/$script"); done
  last=$(timeout 300 qemu-aarch64 -L /usr/aarch64-linux-gnu \
    -E LD_LIBRARY_PATH="$libraries/usr/lib/aarch64-linux-gnu" \
    build-aarch64-8.0/wrt-spectest "${folders[@]}" | tail -n 1)
  case $last in
    *' passed, 0 failed, '*) echo "PASS aarch64, simulated 8.0: ${#folders[@]} scripts: $last" ;;
    *) echo "FAIL aarch64, simulated 8.0: ${#folders[@]} scripts: $last" ;;
  esac
}

# Snapshots written by either machine are continued by the other, to the same end.
move_snapshots() {
  local name=unit_engine_snapshot_gc there here folder=$work/snapshots
  there="qemu-aarch64 -L /usr/aarch64-linux-gnu
    -E LD_LIBRARY_PATH=$libraries/usr/lib/aarch64-linux-gnu build-aarch64-8.0/$name"
  here=build-qnx-sim-8.0/$name
  [ -x $here ] || { echo "SKIP aarch64: snapshots between machines: $here is not built"; return; }
  mkdir -p "$folder/here" "$folder/there"
  if $here write "$folder/here" >"$work/moved" 2>&1 &&
    $there write "$folder/there" >>"$work/moved" 2>&1 &&
    $there continue "$folder/here" >>"$work/moved" 2>&1 &&
    $here continue "$folder/there" >>"$work/moved" 2>&1; then
    echo "PASS aarch64: snapshots of structs, arrays and exceptions, from x86-64 and back"
  else
    cat "$work/moved"
    echo "FAIL aarch64: snapshots of structs, arrays and exceptions, from x86-64 and back"
  fi
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if ! fetch_libraries >"$work/fetched" 2>&1; then
  tail -n 3 "$work/fetched"
  echo "SKIP the port on aarch64: the tests' libraries for arm64 cannot be fetched with apt-get"
  exit 0
fi
for release in 7.1 8.0; do
  more=
  [ $release = 8.0 ] && more="$unit_tests wrt-spectest"
  if ! build $release $port_tests $more test_modules >"$work/built" 2>&1; then
    grep -E 'error|FAILED' "$work/built" | head
    echo "FAIL aarch64, simulated $release: it does not build"
    continue
  fi
  run_tests $release 1 $port_tests # some look at the clock
  [ $release = 7.1 ] || run_tests $release "$(nproc)" $unit_tests
  [ $release = 7.1 ] || echo "SKIP aarch64, simulated 8.0: unit_partition_schedules takes minutes under\
 emulation, and its schedules are the same on every machine"
  [ $release = 7.1 ] || run_scripts
  [ $release = 7.1 ] || move_snapshots
done
exit 0
