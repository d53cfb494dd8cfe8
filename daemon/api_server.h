// SPDX-License-Identifier: Apache-2.0
//
// The service behind api.sock: levels and wishes of sockets, for everybody
// (control/api_protocol.h, control/wish_protocol.h). A client passes its socket; the kernel says which
// one that is, and our copy is closed before anything else happens, since a
// kept one would hold back the application's FIN.
//
// The promise of setsockopt(): when the reply to SetLevel (or a wish) has been sent, every
// later packet obeys the new level. Replies therefore wait for one grace
// period; requests that arrive together share it.
//
// Errno values beyond those of SocketLevels: ENOTSOCK for a descriptor that is no
// socket, EOPNOTSUPP for a socket that is not of IP.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_API_SERVER_H_
#define POSTERN_DAEMON_API_SERVER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "control/api_protocol.h"
#include "daemon/event_loop.h"
#include "daemon/privilege_rule.h"
#include "daemon/socket_levels.h"
#include "daemon/socket_server.h"
#include "daemon/wish_calls.h"

namespace postern {

class ApiServer {
 public:
  struct Parts {
    EventLoop& loop;
    SocketLevels& levels;
    WishCalls& wishes;
    const PrivilegeRule& privilege;
    // What binds packets has changed, and no worker uses the old any more.
    std::function<void()> on_change = [] {};
  };

  ApiServer(const Parts& parts, UniqueFd listener);
  ApiServer(const Parts& parts, UniqueFd listener,
            const SocketServer::Limits& limits);

  const SocketServer& connections() const { return server_; }

 private:
  struct Waiting {
    SocketServer::ConnectionId to;
    std::vector<std::uint8_t> reply;
  };

  void Take(SocketServer::Message message);
  void TakeWish(SocketServer::Message message);
  SocketLevels::Outcome Obey(const ApiRequest& request,
                             SocketServer::Message message);
  WishCalls::Outcome Obey(const WishRequest& request,
                          SocketServer::Message message);
  bool IsPrivileged(const SocketServer::Message& message) const;
  void Reply(SocketServer::ConnectionId to, ConstBytes reply,
             SocketLevels::Visible visible);
  void Send(SocketServer::ConnectionId to, ConstBytes reply);
  void ReplyToWaiting();

  const Parts parts_;
  std::vector<Waiting> waiting_;
  SocketServer server_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_API_SERVER_H_
