/* src/tenant/worker.c - the host's side of a worker process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whatever the worker does wrong ends it: end_worker kills, reaps and gives back its charge, and
 * only the description of its end stays. A reply is waited for in slices; between them the
 * process is looked at, so a death is noticed within one slice.
 */
#include "wrt/worker.h"

#include "base/error.h"
#include "partition/attach.h"
#include "port.h"
#include "port_confine.h"
#include "port_file.h"
#include "tenant/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#ifndef WRT_WORKER_PROGRAM
#define WRT_WORKER_PROGRAM "/usr/local/bin/wrt-tenant" /* what `cmake --install` does */
#endif

enum {
    ISOLATE_ALL = 1 << WRT_CONFINE_STORE_BYPASS | 1 << WRT_CONFINE_INDIRECT_BRANCH |
                  1 << WRT_CONFINE_L1D_FLUSH | 1 << WRT_CONFINE_CORE
};
_Static_assert(1u << WRT_CONFINE_NO_NEW_PRIVILEGES == WRT_PORT_CONFINE_NO_NEW_PRIVILEGES &&
                   1u << WRT_CONFINE_SYSTEM_CALLS == WRT_PORT_CONFINE_SYSTEM_CALLS &&
                   1u << WRT_CONFINE_FILES == WRT_PORT_CONFINE_FILES &&
                   1u << WRT_CONFINE_USER == WRT_PORT_CONFINE_USER &&
                   1u << WRT_CONFINE_MOUNTS == WRT_PORT_CONFINE_MOUNTS &&
                   1u << WRT_CONFINE_NETWORK == WRT_PORT_CONFINE_NETWORK &&
                   1u << WRT_CONFINE_PROCESSES == WRT_PORT_CONFINE_PROCESSES &&
                   1u << WRT_CONFINE_IPC == WRT_PORT_CONFINE_IPC &&
                   1u << WRT_CONFINE_LIMITS == WRT_PORT_CONFINE_LIMITS &&
                   1u << WRT_CONFINE_MEMORY == WRT_PORT_CONFINE_MEMORY &&
                   1u << WRT_CONFINE_CPU == WRT_PORT_CONFINE_CPU &&
                   1u << WRT_CONFINE_TASKS == WRT_PORT_CONFINE_TASKS &&
                   1u << WRT_CONFINE_STORE_BYPASS == WRT_PORT_CONFINE_STORE_BYPASS &&
                   1u << WRT_CONFINE_INDIRECT_BRANCH == WRT_PORT_CONFINE_INDIRECT_BRANCH &&
                   1u << WRT_CONFINE_L1D_FLUSH == WRT_PORT_CONFINE_L1D_FLUSH &&
                   1u << WRT_CONFINE_CORE == WRT_PORT_CONFINE_CORE &&
                   1u << WRT_CONFINE_CACHE == WRT_PORT_CONFINE_CACHE,
               "one numbering");
_Static_assert(WIRE_VALUES == WRT_WORKER_MAX_VALUES, "one limit");
_Static_assert(WIRE_DIRECTORIES == WRT_WORKER_MAX_DIRECTORIES, "one limit");

static const uint64_t slice_ns = 5000000, default_start_ns = 10000000000u;
static const uint64_t default_grace_ns = 100000000, default_overhead = 8u << 20;

enum { WORKER_TASKS = 2, WORKER_DESCRIPTORS = 256, NO_FILE = -1 };

struct wrt_worker {
    struct wrt_partition *partition;
    struct wrt_partition_process process; /* attached; partition NULL once it ended */
    struct wrt_port_object object;
    struct wire *wire;
    struct wire_end end;
    int line;          /* its other end hangs up when this process ends */
    enum wrt_worker_state state;
    uint64_t grace_ns, deadline_ns; /* of the call under way */
    uint32_t in_force, isolate; /* enum wrt_confine: what is, what was asked for */
    bool has_cache_ways; /* were asked for */
    uint64_t calls;
    uint64_t memory_bytes; /* of worker and guest */
    struct wrt_partition_exit exit;
    bool was_killed;
    enum wrt_pause_reason pause;
    uint32_t guest_exit_code;
    const char *end_reason;
};

const char *wrt_confine_name(enum wrt_confine feature)
{
    static const char *const names[WRT_CONFINE_COUNT] = {
#define CONFINE_NAME(name, text) [WRT_CONFINE_##name] = text,
        WRT_CONFINE_LIST(CONFINE_NAME)
#undef CONFINE_NAME
    };
    return (unsigned)feature < WRT_CONFINE_COUNT ? names[feature] : "?";
}

