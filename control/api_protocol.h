// SPDX-License-Identifier: Apache-2.0
//
// What libpostern.so and posternd say to each other on api.sock. The library
// passes the application's socket itself; who it is, the daemon reads from the
// socket and not from the message.
//
//     library                                    daemon
//     SetLevel{category, family, level} + socket -->
//                          <-- reply{errno, level now stored}
//     GetLevel{category, family} + socket -->
//                          <-- reply{errno, level of this socket}
//     Adopt{} + socket from accept() -->
//                          <-- reply{errno}
//     Hello{} -->
//                          <-- reply{errno}
//
// One request, one reply, in order; a connection may carry several. Behind the
// 16-octet header (message_header.h) a request has 4 octets and a reply 8:
//
//     request  | category | family | level | zero |
//     reply    |              errno               | level | zero | zero | zero |
//
// Fields that say nothing in a type are zero. A reply's type is its request's
// with the top bit set. A reply carries a level exactly if errno is 0 and the
// request was SetLevel or GetLevel; the library compares what SetLevel reports
// as stored with what it asked for, so that a level is never lost on the way.
//
// The enums are the protocol's own and are only ever added to: they are neither
// the C constants of <postern/ipsec.h> nor the policy layer's types.
//
// A daemon should look, before it obeys a request that waited in a queue, whether
// the connection is still open: the library gives up after a bounded time and
// tells the application that the level is unchanged.
//
// This header needs no C++ runtime library; libpostern.so includes it.
//
// Thread safety: plain values. Cost: a few loads; nothing allocates.

#ifndef POSTERN_CONTROL_API_PROTOCOL_H_
#define POSTERN_CONTROL_API_PROTOCOL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "control/message_header.h"
#include "control/protocol_defect.h"
#include "core/bytes.h"
#include "core/expected.h"

