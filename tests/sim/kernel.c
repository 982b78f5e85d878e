/* tests/sim/kernel.c - the simulated kernel behaves as the facts say: tests of the simulator.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiled against the simulated headers, like the port. Section numbers are the facts'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/neutrino.h>
#include <sys/procmgr.h>
#include <sys/resource.h>
#include <unistd.h>

#include "qnxsim.h"

enum { PAGE = 4096, MS = 1000000 };

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    qnxsim_calls_clear();
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct pair {
    int chid, coid;
};

static struct pair open_pair(unsigned flags)
{
    struct pair pair = {.chid = ChannelCreate(flags)};
    assert_true(pair.chid > 0);
    pair.coid = ConnectAttach(0, 0, pair.chid, _NTO_SIDE_CHANNEL, 0);
    assert_true(pair.coid >= (int)_NTO_SIDE_CHANNEL);
    return pair;
}

static void close_pair(struct pair pair)
{
    assert_int_equal(ConnectDetach(pair.coid), 0);
    assert_int_equal(ChannelDestroy(pair.chid), 0);
}

static struct _pulse receive(struct pair pair)
{
    struct _pulse pulse;
    assert_int_equal(MsgReceivePulse_r(pair.chid, &pulse, sizeof pulse, NULL), EOK);
    return pulse;
}

/* ---- 5.2 ---- */

