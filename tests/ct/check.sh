#!/bin/bash
# Constant time in the compiled code: wrt_ct_* by gcc and clang at each level of optimisation,
# on secrets that valgrind holds for uninitialised (secret.c), on this machine's architecture;
# in the disassembly, on all paths, so for all lengths (scan.py, x86-64); and that what is
# zeroised is gone (wipe.c). Each has a faulty twin that must be found.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
flags='-std=gnu11 -Iinclude -Wall -Wextra -Werror -fstack-protector-strong -gdwarf-4'
found=9 # what valgrind ends with after a report

compile() { # OUT CC LEVEL FILE...
  local out=$1 cc=$2 level=$3
  shift 3
  "$cc" $flags "$level" "$@" -o "$out"
}

watched() { # PROGRAM MODE
  valgrind -q --error-exitcode=$found "$1" "$2" >"$work/log" 2>&1
}

secrets() { # CC LEVEL FORM FILE...
  local name="$1 $2 $3" program=$work/secret twin
  if ! compile "$program" "$1" "$2" "${@:4}"; then
    echo "FAIL $name: does not compile"
    return
  fi
  if watched "$program" ct; then
    echo "PASS $name: no branch and no address depends on a secret"
  else
    cat "$work/log"
    echo "FAIL $name: no branch and no address depends on a secret"
  fi
  for twin in equal lookup copy; do
    watched "$program" $twin
    if [ $? = $found ]; then
      echo "PASS $name: the leaky $twin is found"
    else
      cat "$work/log"
      echo "FAIL $name: the leaky $twin is found"
    fi
  done
}

wiped() { # CC LEVEL
  if compile "$work/wipe" "$1" "$2" -pthread tests/ct/wipe.c && [ "$("$work/wipe" zeroise)" = gone ]; then
    echo "PASS $1 $2: zeroised bytes are gone"
  else
    echo "FAIL $1 $2: zeroised bytes are gone"
  fi
  [ "$2" = -O2 ] || return # what a memset leaves is the compiler's choice; this one is known
  if [ "$("$work/wipe" memset)" = left ]; then
    echo "PASS $1 $2: a memset that the compiler left out is found"
  else
    echo "FAIL $1 $2: a memset that the compiler left out is found"
  fi
}

scanned() { # OBJECT RULES
  python3 tests/ct/scan.py "$1" "$2" >"$work/log" 2>&1
}

scans() { # CC LEVEL
  local name="$1 $2" rule hard='-fstack-clash-protection -fcf-protection'
  if ! "$1" $flags $hard "$2" -c src/secure/ct.c -o "$work/ct.o" ||
     ! "$1" $flags $hard "$2" -c tests/ct/leaky.c -o "$work/leaky.o"; then
    echo "FAIL $name: does not compile"
    return
  fi
  if scanned "$work/ct.o" tests/ct/functions.txt; then
    echo "PASS $name: no jump, address or division in the machine code depends on a secret"
  else
    cat "$work/log"
    echo "FAIL $name: no jump, address or division in the machine code depends on a secret"
  fi
  for rule in 'equal public public public' 'lookup public secret' 'copy_if secret public public public' \
              'remainder secret public'; do
    echo "leaky_$rule" >"$work/rules"
    scanned "$work/leaky.o" "$work/rules"
    if [ $? = 1 ]; then
      echo "PASS $name: the scan finds leaky_${rule%% *}"
    else
      cat "$work/log"
      echo "FAIL $name: the scan finds leaky_${rule%% *}"
    fi
  done
}

for cc in "${WRT_GCC:-gcc}" clang-14 "${WRT_CLANG:-clang-19}"; do
  if [ "$(uname -m)" != x86_64 ] || ! command -v python3 >/dev/null || ! command -v objdump >/dev/null; then
    echo "SKIP scan of what $cc makes: needs x86-64, python3 and objdump"
    continue
  elif ! command -v "$cc" >/dev/null; then
    echo "SKIP scan of what $cc makes: not installed"
    continue
  fi
  for level in -O0 -O1 -O2 -O3 -Os; do scans "$cc" $level; done
done

why_not=
command -v valgrind >/dev/null || why_not='valgrind is not installed'
for cc in "${WRT_GCC:-gcc}" "${WRT_CLANG:-clang-19}"; do
  if ! command -v "$cc" >/dev/null; then
    echo "SKIP constant time by $cc: not installed"
    continue
  fi
  [ -n "$why_not" ] && echo "SKIP constant time by $cc: $why_not"
  for level in -O0 -O1 -O2 -O3 -Os; do
    wiped "$cc" $level
    [ -z "$why_not" ] || continue
    secrets "$cc" $level 'as a library' tests/ct/secret.c src/secure/ct.c
    secrets "$cc" $level inlined -DWRT_CT_INLINE tests/ct/secret.c
  done
done
