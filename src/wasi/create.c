/* src/wasi/create.c - from a config to one block with everything a guest will need.
 * SPDX-License-Identifier: Apache-2.0
 *
 * First all sizes, checked; then the block; then the descriptors, which is the only part
 * that can fail and has something to undo.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "port.h"
#include "wasi/state.h"
#include "wrt/secure.h"

#define DEFAULT_DESCRIPTORS 64u
#define DEFAULT_SUBSCRIPTIONS 64u
#define MAX_DESCRIPTORS 65536u
#define MAX_RESOLUTION_NS UINT64_C(1000000000)
#define STANDARD_STREAMS 3u

/* ---- sizes ---- */

/* Where each part begins in the block. */
struct layout {
    uint32_t descriptor_count, max_subscriptions, max_path_bytes;
    uint32_t argument_bytes, environment_bytes; /* with every NUL */
    size_t descriptors, subscriptions, items, strings, end;
};

static bool add_string(const char *string, uint32_t *bytes)
{
    size_t length = strlen(string);
    return length < UINT32_MAX && wrt_add_u32(*bytes, (uint32_t)length + 1, bytes);
}

static enum wrt_status measure_strings(const char *const *strings, uint32_t count,
                                       const char *what, uint32_t *out_bytes,
                                       struct wrt_error *error)
{
    *out_bytes = 0;
    if (count != 0 && !strings)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%u %s but no array", count, what);
    for (uint32_t i = 0; i < count; i++) {
        if (!strings[i])
            return wrt_fail(error, WRT_ERR_ARGUMENT, "%s %u is NULL", what, i);
        if (!add_string(strings[i], out_bytes))
            return wrt_fail(error, WRT_ERR_LIMIT, "%s do not fit in 4 GiB", what);
    }
    return WRT_OK;
}

static const char *guest_path(const struct wrt_wasi_directory *directory)
{
    return directory->guest_path ? directory->guest_path : directory->host_path;
}

static enum wrt_status measure_directories(const struct wrt_wasi_config *config,
                                           uint32_t *out_bytes, struct wrt_error *error)
{
    *out_bytes = 0;
    if (config->directory_count != 0 && !config->directories)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%u directories but no array",
                        config->directory_count);
    for (uint32_t i = 0; i < config->directory_count; i++) {
        const struct wrt_wasi_directory *directory = &config->directories[i];
        if (!directory->host_path)
            return wrt_fail(error, WRT_ERR_ARGUMENT, "directory %u has no host_path", i);
        if (guest_path(directory)[0] == '\0')
            return wrt_fail(error, WRT_ERR_ARGUMENT, "directory %u has an empty name", i);
        if (!add_string(guest_path(directory), out_bytes))
            return wrt_fail(error, WRT_ERR_LIMIT, "directory names do not fit in 4 GiB");
    }
    return WRT_OK;
}

static enum wrt_status pick(uint32_t asked, uint32_t otherwise, uint32_t least, uint32_t most,
                            const char *field, uint32_t *out, struct wrt_error *error)
{
    *out = asked == 0 ? otherwise : asked;
    if (*out < least || *out > most)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%s is %u, not %u .. %u", field, asked, least,
                        most);
    return WRT_OK;
}

static enum wrt_status check_choices(const struct wrt_wasi_config *config,
                                     struct wrt_error *error)
{
    if (config->clocks & ~(uint32_t)WRT_WASI_CLOCK_ALL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "clocks has unknown bits: %#x", config->clocks);
    if (config->clock_resolution_ns > MAX_RESOLUTION_NS)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "clock_resolution_ns is over 10^9");
    if (config->clock_jitter && config->clock_resolution_ns == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "clock_jitter without clock_resolution_ns");
    if ((unsigned)config->random > WRT_WASI_RANDOM_SEEDED)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "random is %d", (int)config->random);
    if ((unsigned)config->resolver > WRT_WASI_RESOLVER_WALK)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "resolver is %d", (int)config->resolver);
    if (config->socket_count != 0 && !config->sockets)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%u sockets but no array",
                        config->socket_count);
    return WRT_OK;
}

