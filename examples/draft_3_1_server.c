/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of the draft's section 3.1: nobody can talk to it without AH.
 *
 *     draft_3_1_server <port>
 *
 * Waits 30 seconds for a client and says hello to it. Exit status: 0 when it
 * did, 1 when nobody came or a call failed, 2 for wrong arguments. C and C++.
 */

#include <errno.h>
#include <postern/ipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int Failed(const char* what) {
  fprintf(stderr, "draft_3_1_server: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char** argv) {
  int s, error;
  int level;
  int client;
  struct sockaddr_in6 here;
  const struct timeval patience = {30, 0};
  static const char kHello[] = "hello\n";

  if (argc != 2) {
    fprintf(stderr, "usage: draft_3_1_server <port>\n");
    return 2;
  }

  /* clang-format off */
           s = socket(AF_INET6, SOCK_STREAM, 0);   /* IPv6 socket */

           /* Now that I have the socket, set the security options. */
           level = IPSEC_LEVEL_REQUIRE;
           error = setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, (char *)&level,
               sizeof (int));

           /* Now call bind(), listen(), etc. */
  /* clang-format on */

  if (error != 0) {
    return Failed("IPV6_AUTH_LEVEL");
  }
  memset(&here, 0, sizeof(here));
  here.sin6_family = AF_INET6;
  here.sin6_port = htons((unsigned short)atoi(argv[1]));
  if (bind(s, (struct sockaddr*)&here, sizeof(here)) != 0 ||
      listen(s, 1) != 0 ||
      setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) !=
          0) {
    return Failed("bind, listen");
  }
  client = accept(s, NULL, NULL);
  if (client < 0) {
    return Failed("accept");
  }
  if (write(client, kHello, sizeof(kHello) - 1) < 0) {
    return Failed("write");
  }
  close(client);
  close(s);
  return 0;
}
