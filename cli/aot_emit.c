/* cli/aot_emit.c - the C file that the compiler gets; see aot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The ABI, the runtime for wasm2c's text, the instance's struct, imports, wasm2c's functions, and
 * the object that the engine finds all of it by.
 */
#include "aot.h"

#include <string.h>

#include "aot_embedded.h"

struct emit {
    const struct wrt_module *module;
    const struct aot_dialect *d;
    const struct aot_options *options;
    struct wrt_module_info info;
    struct aot_buffer *out;
};

/* C type, member of a slot, and letter in the names of several results. */
struct spelling {
    const char *type, *member;
    char letter;
};

static struct spelling spell(wrt_type type)
{
    switch (type) {
    case WRT_I32: return (struct spelling){"u32", "i32", 'i'};
    case WRT_I64: return (struct spelling){"u64", "i64", 'j'};
    case WRT_F32: return (struct spelling){"f32", "f32", 'f'};
    case WRT_F64: return (struct spelling){"f64", "f64", 'd'};
    case WRT_V128: return (struct spelling){"v128", NULL, 'o'};
    case WRT_FUNCREF: return (struct spelling){"wasm_rt_funcref_t", "function", 'r'};
    default: return (struct spelling){"wasm_rt_externref_t", "external", 'e'};
    }
}

static void text(struct emit *e, const char *string)
{
    aot_put(e->out, string, strlen(string));
}

static void put_result_type(struct emit *e, const struct wrt_function_type *type)
{
    if (type->result_count == 0)
        text(e, "void");
    else if (type->result_count == 1)
        text(e, spell(type->results[0]).type);
    else
        text(e, "struct wasm_multi_");
    for (uint32_t i = 0; type->result_count > 1 && i < type->result_count; i++)
        aot_printf(e->out, "%c", spell(type->results[i]).letter);
}

static void put_parameters(struct emit *e, const struct wrt_function_type *type, bool named)
{
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        aot_printf(e->out, ", %s", spell(type->parameters[i]).type);
        if (named)
            aot_printf(e->out, " a%u", i);
    }
}

/* A vector stands in two slots, as in a guest's memory. */
static uint32_t slots_of(wrt_type type)
{
    return type == WRT_V128 ? 2 : 1;
}

static uint32_t count_slots(const wrt_type *types, uint32_t count)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < count; i++)
        slots += slots_of(types[i]);
    return slots;
}

static void put_store(struct emit *e, wrt_type type, uint32_t slot, const char *name)
{
    if (type == WRT_FUNCREF)
        aot_printf(e->out, "  s[%u].i64 = %s.bits;\n", slot, name);
    else if (type == WRT_V128)
        aot_printf(e->out, "  WRT_PUT_VECTOR(s + %u, %s);\n", slot, name);
    else
        aot_printf(e->out, "  s[%u].%s = %s;\n", slot, spell(type).member, name);
}

static void put_value(struct emit *e, wrt_type type, uint32_t slot)
{
    if (type == WRT_FUNCREF)
        aot_printf(e->out, "(wasm_rt_funcref_t){.bits = s[%u].i64}", slot);
    else if (type == WRT_V128)
        aot_printf(e->out, "WRT_GET_VECTOR(s + %u)", slot);
    else
        aot_printf(e->out, "s[%u].%s", slot, spell(type).member);
}

/* The variable r, or its member of several results. */
static void name_result(const struct wrt_function_type *type, uint32_t index, char name[24])
{
    if (type->result_count > 1)
        snprintf(name, 24, "r.%c%u", spell(type->results[index]).letter, index);
    else
        snprintf(name, 24, "r");
}

/* Arguments into slots s[], with room for the results. */
static void put_slots(struct emit *e, const struct wrt_function_type *type)
{
    const uint32_t in = count_slots(type->parameters, type->parameter_count);
    const uint32_t out = count_slots(type->results, type->result_count);
    aot_printf(e->out, "  union wrt_native_slot s[%u];\n", (in > out ? in : out) + 1);
    for (uint32_t i = 0, slot = 0; i < type->parameter_count; i++) {
        char name[24];
        snprintf(name, sizeof name, "a%u", i);
        put_store(e, type->parameters[i], slot, name);
        slot += slots_of(type->parameters[i]);
    }
}

static void put_return(struct emit *e, const struct wrt_function_type *type)
{
    if (type->result_count == 0)
        return;
    text(e, "  ");
    put_result_type(e, type);
    text(e, " r;\n");
    for (uint32_t i = 0, slot = 0; i < type->result_count; i++) {
        char name[24];
        name_result(type, i, name);
        aot_printf(e->out, "  %s = ", name);
        put_value(e, type->results[i], slot);
        text(e, ";\n");
        slot += slots_of(type->results[i]);
    }
    text(e, "  return r;\n");
}

