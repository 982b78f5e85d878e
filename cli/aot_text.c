/* cli/aot_text.c - the functions in wasm2c's C, as aot/guest.h wants them; see aot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Works line by line, once broken lines are joined. wasm2c writes one statement a line, begins functions at the first column,
 * ends them by a line "}", and indents a loop's body below its label: that is all that is relied
 * on. In lines only identifiers that the dialect names are replaced.
 */
#include "aot.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct line {
    const char *text;
    size_t size;
};

/* The next line without its end; false at the end of the text. */
static bool next_line(const struct aot_buffer *source, size_t *at, struct line *out)
{
    if (*at >= source->size)
        return false;
    const char *text = source->data + *at;
    const char *end = memchr(text, '\n', source->size - *at);
    out->text = text;
    out->size = end != NULL ? (size_t)(end - text) : source->size - *at;
    *at += out->size + 1;
    return true;
}

static bool begins(const char *text, size_t size, const char *prefix)
{
    const size_t length = strlen(prefix);
    return size >= length && memcmp(text, prefix, length) == 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Is the identifier at `text` the prefix and a number? */
static bool is_numbered(const char *text, size_t size, const char *prefix, uint32_t *out)
{
    const size_t length = strlen(prefix);
    size_t at = length;
    uint32_t number = 0;
    if (!begins(text, size, prefix))
        return false;
    for (; at < size && isdigit((unsigned char)text[at]) && number < 100000000; at++)
        number = number * 10 + (uint32_t)(text[at] - '0');
    *out = number;
    return at > length && (at == size || !is_word(text[at]));
}

static size_t word_size(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && is_word(text[at]))
        at++;
    return at;
}

/* A function's head or prototype: a line at the first column that names it before its '('. */
static bool find_function(const struct aot_dialect *d, const struct line *line, uint32_t *out)
{
    const char *open = memchr(line->text, '(', line->size);
    if (open == NULL || line->size == 0 || !is_word(line->text[0]))
        return false;
    const char *start = open;
    while (start > line->text && is_word(start[-1]))
        start--;
    return is_numbered(start, (size_t)(open - start), d->function, out);
}

static bool ends_with(const struct line *line, char c)
{
    return line->size != 0 && line->text[line->size - 1] == c;
}

/* ---- one line ---- */

static void put_text(struct aot_buffer *out, const char *text)
{
    aot_put(out, text, strlen(text));
}

static bool put_segment_drop(const struct aot_dialect *d, const struct line *line,
                             struct aot_buffer *out)
{
    static const char before[] = "instance->";
    size_t at = 0;
    uint32_t index;
    while (at < line->size && line->text[at] == ' ')
        at++;
    const char *text = line->text + at;
    const size_t size = line->size - at;
    if (!begins(text, size, before) || memchr(text, '=', size) == NULL)
        return false;
    const char *name = text + sizeof before - 1;
    const size_t length = word_size(name, size - (sizeof before - 1));
    const bool is_data = is_numbered(name, length, d->data_dropped, &index);
    if (!is_data && !is_numbered(name, length, d->element_dropped, &index))
        return false;
    aot_printf(out, "  wrt_operate(instance, WRT_NATIVE_%s_DROP, 0, %u, 0, 0, 0);\n  WRT_CALLED;\n",
               is_data ? "DATA" : "ELEM", index);
    return true;
}

/* "(wasm_rt_funcref_t){…(wasm_rt_function_ptr_t)&NAME…}": what ref.func is. Returns its size. */
static size_t put_reference(const struct aot_dialect *d, const struct wrt_module *module,
                            const char *text, size_t size, struct aot_buffer *out)
{
    static const char open[] = "(wasm_rt_funcref_t){", cast[] = "(wasm_rt_function_ptr_t)";
    char import[32];
    uint32_t index;
    (void)module;
    if (!begins(text, size, open))
        return 0;
    size_t at = sizeof open - 1, depth = 1;
    size_t name = 0;
    for (; at < size && depth != 0; at++) {
        depth += text[at] == '{';
        depth -= text[at] == '}';
        if (begins(text + at, size - at, cast))
            name = at + sizeof cast - 1;
    }
    if (name == 0)
        return 0;
    name += text[name] == '&';
    snprintf(import, sizeof import, "%sf", d->imports);
    const size_t length = word_size(text + name, size - name);
    if (!is_numbered(text + name, length, import, &index) &&
        !is_numbered(text + name, length, d->function, &index))
        return 0;
    aot_printf(out, "wrt_function(instance, %u)", index);
    return at;
}

