// SPDX-License-Identifier: Apache-2.0

#include "tun/tun_device.h"

#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/as_nobody.h"
#include "tests/support/super_packet.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"

namespace postern {

// Puts a descriptor of the test's choice behind a TunDevice.
class TunDeviceTestPeer {
 public:
  static std::unique_ptr<TunDevice> Make(UniqueFd fd) {
    return std::unique_ptr<TunDevice>(
        new TunDevice({.fd = std::move(fd), .name = {}},
                      std::make_shared<TunDevice::Interface>(
                          Netlink::Open().value(), Link{})));
  }
};

namespace {

constexpr const char* kHostAddress = "10.9.0.1";
constexpr const char* kPeerAddress = "10.9.0.2";
constexpr std::uint16_t kPort = 4242;

// An IPv4 UDP packet from the peer to the host.
std::vector<std::uint8_t> UdpPacket(const std::vector<std::uint8_t>& payload) {
  constexpr std::size_t kHeaders = 28;
  std::vector<std::uint8_t> packet(kHeaders + payload.size());
  Bytes octets(packet);
  octets[0] = 0x45;
  StoreBe<std::uint16_t>(octets.subspan(2),
                         static_cast<std::uint16_t>(packet.size()));
  octets[8] = 64;
  octets[9] = 17;
  CopyBytes(octets.subspan(12), Address(kPeerAddress).octets());
  CopyBytes(octets.subspan(16), Address(kHostAddress).octets());
  StoreBe<std::uint16_t>(octets.subspan(10),
                         InternetChecksum(octets.first(20)));
  StoreBe<std::uint16_t>(octets.subspan(20), kPort);
  StoreBe<std::uint16_t>(octets.subspan(22), kPort);
  StoreBe<std::uint16_t>(octets.subspan(24),
                         static_cast<std::uint16_t>(8 + payload.size()));
  CopyBytes(octets.subspan(kHeaders), payload);
  return packet;
}

// From now on the kernel refuses TUNSETOFFLOAD with any of these flags to this
// thread and those that it starts.
void RefuseOffload(unsigned flags) {
  constexpr auto kArgument = [](unsigned index) {
    return static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * index);
  };
  std::array<sock_filter, 8> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgument(1)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TUNSETOFFLOAD, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgument(2)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{filter.size(), filter.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

class TunDeviceTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) {
      Make(TunFraming::kPlain);
    }
  }

  void Make(TunFraming framing, std::size_t queue_packets = 500) {
    tun_.reset();
    auto made = TunDevice::Create(host(), {.name = "postern0",
                                           .mtu_octets = 1400,
                                           .framing = framing,
                                           .queue_packets = queue_packets});
    if (!made && (made.error().code == ErrorCode::kUnavailable ||
                  made.error().code == ErrorCode::kForbidden)) {
      GTEST_SKIP() << made.error().message;
    }
    ASSERT_TRUE(made) << made.error().message;
    tun_ = std::move(made).value();
  }

  Netlink OpenNetlink() { return Netlink::OpenInside(host()).value(); }

  void BringUp() {
    Netlink netlink = OpenNetlink();
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address(kHostAddress), 32}));
    ASSERT_TRUE(netlink.SetState("postern0", LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(), "postern0"}));
  }

  // The host sends a datagram of `size` octets to the peer.
  void HostSends(std::size_t size) {
    const Endpoint to(kPeerAddress, kPort);
    const std::vector<std::uint8_t> payload(size, 0x5a);
    const UniqueFd socket = Connected(SOCK_DGRAM, to);
    ASSERT_EQ(::send(socket.get(), payload.data(), size, 0),
              static_cast<ssize_t>(size));
  }

  void Send(const std::vector<std::uint8_t>& octets) {
    Batch batch;
    batch.Push(pool_.Copy(octets));
    tun().Send(batch, stats_);
    EXPECT_TRUE(batch.empty());
  }

  TunDevice& tun() { return *tun_; }

  PacketPool pool_{{.packets = 100, .payload = 2000}};
  WorkerStats stats_;
  std::unique_ptr<TunDevice> tun_;
};

