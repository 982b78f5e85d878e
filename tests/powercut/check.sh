#!/bin/bash
# Power cuts while the command line writes what it keeps: a snapshot, a compiled object, a table of
# times. At whichever step it comes, the file has its old bytes or its new ones. (Of atomic memory:
# tests/unit/integrity_cut.c.)
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cc=${WRT_GCC:-gcc}
"$cc" -std=gnu11 -O1 -Wall -Wextra -Werror -shared -fPIC tests/powercut/cut.c -ldl -o "$work/cut.so" ||
  { echo 'FAIL cut.c compiles'; exit 1; }
wat2wasm --enable-all tests/cli/values.wat -o "$work/values.wasm"
wat2wasm tests/cli/bounds.wat -o "$work/bounds.wasm"
cd "$work" || exit 1

# What is kept in FILE after a cut at each step of COMMAND, where IS_NEW FILE succeeds for what COMMAND
# writes; says at how many steps, or how it failed.
cuts() { # IS_NEW FILE COMMAND...
  local is_new=$1 file=$2 step code
  shift 2
  for step in $(seq 1 60); do
    echo old >"$file"
    CUT=$step LD_PRELOAD=$work/cut.so "$@" >/dev/null 2>&1
    code=$?
    if ! "$is_new" "$file" && [ "$(cat "$file" 2>/dev/null | tr -d '\0')" != old ]; then
      echo "damaged by a cut at step $step"
      return
    fi
    rm -f "$file".*.part
    [ $code = 99 ] || break
  done
  [ "$step" -gt 2 ] && "$is_new" "$file" && echo "whole after $((step - 1)) cuts" || echo "nothing was cut or written"
}

holds() { # WHAT IS_NEW FILE COMMAND...: old or new, and the test notices a program that does not synchronise
  local what=$1 said
  shift
  said=$(cuts "$@")
  case $said in
    whole*) echo "PASS $what is old or new: $said" ;;
    *) echo "FAIL $what is old or new: $said" ;;
  esac
  said=$(CUT_FORGETS=1 cuts "$@")
  case $said in
    damaged*) echo "PASS $what: a program that forgets to synchronise is noticed" ;;
    *) echo "FAIL $what: a program that forgets to synchronise is noticed: $said" ;;
  esac
}

freeze=("$wrt" run --fuel 1000 --snapshot-on-pause kept --invoke count values.wasm 2000)
"${freeze[@]}" >/dev/null 2>&1; mv kept new 2>/dev/null
is_frozen() { cmp -s "$1" new; }
holds 'a snapshot' is_frozen kept "${freeze[@]}"

# An object is new if it runs: it carries its own hash, which opening it compares.
echo '(module (func (export "ten") (result i32) i32.const 10))' >ten.wat && wat2wasm ten.wat -o ten.wasm
is_object() { [ "$("$wrt" run --invoke ten "$1" 2>/dev/null)" = "$("$wrt" run --invoke ten ten.wasm)" ]; }
if command -v wasm2c >/dev/null; then
  holds 'a compiled object' is_object ten.so "$wrt" compile -o ten.so ten.wasm
else
  echo 'SKIP a compiled object: wasm2c (Debian package wabt) is not installed'
fi

is_table() { "$wrt" bound --calibration "$1" --export ten bounds.wasm >/dev/null 2>&1; }
holds 'a table of times' is_table times "$wrt" calibrate --runs 1 --out times
