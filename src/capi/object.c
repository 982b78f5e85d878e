/* capi/object.c - functions, globals, tables, memories.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "capi.h"

/* Values of a call: a few on the C stack, more on the heap. */
#define FEW 16

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *x)
{
    struct wrt_extern_type type;
    wrt_extern_get_type(capi_item(x), &type);
    return capi_externtype(&type);
}

/* ---- functions from the guest to the host ---- */

static void delete_values(wasm_val_vec_t *values)
{
    for (size_t i = 0; i < values->size; i++)
        wasm_val_delete(&values->data[i]);
}

static wasm_trap_t *call_back(const struct host_function *h, const wasm_val_vec_t *arguments,
                              wasm_val_vec_t *results)
{
    return h->call != NULL ? h->call(arguments, results)
                           : h->call_with_env(h->env, arguments, results);
}

/* What the function returned, as the engine wants it. */
static enum wrt_status settle(struct host_function *h, struct wrt_caller *caller,
                              wasm_trap_t *trap, wasm_val_vec_t *results, union wrt_slot *out)
{
    const struct wrt_function_type *type = h->function->type;
    if (trap != NULL) {
        wasm_trap_delete(h->store->raised);
        h->store->raised = trap;
        return wrt_caller_trap(caller, trap->message.data != NULL ? trap->message.data : "");
    }
    for (uint32_t i = 0; i < type->result_count; i++)
        if (!capi_to_slot(h->store, type->results[i], &results->data[i], &out[i]))
            return wrt_caller_trap(caller, "it returned a value of another type");
    return WRT_OK;
}

static enum wrt_status call_with(struct host_function *h, struct wrt_caller *caller,
                                 const union wrt_slot *in, union wrt_slot *out,
                                 wasm_val_t *values)
{
    const struct wrt_function_type *type = h->function->type;
    wasm_val_vec_t arguments = {type->parameter_count, values};
    wasm_val_vec_t results = {type->result_count, values + type->parameter_count};
    for (uint32_t i = 0; i < type->parameter_count; i++)
        if (!capi_to_val(h->store, type->parameters[i], in[i], &arguments.data[i]))
            return wrt_caller_trap(caller, "no memory for an argument");
    for (uint32_t i = 0; i < type->result_count; i++)
        results.data[i] = (wasm_val_t){.kind = capi_kind_of(type->results[i])};
    wasm_trap_t *trap = call_back(h, &arguments, &results);
    const enum wrt_status status = settle(h, caller, trap, &results, out);
    delete_values(&arguments);
    if (trap == NULL)
        delete_values(&results);
    return status;
}

static enum wrt_status host_call(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *arguments, union wrt_slot *results)
{
    struct host_function *h = context;
    const size_t count =
        (size_t)h->function->type->parameter_count + h->function->type->result_count;
    wasm_val_t few[FEW], *values = few;
    if (count > FEW)
        values = calloc(count, sizeof *values);
    if (values == NULL)
        return wrt_caller_trap(caller, "no memory for the values of a call");
    const enum wrt_status status = call_with(h, caller, arguments, results, values);
    if (values != few)
        free(values);
    return status;
}

/* ---- making functions ---- */

static wrt_type *types_of(const wasm_valtype_vec_t *types)
{
    wrt_type *out = calloc(types->size + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < types->size; i++)
        out[i] = capi_type_of(wasm_valtype_kind(types->data[i]));
    return out;
}

static bool make_function(struct host_function *h, const wasm_functype_t *functype)
{
    const wasm_valtype_vec_t *params = wasm_functype_params(functype);
    const wasm_valtype_vec_t *results = wasm_functype_results(functype);
    wrt_type *p = types_of(params), *r = types_of(results);
    const struct wrt_function_type type = {p, r, (uint32_t)params->size, (uint32_t)results->size};
    const bool ok = p != NULL && r != NULL && params->size <= 1000 && results->size <= 1000 &&
                    wrt_function_create(h->store->store, &type, host_call, h, &h->function,
                                        NULL) == WRT_OK;
    free(p);
    free(r);
    return ok;
}