/* What begins with "(*instance->" or "instance->" and is not what it was. Returns its size. */
static size_t put_field(const struct aot_dialect *d, const char *text, size_t size,
                        struct aot_buffer *out)
{
    static const char arrow[] = "instance->";
    char table[32], memory[32];
    uint32_t index;
    const bool is_value = begins(text, size, "(*instance->");
    const size_t before = is_value ? 2 : 0;
    if (!is_value && !begins(text, size, arrow))
        return 0;
    const size_t start = before + sizeof arrow - 1;
    const size_t length = word_size(text + start, size - start);
    size_t used = start + length + (is_value ? 1 : 0);
    const char *name = text + start;
    snprintf(table, sizeof table, "%st", d->imports);
    snprintf(memory, sizeof memory, "%sm", d->imports);
    if (length == strlen(d->imports_instance) && begins(name, length, d->imports_instance)) {
        put_text(out, "instance");
        return used;
    }
    if (is_numbered(name, length, table, &index)) {
        aot_printf(out, is_value ? "instance->wrt_table%u" : "(&instance->wrt_table%u)", index);
        return used;
    }
    if (is_numbered(name, length, d->table, &index)) {
        aot_printf(out, "instance->wrt_table%u", index);
        return used;
    }
    if (is_numbered(name, length, d->element_dropped, &index)) {
        aot_printf(out, "WRT_DROPPED(%u)", index);
        return used;
    }
    if ((is_numbered(name, length, memory, &index) || is_numbered(name, length, d->memory, &index)) &&
        begins(text + used, size - used, ".pages")) {
        put_text(out, "((u32)(WRT_HEAD(instance)->memory_bytes >> 16))");
        return used + strlen(".pages");
    }
    return 0;
}

static void put_line(const struct aot_dialect *d, const struct wrt_module *module,
                     const struct line *line, struct aot_buffer *out)
{
    if (put_segment_drop(d, line, out))
        return;
    for (size_t at = 0; at < line->size;) {
        const char *text = line->text + at;
        const size_t size = line->size - at;
        size_t used = at == 0 || !is_word(text[-1]) ? put_field(d, text, size, out) : 0;
        if (used == 0)
            used = put_reference(d, module, text, size, out);
        if (used == 0) {
            used = word_size(text, size);
            used += used == 0;
            aot_put(out, text, used);
        }
        at += used;
    }
    put_text(out, "\n");
}

/* ---- functions ---- */

static size_t indent_of(const struct line *line)
{
    size_t at = 0;
    while (at < line->size && line->text[at] == ' ')
        at++;
    return at;
}

/* A loop's label, "  w2c_L0: ". */
static bool is_loop(const struct aot_dialect *d, const struct line *line)
{
    uint32_t number;
    const size_t at = indent_of(line);
    const char *colon = memchr(line->text, ':', line->size);
    if (colon == NULL || (colon + 1 < line->text + line->size && colon[1] == ';'))
        return false;
    return is_numbered(line->text + at, (size_t)(colon - line->text) - at, d->label, &number);
}

enum { MAX_LOOPS = 256 };

/* Statements from `at` on that belong to this level: not those of loops inside. Ends where the
 * indentation is back at `indent`, or at the function's end. */
static uint32_t cost_of(const struct aot_dialect *d, const struct aot_buffer *source, size_t at,
                        size_t indent, bool is_function)
{
    uint32_t cost = 0;
    size_t inner = 0; /* indentation of the loop that is left out; 0: none */
    struct line line;
    while (next_line(source, &at, &line)) {
        const size_t here = indent_of(&line);
        if (line.size == 0 || (here <= indent && !is_function) || line.text[0] == '}')
            break;
        if (inner != 0 && here > inner)
            continue;
        inner = is_loop(d, &line) ? here : 0;
        cost += ends_with(&line, ';') || ends_with(&line, '}');
    }
    return cost != 0 ? cost : 1;
}

