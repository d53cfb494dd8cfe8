// SPDX-License-Identifier: Apache-2.0
//
// Packets that come twice, late or out of order, through whole pipelines: in one
// batch, by two workers at once, across 2^32.

#include <algorithm>
#include <latch>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

constexpr std::uint64_t kSubspace = std::uint64_t{1} << 32;

struct Kind {
  Category category;
  Encryption encryption;
  SequenceNumbers numbers;
};

// Different ones, so that none can stand for another.
std::vector<Octets> Datagrams(std::size_t count) {
  std::vector<Octets> packets;
  for (std::size_t i = 0; i < count; ++i) {
    Octets payload(12 + i % 100);
    StoreBe(Bytes(payload), static_cast<std::uint32_t>(i));
    packets.push_back(
        PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1000, 2000, payload));
  }
  return packets;
}

// A worker of its own with a way in: the SADB and the policy are the host's.
class Entrance : private AuditSink {
 public:
  Entrance(const Sadb& sadb, const SystemPolicy& system, SocketTable& sockets,
           WorkerIndex worker)
      : flows_({.system = system,
                .sockets = sockets,
                .owner = kernel_,
                .stats = stats_},
               64),
        inbound_({sadb, system, flows_, *this, stats_, worker}) {}

  // How often each of these packets came out.
  std::map<Octets, int> Take(const std::vector<Octets>& packets) {
    RcuReader reader;
    std::map<Octets, int> taken;
    for (std::size_t next = 0; next < packets.size();) {
      Batch in;
      Batch out;
      while (next < packets.size() && !in.full()) {
        in.Push(pool_.Copy(packets[next++]));
      }
      inbound_.Run(in, out, now_);
      for (const Packet& packet : out.packets()) {
        const ConstBytes octets = packet.bytes();
        ++taken[Octets(octets.begin(), octets.end())];
      }
      out.Clear();
      reader.Quiescent();
    }
    return taken;
  }

  const WorkerStats& stats() const { return stats_; }

  bool drained() const { return pool_.free() == pool_.shape().packets; }

 private:
  void Audit(const AuditEvent& /*event*/) override {}

  Instant now_{std::chrono::hours(1)};
  PacketPool pool_{{.packets = 2 * Batch::kCapacity, .payload = 2000}};
  FakeKernel kernel_;
  WorkerStats stats_;
  FlowResolver flows_;
  InboundPipeline inbound_;
};

class Replays : public testing::TestWithParam<Kind> {
 protected:
  // From alice to bob; `used` numbers have been before.
  void AddSa(std::uint32_t window, std::uint64_t used = 0) {
    const auto [category, encryption, numbers] = GetParam();
    SaParameters sa =
        SaFor(alice_.address(), bob_.address(), category, encryption);
    sa.numbers = numbers;
    sa.replay_window = window;
    const SecurityAssociation::Start start{.last_used = used,
                                           .reserved = ~std::uint64_t{0}};
    sa.direction = Direction::kOutbound;
    ASSERT_TRUE(alice_.sadb().Add(sa, start, alice_.now()).ok());
    sa.direction = Direction::kInbound;
    ASSERT_TRUE(bob_.sadb().Add(sa, start, bob_.now()).ok());
    alice_.SetSystemLevel(category, Level::kRequire);
    bob_.SetSystemLevel(category, Level::kRequire);
  }

  std::vector<Octets> Protected(const std::vector<Octets>& clear) {
    std::vector<Octets> sent;
    for (const Octets& packet : clear) {
      sent.push_back(alice_.Send(packet).at(0));
    }
    return sent;
  }

  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
};

// RPL-05, DEF-12, DEF-07: next to each other, apart, and in the next batch.
TEST_P(Replays, ArriveOnceHoweverOftenTheyCome) {
  AddSa(64);
  const std::vector<Octets> clear = Datagrams(3);
  const std::vector<Octets> sent = Protected(clear);
  EXPECT_EQ(bob_.ReceiveAll({sent[0], sent[0], sent[1], sent[0], sent[2],
                             sent[1], sent[2], sent[2]}),
            clear);
  EXPECT_TRUE(bob_.ReceiveAll(sent).empty());
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 8u);
}

