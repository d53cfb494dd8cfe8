// SPDX-License-Identifier: Apache-2.0

#include "daemon/api_server.h"

#include <cerrno>
#include <utility>

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
  const auto request =
      DecodeApiRequest(message.octets, message.fd.valid() ? 1 : 0);
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
  if (outcome.visible == SocketLevels::Visible::kAfterGracePeriod) {
    ReplyAfterGracePeriod(from, outcome.reply);
  } else {
    Reply(from, outcome.reply);
  }
}

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
  message.fd.reset();
  if (hello.reply.error != 0) {
    return hello;
  }
  return parts_.levels.Obey(request, *facts, [this, &message] {
    return parts_.privilege.Grants(message.peer, message.connection);
  });
}

void ApiServer::Reply(SocketServer::ConnectionId to, const ApiReply& reply) {
  // A reply that does not fit belongs to a client that reads none.
  if (server_.Send(to, EncodeApiReply(reply)) == TransferOutcome::kDone) {
    server_.Resume(to);
  } else {
    server_.Close(to);
  }
}

void ApiServer::ReplyAfterGracePeriod(SocketServer::ConnectionId to,
                                      const ApiReply& reply) {
  if (waiting_.empty()) {
    parts_.loop.Post([this] { ReplyToWaiting(); });
  }
  waiting_.push_back({.to = to, .reply = reply});
}

void ApiServer::ReplyToWaiting() {
  RcuSynchronize();
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    Reply(waiting.to, waiting.reply);
  }
}

}  // namespace postern
