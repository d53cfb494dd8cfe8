// SPDX-License-Identifier: Apache-2.0
//
// What leaves is judged by the kernel: a plain socket gets datagrams as they
// are on the wire, one with UDP_GRO gets trains whole.

#include "wire/udp_sender.h"

#include <deque>
#include <mutex>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/log/log.h"
#include "tests/unit/wire/udp_fixture.h"

namespace postern {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogLines {
 public:
  LogLines() {
    SetLogSink([this](LogLevel /*level*/, std::string_view line) {
      const std::lock_guard<std::mutex> lock(mutex_);
      lines_.emplace_back(line);
    });
  }

  ~LogLines() { SetLogSink({}); }

  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  std::vector<std::string> lines() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class UdpSenderTest : public testing::TestWithParam<IpFamily> {
 protected:
  UdpSenderTest()
      : socket_(UdpSocket::Open(Loopback(GetParam()), 1U << 20U).value()),
        peer_(GetParam()),
        to_(peer_.at()) {}

  void Add(UdpSender& sender, std::size_t size,
           std::uint8_t traffic_class = 0) {
    sent_.push_back(Esp(static_cast<std::uint32_t>(sent_.size() + 1), size));
    sender.Add(
        {.octets = sent_.back(), .to = &to_, .traffic_class = traffic_class});
  }

  // A socket without checksums is refused trains, as a path without checksum
  // offload is by older kernels. 1: from now on; 0: no more.
  void RefuseTrains(int refuse) {
    if (GetParam() == IpFamily::kV4) {
      ASSERT_EQ(::setsockopt(socket_.descriptor(), SOL_SOCKET, SO_NO_CHECK,
                             &refuse, sizeof(refuse)),
                0);
      return;
    }
    ASSERT_EQ(::setsockopt(socket_.descriptor(), SOL_UDP, UDP_NO_CHECK6_TX,
                           &refuse, sizeof(refuse)),
              0);
    peer_.Set(SOL_UDP, UDP_NO_CHECK6_RX, 1);
  }

  void ExpectAllArrive() {
    for (const Octets& octets : sent_) {
      const auto datagram = peer_.Receive();
      ASSERT_EQ(datagram.octets, octets);
      EXPECT_EQ(datagram.from, socket_.at());
    }
    EXPECT_TRUE(peer_.HasNothing());
  }

  std::uint64_t trains() const { return stats_.of(Count::kWireTrainsSent); }

  std::uint64_t calls() const { return stats_.of(Count::kWireSendCalls); }

  UdpSocket socket_;
  PlainPeer peer_;
  SocketAddress to_;
  std::deque<Octets> sent_;
  WorkerStats stats_;
};

TEST_P(UdpSenderTest, SendsAFullBatchAsOneTrainInOneCall) {
  UdpSender sender(socket_);
  for (std::size_t i = 0; i < 43; ++i) {
    Add(sender, 1400);
  }
  Add(sender, 600);
  sender.Flush(stats_);
  ExpectAllArrive();
  EXPECT_EQ(calls(), 1U);
  EXPECT_EQ(trains(), 1U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 44U);
}

TEST_P(UdpSenderTest, TrainsEndWhereTheSizeSaysSo) {
  peer_.Set(SOL_UDP, UDP_GRO, 1);
  UdpSender sender(socket_);
  // Two equal ones and a shorter end; a longer one; three that shrink.
  for (const std::size_t size :
       std::vector<std::size_t>{500, 500, 200, 700, 700, 300, 200, 100}) {
    Add(sender, size);
  }
  sender.Flush(stats_);
  const auto next = [this] {
    const auto message = peer_.Receive();
    return std::pair(message.octets.size(), message.segment);
  };
  EXPECT_EQ(next(), std::pair(std::size_t{1200}, 500));
  EXPECT_EQ(next(), std::pair(std::size_t{1700}, 700));
  EXPECT_EQ(next(), std::pair(std::size_t{300}, 200));
  EXPECT_TRUE(peer_.HasNothing());
  EXPECT_EQ(calls(), 1U);
  EXPECT_EQ(trains(), 3U);
}

// The octets of a whole train must fit one IP packet's length field.
TEST_P(UdpSenderTest, TrainsAreNoLongerThanAnIpPacket) {
  UdpSender sender(socket_);
  for (std::size_t i = 0; i < UdpSender::kMost; ++i) {
    Add(sender, 4000);
  }
  sender.Flush(stats_);
  ExpectAllArrive();
  EXPECT_EQ(trains(), 4U);
  EXPECT_EQ(calls(), 1U);
}

TEST_P(UdpSenderTest, TheSmallestDatagramsFillATrainToItsLimit) {
  UdpSender sender(socket_);
  for (std::size_t i = 0; i < UdpSender::kMost; ++i) {
    Add(sender, 8);
  }
  sender.Flush(stats_);
  ExpectAllArrive();
  EXPECT_EQ(trains(), 1U);
}

// DEF-36 (wireguard-go 052af4a): what differs in DSCP or ECN never shares a
// header.
TEST_P(UdpSenderTest, ATrainHasOneTrafficClass) {
  UdpSender sender(socket_);
  for (const int traffic_class : {0, 0, 3, 3, 0xb8, 0}) {
    Add(sender, 300, static_cast<std::uint8_t>(traffic_class));
  }
  sender.Flush(stats_);
  std::vector<int> classes;
  for (const Octets& octets : sent_) {
    const auto datagram = peer_.Receive();
    EXPECT_EQ(datagram.octets, octets);
    classes.push_back(datagram.traffic_class);
  }
  EXPECT_THAT(classes, ElementsAre(0, 0, 3, 3, 0xb8, 0));
  EXPECT_EQ(trains(), 2U);
}

TEST_P(UdpSenderTest, ATrainHasOneReceiver) {
  const PlainPeer other(GetParam());
  const SocketAddress to_other(other.at());
  UdpSender sender(socket_);
  Add(sender, 300);
  const Octets elsewhere = Esp(99, 300);
  sender.Add({.octets = elsewhere, .to = &to_other});
  Add(sender, 300);
  sender.Flush(stats_);
  EXPECT_EQ(other.Receive().octets, elsewhere);
  ExpectAllArrive();
  EXPECT_EQ(trains(), 0U);
  EXPECT_EQ(calls(), 1U);
}

TEST_P(UdpSenderTest, GoesOnOneByOneWhereTheKernelTakesNoTrains) {
  RefuseTrains(1);
  LogLines log;
  UdpSender sender(socket_);
  EXPECT_TRUE(sender.SendsTrainsTo(to_));
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size :
         std::vector<std::size_t>{400, 400, 100, 500, 500, 500}) {
      Add(sender, size);
    }
    sender.Flush(stats_);
  }
  ExpectAllArrive();
  EXPECT_FALSE(sender.SendsTrainsTo(to_));
  EXPECT_EQ(trains(), 0U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsSent), 18U);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("udp_segmentation_is_off")));
  // The later rounds try no train: one call each, two for what was left of the
  // first.
  EXPECT_EQ(calls(), (1U + 3U) + (1U + 3U) + 1U + 1U);
}

