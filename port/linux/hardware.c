/* port/linux/hardware.c - the processor's protections as Linux offers them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that the C library of the build may not know yet are written out, with the kernel
 * release that they came with.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "../posix/posix.h"
#include "base/tags.h"
#include "port_hardware.h"

/* ---- what the machine says of itself ---- */

#if defined(__aarch64__)
enum { HAS_SIGNING = 1 << 30 };                                       /* AT_HWCAP */
enum { HAS_PADS = 1 << 17, HAS_TAGS = 1 << 18, HAS_TAGS_3 = 1 << 22 }; /* AT_HWCAP2 */

static bool has(unsigned long words, unsigned long bit)
{
    return (words & bit) != 0;
}
static bool has_tags(void) { return has(getauxval(AT_HWCAP2), HAS_TAGS); }
static bool has_asymmetric_tags(void) { return has(getauxval(AT_HWCAP2), HAS_TAGS_3); }
static bool has_signing(void) { return has(getauxval(AT_HWCAP), HAS_SIGNING); }
static bool has_pads(void) { return has(getauxval(AT_HWCAP2), HAS_PADS); }
static bool has_shadow_stack(void) { return false; }
static bool has_branch_tracking(void) { return false; }
#else
static bool has_tags(void) { return false; }
static bool has_asymmetric_tags(void) { return false; }
static bool has_signing(void) { return false; }
static bool has_pads(void) { return false; }

#if defined(__x86_64__)
/* Leaf 7: bit 7 of ecx is the shadow stack, bit 20 of edx branch tracking. */
static bool has_feature(bool is_in_edx, unsigned bit)
{
    unsigned a, b, c = 0, d = 0;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && ((is_in_edx ? d : c) >> bit & 1) != 0;
}
static bool has_shadow_stack(void) { return has_feature(false, 7); }
static bool has_branch_tracking(void) { return has_feature(true, 20); }
#else
static bool has_shadow_stack(void) { return false; }
static bool has_branch_tracking(void) { return false; }
#endif
#endif

static _Atomic uint32_t requested; /* bit per enum wrt_hardware */

static void note_requested(enum wrt_hardware feature)
{
    atomic_fetch_or_explicit(&requested, 1u << feature, memory_order_relaxed);
}

bool wrt_port_has_tags(void)
{
    return has_tags();
}

/* ---- the mode of tag checks, Linux 5.10 ---- */

enum {
    SET_TAGGED_ADDRESSES = 55, /* PR_SET_TAGGED_ADDR_CTRL */
    GET_TAGGED_ADDRESSES = 56,
    TAGGED_ENABLE = 1,
    TAGGED_SYNC = 2,
    TAGGED_ASYNC = 4,
    TAGS_BUT_0 = 0xFFFE << 3 /* that a random tag may be */
};

/* A thread that asks for both modes gets what each processor prefers, so asymmetric checks are in
 * force only if all of them prefer those. */
static bool prefers_asymmetric(unsigned long processor)
{
    char path[64] = "/sys/devices/system/cpu/cpu", text[8] = "", digits[20];
    static const char tail[] = "/mte_tcf_preferred";
    size_t length = strlen(path), count = 0;
    ssize_t got;
    int file;

    do {
        digits[count++] = (char)('0' + processor % 10);
        processor /= 10;
    } while (processor != 0);
    while (count != 0)
        path[length++] = digits[--count];
    memcpy(path + length, tail, sizeof tail);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    got = read(file, text, sizeof text - 1);
    close(file);
    return got >= 5 && memcmp(text, "asymm", 5) == 0;
}

static bool all_prefer_asymmetric(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    for (long i = 0; i < processors; i++)
        if (!prefers_asymmetric((unsigned long)i))
            return false;
    return processors > 0;
}

enum wrt_status wrt_port_tags_set_mode(enum wrt_tag_mode mode)
{
    static const unsigned long words[] = {
        [WRT_TAG_MODE_OFF] = 0,
        [WRT_TAG_MODE_SYNC] = TAGGED_SYNC,
        [WRT_TAG_MODE_ASYNC] = TAGGED_ASYNC,
        [WRT_TAG_MODE_ASYMMETRIC] = TAGGED_SYNC | TAGGED_ASYNC,
    };

