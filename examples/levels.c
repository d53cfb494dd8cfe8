/* SPDX-License-Identifier: Apache-2.0 */

#include "levels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <postern/ipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct Word {
  const char* word;
  int value;
};

static const struct Word kCategories[] = {
    {"esp_transport", IP_ESP_TRANS_LEVEL},
    {"ah", IP_AUTH_LEVEL},
    {"esp_network", IP_ESP_NETWORK_LEVEL},
};

static const struct Word kLevels[] = {
    {"bypass", IPSEC_LEVEL_BYPASS},   {"none", IPSEC_LEVEL_NONE},
    {"default", IPSEC_LEVEL_DEFAULT}, {"avail", IPSEC_LEVEL_AVAIL},
    {"use", IPSEC_LEVEL_USE},         {"require", IPSEC_LEVEL_REQUIRE},
    {"unique", IPSEC_LEVEL_UNIQUE},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct Word* Find(const struct Word* words, size_t count,
                               const char* text, size_t size) {
  for (size_t i = 0; i < count; ++i) {
    if (strlen(words[i].word) == size &&
        memcmp(words[i].word, text, size) == 0) {
      return &words[i];
    }
  }
  return NULL;
}

static int SetLevel(int s, int family, const char* text) {
  const char* equals = strchr(text, '=');
  const struct Word* category = NULL;
  const struct Word* wanted = NULL;
  int level = 0;
  int error = 0;

  if (equals != NULL) {
    category =
        Find(kCategories, COUNT_OF(kCategories), text, (size_t)(equals - text));
    wanted = Find(kLevels, COUNT_OF(kLevels), equals + 1, strlen(equals + 1));
  }
  if (category == NULL || wanted == NULL) {
    fprintf(stderr, "%s: want category=level, as in ah=require\n", text);
    return kUsage;
  }
  /* The draft's call, for whichever category and level. */
  level = wanted->value;
  error = setsockopt(s, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
                     category->value, &level, sizeof(int));
  if (error != 0) {
    fprintf(stderr, "%s refused: %s\n", text, strerror(errno));
    return kRefused;
  }
  return kOk;
}

int SetLevels(int s, int family, char** words, int count) {
  for (int i = 0; i < count; ++i) {
    const int status = SetLevel(s, family, words[i]);
    if (status != kOk) {
      return status;
    }
  }
  return kOk;
}

/* A decimal number in low..high, or -1. */
static long Number(const char* text, long low, long high) {
  char* end = NULL;
  long number = 0;
  errno = 0;
  number = strtol(text, &end, 10);
  return errno != 0 || end == text || *end != '\0' || number < low ||
                 number > high
             ? -1
             : number;
}

int ParseEndpoint(const char* address, const char* port, struct Endpoint* out) {
  struct sockaddr_in* v4 = (struct sockaddr_in*)&out->address;
  struct sockaddr_in6* v6 = (struct sockaddr_in6*)&out->address;
  const long number = Number(port, 0, 65535);

  memset(out, 0, sizeof(*out));
  if (number < 0) {
    fprintf(stderr, "%s: want a port, 0 to 65535\n", port);
    return -1;
  }
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((unsigned short)number);
    out->size = sizeof(*v4);
    return 0;
  }
  if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((unsigned short)number);
    out->size = sizeof(*v6);
    return 0;
  }
  fprintf(stderr, "%s: want an IPv4 or IPv6 address\n", address);
  return -1;
}

int TakeTimeout(int* argc, char*** argv) {
  long seconds = 10;
  --*argc;
  ++*argv;
  if (*argc >= 2 && strcmp((*argv)[0], "-t") == 0) {
    seconds = Number((*argv)[1], 1, 3600);
    *argc -= 2;
    *argv += 2;
  }
  return (int)seconds;
}

int BoundCalls(int s, int seconds) {
  const struct timeval patience = {seconds, 0};
  return setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ==
                     0 &&
                 setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience,
                            sizeof(patience)) == 0
             ? 0
             : -1;
}

int Failure(const char* call) {
  /* A bounded connect() says EINPROGRESS when its time is up. */
  const int timed_out = errno == EAGAIN || errno == EINPROGRESS ||
                        errno == ETIMEDOUT || errno == EWOULDBLOCK;
  fprintf(stderr, "%s: %s\n", call,
          timed_out ? "no answer in time" : strerror(errno));
  return timed_out ? kTimeout : kNetwork;
}

long ReadLine(int s, char* line, unsigned long room) {
  unsigned long size = 0;
  while (size + 1 < room) {
    const ssize_t got = read(s, line + size, 1);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got;
    }
    if (line[size++] == '\n') {
      break;
    }
  }
  line[size] = '\0';
  return (long)size;
}
