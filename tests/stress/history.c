/* tests/stress/history.c - see history.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

struct span {
    uint64_t from, to;
};

struct stay { /* of one value in the queue */
    uint64_t push_start, push_end, pop_start, pop_end;
};

bool history_add(struct history *history, enum history_kind kind, uint32_t value,
                 uint64_t start_ns, uint64_t end_ns)
{
    if (history->count == history->capacity)
        return false;
    history->events[history->count++] =
        (struct history_event){ kind, value, start_ns, end_ns };
    return true;
}

static int compare(uint64_t left, uint64_t right) { return (left > right) - (left < right); }

static int by_from(const void *a, const void *b)
{
    return compare(((const struct span *)a)->from, ((const struct span *)b)->from);
}

static int by_push_start(const void *a, const void *b)
{
    return compare(((const struct stay *)a)->push_start, ((const struct stay *)b)->push_start);
}

static int by_push_end(const void *a, const void *b)
{
    return compare(((const struct stay *)a)->push_end, ((const struct stay *)b)->push_end);
}

/* Joins spans that overlap; sorted afterwards. */
static size_t join_spans(struct span *spans, size_t count)
{
    qsort(spans, count, sizeof *spans, by_from);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || spans[i].from >= spans[kept - 1].to)
            spans[kept++] = spans[i];
        else if (spans[i].to > spans[kept - 1].to)
            spans[kept - 1].to = spans[i].to;
    }
    return kept;
}

