/* engine_trap.c - a trap names its kind, the functions on the way, and the very instruction.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

enum { UNREACHABLE = 0x00, CALL = 0x10, CALL_INDIRECT = 0x11, DIV_S = 0x6D, TRUNC_F64_S = 0xAA,
       LOAD = 0x28, STORE_64 = 0x37, PREFIX = 0xFC, TABLE_GET = 0x25 };

static const struct kind {
    const char *export;
    const char *inner;   /* innermost function's name */
    enum wrt_trap_kind kind;
    uint8_t opcode;      /* of the instruction that traps */
    uint32_t depth;      /* frames */
} kinds[] = {
    {"unreachable", "unreachable", WRT_TRAP_UNREACHABLE, UNREACHABLE, 1},
    {"divide_by_zero", "divide", WRT_TRAP_INTEGER_DIVIDE_BY_ZERO, DIV_S, 2},
    {"divide_overflow", "divide", WRT_TRAP_INTEGER_OVERFLOW, DIV_S, 2},
    {"convert_nan", "truncate", WRT_TRAP_INVALID_CONVERSION, TRUNC_F64_S, 2},
    {"convert_large", "truncate", WRT_TRAP_INTEGER_OVERFLOW, TRUNC_F64_S, 2},
    {"load", "load", WRT_TRAP_OUT_OF_BOUNDS_MEMORY, LOAD, 2},
    {"store", "store", WRT_TRAP_OUT_OF_BOUNDS_MEMORY, STORE_64, 2},
    {"fill", "fill", WRT_TRAP_OUT_OF_BOUNDS_MEMORY, PREFIX, 2},
    {"table", "table", WRT_TRAP_OUT_OF_BOUNDS_TABLE, TABLE_GET, 2},
    {"undefined", "indirect", WRT_TRAP_UNDEFINED_ELEMENT, CALL_INDIRECT, 2},
    {"uninitialized", "indirect", WRT_TRAP_UNINITIALIZED_ELEMENT, CALL_INDIRECT, 2},
    {"mismatch", "indirect", WRT_TRAP_INDIRECT_CALL_TYPE_MISMATCH, CALL_INDIRECT, 2},
    {"through_the_table", "unreachable", WRT_TRAP_UNREACHABLE, UNREACHABLE, 3},
};

static void require_name(const struct wrt_frame *frame, const char *name)
{
    assert_int_equal(frame->name.size_bytes, strlen(name));
    assert_memory_equal(frame->name.data, name, strlen(name));
}

static void check_frames(struct fixture *f, const struct kind *kind, const uint8_t *bytes,
                         size_t size)
{
    struct wrt_frame frame;
    assert_int_equal(wrt_store_frame_count(f->store), kind->depth);
    for (uint32_t i = 0; i < kind->depth; i++) {
        assert_status(wrt_store_get_frame(f->store, i, &frame), WRT_OK);
        assert_false(frame.is_host);
        assert_ptr_equal(frame.instance, f->instance);
        assert_true(frame.byte_offset < size);
        uint8_t opcode = bytes[frame.byte_offset];
        if (i == 0 && opcode != kind->opcode)
            fail_msg("%s: the trap is at %llu, where 0x%02x is, not 0x%02x", kind->export,
                     (unsigned long long)frame.byte_offset, opcode, kind->opcode);
        if (i > 0 && opcode != CALL && opcode != CALL_INDIRECT)
            fail_msg("%s: frame %u stands at %llu, where 0x%02x is, no call", kind->export, i,
                     (unsigned long long)frame.byte_offset, opcode);
    }
    assert_status(wrt_store_get_frame(f->store, 0, &frame), WRT_OK);
    require_name(&frame, kind->inner);
    assert_status(wrt_store_get_frame(f->store, kind->depth, &frame), WRT_ERR_BOUNDS);
}

static void test_each_kind(void **state)
{
    (void)state;
    struct fixture f;
    size_t size;
    uint8_t *bytes = fixture_bytes("traps", &size);
    fixture_start(&f, "traps");
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct wrt_function *function = fixture_function(&f, kinds[i].export);
        assert_status(wrt_function_call(f.store, function, NULL, 0, NULL, 0), WRT_ERR_TRAP);
        const struct wrt_trap *trap = wrt_store_trap(f.store);
        assert_string_equal(wrt_trap_text(trap->kind), wrt_trap_text(kinds[i].kind));
        assert_non_null(strstr(trap->text, wrt_trap_text(kinds[i].kind)));
        check_frames(&f, &kinds[i], bytes, size);
    }
    fixture_close(&f);
    free(bytes);
}

/* Of a deep stack the 32 innermost frames are kept, and all are counted. */
static void test_deep_stack(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_frame frame;
    fixture_start(&f, "traps");
    struct wrt_function *down = fixture_function(&f, "down");
    assert_status(wrt_function_call(f.store, down, NULL, 0, NULL, 0), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
    assert_true(wrt_store_frame_count(f.store) > 1000);
    assert_status(wrt_store_get_frame(f.store, 31, &frame), WRT_OK);
    require_name(&frame, "down");
    assert_status(wrt_store_get_frame(f.store, 32, &frame), WRT_ERR_BOUNDS);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_deep_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
