#!/bin/bash
# only by name
# needs: dev
# Partitions that are sealed by memory keys (x86), on a processor that has them: a Linux kernel of
# Debian's in an emulated machine, with tests/hardening/seals.c as its only program (see
# tests/support/machine.sh). The fallback, on this machine, is in tests/hardening.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

. tests/support/machine.sh
name='memory keys'
need_machine

# The machine's first process: runs the scenarios, then turns the machine off.
cat >"$work/init.c" <<'END_OF_INIT'
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    pid_t child = fork();
    (void)mkdir("/proc", 0755);
    (void)mount("proc", "/proc", "proc", 0, 0);
    if (child == 0) {
        execl("/seals", "seals", "all", "keys", (char *)0);
        _exit(1);
    }
    (void)waitpid(child, (int *)0, 0);
    (void)reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
END_OF_INIT
mkdir "$work/root"
gcc -O1 -static -o "$work/root/init" "$work/init.c" &&
  gcc -std=gnu11 -O1 -static -Iinclude -o "$work/root/seals" tests/hardening/seals.c \
    "$WRT_BUILD/libwrt.a" -lpthread -lm 2>"$work/log" || {
  cat "$work/log"
  echo 'FAIL the programs of the emulated machine build'
  exit 1
}
ends() { # SCENARIO: its last lines, joined, without its first
  awk -v name="$1" '/^== /{ here = $2 == name; lines = 0; next }
    here && ++lines > 1 { printf "%s; ", $0 }' "$work/said"
}
verdict() { # TEXT SCENARIO EXPECTED-PATTERN
  if ends "$2" | grep -qE "$3"; then echo "PASS keys: $1"; else
    ends "$2"
    echo
    echo "FAIL keys: $1"
  fi
}

boot max
if grep -q '^sealed: a memory key' "$work/said"; then
  echo 'PASS keys: the partition is sealed by a memory key'
else
  tail -n 20 "$work/said"
  echo 'FAIL keys: the partition is sealed by a memory key'
  exit 0
fi
fault='touching; signal 11 code 04; status 139; ' # SEGV_PKUERR
verdict 'who is inside reads and writes, also nested' inside '^kept; status 0'
verdict 'a block touched from outside faults' block "^$fault"
verdict 'a linear memory that has grown, too' memory "^$fault"
verdict 'so does another thread, while this one is inside' other-thread "^$fault"
verdict 'a touch becomes a report, and what was open stays open' report \
  '^(WRT_ERR_DENIED: .* hit partition vault, which is sealed and this thread is not inside; ){2}kept; status 0'
verdict 'it ends, and its key is free again' destroy '^kept; status 0'
verdict 'keys run out: the rest falls back, or is refused; all come back' many \
  '^1[0-4] of 20; required: WRT_ERR_UNSUPPORTED; kept; status 0'

boot max,-pku
if grep -q '^sealed: page protection: the machine has no memory key' "$work/said"; then
  echo 'PASS keys: the same machine without them falls back to page protection'
else
  tail -n 5 "$work/said"
  echo 'FAIL keys: the same machine without them falls back to page protection'
fi
