/* sys/socket.h - sockets; the host's (no facts): they are not simulated.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_SOCKET_H
#define QNXSIM_SYS_SOCKET_H
#include <sys/types.h>
#include <sys/uio.h>
typedef uint32_t socklen_t;
#define SOL_SOCKET 1
#define SO_TYPE 3
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define AF_UNIX 1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_NOSIGNAL 0x4000
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    size_t msg_iovlen;
    void *msg_control;
    size_t msg_controllen;
    int msg_flags;
};
struct sockaddr;
int getsockopt(int socket, int level, int option, void *value, socklen_t *bytes);
int accept(int socket, struct sockaddr *address, socklen_t *bytes);
ssize_t recvmsg(int socket, struct msghdr *message, int flags);
ssize_t sendmsg(int socket, const struct msghdr *message, int flags);
int shutdown(int socket, int how);
#endif
