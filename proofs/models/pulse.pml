/* The pulse channel (src/sync/pulse.c): places, priorities, the sequence that receivers sleep on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two senders send S pulses each at their own priority (trying again when the channel is full),
 * then disconnect; two receivers take everything until both disconnects came. One mutex step is
 * one atomic step here: the mutex is the kernel's.
 *   lost pulse, lost wake, deadlock   an invalid end state, or fewer received than sent
 *   pulse received twice              more received than sent
 *   bypass                            a lower priority is received while a higher one is queued
 *   lost news of a disconnect         no place for it
 * BUG 1 reads the sequence after looking; 2 wakes before it moves the sequence; 3 keeps no place
 * back for disconnects; 4 takes the lowest priority; 5 wakes nobody for a disconnect. */
#ifndef S
#define S 2
#endif
#define CAPACITY 3
#ifndef BUG
#define BUG 0
#endif

byte low = 0, high = 0, news = 0;  /* queued at priorities 1 and 2; disconnects, at 0 */
byte connections = 2;
byte sequence = 0;
bool asleep[2];
byte sent = 0, received = 0, heard = 0;
bool is_closed = false;

#define queued (low + high + news)

inline wake_one() {
  atomic {
    if
    :: asleep[0] -> asleep[0] = false
    :: asleep[1] -> asleep[1] = false
    :: !asleep[0] && !asleep[1]
    fi
  }
}

inline wake_all() { atomic { asleep[0] = false; asleep[1] = false } }

inline tell() {
#if BUG == 2
  wake_one(); sequence++
#else
  sequence++; wake_one()
#endif
}

proctype sender(byte rank) {
  byte done = 0; bool ok;
  do
  :: done == S -> break
  :: else ->
     atomic {
#if BUG == 3
       (queued < CAPACITY);
#else
       (queued + connections < CAPACITY);
#endif
       if :: rank == 1 -> low++ :: else -> high++ fi;
       sent++; done++
     };
     tell()
  od;
  atomic {
    connections--;
    assert(queued < CAPACITY);
    news++
  };
#if BUG == 5
  sequence++
#else
  tell()
#endif
}

proctype receiver(byte me) {
  byte seen; bool got;
  do
  :: is_closed -> break
  :: else ->
#if BUG != 1
     seen = sequence;
#endif
     atomic {
       got = true;
       if
#if BUG == 4
       :: news > 0 -> news--; heard++; assert(high == 0 && low == 0)
       :: news == 0 && low > 0 -> low--; received++; assert(high == 0)
       :: news == 0 && low == 0 && high > 0 -> high--; received++
#else
       :: high > 0 -> high--; received++
       :: high == 0 && low > 0 -> low--; received++; assert(high == 0)
       :: high == 0 && low == 0 && news > 0 -> news--; heard++; assert(high == 0 && low == 0)
#endif
       :: queued == 0 -> got = false
       fi
     };
#if BUG == 1
     seen = sequence;
#endif
     if
     :: heard == 2 && !is_closed -> is_closed = true; sequence++; wake_all()
     :: else
     fi;
     if
     :: !got && !is_closed ->
        atomic { if :: sequence == seen -> asleep[me] = true :: else fi };
        !asleep[me]
     :: else
     fi
  od
}

init {
  atomic { run sender(1); run sender(2); run receiver(0); run receiver(1) };
  _nr_pr == 1;
  assert(sent == 2 * S && received == sent && heard == 2)
}
