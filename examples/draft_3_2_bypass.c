/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key management daemon of the draft's section 3.2: its datagrams are in
 * the clear whatever the system demands. Needs privilege.
 *
 *     draft_3_2_bypass
 *
 * Sets the three levels and reads them back. Exit status: 0 when the socket
 * bypasses IPsec, 1 when it does not. C and C++.
 */

#include <errno.h>
#include <postern/ipsec.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int Bypasses(int s, int name) {
  int level = IPSEC_LEVEL_NONE;
  socklen_t size = sizeof(level);
  return getsockopt(s, IPPROTO_IP, name, &level, &size) == 0 &&
         level == IPSEC_LEVEL_BYPASS;
}

int main(void) {
  int s, error;
  int level;
  int bypasses;

  /* clang-format off */
           s = socket(AF_INET, SOCK_DGRAM, 0);    /* IPv4 socket */

           /*
            * Need to bypass system security policy, so I can send and
            * receive key management datagrams in the clear.
            */

           level = IPSEC_LEVEL_BYPASS;   /* Did I mention I'm privileged? */
           error = setsockopt(s, IPPROTO_IP, IP_AUTH_LEVEL, (char *)&level,
               sizeof (int));
           /* Check error */
           error = setsockopt(s, IPPROTO_IP, IP_ESP_TRANS_LEVEL,
               (char *)&level, sizeof (int));
           /* Check error */
           error = setsockopt(s, IPPROTO_IP, IP_ESP_NETWORK_LEVEL,
               (char *)&level, sizeof (int));
           /* Check error */

           /* Now I'm ready to send exchanges in the clear. */
  /* clang-format on */

  if (error != 0) {
    fprintf(stderr, "draft_3_2_bypass: setsockopt: %s\n", strerror(errno));
    return 1;
  }
  bypasses = Bypasses(s, IP_AUTH_LEVEL) && Bypasses(s, IP_ESP_TRANS_LEVEL) &&
             Bypasses(s, IP_ESP_NETWORK_LEVEL);
  close(s);
  puts(bypasses ? "this socket bypasses IPsec" : "this socket does not");
  return bypasses ? 0 : 1;
}
