// SPDX-License-Identifier: Apache-2.0
//
// Packets that do not fit the wire or the way once they are protected: who is
// told what, and what is cut, by RFC 4301 7, 8 and RFC 2473 7. The sizes are those
// of the RFCs' formats, counted here.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/net/icmp_error.h"
#include "tests/sim/sim_host.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

constexpr std::size_t kWireMtu = 1500;

using DontFragment = TunnelHeader::DontFragment;

std::size_t Word(const Octets& octets, std::size_t at) {
  return octets[at] * std::size_t{256} + octets[at + 1];
}

// RFC 4303 2: SPI, number, IV, text to the alignment, ICV.
std::size_t EspSize(std::size_t payload, Encryption encryption) {
  const bool gcm = encryption == Encryption::kAesGcm16;
  const bool cbc = encryption == Encryption::kAesCbc;
  const std::size_t align = cbc ? 16 : 4;
  const std::size_t iv = gcm ? 8 : (cbc ? 16 : 0);
  return 8 + iv + (payload + 2 + align - 1) / align * align + 16;
}

class Oversize : public testing::Test {
 protected:
  void Use(std::string_view here, std::string_view there, Category category,
           Encryption encryption = Encryption::kAesGcm16,
           DontFragment rule = DontFragment::kCopy) {
    here_ = here;
    there_ = there;
    alice_.emplace(here);
    bob_.emplace(there);
    SaParameters sa =
        SaFor(alice_->address(), bob_->address(), category, encryption);
    sa.dont_fragment = rule;
    sa.direction = Direction::kOutbound;
    ASSERT_TRUE(alice_->sadb().Add(sa, {}, alice_->now()).ok());
    sa.direction = Direction::kInbound;
    ASSERT_TRUE(bob_->sadb().Add(sa, {}, bob_->now()).ok());
    for (SimHost* host : {&*alice_, &*bob_}) {
      host->SetSystemLevel(category, Level::kRequire);
    }
    sa_ = sa;
  }

  std::size_t IpHeader() const { return here_[0] == 'f' ? 40 : 20; }

  // An IP packet of so many octets in all.
  Octets Packet(std::size_t size) const {
    return PacketBuilder(here_, there_)
        .Udp(1000, 2000, Octets(size - IpHeader() - 8));
  }

  Octets Whole(std::size_t size) const {  // may not be cut
    return IpHeader() == 40
               ? Packet(size)
               : PacketBuilder(here_, there_)
                     .DontFragment()
                     .Udp(1000, 2000, Octets(size - IpHeader() - 8));
  }

  // What a router says about a packet that it saw.
  Octets TooBigFrom(const Octets& seen, std::size_t mtu) const {
    const bool v4 = IpHeader() == 20;
    Octets icmp = {
        std::uint8_t(v4 ? 3 : 2), std::uint8_t(v4 ? 4 : 0), 0, 0, 0, 0,
        std::uint8_t(mtu >> 8),   std::uint8_t(mtu & 255)};
    icmp.insert(icmp.end(), seen.begin(), seen.begin() + (v4 ? 28 : 100));
    const char* router = v4 ? "192.0.2.1" : "2001:db8::1";
    const std::uint8_t protocol = v4 ? 1 : 58;
    const std::uint16_t sum =
        v4 ? InternetChecksum(icmp)
           : TransportChecksum(IpAddress::Parse(router).value(),
                               alice_->address(), protocol, icmp);
    icmp[2] = static_cast<std::uint8_t>(sum >> 8);
    icmp[3] = static_cast<std::uint8_t>(sum & 255);
    return PacketBuilder(router, here_).Raw(protocol, icmp);
  }

  // The MTU that alice's program is told; the error must quote `about`.
  std::size_t TakeToldMtu(const Octets& about) {
    const std::vector<Octets> told = alice_->TakeTold();
    if (told.size() != 1) {
      return 0;
    }
    const Octets& error = told[0];
    const auto view = IpView::Parse(error);
    EXPECT_TRUE(view.ok() && IsIcmpError(*view));
    EXPECT_EQ(view->destination(), alice_->address());
    EXPECT_EQ(view->source(), bob_->address());
    const bool v4 = IpHeader() == 20;
    EXPECT_LE(error.size(), v4 ? 576u : 1280u);  // ICMP-13 ICMP-14
    EXPECT_EQ(v4 ? InternetChecksum(view->payload())
                 : TransportChecksum(view->source(), view->destination(), 58,
                                     view->payload()),
              0);
    const std::size_t icmp = IpHeader();
    EXPECT_EQ(error[icmp], v4 ? 3 : 2);
    EXPECT_EQ(error[icmp + 1], v4 ? 4 : 0);
    EXPECT_TRUE(std::equal(error.begin() + static_cast<long>(icmp) + 8,
                           error.end(), about.begin()));
    return Word(error, icmp + 6);
  }

