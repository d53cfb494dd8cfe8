// SPDX-License-Identifier: Apache-2.0
//
// Neighbours remembers which Ethernet address the hosts on a link have, as ARP
// and Neighbour Discovery tell it, and keeps packets while it is asked for:
//
//     Find()   not known   -> a question to all; who sends waits with Hold()
//              known       -> a way, good for some time
//              known once  -> the way, and a question to it alone
//     Learn()  an answer   -> what was held may leave
//     Tick()   no answer   -> the question again, after the third none: forgotten,
//                             and what was held is dropped
//
// It is RFC 4861 7.3 without its state DELAY, for both families (RFC 1122 2.3.2
// asks the same of ARP). Only who was asked for is ever learnt, so that nobody on
// the link fills this memory; who makes the host ask for many pushes out those who
// have not answered first, and is slowed down (RFC 6583).
//
// Thread safety: thread-compatible. Cost: a hash look-up; Tick() and a Find() when
// it is full walk over all.

#ifndef POSTERN_WIRE_NEIGHBOURS_H_
#define POSTERN_WIRE_NEIGHBOURS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/net/ip_address.h"
#include "core/token_bucket.h"
#include "wire/mac_address.h"

namespace postern {

class Neighbours {
 public:
  using Frame = std::vector<std::uint8_t>;
  using Frames = std::vector<Frame>;

  struct Rules {
    Duration reachable = std::chrono::seconds(30);  // REACHABLE_TIME
    Duration retransmit = std::chrono::seconds(1);  // RETRANS_TIMER
    unsigned questions = 3;                         // MAX_*_SOLICIT
    std::size_t entries = 1024;
    std::size_t held_each = 64;
    std::size_t held_in_all = 1024;
    // Of new neighbours, for each of whom all on the link are asked.
    TokenBucket::Rate newcomers = {.burst = 64,
                                   .refill = std::chrono::milliseconds(5)};
  };

  struct Question {
    IpAddress target;
    std::optional<MacAddress> to;  // empty: everybody
  };

  struct Way {
    MacAddress mac;
    Instant until;  // then Find() again
  };

  struct Answer {
    std::optional<Way> way;
    std::optional<Question> question;  // to be sent
    std::size_t dropped = 0;           // held packets that made room
    // Whether there are too many newcomers just now for this one: he is not asked
    // for, and nothing is held for him.
    bool is_refused = false;
  };

  // What somebody said of himself.
  struct Report {
    // Whether he answered us: then he hears us.
    enum class Occasion : std::uint8_t { kAnswered, kHeard };
    // What becomes of another address that is known.
    enum class Claim : std::uint8_t { kReplaces, kCastsDoubt };

    IpAddress neighbour;
    std::optional<MacAddress> mac;  // empty: that which is known
    Occasion occasion = Occasion::kHeard;
    Claim claim = Claim::kReplaces;
  };

  struct Lapse {
    std::vector<Question> questions;  // to be sent
    std::size_t dropped = 0;          // held packets, for want of an answer
  };

  Neighbours() : Neighbours(Rules()) {}

  explicit Neighbours(const Rules& rules)
      : rules_(rules), newcomers_(rules.newcomers) {}

  // Of the host's gateways kAlwaysWanted: they are no newcomers.
  enum class Standing : std::uint8_t { kAnyone, kAlwaysWanted };

  Answer Find(const IpAddress& neighbour, Instant now,
              Standing standing = Standing::kAnyone);

  // Keeps the frame until the answer; returns how many had to go for it, itself
  // included. REQUIRES: the last Find() of this neighbour gave no way.
  std::size_t Hold(const IpAddress& neighbour, Frame frame);

  // Returns what was held for him, in order.
  Frames Learn(const Report& report, Instant now);

  Lapse Tick(Instant now);

  // When Tick() has something to do, at the earliest.
  std::optional<Instant> NextDue() const { return next_due_; }

  bool Knows(const IpAddress& neighbour) const {
    return entries_.contains(neighbour);
  }

  // How often a way that Find() gave ended before its time.
  std::uint64_t changes() const { return changes_; }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::optional<MacAddress> mac;
    Instant until{};     // reachable; with `mac`
    Instant due{};       // the next question; while asked > 0
    unsigned asked = 0;  // in a row, without an answer
    Instant used{};
    std::deque<Frame> held;
  };

  using Entries = std::unordered_map<IpAddress, Entry>;

  Question Ask(const IpAddress& neighbour, Entry& entry, Instant now);
  std::size_t MakeRoom();
  std::size_t Forget(Entries::iterator entry);
  Frames TakeHeld(Entry& entry);
  void StopAsking(Entry& entry);
  void Update(Entry& entry, const Report& report, Instant now);

  Rules rules_;
  TokenBucket newcomers_;
  std::optional<Instant> next_due_;
  std::size_t asking_ = 0;  // entries with asked > 0
  Entries entries_;
  std::size_t held_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace postern

#endif  // POSTERN_WIRE_NEIGHBOURS_H_
