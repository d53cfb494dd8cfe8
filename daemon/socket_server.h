// SPDX-License-Identifier: Apache-2.0
//
// A SocketServer keeps the connections of one local SOCK_SEQPACKET listener in
// bounds: so many in all, so many for one user, none that stays silent for
// long. What does not fit is closed at once, counted and (rate-limited) logged;
// clients take that for "no answer" and fail closed.
//
// It hands each message to its owner, who answers through the connection's id
// and then either listens on or closes:
//
//     SocketServer server(loop, std::move(listener), limits, on_message);
//     on_message: server.Send(m.from, reply);  server.Resume(m.from);
//                 or server.Close(m.from);
//
// From a message until Resume() nothing more is read from its connection: one
// request, one answer, in order. A connection that only listens to us from now
// on MayStaySilent().
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_SOCKET_SERVER_H_
#define POSTERN_DAEMON_SOCKET_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/seqpacket.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/log/log.h"
#include "core/unique_fd.h"
#include "daemon/event_loop.h"

namespace postern {

class SocketServer {
 public:
  enum class ConnectionId : std::uint64_t {};

  struct Limits {
    std::size_t connections = 1024;
    std::size_t per_user = 512;
    Duration silence = std::chrono::seconds(10);
    std::size_t message_octets = 512;
  };

  struct Message {
    ConnectionId from{};
    PeerCredentials peer;
    int connection = kNoFd;  // to ask the kernel about; during the call
    ConstBytes octets;       // valid during the call
    UniqueFd fd;
    UniqueFd second_fd;

    std::size_t fd_count() const {
      return (fd.valid() ? 1U : 0U) + (second_fd.valid() ? 1U : 0U);
    }
  };

  using OnMessage = std::function<void(Message)>;

  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;    // beyond a limit
    std::uint64_t defective = 0;  // closed because of what they sent
    std::uint64_t silent = 0;     // closed because they said nothing
  };

  // `name` is for the log. `listener` is non-blocking.
  SocketServer(EventLoop& loop, std::string name, UniqueFd listener,
               const Limits& limits, OnMessage on_message);
  ~SocketServer();

  bool IsOpen(ConnectionId id) const { return Find(id) != nullptr; }

  // Whether the peer still waits for an answer (it has not hung up).
  bool IsWaiting(ConnectionId id) const;

  // kDone, or kWouldBlock: then try again WhenWritable(). After any other
  // outcome, the connection is closed already.
  TransferOutcome Send(ConnectionId id, ConstBytes message, int fd = kNoFd);

  void WhenWritable(ConnectionId id, std::function<void()> call);

  // Reads the next message.
  void Resume(ConnectionId id);

  void Close(ConnectionId id);

  // The silence limit binds this connection no more.
  void MayStaySilent(ConnectionId id);

  // Calls `call` when a connection is closed, by either side. It must not close
  // another one.
  void OnClose(std::function<void(ConnectionId)> call) {
    on_close_ = std::move(call);
  }

  // Close() of a peer that broke the protocol.
  void CloseDefective(ConnectionId id, const char* sentence);

  std::size_t open() const { return connections_.size(); }

  const Counters& counters() const { return counters_; }

 private:
  struct Connection;

  void AcceptAll();
  void Admit(UniqueFd accepted);
  void RefuseOne(const char* why);
  void Receive(ConnectionId id);
  void CloseSilent();
  Connection* Find(ConnectionId id) const;

  EventLoop& loop_;
  const std::string name_;
  const Limits limits_;
  const OnMessage on_message_;
  std::function<void(ConnectionId)> on_close_;
  UniqueFd listener_;
  UniqueFd spare_;  // given up to refuse a client when descriptors run out
  std::vector<std::uint8_t> room_;
  std::unordered_map<ConnectionId, std::shared_ptr<Connection>> connections_;
  std::unordered_map<uid_t, std::size_t> per_user_;
  std::uint64_t last_id_ = 0;
  Counters counters_;
  LogLimiter log_;
  std::unique_ptr<DescriptorWatch> accepting_;
  std::unique_ptr<TimerWatch> sweep_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_SOCKET_SERVER_H_
