/* SPDX-License-Identifier: Apache-2.0 */
/* The header alone is enough, in C99 to C++20. */
#include <postern/ipsec.h>

static int SetAll(int s) {
  int level = IPSEC_LEVEL_AVAIL;
  return setsockopt(s, IPPROTO_IP, IP_AUTH_LEVEL, &level, sizeof(int)) +
         setsockopt(s, IPPROTO_IP, IP_ESP_TRANS_LEVEL, &level, sizeof(int)) +
         setsockopt(s, IPPROTO_IP, IP_ESP_NETWORK_LEVEL, &level, sizeof(int)) +
         setsockopt(s, IPPROTO_IP, IP_IPCOMP_LEVEL, &level, sizeof(int)) +
         setsockopt(s, IPPROTO_IPV6, IPV6_AUTH_LEVEL, &level, sizeof(int)) +
         setsockopt(s, IPPROTO_IPV6, IPV6_ESP_TRANS_LEVEL, &level,
                    sizeof(int)) +
         setsockopt(s, IPPROTO_IPV6, IPV6_ESP_NETWORK_LEVEL, &level,
                    sizeof(int)) +
         setsockopt(s, IPPROTO_IPV6, IPV6_IPCOMP_LEVEL, &level, sizeof(int));
}

int main(void) {
#if IPSEC_LEVEL_BYPASS == IPSEC_LEVEL_NONE || \
    IPSEC_LEVEL_NONE != IPSEC_LEVEL_DEFAULT
#error "API-10, API-26"
#endif
#if !(IPSEC_LEVEL_NONE < IPSEC_LEVEL_AVAIL &&  \
      IPSEC_LEVEL_AVAIL < IPSEC_LEVEL_USE &&   \
      IPSEC_LEVEL_USE < IPSEC_LEVEL_REQUIRE && \
      IPSEC_LEVEL_REQUIRE < IPSEC_LEVEL_UNIQUE)
#error "API-07"
#endif
  return SetAll(-1) == 0;
}
