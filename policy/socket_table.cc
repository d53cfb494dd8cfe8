// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_table.h"

#include <utility>

#include "policy/socket_entries.h"

namespace postern {
namespace {

Error Exhausted() {
  return {ErrorCode::kExhausted,
          "The socket table is full: close sockets that have levels, or raise "
          "the daemon's limit."};
}

Error Damaged() {
  return Invalid("two records claim one socket or one connection");
}

}  // namespace

SocketTable::SocketTable() : SocketTable(Limits{}) {}

SocketTable::SocketTable(const Limits& limits)
    : census_(std::make_shared<LevelCensus>()),
      entries_(std::make_unique<SocketEntries>(limits)) {}

SocketTable::~SocketTable() = default;

Status SocketTable::ResumeFrom(std::shared_ptr<SocketJournal> journal,
                               Instant now) {
  SocketEntries& entries = *entries_;
  {
    const MutexLock lock(entries.mutex);
    entries.journal = std::move(journal);
    bool unique = true;
    Status wishes = Ok();
    entries.journal->ForEach(
        [&](SocketJournal::Line line,
            const SocketRecord& record) POSTERN_REQUIRES(entries.mutex) {
          const auto policy = std::make_shared<SocketPolicy>(
              record.levels,
              SocketPolicy::Books{.census = census_,
                                  .line = JournalLine(entries.journal, line),
                                  .origin = record.origin,
                                  .cookie = record.cookie});
          unique = entries.Resume(record, policy, now) && unique;
          if (Status read = policy->ResumeWishes(record.wishes); !read.ok()) {
            wishes = read;
          } else if (!record.wishes.empty()) {
            NoteWish();
          }
        });
    if (!entries.sockets.empty() || !entries.flows.empty()) {
      entries.resumed = now;
      anybody_.store(true, std::memory_order_release);
    }
    if (!unique) {
      return Damaged();
    }
    if (!wishes.ok()) {
      return wishes;
    }
    NoteChange();
  }
  DoubtConnections(now);
  return Ok();
}

Result<SocketPolicyRef> SocketTable::Obtain(SocketCookie cookie) {
  return ObtainAs(SocketRecord::Origin::kAsked, cookie, Instant());
}

Result<SocketPolicyRef> SocketTable::ObtainForRule(SocketCookie cookie,
                                                   Instant now) {
  return ObtainAs(SocketRecord::Origin::kInherited, cookie, now);
}

Result<SocketPolicyRef> SocketTable::ObtainAs(SocketRecord::Origin origin,
                                              SocketCookie cookie,
                                              Instant now) {
  if (const Status prepared = PrepareForFirst(); !prepared.ok()) {
    return prepared.error();
  }
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  if (SocketPolicyRef known = entries.Find(cookie)) {
    return known;
  }
  if (entries.Full()) {
    return Exhausted();
  }
  Result<SocketPolicyRef> policy =
      entries.Write({.cookie = cookie, .origin = origin}, census_);
  if (policy.ok()) {
    entries.sockets[cookie].policy = *policy;
    if (origin == SocketRecord::Origin::kInherited) {
      entries.doubted.push_back({cookie, now});
    }
    NoteEntry();
  }
  return policy;
}

Status SocketTable::PrepareForFirst() const {
  return anybody() || !before_first_ ? Ok() : before_first_();
}

Result<SocketPolicyRef> SocketTable::Obtain(SocketCookie cookie,
                                            const FlowKey& flow) {
  if (SocketPolicyRef adopted = Adopt(cookie, flow)) {
    return adopted;
  }
  return Obtain(cookie);
}

SocketPolicyRef SocketTable::Find(SocketCookie cookie) const {
  const MutexLock lock(entries_->mutex);
  return entries_->Find(cookie);
}

Result<SocketPolicyRef> SocketTable::Inherit(const FlowKey& flow,
                                             const LevelSet& levels,
                                             Instant now) {
  if (const Status prepared = PrepareForFirst(); !prepared.ok()) {
    return prepared.error();
  }
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  // A repeated SYN takes the place of its own first one.
  if (!entries.Waits(flow) &&
      (entries.Full() || entries.waiting.size() >= entries.limits.inherited)) {
    return Exhausted();
  }
  entries.Erase(flow);
  Result<SocketPolicyRef> policy =
      entries.Write({.flow = flow,
                     .levels = levels,
                     .origin = SocketRecord::Origin::kInherited},
                    census_);
  if (policy.ok()) {
    const auto place =
        entries.waiting.insert(entries.waiting.end(), {flow, now});
    entries.flows.emplace(
        flow, SocketEntries::Connection{*policy, std::nullopt, place});
    NoteEntry();
  }
  return policy;
}

SocketPolicyRef SocketTable::FindFlow(const FlowKey& flow) const {
  const MutexLock lock(entries_->mutex);
  const auto found = entries_->flows.find(flow);
  return found == entries_->flows.end() ? nullptr : found->second.policy;
}

bool SocketTable::HasUnclaimed(const FlowKey& flow) const {
  const MutexLock lock(entries_->mutex);
  return entries_->Waits(flow);
}

SocketPolicyRef SocketTable::Adopt(SocketCookie cookie, const FlowKey& flow) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  if (SocketPolicyRef known = entries.Find(cookie)) {
    return known;
  }
  SocketPolicyRef inherited = entries.Claim(cookie, flow);
  if (inherited) {
    NoteChange();
  }
  return inherited;
}

