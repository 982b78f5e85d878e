/* src/port.h - the whole contract with an operating system; the one door to it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The build picks one folder below port/ that defines every call here; they are linked,
 * not reached through pointers, so no code address is writable and proofs see the calls.
 * A call that a system cannot serve returns WRT_ERR_UNSUPPORTED; it never pretends.
 *
 * Shared preconditions (callers keep them, ports may assert them):
 *   P1  addresses and sizes of memory calls are multiples of wrt_port_page_bytes()
 *       and sizes are >= 1 page, unless the call says otherwise
 *       (an address may carry a memory tag, wrt/hardware.h)
 *   P2  a range lies inside one reservation that wrt_port_reserve gave, not yet released
 *   P3  out pointers are not NULL; they are written on success only
 *   P4  times are nanoseconds of the monotonic clock; deadline 0 means "try, do not
 *       block", UINT64_MAX means "no deadline"
 *   P5  any call may be made from any thread; calls on one range, one thread handle or
 *       one object are serialised by the caller
 *   P6  no call allocates from the C heap, except the heap calls and wrt_port_thread_create
 *
 * Statuses: ERR_UNSUPPORTED (not on this system), ERR_NO_MEMORY (the system refused for
 * lack of memory or address space), ERR_LIMIT (a limit of this process), ERR_DENIED (a
 * right is missing), ERR_ARGUMENT, ERR_IO (anything else). A failed call changed nothing,
 * except where it says "some pages".
 *
 * "QNX:" names the calls that port/qnx maps to; reasons are in docs/qnx.md.
 */
#ifndef WRT_PORT_H
#define WRT_PORT_H

#include "wrt/base.h"

/* The folder's name, "linux". Static string. */
const char *wrt_port_name(void);

/* ---------------------------------------------------------------- virtual memory ---- */

/* Host page: a power of two, constant. Never fails; "none" says 4096.
 * Linux: sysconf(_SC_PAGESIZE). QNX: sysconf(_SC_PAGESIZE), known at run time only. */
size_t wrt_port_page_bytes(void);

/* The huge page of the running system, 0 if it has none that can be asked for.
 * Linux: transparent huge page size. QNX: 0, big pages are the system's choice. */
size_t wrt_port_huge_page_bytes(void);

enum wrt_port_rights {
    WRT_PORT_NONE = 0,
    WRT_PORT_READ = 1,
    WRT_PORT_WRITE = 2, /* implies READ where the machine cannot tell them apart */
    WRT_PORT_EXECUTE = 4,
    WRT_PORT_READ_WRITE = 3,
    WRT_PORT_TAGGED = 8 /* with READ: the pages have memory tags (wrt_port_has_tags); a page once
                           committed so keeps them until decommit. ERR_UNSUPPORTED without */
};

enum wrt_port_huge { WRT_PORT_HUGE_DEFAULT = 0, WRT_PORT_HUGE_NEVER, WRT_PORT_HUGE_ADVISE };

/* Zero-fill; bytes is required. What cannot be met is ERR_UNSUPPORTED (pool, node) or, for
 * huge pages, asked for and left to wrt_port_query to report. */
struct wrt_port_request {
    size_t bytes;
    size_t alignment_bytes; /* power of two >= the page; 0 = the page */
    unsigned rights;        /* NONE: address space only; otherwise committed as well */
    enum wrt_port_huge huge;
    bool has_node;          /* `node` below is meant */
    unsigned node;          /* NUMA node, preferred, not demanded */
    const char *pool;       /* QNX typed memory by name; borrowed; NULL = ordinary memory */
};

/* Reserves address space. With rights NONE it takes no memory and no access is allowed.
 * Linux: mmap(PROT_NONE, NORESERVE). QNX: mmap(PROT_NONE, PRIVATE|ANON|LAZY). */
WRT_MUST_CHECK enum wrt_status
wrt_port_reserve(const struct wrt_port_request *request, void **out);

/* Gives memory to part of a reservation: zero when it was not committed before, kept when
 * it was. Out of memory is reported here where the system can (QNX), never by a fault.
 * Linux: mprotect. QNX: mmap(FIXED|PRIVATE|ANON), not lazy, so only for ranges that are
 * not committed yet: callers must not commit a page twice. */
WRT_MUST_CHECK enum wrt_status
wrt_port_commit(void *address, size_t size_bytes, unsigned rights);

/* Takes the memory back; the range is reserved again and without access.
 * Linux: mmap(FIXED, PROT_NONE). QNX: mmap(FIXED|LAZY, PROT_NONE). */
