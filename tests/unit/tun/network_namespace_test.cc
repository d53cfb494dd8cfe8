// SPDX-License-Identifier: Apache-2.0

#include "tun/network_namespace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/as_nobody.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

// The inode of the calling thread's namespace: what `ip netns` compares.
ino_t OwnInode() {
  struct stat status {};

  EXPECT_EQ(::stat("/proc/thread-self/ns/net", &status), 0);
  return status.st_ino;
}

ino_t InodeOf(const std::string& path) {
  struct stat status {};

  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

class NetworkNamespaceTest : public ScratchHost {};

TEST_F(NetworkNamespaceTest, HasOnlyALoopbackThatIsUp) {
  Result<Netlink> netlink = Netlink::OpenInside(host());
  ASSERT_TRUE(netlink) << netlink.error().message;
  const Result<std::vector<Link>> links = netlink->Links();
  ASSERT_TRUE(links) << links.error().message;
  for (const Link& link : *links) {
    EXPECT_EQ(link.state() == LinkState::kUp, link.name == "lo") << link.name;
  }
  EXPECT_EQ(links->front().name, "lo");
  EXPECT_TRUE(links->front().is_loopback());
}

TEST_F(NetworkNamespaceTest, LeavesTheCallingThreadWhereItIs) {
  const ino_t before = OwnInode();
  const ino_t inside = host().RunInside([] { return OwnInode(); }).value();
  EXPECT_NE(inside, before);
  EXPECT_EQ(OwnInode(), before);
}

TEST_F(NetworkNamespaceTest, TellsTheCookieThatItsSocketsHave) {
  const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  ASSERT_EQ(
      ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size),
      0);
  EXPECT_EQ(host().cookie(), NamespaceCookie{cookie});
  const Result<NetworkNamespace> outer = NetworkNamespace::OpenCurrent();
  ASSERT_TRUE(outer) << outer.error().message;
  EXPECT_NE(host().cookie(), outer->cookie());
}

TEST_F(NetworkNamespaceTest, RunInsideHandsOnWhatTheCallReturns) {
  EXPECT_EQ(host().RunInside([] { return 7; }).value(), 7);
  const Result<int> flat =
      host().RunInside([]() -> Result<int> { return Invalid("no"); });
  EXPECT_EQ(flat.error().message, "no");
  bool called = false;
  const Status nothing = host().RunInside([&called] { called = true; });
  EXPECT_TRUE(nothing.ok());
  EXPECT_TRUE(called);
}

TEST_F(NetworkNamespaceTest, RunInsideHandsOnAnException) {
  const auto call = [this] {
    return host().RunInside(
        []() -> int { throw std::runtime_error("from inside"); });
  };
  EXPECT_THROW(static_cast<void>(call()), std::runtime_error);
}

TEST_F(NetworkNamespaceTest, RefusesWithoutPrivilege) {
  AsNobody([this] {
    const Result<NetworkNamespace> made = NetworkNamespace::Create();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kForbidden);
    const Result<int> entered = host().RunInside([] { return 1; });
    ASSERT_FALSE(entered);
    EXPECT_EQ(entered.error().code, ErrorCode::kForbidden);
  });
}

// Whether `ip <arguments>` went well.
bool Ip(const std::string& arguments) {
  const std::string command = "ip " + arguments + " > /dev/null 2>&1";
  // NOLINTNEXTLINE(cert-env33-c): the tool is the oracle
  return std::system(command.c_str()) == 0;
}

// Names are unique to this process, so that test runs do not meet.
class NamedNamespace : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped()) {
      return;
    }
    const Result<NetworkNamespace> probe = Open();
    if (!probe && probe.error().code != ErrorCode::kExists) {
      GTEST_SKIP() << "no named namespace for us: " << probe.error().message;
    }
    ASSERT_TRUE(NetworkNamespace::RemoveNamed(name_).ok());
  }

  void TearDown() override {
    static_cast<void>(NetworkNamespace::RemoveNamed(name_));
  }

  Result<NetworkNamespace> Open() const {
    return NetworkNamespace::OpenOrCreateNamed(name_, "postern0");
  }

  const std::string& name() const { return name_; }

  std::string path() const { return "/run/netns/" + name_; }

 private:
  std::string name_ = "postern-unit-" + std::to_string(::getpid());
};

