/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program written for OpenBSD, which has this API in <netinet/in.h>: nothing
 * here names Postern. It is built with
 *
 *     cc -include postern/ipsec.h openbsd_style.c -lpostern
 *
 *     openbsd_style bypass 4|6    a key manager's socket: clear in everything
 *     openbsd_style require 4|6   a client's: ESP, transport and network
 *
 * With an address and a port behind that, it says a word to an echo server.
 *
 * Exit status: 0 when every option was set and reads back, and the word came
 * back; 1 when not.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

struct Options {
  int family;
  int level;
  int auth;
  int esp_trans;
  int esp_network;
  int ipcomp; /* 0: this system has none */
};

static const struct Options kOptions[] = {
    {AF_INET, IPPROTO_IP, IP_AUTH_LEVEL, IP_ESP_TRANS_LEVEL,
     IP_ESP_NETWORK_LEVEL,
#ifdef IP_IPCOMP_LEVEL
     IP_IPCOMP_LEVEL
#else
     0
#endif
    },
    {AF_INET6, IPPROTO_IPV6, IPV6_AUTH_LEVEL, IPV6_ESP_TRANS_LEVEL,
     IPV6_ESP_NETWORK_LEVEL,
#ifdef IPV6_IPCOMP_LEVEL
     IPV6_IPCOMP_LEVEL
#else
     0
#endif
    },
};

/* What a privileged parent lets its unprivileged child ask for. */
static int MayAsk(int name) {
  switch (name) {
    case SO_REUSEADDR:
    case SO_REUSEPORT:
    case IP_AUTH_LEVEL:
    case IP_ESP_TRANS_LEVEL:
    case IP_ESP_NETWORK_LEVEL:
    case IP_IPCOMP_LEVEL:
    case IPV6_AUTH_LEVEL:
    case IPV6_ESP_TRANS_LEVEL:
    case IPV6_ESP_NETWORK_LEVEL:
    case IPV6_IPCOMP_LEVEL:
      return 1;
    default:
      return 0;
  }
}

static void Set(int s, const struct Options* options, int name, int value) {
  if (!MayAsk(name)) {
    errx(1, "option %d is none of ours", name);
  }
  if (setsockopt(s, options->level, name, (char*)&value, sizeof value) == -1) {
    err(1, "setsockopt");
  }
}

static void Expect(int s, const struct Options* options, int name, int value) {
  int now = -2;
  socklen_t size = sizeof(now);

  if (getsockopt(s, options->level, name, &now, &size) == -1) {
    err(1, "getsockopt");
  }
  if (now != value || size != sizeof(now)) {
    errx(1, "option %d is %d", name, now);
  }
}

/* peer: an address and a port, or NULL to say nothing. */
static void Say(int s, int family, char** peer) {
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  char word[] = "word";
  const struct timeval patience = {5, 0};
  const int is_v4 = family == AF_INET;

  if (peer == NULL) {
    return;
  }
  memset(&v4, 0, sizeof(v4));
  memset(&v6, 0, sizeof(v6));
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons((unsigned short)atoi(peer[1]));
  if (inet_pton(family, peer[0],
                is_v4 ? (void*)&v4.sin_addr : (void*)&v6.sin6_addr) != 1) {
    errx(1, "%s: not an address", peer[0]);
  }
  if (setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ==
          -1 ||
      connect(s, is_v4 ? (struct sockaddr*)&v4 : (struct sockaddr*)&v6,
              is_v4 ? sizeof(v4) : sizeof(v6)) == -1 ||
      send(s, word, sizeof(word), 0) == -1 ||
      recv(s, word, sizeof(word), 0) != sizeof(word)) {
    err(1, "%s", peer[0]);
  }
}

static void Bypass(const struct Options* options, char** peer) {
  const int s = socket(options->family, SOCK_DGRAM, 0);

  if (s == -1) {
    err(1, "socket");
  }
  Set(s, options, options->auth, IPSEC_LEVEL_BYPASS);
  Set(s, options, options->esp_trans, IPSEC_LEVEL_BYPASS);
  Set(s, options, options->esp_network, IPSEC_LEVEL_BYPASS);
  if (options->ipcomp != 0) {
    Set(s, options, options->ipcomp, IPSEC_LEVEL_BYPASS);
  }
  Expect(s, options, options->auth, IPSEC_LEVEL_BYPASS);
  Expect(s, options, options->esp_trans, IPSEC_LEVEL_BYPASS);
  Expect(s, options, options->esp_network, IPSEC_LEVEL_BYPASS);
  Say(s, options->family, peer);
  close(s);
}

static void Require(const struct Options* options, char** peer) {
  const int s = socket(options->family, SOCK_STREAM, 0);

  if (s == -1) {
    err(1, "socket");
  }
  Set(s, options, options->esp_trans, IPSEC_LEVEL_REQUIRE);
  Set(s, options, options->esp_network, IPSEC_LEVEL_REQUIRE);
  /* Now connect(): the first segment has both. */
  Expect(s, options, options->esp_trans, IPSEC_LEVEL_REQUIRE);
  Expect(s, options, options->esp_network, IPSEC_LEVEL_REQUIRE);
  Expect(s, options, options->auth, IPSEC_LEVEL_DEFAULT);
  Say(s, options->family, peer);
  close(s);
}

int main(int argc, char* argv[]) {
  const struct Options* options;
  char** peer = argc == 5 ? argv + 3 : NULL;

  if (argc != 3 && argc != 5) {
    errx(1, "usage: openbsd_style bypass|require 4|6 [address port]");
  }
  options = &kOptions[strcmp(argv[2], "6") == 0];
  if (strcmp(argv[1], "bypass") == 0) {
    Bypass(options, peer);
  } else {
    Require(options, peer);
  }
  puts("set");
  return 0;
}
