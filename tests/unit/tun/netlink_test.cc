// SPDX-License-Identifier: Apache-2.0

#include "tun/netlink.h"

#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "gtest/gtest.h"

#include "tests/support/as_nobody.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

class NetlinkTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto tun = TunDevice::Create(host(), {.name = "postern0"});
    if (!tun && (tun.error().code == ErrorCode::kUnavailable ||
                 tun.error().code == ErrorCode::kForbidden)) {
      GTEST_SKIP() << tun.error().message;
    }
    ASSERT_TRUE(tun) << tun.error().message;
    tun_ = std::move(tun).value();
    Result<Netlink> netlink = Netlink::OpenInside(host());
    ASSERT_TRUE(netlink) << netlink.error().message;
    netlink_.emplace(std::move(netlink).value());
  }

  Netlink& netlink() { return *netlink_; }

  void Must(const Status& status) {
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  void BringUpWith(const std::string& address, unsigned length) {
    Must(netlink().AddAddress("postern0", {Address(address), length}));
    Must(netlink().SetState("postern0", LinkState::kUp));
  }

  // 0 and a connected socket, or the errno of connect().
  std::pair<int, UniqueFd> Connect(const std::string& to) {
    const Endpoint end(to, 9);
    UniqueFd socket = Socket(end.family(), SOCK_DGRAM);
    const int failed = ::connect(socket.get(), end.get(), end.size());
    return {failed == 0 ? 0 : errno, std::move(socket)};
  }

  static IpAddress LocalAddressOf(const UniqueFd& socket) {
    sockaddr_storage storage{};
    void* opaque = &storage;
    socklen_t size = sizeof(storage);
    EXPECT_EQ(
        ::getsockname(socket.get(), static_cast<sockaddr*>(opaque), &size), 0);
    if (storage.ss_family == AF_INET) {
      const auto* ipv4 = static_cast<const sockaddr_in*>(opaque);
      return IpAddress::FromOctets(
          ConstBytes(static_cast<const std::uint8_t*>(
                         static_cast<const void*>(&ipv4->sin_addr)),
                     4));
    }
    const auto* ipv6 = static_cast<const sockaddr_in6*>(opaque);
    return IpAddress::FromOctets(
        ConstBytes(static_cast<const std::uint8_t*>(
                       static_cast<const void*>(&ipv6->sin6_addr)),
                   16));
  }

 private:
  std::unique_ptr<TunDevice> tun_;
  std::optional<Netlink> netlink_;
};

TEST_F(NetlinkTest, ListsLinksWithTheirKind) {
  const Result<Link> link = netlink().FindLink("postern0");
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->kind, "tun");
  EXPECT_FALSE(link->is_loopback());
  const unsigned index =
      host().RunInside([] { return ::if_nametoindex("postern0"); }).value();
  EXPECT_EQ(link->index, index);
}

