/* tests/attack/native.c - arbitrary native code inside a confined worker: this program stands in
 * for a worker whose guest broke out of the engine. It confines itself exactly as wrt-tenant does
 * and then tries everything; what it gets away with it says as its exit code.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The crime to commit is told through the configuration (its first argument).
 */
#define _GNU_SOURCE
#include "tenant/wire.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOPPED = 40, GOT_AWAY = 41, SELF_TEST = 42 };

static struct wire *wire;
static struct wire_end end;

static bool open_file(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0 ||
           syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0;
}

static bool make_file(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/tmp/wrt-attack", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool look_at_root(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool make_process(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool run_program(void)
{
    char *const arguments[] = {(char[]){"true"}, NULL};

    (void)execv("/bin/true", arguments);
    return false; /* had it worked, the exit code would be 0 */
}

static bool signal_others(void)
{
    return kill(1, 0) == 0 && getpid() != 1 ? true : kill(-1, SIGKILL) == 0;
}

static bool trace_host(void)
{
    return ptrace(PTRACE_ATTACH, getppid() != 0 ? getppid() : 1, NULL, NULL) == 0;
}

static bool read_host(void)
{
    char here[8];
    struct iovec to = {here, sizeof here}, from = {(void *)wire, sizeof here};

    return process_vm_readv(getppid() != 0 ? getppid() : 1, &to, 1, &from, 1, 0) > 0;
}

static bool make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);

    return page != MAP_FAILED;
}

static bool protect_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool mount_something(void)
{
    return mount("none", "/", "tmpfs", 0, "") == 0;
}

static bool unshare_again(void)
{
    return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) == 0;
}

static bool shrink_shared_memory(void)
{
    return ftruncate(WIRE_FD_MEMORY, 0) == 0;
}

static bool type_for_the_terminal(void)
{
    return ioctl(1, TIOCSTI, "x") == 0;
}

static bool find_descriptors(void)
{
    for (int fd = 7; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return true;
    return false;
}

static bool take_memory(void)
{
    for (size_t taken = 0; taken < (size_t)1 << 30; taken += 1 << 20) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                           -1, 0);

        if (block == MAP_FAILED)
            return false;
        memset(block, 1, 1 << 20);
    }
    return true;
}

/* ---- lies: what the host must notice. These return only if the host did nothing. ---- */

static void tell(uint32_t kind, int32_t status, uint32_t count, const char *text)
{
    struct wire_message message = {.kind = kind, .status = status, .count = count};

    memset(message.values, 0xEE, sizeof message.values);
    strncpy(message.text, text, sizeof message.text - 1);
    (void)!wire_send(&end, &message);
}

/* By a call that is on the list: the host is to end this, not the list. */
static void wait_for_ever(void)
{
    for (;;)
        (void)poll(NULL, 0, -1);
}

static bool lie_about_kind(void)
{
    tell(9999, 0, 0, "");
    wait_for_ever();
    return true;
}

static bool lie_about_count(void)
{
    tell(WIRE_DONE, 0, 0xFFFFFFFF, "");
    wait_for_ever();
    return true;
}

static bool lie_about_type(void)
{
    tell(WIRE_DONE, 0, 1, "");
    wait_for_ever();
    return true;
}

static bool lie_about_status(void)
{
    tell(WIRE_FAILED, 12345, 0, "success!");
    wait_for_ever();
    return true;
}

static bool lie_about_positions(void)
{
    __atomic_store_n(&wire->replies.words.published, 0x80000000u, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&wire->replies.bell, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, &wire->replies.bell, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
    wait_for_ever();
    return true;
}

static bool scribble_over_everything(void)
{
    memset(wire, 0xFF, sizeof *wire);
    (void)syscall(SYS_futex, &wire->replies.bell, 1, 1, NULL, NULL, 0);
    wait_for_ever();
    return true;
}

static bool say_nothing(void)
{
    volatile bool for_ever = true;

    while (for_ever) {
    }
    return true;
}

static bool crash(void)
{
    volatile uintptr_t nowhere = 8;

    *(volatile int *)nowhere = 1;
    return true;
}

/* With a directory granted, read-only: what is in it must open (or nothing is shown by the rest),
 * and no way may lead out of it or change it. */
static int granted = -1;

static bool leave_the_directory(void)
{
    if (openat(granted, "in", O_RDONLY) < 0)
        return true;
    return openat(granted, "../secret", O_RDONLY) >= 0 ||
           openat(AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0 ||
           openat(granted, "in", O_WRONLY) >= 0 ||
           openat(granted, "new", O_WRONLY | O_CREAT, 0600) >= 0 ||
           unlinkat(granted, "in", 0) == 0;
}

static const struct {
    const char *name;
    bool (*commit)(void);
} crimes[] = {
    {"leave_the_directory", leave_the_directory},
    {"open_file", open_file},
    {"make_file", make_file},
    {"look_at_root", look_at_root},
    {"make_socket", make_socket},
    {"make_process", make_process},
    {"run_program", run_program},
    {"signal_others", signal_others},
    {"trace_host", trace_host},
    {"read_host", read_host},
    {"make_code", make_code},
    {"protect_code", protect_code},
    {"mount_something", mount_something},
    {"unshare_again", unshare_again},
    {"shrink_shared_memory", shrink_shared_memory},
    {"type_for_the_terminal", type_for_the_terminal},
    {"find_descriptors", find_descriptors},
    {"take_memory", take_memory},
    {"lie_about_kind", lie_about_kind},
    {"lie_about_count", lie_about_count},
    {"lie_about_type", lie_about_type},
    {"lie_about_status", lie_about_status},
    {"lie_about_positions", lie_about_positions},
    {"scribble_over_everything", scribble_over_everything},
    {"say_nothing", say_nothing},
    {"crash", crash},
};

/* Loads "the module" as a worker does, and commits the crime when it is called. */
static void serve(bool (*commit)(void))
{
    struct wire_message message;

    while (wire_receive(&end, UINT64_MAX, &message) == WRT_OK) {
        if (message.kind == WIRE_BYTES)
            tell(WIRE_MORE, 0, 0, "");
        else if (message.kind == WIRE_START)
            tell(WIRE_LOADED, 0, 0, "");
        else
            _exit(commit() ? GOT_AWAY : STOPPED);
    }
}

int main(void)
{
    bool (*commit)(void) = NULL;
    const char *name, *directory;
    bool is_free;

    wire = mmap(NULL, sizeof *wire, PROT_READ | PROT_WRITE, MAP_SHARED, WIRE_FD_MEMORY, 0);
    if (wire == MAP_FAILED || wire_join_worker(&end, wire) != WRT_OK)
        return 2;
    name = (const char *)wire->stream;
    is_free = strncmp(name, "free:", 5) == 0; /* not confined: shows that the crime is one */
    name += is_free ? 5 : 0;
    for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++)
        if (strcmp(crimes[i].name, name) == 0)
            commit = crimes[i].commit;
    if (commit == NULL)
        return 3;
    directory = name + strlen(name) + 1; /* the string behind the only argument */
    if (wire->config.directory_count != 0)
        granted = open(directory, O_RDONLY | O_DIRECTORY);
    tell(WIRE_READY, 0, is_free ? 0 : worker_confine(&wire->config, &directory), "");
    serve(commit);
    return 4;
}