static uint64_t now_ns(void)
{
    uint64_t now;

    return wrt_port_time_now(&now) == WRT_OK ? now : 0;
}

/* now + span, or for ever. */
static uint64_t after(uint64_t start_ns, uint64_t span_ns)
{
    return span_ns > UINT64_MAX - start_ns ? UINT64_MAX : start_ns + span_ns;
}

/* ---- the end ---- */

static struct wrt_port_process port_process(const struct wrt_worker *worker)
{
    return (struct wrt_port_process){.id = worker->process.id,
                                     .control = (intptr_t)worker->process.control};
}

/* It ended by itself: what is left is to forget it. */
static bool has_ended(struct wrt_worker *worker)
{
    if (worker->process.partition == NULL)
        return true;
    if (wrt_partition_reap_process(&worker->process, 0, &worker->exit) != WRT_OK)
        return false;
    worker->state = WRT_WORKER_ENDED;
    worker->end_reason = "ended";
    return true;
}

static void kill_worker(struct wrt_worker *worker, const char *reason)
{
    struct wrt_port_process process = port_process(worker);

    if (has_ended(worker))
        return;
    (void)!wrt_port_process_signal(&process, WRT_PORT_SIGNAL_KILL);
    (void)!wrt_partition_reap_process(&worker->process, UINT64_MAX, &worker->exit);
    worker->state = WRT_WORKER_ENDED;
    worker->was_killed = true;
    worker->end_reason = reason;
}

static enum wrt_status closed(const struct wrt_worker *worker, struct wrt_error *error)
{
    const char *how = !worker->exit.is_known    ? "nobody told how"
                      : worker->exit.by_signal  ? "by signal"
                                                : "with exit code";

    return wrt_fail(error, WRT_ERR_CLOSED, "the worker of partition %s %s (%s %d)",
                    wrt_partition_name(worker->partition), worker->end_reason, how,
                    worker->exit.code);
}

static enum wrt_status lied(struct wrt_worker *worker, struct wrt_error *error)
{
    kill_worker(worker, "sent what makes no sense");
    return wrt_fail(error, WRT_ERR_CORRUPT,
                    "the worker of partition %s sent what makes no sense and was killed",
                    wrt_partition_name(worker->partition));
}

/* ---- messages ---- */

static enum wrt_status send(struct wrt_worker *worker, const struct wire_message *message,
                            struct wrt_error *error)
{
    if (has_ended(worker))
        return closed(worker, error);
    if (wire_send(&worker->end, message) != WRT_OK)
        return lied(worker, error); /* at most one is under way: there is room */
    return WRT_OK;
}

/* ERR_TIMEOUT at until_ns; the worker's end, or its nonsense, at most a slice after it. */
static enum wrt_status receive(struct wrt_worker *worker, uint64_t until_ns,
                               struct wire_message *reply, struct wrt_error *error)
{
    for (;;) {
        uint64_t now = now_ns(), slice = after(now, slice_ns);
        enum wrt_status status;

        status = wire_receive(&worker->end, slice < until_ns ? slice : until_ns, reply);
        if (status == WRT_OK)
            return WRT_OK;
        if (status != WRT_ERR_TIMEOUT)
            return lied(worker, error);
        if (has_ended(worker)) /* what it said before it ended still counts */
            return wire_receive(&worker->end, 0, reply) == WRT_OK ? WRT_OK
                                                                  : closed(worker, error);
        if (now_ns() >= until_ns)
            return WRT_ERR_TIMEOUT;
    }
}

static bool is_error(int32_t status)
{
    return status < 0 && status >= WRT_ERR_CLOSED;
}

/* A refusal is the worker's word: its status must be one, its text is shown as text. */
static enum wrt_status refused(struct wrt_worker *worker, struct wire_message *reply,
                               struct wrt_error *error)
{
    if (!is_error(reply->status))
        return lied(worker, error);
    for (char *at = reply->text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == '\x7f')
            *at = '?';
    return wrt_fail(error, (enum wrt_status)reply->status, "%.150s", reply->text);
}

/* Sends, and waits for that kind of answer. */
static enum wrt_status ask(struct wrt_worker *worker, const struct wire_message *request,
                           uint32_t expected, uint64_t until_ns, struct wire_message *reply,
                           struct wrt_error *error)
{
    enum wrt_status status = send(worker, request, error);

