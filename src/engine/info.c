/* engine/info.c - what a module holds, for those who ask.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reader.h"

void wrt_module_get_info(const struct wrt_module *module, struct wrt_module_info *out)
{
    *out = module->info;
}

const char *wrt_feature_name(enum wrt_feature feature)
{
    switch (feature) {
#define CASE(name, bit, text) case WRT_FEATURE_##name: return text;
        WRT_FEATURE_LIST(CASE)
#undef CASE
    }
    return "?";
}

enum wrt_status wrt_module_get_item(const struct wrt_module *module, enum wrt_extern_kind kind,
                                    uint32_t index, struct wrt_extern_type *out)
{
    const struct wrt_module_info *info = &module->info;
    const uint32_t counts[] = {info->function_count, info->table_count, info->memory_count,
                               info->global_count, info->tag_count};
    if ((unsigned)kind > WRT_EXTERN_TAG || index >= counts[kind])
        return WRT_ERR_BOUNDS;
    memset(out, 0, sizeof *out);
    out->kind = kind;
    switch (kind) {
    case WRT_EXTERN_FUNCTION: out->function = *wrt_type_of_function(module, index); break;
    case WRT_EXTERN_TABLE: out->table = module->tables[index]; break;
    case WRT_EXTERN_MEMORY: out->memory = module->memories[index]; break;
    case WRT_EXTERN_GLOBAL: out->global = module->globals[index].type; break;
    case WRT_EXTERN_TAG: out->tag = module->types[module->tags[index]].function; break;
    }
    return WRT_OK;
}

enum wrt_status wrt_module_get_import(const struct wrt_module *module, uint32_t index,
                                      struct wrt_module_import *out)
{
    if (index >= module->info.import_count)
        return WRT_ERR_BOUNDS;
    const struct wrt_import *import = &module->imports[index];
    out->module = import->module;
    out->name = import->name;
    return wrt_module_get_item(module, import->kind, import->index, &out->type);
}

enum wrt_status wrt_module_get_export(const struct wrt_module *module, uint32_t index,
                                      struct wrt_module_export *out)
{
    if (index >= module->info.export_count)
        return WRT_ERR_BOUNDS;
    const struct wrt_export *export = &module->exports[index];
    out->name = export->name;
    out->index = export->index;
    return wrt_module_get_item(module, export->kind, export->index, &out->type);
}

enum wrt_status wrt_module_get_custom(const struct wrt_module *module, uint32_t index,
                                      struct wrt_module_custom *out)
{
    const struct wrt_custom *custom = module->customs;
    for (; custom != NULL && index != 0; index--)
        custom = custom->next;
    if (custom == NULL)
        return WRT_ERR_BOUNDS;
    *out = custom->info;
    return WRT_OK;
}

enum wrt_status wrt_module_get_type(const struct wrt_module *module, uint32_t index,
                                    struct wrt_function_type *out)
{
    if (index >= module->info.type_count)
        return WRT_ERR_BOUNDS;
    if (module->types[index].kind != WRT_KIND_FUNCTION)
        return WRT_ERR_TYPE;
    *out = module->types[index].function;
    return WRT_OK;
}

/* Finds a function in subsection 1 of the name section (spec appendix 7.4.1). Whatever is
 * malformed there ends the search: names are a courtesy. */
