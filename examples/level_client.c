/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP client that sends one line and wants it back, at the IPsec levels of
 * its command line: the draft's section 3.3 as a program.
 *
 *     level_client [-t seconds] <address> <port> [category=level]...
 *
 *     level_client 10.1.0.2 7000                 the draft's ClientA
 *     level_client 10.1.0.2 7000 ah=require      the draft's ClientB
 *
 * Prints "answered: ..." when the line came back. Exit status: see levels.h.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "levels.h"

static int Converse(int s) {
  static const char kLine[] = "hello through the postern\n";
  char answer[1024];
  long size = 0;

  if (send(s, kLine, sizeof(kLine) - 1, MSG_NOSIGNAL) !=
      (ssize_t)sizeof(kLine) - 1) {
    return Failure("send");
  }
  size = ReadLine(s, answer, sizeof(answer));
  if (size < 0) {
    return Failure("read");
  }
  if (size == 0 || strcmp(answer, kLine) != 0) {
    fprintf(stderr, "read: not the line that was sent\n");
    return kMismatch;
  }
  printf("answered: %s", answer);
  return kOk;
}

int main(int argc, char** argv) {
  struct Endpoint server;
  int s = -1;
  int status = kOk;
  const int seconds = TakeTimeout(&argc, &argv);

  if (seconds < 0 || argc < 2 ||
      ParseEndpoint(argv[0], argv[1], &server) != 0) {
    fprintf(stderr,
            "usage: level_client [-t seconds] <address> <port> "
            "[category=level]...\n");
    return kUsage;
  }
  s = socket(server.address.ss_family, SOCK_STREAM, 0);
  if (s < 0) {
    return Failure("socket");
  }
  /* Now that I have the socket, set the security options. */
  status = SetLevels(s, server.address.ss_family, argv + 2, argc - 2);
  if (status != kOk) {
    return status;
  }
  if (BoundCalls(s, seconds) != 0 ||
      connect(s, (struct sockaddr*)&server.address, server.size) != 0) {
    return Failure("connect");
  }
  status = Converse(s);
  close(s);
  return status;
}
