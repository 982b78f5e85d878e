/* capi/type.c - vectors, and the types of wasm.h. All are plain values on the C heap.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "capi.h"

/* ---- vectors; without memory they are empty ---- */

#define DEFINE_VEC(name, type, copy_one, delete_one)                                    \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out)                          \
    {                                                                                   \
        out->size = 0;                                                                  \
        out->data = NULL;                                                               \
    }                                                                                   \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size)     \
    {                                                                                   \
        out->data = size != 0 ? calloc(size, sizeof(type)) : NULL;                      \
        out->size = out->data != NULL ? size : 0;                                       \
    }                                                                                   \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, type const data[]) \
    {                                                                                   \
        wasm_##name##_vec_new_uninitialized(out, size);                                 \
        for (size_t i = 0; i < out->size; i++)                                          \
            out->data[i] = data[i];                                                     \
    }                                                                                   \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from) \
    {                                                                                   \
        wasm_##name##_vec_new_uninitialized(out, from->size);                           \
        for (size_t i = 0; i < out->size; i++)                                          \
            copy_one(&out->data[i], &from->data[i]);                                    \
    }                                                                                   \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec)                             \
    {                                                                                   \
        for (size_t i = 0; vec->data != NULL && i < vec->size; i++)                     \
            delete_one(&vec->data[i]);                                                  \
        free(vec->data);                                                                \
        vec->data = NULL;                                                               \
        vec->size = 0;                                                                  \
    }

#define COPY_PLAIN(to, from) (*(to) = *(from))
#define DELETE_PLAIN(item) ((void)(item))
DEFINE_VEC(byte, wasm_byte_t, COPY_PLAIN, DELETE_PLAIN)
DEFINE_VEC(val, wasm_val_t, wasm_val_copy, wasm_val_delete)

#define DEFINE_POINTER_VEC(name)                                                        \
    static void copy_##name(wasm_##name##_t **to, wasm_##name##_t *const *from)         \
    {                                                                                   \
        *to = *from == NULL ? NULL : wasm_##name##_copy(*from);                         \
    }                                                                                   \
    static void delete_##name(wasm_##name##_t **item)                                   \
    {                                                                                   \
        wasm_##name##_delete(*item);                                                    \
    }                                                                                   \
    DEFINE_VEC(name, wasm_##name##_t *, copy_##name, delete_##name)
DEFINE_POINTER_VEC(valtype)
DEFINE_POINTER_VEC(functype)
DEFINE_POINTER_VEC(globaltype)
DEFINE_POINTER_VEC(tabletype)
DEFINE_POINTER_VEC(memorytype)
DEFINE_POINTER_VEC(externtype)
DEFINE_POINTER_VEC(importtype)
DEFINE_POINTER_VEC(exporttype)
DEFINE_POINTER_VEC(frame)
DEFINE_POINTER_VEC(extern)

/* ---- value types ---- */

struct wasm_valtype_t {
    wasm_valkind_t kind;
};

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind)
{
    wasm_valtype_t *type = calloc(1, sizeof *type);
    if (type != NULL)
        type->kind = kind;
    return type;
}

void wasm_valtype_delete(wasm_valtype_t *type)
{
    free(type);
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *type)
{
    return wasm_valtype_new(type->kind);
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *type)
{
    return type->kind;
}

/* References of other hierarchies are told as externref; a v128, which the interface does not
 * know, as its byte in the binary format. */
wasm_valkind_t capi_kind_of(wrt_type type)
{
    switch (type) {
    case WRT_I32: return WASM_I32;
    case WRT_I64: return WASM_I64;
    case WRT_F32: return WASM_F32;
    case WRT_F64: return WASM_F64;
    case WRT_V128: return WRT_V128;
    default: break;
    }
    if (wrt_is_concrete(type))
        return WASM_FUNCREF;
    const wrt_type nullable = wrt_or_null(type);
    return nullable == WRT_FUNCREF || nullable == WRT_NULLFUNCREF ? WASM_FUNCREF : WASM_EXTERNREF;
}

wrt_type capi_type_of(wasm_valkind_t kind)
{
    switch (kind) {
    case WASM_I32: return WRT_I32;
    case WASM_I64: return WRT_I64;
    case WASM_F32: return WRT_F32;
    case WASM_F64: return WRT_F64;
    case WASM_FUNCREF: return WRT_FUNCREF;
    case WASM_EXTERNREF: return WRT_EXTERNREF;
    default: return 0; /* no type: refused where it is used */
    }
}

