// SPDX-License-Identifier: Apache-2.0

#include "wire/path_mtu.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/unique_fd.h"

namespace postern {

// The kernel looks a connected socket's route up once, and tells its MTU.
std::optional<std::size_t> MtuTowards(const UdpEndpoint& peer) {
  const bool v4 = peer.address.family() == IpFamily::kV4;
  const UniqueFd socket(
      ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress to(peer);
  int mtu = 0;
  socklen_t size = sizeof(mtu);
  if (!socket.valid() || ::connect(socket.get(), to.get(), to.size()) != 0 ||
      ::getsockopt(socket.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6,
                   v4 ? IP_MTU : IPV6_MTU, &mtu, &size) != 0 ||
      mtu <= 0) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(mtu);
}

}  // namespace postern
