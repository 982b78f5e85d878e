/* sys/neutrino.h - kernel calls. Facts 5; section numbers beside each group.
 * SPDX-License-Identifier: Apache-2.0
 *
 * X() returns -1 and sets errno. X_r(): status calls return EOK or the positive errno;
 * calls that return an id or a count return the negative errno (trap 6).
 */
#ifndef QNXSIM_SYS_NEUTRINO_H
#define QNXSIM_SYS_NEUTRINO_H
#include <sys/nto_version.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#if QNXSIM_EXT

/* ---- 5.1 channels and connections */
#define _NTO_CHF_FIXED_PRIORITY 0x1
#define _NTO_CHF_UNBLOCK 0x2
#define _NTO_CHF_THREAD_DEATH 0x4
#define _NTO_CHF_DISCONNECT 0x8
#define _NTO_CHF_NET_MSG 0x10
#define _NTO_CHF_SENDER_LEN 0x20
#define _NTO_CHF_COID_DISCONNECT 0x40
#define _NTO_CHF_REPLY_LEN 0x80
#if QNXSIM_RELEASE >= 800
#define _NTO_CHF_PULSE_POOL 0x100
#elif QNXSIM_RELEASE < 700
#define _NTO_CHF_STICKY 0x100 /* the same bit, another meaning */
#endif
#define _NTO_CHF_ASYNC_NONBLOCK 0x200
#if QNXSIM_RELEASE < 800
#define _NTO_CHF_ASYNC 0x400
#endif
#define _NTO_CHF_GLOBAL 0x800
#if QNXSIM_RELEASE >= 700
#define _NTO_CHF_PRIVATE 0x1000
#define _NTO_CHF_MSG_PAUSING 0x2000
#define _NTO_CHF_INHERIT_RUNMASK 0x4000
#define _NTO_CHF_UNBLOCK_TIMER 0x8000
#endif
#define _NTO_SIDE_CHANNEL 0x40000000u
#define _NTO_COF_CLOEXEC 1

int ChannelCreate(unsigned flags) QNXSIM_AS(ChannelCreate);
int ChannelCreate_r(unsigned flags) QNXSIM_AS(ChannelCreate_r);
int ChannelDestroy(int chid) QNXSIM_AS(ChannelDestroy);
int ChannelDestroy_r(int chid) QNXSIM_AS(ChannelDestroy_r);
int ConnectAttach(uint32_t node, pid_t process, int chid, unsigned index, int flags)
    QNXSIM_AS(ConnectAttach);
int ConnectAttach_r(uint32_t node, pid_t process, int chid, unsigned index, int flags)
    QNXSIM_AS(ConnectAttach_r);
int ConnectDetach(int coid) QNXSIM_AS(ConnectDetach);
int ConnectDetach_r(int coid) QNXSIM_AS(ConnectDetach_r);

/* ---- 5.2 pulses and messages */
#define _PULSE_TYPE 0
#define _PULSE_SUBTYPE 0
#define _PULSE_CODE_UNBLOCK (-32)
#define _PULSE_CODE_DISCONNECT (-33)
#define _PULSE_CODE_THREADDEATH (-34)
#define _PULSE_CODE_COIDDEATH (-35)
#define _PULSE_CODE_NET_ACK (-36)
#define _PULSE_CODE_NET_UNBLOCK (-37)
#define _PULSE_CODE_NET_DETACH (-38)
#define _PULSE_CODE_RESTART (-39)
#define _PULSE_CODE_NORESTART (-40)
#define _PULSE_CODE_UNBLOCK_RESTART (-41)
#define _PULSE_CODE_UNBLOCK_TIMER (-42)
#if QNXSIM_RELEASE >= 800
#define _PULSE_CODE_PIPE_INPUT (-43)
#define _PULSE_CODE_PIPE_OUTPUT (-44)
#endif
#define _PULSE_CODE_MINAVAIL 0
#define _PULSE_CODE_MAXAVAIL 127

struct _pulse { /* 16 bytes on ILP32, 24 on LP64 */
    uint16_t type;
    uint16_t subtype;
    int8_t code;
    uint8_t zero[3];
    union sigval value;
    int32_t scoid;
};

