// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_table.h"

#include <list>
#include <unordered_map>
#include <utility>

#include "core/mutex.h"

namespace postern {
namespace {

// Cookies are the kernel's counter: nobody outside chooses them.
struct CookieHash {
  std::size_t operator()(SocketCookie cookie) const {
    return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(cookie));
  }
};

Error Exhausted() {
  return {ErrorCode::kExhausted,
          "The socket table is full: close sockets that have levels, or raise "
          "the daemon's limit."};
}

}  // namespace

SocketPolicy::SocketPolicy(const LevelSet& levels,
                           std::shared_ptr<LevelCensus> census)
    : packed_(levels.Pack()), census_(std::move(census)) {
  if (census_) {
    census_->Enter(levels);
  }
}

SocketPolicy::~SocketPolicy() {
  if (census_) {
    census_->Leave(levels());
  }
}

void SocketPolicy::SetLevel(Category category, Level level) {
  std::uint32_t seen = packed();
  for (;;) {
    LevelSet wanted = LevelSet::Unpack(seen);
    wanted.Set(category, level);
    // Counted before it can be seen, so that the census is never too weak.
    if (census_) {
      census_->Enter(wanted);
    }
    const bool set = packed_.compare_exchange_weak(seen, wanted.Pack(),
                                                   std::memory_order_acq_rel);
    if (census_) {
      census_->Leave(set ? LevelSet::Unpack(seen) : wanted);
    }
    if (set) {
      return;
    }
  }
}

// Every flow entry is in one of two states: waiting, with a place in the queue
// that ends kHalfOpen later, or bound to a cookie, whose entry names it.
struct SocketTable::Tables {
  struct Waiting {
    FlowKey flow;
    Instant since;
  };

  struct Retired {
    SocketCookie cookie;
    Instant since;
  };

  struct SocketEntry {
    SocketPolicyRef policy;
    std::optional<FlowKey> flow;  // its entry in `flows`, if it has one
    bool retired = false;
  };

  struct FlowEntry {
    SocketPolicyRef policy;
    std::optional<SocketCookie> cookie;
    std::list<Waiting>::iterator waiting;  // meaningful without a cookie
  };

  explicit Tables(const Limits& bounds) : limits(bounds) {}

  bool Full() const POSTERN_REQUIRES(mutex) {
    return sockets.size() + waiting.size() >= limits.sockets;
  }

  SocketPolicyRef Find(SocketCookie cookie) POSTERN_REQUIRES(mutex) {
    const auto found = sockets.find(cookie);
    return found == sockets.end() ? nullptr : found->second.policy;
  }

  void Erase(const FlowKey& flow) POSTERN_REQUIRES(mutex) {
    const auto found = flows.find(flow);
    if (found == flows.end()) {
      return;
    }
    if (!found->second.cookie) {
      waiting.erase(found->second.waiting);
    } else if (const auto owner = sockets.find(*found->second.cookie);
               owner != sockets.end()) {
      owner->second.flow.reset();
    }
    flows.erase(found);
  }

  // Makes `flow` the one of this socket, with this socket's policy. False when
  // it was that already.
  bool Attach(SocketCookie cookie, SocketEntry& socket, const FlowKey& flow)
      POSTERN_REQUIRES(mutex) {
    if (socket.flow == flow) {
      return false;
    }
    if (socket.flow) {
      flows.erase(*socket.flow);
    }
    Erase(flow);
    flows.emplace(flow, FlowEntry{socket.policy, cookie, {}});
    socket.flow = flow;
    return true;
  }

  // True when the socket had no entry before.
  bool Bind(SocketCookie cookie, const FlowKey& flow,
            const SocketPolicyRef& policy) POSTERN_REQUIRES(mutex) {
    const auto [entry, fresh] = sockets.try_emplace(cookie);
    if (fresh) {
      entry->second.policy = policy;
    }
    Attach(cookie, entry->second, flow);
    return fresh;
  }

  // What the flow inherited and no cookie took yet.
  SocketPolicyRef Unclaimed(const FlowKey& flow) POSTERN_REQUIRES(mutex) {
    const auto found = flows.find(flow);
    const bool free = found != flows.end() && !found->second.cookie;
    return free ? found->second.policy : nullptr;
  }

  const Limits limits;
  mutable Mutex mutex;
  std::unordered_map<SocketCookie, SocketEntry, CookieHash> sockets
      POSTERN_GUARDED_BY(mutex);
  std::unordered_map<FlowKey, FlowEntry> flows POSTERN_GUARDED_BY(mutex);
  std::list<Waiting> waiting POSTERN_GUARDED_BY(mutex);  // oldest first
  std::list<Retired> retired POSTERN_GUARDED_BY(mutex);  // oldest first
};

