/* engine/interpret.c - runs register code.
 * SPDX-License-Identifier: Apache-2.0
 *
 * opcodes.def is expanded in one of two ways. Where the compiler guarantees tail calls
 * (clang's musttail), each operation is a function that ends in a jump to the next one and
 * the machine state travels in argument registers. Elsewhere all operations are labels of
 * one function, joined by computed gotos. Both run the same code words.
 *
 * Reads and writes stay inside the frame because the translator laid it out and the call
 * checked its size; inside memory because of one compare per access.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine.h"
#include "floats.h"
#include "masking.h"
#include "signing.h"
#include "vector.h"

#if defined(__has_attribute)
#if __has_attribute(musttail)
#define WRT_TAIL_CALLS 1
#endif
#endif
#ifndef WRT_TAIL_CALLS
#define WRT_TAIL_CALLS 0
#endif

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COPY(to, from, size) memcpy(to, from, size)

/* To the left. gcc knows it for a rotation only while no narrower type is in sight. */
static inline uint32_t rotate32(uint32_t x, uint32_t by)
{
    by &= 31;
    return x << by | x >> ((32 - by) & 31);
}

static inline uint32_t popcount32(uint32_t x)
{
    x -= (x >> 1) & 0x55555555u;
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    return (((x + (x >> 4)) & 0x0F0F0F0Fu) * 0x01010101u) >> 24;
}

static inline uint64_t popcount64(uint64_t x)
{
    return popcount32((uint32_t)x) + popcount32((uint32_t)(x >> 32));
}

/* The upper half of a product: by halves of 32 bits where the compiler has no wider integer. */
static inline uint64_t multiply_high_u(uint64_t x, uint64_t y)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)x * y >> 64);
#else
    const uint64_t xl = (uint32_t)x, xh = x >> 32, yl = (uint32_t)y, yh = y >> 32;
    const uint64_t middle = xh * yl + (xl * yl >> 32);
    return xh * yh + (middle >> 32) + ((xl * yh + (uint32_t)middle) >> 32);
#endif
}

static inline uint64_t multiply_high_s(uint64_t x, uint64_t y)
{
    return multiply_high_u(x, y) - (x >> 63 ? y : 0) - (y >> 63 ? x : 0);
}

/* The length of the array whose header is at `at`. */
static inline uint32_t array_length(const uint8_t *at)
{
    uint32_t length;
    memcpy(&length, at + offsetof(struct wrt_object, length), sizeof length);
    return length;
}

/* The 32 bits that stand so many bytes behind fp. */
static inline uint32_t lane_at(const union cell *fp, int32_t bytes)
{
    uint32_t lane;
    memcpy(&lane, (const char *)fp + bytes, sizeof lane);
    return lane;
}

/* Writes of a result: the accumulator and the slot. */
#define SET_I(value) do { A = (uint64_t)(value); fp[pc[1].s.d].i64 = A; } while (0)
#define SET_F(value) do { F = (value); fp[pc[1].s.d].f32 = F; } while (0)
#define SET_D(value) do { D = (value); fp[pc[1].s.d].f64 = D; } while (0)

#define SAVE()                                                                          \
    do {                                                                                \
        exec->pc = pc;                                                                  \
        exec->fp = fp;                                                                  \
        exec->A = A;                                                                    \
        exec->F = F;                                                                    \
        exec->D = D;                                                                    \
        exec->fuel = fuel;                                                              \
    } while (0)
#define TRAP(name)                                                                      \
    do {                                                                                \
        exec->trap.kind = WRT_TRAP_##name;                                              \
        LEAVE(WRT_RUN_TRAP);                                                            \
    } while (0)
/* A call in the midst of a handler. gcc saves no registers around calls in a function as large
 * as this one: what lived across a call would be in memory everywhere. So nothing does but what
 * fits the registers that calls preserve. */
#define ASIDE(call)                                                                     \
    do {                                                                                \
        exec->F = F;                                                                    \
        exec->D = D;                                                                    \
        call;                                                                           \
        F = exec->F;                                                                    \
        D = exec->D;                                                                    \
        FORGET_HINT();                                                                  \
    } while (0)
/* The one check of an access; ea is then masked, where that is built in (masking.h). */
#define IN_MEMORY(ea, size, bytes)                                                      \
    do {                                                                                \
        const uint64_t bytes_ = (bytes);                                                \
        if ((ea) + (size) > bytes_)                                                     \
            TRAP(OUT_OF_BOUNDS_MEMORY);                                                 \
        (ea) = wrt_mask_index(ea, bytes_);                                              \
    } while (0)
