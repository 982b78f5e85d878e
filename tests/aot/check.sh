#!/bin/bash
# `wrt compile` and what it makes: results, traps and stops as interpreted; pausing and linking; what
# is refused, by name; generated modules in both forms. The specification's scripts in compiled
# form are `./check aot-spec`.
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
build=${WRT_BUILD:-$PWD/build-dev}
wrt=$build/wrt
root=$PWD
if ! command -v wasm2c >/dev/null; then echo 'SKIP compiled guests: wasm2c (Debian package wabt) is not installed'; exit 0; fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

verdict() { if [ -z "$2" ]; then echo "PASS $1"; else printf '%s\n' "$2"; echo "FAIL $1"; fi; }
says() { # TEXT PATTERN EXIT COMMAND...
  local text=$1 pattern=$2 wanted=$3 got
  shift 3
  "$@" >out 2>&1
  got=$?
  if [ "$got" = "$wanted" ] && grep -q -- "$pattern" out; then echo "PASS $text"
  else cat out; echo "wanted exit $wanted and '$pattern', got exit $got"; echo "FAIL $text"; fi
}

wat2wasm --debug-names "$root/tests/aot/guest.wat" -o linked.wasm
# The same without its import, for the command line.
sed 's/(import "host" "twice" (func $twice (param i32) (result i32)))/(func $twice (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))/' \
  "$root/tests/aot/guest.wat" >guest.wat
wat2wasm --debug-names guest.wat -o guest.wasm

# ---- as interpreted ----
calls='sum 100/load 4/load 65532/load 65533/load 70000/load 4294967295/divide 7 2/divide 1 0/divide 2147483648 4294967295/pick 0/pick 1/pick 2/pick 3/grow 1/grow 0/down 1'
transcript() { # FILE: results, and traps without the places that compiled code does not know
  local IFS=/
  for call in $calls; do
    IFS=' '
    echo "$call: $("$wrt" run --invoke ${call%% *} "$1" ${call#* } 2>&1 | head -n 1 |
      sed -E 's/^wrt: [^:]*: //; s/ in [a-z]* ?\(function.*//; s/ in function.*//')"
    IFS=/
  done
}
transcript guest.wasm >wanted
for memory in compare guard; do
  for stop in none check fuel; do
    verdict "results and traps as interpreted: --memory $memory --stop $stop" "$(
      { "$wrt" compile --memory $memory --stop $stop -o guest.so guest.wasm &&
        transcript guest.so | diff wanted -; } 2>&1)"
    if [ $stop != none ]; then
      says "a deadline stops a loop: $memory $stop" 'past its deadline in spin' 247 \
        timeout 60 "$wrt" run --deadline 20 --invoke spin guest.so
    fi
    cp guest.so guest-$memory-$stop.so
  done
done
says 'fuel stops a loop' 'out of fuel in spin' 246 \
  timeout 60 "$wrt" run --fuel 10000 --invoke spin guest-compare-fuel.so
says 'fuel is refused where nothing counts it' 'fuel needs --stop fuel' 250 \
  "$wrt" run --fuel 10 --invoke spin guest-compare-check.so
says 'a trap names its functions' 'out of bounds memory access in [a-z]* (function' 245 \
  "$wrt" run --invoke load guest-guard-check.so 70000

# ---- loops: each kind that the translation tells apart ends as interpreted, and stops ----
wat2wasm "$root/tests/aot/loops.wat" -o loops.wasm
results() { # FILE
  local name number
  for name in whole short unrolled calling traps all; do
    for number in 1 2 3 4 5 6 7 8 9 63 76 77 78 1000; do
      echo "$name $number: $("$wrt" run --invoke $name "$1" $number 2>&1 | head -n 1 | sed -E "s/ in (function|_?[a-z]).*//; s/^wrt: [^:]*: //")"
    done
  done
}
results loops.wasm >wanted.loops
for options in '--memory guard --stop none' '--memory compare --stop check' '--memory guard --stop fuel'; do
  verdict "loops of each kind end as interpreted: $options" "$(
    { "$wrt" compile $options -o loops.so loops.wasm && results loops.so | diff wanted.loops -; } 2>&1)"
done
used() { # OBJECT: the least fuel that is enough for `all`, found by halving
  local low=1 high=1048576 middle
  while [ $((high - low)) -gt 0 ]; do
    middle=$(((low + high) / 2))
    if "$wrt" run --fuel $middle --invoke all "$1" 60 >/dev/null 2>&1; then high=$middle; else low=$((middle + 1)); fi
  done
  echo $low
}
for cc in ${WRT_GCC:-cc} clang-19; do
  command -v "$cc" >/dev/null || continue
  for memory in guard compare; do
    "$wrt" compile --cc "$cc" --memory $memory --stop fuel -o loops.so loops.wasm && used loops.so
  done
done | sort | uniq -c >fuels
verdict "the same fuel is enough whoever compiled it, guard pages or compares" "$(
  [ "$(wc -l <fuels)" = 1 ] || cat fuels)"
