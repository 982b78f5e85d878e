/* cli/aot_text.c - the functions in wasm2c's C, as aot/guest.h wants them; see aot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Works line by line, once broken lines are joined. wasm2c writes one statement a line, begins functions at the first column,
 * ends them by a line "}", and indents a loop's body below its label: that is all that is relied
 * on. In lines only identifiers that the dialect names are replaced.
 */
#include "aot.h"

#include <ctype.h>
#include <inttypes.h>
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
static size_t put_reference(const struct aot_dialect *d, const char *text, size_t size,
                            struct aot_buffer *out)
{
    static const char open[] = "(wasm_rt_funcref_t){", cast[] = "(wasm_rt_function_ptr_t)";
    char import[32];
    uint32_t index;
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

/* "v128_load8_lane3(" gets its lane as an argument, and the names that wasm2c has for SIMDe's are
 * SIMDe's. Returns the size of what was put. */
static size_t put_vector(const char *text, size_t size, struct aot_buffer *out)
{
    static const char vector[] = "v128_", lane[] = "_lane";
    const size_t length = word_size(text, size), start = sizeof vector - 1;
    if (!begins(text, length, vector) || length < start + 2)
        return 0;
    if (isdigit((unsigned char)text[start + 1])) { /* a shape: v128_i8x16_… */
        aot_printf(out, "simde_wasm_%.*s", (int)(length - start), text + start);
        return length;
    }
    size_t name = length;
    while (isdigit((unsigned char)text[name - 1]))
        name--;
    if (name == length || name < sizeof lane || length == size || text[length] != '(' ||
        memcmp(text + name - (sizeof lane - 1), lane, sizeof lane - 1) != 0)
        return 0;
    aot_printf(out, "%.*s(%.*s, ", (int)name, text, (int)(length - name), text + name);
    return length + 1;
}

static void put_line(const struct aot_dialect *d, const struct line *line,
                     struct aot_buffer *out)
{
    if (put_segment_drop(d, line, out))
        return;
    for (size_t at = 0; at < line->size;) {
        const char *text = line->text + at;
        const size_t size = line->size - at;
        size_t used = at == 0 || !is_word(text[-1]) ? put_field(d, text, size, out) : 0;
        if (used == 0)
            used = put_reference(d, text, size, out);
        if (used == 0)
            used = put_vector(text, size, out);
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

/* What is known of a function before its text is written, two bytes: its kind, and what those who call
 * it pay for it: so it needs not pay itself. That is for small ones that only the module itself calls,
 * by name; 0: it pays itself. */
enum { LEAF, NO_LEAF, FACTS = 2, MAX_PAID = 250 };

static bool find_fact(const struct aot_buffer *facts, uint32_t index, int which, uint8_t *out)
{
    const size_t at = (size_t)index * FACTS + (size_t)which;
    if (at >= facts->size)
        return false;
    *out = (uint8_t)facts->data[at];
    return true;
}

static uint32_t cost_of_callees(const struct aot_dialect *d, const struct line *line,
                                const struct aot_buffer *facts)
{
    uint32_t cost = 0, index;
    for (size_t at = 0; at < line->size;) {
        const size_t size = word_size(line->text + at, line->size - at);
        uint8_t paid = 0;
        if (is_numbered(line->text + at, size, d->function, &index) &&
            find_fact(facts, index, 1, &paid))
            cost += paid;
        at += size + (size == 0);
    }
    return cost;
}

/* Statements from `at` on that belong to this level: not those of loops inside. Ends where the
 * indentation is back at `indent`, or at the function's end. */
static uint32_t cost_of(const struct aot_dialect *d, const struct aot_buffer *source, size_t at,
                        size_t indent, bool is_function, const struct aot_buffer *facts)
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
        cost += cost_of_callees(d, &line, facts);
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

/* ---- loops ----
 *
 * A look at a flag in each turn costs most where a loop is short, and keeps the compiler from making
 * one move or vectors of it. So, by what can be told from the text:
 *
 *   whole     ends after a known number of turns and nowhere else: paid when it begins, no look
 *   short     ends after at most a known number of turns, soon: no look
 *   unrolled  calls nothing and has no loop inside: its body COPIES times, the first of them looks
 *   calling   begins with a call of a function that looks: fuel in each turn
 *   each      a look, and fuel, in each turn
 *
 * A short loop is unrolled where fuel is counted. Unrolling is of use also where nothing looks: what
 * may trap keeps the compiler from doing it. */
enum loop_kind { LOOP_EACH, LOOP_CALLING, LOOP_UNROLLED, LOOP_SHORT, LOOP_WHOLE };

enum {
    COPIES = 4,
    MAX_TEXT = 32768,         /* bytes of a body that is looked at at all */
    MAX_UNROLLED = 96,        /* statements: longer bodies pay for their look */
    MAX_WHOLE = 1 << 18,      /* statements of all turns: a part of the engine's slice of fuel */
    MAX_SHORT = 1 << 24       /* the same: some milliseconds */
};

struct loop {
    enum loop_kind kind;
    uint32_t label, cost;
    size_t indent, from, to; /* its body in the text */
    uint64_t turns;          /* at most; 0: unknown */
};

static size_t end_of_loop(const struct aot_buffer *source, size_t at, size_t indent)
{
    struct line line;
    for (size_t here = at; next_line(source, &here, &line); at = here)
        if (line.size != 0 && indent_of(&line) <= indent)
            break;
    return at;
}

static bool contains(const struct line *line, const char *wanted)
{
    for (size_t at = 0; at < line->size; at++)
        if (begins(line->text + at, line->size - at, wanted))
            return true;
    return false;
}

static bool has_word(const struct line *line, const char *wanted)
{
    for (size_t at = 0; at < line->size;) {
        const size_t size = word_size(line->text + at, line->size - at);
        if (size != 0 && size == strlen(wanted) && begins(line->text + at, size, wanted))
            return true;
        at += size + (size == 0);
    }
    return false;
}

/* What the engine does may take long, and looks at fuel of its own. */
static bool has_operation(const struct line *line)
{
    static const char *const words[] = {"memory_", "wasm_rt_grow_", "funcref_table_",
                                        "externref_table_"};
    for (size_t at = 0; at < line->size;) {
        const size_t size = word_size(line->text + at, line->size - at);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (begins(line->text + at, size, words[i]))
                return true;
        at += size + (size == 0);
    }
    return contains(line, "_dropped");
}

/* Is "goto LABEL", whose label stands at `text`, inside of the loop? */
static bool is_inside(const struct aot_buffer *source, const struct loop *loop, const char *text,
                      size_t size)
{
    struct line line;
    for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);) {
        const size_t indent = indent_of(&line);
        if (line.size > indent + size && memcmp(line.text + indent, text, size) == 0 &&
            line.text[indent + size] == ':')
            return true;
    }
    return false;
}

static size_t goto_target(const char *text, size_t size)
{
    static const char jump[] = "goto ";
    return begins(text, size, jump) ? word_size(text + sizeof jump - 1, size - (sizeof jump - 1))
                                    : 0;
}

/* Jumps back to the loop's label; and those to outside of the loop. */
static void count_jumps(const struct aot_dialect *d, const struct aot_buffer *source,
                        const struct loop *loop, uint32_t *out_back, uint32_t *out_out)
{
    struct line line;
    *out_back = *out_out = 0;
    for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);)
        for (size_t i = 0; i < line.size; i++) {
            const size_t size = goto_target(line.text + i, line.size - i);
            const char *name = line.text + i + 5;
            uint32_t label;
            if (size != 0 && is_numbered(name, size, d->label, &label) && label == loop->label)
                ++*out_back;
            else if (size != 0 && !is_inside(source, loop, name, size))
                ++*out_out;
        }
}

