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
// are not on the wire (Appendix A2.1).
//
// Storage is a ring of 64-bit words with one spare word, so that advancing
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
#include <vector>

#include "core/crypto/auth_proof.h"
#include "core/result.h"

namespace postern {

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
  enum class Numbers : std::uint8_t { k32Bit, kExtended };

  // REQUIRES: size is a positive multiple of 64.
  ReplayWindow(std::size_t size, Numbers numbers);

  // Judges the number found on the wire without recording it.
  // Errors: kSequenceZero, kReplayTooOld, kReplayDuplicate.
  Result<ReplayTicket> Check(std::uint32_t wire_seq) const;

  // Records the ticket's number and slides the window if it is the highest.
  // Errors: as Check(), when another packet was committed in between.
  Status Commit(ReplayTicket ticket, const AuthProof& proof);

  std::uint64_t highest() const { return highest_; }

  std::size_t size() const { return size_; }

 private:
  std::uint64_t Infer(std::uint32_t wire_seq) const;
  Status Judge(std::uint64_t seq) const;
  void SlideTo(std::uint64_t seq);

  std::uint64_t& WordOf(std::uint64_t seq);
  bool Seen(std::uint64_t seq) const;

  // Immutable after construction.
  std::size_t size_;
  Numbers numbers_;

  // Invariant: the bit of n is set iff n was committed, for every n in
  // (highest_ - size_, highest_]. Bits of other numbers mean nothing.
  std::uint64_t highest_ = 0;
  std::vector<std::uint64_t> ring_;
};

}  // namespace postern

#endif  // POSTERN_CORE_SEQ_REPLAY_WINDOW_H_
