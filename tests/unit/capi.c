/* Tests of wasm.h: what hosts written against the standard interface do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm.h"

#define own

static void read_module(const char *name, wasm_byte_vec_t *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", WRT_TEST_MODULES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    wasm_byte_vec_new_uninitialized(out, 1 << 16);
    out->size = fread(out->data, 1, 1 << 16, file);
    fclose(file);
    assert_true(out->size > 8);
}

/* ---- host functions ---- */

static int finalized;

static void finalize(void *env)
{
    finalized++;
    *(int *)env = -1;
}

static void count_finalized(void *data)
{
    (void)data;
    finalized++;
}

static wasm_trap_t *add_env(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    results->data[0] = (wasm_val_t)WASM_I32_VAL(args->data[0].of.i32 + *(int *)env);
    return NULL;
}

static wasm_trap_t *same(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_val_copy(&results->data[0], &args->data[0]);
    return NULL;
}

static wasm_trap_t *swap(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    for (size_t i = 0; i < 4; i++)
        wasm_val_copy(&results->data[i], &args->data[3 - i]);
    return NULL;
}

static wasm_store_t *trap_store;

static wasm_trap_t *fails(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    (void)results;
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "the host says no");
    own wasm_trap_t *trap = wasm_trap_new(trap_store, &message);
    wasm_name_delete(&message);
    return trap;
}

/* ---- a store with the module in it ---- */

struct world {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_module_t *module;
    wasm_instance_t *instance;
    wasm_extern_vec_t exports;
    wasm_global_t *count;
    int env;
};

enum { TABLE, REFS, MEMORY, KEPT, RUN, TWICE, THROUGH, SWAP, FAIL, TRAP, CALL_TABLE, LOAD, EXPORTS };

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->env = 42;
    w->engine = wasm_engine_new();
    w->store = trap_store = wasm_store_new(w->engine);
    wasm_byte_vec_t binary;
    read_module("capi", &binary);
    w->module = wasm_module_new(w->store, &binary);
    wasm_byte_vec_delete(&binary);
    assert_non_null(w->module);

    own wasm_functype_t *types[] = {
        wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32()),
        wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref()), NULL,
        wasm_functype_new_0_0()};
    wasm_valtype_t *ps[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64(), wasm_valtype_new_f32(),
                            wasm_valtype_new_f64()};
    wasm_valtype_t *rs[] = {wasm_valtype_new_f64(), wasm_valtype_new_f32(), wasm_valtype_new_i64(),
                            wasm_valtype_new_i32()};
    wasm_valtype_vec_t p, r;
    wasm_valtype_vec_new(&p, 4, ps);
    wasm_valtype_vec_new(&r, 4, rs);
    types[2] = wasm_functype_new(&p, &r);
    own wasm_func_t *functions[] = {
        wasm_func_new_with_env(w->store, types[0], add_env, &w->env, finalize),
        wasm_func_new(w->store, types[1], same), wasm_func_new(w->store, types[2], swap),
        wasm_func_new(w->store, types[3], fails)};
    own wasm_globaltype_t *global = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
    const wasm_val_t seven = WASM_I64_VAL(7);
    w->count = wasm_global_new(w->store, global, &seven);
    wasm_globaltype_delete(global);

    wasm_extern_t *items[5];
    for (int i = 0; i < 4; i++)
        items[i] = wasm_func_as_extern(functions[i]);
    items[4] = wasm_global_as_extern(w->count);
    const wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    own wasm_trap_t *trap = NULL;
    w->instance = wasm_instance_new(w->store, w->module, &imports, &trap);
    assert_null(trap);
    assert_non_null(w->instance);
    wasm_instance_exports(w->instance, &w->exports);
    assert_int_equal(w->exports.size, EXPORTS);
    for (int i = 0; i < 4; i++) {
        wasm_func_delete(functions[i]);
        wasm_functype_delete(types[i]);
    }
}

