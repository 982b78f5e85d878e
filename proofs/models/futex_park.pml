/* The portable futex (src/sync/futex_park.c): bucket lock, queue, parking places.
 * SPDX-License-Identifier: Apache-2.0
 *
 * N waiters wait for a word to change until it has R times, all but one with a deadline that may
 * pass at any moment, T times; a setter changes the word and wakes all. Places are used again at once,
 * so a late "let it go" hits the next wait.
 *   deadlock, lost wake   an invalid end state: somebody sleeps for ever
 *   double wake           a place is decided twice; or wakes counted /= waits that returned OK
 *   bypass                a later waiter is woken while an earlier one stays queued
 * BUG 1 compares before the lock; 2 announces itself after comparing; 3 gives up without looking
 * whether it was woken; 4 lets go before it decides; 5 queues last in, first out; 6 does not
 * take out the one it wakes. */
#ifndef N
#define N 2
#endif
#ifndef R
#define R 2
#endif
#ifndef T
#define T 2
#endif
#ifndef BUG
#define BUG 0
#endif

#define FREE 0
#define PARKED 1
#define WOKEN 2

byte word = 0;
byte announced = 0;               /* bucket->waiters */
bool locked = false;
byte queue[N]; byte queued = 0;
byte arrival[N]; byte arrivals = 0;
byte place[N];                    /* states */
bool asleep[N];                   /* in the port's wait on place[i] */
byte counted = 0, returned = 0;

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

inline put(me) {
  d_step {
    arrival[me] = arrivals; arrivals++;
#if BUG == 5
    j = queued;
    do :: j > 0 -> queue[j] = queue[j - 1]; j-- :: else -> break od;
    queue[0] = me;
#else
    queue[queued] = me;
#endif
    queued++; j = 0
  }
}

inline drop_entry_j() {
  d_step {
    queued--;
    do :: j < queued -> queue[j] = queue[j + 1]; j++ :: else -> break od;
    j = 0
  }
}

proctype waiter(byte me; byte deadlines) {
  byte seen, j = 0; bool timed_out;
  do
  :: word == R -> break
  :: atomic { word < R -> seen = word }; /* so it will change once more */
     timed_out = false;
     place[me] = PARKED;
#if BUG == 1
     if :: word != seen -> goto out :: else fi;
#endif
     lock();
#if BUG != 2
     announced++;
#endif
#if BUG != 1
     if
     :: word != seen ->
#if BUG != 2
        announced--;
#endif
        unlock(); goto out
     :: else
     fi;
#endif
#if BUG == 2
     announced++;
#endif
     put(me); unlock();
     do
     :: place[me] != PARKED -> break
     :: atomic { place[me] == PARKED -> asleep[me] = true };
        if
        :: !asleep[me]
        :: deadlines > 0 -> deadlines--; asleep[me] = false;
           lock(); j = 0;
#if BUG == 3
           timed_out = true;
#endif
           do
           :: j < queued && queue[j] != me -> j++
           :: j < queued && queue[j] == me ->
              drop_entry_j(); announced--; timed_out = true; break
           :: j >= queued -> break
           od;
           j = 0; unlock();
           if :: timed_out -> break :: else fi
        fi
     od;
     if :: timed_out :: else -> returned++ fi;
out: place[me] = FREE
  od;
  skip
}

proctype setter() {
  byte round = 0, j = 0, who = 0, taken = 0; byte released[N];
  do
  :: round == R -> break
  :: else ->
     word++;
     if
     :: announced == 0
     :: else ->
        lock(); taken = 0;
        do
        :: queued == 0 || taken == N -> break
        :: else ->
           who = queue[0]; j = 0;
#if BUG != 6
           drop_entry_j();
#endif
           assert(place[who] == PARKED);      /* decided once */
           d_step {                           /* nobody earlier stays behind */
             do :: j < queued -> assert(arrival[queue[j]] >= arrival[who]); j++ :: else -> break od;
             j = 0
           };
#if BUG == 4
           asleep[who] = false;
#endif
           announced--; place[who] = WOKEN; counted++;
           released[taken] = who; taken++
        od;
        unlock();
        do
        :: j < taken ->
#if BUG != 4
           asleep[released[j]] = false;
#endif
           j++
        :: else -> break
        od;
        j = 0
     fi;
     round++
  od
}

init {
  atomic {
    run waiter(0, 0);
    run waiter(1, T);
#if N > 2
    run waiter(2, T);
#endif
    run setter()
  };
  _nr_pr == 1; /* the word moved R times, so nobody may sleep on */
  assert(counted == returned);
  assert(queued == 0 && announced == 0)
}
