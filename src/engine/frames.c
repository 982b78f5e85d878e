/* engine/frames.c - the call stack of a paused store, written and restored.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Frames go from the innermost outwards, each as (instance, function, point, place on the
 * stack, live values). A point tells which slots hold values of which types, so addresses and
 * what is left over never reach a snapshot. Return addresses, links and the records between
 * instances follow from the order of frames; places are read to be checked:
 *
 *   caller's fp + d  <=  record (+ 5)  <=  callee's fp,   callee's fp + frame  <=  stack
 *
 * with equality where there is no record, d being where the call put its arguments.
 */
#include "snapshot.h"

#define NO_RECORD UINT64_MAX

/* Places are in cells from the start of the stack. */
struct frame {
    struct wrt_instance *instance;
    const struct wrt_code *code;
    uint32_t function; /* its own index: without the imported ones */
    uint32_t point;
    uint64_t place;
    uint64_t record;   /* below it, if it was called from another instance */
};

static uint64_t stack_cells(const struct wrt_store *store)
{
    return (uint64_t)(store->exec.stack_end - store->exec.stack);
}

static const struct wrt_function_type *type_of(const struct frame *f)
{
    return wrt_type_of_function(f->instance->module, f->code->function_index);
}

/* ---- finding points ---- */

/* The number of points before `word`. */
static uint32_t points_before(const struct wrt_code *code, uint64_t word)
{
    uint32_t low = 0, high = code->point_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (code->points[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool find_here(const struct wrt_code *code, uint64_t word, uint32_t *out)
{
    for (uint32_t i = points_before(code, word);
         i < code->point_count && code->points[i].word == word; i++)
        if (code->points[i].here != WRT_NOT_HERE) {
            *out = i;
            return true;
        }
    return false;
}

/* The call that returns to `word`. */
static bool find_call(const struct wrt_code *code, uint64_t word, uint32_t *out)
{
    for (uint32_t i = points_before(code, word); i-- > 0;) {
        const struct wrt_point *p = &code->points[i];
        if (p->size != 0 && p->word + (uint64_t)p->size == word) {
            *out = i;
            return true;
        }
        if (p->word + UINT64_C(8) < word)
            break;
    }
    return false;
}

/* ---- walking a stack that is there ---- */

struct walk {
    const struct wrt_store *store;
    const union word *pc;
    union cell *fp;
    struct wrt_instance *instance;
};

static bool is_at_end(const struct walk *w)
{
    return w->pc == w->store->exit_code_words;
}

static bool next_frame(struct codec *c, struct walk *w, bool is_innermost, struct frame *out)
{
    const union cell *stack = w->store->exec.stack;
    const struct wrt_code *code =
        w->instance == NULL ? NULL
                            : wrt_code_at(w->instance->module, w->pc - (is_innermost ? 0 : 1));
    uint32_t point = 0;
    if (code == NULL || !(is_innermost ? find_here : find_call)(
                            code, (uint64_t)(w->pc - code->entry), &point))
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED,
                                "a guest that stands in an operation which cannot be written");
    const struct wrt_module_info *info = &w->instance->module->info;
    *out = (struct frame){.instance = w->instance, .code = code, .point = point,
                          .function = code->function_index - info->imported_function_count,
                          .place = (uint64_t)(w->fp - stack), .record = NO_RECORD};
    const union cell *header = w->fp + code->header_slot;
    w->pc = header[0].pc;
    w->fp = header[1].fp;
    if (w->pc == w->store->instance_exit_words) {
        const union cell *record = w->fp;
        out->record = (uint64_t)(record - stack);
        w->pc = record[0].pc;
        w->fp = record[1].fp;
        w->instance = record[2].pointer;
    }
    return true;
}

static bool count_frames(struct codec *c, struct walk w, uint32_t *out)
{
    struct frame frame;
    *out = 0;
    do {
        if (!next_frame(c, &w, *out == 0, &frame))
            return false;
        ++*out;
    } while (!is_at_end(&w));
    return true;
}

/* ---- one frame ---- */

static bool read_frame(struct codec *c, struct frame *f, bool is_innermost)
{
    const struct wrt_module_info *info = &f->instance->module->info;
    const uint32_t own = info->function_count - info->imported_function_count;
    const uint64_t cells = stack_cells(c->store);
    if (own == 0)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a frame of an instance without functions");
    f->code = &f->instance->module->codes[f->function];
    const struct wrt_point *p = &f->code->points[f->point];
    if (is_innermost ? p->here == WRT_NOT_HERE : p->size == 0)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a frame where no guest can stand");
    if (f->place > cells || f->code->frame_slots > cells - f->place)
        return wrt_codec_refuse(c, WRT_ERR_NO_SPACE, "the stack of %llu cells is too small",
                                (unsigned long long)cells);
    const bool overlaps = f->record != NO_RECORD && (f->record > f->place ||
                                                     f->place - f->record != WRT_RECORD_CELLS);
    return !overlaps || wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a frame that is not on its record");
}

static bool codec_head(struct codec *c, struct frame *f, bool is_innermost)
{
    uint32_t functions = 1, points = 1;
    if (!wrt_codec_instance(c, &f->instance))
        return false;
    const struct wrt_module_info *info = &f->instance->module->info;
    functions = info->function_count - info->imported_function_count;
    if (functions == 0 || !wrt_codec_index(c, &f->function, functions - UINT64_C(1), "function"))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a frame without a function");
    points = f->instance->module->codes[f->function].point_count;
    if (points == 0 || !wrt_codec_index(c, &f->point, points - UINT64_C(1), "point"))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a frame without a point");
    return wrt_codec_u64(c, &f->place) && wrt_codec_u64(c, &f->record) &&
           (c->mode == CODEC_WRITE || read_frame(c, f, is_innermost));
}

static bool codec_slots(struct codec *c, const struct frame *f, wrt_type type, uint32_t slot,
                        uint32_t count, bool may_be_unset)
{
    const uint32_t width = wrt_type_slots(type);
    const bool in_place = c->mode == CODEC_WRITE || c->mode == CODEC_APPLY;
    union cell *base = c->store->exec.stack + f->place + slot;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_codec_value(c, f->instance->rtts, type, may_be_unset,
                             in_place ? base + (size_t)i * width : NULL))
            return false;
    return true;
}

static bool codec_live(struct codec *c, const struct frame *f, bool is_innermost)
{
    const struct wrt_function_type *type = type_of(f);
    const struct wrt_point *p = &f->code->points[f->point];
    uint32_t slot = 0;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (!codec_slots(c, f, type->parameters[i], slot, 1, false))
            return false;
        slot += wrt_type_slots(type->parameters[i]);
    }
    for (uint32_t at = is_innermost ? p->here : p->after; at != 0; at = f->code->lives[at].below) {
        const struct wrt_live *live = &f->code->lives[at];
        /* a local without a default may not have been set yet */
        const bool is_local =
            live->slot < f->code->header_slot + WRT_FRAME_HEADER + f->code->zero_count;
        if (!codec_slots(c, f, live->type, live->slot, live->count, is_local))
            return false;
    }
    return true;
}

