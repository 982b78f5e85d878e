#!/bin/bash
# tests/hardening/arm.sh: AArch64's protections, shown to fault under qemu-user, and in the
# binaries; and on a processor without them, what happens instead. Every crime is tried as well
# where it must not be stopped. Prints PASS, FAIL and SKIP lines.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
cross=aarch64-linux-gnu-gcc
for tool in $cross qemu-aarch64 ninja; do
  command -v $tool >/dev/null || { echo "SKIP protections of AArch64: $tool is not installed"; exit 0; }
done
ulimit -c 0
tree=$PWD/build-aarch64-linux
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_C_COMPILER_LAUNCHER=ccache
if ! cmake -B "$tree" -G Ninja --toolchain cmake/toolchains/linux-aarch64.cmake $launcher \
    -DCMAKE_BUILD_TYPE=Release -DWRT_BUILD_TESTS=OFF >"$work/log" 2>&1 ||
   ! nice ninja -C "$tree" wrt wrt_shared wrt_cli >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo 'FAIL the library, the shared library and the command line build for Linux on AArch64'
  exit 0
fi
echo 'PASS the library, the shared library and the command line build for Linux on AArch64'

build() { # NAME FLAG...: tests/hardening/NAME.c with the library
  local name=$1
  shift
  $cross -std=gnu11 -Wall -Wextra -Werror -Iinclude "$@" -o "$work/$name" \
    "tests/hardening/$name.c" "$tree/libwrt.a" -lm -lpthread -ldl && return
  echo "FAIL tests/hardening/$name.c does not build for AArch64"
  return 1
}

on() { # PROCESSOR PROGRAM ARGUMENT...: output in $said, exit status in $status
  local processor=$1
  shift
  said=$(timeout 120 qemu-aarch64 -cpu "$processor" -L /usr/aarch64-linux-gnu "$@" 2>/dev/null)
  status=$?
} 2>/dev/null

dies() { # TEXT SIGNAL LINE: it ended by that signal, having said so with the code
  if [ $status = $((128 + $2)) ] && [ "${said##*$'\n'}" = "$3" ]; then
    echo "PASS $1"
  else
    printf '%s (status %s)\n' "$said" $status
    echo "FAIL $1"
  fi
}

says() { # TEXT PATTERN
  if [ $status = 0 ] && grep -qE "$2" <<<"$said"; then echo "PASS $1"; else
    printf '%s (status %s)\n' "$said" $status
    echo "FAIL $1"
  fi
}

# ---- in the objects ----

all_protected() { # ARCHIVE: every object of ours has landing pads and signs
  aarch64-linux-gnu-readelf -nW "$1" | awk '/^File: /{ files++ } /AArch64 feature: BTI, PAC/{ marked++ }
    END { exit !(files > 0 && files == marked) }'
}
if all_protected "$tree/libwrt.a"; then
  echo 'PASS every object of the library has landing pads and signs return addresses'
else
  echo 'FAIL every object of the library has landing pads and signs return addresses'
fi
echo 'int f(void) { return 1; }' >"$work/plain.c"
$cross -mbranch-protection=none -c -o "$work/plain.o" "$work/plain.c" && ar rc "$work/plain.a" "$work/plain.o"
if all_protected "$work/plain.a"; then
  echo 'FAIL all_protected finds its fault'
else
  echo 'PASS all_protected finds its fault'
fi

# ---- memory tags: MTE ----

segv=11
now='signal 11 code 09'  # SEGV_MTESERR
late='signal 11 code 08' # SEGV_MTEAERR
if build tags -O1; then
  for crime in use-after-free overflow overflow-far underflow large-overflow use-by-old-pointer \
               linear-into-neighbour linear-wild linear-grown; do
    on max "$work/tags" $crime
    dies "tags, $crime: a fault at once (synchronous)" $segv "$now"
    on max "$work/tags" $crime async
    dies "tags, $crime: a fault later (asynchronous)" $segv "$late"
    on max "$work/tags" $crime off
    says "tags, $crime: with the mode off nothing faults" '^not stopped'
    on cortex-a53 "$work/tags" $crime
    says "tags, $crime: nor on a processor without" '^not stopped'
  done
  on max "$work/tags" report
  says 'tags: the report names block, owner and both tags' \
    '^WRT_ERR_CORRUPT: .* hit a freed block of [0-9]+ bytes at 0x[0-9a-f]+ of tenant-a: the pointer has tag [0-9]+, the memory [0-9]+$'
  on max "$work/tags" report async
  says 'tags: the late report says that it is late' '^WRT_ERR_CORRUPT: an earlier access had a wrong tag'
  on max "$work/tags" neighbours
  says 'tags: neighbours always differ, 0 is reserved' '^kept, tagged$'
  on cortex-a53 "$work/tags" neighbours
  says 'tags: the same blocks on a processor without' '^kept, not tagged$'
  for processor in max cortex-a53; do
    on $processor "$work/tags" refusals
    says "tags: what cannot be tagged is refused ($processor)" '^kept, '
  done
  # This emulator has no asymmetric mode, and would silently take the synchronous one.
  on max "$work/tags" modes async
  says 'tags: a mode asked for in vain leaves the one before' '^WRT_ERR_UNSUPPORTED, mode async$'
  on cortex-a53 "$work/tags" modes
  says 'tags: there is no mode on a processor without' '^WRT_ERR_UNSUPPORTED, mode off$'
fi
