#!/bin/bash
# only by name
# Spectre, variant 1, by flush and reload on this machine: the shape of the interpreter's checked
# load, and a guest in the interpreter, read bytes beyond the check without the mask, and none with it. Whether the attack works
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

# ---- by a guest: the interpreter's own check, as it ships and with the mask ----

if [ "$(nproc)" -lt 2 ] || ! command -v wat2wasm >/dev/null; then
  echo 'SKIP Spectre, variant 1, by a guest: needs two processors and wat2wasm'
  exit
fi
wat2wasm tests/spectre/guest.wat -o "$work/guest.wasm" || { echo 'FAIL guest.wat does not assemble'; exit; }
cc=${WRT_GCC:-gcc}
for mask in OFF ON; do
  if ! tools/build-tree release "spectre-$mask" "$cc" -DWRT_INDEX_MASKING=$mask -DWRT_BUILD_CLI=OFF wrt >"$work/log" 2>&1 ||
     ! "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude -Isrc tests/spectre/guest.c \
       "build-spectre-$mask/libwrt.a" -lm -pthread -o "$work/guest$mask"; then
    tail -n 20 "$work/log"
    echo 'FAIL the attack by a guest does not build'
    exit
  fi
done
printf '#!/bin/sh\nexec "%s" "%s"\n' "$work/guestOFF" "$work/guest.wasm" >"$work/open"
printf '#!/bin/sh\nexec "%s" "%s"\n' "$work/guestON" "$work/guest.wasm" >"$work/closed"
chmod +x "$work/open" "$work/closed"
open=$(most "$work/open") closed=$(most "$work/closed")
if [ "$open" -lt 3 ]; then
  echo "SKIP Spectre, variant 1, by a guest: the attack does not work here ($open of 16 bytes)"
elif [ "$closed" = 0 ]; then
  echo "PASS by a guest: $open of 16 bytes of a neighbour leak without the mask, none with it"
else
  echo "FAIL by a guest: $open of 16 bytes of a neighbour leak without the mask, $closed with it"
fi