static void close_world(struct world *w)
{
    wasm_extern_vec_delete(&w->exports);
    wasm_global_delete(w->count);
    wasm_module_delete(w->module);
    wasm_instance_delete(w->instance);
    wasm_store_delete(w->store);
    wasm_engine_delete(w->engine);
}

static wasm_func_t *function(struct world *w, int index)
{
    wasm_func_t *func = wasm_extern_as_func(w->exports.data[index]);
    assert_non_null(func);
    return func;
}

static int32_t call_i32(wasm_func_t *func, int32_t argument)
{
    wasm_val_t in[] = {WASM_I32_VAL(argument)}, out[] = {WASM_INIT_VAL};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(in);
    wasm_val_vec_t results = WASM_ARRAY_VEC(out);
    assert_null(wasm_func_call(func, &args, &results));
    assert_int_equal(out[0].kind, WASM_I32);
    return out[0].of.i32;
}

static wasm_trap_t *call_nothing(wasm_func_t *func)
{
    const wasm_val_vec_t args = WASM_EMPTY_VEC;
    wasm_val_vec_t results = WASM_EMPTY_VEC;
    return wasm_func_call(func, &args, &results);
}

/* ---- tests ---- */

static void test_calls(void **state)
{
    (void)state;
    struct world w;
    finalized = 0;
    open_world(&w);
    assert_int_equal(call_i32(function(&w, RUN), 100), 142);
    assert_int_equal(call_i32(function(&w, TWICE), 21), 42);

    wasm_val_t in[] = {WASM_I32_VAL(1), WASM_I64_VAL(2), WASM_F32_VAL(3), WASM_F64_VAL(4)};
    wasm_val_t out[4] = {WASM_INIT_VAL};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(in);
    wasm_val_vec_t results = WASM_ARRAY_VEC(out);
    assert_null(wasm_func_call(function(&w, SWAP), &args, &results));
    assert_true(out[0].of.f64 == 4 && out[1].of.f32 == 3 && out[2].of.i64 == 2 && out[3].of.i32 == 1);

    wasm_val_t value;
    wasm_global_get(w.count, &value);
    assert_int_equal(value.of.i64, 8);
    const wasm_val_t other = WASM_I64_VAL(50);
    wasm_global_set(w.count, &other);
    assert_int_equal(call_i32(function(&w, RUN), 0), 42);
    wasm_global_get(w.count, &value);
    assert_int_equal(value.of.i64, 51);
    assert_int_equal(finalized, 0);
    close_world(&w);
    assert_int_equal(finalized, 1);
    assert_int_equal(w.env, -1);
}

/* A wrong number or type of arguments is a trap that says so. */
static void test_wrong_calls(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    wasm_val_t in[] = {WASM_F32_VAL(1)}, out[] = {WASM_INIT_VAL};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(in), none = WASM_EMPTY_VEC;
    wasm_val_vec_t results = WASM_ARRAY_VEC(out);
    wasm_trap_t *trap = wasm_func_call(function(&w, TWICE), &args, &results);
    assert_non_null(trap);
    wasm_trap_delete(trap);
    trap = wasm_func_call(function(&w, TWICE), &none, &results);
    assert_non_null(trap);
    wasm_trap_delete(trap);
    close_world(&w);
}

static void assert_message(const wasm_trap_t *trap, const char *text)
{
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    assert_int_equal(message.data[message.size - 1], 0);
    assert_string_equal(message.data, text);
    wasm_name_delete(&message);
}