/* ---- links between frames ---- */

static bool same_results(const struct wrt_function_type *a, struct wrt_rtt *const *a_scope,
                         const struct wrt_function_type *b, struct wrt_rtt *const *b_scope)
{
    if (a->result_count != b->result_count)
        return false;
    for (uint32_t i = 0; i < a->result_count; i++)
        if (!wrt_type_is_across(a_scope, a->results[i], b_scope, b->results[i]))
            return false;
    return true;
}

/* Where a frame goes when it returns. */
struct link {
    const union word *pc;
    union cell *fp;
    struct wrt_instance *instance;
    union cell *results;
};

static void set_link(struct codec *c, const struct frame *f, const struct link *to)
{
    union cell *header = c->store->exec.stack + f->place + f->code->header_slot;
    header[0].pc = to->pc;
    header[1].fp = to->fp;
    if (f->record == NO_RECORD)
        return;
    union cell *record = c->store->exec.stack + f->record;
    header[0].pc = c->store->instance_exit_words;
    header[1].fp = record;
    record[0].pc = to->pc;
    record[1].fp = to->fp;
    record[2].pointer = to->instance;
    record[3].fp = to->results;
    record[4].i64 = f->code->result_slots;
}

/* `at`: where the results go. */
static bool check_place(struct codec *c, const struct frame *callee, uint64_t at)
{
    const bool ok = callee->record == NO_RECORD ? callee->place == at : callee->record >= at;
    return ok || wrt_codec_refuse(c, WRT_ERR_CORRUPT, "frames that overlap");
}

