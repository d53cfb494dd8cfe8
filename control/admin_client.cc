// SPDX-License-Identifier: Apache-2.0

#include "control/admin_client.h"

#include <poll.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "control/deadline.h"
#include "control/seqpacket.h"

namespace postern {
namespace {

// A connection carries one question, so any number identifies it.
constexpr std::uint32_t kRequestId = 1;

Error NoDaemon(const UnixPath& path, std::string_view why) {
  return {ErrorCode::kUnavailable,
          "no daemon answers at " + std::string(path.view()) + " (" +
              std::string(why) + "): start posternd or name another host."};
}

Error BrokenAnswer(std::string_view what) {
  return {ErrorCode::kSystem,
          "the daemon's answer breaks the protocol (" + std::string(what) +
              "): use a CLI and a daemon of the same version."};
}

Error CannotConnect(const UnixPath& path, int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return {ErrorCode::kForbidden,
              std::string(path.view()) +
                  " is for the administrator only: run this as root."};
    case ENAMETOOLONG:
      return Invalid(
          "the socket's path is relative or too long: give POSTERN_RUN_DIR a "
          "short absolute path.");
    default:
      return NoDaemon(path, SystemError("connect", error).message);
  }
}

Deadline From(std::chrono::milliseconds patience) {
  return Deadline::AfterMilliseconds(patience.count());
}

// poll() for a message; without patience, until there is one.
int Await(int connection, std::optional<std::chrono::milliseconds> patience) {
  constexpr std::chrono::hours kLong{1};
  int waited = ETIMEDOUT;
  do {
    waited = WaitFor(connection, POLLIN, From(patience.value_or(kLong)));
  } while (waited == ETIMEDOUT && !patience);
  return waited;
}

Result<SeqpacketMessage> ReceiveOne(
    int connection, const UnixPath& path, Bytes room,
    std::optional<std::chrono::milliseconds> patience) {
  const int waited = Await(connection, patience);
  if (waited == ETIMEDOUT) {
    return NoDaemon(path, "it stays silent");
  }
  if (waited != 0) {
    return SystemError("poll", waited);
  }
  SeqpacketMessage message = ReceiveSeqpacket(connection, room);
  switch (message.outcome) {
    case TransferOutcome::kDone:
      return message;
    case TransferOutcome::kFailed:
      return SystemError("recvmsg", message.error);
    case TransferOutcome::kTruncated:
    case TransferOutcome::kTooManyFds:
      return BrokenAnswer("a message or its descriptors did not fit");
    case TransferOutcome::kWouldBlock:
    case TransferOutcome::kClosed:
      break;
  }
  return NoDaemon(path, "it closed the connection");
}

// A message and what it says; the text is in `room`.
struct Received {
  SeqpacketMessage message;
  AdminFrame frame;
};

Result<Received> ReceiveFrame(
    int connection, const UnixPath& path, Bytes room,
    std::optional<std::chrono::milliseconds> patience) {
  auto message = ReceiveOne(connection, path, room, patience);
  if (!message.ok()) {
    return message.error();
  }
  const auto frame =
      DecodeAdminMessage(room.first(message->size), message->fd_count());
  if (!frame.ok()) {
    return BrokenAnswer(SentenceOf(frame.error()));
  }
  return Received{std::move(*message), *frame};
}

Result<AdminAnswer> ReceiveAnswer(int connection, const UnixPath& path,
                                  std::chrono::milliseconds patience) {
  AdminReassembly answer(kRequestId, kAdminMaxAnswer);
  std::vector<std::uint8_t> room(kAdminMaxMessage);
  for (;;) {
    auto received = ReceiveFrame(connection, path, room, patience);
    if (!received.ok()) {
      return received.error();
    }
    const auto progress = answer.Add(received->frame);
    if (!progress.ok()) {
      return BrokenAnswer(SentenceOf(progress.error()));
    }
    if (*progress == AdminReassembly::Progress::kComplete) {
      return AdminAnswer{.type = answer.type(),
                         .text = answer.TakeText(),
                         .fd = std::move(received->message.fd)};
    }
  }
}

// Sends the request; returns the connection on which the answer comes.
Result<UniqueFd> Ask(const UnixPath& path, std::string_view request,
                     std::chrono::milliseconds patience) {
  if (request.empty() || request.size() > kAdminMaxText) {
    return Invalid("a request has 1 to 65536 octets: split it.");
  }
  auto connection = ConnectSeqpacket(path, From(patience));
  if (!connection.ok()) {
    return CannotConnect(path, connection.error());
  }
  const AdminMessage message =
      EncodeAdminMessage(AdminType::kRequest, kRequestId, request);
  const SendResult sent = SendSeqpacket(connection->get(), message);
  if (sent.outcome == TransferOutcome::kFailed) {
    return SystemError("sendmsg", sent.error);
  }
  if (sent.outcome != TransferOutcome::kDone) {
    return NoDaemon(path, "it does not take the request");
  }
  return std::move(*connection);
}

}  // namespace

Result<AdminAnswer> AskAdmin(const UnixPath& path, std::string_view request,
                             std::chrono::milliseconds patience) {
  const Result<UniqueFd> connection = Ask(path, request, patience);
  if (!connection.ok()) {
    return connection.error();
  }
  return ReceiveAnswer(connection->get(), path, patience);
}

Result<AdminAnswer> FollowAdmin(const UnixPath& path, std::string_view request,
                                const OnAdminEvent& on_event,
                                std::chrono::milliseconds patience) {
  const Result<UniqueFd> connection = Ask(path, request, patience);
  if (!connection.ok()) {
    return connection.error();
  }
  std::vector<std::uint8_t> room(kAdminMaxMessage);
  std::optional<std::chrono::milliseconds> bound = patience;
  for (;;) {
    const auto received = ReceiveFrame(connection->get(), path, room, bound);
    if (!received.ok()) {
      return received.error();
    }
    const AdminFrame& frame = received->frame;
    if (frame.request_id != kRequestId) {
      return BrokenAnswer(SentenceOf(ProtocolDefect::kWrongId));
    }
    if (frame.type == AdminType::kError) {
      return AdminAnswer{
          .type = AdminType::kError, .text = std::string(frame.text), .fd = {}};
    }
    if (frame.type != AdminType::kEvent) {
      return BrokenAnswer(SentenceOf(ProtocolDefect::kUnknownType));
    }
    if (on_event(frame.text) == Appetite::kSated) {
      return AdminAnswer{.type = AdminType::kEvent, .text = {}, .fd = {}};
    }
    bound.reset();
  }
}

}  // namespace postern
