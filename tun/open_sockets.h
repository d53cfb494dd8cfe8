// SPDX-License-Identifier: Apache-2.0
//
// OpenSockets tells which of some sockets are still open somewhere, without
// keeping them open. The kernel announces the end of TCP and UDP sockets
// (tun/socket_watch.h), but not that of raw and ping sockets.
//
// They are entered into an epoll set: it holds no reference, survives the
// closing of our descriptor, and loses an entry exactly when the last
// descriptor of that socket, in whatever process, is closed. What it holds can
// be read in /proc/self/fdinfo (proc(5)). Nobody ever waits on it.
//
// Thread safety: Control-confined.
// Cost: Watch() one system call; List() reads one line a socket.

#ifndef POSTERN_TUN_OPEN_SOCKETS_H_
#define POSTERN_TUN_OPEN_SOCKETS_H_

#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/flow/socket_owner.h"
#include "core/unique_fd.h"

namespace postern {

class OpenSockets {
 public:
  // Errors: kSystem.
  static Result<OpenSockets> Create();

  // The descriptor may be closed afterwards. Watching a socket twice is no
  // error. Errors: kExhausted (fs.epoll.max_user_watches), kSystem.
  Status Watch(int descriptor, SocketCookie cookie);

  // The watched sockets that are open, in ascending order.
  // Errors: kSystem (no /proc).
  Result<std::vector<SocketCookie>> List() const;

 private:
  explicit OpenSockets(UniqueFd set) : set_(std::move(set)) {}

  UniqueFd set_;
};

// The cookies in the text of an epoll set's fdinfo, in ascending order.
std::vector<SocketCookie> ParseEpollInfo(std::string_view text);

}  // namespace postern

#endif  // POSTERN_TUN_OPEN_SOCKETS_H_
