// SPDX-License-Identifier: Apache-2.0
//
// Every single bit of signed packets, changed in flight, against the lists of
// RFC 4302 3.3.3.1: a change of a mutable bit is accepted, any other refused.

#include <cstdint>
#include <set>

#include "gtest/gtest.h"

#include "ah/verifier.h"
#include "core/packet/packet_pool.h"
#include "tests/unit/ah/ah_sas.h"

namespace postern::ah {
namespace {

constexpr std::uint32_t kSeq = 9;

class EveryBit : public testing::Test {
 protected:
  // Signs `clear`; then flips each bit. `mutable_octets` may change.
  void FlipAll(const Parameters& sa, const Octets& clear,
               const std::set<std::size_t>& mutable_octets) {
    Result<Signer> signer = Signer::Create(sa);
    Result<Verifier> verifier = Verifier::Create(sa);
    Packet packet = pool_.Copy(clear);
    ASSERT_TRUE(signer->Sign(packet, kSeq).ok());
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
      packet.bytes()[bit / 8] ^= mask;
      const bool accepted = verifier->Verify(packet, kSeq).ok();
      packet.bytes()[bit / 8] ^= mask;
      if (fragment_bits_.contains(bit)) {
        ASSERT_FALSE(accepted) << "bit " << bit;  // a fragment now
        continue;
      }
      const bool is_mutable =
          mutable_octets.contains(bit / 8) || mutable_bits_.contains(bit);
      ASSERT_EQ(accepted, is_mutable)
          << "octet " << bit / 8 << " of " << packet.size();
    }
    ASSERT_TRUE(verifier->Verify(packet, kSeq).ok());
    packet.Release();
  }

  PacketPool pool_{{.packets = 1}};
  std::set<std::size_t> mutable_bits_;
  std::set<std::size_t> fragment_bits_;
};

// AH-22, AH-23, AH-26 to AH-29
TEST_F(EveryBit, OfAnIpv4PacketWithOptions) {
  for (std::size_t bit = 6 * 8 + 2; bit < 8 * 8; ++bit) {
    fragment_bits_.insert(bit);  // more fragments, and the offset
  }
  const Octets options = {0x94, 4, 0, 0,              // router alert
                          130,  4, 1, 2,              // security
                          7,    7, 4, 0, 0, 0, 0, 1,  // record route
                          30,   4, 5, 6};             // nobody knows it
  // TOS, DF and reserved flag, TTL, checksum; data of the mutable options.
  // Their type and length are zeroed too, but a change there makes another
  // option or none: what that gives is in mutable_fields_test.cc.
  const std::set<std::size_t> mutable_octets = {1,  6,  8,  10, 11, 30,
                                                31, 32, 33, 34, 38, 39};
  for (const Parameters& sa : AllTransportSas()) {
    std::set<std::size_t> bits;
    // Record route's type may become another mutable type, and so may that of
    // the unknown option; a type of the immutable set may not.
    for (const std::size_t octet : {28U, 36U}) {
      const std::uint8_t type = options[octet - 20];
      for (std::size_t i = 0; i < 8; ++i) {
        const unsigned changed = type ^ (0x80U >> i);
        const std::set<unsigned> other = {0,   1,   130, 131, 133,
                                          134, 137, 148, 149};
        if (!other.contains(changed)) {
          bits.insert(octet * 8 + i);
        }
      }
    }
    mutable_bits_ = bits;
    FlipAll(sa, HostsV4().Ipv4Options(options).Raw(253, Octets(40, 0x33)),
            mutable_octets);
  }
}

// AH-31, AH-32, AH-34, AH-35
TEST_F(EveryBit, OfAnIpv6PacketWithExtensionHeaders) {
  // Traffic class and flow label; the version is the upper half of octet 0.
  for (std::size_t bit = 4; bit < 4 * 8; ++bit) {
    mutable_bits_.insert(bit);
  }
  const Octets hop_by_hop = {0,    1, 0x3e, 4, 1, 2, 3, 4,   // may change
                             0x1e, 6, 1,    2, 3, 4, 5, 6};  // may not
  const Octets destination = {0, 0, 0x1e, 4, 1, 2, 3, 4};
  for (const Parameters& sa : AllTransportSas()) {
    FlipAll(sa,
            HostsV6()
                .Extension(0, hop_by_hop)
                .Extension(43, Octets(8))
                .Extension(60, destination)
                .Raw(253, Octets(40, 0x33)),
            {7, 44, 45, 46, 47});
  }
}

// AH-19: of a tunnel's packet only the outer header has mutable fields.
TEST_F(EveryBit, OfTunnelPackets) {
  const Octets inner = HostsV6().Udp(1, 2, Octets(20));
  for (std::size_t bit = 6 * 8 + 2; bit < 8 * 8; ++bit) {
    fragment_bits_.insert(bit);
  }
  FlipAll(InTunnel(Sha256Sa(), IpFamily::kV4), inner, {1, 6, 8, 10, 11});
  fragment_bits_.clear();
  for (std::size_t bit = 4; bit < 4 * 8; ++bit) {
    mutable_bits_.insert(bit);
  }
  FlipAll(InTunnel(Sha256Sa(), IpFamily::kV6), inner, {7});
}

}  // namespace
}  // namespace postern::ah
