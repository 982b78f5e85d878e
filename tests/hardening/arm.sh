#!/bin/bash
# tests/hardening/arm.sh: AArch64's protections, shown to fault under qemu-user, and in the
# binaries; and on a processor without them, what happens instead. Every crime is tried as well
# where it must not be stopped. Prints PASS, FAIL and SKIP lines.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
cross=aarch64-linux-gnu-gcc
for tool in $cross qemu-aarch64 ninja python3; do
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
   ! nice ninja -C "$tree" wrt wrt_shared wrt_cli wrt_tenant >"$work/log" 2>&1; then
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

# A signature has seven bits here: one address in 128 is right by chance, and looks plain. So a crime that
# came to nothing is tried again, by a process with other keys.
on_signed() { # PROGRAM CRIME
  for _ in 1 2 3 4; do
    on max "$@"
    [ $status != 0 ] && [ "${said%%$'\n'*}" = signed ] && return
  done
}

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

# ---- in the binaries ----

marked() { aarch64-linux-gnu-readelf -nW "$1" | grep -q 'AArch64 feature: BTI'; }
for name in libwrt.so wrt wrt-tenant; do
  if marked "$tree/$name"; then echo "PASS $name: marked, so that the loader enforces landing pads"
  else echo "FAIL $name: marked, so that the loader enforces landing pads"; fi
  if python3 tests/hardening/code.py "$tree/$name" aarch64-linux-gnu- >"$work/log"; then
    echo "PASS $name: every indirect target has a landing pad, return addresses are signed ($(head -n 1 "$work/log"))"
  else
    cat "$work/log"
    echo "FAIL $name: every indirect target has a landing pad, return addresses are signed"
  fi
done
# Its faults: a source with jump tables, label addresses and saved return addresses, built without.
for missing in none:'no landing pad' pac-ret:'no landing pad' bti:'not signed'; do
  $cross -O1 -fPIC -shared -nostartfiles -mbranch-protection=${missing%%:*} -Iinclude -Isrc -std=gnu11 \
    -o "$work/twin.so" src/engine/trap.c src/base/status.c src/arena/owner.c 2>"$work/log"
  if python3 tests/hardening/code.py "$work/twin.so" aarch64-linux-gnu- 2>&1 | grep -q "${missing#*:}"; then
    echo "PASS code.py finds its fault: -mbranch-protection=${missing%%:*}"
  else
    echo "FAIL code.py finds its fault: -mbranch-protection=${missing%%:*}"
  fi
done

# ---- signed returns and landing pads: PAC, BTI ----

jumps=$work/jumps
if $cross -std=gnu11 -Wall -Wextra -Werror -O0 -fno-omit-frame-pointer -mbranch-protection=standard \
    -o "$jumps" tests/hardening/jumps.c -ldl; then
  for _ in 1 2 3 4; do # as on_signed
    on max "$jumps" return
    [ $status = 0 ] || break
  done
  # From v8.6 on the authentication itself faults (SIGILL); before, the use of its result.
  [ $status = 132 ] || status_wanted=11
  dies 'returns: an overwritten return address ends the process' "${status_wanted:-4}" \
    "signal $([ "${status_wanted:-4}" = 11 ] && echo 11 || echo 04)"
  on cortex-a53 "$jumps" return
  says 'returns: nothing is signed on a processor without' '^not stopped; the return address is not signed$'
  on max "$jumps" pad "$tree/libwrt.so"
  says 'pads: a function of the library may be called by address' '^WRT_OK$'
  on max "$jumps" past-pad "$tree/libwrt.so"
  dies 'pads: a jump behind its first instruction ends the process' 4 'signal 04'
  on cortex-a53 "$jumps" past-pad "$tree/libwrt.so"
  says 'pads: on a processor without it goes unnoticed' '^not stopped'
else
  echo 'FAIL tests/hardening/jumps.c does not build for AArch64'
