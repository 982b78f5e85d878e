/* spawn.h - starting processes. Facts 3.2 item 7.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SPAWN_H
#define QNXSIM_SPAWN_H
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#define POSIX_SPAWN_SETPGROUP 0x1
#define POSIX_SPAWN_SETSIGMASK 0x2
#define POSIX_SPAWN_SETSIGDEF 0x4
#define POSIX_SPAWN_SETSCHEDPARAM 0x400
#define POSIX_SPAWN_SETSCHEDULER 0x40
#define POSIX_SPAWN_RESETIDS 0x10
#if QNXSIM_EXT && QNXSIM_RELEASE >= 700
#define POSIX_SPAWN_EXPLICIT_CPU 0x00000800u
#define POSIX_SPAWN_SETSTACKMAX 0x00001000u
#define POSIX_SPAWN_NOZOMBIE 0x00002000u
#define POSIX_SPAWN_SETCRED 0x00080000u
#define POSIX_SPAWN_SETCWD 0x04000000u
#define POSIX_SPAWN_ASLR_INVERT 0x08000000u
#define POSIX_SPAWN_NEWAPP 0x10000000u
#define POSIX_SPAWN_SETTYPEID 0x20000000u
#define POSIX_SPAWN_CRITICAL 0x80000000u
#define POSIX_SPAWN_ASLR_DEFAULT 0
#define POSIX_SPAWN_ASLR_ENABLE 1
#define POSIX_SPAWN_ASLR_DISABLE 2
#if QNXSIM_RELEASE >= 800
#define POSIX_SPAWN_SETCONTAINERID 0x00200000u
#endif
#endif
typedef struct {
    uint32_t xflags;
    short flags;
    short aslr;
    uid_t uid;
    gid_t gid;
    uint32_t type_id;
    uint32_t runmask;
    struct sched_param param;
    int policy;
    sigset_t mask, defaults;
} posix_spawnattr_t;
typedef struct {
    int count;
    struct {
        int from, to; /* to -1: close */
    } actions[16];
} posix_spawn_file_actions_t;

int posix_spawn(pid_t *out, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[],
                char *const environment[]) QNXSIM_AS(posix_spawn);
int posix_spawnattr_init(posix_spawnattr_t *) QNXSIM_AS(posix_spawnattr_init);
int posix_spawnattr_destroy(posix_spawnattr_t *) QNXSIM_AS(posix_spawnattr_destroy);
int posix_spawnattr_setflags(posix_spawnattr_t *, short) QNXSIM_AS(posix_spawnattr_setflags);
int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *)
    QNXSIM_AS(posix_spawnattr_setsigmask);
int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *)
    QNXSIM_AS(posix_spawnattr_setsigdefault);
int posix_spawnattr_setschedparam(posix_spawnattr_t *, const struct sched_param *)
    QNXSIM_AS(posix_spawnattr_setschedparam);
int posix_spawnattr_setschedpolicy(posix_spawnattr_t *, int)
    QNXSIM_AS(posix_spawnattr_setschedpolicy);
int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)
    QNXSIM_AS(posix_spawn_file_actions_init);
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)
    QNXSIM_AS(posix_spawn_file_actions_destroy);
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int)
    QNXSIM_AS(posix_spawn_file_actions_adddup2);
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int)
    QNXSIM_AS(posix_spawn_file_actions_addclose);
#if QNXSIM_EXT && QNXSIM_RELEASE >= 700
int posix_spawnattr_setxflags(posix_spawnattr_t *, uint32_t)
    QNXSIM_AS(posix_spawnattr_setxflags);
int posix_spawnattr_getxflags(const posix_spawnattr_t *, uint32_t *)
    QNXSIM_AS(posix_spawnattr_getxflags);
int posix_spawnattr_setcred(posix_spawnattr_t *, uid_t, gid_t)
    QNXSIM_AS(posix_spawnattr_setcred);
int posix_spawnattr_settypeid(posix_spawnattr_t *, uint32_t)
    QNXSIM_AS(posix_spawnattr_settypeid);
int posix_spawnattr_setrunmask(posix_spawnattr_t *, uint32_t)
    QNXSIM_AS(posix_spawnattr_setrunmask);
int posix_spawnattr_setaslr(posix_spawnattr_t *, int) QNXSIM_AS(posix_spawnattr_setaslr);
#endif
#endif