// The way to one peer may lead through a device that can have no trains.
TEST_P(UdpSenderTest, OtherPeersKeepTheirTrainsWhereOneCanHaveNone) {
  const PlainPeer other(GetParam());
  const SocketAddress to_other(other.at());
  UdpSender sender(socket_);
  RefuseTrains(1);
  Add(sender, 300);
  Add(sender, 300);
  sender.Flush(stats_);
  RefuseTrains(0);
  const Octets elsewhere = Esp(99, 300);
  for (int i = 0; i < 2; ++i) {
    sender.Add({.octets = elsewhere, .to = &to_other});
  }
  Add(sender, 300);
  Add(sender, 300);
  sender.Flush(stats_);
  ExpectAllArrive();
  EXPECT_FALSE(sender.SendsTrainsTo(to_));
  EXPECT_TRUE(sender.SendsTrainsTo(to_other));
  EXPECT_EQ(trains(), 1U);
  EXPECT_EQ(other.Receive().octets, elsewhere);
  EXPECT_EQ(other.Receive().octets, elsewhere);
}

TEST_P(UdpSenderTest, WhatIsTooLargeIsDroppedByNameAndTheRestGoes) {
  UdpSender sender(socket_);
  Add(sender, 300);
  const Octets huge = Esp(7, 65'520);
  sender.Add({.octets = huge, .to = &to_});
  Add(sender, 300);
  sender.Flush(stats_);
  ExpectAllArrive();
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  EXPECT_TRUE(sender.SendsTrainsTo(to_));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, UdpSenderTest,
                         testing::Values(IpFamily::kV4, IpFamily::kV6),
                         [](const auto& test) {
                           return test.param == IpFamily::kV4 ? "V4" : "V6";
                         });

}  // namespace
}  // namespace postern