    if (status == WRT_OK)
        status = receive(worker, until_ns, reply, error);
    if (status == WRT_ERR_TIMEOUT) {
        kill_worker(worker, "did not answer and was killed");
        return wrt_fail(error, WRT_ERR_TIMEOUT, "the worker of partition %s did not answer",
                        wrt_partition_name(worker->partition));
    }
    if (status != WRT_OK)
        return status;
    if (reply->kind == WIRE_FAILED)
        return refused(worker, reply, error);
    return reply->kind == expected ? WRT_OK : lied(worker, error);
}

/* ---- starting ---- */

static enum wrt_status check_config(const struct wrt_worker_config *config,
                                    struct wrt_error *error)
{
    if (config->module == NULL || config->module_bytes == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a worker needs a module");
    if (config->directory_count > WRT_WORKER_MAX_DIRECTORIES)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%u directories are more than %d",
                        config->directory_count, WRT_WORKER_MAX_DIRECTORIES);
    if ((config->isolate & ~(uint32_t)ISOLATE_ALL) != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "isolate %#x names what cannot be asked for",
                        config->isolate);
    if (config->require >> WRT_CONFINE_COUNT != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "require %#x names what there is not",
                        config->require);
    if (config->program != NULL && config->program[0] != '/')
        return wrt_fail(error, WRT_ERR_ARGUMENT, "program %.80s is no absolute path",
                        config->program);
    if (config->standard_output < 0 || config->standard_error < 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a negative descriptor");
    return WRT_OK;
}

static bool put_string(struct wire *wire, const char *text)
{
    size_t bytes = text != NULL ? strlen(text) + 1 : 0;

    if (bytes == 0 || bytes > WIRE_STREAM_BYTES - wire->config.string_bytes)
        return false;
    memcpy(wire->stream + wire->config.string_bytes, text, bytes);
    wire->config.string_bytes += (uint32_t)bytes;
    return true;
}

static bool put_strings(struct wire *wire, const struct wrt_worker_config *config)
{
    bool fits = true;

    for (uint32_t i = 0; i < config->argument_count && fits; i++)
        fits = put_string(wire, config->arguments[i]);
    for (uint32_t i = 0; i < config->environment_count && fits; i++)
        fits = put_string(wire, config->environment[i]);
    for (uint32_t i = 0; i < config->directory_count && fits; i++) {
        const struct wrt_worker_directory *directory = &config->directories[i];
        const char *guest = directory->guest_path;

        fits = put_string(wire, directory->host_path) &&
               put_string(wire, guest != NULL ? guest : directory->host_path);
        if (directory->read_only)
            wire->config.read_only |= 1u << i;
    }
    if (config->typed_pool != NULL)
        fits = fits && put_string(wire, config->typed_pool);
    return fits;
}

static enum wrt_status fill_wire(struct wire *wire, const struct wrt_worker_config *config,
                                 uint64_t guest_bytes, uint64_t process_bytes,
                                 struct wrt_error *error)
{
    wire->config = (struct wire_config){
        .version = WIRE_VERSION,
        .argument_count = config->argument_count,
        .environment_count = config->environment_count,
        .directory_count = config->directory_count,
        .clocks = config->clocks,
        .clock_resolution_ns = config->clock_resolution_ns,
        .clock_jitter = config->clock_jitter,
        .has_random = config->has_random,
        .has_oblivious = config->has_oblivious,
        .isolate = config->isolate,
        .has_output = config->standard_output != 0,
        .has_error = config->standard_error != 0,
        .memory_bytes = guest_bytes,
        .process_bytes = process_bytes,
        .descriptors = WORKER_DESCRIPTORS,
        .tasks = WORKER_TASKS,
        .has_pool = config->typed_pool != NULL,
        .stack_bytes = config->stack_bytes,
    };
    if (!put_strings(wire, config))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "arguments, environment and directories are more than %d bytes, or NULL",
                        WIRE_STREAM_BYTES);
    return WRT_OK;
}

/* The program beside the one that runs; "" where the system does not tell. */
static void find_beside(char *path, size_t size)
{
    char *slash;

    path[0] = '\0';
    if (wrt_port_program_path(path, size) != WRT_OK)
        return;
    slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof "/wrt-tenant" > size)
        path[0] = '\0';
    else
        memcpy(slash, "/wrt-tenant", sizeof "/wrt-tenant");
}