struct _msg_info { /* 48 bytes */
    uint32_t nd;
    uint32_t srcnd;
    pid_t pid;
    int32_t tid;
    int32_t chid;
    int32_t scoid;
    int32_t coid;
    int32_t msglen;
    int32_t srcmsglen;
    int32_t dstmsglen;
    int16_t priority;
    int16_t flags;
    uint32_t reserved;
};

#if QNXSIM_RELEASE >= 800
typedef int64_t rcvid_t;          /* trap 8 */
#define QNXSIM_RCVID rcvid_t
#define QNXSIM_PULSE_VALUE long
#else
#define QNXSIM_RCVID int
#define QNXSIM_PULSE_VALUE int
#endif
#if QNXSIM_RELEASE >= 700
#define QNXSIM_SIZE size_t
#else
#define QNXSIM_SIZE int
#endif

int MsgSendPulse(int coid, int priority, int code, QNXSIM_PULSE_VALUE value)
    QNXSIM_AS(MsgSendPulse);
int MsgSendPulse_r(int coid, int priority, int code, QNXSIM_PULSE_VALUE value)
    QNXSIM_AS(MsgSendPulse_r);
#if QNXSIM_RELEASE >= 700
int MsgSendPulsePtr(int coid, int priority, int code, void *value)
    QNXSIM_AS(MsgSendPulsePtr);
int MsgSendPulsePtr_r(int coid, int priority, int code, void *value)
    QNXSIM_AS(MsgSendPulsePtr_r);
#endif
int MsgReceivePulse(int chid, void *pulse, QNXSIM_SIZE bytes, struct _msg_info *info)
    QNXSIM_AS(MsgReceivePulse);
int MsgReceivePulse_r(int chid, void *pulse, QNXSIM_SIZE bytes, struct _msg_info *info)
    QNXSIM_AS(MsgReceivePulse_r);
long MsgSend(int coid, const void *message, size_t bytes, void *reply, size_t reply_bytes)
    QNXSIM_AS(MsgSend);
long MsgSend_r(int coid, const void *message, size_t bytes, void *reply, size_t reply_bytes)
    QNXSIM_AS(MsgSend_r);
QNXSIM_RCVID MsgReceive(int chid, void *message, size_t bytes, struct _msg_info *info)
    QNXSIM_AS(MsgReceive);
QNXSIM_RCVID MsgReceive_r(int chid, void *message, size_t bytes, struct _msg_info *info)
    QNXSIM_AS(MsgReceive_r);
int MsgReply(QNXSIM_RCVID rcvid, long status, const void *reply, size_t bytes)
    QNXSIM_AS(MsgReply);
int MsgReply_r(QNXSIM_RCVID rcvid, long status, const void *reply, size_t bytes)
    QNXSIM_AS(MsgReply_r);

#if QNXSIM_RELEASE >= 800
#define _NTO_CHO_CUSTOM_EVENT 1
#define _NTO_CCTL_PULSE_POOL 1
struct nto_channel_config {
    struct sigevent event;
    unsigned num_pulses;
    unsigned rearm_threshold;
    unsigned options;
    unsigned reserved[3];
};
int ChannelCreatePulsePool(unsigned flags, const struct nto_channel_config *config)
    QNXSIM_AS(ChannelCreatePulsePool);
int ChannelCtl(int chid, int command, void *data) QNXSIM_AS(ChannelCtl);
#endif

/* ---- 5.3 timeouts */
#define STATE_SEND 4
#define STATE_RECEIVE 5
#define STATE_REPLY 6
#define STATE_SIGSUSPEND 10
#define STATE_SIGWAITINFO 11
#define STATE_NANOSLEEP 12
#define STATE_MUTEX 13
#define STATE_CONDVAR 14
#define STATE_JOIN 15
#define STATE_INTR 16
#define STATE_SEM 17
#define _NTO_TIMEOUT_MASK ((1 << 24) - 1)
#define _NTO_TIMEOUT_SEND (1 << STATE_SEND)
#define _NTO_TIMEOUT_RECEIVE (1 << STATE_RECEIVE)
#define _NTO_TIMEOUT_REPLY (1 << STATE_REPLY)
#define _NTO_TIMEOUT_NANOSLEEP (1 << STATE_NANOSLEEP)
#define _NTO_TIMEOUT_MUTEX (1 << STATE_MUTEX)
#define _NTO_TIMEOUT_CONDVAR (1 << STATE_CONDVAR)
#define _NTO_TIMEOUT_JOIN (1 << STATE_JOIN)
#define _NTO_TIMEOUT_SEM (1 << STATE_SEM)
#if QNXSIM_RELEASE >= 800
#define QNXSIM_TIMEOUT_FLAGS uint32_t
#else
#define QNXSIM_TIMEOUT_FLAGS int
#endif
int TimerTimeout(clockid_t id, QNXSIM_TIMEOUT_FLAGS flags, const struct sigevent *event,
                 const uint64_t *time, uint64_t *left) QNXSIM_AS(TimerTimeout);
