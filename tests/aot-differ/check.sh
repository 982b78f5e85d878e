#!/bin/bash
# Generated modules, interpreted and compiled in each mode: 3,000 (WRT_MODULES names another number), from
# WRT_FIRST on (default 1,000,000). Some ten minutes of two processors.
# needs: dev
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
build=${WRT_BUILD:-$PWD/build-dev}
first=${WRT_FIRST:-1000000}
each=$(((${WRT_MODULES:-3000} + 5) / 6))
if ! command -v wasm2c >/dev/null; then echo 'SKIP generated modules: wasm2c (Debian package wabt) is not installed'; exit 0; fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
run() { # NUMBER OPTIONS: modules of its own, and a folder
  local folder=$work/$1
  mkdir "$folder"
  if "$build/tests/aot/aot_differ" "$folder" "$build/wrt compile --cflags -O1 $2" $((first + $1 * each)) "$each" >"$folder/out" 2>&1; then
    echo "PASS $(tail -n 1 "$folder/out"): $2"
  else
    head -n 60 "$folder/out"
    echo "FAIL $(tail -n 1 "$folder/out"): $2"
  fi
}
export -f run
export build first each work
printf '%s\n' '0 --memory guard --stop none' '1 --memory guard --stop check' '2 --memory guard --stop fuel' \
  '3 --memory compare --stop none' '4 --memory compare --stop check' '5 --memory compare --stop fuel' |
  xargs -P "${WRT_JOBS:-$(nproc)}" -I '{}' bash -c 'line="{}"; run "${line%% *}" "${line#* }"'
