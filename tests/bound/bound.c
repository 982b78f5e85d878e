/* bound.c - static bounds against what is observed: never exceeded, and reached where a program
 * can take every path.
 * SPDX-License-Identifier: Apache-2.0
 *
 * `orderly` programs test exactness: each `if` asks a bit of the argument that nothing else asks,
 * loops are counted, functions call earlier ones. So over all arguments the largest fuel must be
 * the bound, a stack of the bound must suffice, and one cell less must not.
 *
 * `wild` programs test soundness: loops with any condition, step, way back and way out. Most have
 * no bound; where one is claimed, no run may exceed it.
 *
 * `generated` ones are those of tests/fuzz: all instructions, vectors, tables, tail calls.
 */
#include "bound.h"
#include "engine_fixture.h"
#include "generate.h"
#include "wasm_writer.h"

enum { MODULE_BYTES = 1 << 16, MOST_BITS = 8 };

static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t below(uint32_t n)
{
    return next_random() % n;
}

/* ---- running ---- */

struct program {
    uint8_t bytes[MODULE_BYTES];
    size_t size;
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct bound_module bound;
};

static void program_open(struct program *p)
{
    struct wrt_error error = {0};
    assert_status(wrt_partition_create(NULL, NULL, &p->partition, &error), WRT_OK);
    const enum wrt_status status =
        wrt_module_load(p->partition, NULL, p->bytes, p->size, &p->module, &error);
    if (status != WRT_OK)
        print_error("%s at %llu\n", error.text, (unsigned long long)error.byte_offset);
    assert_status(status, WRT_OK);
    assert_true(bound_open(&p->bound, p->module, p->bytes, p->size, NULL));
}

static void program_close(struct program *p)
{
    struct wrt_error error = {0};
    bound_close(&p->bound);
    assert_status(wrt_module_destroy(p->module), WRT_OK);
    assert_status(wrt_partition_destroy(p->partition, &error), WRT_OK);
}

static const struct bound_function *bound_of(const struct program *p, const char *name, uint32_t *index)
{
    struct wrt_module_export export;
    for (uint32_t i = 0; wrt_module_get_export(p->module, i, &export) == WRT_OK; i++)
        if (export.type.kind == WRT_EXTERN_FUNCTION && strlen(name) == export.name.size_bytes &&
            memcmp(name, export.name.data, strlen(name)) == 0) {
            *index = export.index;
            return &p->bound.functions[export.index];
        }
    return NULL;
}

/* Calls (i32..) -> () or any; gives the status and the fuel used. */
static enum wrt_status call(const struct program *p, const char *name, const uint32_t *arguments,
                            uint64_t stack_bytes, uint64_t fuel, uint64_t *used)
{
    const struct wrt_store_config config = {.stack_bytes = stack_bytes};
    struct wrt_store *store = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_error error = {0};
    struct wrt_extern item;
    union wrt_slot in[8] = {{0}}, out[8];
    assert_status(wrt_store_create(p->partition, &config, &store, &error), WRT_OK);
    *used = 0;
    enum wrt_status status = wrt_store_instantiate(store, p->module, &instance, &error);
    if (status != WRT_OK) { /* a segment out of bounds, a start function that traps */
        assert_status(wrt_store_destroy(store), WRT_OK);
        return status;
    }
    assert_status(wrt_instance_export(instance, name, &item), WRT_OK);
    uint32_t index = 0;
    const struct bound_function *f = bound_of(p, name, &index);
    assert_true(f->parameter_slots <= 8 && f->result_slots <= 8);
    for (uint32_t i = 0; i < f->parameter_slots; i++)
        in[i].i64 = arguments[i];
    wrt_store_set_fuel(store, fuel);
    status = wrt_function_call_slots(store, item.of.function, in, f->parameter_slots, out,
                                     f->result_slots);
    *used = wrt_store_fuel_used(store);
    wrt_store_drop(store);
    assert_status(wrt_store_destroy(store), WRT_OK);
    return status;
}

