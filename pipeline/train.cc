// SPDX-License-Identifier: Apache-2.0

#include "pipeline/train.h"

#include <algorithm>
#include <utility>

namespace postern {

SaUsage Train::usage() const {
  SaUsage usage{.octets = 0, .packets = size()};
  for (const OutboundJob& job : std::span(jobs_).first(size())) {
    usage.octets += job.packet->size();
  }
  return usage;
}

bool Train::AnyFailed() const {
  return std::ranges::any_of(
      std::span(jobs_).first(size()),
      [](const OutboundJob& job) { return !job.outcome.ok(); });
}

void Train::DropFailed(WorkerStats& stats) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    OutboundJob& job = jobs_[i];
    if (!job.outcome.ok()) {
      stats.Drop(job.outcome.error());
      job.packet->Release();
      continue;
    }
    if (kept != i) {
      OutboundJob& place = jobs_[kept];
      *place.packet = std::move(*job.packet);
      place.seq = job.seq;
      place.outcome = Pass();
    }
    ++kept;
  }
  packets_.Truncate(kept);
}

void Train::SplitOff(std::size_t first, std::vector<Packet>& rest) {
  for (Packet& packet : packets_.packets().subspan(first)) {
    rest.push_back(std::move(packet));
  }
  packets_.Truncate(first);
}

void Train::UnloadTo(Batch& out) {
  for (Packet& packet : packets_.packets()) {
    out.Push(std::move(packet));
  }
  packets_.Truncate(0);
}

}  // namespace postern