static bool link_frames(struct codec *c, const struct frame *callee, const struct frame *caller)
{
    const struct wrt_point *p = &caller->code->points[caller->point];
    const union word *call = caller->code->entry + p->word;
    const uint64_t at = caller->place + call[1].k.d;
    const struct wrt_module *module = caller->instance->module;
    if (p->type >= module->info.type_count ||
        !same_results(type_of(callee), callee->instance->rtts, &module->types[p->type].function,
                      caller->instance->rtts))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a callee of another type");
    if (callee->record == NO_RECORD && callee->instance != caller->instance)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a callee of another instance");
    if (!check_place(c, callee, at))
        return false;
    union cell *stack = c->store->exec.stack;
    const struct link to = {.pc = call + p->size, .fp = stack + caller->place,
                            .instance = caller->instance, .results = stack + at};
    if (c->mode == CODEC_APPLY)
        set_link(c, callee, &to);
    return true;
}

/* The outermost frame returns to the host. */
static bool link_host(struct codec *c, const struct frame *outermost,
                      const struct wrt_function *function)
{
    if (!same_results(type_of(outermost), outermost->instance->rtts, function->type,
                      function->instance->rtts))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a call of another type");
    if (!check_place(c, outermost, 0))
        return false;
    union cell *stack = c->store->exec.stack;
    const struct link to = {.pc = c->store->exit_code_words, .fp = stack,
                            .instance = function->instance, .results = stack};
    if (c->mode == CODEC_APPLY)
        set_link(c, outermost, &to);
    return true;
}

/* ---- the stack ---- */

static void enter(struct codec *c, const struct frame *innermost)
{
    struct wrt_exec *exec = &c->store->exec;
    exec->pc = innermost->code->entry + innermost->code->points[innermost->point].word;
    exec->fp = exec->stack + innermost->place;
    exec->A = 0;
    exec->F = 0;
    exec->D = 0;
    wrt_exec_enter_instance(exec, innermost->instance);
}

/* ---- a search for the handler of an exception, that stands paused: raise.c ---- */

/* How many frames it has left; 0: there is none. */
static bool find_search(struct codec *c, struct walk w, uint32_t *out)
{
    const struct wrt_exceptions *e = &c->store->exceptions;
    struct frame frame;
    *out = 0;
    while (e->searching) {
        if (!next_frame(c, &w, *out == 0, &frame))
            return false;
        ++*out;
        const union cell *header =
            c->store->exec.stack + frame.place + frame.code->header_slot;
        if (header[0].pc == e->at.pc && header[1].fp == e->at.fp)
            return true;
        if (is_at_end(&w))
            return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a search among other frames");
    }
    return true;
}

/* `last` is the frame that was left last. */
static void apply_search(struct codec *c, const struct frame *last)
{
    struct wrt_exec *exec = &c->store->exec;
    struct wrt_exceptions *e = &c->store->exceptions;
    const union cell *header = exec->stack + last->place + last->code->header_slot;
    e->origin = (struct wrt_frame_cursor){.pc = exec->pc, .fp = exec->fp,
                                          .instance = exec->instance};
    e->at = (struct wrt_frame_cursor){.pc = header[0].pc, .fp = header[1].fp,
                                      .instance = last->instance, .returned = true};
    e->searching = true;
    exec->pc = c->store->search_words;
}

static bool codec_search(struct codec *c, struct walk w, uint32_t frames, uint32_t *left)
{
    if (c->mode == CODEC_WRITE && !find_search(c, w, left))
        return false;
    if (!wrt_codec_index(c, left, frames, "frame"))
        return false;
    return *left == 0 || c->searched ||
           wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a search without an exception");
}

