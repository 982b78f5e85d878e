#!/bin/bash
# tests/wasi/every_call.sh ABI PROGRAMS WASM: every call in WASI_CALL_LIST, and there are 46,
# is named in the first comment of a program that tests it, and that program imports it.
# SPDX-License-Identifier: Apache-2.0
set -u
command -v wasm-objdump >/dev/null || { echo 'no wasm-objdump (package wabt)'; exit 77; }
calls=$(sed -n 's/^ *X(\([a-z_]*\), .*/\1/p' "$1")
[ "$(echo "$calls" | wc -l)" = 46 ] || { echo "$1 does not list 46 calls"; exit 1; }
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
for program in "$2"/*.c; do
  imports=$(wasm-objdump -x -j Import "$3/$(basename "$program" .c).wasm" |
    sed -n 's/.* <- wasi_snapshot_preview1\.//p')
  named=$(sed '/\*\//q' "$program" | grep -oE '[a-z]+_[a-z_]+')
  grep -Fxf <(echo "$imports") <<<"$named" >>"$said"
done
missing=$(grep -vFxf "$said" <<<"$calls")
[ -z "$missing" ] || { echo "no program tests: $missing"; exit 1; }
