// SPDX-License-Identifier: Apache-2.0
//
// What the tests of wire/ share: two joined in-memory ports, of which the near
// one goes behind the port under test, and packets that are told apart by size
// and content.

#ifndef POSTERN_TESTS_UNIT_WIRE_PORT_FIXTURE_H_
#define POSTERN_TESTS_UNIT_WIRE_PORT_FIXTURE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/clock.h"
#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "core/packet/packet_port.h"
#include "core/stats.h"
#include "tests/support/memory_port.h"

namespace postern {

using Octets = std::vector<std::uint8_t>;

inline constexpr auto kError = PacketPort::DescriptorState::kError;

// The packet number `n`: it says so in its first two octets.
inline Octets Numbered(std::size_t n, std::size_t size = 40) {
  Octets octets(size, static_cast<std::uint8_t>(n));
  octets[0] = static_cast<std::uint8_t>(n >> 8U);
  octets[1] = static_cast<std::uint8_t>(n);
  return octets;
}

// A port whose interface may come back, and that has something to do later.
class Patient : public PacketPort {
 public:
  static constexpr Instant kLater{std::chrono::seconds(7)};

  std::size_t Receive(Batch& /*batch*/, PacketPool& /*pool*/,
                      WorkerStats& /*stats*/) override {
    return 0;
  }

  void Send(Batch& batch, WorkerStats& /*stats*/) override { batch.Clear(); }

  std::size_t mtu() const override { return 1500; }

  int descriptor() const override { return -1; }

  bool IsGone(DescriptorState /*state*/) override { return false; }

  std::optional<Instant> NextDeadline() const override { return kLater; }
};

class PortFixture : public testing::Test {
 protected:
  PortFixture() {
    auto pair =
        MemoryPort::MakePair({.mtu_octets = 1500, .queue_packets = 100'000});
    near_ = std::move(pair.first);
    far_ = std::move(pair.second);
  }

  ~PortFixture() override {
    EXPECT_EQ(pool_.forgotten(), 0U);
    EXPECT_EQ(pool_.free(), pool_.shape().packets);
  }

  void Send(PacketPort& port, const std::vector<Octets>& packets) {
    Batch batch;
    for (const Octets& octets : packets) {
      batch.Push(pool_.Copy(octets));
      ASSERT_TRUE(*(batch.end() - 1));
    }
    port.Send(batch, stats_);
    EXPECT_TRUE(batch.empty());
  }

  // Receives until nothing more comes.
  std::vector<Octets> ReceiveAll(PacketPort& port) {
    std::vector<Octets> all;
    while (true) {
      Batch batch;
      const std::size_t received = port.Receive(batch, pool_, stats_);
      EXPECT_EQ(received, batch.size());
      if (batch.empty()) {
        return all;
      }
      for (const Packet& packet : batch.packets()) {
        const ConstBytes octets = packet.bytes();
        all.emplace_back(octets.begin(), octets.end());
      }
      batch.Clear();
    }
  }

  PacketPool pool_{{.packets = 128, .payload = 2000}};
  WorkerStats stats_;
  std::unique_ptr<MemoryPort> near_;
  std::unique_ptr<MemoryPort> far_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_WIRE_PORT_FIXTURE_H_
