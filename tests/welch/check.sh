#!/bin/bash
# only by name
# Times of wrt_ct_* on fixed against random secrets: Welch's t-test, on this machine as it is.
# Leaky twins must be told apart (that is the test's power), ours must not. Gated on time, so it
# is not part of the default check; about half a minute for each compiler.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
for cc in "${WRT_GCC:-gcc}" "${WRT_CLANG:-clang-19}"; do
  if ! command -v "$cc" >/dev/null; then
    echo "SKIP Welch's t by $cc: not installed"
  elif ! "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude tests/welch/welch.c src/secure/ct.c -lm -o "$work/welch"; then
    echo "FAIL Welch's t by $cc: does not compile"
  else
    "$work/welch" "${WRT_SAMPLES:-200000}" | sed "s/^\(PASS\|FAIL\) /\1 $cc: /"
  fi
done