TEST_F(TunDeviceTest, ReceivesWhatTheHostSends) {
  BringUp();
  HostSends(100);
  Batch batch;
  ASSERT_EQ(tun().Receive(batch, pool_, stats_), 1U);
  Packet& packet = *batch.begin();
  EXPECT_EQ(packet.size(), 128U);
  EXPECT_EQ(packet.headroom(), kDefaultHeadroom);
  const auto view = IpView::Parse(packet.bytes());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->source(), Address(kHostAddress));
  EXPECT_EQ(view->destination(), Address(kPeerAddress));
  EXPECT_EQ(packet.bytes()[127], 0x5a);
  batch.Clear();
}

TEST_F(TunDeviceTest, ReceivesNothingWhenNothingWaits) {
  BringUp();
  Batch batch;
  EXPECT_FALSE(Readable(tun().descriptor(), 0));
  EXPECT_EQ(tun().Receive(batch, pool_, stats_), 0U);
  EXPECT_EQ(pool_.free(), 100U);
  EXPECT_EQ(pool_.forgotten(), 0U);
}

TEST_F(TunDeviceTest, KeepsTheOrderAndStopsAtAFullBatch) {
  BringUp();
  for (std::size_t i = 0; i < Batch::kCapacity + 5; ++i) {
    HostSends(i + 1);
  }
  Batch batch;
  ASSERT_EQ(tun().Receive(batch, pool_, stats_), Batch::kCapacity);
  for (std::size_t i = 0; i < Batch::kCapacity; ++i) {
    EXPECT_EQ(batch.packets()[i].size(), 28 + i + 1);
  }
  EXPECT_EQ(tun().Receive(batch, pool_, stats_), 0U);
  batch.Clear();
  EXPECT_EQ(tun().Receive(batch, pool_, stats_), 5U);
  EXPECT_EQ(batch.begin()->size(), 28 + Batch::kCapacity + 1);
  batch.Clear();
}

TEST_F(TunDeviceTest, AnEmptyPoolLeavesPacketsWithTheKernel) {
  BringUp();
  PacketPool one({.packets = 1, .payload = 2000});
  HostSends(1);
  HostSends(2);
  Batch batch;
  EXPECT_EQ(tun().Receive(batch, one, stats_), 1U);
  EXPECT_EQ(tun().Receive(batch, one, stats_), 0U);
  EXPECT_TRUE(Readable(tun().descriptor(), 0));
  batch.Clear();
  EXPECT_EQ(tun().Receive(batch, one, stats_), 1U);
  EXPECT_EQ(batch.begin()->size(), 30U);
  batch.Clear();
}

TEST_F(TunDeviceTest, AsManyPacketsWaitAsItWasTold) {
  for (const std::size_t waiting : {10U, 20U}) {
    Make(TunFraming::kPlain, waiting);
    BringUp();
    for (std::size_t i = 0; i < 30; ++i) {
      HostSends(100);
    }
    Batch batch;
    EXPECT_EQ(tun().Receive(batch, pool_, stats_), waiting);
    batch.Clear();
  }
}

TEST_F(TunDeviceTest, DropsAPacketThatThePoolHasNoRoomFor) {
  BringUp();
  PacketPool small({.packets = 4, .payload = 128});
  HostSends(101);  // 129 octets with its headers: one too many
  HostSends(100);
  Batch batch;
  ASSERT_EQ(tun().Receive(batch, small, stats_), 1U);
  EXPECT_EQ(batch.begin()->size(), 128U);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  batch.Clear();
  EXPECT_EQ(small.forgotten(), 0U);
}

TEST_F(TunDeviceTest, DeliversWhatIsSentToASocket) {
  BringUp();
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
  const std::vector<std::uint8_t> payload = {1, 2, 3, 4, 5};
  Send(UdpPacket(payload));
  ASSERT_TRUE(Readable(socket.get()));
  std::vector<std::uint8_t> got(100);
  got.resize(static_cast<std::size_t>(
      ::recv(socket.get(), got.data(), got.size(), 0)));
  EXPECT_EQ(got, payload);
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 0U);
}

