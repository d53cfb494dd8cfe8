// SPDX-License-Identifier: Apache-2.0

#include "sadb/sadb.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/rcu.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = SaEvent::Kind;
using std::chrono::seconds;

FlowKey Web(std::uint16_t local_port = 4711) {
  return {.local = Address("10.9.0.1"),
          .remote = Address("10.9.0.2"),
          .local_port = local_port,
          .remote_port = 80,
          .protocol = 6};
}

// An SA that carries Web(local_port) and nothing else.
SaParameters UniqueSa(std::uint32_t spi, std::uint16_t local_port) {
  SaParameters sa = GcmSa(spi);
  sa.selector = {.source = Prefix("10.9.0.1"),
                 .destination = Prefix("10.9.0.2"),
                 .protocol = 6,
                 .source_port = local_port,
                 .destination_port = 80};
  return sa;
}

class SadbTest : public ::testing::Test {
 protected:
  ~SadbTest() override { RcuBarrier(); }

  void Add(SaParameters parameters) {
    const Status added = sadb_.Add(std::move(parameters), {}, kStart);
    ASSERT_TRUE(added.ok()) << added.error().message;
  }

  void ExpectRefused(const Status& status, ErrorCode code,
                     std::string_view part) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, code);
    EXPECT_THAT(status.error().message, HasSubstr(std::string(part)));
  }

  SecurityAssociation* Outbound(const FlowKey& flow) {
    return sadb_.FindOutbound(key_, flow);
  }

  // The SPI of the SA that carries `flow`; 0 when there is none.
  std::uint32_t OutboundSpi(const FlowKey& flow) {
    const SecurityAssociation* const found = Outbound(flow);
    return found == nullptr ? 0 : Number(found->parameters().spi);
  }

  SecurityAssociation* Inbound(std::uint32_t spi,
                               IpsecProtocol protocol = IpsecProtocol::kEsp) {
    return sadb_.FindInbound(Spi{spi}, Address("10.9.0.2"), protocol);
  }

  RecordingSink sink_;
  Sadb sadb_{sink_};
  RcuReader reader_;  // after the SADB: what the reader finds, it must outlive
  const Sadb::OutboundKey key_{IpsecProtocol::kEsp, IpsecMode::kTransport,
                               Address("10.9.0.1"), Address("10.9.0.2")};
};

TEST_F(SadbTest, IsEmptyAtFirst) {
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_EQ(Inbound(0x1011), nullptr);
  EXPECT_EQ(Outbound(Web()), nullptr);
  EXPECT_EQ(sadb_.Flush(), 0u);
}

TEST_F(SadbTest, RefusesWhatValidateRefuses) {
  ExpectRefused(sadb_.Add(GcmSa(0), {}, kStart), ErrorCode::kInvalid,
                "spi is 0");
  EXPECT_EQ(sadb_.size(), 0u);
}

// AH-05
TEST_F(SadbTest, FindsInboundBySpiDestinationAndProtocol) {
  Add(GcmSa(0x1011, Direction::kInbound));
  ASSERT_NE(Inbound(0x1011), nullptr);
  EXPECT_EQ(Inbound(0x1011)->parameters().spi, Spi{0x1011});
  EXPECT_EQ(Inbound(0x1012), nullptr);
  EXPECT_EQ(Inbound(0x1011, IpsecProtocol::kAh), nullptr);
  EXPECT_EQ(
      sadb_.FindInbound(Spi{0x1011}, Address("10.9.0.1"), IpsecProtocol::kEsp),
      nullptr);
}

TEST_F(SadbTest, KeepsOneSpiApartByProtocolAndDestination) {  // SAD-04
  Add(GcmSa(0x1011, Direction::kInbound));
  Add(AhSa(0x1011, Direction::kInbound));
  SaParameters elsewhere = GcmSa(0x1011, Direction::kInbound);
  elsewhere.destination = Address("10.9.0.3");
  elsewhere.encryption_key = Key(20, 99);
  Add(elsewhere);
  EXPECT_NE(Inbound(0x1011), Inbound(0x1011, IpsecProtocol::kAh));
  EXPECT_EQ(sadb_.size(), 3u);
}