static void test_traps(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    own wasm_trap_t *trap = call_nothing(function(&w, TRAP));
    assert_non_null(trap);
    assert_message(trap, "unreachable");
    own wasm_frame_t *origin = wasm_trap_origin(trap);
    assert_non_null(origin);
    assert_true(wasm_instance_same(wasm_frame_instance(origin), w.instance));
    assert_int_equal(wasm_frame_func_index(origin), 9);
    assert_true(wasm_frame_func_offset(origin) > 0);
    assert_true(wasm_frame_module_offset(origin) > wasm_frame_func_offset(origin));
    own wasm_frame_vec_t trace;
    wasm_trap_trace(trap, &trace);
    assert_int_equal(trace.size, 2);
    assert_int_equal(wasm_frame_func_index(trace.data[1]), 10);
    wasm_frame_vec_delete(&trace);
    wasm_frame_delete(origin);
    wasm_trap_delete(trap);

    trap = call_nothing(function(&w, FAIL)); /* the host's own trap comes back */
    assert_non_null(trap);
    assert_message(trap, "the host says no");
    origin = wasm_trap_origin(trap);
    assert_int_equal(wasm_frame_func_index(origin), 8);
    wasm_frame_delete(origin);
    wasm_trap_delete(trap);
    close_world(&w);
}

static void test_start_and_links(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    wasm_byte_vec_t binary;
    read_module("capi_start", &binary);
    own wasm_module_t *module = wasm_module_new(w.store, &binary);
    const wasm_extern_vec_t none = WASM_EMPTY_VEC;
    own wasm_trap_t *trap = NULL;
    assert_null(wasm_instance_new(w.store, module, &none, &trap));
    assert_non_null(trap);
    assert_message(trap, "unreachable");
    own wasm_frame_t *origin = wasm_trap_origin(trap);
    assert_non_null(origin);
    assert_int_equal(wasm_frame_func_index(origin), 0);
    wasm_frame_delete(origin);
    wasm_trap_delete(trap);
    trap = NULL;
    assert_null(wasm_instance_new(w.store, w.module, &none, &trap)); /* imports are missing */
    assert_non_null(trap);
    wasm_trap_delete(trap);
    wasm_module_delete(module);
    binary.data[4] = 9;
    assert_false(wasm_module_validate(w.store, &binary));
    assert_null(wasm_module_new(w.store, &binary));
    wasm_byte_vec_delete(&binary);
    close_world(&w);
}

static void test_memory(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    wasm_memory_t *memory = wasm_extern_as_memory(w.exports.data[MEMORY]);
    assert_int_equal(wasm_memory_size(memory), 2);
    assert_int_equal(wasm_memory_data_size(memory), 2 * MEMORY_PAGE_SIZE);
    assert_int_equal(wasm_memory_data(memory)[0x1003], 4);
    wasm_memory_data(memory)[0x1003] = 5;
    assert_int_equal(call_i32(function(&w, LOAD), 0x1003), 5);
    assert_true(wasm_memory_grow(memory, 1));
    assert_false(wasm_memory_grow(memory, 1));
    assert_true(wasm_memory_grow(memory, 0));
    assert_int_equal(wasm_memory_size(memory), 3);
    own wasm_memorytype_t *type = wasm_memory_type(memory);
    assert_int_equal(wasm_memorytype_limits(type)->max, 3);
    wasm_memorytype_delete(type);
    const wasm_limits_t limits = {5, 5};
    type = wasm_memorytype_new(&limits);
    own wasm_memory_t *other = wasm_memory_new(w.store, type);
    assert_int_equal(wasm_memory_size(other), 5);
    assert_false(wasm_memory_grow(other, 1));
    assert_false(wasm_memory_same(memory, other));
    wasm_memory_delete(other);
    wasm_memorytype_delete(type);
    close_world(&w);
}

