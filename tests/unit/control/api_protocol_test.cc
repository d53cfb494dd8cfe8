// SPDX-License-Identifier: Apache-2.0

#include "control/api_protocol.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr ApiLevel kLevels[] = {ApiLevel::kBypass,  ApiLevel::kNone,
                                ApiLevel::kAvail,   ApiLevel::kUse,
                                ApiLevel::kRequire, ApiLevel::kUnique};
constexpr ApiCategory kCategories[] = {
    ApiCategory::kEspTransport, ApiCategory::kAh, ApiCategory::kEspNetwork};
constexpr ApiFamily kFamilies[] = {ApiFamily::kIpv4, ApiFamily::kIpv6};
constexpr ApiRequestType kTypes[] = {
    ApiRequestType::kHello, ApiRequestType::kSetLevel,
    ApiRequestType::kGetLevel, ApiRequestType::kAdopt};

// SetLevel of AH to REQUIRE through IPV6_AUTH_LEVEL, written down from the
// drawings in message_header.h and api_protocol.h.
const Octets kSetAhRequire = {'P', 'S', 'T', 'N',  0, 1, 0, 2,   //
                              0,   0,   0,   0x2a, 0, 0, 0, 20,  //
                              2,   6,   5,   0};

// Its reply: stored as REQUIRE.
const Octets kStoredRequire = {'P', 'S', 'T', 'N',  0, 1, 0x80, 2,   //
                               0,   0,   0,   0x2a, 0, 0, 0,    24,  //
                               0,   0,   0,   0,    5, 0, 0,    0};

Octets With(Octets message, std::size_t at, std::uint8_t value) {
  message.at(at) = value;
  return message;
}

ProtocolDefect RequestDefect(const Octets& message, std::size_t fd_count = 1) {
  return DecodeApiRequest(message, fd_count).error();
}

ProtocolDefect ReplyDefect(const Octets& message, std::size_t fd_count = 0) {
  return DecodeApiReply(message, fd_count).error();
}

TEST(ApiProtocol, EncodesARequestAsDrawn) {
  const ApiRequestBytes message =
      EncodeApiRequest({.type = ApiRequestType::kSetLevel,
                        .request_id = 0x2a,
                        .category = ApiCategory::kAh,
                        .family = ApiFamily::kIpv6,
                        .level = ApiLevel::kRequire});
  EXPECT_EQ(Octets(message.begin(), message.end()), kSetAhRequire);
}

TEST(ApiProtocol, EncodesAReplyAsDrawn) {
  const ApiReplyBytes message = EncodeApiReply({.to = ApiRequestType::kSetLevel,
                                                .request_id = 0x2a,
                                                .level = ApiLevel::kRequire});
  EXPECT_EQ(Octets(message.begin(), message.end()), kStoredRequire);
}

TEST(ApiProtocol, DecodesEveryRequestThatCanBeSaid) {
  for (const ApiCategory category : kCategories) {
    for (const ApiFamily family : kFamilies) {
      for (const ApiLevel level : kLevels) {
        const auto decoded = DecodeApiRequest(
            EncodeApiRequest({.type = ApiRequestType::kSetLevel,
                              .request_id = 7,
                              .category = category,
                              .family = family,
                              .level = level}),
            1);
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(decoded->type, ApiRequestType::kSetLevel);
        EXPECT_EQ(decoded->request_id, 7u);
        EXPECT_EQ(decoded->category, category);
        EXPECT_EQ(decoded->family, family);
        EXPECT_EQ(decoded->level, level);
      }
    }
  }
}

TEST(ApiProtocol, SendsUnusedFieldsAsZero) {
  for (const ApiRequestType type :
       {ApiRequestType::kHello, ApiRequestType::kAdopt}) {
    const ApiRequestBytes message =
        EncodeApiRequest({.type = type,
                          .category = ApiCategory::kAh,
                          .family = ApiFamily::kIpv6,
                          .level = ApiLevel::kUnique});
    EXPECT_TRUE(DecodeApiRequest(message, CarriesSocket(type) ? 1 : 0).ok());
    EXPECT_EQ(message[16] | message[17] | message[18] | message[19], 0);
  }
}

TEST(ApiProtocol, RefusesARequestCutAnywhere) {
  for (std::size_t size = 0; size < kApiRequestSize; ++size) {
    const Octets cut(kSetAhRequire.begin(),
                     kSetAhRequire.begin() + static_cast<long>(size));
    EXPECT_EQ(RequestDefect(cut), size < kMessageHeaderSize
                                      ? ProtocolDefect::kTruncated
                                      : ProtocolDefect::kWrongSize)
        << size;
  }
}

