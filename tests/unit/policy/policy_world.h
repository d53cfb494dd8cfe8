// SPDX-License-Identifier: Apache-2.0
//
// One host with everything that policy consults: routes, sockets, a kernel, a
// SADB with real SAs, and the two deciders over them. kHere is the host, kPeer
// its peer.

#ifndef POSTERN_TESTS_UNIT_POLICY_POLICY_WORLD_H_
#define POSTERN_TESTS_UNIT_POLICY_POLICY_WORLD_H_

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/rcu.h"
#include "policy/decide.h"
#include "tests/support/fake_socket_owner.h"
#include "tests/support/packet_builder.h"

namespace postern {

inline constexpr std::string_view kHere = "10.9.1.1";
inline constexpr std::string_view kPeer = "10.9.2.1";
inline constexpr std::string_view kGateway = "10.10.14.4";

inline IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

// Takes every event and does nothing.
class SilentSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

class PolicyWorld : public testing::Test {
 protected:
  struct Ends {
    std::string_view source;
    std::string_view destination;
  };

  // A valid SA of this kind with a key of its own.
  SaParameters Parameters(Category category, Direction direction) {
    return Parameters(category, direction,
                      direction == Direction::kOutbound ? Ends{kHere, kPeer}
                                                        : Ends{kPeer, kHere});
  }

  SaParameters Parameters(Category category, Direction direction,
                          const Ends& ends) {
    SaParameters sa;
    sa.direction = direction;
    sa.protocol = ProtocolOf(category);
    sa.mode = ModeOf(category);
    sa.spi = Spi{next_spi_++};
    sa.source = Address(ends.source);
    sa.destination = Address(ends.destination);
    std::vector<std::uint8_t> key(32, static_cast<std::uint8_t>(next_spi_));
    key[0] = static_cast<std::uint8_t>(next_spi_ >> 8);
    if (sa.protocol == IpsecProtocol::kAh) {
      sa.integrity = Integrity::kHmacSha2_256_128;
      sa.integrity_key = SecretBytes(key);
    } else {
      sa.encryption = Encryption::kAesGcm16;
      sa.encryption_key = SecretBytes(ConstBytes(key).first(20));
    }
    return sa;
  }

  SecurityAssociation& Add(const SaParameters& sa) {
    const Status added = sadb_.Add(sa, {}, now_);
    EXPECT_TRUE(added.ok()) << (added.ok() ? "" : added.error().message);
    return *sadb_.Get(sa.identity());
  }

  SecurityAssociation& AddOutbound(Category category) {
    return Add(Parameters(category, Direction::kOutbound));
  }

  SecurityAssociation& AddInbound(Category category) {
    return Add(Parameters(category, Direction::kInbound));
  }

  static TransformPath PathOf(
      std::initializer_list<SecurityAssociation*> outer_first) {
    TransformPath path;
    for (SecurityAssociation* association : outer_first) {
      path.Add(*association);
    }
    return path;
  }

  void SetSocket(SocketCookie cookie, Category category, Level level) {
    sockets_.Obtain(cookie).value()->SetLevel(category, level);
  }

  void SetRoutes(std::vector<Route> routes) {
    system_.Replace(RouteTable::Create(std::move(routes)).value());
  }

  static Route DefaultRoute(const LevelSet& levels) {
    Route route;
    route.levels = levels;
    return route;
  }

  Decision Decide(const Octets& packet, const Owner& sender = Owner()) {
    outbound_.BeginBatch();
    return outbound_.Decide(IpView::Parse(packet).value(), sender, now_);
  }

  Passage Admit(const Octets& packet, const TransformPath& path = {}) {
    inbound_.BeginBatch();
    return inbound_.Admit(IpView::Parse(packet).value(), path, now_);
  }

  // What stops the packet; a test failure when nothing does.
  DropReason Refusal(const Octets& packet, const TransformPath& path = {}) {
    const Passage admitted = Admit(packet, path);
    EXPECT_FALSE(admitted.ok());
    return admitted.ok() ? DropReason::kForgotten : admitted.error();
  }

  static PacketBuilder ToPeer() { return PacketBuilder(kHere, kPeer); }

  static PacketBuilder FromPeer() { return PacketBuilder(kPeer, kHere); }

  static FlowKey KeyOf(IpProtocol protocol) {
    return {Address(kHere), Address(kPeer), 80, 4711, Number(protocol)};
  }

  const RcuReader reader_;
  Instant now_{std::chrono::hours(1)};
  SilentSink sink_;
  Sadb sadb_{sink_};
  SystemPolicy system_;
  SocketTable sockets_;
  FakeSocketOwner kernel_;
  WorkerStats stats_;
  FlowResolver flows_{{system_, sockets_, kernel_, stats_}, 64};
  OutboundPolicy outbound_{sadb_, flows_};
  InboundPolicy inbound_{system_, flows_};

 private:
  std::uint32_t next_spi_ = 0x1000;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_POLICY_POLICY_WORLD_H_
