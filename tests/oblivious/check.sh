#!/bin/bash
# What wrt_oblivious tells: no branch and no address depends on index, kind of access or bytes
# (valgrind, secrets as uninitialised bytes), and the trace of all addresses is the same for
# all requests; for the tree but for which path is taken, which is random
# (tests/unit/secure_oblivious_leaves.c). Each has a careless twin that must be found.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
flags='-std=gnu11 -Iinclude -Isrc -Wall -Wextra -Werror -fstack-protector-strong -gdwarf-4'
others='src/secure/ct.c'
found=9

if ! command -v valgrind >/dev/null || ! command -v python3 >/dev/null; then
  echo 'SKIP what wrt_oblivious tells: valgrind or python3 is not installed'
  exit
fi

verdict() { # TEXT STATUS
  if [ "$2" = 0 ]; then echo "PASS $1"; else cat "$work/log"; echo "FAIL $1"; fi
}

secrets() { # CC LEVEL
  local name="$1 $2" mode
  if ! "$1" $flags "$2" tests/oblivious/secret.c $others -o "$work/secret"; then
    echo "FAIL $name: does not compile"
    return
  fi
  for mode in scan tree; do
    valgrind -q --error-exitcode=$found "$work/secret" $mode >"$work/log" 2>&1
    verdict "$name, $mode: no branch and no address depends on a secret" $?
  done
  valgrind -q --error-exitcode=$found "$work/secret" twin >"$work/log" 2>&1
  [ $? = $found ]
  verdict "$name: the careless twin is found" $?
}

digest() { # MODE REQUESTS
  valgrind --tool=lackey --trace-mem=yes --log-file="$work/lackey" "$work/trace" "$1" "$2" >"$work/places" || return
  python3 tests/oblivious/same.py "$work/lackey" "$work/places"
}

traces() { # CC
  local mode requests one other
  if ! "$1" $flags -O2 -static tests/oblivious/trace.c src/secure/oblivious_tree.c src/secure/chacha.c $others -o "$work/trace"; then
    echo "FAIL $1: does not compile"
    return
  fi
  for mode in scan tree; do
    one=$(digest $mode a)
    for requests in b c d; do
      other=$(digest $mode $requests)
      echo "$one and $other" >"$work/log"
      [ -n "$one" ] && [ "$one" != 'no trace' ] && [ "$one" = "$other" ]
      verdict "$1, $mode: requests a and $requests leave the same trace" $?
    done
  done
  one=$(digest twin a) other=$(digest twin b)
  echo "$one and $other" >"$work/log"
  [ "$one" != 'no trace' ] && [ "$one" != "$other" ]
  verdict "$1: the traces of a plain array differ" $?
}

for cc in "${WRT_GCC:-gcc}" "${WRT_CLANG:-clang-19}"; do
  if ! command -v "$cc" >/dev/null; then
    echo "SKIP what wrt_oblivious tells, by $cc: not installed"
    continue
  fi
  for level in -O0 -O2 -O3; do secrets "$cc" $level; done
  if [ "$(uname -m)" = x86_64 ]; then traces "$cc"; fi
done
