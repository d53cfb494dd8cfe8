// SPDX-License-Identifier: Apache-2.0
//
// What SockDiagOwner makes of answers that a real kernel does not give on
// demand.

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "gtest/gtest.h"

#include "core/net/protocols.h"
#include "core/unique_fd.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink_message.h"
#include "tun/sock_diag.h"

namespace postern {

class NetlinkSocketTestPeer {
 public:
  static NetlinkSocket Make(UniqueFd fd) {
    return NetlinkSocket(std::move(fd));
  }
};

class SockDiagOwnerTestPeer {
 public:
  static std::unique_ptr<SockDiagOwner> Make(NetlinkSocket socket) {
    return std::unique_ptr<SockDiagOwner>(
        new SockDiagOwner(std::move(socket), 0));
  }
};

namespace {

// A kernel that the test plays: what it says was there before we asked.
class SockDiagAnswers : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()),
              0);
    kernel_.reset(pair[0]);
    NetlinkSocket socket = NetlinkSocketTestPeer::Make(UniqueFd(pair[1]));
    ASSERT_TRUE(socket.SetReceiveTimeout(std::chrono::milliseconds(20)));
    owner_ = SockDiagOwnerTestPeer::Make(std::move(socket));
  }

  void Say(NetlinkRequest& answer, std::uint32_t sequence) {
    const ConstBytes octets = answer.Finish(sequence);
    ASSERT_EQ(::send(kernel_.get(), octets.data(), octets.size(), 0),
              static_cast<ssize_t>(octets.size()));
  }

  void SayError(int errno_value, std::uint32_t sequence) {
    NetlinkRequest answer(NLMSG_ERROR, 0);
    nlmsgerr error{};
    error.error = -errno_value;
    answer.PutStruct(error);
    Say(answer, sequence);
  }

  void SaySocket(std::uint32_t cookie, std::uint32_t sequence) {
    NetlinkRequest answer(SOCK_DIAG_BY_FAMILY, 0);
    inet_diag_msg report{};
    report.idiag_family = AF_INET;
    report.idiag_state = TCP_ESTABLISHED;
    report.id.idiag_cookie[0] = cookie;
    report.id.idiag_cookie[1] = 1;
    answer.PutStruct(report);
    Say(answer, sequence);
  }

  Owner Ask() {
    return owner_->Find(Key(IpProtocol::kTcp, "10.0.0.1", 1, "10.0.0.2", 2));
  }

  UniqueFd kernel_;
  std::unique_ptr<SockDiagOwner> owner_;
};

TEST_F(SockDiagAnswers, SilenceIsUnknown) {
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);
}

TEST_F(SockDiagAnswers, OnlyEnoentIsNobody) {
  std::uint32_t sequence = 0;
  for (const int error : {EPERM, EINVAL, ENOMEM, EOPNOTSUPP, EBUSY, 0}) {
    SayError(error, ++sequence);
    EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown) << error;
  }
  SayError(ENOENT, ++sequence);
  EXPECT_EQ(Ask().kind, Owner::Kind::kNobody);
}

TEST_F(SockDiagAnswers, ALateAnswerIsNotTakenForTheNextOne) {
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);  // sequence 1, given up
  SayError(ENOENT, 1);
  SaySocket(7, 1);
  SaySocket(9, 2);
  const Owner owner = Ask();
  EXPECT_EQ(owner.kind, Owner::Kind::kSocket);
  EXPECT_EQ(owner.cookie, SocketCookie{(std::uint64_t{1} << 32U) | 9});
}

TEST_F(SockDiagAnswers, TooManyLateAnswersAreUnknown) {
  for (int i = 0; i < 64; ++i) {
    SayError(ENOENT, 999);
  }
  SaySocket(7, 1);
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);
}

TEST_F(SockDiagAnswers, AnEndWithoutASocketIsUnknown) {
  NetlinkRequest done(NLMSG_DONE, 0);
  done.PutStruct(std::uint32_t{0});
  Say(done, 1);
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);
}

TEST_F(SockDiagAnswers, AShortReportIsUnknown) {
  NetlinkRequest report(SOCK_DIAG_BY_FAMILY, 0);
  report.PutStruct(std::uint64_t{0});
  Say(report, 1);
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);
}

TEST_F(SockDiagAnswers, AClosedSocketIsUnknown) {
  kernel_.reset();
  EXPECT_EQ(Ask().kind, Owner::Kind::kUnknown);
}

}  // namespace
}  // namespace postern
