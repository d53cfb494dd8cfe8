// SPDX-License-Identifier: Apache-2.0
//
// A network namespace with a cable in it, and somebody at its other end who is a
// packet socket of the test's:
//
//     wire0 (02:00:5e:10:00:aa)  ----  peer0 (02:00:5e:10:00:07)

#ifndef POSTERN_TESTS_UNIT_WIRE_VETH_FIXTURE_H_
#define POSTERN_TESTS_UNIT_WIRE_VETH_FIXTURE_H_

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "core/unique_fd.h"
#include "tests/unit/tun/scratch_host.h"
#include "tests/unit/wire/ethernet_frames.h"
#include "tun/netlink.h"
#include "wire/packet_socket.h"

namespace postern {

inline constexpr const char* kInterface = "wire0";
inline constexpr const char* kPeer = "peer0";
inline const MacAddress kInterfaceMac({0x02, 0x00, 0x5e, 0x10, 0x00, 0xaa});

// The neighbour at the other end. What it says goes there as it is, with a
// VnetHeader for the kernel; what it hears comes likewise.
class Station {
 public:
  // In the calling thread's namespace.
  explicit Station(unsigned index)
      : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    for (const int option : {PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING}) {
      EXPECT_EQ(::setsockopt(fd_.get(), SOL_PACKET, option, &on, sizeof(on)),
                0);
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(index);
    const void* opaque = &address;
    EXPECT_EQ(::bind(fd_.get(), static_cast<const sockaddr*>(opaque),
                     sizeof(address)),
              0);
  }

  void Send(Octets frame, VnetHeader vnet = {}) const {
    std::array<iovec, 2> parts = {
        {{&vnet, sizeof(vnet)}, {frame.data(), frame.size()}}};
    ASSERT_EQ(::writev(fd_.get(), parts.data(), 2),
              static_cast<ssize_t>(sizeof(vnet) + frame.size()))
        << ToHex(frame);
  }

  // The next frame that is no hello; the test fails if none comes.
  Octets Receive() const {
    for (;;) {
      EXPECT_TRUE(Readable(fd_.get()));
      Octets frame = Take();
      if (frame.size() < 14 || Hex(kHelloType) != TypeOf(frame)) {
        return frame;
      }
    }
  }

  // The kernel notices in a work queue of its own that a cable is connected, and
  // drops what is sent before. Returns once frames pass and none is on its way.
  static void AwaitPassage(const Station& from, const Station& to) {
    bool passed = false;
    for (std::uint8_t i = 0; !passed; ++i) {
      Octets hello = Hex("020000000001 020000000002" + std::string(kHelloType));
      hello.resize(60, i);
      from.Send(hello);
      while (!passed && Readable(to.fd_.get(), 20)) {
        passed = to.Take() == hello;
      }
    }
  }

  bool HasNothing() const { return !Readable(fd_.get(), 0); }

 private:
  static constexpr const char* kHelloType = "88b5";  // for experiments

  static Octets TypeOf(const Octets& frame) {
    return {frame.begin() + 12, frame.begin() + 14};
  }

  Octets Take() const {
    Octets room(sizeof(VnetHeader) + 70'000);
    const ssize_t size =
        ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    EXPECT_GE(size, static_cast<ssize_t>(sizeof(VnetHeader)));
    room.resize(size > 0 ? static_cast<std::size_t>(size) : sizeof(VnetHeader));
    return {room.begin() + sizeof(VnetHeader), room.end()};
  }

  UniqueFd fd_;
};

class VethFixture : public ScratchHost {
 protected:
  using Ports = std::vector<std::unique_ptr<PacketSocket>>;

  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    if (!Run("ip link add wire0 address 02:00:5e:10:00:aa type veth peer name "
             "peer0 address 02:00:5e:10:00:07 2>/dev/null")) {
      GTEST_SKIP() << "no veth for us";
    }
    Netlink netlink = OpenNetlink();
    for (const char* end : {kInterface, kPeer}) {
      ASSERT_TRUE(netlink.DisableAddressGeneration(end));
    }
    ASSERT_TRUE(netlink.SetState(kPeer, LinkState::kUp));
    SetUpInterface();
    peer_ = MakeStation(kPeer);
  }

  // Returns once frames pass, both ways.
  void SetUpInterface() {
    ASSERT_TRUE(OpenNetlink().SetState(kInterface, LinkState::kUp));
    const auto here = MakeStation(kInterface);
    const auto there = MakeStation(kPeer);
    Station::AwaitPassage(*here, *there);
    Station::AwaitPassage(*there, *here);
  }

  std::unique_ptr<Station> MakeStation(const char* end) {
    const unsigned index = OpenNetlink().FindLink(end)->index;
    return host()
        .RunInside([index] { return std::make_unique<Station>(index); })
        .value();
  }

  bool Run(const std::string& command) const {
    return host()
               .RunInside([&command] { return std::system(command.c_str()); })
               .value() == 0;
  }

  Netlink OpenNetlink() { return Netlink::OpenInside(host()).value(); }

  Result<Ports> Create(const PacketSocketOptions& options,
                       std::size_t count = 1) {
    return host().RunInside(
        [&] { return PacketSocket::CreateSeveral(options, count); });
  }

  static PacketSocketOptions HostOptions() {
    return {.interface = kInterface,
            .mac = kHost,
            .addresses = {Ip("192.0.2.9"), Ip("2001:db8::9")}};
  }

  // The first `count` frames that come; the test fails if they do not.
  std::vector<Octets> Receive(PacketSocket& port, std::size_t count) {
    std::vector<Octets> frames;
    while (frames.size() < count) {
      Batch batch;
      if (port.Receive(batch, pool_, stats_) == 0 &&
          !Readable(port.descriptor())) {
        ADD_FAILURE() << "of " << count << " frames came " << frames.size();
        break;
      }
      for (const Packet& packet : batch.packets()) {
        frames.emplace_back(packet.bytes().begin(), packet.bytes().end());
      }
      batch.Clear();
    }
    return frames;
  }

  void Send(PacketSocket& port, const std::vector<Octets>& frames) {
    Batch batch;
    for (const Octets& frame : frames) {
      batch.Push(pool_.Copy(frame));
    }
    port.Send(batch, stats_);
    EXPECT_TRUE(batch.empty());
  }

  PacketPool pool_{{.packets = 128, .payload = 2000}};
  WorkerStats stats_;
  std::unique_ptr<Station> peer_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_WIRE_VETH_FIXTURE_H_