static void pulses_come_by_priority_then_order(void **state)
{
    static const int sent[][2] = {{10, 1}, {20, 2}, {10, 3}, {30, 4}, {20, 5}};
    static const int expected[] = {4, 2, 5, 1, 3};
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(MsgSendPulse_r(pair.coid, sent[i][0], sent[i][1], 0), EOK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(receive(pair).code, expected[i]);
    close_pair(pair);
}

static void equal_pulses_merge_but_each_is_received(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(MsgSendPulse(pair.coid, 10, 7, 42), 0);
    assert_int_equal(qnxsim_pulses_queued(), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(receive(pair).value.sival_int, 42);
    assert_int_equal(qnxsim_pulses_queued(), 0);
    close_pair(pair);
}

static void the_receiver_takes_the_pulses_priority_unless_fixed(void **state)
{
    struct pair pair = open_pair(0);
    int before = qnxsim_my_priority();
    (void)state;
    assert_int_equal(MsgSendPulse(pair.coid, 21, 1, 0), 0);
    (void)receive(pair);
    assert_int_equal(qnxsim_my_priority(), 21); /* raised, and it stays */
    assert_int_equal(MsgSendPulse(pair.coid, 3, 1, 0), 0);
    (void)receive(pair);
    assert_int_equal(qnxsim_my_priority(), 3); /* lowered, too */
    close_pair(pair);
    pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    assert_int_equal(MsgSendPulse(pair.coid, 40, 1, 0), 0);
    (void)receive(pair);
    assert_int_equal(qnxsim_my_priority(), 3);
    close_pair(pair);
    struct sched_param parameters;
    memset(&parameters, 0, sizeof parameters);
    parameters.sched_priority = before;
    assert_int_equal(SchedSet(0, 0, SCHED_RR, &parameters), 0);
}

static void pulse_errors(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    struct _pulse pulse;
    (void)state;
    assert_int_equal(MsgSendPulse_r(12345, 10, 0, 0), EBADF);
    assert_int_equal(MsgSendPulse(12345, 10, 0, 0), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(MsgSendPulse_r(pair.coid, 300, 0, 0), EINVAL);
    assert_int_equal(MsgSendPulse_r(pair.coid, 0, 0, 0), EOK); /* silently 1 */
    assert_int_equal(qnxsim_last_pulse_priority(), 1);
    assert_int_equal(MsgReceivePulse_r(pair.chid, &pulse, 16, NULL), EFAULT); /* too small */
    qnxsim_set_user(1000);
    assert_int_equal(MsgSendPulse_r(pair.coid, 64, 0, 0), EPERM);
    assert_int_equal(MsgSendPulse_r(pair.coid, 63, 0, 0), EOK);
    qnxsim_set_pulse_limit(2);
    assert_int_equal(MsgSendPulse_r(pair.coid, 5, 0, 0), EOK);
    assert_int_equal(MsgSendPulse_r(pair.coid, 5, 0, 0), EAGAIN);
    assert_int_equal(ChannelDestroy(pair.chid), 0);
    assert_int_equal(qnxsim_pulses_queued(), 0); /* freed with the channel */
    assert_int_equal(MsgReceivePulse_r(pair.chid, &pulse, sizeof pulse, NULL), ESRCH);
    assert_int_equal(ChannelDestroy_r(pair.chid), EINVAL);
    assert_int_equal(ConnectDetach(pair.coid), 0);
}

#if QNXSIM_RELEASE >= 800
static void a_pool_bounds_and_guarantees_pulses(void **state)
{
    struct nto_channel_config config = {.num_pulses = 2};
    int chid = ChannelCreatePulsePool(_NTO_CHF_PULSE_POOL | _NTO_CHF_PRIVATE, &config);
    int coid = ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0);
    (void)state;
    assert_true(chid > 0);
    qnxsim_set_pulse_limit(1); /* of the others */
    assert_int_equal(MsgSendPulse_r(coid, 10, 1, 0), EOK);
    assert_int_equal(MsgSendPulse_r(coid, 10, 2, 0), EOK);
    assert_int_equal(MsgSendPulse_r(coid, 10, 3, 0), EAGAIN);
    assert_int_equal(ChannelCtl(chid, _NTO_CCTL_PULSE_POOL, &config), -1);
    assert_int_equal(errno, EBUSY);
    assert_int_equal(ChannelCreatePulsePool(0, &config), -1);
    assert_int_equal(errno, EINVAL);
    close_pair((struct pair){chid, coid});
}

static void a_receive_id_does_not_fit_an_int(void **state)
{
    (void)state;
    assert_int_equal(sizeof(rcvid_t), 8);
}
#endif

/* ---- 5.1 ---- */

static void channel_rules(void **state)
{
    int one = ChannelCreate(_NTO_CHF_THREAD_DEATH);
    (void)state;
    assert_true(one > 0);
    assert_int_equal(ChannelCreate_r(_NTO_CHF_THREAD_DEATH), -EBUSY); /* one per process */
    assert_int_equal(ChannelDestroy(one), 0);
    assert_int_equal(ChannelCreate_r(_NTO_CHF_NET_MSG), -EPERM);
    assert_int_equal(ConnectAttach_r(0, 0, 999999, _NTO_SIDE_CHANNEL, 0), -ESRCH);
    qnxsim_allow(PROCMGR_AID_PUBLIC_CHANNEL, false);
    assert_int_equal(ChannelCreate_r(0), -EPERM);
    struct pair pair = open_pair(_NTO_CHF_PRIVATE);
    assert_int_equal(ConnectAttach_r(0, 0, pair.chid, _NTO_SIDE_CHANNEL, 0x40), -EINVAL);
    int in_fd_space = ConnectAttach(0, 0, pair.chid, 0, 0);
    assert_true(in_fd_space >= 0 && in_fd_space < 1024); /* trap 17 */
    assert_int_equal(ConnectDetach(in_fd_space), 0);
    close_pair(pair);
}

/* ---- 5.2 messages ---- */

struct exchange {
    struct pair pair;
    int client_priority, server_priority;
    long result;
    char reply[16];
};

static void be_client(void *context)
{
    struct exchange *exchange = context;
    struct sched_param parameters;
    memset(&parameters, 0, sizeof parameters);
    parameters.sched_priority = exchange->client_priority;
    (void)SchedSet(0, 0, SCHED_FIFO, &parameters);
    int coid = ConnectAttach(0, 0, exchange->pair.chid, _NTO_SIDE_CHANNEL, 0);
    exchange->result = MsgSend_r(coid, "ping", 5, exchange->reply, sizeof exchange->reply);
    (void)ConnectDetach(coid);
}

static void *client_thread(void *context)
{
    be_client(context);
    return NULL;
}

static void a_server_inherits_its_clients_priority(void **state)
{
    struct exchange exchange = {.pair = open_pair(0), .client_priority = 33};
    pthread_t client;
    char message[16];
    struct _msg_info info;
    (void)state;
    assert_int_equal(pthread_create(&client, NULL, client_thread, &exchange), EOK);
    QNXSIM_RCVID rcvid = MsgReceive(exchange.pair.chid, message, sizeof message, &info);
    assert_true(rcvid > 0);
    assert_string_equal(message, "ping");
    assert_int_equal(info.priority, 33);
    assert_int_equal(qnxsim_my_priority(), 33);
    assert_true(MsgReply_r(rcvid + 1, 0, NULL, 0) == -ESRCH);
#if QNXSIM_RELEASE >= 800
    assert_true(MsgReply_r((int)rcvid, 0, NULL, 0) == -ESRCH); /* trap 8: cut to an int */
#endif
    assert_int_equal(MsgReply(rcvid, 77, "pong", 5), 0);
    assert_int_equal(pthread_join(client, NULL), EOK);
    assert_int_equal(exchange.result, 77);
    assert_string_equal(exchange.reply, "pong");
    close_pair(exchange.pair);
    struct sched_param parameters;
    memset(&parameters, 0, sizeof parameters);
    parameters.sched_priority = 10;
    assert_int_equal(SchedSet(0, 0, SCHED_RR, &parameters), 0);
}

static void a_destroyed_channel_lets_its_clients_go(void **state)
{
    struct exchange exchange = {.pair = open_pair(0), .client_priority = 10};
    pthread_t client;
    (void)state;
    assert_int_equal(pthread_create(&client, NULL, client_thread, &exchange), EOK);
    while (qnxsim_threads_blocked(STATE_SEND) == 0)
        sched_yield();
    close_pair(exchange.pair);
    assert_int_equal(pthread_join(client, NULL), EOK);
    assert_int_equal(exchange.result, -ESRCH);
}

static void serve_forever(void *context)
{
    struct exchange *exchange = context;
    char message[16];
    exchange->pair.chid = ChannelCreate(0);
    __atomic_store_n(&exchange->server_priority, 1, __ATOMIC_RELEASE);
    (void)MsgReceive(exchange->pair.chid, message, sizeof message, NULL);
    (void)MsgReceive(exchange->pair.chid, message, sizeof message, NULL); /* never replies */
}

static int server_pid;
static void call_server(void *context)
{
    struct exchange *exchange = context;
    int coid = ConnectAttach(0, server_pid, exchange->pair.chid, _NTO_SIDE_CHANNEL, 0);
    exchange->result = coid < 0 ? -errno : MsgSend_r(coid, "ping", 5, NULL, 0);
}

static void a_killed_server_ends_the_call(void **state)
{
    struct exchange exchange = {.client_priority = 10};
    (void)state;
    server_pid = qnxsim_process_new(0);
    int server = qnxsim_process_thread(server_pid, serve_forever, &exchange);
    while (!__atomic_load_n(&exchange.server_priority, __ATOMIC_ACQUIRE))
        sched_yield();
    int client = qnxsim_process_thread(getpid(), call_server, &exchange);
    while (qnxsim_threads_blocked(STATE_REPLY) == 0)
        sched_yield();
    qnxsim_process_kill(server_pid);
    qnxsim_thread_join(client);
    qnxsim_thread_join(server);
    assert_int_equal(exchange.result, -ESRCH);
    assert_int_equal(ConnectAttach_r(0, server_pid, exchange.pair.chid, _NTO_SIDE_CHANNEL, 0), -ESRCH);
}

static void note_pid(void *context)
{
    *(pid_t *)context = getpid();
}

/* It gets the place that the killed one had in the machine, and nothing else of it. */
static void a_process_runs_after_one_was_killed(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t told = -1;
        int pid = qnxsim_process_new(0);
        assert_true(pid > 0 && pid != server_pid);
        int thread = qnxsim_process_thread(pid, note_pid, &told);
        assert_true(thread > 0);
        qnxsim_thread_join(thread);
        assert_int_equal(told, pid);
        qnxsim_process_kill(pid);
        assert_int_equal(qnxsim_process_thread(pid, note_pid, &told), -1);
    }
}

/* ---- 5.3 ---- */

static int timed_receive(struct pair pair, uint32_t flags, uint64_t time)
{
    struct _pulse pulse;
    int error = TimerTimeout_r(CLOCK_MONOTONIC, (QNXSIM_TIMEOUT_FLAGS)((uint32_t)_NTO_TIMEOUT_RECEIVE | flags),
                               NULL, &time, NULL);
    return error ? error : MsgReceivePulse_r(pair.chid, &pulse, sizeof pulse, NULL);
}

static void a_past_time_polls(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    struct _pulse pulse;
    (void)state;
    assert_int_equal(timed_receive(pair, TIMER_ABSTIME, 1), ETIMEDOUT);
    assert_int_equal(TimerTimeout_r(CLOCK_MONOTONIC, _NTO_TIMEOUT_RECEIVE, NULL, NULL, NULL), EOK);
    assert_int_equal(MsgReceivePulse_r(pair.chid, &pulse, sizeof pulse, NULL), ETIMEDOUT);
    assert_int_equal(TimerTimeout_r(77, _NTO_TIMEOUT_RECEIVE, NULL, NULL, NULL), EINVAL);
    close_pair(pair);
}

static void relative_times_gain_a_tick(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    (void)state;
    qnxsim_set_tick(30 * MS);
    uint64_t start = now_ns();
    assert_int_equal(timed_receive(pair, 0, MS / 10), ETIMEDOUT);
    assert_true(now_ns() - start >= 30 * MS);
    start = now_ns();
    assert_int_equal(timed_receive(pair, TIMER_ABSTIME, start + MS / 10), ETIMEDOUT);
    assert_true(now_ns() - start < 30 * MS);
    close_pair(pair);
}

static void *send_late(void *context)
{
    const struct pair *pair = context;
    struct timespec pause = {.tv_nsec = 20 * MS};
    nanosleep(&pause, NULL);
    MsgSendPulse(pair->coid, 10, 1, 0);
    return NULL;
}

static void any_call_between_eats_the_timeout(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    struct _pulse pulse;
    pthread_t sender;
    uint64_t time = now_ns() + MS;
    (void)state;
    assert_int_equal(pthread_create(&sender, NULL, send_late, &pair), EOK);
    assert_int_equal(TimerTimeout_r(CLOCK_MONOTONIC,
                                    (QNXSIM_TIMEOUT_FLAGS)((uint32_t)_NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME),
                                    NULL, &time, NULL), EOK);
    assert_int_equal(ConnectDetach_r(1), EINVAL); /* anything */
    assert_int_equal(MsgReceivePulse_r(pair.chid, &pulse, sizeof pulse, NULL), EOK);
    assert_int_equal(pthread_join(sender, NULL), EOK);
    close_pair(pair);
}

static void an_interruption_is_not_restarted(void **state)
{
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    struct _pulse pulse;
    (void)state;
    qnxsim_fail(QNXSIM_MsgReceivePulse, 1, EINTR);
    assert_int_equal(MsgReceivePulse(pair.chid, &pulse, sizeof pulse, NULL), -1);
    assert_int_equal(errno, EINTR);
    assert_true(qnxsim_fail_happened());
    close_pair(pair);
}

/* ---- 5.4 ---- */

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static void *lock_high(void *context)
{
    struct sched_param parameters;
    (void)context;
    memset(&parameters, 0, sizeof parameters);
    parameters.sched_priority = 50;
    (void)SchedSet(0, 0, SCHED_FIFO, &parameters);
    pthread_mutex_lock(&shared_lock);
    pthread_mutex_unlock(&shared_lock);
    return NULL;
}

static void an_owner_inherits_from_its_waiters(void **state)
{
    pthread_t waiter;
    int before = qnxsim_my_priority();
    (void)state;
    assert_int_equal(pthread_mutex_lock(&shared_lock), EOK);
    assert_int_equal(pthread_create(&waiter, NULL, lock_high, NULL), EOK);
    while (qnxsim_threads_blocked(STATE_MUTEX) == 0)
        sched_yield();
    assert_int_equal(qnxsim_my_priority(), 50);
    assert_int_equal(pthread_mutex_unlock(&shared_lock), EOK);
    assert_int_equal(qnxsim_my_priority(), before);
    assert_int_equal(pthread_join(waiter, NULL), EOK);
}

static void the_default_mutex_checks_errors(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)state;
    uint64_t before = qnxsim_calls(QNXSIM_ANY);
    assert_int_equal(pthread_mutex_lock(&lock), EOK);
    assert_int_equal(pthread_mutex_lock(&lock), EDEADLK);
    assert_int_equal(pthread_mutex_unlock(&lock), EOK);
    assert_int_equal(pthread_mutex_unlock(&lock), EPERM);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), before); /* free: no kernel call */
}

