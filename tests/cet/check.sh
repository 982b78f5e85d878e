#!/bin/bash
# needs: dev
# CET (x86, the build option WRT_CET, on by default): what we build is marked for a shadow stack and
# branch tracking, and every indirect target, the interpreter's handlers too, has a landing pad.
# SPDX-License-Identifier: Apache-2.0
set -u
tree=${WRT_BUILD:-$PWD/build-dev}
cc=${WRT_GCC:-gcc}
if [ "$(uname -m)" != x86_64 ] || ! command -v python3 >/dev/null; then
  echo 'SKIP CET: no x86-64 machine, or no python3'
  exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

marked_for_cet()   { readelf -nW "$1" | grep -q 'x86 feature: IBT, SHSTK'; }
has_landing_pads() { python3 tests/hardening/code.py "$1" '' >"$work/code" || { cat "$work/code"; false; }; }
passes() { if "$2" "$3"; then echo "PASS $1"; else echo "FAIL $1"; fi; }
finds()  { if "$1" "$2" >/dev/null; then echo "FAIL $1 finds its fault"; else echo "PASS $1 finds its fault"; fi; }

echo 'int f(int i) { return i; } int (*p)(int) = f;' >"$work/twin.c"
"$cc" -O1 -shared -fPIC -fcf-protection=none -o "$work/twin.so" "$work/twin.c" || exit 1
finds marked_for_cet "$work/twin.so"
finds has_landing_pads "$work/twin.so"
for name in libwrt.so wrt wrt-tenant; do
  passes "$name: marked for shadow stack and branch tracking" marked_for_cet "$tree/$name"
  passes "$name: every indirect target has a landing pad" has_landing_pads "$tree/$name"
done
wat2wasm --enable-all tests/modules/programs.wat -o "$work/programs.wasm"
if [ "$("$tree/wrt" run --invoke fib "$work/programs.wasm" 15)" = 610 ]; then
  echo 'PASS guests run in it'
else
  echo 'FAIL guests run in it'
fi
