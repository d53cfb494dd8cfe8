/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP server that echoes one line to one client, at the IPsec levels of its
 * command line: the draft's section 3.1 as a program.
 *
 *     level_server [-t seconds] <address> <port> [category=level]...
 *
 *     level_server 10.1.0.2 7000 ah=require      clients must use AH
 *     level_server :: 7000                       clients need nothing
 *
 * Port 0 lets the kernel choose. Prints "listening on port N" once clients may
 * come, and "echoed: ..." at the end. Exit status: see levels.h.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "levels.h"

static int PortOf(int s) {
  struct sockaddr_storage here;
  socklen_t size = sizeof(here);
  if (getsockname(s, (struct sockaddr*)&here, &size) != 0) {
    return -1;
  }
  return ntohs(here.ss_family == AF_INET6
                   ? ((struct sockaddr_in6*)&here)->sin6_port
                   : ((struct sockaddr_in*)&here)->sin_port);
}

static int EchoOneLine(int client) {
  char line[1024];
  const long size = ReadLine(client, line, sizeof(line));
  if (size < 0) {
    return Failure("read");
  }
  if (size == 0) {
    fprintf(stderr, "read: the client left without a line\n");
    return kNetwork;
  }
  if (send(client, line, (size_t)size, MSG_NOSIGNAL) != size) {
    return Failure("send");
  }
  printf("echoed: %s", line);
  return kOk;
}

static int Serve(int s, int seconds) {
  int status = kOk;
  const int client = accept(s, NULL, NULL);
  if (client < 0) {
    return Failure("accept");
  }
  status = BoundCalls(client, seconds) == 0 ? EchoOneLine(client)
                                            : Failure("setsockopt");
  close(client);
  return status;
}

int main(int argc, char** argv) {
  struct Endpoint here;
  int s = -1;
  int status = kOk;
  const int on = 1;
  const int seconds = TakeTimeout(&argc, &argv);

  if (seconds < 0 || argc < 2 || ParseEndpoint(argv[0], argv[1], &here) != 0) {
    fprintf(stderr,
            "usage: level_server [-t seconds] <address> <port> "
            "[category=level]...\n");
    return kUsage;
  }
  s = socket(here.address.ss_family, SOCK_STREAM, 0);
  if (s < 0) {
    return Failure("socket");
  }
  /* Now that I have the socket, set the security options. */
  status = SetLevels(s, here.address.ss_family, argv + 2, argc - 2);
  if (status != kOk) {
    return status;
  }
  if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      BoundCalls(s, seconds) != 0 ||
      bind(s, (struct sockaddr*)&here.address, here.size) != 0 ||
      listen(s, 16) != 0) {
    return Failure("bind");
  }
  printf("listening on port %d\n", PortOf(s));
  fflush(stdout);
  status = Serve(s, seconds);
  close(s);
  return status;
}
