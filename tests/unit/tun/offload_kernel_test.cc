// SPDX-License-Identifier: Apache-2.0
//
// The kernel as the oracle of cutting and joining: a namespace that forwards.
//
//     in0 (a TUN with offload) ──▶ the namespace's kernel ──▶ out0 (without)
//
// What is written to in0 as a super-packet must leave out0 in pieces, and the
// pieces are the kernel's own.

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/segmenter.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

constexpr std::uint8_t kPsh = 0x08;
constexpr std::uint8_t kEce = 0x40;
constexpr std::uint8_t kCwr = 0x80;

class OffloadKernelTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    in_ = Make("in0", TunFraming::kVnetHeader);
    out_ = Make("out0", TunFraming::kPlain);
    if (in_ == nullptr || out_ == nullptr) {
      GTEST_SKIP() << "no TUN for us";
    }
    if (in_->offload() != TunOffload::kTcpAndUdp) {
      GTEST_SKIP() << "this kernel grants only " << NameOf(in_->offload());
    }
    ASSERT_TRUE(host().RunInside([] {
      std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;
      std::ofstream("/proc/sys/net/ipv6/conf/all/forwarding") << 1;
    }));
    Netlink netlink = Netlink::OpenInside(host()).value();
    Attach(netlink, "in0", {"10.9.1.0/24", "fd00:9:1::/64"});
    Attach(netlink, "out0", {"10.9.2.0/24", "fd00:9:2::/64"});
  }

  std::unique_ptr<TunDevice> Make(const char* name, TunFraming framing) {
    auto made = TunDevice::Create(
        host(), {.name = name, .mtu_octets = 1500, .framing = framing});
    return made ? std::move(made).value() : nullptr;
  }

  static void Attach(Netlink& netlink, const std::string& link,
                     const std::vector<std::string>& prefixes) {
    ASSERT_TRUE(netlink.SetState(link, LinkState::kUp));
    for (const std::string& prefix : prefixes) {
      ASSERT_TRUE(netlink.AddRoute({IpPrefix::Parse(prefix).value(), link}));
    }
  }

  static PacketBuilder V4() { return PacketBuilder("10.9.1.7", "10.9.2.7"); }

  static PacketBuilder V6() {
    return PacketBuilder("fd00:9:1::7", "fd00:9:2::7");
  }

  // Forwarding takes one off the hop limit.
  static Octets Forwarded(Octets packet) {
    const bool v4 = packet[0] >> 4 == 4;
    --packet[v4 ? 8 : 7];
    if (v4) {
      std::size_t sum = Get16(packet, 10) + std::size_t{0x100};
      sum = (sum & 0xffff) + (sum >> 16);
      Put16(packet, 10, sum);
    }
    return packet;
  }

  void Write(SuperPacket super) {
    std::array<iovec, 2> parts = {{{&super.vnet, sizeof(super.vnet)},
                                   {super.octets.data(), super.octets.size()}}};
    ASSERT_EQ(::writev(in_->descriptor(), parts.data(), 2),
              static_cast<ssize_t>(sizeof(super.vnet) + super.octets.size()));
  }

  // What has left out0, read without code of ours; but for the namespace's own
  // multicast listener reports.
  std::vector<Octets> Left() {
    std::vector<Octets> all;
    Octets octets(70000);
    ssize_t got = 0;
    while ((got = ::read(out_->descriptor(), octets.data(), octets.size())) >
           0) {
      if (octets[0] >> 4 == 4 || octets[24] != 0xff) {
        all.emplace_back(octets.begin(), octets.begin() + got);
      }
    }
    return all;
  }

  static std::vector<Octets> CutByUs(const SuperPacket& super) {
    std::vector<Octets> packets;
    auto segmenter = Segmenter::Start(super.vnet, super.octets);
    EXPECT_TRUE(segmenter.ok());
    while (segmenter.ok() && !segmenter->done()) {
      packets.emplace_back(segmenter->next_size());
      segmenter->CutNext(packets.back());
    }
    return packets;
  }

  PacketPool pool_{{.packets = 200, .payload = 2000}};
  WorkerStats stats_;
  std::unique_ptr<TunDevice> in_;
  std::unique_ptr<TunDevice> out_;
};