for stop in check fuel; do
  "$wrt" compile --stop $stop -o loops.so loops.wasm
  for name in never_hits goes_back another_back calls_for_ever leaf_for_ever names_for_ever around_short around_whole; do
    says "a deadline stops $name: $stop" 'past its deadline' 247 \
      timeout 60 "$wrt" run --deadline 20 --invoke $name loops.so
    [ $stop = check ] || says "fuel stops $name" 'out of fuel' 246 \
      timeout 60 "$wrt" run --fuel 100000 --invoke $name loops.so
  done
done

# ---- linked, paused, resumed ----
cat >wanted.linked <<EOT
plain: WRT_OK 1001000, straight
fuel: WRT_OK 1001000, resumed
host pauses: WRT_OK 1001000, resumed
calls back: WRT_OK 1001000, straight
count 4000, paused 1000 times
closed: WRT_OK
EOT
# Each compiler has its own way to leave registers as they were where a guest stops.
for cc in ${WRT_GCC:-cc} clang-19; do
  if ! command -v "$cc" >/dev/null; then echo "SKIP linked into a program by $cc: it is not installed"; continue; fi
  verdict "linked into a program, paused and resumed: $cc" "$(
    { "$wrt" compile --cc "$cc" --static --stop fuel --name guest -o linked.o linked.wasm &&
      ${WRT_GCC:-cc} -I"$root/include" -o linked "$root/tests/aot/linked.c" linked.o "$build/libwrt.a" -lm -pthread &&
      timeout 60 ./linked | diff wanted.linked -; } 2>&1)"
done
verdict 'a deadline is refused in a sealed partition where a thread would watch it' "$(
  { "$wrt" compile --static --stop check --name guest -o linked.o linked.wasm &&
    ${WRT_GCC:-cc} -I"$root/include" -o linked "$root/tests/aot/linked.c" linked.o "$build/libwrt.a" -lm -pthread &&
    { timeout 60 ./linked sealed | grep -c -e '^deadline: WRT_ERR_UNSUPPORTED' -e '^plain: WRT_OK'; } | grep -vx 2; } 2>&1)"

# Functions that only the module calls have labels that are weak; the linker must not join them.
for n in 3 5; do
  echo "(module (func \$count (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const $n) (call \$count (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0))))
    (func (export \"run\") (param i32) (result i32) (call \$count (local.get 0))))" >times$n.wat
  wat2wasm times$n.wat -o times$n.wasm
done
verdict 'two guests in one image keep their own functions' "$(
  { "$wrt" compile --static --name a -o a.o times3.wasm && "$wrt" compile --static --name b -o b.o times5.wasm &&
    ${WRT_GCC:-cc} -I"$root/include" -o two "$root/tests/aot/two.c" a.o b.o "$build/libwrt.a" -lm -pthread &&
    timeout 60 ./two | grep -vx '30 50'; } 2>&1)"

# ---- generated modules ----
says 'generated modules give the same in both forms' 'modules the same, 0 differ' 0 \
  timeout 200 "$build/tests/aot/aot_differ" . "$wrt compile --cflags -O1" 0 12

# ---- refusals: named, and nothing half-written ----
echo before >kept.so
says 'a compiler that is not there' 'cannot be started: no-such-cc' 251 \
  "$wrt" compile --cc no-such-cc -o kept.so guest.wasm
says 'a compiler that fails' 'the C compiler failed' 251 "$wrt" compile --cflags --no-such-flag -o kept.so guest.wasm
mkdir scratch && printf '#!/bin/sh\ntouch started\nexec sleep 60\n' >slow && chmod +x slow
ended() { # by SIGTERM while the compiler runs: its exit status, what it left and what was there before
  local pid try
  TMPDIR=$PWD/scratch "$wrt" compile --cc ./slow -o kept.so guest.wasm >/dev/null 2>&1 &
  pid=$!
  for ((try = 0; try < 300; try++)); do [ -e started ] && break; sleep 0.1; done
  kill -TERM $pid
  wait $pid
  echo "$? $(ls scratch) $(cat kept.so)"
} 2>/dev/null
verdict 'a signal ends the compiler as well, and nothing is left' "$(
  got=$(ended); [ "$got" = '143  before' ] || echo "exit status, left, before: $got")"
printf '#!/bin/sh\necho 9.9.9\n' >other && chmod +x other
says 'a wasm2c that nobody knows' "is version '9.9.9'" 250 "$wrt" compile --wasm2c ./other -o kept.so guest.wasm
echo '(module (func $f (return_call $f)))' >tail.wat && wat2wasm --enable-tail-call tail.wat -o tail.wasm
says 'a feature beyond wasm2c' 'uses tail-call' 250 "$wrt" compile -o kept.so tail.wasm
says 'a file that is no module' 'MALFORMED' 242 "$wrt" compile -o kept.so guest.wat
says 'native code only where it is permitted' 'MALFORMED' 242 \
  bash -c "cp guest.so code.wasm && '$wrt' run --invoke spin code.wasm"
says 'inspect names the options of an object' 'options: --memory guard --stop fuel' 0 \
  "$wrt" inspect guest-guard-fuel.so
says 'inspect refuses a changed object' 'changed since it was made' 251 \
  bash -c "(cat guest.so; echo x) >longer.so; '$wrt' inspect longer.so"
