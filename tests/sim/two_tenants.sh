#!/bin/bash
# tests/sim/two_tenants.sh PROGRAM CLANG EXAMPLES FOLDER: compiles the guests and runs both.
# Skipped (77) where no compiler makes guests.  SPDX-License-Identifier: Apache-2.0
set -u
program=$1 clang=$2 examples=$3 folder=$4
for guest in telemetry planner; do
  "$clang" --target=wasm32-wasi -O2 "$examples/guests/$guest.c" -o "$folder/$guest.wasm" -lm || {
    echo "no compiler here makes programs for wasm32-wasi"
    exit 77
  }
done
output=$("$program" "$folder" "$examples/data") || exit 1
printf '%s\n' "$output"
for line in 'asked for 64 MiB more: refused' 'telemetry *exit 0' 'planner *exit 0'; do
  grep -q "$line" <<<"$output" || { echo "missing: $line"; exit 1; }
done
