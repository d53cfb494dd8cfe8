// SPDX-License-Identifier: Apache-2.0

#include "daemon/admin_server.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "control/admin_protocol.h"
#include "daemon/json_text.h"

namespace postern {
namespace {

constexpr SocketServer::Limits kLimits = {.connections = 64,
                                          .per_user = 64,
                                          .silence = std::chrono::seconds(30),
                                          .message_octets = kAdminMaxMessage};

bool MayAdministrate(const PeerCredentials& peer) {
  return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

AdminServer::AdminServer(EventLoop& loop, UniqueFd listener, AdminVerbs& verbs)
    : verbs_(verbs),
      server_(
          loop, "admin.sock", std::move(listener), kLimits,
          [this](SocketServer::Message message) { Take(std::move(message)); }),
      streams_(loop, server_) {
  server_.OnClose([this](ConnectionId id) { streams_.End(id); });
}

void AdminServer::Take(SocketServer::Message message) {
  const auto frame = DecodeAdminMessage(message.octets, message.fd_count());
  if (!frame.ok()) {
    server_.CloseDefective(message.from, SentenceOf(frame.error()));
    return;
  }
  if (frame->type != AdminType::kRequest) {
    server_.CloseDefective(message.from,
                           SentenceOf(ProtocolDefect::kUnknownType));
    return;
  }
  if (streams_.Has(message.from)) {
    server_.CloseDefective(message.from,
                           "a connection that follows events asks for more");
    return;
  }
  if (!MayAdministrate(message.peer)) {
    Refuse(message.from, frame->request_id,
           {ErrorCode::kForbidden, "only root may administrate this host."});
    return;
  }
  Result<AdminReply> reply = verbs_.Obey(frame->text);
  if (!reply.ok()) {
    Refuse(message.from, frame->request_id, reply.error());
    return;
  }
  if (reply->events) {
    Follow(message.from, frame->request_id, std::move(*reply));
    return;
  }
  // Answers of connections that were closed because nobody read them.
  std::erase_if(sending_, [this](const auto& entry) {
    return !server_.IsOpen(entry.first);
  });
  sending_[message.from] = {
      .request_id = frame->request_id, .reply = std::move(*reply), .text = {}};
  Continue(message.from);
}

void AdminServer::Follow(ConnectionId to, std::uint32_t request_id,
                         AdminReply reply) {
  if (const Status begun =
          streams_.Begin(to, request_id, std::move(reply.events));
      !begun.ok()) {
    Refuse(to, request_id, begun.error());
  }
}

void AdminServer::Refuse(ConnectionId to, std::uint32_t request_id,
                         const Error& error) {
  std::string text = ToJson(MakeObject(
      {{"code", NameOf(error.code), {}}, {"message", error.message, {}}}));
  // A message quotes what was sent, so it may be as long.
  if (text.size() > kAdminMaxText) {
    text = ToJson(MakeObject({{"code", NameOf(error.code), {}},
                              {"message", "the request is refused.", {}}}));
  }
  if (server_.Send(to, EncodeAdminMessage(AdminType::kError, request_id,
                                          text)) == TransferOutcome::kDone) {
    server_.Resume(to);
  } else {
    server_.Close(to);
  }
}

// Until there is a part and something behind it, or everything.
void AdminServer::Fill(Sending& sending) {
  while (sending.text.size() <= kAdminMaxText &&
         sending.made == Sending::Made::kPartly) {
    if (const std::optional<std::string> piece = sending.reply.pieces()) {
      sending.text += *piece;
    } else {
      sending.made = Sending::Made::kWholly;
    }
  }
}

void AdminServer::Continue(ConnectionId to) {
  const auto found = sending_.find(to);
  if (found == sending_.end()) {
    return;
  }
  Sending& sending = found->second;
  for (;;) {
    Fill(sending);
    const bool last = sending.text.size() <= kAdminMaxText;
    const std::string_view part =
        std::string_view(sending.text).substr(0, kAdminMaxText);
    const TransferOutcome sent = server_.Send(
        to,
        EncodeAdminMessage(last ? AdminType::kReply : AdminType::kReplyPart,
                           sending.request_id, part),
        last ? sending.reply.fd : kNoFd);
    if (sent == TransferOutcome::kWouldBlock) {
      server_.WhenWritable(to, [this, to] { Continue(to); });
      return;
    }
    if (sent != TransferOutcome::kDone || last) {
      break;
    }
    sending.text.erase(0, part.size());
  }
  sending_.erase(found);
  server_.Resume(to);
}

}  // namespace postern
