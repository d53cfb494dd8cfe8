// SPDX-License-Identifier: Apache-2.0

#include "wire/socket_buffers.h"

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "core/log/log.h"
#include "core/unique_fd.h"
#include "tests/support/as_nobody.h"

namespace postern {
namespace {

class SocketBuffersTest : public testing::Test {
 protected:
  SocketBuffersTest() {
    SetLogSink([this](LogLevel /*level*/, std::string_view line) {
      lines_.emplace_back(line);
    });
  }

  ~SocketBuffersTest() override { SetLogSink({}); }

  int Granted(int option) const {
    int octets = 0;
    socklen_t size = sizeof(octets);
    EXPECT_EQ(::getsockopt(fd_.get(), SOL_SOCKET, option, &octets, &size), 0);
    return octets / 2;  // the kernel tells the double
  }

  UniqueFd fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::vector<std::string> lines_;
};

TEST_F(SocketBuffersTest, AreAsLargeAsAskedIfThatIsGranted) {
  EnlargeBuffers(fd_.get(), 65'536);
  EXPECT_EQ(Granted(SO_SNDBUF), 65'536);
  EXPECT_EQ(Granted(SO_RCVBUF), 65'536);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(SocketBuffersTest, SayWhenTheSystemsBoundHolds) {
  constexpr std::size_t kTooMuch = 1U << 29U;
  AsNobody([this] { EnlargeBuffers(fd_.get(), kTooMuch); });
  if (IsSkipped()) {
    return;
  }
  ASSERT_EQ(lines_.size(), 2U);
  for (const auto& [line, sysctl, option] :
       {std::tuple{lines_[0], "net.core.wmem_max", SO_SNDBUF},
        std::tuple{lines_[1], "net.core.rmem_max", SO_RCVBUF}}) {
    EXPECT_NE(line.find("socket_buffer_is_small"), std::string::npos) << line;
    EXPECT_NE(line.find("octets=" + std::to_string(Granted(option))),
              std::string::npos)
        << line;
    EXPECT_NE(line.find(std::string(sysctl) + "=536870912"), std::string::npos)
        << line;
  }
}

}  // namespace
}  // namespace postern
