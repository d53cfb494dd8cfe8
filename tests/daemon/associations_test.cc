// SPDX-License-Identifier: Apache-2.0

#include "daemon/associations.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "core/rcu.h"
#include "daemon/durable_reserve.h"
#include "daemon/host_events.h"
#include "daemon/json_text.h"
#include "tests/daemon/served.h"

namespace postern {
namespace {

const Instant kNow{};

class DeafSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

// A disk that a test owns.
class FakeReserve : public SequenceReserve {
 public:
  Result<SecurityAssociation::Start> Begin(
      const SaParameters& /*parameters*/) override {
    ++begun;
    return SecurityAssociation::Start{.last_used = last_used,
                                      .reserved = last_used + 10};
  }

  Result<std::uint64_t> Extend(const SaIdentity& /*identity*/,
                               std::uint64_t reserved) override {
    if (full) {
      return SystemError("writing", 28);
    }
    return reserved + 10;
  }

  void End(const SaIdentity& /*identity*/) override { ++ended; }

  std::uint64_t last_used = 100;
  int begun = 0;
  int ended = 0;
  bool full = false;
};

SecretBytes Key(std::size_t octets, std::uint8_t fill) {
  return SecretBytes(std::vector<std::uint8_t>(octets, fill));
}

SaParameters Gcm(std::uint32_t spi, Direction direction) {
  SaParameters parameters;
  parameters.direction = direction;
  parameters.spi = Spi{spi};
  parameters.source = *IpAddress::Parse("10.9.0.1");
  parameters.destination = *IpAddress::Parse("10.9.0.2");
  parameters.encryption = Encryption::kAesGcm16;
  parameters.encryption_key = Key(20, static_cast<std::uint8_t>(spi));
  return parameters;
}

SaParameters Null(std::uint32_t spi) {
  SaParameters parameters = Gcm(spi, Direction::kOutbound);
  parameters.encryption = Encryption::kNull;
  parameters.encryption_key = SecretBytes();
  parameters.integrity = Integrity::kHmacSha2_256_128;
  parameters.integrity_key = Key(32, 7);
  return parameters;
}

class AssociationsTest : public ::testing::Test {
 protected:
  void SetUp() override { SetLogLevel(LogLevel::kOff); }

  void TearDown() override {
    SetLogLevel(LogLevel::kInfo);
    RcuBarrier();
  }

  DeafSink sink_;
  Sadb sadb_{sink_};
  FakeReserve reserve_;
};

// DEF-40
// GCM-01: without a memory an IV could be used twice.
TEST_F(AssociationsTest, RefusesOutboundCounterModesWithoutAReserve) {
  Associations associations(sadb_, nullptr);
  const Status refused =
      associations.Add(Gcm(0x1001, Direction::kOutbound), kNow);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  EXPECT_NE(refused.error().message.find("state_directory"), std::string::npos);
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_TRUE(associations.Add(Gcm(0x1002, Direction::kInbound), kNow).ok());
  EXPECT_TRUE(associations.Add(Null(0x1003), kNow).ok());
}

// UDP-16 UDP-17: two peers behind one NAT.
TEST_F(AssociationsTest, RefusesWhatLeavesOpenWhichPeerAPacketIsFor) {
  Associations associations(sadb_, &reserve_);
  const auto to_port = [](std::uint32_t spi, std::uint16_t port) {
    SaParameters sa = Gcm(spi, Direction::kOutbound);
    sa.encapsulation = UdpPorts{.source = 4500, .destination = port};
    return sa;
  };
  SaParameters first = to_port(0x1001, 5001);
  first.selector = {.protocol = std::uint8_t{6},
                    .destination_port = std::uint16_t{80}};
  ASSERT_TRUE(associations.Add(first, kNow).ok());
  SaParameters second = to_port(0x1002, 5002);
  const int begun = reserve_.begun;
  for (const Selector& selector :
       {Selector(), Selector{.protocol = std::uint8_t{6}}, first.selector}) {
    second.selector = selector;
    const Status refused = associations.Add(second, kNow);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kExists);
    EXPECT_NE(refused.error().message.find("0x00001001"), std::string::npos);
    EXPECT_NE(refused.error().message.find("port 5001"), std::string::npos);
  }
  second.mode = IpsecMode::kTunnel;
  EXPECT_TRUE(associations.Add(second, kNow).ok());
  EXPECT_EQ(reserve_.begun, begun + 1);  // nothing for the refused

