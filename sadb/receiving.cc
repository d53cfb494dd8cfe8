// SPDX-License-Identifier: Apache-2.0

#include "sadb/receiving.h"

#include <utility>

namespace postern {

Receiving::Receiving(const SaParameters& parameters, std::uint64_t highest)
    : window_(
          parameters.replay_window, parameters.numbers,
          parameters.replay_window == 0 ? ReplayCheck::kOff : ReplayCheck::kOn,
          {.highest = highest, .older = ReplayHistory::Older::kSeen}) {}

void Receiving::Check(std::span<ReceivedNumber> numbers) {
  const MutexLock lock(mutex_);
  for (ReceivedNumber& number : numbers) {
    if (!number.outcome.ok()) {
      continue;
    }
    Opinion<ReplayTicket> ticket = window_.Check(number.wire_seq);
    if (ticket.ok()) {
      number.ticket = std::move(ticket).value();
    } else {
      number.outcome = ticket.error();
      replays_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

SaUsage Receiving::Commit(std::span<ReceivedNumber> numbers) {
  SaUsage accepted{};
  const MutexLock lock(mutex_);
  for (ReceivedNumber& number : numbers) {
    if (!number.outcome.ok()) {
      continue;
    }
    number.outcome = window_.Commit(*std::move(number.ticket), *number.proof);
    if (number.outcome.ok()) {
      accepted.octets += number.octets;
      ++accepted.packets;
    } else {
      replays_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return accepted;
}

std::uint64_t Receiving::highest() const {
  const MutexLock lock(mutex_);
  return window_.highest();
}

}  // namespace postern