/* ---- orderly programs ---- */

struct writer {
    struct wasm_writer w;
    uint32_t bits;     /* of the argument, asked so far */
    uint32_t depth, loops;
    uint32_t function, first_counter;
};

enum { COUNTERS = 3, BIG_LOCALS = 260 };

static void get(struct writer *p, uint32_t local)
{
    wasm_byte(&p->w, 0x20);
    wasm_u32(&p->w, local);
}

static void set(struct writer *p, uint32_t local)
{
    wasm_byte(&p->w, 0x21);
    wasm_u32(&p->w, local);
}

static void number(struct writer *p, int32_t value)
{
    wasm_byte(&p->w, 0x41);
    wasm_s32(&p->w, value);
}

static void statements(struct writer *p);

/* acc = acc * 3 + n */
static void arithmetic(struct writer *p)
{
    for (uint32_t n = below(3); n-- != 0;) {
        get(p, 1);
        number(p, (int32_t)below(1000));
        wasm_byte(&p->w, (unsigned[]){0x6A, 0x6C, 0x73}[below(3)]);
        set(p, 1);
    }
}

static void question(struct writer *p)
{
    get(p, 0);
    number(p, (int32_t)p->bits++);
    wasm_byte(&p->w, 0x76);
    number(p, 1);
    wasm_byte(&p->w, 0x71);
}

static void choice(struct writer *p)
{
    if (p->bits + 2 > MOST_BITS)
        return;
    question(p);
    if (below(3) == 0) { /* as a branch over a block */
        wasm_bytes(&p->w, "\x02\x40", 2);
        question(p);
        wasm_bytes(&p->w, "\x0d\x00", 2);
        statements(p);
        wasm_bytes(&p->w, "\x0b\x1a", 2);
        return;
    }
    wasm_bytes(&p->w, "\x04\x40", 2);
    statements(p);
    if (below(2) == 0) {
        wasm_byte(&p->w, 0x05);
        statements(p);
    }
    wasm_byte(&p->w, 0x0b);
}

/* counter += step */
static void count(struct writer *p, uint32_t counter, int32_t step)
{
    get(p, counter);
    number(p, step);
    wasm_byte(&p->w, 0x6A);
}

static void counted_loop(struct writer *p)
{
    static const unsigned go_on[] = {0x47, 0x48, 0x49, 0x4C, 0x4D}; /* ne lt_s lt_u le_s le_u */
    static const unsigned leave[] = {0x4E, 0x4F, 0x4A, 0x4B, 0x46}; /* ge_s ge_u gt_s gt_u eq */
    const uint32_t counter = p->first_counter + p->loops, kind = below(3), which = below(5);
    if (p->loops == COUNTERS)
        return;
    p->loops++;
    const int32_t step = 1 + (int32_t)below(3), turns = 1 + (int32_t)below(6);
    number(p, kind == 2 ? turns : 0);
    set(p, counter);
    if (kind == 0) { /* do .. while */
        wasm_bytes(&p->w, "\x03\x40", 2);
        statements(p);
        count(p, counter, step);
        wasm_byte(&p->w, 0x22);
        wasm_u32(&p->w, counter);
        number(p, turns * step);
        wasm_byte(&p->w, go_on[which]);
        wasm_bytes(&p->w, "\x0d\x00\x0b", 3);
    } else if (kind == 1) { /* while */
        wasm_bytes(&p->w, "\x02\x40\x03\x40", 4);
        get(p, counter);
        number(p, turns * step);
        wasm_byte(&p->w, leave[which]);
        wasm_bytes(&p->w, "\x0d\x01", 2);
        statements(p);
        count(p, counter, step);
        set(p, counter);
        wasm_bytes(&p->w, "\x0c\x00\x0b\x0b", 4);
    } else { /* down to zero */
        wasm_bytes(&p->w, "\x03\x40", 2);
        statements(p);
        count(p, counter, -1);
        wasm_byte(&p->w, 0x22);
        wasm_u32(&p->w, counter);
        wasm_bytes(&p->w, "\x0d\x00\x0b", 3);
    }
    p->loops--;
}