TEST_F(NetlinkTest, RefusesAnInterfaceThatIsNotThere) {
  EXPECT_EQ(netlink().SetState("nosuch0", LinkState::kUp).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(netlink().SetMtu("nosuch0", 1400).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(netlink().SetQueueLength("nosuch0", 10).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(netlink().DisableAddressGeneration("nosuch0").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(
      netlink().AddAddress("nosuch0", {Address("10.9.0.1"), 32}).error().code,
      ErrorCode::kNotFound);
  EXPECT_EQ(netlink().AddRoute({IpPrefix(), "nosuch0"}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(NetlinkTest, BringsALinkUpAndDown) {
  Must(netlink().SetState("postern0", LinkState::kUp));
  EXPECT_EQ(netlink().FindLink("postern0")->state(), LinkState::kUp);
  Must(netlink().SetState("postern0", LinkState::kDown));
  EXPECT_EQ(netlink().FindLink("postern0")->state(), LinkState::kDown);
}

TEST_F(NetlinkTest, SetsTheMtu) {
  Must(netlink().SetMtu("postern0", 1333));
  EXPECT_EQ(netlink().FindLink("postern0")->mtu_octets, 1333U);
}

TEST_F(NetlinkTest, RefusesAnMtuThatNoPacketCanHave) {
  EXPECT_EQ(netlink().SetMtu("postern0", 70000).error().code,
            ErrorCode::kInvalid);
  const Status small = netlink().SetMtu("postern0", 10);  // the kernel's word
  EXPECT_EQ(small.error().code, ErrorCode::kInvalid);
  EXPECT_NE(small.error().message.find("setting the MTU"), std::string::npos);
}

TEST_F(NetlinkTest, GivesAddressesThatAreUsableAtOnce) {
  BringUpWith("10.9.0.1", 24);
  Must(netlink().AddAddress("postern0", {Address("2001:db8::1"), 64}));
  EXPECT_NE(Bound(SOCK_DGRAM, Endpoint("10.9.0.1", 0)).get(), -1);
  EXPECT_NE(Bound(SOCK_DGRAM, Endpoint("2001:db8::1", 0)).get(), -1);
}

// With the link down the kernel routes no IPv6 address, so there is something to
// wait for.
TEST_F(NetlinkTest, WaitsUntilPacketsToAnAddressArrive) {
  const Endpoint own("2001:db8::1", 4500);
  Must(netlink().AddAddress("postern0", {Address("2001:db8::1"), 128}));
  std::thread opener([this] {
    Must(Netlink::OpenInside(host()).value().SetState("postern0",
                                                      LinkState::kUp));
  });
  Must(netlink().AwaitLocal(Address("2001:db8::1")));
  opener.join();
  const UniqueFd socket = Bound(SOCK_DGRAM, own);
  ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, own.get(), own.size()), 1);
  EXPECT_TRUE(Readable(socket.get()));
}

TEST_F(NetlinkTest, SaysThatAnAddressIsNotLocal) {
  Must(netlink().SetState("lo", LinkState::kUp));
  const Status never =
      netlink().AwaitLocal(Address("192.0.2.1"), std::chrono::milliseconds(20));
  EXPECT_EQ(never.error().code, ErrorCode::kUnavailable);
}

TEST_F(NetlinkTest, AddressesMakeNoRoutes) {
  BringUpWith("10.9.0.1", 24);
  Must(netlink().AddAddress("postern0", {Address("2001:db8::1"), 64}));
  EXPECT_EQ(Connect("10.9.0.77").first, ENETUNREACH);
  EXPECT_EQ(Connect("2001:db8::77").first, ENETUNREACH);
}

TEST_F(NetlinkTest, TheKernelMakesNoLinkLocalAddress) {
  Must(netlink().DisableAddressGeneration("postern0"));
  Must(netlink().SetState("postern0", LinkState::kUp));
  Must(netlink().AddAddress("postern0", {Address("2001:db8::1"), 128}));
  const std::string addresses = ProcNet(host(), "if_inet6");
  EXPECT_NE(addresses.find("20010db8"), std::string::npos) << addresses;
  EXPECT_EQ(addresses.find("fe80"), std::string::npos) << addresses;
}

TEST_F(NetlinkTest, RefusesASecondEqualAddress) {
  BringUpWith("10.9.0.1", 24);
  const Status again =
      netlink().AddAddress("postern0", {Address("10.9.0.1"), 24});
  EXPECT_EQ(again.error().code, ErrorCode::kExists);
}

TEST_F(NetlinkTest, RefusesAPrefixLongerThanTheAddress) {
  const Status wrong =
      netlink().AddAddress("postern0", {Address("10.9.0.1"), 33});
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
}

TEST_F(NetlinkTest, RoutesAPrefixByDeviceInBothFamilies) {
  BringUpWith("10.9.0.1", 32);
  Must(netlink().AddAddress("postern0", {Address("2001:db8::1"), 128}));
  Must(netlink().AddRoute({IpPrefix(Address("10.20.0.0"), 16), "postern0"}));
  Must(netlink().AddRoute({IpPrefix(Address("2001:db8:2::"), 48), "postern0"}));
  EXPECT_EQ(Connect("10.20.3.4").first, 0);
  EXPECT_EQ(Connect("10.21.3.4").first, ENETUNREACH);
  EXPECT_EQ(Connect("2001:db8:2::9").first, 0);
  EXPECT_EQ(Connect("2001:db8:3::9").first, ENETUNREACH);
}

TEST_F(NetlinkTest, ADefaultRouteCanPreferASource) {
  BringUpWith("10.9.0.1", 32);
  for (const char* more : {"10.9.0.2", "2001:db8::1", "2001:db8::2"}) {
    const IpAddress address = Address(more);
    Must(netlink().AddAddress("postern0", {address, BitsOf(address.family())}));
  }
  Must(netlink().AddRoute({IpPrefix(), "postern0", Address("10.9.0.2")}));
  Must(netlink().AddRoute(
      {IpPrefix(Address("::"), 0), "postern0", Address("2001:db8::1")}));
  const auto ipv4 = Connect("198.51.100.1");
  ASSERT_EQ(ipv4.first, 0);
  EXPECT_EQ(LocalAddressOf(ipv4.second), Address("10.9.0.2"));
  const auto ipv6 = Connect("2001:db8:99::1");
  ASSERT_EQ(ipv6.first, 0);
  EXPECT_EQ(LocalAddressOf(ipv6.second), Address("2001:db8::1"));
}

TEST_F(NetlinkTest, RefusesASecondEqualRoute) {
  BringUpWith("10.9.0.1", 32);
  Must(netlink().AddRoute({IpPrefix(), "postern0"}));
  EXPECT_EQ(netlink().AddRoute({IpPrefix(), "postern0"}).error().code,
            ErrorCode::kExists);
}

TEST_F(NetlinkTest, RemovesARouteOnce) {
  BringUpWith("10.9.0.1", 32);
  const LinkRoute route{IpPrefix(Address("10.20.0.0"), 16), "postern0"};
  Must(netlink().AddRoute(route));
  Must(netlink().RemoveRoute(route));
  EXPECT_EQ(Connect("10.20.3.4").first, ENETUNREACH);
  EXPECT_EQ(netlink().RemoveRoute(route).error().code, ErrorCode::kNotFound);
}

TEST_F(NetlinkTest, RefusesWithoutPrivilege) {
  AsNobody([this] {
    const Status refused = netlink().SetState("postern0", LinkState::kUp);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
    EXPECT_NE(refused.error().message.find("CAP_NET_ADMIN"), std::string::npos);
  });
}

}  // namespace
}  // namespace postern
