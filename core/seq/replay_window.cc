// SPDX-License-Identifier: Apache-2.0

#include "core/seq/replay_window.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace postern {
namespace {

constexpr std::size_t kWordBits = 64;

// The widest window that the inference allows (RFC 4303 A2). With replay
// checking off it stands in for the window: the number nearest to the highest.
constexpr std::uint64_t kInferenceSpan = std::uint64_t{1} << 31;

std::uint64_t BitOf(std::uint64_t seq) {
  return std::uint64_t{1} << (seq % kWordBits);
}

// Words such that the window and the word ahead of it never share one.
std::size_t WordsFor(std::size_t size, ReplayCheck check) {
  return check == ReplayCheck::kOff
             ? 0
             : std::bit_ceil((size + kWordBits - 1) / kWordBits + 1);
}

}  // namespace

ReplayWindow::ReplayWindow(std::size_t size, SequenceNumbers numbers,
                           ReplayCheck check, const ReplayHistory& history)
    : size_(size),
      numbers_(numbers),
      check_(check),
      highest_(history.highest),
      ring_(WordsFor(size, check)) {
  if (check == ReplayCheck::kOff) {
    return;
  }
  if (size == 0 || size > kMaxSize) {
    std::abort();
  }
  if (history.older == ReplayHistory::Older::kSeen) {
    MarkAllSeen();
  } else {
    ring_[IndexOf(highest_)] |= BitOf(highest_);
  }
}

Opinion<ReplayTicket> ReplayWindow::Check(std::uint32_t wire_seq) const {
  const std::optional<std::uint64_t> seq = Infer(wire_seq);
  if (!seq.has_value()) {
    return DropReason::kReplayTooOld;
  }
  if (const Passage judged = Judge(*seq); !judged.ok()) {
    return judged.error();
  }
  return ReplayTicket(*seq);
}

Passage ReplayWindow::Commit(ReplayTicket ticket, const AuthProof& /*proof*/) {
  const std::uint64_t seq = ticket.seq();
  if (const Passage judged = Judge(seq); !judged.ok()) {
    return judged;
  }
  if (seq > highest_) {
    SlideTo(seq);
  }
  if (check_ == ReplayCheck::kOn) {
    ring_[IndexOf(seq)] |= BitOf(seq);
  }
  return Pass();
}

// RFC 4303 A2.2. `bottom` is the low half of the window's left edge. In case A
// the window lies within one subspace of 2^32 numbers, in case B it straddles
// two; then a low half at or above `bottom` belongs to the lower one. There is
// none below the first: such a number was never sent.
std::optional<std::uint64_t> ReplayWindow::Infer(std::uint32_t wire_seq) const {
  if (numbers_ == SequenceNumbers::k32Bit) {
    return wire_seq;
  }
  const std::uint64_t span =
      check_ == ReplayCheck::kOn ? size_ : kInferenceSpan;
  const auto low = static_cast<std::uint32_t>(highest_);
  const auto high = static_cast<std::uint32_t>(highest_ >> 32);
  const auto bottom = static_cast<std::uint32_t>(low - span + 1);
  const auto in_subspace = [wire_seq](std::uint32_t upper) {
    return (std::uint64_t{upper} << 32) | wire_seq;
  };

  const bool within_one_subspace = low >= span - 1;  // case A
  if (within_one_subspace) {
    return in_subspace(wire_seq >= bottom ? high : high + 1);
  }
  if (wire_seq < bottom) {
    return in_subspace(high);
  }
  if (high != 0) {
    return in_subspace(high - 1);
  }
  return check_ == ReplayCheck::kOn ? std::nullopt
                                    : std::optional(in_subspace(0));
}

Passage ReplayWindow::Judge(std::uint64_t seq) const {
  if (check_ == ReplayCheck::kOff) {
    return Pass();
  }
  if (seq == 0) {
    return DropReason::kReplayZero;
  }
  if (seq > highest_) {
    return Pass();
  }
  if (highest_ - seq >= size_) {
    return DropReason::kReplayTooOld;
  }
  return Seen(seq) ? Passage(DropReason::kReplayDuplicate) : Pass();
}

void ReplayWindow::MarkAllSeen() {
  const std::uint64_t count = std::min<std::uint64_t>(size_, highest_);
  for (std::uint64_t i = 0; i < count; ++i) {
    ring_[IndexOf(highest_ - i)] |= BitOf(highest_ - i);
  }
}

void ReplayWindow::SlideTo(std::uint64_t seq) {
  const std::uint64_t from = highest_ / kWordBits;
  const std::uint64_t to = seq / kWordBits;
  const std::uint64_t stale = std::min<std::uint64_t>(to - from, ring_.size());
  for (std::uint64_t i = 1; i <= stale; ++i) {
    ring_[(from + i) & (ring_.size() - 1)] = 0;
  }
  highest_ = seq;
}

std::size_t ReplayWindow::IndexOf(std::uint64_t seq) const {
  return (seq / kWordBits) & (ring_.size() - 1);
}

bool ReplayWindow::Seen(std::uint64_t seq) const {
  return (ring_[IndexOf(seq)] & BitOf(seq)) != 0;
}

}  // namespace postern