static wasm_func_t *new_function(wasm_store_t *store, const wasm_functype_t *type,
                                 struct host_function function)
{
    struct host_function *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    *h = function;
    h->store = store;
    if (!make_function(h, type)) {
        free(h);
        return NULL;
    }
    h->next = store->host_functions;
    store->host_functions = h;
    return capi_func(store, h->function);
}

wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wasm_func_callback_t call)
{
    return new_function(store, type, (struct host_function){.call = call});
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t call, void *env,
                                    void (*finalizer)(void *))
{
    return new_function(store, type, (struct host_function){
                                         .call_with_env = call, .env = env, .finalizer = finalizer});
}

static const struct wrt_function *function_of(const wasm_func_t *func)
{
    return func->ref.object;
}

wasm_functype_t *wasm_func_type(const wasm_func_t *func)
{
    return wasm_externtype_as_functype(wasm_extern_type(wasm_func_as_extern_const(func)));
}

size_t wasm_func_param_arity(const wasm_func_t *func)
{
    return function_of(func)->type->parameter_count;
}

size_t wasm_func_result_arity(const wasm_func_t *func)
{
    return function_of(func)->type->result_count;
}

/* ---- calls from the host ---- */

static wasm_trap_t *call_values(wasm_store_t *store, struct wrt_function *f,
                                const wasm_val_vec_t *args, wasm_val_vec_t *results,
                                struct wrt_value *values)
{
    const struct wrt_function_type *type = f->type;
    struct wrt_value *out = values + type->parameter_count;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        values[i].type = type->parameters[i];
        if (!capi_to_slot(store, type->parameters[i], &args->data[i], &values[i].of))
            return capi_trap_text(store, "an argument is of another type");
    }
    const enum wrt_status status = wrt_function_call(store->store, f, values, type->parameter_count,
                                                     out, type->result_count);
    if (status == WRT_PAUSED)
        wrt_store_drop(store->store);
    if (status != WRT_OK)
        return capi_trap_of(store, status, NULL);
    bool ok = true;
    for (uint32_t i = 0; i < type->result_count; i++)
        ok = capi_to_val(store, type->results[i], out[i].of, &results->data[i]) && ok;
    return ok ? NULL : capi_trap_text(store, "a result is of a type that wasm.h does not know");
}

wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    wasm_store_t *store = capi_store_of(&func->ref);
    struct wrt_function *f = capi_object(&func->ref);
    const size_t in = f->type->parameter_count, out = f->type->result_count;
    if ((args == NULL ? 0 : args->size) < in || (results == NULL ? 0 : results->size) < out)
        return capi_trap_text(store, "too few arguments, or too little room for results");
    struct wrt_value few[FEW], *values = few;
    if (in + out > FEW)
        values = calloc(in + out, sizeof *values);
    if (values == NULL)
        return capi_trap_text(store, "no memory for the values of a call");
    wasm_trap_t *trap = call_values(store, f, args, results, values);
    if (values != few)
        free(values);
    return trap;
}

/* ---- globals ---- */

wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wasm_val_t *value)
{
    const struct wrt_global_type of = {
        .content = capi_type_of(wasm_valtype_kind(wasm_globaltype_content(type))),
        .is_mutable = wasm_globaltype_mutability(type) == WASM_VAR};
    struct wrt_global *global = NULL;
    union wrt_slot slot;
    if (!capi_to_slot(store, of.content, value, &slot) ||
        wrt_global_create(store->store, &of, slot, &global, NULL) != WRT_OK)
        return NULL;
    return capi_ref(store, REF_GLOBAL, global, sizeof(wasm_global_t));
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *global)
{
    return wasm_externtype_as_globaltype(wasm_extern_type(wasm_global_as_extern_const(global)));
}

