#!/bin/bash
# Power cuts while the command line writes what it keeps: a snapshot. At whichever
# step it comes, the file has its old bytes or its new ones. (Of atomic memory: tests/unit/integrity_cut.c.)
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cc=${WRT_GCC:-gcc}
"$cc" -std=gnu11 -O1 -Wall -Wextra -Werror -shared -fPIC tests/powercut/cut.c -ldl -o "$work/cut.so" ||
  { echo 'FAIL cut.c compiles'; exit 1; }
wat2wasm --enable-all tests/cli/values.wat -o "$work/values.wasm"
cd "$work" || exit 1

# FILE: what is kept there, after a cut at each step of COMMAND; says at how many steps, or how it failed.
cuts() { # NEW FILE COMMAND...
  local new=$1 file=$2 step code
  shift 2
  for step in $(seq 1 60); do
    echo old >"$file"
    CUT=$step LD_PRELOAD=$work/cut.so "$@" >/dev/null 2>&1
    code=$?
    if ! cmp -s "$file" "$new" && [ "$(cat "$file" 2>/dev/null | tr -d '\0')" != old ]; then
      echo "damaged by a cut at step $step"
      return
    fi
    [ $code = 99 ] || break
  done
  [ "$step" -gt 2 ] && cmp -s "$file" "$new" && echo "whole after $((step - 1)) cuts" || echo "nothing was cut or written"
}

freeze=("$wrt" run --fuel 1000 --snapshot-on-pause kept --invoke count values.wasm 2000)
"${freeze[@]}" >/dev/null 2>&1; mv kept new 2>/dev/null
said=$(cuts new kept "${freeze[@]}")
case $said in
  whole*) echo "PASS a snapshot is old or new: $said" ;;
  *) echo "FAIL a snapshot is old or new: $said" ;;
esac
said=$(CUT_FORGETS=1 cuts new kept "${freeze[@]}")
case $said in
  damaged*) echo 'PASS a program that forgets to synchronise is noticed' ;;
  *) echo "FAIL a program that forgets to synchronise is noticed: $said" ;;
esac
