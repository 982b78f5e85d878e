/* A guest asleep in memory.atomic.wait, and who interrupts its store: src/engine/wait.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The waiter sleeps, pauses for interrupts and is resumed at once, until it is woken. The futex is
 * as wrt/futex.h promises: a raised interrupt ends a wait, also one that begins after. Interrupts
 * are raised at any moment, also late, when their wait is over. The waker comes when the last
 * interrupt has been answered: one that is slept over leaves both asleep for ever.
 *   lost interrupt    an invalid end state
 *   lost wake         the same
 *   late interrupt    ends a wait that nobody asked to end: the waiter must sleep again, not pause
 * BUG 1 looks at the flag before it announces its wait; 2 looks for the wait before the flag is
 * set; 3 forgets a late interrupt after it looked at the flag; 4 pauses for a late one. */
#ifndef INTERRUPTS
#define INTERRUPTS 3
#endif
#ifndef BUG
#define BUG 0
#endif

bool flag = false;      /* exec.interrupt */
bool waits_in = false;  /* exec.waits_in: the domain, or none */
bool raised = false;    /* exec.wake */
bool changed = false;   /* the guest's word */
bool woken = false;
byte asked = 0;         /* interrupts whose call has returned */

inline pause_for_interrupt() { /* wrt_stop_point, and the host resumes */
  atomic {
    if
    :: flag -> flag = false
#if BUG == 4
    :: !flag -> assert(false)
#else
    :: !flag -> skip
#endif
    fi
  }
}

proctype waiter() {
  bool stop;
  do
  :: changed -> break
  :: else ->
#if BUG == 1
     stop = flag;
     waits_in = true;
     raised = false;
#else
     waits_in = true;
#if BUG == 3
     stop = flag;
     raised = false;
#else
     raised = false;
     stop = flag;
#endif
#endif
     if
     :: stop -> waits_in = false; pause_for_interrupt()
     :: else ->
        if /* the wait: compares, sleeps */
        :: atomic { changed -> waits_in = false }
        :: atomic { woken -> woken = false; waits_in = false }
        :: atomic { raised -> waits_in = false }; pause_for_interrupt()
        fi
     fi
  od
}

proctype interrupter() {
  bool found;
#if BUG == 2
  found = waits_in;
  flag = true;
#else
  flag = true;
  found = waits_in;
#endif
  if
  :: found -> raised = true
  :: else
  fi;
  asked++
}

proctype waker() {
  (asked == INTERRUPTS && !flag);
  changed = true;
  woken = true
}

init {
  byte i;
  atomic {
    run waiter();
    run waker();
    i = 0;
    do
    :: i < INTERRUPTS -> run interrupter(); i++
    :: else -> break
    od
  };
  _nr_pr == 1
}
