// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_status.h"

#include <string>
#include <utility>

namespace postern {

Value Describe(const SocketServer& server) {
  const SocketServer::Counters& counters = server.counters();
  return MakeObject({{"open", Value::Count(server.open()), {}},
                     {"accepted", Value::Count(counters.accepted), {}},
                     {"refused", Value::Count(counters.refused), {}},
                     {"defective", Value::Count(counters.defective), {}},
                     {"silent", Value::Count(counters.silent), {}}});
}

Value Describe(const TunConfig& tun, TunOffload offload) {
  Array addresses;
  for (const OwnAddress& own : tun.addresses) {
    addresses.emplace_back(own.address.ToString() + "/" +
                           std::to_string(own.prefix_length));
  }
  return MakeObject({{"name", tun.name, {}},
                     {"mtu", Value::Count(tun.mtu_octets), {}},
                     {"offload", std::string(NameOf(offload)), {}},
                     {"addresses", std::move(addresses), {}}});
}

Value Describe(const WireConfig& wire) {
  return MakeObject({{"kind", "tun", {}},
                     {"name", wire.name, {}},
                     {"mtu", Value::Count(wire.mtu_octets), {}}});
}

}  // namespace postern
