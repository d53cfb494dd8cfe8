// SPDX-License-Identifier: Apache-2.0
//
// What one worker has done. Each worker writes its own counters; anybody may
// read them at any time and add them up.
//
// Thread safety: one writer, any number of readers (relaxed atomics; a reader
// may see one counter newer than another).
// Cost: a load and a store to memory that no other worker writes.

#ifndef POSTERN_CORE_STATS_H_
#define POSTERN_CORE_STATS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/drop_reason.h"

namespace postern {

// What is counted besides drops.
enum class Count : std::uint8_t {
  kOutboundPackets,    // read from the TUN
  kOutboundClear,      // sent without any transform
  kOutboundProtected,  // sent with at least one
  kOutboundOctets,     // of packets sent on the wire
  kInboundPackets,     // read from the wire
  kInboundClear,       // delivered without any transform
  kInboundProtected,   // delivered after at least one was removed
  kInboundOctets,      // of packets written to the TUN
  kEspSealed,
  kEspOpened,
  kAhSigned,
  kAhVerified,
  kOwnerLookups,    // questions put to the kernel
  kAcquires,        // SAs asked for
  kOutboundHeld,    // packets that waited for an SA
  kFragmentsTaken,  // to be put together
  kReassembled,     // packets that were
  kPacketsCut,      // into fragments, on their way out
  kFragmentsSent,
  kTooBigTold,      // ICMP errors to the host's own programs,
  kDiscardsTold,    // and those about what was not sent for another reason
  kPathMtuLowered,  // by a believed ICMP error
  kDummiesSent,     // packets that mean nothing
  kUnusedEcn,       // marks that nobody should send, out of a tunnel
  // Of the TUN with offload: what stood for several packets, and for how many.
  kSuperPacketsRead,
  kSegmentsRead,
  kSuperPacketsWritten,
  kSegmentsWritten,
  // Of a udp or packet wire; a train is several datagrams that pass the kernel as
  // one.
  kWireSendCalls,      // sendmmsg()
  kWireDatagramsSent,  // alone or in trains
  kWireTrainsSent,
  kWireReceiveCalls,       // recvmmsg() that brought something
  kWireDatagramsReceived,  // alone or in trains
  kWireTrainsReceived,
  // Of a packet or tap wire.
  kNeighbourQuestions,  // who has an address, asked
  kNeighbourAnswers,    // and answered
  kAddressConflicts,    // somebody else claimed the host's
};

inline constexpr std::size_t kCountCount =
    static_cast<std::size_t>(Count::kAddressConflicts) + 1;

// "outbound_packets", ...: the name used in JSON and metrics.
std::string_view NameOf(Count count);

class alignas(64) WorkerStats {
 public:
  WorkerStats() = default;
  WorkerStats(const WorkerStats&) = delete;
  WorkerStats& operator=(const WorkerStats&) = delete;

  void Add(Count count, std::uint64_t by = 1) {
    Bump(counts_[static_cast<std::size_t>(count)], by);
  }

  void Drop(DropReason reason) {
    Bump(drops_[static_cast<std::size_t>(reason)], 1);
  }

  std::uint64_t of(Count count) const {
    return counts_[static_cast<std::size_t>(count)].load(
        std::memory_order_relaxed);
  }

  std::uint64_t of(DropReason reason) const {
    return drops_[static_cast<std::size_t>(reason)].load(
        std::memory_order_relaxed);
  }

 private:
  using Cell = std::atomic<std::uint64_t>;

  // One writer: a plain add is enough, and cheaper than a locked one.
  static void Bump(Cell& cell, std::uint64_t by) {
    cell.store(cell.load(std::memory_order_relaxed) + by,
               std::memory_order_relaxed);
  }

  std::array<Cell, kCountCount> counts_{};
  std::array<Cell, kDropReasonCount> drops_{};
};

}  // namespace postern

#endif  // POSTERN_CORE_STATS_H_
