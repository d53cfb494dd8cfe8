// SPDX-License-Identifier: Apache-2.0
//
// What libpostern.so and posternd say to each other about a socket beside its
// levels: identities, algorithms, sharing, and what protects it. The same
// sockets, header and rules as api_protocol.h: one request, one reply, and the
// socket itself goes along.
//
//     library                                        daemon
//     SetIdentity{end, identity, text} + socket  -->  {errno}
//     GetIdentity{end} + socket                  -->  {errno, identity, text}
//     SetAlgorithms{text} + socket               -->  {errno}
//     SetStrength{number} + socket               -->  {errno}
//     Share{1} + socket, the other socket        -->  {errno}
//     Share{0} + socket                          -->  {errno}
//     GetStatus{} + socket                       -->  {errno, 3 x category}
//
// Behind the 16-octet header; numbers in network order, fields that say nothing
// in a type zero, texts without a NUL:
//
//     request   | end | identity |  text size  |       number      | text ...
//     reply     |              errno           | then, if it is 0:
//       GetIdentity   | identity | text size | text ...
//       GetStatus     three times, in the order of ApiCategory:
//                     | level | identity | key bits  |
//                     |            SPI out           |
//                     |            SPI in            |
//                     | text size | algorithms ...
//                     | text size | identity's text ...
//
// A reply with an errno other than 0 ends there. The reply to Set* and Share is
// the errno alone.
//
// wish_codec.h encodes and decodes. This header needs no C++ runtime library;
// libpostern.so includes it.
//
// Thread safety: plain values. Cost: nothing allocates.

#ifndef POSTERN_CONTROL_WISH_PROTOCOL_H_
#define POSTERN_CONTROL_WISH_PROTOCOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "control/api_protocol.h"

namespace postern {

enum class WishRequestType : std::uint16_t {
  kSetIdentity = 0x0010,
  kGetIdentity = 0x0011,
  kSetAlgorithms = 0x0012,
  kSetStrength = 0x0013,
  kShare = 0x0014,
  kGetStatus = 0x0015,
};

// Whose identity: what the socket wishes to be; who its peer is to be
// (SetIdentity) or proved to be (GetIdentity).
enum class WishEnd : std::uint8_t { kAbsent = 0, kMine = 1, kPeer = 2 };

// The types of <postern/ipsec.h>'s certificates, as the protocol's own.
enum class WishIdentity : std::uint8_t {
  kAbsent = 0,
  kPrefix = 1,
  kFqdn = 2,
  kUserFqdn = 3,
  kX509Dn = 4,
  kKeyId = 5,
};

inline constexpr std::size_t kMostWishText = 255;

// A text of at most 255 octets, none of them NUL.
class WishText {
 public:
  WishText() = default;

  // False, and the text stays empty, when it does not fit or holds a NUL.
  bool Assign(std::string_view text) {
    size_ = 0;
    if (text.size() > kMostWishText) {
      return false;
    }
    for (const char c : text) {
      if (c == '\0') {
        size_ = 0;
        return false;
      }
      octets_[size_++] = c;
    }
    return true;
  }

  std::string_view view() const { return {octets_.data(), size_}; }

  bool empty() const { return size_ == 0; }

  friend bool operator==(const WishText& a, const WishText& b) {
    return a.view() == b.view();
  }

 private:
  std::array<char, kMostWishText> octets_{};
  std::size_t size_ = 0;
};

struct WishRequest {
  WishRequestType type = WishRequestType::kGetStatus;
  std::uint32_t request_id = 0;
  WishEnd end = WishEnd::kAbsent;                 // Set-, GetIdentity
  WishIdentity identity = WishIdentity::kAbsent;  // SetIdentity; absent: none
  std::uint32_t number = 0;                       // SetStrength, Share
  WishText text = {};                             // SetIdentity, SetAlgorithms

  friend bool operator==(const WishRequest&, const WishRequest&) = default;
};

// What protects a socket in one category.
struct WishStatus {
  ApiLevel level = ApiLevel::kNone;
  std::uint16_t key_bits = 0;
  std::uint32_t spi_out = 0;  // 0: no SA
  std::uint32_t spi_in = 0;
  WishText algorithms = {};
  WishIdentity identity = WishIdentity::kAbsent;
  WishText peer = {};

  friend bool operator==(const WishStatus&, const WishStatus&) = default;
};

struct WishReply {
  WishRequestType to = WishRequestType::kGetStatus;
  std::uint32_t request_id = 0;
  int error = 0;                                  // as in an ApiReply
  WishIdentity identity = WishIdentity::kAbsent;  // GetIdentity
  WishText text = {};                             // GetIdentity
  std::array<WishStatus, 3> status = {};          // GetStatus

  friend bool operator==(const WishReply&, const WishReply&) = default;
};

// How many sockets go along.
constexpr std::size_t SocketsOf(const WishRequest& request) {
  return request.type == WishRequestType::kShare && request.number == 1 ? 2 : 1;
}

constexpr bool Answers(const WishReply& reply, const WishRequest& request) {
  return reply.to == request.type && reply.request_id == request.request_id;
}

}  // namespace postern

#endif  // POSTERN_CONTROL_WISH_PROTOCOL_H_