static enum wrt_status spawn_program(const char *program, const int *descriptors,
                                     const struct wrt_worker *worker,
                                     const struct wrt_worker_config *config,
                                     struct wrt_port_process *out)
{
    const char *const arguments[] = {"wrt-tenant", NULL};
    struct wrt_partition_limits limits;
    struct wrt_port_spawn spawn = {
        .program = program,
        .arguments = arguments,
        .descriptors = descriptors,
        .descriptor_count = 4,
        .limits = {.memory_bytes = worker->memory_bytes,
                   .descriptors = WORKER_DESCRIPTORS,
                   .threads = WORKER_TASKS},
        .keep_user = config->directory_count != 0,
    };

    wrt_partition_get_limits(worker->partition, &limits);
    spawn.limits.cpu_permille = limits.cpu_permille;
    spawn.limits.cache_ways = config->cache_ways;
    return wrt_port_process_spawn(&spawn, out);
}

static enum wrt_status spawn(struct wrt_worker *worker, const struct wrt_worker_config *config,
                             int line, struct wrt_error *error)
{
    int descriptors[4] = {NO_FILE, line, line, line}; /* the line where there is no stream */
    struct wrt_port_process process;
    const char *program = config->program;
    enum wrt_status status;
    char beside[512];

    status = wrt_port_object_descriptor(&worker->object, &descriptors[0]);
    if (status != WRT_OK)
        return wrt_fail(error, status, "memory objects cannot be given to a process here");
    if (config->standard_output != 0)
        descriptors[2] = config->standard_output;
    if (config->standard_error != 0)
        descriptors[3] = config->standard_error;
    if (program == NULL) {
        find_beside(beside, sizeof beside);
        program = beside[0] != '\0' ? beside : WRT_WORKER_PROGRAM;
    }
    status = spawn_program(program, descriptors, worker, config, &process);
    if (status == WRT_ERR_NOT_FOUND && config->program == NULL) {
        program = WRT_WORKER_PROGRAM;
        status = spawn_program(program, descriptors, worker, config, &process);
    }
    if (status != WRT_OK)
        return wrt_fail(error, status, "%.100s cannot be started: %s", program,
                        wrt_status_text(status));
    worker->in_force = process.confined;
    worker->isolate = config->isolate;
    worker->has_cache_ways = config->cache_ways != 0;
    wrt_partition_add_worker(worker->partition, &process, worker->memory_bytes,
                             &worker->process);
    return WRT_OK;
}

static enum wrt_status check_required(const struct wrt_worker *worker, uint32_t require,
                                      struct wrt_error *error)
{
    uint32_t missing = require & ~worker->in_force;

    for (unsigned feature = 0; feature < WRT_CONFINE_COUNT; feature++)
        if (missing >> feature & 1)
            return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                            "partition %s requires \"%s\", which is not in force here",
                            wrt_partition_name(worker->partition),
                            wrt_confine_name((enum wrt_confine)feature));
    return WRT_OK;
}

/* Not a byte of the module before the worker said what is in force. */
static enum wrt_status wait_until_ready(struct wrt_worker *worker,
                                        const struct wrt_worker_config *config,
                                        uint64_t until_ns, struct wrt_error *error)
{
    struct wire_message reply;
    enum wrt_status status = receive(worker, until_ns, &reply, error);

    if (status == WRT_ERR_TIMEOUT) {
        kill_worker(worker, "did not start in time and was killed");
        return wrt_fail(error, status, "the worker of partition %s did not start in time",
                        wrt_partition_name(worker->partition));
    }
    if (status != WRT_OK)
        return status;
    if (reply.kind == WIRE_FAILED)
        return refused(worker, &reply, error);
    if (reply.kind != WIRE_READY || reply.count >> WRT_CONFINE_COUNT != 0)
        return lied(worker, error);
    worker->in_force |= reply.count;
    status = wire_connect_bell(&worker->end, worker->process.id, reply.fuel);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the worker of partition %s cannot be woken: %s",
                        wrt_partition_name(worker->partition), wrt_status_text(status));
    return check_required(worker, config->require, error);
}

static enum wrt_status send_module(struct wrt_worker *worker,
                                   const struct wrt_worker_config *config, uint64_t until_ns,
                                   struct wrt_error *error)
{
    const uint8_t *bytes = config->module;
    size_t left = config->module_bytes;
    struct wire_message message = {.kind = WIRE_BYTES}, reply;

