// SPDX-License-Identifier: Apache-2.0
//
// A SocketJournal writes down what a SocketTable holds, so that a daemon that
// was killed finds it again (state/socket_store.h is the real one). One record
// is one policy: a socket's, or that of a half-open connection.
//
//     auto line = journal.Add(record);       setsockopt, inbound SYN
//     journal.SetLevel(*line, ...);          before packets see it
//     journal.SetCookie(*line, cookie);      the child's cookie is known
//     journal.SetFlow(*line, flow);
//     journal.SetWishes(*line, octets);
//     journal.Retire(*line);                 the kernel says it is gone
//     journal.Remove(*line);                 forgotten at last
//
// When a call returns, its change survives the death of the process. A process
// that dies within a call leaves the record as it was before, or as it is
// after; never a third.
//
// Thread safety: Thread-safe.
// Cost: Add() and SetWishes() may take memory, and a system call once in a
// while; the others are stores into memory and cannot fail.

#ifndef POSTERN_POLICY_SOCKET_JOURNAL_H_
#define POSTERN_POLICY_SOCKET_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/error.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "policy/level.h"

namespace postern {

struct SocketRecord {
  // Who gave the levels: a program, for this very socket; or its listener.
  enum class Origin : std::uint8_t { kAsked, kInherited };
  enum class Standing : std::uint8_t { kLive, kRetired };

  // None: a half-open connection.
  std::optional<SocketCookie> cookie = std::nullopt;
  std::optional<FlowKey> flow = std::nullopt;
  LevelSet levels = {};
  Origin origin = Origin::kAsked;
  Standing standing = Standing::kLive;
  // What else the socket asked for, as the policy layer writes it.
  std::vector<std::uint8_t> wishes = {};

  friend bool operator==(const SocketRecord&, const SocketRecord&) = default;
};

class SocketJournal {
 public:
  // Names a record. A number is never given twice, so that a line which
  // outlives its record changes nobody else's. Number 0 is no line.
  struct Line {
    std::uint64_t number = 0;
    std::uint32_t place = 0;
  };

  static constexpr std::size_t kMostWishes = 4096;  // octets

  virtual ~SocketJournal() = default;

  // Errors: kExhausted (no room), kInvalid (more than kMostWishes).
  virtual Result<Line> Add(const SocketRecord& record) = 0;

  // The socket's levels are its own from now on (Origin::kAsked).
  virtual void SetLevel(Line line, Category category, Level level) = 0;
  virtual void SetCookie(Line line, SocketCookie cookie) = 0;
  virtual void SetFlow(Line line, const std::optional<FlowKey>& flow) = 0;
  // Errors: as Add(); then the old ones hold.
  virtual Status SetWishes(Line line, ConstBytes wishes) = 0;
  virtual void Retire(Line line) = 0;
  virtual void Remove(Line line) = 0;

  // Every record, in no order. `visit` must not call the journal.
  using Visit = std::function<void(Line, const SocketRecord&)>;
  virtual void ForEach(const Visit& visit) const = 0;
};

// One policy's line in a journal, or in none: then nothing is written.
//
// Thread safety: a plain value.
class JournalLine {
 public:
  JournalLine() = default;

  JournalLine(std::shared_ptr<SocketJournal> journal, SocketJournal::Line line)
      : journal_(std::move(journal)), line_(line) {}

  void SetLevel(Category category, Level level) const {
    if (journal_) {
      journal_->SetLevel(line_, category, level);
    }
  }

  void SetCookie(SocketCookie cookie) const {
    if (journal_) {
      journal_->SetCookie(line_, cookie);
    }
  }

  void SetFlow(const std::optional<FlowKey>& flow) const {
    if (journal_) {
      journal_->SetFlow(line_, flow);
    }
  }

  Status SetWishes(ConstBytes wishes) const {
    return journal_ ? journal_->SetWishes(line_, wishes) : Ok();
  }

  void Retire() const {
    if (journal_) {
      journal_->Retire(line_);
    }
  }

  void Remove() const {
    if (journal_) {
      journal_->Remove(line_);
    }
  }

 private:
  std::shared_ptr<SocketJournal> journal_;
  SocketJournal::Line line_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_JOURNAL_H_