void wasm_global_get(const wasm_global_t *global, wasm_val_t *out)
{
    const struct wrt_global *g = global->ref.object;
    if (!capi_to_val(global->ref.store, g->type.content, wrt_global_get(g), out))
        *out = (wasm_val_t)WASM_INIT_VAL;
}

void wasm_global_set(wasm_global_t *global, const wasm_val_t *value)
{
    struct wrt_global *g = capi_object(&global->ref);
    union wrt_slot slot;
    if (capi_to_slot(global->ref.store, g->type.content, value, &slot))
        (void)!wrt_global_set(g, slot); /* an immutable one stays as it is */
}

/* ---- tables ---- */

wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *type, wasm_ref_t *init)
{
    const wasm_limits_t *limits = wasm_tabletype_limits(type);
    const struct wrt_table_type of = {
        .element = capi_type_of(wasm_valtype_kind(wasm_tabletype_element(type))),
        .limits = {.minimum = limits->min, .maximum = limits->max,
                   .has_maximum = limits->max != wasm_limits_max_default}};
    struct wrt_table *table = NULL;
    union wrt_slot fill;
    if (!wrt_is_reference(of.element) || !capi_ref_to_slot(of.element, init, &fill) ||
        wrt_table_create(store->store, &of, fill, &table, NULL) != WRT_OK)
        return NULL;
    return capi_ref(store, REF_TABLE, table, sizeof(wasm_table_t));
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *table)
{
    return wasm_externtype_as_tabletype(wasm_extern_type(wasm_table_as_extern_const(table)));
}

wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index)
{
    const struct wrt_table *t = table->ref.object;
    union wrt_slot slot;
    return wrt_table_get(t, index, &slot) == WRT_OK
               ? capi_slot_to_ref(table->ref.store, t->type.element, slot)
               : NULL;
}

bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *ref)
{
    struct wrt_table *t = capi_object(&table->ref);
    union wrt_slot slot;
    return capi_ref_to_slot(t->type.element, ref, &slot) &&
           wrt_table_set(t, index, slot) == WRT_OK;
}

wasm_table_size_t wasm_table_size(const wasm_table_t *table)
{
    return (wasm_table_size_t)wrt_table_size(table->ref.object);
}

bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init)
{
    struct wrt_table *t = capi_object(&table->ref);
    union wrt_slot fill;
    return capi_ref_to_slot(t->type.element, init, &fill) &&
           wrt_table_grow(t, delta, fill, NULL, NULL) == WRT_OK;
}

/* ---- memories ---- */

wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *type)
{
    const wasm_limits_t *limits = wasm_memorytype_limits(type);
    const struct wrt_memory_type of = {
        .limits = {.minimum = limits->min, .maximum = limits->max,
                   .has_maximum = limits->max != wasm_limits_max_default}};
    struct wrt_memory *memory = NULL;
    if (wrt_memory_create(store->store, &of, &memory, NULL) != WRT_OK)
        return NULL;
    return capi_ref(store, REF_MEMORY, memory, sizeof(wasm_memory_t));
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory)
{
    return wasm_externtype_as_memorytype(wasm_extern_type(wasm_memory_as_extern_const(memory)));
}

static const struct wrt_memory *memory_of(const wasm_memory_t *memory)
{
    return memory->ref.object;
}

byte_t *wasm_memory_data(wasm_memory_t *memory)
{
    return (byte_t *)memory_of(memory)->pages.base;
}

size_t wasm_memory_data_size(const wasm_memory_t *memory)
{
    return (size_t)wrt_memory_size_bytes(memory_of(memory));
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory)
{
    return (wasm_memory_pages_t)wrt_memory_size_pages(memory_of(memory));
}

bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta)
{
    return wrt_memory_grow(capi_object(&memory->ref), delta, NULL, NULL) == WRT_OK;
}
