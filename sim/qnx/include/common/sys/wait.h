/* sys/wait.h - reaping children; status words are the host's (no facts).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_WAIT_H
#define QNXSIM_SYS_WAIT_H
#include <sys/types.h>
#define WNOHANG 1
#define WUNTRACED 2
#define WIFEXITED(s) (((s) & 0x7f) == 0)
#define WEXITSTATUS(s) (((s) >> 8) & 0xff)
#define WIFSIGNALED(s) (((s) & 0x7f) != 0 && ((s) & 0x7f) != 0x7f)
#define WTERMSIG(s) ((s) & 0x7f)
pid_t waitpid(pid_t process, int *status, int options) QNXSIM_AS(waitpid);
#endif
