/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short exchanges from the same few local ports, each from a new socket, at AH
 * REQUIRE and NONE by turns (test_port_reuse.py). The port is free at once: TCP
 * sockets are closed with a reset.
 *
 *     port_recycler serve <port>
 *     port_recycler tcp|udp <address> <port> <first local port> <exchanges>
 *
 * "serve" echoes TCP and UDP, IPv4 and IPv6, and prints "ready".
 *
 * Each message says which level its socket had when it was sent, big endian:
 * "PORT", level (4 octets), number (8). Half of the datagrams are not waited
 * for: their socket may be gone, and another have its port, before they leave.
 *
 * Prints a JSON object: exchanges, and how many got no answer.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <postern/ipsec.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { kPorts = 8, kMessage = 16 };

struct Endpoint {
  struct sockaddr_storage address;
  socklen_t size;
  int type;
};

static void Fail(const char* what) {
  perror(what);
  exit(1);
}

static struct Endpoint Resolve(const char* address, const char* port,
                               int type) {
  const struct addrinfo hints = {.ai_socktype = type,
                                 .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
  struct addrinfo* found = NULL;
  struct Endpoint endpoint = {.type = type};
  if (getaddrinfo(address, port, &hints, &found) != 0) {
    fputs("not an address and a port\n", stderr);
    exit(2);
  }
  memcpy(&endpoint.address, found->ai_addr, found->ai_addrlen);
  endpoint.size = found->ai_addrlen;
  freeaddrinfo(found);
  return endpoint;
}

static void SetPort(struct Endpoint* endpoint, unsigned port) {
  /* The port is at the same place in both families. */
  ((struct sockaddr_in*)&endpoint->address)->sin_port = htons((uint16_t)port);
}

static int Open(const struct Endpoint* like) {
  const int on = 1;
  const struct timeval patience = {.tv_sec = 5};
  const int s = socket(like->address.ss_family, like->type, 0);
  if (s < 0) {
    Fail("socket");
  }
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (like->address.ss_family == AF_INET6) {
    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (like->type == SOCK_STREAM) {
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return s;
}

static int Bound(const struct Endpoint* here) {
  const int s = Open(here);
  if (bind(s, (const struct sockaddr*)&here->address, here->size) != 0) {
    Fail("bind");
  }
  return s;
}

static void* EchoDatagrams(void* argument) {
  const int s = Bound(argument);
  char message[kMessage];
  for (;;) {
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    const ssize_t got = recvfrom(s, message, sizeof(message), 0,
                                 (struct sockaddr*)&from, &size);
    if (got > 0) {
      sendto(s, message, (size_t)got, 0, (struct sockaddr*)&from, size);
    }
  }
  return NULL;
}

static void* EchoStreams(void* argument) {
  const int listener = Bound(argument);
  char message[kMessage];
  if (listen(listener, 16) != 0) {
    Fail("listen");
  }
  for (;;) {
    const struct timeval patience = {.tv_sec = 5};
    const int s = accept(listener, NULL, NULL);
    ssize_t got = 0;
    if (s < 0) {
      continue;
    }
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while ((got = recv(s, message, sizeof(message), MSG_WAITALL)) > 0 &&
           send(s, message, (size_t)got, MSG_NOSIGNAL) == got) {
    }
    close(s);
  }
  return NULL;
}

static void Serve(const char* port) {
  static struct Endpoint here[4];
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    here[i] = Resolve(i < 2 ? "0.0.0.0" : "::", port,
                      i % 2 == 0 ? SOCK_DGRAM : SOCK_STREAM);
    if (pthread_create(&threads[i], NULL,
                       i % 2 == 0 ? EchoDatagrams : EchoStreams,
                       &here[i]) != 0) {
      Fail("pthread_create");
    }
  }
  puts("ready");
  fflush(stdout);
  pthread_join(threads[0], NULL);
}

static void Set(int s, const struct Endpoint* like, int level) {
  const int result =
      like->address.ss_family == AF_INET6
          ? setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, &level, sizeof(level))
          : setsockopt(s, IPPROTO_IP, IP_AUTH_LEVEL, &level, sizeof(level));
  if (result != 0) {
    Fail("setsockopt");
  }
}

/* Fresh sockets at NONE, sockets that were at REQUIRE, sockets that are. */
static int ChooseLevel(int s, const struct Endpoint* like, uint64_t number) {
  if (number % 2 == 0) {
    Set(s, like, IPSEC_LEVEL_REQUIRE);
    return IPSEC_LEVEL_REQUIRE;
  }
  if (number % 4 == 3) {
    Set(s, like, IPSEC_LEVEL_REQUIRE);
    Set(s, like, IPSEC_LEVEL_NONE);
  }
  return IPSEC_LEVEL_NONE;
}

/* 0 once the message with our number has come back. */
static int AwaitEcho(int s, const char* message) {
  char echo[kMessage];
  while (recv(s, echo, sizeof(echo), MSG_WAITALL) == kMessage) {
    if (memcmp(echo, message, kMessage) == 0) {
      return 0;
    }
  }
  return -1;
}

static int Exchange(struct Endpoint* here, const struct Endpoint* there,
                    uint64_t number) {
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  const int is_stream = there->type == SOCK_STREAM;
  const int s = Bound(here);
  const uint32_t level = htobe32((uint32_t)ChooseLevel(s, there, number));
  const uint64_t wide = htobe64(number);
  char message[kMessage] = "PORT";
  int result = 0;

  memcpy(message + 4, &level, sizeof(level));
  memcpy(message + 8, &wide, sizeof(wide));
  setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  if ((is_stream || number / 16 % 2 == 0) &&
      connect(s, (const struct sockaddr*)&there->address, there->size) != 0) {
    Fail("connect");
  }
  if (sendto(s, message, sizeof(message), MSG_NOSIGNAL,
             is_stream ? NULL : (const struct sockaddr*)&there->address,
             is_stream ? 0 : there->size) != kMessage) {
    Fail("sendto");
  }
  if (is_stream || number % 8 < 4) {
    result = AwaitEcho(s, message);
  }
  close(s);
  return result;
}

int main(int argc, char** argv) {
  struct Endpoint here;
  struct Endpoint there;
  unsigned first = 0;
  uint64_t exchanges = 0;
  uint64_t unanswered = 0;

  if (argc == 3 && strcmp(argv[1], "serve") == 0) {
    Serve(argv[2]);
    return 1;
  }
  if (argc != 6) {
    fputs("usage: see the head of port_recycler.c\n", stderr);
    return 2;
  }
  there = Resolve(argv[2], argv[3],
                  strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM);
  here = Resolve(there.address.ss_family == AF_INET6 ? "::" : "0.0.0.0", "0",
                 there.type);
  first = (unsigned)atoi(argv[4]);
  exchanges = strtoull(argv[5], NULL, 10);
  for (uint64_t i = 0; i < exchanges; ++i) {
    SetPort(&here, first + (unsigned)(i / 2 % kPorts));
    unanswered += Exchange(&here, &there, i) != 0;
  }
  printf("{\"exchanges\": %llu, \"unanswered\": %llu}\n",
         (unsigned long long)exchanges, (unsigned long long)unanswered);
  return 0;
}
