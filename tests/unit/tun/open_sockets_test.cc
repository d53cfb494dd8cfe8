// SPDX-License-Identifier: Apache-2.0

#include "tun/open_sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/tun/scratch_host.h"

namespace postern {
namespace {

using Cookies = std::vector<SocketCookie>;

UniqueFd Datagrams() {
  return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

TEST(OpenSockets, TellsWhoseLastDescriptorIsClosed) {
  OpenSockets open = OpenSockets::Create().value();
  EXPECT_EQ(open.List().value(), Cookies());
  UniqueFd one = Datagrams();
  UniqueFd other = Datagrams();
  Cookies both = {CookieOf(one.get()), CookieOf(other.get())};
  std::ranges::sort(both);
  ASSERT_TRUE(open.Watch(one.get(), CookieOf(one.get())));
  ASSERT_TRUE(open.Watch(other.get(), CookieOf(other.get())));
  EXPECT_EQ(open.List().value(), both);
  const Cookies rest = {CookieOf(other.get())};
  one.reset();
  EXPECT_EQ(open.List().value(), rest);
  other.reset();
  EXPECT_EQ(open.List().value(), Cookies());
}

// As when a client passes its socket and we close our copy.
TEST(OpenSockets, ACopyElsewhereKeepsASocketOpen) {
  OpenSockets open = OpenSockets::Create().value();
  UniqueFd programs = Datagrams();
  const SocketCookie cookie = CookieOf(programs.get());
  UniqueFd ours(::dup(programs.get()));
  ASSERT_TRUE(open.Watch(ours.get(), cookie));
  ours.reset();
  EXPECT_EQ(open.List().value(), Cookies{cookie});
  programs.reset();
  EXPECT_EQ(open.List().value(), Cookies());
}

TEST(OpenSockets, WatchesASocketTwiceAndAnotherUnderTheSameNumber) {
  OpenSockets open = OpenSockets::Create().value();
  const UniqueFd programs = Datagrams();
  const UniqueFd later = Datagrams();
  UniqueFd ours(::dup(programs.get()));
  const int number = ours.get();
  ASSERT_TRUE(open.Watch(number, CookieOf(programs.get())));
  EXPECT_TRUE(open.Watch(number, CookieOf(programs.get())));
  ours.reset();
  ours = UniqueFd(::dup2(later.get(), number));
  ASSERT_TRUE(open.Watch(number, CookieOf(later.get())));
  ours.reset();
  Cookies both = {CookieOf(programs.get()), CookieOf(later.get())};
  std::ranges::sort(both);
  EXPECT_EQ(open.List().value(), both);
}

TEST(OpenSockets, RefusesWhatIsNoDescriptor) {
  EXPECT_EQ(
      OpenSockets::Create().value().Watch(-1, SocketCookie{1}).error().code,
      ErrorCode::kSystem);
}

TEST(OpenSockets, ReadsTheKernelsTextAndSurvivesAnother) {
  EXPECT_EQ(
      ParseEpollInfo("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\n"
                     "tfd:        5 events:       18 data:             e2f1  "
                     "pos:0 ino:3f sdev:8\n"
                     "tfd:        6 events:       18 data: ffffffffffffffff  "
                     "pos:0 ino:40 sdev:8\n"),
      (Cookies{SocketCookie{0xe2f1}, SocketCookie{~0ULL}}));
  for (const char* text :
       {"", " data:", " data:   ", " data: x data:", "data"}) {
    EXPECT_EQ(ParseEpollInfo(text), Cookies()) << text;
  }
}

}  // namespace
}  // namespace postern
