// SPDX-License-Identifier: Apache-2.0
//
// A FrameSender at one end of a socket pair, where the test plays the kernel.

#include "wire/frame_sender.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "core/unique_fd.h"
#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

class FrameSenderTest : public testing::Test {
 protected:
  FrameSenderTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()),
        0);
    kernel_ = UniqueFd(ends[0]);
    ours_ = UniqueFd(ends[1]);
    sender_ = std::make_unique<FrameSender>(ours_.get(), is_down_);
  }

  ~FrameSenderTest() override {
    EXPECT_EQ(pool_.forgotten(), 0U);
    EXPECT_EQ(pool_.free(), pool_.shape().packets);
  }

  // The next message; empty when there is none.
  Octets Take() const {
    Octets room(70'000);
    const ssize_t size = ::recv(kernel_.get(), room.data(), room.size(), 0);
    room.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return room;
  }

  void Push(std::uint8_t number, std::size_t size = 60) {
    batch_.Push(pool_.Copy(Octets(size, number)));
  }

  void Send() {
    sender_->Send(batch_, stats_);
    EXPECT_TRUE(batch_.empty());
  }

  // Behind ten octets that leave nothing to the kernel.
  static Octets Message(std::uint8_t number, std::size_t size = 60) {
    Octets message(10 + size, number);
    std::fill(message.begin(), message.begin() + 10, std::uint8_t{0});
    return message;
  }

  UniqueFd kernel_;
  UniqueFd ours_;
  PacketPool pool_{{.packets = 64, .payload = 60'000}};
  WorkerStats stats_;
  Batch batch_;
  std::atomic<bool> is_down_{false};
  std::unique_ptr<FrameSender> sender_;
};

TEST_F(FrameSenderTest, PutsABatchInOneCall) {
  for (std::uint8_t i = 0; i < Batch::kCapacity; ++i) {
    Push(i, 60U + i);
  }
  Send();
  for (std::uint8_t i = 0; i < Batch::kCapacity; ++i) {
    EXPECT_EQ(Take(), Message(i, 60U + i));
  }
  EXPECT_EQ(Take(), Octets());
  EXPECT_EQ(stats_.of(Count::kWireSendCalls), 1U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), Batch::kCapacity);
}

TEST_F(FrameSenderTest, LeavesOutWhatWasTakenFromTheBatch) {
  for (std::uint8_t i = 0; i < 3; ++i) {
    Push(i);
  }
  batch_.packets()[1].Release();
  Send();
  EXPECT_EQ(Take(), Message(0));
  EXPECT_EQ(Take(), Message(2));
  EXPECT_EQ(Take(), Octets());
  Send();  // nothing
  EXPECT_EQ(stats_.of(Count::kWireSendCalls), 1U);
}

TEST_F(FrameSenderTest, CountsWhatAFullQueueRefuses) {
  const std::array<std::uint8_t, 8> octets{};
  while (::send(ours_.get(), octets.data(), octets.size(), 0) > 0) {
  }
  ASSERT_EQ(errno, EAGAIN);
  Push(1);
  Push(2);
  Send();
  EXPECT_EQ(stats_.of(DropReason::kPortBusy), 2U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 0U);
}

TEST_F(FrameSenderTest, GoesOnBehindAFrameThatIsRefused) {
  const int room = 8192;
  ASSERT_EQ(
      ::setsockopt(ours_.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
  Push(1, 60'000);  // EMSGSIZE
  Push(2);
  Push(3, 60'000);
  Push(4);
  Send();
  EXPECT_EQ(Take(), Message(2));
  EXPECT_EQ(Take(), Message(4));
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 2U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 2U);
}

TEST_F(FrameSenderTest, CountsWhatNobodyTakes) {
  kernel_.reset();
  std::signal(SIGPIPE, SIG_IGN);
  Push(1);
  Send();
  EXPECT_EQ(stats_.of(DropReason::kPortRefused), 1U);
}

}  // namespace
}  // namespace postern