/* The line is "VARIABLE = NUMBERu;". */
static bool is_constant(const struct aot_dialect *d, const struct line *line, char kind,
                        uint32_t index, uint32_t *out)
{
    char text[64];
    int used = 0;
    const size_t indent = indent_of(line), size = line->size - indent;
    if (size >= sizeof text)
        return false;
    memcpy(text, line->text + indent, size);
    text[size] = '\0';
    char name[32];
    snprintf(name, sizeof name, "%.*s%c%u = ", (int)(strlen(d->label) - 1), d->label, kind, index);
    if (!begins(text, size, name) || !isdigit((unsigned char)text[strlen(name)]))
        return false;
    return sscanf(text + strlen(name), "%" SCNu32 "u;%n", out, &used) == 1 && used != 0 &&
           strlen(name) + (size_t)used == size;
}

/* The line is `format`, where $ is the prefix of variables and # the number of this one. */
static bool is_line(const struct aot_dialect *d, const struct line *line, const char *format,
                    uint32_t variable)
{
    char text[96];
    size_t at = 0;
    for (; *format != '\0' && at + 32 < sizeof text; format++)
        if (*format == '$')
            at += (size_t)snprintf(text + at, 24, "%.*s", (int)(strlen(d->label) - 1), d->label);
        else if (*format == '#')
            at += (size_t)snprintf(text + at, 12, "%u", variable);
        else
            text[at++] = *format;
    const size_t indent = indent_of(line);
    return line->size - indent == at && memcmp(line->text + indent, text, at) == 0;
}

