#!/bin/bash
# tests/sim/selftest.sh WRT: `wrt qnx-selftest` on the simulated kernel, whole and broken.
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$1
failures=0

run() { # EXIT PATTERN ENVIRONMENT...: a line of the output matches
  local exit=$1 pattern=$2 output status
  shift 2
  output=$(env "$@" "$wrt" qnx-selftest)
  status=$?
  if [ $status != "$exit" ] || ! grep -qE "$pattern" <<<"$output"; then
    printf '%s\n' "$output"
    echo "with $*: exit $status, expected $exit and a line like: $pattern"
    failures=$((failures + 1))
  fi
}

run 0 '^[0-9]{2,} ok, 0 failed, [0-9]+ unsupported$' A=a
run 0 '^lazy-reservation +requested +available +active +in force' A=a
# Each broken call makes the check that needs it fail, and only that.
run 251 '^protection holds.* failed +protect: WRT_ERR_ARGUMENT' QNXSIM_FAIL=mprotect:1:1:22
run 251 '^a wait ends at its deadline +failed +wait: ' QNXSIM_FAIL=TimerTimeout:1:1:22
run 251 '^a wake arrives.* failed +wake: ' QNXSIM_FAIL=MsgSendPulse:1:2000:22
run 251 '^[0-9]+ ok, 1 failed, ' QNXSIM_FAIL=shm_ctl:1:1:22
run 0 '^memory can be locked +unsupported +lock: the caller holds no right' QNXSIM_FAIL=mlock:1:9:1
run 0 '^a touch of a guard is caught +unsupported' QNXSIM_FAIL=sigaction:1:2:22
exit $((failures != 0))