TEST_F(SadbTest, FindsEachDirectionOnItsOwnSideOnly) {  // SAD-01
  Add(GcmSa(0x1011, Direction::kInbound));
  EXPECT_EQ(Outbound(Web()), nullptr);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  Add(GcmSa(0x1011, Direction::kOutbound));
  EXPECT_NE(Outbound(Web()), nullptr);
  EXPECT_EQ(Inbound(0x1011), nullptr);
}

TEST_F(SadbTest, FindsOutboundByEveryPartOfTheKey) {
  Add(GcmSa(0x1011));
  ASSERT_NE(Outbound(Web()), nullptr);
  Sadb::OutboundKey other = key_;
  other.protocol = IpsecProtocol::kAh;
  EXPECT_EQ(sadb_.FindOutbound(other, Web()), nullptr);
  other = key_;
  other.mode = IpsecMode::kTunnel;
  EXPECT_EQ(sadb_.FindOutbound(other, Web()), nullptr);
  other = key_;
  std::swap(other.source, other.destination);
  EXPECT_EQ(sadb_.FindOutbound(other, Web()), nullptr);
}

TEST_F(SadbTest, PrefersTheNewest) {
  Add(GcmSa(0x1011));
  Add(GcmSa(0x1012));
  Add(GcmSa(0x1013));
  EXPECT_EQ(OutboundSpi(Web()), 0x1013u);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1013).identity()).ok());
  EXPECT_EQ(OutboundSpi(Web()), 0x1012u);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  EXPECT_EQ(OutboundSpi(Web()), 0x1012u);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1012).identity()).ok());
  EXPECT_EQ(OutboundSpi(Web()), 0u);
}

TEST_F(SadbTest, PassesOverSelectorsThatDoNotMatch) {
  Add(GcmSa(0x1011));
  SaParameters udp = GcmSa(0x1012);
  udp.selector.protocol = 17;
  Add(udp);
  EXPECT_EQ(OutboundSpi(Web()), 0x1011u);
  FlowKey dns = Web();
  dns.protocol = 17;
  EXPECT_EQ(OutboundSpi(dns), 0x1012u);
}

TEST_F(SadbTest, GivesAnOwnersSaToItsOwnerOnly) {  // API-19
  constexpr SocketCookie kOwner{5};
  SaParameters owned = GcmSa(0x1011);
  owned.owner = kOwner;
  Add(owned);
  EXPECT_EQ(OutboundSpi(Web(4711)), 0u);
  Sadb::OutboundKey key{IpsecProtocol::kEsp, IpsecMode::kTransport,
                        owned.source, owned.destination, kOwner};
  ASSERT_NE(sadb_.FindOutbound(key, Web(4711)), nullptr);
  Add(GcmSa(0x1012));
  EXPECT_EQ(OutboundSpi(Web(4711)), 0x1012u);
  EXPECT_EQ(sadb_.FindOutbound(key, Web(4711))->parameters().spi, Spi{0x1011});
  key.owner = SocketCookie{6};
  EXPECT_EQ(sadb_.FindOutbound(key, Web(4711)), nullptr);
}

TEST_F(SadbTest, GivesOneFlowsSaToThatFlow) {
  Add(UniqueSa(0x1011, 4711));
  Add(UniqueSa(0x1012, 4712));
  EXPECT_EQ(OutboundSpi(Web(4711)), 0x1011u);
  EXPECT_EQ(OutboundSpi(Web(4712)), 0x1012u);
  EXPECT_EQ(OutboundSpi(Web(4713)), 0u);
}

TEST_F(SadbTest, ChoosesTheNewestAmongOneFlowsAndCommon) {
  Add(UniqueSa(0x1011, 4711));
  Add(GcmSa(0x1012));
  EXPECT_EQ(OutboundSpi(Web(4711)), 0x1012u);
  Add(UniqueSa(0x1013, 4711));
  EXPECT_EQ(OutboundSpi(Web(4711)), 0x1013u);
  EXPECT_EQ(OutboundSpi(Web(4712)), 0x1012u);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1012).identity()).ok());
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1013).identity()).ok());
  EXPECT_EQ(OutboundSpi(Web(4711)), 0x1011u);
}

TEST_F(SadbTest, PassesOverTheDead) {
  Add(GcmSa(0x1011));
  SaParameters brief = GcmSa(0x1012);
  brief.hard.packets = 1;
  Add(brief);
  SecurityAssociation* const newest = Outbound(Web());
  const std::uint64_t before = sadb_.generation();
  ASSERT_TRUE(newest->NextNumber(1, kStart).ok());
  EXPECT_GT(sadb_.generation(), before) << "workers must look again";
  EXPECT_EQ(OutboundSpi(Web()), 0x1011u);
}