static void *die_holding(void *lock)
{
    pthread_mutex_lock(lock);
    return NULL;
}

static void a_robust_mutex_tells_of_its_dead_owner(void **state)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t lock;
    pthread_t thread;
    (void)state;
    pthread_mutexattr_init(&attributes);
    assert_int_equal(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), EOK);
    assert_int_equal(pthread_mutex_init(&lock, &attributes), EOK);
    assert_int_equal(pthread_create(&thread, NULL, die_holding, &lock), EOK);
    assert_int_equal(pthread_join(thread, NULL), EOK);
    assert_int_equal(pthread_mutex_lock(&lock), EOWNERDEAD);
    assert_int_equal(pthread_mutex_consistent(&lock), EOK);
    assert_int_equal(pthread_mutex_unlock(&lock), EOK);
    assert_int_equal(pthread_mutex_lock(&lock), EOK);
    assert_int_equal(pthread_mutex_unlock(&lock), EOK);
}

/* ---- 2 ---- */

static void *map(size_t bytes, int protection, int flags)
{
    return mmap(NULL, bytes, protection, flags, NOFD, 0);
}

static void memory_is_taken_at_the_mapping(void **state)
{
    uint64_t before = qnxsim_ram_used();
    (void)state;
    qnxsim_set_ram(before + 64 * PAGE);
    void *none = map(32 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANON);
    assert_true(none != MAP_FAILED);
    assert_int_equal(qnxsim_ram_used() - before, 32 * PAGE); /* PROT_NONE as well */
    assert_true(map(33 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANON) == MAP_FAILED);
    assert_int_equal(errno, ENOMEM);
    void *lazy = map((size_t)8 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_LAZY);
    assert_true(lazy != MAP_FAILED);
    assert_int_equal(qnxsim_ram_used() - before, 32 * PAGE);
    assert_int_equal(munmap(none, 32 * PAGE), 0);
    assert_int_equal(munmap(lazy, (size_t)8 << 30), 0);
    assert_int_equal(qnxsim_ram_used(), before);
}

