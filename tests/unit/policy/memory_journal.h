// SPDX-License-Identifier: Apache-2.0
//
// A SocketJournal in a map: what a daemon that was killed would have left.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_TESTS_UNIT_POLICY_MEMORY_JOURNAL_H_
#define POSTERN_TESTS_UNIT_POLICY_MEMORY_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "policy/socket_journal.h"

namespace postern {

class MemoryJournal : public SocketJournal {
 public:
  explicit MemoryJournal(std::size_t room = 1000) : room_(room) {}

  Result<Line> Add(const SocketRecord& record) override {
    if (records_.size() >= room_) {
      return Error{ErrorCode::kExhausted, "no room"};
    }
    const Line line{.number = ++last_, .place = 0};
    records_[line.number] = record;
    return line;
  }

  void SetLevel(Line line, Category category, Level level) override {
    records_.at(line.number).levels.Set(category, level);
    records_.at(line.number).origin = SocketRecord::Origin::kAsked;
    if (on_level) {
      on_level();
    }
  }

  void SetCookie(Line line, SocketCookie cookie) override {
    records_.at(line.number).cookie = cookie;
  }

  void SetFlow(Line line, const std::optional<FlowKey>& flow) override {
    records_.at(line.number).flow = flow;
  }

  Status SetWishes(Line line, ConstBytes wishes) override {
    records_.at(line.number).wishes.assign(wishes.begin(), wishes.end());
    return Ok();
  }

  void Retire(Line line) override {
    records_.at(line.number).standing = SocketRecord::Standing::kRetired;
  }

  void Remove(Line line) override { records_.erase(line.number); }

  void ForEach(const Visit& visit) const override {
    for (const auto& [number, record] : records_) {
      visit({.number = number, .place = 0}, record);
    }
  }

  std::size_t size() const { return records_.size(); }

  // Called after a level was written.
  std::function<void()> on_level;

 private:
  const std::size_t room_;
  std::map<std::uint64_t, SocketRecord> records_;
  std::uint64_t last_ = 0;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_POLICY_MEMORY_JOURNAL_H_