TEST_F(SadbTest, RefusesAnIdentityTwice) {
  Add(GcmSa(0x1011));
  SaParameters second = GcmSa(0x1011);
  second.encryption_key = Key(20, 77);
  ExpectRefused(sadb_.Add(second, {}, kStart), ErrorCode::kExists,
                "esp 0x00001011 to 10.9.0.2");
  second.direction = Direction::kInbound;
  ExpectRefused(sadb_.Add(second, {}, kStart), ErrorCode::kExists,
                "delete it first");
}

TEST_F(SadbTest, RefusesACounterModeKeyTwice) {  // GCM-01, GCM-09
  Add(GcmSa(0x1011));
  SaParameters second = GcmSa(0x1012);
  second.encryption_key = GcmSa(0x1011).encryption_key;
  ExpectRefused(sadb_.Add(second, {}, kStart), ErrorCode::kExists,
                "encryption_key is also that of esp 0x00001011");
  // The peer counts from 1, too.
  second.direction = Direction::kInbound;
  ExpectRefused(sadb_.Add(second, {}, kStart), ErrorCode::kExists, "same IVs");
  EXPECT_EQ(sadb_.size(), 1u);

  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  EXPECT_TRUE(sadb_.Add(second, {}, kStart).ok());
}

TEST_F(SadbTest, AllowsOneKeyWithTwoSalts) {  // GCM-09
  SaParameters first = GcmSa(0x1011);
  first.encryption_key =
      SecretBytes::FromHex("000102030405060708090a0b0c0d0e0f00000001").value();
  SaParameters second = GcmSa(0x1012);
  second.encryption_key =
      SecretBytes::FromHex("000102030405060708090a0b0c0d0e0f00000002").value();
  Add(first);
  Add(second);
}

TEST_F(SadbTest, AllowsOneKeyTwiceWhereIvsAreRandom) {
  Add(CbcSa(0x1011));
  SaParameters second = CbcSa(0x1012, Direction::kInbound);
  second.encryption_key = CbcSa(0x1011).encryption_key;
  second.integrity_key = CbcSa(0x1011).integrity_key;
  Add(second);
}

TEST_F(SadbTest, RefusesMoreThanItsLimit) {
  Sadb small(sink_, {.associations = 2});
  ASSERT_TRUE(small.Add(GcmSa(0x1011), {}, kStart).ok());
  ASSERT_TRUE(small.Add(GcmSa(0x1012), {}, kStart).ok());
  ExpectRefused(small.Add(GcmSa(0x1013), {}, kStart), ErrorCode::kExhausted,
                "there are 2 SAs");
  ASSERT_TRUE(small.Delete(GcmSa(0x1011).identity()).ok());
  EXPECT_TRUE(small.Add(GcmSa(0x1013), {}, kStart).ok());
}

TEST_F(SadbTest, RefusesToDeleteOrUpdateWhatIsNotThere) {
  ExpectRefused(sadb_.Delete(GcmSa(0x1011).identity()), ErrorCode::kNotFound,
                "there is no SA esp 0x00001011");
  ExpectRefused(sadb_.Update(GcmSa(0x1011).identity(), {}, {}, kStart),
                ErrorCode::kNotFound, "there is no SA esp 0x00001011");
}

TEST_F(SadbTest, EveryChangeRaisesTheGeneration) {
  const std::uint64_t empty = sadb_.generation();
  Add(GcmSa(0x1011));
  const std::uint64_t one = sadb_.generation();
  EXPECT_GT(one, empty);
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  const std::uint64_t none = sadb_.generation();
  EXPECT_GT(none, one);
  Add(GcmSa(0x1011));
  const std::uint64_t again = sadb_.generation();
  sadb_.Flush();
  EXPECT_GT(sadb_.generation(), again);
}

// DEF-17: an SPI that is used again is another SA.
TEST_F(SadbTest, GivesEachSaAGenerationId) {
  Add(GcmSa(0x1011));
  const std::uint64_t first = Outbound(Web())->generation_id();
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  Add(GcmSa(0x1011));
  EXPECT_GT(Outbound(Web())->generation_id(), first);
}