static void a_lazy_page_is_taken_at_its_first_touch(void **state)
{
    uint64_t before = qnxsim_ram_used();
    uint8_t *lazy = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_LAZY);
    (void)state;
    assert_true(qnxsim_is_lazy(lazy + PAGE));
    lazy[PAGE] = 1;
    assert_false(qnxsim_is_lazy(lazy + PAGE));
    assert_true(qnxsim_is_lazy(lazy));
    assert_int_equal(qnxsim_ram_used() - before, PAGE);
    assert_int_equal(qnxsim_calls(QNXSIM_page_fault), 1);
    assert_int_equal(munmap(lazy, 4 * PAGE), 0);
}

static void mapping_arguments_are_checked(void **state)
{
    int usual = MAP_PRIVATE | MAP_ANON;
    (void)state;
    assert_true(map(0, PROT_READ, usual) == MAP_FAILED && errno == EINVAL);
    assert_true(map(PAGE, 3, usual) == MAP_FAILED && errno == EINVAL); /* trap 2 */
    assert_true(map(PAGE, PROT_READ, MAP_ANON) == MAP_FAILED && errno == EINVAL);
    assert_true(map(PAGE, PROT_READ, usual | MAP_SYSRAM) == MAP_FAILED && errno == EINVAL);
    assert_true(mmap(NULL, PAGE, PROT_READ, usual, 5, 0) == MAP_FAILED && errno == EINVAL);
    qnxsim_allow(PROCMGR_AID_PROT_WRITE_AND_EXEC, false);
    assert_true(map(PAGE, PROT_WRITE | PROT_EXEC, usual) == MAP_FAILED && errno == EACCES);
    qnxsim_set_user(1000);
    void *page = map(PAGE, PROT_READ | PROT_WRITE, usual);
    assert_int_equal(mlock(page, PAGE), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(munmap(page, PAGE), 0);
}

static void limits_count_reservations(void **state)
{
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    (void)state;
    struct rlimit data = limit;
    assert_int_equal(setrlimit(RLIMIT_DATA, &data), 0);
    assert_true(map((size_t)1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_LAZY) == MAP_FAILED);
    assert_int_equal(errno, ENOMEM);
    struct rlimit wrong = {.rlim_cur = 2, .rlim_max = 1};
    assert_int_equal(setrlimit(RLIMIT_DATA, &wrong), -1);
    assert_int_equal(errno, EINVAL);
}

static void typed_memory_comes_from_its_pool(void **state)
{
    (void)state;
    qnxsim_add_pool("/ram/tenants", 16 * PAGE);
    uint64_t ram = qnxsim_ram_used();
    assert_int_equal(posix_typed_mem_open("/ram/unknown", 2, POSIX_TYPED_MEM_ALLOCATE), -1);
    assert_int_equal(errno, ENOENT);
    int fd = posix_typed_mem_open("/ram/tenants", 2, POSIX_TYPED_MEM_ALLOCATE);
    assert_true(fd >= 0);
    assert_true(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE) == MAP_FAILED && errno == EINVAL);
    assert_true(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_LAZY, fd, 0) == MAP_FAILED && errno == EINVAL);
    assert_true(mmap(NULL, 17 * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENOMEM);
    uint8_t *mapped = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(mapped != MAP_FAILED);
    mapped[0] = 1;
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 16 * PAGE);
    assert_int_equal(qnxsim_ram_used(), ram);
    assert_int_equal(close(fd), 0);
    assert_int_equal(munmap(mapped, 16 * PAGE), 0);
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 0);
}

