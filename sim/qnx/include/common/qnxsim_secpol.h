/* qnxsim_secpol.h - security policies; the body of <secpol/secpol.h>. Facts 3.2 item 6.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SECPOL_H
#define QNXSIM_SECPOL_H
#include <spawn.h>
#include <sys/types.h>
typedef struct secpol_file secpol_file_t;
#define SECPOL_USE_AS_DEFAULT 1u
#define SECPOL_INVALID_TYPE 0xffffffffu
#define SECPOL_TYPE_NAME 1u
secpol_file_t *secpol_open(const char *path, unsigned flags) QNXSIM_AS(secpol_open);
uint32_t secpol_get_type_id(secpol_file_t *policy, const char *name)
    QNXSIM_AS(secpol_get_type_id);
uint32_t secpol_type_id(void) QNXSIM_AS(secpol_type_id);
int secpol_transition_type(secpol_file_t *policy, const char *name, unsigned flags)
    QNXSIM_AS(secpol_transition_type);
int secpol_posix_spawnattr_settypeid(secpol_file_t *policy, posix_spawnattr_t *attributes,
                                     const char *name, unsigned flags)
    QNXSIM_AS(secpol_posix_spawnattr_settypeid);
#endif