// RPL-22, DEF-07: two workers have read the same packets, and open them at the
// same time.
TEST_P(Replays, ArriveOnceThoughTwoWorkersHaveThem) {
  constexpr std::size_t kPackets = 1500;
  AddSa(4096);
  const std::vector<Octets> clear = Datagrams(kPackets);
  const std::vector<Octets> sent = Protected(clear);
  SystemPolicy system;
  SocketTable sockets;
  std::vector<std::map<Octets, int>> taken(2);
  std::uint64_t refused = 0;
  {
    Entrance left(bob_.sadb(), system, sockets, WorkerIndex{0});
    Entrance right(bob_.sadb(), system, sockets, WorkerIndex{1});
    std::latch both(2);
    std::thread one([&] {
      both.arrive_and_wait();
      taken[0] = left.Take(sent);
    });
    std::thread other([&] {
      both.arrive_and_wait();
      taken[1] = right.Take(sent);
    });
    one.join();
    other.join();
    refused = left.stats().of(DropReason::kReplayDuplicate) +
              right.stats().of(DropReason::kReplayDuplicate);
    EXPECT_TRUE(left.drained() && right.drained());
  }
  for (const Octets& packet : clear) {
    ASSERT_EQ(taken[0][packet] + taken[1][packet], 1);
  }
  EXPECT_EQ(refused, kPackets);
  const SaParameters sa = SaFor(alice_.address(), bob_.address(),
                                GetParam().category, GetParam().encryption);
  EXPECT_EQ(bob_.sadb().Get(sa.identity())->usage().packets, kPackets);
}

// DEF-11: whatever has left the window never comes back; also where the number
// on the wire would be one of the next subspace.
TEST_P(Replays, AreRefusedLongAfterTheWindowMovedOn) {
  const bool extended = GetParam().numbers == SequenceNumbers::kExtended;
  AddSa(64, extended ? kSubspace - 200 : 0);
  const std::vector<Octets> clear = Datagrams(1000);
  const std::vector<Octets> sent = Protected(clear);
  std::vector<Octets> arrived;
  for (const Octets& packet : sent) {
    for (Octets& came : bob_.Receive(packet)) {
      arrived.push_back(std::move(came));
    }
    ASSERT_TRUE(bob_.Receive(sent[0]).empty());
  }
  EXPECT_EQ(arrived, clear);
  for (const Octets& packet : sent) {
    ASSERT_TRUE(bob_.Receive(packet).empty());
  }
  EXPECT_EQ(bob_.drops(DropReason::kReplayTooOld) +
                bob_.drops(DropReason::kReplayDuplicate) +
                bob_.drops(DropReason::kBadIcv),
            2000u);
}

class ExtendedReplays : public Replays {};

// DEF-08: within one batch the high half is that of each packet's own number.
TEST_P(ExtendedReplays, CrossTwoToThe32WithinOneBatchInAnyOrder) {
  AddSa(64, kSubspace - 31);
  std::mt19937 random(8);
  const std::vector<Octets> clear = Datagrams(60);
  std::vector<Octets> sent = alice_.SendAll(clear);
  ASSERT_EQ(sent.size(), clear.size());
  std::shuffle(sent.begin(), sent.end(), random);
  std::vector<Octets> arrived = bob_.ReceiveAll(sent);
  std::vector<Octets> expected = clear;
  std::sort(arrived.begin(), arrived.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(arrived, expected);
  EXPECT_TRUE(bob_.ReceiveAll(sent).empty());
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 60u);
}

std::vector<Kind> KindsOf(SequenceNumbers numbers) {
  return {{Category::kAh, Encryption::kNull, numbers},
          {Category::kEspTransport, Encryption::kAesGcm16, numbers},
          {Category::kEspNetwork, Encryption::kAesCbc, numbers}};
}

INSTANTIATE_TEST_SUITE_P(Plain, Replays,
                         testing::ValuesIn(KindsOf(SequenceNumbers::k32Bit)));
INSTANTIATE_TEST_SUITE_P(
    Extended, Replays, testing::ValuesIn(KindsOf(SequenceNumbers::kExtended)));
INSTANTIATE_TEST_SUITE_P(
    Extended, ExtendedReplays,
    testing::ValuesIn(KindsOf(SequenceNumbers::kExtended)));

}  // namespace
}  // namespace postern