    while (left != 0) {
        enum wrt_status status;

        message.count = left < WIRE_STREAM_BYTES ? (uint32_t)left : WIRE_STREAM_BYTES;
        memcpy(worker->wire->stream, bytes, message.count);
        status = ask(worker, &message, WIRE_MORE, until_ns, &reply, error);
        if (status != WRT_OK)
            return status;
        bytes += message.count;
        left -= message.count;
    }
    message = (struct wire_message){.kind = WIRE_START};
    return ask(worker, &message, WIRE_LOADED, until_ns, &reply, error);
}

static enum wrt_status start(struct wrt_worker *worker, const struct wrt_worker_config *config,
                             struct wrt_error *error)
{
    uint64_t until = after(now_ns(), config->start_ns != 0 ? config->start_ns : default_start_ns);
    enum wrt_status status;
    int theirs;

    status = wrt_port_line_create(&worker->line, &theirs);
    if (status != WRT_OK)
        return wrt_fail(error, status, "no worker processes on this system: %s",
                        wrt_status_text(status));
    status = spawn(worker, config, theirs, error);
    wrt_port_file_close(theirs);
    if (status == WRT_OK)
        status = wait_until_ready(worker, config, until, error);
    if (status == WRT_OK)
        status = send_module(worker, config, until, error);
    return status;
}

/* ---- the shared memory ---- */

static size_t wire_bytes(void)
{
    size_t page = wrt_port_page_bytes();

    return (sizeof(struct wire) + page - 1) & ~(page - 1);
}

static enum wrt_status map_wire(struct wrt_worker *worker, struct wrt_error *error)
{
    struct wrt_port_request request = {.bytes = wire_bytes(), .rights = WRT_PORT_NONE};
    enum wrt_status status;
    void *place;

    status = wrt_partition_charge(worker->partition, WRT_CHARGE_HOST, wire_bytes(), error);
    if (status != WRT_OK)
        return status;
    status = wrt_port_object_create(request.bytes, &worker->object);
    if (status != WRT_OK)
        goto uncharge;
    status = wrt_port_reserve(&request, &place);
    if (status != WRT_OK)
        goto close;
    status = wrt_port_object_map(&worker->object, place, WRT_PORT_READ_WRITE, false);
    if (status == WRT_OK) {
        worker->wire = place;
        return WRT_OK;
    }
    (void)!wrt_port_release(place, request.bytes);
close:
    wrt_port_object_close(&worker->object);
uncharge:
    wrt_partition_uncharge(worker->partition, WRT_CHARGE_HOST, wire_bytes());
    return wrt_fail(error, status, "the system refused memory to share with a worker");
}

static void unmap_wire(struct wrt_worker *worker)
{
    if (worker->wire == NULL)
        return;
    (void)!wrt_port_release(worker->wire, wire_bytes());
    wrt_port_object_close(&worker->object);
    wrt_partition_uncharge(worker->partition, WRT_CHARGE_HOST, wire_bytes());
}

/* What the guest gets, and with the process's own both; charged as PROCESS. */
static enum wrt_status charge_memory(struct wrt_worker *worker,
                                     const struct wrt_worker_config *config, uint64_t *out_guest,
                                     struct wrt_error *error)
{
    uint64_t overhead = config->overhead_bytes != 0 ? config->overhead_bytes : default_overhead;
    struct wrt_partition_info info;
    uint64_t guest = config->memory_bytes, left;

    wrt_partition_get_info(worker->partition, &info);
    left = info.max_bytes - info.used_bytes;
    if (guest == 0 && info.max_bytes == UINT64_MAX)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s has no max, so a worker needs memory_bytes", info.name);
    if (guest == 0)
        guest = left > overhead ? left - overhead : 0;
    if (guest == 0 || overhead > UINT64_MAX - guest)
        return wrt_fail(error, WRT_ERR_PARTITION_MAX,
                        "partition %s: %" PRIu64 " bytes left, a worker alone takes %" PRIu64,
                        info.name, left, overhead);
    worker->memory_bytes = guest + overhead;
    *out_guest = guest;
    return wrt_partition_charge(worker->partition, WRT_CHARGE_PROCESS, worker->memory_bytes,
                                error);
}

static void forget(struct wrt_worker *worker)
{
    struct wrt_partition *partition = worker->partition;

    wire_close(&worker->end);
    unmap_wire(worker);
    if (worker->line != NO_FILE)
        wrt_port_file_close(worker->line);
    memset(worker, 0, sizeof *worker);
    wrt_partition_free(partition, WRT_CHARGE_HOST, worker, sizeof *worker);
}

