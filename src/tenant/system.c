/* src/tenant/system.c - what the running system can do, and checks of what it does.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A check is a function that says OK or what went wrong; no check waits without a deadline, and
 * each gives back what it took. Those that need to see more than the port's contract are the
 * port's own (port_check.h) and follow ours.
 */
#include "wrt/system.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory/guard.h"
#include "port.h"
#include "port_check.h"
#include "port_confine.h"
#include "port_file.h"
#include "port_sync.h"
#include "wrt/partition.h"

enum { PATTERN = 0xA5, MS = 1000000, PATIENCE_MS = 3000 };

const char *wrt_system_name(void) { return wrt_port_name(); }

enum wrt_status wrt_system_get_feature(uint32_t index, struct wrt_system_feature *out)
{
    struct wrt_port_capability found;
    if (out == NULL)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = wrt_port_capability(index, &found);
    if (status != WRT_OK)
        return status;
    *out = (struct wrt_system_feature){.name = found.name,
                                       .is_requested = found.is_requested,
                                       .is_available = found.is_available,
                                       .is_active = found.is_active,
                                       .why = found.why};
    return WRT_OK;
}

/* ---- help for checks ---- */

struct check {
    const struct wrt_system_check_config *config;
    char *text;
    size_t text_bytes;
};

/* Says what was seen, and returns the status. */
static enum wrt_status say(const struct check *check, enum wrt_status status,
                           const char *format, ...) WRT_PRINTF(3, 4);
static enum wrt_status say(const struct check *check, enum wrt_status status,
                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->text, check->text_bytes, format, arguments);
    va_end(arguments);
    return status;
}

/* OK if the call said what it should, else that it did not. */
static enum wrt_status expect(const struct check *check, const char *call,
                              enum wrt_status status, enum wrt_status wanted)
{
    if (status == wanted)
        return WRT_OK;
    if (status == WRT_ERR_UNSUPPORTED || status == WRT_ERR_DENIED)
        return say(check, status, "%s: %s", call, wrt_status_text(status));
    enum wrt_status result = status == WRT_OK ? WRT_ERR_STATE : status;
    return say(check, result, "%s: %s, not %s", call, wrt_status_name(status),
               wrt_status_name(wanted));
}

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    (void)!wrt_port_time_now(&now);
    return now + ms * MS;
}

static bool is_filled(const uint8_t *bytes, size_t count, uint8_t with)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != with)
            return false;
    return true;
}

/* ---- memory ---- */

/* More than the machine has, less than a process can address. */
static const size_t huge_bytes = sizeof(size_t) > 4 ? (size_t)1 << 38 : (size_t)1 << 30;

static enum wrt_status pages_have_a_size(const struct check *check)
{
    size_t page = wrt_port_page_bytes();
    bool is_good = page >= 4096 && (page & (page - 1)) == 0;
    return say(check, is_good ? WRT_OK : WRT_ERR_STATE, "%zu bytes", page);
}

static enum wrt_status reserving_takes_nothing(const struct check *check)
{
    struct wrt_port_request request = {.bytes = huge_bytes};
    void *start;
    enum wrt_status status = wrt_port_reserve(&request, &start);
    if (status != WRT_OK)
        return say(check, status, "%zu GiB of addresses were refused: %s", huge_bytes >> 30,
                   wrt_status_name(status));
    (void)say(check, WRT_OK, "%zu GiB of addresses", huge_bytes >> 30);
    return expect(check, "release", wrt_port_release(start, huge_bytes), WRT_OK);
}

static enum wrt_status use_pages(const struct check *check, uint8_t *start, size_t page)
{
    enum wrt_status status =
        expect(check, "commit", wrt_port_commit(start, page, WRT_PORT_READ_WRITE), WRT_OK);
    if (status != WRT_OK)
        return status;
    if (!is_filled(start, page, 0))
        return say(check, WRT_ERR_STATE, "committed memory is not zero");
    memset(start, PATTERN, page);
    status = expect(check, "commit", wrt_port_commit(start + page, page, WRT_PORT_READ_WRITE),
                    WRT_OK);
    if (status == WRT_OK && !is_filled(start, page, PATTERN))
        return say(check, WRT_ERR_STATE, "a commit changed the page before it");
    if (status == WRT_OK)
        status = expect(check, "decommit", wrt_port_decommit(start, page), WRT_OK);
    if (status == WRT_OK)
        status = expect(check, "commit after decommit",
                        wrt_port_commit(start, page, WRT_PORT_READ_WRITE), WRT_OK);
    if (status == WRT_OK && !is_filled(start, page, 0))
        return say(check, WRT_ERR_STATE, "memory that was given back kept its contents");
    return status;
}

