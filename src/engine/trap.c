/* engine/trap.c - names of traps, and where the guest stands.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A frame does not say whose it is: its return address does. Code addresses are looked up in
 * the module's functions by binary search, and byte offsets in the position map, which lists
 * for each instruction the words and bytes since the one before.
 */
#include <stdio.h>
#include <string.h>

#include "native.h"

const char *wrt_trap_text(enum wrt_trap_kind kind)
{
    switch (kind) {
#define CASE(name, sentence) case WRT_TRAP_##name: return sentence;
        WRT_TRAP_LIST(CASE)
#undef CASE
    case WRT_TRAP_COUNT: break;
    }
    return "unknown trap";
}

/* Of a trap below a host function that was itself called by one: the sentence stands once. */
static bool has_sentence(const char *text)
{
    const char *sentence = wrt_trap_text(WRT_TRAP_HOST);
    return strncmp(text, sentence, strlen(sentence)) == 0;
}

/* Keeps the text that a host function may have set. */
void wrt_set_trap(struct wrt_store *store, enum wrt_trap_kind kind)
{
    struct wrt_trap *trap = &store->exec.trap;
    const char *added = "";
    char text[sizeof trap->text];
    trap->kind = kind;
    if (kind == WRT_TRAP_HOST && has_sentence(trap->text))
        return;
    if (kind == WRT_TRAP_HOST) {
        memcpy(text, trap->text, sizeof text);
        added = text[0] != '\0' ? text : wrt_status_name(trap->host_status);
    }
    (void)snprintf(trap->text, sizeof trap->text, "%s%s%.100s", wrt_trap_text(kind),
                   added[0] != '\0' ? ": " : "", added);
}

const struct wrt_code *wrt_code_at(const struct wrt_module *module, const union word *pc)
{
    uint32_t low = 0;
    uint32_t high = module->info.function_count - module->info.imported_function_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct wrt_code *code = &module->codes[module->codes_by_address[middle]];
        if ((uintptr_t)pc < (uintptr_t)code->entry)
            high = middle;
        else if ((uintptr_t)pc >= (uintptr_t)(code->entry + code->word_count))
            low = middle + 1;
        else
            return code;
    }
    return NULL;
}

static uint32_t read_leb(const uint8_t **at)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
}

/* The byte offset, in the module, of the instruction that `word` is part of. */
static uint64_t offset_of(const struct wrt_code *code, uint64_t word)
{
    const uint8_t *at = code->map, *end = code->map + code->map_bytes;
    uint64_t w = 0, byte = 0, found = 0;
    while (at != end) {
        w += read_leb(&at);
        byte += read_leb(&at);
        if (w > word)
            break;
        found = byte;
    }
    return code->body_offset + found;
}

/* Walks the stack outwards. */
struct walk {
    const struct wrt_store *store;
    const union word *pc;
    const union cell *fp;
    const struct wrt_instance *instance;
    uint32_t activation; /* 0: past the outermost */
    bool returned;       /* pc is a return address: the call is before it */
    bool in_host;        /* a host function stands between this and the next */
    const void *frame;   /* in compiled code: the next frame outwards; NULL: the first */
};

static struct walk begin_walk(const struct wrt_store *store)
{
    const struct wrt_exec *exec = &store->exec;
    struct walk w = {.store = store, .pc = exec->pc, .fp = exec->fp, .instance = exec->instance,
                     .activation = exec->depth};
    if (store->exceptions.searching)
        w.pc = store->exceptions.origin.pc;
    if (exec->depth == 0)
        return w;
    const struct wrt_activation *a = &store->activations[exec->depth - 1];
    w.in_host = a->function->instance == NULL || store->trapped_in_host;
    return w;
}

/* The host called: go on with the guest whose host function did. */
static void leave_activation(struct walk *w)
{
    const struct wrt_activation *a = &w->store->activations[--w->activation];
    w->pc = a->pc;
    w->fp = a->fp;
    w->instance = a->instance;
    w->returned = false;
    w->in_host = w->activation != 0;
    w->frame = NULL;
}

