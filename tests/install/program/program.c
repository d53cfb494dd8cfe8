// SPDX-License-Identifier: Apache-2.0
//
// The draft's first fragment as a program. Outside of a virtual host the option
// must be refused, and never be a silent success.
#include <postern/ipsec.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
  int s, level, error;

  s = socket(AF_INET6, SOCK_STREAM, 0); /* IPv6 socket */

  /* Now that I have the socket, set the security options. */
  level = IPSEC_LEVEL_REQUIRE;
  error =
      setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, (char*)&level, sizeof(int));

  if (error == 0) {
    fputs("the option was accepted outside of every virtual host\n", stderr);
    return 1;
  }
  perror("setsockopt");
  return 0;
}