/* ---- 1 ---- */

#if QNXSIM_RELEASE < 800
static void mallopt_returns_previous_values(void **state)
{
    (void)state;
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 0), 32768); /* asks */
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 65536), 32768);
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 0x40001), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 32768), 65536);
    assert_int_equal(mallopt(MALLOC_ARENA_CACHE_MAXBLK, 12), 12);
    assert_int_equal(mallopt(MALLOC_MEMORY_HOLD, 1), 0);
    errno = 0;
    assert_int_equal(mallopt(MALLOC_ARENA_CACHE_MAXBLK, 12), -1); /* the value, not an error */
    assert_int_equal(errno, 0);
    assert_int_equal(mallopt(MALLOC_ARENA_CACHE_MAXSZ, 0), -1);
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1), 0); /* accepted and ignored */
    assert_int_equal(mallopt(99, 1), -1);
}
#else
static void mallopt_has_three_live_commands(void **state)
{
    (void)state;
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, 1 << 20), 0);
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1 << 20), 0);
    assert_int_equal(mallopt(M_GRANULARITY, 3 * PAGE), -1);
    assert_int_equal(mallopt(M_GRANULARITY, 4 * PAGE), 0);
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 32768), -1);
    assert_int_equal(errno, EINVAL);
    qnxsim_set_deprecated_mallopt_ok(true);
    assert_int_equal(mallopt(MALLOC_ARENA_SIZE, 32768), 0);
}
#endif

