// SPDX-License-Identifier: Apache-2.0
//
// A Train is consecutive packets of one batch that the same decision binds: one
// flow, one sender, one bundle. Policy is asked once for all of them, and each SA
// gives their numbers and applies its transform to all of them at once.
//
//     decide ──▶ Begin(bundle), Add, Add, Add ... ──▶ step by step over jobs()
//
// Thread safety: Worker-confined.
// Cost: Add() is a move of the packet.

#ifndef POSTERN_PIPELINE_TRAIN_H_
#define POSTERN_PIPELINE_TRAIN_H_

#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "core/packet/batch.h"
#include "core/packet/outbound_job.h"
#include "core/stats.h"
#include "policy/bundle.h"

namespace postern {

class Train {
 public:
  static constexpr std::size_t kCapacity = Batch::kCapacity;

  Train() = default;
  Train(const Train&) = delete;
  Train& operator=(const Train&) = delete;

  bool empty() const { return packets_.empty(); }

  std::size_t size() const { return packets_.size(); }

  // Null: its packets leave in clear. Valid until policy decides anew.
  const Bundle* bundle() const { return bundle_; }

  // REQUIRES: it is empty. Checked in every build: what is in it would leave by a
  // decision that is not its own.
  void Begin(const Bundle* bundle) {
    if (!empty()) {
      std::abort();
    }
    bundle_ = bundle;
  }

  // REQUIRES: there is room.
  void Add(Packet packet) {
    OutboundJob& job = jobs_[size()];
    job.packet = packets_.end();
    job.outcome = Pass();
    packets_.Push(std::move(packet));
  }

  // One for each packet, in order.
  std::span<OutboundJob> jobs() { return std::span(jobs_).first(size()); }

  // Of all packets together.
  SaUsage usage() const;

  bool AnyFailed() const;

  // Takes out the packets whose job failed, each counted by its reason.
  void DropFailed(WorkerStats& stats);

  // Moves the packets from number `first` on to the end of `rest`.
  void SplitOff(std::size_t first, std::vector<Packet>& rest);

  // Moves every packet to the end of `out`; the train is empty.
  void UnloadTo(Batch& out);

 private:
  const Bundle* bundle_ = nullptr;
  Batch packets_;
  std::array<OutboundJob, kCapacity> jobs_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_TRAIN_H_
