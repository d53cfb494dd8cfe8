// SPDX-License-Identifier: Apache-2.0

#include "daemon/worker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "control/deadline.h"
#include "control/seqpacket.h"
#include "core/log/log.h"
#include "core/net/checksum.h"
#include "core/rcu.h"
#include "tests/support/fake_socket_owner.h"

namespace postern {
namespace {

// A port with a descriptor to wait on: one end of a socket pair, a packet a
// message.
class SocketPort : public PacketPort {
 public:
  explicit SocketPort(UniqueFd fd) : fd_(std::move(fd)) {}

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    std::size_t received = 0;
    std::array<std::uint8_t, 2048> room{};
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

 private:
  UniqueFd fd_;
};

struct Pair {
  std::unique_ptr<SocketPort> port;
  UniqueFd far;
};

Pair MakePair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()),
            0);
  return {std::make_unique<SocketPort>(UniqueFd(fds[0])), UniqueFd(fds[1])};
}

// A UDP datagram 10.9.0.1:9 > 10.9.0.<to>:9 with a correct IPv4 header.
std::vector<std::uint8_t> Datagram(std::uint8_t to = 2) {
  std::vector<std::uint8_t> packet = {
      0x45, 0, 0, 32, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 9, 0, 1,
      10,   9, 0, to, 0, 9, 0,    9, 0,  12, 0, 0, 1,  2, 3, 4};
  StoreBe<std::uint16_t>(Bytes(packet).subspan(10),
                         InternetChecksum(ConstBytes(packet).first(20)));
  return packet;
}

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto events = WorkerEvents::Create();
    ASSERT_TRUE(events.ok());
    events_ = std::move(*events);
    sadb_ = std::make_unique<Sadb>(*events_);
  }

  void TearDown() override { RcuBarrier(); }

  std::unique_ptr<Lane> MakeLane(
      Direction direction, Duration hold = std::chrono::milliseconds(50)) {
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

  std::unique_ptr<Worker> Start(Worker::Lanes lanes,
                                BusyPoll busy_poll = BusyPoll(Duration(0))) {
    auto worker = Worker::Start(std::move(lanes), busy_poll,
                                [this] { failed_.store(true); });
    EXPECT_TRUE(worker.ok());
    return worker.ok() ? std::move(*worker) : nullptr;
  }

  std::unique_ptr<Worker> Start(Direction direction,
                                Duration hold = std::chrono::milliseconds(50)) {
    Worker::Lanes lanes;
    lanes.push_back(MakeLane(direction, hold));
    return Start(std::move(lanes));
  }

  static std::vector<std::uint8_t> Await(int fd) {
    EXPECT_EQ(WaitFor(fd, POLLIN, Deadline::AfterMilliseconds(10'000)), 0);
    std::vector<std::uint8_t> room(2048);
    const ssize_t size = ::recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    room.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return room;
  }

  static void Put(int fd, const std::vector<std::uint8_t>& packet) {
    ASSERT_EQ(::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }

  void DemandAh() {
    Route everything;
    everything.prefix = IpPrefix::Parse("0.0.0.0/0").value();
    everything.levels.Set(Category::kAh, Level::kRequire);
    system_.Replace(RouteTable::Create({everything}).value());
  }

  static const WorkerStats& StatsOf(const Worker& worker,
                                    std::size_t lane = 0) {
    return worker.lanes().at(lane)->stats();
  }

  static void AwaitDrop(const Worker& worker, DropReason reason) {
    const Deadline deadline = Deadline::AfterMilliseconds(10'000);
    while (StatsOf(worker).of(reason) == 0 && deadline.remaining_ms() > 0) {
      std::this_thread::yield();
    }
    EXPECT_EQ(StatsOf(worker).of(reason), 1u);
  }

  AcquireId AwaitAcquire() {
    const Deadline deadline = Deadline::AfterMilliseconds(10'000);
    while (acquires_.size() == 0 && deadline.remaining_ms() > 0) {
      std::this_thread::yield();
    }
    const std::vector<Acquire> all = acquires_.List();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? AcquireId{} : all[0].id;
  }

  Pair tun_ = MakePair();
  Pair wire_ = MakePair();
  std::unique_ptr<WorkerEvents> events_;
  std::unique_ptr<Sadb> sadb_;
  SystemPolicy system_;
  SocketTable sockets_;
  RawSockets raw_;
  Acquires acquires_{nullptr};
  UnownedArrivals arrivals_;
  std::atomic<bool> failed_{false};
};

TEST_F(WorkerTest, CarriesClearPacketsBothWaysWhenNothingIsDemanded) {
  const auto outbound = Start(Direction::kOutbound);
  const auto inbound = Start(Direction::kInbound);
  for (int i = 0; i < 200; ++i) {
    Put(tun_.far.get(), Datagram());
    EXPECT_EQ(Await(wire_.far.get()), Datagram());
    Put(wire_.far.get(), Datagram());
    EXPECT_EQ(Await(tun_.far.get()), Datagram());
  }
  EXPECT_EQ(StatsOf(*outbound).of(Count::kOutboundClear), 200u);
  EXPECT_EQ(StatsOf(*inbound).of(Count::kInboundClear), 200u);
  EXPECT_EQ(StatsOf(*outbound).of(DropReason::kForgotten), 0u);
}

TEST_F(WorkerTest, CarriesBothWaysInOneThread) {
  Worker::Lanes lanes;
  lanes.push_back(MakeLane(Direction::kOutbound));
  lanes.push_back(MakeLane(Direction::kInbound));
  auto worker = Start(std::move(lanes));
  for (int i = 0; i < 200; ++i) {
    Put(tun_.far.get(), Datagram());
    EXPECT_EQ(Await(wire_.far.get()), Datagram());
    Put(wire_.far.get(), Datagram());
    EXPECT_EQ(Await(tun_.far.get()), Datagram());
  }
  EXPECT_EQ(StatsOf(*worker, 0).of(Count::kOutboundClear), 200u);
  EXPECT_EQ(StatsOf(*worker, 1).of(Count::kInboundClear), 200u);
  wire_.far.reset();
  const Deadline deadline = Deadline::AfterMilliseconds(10'000);
  while (!failed_.load() && deadline.remaining_ms() > 0) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(failed_.load());
}

// Questions and answers, so that looking pays all the time.
TEST_F(WorkerTest, CarriesWhatItLooksForBeforeItSleeps) {
  Worker::Lanes lanes;
  lanes.push_back(MakeLane(Direction::kOutbound));
  lanes.push_back(MakeLane(Direction::kInbound));
  auto worker =
      Start(std::move(lanes), BusyPoll(std::chrono::milliseconds(20)));
  for (int i = 0; i < 200; ++i) {
    Put(tun_.far.get(), Datagram());
    EXPECT_EQ(Await(wire_.far.get()), Datagram());
    Put(wire_.far.get(), Datagram());
    EXPECT_EQ(Await(tun_.far.get()), Datagram());
  }
  // While it looks it can still be prodded, and ended.
  DemandAh();
  Put(tun_.far.get(), Datagram());
  const AcquireId id = AwaitAcquire();
  ASSERT_TRUE(acquires_.Refuse(id, MonotonicNow()).ok());
  worker->Prod();
  AwaitDrop(*worker, DropReason::kAcquireRefused);
  worker.reset();
  EXPECT_FALSE(failed_.load());
}

// API-31: when the change has returned, every later packet obeys it.
TEST_F(WorkerTest, ObeysANewRouteTableAtOnce) {
  const auto worker = Start(Direction::kOutbound);
  Put(tun_.far.get(), Datagram());
  EXPECT_EQ(Await(wire_.far.get()), Datagram());
  Route discard;
  discard.prefix = IpPrefix(*IpAddress::Parse("10.9.0.2"), 32);
  discard.verdict = Route::Verdict::kDiscard;
  auto table = RouteTable::Create({discard});
  ASSERT_TRUE(table.ok());
  system_.Replace(std::move(*table));
  Put(tun_.far.get(), Datagram());
  // What is sent behind it, to somebody else, is what arrives next.
  Put(tun_.far.get(), Datagram(3));
  EXPECT_EQ(Await(wire_.far.get()), Datagram(3));
  EXPECT_EQ(StatsOf(*worker).of(DropReason::kDiscardRoute), 1u);
}

// Nothing else wakes the worker: not the packet's time, not the SA.
TEST_F(WorkerTest, DropsWhatHasWaitedTooLong) {
  DemandAh();
  const auto worker = Start(Direction::kOutbound);
  Put(tun_.far.get(), Datagram());
  AwaitDrop(*worker, DropReason::kNoSa);
}

TEST_F(WorkerTest, DropsWhatWasRefusedOnceItIsProdded) {
  DemandAh();
  const auto worker = Start(Direction::kOutbound, std::chrono::hours(1));
  Put(tun_.far.get(), Datagram());
  const AcquireId id = AwaitAcquire();
  ASSERT_TRUE(acquires_.Refuse(id, MonotonicNow()).ok());
  worker->Prod();
  AwaitDrop(*worker, DropReason::kAcquireRefused);
}

TEST_F(WorkerTest, SendsWhatHasItsSaOnceItIsProdded) {  // API-14
  DemandAh();
  const auto worker = Start(Direction::kOutbound, std::chrono::hours(1));
  Put(tun_.far.get(), Datagram());
  AwaitAcquire();
  SaParameters sa;
  sa.protocol = IpsecProtocol::kAh;
  sa.spi = Spi{0x1001};
  sa.source = *IpAddress::Parse("10.9.0.1");
  sa.destination = *IpAddress::Parse("10.9.0.2");
  sa.integrity = Integrity::kHmacSha2_256_128;
  sa.integrity_key = SecretBytes(std::vector<std::uint8_t>(32, 7));
  ASSERT_TRUE(sadb_->Add(sa, {}, MonotonicNow()).ok());
  worker->Prod();
  EXPECT_EQ(Await(wire_.far.get()).at(9), 51);
}

TEST_F(WorkerTest, SendsWhatTheHostItselfHasToSay) {
  const auto worker = Start(Direction::kOutbound);
  worker->Emit(Datagram());
  EXPECT_EQ(Await(wire_.far.get()), Datagram());
  EXPECT_EQ(StatsOf(*worker).of(Count::kOutboundPackets), 0u);
}

// DEF-04
TEST_F(WorkerTest, EndsWhileItWaitsAndWhileItIsBusy) {
  Start(Direction::kOutbound).reset();
  auto worker = Start(Direction::kOutbound);
  for (int i = 0; i < 50; ++i) {
    Put(tun_.far.get(), Datagram());
  }
  worker.reset();
  EXPECT_FALSE(failed_.load());
}

// DEF-04
TEST_F(WorkerTest, SaysWhenItsEntranceIsGone) {
  auto worker = Start(Direction::kOutbound);
  tun_.far.reset();
  const Deadline deadline = Deadline::AfterMilliseconds(10'000);
  while (!failed_.load() && deadline.remaining_ms() > 0) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(failed_.load());
  worker.reset();
}

}  // namespace
}  // namespace postern
