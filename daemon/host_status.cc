// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_status.h"

#include <chrono>
#include <string>
#include <utility>

#include "core/crypto/backend.h"
#include "core/crypto/legacy.h"
#include "core/crypto/served.h"

namespace postern {

Value DescribeCrypto() {
  const CryptoBackend backend = ChosenBackend();
  Array left;
  for (const std::string_view name : LeftToLibcrypto(backend)) {
    left.emplace_back(name);
  }
  return MakeObject({{"backend", std::string(NameOf(backend)), {}},
                     {"library", Describe(backend), {}},
                     {"left_to_libcrypto", Value(std::move(left)), {}},
                     {"legacy", Value::Flag(LegacyIsAllowed()), {}}});
}

Value SecondsSince(Instant then) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(MonotonicNow() - then);
  return Value::Whole(seconds.count());
}

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
                     {"mtu", Value::Count(tun.mtu_octets.value_or(0)), {}},
                     {"offload", std::string(NameOf(offload)), {}},
                     {"addresses", std::move(addresses), {}}});
}

Value Describe(const WireConfig& wire) {
  Object members = {{"kind", NameOf(wire.kind), {}}};
  if (wire.kind == WireKind::kUdp) {
    Array listen;
    for (const UdpEndpoint& at : wire.listen) {
      listen.emplace_back(at.ToString());
    }
    Array peers;
    for (const UdpPeer& peer : wire.peers) {
      peers.push_back(MakeObject({{"host", peer.host.ToString(), {}},
                                  {"at", peer.at.ToString(), {}}}));
    }
    members.push_back({"listen", std::move(listen), {}});
    members.push_back({"peers", std::move(peers), {}});
  } else {
    members.push_back({"name", wire.name, {}});
  }
  if (wire.mac) {
    members.push_back({"mac", wire.mac->ToString(), {}});
    Array gateways;
    for (const IpAddress& gateway : wire.gateways) {
      gateways.emplace_back(gateway.ToString());
    }
    members.push_back({"gateways", std::move(gateways), {}});
  }
  if (wire.bridge) {
    members.push_back({"bridge", *wire.bridge, {}});
  }
  members.push_back({"mtu", Value::Count(wire.mtu_octets), {}});
  return MakeObject(std::move(members));
}

}  // namespace postern
