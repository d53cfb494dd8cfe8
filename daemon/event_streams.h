// SPDX-License-Identifier: Apache-2.0
//
// EventStreams send subscribers of the EventFeed what it has for them, each over
// its connection of a SocketServer and as fast as the client reads. A client
// that does not read keeps its connection and loses events (event_feed.h).
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_EVENT_STREAMS_H_
#define POSTERN_DAEMON_EVENT_STREAMS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "daemon/event_feed.h"
#include "daemon/event_loop.h"
#include "daemon/socket_server.h"

namespace postern {

class EventStreams {
 public:
  using ConnectionId = SocketServer::ConnectionId;

  // So that those who follow leave room for those who ask.
  static constexpr std::size_t kMost = 32;

  EventStreams(EventLoop& loop, SocketServer& server)
      : loop_(loop), server_(server) {}

  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // From now on this connection gets events, as answers to that request, until
  // either side closes it. Errors: kExhausted.
  Status Begin(ConnectionId to, std::uint32_t request_id,
               std::unique_ptr<EventFeed::Subscription> subscription);

  bool Has(ConnectionId id) const { return streams_.contains(id); }

  // The connection was closed.
  void End(ConnectionId id);

  std::size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    std::uint32_t request_id = 0;
    std::unique_ptr<EventFeed::Subscription> subscription;
    std::optional<std::string> unsent;
    enum class Waits : std::uint8_t { kForNews, kForRoom };
    Waits waits = Waits::kForNews;
  };

  void SendLater(ConnectionId to);
  void Continue(ConnectionId to);
  void Send(ConnectionId to, Stream& stream);

  EventLoop& loop_;
  SocketServer& server_;
  std::unordered_map<ConnectionId, Stream> streams_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_EVENT_STREAMS_H_