WRT_MUST_CHECK enum wrt_status wrt_port_decommit(void *address, size_t size_bytes);

/* Changes the rights of committed pages; contents stay. WRITE with EXECUTE is refused
 * (ERR_ARGUMENT): no page is ever both.  Linux, QNX: mprotect. */
WRT_MUST_CHECK enum wrt_status
wrt_port_protect(void *address, size_t size_bytes, unsigned rights);

/* Drops the contents of committed pages: zero again, or the image again where the range
 * maps an object privately. Rights stay.
 * Linux: madvise(DONTNEED). QNX: ERR_UNSUPPORTED (the caller clears by hand). */
WRT_MUST_CHECK enum wrt_status wrt_port_reset(void *address, size_t size_bytes);

/* Ends a whole reservation: address and size as given by wrt_port_reserve.
 * Linux, QNX: munmap. */
WRT_MUST_CHECK enum wrt_status wrt_port_release(void *address, size_t size_bytes);

/* Makes committed, writable pages resident now; contents stay. With lock they stay
 * resident (ERR_DENIED or ERR_LIMIT if not allowed: they may be resident all the same).
 * Linux: madvise(POPULATE_WRITE), else a touch per page; mlock. QNX: touch; mlock. */
WRT_MUST_CHECK enum wrt_status
wrt_port_prefault(void *address, size_t size_bytes, bool lock);
WRT_MUST_CHECK enum wrt_status wrt_port_unlock(void *address, size_t size_bytes);

/* Is the byte at `address` (any address) accessible that way, as the kernel sees it?
 * Never faults, never changes the byte. OK: yes; ERR_DENIED: no; ERR_UNSUPPORTED.
 * `rights`: READ or WRITE.
 * Linux: process_vm_readv / _writev on itself. QNX: a kernel copy that reports EFAULT. */
WRT_MUST_CHECK enum wrt_status wrt_port_probe(const void *address, unsigned rights);

/* What the system really did with a range. */
struct wrt_port_range_info {
    uint64_t resident_bytes;
    uint64_t huge_bytes;   /* backed by huge pages now */
    uint64_t locked_bytes;
};
/* Linux: /proc/self/smaps. QNX: ERR_UNSUPPORTED. Slow; for reports and tests. */
WRT_MUST_CHECK enum wrt_status
wrt_port_query(const void *address, size_t size_bytes, struct wrt_port_range_info *out);

/* ---- memory objects: what two mappings can share, or an image to copy from on write ---- */

struct wrt_port_object { /* private to the port */
    intptr_t handle;
    size_t size_bytes;
};

/* A new object of that size, zero, and never resized afterwards (sealed).
 * Linux: memfd_create and F_SEAL_GROW|SHRINK. QNX: shm_open(SHM_ANON), SHMCTL_SEAL. */
WRT_MUST_CHECK enum wrt_status
wrt_port_object_create(size_t size_bytes, struct wrt_port_object *out);

/* Maps all of it over part of a reservation. is_private: writes stay in this mapping
 * (copy on write) and wrt_port_reset brings the object's bytes back; otherwise writes are
 * seen by all. Linux, QNX: mmap(FIXED, SHARED or PRIVATE, fd). */
WRT_MUST_CHECK enum wrt_status
wrt_port_object_map(const struct wrt_port_object *object, void *address, unsigned rights,
                    bool is_private);

/* Refuses all further writes through new mappings. ERR_BUSY while a writable shared one
 * exists. Linux: F_SEAL_WRITE. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status wrt_port_object_freeze(struct wrt_port_object *object);

/* Forgets the object; mappings stay until they are replaced or released. */
void wrt_port_object_close(struct wrt_port_object *object);

/* ------------------------------------------------------------------ native heap ---- */

enum wrt_port_heap_option {
    WRT_PORT_HEAP_ARENA_SIZE,      /* bytes of one heap arena */
    WRT_PORT_HEAP_CACHE_BLOCKS,    /* freed arenas kept, count */
    WRT_PORT_HEAP_CACHE_BYTES,     /* freed arenas kept, bytes */
    WRT_PORT_HEAP_MEMORY_HOLD,     /* 1: never give memory back */
    WRT_PORT_HEAP_FREE_NOW,        /* give back what is cached */
    WRT_PORT_HEAP_MAP_THRESHOLD    /* bytes from which a block gets its own mapping */
};

/* What became of a request. `why` is a static sentence, never NULL. */
struct wrt_port_outcome {
    bool applied;
    bool has_previous;
    int64_t previous; /* the option's value before, where the system tells */
    const char *why;
};