/* A call of an earlier function, with something below its argument. */
static void call_earlier(struct writer *p)
{
    if (p->function == 0 || p->loops > 1)
        return;
    const uint32_t below_it = below(4);
    for (uint32_t i = 0; i < below_it; i++)
        number(p, 7);
    get(p, 0);
    wasm_byte(&p->w, 0x10);
    wasm_u32(&p->w, below(p->function));
    for (uint32_t i = 0; i < below_it; i++)
        wasm_byte(&p->w, 0x1A);
}

static void statements(struct writer *p)
{
    if (p->depth++ < 4)
        for (uint32_t n = 1 + below(3); n-- != 0;)
            switch (below(5)) {
            case 0: choice(p); break;
            case 1: case 2: counted_loop(p); break;
            case 3: call_earlier(p); break;
            default: arithmetic(p); break;
            }
    p->depth--;
}

/* Types: 0 is () -> (), 1 is (i32) -> (). One memory, one global. */
static void head(struct wasm_writer *w, uint32_t functions, uint32_t type)
{
    wasm_header(w);
    size_t at = wasm_open_section(w, WASM_TYPE);
    wasm_u32(w, 3);
    wasm_type(w, ":");
    wasm_type(w, "i:");
    wasm_type(w, "iii:i");
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_FUNCTION);
    wasm_u32(w, functions);
    for (uint32_t i = 0; i < functions; i++)
        wasm_u32(w, type);
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_MEMORY);
    wasm_bytes(w, "\x01\x01\x01\x01", 4);
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_name(w, "run");
    wasm_byte(w, 0);
    wasm_u32(w, functions - 1);
    wasm_close(w, at);
}

static void make_orderly(struct program *out)
{
    struct writer p = {.w = {.bytes = out->bytes, .capacity = sizeof out->bytes}};
    const uint32_t functions = 1 + below(4);
    head(&p.w, functions, 1);
    const size_t at = wasm_open_section(&p.w, WASM_CODE);
    wasm_u32(&p.w, functions);
    for (p.function = 0; p.function < functions; p.function++) {
        const size_t body = wasm_open(&p.w);
        wasm_u32(&p.w, 2);
        wasm_u32(&p.w, 1 + COUNTERS);
        wasm_byte(&p.w, 0x7F);
        /* large frames, so that stacks are above the least that a store takes */
        wasm_u32(&p.w, p.function + 1 == functions ? 2 * BIG_LOCALS : below(BIG_LOCALS));
        wasm_byte(&p.w, below(2) == 0 ? 0x7B : 0x7C);
        p.first_counter = 2;
        statements(&p);
        wasm_byte(&p.w, 0x0B);
        wasm_close(&p.w, body);
    }
    wasm_close(&p.w, at);
    assert_false(p.w.overflowed);
    out->size = p.w.size;
}

static void keep(const struct program *p, const char *name)
{
    FILE *file = fopen(name, "wb");
    if (file == NULL)
        return;
    fwrite(p->bytes, 1, p->size, file);
    fclose(file);
}

