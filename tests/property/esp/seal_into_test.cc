// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdint>
#include <random>

#include "gtest/gtest.h"

#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "esp/opener.h"
#include "esp/sealer.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

// A packet with a random payload, extension headers and options.
Octets RandomPacket(std::mt19937& random) {
  Octets payload(random() % 1500);
  std::generate(payload.begin(), payload.end(),
                [&random] { return static_cast<std::uint8_t>(random()); });
  const auto octet = static_cast<std::uint8_t>(random() & 0xfc);
  if (random() % 2 == 0) {
    PacketBuilder builder = HostsV4().TrafficClass(octet);
    if (random() % 2 == 0) {
      builder.Ipv4Options(Octets(1 + random() % 40, 1));
    }
    return builder.Raw(253, payload);
  }
  PacketBuilder builder = HostsV6().TrafficClass(octet);
  for (const std::uint8_t type : Octets{0, 60, 43, 60}) {
    if (random() % 2 == 0) {
      builder.Extension(type, Octets(type == 43 ? 8 : 8 * (1 + random() % 3)));
    }
  }
  return builder.Raw(253, payload);
}

// The IV of a sealed packet, wherever its ESP header stands.
Octets IvOf(const Packet& packet, const Parameters& sa) {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  const ConstBytes iv = packet.bytes().subspan(view->payload_offset() + 8,
                                               InfoOf(sa.encryption).iv);
  return {iv.begin(), iv.end()};
}

class SealInto : public testing::TestWithParam<Parameters> {
 protected:
  PacketPool pool_{{.packets = 4}};
};

// What is sealed out of place is what is sealed in place, to the octet; and
// what comes out at the other end is what went in.
TEST_P(SealInto, EqualsSealInPlace) {
  const Parameters& sa = GetParam();
  std::mt19937 random(4303);
  Result<Sealer> sealer = Sealer::Create(sa);
  Result<Opener> opener = Opener::Create(sa);
  Packet out = pool_.Take(0);
  for (std::uint64_t i = 0; i < 300; ++i) {
    const std::uint64_t seq = (std::uint64_t{random()} << 32) | random();
    const Octets clear = RandomPacket(random);
    out.Release();
    out = pool_.Take(random() % 64);  // its old content does not matter
    ASSERT_TRUE(sealer->SealInto(clear, seq, out).ok());
    Packet in = pool_.Copy(clear);
    ASSERT_TRUE(sealer->SealWithIv(in, seq, IvOf(out, sa)).ok());
    ASSERT_EQ(Copied(in), Copied(out));
    in.Release();
    {
      Opinion<Opener::Opened> opened = opener->Open(out, seq);
      ASSERT_TRUE(opened.ok());
      ASSERT_TRUE(opener->Finish(out, *opened).ok());
    }
    ASSERT_EQ(Copied(out), clear);
  }
  out.Release();
}

std::vector<Parameters> AllSas() {
  std::vector<Parameters> all;
  for (Parameters sa : AllTransportSas()) {
    all.push_back(InTunnel(sa, IpFamily::kV4));
    sa.numbers = SequenceNumbers::kExtended;
    all.push_back(InTunnel(sa, IpFamily::kV6));
    all.push_back(sa);
  }
  return all;
}

std::string NameOfSa(const testing::TestParamInfo<Parameters>& info) {
  return std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(EverySa, SealInto, testing::ValuesIn(AllSas()),
                         NameOfSa);

}  // namespace
}  // namespace postern::esp