/* Tunes the process-wide C heap. OK when the system accepted it; ERR_UNSUPPORTED when it
 * knows no such knob; out->why says so in both cases. Written in every case.
 * Linux (glibc): mallopt M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, malloc_trim. QNX: mallopt. */
enum wrt_status wrt_port_heap_configure(enum wrt_port_heap_option option, int64_t value,
                                        struct wrt_port_outcome *out);

/* alignment_bytes: power of two >= sizeof(void *). Contents unspecified.
 * Linux, QNX: posix_memalign. */
WRT_MUST_CHECK enum wrt_status
wrt_port_heap_allocate(size_t alignment_bytes, size_t size_bytes, void **out);
void wrt_port_heap_free(void *block); /* as given above; NULL does nothing */

struct wrt_port_heap_info {
    uint64_t held_bytes; /* taken from the system by the whole process's heap */
    uint64_t used_bytes; /* handed out of that */
};
/* Linux: mallinfo2. QNX: mallinfo. */
WRT_MUST_CHECK enum wrt_status wrt_port_heap_statistics(struct wrt_port_heap_info *out);

/* --------------------------------------------------------------------- threads ---- */

/* A lock with priority inheritance, for structures that several threads share. Zeroed is
 * not initialised. Not recursive; lock by the owner is ERR_BUSY.
 * Linux, QNX: pthread_mutex with PTHREAD_PRIO_INHERIT, error checking. */
struct wrt_port_mutex {
    uint64_t opaque[8]; /* room for any port's mutex; static-asserted there */
};
WRT_MUST_CHECK enum wrt_status wrt_port_mutex_init(struct wrt_port_mutex *mutex);
WRT_MUST_CHECK enum wrt_status wrt_port_mutex_lock(struct wrt_port_mutex *mutex);
void wrt_port_mutex_unlock(struct wrt_port_mutex *mutex);
void wrt_port_mutex_deinit(struct wrt_port_mutex *mutex);

struct wrt_port_thread { /* private to the port */
    uint64_t id;
    bool is_valid;
};

/* Zero-fill. */
struct wrt_port_thread_config {
    size_t stack_bytes;    /* rounded up to pages; 0 = 256 KiB */
    int priority;          /* 0 = the creator's; otherwise as wrt_port_thread_set_priority */
    uint64_t affinity;     /* bit n: may run on processor n; 0 = the creator's */
    const char *name;      /* borrowed; up to 15 bytes are used; NULL = none */
};

/* Starts body(context). ERR_DENIED if the priority is not allowed: nothing started.
 * Linux, QNX: pthread_create with attributes (QNX: stack not lazy). */
WRT_MUST_CHECK enum wrt_status
wrt_port_thread_create(const struct wrt_port_thread_config *config, void (*body)(void *),
                       void *context, struct wrt_port_thread *out);
WRT_MUST_CHECK enum wrt_status wrt_port_thread_join(struct wrt_port_thread *thread);
/* Runs body() on the calling thread when that ends; the same body for all threads.
 * Linux, QNX: a thread-specific key with a destructor. */
WRT_MUST_CHECK enum wrt_status wrt_port_thread_on_exit(void (*body)(void));

/* The calling thread's number: > 0, unique among living threads of the system.
 * Linux: gettid. QNX: pthread_self with the process. "none": 1. */
uint32_t wrt_port_thread_id(void);

/* Of the calling thread. priority > 0: real-time, first in first out, in the system's
 * range; 0: ordinary scheduling. Linux: sched_setscheduler. QNX: SchedSet. */
WRT_MUST_CHECK enum wrt_status wrt_port_thread_set_priority(int priority);
WRT_MUST_CHECK enum wrt_status wrt_port_thread_get_priority(int *out);
/* Bit n: may run on processor n. Linux: sched_setaffinity. QNX: ThreadCtl(RUNMASK). */
WRT_MUST_CHECK enum wrt_status wrt_port_thread_set_affinity(uint64_t mask);
/* Bytes left between the caller's stack pointer and the lowest usable byte of its stack.
 * Linux: pthread_getattr_np. QNX: thread attributes. */
WRT_MUST_CHECK enum wrt_status wrt_port_thread_stack_left(size_t *out);

/* ------------------------------------------------------------------------ time ---- */

/* Nanoseconds since some fixed moment; never goes back. Does not block, safe in a signal
 * handler. Linux, QNX: clock_gettime(CLOCK_MONOTONIC). */
WRT_MUST_CHECK enum wrt_status wrt_port_time_now(uint64_t *out_ns);

