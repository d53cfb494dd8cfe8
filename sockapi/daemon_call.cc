// SPDX-License-Identifier: Apache-2.0

#include "sockapi/daemon_call.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "control/deadline.h"
#include "control/paths.h"
#include "control/seqpacket.h"
#include "sockapi/socket_kind.h"

namespace postern {
namespace {

constexpr std::uint32_t kRequestId = 1;  // a connection carries one request

bool IsOwnShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM || error == ETOOMANYREFS;
}

Expected<UniqueFd, int> ConnectToDaemonOf(int socket, Deadline deadline) {
  const auto cookie = NetnsCookieOf(socket);
  if (!cookie.ok()) {
    return cookie.error() == EBADF ? EBADF : ENETUNREACH;
  }
  auto connection = ConnectSeqpacket(NetnsSocketPath(*cookie), deadline);
  if (connection.ok() || IsOwnShortage(connection.error())) {
    return connection;
  }
  const bool is_dead =
      connection.error() == ECONNREFUSED || connection.error() == EAGAIN;
  return is_dead ? ECONNREFUSED : ENETUNREACH;
}

Expected<std::size_t, int> Receive(int connection, Bytes room,
                                   Deadline deadline) {
  if (const int waited = WaitFor(connection, POLLIN, deadline); waited != 0) {
    return IsOwnShortage(waited) ? waited : ECONNREFUSED;
  }
  const SeqpacketMessage message = ReceiveSeqpacket(connection, room);
  switch (message.outcome) {
    case TransferOutcome::kDone:
      break;
    case TransferOutcome::kTruncated:
    case TransferOutcome::kTooManyFds:
      return EPROTO;
    case TransferOutcome::kWouldBlock:
    case TransferOutcome::kClosed:
    case TransferOutcome::kFailed:
      return ECONNREFUSED;
  }
  // No answer carries descriptors.
  return message.fd_count() == 0 ? Expected<std::size_t, int>(message.size)
                                 : EPROTO;
}

Expected<std::size_t, int> ExchangeBy(Deadline deadline, const Passed& passed,
                                      ConstBytes message, Bytes room) {
  const auto connection = ConnectToDaemonOf(passed.socket, deadline);
  if (!connection.ok()) {
    return connection.error();
  }
  const SendResult sent =
      SendSeqpacket(connection->get(), message, passed.socket, passed.other);
  if (sent.outcome == TransferOutcome::kFailed &&
      (sent.error == EBADF || IsOwnShortage(sent.error))) {
    return sent.error;
  }
  if (sent.outcome != TransferOutcome::kDone) {
    return ECONNREFUSED;
  }
  return Receive(connection->get(), room, deadline);
}

// The daemon's answer, whose `error` may still say no.
Expected<ApiReply, int> Ask(int socket, const ApiRequest& request,
                            int patience_ms) {
  // One octet more than a reply has: a longer one is then known as such.
  std::array<std::uint8_t, kApiReplySize + 1> room{};
  const auto size =
      ExchangeBy(Deadline::AfterMilliseconds(patience_ms), {.socket = socket},
                 EncodeApiRequest(request), room);
  if (!size.ok()) {
    return size.error();
  }
  const auto reply = DecodeApiReply(ConstBytes(room).first(*size), 0);
  if (!reply.ok() || !Answers(*reply, request)) {
    return EPROTO;
  }
  return *reply;
}

}  // namespace

int AskToSetLevel(int socket, ApiCategory category, ApiFamily family,
                  ApiLevel level) {
  const auto reply = Ask(socket,
                         {.type = ApiRequestType::kSetLevel,
                          .request_id = kRequestId,
                          .category = category,
                          .family = family,
                          .level = level},
                         kDaemonPatienceMs);
  if (!reply.ok()) {
    return reply.error();
  }
  if (reply->error != 0) {
    return reply->error;
  }
  return reply->level == level ? 0 : EPROTO;
}

Expected<ApiLevel, int> AskForLevel(int socket, ApiCategory category,
                                    ApiFamily family) {
  const auto reply = Ask(socket,
                         {.type = ApiRequestType::kGetLevel,
                          .request_id = kRequestId,
                          .category = category,
                          .family = family},
                         kDaemonPatienceMs);
  if (!reply.ok()) {
    return reply.error();
  }
  if (reply->error != 0) {
    return reply->error;
  }
  return reply->level;
}

Expected<std::size_t, int> Exchange(const Passed& passed, ConstBytes message,
                                    Bytes room) {
  return ExchangeBy(Deadline::AfterMilliseconds(kDaemonPatienceMs), passed,
                    message, room);
}

void AnnounceChild(int socket) {
  // A daemon that hangs must not turn a server into one that accepts a
  // connection every kAdoptPatienceMs.
  static constinit std::atomic<std::int64_t> pause_ends_ms{0};
  const std::int64_t begin_ms = Deadline::NowMilliseconds();
  if (begin_ms < pause_ends_ms.load(std::memory_order_relaxed)) {
    return;
  }
  const auto reply =
      Ask(socket, {.type = ApiRequestType::kAdopt, .request_id = kRequestId},
          kAdoptPatienceMs);
  const std::int64_t end_ms = Deadline::NowMilliseconds();
  if (!reply.ok() && end_ms - begin_ms >= kAdoptPatienceMs) {
    pause_ends_ms.store(end_ms + kAdoptPauseMs, std::memory_order_relaxed);
  }
}

}  // namespace postern
