/* tests/stress/history.h - what happened when, and whether a queue or a pool explains it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A history is linearizable if every operation can be given one moment between its start and
 * its end so that, in the order of these moments, it is a queue's (a pool's). With every value
 * pushed once, a queue's history is not exactly if one of these is found (Henzinger, Sezgin,
 * Vafeiadis 2013):
 *   a value popped that was not pushed, before it was pushed, or twice;
 *   a pushed wholly before b, but b popped wholly before a was, or a never was;
 *   "empty" returned while at every moment some value was surely inside.
 * The last one here looks for moments covered by the sure stays of values, one after the other.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum history_kind { HISTORY_PUSH, HISTORY_POP, HISTORY_EMPTY };

struct history_event {
    enum history_kind kind;
    uint32_t value; /* push, pop: 0 .. value_count - 1 */
    uint64_t start_ns, end_ns;
};

struct history {
    struct history_event *events;
    size_t count, capacity;
};

/* Adds one event; a full history drops it and false returns. */
bool history_add(struct history *history, enum history_kind kind, uint32_t value,
                 uint64_t start_ns, uint64_t end_ns);

/* NULL if a queue explains the histories of all threads together, else why not. */
const char *history_check_queue(const struct history *histories, uint32_t history_count,
                                uint32_t value_count);

/* The same for a pool of object_count objects: push is give, pop is take, value the object.
 * All objects are free at the start, and who takes one gives it back itself. The faults:
 *   an object surely owned by two at once (from the end of a take to the start of its give);
 *   "empty" returned while at every moment some object was surely free. */
const char *history_check_pool(const struct history *histories, uint32_t history_count,
                               uint32_t object_count);

#endif
