/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for process_test.cc, in C and without any of our headers but the
 * public one.
 *
 *     socket_program open <family> <type> [twice]
 *     socket_program listen|listen-ah accept|accept4|accept-unix|accept-five
 *
 * Exit status: 0, or the errno value of the call that failed.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <postern/ipsec.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int Open(const char* family, const char* type) {
  const int number = strcmp(type, "stream") == 0 ? SOCK_STREAM : SOCK_DGRAM;
  int pair[2];
  if (strcmp(family, "pair") == 0) {
    return socketpair(AF_UNIX, number, 0, pair);
  }
  if (strcmp(family, "unix") == 0) {
    return socket(AF_UNIX, number, 0);
  }
  if (strcmp(family, "netlink") == 0) {
    return socket(AF_NETLINK, SOCK_RAW, 0);
  }
  return socket(strcmp(family, "inet6") == 0 ? AF_INET6 : AF_INET, number, 0);
}

static int NextDescriptor(void) {
  const int next = dup(0);
  close(next);
  return next;
}

static int Listener(int family) {
  struct sockaddr_in here;
  struct sockaddr_un abstract;
  const int s = socket(family, SOCK_STREAM, 0);
  memset(&here, 0, sizeof(here));
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memset(&abstract, 0, sizeof(abstract));
  abstract.sun_family = AF_UNIX; /* the kernel chooses a name */
  if (s < 0 ||
      (family == AF_INET
           ? bind(s, (struct sockaddr*)&here, sizeof(here))
           : bind(s, (struct sockaddr*)&abstract, sizeof(sa_family_t))) != 0 ||
      listen(s, 1) != 0) {
    return -1;
  }
  return s;
}

static int AcceptOwnConnection(int s, int family, const char* call) {
  struct sockaddr_storage here;
  socklen_t size = sizeof(here);
  const int client = socket(family, SOCK_STREAM, 0);
  if (client < 0 || getsockname(s, (struct sockaddr*)&here, &size) != 0 ||
      connect(client, (struct sockaddr*)&here, size) != 0) {
    return -1;
  }
  return strcmp(call, "accept4") == 0 ? accept4(s, NULL, NULL, SOCK_CLOEXEC)
                                      : accept(s, NULL, NULL);
}

static int ListenAndAccept(int with_ah, const char* call) {
  const int family = strcmp(call, "accept-unix") == 0 ? AF_UNIX : AF_INET;
  const int level = IPSEC_LEVEL_REQUIRE;
  const int ip = Listener(AF_INET);
  const int s = family == AF_INET ? ip : Listener(family);
  int rounds = 0;
  if (ip < 0 || s < 0) {
    return errno;
  }
  if (with_ah &&
      setsockopt(ip, IPPROTO_IP, IP_AUTH_LEVEL, &level, sizeof(level)) != 0) {
    return errno;
  }
  for (rounds = strcmp(call, "accept-five") == 0 ? 5 : 1; rounds > 0;
       --rounds) {
    if (AcceptOwnConnection(s, family, call) < 0) {
      return errno;
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  const int free_at_first = NextDescriptor();
  int i = 0;
  if (argc >= 4 && strcmp(argv[1], "open") == 0) {
    for (i = 0; i < argc - 3; ++i) {
      if (Open(argv[2], argv[3]) < 0 && i == argc - 4) {
        const int error = errno;
        /* A failed socket() must not have left a descriptor behind. */
        return NextDescriptor() == free_at_first ? error : 99;
      }
    }
    return 0;
  }
  if (argc == 3) {
    return ListenAndAccept(strcmp(argv[1], "listen-ah") == 0, argv[2]);
  }
  fprintf(stderr, "socket_program: wrong arguments\n");
  return 100;
}
