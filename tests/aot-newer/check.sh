#!/bin/bash
# `wrt compile` through newer versions of wasm2c than Debian has: guests as interpreted, vectors by the
# specification's scripts, generated modules. All scripts are in `./check aot-spec`.
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
build=${WRT_BUILD:-$PWD/build-dev}
root=$PWD
suite=$(cd "${WRT_SPEC_SUITE:-../shared/spec}" 2>/dev/null && pwd)
newest=1.0.39
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

verdict() { if [ -z "$2" ]; then echo "PASS $1"; else printf '%s\n' "$2"; echo "FAIL $1"; fi; }
if ! command -v wat2wasm >/dev/null; then echo 'SKIP newer versions of wasm2c: wat2wasm (Debian package wabt) is not installed'; exit 0; fi
sed 's/(import "host" "twice" (func $twice (param i32) (result i32)))/(func $twice (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))/' \
  tests/aot/guest.wat >"$work/guest.wat"
wat2wasm "$work/guest.wat" -o "$work/guest.wasm" && wat2wasm tests/aot/loops.wat -o "$work/loops.wasm" &&
  wat2wasm tests/aot-newer/vectors.wat -o "$work/vectors.wasm" || exit 1

results() { # GUEST LOOPS: of functions that take one number
  local name number
  for name in sum load pick grow; do
    for number in 0 1 4 65532 65533; do
      [ $name$number = sum65532 ] || [ $name$number = sum65533 ] || [ $name$number = sum0 ] ||
        echo "$name $number: $("$build/wrt" run --invoke $name "$1" $number 2>&1 | head -n 1 | sed -E 's/^wrt: [^:]*: //; s/ in (function|_?[a-z]).*//')"
    done
  done
  for name in whole short unrolled calling traps all; do
    for number in 1 2 9 77 1000; do
      echo "$name $number: $("$build/wrt" run --invoke $name "$2" $number 2>&1 | head -n 1 | sed -E 's/^wrt: [^:]*: //; s/ in (function|_?[a-z]).*//')"
    done
  done
}
results "$work/guest.wasm" "$work/loops.wasm" >"$work/wanted"
vector_results() { # FILE
  local number
  for number in 0 1 7 65520 65521 4294967295; do
    echo "$number: $("$build/wrt" run --invoke mixed "$1" $number 2>&1 | head -n 1 | sed -E 's/^wrt: [^:]*: //; s/ in (function|_?[a-z]).*//')"
  done
}
vector_results "$work/vectors.wasm" >"$work/wanted-vectors"

used() { # OBJECT: the least fuel that is enough, found by halving
  local low=1 high=65536 middle
  while [ $((high - low)) -gt 0 ]; do
    middle=$(((low + high) / 2))
    if "$build/wrt" run --fuel $middle --invoke mixed "$1" 7 >/dev/null 2>&1; then high=$middle; else low=$((middle + 1)); fi
  done
  echo $low
}

for version in 1.0.36 1.0.37 $newest; do
  if ! wasm2c=$("$root/tests/aot-newer/wasm2c" $version 2>"$work/why"); then
    echo "SKIP wasm2c $version: $(cat "$work/why")"
    continue
  fi
  for options in '--memory compare --stop check' '--memory guard --stop fuel'; do
    verdict "wasm2c $version, as interpreted: $options" "$(
      { for guest in guest loops; do
          "$build/wrt" compile --wasm2c "$wasm2c" $options -o "$work/$guest.so" "$work/$guest.wasm" || echo "$guest: not compiled"
        done
        results "$work/guest.so" "$work/loops.so" | diff "$work/wanted" -; } 2>&1)"
    if [ ! -e /usr/include/simde/wasm/simd128.h ]; then
      echo "SKIP vectors, wasm2c $version: Debian's package libsimde-dev is not installed"
      continue
    fi
    verdict "vectors, wasm2c $version: $options" "$(
      { "$build/wrt" compile --wasm2c "$wasm2c" $options -o "$work/vectors.so" "$work/vectors.wasm" &&
        vector_results "$work/vectors.so" | diff "$work/wanted-vectors" -; } 2>&1)"
  done
  [ -e "$work/vectors.so" ] && used "$work/vectors.so" >>"$work/fuels"
done
# Newer versions put conditions into loops, which end no loop's body.
[ ! -e "$work/fuels" ] || verdict "the same fuel is enough whichever version translated it" "$(
  [ "$(sort -u "$work/fuels" | wc -l)" = 1 ] && ! grep -q 65536 "$work/fuels" || cat "$work/fuels")"
wasm2c=$("$root/tests/aot-newer/wasm2c" $newest 2>/dev/null) && [ -e /usr/include/simde/wasm/simd128.h ] || exit 0

mkdir "$work/include"
find /usr/include -mindepth 1 -maxdepth 1 ! -name simde -exec ln -s -t "$work/include" {} +
machine=$(${WRT_GCC:-cc} -print-multiarch)
verdict 'vectors without SIMDe are refused by its name' "$(
  "$build/wrt" compile --cc "${WRT_GCC:-cc}" --wasm2c "$wasm2c" -o "$work/none.so" "$work/vectors.wasm" --cflags \
    "-nostdinc -isystem $(${WRT_GCC:-cc} -print-file-name=include) -isystem $work/include -isystem /usr/include/$machine" \
    >"$work/said" 2>&1
  [ $? = 251 ] && grep -q SIMDe "$work/said" && [ ! -e "$work/none.so" ] || cat "$work/said")"

if [ -z "$suite" ]; then
  echo "SKIP vectors by the specification's scripts: ../shared/spec is not there (WRT_SPEC_SUITE names another folder)"
else
  for script in simd_f32x4 simd_f64x2_rounding simd_i16x8_q15mulr_sat_s simd_load16_lane simd_store8_lane simd_load_extend simd_select; do
    verdict "vectors by the specification: $script" "$(
      "$build/wrt-spectest" --compile "$build/wrt compile --wasm2c $wasm2c --cflags -O1" "$suite/$script" >"$work/log" 2>&1 &&
        grep -q '^[1-9][0-9]* modules compiled' "$work/log" || tail -n 30 "$work/log")"
  done
fi
# The first has vector constants in globals, before functions that are referred to.
verdict 'generated modules give the same in both forms' "$(
  { timeout 200 "$build/tests/aot/aot_differ" "$work" "$build/wrt compile --wasm2c $wasm2c --cflags -O1" 800112 8 vectors || echo "exit $?"; } 2>&1 |
    grep -v 'modules the same, 0 differ')"
