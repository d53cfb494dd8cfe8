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
 * Beyond levels, the calls at the end of this page say who both ends are and how
 * strong an SA must be, and IP_IPSEC_STATUS tells what protects a socket.
 *
 * Thread safety: as setsockopt(): any thread, and a signal handler too.
 * Cost: a round trip to the daemon, 50 to 60 microseconds; setting waits for the
 * packets that are under way, too.
 */

#ifndef POSTERN_IPSEC_H_
#define POSTERN_IPSEC_H_

#ifdef _LINUX_IPSEC_H
/* clang-format off */
#error "<linux/ipsec.h> gives IPSEC_LEVEL_USE and its siblings other values: include only <postern/ipsec.h> in this file, and move what needs the KAME numbers to a file of its own."
/* clang-format on */
#endif

#include <netinet/in.h>
#include <stdint.h>
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

/* getsockopt() alone: fills a struct ipsec_status, see below. */
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

/*
 * Identities, as key management proves them (the draft's section 4). Two are
 * the same if type and text are; domain names in any letters, prefixes with or
 * without the length of one address.
 */
#define CERTIFICATE_NONE 0
#define CERTIFICATE_PREFIX 1    /* "10.9.2.1/32", "2001:db8::/64" */
#define CERTIFICATE_FQDN 2      /* "host.example" */
#define CERTIFICATE_USER_FQDN 3 /* "user@host.example" */
#define CERTIFICATE_X509_DN 4   /* "CN=host,O=Example" */
#define CERTIFICATE_KEY_ID 5    /* anything printable */

#define CERTIFICATE_TEXT_SIZE 256

typedef struct certificate_info {
  int type;                         /* a CERTIFICATE_ constant */
  char text[CERTIFICATE_TEXT_SIZE]; /* ends with a NUL */
} certificate_info_t;

/*
 * What protects a socket in one category: the level that holds (the stronger of
 * its own and the system's for its peer), the SAs of the last packets that were
 * sent and received, and who the peer proved to be. No SA: SPI 0, no name.
 */
#define IPSEC_ALGORITHM_SIZE 64

struct ipsec_category_status {
  int level;                             /* an IPSEC_LEVEL_ constant */
  uint32_t spi_out;                      /* in the host's byte order */
  uint32_t spi_in;                       /* the same */
  unsigned key_bits;                     /* the SA's shortest key */
  char algorithms[IPSEC_ALGORITHM_SIZE]; /* "aes-gcm-16" */
  certificate_info_t peer;               /* CERTIFICATE_NONE: not proved */
};

struct ipsec_status {
  struct ipsec_category_status esp_transport;
  struct ipsec_category_status auth;
  struct ipsec_category_status esp_network;
};

#ifdef __cplusplus
extern "C" {
#endif

/*
 * All return 0, or -1 and set errno: to one of the values above, or
 *
 * EACCES      the administrator does not let users choose that
 * EINVAL      a type or text that is no identity; no list of algorithms; a
 *             negative strength; sharing with itself
 * ENOENT      getmycert(): none was set. getpeercert(): the peer has not proved
 *             any
 * EOPNOTSUPP  algorithms or a strength that no SA can have; a legacy algorithm
 *             that the administrator does not allow
 *
 * When a call that sets something returns 0, every later packet obeys: an SA
 * that does not fit is not used, and does not satisfy the socket's levels.
 * After -1 everything is as it was. Accepted sockets inherit from listeners.
 */

/* Who this end is, and who the other must be. CERTIFICATE_NONE: anybody. */
int setmycert(int socket, const certificate_info_t* certificate);
int setpeercert(int socket, const certificate_info_t* certificate);

/* What setmycert() set. */
int getmycert(int socket, certificate_info_t* certificate);

/*
 * Who sent the last datagram that was received: the identity of the SA that it
 * came on. ENOENT if it came in the clear, or on an SA without identity. SAs
 * are noted from the first of these calls on, for TCP also from the first level
 * set; a server that does neither calls this once for its listener.
 */
int getpeercert(int socket, certificate_info_t* certificate);

/*
 * From now on `socket` is protected by the same SAs as `with`, even at UNIQUE.
 * -1 ends that.
 */
int ipsec_share(int socket, int with);

/*
 * SAs must have one of these algorithms, like "aes256gcm16,chacha20poly1305".
 * A list without encryption, or without integrity, leaves that free. NULL or
 * "": any.
 */
int ipsec_set_algorithms(int socket, const char* algorithms);

/* No key of an SA may be shorter. 0: any. */
int ipsec_set_strength(int socket, int bits);

#ifdef __cplusplus
}
#endif

#endif /* POSTERN_IPSEC_H_ */