static void the_heap_keeps_what_is_put_in_it(void **state)
{
    enum { COUNT = 400 };
    uint8_t *blocks[COUNT];
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = 16 + i * 37 % 5000, alignment = (size_t)16 << (i % 6);
        assert_int_equal(posix_memalign((void **)&blocks[i], alignment, bytes), 0);
        assert_int_equal((uintptr_t)blocks[i] % alignment, 0);
        memset(blocks[i], (int)(i & 0xff), bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = 16 + i * 37 % 5000;
        for (size_t k = 0; k < bytes; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i * 7 % COUNT]);
    assert_true(mallinfo().arena < 1 << 20);
}

/* ---- 3.2 ---- */

static void dropped_abilities_stay_dropped(void **state)
{
    const unsigned domain = PROCMGR_ADN_ROOT | PROCMGR_ADN_NONROOT;
    (void)state;
    assert_true(qnxsim_is_allowed(PROCMGR_AID_SPAWN));
    assert_int_equal(procmgr_ability(0, domain | PROCMGR_AOP_DENY | PROCMGR_AOP_LOCK | PROCMGR_AID_SPAWN,
                                     PROCMGR_AID_EOL), EOK);
    assert_false(qnxsim_is_allowed(PROCMGR_AID_SPAWN));
    int again = procmgr_ability(0, domain | PROCMGR_AOP_ALLOW | PROCMGR_AID_SPAWN, PROCMGR_AID_EOL);
    assert_int_equal(again, QNXSIM_RELEASE >= 800 ? EOK : EPERM); /* an errno value, not -1 */
    assert_false(qnxsim_is_allowed(PROCMGR_AID_SPAWN));
    assert_int_equal(procmgr_ability(0, domain | PROCMGR_AOP_DENY | 0x999, PROCMGR_AID_EOL), EINVAL);
}