static enum wrt_status committed_pages_are_zero(const struct check *check)
{
    size_t page = wrt_port_page_bytes();
    struct wrt_port_request request = {.bytes = 4 * page};
    uint8_t *start;
    enum wrt_status status =
        expect(check, "reserve", wrt_port_reserve(&request, (void **)&start), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = use_pages(check, start, page);
    (void)!wrt_port_release(start, 4 * page);
    return status;
}

/* An amount that no machine has is refused by a sum, without taking any of it. */
static enum wrt_status too_much_is_refused(const struct check *check)
{
    struct wrt_port_request request = {.bytes = huge_bytes};
    void *start;
    enum wrt_status status =
        expect(check, "reserve", wrt_port_reserve(&request, &start), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = wrt_port_commit(start, huge_bytes, WRT_PORT_READ_WRITE);
    if (status == WRT_OK)
        status = say(check, WRT_ERR_STATE,
                     "a commit of %zu GiB was granted: memory is overcommitted",
                     huge_bytes >> 30);
    else
        status = expect(check, "commit", status, WRT_ERR_NO_MEMORY);
    (void)!wrt_port_release(start, huge_bytes);
    return status;
}

static enum wrt_status probe_rights(const struct check *check, uint8_t *start, size_t page)
{
    static const struct {
        unsigned rights;
        enum wrt_status read, write;
        const char *call;
    } rows[] = {
        {WRT_PORT_READ_WRITE, WRT_OK, WRT_OK, "probe of a page to read and write"},
        {WRT_PORT_READ, WRT_OK, WRT_ERR_DENIED, "probe of a page to read"},
        {WRT_PORT_NONE, WRT_ERR_DENIED, WRT_ERR_DENIED, "probe of a closed page"},
        {WRT_PORT_READ_WRITE, WRT_OK, WRT_OK, "probe of a page opened again"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum wrt_status status =
            expect(check, "protect", wrt_port_protect(start, page, rows[i].rights), WRT_OK);
        if (status == WRT_OK)
            status = expect(check, rows[i].call, wrt_port_probe(start, WRT_PORT_READ),
                            rows[i].read);
        if (status == WRT_OK)
            status = expect(check, rows[i].call, wrt_port_probe(start, WRT_PORT_WRITE),
                            rows[i].write);
        if (status != WRT_OK) /* DENIED is what a probe says, not a right that we lack */
            return status == WRT_ERR_DENIED ? WRT_ERR_STATE : status;
    }
    return expect(check, "probe of a page that is only reserved",
                  wrt_port_probe(start + page, WRT_PORT_READ), WRT_ERR_DENIED);
}

static enum wrt_status protection_holds(const struct check *check)
{
    size_t page = wrt_port_page_bytes();
    struct wrt_port_request request = {.bytes = 2 * page};
    uint8_t *start;
    enum wrt_status status =
        expect(check, "reserve", wrt_port_reserve(&request, (void **)&start), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = expect(check, "commit", wrt_port_commit(start, page, WRT_PORT_READ_WRITE), WRT_OK);
    if (status == WRT_OK)
        status = probe_rights(check, start, page);
    (void)!wrt_port_release(start, 2 * page);
    return status;
}

static void touch(void *address) { *(volatile uint8_t *)address = 1; }

static enum wrt_status touch_guard(const struct check *check,
                                   const struct wrt_page_allocator *pages)
{
    struct wrt_guard_hit hit = {0};
    for (int times = 0; times < 2; times++) { /* the signal must not stay blocked */
        enum wrt_status status =
            expect(check, "a write into a guard",
                   wrt_guard_run(touch, pages->base + pages->size_bytes, &hit), WRT_ERR_TRAP);
        if (status != WRT_OK)
            return status;
        if (hit.address != pages->base + pages->size_bytes)
            return say(check, WRT_ERR_STATE, "the fault names another address");
    }
    return WRT_OK;
}

static enum wrt_status guards_are_caught(const struct check *check)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                     .guard_after_bytes = 1};
    struct wrt_page_allocator pages;
    struct wrt_partition *partition;
    struct wrt_error error = {.text = ""};
    enum wrt_status status =
        wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, &error);
    if (status != WRT_OK)
        return say(check, status, "%s", error.text);
    status = wrt_pages_allocate(&pages, partition, &config, &error);
    if (status != WRT_OK) {
        (void)say(check, status, "%s", error.text);
    } else {
        status = touch_guard(check, &pages);
        wrt_pages_free(&pages);
    }
    (void)!wrt_partition_destroy(partition, &error);
    return status;
}

static enum wrt_status memory_can_be_locked(const struct check *check)
{
    size_t page = wrt_port_page_bytes();
    struct wrt_port_request request = {.bytes = page, .rights = WRT_PORT_READ_WRITE};
    void *start;
    enum wrt_status status = expect(check, "reserve", wrt_port_reserve(&request, &start), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = expect(check, "lock", wrt_port_prefault(start, page, true), WRT_OK);
    if (status == WRT_OK)
        status = expect(check, "unlock", wrt_port_unlock(start, page), WRT_OK);
    (void)!wrt_port_release(start, page);
    return status;
}

/* Two mappings of one object in a reservation of twice its size. */
static enum wrt_status write_through(const struct check *check,
                                     const struct wrt_port_object *object, uint8_t *start)
{
    size_t bytes = object->size_bytes;
    for (int i = 0; i < 2; i++) {
        uint8_t *at = start + (size_t)i * bytes;
        enum wrt_status status = expect(
            check, "map", wrt_port_object_map(object, at, WRT_PORT_READ_WRITE, false), WRT_OK);
        if (status != WRT_OK)
            return status;
    }
    start[1] = PATTERN;
    return start[bytes + 1] == PATTERN
               ? WRT_OK
               : say(check, WRT_ERR_STATE, "the second mapping does not see the first one's write");
}

static enum wrt_status objects_are_shared(const struct check *check)
{
    size_t page = wrt_port_page_bytes();
    struct wrt_port_request request = {.bytes = 2 * page};
    struct wrt_port_object object;
    uint8_t *start;
    enum wrt_status status =
        expect(check, "create", wrt_port_object_create(page, &object), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = expect(check, "reserve", wrt_port_reserve(&request, (void **)&start), WRT_OK);
    if (status == WRT_OK) {
        status = write_through(check, &object, start);
        (void)!wrt_port_release(start, 2 * page);
    }
    wrt_port_object_close(&object);
    return status;
}

static enum wrt_status typed_memory_is_found(const struct check *check)
{
    const char *pool = check->config->pool != NULL ? check->config->pool : "/sysram";
    struct wrt_port_request request = {
        .bytes = wrt_port_page_bytes(), .pool = pool, .rights = WRT_PORT_READ_WRITE};
    uint8_t *start;
    enum wrt_status status = wrt_port_reserve(&request, (void **)&start);
    if (status != WRT_OK)
        return say(check, status, "a page of \"%s\": %s", pool, wrt_status_text(status));
    bool is_zero = is_filled(start, request.bytes, 0);
    (void)!wrt_port_release(start, request.bytes);
    return say(check, is_zero ? WRT_OK : WRT_ERR_STATE, "a page of \"%s\"%s", pool,
               is_zero ? "" : " is not zero");
}

static enum wrt_status heap_knobs_answer(const struct check *check)
{
    struct wrt_port_outcome outcome;
    enum wrt_status status =
        wrt_port_heap_configure(WRT_PORT_HEAP_ARENA_SIZE, 32768, &outcome);
    return say(check, status, "arena size 32768: %s", outcome.why);
}

/* ---- time, waiting ---- */

static enum wrt_status the_clock_goes_on(const struct check *check)
{
    uint64_t first = 0, second = 0, resolution = 0;
    enum wrt_status status = expect(check, "clock", wrt_port_time_now(&first), WRT_OK);
    if (status == WRT_OK)
        status = expect(check, "resolution", wrt_port_time_resolution(&resolution), WRT_OK);
    for (int i = 0; status == WRT_OK && i < 100000000 && second <= first; i++)
        status = wrt_port_time_now(&second);
    if (status == WRT_OK && second <= first)
        return say(check, WRT_ERR_STATE, "it stands still");
    return status != WRT_OK ? status
                            : say(check, WRT_OK, "resolution %llu ns",
                                  (unsigned long long)resolution);
}

enum { SLEEP_MS = 100, LATE_MS = 50 };

static enum wrt_status deadlines_are_met(const struct check *check)
{
    static const uint32_t word = 0;
    uint64_t start = in_ms(0);
    enum wrt_status status = expect(
        check, "wait", wrt_port_wait(&word, 0, start + (uint64_t)SLEEP_MS * MS, false),
        WRT_ERR_TIMEOUT);
    uint64_t took = in_ms(0) - start;
    if (status != WRT_OK)
        return status;
    bool is_good = took >= (uint64_t)SLEEP_MS * MS && took < (uint64_t)(SLEEP_MS + LATE_MS) * MS;
    return say(check, is_good ? WRT_OK : WRT_ERR_TIMEOUT, "%d ms took %llu.%03llu ms", SLEEP_MS,
               (unsigned long long)(took / MS), (unsigned long long)(took % MS / 1000));
}

struct sleeper {
    uint32_t word;
    enum wrt_status status;
    uint64_t woken_at;
    int64_t heap_before, heap_after; /* -1: not known */
};

static int64_t heap_used(void)
{
    struct wrt_port_heap_info info;
    return wrt_port_heap_statistics(&info) == WRT_OK ? (int64_t)info.used_bytes : -1;
}

static void sleep_on_word(void *context)
{
    struct sleeper *sleeper = context;
    sleeper->heap_before = heap_used();
    sleeper->status = wrt_port_wait(&sleeper->word, 0, in_ms(PATIENCE_MS), false);
    sleeper->woken_at = in_ms(0);
    sleeper->heap_after = heap_used();
}

/* Wakes until somebody was woken, or patience ends. */
static enum wrt_status wake_sleeper(struct sleeper *sleeper, uint64_t *sent_at)
{
    static const uint32_t never = 0;
    uint64_t end = in_ms(PATIENCE_MS);
    uint32_t woken = 0;
    enum wrt_status status;
    do {
        (void)!wrt_port_wait(&never, 0, in_ms(1), false);
        *sent_at = in_ms(0);
        status = wrt_port_wake(&sleeper->word, 1, false, &woken);
    } while (status == WRT_OK && woken == 0 && in_ms(0) < end);
    return status == WRT_OK && woken == 0 ? WRT_ERR_TIMEOUT : status;
}

static enum wrt_status wakes_arrive(const struct check *check)
{
    struct wrt_port_thread_config config = {.name = "wrt-check"};
    struct sleeper sleeper = {.word = 0};
    struct wrt_port_thread thread;
    uint64_t sent_at = 0;
    enum wrt_status status = expect(
        check, "thread", wrt_port_thread_create(&config, sleep_on_word, &sleeper, &thread), WRT_OK);
    if (status != WRT_OK)
        return status;
    status = expect(check, "wake", wake_sleeper(&sleeper, &sent_at), WRT_OK);
    (void)!wrt_port_thread_join(&thread);
    if (status != WRT_OK)
        return status;
    status = expect(check, "the wait that was woken", sleeper.status, WRT_OK);
    if (status != WRT_OK)
        return status;
    if (sleeper.heap_before != sleeper.heap_after)
        return say(check, WRT_ERR_STATE, "a thread's first wait took %lld bytes of the C heap",
                   (long long)(sleeper.heap_after - sleeper.heap_before));
    return say(check, WRT_OK, "it took %llu us",
               (unsigned long long)((sleeper.woken_at - sent_at) / 1000));
}

struct contender {
    struct wrt_port_mutex lock;
    enum wrt_status status;
    uint64_t took_ns;
};

static void contend(void *context)
{
    struct contender *contender = context;
    uint64_t start = in_ms(0);
    contender->status = wrt_port_lock_take_until(&contender->lock, start + 20 * MS);
    contender->took_ns = in_ms(0) - start;
    if (contender->status == WRT_OK)
        (void)!wrt_port_lock_give(&contender->lock);
}

static enum wrt_status locks_time_out(const struct check *check)
{
    struct wrt_port_thread_config config = {.name = "wrt-check"};
    struct contender contender = {.status = WRT_OK};
    struct wrt_port_thread thread;
    enum wrt_status status = expect(
        check, "lock",
        wrt_port_lock_init(&contender.lock, &(struct wrt_port_lock_config){.is_checked = true}),
        WRT_OK);
    if (status != WRT_OK)
        return status;
    (void)!wrt_port_lock_take(&contender.lock);
    status = expect(check, "thread",
                    wrt_port_thread_create(&config, contend, &contender, &thread), WRT_OK);
    if (status == WRT_OK)
        (void)!wrt_port_thread_join(&thread);
    (void)!wrt_port_lock_give(&contender.lock);
    (void)!wrt_port_lock_deinit(&contender.lock);
    if (status != WRT_OK)
        return status;
    if (contender.took_ns < 20 * MS)
        return say(check, WRT_ERR_STATE, "it gave up before its deadline");
    return expect(check, "a lock that is held", contender.status, WRT_ERR_TIMEOUT);
}

/* ---- threads and the processor; on a thread of its own, which keeps what is set ---- */

struct setting {
    enum wrt_status (*set)(const struct check *check);
    const struct check *check;
    enum wrt_status status;
};

static void apply(void *context)
{
    struct setting *setting = context;
    setting->status = setting->set(setting->check);
}

static enum wrt_status on_a_thread(const struct check *check,
                                   enum wrt_status (*set)(const struct check *check))
{
    struct wrt_port_thread_config config = {.name = "wrt-check"};
    struct setting setting = {.set = set, .check = check};
    struct wrt_port_thread thread;
    enum wrt_status status =
        expect(check, "thread", wrt_port_thread_create(&config, apply, &setting, &thread), WRT_OK);
    if (status != WRT_OK)
        return status;
    (void)!wrt_port_thread_join(&thread);
    return setting.status;
}

static enum wrt_status set_priority(const struct check *check)
{
    int priority = 0;
    enum wrt_status status =
        expect(check, "priority 12", wrt_port_thread_set_priority(12), WRT_OK);
    if (status == WRT_OK)
        status = expect(check, "priority", wrt_port_thread_get_priority(&priority), WRT_OK);
    if (status == WRT_OK && priority != 12)
        return say(check, WRT_ERR_STATE, "12 was set, and it is %d", priority);
    return status;
}

static enum wrt_status set_processor(const struct check *check)
{
    return expect(check, "processor 0", wrt_port_thread_set_affinity(1), WRT_OK);
}

static enum wrt_status set_sporadic(const struct check *check)
{
    return expect(check, "sporadic, 10 of 100 ms",
                  wrt_port_thread_set_sporadic(12, 8, 10 * MS, 100 * MS), WRT_OK);
}

static enum wrt_status priority_is_kept(const struct check *check)
{
    return on_a_thread(check, set_priority);
}

static enum wrt_status processors_can_be_chosen(const struct check *check)
{
    return on_a_thread(check, set_processor);
}

static enum wrt_status sporadic_is_known(const struct check *check)
{
    return on_a_thread(check, set_sporadic);
}

/* The system's own partition is always there; asking changes nothing. */
static enum wrt_status partitions_answer(const struct check *check)
{
    const struct wrt_port_budget system = {.id = 0};
    struct wrt_port_budget_info info;
    enum wrt_status status =
        expect(check, "query", wrt_port_budget_query(&system, &info), WRT_OK);
    if (status != WRT_OK)
        return status;
    bool is_good = strcmp(info.name, "System") == 0 && info.percent <= 100;
    return say(check, is_good ? WRT_OK : WRT_ERR_STATE, "partition 0 is \"%s\" with %u %%",
               info.name, info.percent);
}

/* ---- the rest ---- */

static enum wrt_status memory_events_wait(const struct check *check)
{
    enum wrt_status status = wrt_port_memory_watch(1, in_ms(20));
    return expect(check, "wait for the last byte", status, WRT_ERR_TIMEOUT);
}

static enum wrt_status entropy_differs(const struct check *check)
{
    uint8_t first[16] = {0}, second[16] = {0};
    enum wrt_status status = wrt_port_entropy(first, sizeof first);
    if (status == WRT_OK)
        status = wrt_port_entropy(second, sizeof second);
    if (status != WRT_OK)
        return say(check, status, "no source: %s", wrt_status_name(status));
    bool is_same = memcmp(first, second, sizeof first) == 0;
    return say(check, is_same ? WRT_ERR_STATE : WRT_OK, "%s",
               is_same ? "twice the same 16 bytes" : "");
}

static enum wrt_status files_are_reached(const struct check *check)
{
    struct wrt_port_file_status found = {0};
    int root = -1;
    enum wrt_errno error = wrt_port_file_open_root("/", &root);
    if (error == WRT_ERRNO_OK) {
        struct wrt_port_place place = {.directory = root, .path = ".."};
        enum wrt_errno outside = wrt_port_file_stat_at(&place, &found);
        error = wrt_port_file_stat(root, &found);
        wrt_port_file_close(root);
        if (outside != WRT_ERRNO_NOTCAPABLE)
            return say(check, WRT_ERR_STATE, "\"..\" leads out of a granted folder");
    }
    if (error == WRT_ERRNO_NOSYS || error == WRT_ERRNO_NOTSUP)
        return say(check, WRT_ERR_UNSUPPORTED, "no files here");
    if (error != WRT_ERRNO_OK || found.type != WRT_PORT_TYPE_DIRECTORY)
        return say(check, WRT_ERR_IO, "\"/\" is no folder: WASI errno %d", (int)error);
    return WRT_OK;
}

static const struct {
    const char *name, *feature;
    enum wrt_status (*run)(const struct check *check);
} checks[] = {
    {"pages have a size", NULL, pages_have_a_size},
    {"a reservation takes no memory", "lazy-reservation", reserving_takes_nothing},
    {"committed pages are zero and stay", "lazy-reservation", committed_pages_are_zero},
    {"a commit beyond the memory is refused at once", "lazy-reservation", too_much_is_refused},
    {"protection holds, as the kernel sees it", "guard-probe", protection_holds},
    {"a touch of a guard is caught", "fault-handler", guards_are_caught},
    {"memory can be locked", "locked-memory", memory_can_be_locked},
    {"two mappings share an object", "memory-objects", objects_are_shared},
    {"typed memory is found by name", "typed-memory", typed_memory_is_found},
    {"the heap says what becomes of options", "heap-tuning", heap_knobs_answer},
    {"the clock goes on", NULL, the_clock_goes_on},
    {"a wait ends at its deadline", "pulse-wait", deadlines_are_met},
    {"a wake arrives and takes no heap", "pulse-wait", wakes_arrive},
    {"a lock times out", NULL, locks_time_out},
    {"a thread keeps its real-time priority", "realtime-priority", priority_is_kept},
    {"processors can be chosen", "processor-mask", processors_can_be_chosen},
    {"processor partitions answer", "processor-partitions", partitions_answer},
    {"sporadic scheduling is known", "sporadic-scheduling", sporadic_is_known},
    {"news of memory pressure can be waited for", "memory-events", memory_events_wait},
    {"random numbers differ", NULL, entropy_differs},
    {"files are reached, and nothing outside a folder", NULL, files_are_reached},
};
enum { CHECK_COUNT = sizeof checks / sizeof checks[0] };

const char *wrt_system_check_name(uint32_t index)
{
    if (index < CHECK_COUNT)
        return checks[index].name;
    const struct wrt_port_check *own = wrt_port_get_check(index - CHECK_COUNT);
    return own != NULL ? own->name : NULL;
}

static void check_of_port(const struct wrt_port_check *own, struct wrt_system_check *out)
{
    const char *why = "";
    out->name = own->name;
    out->feature = own->feature;
    out->status = own->run(&why);
    if (out->status != WRT_OK)
        (void)snprintf(out->text, sizeof out->text, "%s (%s)", why, wrt_status_name(out->status));
}

enum wrt_status wrt_system_run_check(uint32_t index, const struct wrt_system_check_config *config,
                                 struct wrt_system_check *out)
{
    static const struct wrt_system_check_config none;
    if (out == NULL)
        return WRT_ERR_ARGUMENT;
    if (wrt_system_check_name(index) == NULL)
        return WRT_ERR_BOUNDS;
    struct wrt_system_check result = {.status = WRT_OK};
    if (index >= CHECK_COUNT) {
        check_of_port(wrt_port_get_check(index - CHECK_COUNT), &result);
    } else {
        const struct check check = {.config = config != NULL ? config : &none,
                                    .text = result.text,
                                    .text_bytes = sizeof result.text};
        result.name = checks[index].name;
        result.feature = checks[index].feature;
        result.status = checks[index].run(&check);
    }
    *out = result;
    return WRT_OK;
}
