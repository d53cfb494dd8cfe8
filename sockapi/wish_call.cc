// SPDX-License-Identifier: Apache-2.0

#include "sockapi/wish_call.h"

#include <array>
#include <cerrno>
#include <cstdint>

#include "control/wish_codec.h"
#include "sockapi/call_scope.h"
#include "sockapi/daemon_call.h"
#include "sockapi/socket_kind.h"

namespace postern {
namespace {

constexpr std::uint32_t kRequestId = 1;  // a connection carries one request

// 0, or why this descriptor has nothing to do with us.
int RefusalOf(int socket) {
  const auto family = FamilyOf(socket);
  return family.ok() ? RefusalOf(socket, *family) : family.error();
}

}  // namespace

int AskAbout(int socket, WishRequest request, WishReply& reply, int other) {
  const CallScope scope;
  if (const int refusal = RefusalOf(socket); refusal != 0) {
    return refusal;
  }
  if (other != kNoFd) {
    if (const int refusal = RefusalOf(other); refusal != 0) {
      return refusal;
    }
  }
  request.request_id = kRequestId;
  std::array<std::uint8_t, kMostWishReply + 1> room{};
  const auto size = Exchange({.socket = socket, .other = other},
                             EncodeWishRequest(request).octets(), room);
  if (!size.ok()) {
    return size.error();
  }
  const auto decoded = DecodeWishReply(ConstBytes(room).first(*size), 0);
  if (!decoded.ok() || !Answers(*decoded, request)) {
    return EPROTO;
  }
  reply = *decoded;
  return reply.error;
}

int AskToChange(int socket, const WishRequest& request, int other) {
  WishReply reply;
  return AskAbout(socket, request, reply, other);
}

}  // namespace postern
