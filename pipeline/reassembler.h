// SPDX-License-Identifier: Apache-2.0
//
// A Reassembler puts the fragments of IP datagrams together again (RFC 791 3.2,
// RFC 8200 4.5), so that AH and ESP see whole packets (RFC 4301 5.2, 4302 3.4.1,
// 4303 3.4.1).
//
//     fragment ──▶ Take() ─┬─ kWaits       its octets are copied, let it go
//                          ├─ kMadeWhole   it was the last that was missing: the
//                          │               packet is the datagram now
//                          └─ a DropReason
//
// Fragments belong together that have the same ends and identification, in IPv4
// the same protocol, and came the same way (Way). Two that overlap spoil their
// datagram: what came of it and what is still to come is dropped until its time
// is over (RFC 5722; for IPv4, too, where RFC 791 would take either: whoever
// overlaps wants to be read in two ways). The very same fragment again harms
// nothing. A hole that is not filled in time ends the datagram, and so do newer
// ones for which there is no room otherwise, the source's own first.
//
// Anybody can send fragments in clear; those that an SA brought were proven. One
// kind never pushes the other below half of the places: no crowd of forged ones
// ends a proven datagram, and no peer shuts out what comes in clear.
//
// What is put together has no fragment header, MF and offset are 0 (FRAG-11), and
// congestion marks are what RFC 3168 5.3 makes of all of them. The other fields
// are those of the first fragment.
//
// Limits: nothing grows. A datagram has at most kMostPieces fragments and what a
// pool's packet holds, kMostOctets.
//
// Thread safety: Worker-confined. All fragments of a datagram must come to one
// Reassembler: whoever spreads packets over several must do it by addresses.
// Cost: a copy of the fragment; a walk over the datagrams that wait.

#ifndef POSTERN_PIPELINE_REASSEMBLER_H_
#define POSTERN_PIPELINE_REASSEMBLER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/net/fragment_place.h"
#include "core/packet/packet.h"
#include "core/stats.h"
#include "pipeline/audit_sink.h"

namespace postern {

class Reassembler {
 public:
  static constexpr std::size_t kMostPieces = 64;
  static constexpr std::size_t kMostOctets = 9216;  // a pool's payload
  static constexpr std::size_t kMostHeader = 512;

  // REQUIRES: datagrams >= 2, none is 0.
  struct Limits {
    std::size_t datagrams = 128;  // each takes 10 KiB
    std::size_t per_source = 32;  // and origin
    // From its first fragment on. RFC 8200 has 60 s, RFC 1122 60 to 120; as
    // Linux does it, since identifications of IPv4 come again soon.
    Duration time = std::chrono::seconds(30);
  };

  // How a fragment came: the SAs that were removed from it, or whose it is.
  // Fragments of different ways are never put together.
  struct Way {
    enum class Origin : std::uint8_t { kAnybody, kProven };

    std::array<std::uint64_t, 4> by{};
    Origin origin = Origin::kAnybody;

    friend bool operator==(const Way&, const Way&) = default;
  };

  enum class Taken : std::uint8_t { kWaits, kMadeWhole };

  // `audit` is told of datagrams that are given up; null: nobody is.
  Reassembler(const Limits& limits, AuditSink* audit, WorkerStats& stats,
              Direction direction = Direction::kInbound);

  // `view` is the packet's. The datagrams that it ends are counted, fragment by
  // fragment. After kMadeWhole the view is out of date.
  // REQUIRES: view.fragment() is not kWhole; `now` never goes back.
  // Errors: kBadFragment, kFragmentOverlap, kFragmentDuplicate,
  //   kReassemblyTooBig, kReassemblyOverflow, kEcnViolation, kNoHeadroom.
  Opinion<Taken> Take(Packet& packet, const IpView& view, const Way& way,
                      Instant now);

  // Whether fragments of this one's datagram wait here.
  bool Knows(const IpView& view, ConstBytes octets, const Way& way) const;

  // Gives up what has waited too long: kReassemblyTimeout.
  void Expire(Instant now) {
    if (used_ != 0 && now >= earliest_) {
      GiveUpDue(now);
    }
  }

  // When Expire() has something to do.
  std::optional<Instant> NextDeadline() const {
    return used_ == 0 ? std::nullopt : std::optional(earliest_);
  }

  // Datagrams that wait, or are spoilt.
  std::size_t size() const { return used_; }

 private:
  struct Key {
    IpAddress source;
    IpAddress destination;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;  // IPv4 only
    Way way{};

    friend bool operator==(const Key&, const Key&) = default;
  };

  // A range of the datagram's data.
  struct Piece {
    std::size_t offset = 0;
    std::size_t size = 0;

    std::size_t end() const { return offset + size; }
  };

  struct Datagram {
    enum class State : std::uint8_t { kFree, kGathering, kSpoilt };

    State state = State::kFree;
    DropReason spoilt_by{};  // kSpoilt
    Key key;
    Instant deadline;
    std::uint64_t serial = 0;   // the oldest has the least
    std::uint8_t protocol = 0;  // for the audit
    std::array<Piece, kMostPieces> pieces;
    std::size_t count = 0;
    std::size_t octets = 0;          // of all pieces
    std::optional<std::size_t> end;  // where the data ends, if it is known
    std::uint8_t marks = 0;          // the ECN fields seen, 1 << field
    // Of the first fragment: what stands before the data.
    std::array<std::uint8_t, kMostHeader> header;
    std::size_t header_size = 0;
    std::size_t protocol_offset = 0;
    std::uint8_t first_protocol = 0;

    bool complete() const {
      return header_size != 0 && end.has_value() && octets == *end;
    }
  };

  static Key KeyOf(const IpView& view, const FragmentPlace& place,
                   const Way& way);
  static Passage CheckAlone(const IpView& view, const FragmentPlace& place,
                            ConstBytes octets);
  static Passage CheckHeaders(const IpView& view, const FragmentPlace& place,
                              ConstBytes octets);
  static Passage CheckFit(const Datagram& datagram, const Piece& piece,
                          const FragmentPlace& place, ConstBytes octets,
                          ConstBytes before);
  Bytes BufferOf(const Datagram& datagram);
  Datagram* Find(const Key& key);
  Datagram& Make(const Key& key, std::uint8_t protocol, Instant now);
  Datagram& Vacate(const Key& key, Instant now);
  void Gather(Datagram& datagram, const IpView& view,
              const FragmentPlace& place, ConstBytes octets);
  Passage Rebuild(Datagram& datagram, Packet& packet);
  void GiveUpDue(Instant now);
  void GiveUp(Datagram& datagram, DropReason reason, Instant now);
  void Free(Datagram& datagram);

  const Limits limits_;
  AuditSink* audit_;
  const Direction direction_;
  WorkerStats& stats_;
  std::vector<Datagram> datagrams_;
  std::unique_ptr<std::uint8_t[]> buffers_;  // kMostOctets for each
  std::size_t used_ = 0;
  std::uint64_t last_serial_ = 0;
  Instant earliest_{};  // no deadline is before it
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_REASSEMBLER_H_