static bool is_covered(const struct span *spans, size_t count, uint64_t from, uint64_t to)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first span that starts at or after `from` */
        size_t middle = (low + high) / 2;
        if (spans[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && spans[low - 1].to > to;
}

static bool any_empty_covered(const struct history *histories, uint32_t history_count,
                              struct span *spans, size_t count)
{
    count = join_spans(spans, count);
    for (uint32_t h = 0; h < history_count; h++)
        for (size_t i = 0; i < histories[h].count; i++) {
            const struct history_event *event = &histories[h].events[i];
            if (event->kind == HISTORY_EMPTY &&
                is_covered(spans, count, event->start_ns, event->end_ns))
                return true;
        }
    return false;
}

static const char *note_event(struct stay *stay, const struct history_event *event)
{
    if (event->kind == HISTORY_PUSH) {
        if (stay->push_start != NEVER)
            return "a value was pushed twice (the test is wrong)";
        stay->push_start = event->start_ns, stay->push_end = event->end_ns;
    } else if (event->kind == HISTORY_POP) {
        if (stay->pop_start != NEVER)
            return "a value was popped twice";
        stay->pop_start = event->start_ns, stay->pop_end = event->end_ns;
    }
    return NULL;
}

/* Some a pushed wholly before b, and popped wholly after it or never? */
static bool is_order_broken(struct stay *stays, struct stay *by_end, size_t count)
{
    memcpy(by_end, stays, count * sizeof *stays);
    qsort(stays, count, sizeof *stays, by_push_start);
    qsort(by_end, count, sizeof *by_end, by_push_end);
    uint64_t latest_pop = 0;
    for (size_t b = 0, a = 0; b < count; b++) {
        for (; a < count && by_end[a].push_end < stays[b].push_start; a++)
            if (by_end[a].pop_start > latest_pop)
                latest_pop = by_end[a].pop_start;
        if (stays[b].pop_end != NEVER && latest_pop > stays[b].pop_end)
            return true;
    }
    return false;
}

static const char *check_stays(const struct history *histories, uint32_t history_count,
                               struct stay *stays, struct stay *scratch, struct span *spans,
                               size_t value_count)
{
    size_t pushed = 0, span_count = 0;
    for (size_t v = 0; v < value_count; v++) {
        struct stay *stay = &stays[v];
        if (stay->push_start == NEVER && stay->pop_start != NEVER)
            return "a value was popped that was never pushed";
        if (stay->push_start == NEVER)
            continue;
        if (stay->pop_end < stay->push_start)
            return "a value was popped before it was pushed";
        if (stay->push_end < stay->pop_start)
            spans[span_count++] = (struct span){ stay->push_end, stay->pop_start };
        stays[pushed++] = *stay;
    }
    if (is_order_broken(stays, scratch, pushed))
        return "two values came out in the other order";
    if (any_empty_covered(histories, history_count, spans, span_count))
        return "empty, though at every moment a value was inside";
    return NULL;
}

static const char *gather_stays(const struct history *histories, uint32_t history_count,
                                struct stay *stays, size_t value_count)
{
    const char *fault = NULL;
    for (size_t v = 0; v < value_count; v++)
        stays[v] = (struct stay){ NEVER, NEVER, NEVER, NEVER };
    for (uint32_t h = 0; h < history_count; h++)
        for (size_t i = 0; !fault && i < histories[h].count; i++) {
            const struct history_event *event = &histories[h].events[i];
            if (event->kind == HISTORY_EMPTY)
                continue;
            fault = event->value < value_count ? note_event(&stays[event->value], event)
                                               : "a value came out that is none";
        }
    return fault;
}

const char *history_check_queue(const struct history *histories, uint32_t history_count,
                                uint32_t value_count)
{
    size_t count = value_count;
    struct stay *stays = malloc((count + 1) * sizeof *stays);
    struct stay *scratch = malloc((count + 1) * sizeof *scratch);
    struct span *spans = malloc((count + 1) * sizeof *spans);
    const char *fault = stays && scratch && spans ? NULL : "no memory for the check";
    if (!fault)
        fault = gather_stays(histories, history_count, stays, count);
    if (!fault)
        fault = check_stays(histories, history_count, stays, scratch, spans, count);
    free(stays);
    free(scratch);
    free(spans);
    return fault;
}

/* ---- pools ---- */

struct tenure { /* one take of an object and the give that ended it */
    uint32_t object;
    uint64_t take_start, take_end, give_start, give_end;
};

static int by_object_and_take(const void *a, const void *b)
{
    const struct tenure *left = a, *right = b;
    if (left->object != right->object)
        return compare(left->object, right->object);
    return compare(left->take_end, right->take_end);
}

static struct tenure *find_open(struct tenure *tenures, size_t first, size_t count,
                                uint32_t object)
{
    for (size_t i = count; i-- > first;)
        if (tenures[i].object == object)
            return tenures[i].give_start == NEVER ? &tenures[i] : NULL;
    return NULL;
}

static const char *gather_tenures(const struct history *history, uint32_t object_count,
                                  struct tenure *tenures, size_t *count)
{
    size_t first = *count;
    for (size_t i = 0; i < history->count; i++) {
        const struct history_event *event = &history->events[i];
        if (event->kind == HISTORY_EMPTY)
            continue;
        if (event->value >= object_count)
            return "an object came out that is none";
        struct tenure *open = find_open(tenures, first, *count, event->value);
        if (event->kind == HISTORY_POP) {
            if (open)
                return "an object was taken twice";
            tenures[(*count)++] = (struct tenure){ event->value, event->start_ns,
                                                   event->end_ns, NEVER, NEVER };
        } else {
            if (!open)
                return "an object was given that was not taken (the test is wrong)";
            open->give_start = event->start_ns, open->give_end = event->end_ns;
        }
    }
    return NULL;
}

/* Looks at each object's tenures in turn, and gathers when objects were surely free. */
static const char *check_tenures(struct tenure *tenures, size_t count, uint32_t object_count,
                                 struct span *spans, size_t *span_count)
{
    uint32_t used = 0;
    qsort(tenures, count, sizeof *tenures, by_object_and_take);
    for (size_t i = 0; i < count; i++) {
        const struct tenure *this = &tenures[i];
        bool is_first = i == 0 || this[-1].object != this->object;
        bool has_next = i + 1 < count && this[1].object == this->object;
        if (has_next && this->give_start > this[1].take_end)
            return "an object was taken twice";
        used += is_first;
        if (is_first)
            spans[(*span_count)++] = (struct span){ 0, this->take_start };
        uint64_t until = has_next ? this[1].take_start : NEVER;
        if (this->give_end < until)
            spans[(*span_count)++] = (struct span){ this->give_end, until };
    }
    if (used < object_count)
        spans[(*span_count)++] = (struct span){ 0, NEVER };
    return NULL;
}

const char *history_check_pool(const struct history *histories, uint32_t history_count,
                               uint32_t object_count)
{
    size_t total = 0, count = 0, span_count = 0;
    for (uint32_t h = 0; h < history_count; h++)
        total += histories[h].count;
    struct tenure *tenures = malloc((total + 1) * sizeof *tenures);
    struct span *spans = malloc((2 * total + 2) * sizeof *spans);
    const char *fault = tenures && spans ? NULL : "no memory for the check";
    for (uint32_t h = 0; !fault && h < history_count; h++)
        fault = gather_tenures(&histories[h], object_count, tenures, &count);
    if (!fault)
        fault = check_tenures(tenures, count, object_count, spans, &span_count);
    if (!fault && any_empty_covered(histories, history_count, spans, span_count))
        fault = "empty, though at every moment an object was free";
    free(tenures);
    free(spans);
    return fault;
}
