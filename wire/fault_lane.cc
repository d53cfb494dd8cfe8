// SPDX-License-Identifier: Apache-2.0

#include "wire/fault_lane.h"

#include <utility>

namespace postern {
namespace {

constexpr unsigned kPerMille = 1000;

FaultLane::Copy CopyOf(const Packet& packet) {
  const ConstBytes octets = packet.bytes();
  return {{octets.begin(), octets.end()}};
}

}  // namespace

FaultLane::FaultLane(const FaultPlan& plan, std::uint64_t seed) : plan_(plan) {
  std::uint64_t number = seed * kFaults;
  for (std::mt19937_64& numbers : numbers_) {
    numbers.seed(number++);
  }
}

std::vector<FaultLane::Item> FaultLane::Pass(Batch& batch, WorkerStats& stats) {
  std::vector<Item> out;
  for (Packet& packet : batch) {
    PassOne(std::move(packet), out, stats);
  }
  batch.Clear();
  return out;
}

// Not a standard distribution: those differ between libraries.
bool FaultLane::Happens(Fault fault, unsigned per_mille) {
  return numbers_[fault]() % kPerMille < per_mille;
}

// How many later packets must pass before this one does.
std::size_t FaultLane::PacketsToWait() {
  const bool reorder = Happens(kReorder, plan_.reorder_per_mille);
  const bool delay = Happens(kDelay, plan_.delay_per_mille);
  if (delay) {
    ++counts_.delayed;
    return plan_.delay_packets;
  }
  counts_.reordered += reorder ? 1 : 0;
  return reorder ? 1 : 0;
}

void FaultLane::PassOne(Packet packet, std::vector<Item>& out,
                        WorkerStats& stats) {
  const bool flip = Happens(kFlip, plan_.flip_per_mille);
  const bool duplicate = Happens(kDuplicate, plan_.duplicate_per_mille);
  if (Happens(kDrop, plan_.drop_per_mille)) {
    packet.Release();
    stats.Drop(DropReason::kFaultInjected);
    ++counts_.dropped;
    ReleaseDue(out);
    return;
  }
  if (flip) {
    FlipOneBit(packet);
  }
  const std::size_t wait = PacketsToWait();
  std::vector<Item> second;
  if (duplicate) {
    ++counts_.duplicated;
    second.emplace_back(CopyOf(packet));
  }
  if (wait == 0) {
    out.emplace_back(std::move(packet));
    ReleaseDue(out);
  } else {
    ReleaseDue(out);
    held_.push_back({CopyOf(packet), wait});
    packet.Release();
  }
  for (Item& item : second) {
    out.push_back(std::move(item));
  }
}

void FaultLane::FlipOneBit(Packet& packet) {
  if (packet.size() == 0) {
    return;
  }
  constexpr std::size_t kOctetBits = 8;
  const std::uint64_t bit = numbers_[kFlip]() % (packet.size() * kOctetBits);
  packet.bytes()[bit / kOctetBits] ^=
      static_cast<std::uint8_t>(1U << (bit % kOctetBits));
  ++counts_.flipped;
}

// One more packet has passed.
void FaultLane::ReleaseDue(std::vector<Item>& out) {
  std::vector<Held> still;
  for (Held& held : held_) {
    if (--held.packets_to_wait == 0) {
      out.emplace_back(std::move(held.copy));
    } else {
      still.push_back(std::move(held));
    }
  }
  held_ = std::move(still);
}

}  // namespace postern