static bool find_name(struct wrt_reader *r, uint32_t function, struct wrt_bytes *out)
{
    uint32_t count = 0;
    if (!wrt_read_u32(r, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = 0;
        if (!wrt_read_u32(r, &index) || !wrt_read_name(r, UINT32_MAX, out))
            return false;
        if (index == function)
            return true;
    }
    return false;
}

static bool find_in_name_section(struct wrt_bytes section, uint32_t function,
                                 struct wrt_bytes *out)
{
    if (section.size_bytes == 0)
        return false;
    struct wrt_reader r = {.start = section.data, .at = section.data,
                           .end = section.data + section.size_bytes};
    while (r.at != r.end) {
        uint8_t id = 0;
        uint32_t size = 0;
        const uint8_t *contents = NULL;
        if (!wrt_read_byte(&r, &id) || !wrt_read_u32(&r, &size) ||
            !wrt_read_bytes(&r, size, &contents))
            return false;
        struct wrt_reader inner = {.start = contents, .at = contents, .end = contents + size};
        if (id == 1)
            return find_name(&inner, function, out);
    }
    return false;
}

static struct wrt_reader read_kept(struct wrt_bytes section)
{
    return (struct wrt_reader){.start = section.data, .at = section.data,
                               .end = section.size_bytes != 0 ? section.data + section.size_bytes
                                                              : section.data};
}

enum wrt_status wrt_module_get_producer(const struct wrt_module *module, uint32_t index,
                                        struct wrt_module_producer *out)
{
    struct wrt_reader r = read_kept(module->producers);
    struct wrt_module_producer found;
    uint32_t fields = 0, values = 0;
    if (r.at == r.end || !wrt_read_u32(&r, &fields))
        return WRT_ERR_BOUNDS;
    for (; fields != 0; fields--) {
        if (!wrt_read_name(&r, UINT32_MAX, &found.field) || !wrt_read_u32(&r, &values))
            return WRT_ERR_BOUNDS;
        for (; values != 0; values--) {
            if (!wrt_read_name(&r, UINT32_MAX, &found.name) ||
                !wrt_read_name(&r, UINT32_MAX, &found.version))
                return WRT_ERR_BOUNDS;
            if (index-- == 0) {
                *out = found;
                return WRT_OK;
            }
        }
    }
    return WRT_ERR_BOUNDS;
}

/* A hint is an offset, the number of its bytes, 1, and the byte. */
static bool read_hint(struct wrt_reader *r, struct wrt_module_branch_hint *out)
{
    uint32_t size = 0;
    uint8_t value = 0;
    if (!wrt_read_u32(r, &out->byte_offset) || !wrt_read_u32(r, &size) || size != 1 ||
        !wrt_read_byte(r, &value) || value > 1)
        return false;
    out->is_likely = value == 1;
    return true;
}

enum wrt_status wrt_module_get_branch_hint(const struct wrt_module *module, uint32_t index,
                                           struct wrt_module_branch_hint *out)
{
    struct wrt_reader r = read_kept(module->branch_hints);
    struct wrt_module_branch_hint found = {0};
    uint32_t functions = 0, hints = 0;
    if (r.at == r.end || !wrt_read_u32(&r, &functions))
        return WRT_ERR_BOUNDS;
    for (; functions != 0; functions--) {
        if (!wrt_read_u32(&r, &found.function) || !wrt_read_u32(&r, &hints) ||
            found.function >= module->info.function_count)
            return WRT_ERR_BOUNDS;
        for (; hints != 0; hints--) {
            if (!read_hint(&r, &found))
                return WRT_ERR_BOUNDS;
            if (index-- == 0) {
                *out = found;
                return WRT_OK;
            }
        }
    }
    return WRT_ERR_BOUNDS;
}

struct wrt_bytes wrt_module_function_name(const struct wrt_module *module,
                                          uint32_t function_index)
{
    struct wrt_bytes name = {NULL, 0};
    if (find_in_name_section(module->name_section, function_index, &name))
        return name;
    for (uint32_t i = 0; i < module->info.export_count; i++)
        if (module->exports[i].kind == WRT_EXTERN_FUNCTION &&
            module->exports[i].index == function_index)
            return module->exports[i].name;
    return (struct wrt_bytes){NULL, 0};
}

uint32_t wrt_module_function_frame_slots(const struct wrt_module *module, uint32_t function_index)
{
    const struct wrt_module_info *info = &module->info;
    if (function_index < info->imported_function_count || function_index >= info->function_count)
        return 0;
    return module->codes[function_index - info->imported_function_count].frame_slots;
}