static enum wrt_status open_bell(struct wrt_worker *worker, struct wrt_error *error)
{
    enum wrt_status status = wire_open_bell(&worker->end, &worker->wire->config.host_bell);

    if (status != WRT_OK)
        return wrt_fail(error, status, "workers cannot wake us here: %s", wrt_status_text(status));
    worker->wire->config.host_process = worker->end.bell.process;
    return WRT_OK;
}

static enum wrt_status set_up(struct wrt_worker *worker, const struct wrt_worker_config *config,
                              struct wrt_error *error)
{
    enum wrt_status status;
    uint64_t guest_bytes;

    status = map_wire(worker, error);
    if (status != WRT_OK)
        return status;
    status = charge_memory(worker, config, &guest_bytes, error);
    if (status != WRT_OK)
        return status;
    status = fill_wire(worker->wire, config, guest_bytes, worker->memory_bytes, error);
    if (status == WRT_OK)
        status = wire_join_host(&worker->end, worker->wire);
    if (status == WRT_OK)
        status = open_bell(worker, error);
    if (status == WRT_OK)
        status = start(worker, config, error);
    if (status != WRT_OK && worker->state != WRT_WORKER_ENDED &&
        worker->process.partition == NULL) /* else its end gives the charge back */
        wrt_partition_uncharge(worker->partition, WRT_CHARGE_PROCESS, worker->memory_bytes);
    return status;
}

enum wrt_status wrt_worker_create(struct wrt_partition *partition,
                                  const struct wrt_worker_config *config,
                                  struct wrt_worker **out, struct wrt_error *error)
{
    enum wrt_status status = check_config(config, error);
    struct wrt_worker *worker;
    void *block;

    if (status != WRT_OK)
        return status;
    status = wrt_partition_allocate(partition, WRT_CHARGE_HOST, sizeof *worker,
                                    WRT_CACHE_LINE_BYTES, &block, error);
    if (status != WRT_OK)
        return status;
    worker = block;
    memset(worker, 0, sizeof *worker);
    worker->partition = partition;
    worker->line = NO_FILE;
    worker->grace_ns = config->grace_ns != 0 ? config->grace_ns : default_grace_ns;
    status = set_up(worker, config, error);
    if (status != WRT_OK) {
        kill_worker(worker, "was not wanted");
        forget(worker);
        return status;
    }
    *out = worker;
    return WRT_OK;
}

/* ---- calls ---- */

static enum wrt_status post(struct wrt_worker *worker, struct wire_message *message,
                            const struct wrt_worker_budget *budget, struct wrt_error *error)
{
    enum wrt_status status;

    if (budget != NULL) {
        message->fuel = budget->fuel;
        message->deadline_ns = budget->deadline_ns;
    }
    __atomic_store_n(&worker->wire->progress.interrupt, 0, __ATOMIC_RELAXED);
    status = send(worker, message, error);
    if (status != WRT_OK)
        return status;
    worker->deadline_ns = message->deadline_ns;
    worker->state = WRT_WORKER_RUNNING;
    worker->calls += message->kind == WIRE_CALL;
    return WRT_OK;
}

enum wrt_status wrt_worker_post(struct wrt_worker *worker, const char *function,
                                const struct wrt_value *arguments, uint32_t argument_count,
                                const struct wrt_worker_budget *budget, struct wrt_error *error)
{
    struct wire_message message = {.kind = WIRE_CALL};

    if (worker->state == WRT_WORKER_ENDED)
        return closed(worker, error);
    if (worker->state != WRT_WORKER_IDLE)
        return wrt_fail(error, WRT_ERR_BUSY, "a call of this worker is %s",
                        worker->state == WRT_WORKER_PAUSED ? "paused" : "under way");
    if (strlen(function) >= WIRE_TEXT_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a function's name of %zu bytes",
                        strlen(function));
    memcpy(message.text, function, strlen(function));
    if (!wire_put_values(&message, arguments, argument_count))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "more than %d arguments, or one that cannot leave its process",
                        WRT_WORKER_MAX_VALUES);
    return post(worker, &message, budget, error);
}

enum wrt_status wrt_worker_post_resume(struct wrt_worker *worker,
                                       const struct wrt_worker_budget *budget,
                                       struct wrt_error *error)
{
    struct wire_message message = {.kind = WIRE_RESUME};

    if (worker->state == WRT_WORKER_ENDED)
        return closed(worker, error);
    if (worker->state != WRT_WORKER_PAUSED)
        return wrt_fail(error, WRT_ERR_STATE, "no call of this worker is paused");
    return post(worker, &message, budget, error);
}

