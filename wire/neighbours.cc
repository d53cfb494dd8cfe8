// SPDX-License-Identifier: Apache-2.0

#include "wire/neighbours.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

namespace postern {

Neighbours::Answer Neighbours::Find(const IpAddress& neighbour, Instant now,
                                    Standing standing) {
  auto found = entries_.find(neighbour);
  Answer answer;
  if (found == entries_.end()) {
    if (standing == Standing::kAnyone && !newcomers_.Take(now)) {
      answer.is_refused = true;
      return answer;
    }
    answer.dropped = MakeRoom();
    found = entries_.try_emplace(neighbour).first;
    answer.question = Ask(neighbour, found->second, now);
  }
  Entry& entry = found->second;
  entry.used = now;
  if (!entry.mac) {
    return answer;
  }
  if (now < entry.until) {
    answer.way = Way{*entry.mac, entry.until};
    return answer;
  }
  if (entry.asked == 0) {
    answer.question = Ask(neighbour, entry, now);
  }
  // Tick() may be late; who asks for each packet would wait for the lock.
  constexpr Duration kAtLeast = std::chrono::milliseconds(1);
  answer.way = Way{*entry.mac, std::max(entry.due, now + kAtLeast)};
  return answer;
}

Neighbours::Question Neighbours::Ask(const IpAddress& neighbour, Entry& entry,
                                     Instant now) {
  asking_ += entry.asked++ == 0 ? 1U : 0U;
  entry.due = now + rules_.retransmit;
  next_due_ = Earlier(next_due_, entry.due);
  return {neighbour, entry.mac};
}

std::size_t Neighbours::Hold(const IpAddress& neighbour, Frame frame) {
  const auto found = entries_.find(neighbour);
  if (found == entries_.end() || held_ >= rules_.held_in_all) {
    return 1;
  }
  std::deque<Frame>& held = found->second.held;
  held.push_back(std::move(frame));
  if (held.size() > rules_.held_each) {
    held.pop_front();
    return 1;
  }
  ++held_;
  return 0;
}

Neighbours::Frames Neighbours::Learn(const Report& report, Instant now) {
  const auto found = entries_.find(report.neighbour);
  if (found == entries_.end() || (!found->second.mac && !report.mac)) {
    return {};
  }
  Update(found->second, report, now);
  return TakeHeld(found->second);
}

// RFC 4861 7.2.5.
void Neighbours::Update(Entry& entry, const Report& report, Instant now) {
  const bool answered = report.occasion == Report::Occasion::kAnswered;
  const bool is_new = !entry.mac;
  const bool differs = !is_new && report.mac && *report.mac != *entry.mac;
  if (differs && report.claim == Report::Claim::kCastsDoubt) {
    changes_ += entry.until > now ? 1U : 0U;
    entry.until = std::min(entry.until, now);
    return;
  }
  if (is_new || differs) {
    entry.mac = report.mac;
    entry.until = now;  // until he answers
    changes_ += differs ? 1U : 0U;
  }
  if (answered) {
    entry.until = now + rules_.reachable;
  }
  if (answered || is_new || differs) {
    StopAsking(entry);
  }
}

void Neighbours::StopAsking(Entry& entry) {
  asking_ -= entry.asked > 0 ? 1U : 0U;
  entry.asked = 0;
  if (asking_ == 0) {
    next_due_.reset();
  }
}

Neighbours::Frames Neighbours::TakeHeld(Entry& entry) {
  held_ -= entry.held.size();
  Frames frames(std::move_iterator(entry.held.begin()),
                std::move_iterator(entry.held.end()));
  entry.held.clear();
  return frames;
}

Neighbours::Lapse Neighbours::Tick(Instant now) {
  Lapse lapse;
  next_due_.reset();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto here = at++;
    Entry& entry = here->second;
    if (entry.asked == 0) {
      continue;
    }
    if (now < entry.due) {
      next_due_ = Earlier(next_due_, entry.due);
      continue;
    }
    if (entry.asked < rules_.questions) {
      lapse.questions.push_back(Ask(here->first, entry, now));
    } else {
      lapse.dropped += Forget(here);
    }
  }
  return lapse;
}

std::size_t Neighbours::Forget(Entries::iterator entry) {
  const std::size_t dropped = entry->second.held.size();
  StopAsking(entry->second);
  held_ -= dropped;
  changes_ += entry->second.mac ? 1U : 0U;
  entries_.erase(entry);
  return dropped;
}

// First those who never answered, then who was not used for longest.
std::size_t Neighbours::MakeRoom() {
  if (entries_.size() < rules_.entries) {
    return 0;
  }
  const auto worth = [](const Entries::value_type& entry) {
    return std::tuple(entry.second.mac.has_value(), entry.second.used);
  };
  return Forget(std::min_element(entries_.begin(), entries_.end(),
                                 [&](const auto& one, const auto& other) {
                                   return worth(one) < worth(other);
                                 }));
}

}  // namespace postern
