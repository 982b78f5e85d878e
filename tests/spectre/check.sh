#!/bin/bash
# only by name
# Spectre, variant 1, by flush and reload on this machine: the shape of the interpreter's checked
# load leaks bytes beyond the check without the mask, and none with it. Whether the attack works
# at all depends on the processor and on who else runs, so it is not part of the default check.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
if [ "$(uname -m)" != x86_64 ]; then
  echo 'SKIP Spectre, variant 1: the attack is written for x86-64'
  exit
fi

most() { # PROGRAM: bytes found in the best of five runs
  local best=0 got run
  for run in 1 2 3 4 5; do
    got=$("$1" | cut -d ' ' -f 1)
    [ "$got" -le "$best" ] || best=$got
  done
  echo "$best"
}

for cc in "${WRT_GCC:-gcc}" "${WRT_CLANG:-clang-19}"; do
  if ! command -v "$cc" >/dev/null; then
    echo "SKIP Spectre, variant 1, by $cc: not installed"
    continue
  fi
  for mask in 0 1; do
    "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -Isrc -DWRT_INDEX_MASKING=$mask tests/spectre/spectre.c \
      -o "$work/spectre$mask" || { echo "FAIL $cc: does not compile"; continue 2; }
  done
  open=$(most "$work/spectre0") closed=$(most "$work/spectre1")
  echo "$cc: without the mask $open of 16 bytes, with it $closed"
  if [ "$open" -lt 8 ]; then
    echo "SKIP Spectre, variant 1, by $cc: the attack does not work here ($open of 16 bytes)"
  elif [ "$closed" = 0 ]; then
    echo "PASS $cc: $open of 16 bytes leak without the mask, none with it"
  else
    echo "FAIL $cc: $open of 16 bytes leak without the mask, $closed with it"
  fi
done
