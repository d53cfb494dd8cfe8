// SPDX-License-Identifier: Apache-2.0
//
// When the first thread of a pair lends its inbound lane to the second
// (daemon/lane_pair.h), and when the second gives it back.
//
//     lent         when the first thread had `packets` packets in no more than
//                  `rounds` rounds in a row, and both lanes some since it last
//                  found nothing
//     given back   when neither thread has had as many for `quiet`
//
// A round takes a batch of each lane. A thread that keeps up with what comes finds
// nothing after a few rounds, or a packet or two in each: a ping and its answer
// are two rounds, and a conversation whose other end has the same core may go on
// without an empty one, but never has more than a packet on its way. A thread
// that falls behind finds more the longer it takes. So neither time is counted nor
// rounds alone: a thread that is kept from its core, or wakes a thousand times a
// second for one packet each, has too little to do for two. A TUN's queue holds
// 500 packets and then loses them; 256 leave as much time as they took. Bulk has
// packets in both lanes since somebody acknowledges it; what goes one way only
// would occupy one thread, whichever.
//
// Lending costs two system calls and what the other core's cache lacks, giving
// back the same. A load between what one thread can do and what keeps one of two
// busy changes hands at most 1 / `quiet` times a second. `quiet` is longer than a
// crowded machine keeps a thread from its core, in which it cannot be busy.
//
// Thread safety: Worker-confined, each thread its own. Cost: no clock is read.

#ifndef POSTERN_DAEMON_LOAN_RULES_H_
#define POSTERN_DAEMON_LOAN_RULES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace postern {

struct LoanRules {
  std::size_t rounds = 32;
  std::size_t packets = 256;
  Duration quiet = std::chrono::milliseconds(50);
};

// How many packets a round found.
struct RoundCatch {
  std::size_t outbound = 0;
  std::size_t inbound = 0;
};

// Whether a thread has more to do than it gets done.
class BusyRounds {
 public:
  enum class Load : std::uint8_t { kLittle, kOneWay, kBothWays };

  explicit BusyRounds(const LoanRules& rules)
      : rounds_(rules.rounds), packets_(rules.packets) {}

  // After each round. Something else than kLittle each time that it is as much as
  // the rules say; both ways if both lanes had some since there was nothing.
  Load Round(const RoundCatch& found) {
    const std::size_t packets = found.outbound + found.inbound;
    if (packets == 0) {
      row_ = {};
      return Load::kLittle;
    }
    row_.outbound |= found.outbound != 0;
    row_.inbound |= found.inbound != 0;
    row_.rounds += 1;
    row_.packets += packets;
    const bool many = row_.packets >= packets_;
    if (many || row_.rounds == rounds_) {
      row_.rounds = 0;
      row_.packets = 0;
    }
    if (!many) {
      return Load::kLittle;
    }
    return row_.outbound && row_.inbound ? Load::kBothWays : Load::kOneWay;
  }

 private:
  struct Row {
    std::size_t rounds = 0;
    std::size_t packets = 0;
    bool outbound = false;
    bool inbound = false;
  };

  std::size_t rounds_;
  std::size_t packets_;
  Row row_;
};

// For how long neither thread has been busy, as the second one sees it.
class QuietTime {
 public:
  explicit QuietTime(const LoanRules& rules) : enough_(rules.quiet) {}

  // This thread's BusyRounds say that it is busy.
  void Busy() { since_.reset(); }

  // After a round at `now`, unless Busy() was called for it; the other thread has
  // been busy as often as `times_busy` says. Returns whether to give the lane back; the next call is
  // then about the next loan.
  bool Over(Instant now, std::uint32_t times_busy) {
    if (!since_ || times_busy != times_busy_) {
      since_ = now;
      times_busy_ = times_busy;
    }
    if (now - *since_ < enough_) {
      return false;
    }
    since_.reset();
    return true;
  }

 private:
  Duration enough_;
  std::optional<Instant> since_;
  std::uint32_t times_busy_ = 0;  // at `since_`
};

}  // namespace postern

#endif  // POSTERN_DAEMON_LOAN_RULES_H_