static enum wrt_status pick_limits(const struct wrt_wasi_config *config, struct layout *out,
                                   struct wrt_error *error)
{
    enum wrt_status status =
        pick(config->max_descriptors, DEFAULT_DESCRIPTORS, STANDARD_STREAMS, MAX_DESCRIPTORS,
             "max_descriptors", &out->descriptor_count, error);
    if (status == WRT_OK)
        status = pick(config->max_subscriptions, DEFAULT_SUBSCRIPTIONS, 1, WRT_PORT_MAX_POLL,
                      "max_subscriptions", &out->max_subscriptions, error);
    if (status == WRT_OK)
        status = pick(config->max_path_bytes, WRT_PORT_PATH_BYTES - 1, 1,
                      WRT_PORT_PATH_BYTES - 1, "max_path_bytes", &out->max_path_bytes, error);
    if (status != WRT_OK)
        return status;
    uint64_t granted = (uint64_t)STANDARD_STREAMS + config->directory_count +
                       config->socket_count;
    if (granted > out->descriptor_count)
        return wrt_fail(error, WRT_ERR_LIMIT,
                        "%llu granted descriptors, max_descriptors is %u",
                        (unsigned long long)granted, out->descriptor_count);
    return WRT_OK;
}

/* Adds `count` things of `size` bytes at *end, aligned; *begin is where. */
static bool place(size_t *end, size_t count, size_t size, size_t *begin)
{
    size_t bytes;
    return wrt_align_size(*end, 16, begin) && wrt_mul_size(count, size, &bytes) &&
           wrt_add_size(*begin, bytes, end);
}

static enum wrt_status lay_out(const struct wrt_wasi_config *config, struct layout *out,
                               struct wrt_error *error)
{
    uint32_t name_bytes;
    *out = (struct layout){.end = sizeof(struct wrt_wasi)};
    enum wrt_status status = check_choices(config, error);
    if (status == WRT_OK)
        status = pick_limits(config, out, error);
    if (status == WRT_OK)
        status = measure_strings(config->arguments, config->argument_count, "arguments",
                                 &out->argument_bytes, error);
    if (status == WRT_OK)
        status = measure_strings(config->environment, config->environment_count, "environment",
                                 &out->environment_bytes, error);
    if (status == WRT_OK)
        status = measure_directories(config, &name_bytes, error);
    if (status != WRT_OK)
        return status;
    size_t *end = &out->end;
    bool fits =
        place(end, out->descriptor_count, sizeof(struct wasi_descriptor), &out->descriptors) &&
        place(end, out->max_subscriptions, sizeof(struct wasi_subscription),
              &out->subscriptions) &&
        place(end, out->max_subscriptions, sizeof(struct wrt_port_poll), &out->items) &&
        place(end, out->argument_bytes, 1, &out->strings) &&
        wrt_add_size(*end, out->environment_bytes, end) && wrt_add_size(*end, name_bytes, end);
    if (!fits)
        return wrt_fail(error, WRT_ERR_LIMIT, "the strings do not fit the address space");
    return WRT_OK;
}

enum wrt_status wrt_wasi_footprint(const struct wrt_wasi_config *config, uint64_t *out_bytes,
                                   struct wrt_error *error)
{
    struct layout layout;
    enum wrt_status status = lay_out(config, &layout, error);
    if (status == WRT_OK)
        *out_bytes = layout.end;
    return status;
}

/* ---- filling the block ---- */

static char *copy_strings(char *to, const char *const *strings, uint32_t count,
                          struct wasi_strings *out)
{
    char *begin = to;
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = strlen(strings[i]) + 1;
        memcpy(to, strings[i], bytes);
        to += bytes;
    }
    *out = (struct wasi_strings){
        .bytes = begin, .size_bytes = (uint32_t)(to - begin), .count = count};
    return to;
}

/* Returns where the directories' names go. */
static char *fill(struct wrt_wasi *wasi, const struct wrt_wasi_config *config,
                  const struct layout *layout)
{
    uint8_t *block = (uint8_t *)wasi;
    wasi->block_bytes = layout->end;
    wasi->descriptors = (struct wasi_descriptor *)(void *)(block + layout->descriptors);
    wasi->descriptor_count = layout->descriptor_count;
    wasi->subscriptions = (struct wasi_subscription *)(void *)(block + layout->subscriptions);
    wasi->items = (struct wrt_port_poll *)(void *)(block + layout->items);
    wasi->max_subscriptions = layout->max_subscriptions;
    wasi->max_path_bytes = layout->max_path_bytes;
    wasi->clocks = config->clocks;
    wasi->coarse.resolution_ns = config->clock_resolution_ns;
    wasi->random = config->random;
    wasi->random_state = config->random_seed;
    char *strings = (char *)block + layout->strings;
    strings = copy_strings(strings, config->arguments, config->argument_count, &wasi->arguments);
    return copy_strings(strings, config->environment, config->environment_count,
                        &wasi->environment);
}