int TimerTimeout_r(clockid_t id, QNXSIM_TIMEOUT_FLAGS flags, const struct sigevent *event,
                   const uint64_t *time, uint64_t *left) QNXSIM_AS(TimerTimeout_r);

/* ---- 5.4 synchronisation objects */
#define _NTO_SYNC_MUTEX_FREE 0
#define _NTO_SYNC_SEM 1
struct _sync_attr {
    int protocol, flags, ceiling, clock;
};
int SyncMutexLock_r(sync_t *) QNXSIM_AS(SyncMutexLock_r);
int SyncMutexUnlock_r(sync_t *) QNXSIM_AS(SyncMutexUnlock_r);
int SyncCondvarWait_r(sync_t *, sync_t *) QNXSIM_AS(SyncCondvarWait_r);
int SyncCondvarSignal_r(sync_t *, int all) QNXSIM_AS(SyncCondvarSignal_r);
int SyncSemWait_r(sync_t *, int try_only) QNXSIM_AS(SyncSemWait_r);
int SyncSemPost_r(sync_t *) QNXSIM_AS(SyncSemPost_r);

/* ---- 5.5 scheduling */
struct _sched_info { /* fields used by sched_get_priority_*; layout ours */
    int priority_min;
    int priority_max;
    uint64_t interval;
    int priority_priv;
};
int SchedInfo(pid_t process, int policy, struct _sched_info *info) QNXSIM_AS(SchedInfo);
int SchedSet(pid_t process, int thread, int policy, const struct sched_param *param)
    QNXSIM_AS(SchedSet);
int SchedCtl(int command, void *data, size_t bytes) QNXSIM_AS(SchedCtl);
int SchedCtl_r(int command, void *data, size_t bytes) QNXSIM_AS(SchedCtl_r);
#define SCHED_QUERY_SCHED_EXT 0
#define SCHED_EXT_NONE 0
#define SCHED_EXT_APS 1
#define SCHED_EXT_APS_CMD_BASE 200
#define SCHED_PROCESSOR_ONLINE 4
#define SCHED_PROCESSOR_OFFLINE 5
struct sched_query {
    int32_t extsched;
    int32_t reserved;
};

#if QNXSIM_RELEASE >= 700
#define _NTO_TCTL_IO_PRIV 1
#define _NTO_TCTL_IO 14
#else
#define _NTO_TCTL_IO 1
#endif
#define _NTO_TCTL_THREADS_HOLD 2
#define _NTO_TCTL_THREADS_CONT 3
#define _NTO_TCTL_RUNMASK 4
#define _NTO_TCTL_ALIGN_FAULT 5
#define _NTO_TCTL_RUNMASK_GET_AND_SET 6
#define _NTO_TCTL_ONE_THREAD_HOLD 8
#define _NTO_TCTL_ONE_THREAD_CONT 9
#define _NTO_TCTL_RUNMASK_GET_AND_SET_INHERIT 10
#define _NTO_TCTL_NAME 11
#if QNXSIM_RELEASE >= 700
#define _NTO_TCTL_SHR_MUTEX 13
#define _NTO_TCTL_ADD_EXIT_EVENT 17
#define _NTO_TCTL_IO_LEVEL 19
#endif
#if QNXSIM_RELEASE >= 800
#define _NTO_TCTL_SIGSTACK 23
#define _NTO_TCTL_TLS_SET_TP 24
#endif
int ThreadCtl(int command, void *data) QNXSIM_AS(ThreadCtl);
int ThreadCtl_r(int command, void *data) QNXSIM_AS(ThreadCtl_r);

uint64_t ClockCycles(void) QNXSIM_AS(ClockCycles);

#endif
#endif
