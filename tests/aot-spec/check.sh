#!/bin/bash
# The specification's scripts with every module compiled that wasm2c translates, once with guard pages
# and once with compares; and more generated modules than ./check aot has. Some minutes.
# needs: dev
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
build=${WRT_BUILD:-$PWD/build-dev}
suite=${WRT_SPEC_SUITE:-../shared/spec}
if ! command -v wasm2c >/dev/null; then echo 'SKIP compiled guests: wasm2c (Debian package wabt) is not installed'; exit 0; fi
if [ -d "$suite" ]; then
  for options in '--memory guard --stop fuel' '--memory compare --stop check --cflags -O1'; do
    if "$build/wrt-spectest" --compile "$build/wrt compile $options" "$suite"; then
      echo "PASS the specification's scripts: $options"
    else
      echo "FAIL the specification's scripts: $options"
    fi
  done
else
  echo "SKIP the specification's scripts: $suite is not there (WRT_SPEC_SUITE names another folder)"
fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
for options in '--memory guard' '--memory compare --stop fuel'; do
  if "$build/tests/aot/aot_differ" "$work" "$build/wrt compile $options" 1000 300; then
    echo "PASS 300 generated modules: $options"
  else
    echo "FAIL 300 generated modules: $options"
  fi
done