enum wrt_status wrt_worker_drop(struct wrt_worker *worker)
{
    const struct wire_message message = {.kind = WIRE_DROP};
    struct wire_message reply;
    enum wrt_status status;

    if (worker->state == WRT_WORKER_ENDED)
        return WRT_ERR_CLOSED;
    if (worker->state != WRT_WORKER_PAUSED)
        return WRT_ERR_STATE;
    status = ask(worker, &message, WIRE_DROPPED, after(now_ns(), worker->grace_ns), &reply, NULL);
    if (status == WRT_OK)
        worker->state = WRT_WORKER_IDLE;
    return status == WRT_OK ? WRT_OK : WRT_ERR_CLOSED;
}

static enum wrt_status take_results(struct wrt_worker *worker, const struct wire_message *reply,
                                    struct wrt_value *results, uint32_t capacity,
                                    uint32_t *out_count, struct wrt_error *error)
{
    struct wrt_value values[WIRE_VALUES];

    if (!wire_get_values(reply, values))
        return lied(worker, error);
    worker->state = WRT_WORKER_IDLE;
    if (reply->count > capacity)
        return wrt_fail(error, WRT_ERR_NO_SPACE, "%u results, room for %u", reply->count,
                        capacity);
    if (reply->count != 0)
        memcpy(results, values, reply->count * sizeof values[0]);
    if (out_count != NULL)
        *out_count = reply->count;
    return WRT_OK;
}

static enum wrt_status outcome(struct wrt_worker *worker, struct wire_message *reply,
                               struct wrt_value *results, uint32_t capacity,
                               uint32_t *out_count, struct wrt_error *error)
{
    switch (reply->kind) {
    case WIRE_DONE:
        return take_results(worker, reply, results, capacity, out_count, error);
    case WIRE_PAUSED:
        if (reply->count == WRT_PAUSE_NONE || reply->count > WRT_PAUSE_HOST)
            return lied(worker, error);
        worker->state = WRT_WORKER_PAUSED;
        worker->pause = (enum wrt_pause_reason)reply->count;
        return WRT_PAUSED;
    case WIRE_EXITED:
        worker->state = WRT_WORKER_IDLE;
        worker->guest_exit_code = reply->count;
        return WRT_EXITED;
    case WIRE_FAILED:
        worker->state = WRT_WORKER_IDLE;
        return refused(worker, reply, error);
    default:
        return lied(worker, error);
    }
}

enum wrt_status wrt_worker_collect(struct wrt_worker *worker, struct wrt_value *results,
                                   uint32_t result_capacity, uint32_t *out_count,
                                   uint64_t wait_until_ns, struct wrt_error *error)
{
    uint64_t hangs_at, until;
    struct wire_message reply;
    enum wrt_status status;

    if (worker->state == WRT_WORKER_ENDED)
        return closed(worker, error);
    if (worker->state != WRT_WORKER_RUNNING)
        return wrt_fail(error, WRT_ERR_STATE, "nothing was posted");
    hangs_at = worker->deadline_ns != 0 ? after(worker->deadline_ns, worker->grace_ns)
                                        : UINT64_MAX;
    until = wait_until_ns < hangs_at ? wait_until_ns : hangs_at;
    status = receive(worker, until, &reply, error);
    if (status == WRT_ERR_TIMEOUT && now_ns() >= hangs_at) {
        kill_worker(worker, "hung and was killed");
        return closed(worker, error);
    }
    if (status != WRT_OK)
        return status;
    return outcome(worker, &reply, results, result_capacity, out_count, error);
}

enum wrt_status wrt_worker_call(struct wrt_worker *worker, const char *function,
                                const struct wrt_value *arguments, uint32_t argument_count,
                                struct wrt_value *results, uint32_t result_capacity,
                                uint32_t *out_count, const struct wrt_worker_budget *budget,
                                struct wrt_error *error)
{
    enum wrt_status status =
        wrt_worker_post(worker, function, arguments, argument_count, budget, error);

    if (status != WRT_OK)
        return status;
    return wrt_worker_collect(worker, results, result_capacity, out_count, UINT64_MAX, error);
}

void wrt_worker_interrupt(struct wrt_worker *worker)
{
    __atomic_store_n(&worker->wire->progress.interrupt, 1, __ATOMIC_RELAXED);
}

enum wrt_status wrt_worker_suspend(struct wrt_worker *worker, bool is_suspended)
{
    struct wrt_port_process process = port_process(worker);

