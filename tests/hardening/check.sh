#!/bin/bash
# needs: dev
# What was built is hardened, as seen in the binaries and, while a guest runs, in the process's
# maps. Every check is first tried on a program or library that has the fault it is to find.
# (tests/install looks at the release build's exports and fortified calls.)
# SPDX-License-Identifier: Apache-2.0
set -u
tree=${WRT_BUILD:-$PWD/build-dev}
cc=${WRT_GCC:-gcc}
work=$(mktemp -d)
child= # the guest that runs
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$work"' EXIT

# ---- questions to a file: succeed if all is well ----

bound_at_start()      { readelf -dW "$1" | grep -qE 'FLAGS.*(BIND_NOW|NOW)'; }
relro()               { readelf -lW "$1" | grep -q GNU_RELRO; }
position_independent(){ readelf -hW "$1" | grep -qE 'Type: +DYN'; }
stack_not_executable(){ readelf -lW "$1" | grep -qE 'GNU_STACK.* RW +0x'; }
no_segment_w_and_x()  { readelf -lW "$1" | grep -q ' LOAD ' && ! readelf -lW "$1" | grep -qE 'LOAD.* RWE '; }
no_text_relocations() { readelf -dW "$1" | grep -q NEEDED && ! readelf -dW "$1" | grep -q TEXTREL; }
stack_protected()     { readelf --dyn-syms -W "$1" | grep -q __stack_chk_fail; }
# A frame above a page is entered page by page: by an or/mov to the stack between subtractions.
stack_clash_probed()  { objdump -d --no-show-raw-insn "$1" | grep -qE 'orq? +\$0x0,(0x[0-9a-f]+)?\(%rsp'; }
exports_only_ours()   {
  local names
  names=$(readelf --dyn-syms -W "$1" | awk '$5 != "LOCAL" && $7 != "UND" && NR > 4 { print $8 }')
  [ -n "$names" ] && ! echo "$names" | grep -qvE '^(wrt|wasm)_'
}

# No mapping of a live process can be written and executed; at least one is executable.
no_mapping_w_and_x() { # PID
  grep -qE '^[^ ]+ r-x' "/proc/$1/maps" && ! grep -E '^[^ ]+ .wx' "/proc/$1/maps"
}

kept()          { grep -qx kept "$1" || { cat "$1"; false; }; }
found_at_free() { grep -q 'canary is found at free' "$1" || { cat "$1"; false; }; }

passes() { # TEXT QUESTION SUBJECT
  if "$2" "$3"; then echo "PASS $1"; else echo "FAIL $1"; fi
}
finds() { # QUESTION SUBJECT
  if "$1" "$2"; then echo "FAIL $1 finds its fault"; else echo "PASS $1 finds its fault"; fi
}

wait_for() { # PID PATTERN: until its maps have it
  local tries
  for tries in $(seq 100); do
    grep -qE "$2" "/proc/$1/maps" 2>/dev/null && return
    sleep 0.05
  done
  return 1
}

stop() { kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; child=; }

# ---- the questions, tried on faulty twins ----

