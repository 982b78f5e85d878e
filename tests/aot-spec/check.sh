#!/bin/bash
# The specification's scripts with every module compiled that wasm2c translates, once with guard pages
# and once with compares, and once through the newest wasm2c, with vectors; and more generated modules than
# ./check aot has. Half an hour on two processors.
# needs: dev
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
build=${WRT_BUILD:-$PWD/build-dev}
suite=${WRT_SPEC_SUITE:-../shared/spec}
if ! command -v wasm2c >/dev/null; then echo 'SKIP compiled guests: wasm2c (Debian package wabt) is not installed'; exit 0; fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
processors=${WRT_JOBS:-$(nproc)}
# Modules are small and run once: the time is the compiler's, so it optimises only once. (Not at all is too
# little: frames of -O0 are larger than the room that is kept for one, and refused.)
spec() { # NAME OPTIONS: each script in a process, as many at a time as there are processors
  local passed modules
  find "$suite" -mindepth 1 -maxdepth 1 -type d | sort >"$work/scripts"
  mkdir "$work/$1"
  # shellcheck disable=SC2016
  xargs -P "$processors" -n 1 bash -c '"$0" --compile "$1" "$3" >"$2/$(basename "$3").log" 2>&1' \
    "$build/wrt-spectest" "$build/wrt compile $2" "$work/$1" <"$work/scripts"
  cat "$work/$1"/*.log >"$work/$1.log"
  grep -o '^  FAILED [^ ]*' "$work/$1.log" | cut -d ' ' -f 4 | LC_ALL=C sort >"$work/failed"
  passed=$(awk '/^[0-9]+ passed, [0-9]+ failed/ { n += $1 } END { print n + 0 }' "$work/$1.log")
  modules=$(awk '/^[0-9]+ modules compiled/ { n += $1 } END { print n + 0 }' "$work/$1.log")
  echo "$2: $(wc -l <"$work/scripts") scripts, $modules modules compiled, $passed assertions passed, $(wc -l <"$work/failed") failed"
  if grep -v '^#' tests/aot-spec/expected.txt | LC_ALL=C sort | diff - "$work/failed" && [ "$modules" -gt 1000 ]; then
    echo "PASS the specification's scripts: $2"
  else
    grep -A 3 -e 'FAILED' -e '^FAIL ' "$work/$1.log" | head -n 40
    echo "FAIL the specification's scripts: $2"
  fi
}
if [ -d "$suite" ]; then
  spec guard '--memory guard --stop fuel --cflags -O1'
  spec compare '--memory compare --stop check --cflags -O1'
  if wasm2c=$(tests/aot-newer/wasm2c 1.0.39 2>"$work/why"); then
    spec newer "--wasm2c $wasm2c --memory guard --stop check --cflags -O1"
  else
    echo "SKIP the specification's scripts through wasm2c 1.0.39: $(cat "$work/why")"
  fi
else
  echo "SKIP the specification's scripts: $suite is not there (WRT_SPEC_SUITE names another folder)"
fi
for options in '--memory guard' '--memory compare --stop fuel'; do
  if "$build/tests/aot/aot_differ" "$work" "$build/wrt compile $options" 1000 300; then
    echo "PASS 300 generated modules: $options"
  else
    echo "FAIL 300 generated modules: $options"
  fi
done
