// SPDX-License-Identifier: Apache-2.0
//
// The service behind admin.sock (control/admin_protocol.h): receives requests,
// lets AdminVerbs obey them, and sends answers in parts, as fast as the client
// reads them and no faster. Refusals are told as {"code":...,"message":...}.
// Who asks for events gets them until he leaves (daemon/event_streams.h).
//
// The socket's permissions admit root only; the kernel's word about the peer is
// checked besides.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_ADMIN_SERVER_H_
#define POSTERN_DAEMON_ADMIN_SERVER_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include "daemon/admin_verbs.h"
#include "daemon/event_loop.h"
#include "daemon/event_streams.h"
#include "daemon/socket_server.h"

namespace postern {

class AdminServer {
 public:
  AdminServer(EventLoop& loop, UniqueFd listener, AdminVerbs& verbs);

  const SocketServer& connections() const { return server_; }

  std::size_t monitors() const { return streams_.size(); }

 private:
  using ConnectionId = SocketServer::ConnectionId;

  // An answer on its way to one client.
  struct Sending {
    std::uint32_t request_id = 0;
    AdminReply reply;
    std::string text;  // what was made but not sent yet
    enum class Made : std::uint8_t { kPartly, kWholly };
    Made made = Made::kPartly;
  };

  void Take(SocketServer::Message message);
  void Follow(ConnectionId to, std::uint32_t request_id, AdminReply reply);
  void Refuse(ConnectionId to, std::uint32_t request_id, const Error& error);
  void Continue(ConnectionId to);
  static void Fill(Sending& sending);

  std::unordered_map<ConnectionId, Sending> sending_;
  AdminVerbs& verbs_;
  SocketServer server_;
  EventStreams streams_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_ADMIN_SERVER_H_