static void test_table(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    wasm_table_t *table = wasm_extern_as_table(w.exports.data[TABLE]);
    assert_int_equal(wasm_table_size(table), 2);
    assert_null(wasm_table_get(table, 0));
    own wasm_ref_t *ref = wasm_table_get(table, 1);
    assert_true(wasm_func_same(wasm_ref_as_func(ref), function(&w, TWICE)));
    assert_true(wasm_table_set(table, 0, ref));
    wasm_ref_delete(ref);
    wasm_val_t in[] = {WASM_I32_VAL(0), WASM_I32_VAL(4)}, out[] = {WASM_INIT_VAL};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(in);
    wasm_val_vec_t results = WASM_ARRAY_VEC(out);
    assert_null(wasm_func_call(function(&w, CALL_TABLE), &args, &results));
    assert_int_equal(out[0].of.i32, 8);
    assert_true(wasm_table_set(table, 0, NULL));
    own wasm_trap_t *trap = wasm_func_call(function(&w, CALL_TABLE), &args, &results);
    assert_non_null(trap);
    wasm_trap_delete(trap);
    assert_false(wasm_table_set(table, 2, NULL));
    assert_true(wasm_table_grow(table, 8, NULL));
    assert_false(wasm_table_grow(table, 1, NULL));
    assert_int_equal(wasm_table_size(table), 10);
    own wasm_foreign_t *foreign = wasm_foreign_new(w.store);
    assert_false(wasm_table_set(table, 0, wasm_foreign_as_ref(foreign))); /* no function */
    wasm_foreign_delete(foreign);
    close_world(&w);
}

static void test_references(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    finalized = 0;
    own wasm_foreign_t *foreign = wasm_foreign_new(w.store);
    int info = 5;
    wasm_foreign_set_host_info_with_finalizer(foreign, &info, count_finalized);
    wasm_val_t in[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign))}, out[] = {WASM_INIT_VAL};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(in);
    wasm_val_vec_t results = WASM_ARRAY_VEC(out);
    assert_null(wasm_func_call(function(&w, THROUGH), &args, &results));
    assert_true(wasm_ref_same(out[0].of.ref, wasm_foreign_as_ref(foreign)));
    assert_ptr_equal(wasm_ref_get_host_info(out[0].of.ref), &info);
    wasm_val_delete(&out[0]);

    wasm_global_t *kept = wasm_extern_as_global(w.exports.data[KEPT]);
    wasm_table_t *refs = wasm_extern_as_table(w.exports.data[REFS]);
    wasm_global_set(kept, &in[0]);
    assert_true(wasm_table_set(refs, 3, wasm_foreign_as_ref(foreign)));
    wasm_foreign_delete(foreign); /* the guest still has it */
    wasm_val_t value;
    wasm_global_get(kept, &value);
    own wasm_ref_t *again = wasm_table_get(refs, 3);
    assert_true(wasm_ref_same(value.of.ref, again));
    assert_ptr_equal(wasm_ref_get_host_info(again), &info);
    wasm_val_delete(&value);
    wasm_ref_delete(again);

    in[0].of.ref = NULL;
    assert_null(wasm_func_call(function(&w, THROUGH), &args, &results));
    assert_null(out[0].of.ref);
    assert_int_equal(finalized, 0);
    close_world(&w);
    assert_int_equal(finalized, 2); /* the foreign object, and add_env */
}

static void test_reflection(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    own wasm_exporttype_vec_t types;
    wasm_module_exports(w.module, &types);
    assert_int_equal(types.size, EXPORTS);
    for (size_t i = 0; i < types.size; i++) {
        const wasm_externtype_t *type = wasm_exporttype_type(types.data[i]);
        assert_int_equal(wasm_externtype_kind(type), wasm_extern_kind(w.exports.data[i]));
        own wasm_externtype_t *mine = wasm_extern_type(w.exports.data[i]);
        assert_int_equal(wasm_externtype_kind(mine), wasm_externtype_kind(type));
        wasm_externtype_delete(mine);
    }
    const wasm_name_t *name = wasm_exporttype_name(types.data[SWAP]);
    assert_int_equal(name->size, 4);
    assert_memory_equal(name->data, "swap", 4);
    const wasm_functype_t *type =
        wasm_externtype_as_functype_const(wasm_exporttype_type(types.data[SWAP]));
    assert_int_equal(wasm_functype_params(type)->size, 4);
    assert_int_equal(wasm_valtype_kind(wasm_functype_results(type)->data[0]), WASM_F64);
    own wasm_exporttype_vec_t copy;
    wasm_exporttype_vec_copy(&copy, &types);
    wasm_exporttype_vec_delete(&types);
    assert_int_equal(copy.size, EXPORTS);
    wasm_exporttype_vec_delete(&copy);
    own wasm_importtype_vec_t imports;
    wasm_module_imports(w.module, &imports);
    assert_int_equal(imports.size, 5);
    assert_memory_equal(wasm_importtype_module(imports.data[4])->data, "host", 4);
    assert_int_equal(wasm_externtype_kind(wasm_importtype_type(imports.data[4])),
                     WASM_EXTERN_GLOBAL);
    wasm_importtype_vec_delete(&imports);
    assert_int_equal(wasm_func_param_arity(function(&w, SWAP)), 4);
    assert_int_equal(wasm_func_result_arity(function(&w, RUN)), 1);
    assert_null(wasm_extern_as_global(w.exports.data[RUN]));
    close_world(&w);
}