static void orderly_programs_reach_their_bounds(void **state)
{
    (void)state;
    static struct program p;
    uint64_t runs = 0;
    for (uint32_t seed = 1; seed <= 150; seed++) {
        random_state = seed * 2654435761u;
        make_orderly(&p);
        program_open(&p);
        uint32_t index = 0;
        const struct bound_function *f = bound_of(&p, "run", &index);
        const uint64_t fuel = f->cost.fuel, stack = f->stack_slots * 8;
        uint64_t most = 0;
        bool is_short = false;
        if (fuel == BOUND_NONE || stack < 4096 + 8 || fuel > 200000)
            keep(&p, __func__);
        assert_true(fuel != BOUND_NONE);
        assert_true(stack >= 4096 + 8);
        for (uint32_t bits = 0; bits < 1u << MOST_BITS && fuel <= 200000; bits++) {
            uint64_t used = 0;
            assert_status(call(&p, "run", &bits, stack, UINT64_MAX, &used), WRT_OK);
            most = used > most ? used : most;
            is_short |= call(&p, "run", &bits, stack - 8, UINT64_MAX, &used) != WRT_OK;
            runs += 2;
        }
        if (fuel <= 200000) {
            if (most != fuel || !is_short)
                keep(&p, __func__);
            assert_int_equal(most, fuel);
            assert_true(is_short);
        }
        program_close(&p);
    }
    print_message("%llu runs of programs that must reach their bounds\n", (unsigned long long)runs);
    assert_true(runs > 20000);
}

/* ---- wild programs ---- */

enum { WILD_LOCALS = 6 }; /* three of them parameters */

static int32_t wild_number(void)
{
    static const int32_t edges[] = {0, 1, -1, 2, 3, 7, 10, 16, 100, -10, INT32_MAX, INT32_MIN,
                                    INT32_MAX - 1, -2};
    return edges[below(sizeof edges / sizeof edges[0])];
}

static void wild_operand(struct writer *p)
{
    switch (below(5)) {
    case 0: number(p, wild_number()); break;
    case 1:
        get(p, below(WILD_LOCALS));
        number(p, wild_number());
        wasm_byte(&p->w, (unsigned[]){0x6A, 0x6B, 0x71, 0x76, 0x70}[below(4)]);
        break;
    case 2:
        number(p, 0);
        wasm_byte(&p->w, 0x2D); /* i32.load8_u */
        wasm_bytes(&p->w, "\x00\x00", 2);
        break;
    default: get(p, below(WILD_LOCALS)); break;
    }
}

static void wild_condition(struct writer *p)
{
    wild_operand(p);
    if (below(6) == 0)
        return;
    wild_operand(p);
    wasm_byte(&p->w, 0x46 + below(10));
    if (below(5) == 0)
        wasm_byte(&p->w, 0x45);
}

static void wild_assignment(struct writer *p)
{
    const uint32_t local = below(WILD_LOCALS);
    switch (below(4)) {
    case 0: wild_operand(p); break;
    case 1:
        wild_operand(p);
        wild_operand(p);
        wild_condition(p);
        wasm_byte(&p->w, 0x1B);
        break;
    default:
        get(p, local);
        number(p, (int32_t[]){1, -1, 2, -3, 1, 1}[below(6)]);
        wasm_byte(&p->w, 0x6A);
        break;
    }
    set(p, local);
}

static void wild_statements(struct writer *p, uint32_t labels);

static void wild_block(struct writer *p, uint32_t labels, unsigned opcode)
{
    if (opcode == 0x04)
        wild_condition(p);
    wasm_byte(&p->w, opcode);
    wasm_byte(&p->w, 0x40);
    wild_statements(p, labels + 1);
    if (opcode == 0x04 && below(2) == 0) {
        wasm_byte(&p->w, 0x05);
        wild_statements(p, labels + 1);
    }
    if (opcode == 0x03 && below(4) != 0) { /* most loops go back at their end */
        if (below(3) == 0) {
            wasm_bytes(&p->w, "\x0c\x00", 2);
        } else {
            wild_condition(p);
            wasm_bytes(&p->w, "\x0d\x00", 2);
        }
    }
    wasm_byte(&p->w, 0x0B);
}