  std::string here_;
  std::string there_;
  std::optional<SimHost> alice_;
  std::optional<SimHost> bob_;
  SaParameters sa_;
};

struct Kind {
  const char* here;
  const char* there;
  Category category;
  Encryption encryption;
};

const std::vector<Kind> kKinds = [] {
  std::vector<Kind> kinds;
  for (const auto& [here, there] : {std::pair{"10.9.1.1", "10.9.2.1"},
                                    std::pair{"fd00:9:1::1", "fd00:9:2::1"}}) {
    for (const Encryption encryption :
         {Encryption::kAesGcm16, Encryption::kAesCbc, Encryption::kNull}) {
      for (const Category category :
           {Category::kEspTransport, Category::kEspNetwork}) {
        kinds.push_back({here, there, category, encryption});
      }
    }
    kinds.push_back({here, there, Category::kAh, Encryption::kNull});
  }
  return kinds;
}();

// PMTU-03 PMTU-05 PMTU-07 PMTU-08 PMTU-11: the largest that fits leaves, one
// octet more is told of, with the size that does.
TEST_F(Oversize, TheLargestThatFitsIsKnownToTheOctet) {
  for (const Kind& kind : kKinds) {
    Use(kind.here, kind.there, kind.category, kind.encryption);
    const std::size_t ip = IpHeader();
    const auto on_the_wire = [&](std::size_t size) {
      switch (kind.category) {
        case Category::kAh:
          return size + (ip == 20 ? 28u : 32u);
        case Category::kEspTransport:
          return ip + EspSize(size - ip, kind.encryption);
        default:
          return ip + EspSize(size, kind.encryption);
      }
    };
    std::size_t largest = kWireMtu;
    while (on_the_wire(largest) > kWireMtu) {
      --largest;
    }
    const auto sent = alice_->Send(Whole(largest));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].size(), on_the_wire(largest));
    EXPECT_TRUE(alice_->TakeTold().empty());
    EXPECT_TRUE(alice_->Send(Whole(largest + 1)).empty());
    EXPECT_EQ(TakeToldMtu(Whole(largest + 1)), largest);
    EXPECT_EQ(alice_->drops(DropReason::kTooBig), 1u);
  }
}

// PMTU-04 OUT-11 AH-38 PMTU-12: no error; one AH or ESP packet in fragments.
TEST_F(Oversize, WhatMayBeCutIsCutOnceItIsProtected) {
  for (const Category category : kCategories) {
    Use("10.9.1.1", "10.9.2.1", category);
    for (const std::size_t size : {1490u, 4020u, 9000u}) {
      const auto sent = alice_->Send(Packet(size));
      ASSERT_GT(sent.size(), size / kWireMtu);
      std::size_t end = 0;
      for (const Octets& fragment : sent) {
        EXPECT_LE(fragment.size(), kWireMtu);
        EXPECT_EQ(fragment[9], category == Category::kAh ? 51 : 50);
        EXPECT_EQ(Word(fragment, 4), Word(sent[0], 4));
        EXPECT_EQ((Word(fragment, 6) & 0x1fff) * 8, end);
        EXPECT_EQ((Word(fragment, 6) & 0x2000) != 0, &fragment != &sent.back());
        end += fragment.size() - 20;
      }
      // Bob puts them together, and is the oracle only of their content.
      EXPECT_EQ(bob_->ReceiveAll(sent), std::vector<Octets>{Packet(size)});
    }
    EXPECT_TRUE(alice_->TakeTold().empty());
  }
}

