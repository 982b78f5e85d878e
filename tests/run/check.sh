#!/bin/bash
# ./run as a user meets it, and the installer behind it.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

expect() { # TEXT CODE PATTERN COMMAND...: the pattern is looked for in all that it prints
  local text=$1 code=$2 pattern=$3 got
  shift 3
  "$@" >"$work/out" 2>&1 </dev/null
  got=$?
  if [ $got = "$code" ] && { [ -z "$pattern" ] || grep -qE -- "$pattern" "$work/out"; }; then
    echo "PASS $text"
  else
    echo "$*: exit $got, expected $code"
    cat "$work/out"
    echo "FAIL $text"
  fi
}

expect './run shows two tenants: what the first did' 0 '^telemetry: 599 samples, ' ./run
expect './run shows two tenants: what the second did' 0 '^planner: 84 steps from start to goal' ./run
for tenant in telemetry planner; do
  expect "./run prints $tenant's memory, limit, fuel and time" 0 \
    "^$tenant +exit 0; memory [0-9]+ KiB now, [0-9]+ KiB at most, limit [0-9]+ KiB, [0-9]+ refused; fuel [1-9][0-9]* in [0-9]+ slices; [0-9.]+ ms" ./run
done
for guest in hello actions; do
  clang-19 --target=wasm32-wasi -O1 -o "$work/$guest.wasm" tests/cli/$guest.c
done
expect './run FILE.wasm runs it' 0 '^hello, world$' ./run "$work/hello.wasm"
expect './run FILE.wasm passes arguments on' 0 '^argument 2: --fuel$' ./run "$work/hello.wasm" one --fuel
expect './run FILE.wasm passes the exit code on' 9 '' ./run "$work/actions.wasm" exit 9
expect './run COMMAND is wrt COMMAND' 0 ': valid$' ./run validate "$work/hello.wasm"
expect './run --version' 0 '^wrt [0-9.]+$' ./run --version
expect './run works from elsewhere' 0 '^hello, world$' sh -c "cd $work && $PWD/run hello.wasm"

# The installer on a system where nothing is there, for a user who is not root.
mkdir "$work/bin"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
printf '#!/bin/sh\necho "the installer must not be called" >&2\nexit 99\n' >"$work/bin/apt-get"
chmod +x "$work/bin/"*
expect 'without root the command is named' 1 '^  sudo apt-get install -y --no-install-recommends gcc ' \
  env PATH="$work/bin:$PATH" ./run
printf '#!/bin/sh\necho 0\n' >"$work/bin/id"
expect 'a failed installation is reported' 1 '^Installing failed; the command was: apt-get install' \
  env PATH="$work/bin:$PATH" ./run
expect 'what is installed is said' 1 '^Installing what is missing: gcc ' env PATH="$work/bin:$PATH" ./run
expect 'an unknown check is refused' 2 'there is no check named nonsense' ./check nonsense
