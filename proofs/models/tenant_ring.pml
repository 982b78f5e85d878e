/* The ring between a process and a tenant: wrt_spsc (wrt/ring.h) with a futex wait on the other
 * side's word when there is nothing to do.   SPDX-License-Identifier: Apache-2.0
 *
 * The producer publishes ITEMS numbered items through CAPACITY slots, the consumer takes them.
 * Each side works from its own position and what it last saw of the other's.
 *   lost or double item, order   the consumer asserts the numbers
 *   overwritten item             the same
 *   deadlock, lost wake          an invalid end state
 *   bypass                       the queue is first in, first out: the numbers again
 * BUG 1 publishes before it writes; 2 believes in one slot too many; 3 sleeps without comparing;
 * 4 wakes before it publishes; 5 releases before it reads. */
#define CAPACITY 2
#ifndef ITEMS
#define ITEMS 5
#endif
#ifndef BUG
#define BUG 0
#endif

byte slot[CAPACITY];
byte published = 0, consumed = 0;  /* the shared words */
bool producer_sleeps = false, consumer_sleeps = false;

inline wait_on(shared_word, seen, sleeps) {
#if BUG == 3
  sleeps = true;
#else
  atomic { if :: shared_word == seen -> sleeps = true :: else fi };
#endif
  !sleeps
}

proctype producer() {
  byte position = 0, seen = 0;
  do
  :: position == ITEMS -> break
  :: else ->
     do
#if BUG == 2
     :: position - seen <= CAPACITY -> break
#else
     :: position - seen < CAPACITY -> break
#endif
     :: else ->
        seen = consumed;
        if
        :: position - seen == CAPACITY -> wait_on(consumed, seen, producer_sleeps)
        :: else
        fi
     od;
#if BUG == 1
     published = position + 1; slot[position % CAPACITY] = position + 1;
#else
     slot[position % CAPACITY] = position + 1;
#if BUG == 4
     consumer_sleeps = false;
#endif
     published = position + 1;
#endif
     position++;
#if BUG != 4
     consumer_sleeps = false
#endif
  od
}

proctype consumer() {
  byte position = 0, seen = 0, value;
  do
  :: position == ITEMS -> break
  :: else ->
     do
     :: position < seen -> break
     :: else ->
        seen = published;
        if
        :: position == seen -> wait_on(published, seen, consumer_sleeps)
        :: else
        fi
     od;
#if BUG == 5
     consumed = position + 1;
#endif
     value = slot[position % CAPACITY];
     assert(value == position + 1);
     position++;
     consumed = position;
     producer_sleeps = false
  od
}

init {
  atomic { run producer(); run consumer() };
  _nr_pr == 1;
  assert(consumed == ITEMS)
}