TEST(ApiProtocol, RefusesAReplyCutAnywhere) {
  for (std::size_t size = 0; size < kApiReplySize; ++size) {
    const Octets cut(kStoredRequire.begin(),
                     kStoredRequire.begin() + static_cast<long>(size));
    EXPECT_EQ(ReplyDefect(cut), size < kMessageHeaderSize
                                    ? ProtocolDefect::kTruncated
                                    : ProtocolDefect::kWrongSize)
        << size;
  }
}

TEST(ApiProtocol, RefusesTrailingOctets) {
  Octets longer = kSetAhRequire;
  longer.push_back(0);
  EXPECT_EQ(RequestDefect(longer), ProtocolDefect::kWrongSize);
  longer[15] = 21;  // now the header agrees, and the type does not
  EXPECT_EQ(RequestDefect(longer), ProtocolDefect::kWrongSize);
  Octets reply = With(kStoredRequire, 15, 25);
  reply.push_back(0);
  EXPECT_EQ(ReplyDefect(reply), ProtocolDefect::kWrongSize);
}

TEST(ApiProtocol, RefusesAnotherMagicAndAnotherVersion) {
  for (std::size_t at = 0; at < 4; ++at) {
    EXPECT_EQ(RequestDefect(With(kSetAhRequire, at, 'x')),
              ProtocolDefect::kBadMagic);
  }
  EXPECT_EQ(RequestDefect(With(kSetAhRequire, 5, 0)),
            ProtocolDefect::kWrongVersion);
  EXPECT_EQ(RequestDefect(With(kSetAhRequire, 5, 2)),
            ProtocolDefect::kWrongVersion);
  EXPECT_EQ(ReplyDefect(With(kStoredRequire, 5, 2)),
            ProtocolDefect::kWrongVersion);
}

// DEF-31
TEST(ApiProtocol, NamesALaterVersionEvenIfItsMessagesAreLonger) {
  Octets later = With(kSetAhRequire, 5, 2);
  later.resize(100);
  EXPECT_EQ(RequestDefect(later), ProtocolDefect::kWrongVersion);
}

TEST(ApiProtocol, RefusesUnknownTypes) {
  for (const int value : {0, 5, 0x42, 0xff}) {
    const auto type = static_cast<std::uint8_t>(value);
    EXPECT_EQ(RequestDefect(With(kSetAhRequire, 7, type)),
              ProtocolDefect::kUnknownType);
    EXPECT_EQ(ReplyDefect(With(kStoredRequire, 7, type)),
              ProtocolDefect::kUnknownType);
  }
  // A reply is no request and a request is no reply.
  EXPECT_EQ(RequestDefect(With(kSetAhRequire, 6, 0x80)),
            ProtocolDefect::kUnknownType);
  EXPECT_EQ(ReplyDefect(With(kStoredRequire, 6, 0)),
            ProtocolDefect::kUnknownType);
}

// DEF-39
TEST(ApiProtocol, RefusesEveryValueOutsideTheEnums) {
  for (int value = 0; value < 256; ++value) {
    const auto octet = static_cast<std::uint8_t>(value);
    if (value < 1 || value > 3) {
      EXPECT_EQ(RequestDefect(With(kSetAhRequire, 16, octet)),
                ProtocolDefect::kBadCategory);
    }
    if (value != 4 && value != 6) {
      EXPECT_EQ(RequestDefect(With(kSetAhRequire, 17, octet)),
                ProtocolDefect::kBadFamily);
    }
    if (value < 1 || value > 6) {
      EXPECT_EQ(RequestDefect(With(kSetAhRequire, 18, octet)),
                ProtocolDefect::kBadLevel);
      EXPECT_EQ(ReplyDefect(With(kStoredRequire, 20, octet)),
                ProtocolDefect::kBadLevel);
    }
  }
}

TEST(ApiProtocol, RefusesFieldsThatMustBeZero) {
  EXPECT_EQ(RequestDefect(With(kSetAhRequire, 19, 1)),
            ProtocolDefect::kNotZero);
  // GetLevel has no level, Adopt has none of the three.
  EXPECT_EQ(RequestDefect(With(kSetAhRequire, 7, 3)), ProtocolDefect::kNotZero);
  for (std::size_t at = 16; at < 20; ++at) {
    const Octets adopt = {'P', 'S', 'T', 'N', 0, 1, 0, 4,   //
                          0,   0,   0,   1,   0, 0, 0, 20,  //
                          0,   0,   0,   0};
    EXPECT_EQ(RequestDefect(With(adopt, at, 1)), ProtocolDefect::kNotZero);
  }
  for (std::size_t at = 21; at < 24; ++at) {
    EXPECT_EQ(ReplyDefect(With(kStoredRequire, at, 1)),
              ProtocolDefect::kNotZero);
  }
}