enum { TAIL = 8 };

/* The last lines before `end`, newest last; fewer at the text's begin. */
static void last_lines(const struct aot_buffer *source, size_t end, struct line lines[TAIL])
{
    memset(lines, 0, TAIL * sizeof *lines);
    for (size_t n = TAIL; n-- > 0 && end != 0;) {
        size_t start = --end; /* at the line's '\n' */
        while (start > 0 && source->data[start - 1] != '\n')
            start--;
        lines[n] = (struct line){source->data + start, end - start};
        end = start;
    }
}

static uint32_t count_assignments(const struct aot_dialect *d, const struct aot_buffer *source,
                                  const struct loop *loop, uint32_t variable)
{
    char name[32];
    uint32_t count = 0;
    struct line line;
    const int size = snprintf(name, sizeof name, "%.*sl%u", (int)(strlen(d->label) - 1), d->label,
                              variable);
    for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);) {
        const size_t indent = indent_of(&line), length = line.size - indent;
        count += begins(line.text + indent, length, name) && length > (size_t)size + 1 &&
                 contains(&line, " = ") &&
                 !is_word(line.text[indent + (size_t)size]);
    }
    return count;
}

/* How often at most a loop turns that begins behind "l = FIRST", and ends with "l += STEP" and "if
 * (l)" or "if (l != LAST)": clang's way to count. 0: not told. */
static uint64_t count_turns(const struct aot_dialect *d, const struct aot_buffer *source,
                            const struct loop *loop, size_t head)
{
    struct line before[TAIL], tail[TAIL];
    uint32_t variable, first, step, last = 0, backs, outs;
    char local[32], back[32];
    snprintf(local, sizeof local, "%.*sl", (int)(strlen(d->label) - 1), d->label);
    snprintf(back, sizeof back, "if ($i0) {goto $L%u;}", loop->label);
    last_lines(source, head, before);
    last_lines(source, loop->to, tail);
    count_jumps(d, source, loop, &backs, &outs);
    const struct line *set = &before[TAIL - 1], *end = &tail[TAIL - 1];
    const size_t indent = indent_of(set);
    const size_t length = word_size(set->text + indent, set->size - indent);
    if (length == 0 || !is_numbered(set->text + indent, length, local, &variable) ||
        !is_line(d, set, "$l# = $i0;", variable) || !is_constant(d, set - 1, 'i', 0, &first) ||
        !is_line(d, end, back, 0))
        return 0;
    if (is_line(d, end - 1, "$i0 = $i0 != $i1;", 0) && is_constant(d, end - 2, 'i', 1, &last))
        end -= 2;
    if (!is_line(d, end - 1, "$l# = $i0;", variable) || !is_line(d, end - 2, "$i0 += $i1;", 0) ||
        !is_constant(d, end - 3, 'i', 1, &step) || !is_line(d, end - 4, "$i0 = $l#;", variable) ||
        count_assignments(d, source, loop, variable) != 1 || step == 0 || backs != 1)
        return 0;
    const bool is_down = step > UINT32_MAX / 2;
    const uint32_t way = is_down ? first - last : last - first, pace = is_down ? 0 - step : step;
    return way != 0 && way % pace == 0 ? way / pace : 0;
}