// DEF-17: the first SA's timer must not end its successor.
TEST_F(SadbTest, AnOldDeadlineDoesNotEndANewSa) {
  SaParameters brief = GcmSa(0x1011);
  brief.hard.time = seconds(10);
  Add(brief);
  ASSERT_TRUE(sadb_.Delete(brief.identity()).ok());
  Add(GcmSa(0x1011));
  sadb_.Age(kStart + seconds(11));
  sadb_.Age(kStart + seconds(12));
  EXPECT_EQ(OutboundSpi(Web()), 0x1011u);
  EXPECT_THAT(sink_.kinds(), IsEmpty());
}

// The same, when the first had ended by its last packet.
TEST_F(SadbTest, AnOldEndDoesNotEndANewSa) {
  SaParameters brief = GcmSa(0x1011);
  brief.hard.packets = 1;
  Add(brief);
  ASSERT_TRUE(Outbound(Web())->NextNumber(1, kStart).ok());
  Add(GcmSa(0x1011));  // the dead one is in nobody's way
  sadb_.Age(kStart);
  sadb_.Age(kStart);
  EXPECT_EQ(OutboundSpi(Web()), 0x1011u);
  EXPECT_EQ(sadb_.size(), 1u);
}

TEST_F(SadbTest, AgesByTimeAndThenDeletes) {  // SAD-14
  SaParameters brief = GcmSa(0x1011, Direction::kInbound);
  brief.soft.time = seconds(10);
  brief.hard.time = seconds(20);
  Add(brief);
  Add(GcmSa(0x1012, Direction::kInbound));
  sadb_.Age(kStart + seconds(9));
  EXPECT_THAT(sink_.kinds(), IsEmpty());
  sadb_.Age(kStart + seconds(10));
  sadb_.Age(kStart + seconds(11));
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kSoftExpired));
  sadb_.Age(kStart + seconds(20));
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kHardExpired));
  // What its receiver wants to tell about the SA, it can still look up.
  ASSERT_NE(sadb_.Get(brief.identity()), nullptr);
  EXPECT_FALSE(sadb_.Get(brief.identity())->usable());
  sadb_.Age(kStart + seconds(21));
  EXPECT_EQ(sadb_.Get(brief.identity()), nullptr);
  EXPECT_EQ(sadb_.size(), 1u);
}

TEST_F(SadbTest, DeletesWhatItsLastPacketEnded) {
  SaParameters brief = GcmSa(0x1011);
  brief.hard.packets = 1;
  Add(brief);
  ASSERT_TRUE(Outbound(Web())->NextNumber(1, kStart).ok());
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kHardExpired));
  EXPECT_EQ(sadb_.size(), 1u);
  sadb_.Age(kStart);
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kHardExpired));
}

TEST_F(SadbTest, KeepsTheDeadUntilTheirEndIsTaken) {
  SaParameters brief = GcmSa(0x1011);
  brief.hard.time = seconds(1);
  Add(brief);
  sink_.Refuse();
  for (int i = 1; i <= 3; ++i) {
    sadb_.Age(kStart + seconds(i));
    EXPECT_EQ(sadb_.size(), 1u);
    EXPECT_EQ(Outbound(Web()), nullptr);
  }
  sink_.Accept();
  sadb_.Age(kStart + seconds(4));
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kHardExpired));
}

TEST_F(SadbTest, OffersAnIdleSasSoftEventAgain) {
  SaParameters idle = GcmSa(0x1011);
  idle.soft.time = seconds(1);
  Add(idle);
  sink_.Refuse();
  sadb_.Age(kStart + seconds(1));
  sink_.Accept();
  sadb_.Age(kStart + seconds(2));
  sadb_.Age(kStart + seconds(3));
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kSoftExpired));
}

TEST_F(SadbTest, UpdatesLifetimesAndNothingElse) {  // SAD-20, PFK-33
  Add(GcmSa(0x1011));
  const SecurityAssociation* const before = Outbound(Web());
  ASSERT_TRUE(sadb_
                  .Update(GcmSa(0x1011).identity(), {.time = seconds(5)},
                          {.packets = 100, .time = seconds(9)}, kStart)
                  .ok());
  EXPECT_EQ(Outbound(Web()), before);
  EXPECT_EQ(before->soft().time, seconds(5));
  EXPECT_EQ(before->hard().packets, 100u);
  sadb_.Age(kStart + seconds(5));
  sadb_.Age(kStart + seconds(9));
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kHardExpired));
}