namespace postern {

enum class ApiRequestType : std::uint16_t {
  kHello = 0x0001,     // are you there, and of my version?
  kSetLevel = 0x0002,  // + descriptor
  kGetLevel = 0x0003,  // + descriptor
  kAdopt = 0x0004,     // + descriptor: accept() returned this child
};

// The draft's three categories (1.2.1).
enum class ApiCategory : std::uint8_t {
  kEspTransport = 1,
  kAh = 2,
  kEspNetwork = 3,
};

// Of the option that was used (IP_* or IPV6_*), not of the socket.
enum class ApiFamily : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

// The draft's levels (1.2.2). DEFAULT is NONE.
enum class ApiLevel : std::uint8_t {
  kAbsent = 0,  // in messages that carry no level
  kBypass = 1,
  kNone = 2,
  kAvail = 3,
  kUse = 4,
  kRequire = 5,
  kUnique = 6,
};

struct ApiRequest {
  ApiRequestType type = ApiRequestType::kHello;
  std::uint32_t request_id = 0;
  // SetLevel and GetLevel only.
  ApiCategory category = ApiCategory::kEspTransport;
  ApiFamily family = ApiFamily::kIpv4;
  // SetLevel only.
  ApiLevel level = ApiLevel::kAbsent;
};

struct ApiReply {
  ApiRequestType to = ApiRequestType::kHello;
  std::uint32_t request_id = 0;
  // 0, or why not: an errno value below kApiErrnoBound.
  int error = 0;
  ApiLevel level = ApiLevel::kAbsent;
};

inline constexpr std::uint16_t kApiReplyBit = 0x8000;
inline constexpr int kApiErrnoBound = 4096;  // as in the kernel's ERR_PTR
inline constexpr std::size_t kApiRequestSize = kMessageHeaderSize + 4;
inline constexpr std::size_t kApiReplySize = kMessageHeaderSize + 8;

using ApiRequestBytes = std::array<std::uint8_t, kApiRequestSize>;
using ApiReplyBytes = std::array<std::uint8_t, kApiReplySize>;

// Whether requests of this type carry the application's socket.
constexpr bool CarriesSocket(ApiRequestType type) {
  return type != ApiRequestType::kHello;
}

// Whether requests of this type name a category and a family.
constexpr bool NamesCategory(ApiRequestType type) {
  return type == ApiRequestType::kSetLevel || type == ApiRequestType::kGetLevel;
}

// Fields that do not belong to the type are sent as zero, whatever they hold.
ApiRequestBytes EncodeApiRequest(const ApiRequest& request);

// `fd_count` is how many descriptors came with the message.
// Errors: those of DecodeMessageHeader(), kUnknownType, kWrongSize,
// kBadCategory, kBadFamily, kBadLevel, kNotZero, kMissingFd, kSurplusFd.
Expected<ApiRequest, ProtocolDefect> DecodeApiRequest(ConstBytes message,
                                                      std::size_t fd_count);

// The level is sent only where the drawing above has one.
// REQUIRES: 0 <= reply.error < kApiErrnoBound.
ApiReplyBytes EncodeApiReply(const ApiReply& reply);

// Errors: those of DecodeMessageHeader(), kUnknownType, kWrongSize, kBadErrno,
// kBadLevel, kNotZero, kSurplusFd. Whether `to` and `request_id` are those of
// the request is for the caller to compare: see Answers().
Expected<ApiReply, ProtocolDefect> DecodeApiReply(ConstBytes message,
                                                  std::size_t fd_count);

constexpr bool Answers(const ApiReply& reply, const ApiRequest& request) {
  return reply.to == request.type && reply.request_id == request.request_id;
}

// ---------------------------------------------------------------------------
// Inline, because the library and the daemon are compiled with different flags.

namespace api_detail {

constexpr bool IsRequestType(std::uint16_t type) {
  return type >= static_cast<std::uint16_t>(ApiRequestType::kHello) &&
         type <= static_cast<std::uint16_t>(ApiRequestType::kAdopt);
}

constexpr bool IsCategory(std::uint8_t value) {
  return value >= static_cast<std::uint8_t>(ApiCategory::kEspTransport) &&
         value <= static_cast<std::uint8_t>(ApiCategory::kEspNetwork);
}

constexpr bool IsFamily(std::uint8_t value) {
  return value == static_cast<std::uint8_t>(ApiFamily::kIpv4) ||
         value == static_cast<std::uint8_t>(ApiFamily::kIpv6);
}

constexpr bool IsLevel(std::uint8_t value) {
  return value >= static_cast<std::uint8_t>(ApiLevel::kBypass) &&
         value <= static_cast<std::uint8_t>(ApiLevel::kUnique);
}

// The four octets of a request's body against its type.
inline Expected<ApiRequest, ProtocolDefect> DecodeRequestBody(
    ApiRequest request, ConstBytes body) {
  if (body[3] != 0) {
    return ProtocolDefect::kNotZero;
  }
  if (!NamesCategory(request.type)) {
    return (body[0] | body[1] | body[2]) == 0
               ? Expected<ApiRequest, ProtocolDefect>(request)
               : ProtocolDefect::kNotZero;
  }
  if (!IsCategory(body[0])) {
    return ProtocolDefect::kBadCategory;
  }
  if (!IsFamily(body[1])) {
    return ProtocolDefect::kBadFamily;
  }
  request.category = static_cast<ApiCategory>(body[0]);
  request.family = static_cast<ApiFamily>(body[1]);
  if (request.type == ApiRequestType::kSetLevel) {
    if (!IsLevel(body[2])) {
      return ProtocolDefect::kBadLevel;
    }
    request.level = static_cast<ApiLevel>(body[2]);
    return request;
  }
  return body[2] == 0 ? Expected<ApiRequest, ProtocolDefect>(request)
                      : ProtocolDefect::kNotZero;
}

}  // namespace api_detail

inline ApiRequestBytes EncodeApiRequest(const ApiRequest& request) {
  ApiRequestBytes message{};
  EncodeMessageHeader({.type = static_cast<std::uint16_t>(request.type),
                       .request_id = request.request_id,
                       .size = kApiRequestSize},
                      message);
  if (NamesCategory(request.type)) {
    message[kMessageHeaderSize] = static_cast<std::uint8_t>(request.category);
    message[kMessageHeaderSize + 1] = static_cast<std::uint8_t>(request.family);
  }
  if (request.type == ApiRequestType::kSetLevel) {
    message[kMessageHeaderSize + 2] = static_cast<std::uint8_t>(request.level);
  }
  return message;
}

inline Expected<ApiRequest, ProtocolDefect> DecodeApiRequest(
    ConstBytes message, std::size_t fd_count) {
  const auto header = DecodeMessageHeader(message);
  if (!header.ok()) {
    return header.error();
  }
  if (!api_detail::IsRequestType(header->type)) {
    return ProtocolDefect::kUnknownType;
  }
  if (message.size() != kApiRequestSize) {
    return ProtocolDefect::kWrongSize;
  }
  const ApiRequest request{.type = static_cast<ApiRequestType>(header->type),
                           .request_id = header->request_id};
  const auto decoded = api_detail::DecodeRequestBody(
      request, message.subspan(kMessageHeaderSize));
  if (!decoded.ok()) {
    return decoded;
  }
  const std::size_t wanted = CarriesSocket(request.type) ? 1 : 0;
  if (fd_count < wanted) {
    return ProtocolDefect::kMissingFd;
  }
  if (fd_count > wanted) {
    return ProtocolDefect::kSurplusFd;
  }
  return decoded;
}

inline ApiReplyBytes EncodeApiReply(const ApiReply& reply) {
  ApiReplyBytes message{};
  EncodeMessageHeader({.type = static_cast<std::uint16_t>(
                           static_cast<std::uint16_t>(reply.to) | kApiReplyBit),
                       .request_id = reply.request_id,
                       .size = kApiReplySize},
                      message);
  StoreBe<std::uint32_t>(Bytes(message).subspan(kMessageHeaderSize),
                         static_cast<std::uint32_t>(reply.error));
  if (reply.error == 0 && NamesCategory(reply.to)) {
    message[kMessageHeaderSize + 4] = static_cast<std::uint8_t>(reply.level);
  }
  return message;
}

inline Expected<ApiReply, ProtocolDefect> DecodeApiReply(ConstBytes message,
                                                         std::size_t fd_count) {
  const auto header = DecodeMessageHeader(message);
  if (!header.ok()) {
    return header.error();
  }
  const auto to = static_cast<std::uint16_t>(header->type ^ kApiReplyBit);
  if (!api_detail::IsRequestType(to)) {
    return ProtocolDefect::kUnknownType;
  }
  if (message.size() != kApiReplySize) {
    return ProtocolDefect::kWrongSize;
  }
  const ConstBytes body = message.subspan(kMessageHeaderSize);
  const auto error = LoadBe<std::uint32_t>(body);
  if (error >= static_cast<std::uint32_t>(kApiErrnoBound)) {
    return ProtocolDefect::kBadErrno;
  }
  ApiReply reply{.to = static_cast<ApiRequestType>(to),
                 .request_id = header->request_id,
                 .error = static_cast<int>(error)};
  if ((body[5] | body[6] | body[7]) != 0) {
    return ProtocolDefect::kNotZero;
  }
  if (error == 0 && NamesCategory(reply.to)) {
    if (!api_detail::IsLevel(body[4])) {
      return ProtocolDefect::kBadLevel;
    }
    reply.level = static_cast<ApiLevel>(body[4]);
  } else if (body[4] != 0) {
    return ProtocolDefect::kNotZero;
  }
  if (fd_count != 0) {
    return ProtocolDefect::kSurplusFd;
  }
  return reply;
}

}  // namespace postern

#endif  // POSTERN_CONTROL_API_PROTOCOL_H_