  // What no packet fits both of, what is one socket's, the same port.
  SaParameters third = to_port(0x1003, 5002);
  third.selector = {.protocol = std::uint8_t{6},
                    .destination_port = std::uint16_t{81}};
  EXPECT_TRUE(associations.Add(third, kNow).ok());
  SaParameters owned = to_port(0x1004, 5002);
  owned.owner = SocketCookie{7};
  EXPECT_TRUE(associations.Add(owned, kNow).ok());
  SaParameters successor = to_port(0x1005, 5001);
  successor.selector = first.selector;
  EXPECT_TRUE(associations.Add(successor, kNow).ok());

  // What is gone is in nobody's way.
  for (const std::uint32_t spi : {0x1001u, 0x1003u, 0x1005u}) {
    ASSERT_TRUE(
        associations.Delete(Gcm(spi, Direction::kOutbound).identity()).ok());
  }
  EXPECT_TRUE(associations.Add(to_port(0x1006, 5003), kNow).ok());
}

// UDP-17: one peer, whose NAT gave it another port.
TEST_F(AssociationsTest, TakesASuccessorWhosePeerHasAnotherPort) {
  Associations associations(sadb_, &reserve_);
  SaParameters sa = Gcm(0x1001, Direction::kOutbound);
  sa.encapsulation = UdpPorts{.source = 4500, .destination = 5001};
  sa.peer_identity = *Identity::Parse("fqdn:bob.example");
  ASSERT_TRUE(associations.Add(sa, kNow).ok());
  sa = Gcm(0x1002, Direction::kOutbound);
  sa.encapsulation = UdpPorts{.source = 4500, .destination = 5002};
  EXPECT_FALSE(associations.Add(sa, kNow).ok());
  sa.peer_identity = *Identity::Parse("fqdn:carol.example");
  EXPECT_FALSE(associations.Add(sa, kNow).ok());
  sa.peer_identity = *Identity::Parse("fqdn:bob.example");
  EXPECT_TRUE(associations.Add(sa, kNow).ok());
}

TEST_F(AssociationsTest, StartsOutboundSasBehindWhatWasReserved) {
  Associations associations(sadb_, &reserve_);
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  SecurityAssociation* sa = sadb_.Get(parameters.identity());
  ASSERT_NE(sa, nullptr);
  for (std::uint64_t number = 101; number <= 110; ++number) {
    EXPECT_EQ(sa->NextNumber(100, kNow).value(), number);
  }
  EXPECT_EQ(sa->NextNumber(100, kNow).error(),
            DropReason::kSequenceNotReserved);
}

TEST_F(AssociationsTest, SetsNothingAsideForWhatIsRefusedOrInbound) {
  Associations associations(sadb_, &reserve_);
  EXPECT_TRUE(associations.Add(Gcm(0x1001, Direction::kInbound), kNow).ok());
  EXPECT_FALSE(associations.Add(Gcm(0x1001, Direction::kOutbound), kNow).ok());
  EXPECT_FALSE(associations.Add(Gcm(0x10, Direction::kOutbound), kNow).ok());
  EXPECT_EQ(reserve_.begun, 0);
}

TEST_F(AssociationsTest, FillsTheReserveWhenAskedAndSurvivesAFullDisk) {
  Associations associations(sadb_, &reserve_);
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  SecurityAssociation* sa = sadb_.Get(parameters.identity());
  const SaEvent more{.kind = SaEvent::Kind::kReserveMore,
                     .identity = parameters.identity(),
                     .generation_id = sa->generation_id()};
  reserve_.full = true;
  associations.Take(more, kNow);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(sa->NextNumber(100, kNow).ok());
  }
  EXPECT_FALSE(sa->NextNumber(100, kNow).ok());
  reserve_.full = false;
  associations.Take(more, kNow);
  EXPECT_EQ(sa->NextNumber(100, kNow).value(), 111u);
}

// DEF-17: an expiry of an SA that has gone, whose SPI lives again.
TEST_F(AssociationsTest, BuriesOnlyTheSaThatExpired) {
  Associations associations(sadb_, &reserve_);
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  const SaIdentity identity = parameters.identity();
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  const std::uint64_t first = sadb_.Get(identity)->generation_id();
  ASSERT_TRUE(associations.Delete(identity).ok());
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  const std::uint64_t second = sadb_.Get(identity)->generation_id();
  ASSERT_NE(first, second);
  const auto expire = [&](std::uint64_t generation_id) {
    associations.Take({.kind = SaEvent::Kind::kHardExpired,
                       .identity = identity,
                       .generation_id = generation_id},
                      kNow);
  };
  expire(first);
  EXPECT_NE(sadb_.Get(identity), nullptr);
  EXPECT_EQ(reserve_.ended, 1);
  expire(second);
  EXPECT_EQ(sadb_.Get(identity), nullptr);
  EXPECT_EQ(reserve_.ended, 2);
  expire(second);  // gone: no effect
  EXPECT_EQ(reserve_.ended, 2);
}