// A datagram that was fragmented on its way is larger than the link's MTU.
TEST_F(TunDeviceTest, DeliversPacketsLargerThanItsMtu) {
  BringUp();
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
  Send(UdpPacket(std::vector<std::uint8_t>(1900)));
  ASSERT_TRUE(Readable(socket.get()));
  std::vector<std::uint8_t> got(3000);
  EXPECT_EQ(::recv(socket.get(), got.data(), got.size(), 0), 1900);
}

TEST_F(TunDeviceTest, CountsWhatTheKernelRefusesWhileTheLinkIsDown) {
  Send(UdpPacket({1}));
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 1U);
  EXPECT_EQ(pool_.free(), 100U);
  EXPECT_EQ(pool_.forgotten(), 0U);
}

TEST_F(TunDeviceTest, CountsWhatIsNoIpPacket) {
  BringUp();
  Send(std::vector<std::uint8_t>(40, 0xff));
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 1U);
}

TEST_F(TunDeviceTest, OneRefusedPacketDoesNotHoldUpTheOthers) {
  BringUp();
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
  Batch batch;
  batch.Push(pool_.Copy(std::vector<std::uint8_t>(40, 0xff)));
  batch.Push(pool_.Copy(UdpPacket({7})));
  tun().Send(batch, stats_);
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 1U);
  EXPECT_TRUE(Readable(socket.get()));
}

// A UNIX socket whose reader sleeps stands in for a device with a full queue.
TEST_F(TunDeviceTest, CountsWhatAFullQueueRefuses) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair.data()),
            0);
  const UniqueFd sleeper(pair[0]);
  const auto device = TunDeviceTestPeer::Make(UniqueFd(pair[1]));
  const std::array<std::uint8_t, 8> octets{};
  while (::send(device->descriptor(), octets.data(), octets.size(), 0) > 0) {
  }
  ASSERT_EQ(errno, EAGAIN);
  Batch batch;
  batch.Push(pool_.Copy(octets));
  device->Send(batch, stats_);
  EXPECT_EQ(stats_.of(DropReason::kPortBusy), 1U);
}

TEST_F(TunDeviceTest, CountsWhatIsTooBigForTheDevice) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair.data()),
            0);
  const UniqueFd peer(pair[0]);
  const int smallest = 0;
  ASSERT_EQ(
      ::setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)),
      0);
  const auto device = TunDeviceTestPeer::Make(UniqueFd(pair[1]));
  PacketPool large({.packets = 1, .payload = 60000});
  Batch batch;
  batch.Push(large.Take(60000));
  device->Send(batch, stats_);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
}

TEST_F(TunDeviceTest, HasTheMtuItWasToldAndChangesIt) {
  EXPECT_EQ(tun().mtu(), 1400U);
  ASSERT_TRUE(tun().SetMtu(1300));
  EXPECT_EQ(tun().mtu(), 1300U);
  EXPECT_EQ(OpenNetlink().FindLink("postern0")->mtu_octets, 1300U);
  EXPECT_EQ(tun().SetMtu(1).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(tun().mtu(), 1300U);
}

TEST_F(TunDeviceTest, TellsItsIndexAndGoesWithItsObject) {
  Netlink netlink = OpenNetlink();
  EXPECT_EQ(netlink.FindLink("postern0")->index, tun().index());
  tun_.reset();
  EXPECT_EQ(netlink.FindLink("postern0").error().code, ErrorCode::kNotFound);
}

TEST_F(TunDeviceTest, SaysNothingByItselfWhenItComesUp) {
  Netlink netlink = OpenNetlink();
  ASSERT_TRUE(netlink.AddAddress("postern0", {Address("2001:db8::1"), 128}));
  BringUp();
  HostSends(77);
  Batch batch;
  ASSERT_TRUE(Readable(tun().descriptor()));
  ASSERT_EQ(tun().Receive(batch, pool_, stats_), 1U);
  EXPECT_EQ(batch.begin()->size(), 28U + 77);
  batch.Clear();
}

// No link-local address, hence no router solicitation.
TEST_F(TunDeviceTest, MakesNoAddressesByItself) {
  BringUp();
  EXPECT_EQ(ProcNet(host(), "if_inet6").find("postern0"), std::string::npos);
}

TEST_F(TunDeviceTest, HandsOnWholePacketsWithOffload) {
  Make(TunFraming::kVnetHeader);
  BringUp();
  HostSends(100);
  Batch batch;
  ASSERT_EQ(tun().Receive(batch, pool_, stats_), 1U);
  const Bytes octets = batch.begin()->bytes();
  EXPECT_EQ(octets.size(), 128U);
  EXPECT_TRUE(ChecksumsAreRight({octets.begin(), octets.end()}));
  batch.Clear();
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, kPort));
  Send(UdpPacket({9}));
  EXPECT_TRUE(Readable(socket.get()));
}