static void test_serialize(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    own wasm_byte_vec_t bytes;
    wasm_module_serialize(w.module, &bytes);
    own wasm_module_t *module = wasm_module_deserialize(w.store, &bytes);
    assert_non_null(module);
    own wasm_exporttype_vec_t types;
    wasm_module_exports(module, &types);
    assert_int_equal(types.size, EXPORTS);
    wasm_exporttype_vec_delete(&types);
    wasm_module_delete(module);
    bytes.data[bytes.size - 1] ^= 1;
    assert_null(wasm_module_deserialize(w.store, &bytes));
    bytes.size = 3;
    assert_null(wasm_module_deserialize(w.store, &bytes));
    wasm_byte_vec_delete(&bytes);
    close_world(&w);
}

/* What is deleted first does not matter. */
static void test_order(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    wasm_engine_delete(w.engine);
    wasm_store_delete(w.store);
    wasm_module_delete(w.module);
    wasm_instance_delete(w.instance);
    own wasm_func_t *twice = wasm_func_copy(function(&w, TWICE));
    wasm_extern_vec_delete(&w.exports);
    wasm_global_delete(w.count);
    finalized = 0;
    assert_int_equal(call_i32(twice, 5), 10);
    assert_int_equal(finalized, 0);
    wasm_func_delete(twice);
    assert_int_equal(finalized, 1);
}

static void test_finalizers(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static const unsigned char empty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary;
    wasm_byte_vec_new(&binary, sizeof empty, (const char *)empty);
    own wasm_module_t *module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    finalized = 0;
    for (int i = 0; i < MANY; i++) {
        own wasm_instance_t *instance = wasm_instance_new(store, module, NULL, NULL);
        assert_non_null(instance);
        wasm_instance_set_host_info_with_finalizer(instance, NULL, count_finalized);
        wasm_instance_delete(instance);
    }
    wasm_module_delete(module);
    wasm_store_delete(store);
    assert_int_equal(finalized, MANY);
    wasm_engine_delete(engine);
}

struct job {
    wasm_engine_t *engine;
    wasm_shared_module_t *shared;
    int done;
};

static void *work(void *arg)
{
    struct job *job = arg;
    for (int i = 0; i < 5; i++) {
        wasm_store_t *store = wasm_store_new(job->engine);
        own wasm_module_t *module = wasm_module_obtain(store, job->shared);
        own wasm_importtype_vec_t imports;
        wasm_module_imports(module, &imports);
        job->done += imports.size == 5;
        wasm_importtype_vec_delete(&imports);
        wasm_module_delete(module);
        wasm_store_delete(store);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct world w;
    open_world(&w);
    own wasm_shared_module_t *shared = wasm_module_share(w.module);
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){w.engine, shared, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].done, 5);
    }
    close_world(&w);
    wasm_shared_module_delete(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),      cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_traps),      cmocka_unit_test(test_start_and_links),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_table),
        cmocka_unit_test(test_references), cmocka_unit_test(test_reflection),
        cmocka_unit_test(test_serialize),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_finalizers), cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