/* ---- the explorer itself ---- */

static int counter;
static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;

static void start_at_zero(void *context)
{
    (void)context;
    counter = 0;
}
static void add_unlocked(void *context)
{
    (void)context;
    int seen = counter;
    (void)ConnectDetach_r(1); /* a kernel call: here the other one may run */
    counter = seen + 1;
}
static void add_locked(void *context)
{
    pthread_mutex_lock(&counter_lock);
    add_unlocked(context);
    pthread_mutex_unlock(&counter_lock);
}
static bool is_two(void *context)
{
    (void)context;
    return counter == 2;
}
static void block_for_ever(void *context)
{
    struct pair *pair = context;
    struct _pulse pulse;
    (void)MsgReceivePulse_r(pair->chid, &pulse, sizeof pulse, NULL);
}
static bool always(void *context)
{
    (void)context;
    return true;
}

static void the_explorer_finds_races_and_deadlocks(void **state)
{
    struct qnxsim_exploration exploration = {.setup = start_at_zero, .body = {add_unlocked, add_unlocked},
                                             .check = is_two};
    (void)state;
    assert_int_equal(qnxsim_explore(&exploration).verdict, QNXSIM_VIOLATED);
    exploration.body[0] = exploration.body[1] = add_locked;
    struct qnxsim_explored explored = qnxsim_explore(&exploration);
    assert_int_equal(explored.verdict, QNXSIM_HOLDS);
    assert_true(explored.schedules > 2);
    struct pair pair = open_pair(_NTO_CHF_FIXED_PRIORITY);
    struct qnxsim_exploration stuck = {.body = {block_for_ever, add_locked}, .check = always, .context = &pair};
    assert_int_equal(qnxsim_explore(&stuck).verdict, QNXSIM_DEADLOCK);
    close_pair(pair);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        TEST(pulses_come_by_priority_then_order),
        TEST(equal_pulses_merge_but_each_is_received),
        TEST(the_receiver_takes_the_pulses_priority_unless_fixed),
        TEST(pulse_errors),
#if QNXSIM_RELEASE >= 800
        TEST(a_pool_bounds_and_guarantees_pulses),
        TEST(a_receive_id_does_not_fit_an_int),
        TEST(mallopt_has_three_live_commands),
#else
        TEST(mallopt_returns_previous_values),
#endif
        TEST(channel_rules),
        TEST(a_server_inherits_its_clients_priority),
        TEST(a_destroyed_channel_lets_its_clients_go),
        TEST(a_killed_server_ends_the_call),
        TEST(a_process_runs_after_one_was_killed),
        TEST(a_past_time_polls),
        TEST(relative_times_gain_a_tick),
        TEST(any_call_between_eats_the_timeout),
        TEST(an_interruption_is_not_restarted),
        TEST(an_owner_inherits_from_its_waiters),
        TEST(the_default_mutex_checks_errors),
        TEST(a_robust_mutex_tells_of_its_dead_owner),
        TEST(memory_is_taken_at_the_mapping),
        TEST(a_lazy_page_is_taken_at_its_first_touch),
        TEST(mapping_arguments_are_checked),
        TEST(limits_count_reservations),
        TEST(typed_memory_comes_from_its_pool),
        TEST(the_heap_keeps_what_is_put_in_it),
        TEST(dropped_abilities_stay_dropped),
        TEST(the_explorer_finds_races_and_deadlocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
