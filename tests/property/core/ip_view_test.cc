// SPDX-License-Identifier: Apache-2.0
//
// IpView on packets that were cut, and on noise. Each is copied to memory of
// exactly its size, so that AddressSanitizer sees a read past its end.

#include "core/net/ip_view.h"

#include <cstdint>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

using OctetVector = std::vector<std::uint8_t>;

// What an accepted view promises: all places within the packet, in order.
void ExpectWithin(const IpView& view, std::size_t size) {
  ASSERT_LE(view.size(), size);
  ASSERT_LE(view.payload_offset(), view.size());
  ASSERT_LE(view.header_length(), view.payload_offset());
  ASSERT_LT(view.protocol_offset(), view.payload_offset());
  ASSERT_LE(view.insertion_offset(), view.payload_offset());
  ASSERT_GE(view.insertion_offset(), view.header_length());
  ASSERT_LT(view.insertion_protocol_offset(), view.insertion_offset());
  ASSERT_EQ(view.payload().size(), view.size() - view.payload_offset());
}

Opinion<IpView> ParseExactly(ConstBytes octets) {
  const auto exact = std::make_unique<std::uint8_t[]>(octets.size());
  CopyBytes({exact.get(), octets.size()}, octets);
  const auto view = IpView::Parse({exact.get(), octets.size()});
  if (view.ok()) {
    ExpectWithin(*view, octets.size());
    // Reads the ports, if it thinks there are any.
    (void)view->Key(Direction::kOutbound).ok();
    (void)view->Key(Direction::kInbound).ok();
  }
  return view.ok() ? Opinion<IpView>(*view) : view.error();
}

std::vector<OctetVector> Packets() {
  const std::string_view v6 =
      "20010db8000000000000000000000001 20010db8000000000000000000000002";
  const auto with = [&](std::string_view head, std::string_view rest) {
    return Hex(std::string(head) + std::string(v6) + std::string(rest));
  };
  return {
      Hex("4500001c 00004000 40110000 c0000201 c6336402 12670035 00080000"),
      // options: no-operation, loose source route, router alert, end of list
      Hex("4900002c 00004000 40110000 c0000201 c6336402 01830704 c0000203"
          "94040000 00ffffff 12670035 00080000"),
      Hex("4500001c 00002001 40060000 c0000201 c6336402 12670035 00080000"),
      with("60000000 0008 11 40", "12670035 00080000"),
      // hop-by-hop, destination options, routing, fragment, destination options
      with("60000000 0038 00 40",
           "3c00 0502 0000 0100 2b00 0104 00000000"
           "2c01 0000 00000000 00000000 00000000"
           "3c00 0001 00000007 1100 3e02 aabb 0100 12670035 00080000"),
      with("60000000 0010 2c 40", "1100 0008 00000007 12670035 00080000"),
      with("60000000 0000 3b 40", ""),
  };
}

TEST(IpViewProperty, AcceptsTheWholePackets) {
  for (const OctetVector& packet : Packets()) {
    EXPECT_TRUE(ParseExactly(packet).ok()) << ToHex(packet);
  }
}

// DEF-14: cut at every octet.
TEST(IpViewProperty, RefusesEveryTruncation) {
  for (const OctetVector& packet : Packets()) {
    for (std::size_t size = 0; size < packet.size(); ++size) {
      const auto view = ParseExactly(ConstBytes(packet).first(size));
      ASSERT_FALSE(view.ok()) << size << " of " << ToHex(packet);
      EXPECT_EQ(view.error(), DropReason::kTruncated);
    }
  }
}

// The same with a length field that was made to agree: the refusals come from
// further in, or the packet is a shorter good one.
TEST(IpViewProperty, StaysWithinEveryTruncationThatAdmitsIt) {
  for (const OctetVector& packet : Packets()) {
    const bool v4 = packet[0] >> 4 == 4;
    for (std::size_t size = v4 ? 20 : 40; size < packet.size(); ++size) {
      OctetVector cut(packet.begin(),
                      packet.begin() + static_cast<std::ptrdiff_t>(size));
      StoreBe(Bytes(cut).subspan(v4 ? 2 : 4),
              static_cast<std::uint16_t>(v4 ? size : size - 40));
      (void)ParseExactly(cut).ok();
    }
  }
}

TEST(IpViewProperty, StaysWithinWhenAnyOctetTakesAnyValue) {
  for (const OctetVector& packet : Packets()) {
    for (std::size_t at = 0; at < packet.size(); ++at) {
      for (unsigned value = 0; value < 256; ++value) {
        OctetVector changed = packet;
        changed[at] = static_cast<std::uint8_t>(value);
        (void)ParseExactly(changed).ok();
      }
    }
  }
}

TEST(IpViewProperty, StaysWithinNoise) {
  std::mt19937 random(8200);
  constexpr std::uint8_t kLikely[] = {0, 0, 43, 44, 60, 1, 2, 8};
  for (int i = 0; i < 200'000; ++i) {
    OctetVector octets(20 + random() % 120);
    for (std::uint8_t& octet : octets) {
      const auto pick = random();
      octet = pick % 2 == 0 ? kLikely[(pick >> 8) % 8]
                            : static_cast<std::uint8_t>(pick >> 16);
    }
    octets[0] =
        static_cast<std::uint8_t>(i % 2 == 0 ? 0x45 + random() % 11 : 0x60);
    StoreBe(Bytes(octets).subspan(i % 2 == 0 ? 2 : 4),
            static_cast<std::uint16_t>(random() % (octets.size() + 1)));
    (void)ParseExactly(octets).ok();
  }
}

}  // namespace
}  // namespace postern
