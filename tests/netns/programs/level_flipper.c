/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flips the level of one UDP socket while threads flood from it, and marks each
 * datagram with what was promised when it was sent, so that a capture can be
 * judged (test_barrier.py).
 *
 *     level_flipper <address> <port> <flips> <threads> <packets/s> <mode>
 *
 * Modes: "call" flips AH between REQUIRE and NONE by setsockopt(). "ask" prints
 * "require" or "none" for each flip and goes on when a line comes in: somebody
 * else flips. "early" is "call" with marks that lie: set before the call.
 *
 * A datagram's payload, big endian: "FLIP", promise (4 octets, enum Promise),
 * flip (4), thread (4), number (8).
 *
 * Datagrams sent before a call may obey it, so those with a promise must be
 * through when the next call begins. Each thread says which mark it has seen,
 * after its last datagram with the one before; then the flood goes on without a
 * promise until the daemon has read more from tun0 than had waited there.
 *
 * Prints a JSON object: what was sent, in how many seconds.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <postern/ipsec.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kBatch = 16, kPayload = 64, kMostThreads = 8, kHold = 100 };

/* The TUN's queue of 500, and the batches on both sides of it. */
enum { kQueue = 800 };

enum Promise { kNoPromise = 0, kProtected = 1, kClear = 2 };

struct Sender {
  pthread_t thread;
  uint32_t number;
  _Atomic uint64_t seen; /* the mark of what it sends from now on */
  _Atomic uint64_t sent;
};

static int udp_socket = -1;
static struct sockaddr_storage peer;
static socklen_t peer_size;
static double packets_per_second; /* of each thread */
static struct Sender senders[kMostThreads];
static unsigned threads;
static _Atomic uint64_t mark; /* flip << 8 | promise */
static _Atomic int stopping;

static void Fail(const char* what) {
  perror(what);
  exit(1);
}

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Between two looks at a condition: the daemon needs the processors, too. */
static void Pause(void) {
  const struct timespec moment = {.tv_nsec = 50000};
  nanosleep(&moment, NULL);
}

static void Fill(char* payload, const struct Sender* sender, uint64_t what,
                 uint64_t number) {
  const uint32_t words[] = {htobe32((uint32_t)(what & 0xff)),
                            htobe32((uint32_t)(what >> 8)),
                            htobe32(sender->number)};
  const uint64_t wide = htobe64(number);
  memcpy(payload, "FLIP", 4);
  memcpy(payload + 4, words, sizeof(words));
  memcpy(payload + 16, &wide, sizeof(wide));
}

static void Point(struct mmsghdr* messages, struct iovec* parts,
                  char (*payloads)[kPayload]) {
  memset(messages, 0, kBatch * sizeof(*messages));
  for (int i = 0; i < kBatch; ++i) {
    parts[i] =
        (struct iovec){.iov_base = payloads[i], .iov_len = sizeof(payloads[i])};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &peer;
    messages[i].msg_hdr.msg_namelen = peer_size;
  }
}

static void* Flood(void* argument) {
  struct Sender* sender = argument;
  char payloads[kBatch][kPayload] = {{0}};
  struct iovec parts[kBatch];
  struct mmsghdr messages[kBatch];
  uint64_t number = 0;
  const double start = Now();

  Point(messages, parts, payloads);
  while (!atomic_load(&stopping)) {
    const uint64_t what = atomic_load(&mark);
    int sent = 0;
    atomic_store(&sender->seen, what);
    for (int i = 0; i < kBatch; ++i) {
      Fill(payloads[i], sender, what, number + (uint64_t)i);
    }
    sent = sendmmsg(udp_socket, messages, kBatch, 0);
    if (sent < 0 && errno != ENOBUFS && errno != EAGAIN) {
      Fail("sendmmsg");
    }
    number += sent > 0 ? (uint64_t)sent : 0;
    atomic_store(&sender->sent, number);
    while ((double)number / packets_per_second > Now() - start &&
           atomic_load(&mark) == what) {
      Pause();
    }
  }
  return NULL;
}

/* From here on datagrams carry this mark, and none the one before. */
static void Mark(uint64_t what) {
  atomic_store(&mark, what);
  for (unsigned i = 0; i < threads; ++i) {
    while (atomic_load(&senders[i].seen) != what) {
      Pause();
    }
  }
}

