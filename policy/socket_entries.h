// SPDX-License-Identifier: Apache-2.0
//
// What is behind a SocketTable's lock: the entries of sockets and connections,
// the queues in which they wait for their time, and the journal that is told of
// every change before it is made here. For socket_table.cc alone.
//
// Thread safety: Thread-safe through `mutex`, as annotated.

#ifndef POSTERN_POLICY_SOCKET_ENTRIES_H_
#define POSTERN_POLICY_SOCKET_ENTRIES_H_

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/mutex.h"
#include "policy/socket_table.h"

namespace postern {

// Cookies are the kernel's counter: nobody outside chooses them.
struct CookieHash {
  std::size_t operator()(SocketCookie cookie) const {
    return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(cookie));
  }
};

// Every flow entry is in one of two states: waiting, with a place in the queue
// that ends kHalfOpen later, or bound to a cookie, whose entry names it.
struct SocketEntries {
  struct Waiting {
    FlowKey flow;
    Instant since;
  };

  struct Dated {
    SocketCookie cookie;
    Instant since;
  };

  struct Socket {
    SocketPolicyRef policy;
    std::optional<FlowKey> flow;  // its entry in `flows`, if it has one
    bool retired = false;
  };

  struct Connection {
    SocketPolicyRef policy;
    std::optional<SocketCookie> cookie;
    std::list<Waiting>::iterator waiting;  // meaningful without a cookie
  };

  explicit SocketEntries(const SocketTable::Limits& bounds) : limits(bounds) {}

  bool Full() const POSTERN_REQUIRES(mutex) {
    return sockets.size() + waiting.size() >= limits.sockets;
  }

  // A policy with its line in the journal. Errors: kExhausted.
  Result<SocketPolicyRef> Write(const SocketRecord& record,
                                const std::shared_ptr<LevelCensus>& census)
      POSTERN_REQUIRES(mutex) {
    SocketPolicy::Books books{.census = census,
                              .line = {},
                              .origin = record.origin,
                              .cookie = record.cookie};
    if (journal) {
      const Result<SocketJournal::Line> line = journal->Add(record);
      if (!line.ok()) {
        return line.error();
      }
      books.line = JournalLine(journal, *line);
    }
    return std::make_shared<SocketPolicy>(record.levels, std::move(books));
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
      found->second.policy->line().Remove();
      waiting.erase(found->second.waiting);
    } else if (const auto owner = sockets.find(*found->second.cookie);
               owner != sockets.end()) {
      owner->second.policy->line().SetFlow(std::nullopt);
      owner->second.flow.reset();
    }
    flows.erase(found);
  }

  // Makes `flow` the one of this socket, with this socket's policy. False when
  // it was that already.
  bool Attach(SocketCookie cookie, Socket& socket, const FlowKey& flow)
      POSTERN_REQUIRES(mutex) {
    if (socket.flow == flow) {
      return false;
    }
    if (socket.flow) {
      flows.erase(*socket.flow);
    }
    Erase(flow);
    socket.policy->line().SetFlow(flow);
    flows.emplace(flow, Connection{socket.policy, cookie, {}});
    socket.flow = flow;
    return true;
  }

  // Binds what the flow inherited, and no cookie took yet, to this one. Null
  // when there is nothing.
  SocketPolicyRef Claim(SocketCookie cookie, const FlowKey& flow)
      POSTERN_REQUIRES(mutex) {
    const auto found = flows.find(flow);
    if (found == flows.end() || found->second.cookie) {
      return nullptr;
    }
    Connection& entry = found->second;
    entry.policy->BindTo(cookie);
    entry.cookie = cookie;
    sockets[cookie] = Socket{entry.policy, flow};
    doubted.push_back({cookie, entry.waiting->since});
    waiting.erase(entry.waiting);
    return entry.policy;
  }

  bool Waits(const FlowKey& flow) POSTERN_REQUIRES(mutex) {
    const auto found = flows.find(flow);
    return found != flows.end() && !found->second.cookie;
  }

  static bool MayBeDoubted(const Socket& socket) {
    return !socket.retired &&
           socket.policy->origin() == SocketRecord::Origin::kInherited;
  }

  // False when another record has claimed the socket or the flow before.
  bool Resume(const SocketRecord& record, const SocketPolicyRef& policy,
              Instant now) POSTERN_REQUIRES(mutex) {
    const bool gone = record.standing == SocketRecord::Standing::kRetired;
    if (record.cookie) {
      Socket entry{policy, record.flow, gone};
      if (!sockets.emplace(*record.cookie, std::move(entry)).second) {
        return false;
      }
      if (gone) {
        retired.push_back({*record.cookie, now});
      }
    }
    if (!record.flow) {
      return true;
    }
    Connection entry{policy, record.cookie, {}};
    if (!record.cookie) {
      entry.waiting = waiting.insert(waiting.end(), {*record.flow, now});
    }
    return flows.emplace(*record.flow, std::move(entry)).second;
  }

  const SocketTable::Limits limits;
  mutable Mutex mutex;
  std::unordered_map<SocketCookie, Socket, CookieHash> sockets
      POSTERN_GUARDED_BY(mutex);
  std::unordered_map<FlowKey, Connection> flows POSTERN_GUARDED_BY(mutex);
  std::list<Waiting> waiting POSTERN_GUARDED_BY(mutex);  // oldest first
  std::list<Dated> retired POSTERN_GUARDED_BY(mutex);    // oldest first
  std::deque<Dated> doubted POSTERN_GUARDED_BY(mutex);   // about oldest first
  std::unordered_map<FlowKey, Instant> reopened POSTERN_GUARDED_BY(mutex);
  std::optional<Instant> resumed POSTERN_GUARDED_BY(mutex);
  std::shared_ptr<SocketJournal> journal POSTERN_GUARDED_BY(mutex);
};

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_ENTRIES_H_
