/* host.c - threads, time, memory and files of the host, for the simulated kernel.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

void host_panic(const char *text) {
    fprintf(stderr, "qnxsim: %s\n", text);
    abort();
}

void *host_allocate(size_t bytes) {
    void *block = calloc(1, bytes);
    if (!block) host_panic("the host has no memory left");
    return block;
}

void host_free(void *block) { free(block); }

static pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;

void host_lock(void) { pthread_mutex_lock(&kernel_lock); }
void host_unlock(void) { pthread_mutex_unlock(&kernel_lock); }

static uint64_t to_ns(struct timespec t) {
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t clock_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return to_ns(now);
}

uint64_t host_now(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t host_real_time(void) { return clock_ns(CLOCK_REALTIME); }
uint64_t host_cpu_time(bool of_thread) {
    return clock_ns(of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID);
}
void host_yield(void) { sched_yield(); }

void host_sleep(uint32_t *word, uint32_t value, uint64_t deadline_ns) {
    struct timespec at = {(time_t)(deadline_ns / 1000000000u),
                          (long)(deadline_ns % 1000000000u)};
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
            deadline_ns == UINT64_MAX ? NULL : &at, NULL, FUTEX_BITSET_MATCH_ANY);
}

void host_wake(uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

void host_shared_lock_init(void *lock) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}
_Static_assert(sizeof(pthread_mutex_t) <= 64, "the room that kernel.h has");

void host_shared_lock(void *lock) {
    if (pthread_mutex_lock(lock) == EOWNERDEAD) pthread_mutex_consistent(lock);
}
void host_shared_unlock(void *lock) { pthread_mutex_unlock(lock); }

void host_shared_sleep(uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}
void host_shared_wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0); }

void host_servant(void *(*body)(void *)) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) != 0) host_panic("no thread for mail");
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int host_thread_start(host_thread *out, void *(*body)(void *), void *argument,
                      size_t stack_bytes) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack_bytes) {
        size_t least = 128u << 10; /* the host's libc needs more of a stack than QNX's */
        pthread_attr_setstacksize(&attributes, stack_bytes < least ? least : stack_bytes);
    }
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    if (!error) *out = (host_thread)thread;
    return error;
}

void *host_thread_join(host_thread thread) {
    void *result = NULL;
    pthread_join((pthread_t)thread, &result);
    return result;
}
void host_thread_detach(host_thread thread) { pthread_detach((pthread_t)thread); }
void host_thread_exit(void) { pthread_exit(NULL); }
void host_thread_kill(host_thread thread, int host_signal) {
    pthread_kill((pthread_t)thread, host_signal);
}
int host_thread_id(void) { return (int)syscall(SYS_gettid); }
host_thread host_thread_self(void) { return (host_thread)pthread_self(); }

int host_key_create(unsigned *key, void (*destructor)(void *)) {
    return pthread_key_create(key, destructor);
}
int host_key_delete(unsigned key) { return pthread_key_delete(key); }
int host_key_set(unsigned key, const void *value) { return pthread_setspecific(key, value); }
void *host_key_get(unsigned key) { return pthread_getspecific(key); }

size_t host_page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static int host_rights(unsigned rights) {
    return (rights & 1 ? PROT_READ : 0) | (rights & 2 ? PROT_WRITE : 0) |
           (rights & 4 ? PROT_EXEC : 0);
}

void *host_map(void *at, size_t bytes, unsigned rights, bool is_fixed, bool is_shared, int fd,
               int64_t offset) {
    int flags = (is_shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE |
                (is_fixed ? MAP_FIXED : 0) | (fd < 0 ? MAP_ANONYMOUS : 0);
    void *start = mmap(at, bytes, host_rights(rights), flags, fd, (off_t)offset);
    return start == MAP_FAILED ? NULL : start;
}

void host_unmap(void *start, size_t bytes) { munmap(start, bytes); }

bool host_protect(void *start, size_t bytes, unsigned rights) {
    return mprotect(start, bytes, host_rights(rights)) == 0;
}

int host_lock_memory(void *start, size_t bytes, bool lock) {
    return (lock ? mlock(start, bytes) : munlock(start, bytes)) == 0 ? 0 : errno;
}

int host_memory_file(uint64_t bytes) {
    int fd = memfd_create("qnxsim", MFD_CLOEXEC);
    if (fd >= 0 && bytes && ftruncate(fd, (off_t)bytes) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool host_is_memory_file(int fd, uint64_t *bytes) {
    static const char wanted[] = "/memfd:qnxsim (";
    char path[40], name[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, name, sizeof name);
    struct stat status;
    if (length < (ssize_t)sizeof wanted - 1 || memcmp(name, wanted, sizeof wanted - 1) != 0) return false;
    if (fstat(fd, &status) != 0) return false;
    *bytes = (uint64_t)status.st_size;
    return true;
}

int host_placeholder_fd(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
int host_file_size(int fd, uint64_t bytes) { return ftruncate(fd, (off_t)bytes); }
int host_fd_dup(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }
void host_fd_close(int fd) { close(fd); }
int host_close(int fd) { return close(fd); }
int host_ftruncate(int fd, int64_t length) { return ftruncate(fd, (off_t)length); }
int64_t host_read(int fd, void *buffer, size_t bytes) { return read(fd, buffer, bytes); }
int64_t host_write(int fd, const void *buffer, size_t bytes) {
    return write(fd, buffer, bytes);
}
int host_pipe(int fds[2]) { return pipe(fds); }

long host_cpus(void) { return sysconf(_SC_NPROCESSORS_ONLN); }

uint64_t host_cycles(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count));
    return count;
#else
    return host_now();
#endif
}

uint64_t host_cycles_per_second(void) {
    uint64_t start = host_now(), first = host_cycles();
    while (host_now() - start < 2000000) { /* 2 ms are enough for three digits */
    }
    return (host_cycles() - first) * 1000000000u / (host_now() - start);
}

const char *host_machine(void) {
    static struct utsname name;
    uname(&name);
    return name.machine;
}
