/* sys/sched_aps.h - the adaptive partitioning scheduler. Facts 4.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_SCHED_APS_H
#define QNXSIM_SYS_SCHED_APS_H
#include <string.h>
#include <sys/neutrino.h>
#if QNXSIM_EXT
#define APS_INIT_DATA(p) memset((p), 0, sizeof(*(p)))
#define SCHED_APS_QUERY_PARMS (SCHED_EXT_APS_CMD_BASE + 0)
#define SCHED_APS_SET_PARMS (SCHED_EXT_APS_CMD_BASE + 1)
#define SCHED_APS_CREATE_PARTITION (SCHED_EXT_APS_CMD_BASE + 2)
#define SCHED_APS_LOOKUP (SCHED_EXT_APS_CMD_BASE + 3)
#define SCHED_APS_QUERY_PARTITION (SCHED_EXT_APS_CMD_BASE + 4)
#define SCHED_APS_JOIN_PARTITION (SCHED_EXT_APS_CMD_BASE + 5)
#define SCHED_APS_MODIFY_PARTITION (SCHED_EXT_APS_CMD_BASE + 6)
#define SCHED_APS_PARTITION_STATS (SCHED_EXT_APS_CMD_BASE + 7)
#define SCHED_APS_OVERALL_STATS (SCHED_EXT_APS_CMD_BASE + 8)
#define SCHED_APS_QUERY_THREAD (SCHED_EXT_APS_CMD_BASE + 12)
#define SCHED_APS_ADD_SECURITY (SCHED_EXT_APS_CMD_BASE + 13)
#define SCHED_APS_QUERY_PROCESS (SCHED_EXT_APS_CMD_BASE + 14)
#define SCHED_APS_CREATE_FLAGS_USE_PARENT_ID 0x01
#define SCHEDPOL_FREETIME_BY_RATIO 1u
#define SCHEDPOL_PARTITION_LOCAL_PRIORITIES 4u
#define SCHEDPOL_LIMIT_CPU_USAGE 8u

/* The order is the facts page's; fields that it only gives a width for are reserved. */
typedef struct { /* 40 bytes on LP64 */
    char *name;
    uint16_t budget_percent;
    int16_t critical_budget_ms;
    uint8_t aps_create_flags;
    int8_t parent_id;
    uint16_t max_budget_percent;
    int16_t critical_priority;
    uint16_t budget_percent_scale;
    uint64_t reserved1;
    uint32_t reserved2;
    int16_t id; /* out */
    int16_t reserved3;
} sched_aps_create_parms;

typedef struct { /* 16 bytes */
    int16_t id;
    int16_t reserved1;
    int32_t pid;
    int32_t tid;
    int32_t aid;
} sched_aps_join_parms;

/* What the port reads and writes of the others; sizes where the page gives none are ours. */
typedef struct { /* 24 bytes on ILP32 */
    int16_t id;
    uint16_t new_budget_percent;
    int16_t new_critical_budget_ms;
    uint16_t new_max_budget_percent;
    int32_t reserved[4];
} sched_aps_modify_parms;

typedef struct {
    char *name;
    int16_t id; /* out */
    int16_t reserved[3];
} sched_aps_lookup_parms;

typedef struct { /* 24 bytes */
    int16_t windowsize_ms;
    int16_t num_partitions; /* out */
    int16_t max_partitions; /* out */
    int16_t reserved1;
    uint32_t scheduling_policy_flags;
    uint32_t reserved2[3];
} sched_aps_parms;

typedef struct { /* 80 bytes */
    int16_t id; /* in */
    int16_t parent_id;
    char name[16];
    uint16_t budget_percent;
    uint16_t max_budget_percent;
    int16_t critical_budget_ms;
    int16_t reserved1;
    uint32_t reserved2[13];
} sched_aps_partition_info;

typedef struct { /* 80 bytes */
    int16_t id; /* in */
    int16_t reserved1[3];
    uint64_t run_time_cycles;
    uint64_t critical_time_cycles;
    uint64_t reserved2[7];
} sched_aps_partition_stats;

typedef struct { /* 12 bytes on ILP32 */
    uint32_t sec_flags;
    uint32_t reserved[2];
} sched_aps_security_parms;
#define SCHED_APS_SEC_BASIC 0x21u
#define SCHED_APS_SEC_FLEXIBLE 0x23Bu
#define SCHED_APS_SEC_RECOMMENDED 0x73Fu
#endif
#endif
