// SPDX-License-Identifier: Apache-2.0
//
// A pair of lanes whose TUN and wire are socket pairs, a packet a message: the
// test is the host at the far end of the one and the network at that of the other.
//
// Thread safety: Control-confined.

#ifndef POSTERN_TESTS_DAEMON_LANE_PAIR_WORLD_H_
#define POSTERN_TESTS_DAEMON_LANE_PAIR_WORLD_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "control/deadline.h"
#include "control/seqpacket.h"
#include "core/bytes.h"
#include "core/net/checksum.h"
#include "core/rcu.h"
#include "daemon/lane_pair.h"
#include "tests/support/fake_socket_owner.h"

namespace postern {

// A port with a descriptor to wait on: one end of a socket pair, a packet a
// message.
class SocketPort : public PacketPort {
 public:
  // Of one whose descriptor has an error; kGoneUntold: whose end it tells nobody.
  enum class Fate : std::uint8_t { kGone, kGoesOn, kGoneUntold };

  explicit SocketPort(UniqueFd fd) : fd_(std::move(fd)) {}

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    std::size_t received = 0;
    std::array<std::uint8_t, 2048> room{};
    if (due_ && MonotonicNow() >= due_->first) {
      batch.Push(pool.Copy(due_->second));
      due_.reset();
      ++received;
    }
    while (!batch.full()) {
      const ssize_t size =
          ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (size <= 0) {
        break;
      }
      Packet packet =
          pool.Copy(ConstBytes(room).first(static_cast<std::size_t>(size)));
      if (!packet) {
        stats.Drop(DropReason::kPoolEmpty);
        break;
      }
      batch.Push(std::move(packet));
      ++received;
    }
    return received;
  }

  void Send(Batch& batch, WorkerStats& stats) override {
    for (Packet& packet : batch) {
      const ConstBytes octets = std::as_const(packet).bytes();
      if (::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) < 0) {
        stats.Drop(DropReason::kPortRefused);
      }
      packet.Release();
    }
    batch.Clear();
  }

  std::size_t mtu() const override { return 1500; }

  int descriptor() const override { return fd_.get(); }

  bool IsGone(DescriptorState state) override {
    return fate_ == Fate::kGoneUntold ||
           (state == DescriptorState::kError && fate_ == Fate::kGone);
  }

  std::optional<Instant> NextDeadline() const override {
    return due_ ? std::optional(due_->first) : std::nullopt;
  }

  // What IsGone() says of an error. Thread-safe.
  void set_fate(Fate fate) { fate_ = fate; }

  // A packet comes at that time by itself: the descriptor does not tell.
  // REQUIRES: nobody uses the port yet.
  void BringAt(Instant when, std::vector<std::uint8_t> packet) {
    due_.emplace(when, std::move(packet));
  }

 private:
  UniqueFd fd_;
  std::atomic<Fate> fate_{Fate::kGone};
  std::optional<std::pair<Instant, std::vector<std::uint8_t>>> due_;
};

struct SocketEnds {
  std::unique_ptr<SocketPort> port;
  UniqueFd far;
};

inline SocketEnds MakeEnds() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()),
            0);
  return {std::make_unique<SocketPort>(UniqueFd(fds[0])), UniqueFd(fds[1])};
}

// A UDP datagram 10.9.0.1:9 > 10.9.0.<to>:9 with a correct IPv4 header.
inline std::vector<std::uint8_t> Datagram(std::uint8_t to = 2,
                                          std::uint32_t number = 0x01020304) {
  std::vector<std::uint8_t> packet = {
      0x45, 0, 0, 32, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 9, 0, 1,
      10,   9, 0, to, 0, 9, 0,    9, 0,  12, 0, 0, 0,  0, 0, 0};
  StoreBe<std::uint16_t>(Bytes(packet).subspan(10),
                         InternetChecksum(ConstBytes(packet).first(20)));
  StoreBe<std::uint32_t>(Bytes(packet).subspan(28), number);
  return packet;
}

// Until it is true; false if that takes 10 s.
template <typename Condition>
bool Comes(const Condition& condition) {
  const Deadline deadline = Deadline::AfterMilliseconds(10'000);
  while (!condition()) {
    if (deadline.remaining_ms() <= 0) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

inline void Put(const UniqueFd& end, const std::vector<std::uint8_t>& packet) {
  ASSERT_EQ(::send(end.get(), packet.data(), packet.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(packet.size()));
}

// The next packet there; empty if none comes for 10 s.
inline std::vector<std::uint8_t> Await(const UniqueFd& end) {
  EXPECT_EQ(WaitFor(end.get(), POLLIN, Deadline::AfterMilliseconds(10'000)), 0);
  std::vector<std::uint8_t> room(2048);
  const ssize_t size =
      ::recv(end.get(), room.data(), room.size(), MSG_DONTWAIT);
  room.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return room;
}

class LanePairWorld : public ::testing::Test {
 protected:
  void SetUp() override {
    auto events = WorkerEvents::Create();
    ASSERT_TRUE(events.ok());
    events_ = std::move(*events);
    sadb_ = std::make_unique<Sadb>(*events_);
  }

  void TearDown() override {
    pair_.reset();
    RcuBarrier();
  }

  void Start(const LanePair::Threads& threads,
             Duration hold = std::chrono::milliseconds(50)) {
    auto pair =
        LanePair::Start({.outbound = MakeLane(Direction::kOutbound, hold),
                         .inbound = MakeLane(Direction::kInbound, hold)},
                        threads, [this] { ++failures_; });
    ASSERT_TRUE(pair.ok());
    pair_ = std::move(*pair);
  }

  std::uint64_t Counted(Direction way, Count count) const {
    return pair_->lane(way).stats().of(count);
  }

  // The number is told after the packets have left.
  void ExpectCarried(std::size_t worker, Direction way, std::uint64_t packets) {
    const Worker& its = *pair_->workers().at(worker);
    EXPECT_TRUE(Comes([&] { return its.carried(way) >= packets; }));
    EXPECT_EQ(its.carried(way), packets);
  }

  // The far ends: where the host, and the network, puts and finds packets.
  UniqueFd& tun() { return tun_.far; }

  UniqueFd& wire() { return wire_.far; }

  SocketPort& tun_port() { return *tun_.port; }

  SocketPort& wire_port() { return *wire_.port; }

  std::unique_ptr<WorkerEvents> events_;
  std::unique_ptr<Sadb> sadb_;
  SystemPolicy system_;
  Acquires acquires_{nullptr};
  std::atomic<int> failures_{0};
  std::unique_ptr<LanePair> pair_;

 private:
  std::unique_ptr<Lane> MakeLane(Direction direction, Duration hold) {
    const bool out = direction == Direction::kOutbound;
    return std::make_unique<Lane>(
        Lane::Parts{.direction = direction,
                    .entrance = out ? *tun_.port : *wire_.port,
                    .exit = out ? *wire_.port : *tun_.port,
                    .sadb = *sadb_,
                    .system = system_,
                    .sockets = sockets_,
                    .raw = raw_,
                    .acquires = acquires_,
                    .arrivals = arrivals_,
                    .events = *events_,
                    .owner = std::make_unique<FakeSocketOwner>(),
                    .hold = {.time = hold}});
  }

  SocketEnds tun_ = MakeEnds();
  SocketEnds wire_ = MakeEnds();
  SocketTable sockets_;
  RawSockets raw_;
  UnownedArrivals arrivals_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_DAEMON_LANE_PAIR_WORLD_H_