// OUT-05
// TUN-09 PMTU-01 PMTU-04: a tunnel whose outer header has DF carries fragments.
TEST_F(Oversize, ATunnelThatSetsDfCarriesFragmentsOfTheInnerPacket) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspNetwork, Encryption::kAesGcm16,
      DontFragment::kSet);
  const Octets packet = Packet(4020);
  const auto sent = alice_->Send(packet);
  ASSERT_EQ(sent.size(), 3u);
  for (const Octets& outer : sent) {
    EXPECT_LE(outer.size(), kWireMtu);
    EXPECT_EQ(Word(outer, 6), 0x4000u);
  }
  const auto inner = bob_->ReceiveAll(sent);
  ASSERT_EQ(inner.size(), 3u);
  std::size_t end = 0;
  for (const Octets& fragment : inner) {
    EXPECT_EQ((Word(fragment, 6) & 0x1fff) * 8, end);
    EXPECT_TRUE(std::equal(fragment.begin() + 20, fragment.end(),
                           packet.begin() + 20 + static_cast<long>(end)));
    end += fragment.size() - 20;
  }
  EXPECT_EQ(end, packet.size() - 20);
}

// OUT-11 OUT-13 FRAG-21: what the kernel had to cut is one packet for transport
// mode, whose ports are known again, and leaves in fragments.
TEST_F(Oversize, FragmentsOfTheHostAreOnePacketInTransportMode) {
  for (const auto& [here, there] : {std::pair{"10.9.1.1", "10.9.2.1"},
                                    std::pair{"fd00:9:1::1", "fd00:9:2::1"}}) {
    for (const Category category : {Category::kEspTransport, Category::kAh}) {
      Use(here, there, category);
      const Octets packet = Packet(4040);
      const auto from_kernel = NaiveFragments(packet, 1240);
      const auto sent = alice_->SendAll(from_kernel);
      ASSERT_EQ(sent.size(), 3u);
      for (const Octets& fragment : sent) {
        EXPECT_LE(fragment.size(), kWireMtu);
      }
      EXPECT_EQ(alice_->count(Count::kReassembled), 1u);
      const auto received = bob_->ReceiveAll(sent);
      ASSERT_EQ(received.size(), 1u);
      ASSERT_EQ(received[0].size(), packet.size());
      EXPECT_TRUE(std::equal(received[0].begin() + 40, received[0].end(),
                             packet.begin() + 40));
    }
  }
}

// RFC 7739 3: nobody who saw the last identification knows the next.
TEST_F(Oversize, IdentificationsOfIpv6FragmentsCannotBeForeseen) {
  Use("fd00:9:1::1", "fd00:9:2::1", Category::kEspTransport);
  std::uint32_t last = 0;
  for (std::uint16_t i = 0; i < 50; ++i) {
    const auto sent = alice_->SendAll(NaiveFragments(Packet(4040), 1240, i));
    ASSERT_EQ(sent.size(), 3u);
    const auto id = LoadBe<std::uint32_t>(ConstBytes(sent[0]).subspan(44));
    EXPECT_EQ(LoadBe<std::uint32_t>(ConstBytes(sent[1]).subspan(44)), id);
    EXPECT_GT(std::min(id - last, last - id), 256u) << i;
    last = id;
  }
}

// FRAG-01: a tunnel takes fragments as they are.
TEST_F(Oversize, FragmentsOfTheHostPassATunnelOneByOne) {
  Use("fd00:9:1::1", "fd00:9:2::1", Category::kEspNetwork);
  const auto from_kernel = NaiveFragments(Packet(4040), 1240);
  const auto sent = alice_->SendAll(from_kernel);
  ASSERT_EQ(sent.size(), from_kernel.size());
  EXPECT_EQ(bob_->ReceiveAll(sent), from_kernel);
  EXPECT_EQ(alice_->count(Count::kReassembled), 0u);
}

// DEF-25
// PMTU-02 PMTU-06 PMTU-10: a router's word lowers it, and is forgotten.
TEST_F(Oversize, AVerifiedErrorLowersThePathMtuForATime) {
  for (const auto& [here, there] : {std::pair{"10.9.1.1", "10.9.2.1"},
                                    std::pair{"fd00:9:1::1", "fd00:9:2::1"}}) {
    Use(here, there, Category::kEspNetwork);
    const Octets seen = alice_->Send(Whole(1400)).at(0);
    EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 1400)).empty());
    EXPECT_EQ(alice_->count(Count::kPathMtuLowered), 1u);
    std::size_t largest = 1400;
    while (IpHeader() + EspSize(largest, Encryption::kAesGcm16) > 1400) {
      --largest;
    }
    EXPECT_EQ(alice_->Send(Whole(largest)).size(), 1u);
    EXPECT_TRUE(alice_->Send(Whole(largest + 1)).empty());
    EXPECT_EQ(TakeToldMtu(Whole(largest + 1)), largest);
    // Higher than what is known is no news.
    EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 1410)).empty());
    EXPECT_EQ(alice_->drops(DropReason::kUnbelievedError), 1u);
    alice_->Advance(std::chrono::minutes(10));
    EXPECT_EQ(alice_->Send(Whole(largest + 1)).size(), 1u);
  }
}

