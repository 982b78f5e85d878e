/* host.h - the few host services that the simulated kernel stands on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * host/ is compiled against the host's headers, kernel/ against the simulated QNX headers.
 * This file is the only one that both include, so it uses no type of either.
 */
#ifndef QNXSIM_HOST_H
#define QNXSIM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void host_panic(const char *text) __attribute__((noreturn));
void *host_allocate(size_t bytes); /* zeroed; panics when out of memory */
void host_free(void *block);

/* ---- one lock for the whole kernel, and sleeping outside it ---- */
void host_lock(void);
void host_unlock(void);
/* Sleeps while *word == value, until deadline_ns of host_now; UINT64_MAX = none. */
void host_sleep(uint32_t *word, uint32_t value, uint64_t deadline_ns);
void host_wake(uint32_t *word);
uint64_t host_now(void);
uint64_t host_real_time(void);
uint64_t host_cpu_time(bool of_thread);
void host_yield(void);

/* ---- between host processes: `lock` is 64 bytes of memory that they share ---- */
void host_shared_lock_init(void *lock);
void host_shared_lock(void *lock); /* also when its holder was killed */
void host_shared_unlock(void *lock);
void host_shared_sleep(uint32_t *word, uint32_t value);
void host_shared_wake(uint32_t *word);
/* A thread that is nobody's: no signals, ends with the process. */
void host_servant(void *(*body)(void *));

/* ---- threads ---- */
typedef void *host_thread;
int host_thread_start(host_thread *out, void *(*body)(void *), void *argument,
                      size_t stack_bytes);
void *host_thread_join(host_thread thread);
void host_thread_detach(host_thread thread);
void host_thread_exit(void) __attribute__((noreturn));
void host_thread_kill(host_thread thread, int host_signal);
host_thread host_thread_self(void);
int host_thread_id(void); /* of the system, > 0 */
/* A slot per thread; `destructor` runs at the thread's end. */
int host_key_create(unsigned *key, void (*destructor)(void *));
int host_key_delete(unsigned key);
int host_key_set(unsigned key, const void *value);
void *host_key_get(unsigned key);

/* ---- memory: rights are 1 read, 2 write, 4 execute ---- */
size_t host_page(void);
void *host_map(void *at, size_t bytes, unsigned rights, bool is_fixed, bool is_shared, int fd,
               int64_t offset); /* NULL: refused */
void host_unmap(void *start, size_t bytes);
bool host_protect(void *start, size_t bytes, unsigned rights);
int host_lock_memory(void *start, size_t bytes, bool lock);
int host_memory_file(uint64_t bytes); /* a descriptor */
/* Was the descriptor made by host_memory_file, here or by the process that started this one? */
bool host_is_memory_file(int fd, uint64_t *bytes);
int host_placeholder_fd(void);        /* a descriptor number that nothing else uses */
int host_file_size(int fd, uint64_t bytes);
int host_fd_dup(int fd);
void host_fd_close(int fd);
int host_close(int fd); /* what close() does; errno as it sets it */
int host_ftruncate(int fd, int64_t length);
int64_t host_read(int fd, void *buffer, size_t bytes);
int64_t host_write(int fd, const void *buffer, size_t bytes);

/* ---- faults and signals; numbers are the host's ---- */
struct host_registers {
    uint64_t general[32]; /* x86-64: in the order of QNX's structure; AArch64: x0..x30, sp */
    uint64_t ip, flags;
};
/* Installs the host handlers for memory faults; again when somebody replaced them. */
void host_faults_install(void);
/* Defined by the kernel: serve a fault at `address`. false: nobody wants it. */
bool kernel_fault(int host_signal, int host_code, uintptr_t address, bool is_write,
                  bool in_kernel_copy, struct host_registers *registers);
/* Copies; false when either side cannot be accessed. */
bool host_copy(void *to, const void *from, size_t bytes);
void host_signal_install(int host_signal, bool is_default, bool is_ignore, bool on_stack,
                         void (*handler)(int host_signal));
uint64_t host_signal_mask(int how, bool has_set, uint64_t set); /* 0 block 1 unblock 2 set */
uint64_t host_signal_pending(void);
int host_signal_wait(uint64_t set, uint64_t timeout_ns); /* a number, or -errno */
int host_alternate_stack(bool has_new, void *base, size_t bytes, int flags, void **old_base,
                         size_t *old_bytes, int *old_flags);
int host_raise(int host_signal);
int host_kill(int pid, int host_signal);

/* ---- processes ---- */
int host_pid(void);
uint32_t host_uid(void);
struct host_fd_action {
    int from, to; /* to -1: close `from` */
};
int host_spawn(const char *path, char *const *arguments, char *const *environment,
               const struct host_fd_action *actions, int count); /* pid or -errno */
int host_wait(int pid, bool may_block, int *status); /* as waitpid; errno set */
/* State that simulated processes of one machine share; `fd_name` names the environment
 * variable that hands it to children. */
void *host_shared_state(size_t bytes, const char *fd_name, bool *is_new, int *fd);
long host_cpus(void);
uint64_t host_cycles(void);
uint64_t host_cycles_per_second(void);
const char *host_machine(void);
int host_pipe(int fds[2]);

#endif