SocketTable::SocketTable() : SocketTable(Limits{}) {}

SocketTable::SocketTable(const Limits& limits)
    : census_(std::make_shared<LevelCensus>()),
      tables_(std::make_unique<Tables>(limits)) {}

SocketTable::~SocketTable() = default;

Result<SocketPolicyRef> SocketTable::Obtain(SocketCookie cookie) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  if (SocketPolicyRef known = tables.Find(cookie)) {
    return known;
  }
  if (tables.Full()) {
    return Exhausted();
  }
  auto policy = std::make_shared<SocketPolicy>(LevelSet(), census_);
  tables.sockets[cookie].policy = policy;
  NoteChange();
  return policy;
}

Result<SocketPolicyRef> SocketTable::Obtain(SocketCookie cookie,
                                            const FlowKey& flow) {
  if (SocketPolicyRef adopted = Adopt(cookie, flow)) {
    return adopted;
  }
  return Obtain(cookie);
}

SocketPolicyRef SocketTable::Find(SocketCookie cookie) const {
  const MutexLock lock(tables_->mutex);
  return tables_->Find(cookie);
}

Result<SocketPolicyRef> SocketTable::Inherit(const FlowKey& flow,
                                             const LevelSet& levels,
                                             Instant now) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  // A repeated SYN takes the place of its own first one.
  const bool replaces = tables.Unclaimed(flow) != nullptr;
  if (!replaces &&
      (tables.Full() || tables.waiting.size() >= tables.limits.inherited)) {
    return Exhausted();
  }
  tables.Erase(flow);
  auto policy = std::make_shared<SocketPolicy>(levels, census_);
  const auto place = tables.waiting.insert(tables.waiting.end(), {flow, now});
  tables.flows.emplace(flow, Tables::FlowEntry{policy, std::nullopt, place});
  NoteChange();
  return policy;
}

SocketPolicyRef SocketTable::FindFlow(const FlowKey& flow) const {
  const MutexLock lock(tables_->mutex);
  const auto found = tables_->flows.find(flow);
  return found == tables_->flows.end() ? nullptr : found->second.policy;
}

SocketPolicyRef SocketTable::Adopt(SocketCookie cookie, const FlowKey& flow) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  if (SocketPolicyRef known = tables.Find(cookie)) {
    return known;
  }
  SocketPolicyRef inherited = tables.Unclaimed(flow);
  if (inherited) {
    tables.Bind(cookie, flow, inherited);
    NoteChange();
  }
  return inherited;
}

void SocketTable::Bind(SocketCookie cookie, const FlowKey& flow,
                       const SocketPolicyRef& policy) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  if (tables.Bind(cookie, flow, policy)) {
    NoteChange();
  }
}

void SocketTable::Remember(SocketCookie cookie, const FlowKey& flow) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  const auto socket = tables.sockets.find(cookie);
  if (socket != tables.sockets.end() &&
      tables.Attach(cookie, socket->second, flow)) {
    NoteChange();
  }
}

void SocketTable::ForgetFlow(const FlowKey& flow) {
  const MutexLock lock(tables_->mutex);
  tables_->Erase(flow);
}

void SocketTable::Retire(SocketCookie cookie, Instant now) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  NoteChange();
  const auto socket = tables.sockets.find(cookie);
  if (socket != tables.sockets.end() && !socket->second.retired) {
    socket->second.retired = true;
    tables.retired.push_back({cookie, now});
  }
}

void SocketTable::NoteRebinding() {
  NoteChange();
}

void SocketTable::Age(Instant now) {
  Tables& tables = *tables_;
  const MutexLock lock(tables.mutex);
  while (!tables.waiting.empty() &&
         now - tables.waiting.front().since >= kHalfOpen) {
    const FlowKey flow = tables.waiting.front().flow;
    tables.Erase(flow);
  }
  while (!tables.retired.empty() &&
         now - tables.retired.front().since >= kLinger) {
    const auto socket = tables.sockets.find(tables.retired.front().cookie);
    if (socket->second.flow) {
      tables.flows.erase(*socket->second.flow);
    }
    tables.sockets.erase(socket);
    tables.retired.pop_front();
  }
}

std::size_t SocketTable::sockets() const {
  const MutexLock lock(tables_->mutex);
  return tables_->sockets.size();
}

std::size_t SocketTable::flows() const {
  const MutexLock lock(tables_->mutex);
  return tables_->flows.size();
}

void SocketTable::Dump(
    const std::function<void(SocketCookie, const LevelSet&)>& visit) const {
  const MutexLock lock(tables_->mutex);
  for (const auto& [cookie, socket] : tables_->sockets) {
    visit(cookie, socket.policy->levels());
  }
}

}  // namespace postern