// ICMP-03 PMTU-09 PMTU-10: clamped; an old router's 0 means the next plateau.
TEST_F(Oversize, ThePathMtuHasALeast) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspTransport);
  Octets seen = alice_->Send(Whole(1400)).at(0);
  EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 0)).empty());
  EXPECT_TRUE(alice_->Send(Whole(1300)).empty());
  // 1006 is the plateau below; AES-GCM transport adds 8, 8, 2 and padding, 16.
  EXPECT_EQ(TakeToldMtu(Whole(1300)), 970u);
  EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 68)).empty());
  EXPECT_EQ(alice_->Send(Whole(576 - 36)).size(), 1u);
  EXPECT_TRUE(alice_->Send(Whole(576)).empty());

  Use("fd00:9:1::1", "fd00:9:2::1", Category::kEspNetwork);
  seen = alice_->Send(Whole(1400)).at(0);
  EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 1000)).empty());
  EXPECT_TRUE(alice_->Send(Whole(1281)).empty());
  EXPECT_EQ(TakeToldMtu(Whole(1281)), 1280u);
  // PMTU-12: IPv6 must pass 1280 octets; the outer packet is cut.
  const auto sent = alice_->Send(Whole(1280));
  ASSERT_EQ(sent.size(), 2u);
  for (const Octets& fragment : sent) {
    EXPECT_LE(fragment.size(), 1280u);
    EXPECT_EQ(fragment[6], 44);
    EXPECT_EQ(fragment[40], 50);
  }
  EXPECT_EQ(bob_->ReceiveAll(sent), std::vector<Octets>{Whole(1280)});
}

// DEF-25
// IN-17: what somebody off the way would have to guess (RFC
// 4301 8.2.1).
TEST_F(Oversize, AForgedErrorIsNotBelieved) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspTransport);
  const Octets seen = alice_->Send(Whole(1400)).at(0);
  std::vector<Octets> forged;
  const auto with = [&](std::size_t at, int by) {
    Octets other = seen;
    other[at] = static_cast<std::uint8_t>(other[at] + by);
    return other;
  };
  forged.push_back(TooBigFrom(with(23, 1), 1000));   // SPI
  forged.push_back(TooBigFrom(with(27, 1), 1000));   // a number to come
  forged.push_back(TooBigFrom(with(27, -1), 1000));  // 0
  forged.push_back(TooBigFrom(with(24, 1), 1000));   // one of long ago
  forged.push_back(TooBigFrom(with(15, 1), 1000));   // another sender
  forged.push_back(TooBigFrom(seen, 1500));          // it would have fitted
  forged.push_back(TooBigFrom(seen, 1000));
  forged.back()[22] ^= 1;  // the checksum
  for (const Octets& error : forged) {
    EXPECT_TRUE(alice_->Receive(error).empty());
  }
  EXPECT_EQ(alice_->drops(DropReason::kUnbelievedError), forged.size());
  EXPECT_EQ(alice_->count(Count::kPathMtuLowered), 0u);
  EXPECT_EQ(alice_->Send(Whole(1400)).size(), 1u);
}

// ICMP-12: 1000 packets that are too big. ICMP-11: about errors, nobody is told.
TEST_F(Oversize, TellingIsLimited) {
  Use("fd00:9:1::1", "fd00:9:2::1", Category::kEspNetwork);
  std::size_t told = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(alice_->Send(Whole(1490)).empty());
    told += alice_->TakeTold().size();
  }
  EXPECT_EQ(told, OutboundPipeline::kTold);
  alice_->Advance(std::chrono::milliseconds(10));
  EXPECT_TRUE(alice_->Send(Whole(1490)).empty());
  EXPECT_EQ(alice_->TakeTold().size(), 1u);
  alice_->Advance(std::chrono::seconds(1));
  Octets error(1450);
  error[0] = 1;
  EXPECT_TRUE(
      alice_->Send(PacketBuilder(here_, there_).Raw(58, error)).empty());
  EXPECT_TRUE(alice_->TakeTold().empty());
}