    note_requested(mode == WRT_TAG_MODE_ASYNC        ? WRT_HARDWARE_TAGS_ASYNC
                            : mode == WRT_TAG_MODE_ASYMMETRIC ? WRT_HARDWARE_TAGS_ASYMMETRIC
                                                              : WRT_HARDWARE_TAGS_SYNC);
    if (!has_tags())
        return WRT_ERR_UNSUPPORTED;
    if (mode == WRT_TAG_MODE_ASYMMETRIC && !(has_asymmetric_tags() && all_prefer_asymmetric()))
        return WRT_ERR_UNSUPPORTED;
    if (prctl(SET_TAGGED_ADDRESSES, TAGGED_ENABLE | TAGS_BUT_0 | words[mode], 0, 0, 0) != 0)
        return wrt_linux_to_status(errno) == WRT_ERR_ARGUMENT ? WRT_ERR_UNSUPPORTED
                                                              : wrt_linux_to_status(errno);
    return WRT_OK;
}

enum wrt_tag_mode wrt_port_tags_mode(void)
{
    int word = has_tags() ? prctl(GET_TAGGED_ADDRESSES, 0, 0, 0, 0) : 0;

    if (word < 0)
        return WRT_TAG_MODE_OFF;
    switch (word & (TAGGED_SYNC | TAGGED_ASYNC)) {
    case TAGGED_SYNC:
        return WRT_TAG_MODE_SYNC;
    case TAGGED_ASYNC:
        return WRT_TAG_MODE_ASYNC;
    case TAGGED_SYNC | TAGGED_ASYNC: /* somebody else asked for what the processor prefers */
        return all_prefer_asymmetric() ? WRT_TAG_MODE_ASYMMETRIC : WRT_TAG_MODE_ASYNC;
    default:
        return WRT_TAG_MODE_OFF;
    }
}

/* ---- memory keys, Linux 4.9 ---- */

static _Atomic uint32_t keys; /* in use */

#if defined(__x86_64__)
enum { KEY_LIMIT = 16, DISABLE_ACCESS = 1, BITS_PER_KEY = 2, KEY_BITS = 3 };

static uint32_t read_rights(void)
{
    uint32_t low, high;

    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(low), "=d"(high) : "c"(0)); /* rdpkru */
    return low;
}

static void write_rights(uint32_t word)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(word), "d"(0), "c"(0) : "memory");
}

enum wrt_status wrt_port_key_create(uint32_t *out)
{
    long key = syscall(SYS_pkey_alloc, 0ul, (unsigned long)DISABLE_ACCESS);

    note_requested(WRT_HARDWARE_MEMORY_KEYS);
    if (key > 0 && key < KEY_LIMIT) {
        atomic_fetch_add(&keys, 1);
        *out = (uint32_t)key;
        return WRT_OK;
    }
    return errno == ENOSPC && wrt_linux_has_keys() ? WRT_ERR_LIMIT : WRT_ERR_UNSUPPORTED;
}

void wrt_port_key_destroy(uint32_t key)
{
    wrt_port_key_open(key, false); /* whoever gets it next starts without */
    if (syscall(SYS_pkey_free, key) == 0)
        atomic_fetch_sub(&keys, 1);
}

enum wrt_status wrt_port_key_protect(void *address, size_t size_bytes, unsigned rights,
                                     uint32_t key)
{
    if (syscall(SYS_pkey_mprotect, wrt_untagged(address), size_bytes, wrt_linux_protection(rights), key) != 0)
        return wrt_linux_to_status(errno);
    return WRT_OK;
}

void wrt_port_key_open(uint32_t key, bool is_open)
{
    uint32_t bits = (uint32_t)KEY_BITS << BITS_PER_KEY * key, word = read_rights() & ~bits;

    write_rights(is_open ? word : word | (uint32_t)DISABLE_ACCESS << BITS_PER_KEY * key);
}