// A dead SA is in nobody's way, even before we have heard of its end.
TEST_F(AssociationsTest, LetsASuccessorTakeADeadSasPlace) {
  Associations associations(sadb_, &reserve_);
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  sadb_.Get(parameters.identity())->Kill();
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  EXPECT_EQ(reserve_.begun, 2);
  EXPECT_EQ(reserve_.ended, 1);
}

// The key's numbers are free for the next SA as soon as this one is gone.
TEST_F(AssociationsTest, EndsEveryReserveThatItBegan) {
  Associations associations(sadb_, &reserve_);
  for (std::uint32_t spi = 0x1001; spi < 0x1006; ++spi) {
    ASSERT_TRUE(associations.Add(Gcm(spi, Direction::kOutbound), kNow).ok());
  }
  ASSERT_TRUE(
      associations.Delete(Gcm(0x1001, Direction::kOutbound).identity()).ok());
  EXPECT_EQ(reserve_.ended, 1);
  // The same key again: the SADB refuses what the reserve had begun.
  SaParameters twin = Gcm(0x1002, Direction::kOutbound);
  twin.spi = Spi{0x2000};
  EXPECT_EQ(associations.Add(twin, kNow).error().code, ErrorCode::kExists);
  EXPECT_EQ(reserve_.ended, 2);
  EXPECT_EQ(associations.Flush(), 4u);
  EXPECT_EQ(reserve_.ended, 6);
}

// DEF-40
// kill -9 and restart: what was reserved counts as used.
TEST_F(AssociationsTest, NeverStartsAKeyAnewOnRealDisks) {
  const TemporaryDirectory directory;
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  std::uint64_t last = 0;
  for (int life = 0; life < 3; ++life) {
    auto reserve = DurableReserve::Open(directory.path() + "/state");
    ASSERT_TRUE(reserve.ok()) << reserve.error().message;
    Associations associations(sadb_, reserve->get());
    ASSERT_TRUE(associations.Add(parameters, kNow).ok());
    SecurityAssociation* sa = sadb_.Get(parameters.identity());
    const std::uint64_t first = sa->NextNumber(100, kNow).value();
    EXPECT_GT(first, last);
    const std::uint64_t before = sa->reserved();
    associations.Take({.kind = SaEvent::Kind::kReserveMore,
                       .identity = parameters.identity(),
                       .generation_id = sa->generation_id()},
                      kNow);
    last = sa->reserved();
    EXPECT_GT(last, before);
    ASSERT_TRUE(associations.Delete(parameters.identity()).ok());
  }
}

TEST_F(AssociationsTest, TellsWhatBecameOfEachSa) {
  Associations associations(sadb_, &reserve_);
  std::vector<std::string> told;
  associations.Watch([&told](const AssociationChange& change) {
    told.push_back(ToJson(DescribeChange(change)));
  });
  const SaParameters parameters = Null(0x1001);
  const SaIdentity identity = parameters.identity();
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  EXPECT_NE(told.back().find(R"({"event":"sa_added","protocol":"esp",)"
                             R"("mode":"transport","direction":"outbound",)"
                             R"("spi":"0x00001001")"),
            std::string::npos);
  EXPECT_EQ(told.back().find("0707"), std::string::npos);  // no keys
  EXPECT_FALSE(associations.Add(parameters, kNow).ok());
  EXPECT_EQ(told.size(), 1u);
  ASSERT_TRUE(associations.Update(identity, {}, {.packets = 5}, kNow).ok());
  const std::string named =
      R"("protocol":"esp","spi":"0x00001001","destination":"10.9.0.2")";
  EXPECT_EQ(told.back(), R"({"event":"sa_updated",)" + named + "}");
  const auto take = [&](SaEvent::Kind kind) {
    associations.Take({.kind = kind,
                       .identity = identity,
                       .generation_id = sadb_.Get(identity)->generation_id()},
                      kNow);
  };
  take(SaEvent::Kind::kSoftExpired);
  EXPECT_EQ(told.back(), R"({"event":"sa_soft_expired",)" + named + "}");
  take(SaEvent::Kind::kHardExpired);
  EXPECT_EQ(told.back(), R"({"event":"sa_hard_expired",)" + named + "}");
  ASSERT_TRUE(associations.Add(parameters, kNow).ok());
  ASSERT_TRUE(associations.Delete(identity).ok());
  EXPECT_EQ(told.back(),
            R"({"event":"sa_deleted",)" + named + R"(,"why":"asked"})");
  associations.Flush();
  EXPECT_EQ(told.back(), R"({"event":"sas_flushed","count":0})");
}

