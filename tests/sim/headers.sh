#!/bin/bash
# tests/sim/headers.sh [trap_15]: compiles port/qnx against QNX headers, without linking.
# With WRT_QNX_HEADERS=DIR[:DIR...] those of an SDP that the user has, for both 64-bit
# processors; otherwise the simulated headers of each release: LP64 for 7.1 and 8.0, ILP32 for
# 6.4, and whatever cross compilers are installed. For 32 bits the whole runtime is compiled and
# joined to one object. trap_15: only that test. PORT: another folder than port.
# Prints PASS, FAIL and SKIP lines.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
sim=sim/qnx/include
port=${PORT-port}
sources="$port/qnx/*.c $port/posix/*.c"
warnings='-Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wstrict-prototypes -Wmissing-prototypes'

compile() { # NAME SOURCES(glob) COMPILER FLAGS...
  local name=$1 sources=$2 cc=$3 source errors=
  shift 3
  for source in $sources; do
    errors=$("$cc" -std=c11 "$@" -Iinclude -Isrc -fsyntax-only "$source" 2>&1) || {
      printf '%s\n' "$errors" | head -n 10
      echo "FAIL $name: $source"
      return 1
    }
  done
  echo "PASS $name"
}

compiler_headers() { # COMPILER
  local found
  found=$("$1" -print-file-name=include)
  case $found in /*) echo "$found" ;; *) echo "$("$1" -print-resource-dir)/include" ;; esac
}

simulated() { # NAME RELEASE COMPILER FLAGS...
  local name=$1 release=$2 cc=$3 macro=1
  shift 3
  [ "$release" = 8.0 ] && macro=800
  set -- -nostdinc -D__QNX__=$macro -D__QNXNTO__ -isystem $sim/$release -isystem $sim/common \
    -isystem "$(compiler_headers "$cc")" "$@"
  if [ "$only" = trap_15 ]; then
    compile "trap_15_every_file_says_qnx_source, $name" "$sources" "$cc" "$@"
    return
  fi
  compile "port/qnx with $name" "$sources" "$cc" $warnings "$@"
  compile "facts with $name" tests/sim/facts.c "$cc" -D_QNX_SOURCE "$@"
}

# The whole runtime in 32 bits, with what port/qnx leaves to port/none, as one object in which
# nothing of ours is missing. (The supervisor, src/tenant, is a library of its own and not for
# QNX.)
whole() { # NAME RELEASE COMPILER FLAGS...
  local name=$1 release=$2 cc=$3 source refused objects=() work
  shift 3
  work=$(mktemp -d) || exit 1
  set -- -std=gnu11 -O1 -nostdinc -D__QNX__=1 -D__QNXNTO__ -isystem $sim/$release \
    -isystem $sim/common -isystem "$(compiler_headers "$cc")" -Iinclude -Isrc $warnings "$@"
  refused=$(sed -n 's/^foreach(refusal \(.*\))$/\1/p' port/qnx/port.cmake)
  [ -n "$refused" ] || { echo "FAIL the runtime with $name: port/qnx/port.cmake names no refusals"; return; }
  for source in $sources $(printf 'port/none/%s.c ' $refused) $(ls src/*/*.c | grep -v ^src/tenant/) src/tenant/system.c; do
    objects+=("$work/$(tr / _ <<<"$source").o")
    "$cc" "$@" -c "$source" -o "${objects[-1]}" 2>"$work/errors" ||
      { head -n 10 "$work/errors"; echo "FAIL the runtime with $name: $source"; rm -rf "$work"; return; }
  done
  # -r keeps what only a system has open; ours must all be there, and be 32 bits wide.
  if "$cc" "$@" -nostdlib -r -o "$work/whole.o" "${objects[@]}" 2>"$work/errors" &&
    [ "$(nm -u "$work/whole.o" | grep -c ' wrt_')" = 0 ] &&
    readelf -h "$work/whole.o" | grep -q 'Class: *ELF32'; then
    echo "PASS the runtime with $name: ${#objects[@]} files compiled and joined"
  else
    cat "$work/errors"
    nm -u "$work/whole.o" | grep ' wrt_'
    echo "FAIL the runtime with $name: it does not join to one object"
  fi
  rm -rf "$work"
}

only=${1-}
if [ "$only" = trap_15 ]; then
  simulated '7.1' 7.1 gcc
  simulated '8.0' 8.0 gcc
  exit
fi
if [ -n "${WRT_QNX_HEADERS-}" ]; then
  folders=()
  IFS=: read -ra given <<<"$WRT_QNX_HEADERS"
  for folder in "${given[@]}"; do
    [ -d "$folder" ] || { echo "FAIL WRT_QNX_HEADERS: $folder is no folder"; exit 1; }
    folders+=(-isystem "$folder")
  done
  folders+=(-isystem "$(compiler_headers gcc)")
  # What qcc predefines. 8.0's __QNX__ is numeric; its version header then has 800 or more.
  version=$(grep -rhoE '#define[[:space:]]+_NTO_VERSION[[:space:]]+[0-9]+' "${given[@]/%//sys/nto_version.h}" 2>/dev/null | grep -oE '[0-9]+$' | head -n 1)
  macro=1
  [ "${version:-0}" -ge 800 ] && macro=$version
  compile "port/qnx with the headers in $WRT_QNX_HEADERS (release ${version:-unknown})" \
    "$sources" gcc -nostdinc -D__QNX__=$macro -D__QNXNTO__ \
    -D__X86_64__ -D__LITTLEENDIAN__ -U__linux__ -U__linux -Ulinux -U__gnu_linux__ "${folders[@]}"
  exit
fi
echo "SKIP port/qnx with real headers: set WRT_QNX_HEADERS to the include folder of an SDP"
"$0" trap_15
simulated '7.1, x86-64' 7.1 gcc
simulated '8.0, x86-64' 8.0 gcc
simulated '6.4, x86 in 32 bits' 6.4 gcc -m32
if command -v i686-linux-gnu-gcc >/dev/null; then
  whole '6.4, i686' 6.4 i686-linux-gnu-gcc
else
  echo "SKIP the runtime in 32 bits: i686-linux-gnu-gcc is not installed"
fi
for cc in clang-19 clang-14; do
  command -v $cc >/dev/null && simulated "8.0, $cc" 8.0 $cc
done
if command -v aarch64-linux-gnu-gcc >/dev/null; then
  simulated '8.0, aarch64' 8.0 aarch64-linux-gnu-gcc
else
  echo "SKIP port/qnx for aarch64: aarch64-linux-gnu-gcc is not installed"
fi
exit 0
