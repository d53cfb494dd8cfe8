// SPDX-License-Identifier: Apache-2.0
//
// A FaultLane decides what happens to the packets of one direction of a
// FaultInjector (wire/fault_injector.h) and holds those it delays.
//
// Thread safety: Worker-confined.
// Cost: copies and allocates for what it duplicates or holds.

#ifndef POSTERN_WIRE_FAULT_LANE_H_
#define POSTERN_WIRE_FAULT_LANE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <variant>
#include <vector>

#include "core/packet/batch.h"
#include "core/packet/packet.h"
#include "core/stats.h"

namespace postern {

// How often each fault happens to a packet of one direction.
struct FaultPlan {
  unsigned drop_per_mille = 0;
  unsigned duplicate_per_mille = 0;
  unsigned reorder_per_mille = 0;  // change places with the next packet
  unsigned flip_per_mille = 0;     // one bit, anywhere in the packet
  unsigned delay_per_mille = 0;    // held until delay_packets more have passed
  std::size_t delay_packets = 3;
};

struct FaultCounts {
  std::uint64_t dropped = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t flipped = 0;
  std::uint64_t delayed = 0;

  friend bool operator==(const FaultCounts&, const FaultCounts&) = default;
};

class FaultLane {
 public:
  // Octets that outlive the pool they came from.
  struct Copy {
    std::vector<std::uint8_t> octets;
  };

  // What comes out: the packet that went in, or a copy.
  using Item = std::variant<Packet, Copy>;

  FaultLane(const FaultPlan& plan, std::uint64_t seed);

  // Takes every packet of the batch and leaves it empty; returns what comes out
  // now, in order.
  std::vector<Item> Pass(Batch& batch, WorkerStats& stats);

  const FaultCounts& counts() const { return counts_; }

 private:
  enum Fault : std::uint8_t { kDrop, kDuplicate, kReorder, kFlip, kDelay };

  static constexpr std::size_t kFaults = 5;

  struct Held {
    Copy copy;
    std::size_t packets_to_wait = 0;
  };

  bool Happens(Fault fault, unsigned per_mille);
  std::size_t PacketsToWait();
  void PassOne(Packet packet, std::vector<Item>& out, WorkerStats& stats);
  void FlipOneBit(Packet& packet);
  void ReleaseDue(std::vector<Item>& out);

  FaultPlan plan_;
  std::array<std::mt19937_64, kFaults> numbers_;
  std::vector<Held> held_;
  FaultCounts counts_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_FAULT_LANE_H_
