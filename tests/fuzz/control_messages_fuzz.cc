// SPDX-License-Identifier: Apache-2.0
//
// Messages on both control sockets; the first octet says how many descriptors
// came along. What is accepted encodes to the very same octets. DEF-16

#include <algorithm>

#include "control/admin_protocol.h"
#include "control/api_protocol.h"
#include "control/wish_codec.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t descriptors = octets[0] % 3;
  const postern::ConstBytes message(octets + 1, size - 1);
  if (const auto request = postern::DecodeApiRequest(message, descriptors)) {
    postern::Claim(
        "a request encodes to what it was",
        std::ranges::equal(postern::EncodeApiRequest(*request), message));
  }
  if (const auto reply = postern::DecodeApiReply(message, descriptors)) {
    postern::Claim(
        "a reply encodes to what it was",
        std::ranges::equal(postern::EncodeApiReply(*reply), message));
  }
  if (const auto request = postern::DecodeWishRequest(message, descriptors)) {
    postern::Claim("a wish encodes to what it was",
                   std::ranges::equal(
                       postern::EncodeWishRequest(*request).octets(), message));
  }
  if (const auto reply = postern::DecodeWishReply(message, descriptors)) {
    postern::Claim(
        "a wish's reply encodes to what it was",
        std::ranges::equal(postern::EncodeWishReply(*reply).octets(), message));
  }
  if (const auto frame = postern::DecodeAdminMessage(message, descriptors)) {
    postern::Claim("the text is in the message",
                   frame->text.size() <= message.size());
  }
  return 0;
}