/* Begins, before any jump, with a call of a function that looks for a stop. */
static bool begins_with_call(const struct aot_dialect *d, const struct aot_buffer *source,
                             const struct loop *loop, const struct aot_buffer *facts)
{
    struct line line;
    for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);) {
        if (has_word(&line, "goto") || has_word(&line, "if") || has_word(&line, "switch") ||
            memchr(line.text, ':', line.size) != NULL || memchr(line.text, '?', line.size) != NULL)
            return false;
        for (size_t i = 0; i < line.size;) {
            uint32_t index;
            const size_t size = word_size(line.text + i, line.size - i), end = i + size;
            uint8_t kind = LEAF;
            if (is_numbered(line.text + i, size, d->function, &index) && end < line.size &&
                line.text[end] == '(' && /* not ref.func, which only names it */
                find_fact(facts, index, 0, &kind) && kind == NO_LEAF)
                return true;
            i = end + (size == 0);
        }
    }
    return false;
}

/* Calls nothing, has no loop inside and nothing that the engine does. */
static bool is_plain(const struct aot_dialect *d, const struct aot_buffer *source,
                     const struct loop *loop)
{
    struct line line;
    for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);)
        if (is_loop(d, &line) || has_call(d, &line) || has_operation(&line))
            return false;
    return true;
}

static enum loop_kind kind_of(const struct aot_dialect *d, const struct aot_buffer *source,
                              const struct loop *loop, const struct aot_buffer *facts,
                              uint32_t stop_mode)
{
    uint32_t backs, outs = 0;
    if (loop->turns != 0)
        count_jumps(d, source, loop, &backs, &outs);
    if (loop->turns != 0 && loop->turns * loop->cost <= MAX_WHOLE && outs == 0)
        return LOOP_WHOLE;
    if (loop->turns != 0 && loop->turns * loop->cost <= MAX_SHORT &&
        stop_mode != AOT_STOP_FUEL)
        return LOOP_SHORT;
    if (loop->cost <= MAX_UNROLLED && loop->to - loop->from <= MAX_TEXT && is_plain(d, source, loop))
        return LOOP_UNROLLED;
    return begins_with_call(d, source, loop, facts) ? LOOP_CALLING : LOOP_EACH;
}

/* The loop whose label stands in `line`, and its body from `at` on. */
static struct loop find_loop(const struct aot_dialect *d, const struct aot_buffer *source,
                             const struct aot_buffer *facts, const struct line *line, size_t at)
{
    struct loop loop = {.indent = indent_of(line), .from = at};
    const char *label = line->text + loop.indent;
    loop.to = end_of_loop(source, at, loop.indent);
    loop.cost = cost_of(d, source, at, loop.indent, false, facts);
    (void)is_numbered(label, word_size(label, line->size - loop.indent), d->label, &loop.label);
    if (loop.to - at <= MAX_TEXT && is_plain(d, source, &loop))
        loop.turns = count_turns(d, source, &loop, (size_t)(line->text - source->data));
    return loop;
}

/* A line of a copy: labels inside get the copy's number, a jump back goes to the next copy, and one
 * out of the loop settles first. */