/* ---- types of externals: the kind first ---- */

struct wasm_externtype_t {
    wasm_externkind_t kind;
};

struct wasm_functype_t {
    struct wasm_externtype_t base;
    wasm_valtype_vec_t params, results;
};

struct wasm_globaltype_t {
    struct wasm_externtype_t base;
    wasm_valtype_t *content;
    wasm_mutability_t mutability;
};

struct wasm_tabletype_t {
    struct wasm_externtype_t base;
    wasm_valtype_t *element;
    wasm_limits_t limits;
};

struct wasm_memorytype_t {
    struct wasm_externtype_t base;
    wasm_limits_t limits;
};

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    wasm_functype_t *type = calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_FUNC;
    type->params = *params;
    type->results = *results;
    return type;
}

void wasm_functype_delete(wasm_functype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_vec_delete(&type->params);
    wasm_valtype_vec_delete(&type->results);
    free(type);
}

wasm_functype_t *wasm_functype_copy(const wasm_functype_t *type)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_copy(&params, &type->params);
    wasm_valtype_vec_copy(&results, &type->results);
    return wasm_functype_new(&params, &results);
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *type)
{
    return &type->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *type)
{
    return &type->results;
}

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    wasm_globaltype_t *type = calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_delete(content);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_GLOBAL;
    type->content = content;
    type->mutability = mutability;
    return type;
}

void wasm_globaltype_delete(wasm_globaltype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_delete(type->content);
    free(type);
}

wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *type)
{
    return wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability);
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *type)
{
    return type->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *type)
{
    return type->mutability;
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    wasm_tabletype_t *type = calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_delete(element);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_TABLE;
    type->element = element;
    type->limits = *limits;
    return type;
}

void wasm_tabletype_delete(wasm_tabletype_t *type)
{
    if (type == NULL)
        return;
    wasm_valtype_delete(type->element);
    free(type);
}

wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *type)
{
    return wasm_tabletype_new(wasm_valtype_copy(type->element), &type->limits);
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *type)
{
    return type->element;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *type)
{
    return &type->limits;
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    wasm_memorytype_t *type = calloc(1, sizeof *type);
    if (type == NULL)
        return NULL;
    type->base.kind = WASM_EXTERN_MEMORY;
    type->limits = *limits;
    return type;
}

void wasm_memorytype_delete(wasm_memorytype_t *type)
{
    free(type);
}

wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *type)
{
    return wasm_memorytype_new(&type->limits);
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *type)
{
    return &type->limits;
}

#define DEFINE_EXTERNTYPE(name, KIND)                                                   \
    wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *x)                  \
    {                                                                                   \
        return (wasm_externtype_t *)(void *)x;                                          \
    }                                                                                   \
    const wasm_externtype_t *wasm_##name##_as_externtype_const(const wasm_##name##_t *x) \
    {                                                                                   \
        return (const wasm_externtype_t *)(const void *)x;                              \
    }                                                                                   \
    wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *x)                    \
    {                                                                                   \
        return x->kind == (KIND) ? (wasm_##name##_t *)(void *)x : NULL;                 \
    }                                                                                   \
    const wasm_##name##_t *wasm_externtype_as_##name##_const(const wasm_externtype_t *x) \
    {                                                                                   \
        return x->kind == (KIND) ? (const wasm_##name##_t *)(const void *)x : NULL;     \
    }
DEFINE_EXTERNTYPE(functype, WASM_EXTERN_FUNC)
DEFINE_EXTERNTYPE(globaltype, WASM_EXTERN_GLOBAL)
DEFINE_EXTERNTYPE(tabletype, WASM_EXTERN_TABLE)
DEFINE_EXTERNTYPE(memorytype, WASM_EXTERN_MEMORY)

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *type)
{
    return type->kind;
}

void wasm_externtype_delete(wasm_externtype_t *type)
{
    if (type == NULL)
        return;
    switch (type->kind) {
    case WASM_EXTERN_FUNC: wasm_functype_delete(wasm_externtype_as_functype(type)); break;
    case WASM_EXTERN_GLOBAL: wasm_globaltype_delete(wasm_externtype_as_globaltype(type)); break;
    case WASM_EXTERN_TABLE: wasm_tabletype_delete(wasm_externtype_as_tabletype(type)); break;
    default: wasm_memorytype_delete(wasm_externtype_as_memorytype(type)); break;
    }
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *type)
{
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return wasm_functype_as_externtype(
            wasm_functype_copy(wasm_externtype_as_functype_const(type)));
    case WASM_EXTERN_GLOBAL:
        return wasm_globaltype_as_externtype(
            wasm_globaltype_copy(wasm_externtype_as_globaltype_const(type)));
    case WASM_EXTERN_TABLE:
        return wasm_tabletype_as_externtype(
            wasm_tabletype_copy(wasm_externtype_as_tabletype_const(type)));
    default:
        return wasm_memorytype_as_externtype(
            wasm_memorytype_copy(wasm_externtype_as_memorytype_const(type)));
    }
}

