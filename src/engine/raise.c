/* engine/raise.c - finds who catches an exception.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The search walks the frames outwards, and in each asks the function's table which try_table
 * stands around the call: a binary search among the boundaries, then clause by clause, then the
 * try_table around it. Nothing is changed until a clause fits; then the frames within are simply
 * forgotten. The walk stops at the activation: beyond it stands a host function.
 *
 * A search pays one unit of fuel for each frame that it leaves and each clause that it looks at.
 * A long one that has no fuel pauses: pc then stands at search_words, which go on with it. Between
 * two stop points lie PIECE frames and the clauses of the functions in them. Otherwise it stops
 * only where it arrives at a loop's head, as a back edge does.
 */
#include "engine.h"

#define PIECE 256

static const struct wrt_catch *fits(struct wrt_exec *exec, const struct wrt_code *code,
                                    const struct wrt_instance *instance, uint64_t word)
{
    const struct wrt_store *store = wrt_store_of(exec);
    const struct wrt_tag *tag = wrt_exception_tag(store, store->exceptions.current);
    uint32_t low = 0, high = code->boundary_count;
    while (low < high) { /* the first boundary behind the word */
        const uint32_t middle = low + (high - low) / 2;
        if (code->boundaries[middle].word <= word)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t at = low == 0 ? WRT_NO_TRY : code->boundaries[low - 1].innermost;
    for (; at != WRT_NO_TRY; at = code->tries[at].parent) {
        const struct wrt_catch *clause = code->catches + code->tries[at].first;
        for (uint32_t i = 0; i < code->tries[at].count; i++, clause++) {
            exec->fuel--;
            if (clause->kind >= WRT_CATCH_ALL || instance->tags[clause->tag] == tag)
                return clause;
        }
    }
    return NULL;
}

/* Puts what the clause asks for into cells from `to` on; their number. */
static uint32_t deliver(struct wrt_store *store, const struct wrt_catch *clause, union cell *to)
{
    const uint64_t exception = store->exceptions.current;
    uint32_t count = 0;
    if (clause->kind < WRT_CATCH_ALL) {
        const union cell *from = wrt_exception_values(store, exception);
        count = wrt_cells_of(wrt_exception_tag(store, exception));
        for (uint32_t i = 0; i < count; i++)
            to[i] = from[i];
    }
    if (clause->kind == WRT_CATCH_REF || clause->kind == WRT_CATCH_ALL_REF)
        to[count++].i64 = exception;
    return count;
}

/* Goes on at the clause's label, in the frame that the search stands at. */
static enum wrt_run land(struct wrt_exec *exec, const struct wrt_code *code,
                         const struct wrt_catch *clause)
{
    struct wrt_store *store = wrt_store_of(exec);
    const struct wrt_frame_cursor at = store->exceptions.at;
    exec->fuel += clause->fuel;
    if (clause->target == WRT_CATCH_RETURNS) {
        const union cell *header = at.fp + code->header_slot;
        exec->pc = header[0].pc;
        exec->fp = header[1].fp;
        if (deliver(store, clause, at.fp) == 1)
            wrt_load_accumulators(exec, at.fp);
    } else {
        exec->pc = code->entry + clause->target;
        exec->fp = at.fp;
        (void)deliver(store, clause, at.fp + clause->slot);
    }
    wrt_exec_enter_instance(exec, at.instance);
    store->exceptions.current = 0;
    store->trapped_in_host = false;
    return clause->is_loop && exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

/* Out of the frame that the search stands at. */
static void leave(struct wrt_frame_cursor *at, const struct wrt_code *code)
{
    const union cell *header = at->fp + code->header_slot;
    at->pc = header[0].pc;
    at->fp = header[1].fp;
    at->returned = true;
}

/* A record between instances (call.c) is no frame. */
static void leave_record(struct wrt_frame_cursor *at)
{
    const union cell *record = at->fp;
    at->pc = record[0].pc;
    at->fp = record[1].fp;
    at->instance = record[2].pointer;
    at->returned = true;
}

static enum wrt_run pause(struct wrt_exec *exec)
{
    const enum wrt_run how = wrt_stop_point(exec);
    struct wrt_store *store = wrt_store_of(exec);
    if (how == WRT_RUN_PAUSED && !store->exceptions.searching) {
        store->exceptions.searching = true;
        exec->pc = store->search_words;
    }
    return how;
}

static enum wrt_run search(struct wrt_exec *exec)
{
    struct wrt_store *store = wrt_store_of(exec);
    uint32_t steps = 0;
    struct wrt_frame_cursor *at = &store->exceptions.at;
    while (at->instance != NULL && at->pc != store->exit_code_words) {
        if (at->pc == store->instance_exit_words) {
            leave_record(at);
            continue;
        }
        const union word *pc = at->pc - (at->returned ? 1 : 0);
        const struct wrt_code *code = wrt_code_at(at->instance->module, pc);
        const struct wrt_catch *clause =
            fits(exec, code, at->instance, (uint64_t)(pc - code->entry));
        if (clause != NULL)
            return land(exec, code, clause);
        leave(at, code);
        exec->fuel--;
        if (++steps % PIECE == 0 && exec->fuel < 0 && pause(exec) != WRT_RUN_CONTINUE)
            return WRT_RUN_PAUSED;
    }
    return WRT_RUN_THROWN;
}

static enum wrt_run begin(struct wrt_exec *exec, struct wrt_frame_cursor from)
{
    struct wrt_exceptions *e = &wrt_store_of(exec)->exceptions;
    e->origin = (struct wrt_frame_cursor){.pc = exec->pc, .fp = exec->fp,
                                          .instance = exec->instance};
    e->at = from;
    e->searching = false;
    return search(exec);
}

enum wrt_run wrt_raise(struct wrt_exec *exec)
{
    return begin(exec, (struct wrt_frame_cursor){.pc = exec->pc, .fp = exec->fp,
                                                 .instance = exec->instance});
}

enum wrt_run wrt_raise_from(struct wrt_exec *exec, const union word *back, union cell *caller)
{
    return begin(exec, (struct wrt_frame_cursor){.pc = back, .fp = caller, .returned = true,
                                                 .instance = exec->instance});
}

enum wrt_run wrt_search_again(struct wrt_exec *exec)
{
    struct wrt_exceptions *e = &wrt_store_of(exec)->exceptions;
    e->searching = false;
    exec->pc = e->origin.pc;
    return search(exec);
}