/* The same for addresses of 64 bits, whose sum with `offset` may have wrapped. */
#define IN_MEMORY64(ea, offset, size, bytes)                                            \
    do {                                                                                \
        if ((ea) < (offset) || (ea) > (bytes) || (bytes) - (ea) < (size))               \
            TRAP(OUT_OF_BOUNDS_MEMORY);                                                 \
        (ea) = wrt_mask_index(ea, bytes);                                               \
    } while (0)
#define NEXT(words) do { pc += (words); DISPATCH(); } while (0)
#define TAKE(target)                                                                    \
    do {                                                                                \
        const int64_t target_ = (target);                                               \
        fuel -= (int8_t)target_;                                                        \
        pc += target_ >> WRT_TARGET_SHIFT;                                              \
        DISPATCH();                                                                     \
    } while (0)
#define TAKE_BACK(target)                                                               \
    do {                                                                                \
        const int64_t target_ = (target);                                               \
        fuel -= (int8_t)target_;                                                        \
        if (UNLIKELY(fuel < 0)) {                                                       \
            pc += target_ >> WRT_TARGET_SHIFT;                                          \
            STOP();                                                                     \
        }                                                                               \
        GO_BACK(pc + (target_ >> WRT_TARGET_SHIFT));                                    \
        DISPATCH();                                                                     \
    } while (0)

/* A loop's program counter depends on itself through a load and an addition in each turn. The
 * target of the last back edge is remembered: if it is the same, which is predicted, the next
 * turn starts from the remembered value and waits for neither. The empty asms hide from the
 * compiler that both are equal then, and that it could choose without a branch. A wrong hint
 * costs one misprediction, never more. */
#define GO_BACK_HINTED(target)                                                          \
    do {                                                                                \
        const union word *const to_ = (target);                                         \
        const union word *kept_ = hint;                                                 \
        __asm__("" : "+r"(kept_));                                                      \
        if (__builtin_expect(to_ == hint, 1))                                           \
            pc = kept_;                                                                 \
        else {                                                                          \
            __asm__ volatile("");                                                       \
            pc = hint = to_;                                                            \
        }                                                                               \
    } while (0)

/* The same for calls and returns, whose chain goes through two loads each. Their hints are in
 * memory, at addresses that wait for nothing. */
#define GO_ON(target, kept)                                                             \
    do {                                                                                \
        const union word *const on_ = (target);                                         \
        const union word *kept_ = (kept);                                               \
        const bool same_ = on_ == kept_;                                                \
        __asm__("" : "+r"(kept_));                                                      \
        if (__builtin_expect(same_, 1))                                                 \
            pc = kept_;                                                                 \
        else {                                                                          \
            __asm__ volatile("");                                                       \
            pc = (kept) = on_;                                                          \
        }                                                                               \
    } while (0)

#define ROOM(base, cells) \
    ((uintptr_t)(base) + (uintptr_t)(cells) * sizeof(union cell) <= (uintptr_t)exec->stack_end)
/* Starts `code` with its frame at `base`, returning to `back` with frame `caller`. */
#define START(code_, base, back, caller)                                                \
    do {                                                                                \
        const struct wrt_code *const start_ = (code_);                                  \
        union cell *header_ = (base) + start_->header_slot;                             \
        header_[0].pc = (back);                                                         \
        header_[1].fp = (caller);                                                       \
        for (uint32_t n_ = start_->zero_count; n_ != 0; n_--, header_++) {              \
            header_[2].i64 = 0;                                                         \
            __asm__ volatile(""); /* no call of memset */                               \
        }                                                                               \
        fp = (base);                                                                    \
        GO_ON(start_->entry, exec->call_hint);                                          \
        if (UNLIKELY(fuel < 0))                                                         \
            STOP();                                                                     \
        DISPATCH();                                                                     \
    } while (0)
#define ENTER(code_, base, back)                                                        \
    do {                                                                                \
        if (UNLIKELY(!ROOM(base, (code_)->frame_slots)))                                \
            TRAP(CALL_STACK_EXHAUSTED);                                                 \
        START(code_, base, back, fp);                                                   \
    } while (0)
