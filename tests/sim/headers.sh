#!/bin/bash
# tests/sim/headers.sh: compiles port/qnx against QNX headers, without linking.
# With WRT_QNX_HEADERS=DIR[:DIR...] those of an SDP that the user has, for both 64-bit
# processors; otherwise the simulated headers of each release: LP64 for 7.1 and 8.0, ILP32 for
# 6.4, and whatever cross compilers are installed. Prints PASS, FAIL and SKIP lines.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
sim=sim/qnx/include
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
  # -std=c11 hides everything that is not ISO C, so each file must say _QNX_SOURCE (trap 15).
  compile "port/qnx with $name" 'port/qnx/*.c port/posix/*.c' "$cc" $warnings "$@"
  compile "facts with $name" tests/sim/facts.c "$cc" -D_QNX_SOURCE "$@"
}

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
    'port/qnx/*.c port/posix/*.c' gcc -nostdinc -D__QNX__=$macro -D__QNXNTO__ \
    -D__X86_64__ -D__LITTLEENDIAN__ -U__linux__ -U__linux -Ulinux -U__gnu_linux__ "${folders[@]}"
  exit
fi
echo "SKIP port/qnx with real headers: set WRT_QNX_HEADERS to the include folder of an SDP"
simulated '7.1, x86-64' 7.1 gcc
simulated '8.0, x86-64' 8.0 gcc
simulated '6.4, x86 in 32 bits' 6.4 gcc -m32
for cc in clang-19 clang-14; do
  command -v $cc >/dev/null && simulated "8.0, $cc" 8.0 $cc
done
if command -v aarch64-linux-gnu-gcc >/dev/null; then
  simulated '8.0, aarch64' 8.0 aarch64-linux-gnu-gcc
else
  echo "SKIP port/qnx for aarch64: aarch64-linux-gnu-gcc is not installed"
fi
exit 0