bool wrt_port_key_is_open(uint32_t key)
{
    return (read_rights() >> BITS_PER_KEY * key & DISABLE_ACCESS) == 0;
}

/* Leaf 7, ecx bit 4: the system has turned the keys on. */
bool wrt_linux_has_keys(void)
{
    return has_feature(false, 4);
}

/* Asking the processor for its features is slow in a virtual machine: not per call. */
uint32_t wrt_posix_thread_rights(void)
{
    return atomic_load_explicit(&keys, memory_order_relaxed) != 0 ? read_rights() : UINT32_MAX;
}

void wrt_posix_restore_rights(uint32_t rights)
{
    if (rights != UINT32_MAX)
        write_rights(rights);
}
#else
enum wrt_status wrt_port_key_create(uint32_t *out)
{
    (void)out;
    note_requested(WRT_HARDWARE_MEMORY_KEYS);
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_key_destroy(uint32_t key)
{
    (void)key;
}

enum wrt_status wrt_port_key_protect(void *address, size_t size_bytes, unsigned rights,
                                     uint32_t key)
{
    (void)address;
    (void)size_bytes;
    (void)rights;
    (void)key;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_key_open(uint32_t key, bool is_open)
{
    (void)key;
    (void)is_open;
}

bool wrt_port_key_is_open(uint32_t key)
{
    (void)key;
    return true;
}

bool wrt_linux_has_keys(void)
{
    return false;
}

uint32_t wrt_posix_thread_rights(void)
{
    return 0;
}

void wrt_posix_restore_rights(uint32_t rights)
{
    (void)rights;
}
#endif

/* ---- what is in force ---- */

/* A child jumps past a landing pad of this library: only enforcement ends it by SIGILL. */
#if defined(__aarch64__)
void wrt_linux_pad(void);
__asm__(".text\n.balign 4\n.hidden wrt_linux_pad\n.type wrt_linux_pad, %function\n"
        ".globl wrt_linux_pad\nwrt_linux_pad:\n"
        "\thint #34\n" /* bti c */
        "\tnop\n\tret\n.size wrt_linux_pad, . - wrt_linux_pad\n");

static bool pads_are_enforced(void)
{
    void (*volatile past)(void) = (void (*)(void))((uintptr_t)wrt_linux_pad + 4);
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)signal(SIGILL, SIG_DFL);
        past();
        _exit(0);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGILL;
}
#else
static bool pads_are_enforced(void) { return false; }
#endif

#if defined(__x86_64__)
enum { SHADOW_STATUS = 0x5005, SHADOW_ON = 1 }; /* arch_prctl, Linux 6.6 */

/* False: the kernel does not know them. */
static bool ask_shadow_stack(uint64_t *features)
{
    *features = 0;
    return syscall(SYS_arch_prctl, SHADOW_STATUS, features) == 0;
}
#else
enum { SHADOW_ON = 1 };
static bool ask_shadow_stack(uint64_t *features)
{
    *features = 0;
    return false;
}
#endif

/* Looks for a mapping with both rights: "address perms ...", perms being rwxp. */
static bool has_writable_code(bool *is_known)
{
    char buffer[4096];
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    unsigned column = 0; /* of the line's first space: perms follow */
    bool has_both = false, in_line = false, is_writable = false;
    ssize_t got = 0;

    *is_known = file >= 0;
    while (file >= 0 && (got = read(file, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (buffer[i] == '\n')
                in_line = false, column = 0;
            else if (in_line)
                column++;
            else if (buffer[i] == ' ')
                in_line = true;
            if (column == 2)
                is_writable = buffer[i] == 'w';
            has_both |= column == 3 && in_line && is_writable && buffer[i] == 'x';
        }
    if (file >= 0)
        close(file);
    *is_known = *is_known && got == 0;
    return has_both;
}

static struct wrt_port_hardware say(bool is_available, bool is_active, const char *missing,
                                    const char *idle, const char *done)
{
    return (struct wrt_port_hardware){.is_available = is_available, .is_active = is_active,
                                      .why = is_active      ? done
                                             : is_available ? idle
                                                            : missing};
}

static struct wrt_port_hardware say_tags(enum wrt_tag_mode mode, bool is_available,
                                         const char *missing)
{
    return say(is_available, wrt_port_tags_mode() == mode, missing,
               "this thread's mode is another one", "this thread's accesses are checked so");
}

static struct wrt_port_hardware say_shadow_stack(void)
{
    uint64_t features;
    bool is_known = ask_shadow_stack(&features);

    return say(has_shadow_stack() && is_known, (features & SHADOW_ON) != 0,
               !has_shadow_stack() ? "the processor has none, or the system hides it"
                                   : "the kernel gives programs none (Linux 6.6 can)",
               "the C library did not turn it on (glibc 2.39: glibc.cpu.x86_shstk=on)",
               "the C library turned it on");
}

static struct wrt_port_hardware say_writable_code(void)
{
    bool is_known, has_both = has_writable_code(&is_known);

    return say(is_known, is_known && !has_both, "/proc/self/maps cannot be read",
               "a page that is not ours is both", "no page of the process is both");
}

static struct wrt_port_hardware say_colours(void)
{
    const char *missing = wrt_linux_colours_missing();

    return say(missing == NULL || wrt_linux_colours_given(), wrt_linux_colours_given(), missing,
               "no memory has one (--cache-colour, cache_colour)",
               "memory was cut out of huge pages");
}

static void describe(enum wrt_hardware feature, struct wrt_port_hardware *out)
{
    static const char no_tags[] = "the processor has no memory tags, or the system hides them";

    switch (feature) {
    case WRT_HARDWARE_TAGS_SYNC:
        *out = say_tags(WRT_TAG_MODE_SYNC, has_tags(), no_tags);
        return;
    case WRT_HARDWARE_TAGS_ASYNC:
        *out = say_tags(WRT_TAG_MODE_ASYNC, has_tags(), no_tags);
        return;
    case WRT_HARDWARE_TAGS_ASYMMETRIC:
        *out = say_tags(WRT_TAG_MODE_ASYMMETRIC, has_asymmetric_tags() && all_prefer_asymmetric(),
                        !has_tags()              ? no_tags
                        : !has_asymmetric_tags() ? "the processor has only the other two modes"
                                                 : "mte_tcf_preferred is not asymm on every "
                                                   "processor, so it would be another mode");
        return;
    case WRT_HARDWARE_SIGNED_RETURNS:
    case WRT_HARDWARE_SIGNED_HANDLERS:
        *out = say(has_signing(), has_signing(), "the processor signs no pointers", "",
                   "the processor signs pointers");
        return;
    case WRT_HARDWARE_LANDING_PADS:
        *out = say(has_pads(), has_pads() && pads_are_enforced(),
                   "the processor has none, or the system hides them",
                   "the loader did not ask for them: this image is not marked",
                   "a jump past one was tried, and faulted");
        return;
    case WRT_HARDWARE_SHADOW_STACK:
        *out = say_shadow_stack();
        return;
    case WRT_HARDWARE_BRANCH_TRACKING:
        *out = say(false, false, has_branch_tracking() ? "Linux does not track user programs"
                                                       : "the processor has none, or the "
                                                         "system hides it", "", "");
        return;
    case WRT_HARDWARE_MEMORY_KEYS:
        *out = say(wrt_linux_has_keys(), atomic_load(&keys) != 0,
                   "the processor has none, or the system hides them",
                   "no partition is sealed by one", "a partition is sealed by one");
        return;
    case WRT_HARDWARE_WRITE_XOR_EXECUTE:
        *out = say_writable_code();
        return;
    case WRT_HARDWARE_CACHE_COLOURS:
        *out = say_colours();
        return;
    case WRT_HARDWARE_COUNT:
        break;
    }
    *out = say(false, false, "no such feature", "", "");
}

void wrt_port_hardware_get(enum wrt_hardware feature, struct wrt_port_hardware *out)
{
    describe(feature, out);
    out->is_requested = feature == WRT_HARDWARE_CACHE_COLOURS
                            ? wrt_linux_colours_requested()
                            : atomic_load_explicit(&requested, memory_order_relaxed) >> feature & 1;
}
