// SPDX-License-Identifier: Apache-2.0

#include "daemon/api_server.h"

#include <cerrno>
#include <utility>

#include "control/wish_codec.h"
#include "core/rcu.h"

namespace postern {
namespace {

// For descriptors whose facts cannot be read.
int ErrnoOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnsupported:
      return EOPNOTSUPP;
    case ErrorCode::kInvalid:
      return ENOTSOCK;
    default:
      return EIO;
  }
}

}  // namespace

ApiServer::ApiServer(const Parts& parts, UniqueFd listener)
    : ApiServer(parts, std::move(listener), SocketServer::Limits()) {}

ApiServer::ApiServer(const Parts& parts, UniqueFd listener,
                     const SocketServer::Limits& limits)
    : parts_(parts),
      server_(
          parts.loop, "api.sock", std::move(listener), limits,
          [this](SocketServer::Message message) { Take(std::move(message)); }) {
}

void ApiServer::Take(SocketServer::Message message) {
  if (IsWishRequest(message.octets)) {
    TakeWish(std::move(message));
    return;
  }
  const auto request = DecodeApiRequest(message.octets, message.fd_count());
  if (!request.ok()) {
    server_.CloseDefective(message.from, SentenceOf(request.error()));
    return;
  }
  // Whoever gave up told its application that the level is unchanged.
  if (!server_.IsWaiting(message.from)) {
    server_.Close(message.from);
    return;
  }
  const SocketServer::ConnectionId from = message.from;
  const SocketLevels::Outcome outcome = Obey(*request, std::move(message));
  Reply(from, EncodeApiReply(outcome.reply), outcome.visible);
}

void ApiServer::TakeWish(SocketServer::Message message) {
  const auto request = DecodeWishRequest(message.octets, message.fd_count());
  if (!request.ok()) {
    server_.CloseDefective(message.from, SentenceOf(request.error()));
    return;
  }
  if (!server_.IsWaiting(message.from)) {
    server_.Close(message.from);
    return;
  }
  const SocketServer::ConnectionId from = message.from;
  const WishCalls::Outcome outcome = Obey(*request, std::move(message));
  Reply(from, EncodeWishReply(outcome.reply).octets(), outcome.visible);
}

bool ApiServer::IsPrivileged(const SocketServer::Message& message) const {
  return parts_.privilege.Grants(message.peer, message.connection);
}

// We hold the socket until it has its entry, lest it is gone before anybody listens
// for that (daemon/socket_news.h): its sender may have closed it meanwhile.
SocketLevels::Outcome ApiServer::Obey(const ApiRequest& request,
                                      SocketServer::Message message) {
  SocketLevels::Outcome hello{
      .reply = {.to = request.type, .request_id = request.request_id}};
  if (!CarriesSocket(request.type)) {
    return hello;
  }
  const Result<SocketFacts> facts = ReadSocketFacts(message.fd.get());
  hello.reply.error =
      facts.ok() ? parts_.levels.Meet(request, *facts, message.fd.get())
                 : ErrnoOf(facts.error().code);
  if (hello.reply.error != 0) {
    return hello;
  }
  return parts_.levels.Obey(request, *facts,
                            [&] { return IsPrivileged(message); });
}

WishCalls::Outcome ApiServer::Obey(const WishRequest& request,
                                   SocketServer::Message message) {
  WishCalls::Outcome refused;
  refused.reply.to = request.type;
  refused.reply.request_id = request.request_id;
  Result<SocketFacts> facts = ReadSocketFacts(message.fd.get());
  if (!facts.ok()) {
    refused.reply.error = ErrnoOf(facts.error().code);
    return refused;
  }
  WishCalls::Sockets sockets{.socket = *facts};
  if (message.second_fd.valid()) {
    const Result<SocketFacts> other = ReadSocketFacts(message.second_fd.get());
    if (!other.ok()) {
      refused.reply.error = ErrnoOf(other.error().code);
      return refused;
    }
    sockets.other = *other;
  }
  return parts_.wishes.Obey(request, sockets,
                            [&] { return IsPrivileged(message); });
}

void ApiServer::Reply(SocketServer::ConnectionId to, ConstBytes reply,
                      SocketLevels::Visible visible) {
  if (visible == SocketLevels::Visible::kNow) {
    Send(to, reply);
    return;
  }
  if (waiting_.empty()) {
    parts_.loop.Post([this] { ReplyToWaiting(); });
  }
  waiting_.push_back({.to = to, .reply = {reply.begin(), reply.end()}});
}

void ApiServer::Send(SocketServer::ConnectionId to, ConstBytes reply) {
  // A reply that does not fit belongs to a client that reads none.
  if (server_.Send(to, reply) == TransferOutcome::kDone) {
    server_.Resume(to);
  } else {
    server_.Close(to);
  }
}

void ApiServer::ReplyToWaiting() {
  RcuSynchronize();
  parts_.on_change();
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    Send(waiting.to, waiting.reply);
  }
}

}  // namespace postern
