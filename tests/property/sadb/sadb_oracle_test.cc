// SPDX-License-Identifier: Apache-2.0
//
// The SADB against a map and a linear scan: after every one of many random
// adds, deletes, deaths and flushes both give the same answers.

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "gtest/gtest.h"

#include "core/rcu.h"
#include "sadb/sadb.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

// The definition: all SAs in the order of their making.
class Oracle {
 public:
  void Add(const SaParameters& sa) { by_age_.emplace(++last_, sa); }

  bool Has(const SaIdentity& identity) const {
    return Find(identity) != by_age_.end();
  }

  void Delete(const SaIdentity& identity) { by_age_.erase(Find(identity)); }

  void Flush() { by_age_.clear(); }

  std::size_t size() const { return by_age_.size(); }

  bool HasInbound(const SaIdentity& identity) const {
    const auto found = Find(identity);
    return found != by_age_.end() &&
           found->second.direction == Direction::kInbound;
  }

  // The SPI of the newest that fits; 0 when none does.
  std::uint32_t Outbound(const Sadb::OutboundKey& key,
                         const FlowKey& flow) const {
    for (auto newest = by_age_.rbegin(); newest != by_age_.rend(); ++newest) {
      const SaParameters& sa = newest->second;
      const bool fits = sa.direction == Direction::kOutbound &&
                        sa.protocol == key.protocol && sa.mode == key.mode &&
                        sa.source == key.source &&
                        sa.destination == key.destination &&
                        sa.selector.Matches(flow, Direction::kOutbound);
      if (fits) {
        return Number(sa.spi);
      }
    }
    return 0;
  }

 private:
  using Map = std::map<std::uint64_t, SaParameters>;

  Map::const_iterator Find(const SaIdentity& identity) const {
    for (auto at = by_age_.begin(); at != by_age_.end(); ++at) {
      if (at->second.identity() == identity) {
        return at;
      }
    }
    return by_age_.end();
  }

  Map by_age_;
  std::uint64_t last_ = 0;
};

// Few values of each kind, so that everything collides with everything.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}

  std::uint32_t Below(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(engine_);
  }

  IpAddress Host() { return Address("10.9.0." + std::to_string(1 + Below(3))); }

  FlowKey Flow() {
    return {.local = Host(),
            .remote = Host(),
            .local_port = static_cast<std::uint16_t>(1000 + Below(3)),
            .remote_port = static_cast<std::uint16_t>(2000 + Below(2)),
            .protocol = static_cast<std::uint8_t>(Below(3) == 0 ? 1 : 6)};
  }

  Sadb::OutboundKey Key() {
    return {Below(2) == 0 ? IpsecProtocol::kEsp : IpsecProtocol::kAh,
            Below(2) == 0 ? IpsecMode::kTransport : IpsecMode::kTunnel, Host(),
            Host()};
  }

  SaIdentity Identity() {
    return {Spi{256 + Below(16)}, Host(),
            Below(2) == 0 ? IpsecProtocol::kEsp : IpsecProtocol::kAh};
  }

  SaParameters Sa() {
    const Sadb::OutboundKey key = Key();
    SaParameters sa = key.protocol == IpsecProtocol::kAh ? AhSa() : CbcSa();
    sa.spi = Spi{256 + Below(16)};
    sa.direction = Below(4) == 0 ? Direction::kInbound : Direction::kOutbound;
    sa.mode = key.mode;
    sa.source = key.source;
    sa.destination = key.destination;
    sa.selector = SomeSelector(sa);
    return sa;
  }

 private:
  // Everything, one protocol, or a single 5-tuple.
  Selector SomeSelector(const SaParameters& sa) {
    const FlowKey flow = Flow();
    Selector selector;
    if (Below(3) == 0) {
      return selector;
    }
    selector.protocol = flow.protocol;
    if (flow.protocol == 1 || Below(3) == 0) {
      return selector;
    }
    selector.source_port = flow.local_port;
    selector.destination_port = flow.remote_port;
    const bool tunnel = sa.mode == IpsecMode::kTunnel;
    selector.source = IpPrefix(tunnel ? flow.local : sa.source, 32);
    selector.destination = IpPrefix(tunnel ? flow.remote : sa.destination, 32);
    return selector;
  }

  std::mt19937 engine_;
};

class SadbOracle : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void Change() {
    switch (dice_.Below(16)) {
      case 0:
        if (dice_.Below(20) == 0) {
          EXPECT_EQ(sadb_.Flush(), oracle_.size());
          oracle_.Flush();
        }
        break;
      case 1:
        Kill(dice_.Identity());
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        Delete(dice_.Identity());
        break;
      default:
        Add(dice_.Sa());
    }
  }

  void Add(const SaParameters& sa) {
    const bool taken = oracle_.Has(sa.identity());
    EXPECT_EQ(sadb_.Add(sa, {}, kStart).ok(), !taken);
    if (!taken) {
      oracle_.Add(sa);
    }
  }

  void Delete(const SaIdentity& identity) {
    const bool there = oracle_.Has(identity);
    EXPECT_EQ(sadb_.Delete(identity).ok(), there);
    if (there) {
      oracle_.Delete(identity);
    }
  }

  // Ends by time, and the database clears it away.
  void Kill(const SaIdentity& identity) {
    if (!oracle_.Has(identity)) {
      return;
    }
    EXPECT_TRUE(sadb_.Update(identity, {}, {.time = Duration(1)}, kStart).ok());
    sadb_.Age(kStart + Duration(1));
    sadb_.Age(kStart + Duration(2));
    oracle_.Delete(identity);
  }

  void Compare() {
    const SaIdentity identity = dice_.Identity();
    EXPECT_EQ(sadb_.FindInbound(identity.spi, identity.destination,
                                identity.protocol) != nullptr,
              oracle_.HasInbound(identity));
    const Sadb::OutboundKey key = dice_.Key();
    const FlowKey flow = dice_.Flow();
    const SecurityAssociation* const found = sadb_.FindOutbound(key, flow);
    EXPECT_EQ(found == nullptr ? 0 : Number(found->parameters().spi),
              oracle_.Outbound(key, flow));
    EXPECT_EQ(sadb_.size(), oracle_.size());
  }

  RecordingSink sink_;
  Sadb sadb_{sink_};
  Oracle oracle_;
  Dice dice_{GetParam()};
};

// DEF-41
TEST_P(SadbOracle, AgreesAfterEveryChange) {
  RcuReader reader;
  for (int step = 0; step < 3'000; ++step) {
    Change();
    for (int look = 0; look < 5; ++look) {
      Compare();
    }
    ASSERT_FALSE(HasFailure()) << "at step " << step;
    reader.Quiescent();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SadbOracle, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace postern
