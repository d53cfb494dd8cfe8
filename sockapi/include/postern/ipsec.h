/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-socket IPsec levels, after draft-mcdonald-simple-ipsec-api-01. For C and
 * C++. Link with -lpostern; the program must run in the network namespace of a
 * Postern host.
 *
 *     #include <postern/ipsec.h>
 *
 *     int s = socket(AF_INET6, SOCK_STREAM, 0);
 *     int level = IPSEC_LEVEL_REQUIRE;
 *     if (setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, &level,
 *                    sizeof(int)) != 0) {
 *       ...                   nothing is protected: do not go on
 *     }
 *     ...                     connect() or bind(): the first packet obeys
 *
 * setsockopt() returns 0 only when the daemon has confirmed that every later
 * packet of the socket obeys the new level. Otherwise it returns -1 and the
 * socket keeps the level it had. Set the levels right after socket(), before
 * any packet flows. Sockets from accept() have their listener's levels, as they
 * were when the connection came in. getsockopt() returns the level that was set
 * on the socket; what holds is the stronger of it and the system's level for
 * the remote address, in each category by itself.
 *
 * Option        level argument   option name                protects with
 * ------------  ---------------  -------------------------  ------------------
 * ESP           IPPROTO_IP       IP_ESP_TRANS_LEVEL         ESP on the payload
 * (transport)   IPPROTO_IPV6     IPV6_ESP_TRANS_LEVEL
 * AH            IPPROTO_IP       IP_AUTH_LEVEL              AH
 *               IPPROTO_IPV6     IPV6_AUTH_LEVEL
 * ESP           IPPROTO_IP       IP_ESP_NETWORK_LEVEL       ESP on the whole
 * (network)     IPPROTO_IPV6     IPV6_ESP_NETWORK_LEVEL     datagram
 *
 * The value is an int, one of the IPSEC_LEVEL_ constants below. An AF_INET6
 * socket that is not IPV6_V6ONLY takes the options of both families; they are
 * the same three levels.
 *
 * Errors of setsockopt() and getsockopt() with these options:
 *
 * EACCES          BYPASS without the privilege for it
 * EBADF           not a descriptor
 * ECONNREFUSED    the daemon is dead, or has not answered within 5 seconds
 * EFAULT          the value or its length is not in readable (getsockopt():
 *                 writable) memory
 * EINVAL          setsockopt(): optlen is not sizeof(int), or the value is none
 *                 of the levels. getsockopt(): *optlen is less than sizeof(int)
 * EMFILE ENFILE ENOBUFS ENOMEM ETOOMANYREFS
 *                 no resources left to ask the daemon
 * ENETUNREACH     no daemon serves the socket's network namespace
 * ENOPROTOOPT     the option is of the other family: IPV6_* on an AF_INET
 *                 socket, IP_* on an IPV6_V6ONLY one. Without libpostern the
 *                 kernel says so of every option here: the program fails closed
 * ENOTSOCK        not a socket
 * EOPNOTSUPP      neither TCP, UDP nor a raw or ICMP socket over IP; or a level
 *                 or option that this version does not enforce
 * EPROTO          the daemon speaks another version of the protocol
 *
 * Thread safety: as setsockopt(): any thread, and a signal handler too.
 * Cost: a round trip to the daemon, some tens of microseconds.
 */

#ifndef POSTERN_IPSEC_H_
#define POSTERN_IPSEC_H_

#ifdef _LINUX_IPSEC_H
/* clang-format off */
#error "<linux/ipsec.h> gives IPSEC_LEVEL_USE and its siblings other values: include only <postern/ipsec.h> in this file, and move what needs the KAME numbers to a file of its own."
/* clang-format on */
#endif

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * Option names. Linux knows none of these numbers, so that a program that runs
 * without libpostern is told ENOPROTOOPT; small numbers would set something
 * else and succeed. The two families' numbers differ, because programs switch
 * over both; at IPPROTO_IPV6 the IP_* numbers mean the same as the IPV6_* ones.
 */
#define IP_AUTH_LEVEL 0x49500001
#define IP_ESP_TRANS_LEVEL 0x49500002
#define IP_ESP_NETWORK_LEVEL 0x49500003
#define IPV6_AUTH_LEVEL 0x49500101
#define IPV6_ESP_TRANS_LEVEL 0x49500102
#define IPV6_ESP_NETWORK_LEVEL 0x49500103

/*
 * Payload compression, which does not exist here. BYPASS and NONE are accepted
 * and change nothing, because programs for OpenBSD set them; every other level
 * is EOPNOTSUPP. Reads as NONE.
 */
#define IP_IPCOMP_LEVEL 0x49500004
#define IPV6_IPCOMP_LEVEL 0x49500104

/* Reserved: what protects the socket now. EOPNOTSUPP in this version. */
#define IP_IPSEC_STATUS 0x49500010
#define IPV6_IPSEC_STATUS 0x49500110

/*
 * Levels. Strength grows from NONE to UNIQUE; BYPASS stands beside that order.
 * Note what USE means for servers: whoever sends clear packets from forged
 * addresses makes the server start key negotiations. Servers want AVAIL or
 * REQUIRE (the draft's section 1.2.2).
 */
#define IPSEC_LEVEL_BYPASS (-1) /* no IPsec even if the system demands it */
#define IPSEC_LEVEL_NONE 0      /* the system's level alone decides */
#define IPSEC_LEVEL_DEFAULT 0   /* the same */
#define IPSEC_LEVEL_AVAIL 1     /* protected if an SA is there, else clear */
#define IPSEC_LEVEL_USE 2       /* protected out; clear accepted in */
#define IPSEC_LEVEL_REQUIRE 3   /* protected both ways */
#define IPSEC_LEVEL_UNIQUE 4    /* the same, out on an SA of its own */

#endif /* POSTERN_IPSEC_H_ */