TEST_F(SadbTest, AnUpdateTakesOldBoundsAway) {
  SaParameters brief = GcmSa(0x1011);
  brief.hard.time = seconds(5);
  Add(brief);
  ASSERT_TRUE(sadb_.Update(brief.identity(), {}, {}, kStart).ok());
  sadb_.Age(kStart + seconds(100));
  sadb_.Age(kStart + seconds(101));
  EXPECT_EQ(OutboundSpi(Web()), 0x1011u);
}

TEST_F(SadbTest, RefusesUpdatesThatMakeNoSense) {
  Add(GcmSa(0x1011));
  ExpectRefused(sadb_.Update(GcmSa(0x1011).identity(), {.packets = 2},
                             {.packets = 1}, kStart),
                ErrorCode::kInvalid, "soft.packets is 2");
  ASSERT_TRUE(
      sadb_.Update(GcmSa(0x1011).identity(), {}, {.time = seconds(1)}, kStart)
          .ok());
  sadb_.Age(kStart + seconds(1));
  ExpectRefused(sadb_.Update(GcmSa(0x1011).identity(), {}, {}, kStart),
                ErrorCode::kNotFound, "there is no SA");
}

TEST_F(SadbTest, FlushesAll) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Add(GcmSa(0x1000 + i));
    Add(AhSa(0x1000 + i, Direction::kInbound));
  }
  std::size_t seen = 0;
  sadb_.Dump(
      [&seen](SecurityAssociation& sa) { seen += sa.usable() ? 1U : 0U; });
  EXPECT_EQ(seen, 200u);
  EXPECT_EQ(sadb_.Flush(), 200u);
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_EQ(Outbound(Web()), nullptr);
  Add(GcmSa(0x1000));  // its identity and its key are free again
}

// DEF-04: a worker stands on an SA that is deleted: it is refused, and the
// memory stays until the worker's quiescent state (AddressSanitizer judges).
TEST_F(SadbTest, ADeletedSaStaysUntilItsReadersHaveGone) {
  Add(GcmSa(0x1011));
  SecurityAssociation* const held = Outbound(Web());
  esp::Sealer* const sealer = held->sealer(WorkerIndex{0});
  ASSERT_TRUE(sadb_.Delete(GcmSa(0x1011).identity()).ok());
  EXPECT_FALSE(held->usable());
  EXPECT_FALSE(held->NextNumber(1, kStart).ok());
  EXPECT_GT(sealer->front(), 0u);
  reader_.Quiescent();
}

TEST_F(SadbTest, FiftyThousandAreFoundAndDeleted) {
  constexpr std::uint32_t kFirst = 0x10000;
  constexpr std::uint32_t kCount = 50'000;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(
        sadb_.Add(GcmSa(kFirst + i, Direction::kInbound), {}, kStart).ok());
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const SecurityAssociation* const found = Inbound(kFirst + i);
    ASSERT_NE(found, nullptr);
    ASSERT_EQ(found->parameters().spi, Spi{kFirst + i});
  }
  for (std::uint32_t i = 0; i < kCount; i += 2) {
    ASSERT_TRUE(
        sadb_.Delete(GcmSa(kFirst + i, Direction::kInbound).identity()).ok());
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(Inbound(kFirst + i) != nullptr, i % 2 == 1);
  }
  EXPECT_EQ(sadb_.Flush(), kCount / 2);
}

// Fifty thousand SAs with a far deadline, and Age() looks at none of them.
TEST_F(SadbTest, AgesOnlyWhatExpires) {
  constexpr std::uint32_t kCount = 50'000;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    SaParameters sa = GcmSa(0x10000 + i);
    sa.hard.time = seconds(i < 3 ? 1 : 1000);
    ASSERT_TRUE(sadb_.Add(sa, {}, kStart).ok());
  }
  for (int i = 0; i < 100'000; ++i) {
    sadb_.Age(kStart + seconds(2));  // O(all) would take minutes
  }
  EXPECT_EQ(sadb_.size(), kCount - 3);
  EXPECT_EQ(sink_.events().size(), 3u);
}

}  // namespace
}  // namespace postern
