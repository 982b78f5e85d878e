#!/bin/bash
# tests/sim/mutants.sh RELEASE BUILD [NAME...]: makes the port fall into each trap and sees the
# named test fail. BUILD is a built qnx-sim tree of that release. Prints PASS or FAIL lines.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
release=$1 build=$2
shift 2
wanted=" $* "
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# The compile line of any file of the port, without its own file and output; no warnings: a
# mutant may leave something unused.
line=$(sed -n 's/^ *"command": "\(.*\)port\/qnx\/park\.c\.o -c .*/\1/p' "$build/compile_commands.json" | head -n 1)
line=${line%% -o *} line=${line//\\/} line=${line//-Werror/}
linked="$build/libwrt.a $build/libqnxsim.a -lcmocka -lm -lpthread"

mutant() { # NAME TEST FILE SED-EXPRESSION...: what is wrong, the test program and case, the change
  local name=$1 program=${2%%:*} test=${2##*:} file=$3
  shift 3
  [ "$wanted" = '  ' ] || [[ $wanted == *" $name "* ]] || return
  local folder=qnx
  [ -f "port/qnx/$file" ] || { folder=posix file=${file#posix/}; }
  rm -rf "$work/port" && mkdir -p "$work/port" && cp -r port/posix port/qnx "$work/port/"
  local e; for e; do sed -i "$e" "$work/port/$folder/$file"; done
  if cmp -s "port/$folder/$file" "$work/port/$folder/$file"; then
    echo "FAIL $name: the change does not apply"
    return
  fi
  local objects=() source
  for source in "$work/port/$folder"/*.c; do
    if [ "$(basename "$source")" = "$file" ] || [ "$file" = qnx.h ]; then
      if ! $line -w -o "$source.o" -c "$source" 2>"$work/errors"; then
        echo "PASS $name: does not even compile"
        return
      fi
      objects+=("$source.o")
    fi
  done
  # The changed objects come first, so the library's are not taken. "Multiple" is no error
  # then: a library member with another name for the same call would be.
  if ! cc -o "$work/test" "$build/tests/sim/CMakeFiles/sim_$program.dir/$program.c.o" \
      "${objects[@]}" $linked 2>"$work/errors"; then
    echo "FAIL $name: does not link: $(head -n 3 "$work/errors")"
    return
  fi
  { timeout 20 "$work/test" "$test"; } >"$work/log" 2>&1
  local status=$?
  if grep -qE "^\[ +FAILED +\] $test" "$work/log"; then
    echo "PASS $name: $test fails"
  elif [ $status -ge 124 ] && [ "$(grep -oE '^\[ +RUN +\] [a-z_0-9]+' "$work/log" | tail -n 1 | awk '{print $NF}')" = "$test" ]; then
    echo "PASS $name: $test dies or hangs"
  else
    echo "FAIL $name: $test does not notice (status $status)"
  fi
}

is8=$([ "$release" = 8.0 ] && echo yes)

mutant 01-no-lazy traps:trap_01_a_reservation_takes_no_memory memory.c 's/MAP_PRIVATE | MAP_ANON | MAP_LAZY/MAP_PRIVATE | MAP_ANON/'
mutant 01-commit-lazily traps:trap_01_a_reservation_takes_no_memory memory.c 's/COMMITTED_FLAGS = MAP_PRIVATE | MAP_ANON/COMMITTED_FLAGS = MAP_PRIVATE | MAP_ANON | MAP_LAZY/'
mutant 02-linux-numbers traps:trap_02_protections_have_qnx_numbers memory.c 's/PROT_READ/1/g; s/PROT_WRITE/2/g; s/PROT_EXEC/4/g'
mutant 03-limit-without-reservation traps:trap_03_limits_allow_for_reservations process.c 's/limits->memory_bytes + reserved_bytes :/limits->memory_bytes :/'
mutant 04-priority-not-fixed traps:trap_04_a_wake_leaves_the_waiters_priority qnx.h 's/(_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_PRIVATE)/_NTO_CHF_PRIVATE/'
mutant 05-no-sequence-number traps:trap_05_stale_pulses_wake_nobody park.c 's/ || pulse.value.sival_int != waiter->sequence//'
mutant 05-pulses-for-nobody traps:trap_05_stale_pulses_wake_nobody park.c 's/^    if (error != EOK \&\& woken == 0)/    if (mine.coid != -1) (void)MsgSendPulse_r(mine.coid, 10, 1, 1); else (void)MsgSendPulse_r(1, 10, 1, 1);\n    if (error != EOK \&\& woken == 0)/'
mutant 06-sign-of-ids traps:trap_06_errors_of_the_r_calls_are_read_right park.c 's/if (chid < 0)/if (chid == -1)/'
mutant 06-sign-of-status traps:trap_06_errors_of_the_r_calls_are_read_right park.c 's/case ETIMEDOUT:/case -ETIMEDOUT:/'
mutant 07-relative-time traps:trap_07_timeouts_are_absolute_and_set_last park.c 's/(_NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME)/_NTO_TIMEOUT_RECEIVE/'
mutant 07-call-in-between traps:trap_07_timeouts_are_absolute_and_set_last park.c 's/        error = MsgReceivePulse_r(waiter->chid/        (void)wrt_qnx_current_priority();\n        error = MsgReceivePulse_r(waiter->chid/'
mutant 08-receive-messages traps:trap_08_no_receive_ids_are_kept park.c 's/error = MsgReceivePulse_r(waiter->chid, &pulse, sizeof pulse, NULL);/error = -(int)MsgReceive_r(waiter->chid, \&pulse, sizeof pulse, NULL);/'
[ "$is8" ] || mutant 09-signal-stack-flag traps:trap_09_fault_handlers_need_no_signal_stack fault.c 's/fault_flags = SA_SIGINFO | SA_NODEFER;/fault_flags = SA_SIGINFO | SA_NODEFER | 8;/'
mutant 10-no-sigbus traps:trap_10_both_signals_are_faults posix/fault.c 's/if (sigaction(SIGBUS, /if (sigaction(SIGTRAP, /'
mutant 10-signal-stays-blocked traps:trap_10_both_signals_are_faults fault.c 's/SA_SIGINFO | SA_NODEFER/SA_SIGINFO/'
mutant 11-two-calls-per-commit traps:trap_11_mapping_calls_are_few_and_where_they_belong memory.c 's/^    if (status != WRT_OK) .. what a failed MAP_FIXED.*/    (void)mprotect(address, size_bytes, protection(rights));\n&/'
mutant 12-heap-on-the-path traps:trap_12_the_heap_is_left_alone park.c 's/#include <time.h>/#include <time.h>\n#include <stdlib.h>/' 's/^    wrt_qnx_note_requested(WRT_QNX_PULSE_WAIT);/    void *volatile p = malloc(16); free(p);\n&/'
if [ "$is8" ]; then
  mutant 13-hard-coded-number traps:trap_13_heap_knobs_are_this_releases heap.c 's/set_live(M_MMAP_THRESHOLD/set_live(17/'
  mutant 13-deprecated-believed traps:trap_13_heap_knobs_are_this_releases heap.c 's/return refuse(out, "deprecated in 8.0/return applied(out, "deprecated in 8.0/'
else
  mutant 13-ignored-believed traps:trap_13_heap_knobs_are_this_releases heap.c 's/return refuse(out, "M_MMAP_THRESHOLD/return set_plain(M_MMAP_THRESHOLD, value, out, "M_MMAP_THRESHOLD/'
  mutant 13-minus-one-is-an-error traps:trap_13_heap_knobs_are_this_releases heap.c 's/previous == -1 \&\& errno != 0/previous == -1/'
fi
[ "$is8" ] || mutant 14-no-module traps:trap_14_partitions_may_be_missing confine.c 's/{ENOSYS, WRT_ERR_UNSUPPORTED/{ENOSYS, WRT_ERR_IO/'
# Trap 15 is about compiling: without _QNX_SOURCE the headers hide QNX's calls.
trap_15() {
  local name=15-no-qnx-source
  [ "$wanted" = '  ' ] || [[ $wanted == *" $name "* ]] || return
  rm -rf "$work/port" && mkdir -p "$work/port" && cp -r port/posix port/qnx "$work/port/"
  sed -i '/define _QNX_SOURCE/d' "$work"/port/*/*.[ch]
  if PORT=$work/port tests/sim/headers.sh trap_15 | grep -q "^FAIL trap_15.*, $release"; then
    echo "PASS $name: trap_15_every_file_says_qnx_source fails"
  else
    echo "FAIL $name: trap_15_every_file_says_qnx_source does not notice"
  fi
}
trap_15
mutant 16-garbage-in-reserved traps:trap_16_reserved_words_are_zero thread.c 's/memset(&parameters, 0, /memset(\&parameters, 0x5a, /'
[ "$is8" ] || mutant 16-aps-data-not-cleared traps:trap_16_reserved_words_are_zero confine.c 's/APS_INIT_DATA(&parameters); .. anything left over is EDOM ../memset(\&parameters, 0x5a, sizeof parameters);/'
mutant 17-descriptor-space traps:trap_17_connections_stay_out_of_descriptors park.c 's/_NTO_SIDE_CHANNEL/0/'
mutant 18-death-channels traps:trap_18_every_thread_can_have_a_channel qnx.h 's/(_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_PRIVATE)/(_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_PRIVATE | _NTO_CHF_COID_DISCONNECT)/'
mutant 18-channels-kept traps:trap_18_every_thread_can_have_a_channel park.c 's/^    close_channel(waiter);$/    (void)waiter;/'
mutant 19-write-and-execute traps:trap_19_no_page_is_writable_and_executable memory.c 's/return rights <= 7 \&\& .*/return rights <= 7 ||/'
mutant 20-policy-is-fatal traps:trap_20_missing_policy_degrades_and_is_told confine.c '/no policy is loaded: not a failure/,/}/ s/WRT_ERR_UNSUPPORTED/WRT_ERR_DENIED/'
mutant park-no-lock park:no_schedule_loses_a_wake park.c 's/^    pthread_mutex_unlock(&bucket->lock);\n    return WRT_OK;//' '/^static enum wrt_status join_queue/,/^}/ { s/    enqueue(bucket, waiter);/    pthread_mutex_unlock(\&bucket->lock);\n    pthread_mutex_lock(\&bucket->lock);\n    enqueue(bucket, waiter);/ }'
mutant park-timeout-keeps-pulse park:a_timeout_and_a_wake_never_both_win park.c 's/^        take_pulse(waiter);$/        ;/'
mutant park-order park:the_highest_priority_goes_first park.c 's/(\*at)->priority >= waiter->priority/(*at)->priority < 0/'
mutant park-kernel-pulses park:kernel_pulses_wake_nobody park.c 's/(pulse.code != WAKE_CODE || pulse.value.sival_int != waiter->sequence)/false/'
exit 0