// DEF-03
// ESP-17: sizes are hidden, and padding alone never makes a packet too big.
TEST_F(Oversize, TfcPaddingHidesTheSize) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspNetwork);
  alice_->sadb().Flush();
  sa_.direction = Direction::kOutbound;
  sa_.tfc_pad_to = 1400;
  ASSERT_TRUE(alice_->sadb().Add(sa_, {}, alice_->now()).ok());
  for (const std::size_t size : {28u, 100u, 1399u, 1400u}) {
    const auto sent = alice_->Send(Packet(size));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].size(), 20 + EspSize(1400, Encryption::kAesGcm16));
    EXPECT_EQ(bob_->Receive(sent[0]), std::vector<Octets>{Packet(size)});
  }
  const Octets seen = alice_->Send(Packet(1400)).at(0);
  EXPECT_TRUE(alice_->Receive(TooBigFrom(seen, 1000)).empty());
  const auto cut = alice_->Send(Whole(100));
  EXPECT_EQ(cut.size(), 2u);
  EXPECT_EQ(bob_->ReceiveAll(cut), std::vector<Octets>{Whole(100)});
}

// DEF-18
// FRAG-06 FRAG-07: ports that a later fragment does not show are not those of
// the SA, neither way; what is refused inbound is audited.
TEST_F(Oversize, AnSaForPortsCarriesNoLaterFragments) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspNetwork);
  const Octets later = NaiveFragments(Packet(2000), 1200)[1];
  sa_.selector.protocol = 17;
  sa_.selector.destination_port = 2000;
  bob_->sadb().Flush();
  ASSERT_TRUE(bob_->sadb().Add(sa_, {}, bob_->now()).ok());
  EXPECT_TRUE(bob_->ReceiveAll(alice_->Send(later)).empty());
  EXPECT_EQ(bob_->drops(DropReason::kSelectorMismatch), 1u);
  EXPECT_EQ(bob_->audits().size(), 1u);
  EXPECT_EQ(bob_->ReceiveAll(alice_->Send(Packet(100))).size(), 1u);

  sa_.direction = Direction::kOutbound;
  alice_->sadb().Flush();
  ASSERT_TRUE(alice_->sadb().Add(sa_, {}, alice_->now()).ok());
  EXPECT_EQ(alice_->Send(Packet(100)).size(), 1u);
  EXPECT_TRUE(alice_->Send(later).empty());
  alice_->Advance(HeldPackets::Limits().time);
  EXPECT_TRUE(alice_->Resume().empty());
  EXPECT_EQ(alice_->drops(DropReason::kNoSa), 1u);
}

// FRAG-04: none lies where the first one shows TCP's flags, though a tunnel for
// any port carries later fragments.
TEST_F(Oversize, NoLaterFragmentOfATunnelMayRewriteFlags) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspNetwork);
  for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
    for (const std::uint16_t eights : {std::uint16_t{1}, std::uint16_t{2}}) {
      const Octets later = PacketBuilder("10.9.1.1", "10.9.2.1")
                               .FragmentOffset(eights)
                               .Raw(protocol, Octets(32, 7));
      const bool refused = protocol == 6 && eights == 1;
      const std::uint64_t before = bob_->drops(DropReason::kBadFragment);
      EXPECT_EQ(bob_->ReceiveAll(alice_->Send(later)).size(),
                refused ? 0u : 1u);
      EXPECT_EQ(bob_->drops(DropReason::kBadFragment),
                before + (refused ? 1u : 0u));
    }
  }
  EXPECT_EQ(bob_->audits().size(), 1u);
}

// A batch of large packets is more fragments than a batch of output.
TEST_F(Oversize, MoreFragmentsThanABatchHoldsLeaveInOrder) {
  Use("10.9.1.1", "10.9.2.1", Category::kEspNetwork);
  std::vector<Octets> packets;
  for (std::size_t i = 0; i < 20; ++i) {
    packets.push_back(Packet(9000 + i));
    packets.push_back(Packet(100 + i));
  }
  const auto sent = alice_->SendAll(packets);
  ASSERT_EQ(sent.size(), 20u * 8);
  std::vector<Octets> received;
  for (std::size_t i = 0; i < sent.size(); i += 16) {
    const auto end = sent.begin() + static_cast<long>(i);
    for (const Octets& packet : bob_->ReceiveAll({end, end + 16})) {
      received.push_back(packet);
    }
  }
  EXPECT_EQ(received, packets);
}

}  // namespace
}  // namespace postern