static uint64_t Sent(void) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < threads; ++i) {
    sum += atomic_load(&senders[i].sent);
  }
  return sum;
}

/* How many packets were read from tun0, by the kernel's count. */
static uint64_t Taken(void) {
  char line[512];
  const char* found = NULL;
  unsigned long long packets = 0;
  FILE* devices = fopen("/proc/thread-self/net/dev", "re");

  while (devices != NULL && fgets(line, sizeof(line), devices) != NULL) {
    found = strstr(line, "tun0:");
    if (found != NULL &&
        sscanf(found + 5, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %llu",
               &packets) == 1) {
      fclose(devices);
      return packets;
    }
  }
  Fail("/proc/net/dev");
  return 0;
}

static void Drain(void) {
  const uint64_t until = Taken() + kQueue;
  while (Taken() < until) {
    Pause();
  }
}

static void Set(int level) {
  const int result = peer.ss_family == AF_INET6
                         ? setsockopt(udp_socket, IPPROTO_IPV6, IPV6_AUTH_LEVEL,
                                      &level, sizeof(level))
                         : setsockopt(udp_socket, IPPROTO_IP, IP_AUTH_LEVEL,
                                      &level, sizeof(level));
  if (result != 0) {
    Fail("setsockopt");
  }
}

static void Ask(int level) {
  char line[16];
  puts(level == IPSEC_LEVEL_NONE ? "none" : "require");
  fflush(stdout);
  if (fgets(line, sizeof(line), stdin) == NULL) {
    exit(1);
  }
}

static void Flip(uint64_t flip, const char* mode) {
  const int level = flip % 2 == 0 ? IPSEC_LEVEL_REQUIRE : IPSEC_LEVEL_NONE;
  const uint64_t promise = level == IPSEC_LEVEL_NONE ? kClear : kProtected;
  uint64_t until = 0;

  if (strcmp(mode, "early") == 0) {
    Mark(flip << 8 | promise);
  }
  if (strcmp(mode, "ask") == 0) {
    Ask(level);
  } else {
    Set(level);
  }
  Mark(flip << 8 | promise);
  until = Sent() + kHold;
  while (Sent() < until) {
    Pause();
  }
  Mark(flip << 8 | kNoPromise);
  Drain();
}

static void Open(const char* address, const char* port) {
  const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                 .ai_flags = AI_NUMERICHOST};
  struct addrinfo* found = NULL;
  if (getaddrinfo(address, port, &hints, &found) != 0) {
    fputs("not an address and a port\n", stderr);
    exit(2);
  }
  memcpy(&peer, found->ai_addr, found->ai_addrlen);
  peer_size = found->ai_addrlen;
  freeaddrinfo(found);
  udp_socket = socket(peer.ss_family, SOCK_DGRAM, 0);
  if (udp_socket < 0) {
    Fail("socket");
  }
}

int main(int argc, char** argv) {
  double start = 0;
  double seconds = 0;
  const uint64_t flips = argc == 7 ? strtoull(argv[3], NULL, 10) : 0;
  threads = argc == 7 ? (unsigned)atoi(argv[4]) : 0;
  if (flips == 0 || threads < 1 || threads > kMostThreads) {
    fputs("usage: level_flipper address port flips threads packets/s mode\n",
          stderr);
    return 2;
  }
  Open(argv[1], argv[2]);
  packets_per_second = atof(argv[5]) / threads;
  for (unsigned i = 0; i < threads; ++i) {
    senders[i].number = i;
    if (pthread_create(&senders[i].thread, NULL, Flood, &senders[i]) != 0) {
      Fail("pthread_create");
    }
  }
  start = Now();
  for (uint64_t flip = 0; flip < flips; ++flip) {
    Flip(flip, argv[6]);
  }
  seconds = Now() - start;
  atomic_store(&stopping, 1);
  for (unsigned i = 0; i < threads; ++i) {
    pthread_join(senders[i].thread, NULL);
  }
  printf("{\"flips\": %llu, \"sent\": %llu, \"seconds\": %.3f}\n",
         (unsigned long long)flips, (unsigned long long)Sent(), seconds);
  return 0;
}
