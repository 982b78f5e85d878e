#!/bin/bash
# only by name
# needs: dev
# Memory and processor limits of attached processes by control groups of version 2, which many
# machines that build this have not: in an emulated one, for a host in the root group and for one
# in a group that was delegated to it. tests/tenant does the same with what this machine has.
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. tests/support/machine.sh
name='control groups of version 2'
need_machine
mkdir "$work/root"
gcc -std=gnu11 -O1 -static -Iinclude -o "$work/root/init" tests/groups/groups.c \
  "$WRT_BUILD/libwrt.a" -lpthread -lm 2>"$work/log" || {
  cat "$work/log"
  echo 'FAIL the program of the emulated machine builds'
  exit 1
}
boot max
for where in root delegated; do
  sed -n "/^== $where/,/^== /p" "$work/said" >"$work/said-$where"
  while IFS='|' read -r text line; do
    if grep -qx "$line" "$work/said-$where"; then echo "PASS v2, $where: $text"; else
      tail -n 12 "$work/said-$where"
      echo "FAIL v2, $where: $text"
    fi
  done <<'END_OF_LINES'
a process within its memory is left alone|memory within: WRT_OK, exit 7, .*
one beyond is ended|memory beyond: WRT_OK, signal 9, .*
one with a tenth of a processor is slowed|processor shared: WRT_OK, exit 7, slowed
one without a budget is not|processor free: WRT_OK, exit 7, in time
no group is left behind|groups left: 0
END_OF_LINES
done
