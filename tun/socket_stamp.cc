// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_stamp.h"

#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>

#include "tun/netlink_message.h"

namespace postern {
namespace {

struct Layout {
  std::uint64_t tag;
  std::uint64_t cookie;
  std::uint32_t state;
  std::uint16_t type;      // 0: a request or TIME_WAIT socket
  std::uint16_t protocol;  // likewise
  std::uint64_t cgroup;    // likewise
};

static_assert(sizeof(Layout) == SocketStamp::kOctets);

Owner::Role RoleOf(const Layout& stamp) {
  if (stamp.type == SOCK_RAW) {
    return Owner::Role::kRaw;
  }
  const bool listens = stamp.type == SOCK_STREAM && stamp.state == TCP_LISTEN;
  return listens ? Owner::Role::kListener : Owner::Role::kEndpoint;
}

}  // namespace

Result<SocketStamp> SocketStamp::Create() {
  std::uint64_t tag = 0;
  if (::getrandom(&tag, sizeof(tag), 0) != sizeof(tag)) {
    return SystemError("getrandom", errno);
  }
  // The octet that comes first in memory.
  constexpr unsigned kFirst =
      std::endian::native == std::endian::little ? 0 : 56;
  return SocketStamp(tag | (0xf0ULL << kFirst));
}

Opinion<Owner> SocketStamp::Read(ConstBytes octets) const {
  const std::optional<Layout> stamp = LoadKernelStruct<Layout>(octets);
  if (!stamp || stamp->tag != tag_) {
    return DropReason::kNotStamped;
  }
  if (stamp->cookie == 0) {
    return Owner{Owner::Kind::kNobody, {}, {}};
  }
  return Owner{.kind = Owner::Kind::kSocket,
               .cookie = SocketCookie{stamp->cookie},
               .role = RoleOf(*stamp),
               .cgroup = CgroupId{stamp->cgroup}};
}

}  // namespace postern