fi
on max "$tree/wrt" doctor
says 'wrt doctor: landing pads are active, by a trial' 'landing-pads +yes +yes +yes +a jump past one was tried, and faulted'
says 'wrt doctor: returns are signed' 'signed-returns +yes +yes +yes'
on cortex-a53 "$tree/wrt" doctor
says 'wrt doctor: neither on a processor without' 'landing-pads +yes +no +no .*'
# Guests run through the interpreter's handlers, so through their landing pads.
for module in tests/modules/*.wat; do
  wat2wasm --enable-all "$module" -o "$work/$(basename "$module" .wat).wasm" 2>/dev/null
done
on max "$tree/wrt" run --invoke fib "$work/programs.wasm" 15
says 'guests run with landing pads enforced' '^610$'

# ---- handler addresses in code words: PAC ----

if build handlers -O1 -Isrc -DWRT_SIGN_HANDLERS=1; then
  # The jump to what is left of an address faults, or, from v8.6 on, the authentication.
  dies_by_either() { # TEXT
    if [ $status = 132 ]; then dies "$1" 4 'signal 04'; else dies "$1" 11 'signal 11'; fi
  }
  for _ in 1 2 3 4; do
    on max "$work/handlers" kept
    [ "$said" = plain ] || break
  done
  says 'handlers: their addresses are signed, guests run' '^signed$'
  for crime in damage:'a changed signature' forge:'an address without one' move:'that of another word'; do
    on_signed "$work/handlers" ${crime%%:*}
    dies_by_either "handlers: ${crime#*:} ends the process"
    [ "${said%%$'\n'*}" = signed ] || echo "FAIL handlers: $said"
  done
  on cortex-a53 "$work/handlers" kept
  says 'handlers: nothing is signed on a processor without' '^plain$'
  on cortex-a53 "$work/handlers" move
  says 'handlers: and another handler is taken for right' '^5 and 3 make 2$'
  on max "$tree/wrt" doctor
  says 'wrt doctor: handlers are signed' 'signed-handlers +yes +yes +yes'
  on cortex-a53 "$tree/wrt" doctor
  says 'wrt doctor: not on a processor without' 'signed-handlers +yes +no +no '
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

# ---- wrt run --memory-tags ----

# (qemu-user 7.2 faults on `dc zva` by a tagged pointer, which the C library's memset picks but for this.)
if wat2wasm --enable-all tests/modules/programs.wat -o "$work/programs.wasm" 2>"$work/log"; then
  export GLIBC_TUNABLES=glibc.cpu.name=kunpeng920
  on max "$tree/wrt" run --memory-tags --invoke fib "$work/programs.wasm" 15
  says 'wrt run --memory-tags: a guest runs with arenas and memory tagged' '^610$'
  on cortex-a53 "$tree/wrt" run --memory-tags --invoke fib "$work/programs.wasm" 15
  if [ $status = 250 ] && [ -z "$said" ]; then
    echo 'PASS wrt run --memory-tags: refused on a processor without'
  else
    echo "$said (status $status)"
    echo 'FAIL wrt run --memory-tags: refused on a processor without'
  fi
  unset GLIBC_TUNABLES
else
  echo 'SKIP wrt run --memory-tags: wat2wasm is not installed'
fi

# ---- sealed by tags ----

if build seals -O1; then
  on max "$work/seals" tags inside
  says 'seal by tags: in force, open to who is inside' '^sealed: memory tags'
  for touch in block memory; do
    on max "$work/seals" tags $touch
    dies "seal by tags: a $touch touched from outside faults" $segv "$now"
    on cortex-a53 "$work/seals" tags $touch
    dies "seal by tags: without tags page protection does it ($touch)" $segv 'signal 11 code 02'
  done
  on max "$work/seals" tags report
  says 'seal by tags: a touch becomes a report' \
    '^WRT_ERR_DENIED: .* hit partition vault, which is sealed and nobody is inside$'
  for promise in destroy many; do
    on max "$work/seals" tags $promise
    says "seal by tags: $promise" '^kept$'
  done
fi