/* The usual shape with random parts: such loops often have bounds. */
static void wild_usual(struct writer *p, uint32_t labels)
{
    const uint32_t counter = below(WILD_LOCALS);
    number(p, wild_number());
    set(p, counter);
    wasm_bytes(&p->w, "\x03\x40", 2);
    wild_statements(p, labels + 1);
    if (below(2) == 0) { /* the way back has passed a way out on the counter */
        wasm_bytes(&p->w, "\x0b", 1);
        wasm_bytes(&p->w, "\x02\x40\x03\x40", 4);
        get(p, counter);
        wild_operand(p);
        wasm_byte(&p->w, 0x46 + below(10));
        wasm_bytes(&p->w, "\x0d\x01", 2);
        wild_statements(p, labels + 2);
        count(p, counter, (int32_t[]){1, -1, 2, 3, -2, 5}[below(6)]);
        set(p, counter);
        wasm_bytes(&p->w, "\x0c\x00\x0b\x0b", 4);
        return;
    }
    count(p, counter, (int32_t[]){1, -1, 2, 3, -2, 5}[below(6)]);
    wasm_byte(&p->w, 0x22);
    wasm_u32(&p->w, counter);
    if (below(2) == 0)
        number(p, wild_number());
    else
        wild_operand(p);
    wasm_byte(&p->w, 0x46 + below(10));
    wasm_bytes(&p->w, "\x0d\x00\x0b", 3);
}

static void wild_statements(struct writer *p, uint32_t labels)
{
    if (p->depth++ < 4)
        for (uint32_t n = 1 + below(3); n-- != 0;)
            switch (below(9)) {
            case 0: wild_block(p, labels, 0x02); break;
            case 1: wild_block(p, labels, 0x03); break;
            case 2: wild_block(p, labels, 0x04); break;
            case 3: case 4: wild_usual(p, labels); break;
            case 5:
                wild_condition(p);
                wasm_byte(&p->w, 0x0D);
                wasm_u32(&p->w, below(labels + 1));
                break;
            default: wild_assignment(p); break;
            }
    p->depth--;
}

static void make_wild(struct program *out)
{
    struct writer p = {.w = {.bytes = out->bytes, .capacity = sizeof out->bytes}};
    head(&p.w, 1, 2);
    const size_t at = wasm_open_section(&p.w, WASM_CODE);
    wasm_u32(&p.w, 1);
    const size_t body = wasm_open(&p.w);
    wasm_bytes(&p.w, "\x01\x03\x7F", 3);
    wasm_bytes(&p.w, "\x02\x40", 2); /* so that the outermost label takes nothing */
    wild_statements(&p, 0);
    wasm_bytes(&p.w, "\x0b\x20\x03\x0b", 4);
    wasm_close(&p.w, body);
    wasm_close(&p.w, at);
    assert_false(p.w.overflowed);
    out->size = p.w.size;
}

static void wild_programs_stay_within_their_bounds(void **state)
{
    (void)state;
    static struct program p;
    uint32_t bounded = 0, with_loops = 0;
    const uint32_t programs = 12000;
    for (uint32_t seed = 1; seed <= programs; seed++) {
        random_state = seed * 2246822519u;
        make_wild(&p);
        program_open(&p);
        uint32_t index = 0;
        const struct bound_function *f = bound_of(&p, "run", &index);
        const uint64_t fuel = f->cost.fuel;
        bounded += fuel != BOUND_NONE;
        with_loops += fuel != BOUND_NONE && f->loops != 0;
        for (uint32_t i = 0; i < 5 && fuel != BOUND_NONE; i++) {
            const uint32_t arguments[] = {(uint32_t)wild_number(), (uint32_t)wild_number(), next_random()};
            const uint64_t limit = fuel < 300000 ? fuel : 300000;
            uint64_t used = 0;
            const enum wrt_status status = call(&p, "run", arguments, 0, limit, &used);
            if (used > fuel || (limit == fuel && status == WRT_PAUSED))
                keep(&p, __func__);
            assert_true(used <= fuel);
            assert_false(limit == fuel && status == WRT_PAUSED);
        }
        program_close(&p);
    }
    print_message("%u of %u wild programs have a bound, %u of those with loops\n", bounded, programs,
                  with_loops);
    assert_true(with_loops > 300); /* else nothing was tested */
}

/* ---- treacherous programs ---- */