cat >"$work/twin.c" <<'END'
#include <sys/mman.h>
#include <unistd.h>
__asm__(".section .both,\"awx\"\n.long 0\n.text");
int foreign(int i) { return i; }
int main(void)
{
    void *page = mmap((void *)0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 1 : (int)sleep(60);
}
END
bad='-fno-stack-protector -fno-stack-clash-protection -fcf-protection=none'
if "$cc" $bad -fno-pie -no-pie -Wl,-z,norelro,-z,lazy,-z,execstack -o "$work/twin" "$work/twin.c" &&
   "$cc" $bad -shared -fPIC -o "$work/twin.so" "$work/twin.c"; then
  for question in bound_at_start relro position_independent stack_not_executable \
                  no_segment_w_and_x stack_protected stack_clash_probed; do
    finds $question "$work/twin"
  done
  finds exports_only_ours "$work/twin.so"
  # An address in code that is not position independent.
  echo '.text; .globl foreign; foreign: movabs $foreign, %rax; ret' >"$work/text.s"
  if [ "$(uname -m)" = x86_64 ] && "$cc" -shared -Wl,-z,notext -o "$work/text.so" "$work/text.s" 2>/dev/null; then
    finds no_text_relocations "$work/text.so"
  fi
  "$work/twin" &
  child=$!
  wait_for $child ' rwxp ' || echo 'the twin has no such mapping'
  finds no_mapping_w_and_x $child >"$work/found"
  grep -E '^(PASS|FAIL)' "$work/found"
  stop
else
  echo 'FAIL the faulty twins do not compile'
fi

# ---- what we built ----

for file in "$tree/libwrt.so" "$tree/wrt" "$tree/wrt-tenant"; do
  name=$(basename "$file")
  if [ ! -e "$file" ]; then
    echo "SKIP $name is hardened: it was not built"
    continue
  fi
  passes "$name: relocations are done at the start" bound_at_start "$file"
  passes "$name: and read-only afterwards" relro "$file"
  passes "$name: position independent" position_independent "$file"
  passes "$name: the stack is not executable" stack_not_executable "$file"
  passes "$name: no segment is writable and executable" no_segment_w_and_x "$file"
  passes "$name: no relocation in code" no_text_relocations "$file"
  passes "$name: stack protectors" stack_protected "$file"
  if [ "$(uname -m)" = x86_64 ]; then
    passes "$name: large frames are probed page by page" stack_clash_probed "$file"
  else
    echo "SKIP $name: large frames are probed page by page: looked for on x86-64 only"
  fi
done
[ ! -e "$tree/libwrt.so" ] || passes 'libwrt.so exports only wrt_ and wasm_ names' exports_only_ours "$tree/libwrt.so"

# ---- while it runs: (module (memory 1) (func (export "_start") (loop (br 0)))) ----

printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\5\3\1\0\1\7\12\1\6_start\0\0\12\11\1\7\0\3\100\14\0\13\13' \
  >"$work/loop.wasm"
"$tree/wrt" run "$work/loop.wasm" >"$work/log" 2>&1 &
child=$!
sleep 1 # it has then long been translated
if kill -0 $child 2>/dev/null; then
  passes 'wrt run: no mapping is writable and executable' no_mapping_w_and_x $child
else
  cat "$work/log"
  echo 'FAIL wrt run: the guest did not run'
fi
stop

# Not only then: a filter ends the process at the first call that asks for such a page.
if [ "$(uname -m)" = x86_64 ]; then
  "$cc" -O1 -o "$work/nowx" tests/hardening/nowx.c
  timeout 20 "$work/nowx" "$work/twin" >/dev/null 2>&1
  if [ $? = 159 ]; then echo 'PASS nowx finds its fault'; else echo 'FAIL nowx finds its fault'; fi
  wat2wasm --enable-all tests/modules/programs.wat -o "$work/programs.wasm"
  passes_nowx() { # TEXT ARGUMENT...
    local text=$1
    shift
    if timeout 60 "$work/nowx" "$tree/wrt" "$@" >"$work/log" 2>&1; then echo "PASS $text"; else
      cat "$work/log"
      echo "FAIL $text"
    fi
  }
  passes_nowx 'wrt run never asks for a page that can be written and executed' \
    run --invoke fib "$work/programs.wasm" 15
  passes_nowx 'nor does wrt validate' validate "$work/programs.wasm"
  passes_nowx 'nor wrt doctor' doctor
else
  echo 'SKIP calls for pages that can be written and executed: watched on x86-64 only'
fi

# ---- sealed partitions: what there is on this machine ----

if "$cc" -std=gnu11 -O1 -Iinclude -o "$work/seals" tests/hardening/seals.c "$tree/libwrt.a" -lpthread -lm &&
   "$cc" -std=gnu11 -O1 -Iinclude -o "$work/tags" tests/hardening/tags.c "$tree/libwrt.a" -lpthread -lm; then
  # Rights of a page, or a key where the processor has them (./check keys shows those).
  "$work/seals" keys block >"$work/log" 2>/dev/null
  status=$?
  if [ $status = 139 ] && grep -qE '^signal 11 code 0[24]$' "$work/log"; then
    echo "PASS sealed by a key or what stands in for it: a touch from outside faults ($(head -n 1 "$work/log"))"
  else
    cat "$work/log"
    echo 'FAIL sealed by a key or what stands in for it: a touch from outside faults'
  fi
  for promise in inside report destroy many; do
    "$work/seals" keys $promise >"$work/log" 2>&1
    passes "sealed by a key or what stands in for it: $promise" kept "$work/log"
  done
  # An x86 processor has no tags: the canary finds later what they stop at once.
  "$work/tags" overflow >"$work/log" 2>&1
  passes 'without tags, an overflow is found at free' found_at_free "$work/log"
else
  echo 'FAIL tests/hardening/seals.c and tags.c do not build'
fi

# ---- AArch64, in the binaries and under emulation ----

bash tests/hardening/arm.sh