#define CALL_FUNCTION(callee_, words)                                                   \
    do {                                                                                \
        struct wrt_function *const to_ = (callee_);                                     \
        union cell *np_ = fp + pc[1].k.d;                                               \
        fuel -= pc[1].k.imm;                                                            \
        if (to_->instance == exec->instance)                                            \
            ENTER(to_->code, np_, pc + (words));                                        \
        SAVE();                                                                         \
        RELOAD(wrt_call_foreign(exec, to_, np_, pc + (words)));                         \
    } while (0)
/* Copies the arguments down over the current frame; pc[3].k.a is its header. */
#define TAIL_FUNCTION_CODE(code_)                                                       \
    do {                                                                                \
        const struct wrt_code *const tail_ = (code_);                                   \
        const union cell *from_ = fp + pc[1].k.d, *header = fp + pc[3].k.a;             \
        const union word *back_ = header[0].pc;                                         \
        union cell *caller_ = header[1].fp;                                             \
        if (UNLIKELY(!ROOM(fp, tail_->frame_slots)))                                    \
            TRAP(CALL_STACK_EXHAUSTED);                                                 \
        fuel -= pc[1].k.imm;                                                            \
        for (uint32_t i_ = 0; i_ < pc[1].k.a; i_++)                                     \
            fp[i_] = from_[i_];                                                         \
        START(tail_, fp, back_, caller_);                                               \
    } while (0)
#define TAIL_FUNCTION(callee_)                                                          \
    do {                                                                                \
        struct wrt_function *const to_ = (callee_);                                     \
        if (to_->instance == exec->instance)                                            \
            TAIL_FUNCTION_CODE(to_->code);                                              \
        fuel -= pc[1].k.imm;                                                            \
        SAVE();                                                                         \
        RELOAD(wrt_tail_foreign(exec, to_));                                            \
    } while (0)
#define LOOK_UP(callee_, index)                                                         \
    do {                                                                                \
        const struct wrt_table *const table_ = exec->instance->tables[pc[3].k.imm];     \
        const uint32_t index_ = (index);                                                \
        if (UNLIKELY(index_ >= table_->size))                                           \
            TRAP(UNDEFINED_ELEMENT);                                                    \
        callee_ = table_->elements[wrt_mask_index(index_, table_->size)].function;      \
        if (UNLIKELY(callee_ == NULL))                                                  \
            TRAP(UNINITIALIZED_ELEMENT);                                                \
        if (UNLIKELY(callee_->type != pc[2].type)) {                                    \
            bool fits_;                                                                 \
            ASIDE(fits_ = wrt_callee_fits(exec, callee_, pc[2].type));                  \
            if (!fits_)                                                                 \
                TRAP(INDIRECT_CALL_TYPE_MISMATCH);                                      \
            const struct wrt_table *const again_ = exec->instance->tables[pc[3].k.imm]; \
            callee_ = again_->elements[wrt_mask_index(index, again_->size)].function;   \
        }                                                                               \
    } while (0)
#define RETURN_TO_INSTANCE                                                              \
    SAVE();                                                                             \
    RELOAD(wrt_return_to_instance(exec));
#define COLD(function, words)                                                           \
    SAVE();                                                                             \
    RELOAD_NEXT(function(exec), words);

#if WRT_TAIL_CALLS

/* With preserve_none there are registers for one more value of state: the hint. */
#if __has_attribute(preserve_none)
#define CONVENTION __attribute__((preserve_none))
#define HINT_STATE const union word *hint,
#define HINT_PASS hint,
#define NO_HINT NULL,
#define UNUSED_STATE() ((void)mem, (void)hint)
#define GO_BACK(target) GO_BACK_HINTED(target)
#define FORGET_HINT() (hint = NULL)
#else
#define CONVENTION
#define HINT_STATE
#define HINT_PASS
#define NO_HINT
#define UNUSED_STATE() ((void)mem)
#define GO_BACK(target) pc = (target)
#define FORGET_HINT() ((void)0)
#endif

#define STATE                                                                           \
    const union word *pc, union cell *fp, uint8_t *mem, struct wrt_exec *exec, uint64_t A, \
        int64_t fuel, HINT_STATE float F, double D
#define PASS pc, fp, mem, exec, A, fuel, HINT_PASS F, D
typedef CONVENTION enum wrt_run handler(STATE);

#define DISPATCH()                                                                      \
    do {                                                                                \
        handler *next_;                                                                 \
        const void *const at_ = wrt_authentic_handler(pc->handler, pc);                 \
        memcpy(&next_, &at_, sizeof next_);                                             \
        __attribute__((musttail)) return next_(PASS);                                   \
    } while (0)