/* One loop that looks counted, with something in it that may make it not so: a bound that overlooks
 * that is exceeded. Parameters 0 to 2, the counter 3, the limit 4, an inner counter 5. */
enum { I = 3, LIMIT = 4, J = 5 };

static void maybe(struct writer *p)
{
    get(p, below(3));
    number(p, 1 << below(2));
    wasm_byte(&p->w, 0x71);
}

static void add_to(struct writer *p, uint32_t local, int32_t by)
{
    count(p, local, by);
    set(p, local);
}

static void compare_counter(struct writer *p, bool leaves)
{
    get(p, I);
    if (below(2) == 0)
        get(p, LIMIT);
    else
        number(p, 12);
    wasm_byte(&p->w, leaves ? 0x4E + below(2) : 0x48 + below(2)); /* ge_s ge_u, lt_s lt_u */
}

/* `labels`: the loop is label 0 here, its exit label 1. */
static void treachery(struct writer *p)
{
    const uint32_t which = below(12);
    const int32_t by = (int32_t[]){-1, -2, 1, -1}[below(4)];
    switch (which) {
    case 0: case 1: /* the counter goes back on some paths */
        maybe(p);
        wasm_bytes(&p->w, "\x04\x40", 2);
        if (which == 0) {
            add_to(p, I, by);
        } else {
            number(p, 0);
            set(p, I);
        }
        if (below(2) == 0) {
            wasm_byte(&p->w, 0x05);
            add_to(p, LIMIT, 1);
        }
        wasm_byte(&p->w, 0x0b);
        break;
    case 2: add_to(p, LIMIT, 1); break;
    case 3: /* an inner loop moves it */
        number(p, 0);
        set(p, J);
        wasm_bytes(&p->w, "\x03\x40", 2);
        if (below(2) == 0)
            add_to(p, I, by);
        count(p, J, 1);
        wasm_byte(&p->w, 0x22);
        wasm_u32(&p->w, J);
        number(p, 3);
        wasm_bytes(&p->w, "\x47\x0d\x00\x0b", 4);
        break;
    case 4: /* a way back that does not count, or counts otherwise */
        maybe(p);
        wasm_bytes(&p->w, "\x04\x40", 2);
        if (below(2) == 0)
            add_to(p, I, by);
        wasm_bytes(&p->w, "\x0c\x01\x0b", 3);
        break;
    case 5: /* a branch over what follows in a block */
        wasm_bytes(&p->w, "\x02\x40", 2);
        maybe(p);
        wasm_bytes(&p->w, "\x0d\x00", 2);
        add_to(p, I, by);
        wasm_byte(&p->w, 0x0b);
        break;
    case 6: /* a guard that only some paths pass */
        maybe(p);
        wasm_bytes(&p->w, "\x04\x40", 2);
        compare_counter(p, true);
        wasm_bytes(&p->w, "\x0d\x02\x0b", 3);
        break;
    case 7: /* a limit that is only sometimes what it seems */
        maybe(p);
        wasm_bytes(&p->w, "\x04\x40", 2);
        number(p, 1000);
        set(p, LIMIT);
        wasm_byte(&p->w, 0x0b);
        break;
    default: break;
    }
}