static void put_copied_line(const struct aot_dialect *d, const struct aot_buffer *source,
                            const struct loop *loop, uint32_t copy, const struct line *line,
                            struct aot_buffer *out)
{
    struct aot_buffer changed = {0};
    const size_t indent = indent_of(line);
    for (size_t at = 0; at < line->size;) {
        const char *text = line->text + at, *name = text + 5;
        const size_t size = line->size - at;
        const size_t target = at == 0 || !is_word(text[-1]) ? goto_target(text, size) : 0;
        const size_t label = at == indent ? word_size(text, size) : 0;
        uint32_t number = 0;
        size_t used = target != 0 ? target + 5 : 1;
        if (target != 0 && is_numbered(name, target, d->label, &number) && number == loop->label)
            aot_printf(&changed, "goto wrt_turn%u_%u", number, (copy + 1) % COPIES);
        else if (target != 0 && is_inside(source, loop, name, target))
            aot_printf(&changed, "goto %.*s_%u", (int)target, name, copy);
        else if (target != 0)
            aot_printf(&changed, "WRT_LEAVE_TO(%.*s)", (int)target, name);
        else if (label != 0 && label + 1 < size && text[label] == ':' && text[label + 1] == ';')
            aot_printf(&changed, "%.*s_%u", (int)(used = label), text, copy);
        else
            aot_put(&changed, text, 1);
        at += used;
    }
    out->failed = out->failed || changed.failed;
    if (!changed.failed)
        put_line(d, &(struct line){changed.data, changed.size}, out);
    aot_free(&changed);
}

static void put_unrolled(const struct aot_dialect *d, const struct aot_buffer *source,
                         const struct loop *loop, struct aot_buffer *out)
{
    struct line line;
    for (uint32_t copy = 0; copy < COPIES; copy++) {
        aot_printf(out, "  wrt_turn%u_%u:; %s(%u);\n", loop->label, copy,
                   copy == 0 ? "WRT_LOOP" : "WRT_TURN", loop->cost);
        for (size_t at = loop->from; at < loop->to && next_line(source, &at, &line);)
            if (line.size != 0)
                put_copied_line(d, source, loop, copy, &line, out);
        aot_printf(out, "  goto wrt_done%u;\n", loop->label);
    }
    aot_printf(out, "  wrt_done%u:; WRT_SETTLE;\n", loop->label);
}

/* The label's line, and the body where it is unrolled; `at` moves behind what was put. */
static void put_loop(const struct aot_dialect *d, const struct aot_buffer *source,
                     const struct aot_buffer *facts, uint32_t stop_mode, const struct line *line,
                     size_t *at, struct aot_buffer *out)
{
    const struct loop loop = find_loop(d, source, facts, line, *at);
    const enum loop_kind kind = kind_of(d, source, &loop, facts, stop_mode);
    if (kind == LOOP_UNROLLED) {
        put_unrolled(d, source, &loop, out);
        *at = loop.to;
        return;
    }
    if (kind == LOOP_WHOLE)
        aot_printf(out, "  WRT_CHARGE(%u);\n", (uint32_t)loop.turns * loop.cost);
    aot_put(out, line->text, line->size);
    if (kind == LOOP_CALLING || kind == LOOP_EACH)
        aot_printf(out, "; %s(%u);\n", kind == LOOP_EACH ? "WRT_LOOP" : "WRT_CHARGE", loop.cost);
    else
        put_text(out, ";\n");
}

