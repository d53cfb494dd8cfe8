/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens many sockets, each with levels of its own, at a steady pace, and holds
 * them (test_many_sockets.py, scripts/bench-sockets).
 *
 *     socket_crowd serve <port>
 *     socket_crowd open <IPv4 address> <IPv6 address> <port> <sockets>
 *         <sockets/s>
 *
 * "serve" echoes TCP and UDP and prints "ready". "open" takes TCP and UDP, IPv4
 * and IPv6 by turns, and every combination of five levels in three categories;
 * each socket sets its levels, connects and sends a word to and fro, twice.
 * Prints a JSON object with what that took, holds the sockets until a line
 * comes in, closes them and prints "closed".
 *
 * first_us is connect() of TCP, the first word of UDP: packets of a new flow.
 * again_us is the second word: the same way with a flow that is known.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <postern/ipsec.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kThreads = 4, kWord = 8, kLevels = 5, kSockets = 60000 };

struct Sample {
  int is_stream;
  float set_us; /* of one level */
  float first_us;
  float again_us;
};

static struct sockaddr_in there4;
static struct sockaddr_in6 there6;
static int held[kSockets];
static struct Sample samples[kSockets];
static unsigned sockets;
static double each_seconds;

static void Fail(const char* what) {
  perror(what);
  exit(1);
}

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void SleepUntil(double when) {
  const struct timespec until = {
      .tv_sec = (time_t)when,
      .tv_nsec = (long)((when - (double)(time_t)when) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int Served(int type, unsigned port) {
  const int off = 0;
  struct sockaddr_in6 here = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)port)};
  const int s = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
  if (s < 0 ||
      setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0 ||
      bind(s, (struct sockaddr*)&here, sizeof(here)) != 0 ||
      (type == SOCK_STREAM && listen(s, 4096) != 0)) {
    Fail("server");
  }
  return s;
}

static void Watch(int epoll, int s) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = s};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event) != 0) {
    Fail("epoll_ctl");
  }
}

static void Echo(int s) {
  char word[64];
  struct sockaddr_storage from;
  socklen_t size = sizeof(from);
  ssize_t got = 0;
  while ((got = recvfrom(s, word, sizeof(word), 0, (struct sockaddr*)&from,
                         &size)) > 0) {
    sendto(s, word, (size_t)got, MSG_NOSIGNAL,
           size == 0 ? NULL : (struct sockaddr*)&from, size);
    size = sizeof(from);
  }
  if (got == 0 || (errno != EAGAIN && errno != ECONNREFUSED)) {
    close(s);
  }
}

static void Serve(unsigned port) {
  const int epoll = epoll_create1(0);
  const int listener = Served(SOCK_STREAM, port);
  Watch(epoll, listener);
  Watch(epoll, Served(SOCK_DGRAM, port));
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[64];
    const int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      int s = events[i].data.fd;
      if (s != listener) {
        Echo(s);
        continue;
      }
      while ((s = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Watch(epoll, s);
      }
    }
  }
}