void SocketTable::Remember(SocketCookie cookie, const FlowKey& flow) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  const auto socket = entries.sockets.find(cookie);
  if (socket != entries.sockets.end() &&
      entries.Attach(cookie, socket->second, flow)) {
    NoteChange();
  }
}

void SocketTable::ForgetFlow(const FlowKey& flow) {
  const MutexLock lock(entries_->mutex);
  entries_->Erase(flow);
}

bool SocketTable::NoteReopening(const FlowKey& flow, Instant now) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  const auto known = entries.reopened.find(flow);
  if (known != entries.reopened.end()) {
    known->second = now;
    return true;
  }
  if (entries.reopened.size() >= entries.limits.inherited) {
    return false;
  }
  entries.reopened.emplace(flow, now);
  return true;
}

bool SocketTable::MayBeReopened(const FlowKey& flow, Instant now) const {
  const SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  return entries.reopened.contains(flow) ||
         (entries.resumed && now - *entries.resumed < kHalfOpen);
}

void SocketTable::Retire(SocketCookie cookie, Instant now) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  NoteChange();
  const auto socket = entries.sockets.find(cookie);
  if (socket != entries.sockets.end() && !socket->second.retired) {
    socket->second.policy->line().Retire();
    socket->second.retired = true;
    entries.retired.push_back({cookie, now});
  }
}

void SocketTable::DoubtConnections(Instant now) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  entries.doubted.clear();
  for (const auto& [cookie, socket] : entries.sockets) {
    if (SocketEntries::MayBeDoubted(socket)) {
      entries.doubted.push_back({cookie, now});
    }
  }
}

std::vector<SocketTable::Connection> SocketTable::TakeDoubted(
    Instant now, std::size_t most) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  std::vector<Connection> taken;
  while (!entries.doubted.empty() && taken.size() < most &&
         now - entries.doubted.front().since >= kHalfOpen) {
    const SocketCookie cookie = entries.doubted.front().cookie;
    entries.doubted.pop_front();
    const auto socket = entries.sockets.find(cookie);
    if (socket != entries.sockets.end() &&
        SocketEntries::MayBeDoubted(socket->second)) {
      taken.push_back({cookie, socket->second.flow});
    }
  }
  return taken;
}

void SocketTable::Age(Instant now) {
  SocketEntries& entries = *entries_;
  const MutexLock lock(entries.mutex);
  while (!entries.waiting.empty() &&
         now - entries.waiting.front().since >= kHalfOpen) {
    const FlowKey flow = entries.waiting.front().flow;
    entries.Erase(flow);
  }
  std::erase_if(entries.reopened, [now](const auto& entry) {
    return now - entry.second >= kHalfOpen;
  });
  while (!entries.retired.empty() &&
         now - entries.retired.front().since >= kLinger) {
    const auto socket = entries.sockets.find(entries.retired.front().cookie);
    if (socket->second.flow) {
      entries.flows.erase(*socket->second.flow);
    }
    socket->second.policy->line().Remove();
    entries.sockets.erase(socket);
    entries.retired.pop_front();
  }
  if (entries.sockets.empty() && entries.flows.empty()) {
    anybody_.store(false, std::memory_order_release);
  }
}

std::size_t SocketTable::sockets() const {
  const MutexLock lock(entries_->mutex);
  return entries_->sockets.size();
}

std::size_t SocketTable::lingering() const {
  const MutexLock lock(entries_->mutex);
  return entries_->retired.size();
}

std::size_t SocketTable::flows() const {
  const MutexLock lock(entries_->mutex);
  return entries_->flows.size();
}

void SocketTable::Dump(
    const std::function<void(SocketCookie, const SocketPolicy&)>& visit) const {
  const MutexLock lock(entries_->mutex);
  for (const auto& [cookie, socket] : entries_->sockets) {
    visit(cookie, *socket.policy);
  }
}

}  // namespace postern
