// SPDX-License-Identifier: Apache-2.0
//
// The header is C++ too.
#include <postern/ipsec.h>
#include <sys/socket.h>

#include <iostream>

int main() {
  const int level = IPSEC_LEVEL_USE;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (setsockopt(fd, IPPROTO_IP, IP_ESP_TRANS_LEVEL, &level, sizeof level) ==
      0) {
    std::cerr << "the option was accepted outside of every virtual host\n";
    return 1;
  }
  return 0;
}
