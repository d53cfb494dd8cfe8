// SPDX-License-Identifier: Apache-2.0
//
// One worker's FlowResolver over a kernel, a socket table and routes that a
// test owns. Levels are those of AH throughout.

#ifndef POSTERN_TESTS_UNIT_POLICY_FLOW_RESOLVER_WORLD_H_
#define POSTERN_TESTS_UNIT_POLICY_FLOW_RESOLVER_WORLD_H_

#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"

#include "core/rcu.h"
#include "policy/flow_resolver.h"
#include "tests/support/fake_socket_owner.h"

namespace postern {

inline constexpr SocketCookie kListener{1};
inline constexpr SocketCookie kChild{2};
inline constexpr SocketCookie kClient{3};
inline constexpr SocketCookie kLater{4};
inline constexpr auto kOut = Direction::kOutbound;
inline constexpr auto kIn = Direction::kInbound;

inline IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

inline FlowKey KeyOf(IpProtocol protocol, std::uint16_t local_port = 80) {
  return {Address("10.9.1.1"), Address("10.9.2.1"), local_port, 4711,
          Number(protocol)};
}

class FlowResolverTest : public testing::Test {
 protected:
  Opinion<Flow*> Resolve(const FlowKey& key, Opening opening,
                         Direction direction) {
    return resolver_.Resolve(key, opening, direction, now_);
  }

  // The AH level that binds a packet of this flow.
  Level AhLevel(const FlowKey& key, Opening opening, Direction direction) {
    const Opinion<Flow*> flow = Resolve(key, opening, direction);
    EXPECT_TRUE(flow.ok());
    return flow.ok() ? (*flow)->effective.of(Category::kAh) : Level::kBypass;
  }

  void SetAh(SocketCookie cookie, Level level) {
    sockets_.Obtain(cookie).value()->SetLevel(Category::kAh, level);
  }

  void SetSystemAh(Level level) {
    Route route;
    route.levels.Set(Category::kAh, level);
    system_.Replace(RouteTable::Create({route}).value());
  }

  // An inbound SYN that policy admitted.
  Passage AdmitSyn(const FlowKey& key) {
    const Opinion<Flow*> flow = Resolve(key, Opening::kSyn, kIn);
    if (!flow.ok()) {
      return flow.error();
    }
    return resolver_.Inherit(**flow, now_);
  }

  // The whole of a passive open: SYN in, SYN-ACK out with the child's cookie.
  void Accept(SocketCookie child) {
    ASSERT_TRUE(AdmitSyn(tcp_).ok());
    kernel_.Open(tcp_, child);
    ASSERT_TRUE(Resolve(tcp_, Opening::kSynAck, kOut).ok());
  }

  const FlowKey tcp_ = KeyOf(IpProtocol::kTcp);
  const FlowKey udp_ = KeyOf(IpProtocol::kUdp);
  const RcuReader reader_;
  SystemPolicy system_;
  SocketTable sockets_{{.sockets = 8, .inherited = 2}};
  FakeSocketOwner kernel_;
  WorkerStats stats_;
  FlowResolver resolver_{{system_, sockets_, kernel_, stats_}, 64};
  Instant now_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_POLICY_FLOW_RESOLVER_WORLD_H_