static void make_treacherous(struct program *out)
{
    struct writer p = {.w = {.bytes = out->bytes, .capacity = sizeof out->bytes}};
    head(&p.w, 1, 2);
    const size_t at = wasm_open_section(&p.w, WASM_CODE);
    wasm_u32(&p.w, 1);
    const size_t body = wasm_open(&p.w);
    wasm_bytes(&p.w, "\x01\x03\x7F\x02\x40", 5);
    const int32_t start = (int32_t)below(4);
    number(&p, start);
    set(&p, I);
    number(&p, 12);
    set(&p, LIMIT);
    if (below(2) == 0) { /* an arm that is left for good changes nothing behind it */
        maybe(&p);
        wasm_bytes(&p.w, "\x04\x40", 2);
        number(&p, 11);
        set(&p, I);
        number(&p, 3);
        set(&p, LIMIT);
        wasm_bytes(&p.w, "\x0c\x01\x0b", 3);
    }
    if (below(3) == 0) { /* either arm, then a join */
        maybe(&p);
        wasm_bytes(&p.w, "\x04\x40", 2);
        number(&p, -5);
        set(&p, I);
        wasm_byte(&p.w, 0x0b);
    }
    wasm_bytes(&p.w, "\x02\x40\x03\x40", 4);
    const bool at_head = below(2) == 0;
    if (at_head) {
        compare_counter(&p, true);
        wasm_bytes(&p.w, "\x0d\x01", 2);
    }
    treachery(&p);
    if (below(4) != 0)
        add_to(&p, I, 1 + (int32_t)below(2));
    if (below(3) == 0)
        treachery(&p);
    if (!at_head)
        compare_counter(&p, false);
    wasm_bytes(&p.w, at_head ? "\x0c\x00" : "\x0d\x00", 2);
    wasm_bytes(&p.w, "\x0b\x0b\x0b\x20\x03\x0b", 6);
    wasm_close(&p.w, body);
    wasm_close(&p.w, at);
    assert_false(p.w.overflowed);
    out->size = p.w.size;
}

static void treacherous_programs_stay_within_their_bounds(void **state)
{
    (void)state;
    static struct program p;
    uint32_t bounded = 0;
    const uint32_t programs = 4000;
    for (uint32_t seed = 1; seed <= programs; seed++) {
        random_state = seed * 668265263u;
        make_treacherous(&p);
        program_open(&p);
        uint32_t index = 0;
        const uint64_t fuel = bound_of(&p, "run", &index)->cost.fuel;
        bounded += fuel != BOUND_NONE;
        for (uint32_t i = 0; i < 8 && fuel != BOUND_NONE; i++) {
            const uint32_t arguments[] = {i & 1 ? 3 : 0, i & 2 ? 3 : 0, i & 4 ? 3 : 0};
            uint64_t used = 0;
            const enum wrt_status status = call(&p, "run", arguments, 0, fuel, &used);
            if (status == WRT_PAUSED)
                keep(&p, __func__);
            assert_false(status == WRT_PAUSED);
        }
        program_close(&p);
    }
    print_message("%u of %u treacherous programs have a bound\n", bounded, programs);
    assert_true(bounded > 500);
}

/* ---- turns ---- */

static bool holds(enum bound_relation r, uint32_t a, uint32_t b)
{
    const int32_t x = (int32_t)a, y = (int32_t)b;
    switch (r) {
    case BOUND_EQ: return a == b;
    case BOUND_NE: return a != b;
    case BOUND_LT_S: return x < y;
    case BOUND_LT_U: return a < b;
    case BOUND_GT_S: return x > y;
    case BOUND_GT_U: return a > b;
    case BOUND_LE_S: return x <= y;
    case BOUND_LE_U: return a <= b;
    case BOUND_GE_S: return x >= y;
    default: return a >= b;
    }
}

enum { MOST_TURNS = 400 };

/* How often x r limit holds from the start on; MOST_TURNS: more than that. */
static uint64_t count_turns(enum bound_relation r, uint32_t start, uint32_t step, uint32_t limit)
{
    uint64_t n = 0;
    for (; n < MOST_TURNS && holds(r, start, limit); n++)
        start += step;
    return n;
}