TEST_F(TunDeviceTest, AsksForNoOffloadWithoutTheHeader) {
  EXPECT_EQ(tun().offload(), TunOffload::kNone);
}

// A kernel that refuses some of it, played by a filter of system calls.
TEST_F(TunDeviceTest, TakesTheOffloadThatAKernelGrants) {
  constexpr unsigned kCsum = 0x01;
  constexpr unsigned kTso4 = 0x02;
  constexpr unsigned kUso4 = 0x20;
  Make(TunFraming::kVnetHeader);
  const TunOffload most = tun().offload();
  using Case = std::pair<unsigned, TunOffload>;
  for (const auto& [refused, expected] :
       {Case{0, most}, Case{kUso4, TunOffload::kTcp},
        Case{kTso4, TunOffload::kChecksum}, Case{kCsum, TunOffload::kNone}}) {
    tun_.reset();
    std::thread([this, refused = refused] {
      RefuseOffload(refused);
      Make(TunFraming::kVnetHeader);
    }).join();
    ASSERT_NE(tun_, nullptr);
    EXPECT_EQ(tun().offload(), expected) << refused;
    BringUp();
    HostSends(100);
    Batch batch;
    ASSERT_EQ(tun().Receive(batch, pool_, stats_), 1U);
    EXPECT_EQ(batch.begin()->size(), 128U);
    batch.Clear();
  }
}

TEST_F(TunDeviceTest, TheKernelCompletesAName) {
  const auto numbered = TunDevice::Create(host(), {.name = "wire%d"});
  ASSERT_TRUE(numbered) << numbered.error().message;
  EXPECT_EQ((*numbered)->name(), "wire0");
}

TEST_F(TunDeviceTest, RefusesANameThatIsTaken) {
  const auto second = TunDevice::Create(host(), {.name = "postern0"});
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
  const auto loopback = TunDevice::Create(host(), {.name = "lo"});
  EXPECT_EQ(loopback.error().code, ErrorCode::kExists);
}

TEST_F(TunDeviceTest, RefusesNamesAndMtusThatCannotBe) {
  EXPECT_EQ(TunDevice::Create(host(), {.name = ""}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(
      TunDevice::Create(host(), {.name = "sixteen-octets-x"}).error().code,
      ErrorCode::kInvalid);
  for (const std::size_t mtu : std::array<std::size_t, 3>{0, 575, 65536}) {
    const auto wrong =
        TunDevice::Create(host(), {.name = "other0", .mtu_octets = mtu});
    EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid) << mtu;
  }
}

TEST_F(TunDeviceTest, RefusesWithoutPrivilege) {
  AsNobody([this] {
    const auto refused = TunDevice::Create(host(), {.name = "other0"});
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  });
}

TEST_F(TunDeviceTest, SaysWhatToDoWhenThereIsNoTun) {
  std::thread([this] {
    // An empty file system over /dev/net, for this thread only.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/dev/net", "tmpfs", 0, nullptr) != 0) {
      GTEST_SKIP() << "no mount namespace for us";
    }
    const auto refused = TunDevice::Create(host(), {.name = "other0"});
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(refused.error().message.find("modprobe tun"), std::string::npos);
  }).join();
}

}  // namespace
}  // namespace postern