/* Does the line call a function, or refer to one? */
static bool has_call(const struct aot_dialect *d, const struct line *line)
{
    char import[32];
    uint32_t index;
    snprintf(import, sizeof import, "%sf", d->imports);
    for (size_t at = 0; at < line->size;) {
        const char *text = line->text + at;
        const size_t size = word_size(text, line->size - at);
        if (is_numbered(text, size, d->function, &index) ||
            is_numbered(text, size, import, &index) || begins(text, size, "CALL_INDIRECT"))
            return true;
        at += size + (size == 0);
    }
    return false;
}

/* Calls nothing: neither directly, nor by a table, nor an import. */
static bool is_leaf(const struct aot_dialect *d, const struct aot_buffer *source, size_t at)
{
    struct line line;
    while (next_line(source, &at, &line) && (line.size == 0 || line.text[0] != '}'))
        if (has_call(d, &line))
            return false;
    return true;
}

static void put_body(const struct aot_dialect *d, const struct wrt_module *module,
                     const struct aot_buffer *source, size_t *at, struct aot_buffer *out)
{
    struct line line;
    const uint32_t cost = cost_of(d, source, *at, 0, true);
    const bool calls = !is_leaf(d, source, *at);
    while (next_line(source, at, &line)) {
        const size_t indent = indent_of(&line);
        if (begins(line.text + indent, line.size - indent, "FUNC_PROLOGUE;")) {
            aot_printf(out, "  %s(%u);\n", calls ? "WRT_ENTER" : "WRT_ENTER_LEAF", cost);
            continue;
        }
        if (is_loop(d, &line)) {
            aot_put(out, line.text, line.size);
            aot_printf(out, "; WRT_LOOP(%u);\n", cost_of(d, source, *at, indent, false));
            continue;
        }
        put_line(d, module, &line, out);
        if (has_call(d, &line))
            put_text(out, "  WRT_CALLED;\n");
        if (line.size != 0 && line.text[0] == '}')
            return;
    }
}

static bool is_head(const struct aot_dialect *d, const struct line *line)
{
    uint32_t index;
    return ends_with(line, '{') && find_function(d, line, &index);
}

void aot_put_bodies(const struct aot_dialect *d, const struct wrt_module *module,
                    const struct aot_buffer *source, struct aot_buffer *out)
{
    struct line line;
    for (size_t at = 0; next_line(source, &at, &line);) {
        if (!is_head(d, &line))
            continue;
        aot_put(out, line.text, line.size);
        put_text(out, "\n");
        put_body(d, module, source, &at, out);
    }
}

/* wasm2c breaks long lists of parameters behind a comma. */
void aot_join_lines(struct aot_buffer *source)
{
    char last = '\0';
    for (size_t at = 0; at < source->size; at++) {
        char *here = source->data + at;
        if (*here == '\n' && last == ',')
            *here = ' ';
        if (*here != ' ')
            last = *here;
    }
}

uint32_t aot_count_bodies(const struct aot_dialect *d, const struct aot_buffer *source)
{
    uint32_t count = 0;
    struct line line;
    for (size_t at = 0; next_line(source, &at, &line);)
        count += is_head(d, &line);
    return count;
}

void aot_put_prototypes(const struct aot_dialect *d, const char *symbol,
                        const struct aot_buffer *source, struct aot_buffer *out)
{
    struct line line;
    uint32_t index;
    for (size_t at = 0; next_line(source, &at, &line);) {
        if (!ends_with(&line, ';') || !begins(line.text, line.size, "static ") ||
            !find_function(d, &line, &index))
            continue;
        put_text(out, "WRT_TEXT ");
        aot_put(out, line.text, line.size - 1);
        aot_printf(out, " __asm__(\"%s.%s%u\");\n", symbol, d->function, index);
    }
}

/* The structs of several results: from "#ifndef wasm_multi_…" to its #endif. */
void aot_put_results(const struct aot_buffer *header, struct aot_buffer *out)
{
    struct line line;
    bool inside = false;
    for (size_t at = 0; next_line(header, &at, &line);) {
        inside = inside || begins(line.text, line.size, "#ifndef wasm_multi_");
        if (!inside)
            continue;
        aot_put(out, line.text, line.size);
        put_text(out, "\n");
        inside = !begins(line.text, line.size, "#endif");
    }
}