TEST_F(NamedNamespace, IsMadeOnceAndFoundAgain) {
  const Result<NetworkNamespace> made = Open();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(InodeOf(path()),
            made->RunInside([] { return OwnInode(); }).value());
  const Result<NetworkNamespace> again = Open();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->cookie(), made->cookie());
}

TEST_F(NamedNamespace, IsOneThatIpNetnsKnows) {
  if (!Ip("-V")) {
    GTEST_SKIP() << "no ip command here";
  }
  ASSERT_TRUE(Open());
  EXPECT_TRUE(Ip("netns exec " + name() + " ip link show lo"));
  EXPECT_TRUE(Ip("netns delete " + name()));
  EXPECT_EQ(InodeOf(path()), 0U);
}

TEST_F(NamedNamespace, TakesOneThatIpNetnsMade) {
  if (!Ip("netns add " + name())) {
    GTEST_SKIP() << "no ip netns here";
  }
  const ino_t made = InodeOf(path());
  const Result<NetworkNamespace> opened = Open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->RunInside([] { return OwnInode(); }).value(), made);
}

TEST_F(NamedNamespace, MayHoldOurTun) {
  const Result<NetworkNamespace> made = Open();
  ASSERT_TRUE(made);
  const auto tun = TunDevice::Create(*made, {.name = "postern0"});
  ASSERT_TRUE(tun) << tun.error().message;
  const Result<NetworkNamespace> again = Open();
  EXPECT_TRUE(again) << again.error().message;
}

// A second way out would let packets leave unprotected.
TEST_F(NamedNamespace, RefusesOneThatHoldsAnotherInterface) {
  const Result<NetworkNamespace> made = Open();
  ASSERT_TRUE(made);
  const auto other = TunDevice::Create(*made, {.name = "backdoor0"});
  ASSERT_TRUE(other) << other.error().message;
  const Result<NetworkNamespace> again = Open();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kExists);
  EXPECT_NE(again.error().message.find("'backdoor0'"), std::string::npos);
}

TEST_F(NamedNamespace, RefusesAnInterfaceThatOnlyHasTheTunsName) {
  ASSERT_TRUE(Open());
  if (!Ip("-n " + name() + " link add postern0 type veth peer name peer0")) {
    GTEST_SKIP() << "no veth interfaces here";
  }
  EXPECT_EQ(Open().error().code, ErrorCode::kExists);
}

TEST_F(NamedNamespace, RefusesAnOrdinaryFileOfThatName) {
  constexpr mode_t kMode = 0600;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  const UniqueFd file(::open(path().c_str(), O_CREAT | O_RDWR, kMode));
  ASSERT_TRUE(file.valid());
  EXPECT_EQ(Open().error().code, ErrorCode::kExists);
  EXPECT_TRUE(NetworkNamespace::RemoveNamed(name()).ok());
}

TEST_F(NamedNamespace, RefusesNamesThatAreNoFileNames) {
  const std::array<std::string, 6> bad = {"",    ".",   "..",
                                          "a/b", "../", std::string(256, 'x')};
  for (const std::string& wrong : bad) {
    const auto opened = NetworkNamespace::OpenOrCreateNamed(wrong, "postern0");
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalid) << wrong;
    EXPECT_EQ(NetworkNamespace::RemoveNamed(wrong).error().code,
              ErrorCode::kInvalid);
  }
}

TEST_F(NamedNamespace, RemovingTakesTheNameAway) {
  ASSERT_TRUE(Open());
  ASSERT_TRUE(NetworkNamespace::RemoveNamed(name()).ok());
  EXPECT_EQ(InodeOf(path()), 0U);
  EXPECT_EQ(NetworkNamespace::RemoveNamed(name()).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace postern