/* ---- the instance ---- */

static const char *global_type(struct emit *e, uint32_t index)
{
    struct wrt_extern_type type = {0};
    (void)!wrt_module_get_item(e->module, WRT_EXTERN_GLOBAL, index, &type);
    return type.global.content == WRT_V128 ? "wrt_global_vector" : spell(type.global.content).type;
}

static void put_struct(struct emit *e)
{
    const struct aot_dialect *d = e->d;
    text(e, "struct wrt_guest {\n  struct wrt_native_guest head;\n");
    for (uint32_t g = 0; g < e->info.imported_global_count; g++)
        aot_printf(e->out, "  %s *%sg%u;\n", global_type(e, g), d->imports, g);
    for (uint32_t g = e->info.imported_global_count; g < e->info.global_count; g++)
        aot_printf(e->out, "  union { %s %s%u; char wrt_room%u[WRT_NATIVE_GLOBAL_BYTES]; u64 "
                   "wrt_align%u; };\n", global_type(e, g), d->global, g, g, g);
    for (uint32_t t = 0; t < e->info.table_count; t++)
        aot_printf(e->out, "  struct wrt_table_view wrt_table%u;\n", t);
    aot_printf(e->out, "};\ntypedef struct wrt_guest %s;\n", d->instance_type);
    text(e, "static void wrt_setup(void *guest)\n{\n  struct wrt_guest *instance = guest;\n"
            "  (void)instance;\n");
    for (uint32_t g = 0; g < e->info.imported_global_count; g++)
        aot_printf(e->out, "  instance->%sg%u = (%s *)instance->head.globals[%u];\n", d->imports,
                   g, global_type(e, g), g);
    text(e, "}\n");
}

/* The first type that is equal: what the engine compares. */
static uint32_t canonical(struct emit *e, uint32_t index)
{
    struct wrt_function_type wanted, type;
    if (wrt_module_get_type(e->module, index, &wanted) != WRT_OK)
        return index;
    for (uint32_t t = 0; t < index; t++)
        if (wrt_module_get_type(e->module, t, &type) == WRT_OK &&
            type.parameter_count == wanted.parameter_count &&
            type.result_count == wanted.result_count &&
            (type.parameter_count == 0 ||
             memcmp(type.parameters, wanted.parameters,
                    type.parameter_count * sizeof *type.parameters) == 0) &&
            (type.result_count == 0 || memcmp(type.results, wanted.results,
                                              type.result_count * sizeof *type.results) == 0))
            return t;
    return index;
}

static void put_numbers(struct emit *e)
{
    const struct aot_dialect *d = e->d;
    text(e, "enum {\n");
    for (uint32_t t = 0; t < e->info.type_count; t++)
        aot_printf(e->out, "  WRT_TYPE_%s%u = %u,\n", d->type, t, canonical(e, t));
    for (uint32_t s = 0; s < e->info.data_segment_count; s++)
        aot_printf(e->out, "  WRT_SEGMENT_%s%u = %u,\n", d->data, s, s);
    for (uint32_t s = 0; s < e->info.element_segment_count; s++)
        aot_printf(e->out, "  WRT_SEGMENT_%s%u = %u,\n", d->element, s, s);
    text(e, "  WRT_LAST\n};\n");
}

/* ---- between the module and the engine ---- */

static void put_import(struct emit *e, uint32_t index)
{
    struct wrt_extern_type type = {0};
    (void)!wrt_module_get_item(e->module, WRT_EXTERN_FUNCTION, index, &type);
    text(e, "static __attribute__((noinline)) ");
    put_result_type(e, &type.function);
    aot_printf(e->out, " %sf%u(struct wrt_guest *instance", e->d->imports, index);
    put_parameters(e, &type.function, true);
    text(e, ")\n{\n");
    put_slots(e, &type.function);
    aot_printf(e->out, "  wrt_call(instance, wrt_function(instance, %u).func, s);\n", index);
    put_return(e, &type.function);
    text(e, "}\n");
}

static void put_bridge(struct emit *e, uint32_t index)
{
    struct wrt_function_type type;
    if (wrt_module_get_type(e->module, index, &type) != WRT_OK)
        return;
    text(e, "WRT_COLD ");
    put_result_type(e, &type);
    aot_printf(e->out, " wrt_bridge_%s%u(struct wrt_guest *instance, u32 table, u32 at",
               e->d->type, index);
    put_parameters(e, &type, true);
    text(e, ")\n{\n");
    put_slots(e, &type);
    aot_printf(e->out, "  wrt_call(instance, wrt_indirect(instance, table, at, WRT_TYPE_%s%u), "
               "s);\n", e->d->type, index);
    put_return(e, &type);
    text(e, "}\n");
}

