// SPDX-License-Identifier: Apache-2.0
//
// A ReplayWindow remembers which sequence numbers of one inbound SA have been
// accepted, and refuses them a second time (RFC 4303 3.4.3, Appendix A).
//
// Receiving is a two-step protocol and the types enforce its order:
//
//     ticket = window.Check(wire_seq)             changes nothing
//     opened = opener.Open(packet, ticket.seq())  verifies; yields a proof
//     window.Commit(ticket, opened.proof)         alone moves the window
//
//            too old        | <------- size() -------> |   new
//     ----------------------+--------------------------+--------------> seq
//                                                highest()
//
// Check() also infers the upper 32 bits of an extended sequence number, which
// are not on the wire (Appendix A2.2). With replay checking off it still does,
// since the ICV covers them, but refuses nothing.
//
// Storage is a ring of 64-bit words with room to spare, so that advancing
// clears whole words and never shifts (RFC 6479).
//
// Thread safety: thread-compatible. The owning SA holds a lock around each
// call, not across the pair; Commit() therefore judges again, and of two
// packets with the same number exactly one wins.
// Cost: O(1) for Check(); O(words skipped), at most the ring, for Commit().
// Allocates only in the constructor.

#ifndef POSTERN_CORE_SEQ_REPLAY_WINDOW_H_
#define POSTERN_CORE_SEQ_REPLAY_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/ipsec.h"

namespace postern {

// Whether an SA's receiver checks for replays (RFC 4303 3.4.3).
enum class ReplayCheck : std::uint8_t { kOn, kOff };

// Where a window starts that is not new, for example after a restart.
struct ReplayHistory {
  // What is assumed of the numbers in the window below `highest`.
  enum class Older : std::uint8_t {
    kSeen,    // the safe answer: none of them is accepted again
    kUnseen,  // each may still arrive once
  };

  std::uint64_t highest = 0;  // the highest number accepted; 0: none yet
  Older older = Older::kSeen;
};

// Permission to try one sequence number. Made only by ReplayWindow::Check(),
// spent only by ReplayWindow::Commit().
class ReplayTicket {
 public:
  ReplayTicket(ReplayTicket&&) = default;
  ReplayTicket& operator=(ReplayTicket&&) = default;
  ReplayTicket(const ReplayTicket&) = delete;
  ReplayTicket& operator=(const ReplayTicket&) = delete;

  // The full 64-bit number; its upper half is zero without ESN.
  std::uint64_t seq() const { return seq_; }

 private:
  friend class ReplayWindow;

  explicit ReplayTicket(std::uint64_t seq) : seq_(seq) {}

  std::uint64_t seq_;
};

class ReplayWindow {
 public:
  static constexpr std::size_t kMaxSize = 65536;
  static constexpr std::size_t kDefaultSize = 64;

  // REQUIRES: 1 <= size <= kMaxSize, of any value when `check` is kOff.
  //   Checked in every build.
  ReplayWindow(std::size_t size, SequenceNumbers numbers,
               ReplayCheck check = ReplayCheck::kOn,
               const ReplayHistory& history = {});

  // Judges the number found on the wire without recording it.
  // Errors: kReplayZero, kReplayTooOld, kReplayDuplicate; none with kOff.
  Opinion<ReplayTicket> Check(std::uint32_t wire_seq) const;

  // Records the ticket's number and slides the window if it is the highest.
  // Errors: as Check(), when another packet was committed in between.
  Passage Commit(ReplayTicket ticket, const AuthProof& proof);

  // The highest number committed; 0 before the first.
  std::uint64_t highest() const { return highest_; }

  std::size_t size() const { return size_; }

  ReplayCheck check() const { return check_; }

 private:
  std::optional<std::uint64_t> Infer(std::uint32_t wire_seq) const;
  Passage Judge(std::uint64_t seq) const;
  void MarkAllSeen();
  void SlideTo(std::uint64_t seq);

  std::size_t IndexOf(std::uint64_t seq) const;
  bool Seen(std::uint64_t seq) const;

  // Immutable after construction.
  std::size_t size_;
  SequenceNumbers numbers_;
  ReplayCheck check_;

  // Invariant: the bit of n is set iff n was committed (or is held for seen
  // because of the history), for every n in (highest_ - size_, highest_], and
  // no bit of a number above highest_ in the same word is set. Bits of other
  // numbers mean nothing. The ring is empty with kOff.
  std::uint64_t highest_ = 0;
  std::vector<std::uint64_t> ring_;  // a power of two of words
};

}  // namespace postern

#endif  // POSTERN_CORE_SEQ_REPLAY_WINDOW_H_