static void SetLevels(int s, unsigned combination) {
  static const int kValues[kLevels] = {IPSEC_LEVEL_NONE, IPSEC_LEVEL_AVAIL,
                                       IPSEC_LEVEL_USE, IPSEC_LEVEL_REQUIRE,
                                       IPSEC_LEVEL_BYPASS};
  static const int kOptions[] = {IP_AUTH_LEVEL, IP_ESP_TRANS_LEVEL,
                                 IP_ESP_NETWORK_LEVEL};
  int domain = 0;
  socklen_t size = sizeof(domain);
  getsockopt(s, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  for (int i = 0; i < 3; ++i) {
    /* At IPPROTO_IPV6 the IPv4 names mean the same. */
    if (setsockopt(s, domain == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                   kOptions[i], &kValues[combination % kLevels],
                   sizeof(int)) != 0) {
      Fail("setsockopt");
    }
    combination /= kLevels;
  }
}

static void Talk(int s) {
  char word[kWord] = "a word";
  if (send(s, word, sizeof(word), MSG_NOSIGNAL) != kWord ||
      recv(s, word, sizeof(word), 0) != kWord) {
    Fail("talk");
  }
}

static void OpenOne(unsigned i) {
  const struct timeval patience = {.tv_sec = 10};
  const int on = 1;
  const int is_stream = i % 4 < 2;
  const int family = i % 2 == 0 ? AF_INET : AF_INET6;
  const int s = socket(family, is_stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  double times[4];

  if (s < 0) {
    Fail("socket");
  }
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (is_stream) {
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  times[0] = Now();
  SetLevels(s, i / 4);
  times[1] = Now();
  if (connect(s,
              family == AF_INET ? (struct sockaddr*)&there4
                                : (struct sockaddr*)&there6,
              family == AF_INET ? sizeof(there4) : sizeof(there6)) != 0) {
    Fail("connect");
  }
  if (is_stream) {
    times[2] = Now();
    Talk(s); /* bob's child has its cookie now */
  } else {
    Talk(s);
    times[2] = Now();
  }
  times[3] = Now();
  Talk(s);
  held[i] = s;
  samples[i] = (struct Sample){
      .is_stream = is_stream,
      .set_us = (float)((times[1] - times[0]) * 1e6 / 3),
      .first_us = (float)((times[2] - times[1]) * 1e6),
      .again_us = (float)((Now() - times[3]) * 1e6),
  };
}

static void* OpenShare(void* argument) {
  const unsigned first = *(const unsigned*)argument;
  const double start = Now();
  for (unsigned i = first; i < sockets; i += kThreads) {
    SleepUntil(start + each_seconds * i);
    OpenOne(i);
  }
  return NULL;
}

static int Compare(const void* left, const void* right) {
  const float a = *(const float*)left;
  const float b = *(const float*)right;
  return (a > b) - (a < b);
}

static void Print(const char* name, size_t offset, int is_stream) {
  static float values[kSockets];
  unsigned count = 0;
  for (unsigned i = 0; i < sockets; ++i) {
    if (samples[i].is_stream == is_stream) {
      memcpy(&values[count++], (const char*)&samples[i] + offset,
             sizeof(float));
    }
  }
  qsort(values, count, sizeof(values[0]), Compare);
  printf(", \"%s_%s\": {\"median\": %.0f, \"p99\": %.0f}",
         is_stream ? "tcp" : "udp", name, (double)values[count / 2],
         (double)values[count * 99 / 100]);
}

static void OpenAll(void) {
  pthread_t threads[kThreads];
  unsigned first[kThreads];
  const double start = Now();
  double seconds = 0;
  for (unsigned i = 0; i < kThreads; ++i) {
    first[i] = i;
    if (pthread_create(&threads[i], NULL, OpenShare, &first[i]) != 0) {
      Fail("pthread_create");
    }
  }
  for (unsigned i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], NULL);
  }
  seconds = Now() - start;
  printf("{\"sockets\": %u, \"seconds\": %.2f, \"per_second\": %.0f", sockets,
         seconds, sockets / seconds);
  for (int is_stream = 1; is_stream >= 0; --is_stream) {
    Print("set_us", offsetof(struct Sample, set_us), is_stream);
    Print("first_us", offsetof(struct Sample, first_us), is_stream);
    Print("again_us", offsetof(struct Sample, again_us), is_stream);
  }
  puts("}");
  fflush(stdout);
}

int main(int argc, char** argv) {
  struct rlimit files;
  char line[16];
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) {
    Serve((unsigned)atoi(argv[2]));
  }
  sockets = argc == 7 ? (unsigned)atoi(argv[5]) : 0;
  if (sockets < 4 || sockets > kSockets) {
    fputs("usage: see the head of socket_crowd.c\n", stderr);
    return 2;
  }
  there4 = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[4]))};
  there6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                 .sin6_port = there4.sin_port};
  if (inet_pton(AF_INET, argv[2], &there4.sin_addr) != 1 ||
      inet_pton(AF_INET6, argv[3], &there6.sin6_addr) != 1) {
    fputs("not an address\n", stderr);
    return 2;
  }
  each_seconds = 1 / atof(argv[6]);
  OpenAll();
  if (fgets(line, sizeof(line), stdin) == NULL) {
    return 1;
  }
  for (unsigned i = 0; i < sockets; ++i) {
    close(held[i]);
  }
  puts("closed");
  fflush(stdout);
  return fgets(line, sizeof(line), stdin) == NULL;
}