says 'permitted by --native' '^6$' 0 "$wrt" run --native --invoke divide code.wasm 12 2
says 'of the pinned hash' '^6$' 0 \
  "$wrt" run --native="$(sha256sum code.wasm | cut -d ' ' -f 1)" --invoke divide code.wasm 12 2
says 'not of the pinned hash' 'not the one pinned' 251 \
  "$wrt" run --native="$(echo | sha256sum | cut -d ' ' -f 1)" --invoke divide code.wasm 12 2
patch() { # FILE TEXT OFFSET BYTES: overwrites bytes behind the text's first place
  local at
  at=$(grep -abo "$2" "$1" | head -n 1 | cut -d : -f 1)
  printf "$4" | dd of="$1" bs=1 seek=$((at + $3)) conv=notrunc status=none
}
# Program headers: 64 + 56 * i; flags at 4. TYPE FLAGS: sets them in all of that type and flags.
set_flags() { # FILE TYPE OLD NEW
  local i at
  for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
    at=$((64 + 56 * i))
    [ "$(od -An -tx4 -j $at -N 8 "$1" | tr -d ' ')" = "$2$3" ] || continue
    printf "$4" | dd of="$1" bs=1 seek=$((at + 4)) conv=notrunc status=none
  done
}
cp guest.so stack.so && set_flags stack.so 6474e551 00000006 '\007'
says 'an object that asks for an executable stack' 'executable stack' 251 \
  "$wrt" run --invoke divide stack.so 12 2
cp guest.so both.so && set_flags both.so 00000001 00000005 '\007'
says 'an object with pages writable and executable' 'both writable and executable' 251 \
  "$wrt" run --invoke divide both.so 12 2
echo 'volatile int x; __attribute__((constructor)) static void early(void) { x = 1; }' >early.c
says 'an object that would run code at load' 'runs at load' 251 \
  "$wrt" compile --cflags early.c -o kept.so guest.wasm
# A disk that is full: a file of at most one block.
says 'a disk that is full' '^wrt: ' 251 \
  bash -c "trap '' XFSZ; TMPDIR=. ; export TMPDIR; ulimit -f 1; '$wrt' compile -o kept.so guest.wasm"
verdict 'no folder of a failed compilation is left' "$(ls -d wrt-compile-* 2>/dev/null)"
verdict 'what stood there before still does, and nothing else' "$(
  grep -q '^before$' kept.so || echo 'kept.so was changed'; ls | grep '\.tmp$')"
cp guest.so changed.so && patch changed.so 'wrt native code' 240 'X'
says 'a changed object' 'changed since it was made' 251 "$wrt" run --invoke divide changed.so 12 2
cp guest.so old.so && patch old.so 'wrt native code' 16 '\007'
says 'an object of another ABI' 'made for ABI 7' 250 "$wrt" run --invoke divide old.so 12 2
cp guest.so foreign.so && printf '\050' | dd of=foreign.so bs=1 seek=18 conv=notrunc status=none
says 'an object of another machine' 'for another machine' 250 "$wrt" run --invoke divide foreign.so 12 2
if command -v aarch64-linux-gnu-gcc >/dev/null && [ "$(uname -m)" = x86_64 ]; then
  says 'compiled for another machine' '^$' 0 \
    bash -c "'$wrt' compile --target aarch64-linux-gnu -o arm.so guest.wasm && echo"
  says 'which is refused here by name' 'for another machine' 250 "$wrt" run --invoke divide arm.so 12 2
else
  echo 'SKIP compiled for another machine: no aarch64-linux-gnu-gcc, or this is that machine'
fi
head -c 3000 guest.so >cut.so
says 'an object that is cut off' 'cut off' 242 "$wrt" run --invoke divide cut.so 12 2

# ---- tenants ----
if "$wrt" check 2>&1 | grep -q 'no supervisor'; then
  echo 'SKIP compiled tenants: this build has no supervisor'
else
  echo '(module (memory 1) (func (export "_start") (local i32) (loop $again
    (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000))))))' >start.wat
  wat2wasm start.wat -o start.wasm && "$wrt" compile -o start.so start.wasm
  "$wrt" compile --stop none -o never.so start.wasm
  tenant() { printf '[tenant a]\nmodule = %s\n' "$1" >m.ini; shift; printf '%s\n' "$@" >>m.ini; }
  tenant start.so 'native = yes'
  says 'a compiled tenant fits' 'm.ini: fits' 0 "$wrt" check m.ini
  tenant start.so
  says 'a compiled tenant that is not permitted' 'its module: magic header' 252 "$wrt" check m.ini
  tenant never.so 'native = yes'
  says 'a compiled tenant that cannot be stopped' 'compiled with --stop check or fuel' 252 "$wrt" check m.ini
  tenant start.so 'native = yes' 'tier = process'
  says 'a compiled tenant in a process' 'tier software only' 252 "$wrt" check m.ini
  tenant start.so 'native = yes' "sha256 = $(printf '0%.0s' $(seq 64))"
  says 'a compiled tenant of another hash' 'does not have the sha256' 252 "$wrt" check m.ini
fi
