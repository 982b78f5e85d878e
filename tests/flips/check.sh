#!/bin/bash
# Bits of the runtime's own memory flipped while a guest runs (flips.c): how many were harmless, told,
# silent, a crash or a hang, by verification level. WRT_FLIPS: trials at each level (default 500).
# needs: dev
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
wat2wasm --enable-all tests/modules/programs.wat -o "$work/programs.wasm" &&
  $WRT_GCC -std=gnu11 -O2 -Iinclude -Isrc -Iport/linux -Iport/posix tests/flips/flips.c "$WRT_BUILD/libwrt.a" -lm -lpthread -o "$work/flips" ||
  { echo 'FAIL flips.c does not compile'; exit 1; }
for level in 1 2 3 4 5; do
  "$work/flips" "$work/programs.wasm" $level "${WRT_FLIPS:-500}" | tail -n 1 >"$work/$level"
  cat "$work/$level"
  grep -q '^level' "$work/$level" && echo "PASS flips at level $level were counted" || echo "FAIL flips at level $level"
done
# What a level promises: from Standard on the scrubber and the closing check leave few unseen.
told() { sed -nE 's/.* told ([0-9]+) .*/\1/p' "$work/$1"; }
[ "$(told 3)" -gt "$(told 1)" ] && echo 'PASS Standard tells of more flips than Off' ||
  echo 'FAIL Standard tells of no more flips than Off'
