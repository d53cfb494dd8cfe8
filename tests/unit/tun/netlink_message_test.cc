// SPDX-License-Identifier: Apache-2.0

#include "tun/netlink_message.h"

#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr std::uint16_t kType = 20;

// The layout that linux/netlink.h defines, built by hand with its structs.
TEST(NetlinkRequest, LaysOutHeaderStructAndAttributes) {
  NetlinkRequest request(kType, NLM_F_REQUEST);
  request.PutStruct(std::uint32_t{0x01020304});
  request.PutAttribute(7, std::string_view("abc"));
  const ConstBytes octets = request.Finish(99);
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(octets.size(), 16U + 4 + 8);
  nlmsghdr header{};
  std::memcpy(&header, octets.data(), sizeof(header));
  EXPECT_EQ(header.nlmsg_len, 28U);
  EXPECT_EQ(header.nlmsg_type, kType);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST);
  EXPECT_EQ(header.nlmsg_seq, 99U);
  nlattr attribute{};
  std::memcpy(&attribute, octets.data() + 20, sizeof(attribute));
  EXPECT_EQ(attribute.nla_len, 7);  // without the padding
  EXPECT_EQ(attribute.nla_type, 7);
  EXPECT_EQ(octets[24], 'a');
  EXPECT_EQ(octets[27], 0);
}

TEST(NetlinkRequest, NestsAttributes) {
  NetlinkRequest request(kType, 0);
  const std::size_t outer = request.BeginNest(1);
  request.PutNumber(2, std::uint8_t{5});
  request.EndNest(outer);
  NetlinkMessages messages(request.Finish(1));
  const auto message = messages.Next();
  ASSERT_TRUE(message);
  NetlinkAttributes attributes(message->body);
  const auto nest = attributes.Next();
  ASSERT_TRUE(nest);
  EXPECT_EQ(nest->type, 1);
  NetlinkAttributes inner(nest->value);
  const auto number = inner.Next();
  ASSERT_TRUE(number);
  EXPECT_EQ(number->type, 2);
  EXPECT_EQ(number->value[0], 5);
  EXPECT_FALSE(inner.Next());
  EXPECT_FALSE(attributes.Next());
}

TEST(NetlinkRequest, RefusesWhatDoesNotFit) {
  NetlinkRequest request(kType, 0);
  const std::vector<std::uint8_t> much(1000, 1);
  request.PutAttribute(1, much);
  EXPECT_FALSE(request.ok());
  request.PutNumber(2, std::uint8_t{1});
  EXPECT_EQ(request.Finish(1).size(), sizeof(nlmsghdr));
}

TEST(NetlinkMessages, EndsAtEveryLengthThatDoesNotFit) {
  for (std::uint32_t length = 0; length < 64; ++length) {
    std::array<std::uint8_t, 32> octets{};
    std::memcpy(octets.data(), &length, sizeof(length));
    NetlinkMessages messages{ConstBytes(octets)};
    EXPECT_EQ(messages.Next().has_value(), length >= 16 && length <= 32)
        << length;
  }
  for (std::size_t size = 0; size < 16; ++size) {
    const std::vector<std::uint8_t> octets(size, 0xff);
    NetlinkMessages messages{ConstBytes(octets)};
    EXPECT_FALSE(messages.Next()) << size;
  }
}

TEST(NetlinkAttributes, EndsAtEveryLengthThatDoesNotFit) {
  for (std::uint16_t length = 0; length < 16; ++length) {
    std::array<std::uint8_t, 8> octets{};
    std::memcpy(octets.data(), &length, sizeof(length));
    NetlinkAttributes attributes{ConstBytes(octets)};
    EXPECT_EQ(attributes.Next().has_value(), length >= 4 && length <= 8)
        << length;
  }
}

TEST(NetlinkAttributes, SkippingPastTheEndLeavesNone) {
  const std::array<std::uint8_t, 8> octets{};
  NetlinkAttributes attributes(octets, 100);
  EXPECT_FALSE(attributes.Next());
}

TEST(RefusalOf, TellsTheErrno) {
  NetlinkRequest request(NLMSG_ERROR, 0);
  nlmsgerr error{};
  error.error = -ENOENT;
  request.PutStruct(error);
  NetlinkMessages messages(request.Finish(1));
  EXPECT_EQ(RefusalOf(*messages.Next()).errno_value, ENOENT);
}

TEST(RefusalOf, TellsTheKernelsWordsBehindAQuotedRequest) {
  NetlinkRequest request(NLMSG_ERROR, NLM_F_ACK_TLVS);
  nlmsgerr error{};
  error.error = -EINVAL;
  error.msg.nlmsg_len = sizeof(nlmsghdr) + 8;
  request.PutStruct(error);
  request.PutStruct(std::uint64_t{0});  // the quoted request's body
  request.PutAttribute(NLMSGERR_ATTR_MSG, std::string_view("too bad"));
  NetlinkMessages messages(request.Finish(1));
  const NetlinkRefusal refusal = RefusalOf(*messages.Next());
  EXPECT_EQ(refusal.errno_value, EINVAL);
  EXPECT_EQ(refusal.words, "too bad");
}

TEST(RefusalOf, IsAnErrorWhenTheMessageIsTooShort) {
  NetlinkRequest request(NLMSG_ERROR, 0);
  NetlinkMessages messages(request.Finish(1));
  EXPECT_EQ(RefusalOf(*messages.Next()).errno_value, EPROTO);
}

TEST(KernelText, EndsAtTheFirstZeroOrTheEnd) {
  const std::array<std::uint8_t, 4> octets = {'l', 'o', 0, 'x'};
  EXPECT_EQ(KernelText(octets), "lo");
  EXPECT_EQ(KernelText(ConstBytes(octets).first(2)), "lo");
  EXPECT_EQ(KernelText(ConstBytes()), "");
}

}  // namespace
}  // namespace postern