/* ---- from the engine's types ---- */

static void valtypes(wasm_valtype_vec_t *out, const wrt_type *types, uint32_t count)
{
    wasm_valtype_vec_new_uninitialized(out, count);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = wasm_valtype_new(capi_kind_of(types[i]));
}

static wasm_limits_t limits_of(const struct wrt_limits *limits)
{
    const uint64_t most = wasm_limits_max_default;
    return (wasm_limits_t){
        .min = (uint32_t)(limits->minimum < most ? limits->minimum : most),
        .max = (uint32_t)(limits->has_maximum && limits->maximum < most ? limits->maximum : most)};
}

wasm_externtype_t *capi_externtype(const struct wrt_extern_type *type)
{
    wasm_valtype_vec_t params, results;
    wasm_limits_t limits;
    switch (type->kind) {
    case WRT_EXTERN_FUNCTION:
        valtypes(&params, type->function.parameters, type->function.parameter_count);
        valtypes(&results, type->function.results, type->function.result_count);
        return wasm_functype_as_externtype(wasm_functype_new(&params, &results));
    case WRT_EXTERN_GLOBAL:
        return wasm_globaltype_as_externtype(
            wasm_globaltype_new(wasm_valtype_new(capi_kind_of(type->global.content)),
                                type->global.is_mutable ? WASM_VAR : WASM_CONST));
    case WRT_EXTERN_TABLE:
        limits = limits_of(&type->table.limits);
        return wasm_tabletype_as_externtype(
            wasm_tabletype_new(wasm_valtype_new(capi_kind_of(type->table.element)), &limits));
    default:
        limits = limits_of(&type->memory.limits);
        return wasm_memorytype_as_externtype(wasm_memorytype_new(&limits));
    }
}

/* ---- imports, exports ---- */

struct wasm_importtype_t {
    wasm_name_t module, name;
    wasm_externtype_t *type;
};

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    wasm_importtype_t *import = calloc(1, sizeof *import);
    if (import == NULL) {
        wasm_name_delete(module);
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *import = (wasm_importtype_t){*module, *name, type};
    return import;
}

void wasm_importtype_delete(wasm_importtype_t *import)
{
    if (import == NULL)
        return;
    wasm_name_delete(&import->module);
    wasm_name_delete(&import->name);
    wasm_externtype_delete(import->type);
    free(import);
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *import)
{
    wasm_name_t module, name;
    wasm_name_copy(&module, &import->module);
    wasm_name_copy(&name, &import->name);
    return wasm_importtype_new(&module, &name, wasm_externtype_copy(import->type));
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import)
{
    return &import->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import)
{
    return &import->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import)
{
    return import->type;
}

struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    wasm_exporttype_t *export = calloc(1, sizeof *export);
    if (export == NULL) {
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *export = (wasm_exporttype_t){*name, type};
    return export;
}

void wasm_exporttype_delete(wasm_exporttype_t *export)
{
    if (export == NULL)
        return;
    wasm_name_delete(&export->name);
    wasm_externtype_delete(export->type);
    free(export);
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *export)
{
    wasm_name_t name;
    wasm_name_copy(&name, &export->name);
    return wasm_exporttype_new(&name, wasm_externtype_copy(export->type));
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export)
{
    return &export->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export)
{
    return export->type;
}