/* Resolution of that clock. */
WRT_MUST_CHECK enum wrt_status wrt_port_time_resolution(uint64_t *out_ns);

/* --------------------------------------------------------------- wait and wake ---- */

/* Sleeps while *word == expected, compared atomically with wakes of the same word.
 *   OK               woken, or spuriously: look at the word again
 *   ERR_STATE        *word differed at the start
 *   ERR_TIMEOUT      deadline_ns (absolute, P4) passed
 *   ERR_INTERRUPTED  a signal handler ran
 * is_shared: other processes wake it through a shared mapping.
 * Linux: futex(WAIT_BITSET), absolute. QNX: a pulse per waiter (src/sync). */
WRT_MUST_CHECK enum wrt_status
wrt_port_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns, bool is_shared);

/* Wakes up to `count` sleepers of the word, highest priority first. */
WRT_MUST_CHECK enum wrt_status
wrt_port_wake(const uint32_t *word, uint32_t count, bool is_shared, uint32_t *out_woken);

/* ---------------------------------------------------------------------- faults ---- */

enum wrt_port_fault_kind {
    WRT_PORT_FAULT_ACCESS = 0, /* no right to it, or nothing there */
    WRT_PORT_FAULT_TAG,        /* the pointer's tag is not the memory's */
    WRT_PORT_FAULT_TAG_LATE,   /* it was not, some time before: address is NULL */
    WRT_PORT_FAULT_KEY         /* this thread has not opened the memory key */
};

struct wrt_port_fault {
    const void *address;     /* that was touched; without a tag */
    const void *instruction; /* that touched it; NULL if not known */
    const void *frame;       /* the frame pointer then; NULL if not known */
    bool is_known_write;     /* false: a read, or the machine does not tell */
    uint8_t kind;            /* enum wrt_port_fault_kind */
    uint8_t pointer_tag;     /* of a TAG fault */
};

/* Supplied by src/arena: is this address inside a guard or a closed part of one of our
 * memories? Called from the fault handler: no lock, no call into the system. */
bool wrt_fault_is_ours(const void *address);

/* Runs body(context) on this thread. When it touches an address that wrt_fault_is_ours
 * claims, or a late tag fault comes, body is left at once (nothing of it is unwound: it must hold no lock there),
 * *fault is filled and ERR_TRAP returns. Other faults go to whoever handled them before.
 * Calls nest. The handlers are installed by the first call (a handler that the host installs
 * later comes before ours and must pass on); ERR_UNSUPPORTED: body ran not.
 * Linux: SIGSEGV and SIGBUS, sigsetjmp without the mask. QNX: the same. */
WRT_MUST_CHECK enum wrt_status
wrt_port_fault_run(void (*body)(void *), void *context, struct wrt_port_fault *fault);

/* ------------------------------------------------------------------------ code ---- */

struct wrt_port_code { /* private to the port */
    void *handle;
};

/* Loads a shared object from a copy of the bytes that nobody can change. No page of it becomes
 * writable and executable if its headers ask for none. ERR_MALFORMED: the system refuses it.
 * Linux: a sealed memory object and dlopen. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status wrt_port_code_open(const void *bytes, size_t size_bytes,
                                                  struct wrt_port_code *out);
/* ERR_NOT_FOUND. */
WRT_MUST_CHECK enum wrt_status wrt_port_code_symbol(const struct wrt_port_code *code,
                                                    const char *name, const void **out);
void wrt_port_code_close(struct wrt_port_code *code);

/* ------------------------------------------------------------------- processes ---- */

/* What confines a process, one bit each. */
enum wrt_port_confine {
    WRT_PORT_CONFINE_NO_NEW_PRIVILEGES = 1,
    WRT_PORT_CONFINE_SYSTEM_CALLS = 2,
    WRT_PORT_CONFINE_FILES = 4,
    WRT_PORT_CONFINE_USER = 8,
    WRT_PORT_CONFINE_MOUNTS = 16,
    WRT_PORT_CONFINE_NETWORK = 32,
    WRT_PORT_CONFINE_PROCESSES = 64,
    WRT_PORT_CONFINE_IPC = 128,
    WRT_PORT_CONFINE_LIMITS = 256,
    WRT_PORT_CONFINE_MEMORY = 512,
    WRT_PORT_CONFINE_CPU = 1024,
    WRT_PORT_CONFINE_TASKS = 2048,
    /* only by wrt_port_isolate_self: */
    WRT_PORT_CONFINE_STORE_BYPASS = 4096,
    WRT_PORT_CONFINE_INDIRECT_BRANCH = 8192,
    WRT_PORT_CONFINE_L1D_FLUSH = 16384,
    WRT_PORT_CONFINE_CORE = 32768,
    WRT_PORT_CONFINE_CACHE = 65536
};