TEST(ApiProtocol, RefusesARefusalThatCarriesALevel) {
  EXPECT_EQ(ReplyDefect(With(kStoredRequire, 19, 13)),
            ProtocolDefect::kNotZero);
}

TEST(ApiProtocol, RefusesAnErrnoOutOfRange) {
  EXPECT_EQ(ReplyDefect(With(kStoredRequire, 16, 0xff)),
            ProtocolDefect::kBadErrno);
  EXPECT_EQ(ReplyDefect(With(kStoredRequire, 18, 0x10)),
            ProtocolDefect::kBadErrno);
}

TEST(ApiProtocol, WantsExactlyOneDescriptorWhereOneIsNeededAndNoneElsewhere) {
  for (const ApiRequestType type : kTypes) {
    const ApiRequestBytes message =
        EncodeApiRequest({.type = type, .level = ApiLevel::kUse});
    EXPECT_EQ(DecodeApiRequest(message, 0).ok(),
              type == ApiRequestType::kHello);
    EXPECT_EQ(DecodeApiRequest(message, 1).ok(),
              type != ApiRequestType::kHello);
    EXPECT_EQ(DecodeApiRequest(message, 2).error(), ProtocolDefect::kSurplusFd);
  }
  EXPECT_EQ(RequestDefect(kSetAhRequire, 0), ProtocolDefect::kMissingFd);
  EXPECT_EQ(ReplyDefect(kStoredRequire, 1), ProtocolDefect::kSurplusFd);
}

TEST(ApiProtocol, DecodesEveryReplyThatCanBeSaid) {
  for (const ApiRequestType type : kTypes) {
    for (const int error : {0, 13, 95, 4095}) {
      const auto reply =
          DecodeApiReply(EncodeApiReply({.to = type,
                                         .request_id = 0xfffffffe,
                                         .error = error,
                                         .level = ApiLevel::kUse}),
                         0);
      ASSERT_TRUE(reply.ok());
      EXPECT_EQ(reply->error, error);
      EXPECT_EQ(reply->level, error == 0 && NamesCategory(type)
                                  ? ApiLevel::kUse
                                  : ApiLevel::kAbsent);
      EXPECT_TRUE(Answers(*reply, {.type = type, .request_id = 0xfffffffe}));
      EXPECT_FALSE(Answers(*reply, {.type = type, .request_id = 1}));
    }
  }
}

// What is accepted at all is exactly what encoding its meaning gives back: no
// second spelling of any request exists.
TEST(ApiProtocol, AcceptsNoSecondSpellingAmongRandomMessages) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    Octets message = kSetAhRequire;
    message[7] = static_cast<std::uint8_t>(1 + random() % 4);
    const bool is_reply = random() % 2 == 0;
    if (is_reply) {
      message = kStoredRequire;
    }
    for (auto flips = random() % 3; flips != 0; --flips) {
      message[random() % message.size()] =
          static_cast<std::uint8_t>(random() % (random() % 2 == 0 ? 8 : 256));
    }
    message.resize(message.size() - (random() % 16 == 0 ? random() % 20 : 0));
    if (const auto request = DecodeApiRequest(message, 1); request.ok()) {
      const ApiRequestBytes again = EncodeApiRequest(*request);
      ASSERT_EQ(Octets(again.begin(), again.end()), message);
      ++accepted;
    }
    if (const auto reply = DecodeApiReply(message, 0); reply.ok()) {
      const ApiReplyBytes again = EncodeApiReply(*reply);
      ASSERT_EQ(Octets(again.begin(), again.end()), message);
      ++accepted;
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(ProtocolDefect, EveryOneHasASentenceOfItsOwn) {
  std::vector<std::string> sentences;
  for (int i = 0; i <= static_cast<int>(ProtocolDefect::kWrongId); ++i) {
    const std::string sentence = SentenceOf(static_cast<ProtocolDefect>(i));
    EXPECT_NE(sentence, "the message is defective");
    for (const std::string& other : sentences) {
      EXPECT_NE(sentence, other);
    }
    sentences.push_back(sentence);
  }
}

}  // namespace
}  // namespace postern
