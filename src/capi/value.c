/* capi/value.c - values between the host's form and the engine's.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An externref that the guest holds is the address of a record, which is kept from then on: the
 * guest may give it back at any time.
 */
#include "capi.h"

void wasm_val_delete(wasm_val_t *value)
{
    if (wasm_valkind_is_ref(value->kind))
        capi_delete(value->of.ref);
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *from)
{
    *out = *from;
    if (wasm_valkind_is_ref(from->kind))
        out->of.ref = capi_copy(from->of.ref);
}

static bool is_function(wrt_type type)
{
    return capi_kind_of(type) == WASM_FUNCREF;
}

bool capi_ref_to_slot(wrt_type type, wasm_ref_t *ref, union wrt_slot *to)
{
    to->i64 = 0;
    if (ref == NULL)
        return wrt_is_nullable(type);
    if (is_function(type)) {
        to->function = ref->kind == REF_FUNC ? capi_object(ref) : NULL;
        return ref->kind == REF_FUNC;
    }
    ref->is_kept = true;
    to->external = ref;
    return wrt_or_null(type) == WRT_EXTERNREF;
}

wasm_ref_t *capi_slot_to_ref(wasm_store_t *store, wrt_type type, union wrt_slot slot)
{
    if (slot.i64 == 0)
        return NULL;
    if (is_function(type))
        return wasm_func_as_ref(capi_func(store, slot.function));
    return wrt_or_null(type) == WRT_EXTERNREF ? capi_copy(slot.external) : NULL;
}

bool capi_to_slot(wasm_store_t *store, wrt_type type, const wasm_val_t *from, union wrt_slot *to)
{
    (void)store;
    to->i64 = 0;
    if (wrt_is_reference(type))
        return wasm_valkind_is_ref(from->kind) && capi_ref_to_slot(type, from->of.ref, to);
    if (from->kind != capi_kind_of(type))
        return false;
    switch (from->kind) {
    case WASM_I32: to->i32 = (uint32_t)from->of.i32; return true;
    case WASM_I64: to->i64 = (uint64_t)from->of.i64; return true;
    case WASM_F32: to->f32 = from->of.f32; return true;
    case WASM_F64: to->f64 = from->of.f64; return true;
    default: return false;
    }
}

bool capi_to_val(wasm_store_t *store, wrt_type type, union wrt_slot from, wasm_val_t *to)
{
    to->kind = capi_kind_of(type);
    to->of.i64 = 0;
    switch (to->kind) {
    case WASM_I32: to->of.i32 = (int32_t)from.i32; return true;
    case WASM_I64: to->of.i64 = (int64_t)from.i64; return true;
    case WASM_F32: to->of.f32 = from.f32; return true;
    case WASM_F64: to->of.f64 = from.f64; return true;
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
        to->of.ref = capi_slot_to_ref(store, type, from);
        return to->of.ref != NULL || from.i64 == 0;
    default: return false;
    }
}