struct wrt_port_process {
    int64_t id;
    intptr_t control;  /* private to the port */
    uint32_t confined; /* enum wrt_port_confine: what spawn and limit put in force */
};

/* Zero-fill. What the port cannot enforce and `require` demands is ERR_UNSUPPORTED. */
struct wrt_port_process_limits {
    uint64_t memory_bytes;    /* 0 = none */
    uint64_t cpu_permille;    /* of one processor; 0 = none */
    uint32_t descriptors;     /* 0 = none */
    uint32_t threads;         /* 0 = none */
    uint64_t cache_ways;      /* bit n: its loads may fill way n of the last cache; 0 = all */
    bool require;
};

struct wrt_port_spawn {
    const char *program;             /* borrowed; absolute path */
    const char *const *arguments;    /* borrowed; NULL at the end; [0] is the name */
    const char *const *environment;  /* borrowed; NULL at the end; NULL = empty */
    const int *descriptors;          /* borrowed; become 3, 4, … in the child */
    uint32_t descriptor_count;
    struct wrt_port_process_limits limits;
    bool keep_user; /* it must reach files that only we can: no user of its own */
};

/* Starts a confined process: no rights but those descriptors; out->confined tells what is in
 * force. What else it is to lose it gives up itself (wrt_port_confine_self).
 * Linux: namespaces, control groups, resctrl, no_new_privs. QNX: posix_spawn. */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_spawn(const struct wrt_port_spawn *spawn, struct wrt_port_process *out);
/* A living process that somebody else started; not the caller (ERR_ARGUMENT). ERR_NOT_FOUND,
 * ERR_DENIED. Linux: pidfd_open. QNX: kill(0). */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_open(int64_t id, struct wrt_port_process *out);
/* Forgets it; it runs on, under its limits. */
void wrt_port_process_close(struct wrt_port_process *process);
/* Limits a running process; raises the bits of process->confined that are in force. */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_limit(struct wrt_port_process *process,
                       const struct wrt_port_process_limits *limits);
/* All its threads: priority as wrt_port_thread_set_priority, affinity bits; 0 = unchanged.
 * Linux: sched_setscheduler, sched_setaffinity. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_schedule(const struct wrt_port_process *process, int priority,
                          uint64_t affinity);
struct wrt_port_process_usage {
    uint64_t resident_bytes; /* private to it where the system tells, else all */
    uint64_t cpu_ns;
};
/* Linux: /proc. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_usage(const struct wrt_port_process *process,
                       struct wrt_port_process_usage *out);
enum wrt_port_signal { WRT_PORT_SIGNAL_STOP, WRT_PORT_SIGNAL_CONTINUE, WRT_PORT_SIGNAL_TERMINATE,
                       WRT_PORT_SIGNAL_KILL };
WRT_MUST_CHECK enum wrt_status
wrt_port_process_signal(const struct wrt_port_process *process, enum wrt_port_signal signal);
struct wrt_port_exit {
    bool is_unknown; /* it was no child of ours: it ended, that is all */
    bool by_signal;
    int code; /* exit code, or the signal's number */
};
/* Waits for its end and forgets it. ERR_TIMEOUT: it still runs. ERR_NOT_FOUND: somebody else
 * reaped it; it is forgotten. */
WRT_MUST_CHECK enum wrt_status
wrt_port_process_reap(struct wrt_port_process *process, uint64_t deadline_ns,
                      struct wrt_port_exit *out);

/* --------------------------------------------------------------------- entropy ---- */

/* Fills the buffer with unpredictable bytes. Linux: getrandom. QNX: /dev/random. */
WRT_MUST_CHECK enum wrt_status wrt_port_entropy(void *out, size_t size_bytes);

/* --------------------------------------------------------------- capabilities ---- */

/* One feature of the running system. Strings are static, never NULL. */
struct wrt_port_capability {
    const char *name;  /* "huge-pages" */
    bool is_requested; /* somebody asked for it since the start */
    bool is_available; /* it would work now */
    bool is_active;    /* it is in force now */
    const char *why;   /* a sentence when one of them is false */
};

/* The feature number `index`, from 0 on; ERR_BOUNDS past the last. */
WRT_MUST_CHECK enum wrt_status
wrt_port_capability(uint32_t index, struct wrt_port_capability *out);

#endif