// UDP-19: another port is followed, another address only told.
TEST_F(AssociationsTest, FollowsAPeerWhoseNatGaveItAnotherPort) {
  Associations associations(sadb_, nullptr);
  std::string told;
  associations.Watch([&told](const AssociationChange& change) {
    told = ToJson(DescribeChange(change));
  });
  SaParameters out = Null(0x1001);
  out.encapsulation = UdpPorts{.source = 4500, .destination = 5000};
  SaParameters in = Null(0x2002);
  in.direction = Direction::kInbound;
  std::swap(in.source, in.destination);
  in.encapsulation = UdpPorts{.source = 5000, .destination = 4500};
  const SaIdentity identity = in.identity();
  const SaIdentity back = out.identity();
  const IpAddress peer = in.source;
  ASSERT_TRUE(associations.Add(std::move(out), kNow).ok());
  ASSERT_TRUE(associations.Add(std::move(in), kNow).ok());
  SecurityAssociation& inbound = *sadb_.Get(identity);
  Instant now = kNow;
  const auto come_from = [&](const UdpOrigin& origin) {
    now += std::chrono::seconds(2);
    inbound.NoteOrigin(origin, inbound.sequence(), now);
    associations.Take({.kind = SaEvent::Kind::kMappingChanged,
                       .identity = identity,
                       .generation_id = inbound.generation_id()},
                      kNow);
  };
  come_from({.address = peer, .port = 5001});
  EXPECT_EQ(told, R"({"event":"sa_mapping_changed","protocol":"esp",)"
                  R"("spi":"0x00002002","destination":"10.9.0.1",)"
                  R"("peer_address":"10.9.0.2","peer_port":5001})");
  EXPECT_EQ(sadb_.Get(back)->nat()->ports(),
            (UdpPorts{.source = 4500, .destination = 5001}));
  come_from({.address = *IpAddress::Parse("192.0.2.9"), .port = 5002});
  EXPECT_NE(told.find(R"("peer_address":"192.0.2.9","peer_port":5002)"),
            std::string::npos);
  EXPECT_EQ(sadb_.Get(back)->nat()->ports(),
            (UdpPorts{.source = 4500, .destination = 5001}));
}

// Whoever counts SAs by their events must come to the truth.
TEST_F(AssociationsTest, TellsOneEndOfEachSa) {
  using Kind = AssociationChange::Kind;
  Associations associations(sadb_, &reserve_);
  std::vector<Kind> told;
  associations.Watch([&told](const AssociationChange& change) {
    told.push_back(change.kind);
  });
  const SaParameters parameters = Gcm(0x1001, Direction::kOutbound);
  const SaIdentity identity = parameters.identity();
  SaEvent end{.kind = SaEvent::Kind::kHardExpired, .identity = identity};
  const auto add = [&] {
    ASSERT_TRUE(associations.Add(parameters, kNow).ok());
    end.generation_id = sadb_.Get(identity)->generation_id();
  };
  // Deleted, or flushed, while the event of its expiry waits.
  add();
  sadb_.Get(identity)->Kill();
  ASSERT_TRUE(associations.Delete(identity).ok());
  associations.Take(end, kNow);
  EXPECT_EQ(told, (std::vector{Kind::kAdded, Kind::kDeleted}));
  add();
  sadb_.Get(identity)->Kill();
  associations.Flush();
  associations.Take(end, kNow);
  EXPECT_EQ(std::exchange(told, {}),
            (std::vector{Kind::kAdded, Kind::kDeleted, Kind::kAdded,
                         Kind::kFlushed}));
  // A successor takes its place meanwhile.
  add();
  sadb_.Get(identity)->Kill();
  const SaEvent first = end;
  add();
  associations.Take(first, kNow);
  EXPECT_EQ(std::exchange(told, {}),
            (std::vector{Kind::kAdded, Kind::kHardExpired, Kind::kAdded}));
  // The SADB removes it before the event is taken.
  ASSERT_TRUE(sadb_.Delete(identity).ok());
  associations.Take(end, kNow);
  associations.Take(end, kNow);
  EXPECT_EQ(told, (std::vector{Kind::kHardExpired}));
  EXPECT_EQ(reserve_.ended, 4);
}

TEST_F(AssociationsTest, RefusesASecondSaOfOneIdentityAndDeletesOnce) {
  Associations associations(sadb_, &reserve_);
  ASSERT_TRUE(associations.Add(Null(0x1001), kNow).ok());
  EXPECT_EQ(associations.Add(Null(0x1001), kNow).error().code,
            ErrorCode::kExists);
  EXPECT_TRUE(associations.Delete(Null(0x1001).identity()).ok());
  EXPECT_EQ(associations.Delete(Null(0x1001).identity()).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(associations.Flush(), 0u);
}

}  // namespace
}  // namespace postern