/* The next frame outwards; its byte offset only if `locate`, since that reads the function's
 * whole position map. */
static bool next_frame(struct walk *w, bool locate, struct wrt_frame *out)
{
    while (w->activation != 0) {
        if (w->in_host) {
            w->in_host = false;
            *out = (struct wrt_frame){.is_host = true};
            return true;
        }
        const struct wrt_activation *a = &w->store->activations[w->activation - 1];
        if (a->compiled && wrt_native_next_frame(w->store, a, &w->frame, out))
            return true;
        if (a->compiled || w->instance == NULL || w->pc == w->store->exit_code_words) {
            leave_activation(w);
            continue;
        }
        if (w->pc == w->store->instance_exit_words) {
            w->pc = w->fp[0].pc;
            w->instance = w->fp[2].pointer;
            w->fp = w->fp[1].fp;
            continue;
        }
        const struct wrt_code *code = wrt_code_at(w->instance->module, w->pc - (w->returned ? 1 : 0));
        if (code == NULL)
            return false;
        const uint64_t word = (uint64_t)(w->pc - code->entry) - (w->returned ? 1 : 0);
        *out = (struct wrt_frame){.instance = w->instance,
                                  .function_index = code->function_index,
                                  .byte_offset = locate ? offset_of(code, word) : 0};
        const union cell *header = w->fp + code->header_slot;
        w->pc = header[0].pc;
        w->fp = header[1].fp;
        w->returned = true;
        return true;
    }
    return false;
}

/* Of a guest access that hit a guard, only the function that the host called is known. */
static void capture_called(struct wrt_store *store)
{
    const struct wrt_function *f = store->activations[store->exec.depth - 1].function;
    store->frames[0] = (struct wrt_frame){.instance = f->instance, .function_index = f->index};
    store->frame_count = store->kept_frames = 1;
}

void wrt_capture_frames(struct wrt_store *store)
{
    if (store->trapped_in_guard) {
        capture_called(store);
        return;
    }
    struct walk w = begin_walk(store);
    struct wrt_frame frame;
    store->frame_count = store->kept_frames = 0;
    while (next_frame(&w, store->kept_frames < WRT_KEPT_FRAMES, &frame)) {
        if (store->kept_frames < WRT_KEPT_FRAMES)
            store->frames[store->kept_frames++] = frame;
        store->frame_count++;
    }
}

const struct wrt_trap *wrt_store_trap(const struct wrt_store *store)
{
    return &store->exec.trap;
}

static bool is_paused(const struct wrt_store *store)
{
    return store->exec.depth != 0 && store->activations[store->exec.depth - 1].paused;
}

static bool find_frame(const struct wrt_store *store, uint32_t depth, struct wrt_frame *out)
{
    if (!is_paused(store)) {
        if (depth >= store->kept_frames)
            return false;
        *out = store->frames[depth];
        return true;
    }
    struct walk w = begin_walk(store);
    for (uint32_t i = 0; next_frame(&w, i == depth, out); i++)
        if (i == depth)
            return true;
    return false;
}

enum wrt_status wrt_store_get_frame(const struct wrt_store *store, uint32_t depth,
                                    struct wrt_frame *out)
{
    struct wrt_frame frame;
    if (!find_frame(store, depth, &frame))
        return WRT_ERR_BOUNDS;
    if (frame.instance != NULL)
        frame.name = wrt_module_function_name(frame.instance->module, frame.function_index);
    *out = frame;
    return WRT_OK;
}

uint32_t wrt_store_frame_count(const struct wrt_store *store)
{
    if (!is_paused(store))
        return store->frame_count;
    struct walk w = begin_walk(store);
    struct wrt_frame frame;
    uint32_t count = 0;
    while (next_frame(&w, false, &frame))
        count++;
    return count;
}
