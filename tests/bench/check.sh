#!/bin/bash
# The benchmark builds, and each program computes the same natively and in the engine. Times are
# printed for whoever reads the log; nothing here depends on them.
# SPDX-License-Identifier: Apache-2.0
set -u
[ -e ../shared/bench/rt.c ] ||
  echo 'SKIP the yardstick programs: ../shared/bench is not there, only our own are run'
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
: >"$work/history.csv"
result=$(bench/run --passes 1 --record "$work/history.csv" 2>&1) && verdict=PASS || verdict=FAIL
echo "$result"
echo "$result" | sed -nE 's/^ +([0-9.]+) +\(geometric mean\)$/note one pass, ratio to native: \1/p'
echo "$verdict every program gives the same checksum natively and in the engine"

# The page: drawn from that run, from that run and a slower one, and not from a damaged file.
says() { # SENTENCE COMMAND...: SENTENCE names what COMMAND must do
  local sentence=$1
  shift
  if "$@"; then echo "PASS $sentence"; else echo "FAIL $sentence"; fi
}
draws() { bench/page "$work/history.csv" "$work/page" && grep -q '<figure>' "$work/page/index.html" && ls "$work"/page/ratio-*.png >/dev/null; }
names_worse() { # the same figures a day later, each ratio three times as large
  awk -F';' -v OFS=';' '{ print } $7 == "ratio" { $1 = "2999-01-01T00:00:00Z"; $8 *= 3; later = later $0 "\n" }
                        END { printf "%s", later }' "$work/history.csv" >"$work/slower.csv"
  bench/page "$work/slower.csv" "$work/page" | grep -q '^worse than before: .* geometric mean'
}
refuses() { echo 'a;b;c' >>"$work/history.csv"; ! bench/page "$work/history.csv" "$work/no" 2>"$work/said" && grep -q ': eight fields' "$work/said" && [ ! -e "$work/no" ]; }
says 'a page with charts is drawn from recorded figures' draws
says 'a figure that got worse is named' names_worse
says 'a damaged history is refused with its line' refuses