/* Without going through a code word. */
#define GO_TO(op) do { __attribute__((musttail)) return table[op](PASS); } while (0)
#define LEAVE(how) do { UNUSED_STATE(); SAVE(); return (how); } while (0)
#define STOP() do { __attribute__((musttail)) return stop(PASS); } while (0)
/* Goes on from what a cold call left in exec. */
#define RELOAD(call_)                                                                   \
    do {                                                                                \
        const enum wrt_run how_ = (call_);                                              \
        if (UNLIKELY(how_ != WRT_RUN_CONTINUE))                                         \
            return how_;                                                                \
        __attribute__((musttail)) return reload(PASS);                                  \
    } while (0)
#define RELOAD_NEXT(call_, words)                                                       \
    do {                                                                                \
        const enum wrt_run how_ = (call_);                                              \
        if (UNLIKELY(how_ != WRT_RUN_CONTINUE))                                         \
            return how_;                                                                \
        exec->pc += (words);                                                            \
        __attribute__((musttail)) return reload(PASS);                                  \
    } while (0)

static CONVENTION enum wrt_run reload(STATE)
{
    pc = exec->pc;
    fp = exec->fp;
    mem = exec->memory_base;
    A = exec->A;
    F = exec->F;
    D = exec->D;
    fuel = exec->fuel;
    DISPATCH();
}

static CONVENTION enum wrt_run stop(STATE)
{
    SAVE();
    RELOAD(wrt_stop_point(exec));
}

static handler *const table[OP_COUNT];

#define OP(name, ...) static CONVENTION enum wrt_run op_##name(STATE) { __VA_ARGS__ }
#include "opcodes.def"
#undef OP

static handler *const table[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = op_##name,
#include "opcodes.def"
#undef OP
};

const void *const *wrt_handlers(void)
{
    return (const void *const *)(const void *)table;
}

enum wrt_run wrt_interpret(struct wrt_exec *exec)
{
    handler *first;
    const void *const at = wrt_authentic_handler(exec->pc->handler, exec->pc);
    memcpy(&first, &at, sizeof first);
    return first(exec->pc, exec->fp, exec->memory_base, exec, exec->A, exec->fuel,
                 NO_HINT exec->F, exec->D);
}

#else /* computed goto */

#define DISPATCH() goto *wrt_authentic_handler(pc->handler, pc)
#define GO_TO(op) goto *table[op]
#define GO_BACK(target) GO_BACK_HINTED(target)
#define FORGET_HINT() (hint = NULL)
#define LEAVE(how) do { how_ = (how); goto leave; } while (0)
#define STOP() goto stop
#define RELOAD(call_) do { how_ = (call_); goto reload; } while (0)
#define RELOAD_NEXT(call_, words)                                                       \
    do {                                                                                \
        how_ = (call_);                                                                 \
        if (how_ == WRT_RUN_CONTINUE)                                                   \
            exec->pc += (words);                                                        \
        goto reload;                                                                    \
    } while (0)

/* With exec NULL it only gives the table of its labels. */
static enum wrt_run run(struct wrt_exec *exec, const void *const **out_table)
{
    static const void *const table[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = &&op_##name,
#include "opcodes.def"
#undef OP
    };
    const union word *pc, *hint = NULL;
    union cell *fp;
    uint8_t *mem;
    uint64_t A;
    int64_t fuel;
    float F;
    double D;
    enum wrt_run how_ = WRT_RUN_CONTINUE;

    if (exec == NULL) {
        *out_table = table;
        return WRT_RUN_DONE;
    }
reload:
    if (how_ != WRT_RUN_CONTINUE)
        return how_;
    FORGET_HINT(); /* so that it does not live across the calls that come here */
    pc = exec->pc;
    fp = exec->fp;
    mem = exec->memory_base;
    A = exec->A;
    F = exec->F;
    D = exec->D;
    fuel = exec->fuel;
    DISPATCH();
stop:
    SAVE();
    how_ = wrt_stop_point(exec);
    goto reload;
leave:
    SAVE();
    return how_;

#define OP(name, ...) op_##name: { __VA_ARGS__ }
#include "opcodes.def"
#undef OP
}

const void *const *wrt_handlers(void)
{
    const void *const *table = NULL;
    (void)run(NULL, &table);
    return table;
}

enum wrt_run wrt_interpret(struct wrt_exec *exec)
{
    return run(exec, NULL);
}

#endif