// A super-packet as some sender might make it.
SuperPacket RandomSuper(const PacketBuilder& builder, std::mt19937& random) {
  const auto seed = static_cast<unsigned>(random());
  const std::size_t size = 1 + random() % 30000;
  const auto gso_size = static_cast<std::uint16_t>(400 + random() % 1000);
  const bool tcp = random() % 2 == 0;
  Octets packet;
  if (tcp) {
    const auto flags =
        static_cast<std::uint8_t>(kAck | (random() & (kPsh | kFin | kEce)));
    packet = builder.Tcp(4711, 80, flags, Pattern(size + 12, seed));
    const std::size_t transport = TransportOf(packet);
    packet[transport + 12] = 0x80;  // with timestamps
    const Octets option = {1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 8};
    std::copy(option.begin(), option.end(),
              packet.begin() + static_cast<std::ptrdiff_t>(transport) + 20);
    Put32(packet, transport + 4, random());
  } else {
    packet = builder.Udp(5, 6, Pattern(size, seed));
  }
  if (packet[0] >> 4 == 4) {
    Put16(packet, 4, random() & 0xffff);
  }
  MendChecksums(packet);
  return Super(packet, gso_size);
}

TEST_F(OffloadKernelTest, CutsAsTheKernelDoes) {
  std::mt19937 random(6);
  for (int round = 0; round < 300; ++round) {
    PacketBuilder builder = round % 2 == 0 ? V4() : V6();
    builder.TrafficClass(static_cast<std::uint8_t>(random() & 0xfc));
    if (round % 4 == 0) {
      builder.DontFragment();
    }
    const SuperPacket super = RandomSuper(builder, random);
    std::vector<Octets> expected;
    for (const Octets& cut : CutByUs(super)) {
      expected.push_back(Forwarded(cut));
    }
    Write(super);
    ASSERT_EQ(Left(), expected) << round;
  }
}

TEST_F(OffloadKernelTest, LeavesCwrToTheFirstAsTheKernelDoes) {
  SuperPacket super =
      Super(V4().Tcp(1, 2, static_cast<std::uint8_t>(kAck | kPsh | kEce | kCwr),
                     Pattern(3000)),
            1000);
  super.vnet.gso_type |= VnetHeader::kCongestion;
  std::vector<Octets> expected;
  for (const Octets& cut : CutByUs(super)) {
    expected.push_back(Forwarded(cut));
  }
  Write(super);
  EXPECT_EQ(Left(), expected);
}

// Our joins, cut by the kernel, are what they were: two rows and what must not
// join them, mixed.
TEST_F(OffloadKernelTest, TheKernelCutsOurJoinsIntoWhatTheyWere) {
  for (const bool v4 : {true, false}) {
    std::vector<Octets> tcp;
    std::vector<Octets> udp;
    for (unsigned i = 0; i < 20; ++i) {
      const bool last = i == 19;
      const std::size_t size = last ? 77 : 1300;
      const PacketBuilder builder = v4 ? V4() : V6();
      tcp.push_back(builder.Tcp(
          1, 2, last ? std::uint8_t{kAck | kPsh} : std::uint8_t{kAck},
          Pattern(size, i)));
      udp.push_back(builder.Udp(3, 4, Pattern(size, i)));
      Put32(tcp.back(), TransportOf(tcp.back()) + 4, 0xffffff00 + 1300 * i);
      for (Octets* packet : {&tcp.back(), &udp.back()}) {
        if (v4) {
          Put16(*packet, 4, 0xfffa + i);
        }
        MendChecksums(*packet);
      }
    }
    Batch batch;
    for (std::size_t i = 0; i < tcp.size(); ++i) {
      batch.Push(pool_.Copy(tcp[i]));
      batch.Push(pool_.Copy(udp[i]));
    }
    in_->Send(batch, stats_);
    std::vector<Octets> expected;
    for (const auto& row : {tcp, udp}) {
      for (const Octets& packet : row) {
        expected.push_back(Forwarded(packet));
      }
    }
    EXPECT_EQ(Left(), expected);
  }
  EXPECT_EQ(stats_.of(Count::kSuperPacketsWritten), 4U);
  EXPECT_EQ(stats_.of(Count::kSegmentsWritten), 80U);
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 0U);
}

}  // namespace
}  // namespace postern
