/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of the draft's section 3.3: it talks through AH or not at all.
 *
 *     draft_3_3_client <IPv6 address> <port>
 *
 * Prints what the server says first. Exit status: 0 when it said something
 * within 30 seconds, 1 when not or a call failed, 2 for wrong arguments.
 * C and C++.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <postern/ipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int Failed(const char* what) {
  fprintf(stderr, "draft_3_3_client: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char** argv) {
  int s, error;
  int level;
  ssize_t got;
  char line[128];
  struct sockaddr_in6 server;
  const struct timeval patience = {30, 0};

  memset(&server, 0, sizeof(server));
  server.sin6_family = AF_INET6;
  if (argc != 3 || inet_pton(AF_INET6, argv[1], &server.sin6_addr) != 1) {
    fprintf(stderr, "usage: draft_3_3_client <IPv6 address> <port>\n");
    return 2;
  }
  server.sin6_port = htons((unsigned short)atoi(argv[2]));

  /* clang-format off */
           s = socket(AF_INET6, SOCK_STREAM, 0);   /* IPv6 socket */

           /* Now that I have the socket, set the security options. */
           level = IPSEC_LEVEL_REQUIRE;
           error = setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, (char *)&level,
               sizeof (int));

           /* Now call connect(). */
  /* clang-format on */

  if (error != 0) {
    return Failed("IPV6_AUTH_LEVEL");
  }
  if (setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) !=
          0 ||
      setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) !=
          0 ||
      connect(s, (struct sockaddr*)&server, sizeof(server)) != 0) {
    return Failed("connect");
  }
  got = read(s, line, sizeof(line) - 1);
  if (got <= 0) {
    return Failed("read");
  }
  line[got] = '\0';
  fputs(line, stdout);
  close(s);
  return 0;
}
