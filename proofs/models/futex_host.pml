/* The futex on the host's (src/sync/futex_host.c): the kernel compares and queues in one step,
 * around it the waiter count that saves vain wakes, and waits on two words that an interrupt
 * cancels.   SPDX-License-Identifier: Apache-2.0
 *
 * N waiters wait for a word to change until it has R times; a setter changes it and wakes all; an
 * interrupter raises and clears once. The count is one read-modify-write on each side, so interleaving is
 * all there is to check (the memory orders are in proofs/litmus).
 *   deadlock, lost wake   an invalid end state
 *   double wake           wakes counted /= waits that returned OK
 *   bypass                a later waiter is woken while an earlier one stays queued
 * BUG 1 announces itself after the kernel compared; 2 prefers the interrupt when both came; 3
 * looks at the count before it changes the word; 4 wakes the last in the queue. */
#ifndef N
#define N 2
#endif
#ifndef R
#define R 2
#endif
#ifndef BUG
#define BUG 0
#endif

byte word = 0, announced = 0;
bool raised = false;
bool queued[N];                   /* on the word's queue in the kernel */
bool on_interrupt[N];             /* on the interrupt's, at the same time */
bool by_wake[N], by_interrupt[N]; /* who took the thread off */
byte arrival[N], arrivals = 0;
byte counted = 0, returned = 0;

proctype waiter(byte me) {
  byte seen; bool slept;
  do
  :: word == R -> break
  :: atomic { word < R -> seen = word }; /* so it will change once more */
#if BUG != 1
     announced++;
#endif
     atomic {                     /* futex_waitv */
       slept = false;
       if
       :: word == seen && !raised ->
          queued[me] = true; on_interrupt[me] = true; by_wake[me] = false;
          by_interrupt[me] = false; slept = true; arrival[me] = arrivals; arrivals++
       :: else
       fi
     };
#if BUG == 1
     announced++;
#endif
     if
     :: slept ->
        (by_wake[me] || by_interrupt[me]);
        atomic {                  /* leaves the queues; the kernel reports the last one woken */
          queued[me] = false; on_interrupt[me] = false;
          if
#if BUG == 2
          :: by_wake[me] && !by_interrupt[me] -> returned++
#else
          :: by_wake[me] -> returned++
#endif
          :: else
          fi
        }
     :: else
     fi;
     announced--
  od;
  skip
}

inline kernel_wake() {
  atomic {
    i = 0;
    do
    :: i < N ->
#if BUG == 4
       j = N - 1 - i;
#else
       /* the earliest of the queued ones */
       j = 0; best = 255;
       do
       :: j < N -> if :: queued[j] && !by_wake[j] && (best == 255 || arrival[j] < arrival[best]) -> best = j :: else fi; j++
       :: else -> break
       od;
       j = (best == 255 -> 0 : best);
#endif
       if
       :: queued[j] && !by_wake[j] ->
          by_wake[j] = true; counted++;
          k = 0;
          do
          :: k < N -> assert(!(queued[k] && !by_wake[k] && arrival[k] < arrival[j])); k++
          :: else -> break
          od
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0; j = 0; k = 0; best = 0
  }
}

proctype setter() {
  byte round = 0, i = 0, j = 0, k = 0, best = 0, count;
  do
  :: round == R -> break
  :: else ->
#if BUG == 3
     count = announced; word++;
#else
     word++; count = announced;
#endif
     if :: count != 0 -> kernel_wake() :: else fi;
     round++
  od
}

proctype interrupter() {
  byte i = 0;
  raised = true;
  atomic {
    do
    :: i < N -> if :: on_interrupt[i] -> by_interrupt[i] = true :: else fi; i++
    :: else -> break
    od
  };
  raised = false
}

init {
  atomic {
    run waiter(0); run waiter(1);
#if N > 2
    run waiter(2);
#endif
    run setter(); run interrupter()
  };
  _nr_pr == 1;
  assert(counted == returned);
  assert(announced == 0)
}