static void put_entry(struct emit *e, uint32_t index)
{
    struct wrt_function_type type;
    if (canonical(e, index) != index || wrt_module_get_type(e->module, index, &type) != WRT_OK)
        return;
    aot_printf(e->out, "static void wrt_entry%u(void *guest, void (*code)(void), "
               "union wrt_native_slot *s)\n{\n  ", index);
    if (type.result_count != 0) {
        put_result_type(e, &type);
        text(e, " r = ");
    }
    text(e, "((");
    put_result_type(e, &type);
    text(e, " (*)(struct wrt_guest *");
    put_parameters(e, &type, false);
    text(e, "))code)(guest");
    for (uint32_t i = 0, slot = 0; i < type.parameter_count; i++) {
        text(e, ", ");
        put_value(e, type.parameters[i], slot);
        slot += slots_of(type.parameters[i]);
    }
    text(e, ");\n");
    for (uint32_t i = 0, slot = 0; i < type.result_count; i++) {
        char name[24];
        name_result(&type, i, name);
        put_store(e, type.results[i], slot, name);
        slot += slots_of(type.results[i]);
    }
    text(e, "}\n");
}

static uint32_t type_of(struct emit *e, uint32_t function)
{
    struct wrt_extern_type type;
    struct wrt_function_type other;
    if (wrt_module_get_item(e->module, WRT_EXTERN_FUNCTION, function, &type) != WRT_OK)
        return 0;
    for (uint32_t t = 0; t < e->info.type_count; t++)
        if (wrt_module_get_type(e->module, t, &other) == WRT_OK &&
            other.parameters == type.function.parameters && other.results == type.function.results &&
            other.parameter_count == type.function.parameter_count &&
            other.result_count == type.function.result_count)
            return canonical(e, t);
    return 0;
}

/* ---- the object ---- */

static void put_module(struct emit *e, struct wrt_bytes bytes)
{
    text(e, "static const unsigned char wrt_module[] "
            "__attribute__((section(\"wrt_native_module\"), used)) =");
    for (size_t i = 0; i < bytes.size_bytes; i++)
        aot_printf(e->out, "%s\\%03o%s", i % 64 == 0 ? "\n\"" : "", bytes.data[i],
                   i % 64 == 63 || i + 1 == bytes.size_bytes ? "\"" : "");
    text(e, ";\n");
}

static void put_string(struct emit *e, const char *name, const char *value, size_t most)
{
    aot_printf(e->out, "  .%s = \"", name);
    for (size_t i = 0; value[i] != '\0' && i + 1 < most; i++)
        if (value[i] == '"' || value[i] == '\\' || value[i] == '?' || (unsigned char)value[i] < 32)
            aot_printf(e->out, "\\%03o", (unsigned char)value[i]);
        else
            aot_printf(e->out, "%c", value[i]);
    text(e, "\",\n");
}

static void put_info(struct emit *e, struct wrt_bytes bytes)
{
    const struct aot_options *o = e->options;
    uint8_t digest[32];
    wrt_native_hash(bytes.data, bytes.size_bytes, digest);
    text(e, "static const struct wrt_native_info wrt_info "
            "__attribute__((section(WRT_NATIVE_SECTION), used, aligned(16))) = {\n"
            "  .magic = WRT_NATIVE_MAGIC, .abi = WRT_NATIVE_ABI,\n"
            "  .info_bytes = sizeof(struct wrt_native_info), .pointer_bits = 8 * sizeof(void *),\n");
    aot_printf(e->out, "  .memory_mode = %u, .stop_mode = %u, .frame_bytes = %u,\n",
               o->memory_mode, o->stop_mode, (unsigned)AOT_FRAME_BYTES);
    aot_printf(e->out, "  .module_bytes = %zu,\n  .module_sha256 = {", bytes.size_bytes);
    for (size_t i = 0; i < sizeof digest; i++)
        aot_printf(e->out, "%u,", digest[i]);
    text(e, "},\n");
    put_string(e, "target", o->target, 32);
    put_string(e, "compiler", o->compiler, 96);
    put_string(e, "translator", o->translator, 64);
    put_string(e, "options", o->options, 192);
    text(e, "};\n");
}

/* A function that only functions of the module call is found by its label, for backtraces: a
 * pointer to it would keep the compiler from putting it into the only function that calls it.
 * There may be none left, so the label is weak; it carries the object's name, because weak labels
 * of two objects in one image would become one. */