static void put_body(const struct aot_dialect *d, const struct aot_buffer *source,
                     const struct aot_buffer *facts, uint32_t stop_mode, uint32_t index,
                     size_t *at, struct aot_buffer *out)
{
    struct line line;
    static const struct aot_buffer none;
    uint8_t kind = LEAF, paid = 0;
    (void)find_fact(facts, index, 0, &kind);
    (void)find_fact(facts, index, 1, &paid);
    uint32_t cost = cost_of(d, source, *at, 0, true, facts);
    if (paid != 0)
        cost -= cost_of(d, source, *at, 0, true, &none);
    while (next_line(source, at, &line)) {
        const size_t indent = indent_of(&line);
        if (begins(line.text + indent, line.size - indent, "FUNC_PROLOGUE;")) {
            aot_printf(out, kind == LEAF ? "  WRT_ENTER;\n" : "  WRT_STACK;\n  WRT_ENTER;\n");
            if (cost != 0)
                aot_printf(out, "  WRT_CHARGE(%u);\n", cost);
            continue;
        }
        if (is_loop(d, &line)) {
            put_loop(d, source, facts, stop_mode, &line, at, out);
            continue;
        }
        put_line(d, &line, out);
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

/* Both bytes for each function; imported ones cost nothing here. */
static void find_facts(const struct aot_dialect *d, const struct aot_buffer *source,
                       const struct aot_buffer *known, struct aot_buffer *facts)
{
    static const struct aot_buffer none;
    struct line line;
    for (size_t at = 0; next_line(source, &at, &line);) {
        uint32_t index;
        if (!is_head(d, &line) || !find_function(d, &line, &index) || index >= known->size)
            continue;
        while (facts->size < (size_t)index * FACTS && !facts->failed)
            aot_put(facts, "\0\0", FACTS);
        const uint32_t cost = cost_of(d, source, at, 0, true, &none);
        const uint8_t fact[FACTS] = {is_leaf(d, source, at) ? LEAF : NO_LEAF,
                                     known->data[index] == 0 && cost <= MAX_PAID ? (uint8_t)cost
                                                                                 : 0};
        if (facts->size == (size_t)index * FACTS)
            aot_put(facts, fact, FACTS);
    }
}

void aot_put_bodies(const struct aot_dialect *d, uint32_t stop_mode,
                    const struct aot_buffer *known, const struct aot_buffer *source,
                    struct aot_buffer *out)
{
    struct line line;
    struct aot_buffer facts = {0};
    find_facts(d, source, known, &facts);
    for (size_t at = 0; next_line(source, &at, &line);) {
        uint32_t index;
        if (!is_head(d, &line) || !find_function(d, &line, &index))
            continue;
        aot_put(out, line.text, line.size);
        put_text(out, "\n");
        put_body(d, source, &facts, stop_mode, index, &at, out);
    }
    out->failed = out->failed || facts.failed;
    aot_free(&facts);
}

/* wasm2c breaks long lists of parameters behind a comma. */
static void join_lines(struct aot_buffer *source)
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

/* What the preprocessor would choose: of no use to us, and in functions only about a segment
 * register for the memory's base. */
static void drop_conditions(struct aot_buffer *source)
{
    size_t kept = 0, depth = 0;
    struct line line;
    for (size_t at = 0, start = 0; next_line(source, &at, &line); start = at) {
        const bool begin = begins(line.text, line.size, "#if");
        const bool end = begins(line.text, line.size, "#endif");
        depth += begin;
        if (depth == 0) {
            const size_t size = (at < source->size ? at : source->size) - start;
            memmove(source->data + kept, source->data + start, size);
            kept += size;
        }
        depth -= end && depth != 0;
    }
    source->size = kept;
}

/* Each `wanted` without the part of it from `from` to `to`; the end of a word if it is cut whole. */
static void cut_out(struct aot_buffer *source, const char *wanted, size_t from, size_t to)
{
    const size_t length = strlen(wanted);
    size_t kept = 0;
    for (size_t at = 0; at < source->size;) {
        const size_t left = source->size - at;
        const bool found = begins(source->data + at, left, wanted) &&
                           (from != 0 || left == length || !is_word(source->data[at + length]));
        for (size_t i = 0; i < (found ? length : 1); i++)
            if (!found || i < from || i >= to)
                source->data[kept++] = source->data[at + i];
        at += found ? length : 1;
    }
    source->size = kept;
}

void aot_straighten(struct aot_buffer *source)
{
    static const char wrapped[] = "(wasm_rt_function_ptr_t)wrap_", memory[] = "_default32";
    join_lines(source);
    drop_conditions(source);
    cut_out(source, wrapped, sizeof wrapped - sizeof "wrap_", sizeof wrapped - 1);
    cut_out(source, memory, 0, sizeof memory - 1);
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
