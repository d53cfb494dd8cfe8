// SPDX-License-Identifier: Apache-2.0
//
// The messages of wish_protocol.h as octets, and back. Decoding is strict: what
// is accepted encodes to the very same octets.
//
// This header needs no C++ runtime library; libpostern.so includes it.
//
// Thread safety: plain values. Cost: nothing allocates.

#ifndef POSTERN_CONTROL_WISH_CODEC_H_
#define POSTERN_CONTROL_WISH_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "control/message_header.h"
#include "control/protocol_defect.h"
#include "control/wish_protocol.h"
#include "core/bytes.h"
#include "core/expected.h"

namespace postern {

inline constexpr std::size_t kMostWishRequest =
    kMessageHeaderSize + 8 + kMostWishText;
inline constexpr std::size_t kMostWishReply =
    kMessageHeaderSize + 4 + 3 * (12 + 2 * (1 + kMostWishText));

// An encoded message.
template <std::size_t kMost>
class WishMessage {
 public:
  Bytes room() { return octets_; }

  void set_size(std::size_t size) { size_ = size; }

  ConstBytes octets() const { return ConstBytes(octets_).first(size_); }

 private:
  std::array<std::uint8_t, kMost> octets_{};
  std::size_t size_ = 0;
};

// Whether a message's type belongs to this protocol and not to api_protocol.h.
// Cheap, and judges nothing else.
inline bool IsWishRequest(ConstBytes message) {
  constexpr std::size_t kTypeOffset = 6;
  if (message.size() < kMessageHeaderSize) {
    return false;
  }
  const auto type = LoadBe<std::uint16_t>(message.subspan(kTypeOffset));
  return type >= static_cast<std::uint16_t>(WishRequestType::kSetIdentity) &&
         type <= static_cast<std::uint16_t>(WishRequestType::kGetStatus);
}

// REQUIRES: only fields of the request's type are set.
WishMessage<kMostWishRequest> EncodeWishRequest(const WishRequest& request);

// Errors: those of DecodeMessageHeader(), kUnknownType, kWrongSize, kBadText,
// kBadIdentity, kNotZero, kMissingFd, kSurplusFd.
Expected<WishRequest, ProtocolDefect> DecodeWishRequest(ConstBytes message,
                                                        std::size_t fd_count);

// REQUIRES: 0 <= reply.error < kApiErrnoBound; only fields of its type are set,
// and none beside an error.
WishMessage<kMostWishReply> EncodeWishReply(const WishReply& reply);

// Errors: those of DecodeMessageHeader(), kUnknownType, kWrongSize, kBadErrno,
// kBadLevel, kBadText, kBadIdentity, kSurplusFd.
Expected<WishReply, ProtocolDefect> DecodeWishReply(ConstBytes message,
                                                    std::size_t fd_count);

// ---------------------------------------------------------------------------
// Inline, because the library and the daemon are compiled with different flags.

namespace wish_detail {

constexpr bool IsType(std::uint16_t type) {
  return type >= static_cast<std::uint16_t>(WishRequestType::kSetIdentity) &&
         type <= static_cast<std::uint16_t>(WishRequestType::kGetStatus);
}

constexpr bool IsIdentity(std::uint8_t value) {
  return value <= static_cast<std::uint8_t>(WishIdentity::kKeyId);
}

inline void Put(Writer& out, const WishText& text) {
  const std::string_view octets = text.view();
  for (const char c : octets) {
    out.Write(static_cast<std::uint8_t>(c));
  }
}

inline bool Take(Reader& in, std::size_t size, WishText& text) {
  const auto octets = in.Take(size);
  if (!octets) {
    return false;
  }
  std::array<char, kMostWishText> chars{};
  if (size > chars.size()) {
    return false;
  }
  for (std::size_t i = 0; i < size; ++i) {
    chars[i] = static_cast<char>((*octets)[i]);
  }
  return text.Assign({chars.data(), size});
}

// Which fields a type has.
inline bool HasOnlyItsFields(const WishRequest& request) {
  const bool names_end = request.type == WishRequestType::kSetIdentity ||
                         request.type == WishRequestType::kGetIdentity;
  const bool has_text = request.type == WishRequestType::kSetIdentity ||
                        request.type == WishRequestType::kSetAlgorithms;
  const bool has_number = request.type == WishRequestType::kSetStrength ||
                          request.type == WishRequestType::kShare;
  return names_end == (request.end != WishEnd::kAbsent) &&
         (request.type == WishRequestType::kSetIdentity ||
          request.identity == WishIdentity::kAbsent) &&
         (has_text || request.text.empty()) &&
         (has_number || request.number == 0);
}

inline Expected<WishRequest, ProtocolDefect> DecodeRequestBody(
    WishRequest request, ConstBytes body) {
  Reader in(body);
  const auto end = in.Read<std::uint8_t>();
  const auto identity = in.Read<std::uint8_t>();
  const auto size = in.Read<std::uint16_t>();
  const auto number = in.Read<std::uint32_t>();
  if (!number || in.rest().size() != *size) {
    return ProtocolDefect::kWrongSize;
  }
  if (!Take(in, *size, request.text)) {
    return ProtocolDefect::kBadText;
  }
  if (!IsIdentity(*identity) ||
      *end > static_cast<std::uint8_t>(WishEnd::kPeer)) {
    return ProtocolDefect::kBadIdentity;
  }
  request.end = static_cast<WishEnd>(*end);
  request.identity = static_cast<WishIdentity>(*identity);
  request.number = *number;
  if (!HasOnlyItsFields(request) ||
      (request.type == WishRequestType::kShare && request.number > 1)) {
    return ProtocolDefect::kNotZero;
  }
  // An identity without a text is none, and a text without one is lost.
  if (request.type == WishRequestType::kSetIdentity &&
      (request.identity == WishIdentity::kAbsent) != request.text.empty()) {
    return ProtocolDefect::kBadIdentity;
  }
  return request;
}

inline void EncodeStatus(const WishStatus& status, Writer& out) {
  out.Write(static_cast<std::uint8_t>(status.level));
  out.Write(static_cast<std::uint8_t>(status.identity));
  out.Write(status.key_bits);
  out.Write(status.spi_out);
  out.Write(status.spi_in);
  out.Write(static_cast<std::uint8_t>(status.algorithms.view().size()));
  Put(out, status.algorithms);
  out.Write(static_cast<std::uint8_t>(status.peer.view().size()));
  Put(out, status.peer);
}

// One octet of size, then the text.
inline ProtocolDefect TakeSized(Reader& in, WishText& text) {
  const auto size = in.Read<std::uint8_t>();
  if (!size || in.rest().size() < *size) {
    return ProtocolDefect::kWrongSize;
  }
  return Take(in, *size, text) ? ProtocolDefect::kNone
                               : ProtocolDefect::kBadText;
}

inline ProtocolDefect DecodeStatus(Reader& in, WishStatus& status) {
  const auto level = in.Read<std::uint8_t>();
  const auto identity = in.Read<std::uint8_t>();
  const auto key_bits = in.Read<std::uint16_t>();
  const auto spi_out = in.Read<std::uint32_t>();
  const auto spi_in = in.Read<std::uint32_t>();
  if (!spi_in) {
    return ProtocolDefect::kWrongSize;
  }
  if (!api_detail::IsLevel(*level)) {
    return ProtocolDefect::kBadLevel;
  }
  if (!IsIdentity(*identity)) {
    return ProtocolDefect::kBadIdentity;
  }
  status.level = static_cast<ApiLevel>(*level);
  status.identity = static_cast<WishIdentity>(*identity);
  status.key_bits = *key_bits;
  status.spi_out = *spi_out;
  status.spi_in = *spi_in;
  const ProtocolDefect algorithms = TakeSized(in, status.algorithms);
  return algorithms != ProtocolDefect::kNone ? algorithms
                                             : TakeSized(in, status.peer);
}

inline ProtocolDefect DecodeReplyBody(Reader& in, WishReply& reply) {
  if (reply.error != 0) {
    return ProtocolDefect::kNone;
  }
  if (reply.to == WishRequestType::kGetIdentity) {
    const auto identity = in.Read<std::uint8_t>();
    if (!identity) {
      return ProtocolDefect::kWrongSize;
    }
    if (!IsIdentity(*identity) || *identity == 0) {
      return ProtocolDefect::kBadIdentity;
    }
    reply.identity = static_cast<WishIdentity>(*identity);
    return TakeSized(in, reply.text);
  }
  if (reply.to == WishRequestType::kGetStatus) {
    for (WishStatus& status : reply.status) {
      if (const ProtocolDefect defect = DecodeStatus(in, status);
          defect != ProtocolDefect::kNone) {
        return defect;
      }
    }
  }
  return ProtocolDefect::kNone;
}

}  // namespace wish_detail

inline WishMessage<kMostWishRequest> EncodeWishRequest(
    const WishRequest& request) {
  WishMessage<kMostWishRequest> message;
  Writer out(message.room().subspan(kMessageHeaderSize));
  out.Write(static_cast<std::uint8_t>(request.end));
  out.Write(static_cast<std::uint8_t>(request.identity));
  out.Write(static_cast<std::uint16_t>(request.text.view().size()));
  out.Write(request.number);
  wish_detail::Put(out, request.text);
  message.set_size(kMessageHeaderSize + out.written().size());
  EncodeMessageHeader(
      {.type = static_cast<std::uint16_t>(request.type),
       .request_id = request.request_id,
       .size = static_cast<std::uint32_t>(message.octets().size())},
      message.room());
  return message;
}

inline Expected<WishRequest, ProtocolDefect> DecodeWishRequest(
    ConstBytes message, std::size_t fd_count) {
  const auto header = DecodeMessageHeader(message);
  if (!header.ok()) {
    return header.error();
  }
  if (!wish_detail::IsType(header->type)) {
    return ProtocolDefect::kUnknownType;
  }
  WishRequest request;
  request.type = static_cast<WishRequestType>(header->type);
  request.request_id = header->request_id;
  const auto decoded = wish_detail::DecodeRequestBody(
      request, message.subspan(kMessageHeaderSize));
  if (!decoded.ok()) {
    return decoded;
  }
  const std::size_t wanted = SocketsOf(*decoded);
  if (fd_count != wanted) {
    return fd_count < wanted ? ProtocolDefect::kMissingFd
                             : ProtocolDefect::kSurplusFd;
  }
  return decoded;
}

inline WishMessage<kMostWishReply> EncodeWishReply(const WishReply& reply) {
  WishMessage<kMostWishReply> message;
  Writer out(message.room().subspan(kMessageHeaderSize));
  out.Write(static_cast<std::uint32_t>(reply.error));
  if (reply.error == 0 && reply.to == WishRequestType::kGetIdentity) {
    out.Write(static_cast<std::uint8_t>(reply.identity));
    out.Write(static_cast<std::uint8_t>(reply.text.view().size()));
    wish_detail::Put(out, reply.text);
  }
  if (reply.error == 0 && reply.to == WishRequestType::kGetStatus) {
    for (const WishStatus& status : reply.status) {
      wish_detail::EncodeStatus(status, out);
    }
  }
  message.set_size(kMessageHeaderSize + out.written().size());
  EncodeMessageHeader(
      {.type = static_cast<std::uint16_t>(static_cast<std::uint16_t>(reply.to) |
                                          kApiReplyBit),
       .request_id = reply.request_id,
       .size = static_cast<std::uint32_t>(message.octets().size())},
      message.room());
  return message;
}

inline Expected<WishReply, ProtocolDefect> DecodeWishReply(
    ConstBytes message, std::size_t fd_count) {
  const auto header = DecodeMessageHeader(message);
  if (!header.ok()) {
    return header.error();
  }
  const auto to = static_cast<std::uint16_t>(header->type ^ kApiReplyBit);
  if (!wish_detail::IsType(to)) {
    return ProtocolDefect::kUnknownType;
  }
  Reader in(message.subspan(kMessageHeaderSize));
  const auto error = in.Read<std::uint32_t>();
  if (!error) {
    return ProtocolDefect::kWrongSize;
  }
  if (*error >= static_cast<std::uint32_t>(kApiErrnoBound)) {
    return ProtocolDefect::kBadErrno;
  }
  WishReply reply;
  reply.to = static_cast<WishRequestType>(to);
  reply.request_id = header->request_id;
  reply.error = static_cast<int>(*error);
  if (const ProtocolDefect defect = wish_detail::DecodeReplyBody(in, reply);
      defect != ProtocolDefect::kNone) {
    return defect;
  }
  if (!in.empty()) {
    return ProtocolDefect::kWrongSize;
  }
  if (fd_count != 0) {
    return ProtocolDefect::kSurplusFd;
  }
  return reply;
}

}  // namespace postern

#endif  // POSTERN_CONTROL_WISH_CODEC_H_
