// SPDX-License-Identifier: Apache-2.0
//
// A wire whose packets one thread sends and another receives, as the workers of
// two lanes do, beside a neighbour who is asked for again and again.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "gtest/gtest.h"

#include "tests/support/memory_port.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/wire/ethernet_frames.h"
#include "wire/ethernet_wire.h"

namespace postern {
namespace {

constexpr std::uint32_t kPackets = 10'000;
constexpr std::size_t kNumberAt = 14 + 20 + 8;

Octets Numbered(std::uint32_t number) {
  Octets data(4);
  StoreBe(Bytes(data), number);
  return PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, data);
}

// Forgotten 2 ms after he was found, so that there is always something to hold.
Neighbours::Rules ShortMemory() {
  Neighbours::Rules rules;
  rules.reachable = std::chrono::milliseconds(1);
  rules.retransmit = std::chrono::milliseconds(1);
  rules.questions = 1;
  return rules;
}

class EthernetThreadsTest : public testing::Test {
 protected:
  EthernetThreadsTest() {
    auto ends =
        MemoryPort::MakePair({.mtu_octets = 1514, .queue_packets = 1'000'000});
    far_ = std::move(ends.second);
    wire_ = std::make_unique<EthernetWire>(EthernetWire::Parts{
        .frames = std::move(ends.first),
        .link = std::make_shared<EthernetLink>(
            EthernetLink::Options{.mac = kHost,
                                  .addresses = {{Ip("192.0.2.9"), 24}},
                                  .gateways = {},
                                  .neighbours = ShortMemory()})});
  }

  void SendAll() {
    PacketPool pool({.packets = 8, .payload = 100});
    for (std::uint32_t i = 1; i <= kPackets; ++i) {
      Batch batch;
      batch.Push(pool.Copy(Numbered(i)));
      wire_->Send(batch, sent_);
      if (i % 16 == 0) {
        std::this_thread::yield();
      }
    }
    EXPECT_EQ(pool.forgotten(), 0U);
  }

  // The neighbour answers who asks all, and nobody who asks him alone.
  void TakeAtTheFarEnd() {
    Batch batch;
    far_->Receive(batch, pool_, received_);
    for (Packet& packet : batch.packets()) {
      const ConstBytes frame = std::as_const(packet).bytes();
      if (frame.size() > kNumberAt) {
        const auto number = LoadBe<std::uint32_t>(frame.subspan(kNumberAt));
        EXPECT_GT(number, last_);
        last_ = number;
        ++arrived_;
      } else if (frame[0] == 0xff && frame[41] == 7) {
        Batch answer;
        answer.Push(pool_.Copy(Hex(frames::kArpAnswer)));
        far_->Send(answer, received_);
        ++answered_;
      }
    }
    batch.Clear();
  }

  std::unique_ptr<MemoryPort> far_;
  std::unique_ptr<EthernetWire> wire_;
  WorkerStats sent_;
  WorkerStats received_;
  PacketPool pool_{{.packets = 256, .payload = 100}};
  std::uint32_t last_ = 0;
  std::uint64_t arrived_ = 0;
  std::uint64_t answered_ = 0;
};

// What was held leaves before what comes later, and each packet arrives or is
// counted.
TEST_F(EthernetThreadsTest, KeepTheOrderOfWhatIsHeldAndWhatIsNot) {
  std::atomic<bool> done{false};
  std::thread sender([this, &done] {
    SendAll();
    done = true;
  });
  const auto receive = [this] {
    Batch batch;
    EXPECT_EQ(wire_->Receive(batch, pool_, received_), 0U);
    TakeAtTheFarEnd();
  };
  while (!done) {
    receive();
  }
  sender.join();
  const auto lost = [this] {
    return sent_.of(DropReason::kNoNeighbour) +
           received_.of(DropReason::kNoNeighbour);
  };
  const Instant end = MonotonicNow() + std::chrono::seconds(10);
  while (arrived_ + lost() < kPackets && MonotonicNow() < end) {
    receive();
  }
  EXPECT_EQ(arrived_ + lost(), kPackets);
  EXPECT_GT(arrived_, 0U);
  EXPECT_GT(answered_, 1U);
  EXPECT_EQ(pool_.forgotten(), 0U);
}

}  // namespace
}  // namespace postern
