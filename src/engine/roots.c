/* engine/roots.c - the references on the value stack, for both collectors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stack is walked as for a backtrace. Where each frame stands there is a point (points.c)
 * that lists the slots which hold values, so nothing left over counts as a reference. An
 * innermost guest frame, and one whose host function calls back, stand before an instruction
 * whose operands are still there; the others in a call. O(values on the stack).
 */
#include "engine.h"

struct walk {
    struct wrt_store *store;
    wrt_visit *visit;
    void *context;
    uint64_t looked_at; /* frames and references */
    const union word *pc;
    const union cell *fp;
    const struct wrt_instance *instance;
    uint32_t activation;
    bool in_call;
};

static const struct wrt_point *find_point(const struct wrt_code *code, uint64_t word, bool in_call)
{
    uint32_t low = 0, high = code->point_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct wrt_point *p = &code->points[middle];
        if (p->word + (in_call ? UINT64_C(0) + p->size : 0) < word)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < code->point_count && code->points[low].word <= word; low++) {
        const struct wrt_point *p = &code->points[low];
        if (in_call ? p->size != 0 && p->word + (uint64_t)p->size == word
                    : p->word == word && p->here != WRT_NOT_HERE)
            return p;
    }
    return NULL;
}

static void visit_slots(struct walk *w, wrt_type type, const union cell *slots, uint32_t count)
{
    if (!wrt_is_reference(type))
        return;
    w->looked_at += count;
    for (uint32_t i = 0; i < count; i++)
        w->visit(w->context, slots[i].i64);
}

static void visit_types(struct walk *w, const wrt_type *types, uint32_t count,
                        const union cell *slots)
{
    for (uint32_t i = 0; i < count; i++) {
        visit_slots(w, types[i], slots, 1);
        slots += wrt_type_slots(types[i]);
    }
}

static void visit_frame(struct walk *w, const struct wrt_code *code)
{
    const struct wrt_function_type *type =
        wrt_type_of_function(w->instance->module, code->function_index);
    const struct wrt_point *p = find_point(code, (uint64_t)(w->pc - code->entry), w->in_call);
    visit_types(w, type->parameters, type->parameter_count, w->fp);
    if (p == NULL) { /* not known: whatever looks like a reference is one */
        visit_slots(w, WRT_ANYREF, w->fp, code->frame_slots);
        return;
    }
    for (uint32_t at = w->in_call ? p->after : p->here; at != 0; at = code->lives[at].below)
        visit_slots(w, code->lives[at].type, w->fp + code->lives[at].slot, code->lives[at].count);
}

static void leave_activation(struct walk *w)
{
    const struct wrt_activation *a = &w->store->activations[--w->activation];
    if (a->function->instance == NULL) /* its arguments are on the stack while it runs */
        visit_types(w, a->function->type->parameters, a->function->type->parameter_count, a->base);
    w->pc = a->pc;
    w->fp = a->fp;
    w->instance = a->instance;
    w->in_call = false;
}

uint64_t wrt_visit_stack(struct wrt_store *store, wrt_visit *visit, void *context)
{
    struct walk w = {.store = store, .visit = visit, .context = context, .pc = store->exec.pc,
                     .fp = store->exec.fp, .instance = store->exec.instance,
                     .activation = store->exec.depth};
    if (store->exceptions.searching)
        w.pc = store->exceptions.origin.pc;
    while (w.activation != 0) {
        if (w.instance == NULL || w.pc == store->exit_code_words) {
            leave_activation(&w);
            continue;
        }
        if (w.pc == store->instance_exit_words) {
            w.pc = w.fp[0].pc;
            w.instance = w.fp[2].pointer;
            w.fp = w.fp[1].fp;
            continue;
        }
        const struct wrt_code *code = wrt_code_at(w.instance->module, w.pc - w.in_call);
        if (code == NULL)
            break;
        visit_frame(&w, code);
        w.looked_at++;
        const union cell *header = w.fp + code->header_slot;
        w.pc = header[0].pc;
        w.fp = header[1].fp;
        w.in_call = true;
    }
    return w.looked_at;
}
