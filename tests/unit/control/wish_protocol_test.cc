// SPDX-License-Identifier: Apache-2.0

#include "control/wish_protocol.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "control/wish_codec.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

WishText Text(std::string_view text) {
  WishText made;
  EXPECT_TRUE(made.Assign(text));
  return made;
}

Octets Encoded(const WishRequest& request) {
  const auto message = EncodeWishRequest(request);
  return {message.octets().begin(), message.octets().end()};
}

Octets Encoded(const WishReply& reply) {
  const auto message = EncodeWishReply(reply);
  return {message.octets().begin(), message.octets().end()};
}

WishRequest Be(std::string_view name) {
  return {.type = WishRequestType::kSetIdentity,
          .request_id = 7,
          .end = WishEnd::kPeer,
          .identity = WishIdentity::kFqdn,
          .text = Text(name)};
}

// Every request that can be said, with the descriptors that it carries.
std::vector<WishRequest> Requests() {
  std::vector<WishRequest> all{
      Be("b.example"),
      Be(std::string(kMostWishText, 'a')),
      {.type = WishRequestType::kSetIdentity, .end = WishEnd::kMine},
      {.type = WishRequestType::kSetAlgorithms, .text = Text("aes256gcm16")},
      {.type = WishRequestType::kSetAlgorithms},
      {.type = WishRequestType::kSetStrength, .number = 256},
      {.type = WishRequestType::kShare},
      {.type = WishRequestType::kShare, .number = 1},
      {.type = WishRequestType::kGetStatus}};
  for (const WishEnd end : {WishEnd::kMine, WishEnd::kPeer}) {
    all.push_back({.type = WishRequestType::kGetIdentity, .end = end});
  }
  return all;
}

WishReply Status() {
  WishReply reply{.to = WishRequestType::kGetStatus, .request_id = 9};
  for (WishStatus& status : reply.status) {
    status = {.level = ApiLevel::kRequire,
              .key_bits = 256,
              .spi_out = 0x1001,
              .spi_in = 0xfffffffe,
              .algorithms = Text("aes-gcm-16"),
              .identity = WishIdentity::kX509Dn,
              .peer = Text("CN=b")};
  }
  return reply;
}

// Written down from the drawings in message_header.h and wish_protocol.h.
TEST(WishProtocol, EncodesARequestAsDrawn) {
  EXPECT_EQ(Encoded(Be("b.c")), (Octets{'P', 'S', 'T', 'N', 0, 1, 0, 0x10,  //
                                        0,   0,   0,   7,   0, 0, 0, 27,    //
                                        2,   2,   0,   3,   0, 0, 0, 0,     //
                                        'b', '.', 'c'}));
}

TEST(WishProtocol, EncodesAReplyAsDrawn) {
  const WishReply reply{.to = WishRequestType::kGetIdentity,
                        .request_id = 7,
                        .identity = WishIdentity::kKeyId,
                        .text = Text("k")};
  EXPECT_EQ(Encoded(reply), (Octets{'P', 'S', 'T', 'N', 0, 1, 0x80, 0x11,  //
                                    0,   0,   0,   7,   0, 0, 0,    23,    //
                                    0,   0,   0,   0,   5, 1, 'k'}));
}

TEST(WishProtocol, DecodesEveryRequestThatCanBeSaid) {
  for (const WishRequest& request : Requests()) {
    const auto decoded =
        DecodeWishRequest(Encoded(request), SocketsOf(request));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, request);
  }
}

TEST(WishProtocol, DecodesEveryReplyThatCanBeSaid) {
  for (const WishReply& reply :
       {Status(), WishReply{.to = WishRequestType::kGetStatus, .error = 13},
        WishReply{.to = WishRequestType::kShare, .request_id = 1},
        WishReply{.to = WishRequestType::kGetIdentity,
        .identity = WishIdentity::kPrefix,
        .text = Text("10.9.2.1/32")}}) {
    const auto decoded = DecodeWishReply(Encoded(reply), 0);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, reply);
  }
}

