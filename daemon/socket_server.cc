// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_server.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <utility>

namespace postern {
namespace {

enum LogKind : std::size_t { kLogRefused, kLogDefective, kLogKinds };

UniqueFd SpareDescriptor() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

struct SocketServer::Connection {
  Connection(EventLoop& loop, UniqueFd accepted, const PeerCredentials& who)
      : socket(std::move(accepted)), watch(loop, socket.get()), peer(who) {}

  UniqueFd socket;
  DescriptorWatch watch;  // ends before the socket is closed
  PeerCredentials peer;
  Instant last_heard = MonotonicNow();
  enum class Silence : std::uint8_t { kBounded, kAllowed };
  Silence silence = Silence::kBounded;
};

SocketServer::SocketServer(EventLoop& loop, std::string name, UniqueFd listener,
                           const Limits& limits, OnMessage on_message)
    : loop_(loop),
      name_(std::move(name)),
      limits_(limits),
      on_message_(std::move(on_message)),
      listener_(std::move(listener)),
      spare_(SpareDescriptor()),
      room_(limits.message_octets),
      log_(kLogKinds, LogLimiter::Rate()),
      accepting_(std::make_unique<DescriptorWatch>(loop, listener_.get())) {
  accepting_->OnReadable([this] { AcceptAll(); });
  sweep_ = std::make_unique<TimerWatch>(loop, limits_.silence / 4,
                                        [this] { CloseSilent(); });
}

SocketServer::~SocketServer() = default;

SocketServer::Connection* SocketServer::Find(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void SocketServer::AcceptAll() {
  // Not for ever: whoever connects in a loop must not starve the others.
  constexpr int kAtOnce = 64;
  for (int i = 0; i < kAtOnce; ++i) {
    Expected<UniqueFd, int> accepted = AcceptSeqpacket(listener_.get());
    if (accepted.ok()) {
      Admit(std::move(*accepted));
      continue;
    }
    if (accepted.error() != EMFILE && accepted.error() != ENFILE) {
      return;
    }
    // Without this the client would hang, and the listener stay readable.
    spare_.reset();
    static_cast<void>(AcceptSeqpacket(listener_.get()));
    spare_ = SpareDescriptor();
    RefuseOne("no descriptor is free");
  }
}

void SocketServer::Admit(UniqueFd accepted) {
  const auto peer = PeerCredentialsOf(accepted.get());
  if (!peer.ok()) {
    RefuseOne("the kernel does not say who it is");
    return;
  }
  if (connections_.size() >= limits_.connections) {
    RefuseOne("too many connections");
    return;
  }
  std::size_t& of_user = per_user_[peer->uid];
  if (of_user >= limits_.per_user) {
    RefuseOne("too many connections of one user");
    return;
  }
  ++of_user;
  ++counters_.accepted;
  const ConnectionId id{++last_id_};
  connections_.emplace(
      id, std::make_shared<Connection>(loop_, std::move(accepted), *peer));
  Resume(id);
}

void SocketServer::RefuseOne(const char* why) {
  ++counters_.refused;
  LogLimited(log_, {kLogRefused, MonotonicNow()}, LogLevel::kWarning,
             "connection_refused", {{"socket", name_}, {"reason", why}});
}

void SocketServer::Resume(ConnectionId id) {
  if (Connection* connection = Find(id)) {
    connection->last_heard = MonotonicNow();
    connection->watch.OnReadable([this, id] { Receive(id); });
  }
}

void SocketServer::Receive(ConnectionId id) {
  Connection* connection = Find(id);
  if (connection == nullptr) {
    return;
  }
  SeqpacketMessage message =
      ReceiveSeqpacket(connection->socket.get(), Bytes(room_));
  switch (message.outcome) {
    case TransferOutcome::kDone:
      connection->watch.Pause();
      connection->last_heard = MonotonicNow();
      on_message_({.from = id,
                   .peer = connection->peer,
                   .connection = connection->socket.get(),
                   .octets = ConstBytes(room_).first(message.size),
                   .fd = std::move(message.fd),
                   .second_fd = std::move(message.second_fd)});
      return;
    case TransferOutcome::kWouldBlock:
      return;
    case TransferOutcome::kTruncated:
      CloseDefective(id, "the message is too long");
      return;
    case TransferOutcome::kTooManyFds:
      CloseDefective(id, "the message carries more than two descriptors");
      return;
    case TransferOutcome::kClosed:
    case TransferOutcome::kFailed:
      Close(id);
      return;
  }
}

bool SocketServer::IsWaiting(ConnectionId id) const {
  const Connection* connection = Find(id);
  if (connection == nullptr) {
    return false;
  }
  pollfd state{
      .fd = connection->socket.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) == 0;
}

TransferOutcome SocketServer::Send(ConnectionId id, ConstBytes message,
                                   int fd) {
  Connection* connection = Find(id);
  if (connection == nullptr) {
    return TransferOutcome::kClosed;
  }
  const SendResult sent = SendSeqpacket(connection->socket.get(), message, fd);
  if (sent.outcome == TransferOutcome::kDone) {
    connection->last_heard = MonotonicNow();
  } else if (sent.outcome != TransferOutcome::kWouldBlock) {
    Close(id);
  }
  return sent.outcome;
}

void SocketServer::WhenWritable(ConnectionId id, std::function<void()> call) {
  if (Connection* connection = Find(id)) {
    connection->watch.OnceWritable(std::move(call));
  }
}

void SocketServer::Close(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  const auto of_user = per_user_.find(found->second->peer.uid);
  if (--of_user->second == 0) {
    per_user_.erase(of_user);
  }
  connections_.erase(found);
  if (on_close_) {
    on_close_(id);
  }
}

void SocketServer::MayStaySilent(ConnectionId id) {
  if (Connection* connection = Find(id)) {
    connection->silence = Connection::Silence::kAllowed;
  }
}

void SocketServer::CloseDefective(ConnectionId id, const char* sentence) {
  ++counters_.defective;
  LogLimited(log_, {kLogDefective, MonotonicNow()}, LogLevel::kWarning,
             "message_refused", {{"socket", name_}, {"reason", sentence}});
  Close(id);
}

// Also ends the connection of a client that does not read its answer.
void SocketServer::CloseSilent() {
  const Instant oldest = MonotonicNow() - limits_.silence;
  std::vector<ConnectionId> silent;
  for (const auto& [id, connection] : connections_) {
    if (connection->silence == Connection::Silence::kBounded &&
        connection->last_heard < oldest) {
      silent.push_back(id);
    }
  }
  for (const ConnectionId id : silent) {
    ++counters_.silent;
    Close(id);
  }
}

}  // namespace postern