static enum wrt_status choose_jitter(struct wrt_wasi *wasi, const struct wrt_wasi_config *config,
                                     struct wrt_error *error)
{
    uint8_t key[WRT_CHACHA_KEY_BYTES] = {0};
    if (!config->clock_jitter)
        return WRT_OK;
    if (config->clock_jitter_seed != 0)
        wrt_write_u64(key, config->clock_jitter_seed);
    else if (wrt_port_entropy(key, sizeof key) != WRT_OK)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "clock_jitter: this system has no entropy");
    wrt_wasi_coarse_key(&wasi->coarse, key);
    wrt_ct_zeroise(key, sizeof key);
    return WRT_OK;
}

static enum wrt_status choose_resolver(struct wrt_wasi *wasi,
                                       const struct wrt_wasi_config *config,
                                       struct wrt_error *error)
{
    bool has_kernel = wrt_port_has_resolver(WRT_PORT_RESOLVER_KERNEL);
    bool wants_kernel = config->resolver == WRT_WASI_RESOLVER_KERNEL;
    bool takes_kernel = config->resolver != WRT_WASI_RESOLVER_WALK && has_kernel;
    wasi->resolver = takes_kernel ? WRT_PORT_RESOLVER_KERNEL : WRT_PORT_RESOLVER_WALK;
    if (wants_kernel && !has_kernel)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "this system cannot resolve paths beneath a directory in the kernel");
    if (config->directory_count != 0 && !wrt_port_has_resolver(wasi->resolver))
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this system has no directories to grant");
    return WRT_OK;
}

/* ---- descriptors ---- */

static enum wrt_status status_of(enum wrt_errno error)
{
    switch (error) {
    case WRT_ERRNO_OK:
        return WRT_OK;
    case WRT_ERRNO_NOENT:
        return WRT_ERR_NOT_FOUND;
    case WRT_ERRNO_ACCES:
    case WRT_ERRNO_PERM:
        return WRT_ERR_DENIED;
    case WRT_ERRNO_NOTDIR:
    case WRT_ERRNO_BADF:
    case WRT_ERRNO_NOTSOCK:
        return WRT_ERR_ARGUMENT;
    case WRT_ERRNO_MFILE:
    case WRT_ERRNO_NFILE:
        return WRT_ERR_LIMIT;
    case WRT_ERRNO_NOSYS:
        return WRT_ERR_UNSUPPORTED;
    default:
        return WRT_ERR_IO;
    }
}

static enum wrt_status open_stream(struct wrt_wasi *wasi, const struct wrt_wasi_stream *stream,
                                   uint32_t number, const char *name, struct wrt_error *error)
{
    struct wasi_descriptor opened;
    bool append = false;
    bool is_inherited = stream->kind == WRT_WASI_STREAM_INHERIT;
    if (stream->kind == WRT_WASI_STREAM_NONE)
        return WRT_OK;
    if ((unsigned)stream->kind > WRT_WASI_STREAM_DESCRIPTOR)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%s has kind %d", name, (int)stream->kind);
    int file = is_inherited ? (int)number : stream->descriptor;
    enum wrt_errno failure = wrt_wasi_describe(file, false, &opened);
    if (failure == WRT_ERRNO_OK && opened.kind == WASI_KIND_DIRECTORY)
        failure = WRT_ERRNO_BADF; /* it would let the guest open paths */
    if (failure == WRT_ERRNO_BADF && is_inherited)
        return WRT_OK; /* this process has no stream to pass on */
    if (failure == WRT_ERRNO_OK)
        failure = wrt_port_file_get_append(file, &append);
    if (failure != WRT_ERRNO_OK)
        return wrt_fail(error, status_of(failure), "%s: descriptor %d is not usable", name, file);
    opened.rights &= ~(WASI_RIGHT_SOCK_ACCEPT |
                       (number == 0 ? WASI_RIGHTS_THAT_CHANGE : WASI_RIGHT_FD_READ));
    opened.inheriting = 0;
    opened.flags = append ? WASI_FDFLAG_APPEND : 0;
    opened.stream = (uint8_t)(number + 1);
    wasi->descriptors[number] = opened;
    return WRT_OK;
}