TEST(WishProtocol, RefusesEveryTruncationAndEveryTail) {
  std::vector<Octets> whole;
  for (const WishRequest& request : Requests()) {
    whole.push_back(Encoded(request));
  }
  whole.push_back(Encoded(Status()));
  for (const Octets& message : whole) {
    for (std::size_t size = 0; size < message.size(); ++size) {
      Octets cut(message.begin(), message.begin() + static_cast<long>(size));
      if (size >= kMessageHeaderSize) {
        cut[15] = static_cast<std::uint8_t>(size);  // the header agrees
        cut[14] = static_cast<std::uint8_t>(size >> 8);
      }
      EXPECT_FALSE(DecodeWishRequest(cut, 1).ok());
      EXPECT_FALSE(DecodeWishRequest(cut, 2).ok());
      EXPECT_FALSE(DecodeWishReply(cut, 0).ok());
    }
    Octets longer = message;
    longer.push_back(0);
    longer[15] = static_cast<std::uint8_t>(longer.size());
    longer[14] = static_cast<std::uint8_t>(longer.size() >> 8);
    EXPECT_FALSE(DecodeWishRequest(longer, 1).ok());
    EXPECT_FALSE(DecodeWishReply(longer, 0).ok());
  }
}

TEST(WishProtocol, RefusesFieldsOfOtherTypes) {
  const auto defect = [](const WishRequest& request) {
    return DecodeWishRequest(Encoded(request), 1).error();
  };
  WishRequest odd{.type = WishRequestType::kGetStatus, .number = 1};
  EXPECT_EQ(defect(odd), ProtocolDefect::kNotZero);
  odd = {.type = WishRequestType::kSetStrength, .text = Text("aes")};
  EXPECT_EQ(defect(odd), ProtocolDefect::kNotZero);
  odd = {.type = WishRequestType::kGetIdentity};
  EXPECT_EQ(defect(odd), ProtocolDefect::kNotZero);
  odd = {.type = WishRequestType::kShare, .number = 2};
  EXPECT_EQ(defect(odd), ProtocolDefect::kNotZero);
  odd = {.type = WishRequestType::kSetIdentity,
         .end = WishEnd::kMine,
         .identity = WishIdentity::kFqdn};
  EXPECT_EQ(defect(odd), ProtocolDefect::kBadIdentity);
  odd = {.type = WishRequestType::kSetIdentity,
         .end = WishEnd::kMine,
         .text = Text("nobody")};
  EXPECT_EQ(defect(odd), ProtocolDefect::kBadIdentity);
}

TEST(WishProtocol, RefusesValuesOutsideTheirSets) {
  Octets message = Encoded(Be("b.example"));
  message[17] = 6;
  EXPECT_EQ(DecodeWishRequest(message, 1).error(),
            ProtocolDefect::kBadIdentity);
  message = Encoded(Be("b.example"));
  message[16] = 3;
  EXPECT_EQ(DecodeWishRequest(message, 1).error(),
            ProtocolDefect::kBadIdentity);
  message = Encoded(Be("b.example"));
  message[25] = 0;  // a NUL in the text
  EXPECT_EQ(DecodeWishRequest(message, 1).error(), ProtocolDefect::kBadText);
  message = Encoded(Status());
  message[20] = 7;
  EXPECT_EQ(DecodeWishReply(message, 0).error(), ProtocolDefect::kBadLevel);
  message = Encoded(Status());
  message[16] = 1;
  EXPECT_EQ(DecodeWishReply(message, 0).error(), ProtocolDefect::kBadErrno);
}

TEST(WishProtocol, CountsDescriptors) {
  const WishRequest share{.type = WishRequestType::kShare, .number = 1};
  EXPECT_EQ(DecodeWishRequest(Encoded(share), 1).error(),
            ProtocolDefect::kMissingFd);
  EXPECT_TRUE(DecodeWishRequest(Encoded(share), 2).ok());
  EXPECT_EQ(DecodeWishRequest(Encoded(Be("a")), 2).error(),
            ProtocolDefect::kSurplusFd);
  EXPECT_EQ(DecodeWishRequest(Encoded(Be("a")), 0).error(),
            ProtocolDefect::kMissingFd);
  EXPECT_EQ(DecodeWishReply(Encoded(Status()), 1).error(),
            ProtocolDefect::kSurplusFd);
}

TEST(WishProtocol, IsAnotherThanThatOfLevels) {
  EXPECT_TRUE(IsWishRequest(Encoded(Be("a"))));
  EXPECT_FALSE(
      IsWishRequest(EncodeApiRequest({.type = ApiRequestType::kSetLevel})));
  EXPECT_EQ(DecodeApiRequest(Encoded(Be("a")), 1).error(),
            ProtocolDefect::kUnknownType);
  EXPECT_FALSE(IsWishRequest(Octets(8)));
}

TEST(WishText, RefusesWhatDoesNotFit) {
  WishText text;
  EXPECT_FALSE(text.Assign(std::string(kMostWishText + 1, 'a')));
  EXPECT_TRUE(text.empty());
  EXPECT_FALSE(text.Assign(std::string_view("a\0b", 3)));
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace postern
