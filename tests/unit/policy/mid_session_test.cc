// SPDX-License-Identifier: Apache-2.0
//
// A change of levels while a worker is deciding: when the change is confirmed,
// that is after one grace period, every later packet obeys it (docs/semantics.md
// section 4). Meant for tsan, too.

#include <atomic>
#include <cstddef>
#include <thread>
#include <variant>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{11};
constexpr int kRounds = 40;

class MidSession : public PolicyWorld {
 protected:
  // Decides packet after packet until told to stop. While `strict` is true no
  // packet may leave in clear.
  class Worker {
   public:
    explicit Worker(MidSession& world)
        : thread_([this, &world] { Run(world); }) {
      while (decided_.load() == 0) {
        std::this_thread::yield();
      }
    }

    ~Worker() {
      stop_ = true;
      thread_.join();
    }

    void SetStrict(bool on) { strict_ = on; }

    int leaks() const { return leaks_.load(); }

    // Waits until the worker has begun and ended a packet.
    void AwaitAnotherPacket() const {
      const std::size_t before = decided_.load();
      while (decided_.load() < before + 2) {
        std::this_thread::yield();
      }
    }

   private:
    void Run(MidSession& world) {
      RcuReader reader;
      FlowResolver flows(
          {world.system_, world.sockets_, world.kernel_, world.stats_}, 64);
      OutboundPolicy outbound(world.sadb_, flows);
      const Octets packet = ToPeer().Tcp(80, 4711, kAck);
      while (!stop_.load()) {
        const bool strict = strict_.load();
        outbound.BeginBatch();
        const Decision decision =
            outbound.Decide(*IpView::Parse(packet), Owner(), world.now_);
        if (strict && std::holds_alternative<Bypass>(decision)) {
          ++leaks_;
        }
        reader.Quiescent();
        ++decided_;
      }
    }

    std::atomic<bool> stop_ = false;
    std::atomic<bool> strict_ = false;
    std::atomic<int> leaks_ = 0;
    std::atomic<std::size_t> decided_ = 0;
    std::thread thread_;
  };

  void SetUp() override { kernel_.Open(KeyOf(IpProtocol::kTcp), kSocket); }
};

TEST_F(MidSession, NoPacketIsClearOnceAHigherLevelIsConfirmed) {  // API-30
  Worker worker(*this);
  for (int round = 0; round < kRounds; ++round) {
    SetSocket(kSocket, Category::kAh, Level::kRequire);
    RcuSynchronize();
    worker.SetStrict(true);
    worker.AwaitAnotherPacket();
    worker.SetStrict(false);
    worker.AwaitAnotherPacket();
    SetSocket(kSocket, Category::kAh, Level::kNone);
  }
  EXPECT_EQ(worker.leaks(), 0);
}

TEST_F(MidSession, NoPacketIsClearOnceAHigherRouteIsConfirmed) {  // API-31
  LevelSet levels;
  levels.Set(Category::kEspTransport, Level::kUse);
  Worker worker(*this);
  for (int round = 0; round < kRounds; ++round) {
    SetRoutes({DefaultRoute(levels)});
    worker.SetStrict(true);
    worker.AwaitAnotherPacket();
    worker.SetStrict(false);
    worker.AwaitAnotherPacket();
    SetRoutes({});
  }
  EXPECT_EQ(worker.leaks(), 0);
}

TEST_F(MidSession, NoPacketUsesAnSaThatWasDeleted) {  // API-30, under asan
  SetSocket(kSocket, Category::kAh, Level::kRequire);
  Worker worker(*this);
  worker.SetStrict(true);
  for (int round = 0; round < kRounds; ++round) {
    const SaIdentity identity =
        AddOutbound(Category::kAh).parameters().identity();
    worker.AwaitAnotherPacket();
    ASSERT_TRUE(sadb_.Delete(identity).ok());
    RcuBarrier();  // now its memory is gone, too
    worker.AwaitAnotherPacket();
  }
  EXPECT_EQ(worker.leaks(), 0);
}

}  // namespace
}  // namespace postern