static void put_codes(struct emit *e, const struct aot_buffer *known)
{
    const struct wrt_module_info *i = &e->info;
    for (uint32_t f = i->imported_function_count; f < i->function_count; f++)
        if (known->data[f] == 0)
            aot_printf(e->out, "extern void wrt_label%u(void) __asm__(\"%s.%s%u\") "
                       "__attribute__((weak));\n__asm__(\".hidden %s.%s%u\");\n", f,
                       e->options->symbol, e->d->function, f, e->options->symbol, e->d->function,
                       f);
    text(e, "static void (*const wrt_codes[])(void) = {\n");
    for (uint32_t f = i->imported_function_count; f < i->function_count; f++)
        if (known->data[f] == 0)
            aot_printf(e->out, "  wrt_label%u,\n", f);
        else
            aot_printf(e->out, "  (void (*)(void))%s%u,\n", e->d->function, f);
    text(e, "  0\n};\n");
}

static void put_object(struct emit *e)
{
    const struct wrt_module_info *i = &e->info;
    const uint32_t own = i->function_count - i->imported_function_count;
    text(e, "static wrt_native_entry *const wrt_entries[] = {\n");
    for (uint32_t f = i->imported_function_count; f < i->function_count; f++)
        aot_printf(e->out, "  wrt_entry%u,\n", type_of(e, f));
    text(e, "  0\n};\n"
            "extern const char wrt_text_start[] __asm__(\"__start_wrt_native_text\") "
            "__attribute__((visibility(\"hidden\"), weak));\n"
            "extern const char wrt_text_end[] __asm__(\"__stop_wrt_native_text\") "
            "__attribute__((visibility(\"hidden\"), weak));\n");
    aot_printf(e->out, "__attribute__((visibility(\"default\")))\n"
               "const struct wrt_native_object %s = {\n"
               "  .info = &wrt_info, .module = wrt_module, .type_count = %u,\n"
               "  .imported_function_count = %u, .function_count = %u, .table_count = %u,\n"
               "  .imported_global_count = %u, .global_count = %u,\n"
               "  .guest_bytes = sizeof(struct wrt_guest),\n", e->options->symbol, i->type_count,
               i->imported_function_count, own, i->table_count, i->imported_global_count,
               i->global_count - i->imported_global_count);
    if (i->global_count > i->imported_global_count)
        aot_printf(e->out, "  .globals_offset = offsetof(struct wrt_guest, %s%u),\n",
                   e->d->global, i->imported_global_count);
    if (i->table_count != 0)
        text(e, "  .tables_offset = offsetof(struct wrt_guest, wrt_table0),\n");
    text(e, "  .setup = wrt_setup, .codes = wrt_codes, .entries = wrt_entries,\n"
            "  .text_start = wrt_text_start, .text_end = wrt_text_end,\n};\n");
}

bool aot_emit(const struct wrt_module *module, struct wrt_bytes bytes,
              const struct aot_dialect *dialect, const struct aot_options *options,
              const struct aot_buffer *header, const struct aot_buffer *source,
              struct aot_buffer *out, const char **why)
{
    struct emit e = {.module = module, .d = dialect, .options = options, .out = out};
    wrt_module_get_info(module, &e.info);
    struct aot_buffer known = {0};
    *why = "the module's sections cannot be read";
    if (!aot_mark_known(module, bytes, &known)) {
        aot_free(&known);
        return false;
    }
    *why = "what it wrote is not what its version writes";
    if (aot_count_bodies(dialect, source) !=
        e.info.function_count - e.info.imported_function_count) {
        aot_free(&known);
        return false;
    }
    aot_printf(out, "#define WRT_MEMORY %u\n#define WRT_STOP %u\n", options->memory_mode,
               options->stop_mode);
    aot_put(out, aot_embedded_abi, sizeof aot_embedded_abi - 1);
    aot_put(out, aot_embedded_guest, sizeof aot_embedded_guest - 1);
    if ((e.info.features & WRT_FEATURE_BIT(SIMD)) != 0)
        aot_put(out, aot_embedded_vector, sizeof aot_embedded_vector - 1);
    aot_put_results(header, out);
    put_struct(&e);
    put_numbers(&e);
    aot_put_prototypes(dialect, options->symbol, source, out);
    for (uint32_t f = 0; f < e.info.imported_function_count; f++)
        put_import(&e, f);
    for (uint32_t t = 0; t < e.info.type_count; t++)
        put_bridge(&e, t);
    aot_put_bodies(dialect, options->stop_mode, &known, source, out);
    for (uint32_t t = 0; t < e.info.type_count; t++)
        put_entry(&e, t);
    put_module(&e, bytes);
    put_info(&e, bytes);
    put_codes(&e, &known);
    put_object(&e);
    aot_free(&known);
    *why = "memory ran out";
    return !out->failed;
}