static bool codec_stack(struct codec *c, const struct wrt_function *function)
{
    const struct wrt_exec *exec = &c->store->exec;
    struct walk w = {.store = c->store, .pc = exec->pc, .fp = exec->fp, .instance = exec->instance};
    struct frame callee = {0}, frame = {0}, last = {0};
    uint32_t count = 0, left = 0;
    if (c->store->exceptions.searching)
        w.pc = c->store->exceptions.origin.pc;
    if (c->mode == CODEC_WRITE && !count_frames(c, w, &count))
        return false;
    if (!wrt_codec_u32(c, &count))
        return false;
    if (count == 0)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a paused call without frames");
    if (!codec_search(c, w, count, &left))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (c->mode == CODEC_WRITE && !next_frame(c, &w, i == 0, &frame))
            return false;
        if (!codec_head(c, &frame, i == 0) || !codec_live(c, &frame, i == 0))
            return false;
        if (c->mode != CODEC_WRITE && i != 0 && !link_frames(c, &callee, &frame))
            return false;
        if (c->mode == CODEC_APPLY && i == 0)
            enter(c, &frame);
        if (i + 1 == left)
            last = frame;
        callee = frame;
    }
    if (c->mode == CODEC_WRITE)
        return true;
    if (!link_host(c, &callee, function))
        return false;
    if (c->mode == CODEC_APPLY && left != 0)
        apply_search(c, &last);
    return true;
}

/* A host function that the host called: its arguments are all there is. */
static bool codec_arguments(struct codec *c, const struct wrt_function *function)
{
    const struct wrt_function_type *type = function->type;
    const bool in_place = c->mode == CODEC_WRITE || c->mode == CODEC_APPLY;
    union cell *at = c->store->exec.stack;
    if (function->parameter_slots > stack_cells(c->store) ||
        function->result_slots > stack_cells(c->store))
        return wrt_codec_refuse(c, WRT_ERR_NO_SPACE, "the stack is too small for the arguments");
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (!wrt_codec_value(c, NULL, type->parameters[i], false, in_place ? at : NULL))
            return false;
        at += wrt_type_slots(type->parameters[i]);
    }
    if (c->mode == CODEC_APPLY)
        wrt_exec_enter_instance(&c->store->exec, NULL);
    return true;
}

/* ---- fuel and the call ---- */

static bool codec_fuel(struct codec *c)
{
    struct wrt_exec *exec = &c->store->exec;
    uint64_t fuel = (uint64_t)exec->fuel, reserve = exec->fuel_reserve, limit = exec->fuel_limit;
    uint32_t exit_code = exec->exit_code;
    if (!wrt_codec_u64(c, &fuel) || !wrt_codec_u64(c, &reserve) || !wrt_codec_u64(c, &limit) ||
        !wrt_codec_u32(c, &exit_code))
        return false;
    if (c->mode == CODEC_WRITE)
        return true;
    const int64_t slice = (int64_t)fuel;
    const int64_t pool = limit > (uint64_t)WRT_BOUNDLESS ? WRT_BOUNDLESS : (int64_t)limit;
    if (slice > WRT_FUEL_SLICE || slice < -(INT64_MAX / 2) || reserve > (uint64_t)pool ||
        slice > pool - (int64_t)reserve)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a snapshot with fuel out of nowhere");
    if (c->mode == CODEC_APPLY) {
        exec->fuel = slice;
        exec->fuel_reserve = reserve;
        exec->fuel_limit = limit;
        exec->exit_code = exit_code;
    }
    return true;
}

static void pause(struct wrt_store *store, struct wrt_function *function, uint32_t reason)
{
    struct wrt_exec *exec = &store->exec;
    const uint32_t cells = function->parameter_slots > function->result_slots
                               ? function->parameter_slots
                               : function->result_slots;
    store->activations[0] = (struct wrt_activation){
        .base = exec->stack, .function = function, .top = exec->stack, .paused = true};
    exec->depth = 1;
    exec->top = exec->stack + cells;
    exec->pause_reason = (enum wrt_pause_reason)reason;
}

bool wrt_codec_frames(struct codec *c)
{
    struct wrt_store *store = c->store;
    const bool writes = c->mode == CODEC_WRITE;
    uint32_t reason = writes ? (uint32_t)store->exec.pause_reason : 0;
    struct wrt_function *function = NULL;
    if (writes && store->exec.depth > 1)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED,
                                "a call that a host function made back into the guest");
    if (writes && store->exec.depth != 0 && store->activations[0].compiled)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a paused call of compiled code");
    if (writes && store->exec.depth != 0)
        function = store->activations[0].function;
    if (!codec_fuel(c) || !wrt_codec_function(c, &function))
        return false;
    if (function == NULL)
        return true;
    if (!wrt_codec_index(c, &reason, WRT_PAUSE_HOST, "pause reason") ||
        !(function->instance != NULL ? codec_stack : codec_arguments)(c, function))
        return false;
    if (c->mode == CODEC_APPLY)
        pause(store, function, reason);
    return true;
}