/* The numbers at which 32 bits wrap, in either reading, are where a bound would go wrong. */
static void turns_agree_with_counting(void **state)
{
    static const uint32_t edges[] = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 100};
    uint32_t exact = 0, wide = 0;
    (void)state;
    random_state = 12345;
    for (uint32_t i = 0; i < 400000; i++) {
        const enum bound_relation r = (enum bound_relation)below(10);
        const uint32_t start = edges[below(5)] + below(21) - 10, limit = edges[below(5)] + below(21) - 10;
        const uint32_t step = below(13) - 6, more = below(3), further = below(3);
        uint64_t turns = 0;
        if (bound_turns(r, bound_exactly(start, false), step, bound_exactly(limit, false), false, &turns) &&
            turns < MOST_TURNS) {
            assert_int_equal(turns, count_turns(r, start, step, limit));
            exact++;
        }
        if (start > UINT32_MAX - more || limit > UINT32_MAX - further ||
            (start <= INT32_MAX && start + more > INT32_MAX) ||
            (limit <= INT32_MAX && limit + further > INT32_MAX))
            continue;
        const struct bound_range from = {start, start + more, (int32_t)start, (int32_t)(start + more)};
        const struct bound_range to = {limit, limit + further, (int32_t)limit, (int32_t)(limit + further)};
        if (!bound_turns(r, from, step, to, false, &turns) || turns >= MOST_TURNS)
            continue;
        for (uint32_t a = 0; a <= more; a++)
            for (uint32_t b = 0; b <= further; b++)
                assert_true(count_turns(r, start + a, step, limit + b) <= turns);
        wide++;
    }
    print_message("%u exact counts, %u of ranges\n", exact, wide);
    assert_true(exact > 10000 && wide > 10000);
}

/* ---- generated programs ---- */

static void generated_programs_stay_within_their_bounds(void **state)
{
    (void)state;
    static struct program p;
    uint32_t bounded = 0, runs = 0;
    for (uint32_t seed = 1; seed <= 600; seed++) {
        uint8_t decisions[1500];
        random_state = seed * 3266489917u;
        for (size_t i = 0; i < sizeof decisions; i++)
            decisions[i] = (uint8_t)next_random();
        p.size = generate_module(decisions, sizeof decisions,
                                 GENERATE_MULTI_MEMORY | GENERATE_TAIL_CALL | GENERATE_EXTENDED_CONST |
                                     GENERATE_SIMD,
                                 p.bytes, sizeof p.bytes);
        struct wrt_module_import import;
        assert_int_not_equal(p.size, 0);
        program_open(&p);
        struct wrt_module_export export;
        const bool is_alone = wrt_module_get_import(p.module, 0, &import) != WRT_OK;
        for (uint32_t i = 0; wrt_module_get_export(p.module, i, &export) == WRT_OK; i++) {
            if (export.type.kind != WRT_EXTERN_FUNCTION)
                continue;
            const struct bound_function *f = &p.bound.functions[export.index];
            bounded += f->cost.fuel != BOUND_NONE;
            if (f->cost.fuel == BOUND_NONE || !is_alone || f->parameter_slots > 8 || f->result_slots > 8)
                continue;
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)export.name.size_bytes, (const char *)export.name.data);
            for (uint32_t n = 0; n < 4; n++) {
                const uint32_t arguments[8] = {next_random(), next_random(), below(9), below(9)};
                uint64_t used = 0, stack = f->stack_slots * 8 < 4096 ? 4096 : f->stack_slots * 8;
                const enum wrt_status status = call(&p, name, arguments, stack, f->cost.fuel, &used);
                if (used > f->cost.fuel || status == WRT_PAUSED) {
                    print_error("%s used %llu, bound %llu, status %s, arguments %u %u\n", name,
                                (unsigned long long)used, (unsigned long long)f->cost.fuel,
                                wrt_status_name(status), arguments[0], arguments[1]);
                    keep(&p, __func__);
                }
                assert_true(used <= f->cost.fuel);
                assert_false(status == WRT_PAUSED);
                runs++;
            }
        }
        program_close(&p);
    }
    print_message("%u exports of generated modules have a bound, %u runs\n", bounded, runs);
    assert_true(bounded > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orderly_programs_reach_their_bounds),
        cmocka_unit_test(wild_programs_stay_within_their_bounds),
        cmocka_unit_test(treacherous_programs_stay_within_their_bounds),
        cmocka_unit_test(turns_agree_with_counting),
        cmocka_unit_test(generated_programs_stay_within_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