static enum wrt_status open_streams(struct wrt_wasi *wasi, const struct wrt_wasi_config *config,
                                    struct wrt_error *error)
{
    enum wrt_status status =
        open_stream(wasi, &config->standard_input, 0, "standard_input", error);
    if (status == WRT_OK)
        status = open_stream(wasi, &config->standard_output, 1, "standard_output", error);
    if (status == WRT_OK)
        status = open_stream(wasi, &config->standard_error, 2, "standard_error", error);
    return status;
}

static enum wrt_status open_directory(const struct wrt_wasi_directory *directory,
                                      const char *name, struct wasi_descriptor *slot,
                                      struct wrt_error *error)
{
    struct wasi_descriptor opened;
    int file;
    enum wrt_errno failure = wrt_port_file_open_root(directory->host_path, &file);
    if (failure == WRT_ERRNO_OK) {
        failure = wrt_wasi_describe(file, true, &opened);
        if (failure != WRT_ERRNO_OK)
            wrt_port_file_close(file);
    }
    if (failure != WRT_ERRNO_OK)
        return wrt_fail(error, status_of(failure), "directory %s does not open (WASI error %d)",
                        directory->host_path, (int)failure);
    opened.granted_name = name;
    if (directory->read_only) {
        opened.rights &= ~WASI_RIGHTS_THAT_CHANGE;
        opened.inheriting &= ~WASI_RIGHTS_THAT_CHANGE;
    }
    *slot = opened;
    return WRT_OK;
}

static enum wrt_status open_socket(int socket, struct wasi_descriptor *slot,
                                   struct wrt_error *error)
{
    struct wasi_descriptor opened;
    enum wrt_errno failure = wrt_port_socket_set_nonblocking(socket);
    if (failure == WRT_ERRNO_OK)
        failure = wrt_wasi_describe(socket, false, &opened);
    if (failure != WRT_ERRNO_OK)
        return wrt_fail(error, status_of(failure), "descriptor %d is not a socket", socket);
    *slot = opened;
    return WRT_OK;
}

static enum wrt_status open_granted(struct wrt_wasi *wasi, const struct wrt_wasi_config *config,
                                    char *names, struct wrt_error *error)
{
    struct wasi_descriptor *slot = wasi->descriptors + STANDARD_STREAMS;
    enum wrt_status status = open_streams(wasi, config, error);
    for (uint32_t i = 0; status == WRT_OK && i < config->directory_count; i++) {
        const struct wrt_wasi_directory *directory = &config->directories[i];
        size_t name_bytes = strlen(guest_path(directory)) + 1;
        memcpy(names, guest_path(directory), name_bytes);
        status = open_directory(directory, names, slot++, error);
        names += name_bytes;
    }
    for (uint32_t i = 0; status == WRT_OK && i < config->socket_count; i++)
        status = open_socket(config->sockets[i], slot++, error);
    return status;
}

/* ---- the whole ---- */

enum wrt_status wrt_wasi_create(struct wrt_partition *partition,
                                const struct wrt_wasi_config *config, struct wrt_wasi **out,
                                struct wrt_error *error)
{
    struct layout layout;
    void *block;
    enum wrt_status status = lay_out(config, &layout, error);
    if (status == WRT_OK)
        status = wrt_partition_allocate(partition, WRT_CHARGE_HOST, layout.end, 16, &block, error);
    if (status != WRT_OK)
        return status;
    wrt_fill(block, 0, layout.end);
    struct wrt_wasi *wasi = block;
    wasi->partition = partition;
    char *names = fill(wasi, config, &layout);
    status = choose_resolver(wasi, config, error);
    if (status == WRT_OK)
        status = choose_jitter(wasi, config, error);
    if (status == WRT_OK &&
        wrt_port_clock_read(WRT_PORT_CLOCK_MONOTONIC, &wasi->monotonic_start_ns) !=
            WRT_ERRNO_OK && config->clocks != 0)
        status = wrt_fail(error, WRT_ERR_UNSUPPORTED, "this system has no clocks to grant");
    if (status == WRT_OK)
        status = open_granted(wasi, config, names, error);
    if (status != WRT_OK)
        wrt_wasi_destroy(wasi);
    else
        *out = wasi;
    return status;
}

void wrt_wasi_destroy(struct wrt_wasi *wasi)
{
    if (!wasi)
        return;
    for (uint32_t i = 0; i < wasi->descriptor_count; i++)
        wrt_wasi_release(&wasi->descriptors[i]);
    if (wasi->gate)
        (void)!wrt_mutex_deinit(wasi->gate);
    wrt_partition_free(wasi->partition, WRT_CHARGE_HOST, wasi, wasi->block_bytes);
}