    if (has_ended(worker))
        return WRT_ERR_CLOSED;
    return wrt_port_process_signal(&process, is_suspended ? WRT_PORT_SIGNAL_STOP
                                                          : WRT_PORT_SIGNAL_CONTINUE);
}

/* ---- stopping ---- */

void wrt_worker_destroy(struct wrt_worker *worker, uint64_t deadline_ns)
{
    const struct wire_message message = {.kind = WIRE_STOP};

    if (worker == NULL)
        return;
    if (deadline_ns != 0 && worker->state != WRT_WORKER_RUNNING &&
        send(worker, &message, NULL) == WRT_OK)
        (void)!wrt_partition_reap_process(&worker->process, deadline_ns, &worker->exit);
    if (worker->process.partition != NULL)
        kill_worker(worker, "was stopped");
    forget(worker);
}

/* ---- figures ---- */

static const char *reason_missing(const struct wrt_worker *worker, enum wrt_confine feature)
{
    static const char *const reasons[WRT_CONFINE_COUNT] = {
        [WRT_CONFINE_NO_NEW_PRIVILEGES] = "the system has no such promise",
        [WRT_CONFINE_SYSTEM_CALLS] = "the worker was built without libseccomp, or it refused",
        [WRT_CONFINE_FILES] = "the kernel has no Landlock",
        [WRT_CONFINE_USER] = ("only root can give it another user, and not with directories "
                              "granted that only we can reach"),
        [WRT_CONFINE_MOUNTS] = "no user namespace, or mounting is not permitted in it",
        [WRT_CONFINE_NETWORK] = "no network namespace is permitted",
        [WRT_CONFINE_PROCESSES] = "no process namespace is permitted",
        [WRT_CONFINE_IPC] = "no IPC namespace is permitted",
        [WRT_CONFINE_LIMITS] = "the system refused the limits",
        [WRT_CONFINE_MEMORY] = "no memory control group, and no data limit",
        [WRT_CONFINE_CPU] = "the partition has no processor budget, or no control group for it",
        [WRT_CONFINE_TASKS] = "no control group for processes",
        [WRT_CONFINE_STORE_BYPASS] = "the kernel or processor has no such control",
        [WRT_CONFINE_INDIRECT_BRANCH] = "the kernel or processor has no such control, or forbids it",
        [WRT_CONFINE_L1D_FLUSH] = "the kernel was not started with l1d_flush=on, or the processor "
                                  "cannot",
        [WRT_CONFINE_CORE] = "no core scheduling in the kernel, or one thread for each core",
        [WRT_CONFINE_CACHE] = "no resctrl file system is mounted, or it refuses these cache ways",
    };
    if ((ISOLATE_ALL & ~worker->isolate) >> feature & 1)
        return "was not asked for (isolate)";
    if (feature == WRT_CONFINE_CACHE && !worker->has_cache_ways)
        return "was not asked for (cache_ways)";
    return reasons[feature];
}

void wrt_worker_get_info(const struct wrt_worker *worker, struct wrt_worker_info *out)
{
    const struct wire_progress *progress = &worker->wire->progress;
    struct wrt_port_process process = port_process(worker);
    struct wrt_port_process_usage usage = {0};

    *out = (struct wrt_worker_info){
        .state = worker->state,
        .process_id = worker->process.partition != NULL ? worker->process.id : 0,
        .in_force = worker->in_force,
        .calls = worker->calls,
        .exit = worker->exit,
        .was_killed = worker->was_killed,
        .pause = worker->pause,
        .guest_exit_code = worker->guest_exit_code,
        .fuel_used = __atomic_load_n(&progress->fuel_used, __ATOMIC_RELAXED),
        .heartbeats = __atomic_load_n(&progress->heartbeats, __ATOMIC_RELAXED),
        .guest_used_bytes = __atomic_load_n(&progress->used_bytes, __ATOMIC_RELAXED),
        .guest_high_water_bytes = __atomic_load_n(&progress->high_water_bytes, __ATOMIC_RELAXED),
    };
    if (out->process_id != 0 && wrt_port_process_usage(&process, &usage) == WRT_OK) {
        out->resident_bytes = usage.resident_bytes;
        out->cpu_ns = usage.cpu_ns;
    }
    for (unsigned feature = 0; feature < WRT_CONFINE_COUNT; feature++)
        if (!(worker->in_force >> feature & 1))
            out->missing_reason[feature] = reason_missing(worker, (enum wrt_confine)feature);
}
