#include "core/seq/replay_window.h"

#include <algorithm>
#include <cstdlib>

namespace postern {
namespace {

constexpr std::size_t kWordBits = 64;

std::uint64_t BitOf(std::uint64_t seq) {
  return std::uint64_t{1} << (seq % kWordBits);
}

}  // namespace

ReplayWindow::ReplayWindow(std::size_t size, Numbers numbers)
    : size_(size), numbers_(numbers), ring_(size / kWordBits + 1) {
  if (size == 0 || size % kWordBits != 0) {
    std::abort();
  }
}

Result<ReplayTicket> ReplayWindow::Check(std::uint32_t wire_seq) const {
  const std::uint64_t seq = Infer(wire_seq);
  if (Status judged = Judge(seq); !judged.ok()) {
    return judged.error();
  }
  return ReplayTicket(seq);
}

Status ReplayWindow::Commit(ReplayTicket ticket, const AuthProof& /*proof*/) {
  const std::uint64_t seq = ticket.seq();
  if (Status judged = Judge(seq); !judged.ok()) {
    return judged;
  }
  if (seq > highest_) {
    SlideTo(seq);
  }
  WordOf(seq) |= BitOf(seq);
  return OkStatus();
}

// RFC 4303 A2.1. The window's left edge is `bottom`; in case A the window lies
// within one 2^32 subspace, in case B it straddles two.
std::uint64_t ReplayWindow::Infer(std::uint32_t wire_seq) const {
  if (numbers_ == Numbers::k32Bit) {
    return wire_seq;
  }
  const auto low = static_cast<std::uint32_t>(highest_);
  auto high = static_cast<std::uint32_t>(highest_ >> 32);
  const auto bottom = static_cast<std::uint32_t>(low - size_ + 1);
  const bool within_one_subspace = low >= size_ - 1;  // case A

  if (within_one_subspace) {
    if (wire_seq < bottom) {
      ++high;
    }
  } else if (high != 0 && wire_seq >= bottom) {  // case B; nothing precedes 0
    --high;
  }
  return (std::uint64_t{high} << 32) | wire_seq;
}

Status ReplayWindow::Judge(std::uint64_t seq) const {
  if (seq == 0) {
    return Error::kSequenceZero;
  }
  if (seq > highest_) {
    return OkStatus();
  }
  if (highest_ - seq >= size_) {
    return Error::kReplayTooOld;
  }
  return Seen(seq) ? Status(Error::kReplayDuplicate) : OkStatus();
}

void ReplayWindow::SlideTo(std::uint64_t seq) {
  const std::uint64_t from = highest_ / kWordBits;
  const std::uint64_t to = seq / kWordBits;
  const std::uint64_t stale = std::min<std::uint64_t>(to - from, ring_.size());
  for (std::uint64_t i = 1; i <= stale; ++i) {
    ring_[(from + i) % ring_.size()] = 0;
  }
  highest_ = seq;
}

std::uint64_t& ReplayWindow::WordOf(std::uint64_t seq) {
  return ring_[(seq / kWordBits) % ring_.size()];
}

bool ReplayWindow::Seen(std::uint64_t seq) const {
  return (ring_[(seq / kWordBits) % ring_.size()] & BitOf(seq)) != 0;
}

}  // namespace postern
